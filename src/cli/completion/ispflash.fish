# Completion of ispflash for fish: what may stand where the program itself tells.
function __ispflash_words
    set -l words (commandline -opc)
    set -l current (commandline -ct)
    for line in ($words[1] completion words -- $words[2..-1] $current 2>/dev/null)
        if test "$line" = ':files'
            set -l cut (string match -r '^.*[:=]' -- $current)
            for file in (__fish_complete_path (string replace -r '^.*[:=]' '' -- $current))
                echo -- $cut$file
            end
        else
            echo -- $line
        end
    end
end
complete -c ispflash -f -a '(__ispflash_words)'
