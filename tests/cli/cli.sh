#!/bin/sh
# The built program as a user types it, on simulated chips: exit code, standard output and standard
# error of each line.
#
#   run CODE ARGUMENT...   runs the program; the exit code must be CODE
#   out PATTERN            standard output of that run must have a line that matches (grep -E)
#   err PATTERN            the same for standard error
#   no_out [PATTERN]       no line may match; without a pattern, there may be none
#   no_err [PATTERN]
#   same FILE FILE         the files hold the same bytes
set -u
program=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"
cp "$program" "$work/ispflash"
ln -s ispflash "$work/avrdude"
cd "$work" || exit 1
export HOME="$work/home" TERM=xterm LC_ALL=C
unset XDG_CONFIG_HOME NO_COLOR CLICOLOR_FORCE
mkdir home

name=ispflash
input=/dev/null
line=
failures=0
runs=0

broken()
{
    failures=$((failures + 1))
    printf 'NOT AS WANTED: %s\n  %s\n' "$line" "$*"
    sed 's/^/  stdout: /' stdout
    sed 's/^/  stderr: /' stderr
}

run()
{
    wanted=$1
    shift
    line="$name $*"
    runs=$((runs + 1))
    timeout 60 "./$name" "$@" >stdout 2>stderr <"$input"
    code=$?
    [ "$code" = "$wanted" ] || broken "exit code $code, not $wanted"
}

out() { grep -Eq -e "$1" stdout || broken "stdout lacks: $1"; }
err() { grep -Eq -e "$1" stderr || broken "stderr lacks: $1"; }
no_out() { grep -Eq -e "${1-}" stdout && broken "stdout has: ${1-anything}"; }
no_err() { grep -Eiq -e "${1-}" stderr && broken "stderr has: ${1-anything}"; }
same() { cmp -s -- "$1" "$2" || broken "$1 and $2 differ"; }

yes | head -c 4096 >page.bin
head -c 8192 /dev/zero >zeros.bin
head -c 32769 /dev/zero >too-long.bin
printf ':0400000001020304F2\n:00000001FF\n' >four.hex
printf ':0400000001020304F3\n:00000001FF\n' >checksum.hex
printf ':0400000001020304F2\n' >cut.hex
printf ':0400000001020304F2\n:00000001FF\n:0400040001020304EE\n' >after.hex
printf ':0400000001020304F2\n:0100000002FD\n:00000001FF\n' >overlap.hex
printf ':0400000001020304F2\n:04\n:00000001FF\n' >short.hex
printf ':020000040001F9\n:0400000001020304F2\n:00000001FF\n' >beyond.hex
printf ':00000001FF\n' >nothing.hex
printf '\177ELF\001\001\001' >program.elf
printf 'int main(void) { return 0; }\n' >source.c
: >empty.hex
mkdir folder

# --- help, version, lists -----------------------------------------------------------------------
run 0; out '^usage: ispflash'; no_err
run 0 -h; out '^usage: ispflash'; out '--memory'; no_out '--osccal'; no_err
run 0 '-?'; out '^usage'; no_err
run 0 --help; out '--osccal'; out '^  help '; no_err
run 0 --version; out '^ispflash [0-9]+\.[0-9]+\.[0-9]+$'; no_err
run 0 --version -v; out '^driver sim'; no_err
run 0 help; out '--osccal'; no_err
run 0 help exit-codes; out '^ 13  verify-mismatch'; no_err
run 0 help formats; out '^i  Intel HEX'; no_err
run 0 help terminal; out '^dump \[MEM'; out '^quit '; no_err
run 2 help exit-code; no_out; err 'did you mean "exit-codes"'
run 0 -c '?'; out '^sim '; no_err
run 0 -p '?'; out '^m328p +ATmega328P +1E 95 0F$'; no_err
run 0 -p '?' -c sim; no_err
run 0 -P '?s' -c sim; no_err
run 0 -c sim -x help; out '^part=NAME'; no_err
run 0 -c '?type'; out '^usbasp +nibobee, usbasp, usbasp-clone$'; no_err
run 0 -p 'm328p/s'; out '^    signature              = 0x1e 0x95 0x0f;$'; no_out memory; no_err
run 0 -p 'ATmega328P/S' -c no-such; out '^    memory "efuse"$'; out '^        bitmask            = 0x07;$'
run 0 -p 'm328*/d'; out '^ATmega328PB.0x1e 0x95 0x16.flash 32768/128.eeprom 1024/4.PM_SPM'; no_err
run 0 -p 'm328p/St'; out "^.ptmm	ATmega328P	eeprom	size	1024$"; no_err
run 0 -p 'no-such/s'; no_out; no_err
run 0 -p 'm328p/x'; no_out; err 'FLAGS are'
run 0 -p '*'; out '"ATtiny85"'
run 0 -c 'usbasp/A'; out '^    usbpid                 = 0x05dc;$'; no_out nibobee; no_err
run 0 -c 'USB*/st'; out "^.prog	usbtiny	usbvid	0x1781$"; no_err
run 0 -c 'usbasp/u'; out '"16c0", ATTRS.idProduct.=="05dc"'; no_err
run 0 -c 'usbasp/x'; no_out; err 'rules for udev'
name=avrdude
run 0; err '^usage: avrdude'; no_out
run 0 -h; err '^usage: avrdude'; no_out
run 0 --version; out '^ispflash '; no_err
run 1 -c '?'; err '^sim '; no_out
run 1 -p '?'; err '^m328p '; no_out
run 1 -c '?type'; err '^usbasp '; no_out
run 0 -c 'usbasp/s'; out 'usbvid'; no_err
run 0 -p 'm328p/s'; out 'signature'; no_err
name=ispflash

