# avrdude through the STK500v1 models, by each of the ways in.
set(avrisp ${AVRDUDE} -qq -c stk500v1 -P {port} -b 19200)

foreach(port pty tty tcp)
  wire_test(avrdude_writes_and_verifies_flash_through_${port} stk500_rig
    --port ${port} --flash ${images}/full.hex
    --expect-flash ${images}/small.hex --expect op.erase=1 --expect count.undefined=0
    --expect fuse.low=0x62 --expect state=running
    -- ${avrisp} -p m328p -U flash:w:${images}/small.hex:i
    -- ${avrisp} -p m328p -U flash:v:${images}/small.hex:i)

  wire_test(avrdude_reads_flash_through_${port} stk500_rig
    --port ${port} --flash ${images}/half.hex --expect-flash ${images}/half.hex
    --expect op.erase=0 --expect op.write-page=0
    -- ${avrisp} -p m328p -U flash:r:{tmp}/read.hex:i
    -- ${AVRDUDE} -qq -c stk500v1 -P {port} -b 19200 -p m328p -U flash:v:{tmp}/read.hex:i)

  wire_test(avrdude_writes_fuses_and_lock_through_${port} stk500_rig
    --port ${port}
    --expect fuse.low=0xff --expect fuse.high=0xde --expect fuse.extended=0xfd --expect lock=0xcf
    --expect cpu-hz=16000000
    -- ${avrisp} -p m328p -U lfuse:w:0xff:m -U hfuse:w:0xde:m -U efuse:w:0xfd:m -U lock:w:0xcf:m)
endforeach()

wire_test(avrdude_finds_another_chip stk500_rig
  --part m32u4 --status 1 --expect op.erase=0 --expect op.write-fuse=0
  -- ${avrisp} -p m328p -U lfuse:w:0xff:m)

wire_test(avrdude_writes_beyond_128_kib stk500_rig
  --part m2560 --set fuse.low=0xff --expect-flash ${images}/large.hex
  --expect count.undefined-word-loaded-twice=0
  -- ${avrisp} -p m2560 -U flash:w:${images}/large.hex:i)

wire_test(avrdude_sees_a_locked_chip_differ stk500_rig
  --set lock=0xfc --flash ${images}/small.hex --status 1 --expect-min count.protected-reads=1
  -- ${avrisp} -p m328p -U flash:v:${images}/small.hex:i)

foreach(fault miso-open miso-low miso-high echo mosi-cut sck-cut reset-cut swapped no-power no-clock)
  wire_test(avrdude_gives_up_on_${fault} stk500_rig
    --fault ${fault} --status 1 --expect op.erase=0 --expect flash.used=0
    -- ${avrisp} -p m328p -U flash:w:${images}/small.hex:i)
endforeach()

# EEPROM: avrdude 7.1 gives the sketch byte addresses where it takes word addresses, so what it
# writes lies at twice the address; through an STK500 it lies where it should.
wire_test(avrdude_writes_eeprom_and_flash_through_an_stk500 stk500_rig
  --firmware stk500 --set fuse.low=0xff
  --expect-flash ${images}/small.hex --expect-eeprom ${images}/small.eep
  --expect fuse.high=0xde --expect count.undefined=0
  -- ${AVRDUDE} -qq -c stk500v1 -P {port} -b 115200 -p m328p -U flash:w:${images}/small.hex:i
     -U eeprom:w:${images}/small.eep:i -U hfuse:w:0xde:m)

wire_test(avrdude_uploads_through_a_boot_loader stk500_rig
  --firmware optiboot --port tty --expect-flash ${images}/small.hex
  --expect board.resets=2 --expect boot.pages=16 --expect op.enable=0
  -- ${AVRDUDE} -qq -c arduino -P {port} -b 115200 -p m328p -D -U flash:w:${images}/small.hex:i)

# The link's faults: the program fails, the rig sees to the chip.
wire_test(avrdude_gives_up_on_a_programmer_that_falls_silent stk500_rig
  --mute-after 300 --status 1 --expect op.erase=0
  -- ${avrisp} -p m328p -D -U flash:v:${images}/small.hex:i)

# What a rig expects it also checks.
foreach(wrong --expect=op.erase=1 --expect-min=op.read-signature=9 --expect-flash=${images}/tiny.hex
        --status=1)
  string(REGEX REPLACE "^--([a-z-]+)=.*" "\\1" option ${wrong})
  string(REGEX REPLACE "^--[a-z-]+=" "" value ${wrong})
  wire_test(rig_fails_if_${option}_does_not_hold stk500_rig --${option} ${value}
            -- ${avrisp} -p m328p)
  set_tests_properties(wire_rig_fails_if_${option}_does_not_hold PROPERTIES WILL_FAIL ON)
endforeach()
