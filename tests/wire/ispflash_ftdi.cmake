# ispflash through the FTDI models: what it writes avrdude verifies, what avrdude writes it verifies.
# Each time the chip must have seen nothing that its data sheet forbids, and the kernel's serial
# driver must be back.
function(ispflash_ftdi name device programmer rate image)
  set(chip --part m328p --set fuse.low=0xff)
  set(clean --expect state=running --expect usb.failed=0 --expect count.undefined=0
    --expect count.busy-violations=0 --expect count.sck-violations=0 --expect ftdi.mode=0)
  set(ours $<TARGET_FILE:ispflash> -qq -c ${programmer} -p m328p -B ${rate})
  set(theirs ${AVRDUDE} -qq -c ${programmer} -p m328p -B 10)
  wire_test(${name}_writes usb_rig --device ${device} ${chip} ${clean} ${ARGN}
    --expect-flash ${images}/${image} --expect-eeprom ${images}/small.eep --expect fuse.high=0xde
    -- ${ours} -U flash:w:${images}/${image}:i -U eeprom:w:${images}/small.eep:i
       -U hfuse:w:0xde:m
    -- ${theirs} -U flash:v:${images}/${image}:i -U eeprom:v:${images}/small.eep:i
       -U hfuse:v:0xde:m)
  wire_test(${name}_verifies usb_rig --device ${device} ${chip}
    --expect state=running --expect ftdi.mode=0
    -- ${theirs} -U flash:w:${images}/tiny.hex:i
    -- ${ours} -U flash:v:${images}/tiny.hex:i)
endfunction()
ispflash_ftdi(an_ft232h ft232h ft232h 1MHz full.hex)
ispflash_ftdi(an_ft2232h ft2232h ft2232h 2MHz half.hex)
ispflash_ftdi(an_ft4232h ft4232h ft4232h 500kHz small.hex)
ispflash_ftdi(an_ft2232d ft2232d avrftdi 1MHz half.hex)
ispflash_ftdi(a_2232hio 2232hio 2232hio 1MHz small.hex)
ispflash_ftdi(a_ktlink ktlink ktlink 1MHz small.hex)
ispflash_ftdi(an_ft232r ft232r ft232r 600kHz half.hex)
ispflash_ftdi(an_ft245r ft245r ft245r 100kHz small.hex)
ispflash_ftdi(a_diecimila arduino-ft232r diecimila 600kHz small.hex)
ispflash_ftdi(a_ttl232r_cable ttl232r ttl232r 600kHz small.hex)

set(ours $<TARGET_FILE:ispflash> -qq -p m328p)
set(clean --expect state=running --expect count.undefined=0 --expect count.busy-violations=0
  --expect count.sck-violations=0 --expect usb.failed=0)

# avrdude 7.1 does not know these.
wire_test(channel_b_of_a_tumpa usb_rig --device tumpa-b ${clean} --expect-flash ${images}/small.hex
  --expect usb.kernel-drivers=2
  -- ${ours} -c tumpa-b -U flash:w:${images}/small.hex:i)

# Few transfers: 128 pages go out in 12 runs, their verification in 6.
wire_test(pages_are_lined_up_in_an_mpsse_stream usb_rig --device ft232h --set fuse.low=0xff ${clean}
  --expect-flash ${images}/half.hex --expect usb.kernel-drivers=1 --expect-max usb.bulk-out=40
  -- ${ours} -c ft232h -B 1MHz -U flash:w:${images}/half.hex:i)

# SCK as found never goes above what the fastest clock that the fuses allow bears: 16 MHz / 6.
wire_test(ft232h_chooses_sck_below_the_limit usb_rig --device ft232h --set fuse.low=0xff ${clean}
  --expect count.bit-errors=0 --expect-flash ${images}/half.hex
  -- ${ours} -c ft232h -U flash:w:${images}/half.hex:i)

# All times at their longest: the waits in the stream are those of the data sheet.
wire_test(mpsse_waits_suit_the_slowest_chip usb_rig --device ft232h --busy longest
  --set fuse.low=0xff ${clean} --expect-flash ${images}/half.hex
  -- ${ours} -c ft232h -B 2MHz -U flash:w:${images}/half.hex:i)
wire_test(bitbang_waits_suit_the_slowest_chip usb_rig --device ft232r --busy longest
  --set fuse.low=0xff ${clean} --expect-flash ${images}/small.hex
  -- ${ours} -c ft232r -U flash:w:${images}/small.hex:i)
wire_test(bitbang_clock_is_measured usb_rig --paced --device ft232r --bitbang-factor 16
  --set fuse.low=0xff ${clean} --expect-flash ${images}/tiny.hex
  -- ${ours} -c ft232r -B 200kHz -U flash:w:${images}/tiny.hex:i)

# Chips that cannot be asked whether they are busy, and slow ones.
wire_test(mpsse_with_an_atmega8 usb_rig --device ft232h --part m8 --set fuse.low=0xe4 ${clean}
  --expect-flash ${images}/small.hex --expect-eeprom ${images}/small.eep
  -- $<TARGET_FILE:ispflash> -qq -c ft232h -p m8 -U flash:w:${images}/small.hex:i
     -U eeprom:w:${images}/small.eep:i)
wire_test(bitbang_with_an_atmega8 usb_rig --device ft232r --part m8 --set fuse.low=0xe4 ${clean}
  --expect-flash ${images}/small.hex --expect-eeprom ${images}/small.eep
  -- $<TARGET_FILE:ispflash> -qq -c ft232r -p m8 -U flash:w:${images}/small.hex:i
     -U eeprom:w:${images}/small.eep:i)
