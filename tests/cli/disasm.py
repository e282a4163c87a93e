"""disasm.py PROGRAM OBJDUMP: every instruction word through `disasm` and through avr-objdump."""

import os
import re
import struct
import subprocess
import sys
import tempfile

# Of cores that are not programmed over ISP: there they are no instructions.
OTHER_CORES = {"des", "xch", "las", "lac", "lat"}


def run(*words):
    return subprocess.run(words, check=True, stdout=subprocess.PIPE, timeout=100, text=True).stdout


def ours(program, name):
    lines = run(
        program, "-qq", "-c", "sim", "-p", "m2560", "-U", f"flash:w:{name}:r", "-T", "disasm -OC flash 0 -1"
    )
    for line in lines.splitlines():
        address, mnemonic, operands = re.match(r"(\w+):  (\S+) *(.*)", line).groups()
        yield int(address, 16), mnemonic, operands


def theirs(objdump, name):
    for line in run(objdump, "-D", "-z", "-b", "binary", "-m", "avr:6", name).splitlines():
        match = re.match(r" *(\w+):\t([0-9a-f ]+?) *\t(\S+)\t?([^;]*)", line)
        if match is None:
            continue
        address, code, mnemonic, operands = match.groups()
        if mnemonic in OTHER_CORES or (mnemonic == "spm" and operands.strip()):
            low, high = code.split()
            mnemonic, operands = ".word", f"0x{high}{low}"
        if mnemonic in ("jmp", "call") and operands.strip() == "0":
            operands = "0x0"  # "%#x"
        yield int(address, 16), mnemonic, operands.strip()


def main():
    program, objdump = os.path.abspath(sys.argv[1]), sys.argv[2]
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        with open("all.bin", "wb") as file:
            # Behind each word stands a nop, which those that take two words swallow.
            file.write(b"".join(struct.pack("<HH", word, 0) for word in range(0x10000)))
        pairs = list(zip(ours(program, "all.bin"), theirs(objdump, "all.bin")))
    faults = [(a, b) for a, b in pairs if (a[0], a[1], a[2].lower()) != (b[0], b[1], b[2].lower())]
    for a, b in faults[:20]:
        print(f"{a}, but avr-objdump has {b}", file=sys.stderr)
    print(f"{len(pairs)} lines, {len(faults)} differ")
    return 1 if faults or len(pairs) < 0x10000 else 0


sys.exit(main())
