# Many boards on programmer models: at the same time, and coming and going.
set(ispflash $<TARGET_FILE:ispflash>)
set(write -p m328p -U flash:w:${images}/small.hex:i)
if(LIBUSB_FOUND)
  wire_test(a_gang_of_all_usbtinys usb_rig --also usbtiny --expect-flash ${images}/small.hex
    --expect state=running --expect usb.failed=0
    -- ${ispflash} -qq -c usbtiny --gang usb ${write}
    -- ${ispflash} -qq -c usbtiny -P usb:1-1 -p m328p -U flash:v:${images}/small.hex:i
    -- ${ispflash} -qq -c usbtiny -P usb:1-2 -p m328p -U flash:v:${images}/small.hex:i)
  wire_test(a_gang_by_port_of_which_one_is_missing usb_rig --expect-flash ${images}/small.hex
    --status 5
    -- ${ispflash} -c usbtiny --gang usb:1-1 --gang usb:1-9 ${write})
  wire_test(a_gang_of_which_nobody_is_there usb_rig --device usbasp-1.05 --status 5
    -- ${ispflash} -c usbtiny --gang usb ${write})
  wire_test(a_board_is_waited_for_on_a_usbtiny usb_rig --comes-after 30
    --expect-flash ${images}/small.hex --expect state=running --expect op.erase=1
    -- ${ispflash} -c usbtiny --wait 60 ${write})
  wire_test(a_board_is_done_once_and_seen_to_go_on_a_usbasp usb_rig --device usbasp-1.07
    --comes-after 10 --goes-after 30 --expect-flash ${images}/small.hex --expect op.erase=1
    -- ${ispflash} -c usbasp --wait 2 --repeat 0 ${write})
endif()
wire_test(a_board_is_waited_for_on_an_avrisp stk500_rig --port tty --comes-after 10
  --expect-flash ${images}/small.hex --expect state=running --expect op.erase=1
  -- ${ispflash} -c avrisp -P {port} --wait 60 ${write})
