# The terminal through the USB models.
set(terminal $<TARGET_FILE:ispflash> -qq -c usbasp -p m328p)

# A hundred bytes of one page, each written by itself, are one page on the chip and one round trip.
set(writes)
file(WRITE ${images}/fifty.txt "# the second half\n")
foreach(i RANGE 49)
  math(EXPR first "0x1000 + ${i}")
  math(EXPR second "0x1000 + 50 + ${i}")
  list(APPEND writes -T "write flash ${first} ${i}")
  file(APPEND ${images}/fifty.txt "write flash ${second} ${i}\n")
endforeach()
wire_test(ispflash_needs_one_page_write_for_a_hundred_bytes usb_rig
  --device usbasp-1.05 --set fuse.low=0xff
  --expect op.write-page=1 --expect op.erase=0 --expect usbasp.write-flash=1
  --expect count.busy-violations=0 --expect state=running
  -- ${terminal} -B 0.5 ${writes} -T "include ${images}/fifty.txt" -U flash:r:{tmp}/flash.bin:r)

# What a dump of all flash costs on the wire is what reading a file of it costs.
foreach(how dump=-T:dump_flash_0_-1 file=-U:flash!r!{tmp}/flash.bin!r)
  string(REGEX MATCH "^[a-z]+" name ${how})
  string(REGEX REPLACE "^[a-z]+=" "" words ${how})
  string(REPLACE ":" ";" words ${words})
  string(REPLACE "_" " " words "${words}")
  string(REPLACE "!" ":" words "${words}")
  wire_test(ispflash_reads_32_kib_for_a_${name} usb_rig
    --device usbasp-1.05 --set fuse.low=0xff --flash ${images}/full.hex
    --expect usbasp.read-flash=133 --expect usbasp.connect=1 --expect-max usbasp.transmit=40
    -- ${terminal} -B 0.5 ${words})
endforeach()

# A bit that must rise costs an erase; everything else, EEPROM and lock bits too, is there again.
wire_test(ispflash_keeps_all_else_when_a_bit_must_rise usb_rig
  --device usbasp-1.05 --set fuse.low=0xe2 --set lock=0xef --flash ${images}/half.hex
  --eeprom ${images}/small.eep --expect-flash ${images}/half.hex
  --expect-eeprom ${images}/small.eep --expect lock=0xef --expect op.erase=1
  --expect state=running
  -- ${terminal} --rescue-file {tmp}/copy.hex -T "write flash 0x7fff 0" -T flush
     -T "write flash 0x7fff 0xff")

# A programmer that goes away in the middle: RESET is let go by it, the message tells the chip's
# state, the exit status is that of a lost link.
foreach(step 12 20 26)
  wire_test(ispflash_ends_when_a_usbasp_goes_at_transfer_${step}_of_the_terminal usb_rig
    --device usbasp-1.05 --set fuse.low=0xff --usb-fault unplug=${step} --status 16
    --expect state=running
    -- ${terminal} -B 0.5 -T "dump eeprom 0 -1" -T "write flash 0 0x12 0x34" -T "dump flash 0 512"
       -T "config bodlevel=5")
endforeach()
