#!/bin/sh
# picture.sh TITLE COMMAND [ARGUMENT ...]: runs the command in a terminal of its own and draws what
# it leaves on the screen as SVG on standard output. README.md's picture is made with it:
#   man/picture.sh 'ispflash ...' ispflash ... >man/ispflash.svg
set -eu
title=$1
shift
line=
for word in "$@"; do
    line="$line '$(printf '%s' "$word" | sed "s/'/'\\\\''/g")'"
done
TERM=xterm-256color script -qec "stty cols 96 2>/dev/null; $line" /dev/null </dev/null |
    awk -v title="$title" '
function escape(s) { gsub(/&/, "\\&amp;", s); gsub(/</, "\\&lt;", s); gsub(/>/, "\\&gt;", s); return s }
function span(style, s) { return s == "" ? "" : "<tspan class=\"" style "\">" escape(s) "</tspan>" }
# One line: what was overwritten after a carriage return is gone; colours become classes.
function draw(s,   parts, n, out, style, code, at) {
    sub(/\r+$/, "", s)
    n = split(s, parts, "\r")
    s = parts[n]
    out = ""; style = "c0"
    while ((at = match(s, /\033\[[0-9;]*[A-Za-z]/)) > 0) {
        out = out span(style, substr(s, 1, at - 1))
        code = substr(s, at + 2, RLENGTH - 2)
        if (substr(s, at + RLENGTH - 1, 1) == "m") {
            gsub(/[^0-9]+/, " ", code)
            style = code + 0 == 0 ? "c0" : "c" (code + 0)
        }
        s = substr(s, at + RLENGTH)
    }
    return out span(style, s)
}
# As a terminal wraps it, but between words.
function wrap(s,   cut) {
    while (length(s) > COLUMNS && s !~ /[\r\033]./) {
        for (cut = COLUMNS; substr(s, cut, 1) != " "; )
            cut--
        lines[++count] = draw(substr(s, 1, cut - 1))
        s = substr(s, cut + 1)
    }
    lines[++count] = draw(s)
}
BEGIN { COLUMNS = 100 }
{ wrap($0) }
END {
    height = (count + 1) * 19 + 54
    print "<svg xmlns=\"http://www.w3.org/2000/svg\" xml:space=\"preserve\" width=\"880\" height=\"" height "\">"
    print "<style>text{font:14px monospace;fill:#d8dee9;white-space:pre}.c1{font-weight:bold}" \
        ".c31{fill:#ff7b72}.c32{fill:#7ee787}.c33{fill:#f2cc60}.c36{fill:#79c0ff}.p{fill:#7ee787}</style>"
    print "<rect width=\"880\" height=\"" height "\" rx=\"8\" fill=\"#1b1f27\"/>"
    print "<text x=\"18\" y=\"34\"><tspan class=\"p\">$ </tspan>" span("c1", title) "</text>"
    for (i = 1; i <= count; i++)
        print "<text x=\"18\" y=\"" 34 + i * 19 "\">" lines[i] "</text>"
    print "</svg>"
}'
