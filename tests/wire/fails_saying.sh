#!/bin/sh
# fails_saying.sh STATUS TEXT COMMAND...: true if the command ends with that exit status and says
# the text (on stderr).
status=$1
text=$2
shift 2
said=$("$@" 2>&1 >/dev/null)
got=$?
printf '%s\n' "$said"
if [ $got -ne "$status" ]; then
    echo "exit status $got instead of $status" >&2
    exit 1
fi
case $said in
*"$text"*) ;;
*)
    echo "not said: $text" >&2
    exit 1
    ;;
esac
