# avrdude and flashrom through the Bus Pirate models. avrdude does not wait after RESET, which most
# chips forgive; it crashes where 05 refuses to do nothing at all (firmware 8), so that is left out.
set(buspirate ${AVRDUDE} -qq -c buspirate -P {port} -p m328p)
set(patient --enable-wait 1 --set fuse.low=0xff)

foreach(firmware v3-5 v3-6 v3-7 v4-6 v5)
  wire_test(avrdude_writes_and_verifies_through_buspirate_${firmware} buspirate_rig
    --firmware ${firmware} ${patient} --flash ${images}/half.hex
    --expect-flash ${images}/small.hex --expect count.undefined=0 --expect fuse.high=0xde
    --expect bp.hangs=0 --expect bp.supplies=0 --expect bp.at-prompt=1
    -- ${buspirate} -U flash:w:${images}/small.hex:i -U hfuse:w:0xde:m
    -- ${buspirate} -x spifreq=3 -U flash:v:${images}/small.hex:i)
endforeach()

foreach(port tty tcp)
  wire_test(avrdude_reads_through_buspirate_on_${port} buspirate_rig
    --port ${port} ${patient} --flash ${images}/tiny.hex --expect-flash ${images}/tiny.hex
    --expect op.erase=0
    -- ${buspirate} -U flash:r:{tmp}/read.hex:i
    -- ${buspirate} -U flash:v:{tmp}/read.hex:i)
endforeach()

wire_test(avrdude_reaches_reset_by_aux_of_buspirate buspirate_rig
  --reset-pin aux ${patient} --expect-flash ${images}/tiny.hex
  -- ${buspirate} -x reset=aux -U flash:w:${images}/tiny.hex:i)

# flashrom goes to 2000000 baud by the terminal's menu, then looks for a memory chip, which an AVR
# is not: it ends with 1, in SPI mode.
find_program(FLASHROM flashrom PATHS /usr/sbin)
if(FLASHROM)
  foreach(firmware v3-6 v3-7 v3-8)
    wire_test(flashrom_raises_the_rate_of_buspirate_${firmware} buspirate_rig
      --firmware ${firmware} --status 1 --expect bp.rates=1 --expect-min bp.spi-bytes=100
      --expect bp.resets=2 --expect bp.hangs=0 --expect board.overflows=0
      -- ${FLASHROM} -p buspirate_spi:dev={port})
  endforeach()
endif()
