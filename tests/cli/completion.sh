#!/bin/bash
# The completion script in a real bash: what a line becomes when Tab is pressed at its end.
#
#   typed LINE WORD...   completing LINE must offer each WORD, or nothing if there is none
set -u
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
ln -s "$program" "$work/ispflash"
cd "$work" || exit 1
PATH=$work:$PATH
export HOME=$work
unset XDG_CONFIG_HOME
printf '[job production]\npart = m8\n' >ispflash.conf
touch firmware.hex 'my file.hex'
failures=0

eval "$(ispflash completion bash)"

typed()
{
    local line=$1 word found
    shift
    COMP_LINE=$line
    COMP_POINT=${#line}
    _ispflash ispflash
    [ $# -gt 0 ] || [ ${#COMPREPLY[@]} = 0 ] || {
        echo "NOT AS WANTED: $line: offers ${COMPREPLY[*]}"
        failures=$((failures + 1))
    }
    for word in "$@"; do
        found=
        for reply in "${COMPREPLY[@]}"; do
            [ "$reply" = "$word" ] && found=yes
        done
        if [ -z "$found" ]; then
            echo "NOT AS WANTED: $line: \"$word\" is not among: ${COMPREPLY[*]}"
            failures=$((failures + 1))
        fi
    done
}

# As bash has it: a word ends at these.
COMP_WORDBREAKS=$' \t\n"\'><=;|&(:'
typed 'ispflash ' burn fuses write
typed 'ispflash bur' burn
typed 'ispflash -c usba' usbasp usbasp-clone
typed 'ispflash -cusba' -cusbasp
typed 'ispflash --programmer=usbt' usbtiny
typed 'ispflash --prog' --programmer= --progress=
typed 'ispflash --progress=' auto plain none
typed 'ispflash -p m328' m328p m328
typed 'ispflash -p ATmega328' ATmega328P
typed 'ispflash -U fl' flash:r: flash:w:
typed 'ispflash -p m328p -U flash:' r: w: v:
typed 'ispflash -p m8 -U lf' lfuse:w:
typed 'ispflash -p m8 -U ef'
typed 'ispflash -U flash:w:fi' firmware.hex
typed 'ispflash -U fi' firmware.hex
typed 'ispflash write flash my' 'my file.hex'
typed 'ispflash burn arduino-u' arduino-uno
typed 'ispflash -c buspirate -x spi' spifreq=
typed 'ispflash -c usbasp --allow debug' debugwire
typed 'ispflash fuses -p m328p BODL' BODLEVEL=
typed 'ispflash fuses -p m328p BODLEVEL=2' 2V7
typed 'ispflash run pro' production
typed 'ispflash help exit' exit-codes
typed 'ispflash completion f' fish
typed 'ispflash config ' show
typed 'ispflash --no-such='
typed 'ispflash nothing '
COMP_WORDBREAKS=$' \t\n'
typed 'ispflash -p m328p -U flash:' flash:r: flash:w:
typed 'ispflash --progress=p' --progress=plain

for shell in zsh fish; do
    ispflash completion "$shell" >script || failures=$((failures + 1))
    [ -s script ] || failures=$((failures + 1))
    command -v "$shell" >/dev/null || continue
    "$shell" -n script || failures=$((failures + 1))
done
ispflash completion csh 2>said && failures=$((failures + 1))
grep -q 'there are bash, fish and zsh' said || failures=$((failures + 1))

echo "$failures not as wanted"
[ "$failures" = 0 ]
