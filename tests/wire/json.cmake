# Each backend's --json on its model, every line against the schema: good runs, and one that fails.
if(NOT PYTHON3)
  return()
endif()
set(json ${PYTHON3} -B ${CMAKE_SOURCE_DIR}/tests/json/validate.py
  ${CMAKE_SOURCE_DIR}/man/ispflash-json.schema.json $<TARGET_FILE:ispflash> --json)
set(json_of ${json})
list(REMOVE_ITEM json_of --json)
set(memories -U flash:w:${images}/small.hex:i -U hfuse:w:0xd8:m -U lfuse:r:-:h -U signature:r:-:r)
set(written --expect-flash ${images}/small.hex --expect fuse.high=0xd8)

wire_test(json_of_an_avrisp stk500_rig --port tty ${written}
  -- ${json} -c avrisp -P {port} -p m328p ${memories})
wire_test(json_of_a_boot_loader stk500_rig --firmware optiboot --port tty
  --expect-flash ${images}/small.hex
  -- ${json} -c arduino -P {port} -b 115200 -p m328p -D -U flash:w:${images}/small.hex:i)
wire_test(json_of_the_real_sketch arduinoisp_rig --sketch ${sketch_115200} ${written}
  -- ${json} -c avrisp -P {port} -b 115200 -p m328p ${memories})
wire_test(json_of_a_buspirate buspirate_rig ${written}
  -- ${json} -c buspirate -P {port} -p m328p ${memories})
wire_test(json_of_an_avrisp_that_is_unplugged stk500_rig --unplug-after 400 --status 16
  -- ${json} -c avrisp -P {port} -b 19200 -p m328p ${memories})
wire_test(json_of_a_port_that_is_not_there stk500_rig --port tty --status 5
  -- ${json} -c avrisp -P {port}x -p m328p ${memories})
wire_test(json_of_a_doctor_who_finds_an_echo stk500_rig --fault echo --status 9
  -- ${json_of} doctor --json -c avrisp -P {port})
if(LIBUSB_FOUND)
  wire_test(json_of_a_usbtiny usb_rig --device usbtiny ${written}
    -- ${json} -c usbtiny -p m328p ${memories})
  wire_test(json_of_a_usbasp usb_rig --device usbasp-1.07 ${written}
    -- ${json} -c usbasp -p m328p -vvv ${memories})
  wire_test(json_of_a_usbasp_and_a_bad_cell usb_rig --device usbasp-1.07
    --bad-cell flash:16:0xff:0:0 --status 13
    -- ${json} -c usbasp -p m328p ${memories})
  wire_test(json_of_an_stlink usb_rig --device stlink-v2 --part stm32f103c8
    -- ${json} -c stlink -p stm32f103c8 -U flash:w:${images}/tiny.hex:r -U flash:r:-:r)
  wire_test(json_of_a_gang usb_rig --also usbtiny ${written}
    -- ${json} -c usbtiny --gang usb -p m328p ${memories})
endif()
if(LIBFTDI_FOUND)
  wire_test(json_of_an_ft232h usb_rig --device ft232h ${written}
    -- ${json} -c ft232h -p m328p ${memories})
  wire_test(json_of_an_ft232r usb_rig --device ft232r ${written}
    -- ${json} -c ft232r -p m328p ${memories})
endif()
wire_test(json_of_lists_with_an_arduino stk500_rig --port tty
  -- ${json_of} list --json -- ${json} -P ?s)
if(LIBUSB_FOUND)
  wire_test(json_of_a_list_with_programmers usb_rig --also usbasp-clone --usb-fault permission
    -- ${json_of} list --json)
endif()
