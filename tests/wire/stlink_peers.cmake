# The peers through the ST-Link models: what they write must be in the chip, and each reads what the
# other wrote.
find_program(ST_INFO st-info REQUIRED)
find_program(ST_FLASH st-flash REQUIRED)
find_program(OPENOCD openocd REQUIRED)
set(stm32 -f target/stm32f1x.cfg)
set(openocd ${OPENOCD} -f interface/stlink.cfg ${stm32})
set(boot ${images}/boot.bin)
set(sound --expect usb.failed=0 --expect stlink.unknown-commands=0 --expect stlink.stale-replies=0
  --expect stlink.oversized=0 --expect stlink.odd-commands=0 --expect count.interrupted=0 --expect count.undefined=0
  --expect count.pgerr=0)

# peers_use(NAME DEVICE PART [OPENOCD-ARGUMENT...])
function(peers_use name device part)
  set(openocd ${OPENOCD} -f interface/stlink.cfg ${ARGN} ${stm32})
  wire_test(st_flash_uses_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot}
    -- ${ST_INFO} --probe
    -- ${ST_FLASH} write ${boot} 0x8000000
    -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
    -- cmp {tmp}/read.bin ${boot}
    -- ${openocd} -c init -c "reset halt" -c "verify_image ${boot} 0x08000000 bin" -c shutdown)
  wire_test(openocd_uses_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot}
    -- ${openocd} -c "program ${boot} 0x08000000 verify reset exit"
    -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
    -- cmp {tmp}/read.bin ${boot})
endfunction()
peers_use(an_stlink_v2 stlink-v2 stm32f103c8)
peers_use(an_old_stlink_v2 stlink-v2-old stm32f103c6)
peers_use(an_stlink_v2_1 stlink-v2-1 stm32f103re)
peers_use(an_stlink_v3 stlink-v3 stm32f107vc)
peers_use(an_stlink_v2_with_two_banks stlink-v2 stm32f103rg)
peers_use(an_stlink_v2_with_a_clone stlink-v2 cks32f103c8 -c "set CPUTAPID 0")

# Register by register, and many of them in one command.
foreach(device stlink-v2 stlink-v3)
  wire_test(openocd_uses_the_debug_port_of_an_${device} usb_rig
    --device ${device} --part stm32f103c8 ${sound} --expect-flash ${boot} --expect-min
    stlink.misc-in=10
    -- ${OPENOCD} -f interface/stlink-dap.cfg ${stm32}
       -c "program ${boot} 0x08000000 verify reset exit")
endforeach()

set(rig usb_rig --device stlink-v2 --part stm32f103c8)
wire_test(st_info_lists_two_stlinks ${rig}
  --also stlink-v2 --also-serial 35FF71064E573436DB011544
  -- sh -c "test $(st-info --probe | grep -c 'serial: *3[57]FF') = 2")
wire_test(st_info_finds_no_chip_without_power ${rig} --fault no-power
  -- sh -c "st-info --probe | grep -q 'chipid: *0x0000'")
wire_test(st_flash_erases_a_chip ${rig} --flash ${boot} --expect op.erase-all=1
  --expect-flash /dev/null
  -- ${ST_FLASH} erase)
wire_test(st_flash_resets_a_chip ${rig} --flash ${boot} --expect-min count.resets=1
  --expect state=running
  -- ${ST_FLASH} reset)
wire_test(st_flash_resets_a_chip_whose_nrst_is_not_wired ${rig} --flash ${boot} --fault nrst-cut
  --expect-min count.resets=1 --expect state=running
  -- ${ST_FLASH} reset)

# The guide's way out of read protection; what a protected chip gives until then.
wire_test(openocd_unlocks_a_protected_chip ${rig} --flash ${boot} --set rdp=0xff ${sound}
  --expect option.rdp=0xa5 --expect op.erase-all=1 --expect-flash /dev/null
  -- ${openocd} -c init -c "reset halt" -c "stm32f1x unlock 0" -c "reset halt" -c exit)
wire_test(st_flash_reads_zeros_from_a_protected_chip ${rig} --flash ${boot} --set rdp=0xff
  --expect-min count.protected-reads=1
  -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
  -- cmp -n 7172 {tmp}/read.bin /dev/zero)
wire_test(openocd_locks_a_chip ${rig} --expect option.rdp=0x00 ${sound}
  -- ${openocd} -c init -c "reset halt" -c "stm32f1x lock 0" -c exit)
wire_test(st_flash_meets_write_protected_pages ${rig} --set wrp=0xfffffffd --status 255
  --expect count.wrprterr=1 --expect op.erase-page=4
  -- ${ST_FLASH} write ${boot} 0x8000000)
wire_test(openocd_finds_a_bad_cell ${rig} --bad-cell 5000:255:90 --status 1
  -- ${openocd} -c "program ${boot} 0x08000000 verify reset exit")
wire_test(openocd_ends_when_an_stlink_is_unplugged ${rig} --usb-fault unplug=60 --status 1
  -- ${openocd} -c "program ${boot} 0x08000000 verify reset exit")

# Firmware that makes connecting hard.
set(awkward ${rig} --flash ${images}/64k.bin --expect count.watchdog-resets=0)
set(under_reset -c "reset_config srst_only srst_nogate connect_assert_srst")
wire_test(openocd_finds_no_chip_whose_firmware_took_the_pins ${awkward} --runs no-swd --status 1
  -- ${openocd} -c "program ${boot} 0x08000000 verify exit")
wire_test(openocd_writes_a_chip_under_reset ${awkward} --runs no-swd ${sound}
  -- ${openocd} ${under_reset} -c "program ${boot} 0x08000000 verify exit")
wire_test(st_flash_writes_a_chip_under_reset ${awkward} --runs no-swd:500000 ${sound}
  -- sleep 0.6
  -- ${ST_FLASH} --connect-under-reset write ${boot} 0x8000000)
wire_test(openocd_holds_the_watchdog_of_the_firmware ${awkward} --runs watchdog ${sound}
  -- ${openocd} -c "program ${boot} 0x08000000 verify exit")
wire_test(openocd_wakes_a_chip_that_sleeps ${awkward} --runs sleeps ${sound}
  -- ${openocd} -c "program ${boot} 0x08000000 verify exit")
