# The real "Arduino as ISP" sketch in simavr. Nothing of it is in this tree: the target `firmware`
# fetches and compiles it, once for all presets. Without it these tests are skipped.
set(ISPFLASH_FIRMWARE_DIR ${CMAKE_SOURCE_DIR}/build/firmware CACHE PATH
    "Where build_firmware.sh leaves the programmers' firmware")
add_custom_target(firmware
  COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/build_firmware.sh ${ISPFLASH_FIRMWARE_DIR}
  VERBATIM)
set(sketch ${ISPFLASH_FIRMWARE_DIR}/arduino_isp.hex)
set(sketch_115200 ${ISPFLASH_FIRMWARE_DIR}/arduino_isp_115200.hex)
set(sketch_soft ${ISPFLASH_FIRMWARE_DIR}/arduino_isp_soft.hex)
set(optiboot ${ISPFLASH_FIRMWARE_DIR}/optiboot.hex)
set(avrisp ${AVRDUDE} -qq -c stk500v1 -P {port} -b 19200)

foreach(port pty tty tcp)
  wire_test(avrdude_writes_and_verifies_flash_through_the_sketch_at_${port} arduinoisp_rig
    --sketch ${sketch} --port ${port} --flash ${images}/half.hex
    --expect-flash ${images}/small.hex --expect op.erase=1 --expect count.undefined=0
    --expect count.sck-violations=0 --expect uno.overruns=0
    -- ${avrisp} -p m328p -U flash:w:${images}/small.hex:i)
endforeach()

wire_test(avrdude_reads_flash_through_the_sketch arduinoisp_rig
  --sketch ${sketch_115200} --flash ${images}/small.hex
  -- ${AVRDUDE} -qq -c stk500v1 -P {port} -b 115200 -p m328p -U flash:v:${images}/small.hex:i)

wire_test(avrdude_writes_fuses_and_lock_through_the_sketch arduinoisp_rig
  --sketch ${sketch}
  --expect fuse.low=0xff --expect fuse.high=0xde --expect fuse.extended=0xfd --expect lock=0xcf
  -- ${avrisp} -p m328p -U lfuse:w:0xff:m -U hfuse:w:0xde:m -U efuse:w:0xfd:m -U lock:w:0xcf:m)

wire_test(avrdude_writes_through_the_bit_banged_sketch arduinoisp_rig
  --sketch ${sketch_soft} --expect-flash ${images}/tiny.hex --expect count.sck-violations=0
  -- ${AVRDUDE} -qq -c stk500v1 -P {port} -b 115200 -p m328p -U flash:w:${images}/tiny.hex:i)

# An Uno with its boot loader: the sketch is uploaded as the Arduino IDE does it, then programs.
wire_test(avrdude_uploads_the_sketch_and_uses_it arduinoisp_rig
  --sketch ${sketch_115200} --bootloader ${optiboot} --port tty
  --expect-flash ${images}/tiny.hex --expect-min uno.resets=3
  -- ${AVRDUDE} -qq -c arduino -P {port} -b 115200 -p m328p -D -U flash:w:${sketch}:i
  -- stty -F {port} -hupcl # from here on opening the port resets nothing
  -- sleep 3
  -- ${avrisp} -p m328p -U flash:w:${images}/tiny.hex:i)

# The model answers what the firmware answers.
set(talk $<TARGET_FILE:talk> {port} ${CMAKE_CURRENT_SOURCE_DIR}/arduino_isp.talk)
set(talked --expect op.write-page=6 --expect op.erase=1 --expect count.reset-entries=4
           --expect count.undefined=0 --expect op.write-eeprom-byte=4 --expect fuse.high=0xde)
wire_test(sketch_model_talks_as_the_sketch stk500_rig ${talked} -- ${talk})
wire_test(sketch_talks_as_it_should arduinoisp_rig --sketch ${sketch} ${talked} -- ${talk})

set(window $<TARGET_FILE:talk> {port} ${CMAKE_CURRENT_SOURCE_DIR}/arduino_isp_window.talk)
wire_test(sketch_model_keeps_63_bytes stk500_rig --paced --expect board.overflows=1 -- ${window})
wire_test(sketch_keeps_63_bytes arduinoisp_rig --paced --sketch ${sketch} -- ${window})

set(resets $<TARGET_FILE:talk> {port} ${CMAKE_CURRENT_SOURCE_DIR}/board_resets.talk)
foreach(port pty tty)
  wire_test(sketch_model_comes_after_its_boot_loader_at_${port} stk500_rig
    --paced --port ${port} --baud 115200 --bootloader 115200
    --expect board.resets=1 --expect boot.pages=0 --expect boot.applications=2 -- ${resets})
endforeach()
wire_test(sketch_comes_after_its_boot_loader arduinoisp_rig
  --paced --port tty --sketch ${sketch_115200} --bootloader ${optiboot} --expect uno.resets=1
  -- ${resets})

# These need the processor when they ask for it.
foreach(test sketch_model_keeps_63_bytes sketch_keeps_63_bytes sketch_comes_after_its_boot_loader
        avrdude_uploads_the_sketch_and_uses_it)
  if(TEST wire_${test})
    set_tests_properties(wire_${test} PROPERTIES RUN_SERIAL ON)
  endif()
endforeach()
