# Deadlines, and what is worth another try.
set(usbasp --device usbasp-1.05 --set fuse.low=0xff)
set(write -c usbasp -B 1 -p m328p -U flash:w:${images}/small.hex:i)
set(node "$UMOCKDEV_DIR/dev/bus/usb/001/002")

# One failure of the link, and again from the start.
foreach(fault stall hang)
  wire_test(ispflash_tries_again_after_a_${fault} usb_rig ${usbasp} --usb-fault ${fault}=30
    --expect-flash ${images}/small.hex --expect op.erase=2 --expect state=running
    -- ${ispflash} --retries 1 ${write})
endforeach()
wire_test(ispflash_does_not_try_again_for_ever usb_rig ${usbasp} --usb-fault stall-request=6
  --status 8 --expect op.erase=2 --expect state=running -- ${ispflash} --retries 1 ${write})
wire_test(ispflash_waits_for_a_programmer_that_was_unplugged usb_rig ${usbasp}
  --usb-fault unplug=30 --status 5 --expect op.erase=1 -- ${ispflash} --retries 2 ${write})
# A wrong chip is no failure of the link.
wire_test(ispflash_does_not_try_a_wrong_chip_again usb_rig ${usbasp} --part m8 --status 10
  --expect usbasp.connect=1 -- ${ispflash} --retries 3 ${write})
# What the first attempt has erased cannot be backed up by a second one.
wire_test(ispflash_does_not_try_a_backup_of_an_erased_chip usb_rig ${usbasp}
  --flash ${images}/half.hex --usb-fault stall=165 --status 8 --expect op.erase=1
  -- ${ispflash} --retries 3 -c usbasp -B 1 -p m328p -U flash:r:{tmp}/old.hex:i
     -U flash:w:${images}/small.hex:i)

# A node that was just plugged in gets its permissions late; one that another program uses is free
# again after a while.
wire_test(ispflash_waits_for_the_permissions_of_a_new_device usb_rig ${usbasp}
  --usb-fault permission --expect-flash ${images}/small.hex
  -- sh -c "(sleep 0.4 && chmod 600 \"${node}\") & exec \"$0\" \"$@\"" ${ispflash} ${write})
wire_test(ispflash_waits_for_a_busy_device usb_rig ${usbasp} --expect-flash ${images}/small.hex
  -- sh -c "flock \"${node}\" sleep 0.8 & sleep 0.3 && exec \"$0\" \"$@\""
     ${ispflash} --wait-port 10 ${write})
wire_test(ispflash_does_not_wait_for_a_busy_device_unless_told usb_rig ${usbasp} --status 7
  -- sh -c "flock \"${node}\" sleep 0.8 & sleep 0.3 && exec \"$0\" \"$@\"" ${ispflash} ${write})
wire_test(ispflash_waits_for_a_busy_device_no_longer_than_told usb_rig ${usbasp} --status 7
  --usb-fault busy -- ${ispflash} --wait-port 1 ${write})

# A silent programmer, and a run that takes too long.
set(silent stk500_rig --mute-after 1)
wire_test(ispflash_looks_for_a_silent_programmer_as_long_as_told ${silent} --status 8
  -- timeout 4 ${ispflash} --sync-timeout 1 -c avrisp -P {port} -p m328p -U flash:v:${images}/small.hex)
wire_test(ispflash_gives_up_when_the_time_is_over ${silent} --status 15
  -- timeout 4 ${ispflash} --timeout 1 --retries 5 -c avrisp -P {port} -p m328p
     -U flash:v:${images}/small.hex)
