#!/bin/sh
# answers.sh STATUS PATTERN... ++ COMMAND...
#
# Runs the command: its exit status has to be STATUS, and its standard output has to have a line that
# matches each pattern (grep -E).
status=$1
shift
patterns=$RIG_TMP/patterns
: >"$patterns"
while [ "$1" != ++ ]; do
    printf '%s\n' "$1" >>"$patterns"
    shift
done
shift
"$@" >"$RIG_TMP/out"
code=$?
cat "$RIG_TMP/out"
if [ "$code" != "$status" ]; then
    echo "exit status $code, not $status" >&2
    exit 1
fi
while IFS= read -r pattern; do
    if ! grep -Eq -e "$pattern" "$RIG_TMP/out"; then
        echo "standard output lacks: $pattern" >&2
        exit 1
    fi
done <"$patterns"