# --- a good run ---------------------------------------------------------------------------------
run 0 -c sim -P chip -p m328p -U flash:w:page.bin:r -U lfuse:w:0xff:m -U hfuse:w:0xd8:m
no_out
err '^Device signature = 1E 95 0F \(ATmega328P\)$'
err "^ispflash: note: the chip's clock is raised from 1 to 8 MHz while it is written: lfuse 0xe2"
err '^Writing flash: 3968 bytes in '
err '^Done in [0-9.]+ s: ATmega328P via sim$'
err '^  4096 bytes of flash verified$'
err '^  lfuse 0x62 -> 0xff$'
err '^  hfuse 0xd9 -> 0xd8$'
no_err 'error|fail|warning'
run 0 -c sim -P other -p m328p --no-clock-boost -U flash:w:page.bin:r -U lfuse:w:0xff:m
err '^Writing flash: 4096 bytes in '; no_err 'clock is raised'
run 0 -c sim -P chip -p m328p -U flash:r:read.bin:r
no_out; err '^  32768 bytes of flash read$'; same page.bin read.bin
run 0 -c sim -P chip -p m328p -A -U flash:r:whole.bin
[ "$(wc -c <whole.bin)" = 32768 ] || broken "-A: not all of flash"
run 0 -c sim -P chip -p m328p -U flash:v:page.bin:r; err 'bytes of flash verified'
run 0 -c sim -P chip -p m328p -qq -U flash:v:page.bin:r; no_err; no_out
run 0 -c sim -P chip -p m328p -qq -U lfuse:r:-:h -U hfuse:r:-:h -U efuse:r:-:h
out '^0xff$'; out '^0xd8$'; no_err
[ "$(wc -l <stdout)" = 3 ] || broken "not one line a fuse"
run 0 -c sim -P chip -p m328p -qq -U signature:r:-:h; out '^0x1e,0x95,0xf$'
run 0 -c sim -P chip -p m328p -qq -U lfuse:r:-:d; out '^255$'
run 0 -c sim -P chip -p m328p -qq -U lfuse:r:-:b; out '^0b11111111$'
run 0 -c sim -P chip -p m328p -qq -U lfuse:r:-:o; out '^0377$'
run 0 -c sim -P chip; err '^Device signature = 1E 95 0F'; err ': ATmega328P'
run 0 -c sim -P chip -p M328P -q -U flash:v:page.bin:r; no_err 'Verifying'; err '^Done'
run 0 -c sim -P chip -p atmega328p-pu --progress none -U flash:v:page.bin:r; no_err 'Verifying'
run 0 -c sim -P chip -p m328p -v; err '^ispflash version '; err '^programmer: sim$'
run 0 -c sim -P chip -p m328p -U flash:r:old.bin:r -U flash:w:four.hex
same page.bin old.bin; no_err 'error|fail'
run 0 -c sim -P chip -p m328p -U flash:r:new.bin -U flash:v:new.bin:r; err 'flash verified'
run 0 -c sim -P chip -p m328p -U four.hex; err '^  4 bytes of flash written'
run 0 -c sim -P chip -p m328p -e; err 'chip erased'
run 0 -c sim -P chip -p m328p -U flash:r:blank.hex:i; err 'blank'
[ "$(cat blank.hex)" = ':00000001FF' ] || broken "a blank chip's HEX is not just an end record"
run 0 -c sim -P chip -p m328p -U flash:r:made.bin -U flash:w:made.bin:r; no_err 'error|fail'
run 0 -c sim -P chip -p m328p -e -U flash:r:x.bin; err 'warning: .*after the erase'
run 0 -c sim -P chip -p m328p -U eeprom:w:0x12,0x34:m -U eeprom:r:eeprom.bin
[ "$(wc -c <eeprom.bin)" = 1024 ] || broken "EEPROM is not read whole"


# --- several memories in one file ---------------------------------------------------------------
rm -f chip other
run 0 -c sim -P chip -p m328p -U flash:w:page.bin:r -U eeprom:w:9,8,7:m -U hfuse:w:0xd1:m
for format in i I s; do
    run 0 -c sim -P chip -p m328p -U "all:r:all.$format:$format"
    out_of=$(sed -n 's/^  \([0-9]* bytes of [a-z]* read\)$/\1/p' stderr | tr '\n' ',')
    [ "$out_of" = '32768 bytes of flash read,1024 bytes of eeprom read,3 bytes of signature read,' ] ||
        broken "read $out_of"
    rm -f other
    run 0 -c sim -P other -p m328p -U "all:w:all.$format"; no_err 'error|fail'
    err '^  hfuse 0xd9 -> 0xd1$'
    run 0 -c sim -P other -p m328p -U "ALL:v:all.$format" -U flash:v:page.bin:r -U eeprom:v:9,8,7:m
done
run 0 -c sim -P chip -p m328p -qq -U all,-flash,-eeprom:r:-
out ' // 820001> 0xd1 hfuse$'; out ' // 840000> 0x1e 0x95 0x0f signature$'; no_out 'flash'
run 0 -c sim -P chip -p m328p -qq -U all:r:now.hex:i -U all:w:now.hex -U etc:v:now.hex
run 0 -c sim -P chip -p m328p -U 'flash,sram,efuse:v:all.i'; err 'no memory sram; skipped'
run 0 -c sim -P chip -p m328p -U fuses,:r:nothing.I; err 'no memory fuses; skipped'
[ ! -e nothing.I ] || broken 'a file of nothing'
run 3 -c sim -P chip -p m328p -U flash,eeprom:w:zeros.bin; err 'raw binary has no addresses'; err 'not touched'
run 0 -c sim -P chip -p m328p -U flash,eeprom:w:four.hex; err 'four.hex holds no bytes for eeprom'
run 3 -c sim -P other -p m168p -U eeprom:w:all.i; err 'is for another chip: .*1e 95 0f'; err 'not touched'
run 13 -c sim -P chip -p m328p -U all:v:all.i

