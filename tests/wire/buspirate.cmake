# ispflash through the Bus Pirate models: what it writes avrdude reads, and the reverse, in all the
# states the device is found in; it is left at its prompt, at 115200 baud, with its supply off.
# With -B nothing is tried out that the chip could misunderstand.
set(as_typed $<TARGET_FILE:ispflash> -q -c buspirate -P {port} -p m328p)
set(ispflash ${as_typed} -B 1MHz)
set(left --expect bp.at-prompt=1 --expect bp.baud=115200 --expect bp.supplies=0
  --expect board.overflows=0)
set(clean ${left} --expect count.busy-violations=0 --expect count.undefined=0)
set(fast --set fuse.low=0xff)

foreach(firmware v3-5 v3-6 v3-7 v3-8 v4-6 v5)
  wire_test(ispflash_writes_through_buspirate_${firmware} buspirate_rig
    --firmware ${firmware} ${fast} --flash ${images}/half.hex
    --expect-flash ${images}/small.hex --expect-eeprom ${images}/small.eep
    --expect fuse.high=0xde ${clean}
    -- ${ispflash} -U flash:w:${images}/small.hex:i -U eeprom:w:${images}/small.eep:i
       -U hfuse:w:0xde:m)
endforeach()

foreach(firmware v3-7 v3-8)
  wire_test(ispflash_chooses_sck_of_buspirate_${firmware} buspirate_rig
    --firmware ${firmware} ${fast} --expect-flash ${images}/half.hex ${left}
    -- ${as_typed} -U flash:w:${images}/half.hex:i)
endforeach()

# At their real pace, with a chip that takes its time.
foreach(firmware v3-7 v3-8)
  wire_test(buspirate_${firmware}_waits_for_a_slow_chip buspirate_rig
    --paced --firmware ${firmware} ${fast} --busy longest --expect-flash ${images}/small.hex ${clean}
    -- ${ispflash} -U flash:w:${images}/small.hex:i)
  wire_test(buspirate_${firmware}_waits_for_a_slow_chip_at_115200 buspirate_rig
    --paced --firmware ${firmware} ${fast} --busy longest --expect-flash ${images}/small.hex ${clean}
    -- ${ispflash} -b 115200 -U flash:w:${images}/small.hex:i)
endforeach()

foreach(firmware v3-6 v3-7 v4-6 v5)
  wire_test(avrdude_verifies_what_ispflash_wrote_through_buspirate_${firmware} buspirate_rig
    --firmware ${firmware} ${fast} --enable-wait 1 --expect-flash ${images}/small.hex
    -- ${ispflash} -U flash:w:${images}/small.hex:i
    -- ${buspirate} -x spifreq=3 -U flash:v:${images}/small.hex:i)
  wire_test(ispflash_reads_what_avrdude_wrote_through_buspirate_${firmware} buspirate_rig
    --firmware ${firmware} ${fast} --enable-wait 1 --expect-flash ${images}/small.hex
    -- ${buspirate} -x spifreq=3 -U flash:w:${images}/small.hex:i
    -- ${ispflash} -U flash:v:${images}/small.hex:i)
endforeach()

foreach(port tty tcp)
  wire_test(ispflash_writes_through_buspirate_on_${port} buspirate_rig
    --port ${port} ${fast} --expect-flash ${images}/small.hex ${left}
    -- ${ispflash} -U flash:w:${images}/small.hex:i)
endforeach()

foreach(state menu bitbang spi i2c writing)
  foreach(baud 115200 2000000)
    wire_test(buspirate_is_found_in_${state}_at_${baud} buspirate_rig
      --state ${state} --found-baud ${baud} ${fast} --expect-flash ${images}/tiny.hex ${left}
      -- ${ispflash} -U flash:w:${images}/tiny.hex:i)
    # Zeros must reach the model as far apart as they are sent.
    set_tests_properties(wire_buspirate_is_found_in_${state}_at_${baud} PROPERTIES RUN_SERIAL ON)
  endforeach()
endforeach()

# A chip as it comes: 1 MHz, so that SCK stays slow. What is beyond a firmware's limits. -x.
foreach(firmware v3-6 v3-8)
  wire_test(buspirate_${firmware}_writes_a_chip_at_1_mhz buspirate_rig
    --firmware ${firmware} --expect-flash ${images}/small.hex ${left}
    -- ${as_typed} -U flash:w:${images}/small.hex:i)
endforeach()
foreach(firmware v3-7 v5)
  wire_test(buspirate_${firmware}_reads_to_the_top_of_256_kib buspirate_rig
    --firmware ${firmware} --timeout 110 --part m2560 --set fuse.low=0xff --expect-flash ${images}/large.hex ${clean}
    -- $<TARGET_FILE:ispflash> -q -B 1MHz -c buspirate -P {port} -p m2560 -U flash:w:${images}/large.hex:i)
endforeach()
foreach(option nopagedwrite nopagedread spifreq=2 spifreq=4 cpufreq=1000)
  wire_test(buspirate_takes_${option} buspirate_rig
    ${fast} --expect-flash ${images}/tiny.hex ${left}
    -- ${ispflash} -x ${option} -U flash:w:${images}/tiny.hex:i)
