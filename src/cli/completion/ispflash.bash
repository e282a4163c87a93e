# Completion of ispflash for bash: what may stand where the program itself tells.
_ispflash()
{
    local line=${COMP_LINE:0:COMP_POINT} words=() current cut candidate candidates=()
    # shellcheck disable=SC2162 # a backslash holds a word together
    read -a words <<<"$line"
    case $line in *[[:blank:]]) words+=("") ;; esac
    current=${words[-1]}
    cut=
    # Bash has parted the word at these characters, if it parts words there.
    case $COMP_WORDBREAKS in *:*) [[ $current == *:* ]] && cut=${current%"${current##*:}"} ;; esac
    case $COMP_WORDBREAKS in
    *=*) [[ ${current#"$cut"} == *=* ]] && cut=${current%"${current##*[:=]}"} ;;
    esac
    mapfile -t candidates < <("$1" completion words -- "${words[@]:1}" 2>/dev/null)
    COMPREPLY=()
    for candidate in "${candidates[@]}"; do
        if [[ $candidate == :files ]]; then
            # As names of files they are quoted and folders get a slash, which words must not.
            [ ${#candidates[@]} -gt 1 ] || compopt -o filenames 2>/dev/null
            mapfile -t -O "${#COMPREPLY[@]}" COMPREPLY < <(compgen -f -- "${current##*[:=]}")
            continue
        fi
        candidate=${candidate%%$'\t'*}
        COMPREPLY+=("${candidate#"$cut"}")
        case $candidate in *[:=]) compopt -o nospace 2>/dev/null ;; esac
    done
}
complete -F _ispflash ispflash
