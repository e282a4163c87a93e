#!/bin/sh
# Debian's avrdude against a modelled USB programmer: writes and verifies flash, EEPROM and a fuse,
# then reads everything back in another run. Shows that the models are what they claim to be before
# anything of ours is judged by them.
#
# usage: avrdude_usb.sh USB_RIG DEVICE PROGRAMMER CHIP FUSES FLASH EEPROM [AVRDUDE-OPTION...]
# FUSES: what the chip begins with, hex; FLASH, EEPROM: how many bytes of them
set -eu
rig=$1 device=$2 programmer=$3 chip=$4 fuses=$5 flash_size=$6 eeprom_size=$7
shift 7
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cd "$work"

# Any bytes will do, as long as they are the same each time and no 64 KiB are like the next.
for i in 1 2 3 4 5 6 7 8 9; do
    printf '%s' "block $i"
    gzip -c1n "$rig"
done >bytes
head -c "$flash_size" bytes >flash
# (Not 0xff: avrdude lets a USBtiny poll for it, though a busy EEPROM reads as that.)
tail -c "$eeprom_size" bytes | LC_ALL=C tr '\377' '~' >eeprom
for file in flash:"$flash_size" eeprom:"$eeprom_size"; do
    [ "$(wc -c <"${file%:*}")" = "${file#*:}" ]
done

"$rig" --device "$device" --chip "$chip" --preset "fuses=$fuses" --report report \
    --dump flash=flash.chip --dump eeprom=eeprom.chip -- \
    avrdude -q -q -c "$programmer" -p "$chip" "$@" -U flash:w:flash:r -U eeprom:w:eeprom:r \
    -U lfuse:w:0xe2:m
cmp -n "$flash_size" flash flash.chip
cmp -n "$eeprom_size" eeprom eeprom.chip
grep -q '^fuse.low 0xe2$' report
grep -q '^state running$' report
# (Newer USBasp firmware sends Load Extended Address to chips that do not know it: op.unknown.)
if grep '^count.undefined-' report; then
    exit 1
fi

# Reading takes a memory whole; beyond 64 KiB a USBtiny would be at it for minutes.
[ "$flash_size" = "$(wc -c <flash.chip)" ] || exit 0
"$rig" --device "$device" --chip "$chip" --preset flash=@flash.chip --preset eeprom=@eeprom.chip \
    --preset fuses=e2 -- \
    avrdude -q -q -c "$programmer" -p "$chip" "$@" -U flash:r:flash.read:r \
    -U eeprom:r:eeprom.read:r -U lfuse:r:lfuse.read:h
cmp -n "$flash_size" flash flash.read
cmp -n "$eeprom_size" eeprom eeprom.read
[ "$(cat lfuse.read)" = 0xe2 ]
