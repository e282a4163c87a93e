#!/bin/sh
# build_firmware.sh FOLDER: compiles the real "Arduino as ISP" sketch for an Uno into FOLDER, for the
# wire tests that run it in simavr:
#   arduino_isp.hex         as it comes, 19200 baud
#   arduino_isp_115200.hex  at 115200 baud
#   arduino_isp_soft.hex    at 115200 baud with its bit-banged SPI (SPI_CLOCK of 100 kHz)
#   optiboot.hex            the Uno's boot loader at 115200 baud, 0x7c00, from the core's package
# The sketch is in Debian's package `arduino`, which is fetched with apt-get and unpacked without
# being installed; the compiler and the core are the packages gcc-avr, avr-libc, arduino-core-avr.
# Ends with 77 and a line that says what is missing if it cannot.
# shellcheck disable=SC2086 # $common and $cxx are lists of words
set -eu

folder=${1:?usage: build_firmware.sh FOLDER}
hardware=/usr/share/arduino/hardware/arduino/avr
sketch=usr/share/doc/arduino/examples/11.ArduinoISP/ArduinoISP/ArduinoISP.ino

missing() {
    echo "firmware: $1: the tests with the real firmware are skipped" >&2
    exit 77
}

[ ! -e "$folder/complete" ] || exit 0
command -v avr-g++ >/dev/null || missing "gcc-avr is not installed"
[ -d "$hardware/cores/arduino" ] || missing "arduino-core-avr is not installed"
mkdir -p "$folder"
cd "$folder"

if [ ! -e "package/$sketch" ]; then
    command -v apt-get >/dev/null || missing "no apt-get to fetch the package arduino with"
    apt-get -qq download arduino 2>apt.log || missing "the package arduino cannot be fetched"
    dpkg-deb --extract arduino_*.deb package
    rm -f arduino_*.deb
fi
[ -e "package/$sketch" ] || missing "the package arduino holds no ArduinoISP sketch"

# DECIMAL_DIG: the core needs it, and this compiler's float.h keeps it back from C++.
common="-mmcu=atmega328p -DF_CPU=16000000L -DARDUINO=10819 -DARDUINO_AVR_UNO -DARDUINO_ARCH_AVR
    -DDECIMAL_DIG=17 -Os -w -ffunction-sections -fdata-sections -fno-lto
    -I$hardware/cores/arduino -I$hardware/variants/standard -I$hardware/libraries/SPI/src"
cxx="-std=gnu++11 -fno-exceptions -fno-threadsafe-statics -fpermissive"

mkdir -p core
if [ ! -e core/complete ]; then
    for file in "$hardware"/cores/arduino/*.S "$hardware"/cores/arduino/*.c; do
        avr-gcc $common -c "$file" -o "core/$(basename "$file").o"
    done
    for file in "$hardware"/cores/arduino/*.cpp "$hardware"/libraries/SPI/src/SPI.cpp; do
        avr-g++ $common $cxx -c "$file" -o "core/$(basename "$file").o"
    done
    touch core/complete
fi

# As the IDE does: a declaration of each function goes before the sketch.
sed -n 's/^\([a-z][a-z0-9_]* [a-z_]*(.*)\) {.*/\1;/p' "package/$sketch" >prototypes.h

build() { # NAME SED-EXPRESSION
    sed "$2" "package/$sketch" >"$1.cpp"
    avr-g++ $common $cxx -include Arduino.h -include prototypes.h -Wl,--gc-sections \
        "$1.cpp" core/*.o -lm -o "$1.elf"
    avr-objcopy -O ihex -R .eeprom "$1.elf" "$1.hex"
}

build arduino_isp ''
build arduino_isp_115200 's/^#define BAUDRATE.*/#define BAUDRATE 115200/'
build arduino_isp_soft 's/^#define BAUDRATE.*/#define BAUDRATE 115200/
    s/^#define SPI_CLOCK.*/#define SPI_CLOCK 100000/'

# The package's own optiboot_atmega328.hex is a little longer than the 512 bytes it has and does not
# work: ours begins 512 bytes lower.
avr-gcc -mmcu=atmega328p -DF_CPU=16000000L -DBAUD_RATE=115200 -DLED_START_FLASHES=3 -Os -w \
    -fno-inline-small-functions -fno-split-wide-types -mshort-calls \
    -Wl,--section-start=.text=0x7c00 -Wl,--section-start=.version=0x7ffe -Wl,--relax \
    -nostartfiles -nostdlib "$hardware/bootloaders/optiboot/optiboot.c" -o optiboot.elf
avr-objcopy -j .text -j .data -j .version --set-section-flags .version=alloc,load -O ihex \
    optiboot.elf optiboot.hex
touch complete