# A file that an earlier step was to make and did not.
rm -f made.hex
run 3 -c sim -P kept-one -p m8 -U efuse:r:made.hex:h -U flash:w:made.hex:h
err 'no memory efuse; skipped'; err 'made.hex: no such file'; err 'not touched'
run 3 -c sim -P kept-one -p m328p -U fuse,prodsig:r:made.hex -U all:w:made.hex; err 'not touched'
[ ! -e kept-one ] || broken 'the chip was touched'
printf '0x62' >made.hex
run 0 -c sim -P kept-one -p m8 -U efuse:r:made.hex:h -U eeprom:w:made.hex:h; rm kept-one

# --- file names and standard input --------------------------------------------------------------
for file in 'a b.hex' 'a:b.hex' 'C:x.hex' "$(printf '\303\274.hex')" '--x.hex' 'x;y&z.hex'; do
    cp -- four.hex "$file"
    run 0 -c dryrun -p m328p -qq -U "flash:w:$file"; no_err
    run 0 -c dryrun -p m328p -qq -U "flash:w:$file:i" -U "flash:r:copy of $file:i"; no_err
    same "$file" "copy of $file"
    run 0 -c dryrun -p m328p -qq -U "$file"; no_err
done
input=four.hex
run 0 -c dryrun -p m328p -U flash:w:-:i; err '^  4 bytes of flash written'
run 0 -c dryrun -p m328p -U -; err '^  4 bytes of flash written'
input=cut.hex
run 3 -c dryrun -p m328p -U flash:w:-:i; err 'standard input:1: no end record'
input=/dev/null
run 3 -c dryrun -p m328p -U flash:w:-:i; err 'standard input: empty'

# --- skipped by the rules -----------------------------------------------------------------------
run 0 -c dryrun -p m8 -U efuse:w::m -U lfuse:w:0xe1:m; err 'note: .*efuse'; no_err 'error|fail'
run 0 -c dryrun -p m328p -U efuse:w::m; err 'note:'; no_err 'error|fail|warning'
run 0 -c dryrun -p m8 -qq -U efuse:w:0xff:m; no_err; no_out
run 0 -c dryrun -p m328p -U fuse:w:0xff:m; err 'note: .*fuse'
run 0 -c dryrun -p m328p -U eeprom:w:nothing.hex:i; err 'note:'; no_err 'error|fail|Erasing'
run 0 -c dryrun -p m328p -suyY -r -E reset,vcc; err 'note: -E vcc'; err 'note: -E reset'; no_err 'error|fail'

# --- the terminal -------------------------------------------------------------------------------
run 0 -c sim -P term -p m328p -qq -T 'write eeprom 0 0xcafe "hi"; dump eeprom 0 8' -T sig
out '^0000  fe ca 68 69 00 ff ff ff  '; out '^Device signature = 0x1e950f$'; no_err
printf 'write flash 0 1 2 3\nsave flash 0 3 three.bin\n' >commands
input=commands
run 0 -c sim -P term -p m328p -qq -t -U flash:v:three.bin:r; no_err
out '^ispflash> write flash 0 1 2 3$'
input=/dev/null
run 0 -c sim -P term -p m328p -T 'include commands'; err 'holds this already|of them there already'
run 2 -c sim -P term -p m328p -T 'write eeprom 0 "abc'; err 'in the middle of a quoted string'
run 12 -c sim -P term -p m328p -T 'config rstdisbl=gpio'; err -- '--allow reset-disable'
name=avrdude
input=commands
run 0 -c sim -P term -p m328p -qq -t; out '^avrdude> write flash'
input=/dev/null
name=ispflash

# --- nothing is written -------------------------------------------------------------------------
run 0 -c dryrun -p m328p -qq -n -U flash:w:four.hex
out '^:0400000001020304F2$'; out '^:00000001FF$'; no_err
run 0 -c dryrun -p m328p -n -e -U flash:w:four.hex; no_err 'Erasing|erased'

# --- bad requests -------------------------------------------------------------------------------
run 2 -Z; err '-Z is no option'; err '\[usage\]'
run 2 --verfiy; err 'is no option'
run 2 -c sim -p m328p -B fast; err 'no bit clock'
run 2 -c sim -p m328p -b fast; err 'whole number'
run 2 -p m328p -U four.hex; err 'no programmer is named'
run 2 -c simm -p m328p; err 'did you mean "sim"'
run 17 -c stk500v2 -p m328p; err 'stk500v2'
run 2 -c sim -p m328pp; err 'did you mean'
run 2 -c sim -p x-no-such-part; err 'x-no-such-part'
run 2 -c sim -p m328p -U flsh:w:four.hex; err 'flsh'; err 'did you mean|flash'
run 2 -c sim -p m328p -U FLASH:w:four.hex; err 'FLASH'
run 2 -c sim -p m328p -U flash:x:four.hex; err "operation 'x'"
run 2 -c sim -p m328p -U flash:w:four.hex:q; err "'q' is no file format"
run 2 -c sim -p m328p -U flash:r:x:m; err 'cannot be written'
run 2 -c sim -p m328p -U flash:w:-:i -U eeprom:w:-:i; err 'standard input can be read once'
run 2 -c sim -p m328p four.hex; err '"four.hex" belongs to no option'; err '-U four.hex'
run 2 -v help; err 'a command is the first word'
run 2 four.hex; err '"four.hex" is no command'
run 2 halp; err 'did you mean "help"'
run 2 -c sim -p m328p --allow reset-disabled; err 'did you mean "reset-disable"'
run 2 -c sim -p m328p -E rest; err 'did you mean "reset"'
run 2 -c sim -p m328p -x nonsense; err 'nonsense'
run 17 -c sim -p m328p -O; err 'oscillator'
run 17 -c dryrun -p m256rfr2 -U usersig:r:-:h; no_out; err 'reaches the user signature'; no_err Reading
run 17 -c dryrun -p m256rfr2 -U usersig:w:1:m; err 'reaches the user signature'
run 0 -c dryrun -p m328p -U usersig:w:1:m; err 'no memory usersig; skipped'
run 2 -c sim -p m328p -U flash,eeprom:r:x.bin:r; err 'cannot hold several memories'
run 2 -c sim -p m328p -U flash,eprom:r:x.hex; err 'eprom: no part has'; err 'did you mean "eeprom"'
run 2 -c sim -U flash,eprom:w:four.hex; err 'eprom: no part has'; err 'not touched'
run 3 -C no-such.conf -c sim -p m328p; err 'no-such.conf: No such file'; err 'built in'
run 3 --part-file no-such.part -c sim -p m328p; err 'no-such.part'

