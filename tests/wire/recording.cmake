# What a run has recorded on a model, the same run is played against without one: the same end, and
# the same answers. Read and written, so that every kind of transfer is in it.
function(recording name rig options)
  wire_test(ispflash_replays_its_recording_of_${name} ${rig} ${options}
    --expect-flash ${images}/small.hex
    -- ${ispflash} --record {tmp}/rec ${ARGN} -p m328p -U flash:w:${images}/small.hex:i
       -U eeprom:r:{tmp}/a.hex:i -U lfuse:r:{tmp}/lfuse:h
    -- timeout 20 env -u LD_PRELOAD ${ispflash} --replay {tmp}/rec ${ARGN} -p m328p
       -U flash:w:${images}/small.hex:i -U eeprom:r:{tmp}/b.hex:i -U lfuse:r:{tmp}/lfuse:h
    -- cmp {tmp}/a.hex {tmp}/b.hex)
endfunction()
set(eeprom --eeprom ${images}/small.eep)
recording(an_avrisp stk500_rig "${eeprom}" -c avrisp -P {port})
recording(a_usbtiny usb_rig "${eeprom}" -c usbtiny)
recording(a_usbasp usb_rig "${eeprom};--device;usbasp-1.05" -c usbasp)
recording(a_buspirate buspirate_rig "${eeprom}" -c buspirate -P {port})
recording(an_ft232h usb_rig "${eeprom};--device;ft232h" -c ft232h)
recording(an_ft232r usb_rig "${eeprom};--device;ft232r" -c ft232r)

wire_test(ispflash_replays_its_recording_of_an_stlink usb_rig --device stlink-v2
  --part stm32f103c8
  -- ${ispflash} --record {tmp}/rec -c stlink -p stm32f103c8 -U flash:w:${images}/odd.bin:r
       -U flash:r:{tmp}/a.bin:r
    -- timeout 20 env -u LD_PRELOAD ${ispflash} --replay {tmp}/rec -c stlink -p stm32f103c8
       -U flash:w:${images}/odd.bin:r -U flash:r:{tmp}/b.bin:r
    -- cmp {tmp}/a.bin {tmp}/b.bin)

# Another image is another run, from the first page on; so is one that does more or less.
set(rec --device usbasp-1.05)
set(made -- ${ispflash} --record {tmp}/rec -c usbasp -p m328p -U flash:w:${images}/small.hex:i)
set(play -- ${ispflash} --replay {tmp}/rec -c usbasp -p m328p)
wire_test(ispflash_says_where_another_image_differs_from_a_recording usb_rig ${rec} --status 0,3
  ${made} -- sh -c "\"$@\" 2>{tmp}/said && exit 9 || test $? -eq 3 && cat {tmp}/said >&2 && \
    test $(grep -c 'goes another way' {tmp}/said) -eq 1 && exit 3" sh ${ispflash}
    --replay {tmp}/rec -c usbasp -p m328p -U flash:w:${images}/tiny.hex:i)
wire_test(ispflash_says_that_a_run_ends_before_its_recording usb_rig ${rec} --status 0,3
  ${made} ${play} -U lfuse:r:-:h)
wire_test(ispflash_says_that_a_recording_ends_before_the_run usb_rig ${rec} --status 0,3
  ${made} ${play} -U flash:w:${images}/small.hex:i -U hfuse:r:-:h -U flash:v:${images}/small.hex:i)
# A failure is recorded as well, and happens again.
wire_test(ispflash_replays_a_lost_programmer usb_rig ${rec} --usb-fault unplug=30 --status 16
  ${made} ${play} -U flash:w:${images}/small.hex:i)
wire_test(ispflash_replays_a_time_out usb_rig ${rec} --usb-fault hang=30 --status 15
  ${made} ${play} -U flash:w:${images}/small.hex:i)
