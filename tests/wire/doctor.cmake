# The doctor on each broken wire, through programmers that show all answer bytes (USBtinyISP), the
# fourth alone (the ArduinoISP sketch) and none of a chip that is silent (USBasp). Each run has its
# exit status, names its symptom and the line that is broken, and sends nothing but reads.
set(ours $<TARGET_FILE:ispflash>)
set(harmless --expect op.erase=0 --expect op.write-page=0 --expect op.load-page=0
  --expect op.write-fuse=0 --expect op.write-lock=0 --expect op.write-eeprom-byte=0)

# SAYS: patterns of lines on standard output.
function(doctor_test name rig status)
  cmake_parse_arguments(PARSE_ARGV 3 arg "" "" "RIG;RUN;SAYS")
  wire_test(doctor_${name} ${rig} ${arg_RIG} ${harmless}
    -- ${CMAKE_CURRENT_SOURCE_DIR}/answers.sh ${status} ${arg_SAYS} ++ ${ours} doctor ${arg_RUN})
endfunction()

function(detect_test name rig)
  cmake_parse_arguments(PARSE_ARGV 2 arg "" "" "RIG;RUN;SAYS")
  wire_test(detect_${name} ${rig} ${arg_RIG} ${harmless}
    -- ${CMAKE_CURRENT_SOURCE_DIR}/answers.sh 0 ${arg_SAYS} ++ ${ours} detect ${arg_RUN})
endfunction()

# fault : what all bytes look like : what the fourth looks like : the suspect
set(rows
  "miso-open:MISO stays high:MISO stays high:MISO is connected"
  "miso-low:MISO stays low:MISO stays low:nothing else on the board holds MISO"
  "miso-high:MISO stays high:MISO stays high:MISO is connected"
  "echo:MISO repeats MOSI:MISO repeats MOSI:not connected to one another"
  "mosi-cut:MISO stays high:MISO stays high:SCK and MOSI reach the chip"
  "sck-cut:MISO stays high:MISO stays high:SCK and MOSI reach the chip"
  "reset-cut:MISO stays high:MISO stays high:RESET, SCK and MOSI reach"
  "runs-on:another each time:another each time:RESET reaches the chip"
  "swapped:MISO stays high:MISO stays high:MOSI and MISO are not exchanged"
  "no-power:MISO stays low:MISO stays low:the target has power"
  "no-clock:MISO stays high:MISO stays high:the clock that the chip")
foreach(row IN LISTS rows)
  string(REPLACE ":" ";" row "${row}")
  list(GET row 0 fault)
  list(GET row 1 all)
  list(GET row 2 fourth)
  list(GET row 3 suspect)
  if(LIBUSB_FOUND)
    doctor_test(finds_${fault}_through_a_usbtiny usb_rig 9 RIG --fault ${fault}
      RUN -c usbtiny -p m328p SAYS "^fails +wires .*${all}" "^  [1-9]\\. .*${suspect}")
    doctor_test(finds_${fault}_through_a_usbasp usb_rig 9 RIG --device usbasp-1.07 --fault ${fault}
      RUN -c usbasp -p m328p SAYS "^fails +wires .*did not enter programming mode")
  endif()
  doctor_test(finds_${fault}_through_the_sketch stk500_rig 9 RIG --fault ${fault}
    RUN -c avrisp -P {port} -p m328p SAYS "^fails +wires .*${fourth}" "^  [1-9]\\. .*${suspect}")
endforeach()

doctor_test(is_content_with_the_real_sketch arduinoisp_rig 0 RIG --sketch ${sketch}
  RUN -c avrisp -P {port} -p m328p
  SAYS "^ok +firmware +AVR ISP 1.18 .ArduinoISP sketch." "^ok +readings" "^All is well")
doctor_test(finds_an_echo_through_the_real_sketch arduinoisp_rig 9 RIG --sketch ${sketch} --fault echo
  RUN -c avrisp -P {port} SAYS "^Diagnosis: MISO repeats MOSI")