# --- bad files: nothing is touched --------------------------------------------------------------
run 0 -c sim -P kept -p m328p -U flash:w:four.hex
cp kept kept.before
while read -r file text; do
    run 3 -c sim -P kept -p m328p -U "flash:w:$file"
    err "${file%:?}"; err "$text"; err 'state: the chip was not touched'; no_out
done <<'TABLE'
no-such.hex no such file
folder is a directory
empty.hex empty
checksum.hex:i :1: .*checksum
cut.hex:i end record
after.hex:i :3: .*(after|behind)
overlap.hex:i :2:
short.hex:i :2:
beyond.hex:i (beyond|too far|flash ends)
too-long.bin:r (32769|too)
source.c
four.hex:s no S-record
12x:m is not a number
TABLE
run 3 -c sim -P kept -p m328p -U flash:w:program.elf; err 'ELF file is cut short'
run 3 -c sim -P kept -p m328p -U lfuse:w:0x1ff:m; err 'lfuse|0x1ff'
run 3 -c sim -P kept -p m328p -U lfuse:w:0xff,0xff:m
run 3 -c sim -P kept -p m328p -U flash:w:four.hex -U eeprom:w:no-such.eep
run 4 -c sim -P kept -p m328p -U flash:w:zeros.bin:r -U flash:r:no-such/out.bin
err 'no-such/out.bin: its directory does not exist'; err 'not touched'
run 4 -c sim -P kept -p m328p -U flash:r:folder; err 'is a directory'
run 4 -c sim -P kept -p m328p -l no-such/log; err 'no-such/log'
same kept kept.before
run 0 -c sim -P kept -p m328p --allow no-end-record -U flash:w:cut.hex:i
run 0 -c sim -P kept -p m328p --allow overlap,data-after-end -U flash:w:overlap.hex:i
run 0 -c sim -P kept -p m328p -U flash:w:0x00ff:m
if [ "$(id -u)" = 0 ] && command -v setpriv >/dev/null; then
    cp four.hex secret.hex
    chmod 600 secret.hex
    line='as nobody: ispflash -U flash:w:secret.hex'
    setpriv --reuid=65534 --regid=65534 --clear-groups \
        ./ispflash -c dryrun -p m328p -U flash:w:secret.hex >stdout 2>stderr
    [ $? = 3 ] || broken "an unreadable file"
    err 'secret.hex: may not be read'
fi

# --- ELF ----------------------------------------------------------------------------------------
if command -v avr-gcc >/dev/null; then
    cat >app.c <<'SOURCE'
#include <avr/io.h>
#include <avr/eeprom.h>
#include <avr/fuse.h>
#include <avr/lock.h>
#include <avr/signature.h>
FUSES = {.low = 0xe2, .high = 0xd1, .extended = 0xfd};
LOCKBITS = 0xcf;
unsigned char EEMEM settings[4] = {1, 2, 3, 4};
volatile int counter = 0x1234;
int main(void) { for (;;) counter++; }
SOURCE
    avr-gcc -mmcu=atmega328p -Os -o app.elf app.c
    avr-gcc -mmcu=atmega328p -Os -c -o app.o app.c
    avr-objcopy -j .text -j .data -O binary app.elf app.bin
    head -c 5000 app.elf >cut.elf
    rm -f chip
    run 0 -c sim -P chip -p m328p -U app.elf -U eeprom:w:app.elf -U lfuse:w:app.elf:e \
        -U hfuse:w:app.elf -U lock:w:app.elf
    no_err 'error|fail'; err '^  lfuse 0x62 -> 0xe2$'; err '^  lock 0xff -> 0xcf$'
    run 0 -c sim -P chip -p m328p -U flash:v:app.bin:r -U eeprom:v:1,2,3,4:m -U signature:v:app.elf
    run 3 -c sim -P chip -p m32u4 -U app.elf; err 'built for the atmega328p'; err '1e 95 0f'
    run 3 -c sim -P chip -p m328p -U app.o; err 'not linked yet'; err 'not touched'
    run 3 -c sim -P chip -p m328p -U cut.elf; err 'cut short'; err 'not touched'
    run 3 -c sim -P chip -p m328p -U /proc/self/exe; err '64-bit'
    rm -f chip
    run 0 -c sim -P chip -p m328p -U all:w:app.elf
    no_err 'error|fail'; err '^  4 bytes of eeprom verified'; err '^  efuse 0xff -> 0xfd$'
    run 0 -c sim -P chip -p m328p -U all:v:app.elf -U flash:v:app.bin:r; err '3 bytes of signature'
    run 0 -c sim -P chip -U flash,-flash,eeprom:w:app.elf; err 'not asked for and left out: flash, '
    run 0 info app.elf; out '^app.elf: ELF, '; out '^  fuses: 3 bytes'
    run 0 convert app.elf -o app.hex
    run 0 diff app.elf app.hex
    run 0 merge app.elf app.hex -o both.hex
    same app.hex both.hex
fi

