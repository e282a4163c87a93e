# ispflash through the USB models. What it writes the peer tool verifies, and the reverse.
set(ispflash $<TARGET_FILE:ispflash> -qq)

# ispflash_usb(name device programmer part low-fuse image option...)
function(ispflash_usb name device programmer part low_fuse image)
  set(memories flash:w:${images}/${image}:i -U eeprom:w:${images}/small.eep:i -U lfuse:w:0xe2:m)
  string(REPLACE ":w:" ":v:" verify "${memories}")
  set(rig --device ${device} --part ${part} --set fuse.low=${low_fuse}
    --expect-flash ${images}/${image} --expect-eeprom ${images}/small.eep
    --expect fuse.low=0xe2 --expect state=running --expect usb.failed=0
    --expect count.undefined-word-loaded-twice=0 --expect count.undefined-high-without-low=0
    --expect count.interrupted=0)
  wire_test(ispflash_uses_${name} usb_rig ${rig}
    -- ${ispflash} -c ${programmer} -p ${part} ${ARGN} -U ${memories}
    -- ${AVRDUDE} -qq -c ${programmer} -p ${part} ${ARGN} -U ${verify})
  wire_test(ispflash_verifies_what_avrdude_wrote_through_${name} usb_rig ${rig}
    -- ${AVRDUDE} -qq -c ${programmer} -p ${part} ${ARGN} -U ${memories}
    -- ${ispflash} -c ${programmer} -p ${part} ${ARGN} -U ${verify})
endfunction()
ispflash_usb(a_usbtiny usbtiny usbtiny m328p 0x62 full.hex)
ispflash_usb(a_usbtiny_with_a_tiny85 usbtiny usbtiny t85 0x62 tiny.hex -B 4)
ispflash_usb(a_usbtiny_with_an_old_mega8 usbtiny usbtiny m8 0xe4 small.hex -B 2)
ispflash_usb(an_arduinoisp arduinoisp arduinoisp m328p 0x62 small.hex)
ispflash_usb(a_usbtiny_beyond_64_kib usbtiny usbtiny usb1286 0xe2 beyond.hex -B 1)
ispflash_usb(a_usbasp_1_05 usbasp-1.05 usbasp m328p 0x62 full.hex -B 10)
ispflash_usb(a_usbasp_1_07 usbasp-1.07 usbasp m328p 0x62 full.hex)
ispflash_usb(a_usbasp_1_11_beyond_128_kib usbasp-1.11 usbasp m2560 0xe2 large.hex -B 1)
ispflash_usb(a_usbasp_that_cannot_set_sck usbasp-fixed usbasp m8 0xe4 small.hex)
ispflash_usb(a_usbasp_clone usbasp-clone usbasp-clone m328p 0x62 small.hex -B 10)
ispflash_usb(a_usbasp_without_strings usbasp-nameless usbasp-clone m328p 0x62 small.hex -B 10)

# Byte-wise flash, and a chip whose memory shows when it is ready.
foreach(programmer usbtiny usbasp)
  wire_test(ispflash_writes_an_at90s8515_through_a_${programmer} usb_rig
    --device ${programmer}$<$<STREQUAL:${programmer},usbasp>:-1.07> --part 8515
    --expect-flash ${images}/tiny.hex --expect-eeprom ${images}/small.eep
    --expect count.interrupted=0 --expect state=running
    -- ${ispflash} -c ${programmer} -p 8515 -U flash:w:${images}/tiny.hex:i
       -U eeprom:w:${images}/small.eep:i)
endforeach()

# No needless round trips: 256 pages and 133 blocks of 248 bytes; instructions are the commits, the
# polls, and some thirty to enter, identify and erase.
wire_test(ispflash_needs_few_transfers_through_a_usbtiny usb_rig
  --set fuse.low=0xff --expect-flash ${images}/full.hex
  --expect usbtiny.flash-write=256 --expect usbtiny.flash-read=133 --expect usbtiny.powerup=2
  --expect-max usbtiny.spi=900 --expect count.busy-violations=0 --expect count.sck-violations=0
  --expect count.undefined=0 --expect op.write-page=256 --expect op.erase=1
  -- ${ispflash} -c usbtiny -p m328p -B 1 -U flash:w:${images}/full.hex:i)
