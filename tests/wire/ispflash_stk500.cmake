# ispflash through the STK500v1 models and the real sketch: what it writes avrdude must find, and
# the reverse; and the traffic must be as it should.
set(ours $<TARGET_FILE:ispflash>)
set(clean --expect count.busy-violations=0 --expect count.undefined=0 --expect count.interrupted=0
          --expect board.overflows=0 --expect stk.unknown=0 --expect stk.no-sync=0
          --expect stk.crashes=0 --expect state=running)

foreach(port pty tty tcp)
  wire_test(ispflash_writes_and_verifies_flash_through_${port} stk500_rig
    --port ${port} --flash ${images}/full.hex --busy longest ${clean}
    --expect-flash ${images}/small.hex --expect op.erase=1 --expect op.write-page=16
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/small.hex:i
    -- ${avrisp} -p m328p -U flash:v:${images}/small.hex:i)

  wire_test(ispflash_reads_what_avrdude_wrote_through_${port} stk500_rig
    --port ${port} --expect-flash ${images}/half.hex ${clean} --expect op.erase=1
    -- ${avrisp} -p m328p -U flash:w:${images}/half.hex:i
    -- ${ours} -qq -c arduino_as_isp -P {port} -p m328p -U flash:r:{tmp}/read.hex:i
    -- ${avrisp} -p m328p -U flash:v:{tmp}/read.hex:i)

  wire_test(ispflash_writes_fuses_and_lock_through_${port} stk500_rig
    --port ${port} ${clean}
    --expect fuse.low=0xff --expect fuse.high=0xde --expect fuse.extended=0xfd --expect lock=0xcf
    -- ${ours} -qq -c stk500v1 -P {port} -b 19200 -p m328p -U lfuse:w:0xff:m -U hfuse:w:0xde:m
       -U efuse:w:0xfd:m -U lock:w:0xcf:m)

  wire_test(ispflash_writes_eeprom_pages_through_${port} stk500_rig
    --port ${port} --set fuse.low=0xff --busy longest ${clean}
    --expect-eeprom ${images}/kib.eep --expect op.write-eeprom-page=256
    --expect op.write-eeprom-byte=0
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U eeprom:w:${images}/kib.eep:i
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U eeprom:v:${images}/kib.eep:i)
endforeach()

# The port is found by its USB id, and named by it.
wire_test(ispflash_finds_the_only_board stk500_rig
  --port tty --expect-flash ${images}/tiny.hex ${clean}
  -- ${ours} -qq -c avrisp -p m328p -U flash:w:${images}/tiny.hex:i
  -- ${ours} -qq -c avrisp -P usb:2341:0043 -p m328p -U flash:v:${images}/tiny.hex:i)

foreach(baud 9600 57600 115200 1000000)
  wire_test(ispflash_finds_the_rate_of_${baud} stk500_rig
    --port tty --baud ${baud} --expect-flash ${images}/tiny.hex --expect count.busy-violations=0
    --expect board.overflows=0
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/tiny.hex:i)
endforeach()

wire_test(ispflash_writes_through_native_usb stk500_rig
  --port tty --native-usb --set fuse.low=0xff --busy longest ${clean}
  --expect-flash ${images}/small.hex --expect-eeprom ${images}/kib.eep
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/small.hex:i
     -U eeprom:w:${images}/kib.eep:i)

wire_test(ispflash_writes_beyond_128_kib stk500_rig
  --part m2560 --set fuse.low=0xff --expect-flash ${images}/large.hex ${clean}
  -- ${ours} -qq -c avrisp -P {port} -p m2560 -U flash:w:${images}/large.hex:i)

wire_test(ispflash_drives_an_stk500 stk500_rig
  --firmware stk500 --set fuse.low=0xff --expect stk.sequence-errors=0 ${clean}
  --expect-flash ${images}/small.hex --expect-eeprom ${images}/small.eep
  --expect fuse.high=0xde
  -- ${ours} -qq -c stk500v1 -P {port} -b 115200 -p m328p -U flash:w:${images}/small.hex:i
     -U eeprom:w:${images}/small.eep:i -U hfuse:w:0xde:m)