# --- bad chips ----------------------------------------------------------------------------------
run 10 -c sim -x part=m168p -p m328p -U flash:w:four.hex
err 'ATmega168P'; err 'hint: use -p m168p'; no_err 'Writing'
run 0 -c sim -x part=m328 -p m328p -F -U lfuse:r:-:h; err 'warning'; out '^0x62$'
run 0 -c sim -x part=m328 -p m328p --allow signature-mismatch -U lfuse:r:-:h
run 9 -c sim -x fail=miso-open -p m328p -F -U flash:w:four.hex; no_err 'Writing'
run 9 -c sim -x fail=miso-low -p m328p -F -U flash:w:four.hex; no_err 'Writing'
run 9 -c sim -x fail=echo -p m328p
run 9 -c sim -x fail=no-power -p m328p
run 9 -c sim -x fail=reset-open -p m328p
run 8 -c sim -x fail=silent -p m328p
run 9 -c sim -B 4MHz -p m328p; err '-B'
run 12 -c sim -p m328p -U hfuse:w:0x59:m; err 'allow reset-disable'; err 'not touched'
run 12 -c sim -p m328p -F -U hfuse:w:0x59:m; err 'allow reset-disable'
run 12 -c sim -p m328p -U hfuse:w:0x99:m; err 'allow debugwire'
run 12 -c sim -p m328p -U lfuse:w:0xe0:m; err 'allow external-clock'
run 0 -c sim -p m328p --allow reset-disable -U hfuse:w:0x59:m
run 13 -c sim -x stuck-cell=2 -p m328p -U flash:w:zeros.bin:r -q
err '\[verify-mismatch\]'; err '^  state: '
run 13 -c sim -p m328p -U flash:v:four.hex; err '\[verify-mismatch\]'
run 0 -c sim -P locked -p m328p -U flash:w:four.hex -U lock:w:0xc0:m
run 11 -c sim -P locked -p m328p -U flash:r:x.bin; err '\[protected\]'
run 14 -c sim -x weak-cell=2 -p m328p -U flash:w:page.bin:r; err '\[unverified\]'; err '^  state: '
run 16 -c sim -x fail=unplug -x after=300 -p m328p -U flash:w:page.bin:r
err '\[link-lost\]'; err '^  state: .*erased.*written in part'

# --- ports that cannot be used ------------------------------------------------------------------
if ./ispflash -c '?' | grep -q '^avrisp '; then
    run 5 -c avrisp -P /dev/no-such-port -p m328p -U flash:w:four.hex
    err '/dev/no-such-port'; err '\[no-programmer\]'; err 'not touched'
    run 5 -c avrisp -P usb:ffff:ffff -p m328p; err 'usb:ffff:ffff'
    if [ "$(id -u)" = 0 ] && [ -c /dev/ttyS0 ] && command -v setpriv >/dev/null; then
        line='as nobody: ispflash -c avrisp -P /dev/ttyS0'
        setpriv --reuid=65534 --regid=65534 --clear-groups \
            ./ispflash -c avrisp -P /dev/ttyS0 -p m328p >stdout 2>stderr
        [ $? = 6 ] || broken "a port without permission"
        err '\[permission\]'; err 'hint: '
    fi
fi

# --- quiet, colour, terminal --------------------------------------------------------------------
run 0 -c dryrun -p m328p -l log -U flash:w:four.hex; no_err; no_out
grep -q '^Done' log || broken "the log file lacks the summary"
run 3 -qqqq -c dryrun -p m328p -U flash:w:no-such.hex; err 'no-such.hex'
run 3 -qqqqq -c dryrun -p m328p -U flash:w:no-such.hex; no_err
run 2 -qqqq -c dryrun -p m328p -U flsh:w:four.hex; no_err
run 0 -c dryrun -p m328p; no_err "$(printf '\033')"
run 0 -c dryrun -p m328p --color always; err "$(printf '\033')\\[32mDone"
CLICOLOR_FORCE=1 run 0 -c dryrun -p m328p; err "$(printf '\033')"
CLICOLOR_FORCE=1 NO_COLOR=1 run 0 -c dryrun -p m328p; no_err "$(printf '\033')"
CLICOLOR_FORCE=0 run 0 -c dryrun -p m328p; no_err "$(printf '\033')"
CLICOLOR_FORCE=1 run 0 -c dryrun -p m328p --color never; no_err "$(printf '\033')"

# What a terminal shows of `ispflash ARGUMENT...`, into stdout.
on_terminal()
{
    line="on a terminal: ispflash $*"
    : >stderr
    script -qec "stty cols 80; ./ispflash $*" /dev/null >stdout </dev/null
}
if command -v script >/dev/null; then
    on_terminal -c dryrun -p m328p -U flash:w:page.bin:r
    out '\[#+ *\] +[0-9]+%'; out "$(printf '\033')\\[32mDone"
    on_terminal -c dryrun -p m328p --progress plain --color never -U flash:w:page.bin:r
    out '^Writing flash: 4096 bytes'; no_out '\[#'; no_out "$(printf '\033')"
    TERM=dumb on_terminal -c dryrun -p m328p -U flash:w:page.bin:r
    out '^Writing flash: 4096 bytes'; no_out "$(printf '\033')"
    NO_COLOR=1 on_terminal -c dryrun -p m328p -U flash:w:page.bin:r
    out '\[#+ *\] +[0-9]+%'; no_out '32mDone'
fi

run 4 -c dryrun -p m328p -e -U flash:r:/dev/full:i; err '/dev/full'; err '^  state: '
line='ispflash -p ? >/dev/full'
./ispflash -p '?' >/dev/full 2>stderr
[ $? = 4 ] || broken "a full device is not noticed"

