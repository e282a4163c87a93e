# `ispflash list` with models plugged in: what is said of each. Nothing may be sent to them.
set(says ${CMAKE_CURRENT_SOURCE_DIR}/says.sh)
set(list $<TARGET_FILE:ispflash> list)

wire_test(list_names_an_arduino_without_opening_it stk500_rig --port tty
  --expect board.resets=0 --expect op.enable=0
  -- ${says} 0 "^/dev/tty.*  2341:0043 Arduino Uno, serial number 85430353$"
     "^  probably: Arduino Uno \\(ispflash wiring uno\\)$" "^  -c avrisp -P /dev/tty"
     "^  -c arduino -P /dev/tty" "^  also: -P usb:1-" "^  it may be opened$" !buspirate
     : ${list})
wire_test(list_names_a_cheap_adapter stk500_rig --port tty --usb-id 1a86:7523
  -- ${says} 0 "1a86:7523" "probably: Arduino Nano, or a board behind" "-c avrisp -P" : ${list})
wire_test(list_says_what_a_port_might_be stk500_rig --port tty --usb-id 0403:6001
  -- ${says} 0 "probably: Bus Pirate" "probably: Arduino Nano" "-c buspirate -P" : ${list})
wire_test(list_tells_programs_too stk500_rig --port tty
  -- ${says} 0 "\"event\":\"device\"" "\"kind\":\"serial\",\"usb\":\"2341:0043\""
     "\"boards\":\\[\"uno\"\\]" "\"access\":\"ok\"" : ${list} --json)

if(LIBUSB_FOUND)
  wire_test(list_names_programmers_and_clones usb_rig --also usbasp-clone
    --expect usb.transfers=0
    -- ${says} 0 "^usb:1-1  1781:0c9f USBtinyISP$" "^  -c usbtiny -P usb:1-1 "
       "^usb:1-2  16c0:05dc " "^  -c usbasp-clone -P usb:1-2 " "!-c usbasp -P"
       "^  perhaps a chip in its boot loader: USBaspLoader" : ${list})
  wire_test(list_knows_an_original_from_its_clones usb_rig --device usbasp-1.05
    --expect usb.transfers=0
    -- ${says} 0 "16c0:05dc USBasp by www.fischl.de" "-c usbasp -P usb:1-1" "!usbasp-clone"
       : ${list})
  wire_test(list_says_what_helps_without_permission usb_rig --usb-fault permission
    -- ${says} 0 "usb:1-1 is there, but may not be opened" "ispflash udev" "!it may be opened"
       : ${list})
  wire_test(list_sees_that_another_ispflash_is_at_it usb_rig
    -- flock /dev/bus/usb/001/002 ${says} 0 "usb:1-1 is in use" "!it may be opened" : ${list}
    -- flock /dev/bus/usb/001/002 ${says} 0 "\"access\":\"busy\"" : ${list} --json)
  wire_test(list_has_several_ids_for_an_ftdi_chip usb_rig --device ft2232h
    -- ${says} 0 "0403:6010 Dual RS232-HS by FTDI, serial number FT2H0001" "-c avrftdi -P usb:1-1"
       "-c tigard -P usb:1-1" : ${list})
  wire_test(list_has_no_word_for_what_is_no_programmer usb_rig --device loop
    -- ${says} 0 "no serial port is there, and no USB programmer" "!usb:1-1" : ${list})
endif()
