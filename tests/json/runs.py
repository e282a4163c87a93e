"""runs.py SCHEMA PROGRAM: real runs of every command with --json, each line against the schema."""

import os
import subprocess
import sys
import tempfile

from lines import Schema, run

SIM = "--json -c sim -p m328p"
RUNS = f"""
0  {SIM} -P chip -U flash:w:page.bin:r -U eeprom:w:four.hex -U lfuse:w:0xff:m -U lock:w:0xc0:m
0  {SIM} -P open -U flash:w:page.bin:r -U eeprom:w:four.hex
0  {SIM} -P open --skip-if-same -U flash:w:page.bin:r
0  {SIM} -P open -U flash:r:-:i -U eeprom:r:-:r -U lfuse:r:-:h -U signature:r:-:d
0  {SIM} -P open -n -U flash:w:four.hex
0  {SIM} -P open --dry-run -e -U four.hex -U hfuse:w:0xd1:m -U flash:r:x.bin -U lfuse:v:0x62:m
0  {SIM} -P open -vvv -U lfuse:r:-:h
0  {SIM} -P open --progress none -U flash:v:page.bin:r
0  {SIM} -x realtime -U flash:w:zeros.bin:r -V
0  {SIM} -P open -V -e -U flash:w:four.hex --no-clock-boost
0  {SIM} -U flash:w:{{}}
3  {SIM} -U flash:w:no-such.hex
4  {SIM} -U flash:r:no-such/x.bin
8  {SIM} -x fail=silent
9  {SIM} -x fail=no-power
10 {SIM} -x part=m168p -U flash:w:four.hex
11 {SIM} -P chip -U flash:r:x.bin
12 {SIM} -U hfuse:w:0x59:m
13 {SIM} -x stuck-cell=2 -U flash:w:zeros.bin:r
13 {SIM} -U flash:v:four.hex
14 {SIM} -x weak-cell=2 -U flash:w:page.bin:r
16 {SIM} -x fail=unplug -x after=300 -U flash:w:page.bin:r
0  {SIM} -t
0  {SIM} -P open -T part -T sig -U lfuse:r:-:h
0  {SIM} -P open --dry-run -T part
0  {SIM} --gang a --gang b -U page.bin:r --unique eeprom@0=serial:4 --unique-file counter
0  {SIM} --gang a --gang b -U flash:r:-:r --dry-run -n
0  {SIM} --gang a --gang b -U lfuse:r:-:h
13 {SIM} --gang a --gang b -U flash:v:four.hex
18 {SIM} --gang a --gang chip --gang no/folder -U flash:r:-:i
2  {SIM} --gang a --gang a
0  {SIM} -P open --repeat 1 -U four.hex --unique eeprom@0=serial:4 --unique-file counter
9  {SIM} -P nobody -x socket --wait 1 -U four.hex
2  --json -Z
2  -Z --json
2  --json -c simm
2  --json no-such-command
0  config show --json
2  help --json
2  --help --json
0  --version --json
0  backup - {SIM} -P open
0  backup file.hex {SIM} -P open
0  restore file.hex --json -c sim
0  read - {SIM} -P open
0  write four.hex {SIM} -P open
0  verify four.hex {SIM} -P open
0  erase {SIM} -P open
0  factory {SIM} -P open
0  bootloaders --json
2  bootloaders --json no-such-loader
12 burn arduino-uno boot.hex --json -c sim
0  burn arduino-uno boot.hex --json -c sim --yes
0  burn arduino-uno boot.hex --json -c sim --dry-run
0  convert four.hex -o - --json
0  convert four.hex -o -:r --json
0  convert four.hex -o copy.hex --json
3  merge two.hex page.bin:r -o - --json
0  info --json four.hex boot.hex
0  info --json boot.hex -p m328p
13 diff --json four.hex two.hex
13 diff boot.hex {SIM} -P open
0  -c ? --json
0  -p ? --json
0  -P ?s --json
0  -c sim -x help --json
0  list --json
0  wiring --json
0  wiring --json usbasp -p m128
0  wiring --json ft232h
0  fuses {SIM} -P open
0  fuses {SIM} -P open BODLEVEL=2V7
0  fuses --json -p m328p lfuse=0xe2
0  fuses --json -p m328p BODLEVEL
0  fuses --json -p m328p -o -
0  fuses --json -p m328p factory vs lfuse=0xe2
0  fuses --json -p m328p -o board.fuses
13 fuses --json -p m328p lfuse=0xe2 hfuse=0xd9 efuse=0xff lock=0xff --check board.fuses
14 fuses --json -p m328p lfuse=0xe2 --check board.fuses
0  detect {SIM}
0  detect {SIM} -P chip
9  detect {SIM} -x fail=echo
0  doctor {SIM}
0  doctor {SIM} --soak 100
9  doctor {SIM} -x fail=echo
9  doctor {SIM} -x fail=runs-on
8  doctor {SIM} -x fail=silent
10 doctor {SIM} -x part=m168p
2  doctor --json
"""

FILES = {
    "ispflash.conf": b"[job production]\nprogrammer = sim\n",
    "counter": b"first = 1\n",
    "page.bin": b"y\n" * 512,
    "zeros.bin": bytes(8192),
    "four.hex": b":0400000001020304F2\n:00000001FF\n",
    "two.hex": b":020000000102FB\n:00000001FF\n",
    "boot.hex": b":047E00000102030474\n:00000001FF\n",
    b"no\xffutf8.hex": b":0400000001020304F2\n:00000001FF\n",
}


def main():
    schema, program = Schema(sys.argv[1]), os.path.abspath(sys.argv[2])
    failures, events = 0, set()
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        for name, content in FILES.items():
            with open(name, "wb") as file:
                file.write(content)
        for line in RUNS.strip().splitlines():
            wanted, *words = line.replace("{}", os.fsdecode(b"no\xffutf8.hex")).split()
            code, faults, values = run(
                schema, [program, *words], stdin=subprocess.DEVNULL, timeout=60, env={**os.environ, "HOME": folder}
            )
            events |= {f"event-{value['event']}" for value in values}
            if code != int(wanted):
                faults.append(f"exit status {code}, not {wanted}")
            for fault in faults:
                print(f"{line}\n    {fault}".encode("ascii", "replace").decode())
            failures += len(faults)
        os.chdir("/")
    # The simulator has no wire, and nothing may be plugged in; tests/wire/json.cmake shows them.
    elsewhere = {"event-lost", "event-wire", "event-device", "event-port"}
    for name in set(schema.events) - events - elsewhere:
        print(f"no run had an {name}")
        failures += 1
    return 1 if failures else 0


sys.exit(main())
