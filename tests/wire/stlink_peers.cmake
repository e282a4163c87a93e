# The peers through the ST-Link models: what they write must be in the chip, and each reads what the
# other wrote.
find_program(ST_INFO st-info REQUIRED)
find_program(ST_FLASH st-flash REQUIRED)
find_program(OPENOCD openocd REQUIRED)
set(openocd ${OPENOCD} -f interface/stlink.cfg -f target/stm32f1x.cfg)
set(boot ${images}/boot.bin)
set(write ${ST_FLASH} write ${boot} 0x8000000)
set(check -c init -c "reset halt" -c "verify_image ${boot} 0x08000000 bin" -c shutdown)
set(sound --expect usb.failed=0 --expect stlink.unknown-commands=0 --expect stlink.stale-replies=0
  --expect count.interrupted=0 --expect count.undefined=0)

function(peers_use name device part)
  wire_test(st_flash_uses_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot} --expect count.pgerr=0
    -- ${ST_INFO} --probe
    -- ${write}
    -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
    -- cmp {tmp}/read.bin ${boot}
    -- ${openocd} ${check})
  wire_test(openocd_uses_${name} usb_rig
    --device ${device} --part ${part} ${sound} --expect-flash ${boot} --expect count.pgerr=0
    -- ${openocd} -c "program ${boot} 0x08000000 verify reset exit"
    -- ${ST_FLASH} read {tmp}/read.bin 0x8000000 7172
    -- cmp {tmp}/read.bin ${boot})
endfunction()
peers_use(an_stlink_v2 stlink-v2 stm32f103c8)
