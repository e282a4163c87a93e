# avrdude through the FTDI models, each with its own name for the adapter.
function(avrdude_ftdi name device programmer part low_fuse image)
  set(avrdude ${AVRDUDE} -qq -c ${programmer} -p ${part} ${ARGN})
  wire_test(avrdude_uses_${name} usb_rig
    --device ${device} --part ${part} --set fuse.low=${low_fuse}
    --expect-flash ${images}/${image} --expect-eeprom ${images}/small.eep
    --expect fuse.low=0xe2 --expect state=running --expect usb.failed=0
    --expect count.undefined=0 --expect count.sck-violations=0 --expect ftdi.bad-opcodes=0
    -- ${avrdude} -U flash:w:${images}/${image}:i -U eeprom:w:${images}/small.eep:i
       -U lfuse:w:0xe2:m
    -- ${avrdude} -B 10 -U flash:v:${images}/${image}:i -U eeprom:v:${images}/small.eep:i
       -U lfuse:v:0xe2:m)
endfunction()
avrdude_ftdi(an_ft232h ft232h ft232h m328p 0xff half.hex)
avrdude_ftdi(an_ft2232h_with_a_new_chip ft2232h ft2232h m328p 0x62 small.hex)
avrdude_ftdi(an_ft4232h ft4232h ft4232h m8 0xe4 small.hex)
avrdude_ftdi(an_ft2232d ft2232d avrftdi m328p 0xff small.hex -B 1)
avrdude_ftdi(a_2232hio_with_its_buffer 2232hio 2232hio m328p 0xff tiny.hex)
avrdude_ftdi(a_ktlink_with_its_buffers ktlink ktlink m328p 0xff tiny.hex)
avrdude_ftdi(an_ft232r ft232r ft232r m328p 0xff small.hex)
avrdude_ftdi(an_ft245r_with_a_tiny85 ft245r ft245r t85 0xe2 tiny.hex -B 10)
avrdude_ftdi(a_diecimila arduino-ft232r diecimila m328p 0xff tiny.hex)
avrdude_ftdi(a_ttl232r_cable ttl232r ttl232r m328p 0xff tiny.hex)