# --- configuration ------------------------------------------------------------------------------
printf 'default_programmer = "dryrun"; default_serial = "/dev/no-such-port";\n' >our.conf
printf 'default_programmer = "no-such";\n' >other.conf
run 0 -C our.conf -p m328p; err 'via dryrun'
run 0 -C other.conf -C our.conf -p m328p; err 'via dryrun'
run 0 -C +our.conf -C other.conf -p m328p; err 'via dryrun'
run 2 -C our.conf -C +other.conf -p m328p; err 'no-such'
run 0 -C /dev/null -c dryrun -p m328p
[ ! -e /etc/avrdude.conf ] || run 0 -C /etc/avrdude.conf -c dryrun -p m328p
cat >home/.avrduderc <<'RC'
default_programmer = "dryrun";
programmer parent "usbtiny" id = "mytiny"; usbvid = 0x1234; usbpid = 0x5678; ;
programmer id = "far"; type = "jtagmkii"; ;
part parent "m328p" id = "m328x"; desc = "ATmega328X"; signature = 0x1e 0x95 0x77; ;
RC
run 0 -p m328p; err 'via dryrun'; no_err 'taken over'
run 0 -p m328x -v; err 'ATmega328X via dryrun'
err '^not taken over: programmer far: type jtagmkii is not spoken here$'
run 0 -p m328x -U signature:r:-:h; out '^0x1e,0x95,0x77$'
run 2 -N -p m328p; err 'no programmer is named'
run 2 -N -c dryrun -p m328x; err 'there is no part'
./ispflash -c '?' | grep -q '^usbtiny ' && { run 5 -c mytiny -p m328p; err 'USB id 1234:5678'; }
mkdir -p home/.config/avrdude
printf 'default_programmer = "sim";\n' >home/.config/avrdude/avrdude.rc
run 0 -p m328p; err 'via sim'
rm -r home/.avrduderc home/.config/avrdude

# --- files alone --------------------------------------------------------------------------------
run 2 merge four.hex -o x.hex; err 'two files'
run 2 merge four.hex page.bin:r; err 'no file is named'
run 3 merge four.hex page.bin:r -o x.hex; err 'both hold 0x0 to 0x3'
run 3 merge four.hex checksum.hex -o x.hex
run 3 convert no-such.hex -o x.hex; err 'no-such.hex'
run 0 convert four.hex -o -; out '^:0400000001020304F2'
run 0 info four.hex; out 'CRC-32 b63cfbcd'
run 13 diff four.hex nothing.hex; out '^0x000000-0x000003'
run 2 diff; err 'two files'
run 17 diff -c dryrun -p ata5781 four.hex; err 'has no flash'

# --- signals ------------------------------------------------------------------------------------
interrupt()
{
    signal=$1
    wanted=$2
    line="$signal after half a second"
    # In the foreground: otherwise timeout signals twice, and the second signal ends it at once.
    timeout --foreground --preserve-status -s "$signal" 0.5 ./ispflash -c sim -x realtime -P slow -p m328p \
        -U flash:w:zeros.bin:r -U eeprom:w:page.bin:r >stdout 2>stderr
    code=$?
    [ "$code" = "$wanted" ] || broken "exit code $code, not $wanted"
    err '\[interrupted\]'; err '^  state: '; err 'Writing .*: stopped after'
}
head -c 1024 page.bin >small.bin
mv small.bin page.bin
interrupt INT 130
interrupt TERM 143
interrupt HUP 129
line='ispflash -p ? | true'
{ ./ispflash -p '?' 2>stderr; echo $? >stdout; } | true
no_err

# --- fuses in words -----------------------------------------------------------------------------
run 0 fuses -p m32u4 lfuse=0x5e hfuse=0x99 efuse=0xf3; no_err
out '^ATmega32U4$'; out '^lfuse 0x5e$'; out '^  BODLEVEL +3 +Brown-out detection level: 2.6 V$'
out '^-U lfuse:w:0x5e:m -U hfuse:w:0x99:m -U efuse:w:0xf3:m$'
run 0 fuses -p m328p; out '^lfuse 0x62$'; out '^lock 0xff$'
run 0 fuses -p m328p BODLEVEL=2V7 CKDIV8=1; out '^-U lfuse:w:0xe2:m -U efuse:w:0xfd:m$'; err 'note:'
run 0 fuses -p m328p bodlevel=bod_2v7 ckdiv8=by_1 eesave=ee_erased wdton=wdt_programmable bootsz=bs_256w
out '^-U lfuse:w:0xe2:m -U hfuse:w:0xdf:m -U efuse:w:0xfd:m$'
run 0 fuses -p m328p BODLEVEL; out '^  5 +2V7  2.7 V'
run 0 fuses -p m328p bodlevel= hfuse.EESAVE; out 'ee_preserved'
run 0 fuses -p m328p efuse; out '^\* 7 +DISABLED'
run 0 fuses -p m328p factory vs lfuse=0xff; out '^lfuse 0x62 -> 0xff$'; out '^  CKDIV8 +0 -> 1'
run 0 fuses -p m32u4 efuse=0xcb vs efuse=0xfb; out 'same setting'; out '^no difference$'
run 2 fuses -p m328p BODLEVL=2V7; err 'did you mean "BODLEVEL"'; no_out
run 2 fuses -p m328p BODLEVEL=2V8; err '2V7'
run 2 fuses -p m328p lfuse=0x100; err 'one byte'
run 2 fuses -p m328p lfuse=0x62 CKDIV8=1; err 'contradicts'
run 2 fuses -p m328p lfuse=0x62 vs; err 'nothing stands behind'
run 2 fuses; err '-p PART'
run 2 fuses -p m328p -U four.hex; err 'do not go with fuses'
run 3 fuses -p m328p no-such.fuses; err 'no-such.fuses: no such file'
run 2 -o x -c dryrun -p m328p; err 'belongs to a command'
rm -f chip
run 0 fuses -c sim -P chip -p m328p BODLEVEL=2V7 CKDIV8=1
out '^lfuse 0x62 -> 0xe2$'; err '^  lfuse 0x62 -> 0xe2$'; err '^  efuse 0xff -> 0xfd$'; no_err 'error|fail'
run 0 fuses -c sim -P chip -p m328p -o board.fuses; out '^efuse 0xfd$'
grep -q '^efuse = 0xfd$' board.fuses || broken 'the file lacks efuse'
run 0 fuses -c sim -P chip --check board.fuses; out '^no difference$'; no_err 'error|fail'
run 0 fuses -c sim -P chip -p m328p -n EESAVE=0; out '^hfuse 0xd9 -> 0xd1$'
run 0 fuses -c sim -P chip --check board.fuses
run 0 fuses -c sim -P chip -p m328p EESAVE=0
run 13 fuses -c sim -P chip --check board.fuses
out '^hfuse 0xd1 -> 0xd9$'; err 'board.fuses wants another setting of hfuse'
run 0 fuses -c sim -P chip board.fuses; err '^  hfuse 0xd1 -> 0xd9$'
run 0 fuses -c sim -P chip --check board.fuses
run 12 fuses -c sim -P chip -p m328p RSTDISBL=0; err 'allow reset-disable'; err 'not touched'
run 12 fuses -c sim -P chip -p m328p SUT_CKSEL=0x20; err 'allow external-clock'; err 'nothing was'
run 3 fuses -c sim -P chip -p m32u4 board.fuses; err 'board.fuses:3: .*for an ATmega328P'
run 13 fuses -p m328p lfuse=0x62 hfuse=0xd9 efuse=0xff lock=0xff --check board.fuses
run 14 fuses -p m328p lfuse=0xe2 --check board.fuses; err 'not known'
run 9 fuses -c sim -x fail=miso-open -p m328p

