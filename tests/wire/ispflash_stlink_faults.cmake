# What goes wrong with an ST-Link and an STM32, each with its exit status.
wire_test(ispflash_finds_no_stlink usb_rig --device usbtiny --status 5 -- ${write_boot})
wire_test(ispflash_takes_neither_of_two_stlinks ${rig} --also stlink-v2 --status 5 -- ${write_boot})
wire_test(ispflash_takes_the_stlink_of_that_serial_number ${rig} --device stlink-v2-old
  --also stlink-v2 --expect-flash ${boot}
  -- ${write_boot} -P usb:51FF6E064986505224161787)
wire_test(ispflash_may_not_open_an_stlink ${rig} --usb-fault permission --status 6
  -- ${write_boot})
wire_test(ispflash_finds_an_stlink_busy ${rig} --usb-fault busy --status 7 -- ${write_boot})
wire_test(ispflash_refuses_old_stlink_firmware ${rig} --firmware V2J14S2 --status 17
  -- ${write_boot})
foreach(mode mass debug swim)
  wire_test(ispflash_takes_an_stlink_out_of_mode_${mode} ${rig} --mode ${mode} ${sound}
    --expect-flash ${boot}
    -- ${write_boot})
endforeach()

wire_test(ispflash_finds_an_stm32_without_power ${rig} --fault no-power --status 9
  -- ${write_boot})
wire_test(ispflash_finds_swd_cut ${rig} --fault swd-cut --status 9
  -- ${write_boot} -x guide=1)
wire_test(ispflash_believes_in_no_chip_id_of_0 ${rig} --set idcode=0 --status 9 -- ${write_boot})
wire_test(ispflash_knows_no_stm32_of_that_chip_id ${rig} --set idcode=0x20036499 --status 10,10
  --expect op.erase-page=0
  -- ${write_boot} -- ${stlink} -U flash:w:${boot}:r)
wire_test(ispflash_does_not_believe_in_a_flash_size_of_0 ${rig} --set flash-size=0
  --expect-flash ${boot}
  -- ${write_boot})
wire_test(ispflash_refuses_a_clone_where_that_is_wanted usb_rig --device stlink-v2
  --part cks32f103c8 --status 10,0 --expect-flash ${boot}
  -- ${write_boot} --require-genuine -- ${write_boot})
wire_test(ispflash_wakes_an_stm32_that_sleeps ${rig} --flash ${boot} --runs sleeps --status 0,0
  -- ${write_boot} -- ${c8} -U flash:v:${boot}:r -x guide=0)
wire_test(ispflash_catches_an_stm32_that_turns_swd_off ${rig} --runs no-swd
  -- ${write_boot} -- ${c8} -U flash:v:${boot}:r -x guide=0)
wire_test(ispflash_needs_nrst_for_an_stm32_that_turns_swd_off ${rig} --runs no-swd
  --fault nrst-cut --status 0,9
  -- ${write_boot} -- ${c8} -U flash:v:${boot}:r -x guide=0)

wire_test(ispflash_finds_a_file_too_large_for_an_stm32 ${rig} --status 3 --expect stlink.enter=0
  -- ${c8} -U flash:w:${images}/70000.bin:r)
wire_test(ispflash_refuses_a_hex_file_from_0_for_an_stm32 ${rig} --status 3 --expect stlink.enter=0
  -- ${c8} -U flash:w:${images}/small.hex:i)
wire_test(ispflash_cannot_reach_an_avr_by_stlink ${rig} --status 17 --expect stlink.enter=0
  -- ${stlink} -p m328p -U flash:w:${images}/small.hex:i)
wire_test(ispflash_cannot_reach_an_stm32_by_usbtiny usb_rig --device usbtiny --part m328p --status 17
  -- $<TARGET_FILE:ispflash> -qq -c usbtiny -p stm32f103c8 -U flash:w:${boot}:r)

wire_test(ispflash_finds_a_cell_that_does_not_take ${rig} --bad-cell 5000:255:90 --status 13
  -- ${write_boot})
wire_test(ispflash_finds_flash_that_does_not_take ${rig} --fault no-write --status 13
  -- ${write_boot})
wire_test(ispflash_finds_flash_that_is_not_erased ${rig} --flash ${boot} --fault no-erase
  --status 13
  -- ${c8} -U flash:w:${images}/64k.bin:r)
wire_test(ispflash_does_not_wait_for_a_stuck_flash_controller ${rig} --fault stuck-busy --status 15
  -- ${write_boot})
wire_test(ispflash_ends_when_an_stlink_is_unplugged_early ${rig} --usb-fault unplug=12 --status 16
  -- ${write_boot})
wire_test(ispflash_ends_when_an_stlink_is_unplugged_during_an_erase ${rig} --usb-fault unplug=60
  --timeout 5 --status 16
  -- ${write_boot})
wire_test(ispflash_ends_when_an_stlink_is_unplugged_during_a_mass_erase ${rig}
  --usb-fault unplug=50 --timeout 5 --status 16
  -- ${c8} -e)
wire_test(ispflash_ends_when_an_stlink_is_silent ${rig} --usb-fault hang=60 --timeout 10
  --status 15
  -- ${write_boot})

# The doctor sees what st-info shows as "chipid: 0x0000", and says what it is.
set(doctor $<TARGET_FILE:ispflash> doctor -qq -c stlink -p stm32f103c8 -x guide=0)
wire_test(ispflash_doctor_finds_an_stm32_well ${rig} --flash ${boot} --expect-flash ${boot}
  -- sh -c "${doctor} | grep -q 'ok *signature *0x410 with 64 KiB: STM32F103x8'")
wire_test(ispflash_doctor_finds_a_chip_id_of_0 ${rig} --set idcode=0
  -- sh -c "${doctor} | grep -q 'fails *signature .*chip id reads as 0x000'")
wire_test(ispflash_doctor_finds_an_stm32_protected ${rig} --set rdp=0 --status 11 -- ${doctor})
wire_test(ispflash_doctor_finds_an_stm32_without_power ${rig} --fault no-power --status 9
  -- ${doctor})