endforeach()
# SCK is theirs: -B has no say. A chip at 16 MHz bears 2.67 MHz, which are 4 in one order, 7 in the
# other.
wire_test(buspirate_7_has_more_speeds buspirate_rig
  --firmware v3-7 ${fast} --expect-flash ${images}/tiny.hex ${clean}
  -- ${ispflash} -x spifreq=6 -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_8_has_not_all_of_them buspirate_rig
  --firmware v3-8 ${fast} --status 17 --expect count.reset-entries=0 ${left}
  -- ${ispflash} -x spifreq=8 -U flash:w:${images}/tiny.hex:i)
foreach(freq 1 3)
  wire_test(buspirate_takes_rawfreq=${freq} buspirate_rig
    --firmware v3-6 ${fast} --expect-flash ${images}/tiny.hex ${clean}
    -- ${ispflash} -x rawfreq=${freq} -U flash:w:${images}/tiny.hex:i)
endforeach()
wire_test(buspirate_5_has_no_raw_wires buspirate_rig
  --firmware v5 ${fast} --status 17 --expect count.reset-entries=0 ${left}
  -- ${ispflash} -x rawfreq=3 -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_port_passes_bytes_on_at_once_meanwhile buspirate_rig
  --port tty ${fast} --expect-flash ${images}/tiny.hex ${clean}
  --expect port.low-latency-asked=1 --expect port.low-latency=0
  -- ${ispflash} -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_reaches_reset_by_aux buspirate_rig
  --reset-pin aux ${fast} --expect-flash ${images}/tiny.hex ${left}
  -- ${ispflash} -x reset=aux -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_works_open_drain_with_pull_ups buspirate_rig
  --vpu ${fast} --expect-flash ${images}/tiny.hex --expect bp.open-drain=0 ${left}
  -- ${ispflash} -x pullups -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_leaves_its_supply_off_where_there_is_one buspirate_rig
  --powered --probe ${fast} --expect-flash ${images}/tiny.hex ${left}
  -- ${ispflash} -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_works_at_the_users_rate buspirate_rig
  ${fast} --expect-flash ${images}/tiny.hex --expect bp.rates=0 ${left}
  -- ${ispflash} -b 115200 -U flash:w:${images}/tiny.hex:i)
wire_test(buspirate_refuses_a_rate_it_has_not buspirate_rig
  --status 2 --expect board.bytes-in=0
  -- ${ispflash} -b 123456 -U flash:w:${images}/tiny.hex:i)

# Faults: each ends in time, is explained, and releases RESET where the device still listens.
function(buspirate_fault name status)
  wire_test(buspirate_${name} buspirate_rig ${fast} --status ${status} --timeout 40 ${ARGN} -- ${ispflash} -U flash:w:${images}/tiny.hex:i)
endfunction()
set(released --expect state=off) # the supply is off, too
buspirate_fault(is_silent_from_the_start 8 --mute-after 1)
buspirate_fault(falls_silent_in_the_middle 8 --mute-after 1500)
buspirate_fault(talks_nonsense_from_the_start 8 --device-fault garbage:1)
buspirate_fault(talks_nonsense_in_the_middle 8 --device-fault garbage:1500)
buspirate_fault(resets_in_the_middle 8 --device-fault reset:1500 ${released} --expect bp.at-prompt=1)
buspirate_fault(loses_a_byte_of_a_page 8 --lose-in 1500 ${released} --expect bp.at-prompt=1)
buspirate_fault(is_unplugged_in_the_middle 16 --unplug-after 1500)
# What is said of the chip, wherever the plug is pulled.
function(buspirate_says name status said)
  wire_test(buspirate_${name} buspirate_rig ${fast} --timeout 40 ${ARGN} --flash ${images}/half.hex
    -- sh ${CMAKE_CURRENT_SOURCE_DIR}/fails_saying.sh ${status} "${said}" ${ispflash} ${action})
endfunction()
set(action -U flash:w:${images}/half.hex:i)
set(in_part "flash written in part")
buspirate_says(unplugged_during_write 16 "${in_part}" --unplug-after 9000)
buspirate_says(reset_during_write 8 "${in_part}" --device-fault reset:9000)
buspirate_says(overrun_is_explained 8 "receiver was overrun" --mute-after 9000)
buspirate_says(garbage_is_shown 8 "answers nonsense" --device-fault garbage:9000)
set(action -U flash:v:${images}/half.hex:i)
buspirate_says(loses_an_answer 8 "the Bus Pirate stopped after" --lose-out 8000 ${released}
  --expect bp.at-prompt=1)
buspirate_says(unplugged_during_verify 16 "state: the chip holds what it held before"
  --unplug-after 146)
buspirate_fault(cannot_switch_its_supply_on 9 --supply-short --probe ${released} ${left})
buspirate_fault(has_a_line_too_slow_for_its_rate 8 --max-baud 1000000)