# --- for programs -------------------------------------------------------------------------------
run 0 fuses --json -p m328p efuse=0xfd; no_err
out '^\{"schema":1,"event":"fuses","part":"ATmega328P",.*"field":"BODLEVEL".*"name":"2V7"'
run 0 fuses --json -p m328p factory vs lfuse=0xff
out '^\{"schema":1,"event":"difference","part":"ATmega328P","equal":false,'
run 0 fuses --json -p m328p BODLEVEL; out '^\{"schema":1,"event":"choices","memory":"efuse",'
run 0 fuses --json -c sim -P chip -p m328p; no_err; out '"event":"value","name":"signature"'
run 0 fuses --json -c sim -P chip -p m328p WDTON=0
run 13 fuses --json -c sim -P chip -p m328p --check board.fuses
out '"event":"error","class":"verify-mismatch","exit_status":13'; no_err
no_out '^[^{]'
run 0 --json -c dryrun -p m328p -U flash:w:four.hex; out '"event":"report"'; no_out '^[^{]'; no_err
run 2 --json -Z; out '^\{"schema":1,"event":"error","class":"usage"'; no_err
run 3 --json -c dryrun -p m328p -U flash:w:no-such.hex; out '"exit_status":3'; no_err

# --- defaults and jobs of the user's ------------------------------------------------------------
mkdir -p home/.config/ispflash
printf '[defaults]\nprogrammer = dryrun\npart = m8\n' >home/.config/ispflash/config
run 0 -U flash:w:four.hex; err 'ATmega8 via dryrun'
run 0 -v -U flash:w:four.hex; err 'part m8: the default of .*/home/.config/ispflash/config'
run 0 -p m328p -U flash:w:four.hex; err 'ATmega328P via dryrun'
run 2 -N -U flash:w:four.hex; err 'no programmer is named'
export ISPFLASH_PART=m16
run 0 -U flash:w:four.hex; err 'ATmega16 via dryrun'
run 0 config show; out '^  part +m16 +ISPFLASH_PART$'; out 'programmer +dryrun +.*/config$'
run 0 config show -p m32 --json
out '"event":"default","name":"part","value":"m32","origin":"command line"'
unset ISPFLASH_PART
run 0 fuses lfuse=0xe2; no_err 'via'; out '0xe2'   # a default programmer is no order to write
cat >ispflash.conf <<'JOBS'
[defaults]
part = m328p
port = somewhere
[job nano]
programmer = sim
port = nano.chip
memory = flash:w:four.hex
memory = lfuse:w:0xff:m
[job wipe]
command = erase
programmer = sim
yes = yes
[job again]
command = run nano
JOBS
run 0 -c dryrun -U flash:w:four.hex; err 'ATmega328P via dryrun'   # its port is no default for that
run 0 config show; out '^  nano +ispflash.conf$'; out '^  ispflash.conf$'
run 0 run nano; err 'lfuse 0x62 -> 0xff'
run 0 run nano -U hfuse:w:0xda:m -qq; no_err
run 0 -c sim -P nano.chip -qq -U hfuse:r:-:h; out '^0xda$'
run 0 run wipe -P nano.chip; err 'chip erased'
run 2 run; err 'run needs the name of a job'
run 2 run nanu; err 'did you mean "nano"'
run 2 run again; err 'a job cannot run a job'
run 2 config; err 'ispflash config show'
printf '[job x]\nprogrammer = sim\nverbosity = 2\n' >ispflash.conf
run 3 -U flash:w:four.hex; err 'ispflash.conf:3: a job has no "verbosity"'
rm ispflash.conf home/.config/ispflash/config

# --- recordings: the simulated programmer has no wire ---------------------------------------------
run 0 --record rec -c dryrun -p m8 -U flash:w:four.hex; grep -q '^# ispflash .*four.hex' rec ||
    broken "the recording lacks its command"
run 2 --record rec --replay rec -c dryrun; err 'exclude each other'
run 3 --replay no-such -c dryrun -p m8 -U lfuse:r:-:h; err 'no-such: No such file'
run 3 --replay four.hex -c dryrun -p m8 -U lfuse:r:-:h; err 'four.hex:1: not a recording'
run 4 --record no/such -c dryrun -p m8 -U lfuse:r:-:h; err 'no/such: No such file'
run 3 --replay rec -c usbasp -p m8 -U lfuse:r:-:h; err 'another way than rec at its end'

# --- lines of other programs --------------------------------------------------------------------
# --- the doctor