doctor_test(reads_the_supply_of_an_stk500 stk500_rig 0
  RIG --firmware stk500 --set fuse.low=0xff
  RUN -c stk500v1 -P {port} -b 115200 -p m328p SAYS "^ok +supply +5.00 V" "^All is well")
doctor_test(tells_a_boot_loader_from_a_programmer stk500_rig 8 RIG --firmware optiboot --port tty
  RUN -c avrisp -P {port} -b 115200 SAYS "^ok +access" "^fails +firmware .*boot loader")
doctor_test(tells_that_a_port_is_not_there stk500_rig 5 RIG --port tty
  RUN -c avrisp -P {port}x SAYS "^fails +programmer")
doctor_test(is_content_with_a_buspirate buspirate_rig 0 RIG --set fuse.low=0xff
  RUN -c buspirate -P {port} -p m328p SAYS "^ok +wires" "^All is well")
if(LIBUSB_FOUND)
  doctor_test(is_content_with_a_usbasp usb_rig 0 RIG --device usbasp-1.07
    RUN -c usbasp -p m328p SAYS "^ok +firmware +1.07" "^ok +readings" "^All is well")
  doctor_test(tells_that_no_usbtiny_is_there usb_rig 5 RIG --device usbasp-1.05
    RUN -c usbtiny SAYS "^fails +programmer")
  doctor_test(tells_that_a_usbtiny_may_not_be_opened usb_rig 6 RIG --usb-fault permission
    RUN -c usbtiny SAYS "^ok +programmer" "^fails +access")
  doctor_test(tells_that_a_usbtiny_is_in_use usb_rig 7 RIG --usb-fault busy
    RUN -c usbtiny SAYS "^ok +programmer" "^fails +access")
  doctor_test(tells_when_a_usbtiny_is_unplugged usb_rig 16 RIG --usb-fault unplug=12
    RUN -c usbtiny SAYS "^fails +wires")
  doctor_test(names_the_wrong_chip usb_rig 10 RIG --part m32u4
    RUN -c usbtiny -p m328p SAYS "^fails +signature .*1e 95 87" "use -p m32u4")
  doctor_test(tells_a_locked_chip usb_rig 11 RIG --set lock=0xfc
    RUN -c usbtiny -p m328p SAYS "^fails +lock")
  doctor_test(is_content_with_a_128_khz_chip usb_rig 0 RIG --set fuse.low=0xe3
    RUN -c usbtiny -p m328p SAYS "^ok +wires .*not at" "^ok +clock +128 kHz")
  doctor_test(counts_errors_on_a_noisy_cable usb_rig 14 RIG --fault bit-errors --bit-error-rate 2000
    RUN -c usbtiny -p m328p --soak 3000 SAYS "SCK is clean")
endif()

# What a chip is and holds. boot.hex is no boot loader that anybody knows.
detect_test(knows_a_blank_chip_through_the_sketch stk500_rig
  RUN -c avrisp -P {port} SAYS "^ATmega328P .m328p., or" "^clock +1 MHz" "^lock +open"
      "^flash +32768 bytes, blank" "^eeprom +1024 bytes, blank" "^  BODLEVEL")
if(LIBUSB_FOUND)
  detect_test(knows_a_boot_section_through_a_usbasp usb_rig
    RIG --device usbasp-1.07 --part m32u4 --flash ${images}/boot.hex --set fuse.low=0xe2
    RUN -c usbasp
    SAYS "^ATmega32U4" "^SCK +1500 kHz" "^flash +32768 bytes, blank below"
         "^boot +0x7000 to 0x7fff: no boot loader" "^ +4096 bytes from 0x7000, CRC-32 [0-9a-f]+$")
  detect_test(does_not_look_into_a_locked_chip usb_rig RIG --set lock=0xfc
    RUN -c usbtiny SAYS "^lock +reading and writing are forbidden" "^flash +32768 bytes, hidden")
  detect_test(finds_a_128_khz_chip usb_rig RIG --set fuse.low=0xe3
    RUN -c usbtiny SAYS "^clock +128 kHz" "^SCK +2[78]")
endif()
