# What goes wrong on the wire of an STK500v1 programmer: each ends in time, with its own exit status,
# and whatever could not be written is not touched. The statuses are those of ispflash(1).
function(avrisp_fault name status)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "RIG;LINE")
  wire_test(ispflash_${name} stk500_rig ${arg_RIG} --status ${status}
    -- ${ours} -q -c avrisp -P {port} ${arg_LINE})
endfunction()
set(write -p m328p -U flash:w:${images}/tiny.hex:i)
set(untouched --flash ${images}/half.hex --expect-flash ${images}/half.hex --expect op.erase=0
              --expect op.write-page=0)

# Nothing is written into a chip that does not answer, whatever is forced.
foreach(wire miso-open miso-low miso-high echo mosi-cut sck-cut reset-cut no-power no-clock)
  avrisp_fault(names_${wire}_a_silent_chip 9 RIG ${untouched} --fault ${wire} LINE ${write})
  avrisp_fault(is_not_forced_by_${wire} 9 RIG ${untouched} --fault ${wire} LINE -F ${write})
endforeach()

avrisp_fault(stops_at_a_wrong_chip 10 RIG ${untouched} --part m32u4 LINE ${write})
avrisp_fault(does_not_read_a_locked_chip 11 RIG ${untouched} --set lock=0xfc
  LINE -p m328p -U flash:r:{tmp}/locked.hex:i)
avrisp_fault(does_not_write_a_locked_chip 11 RIG ${untouched} --set lock=0xfe LINE -D ${write})
avrisp_fault(refuses_to_disable_reset 12 RIG ${untouched} --expect fuse.high=0xd9
  LINE -F ${write} -U hfuse:w:0x59:m)
# A cell that stays 0.
avrisp_fault(names_a_cell_that_does_not_take 13 RIG --bad-cell flash:16:0xff:0:0 LINE ${write})

avrisp_fault(names_a_lost_link 16 RIG --unplug-after 400 LINE ${write})
avrisp_fault(names_a_programmer_that_falls_silent 8 RIG --mute-after 400 LINE -b 19200 ${write})
avrisp_fault(goes_on_after_lost_bytes 0 RIG --lose-out 40 --expect-flash ${images}/tiny.hex
  LINE ${write})