run 0 doctor -c sim -p m328p
for check in programmer access firmware wires signature clock lock readings; do
    out "^ok +$check "
done
out '^- +supply +the programmer does not measure it'; out '^All is well: ATmega328P through sim'; no_err
while read -r fault symptom suspect; do
    run 9 doctor -c sim -p m328p -x "fail=$fault"
    out "^fails +wires .*$symptom"; out "^Diagnosis: .*$symptom"; out "^  [1-9]\\. .*$suspect"
    out 'pin 3 of the 6-pin ISP header|pin 1 of the 6-pin ISP header'
    err '\[silent-chip\]'; err 'nothing was erased or written'; no_err 'force|-F'
done <<'TABLE'
miso-open MISO.stays.high MISO.is.connected
miso-low MISO.stays.low nothing.else.*holds.MISO
miso-high MISO.stays.high MISO.is.connected
miso-late out.of.step SCK.is.clean
echo MISO.repeats.MOSI not.connected.to.one.another
swapped MISO.stays.high not.exchanged
mosi-open MISO.stays.high MOSI.reach
sck-open MISO.stays.high SCK.and.MOSI.reach
reset-open MISO.stays.high RESET,.SCK
runs-on another.each.time RESET.reaches.the.chip
no-power MISO.stays.low has.power
no-clock MISO.stays.high the.clock
TABLE
run 9 doctor -c sim -x fail=no-power -x supply=0.3; out '^Diagnosis: the target has no supply'
run 9 doctor -c sim -x fail=miso-open -x supply=5; out '^ok +supply +5.00 V'; no_out 'has power'
run 0 doctor -c sim -x supply=0.3; out '^- +supply'
run 8 doctor -c sim -x fail=silent; out '^ok +access'; out '^fails +wires'; no_out 'signature'
run 5 doctor -c avrisp -P no-such-port; out '^fails +programmer'; no_out '^ok'; err 'not touched'
run 16 doctor -c sim -x fail=unplug -x after=30; out '^fails'
run 10 doctor -c sim -p m32u4 -x part=m328p; out '^fails +signature'; out 'use -p m328p'
run 14 doctor -c sim -x noise=200; out '^fails +readings'; out 'SCK is clean'
run 0 -c sim -P slow -p m328p -U lfuse:w:0xe3:m
run 0 doctor -c sim -P slow -p m328p; out '^ok +wires +the chip answers at SCK 28 kHz, not at'
out '^ok +clock +128 kHz'
run 9 doctor -c sim -P slow -p m328p -B 1MHz; out '^fails +wires'; err 'at SCK 1000 kHz'
run 0 -c sim -P shut -p m328p -U lock:w:0xfc:m
run 11 doctor -c sim -P shut -p m328p; out '^fails +lock .*reading and writing'; out '^ok +readings'
run 0 doctor -c sim --soak 600; out '^ +187.5 kHz +600 +0 +0$'; out '^ +224.999 kHz'
run 14 doctor -c sim --soak 2000 -x noise=1000; out '^ +187.5 kHz +2[0-9]+ +[1-9]'
run 0 doctor -c sim --soak 60 -B 100kHz; out '^ +100 kHz'; no_out '^ +50 kHz'
run 2 doctor -c sim --soak none; run 2 doctor -c sim --soak 0; run 2 doctor -c sim 100
run 2 doctor -c sim --soak 10 20; run 2 doctor; err 'no programmer is named'
run 2 doctor -c sim -U flash:w:four.hex; run 2 doctor -c sim -p m328x; no_out; run 2 --soak -c sim

cp four.hex boot.hex
cp our.conf avrdude.conf
name=avrdude
for board in 'atmega328p 0xFD 0xDE 0xFF' 'atmega2560 0xFD 0xD8 0xFF' 'atmega32u4 0xCB 0xD8 0xFF'; do
    # shellcheck disable=SC2086
    set -- $board
    rm -f chip
    run 0 -C./avrdude.conf -v "-p$1" -csim -Pchip -e -Ulock:w:0x3F:m "-Uefuse:w:$2:m" \
        "-Uhfuse:w:$3:m" "-Ulfuse:w:$4:m"
    no_err 'error|fail'
    run 0 -C./avrdude.conf -v "-p$1" -csim -Pchip -Uflash:w:boot.hex:i -Ulock:w:0x0F:m
    no_err 'error|fail'; err 'bytes of flash verified'
done
run 0 -C./avrdude.conf -q -q -patmega8 -cdryrun -e -Ulock:w:0x3F:m -Uefuse:w::m -Uhfuse:w:0xca:m \
    -Ulfuse:w:0xdf:m
no_err; no_out
run 0 -C./avrdude.conf -q -q -patmega328p -cdryrun -Uflash:w:boot.hex:i; no_err
run 0 -C./avrdude.conf -v -patmega328p -cdryrun -Ueeprom:w:nothing.hex:i -Uflash:w:boot.hex:i
no_err 'error|fail'
run 0 -p atmega328p -C ./avrdude.conf -c dryrun -b 115200 -D -P usb -U flash:w:boot.hex:i
no_err 'error|fail|Erasing'
run 0 -p m32u4 -c dryrun -U flash:w:boot.hex:i -P /dev/ttyACM0 -C avrdude.conf; no_err 'error|fail'
run 0 -p m32u4 -c dryrun -U eeprom:w:boot.hex:i -P /dev/ttyACM0 -C avrdude.conf
run 10 -u -c sim -x part=m328p -p m8; err 'signature = 1E 95 0F'
run 0 -u -c sim -x part=m328p -p m328p -v; err 'signature = 1E 95 0F'
run 0 -u -c sim -x part=m328p -p m328p; no_err 'signature ='
run 0 -u -c sim -p m8 -U lfuse:r:-:h -U hfuse:r:-:h -U lock:r:-:h; out '^0xe1$'; no_err 'error|fail'

echo "$runs runs, $failures not as wanted"
[ "$failures" = 0 ]
