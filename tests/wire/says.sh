#!/bin/sh
# Runs a command and looks for lines in what it says.
#
#   says.sh STATUS PATTERN... : COMMAND...
#
# Ends with 0 if the command ends with STATUS and for each PATTERN (grep -E) a line of its standard
# output or standard error matches; of a pattern behind "!", none may.
wanted=$1
shift
patterns=
while [ "$1" != : ]; do
    patterns="$patterns$1
"
    shift
done
shift
said=$("$@" 2>&1)
status=$?
bad=0
if [ "$status" != "$wanted" ]; then
    echo "exit status $status, not $wanted"
    bad=1
fi
IFS='
'
for pattern in $patterns; do
    case $pattern in
    !*) printf '%s\n' "$said" | grep -Eq -e "${pattern#!}" && echo "said: ${pattern#!}" && bad=1 ;;
    *) printf '%s\n' "$said" | grep -Eq -e "$pattern" || { echo "not said: $pattern"; bad=1; } ;;
    esac
done
[ "$bad" = 0 ] || printf '%s\n' "$said"
exit "$bad"