wire_test(ispflash_needs_few_transfers_through_a_usbasp usb_rig
  --device usbasp-1.05 --set fuse.low=0xff --expect-flash ${images}/full.hex
  --expect usbasp.write-flash=32 --expect usbasp.read-flash=133 --expect usbasp.connect=1
  --expect usbasp.set-long-address=0 --expect-max usbasp.transmit=40
  --expect count.sck-violations=0 --expect op.write-page=256 --expect op.erase=1
  -- ${ispflash} -c usbasp -p m328p -B 0.5 -U flash:w:${images}/full.hex:i)

# Nothing there, or not ours.
set(write -U flash:w:${images}/small.hex:i)
function(refuse name status)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "RIG;RUN")
  wire_test(ispflash_${name} usb_rig ${arg_RIG} --status ${status} --expect usb.transfers=0
    -- ${ispflash} -p m328p ${arg_RUN} ${write})
endfunction()
refuse(says_that_no_usbtiny_is_there 5 RIG --device usbasp-1.05 RUN -c usbtiny)
refuse(does_not_choose_between_two_usbtinys 5 RIG --also usbtiny RUN -c usbtiny)
refuse(says_that_a_usbtiny_may_not_be_opened 6 RIG --usb-fault permission RUN -c usbtiny)
refuse(says_that_a_usbtiny_is_in_use 7 RIG --usb-fault busy RUN -c usbtiny)
refuse(does_not_take_a_clone_for_a_usbasp 5 RIG --device usbasp-clone RUN -c usbasp)
refuse(does_not_take_a_serial_port_for_a_usbasp 2 RIG --device usbasp-1.05
       RUN -c usbasp -P /dev/ttyUSB0)
refuse(refuses_options_that_a_usbtiny_does_not_have 2 RUN -c usbtiny -x vtarg=5)
wire_test(ispflash_takes_the_usbtiny_it_is_told usb_rig
  --path 1-2.4 --also usbtiny --also-path 1-3 --expect op.enable=1
  -- ${ispflash} -c usbtiny -p m328p -P usb:1-2.4)

# Failures on the way, from entering to verifying: each has its exit status, and RESET is released.
foreach(step 5 12 25 30)
  foreach(fault stall=8 hang=15 unplug=16)
    string(REGEX MATCH "^[a-z]+" how ${fault})
    string(REGEX MATCH "[0-9]+$" status ${fault})
    foreach(programmer usbtiny usbasp)
      set(device ${programmer}$<$<STREQUAL:${programmer},usbasp>:-1.05>)
      if(programmer STREQUAL usbasp AND how STREQUAL hang AND step EQUAL 5)
        continue() # ENABLEPROG has 5 s
      endif()
      wire_test(ispflash_ends_when_a_${programmer}_has_a_${how}_at_transfer_${step} usb_rig
        --device ${device} --set fuse.low=0xff --usb-fault ${how}=${step} --status ${status}
        --expect state=running --expect usb.failed=0
        -- ${ispflash} -c ${programmer} -p m328p -B 1 ${write})
    endforeach()
  endforeach()
endforeach()

foreach(programmer usbtiny usbasp)
  wire_test(ispflash_repeats_a_read_that_was_disturbed_through_a_${programmer} usb_rig
    --device ${programmer}$<$<STREQUAL:${programmer},usbasp>:-1.05> --set fuse.low=0xff
    --flash ${images}/half.hex --usb-fault noise=30
    -- ${ispflash} -c ${programmer} -p m328p -B 1 -U flash:v:${images}/half.hex:i)
endforeach()

# Single wrong bits far apart, in a run that only verifies: read again, all are right, which is said.
foreach(programmer usbtiny usbasp)
  wire_test(ispflash_looks_again_at_bit_errors_behind_a_${programmer} usb_rig
    --device ${programmer}$<$<STREQUAL:${programmer},usbasp>:-1.05> --set fuse.low=0xff
    --flash ${images}/full.hex --fault bit-errors --bit-error-rate 60000 --expect-min count.bit-errors=3
    -- ${ispflash} -c ${programmer} -p m328p -B 1 -U flash:v:${images}/full.hex:i)
