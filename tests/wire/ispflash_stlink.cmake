# ispflash through the ST-Link models: it writes, and the peers read; the peers write, and it reads.
set(stlink $<TARGET_FILE:ispflash> -qq -c stlink)
set(c8 ${stlink} -p stm32f103c8)
set(write_boot ${c8} -U flash:w:${boot}:r)

# ispflash_stlink(NAME DEVICE PART WHAT-P-IS-CALLED [OPENOCD-ARGUMENT...])
function(ispflash_stlink name device part called)
  set(run ${stlink} -p ${called})
  wire_test(ispflash_writes_through_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot} --expect state=running
    --expect count.locked-cr-writes=0 --expect stlink.lost-replies=0 --expect stlink.replies-left=0
    --expect stlink.mode=1 --expect debug.dhcsr=0x0 --expect debug.demcr=0x0
    -- ${run} -U flash:w:${boot}:r
    -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
    -- cmp {tmp}/read.bin ${boot}
    -- ${OPENOCD} -f interface/stlink.cfg ${ARGN} ${stm32} -c init -c "reset halt"
       -c "verify_image ${boot} 0x08000000 bin" -c shutdown
    -- ${run} -U flash:v:${boot}:r)
  wire_test(ispflash_reads_through_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot} --expect state=running
    -- ${ST_FLASH} write ${boot} 0x8000000
    -- ${run} -U flash:v:${boot}:r -U flash:r:{tmp}/read.bin:r
    -- cmp -n 7172 {tmp}/read.bin ${boot})
endfunction()
ispflash_stlink(an_stlink_v2 stlink-v2 stm32f103c8 stm32f103c8)
ispflash_stlink(an_old_stlink_v2 stlink-v2-old stm32f103c6 stm32f103c6)
ispflash_stlink(an_stlink_v2_1 stlink-v2-1 stm32f103re stm32f103re)
ispflash_stlink(an_stlink_v3 stlink-v3 stm32f107vc stm32f107vc)
ispflash_stlink(an_stlink_v2_with_two_banks stlink-v2 stm32f103rg stm32f103rg)
ispflash_stlink(an_stlink_v2_with_a_clone stlink-v2 cks32f103c8 stm32f103c8 -c "set CPUTAPID 0")

# More pages than the ring in RAM holds, and in both banks.
wire_test(ispflash_fills_an_stm32 ${rig} ${sound} --expect-flash ${images}/64k.bin
  --expect op.erase-all=1 --expect op.erase-page=0
  -- ${c8} -U flash:w:${images}/64k.bin:r -U flash:v:${images}/64k.bin:r)
# A chip with more flash than the part that is named keeps the rest.
wire_test(ispflash_fills_the_part_that_is_named usb_rig --device stlink-v2 --part stm32f103cb ${sound}
  --expect op.erase-all=0 --expect op.erase-page=64
  -- ${c8} -U flash:w:${images}/64k.bin:r -U flash:v:${images}/64k.bin:r)
wire_test(ispflash_fills_a_second_bank usb_rig --device stlink-v2 --part stm32f103rg ${sound}
  -- ${stlink} -p stm32f103rg -U flash:w:${images}/bank2.hex:i -U flash:v:${images}/bank2.hex:i)
wire_test(ispflash_knows_an_stm32_by_itself ${rig} --expect-flash ${boot}
  -- ${stlink} -U flash:w:${boot}:r)
wire_test(ispflash_uses_firmware_without_lists ${rig} --firmware V2J24S4 ${sound}
  --expect stlink.misc-out=0 --expect-flash ${boot}
  -- ${write_boot})

# What need not be erased is not: pages that the image does not touch, the rest of one that it does.
wire_test(ispflash_erases_only_pages_that_it_writes ${rig} --flash ${images}/64k.bin ${sound}
  --expect op.erase-page=1 --save-flash {tmp}/after.bin
  -- ${c8} -U flash:w:${images}/odd.bin:r
  -- sh -c "${c8} -U flash:r:{tmp}/all.bin:r && cmp -n 1001 {tmp}/all.bin ${images}/odd.bin && \
cmp -i 1001 {tmp}/all.bin ${images}/64k.bin")
wire_test(ispflash_writes_a_blank_stm32_without_erasing_twice ${rig} --flash ${images}/64k.bin
  ${sound} --expect op.erase-page=0 --expect op.erase-all=1 --expect-flash ${boot}
  -- ${write_boot} -e)
