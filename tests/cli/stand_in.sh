#!/bin/sh
# Installs into a folder of its own and runs the program as avrdude from there, as an IDE would that
# was pointed at it.
#   stand_in.sh CMAKE BUILD-FOLDER
set -eu
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
"$1" --install "$2" --prefix "$work/prefix" >"$work/log"
tool=$(dirname "$(dirname "$(find "$work/prefix" -path '*/ispflash-avrdude/bin/avrdude')")")
cd "$work"
export HOME="$work"

wrong()
{
    echo "NOT AS WANTED: $*"
    cat out err
    exit 1
}

[ -x "$tool/bin/avrdude" ] || wrong "no avrdude in $tool/bin"
[ "$(readlink -f "$tool/bin/avrdude")" = "$(readlink -f "$work/prefix/bin/ispflash")" ] ||
    wrong "avrdude is no link to ispflash"
# Moving the whole tree keeps the link alive.
mv prefix elsewhere
tool=$work/elsewhere${tool#"$work/prefix"}
printf ':0400000001020304F2\n:00000001FF\n' >four.hex
"$tool/bin/avrdude" "-C$tool/etc/avrdude.conf" -v -patmega328p -cdryrun -Uflash:w:four.hex:i \
    >out 2>err || wrong "exit status $?"
grep -q 'bytes of flash verified' err || wrong "no word of the verify"
grep -q '^avrdude done\.  Thank you\.$' err || wrong "no farewell"
[ ! -s out ] || wrong "something on standard output"
status=0
"$tool/bin/avrdude" -c '?' >out 2>err || status=$?
[ "$status" = 1 ] || wrong "-c ? ends with $status"
grep -q '^usbasp ' err || wrong "-c ? lists no usbasp"
