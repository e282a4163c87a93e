# avrdude through the USB models: writes and verifies flash, EEPROM and a fuse, reads the flash back
# and verifies what it read.
function(avrdude_usb name device programmer part low_fuse image)
  set(avrdude ${AVRDUDE} -qq -c ${programmer} -p ${part} ${ARGN})
  wire_test(avrdude_uses_${name} usb_rig
    --device ${device} --part ${part} --set fuse.low=${low_fuse}
    --expect-flash ${images}/${image} --expect-eeprom ${images}/small.eep
    --expect fuse.low=0xe2 --expect state=running --expect usb.failed=0
    --expect count.undefined-word-loaded-twice=0
    -- ${avrdude} -U flash:w:${images}/${image}:i -U eeprom:w:${images}/small.eep:i
       -U lfuse:w:0xe2:m
    -- ${avrdude} -U flash:v:${images}/${image}:i -U eeprom:v:${images}/small.eep:i
       -U lfuse:v:0xe2:m)
endfunction()
avrdude_usb(a_usbtiny usbtiny usbtiny m328p 0x62 full.hex)
avrdude_usb(a_usbtiny_with_a_tiny85 usbtiny usbtiny t85 0x62 tiny.hex -B 4)
avrdude_usb(an_arduinoisp arduinoisp arduinoisp m328p 0x62 full.hex)
avrdude_usb(a_usbtiny_beyond_64_kib usbtiny usbtiny usb1286 0xe2 beyond.hex -B 1)
avrdude_usb(a_usbasp_1_05 usbasp-1.05 usbasp m328p 0x62 full.hex -B 10)
avrdude_usb(a_usbasp_1_07 usbasp-1.07 usbasp m328p 0x62 full.hex)
avrdude_usb(a_usbasp_1_11_beyond_128_kib usbasp-1.11 usbasp m2560 0xe2 large.hex)
avrdude_usb(a_usbasp_that_cannot_set_sck usbasp-fixed usbasp m8 0xe4 small.hex)
avrdude_usb(a_usbasp_clone usbasp-clone usbasp-clone m328p 0x62 full.hex -B 10)

wire_test(avrdude_reads_through_a_usbtiny usb_rig
  --flash ${images}/half.hex --expect-flash ${images}/half.hex --expect op.write-page=0
  -- ${AVRDUDE} -qq -c usbtiny -p m328p -U flash:r:{tmp}/read.hex:i
  -- ${AVRDUDE} -qq -c usbtiny -p m328p -U flash:v:{tmp}/read.hex:i)
wire_test(avrdude_reads_through_a_usbasp usb_rig
  --device usbasp-1.05 --flash ${images}/half.hex --expect-flash ${images}/half.hex
  -- ${AVRDUDE} -qq -c usbasp -B 10 -p m328p -U flash:r:{tmp}/read.hex:i
  -- ${AVRDUDE} -qq -c usbasp -B 10 -p m328p -U flash:v:{tmp}/read.hex:i)

wire_test(avrdude_does_not_take_a_usbasp_clone_for_a_usbasp usb_rig
  --device usbasp-clone --status 1 --expect usb.transfers=0
  -- ${AVRDUDE} -qq -c usbasp -p m328p)
wire_test(avrdude_stops_when_a_usbtiny_is_unplugged usb_rig
  --usb-fault unplug=20 --status 1
  -- ${AVRDUDE} -qq -c usbtiny -p m328p -U flash:w:${images}/small.hex:i)