wire_test(bitbang_with_a_new_tiny85 usb_rig --device ft232r --part t85 ${clean}
  --expect-flash ${images}/tiny.hex
  -- $<TARGET_FILE:ispflash> -qq -c ft232r -p t85 -U flash:w:${images}/tiny.hex:i)
wire_test(mpsse_beyond_128_kib usb_rig --device ft2232h --part m2560 --set fuse.low=0xff ${clean}
  --expect-flash ${images}/large.hex
  -- $<TARGET_FILE:ispflash> -qq -c ft2232h -p m2560 -B 2MHz -U flash:w:${images}/large.hex:i)

# Pins by -x.
wire_test(bitbang_pins_by_option usb_rig --device arduino-ft232r ${clean}
  -- ${ours} -c ft232r -x sck=5 -x mosi=dcd -x miso=D3 -x reset=ri -U lfuse:v:0x62:m)
wire_test(clashing_pins_touch_nothing usb_rig --device ft232r --status 2 --expect usb.transfers=0
  -- ${ours} -c ft232r -x sck=2 -U lfuse:v:0x62:m)

# --- what goes wrong; exit codes as in ispflash(1) ------------------------------------------------
wire_test(absent_ftdi usb_rig --device usbtiny --status 5 --expect usb.transfers=0
  -- ${ours} -c ft232h -U lfuse:v:0x62:m)
wire_test(two_ftdis_are_listed usb_rig --device ft232r --also ft245r --status 5
  --expect usb.transfers=0
  -- ${ours} -c ft232r -U lfuse:v:0x62:m)
wire_test(one_of_two_ftdis_by_serial usb_rig --device ft232r --also ft245r ${clean}
  -- ${ours} -c ft232r -P usb:A5002R01 -U lfuse:v:0x62:m)
wire_test(one_of_two_ftdis_by_place usb_rig --device ft232r --path 1-2.3 --also ft245r --also-path 1-4
  ${clean}
  -- ${ours} -c ft232r -P usb:1-2.3 -U lfuse:v:0x62:m)
# avrdude's names for them: by number, in the system's order, and by serial number.
wire_test(first_ftdi_by_number usb_rig --device ft232r ${clean}
  -- ${ours} -c ft232r -P ft0 -U lfuse:v:0x62:m)
wire_test(one_of_two_ftdis_by_ft_and_serial usb_rig --device ft232r --also ft245r ${clean}
  -- ${ours} -c ft232r -P ftA5002R01 -U lfuse:v:0x62:m)
wire_test(third_of_two_ftdis_is_absent usb_rig --device ft232r --also ft245r --status 5
  -- ${ours} -c ft232r -P ft2 -U lfuse:v:0x62:m)
wire_test(forbidden_ftdi usb_rig --device ft232h --usb-fault permission --status 6
  -- ${ours} -c ft232h -U lfuse:v:0x62:m)
wire_test(busy_ftdi usb_rig --device ft232h --usb-fault busy --status 7
  -- ${ours} -c ft232h -U lfuse:v:0x62:m)
wire_test(ft232r_is_no_mpsse usb_rig --device ft232r --status 5
  --expect count.reset-entries=0
  -- ${ours} -c ft232h -P usb:0403:6001 -U lfuse:v:0x62:m)
foreach(at 6 14 30 45 60)
  wire_test(ftdi_unplugged_at_${at} usb_rig --device ft232h --set fuse.low=0xff
    --usb-fault unplug=${at} --status 16
    -- ${ours} -c ft232h -B 1MHz -U flash:w:${images}/half.hex:i)
  wire_test(bitbang_unplugged_at_${at} usb_rig --device ft232r --set fuse.low=0xff
    --usb-fault unplug=${at} --status 16
    -- ${ours} -c ft232r -U flash:w:${images}/small.hex:i)
endforeach()
# In the middle of a part of the job: exit status, where it was, and what is said of the chip.
# Transfers are counted, and there are many of them in what is large and slow.
function(ftdi_unplugged_during what programmer at said)
  wire_test(${programmer}_unplugged_during_${what} usb_rig --device ${programmer}
    --set fuse.low=0xff --flash ${images}/half.hex --usb-fault unplug=${at}
    -- sh ${CMAKE_CURRENT_SOURCE_DIR}/fails_saying.sh 16 "${said}"
       $<TARGET_FILE:ispflash> -q -p m328p -c ${programmer} ${ARGN})
endfunction()
set(part_written "flash written in part")
set(untouched "state: the chip holds what it held before")
foreach(programmer ft232h ft232r)
  ftdi_unplugged_during(write ${programmer} 150 "${part_written}"
    -B 100kHz -U flash:w:${images}/half.hex:i)
  ftdi_unplugged_during(verify ${programmer} 110 "${untouched}"
    -B 100kHz -U flash:v:${images}/half.hex:i)
endforeach()
ftdi_unplugged_during(erase ft232r 77 "the chip erase began and may not have ended"
  -B 100kHz -U flash:w:${images}/half.hex:i)
wire_test(stalled_ftdi_releases_reset usb_rig --device ft232h --set fuse.low=0xff
  --usb-fault stall=40 --status 16 --expect state=running --expect ftdi.mode=0
  -- ${ours} -c ft232h -B 1MHz -U flash:w:${images}/half.hex:i)
wire_test(hung_ftdi_ends_in_time_and_releases_reset usb_rig --device ft232h --set fuse.low=0xff
  --usb-fault hang=40 --status 15 --expect state=running --expect ftdi.mode=0
  -- ${ours} -c ft232h -B 1MHz -U flash:w:${images}/half.hex:i)
wire_test(silent_chip_behind_an_ftdi usb_rig --device ft232h --fault no-power --status 9
  --expect ftdi.mode=0
  -- ${ours} -c ft232h -U lfuse:v:0x62:m)
