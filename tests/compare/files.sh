#!/bin/sh
# The files that every line of lines.tsv finds in its folder.
#   files.sh FOLDER
set -eu
cd "$1"
printf ':0400000001020304F2\n:00000001FF\n' >four.hex
printf ':020000021000EC\n:020000000102FB\n:00000001FF\n' >segment.hex # beyond 64 KiB
printf ':020000020100FB\n:020000000102FB\n:00000001FF\n' >at1000.hex
printf ':020000040000FA\n:020000000102FB\n:00000001FF\n' >linear.hex
printf ';comment\n:0400000001020304F2 text behind\n\n:00000001FF\n' >comments.hex
printf ':0400000001020304F2\r\n:00000001FF\r\n' >crlf.hex
printf ':00000001FF\n' >nothing.hex
printf ':0400000001020304F3\n:00000001FF\n' >checksum.hex
printf ':0400000001020304F2\n' >cut.hex
printf ':0400000001020304F2\n:0100000005FA\n:00000001FF\n' >overlap.hex
printf ':020000040001F9\n:0400000001020304F2\n:00000001FF\n' >beyond.hex
printf ':02000004008179\n:03000000090807E5\n:00000001FF\n' >at810000.hex
printf ':0300050009080700\n:00000001FF\n' >bad.eep
printf ':03000500090807E0\n:00000001FF\n' >three.eep
printf 'S0030000FC\nS107000001020304EE\nS9030000FC\n' >four.srec
printf 'S20800000001020304ED\nS804000000FB\n' >four.s28
printf 'S3090000000001020304EC\nS70500000000FA\n' >four.s37
printf 'S107000001020304EF\nS9030000FC\n' >checksum.srec
printf '\001\002\003\004' >four.bin
printf '\001\002\003' >three.bin
printf '\001\377\003\377\377\377' >trailing.bin
printf 'hello\n' >text.txt
printf '1,2 ,3\n0x4 0b101 # five\n06' >numbers.txt
printf '0x62\n' >lfuse.txt
printf 'I,II,III,IV,0,CCLV' >roman.txt
awk 'BEGIN { for (i = 0; i < 32768; i++) printf "%c", 1 + i * 7 % 120 }' >full.bin
awk 'BEGIN { for (i = 0; i < 32769; i++) printf "%c", 65 }' >long.bin
awk 'BEGIN { for (i = 0; i < 300; i++) printf "%s%d", (i > 0 ? "," : ""), i * 3 % 256 }' >list300.txt
: >empty.bin
# What the chips hold before each line.
awk 'BEGIN { for (i = 0; i < 3001; i++) printf "%c", (i < 900 || i > 1900 ? 1 + i * 5 % 120 : 66) }' >preset.bin
awk 'BEGIN { for (i = 0; i < 40; i++) printf "%c", 1 + i * 11 % 120 }' >preset-eeprom.bin