endforeach()

# Firmware that does not know FLASH_WRITE or FLASH_READ.
foreach(request 9 10)
  wire_test(ispflash_ends_when_a_usbtiny_does_not_know_request_${request} usb_rig
    --set fuse.low=0xff --usb-fault stall-request=${request} --status 8 --expect state=running
    -- ${ispflash} -c usbtiny -p m328p -B 1 ${write})
endforeach()

# The chip's own faults.
foreach(programmer usbtiny usbasp)
  set(device ${programmer}$<$<STREQUAL:${programmer},usbasp>:-1.07>)
  set(run -- ${ispflash} -c ${programmer} -p m328p ${write})
  foreach(fault no-power miso-open miso-low sck-cut reset-cut)
    wire_test(ispflash_finds_no_chip_behind_a_${programmer}_with_${fault} usb_rig
      --device ${device} --fault ${fault} --status 9 --expect op.erase=0 ${run})
  endforeach()
  wire_test(ispflash_finds_what_a_${programmer}_could_not_write usb_rig
    --device ${device} --bad-cell flash:100:255:0x5a:0 --status 13 ${run})
  wire_test(ispflash_finds_another_chip_behind_a_${programmer} usb_rig
    --device ${device} --part m32u4 --status 10 --expect op.erase=0 ${run})
endforeach()

# Without -B, SCK is found: at 128 kHz, with a watch crystal, and as fast as a chip bears.
function(sck_is_found name device low_fuse crystal)
  string(REGEX REPLACE "-.*" "" programmer ${device})
  wire_test(ispflash_finds_the_sck_of_${name} usb_rig --device ${device} --crystal ${crystal}
    --set fuse.low=${low_fuse} --expect-flash ${images}/small.hex --expect count.interrupted=0
    --expect state=running ${ARGN}
    -- ${ispflash} -c ${programmer} -p m328p -U flash:w:${images}/small.hex:i)
endfunction()
foreach(device usbtiny usbasp-1.05 usbasp-1.07)
  sck_is_found(a_128_khz_chip_behind_a_${device} ${device} 0xe3 0)
  sck_is_found(a_watch_crystal_behind_a_${device} ${device} 0xe4 32768)
  sck_is_found(an_8_mhz_chip_behind_a_${device} ${device} 0xe2 0 --expect count.sck-violations=0)
endforeach()
sck_is_found(a_16_mhz_chip_behind_a_usbasp-1.11 usbasp-1.11 0xff 16000000)
sck_is_found(a_20_mhz_chip_behind_a_usbasp-1.11 usbasp-1.11 0xff 20000000
  --expect count.sck-violations=0)

# A factory-fresh chip is written at its undivided clock; avrdude finds what was wanted.
foreach(device usbtiny usbasp-1.05 usbasp-1.07 usbasp-1.11)
  string(REGEX REPLACE "-.*" "" programmer ${device})
  set(fresh flash:w:${images}/full.hex:i -U lfuse:w:0xff:m -U hfuse:w:0xde:m)
  string(REPLACE ":w:" ":v:" verify "${fresh}")
  wire_test(ispflash_raises_the_clock_behind_a_${device} usb_rig --device ${device}
    --expect-flash ${images}/full.hex --expect fuse.low=0xff --expect fuse.high=0xde
    --expect op.write-fuse=3 --expect op.erase=1 --expect count.interrupted=0
    --expect state=running
    -- ${ispflash} -c ${programmer} -p m328p -U ${fresh}
    -- ${AVRDUDE} -qq -c ${programmer} -p m328p -B 4 -U ${verify})
  wire_test(ispflash_leaves_the_clock_alone_behind_a_${device} usb_rig --device ${device}
    --expect-flash ${images}/full.hex --expect fuse.low=0xff --expect op.write-fuse=2
    --expect op.erase=1 --expect count.interrupted=0 --expect state=running
    -- ${ispflash} -c ${programmer} -p m328p --no-clock-boost -U ${fresh})
endforeach()