# No capacitor: opening resets the board, and its boot loader answers first, or nobody does.
foreach(baud 19200 57600 115200)
  wire_test(ispflash_waits_for_a_board_that_resets_into_a_loader_at_${baud} stk500_rig
    --port tty --bootloader ${baud} --expect-flash ${images}/tiny.hex
    --expect boot.pages=0 --expect board.resets=1 --expect count.busy-violations=0
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/tiny.hex:i)
endforeach()

wire_test(ispflash_reads_past_a_greeting stk500_rig
  --port tty --bootloader 115200 --chatter "ready." --expect boot.pages=0
  --expect-flash ${images}/tiny.hex
  -- ${ours} -qq -c avrisp -P {port} -b 19200 -p m328p -U flash:w:${images}/tiny.hex:i)

wire_test(ispflash_tells_a_boot_loader_from_a_programmer stk500_rig
  --firmware optiboot --port tty --status 8 --expect boot.pages=0 --expect flash.used=0
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/tiny.hex:i)

wire_test(ispflash_uploads_through_a_boot_loader stk500_rig
  --firmware optiboot --port tty --expect-flash ${images}/small.hex
  --expect boot.pages=16 --expect op.enable=0
  -- ${ours} -qq -c arduino -P {port} -b 115200 -p m328p -D -U flash:w:${images}/small.hex:i
  -- ${AVRDUDE} -qq -c arduino -P {port} -b 115200 -p m328p -U flash:v:${images}/small.hex:i)

wire_test(ispflash_finds_the_rate_of_a_boot_loader stk500_rig
  --firmware optiboot --baud 57600 --port tty --expect-flash ${images}/tiny.hex
  -- ${ours} -qq -c arduino -P {port} -p m328p -D -U flash:w:${images}/tiny.hex:i)

# The real sketch, in simavr.
foreach(port pty tty tcp)
  wire_test(ispflash_writes_and_verifies_flash_through_the_sketch_at_${port} arduinoisp_rig
    --sketch ${sketch} --port ${port} --flash ${images}/half.hex
    --expect-flash ${images}/small.hex --expect op.erase=1 --expect count.undefined=0
    --expect count.busy-violations=0 --expect count.sck-violations=0 --expect uno.overruns=0
    -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/small.hex:i
    -- ${avrisp} -p m328p -U flash:v:${images}/small.hex:i)
endforeach()

wire_test(ispflash_reads_what_avrdude_wrote_through_the_sketch arduinoisp_rig
  --sketch ${sketch} --expect-flash ${images}/small.hex
  -- ${avrisp} -p m328p -U flash:w:${images}/small.hex:i
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:r:{tmp}/read.hex:i
  -- ${avrisp} -p m328p -U flash:v:{tmp}/read.hex:i)

wire_test(ispflash_writes_fuses_lock_and_eeprom_through_the_sketch arduinoisp_rig
  --sketch ${sketch} --set fuse.low=0xff --expect-eeprom ${images}/small.eep
  --expect fuse.high=0xde --expect fuse.extended=0xfd --expect lock=0xcf
  --expect count.busy-violations=0 --expect uno.overruns=0
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U eeprom:w:${images}/small.eep:i
     -U hfuse:w:0xde:m -U efuse:w:0xfd:m -U lock:w:0xcf:m)

wire_test(ispflash_writes_through_the_bit_banged_sketch arduinoisp_rig
  --sketch ${sketch_soft} --expect-flash ${images}/tiny.hex --expect count.sck-violations=0
  --expect count.busy-violations=0
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/tiny.hex:i)

wire_test(ispflash_uploads_the_sketch_and_uses_it arduinoisp_rig
  --sketch ${sketch_115200} --bootloader ${optiboot} --port tty
  --expect-flash ${images}/tiny.hex
  -- ${ours} -qq -c arduino -P {port} -b 115200 -p m328p -D -U flash:w:${sketch}:i
  -- ${ours} -qq -c avrisp -P {port} -p m328p -U flash:w:${images}/tiny.hex:i)
if(TARGET arduinoisp_rig) # the board starts in real time: simavr must keep up
  set_tests_properties(wire_ispflash_uploads_the_sketch_and_uses_it PROPERTIES RUN_SERIAL ON)
endif()