wire_test(ispflash_erases_an_stm32 ${rig} --flash ${boot} ${sound} --expect op.erase-all=1
  --expect-flash /dev/null
  -- $<TARGET_FILE:ispflash> erase -qq -c stlink -p stm32f103c8)
wire_test(ispflash_erases_both_banks_of_an_stm32 usb_rig --device stlink-v2 --part stm32f103rg
  --flash ${images}/64k.bin ${sound} --expect-flash /dev/null --expect op.erase-all=2
  -- $<TARGET_FILE:ispflash> erase -qq -c stlink -p stm32f103rg)

# Option bytes: one is changed, the others stay.
wire_test(ispflash_sets_option_bytes ${rig} --flash ${boot} --set data1=0x5a ${sound}
  --expect option.user=0xfe --expect option.data1=0x5a --expect option.rdp=0xa5
  --expect-flash ${boot}
  -- $<TARGET_FILE:ispflash> fuses -qq -c stlink -p stm32f103c8 WDG_SW=0
  -- ${c8} -U user:v:0xfe:m)

# --- protection ------------------------------------------------------------------------------

set(unlock $<TARGET_FILE:ispflash> unlock -qq -c stlink -p stm32f103c8)
wire_test(ispflash_touches_nothing_of_a_protected_stm32 ${rig} --flash ${boot} --set rdp=0
  --status 11,11,11,11 --expect-flash ${boot} --expect op.erase-page=0
  --expect count.protected-reads=0 --expect count.wrprterr=0
  -- ${write_boot} -- ${c8} -U flash:r:{tmp}/x.bin:r -- ${c8} -U flash:v:${boot}:r -- ${c8} -e)
wire_test(ispflash_unlocks_a_protected_stm32 ${rig} --flash ${boot} --set rdp=0xff
  --set user=0xfd --set data0=0x12 --set wrp=0xfffffff0 ${sound}
  --expect option.rdp=0xa5 --expect option.user=0xfd --expect option.data0=0x12
  --expect option.wrp0=0xff --expect op.erase-all=1 --expect-flash ${boot}
  -- ${unlock} --yes
  -- ${write_boot}
  -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
  -- cmp {tmp}/read.bin ${boot})
wire_test(ispflash_unlocks_nothing_without_being_sure ${rig} --flash ${boot} --set rdp=0
  --status 12 --expect option.rdp=0x00 --expect-flash ${boot}
  -- ${unlock})
wire_test(ispflash_leaves_an_open_stm32_as_it_is ${rig} --flash ${boot} --expect-flash ${boot}
  --expect op.erase-all=0 --expect op.erase-options=0
  -- ${unlock} --yes)
wire_test(ispflash_locks_an_stm32_and_openocd_unlocks_it ${rig} --flash ${boot}
  --expect option.rdp=0xa5 --expect-flash /dev/null
  -- ${c8} -U rdp:w:0x00:m
  -- ${openocd} -c init -c "reset halt" -c "stm32f1x unlock 0" -c "reset halt" -c exit)
wire_test(ispflash_lists_write_protected_pages_before_it_erases ${rig} --set wrp=0xfffffffd
  --flash ${boot} --status 11,11,0 --expect op.erase-page=4 --expect count.wrprterr=0
  -- ${write_boot}
  -- ${c8} -e
  -- ${c8} -U flash:w:${images}/4k.bin:r)
wire_test(ispflash_lifts_write_protection_when_told ${rig} --set wrp=0xfffffffc --set user=0xfd
  --expect option.wrp0=0xff --expect option.user=0xfd ${sound} --expect-flash ${boot}
  -- ${write_boot} --allow write-protected)

# What st-info tells, and more.
wire_test(ispflash_detects_an_stm32 ${rig} --flash ${boot}
  -- sh ${CMAKE_CURRENT_SOURCE_DIR}/answers.sh 0 "chip id +0x410 with 64 KiB" "firmware +V2J37S7"
     "core-id +0x1ba01477" "sram +20 KiB" "flash +65536 bytes, holds" ++
     $<TARGET_FILE:ispflash> detect -c stlink)
