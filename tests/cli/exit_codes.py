"""exit_codes.py PROGRAM SANITIZED [USB_RIG]

Makes the program end with every class of failure it has a name for, on simulated chips, pseudo-
terminals and a programmer model, and checks both its exit status and the class it tells. A class of
`ispflash help exit-codes` that nothing here produces is a fault.
"""

import fcntl
import os
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import time

NOBODY = 65534
SIM = "-c sim -p m328p"

# What ends like that on a simulated chip. "could not be verified" is not "is something else".
ON_A_SIMULATED_CHIP = f"""
ok                 {SIM} -U flash:w:four.hex
usage              {SIM} --no-such-option
usage              {SIM} -U flsh:w:four.hex
input-file         {SIM} -U flash:w:no-such.hex
output-file        {SIM} -U flash:r:no-such-folder/x.hex
no-programmer      -c avrisp -P no-such-port -p m328p
silent-programmer  {SIM} -x fail=silent
silent-chip        {SIM} -x fail=no-power
wrong-chip         {SIM} -x part=m168p
protected          {SIM} -P locked.chip -U flash:r:x.hex
refused            {SIM} -U hfuse:w:0x59:m
verify-mismatch    {SIM} -U flash:v:four.hex
verify-mismatch    {SIM} -x stuck-cell=2 -U flash:w:zeros.bin:r
verify-mismatch    diff four.hex zeros.bin:r
unverified         {SIM} -x weak-cell=2 -U flash:w:page.bin:r
unverified         fuses -p m328p lfuse=0xe2 --check all.fuses
link-lost          {SIM} -x fail=unplug -x after=300 -U flash:w:page.bin:r
unsupported        -c stk500v2 -p m328p
several            {SIM} --gang a.chip --gang locked.chip --gang no-such/b.chip -U flash:v:four.hex
"""

FILES = {
    "four.hex": b":0400000001020304F2\n:00000001FF\n",
    "page.bin": b"y\n" * 2048,
    "zeros.bin": bytes(8192),
    "all.fuses": b"part = ATmega328P\nlfuse = 0x62\nhfuse = 0xd9\n",
    "large.bin": bytes(16 << 20),
}

# Nothing that a user can do ends like that: see error_exit_code() in tests/core/test_error.c.
NOT_TO_BE_HAD = {"internal"}


class Bench:
    def __init__(self, program, sanitized, rig):
        self.program, self.sanitized, self.rig = program, sanitized, rig
        self.codes = {}
        self.produced = set()
        self.failures = 0
        for line in self.start(["help", "exit-codes"]).communicate()[0].splitlines():
            code, name = line.split()[:2]
            self.codes[name] = int(code)

    def start(self, words, **options):
        command = options.pop("prefix", []) + [self.program, *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **options
        )

    def judge(self, name, process, code=None, told=None):
        """The process must end with the code, and name the class."""
        out, err = process.communicate(timeout=100)
        code = self.codes[name] if code is None else code
        told = f"[{name}]" if told is None else told
        self.produced.add(name)
        if process.returncode == code and (name == "ok" or told in err):
            return
        self.failures += 1
        print(f"{' '.join(process.args)}\n  {process.returncode}, not {code} ({name})\n{out}{err}")

    def run(self, name, words, **options):
        self.judge(name, self.start(words, **options))


def on_a_simulated_chip(bench):
    locked = f"{SIM} -P locked.chip -U flash:w:four.hex -U lock:w:0xc0:m"
    bench.run("ok", locked.split())
    for line in ON_A_SIMULATED_CHIP.strip().splitlines():
        name, *words = line.split()
        bench.run(name, words)


def on_a_pseudo_terminal(bench):
    """A port that may not be opened, and one that is in use."""
    ours, theirs = os.openpty()
    path = os.ttyname(theirs)
    words = ["-c", "avrisp", "-P", path, "-p", "m328p"]
    with open(path, "rb+", buffering=0) as holder:
        fcntl.flock(holder, fcntl.LOCK_EX)
        bench.run("busy", words)
    os.chmod(path, 0)
    if os.getuid() == 0:
        bench.run("permission", words, user=NOBODY, group=NOBODY, extra_groups=[])
    else:
        bench.run("permission", words)
    os.close(ours)
    os.close(theirs)


def out_of_memory(bench):
    """The machine has not even room for the file."""
    words = f"{SIM} -U flash:w:large.bin:r".split()
    if bench.sanitized:
        limit = {"env": {**os.environ, "ASAN_OPTIONS": "allocator_may_return_null=1:"
                                                       "max_allocation_size_mb=8"}}
    else:
        size = 24 << 20
        limit = {"preexec_fn": lambda: resource.setrlimit(resource.RLIMIT_AS, (size, size))}
    bench.run("no-memory", words, **limit)


def interrupted(bench):
    """A signal's code is 128 and its number."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        process = bench.start(f"{SIM} -x realtime -P slow.chip -U flash:w:zeros.bin:r".split())
        while process.poll() is None:
            if any(name.startswith(".ispflash-") for name in os.listdir(".")):
                break  # the new slow.chip has begun: the chip is in programming mode
            time.sleep(0.01)
        process.send_signal(number)
        bench.judge("interrupted", process, 128 + number)


def on_a_programmer_model(bench):
    """A device that swallows a transfer: the operation that had begun never ends."""
    if bench.rig is None:
        bench.produced.add("time-out")  # a build without USB
        return
    words = "-q -c usbtiny -p m328p -U flash:w:page.bin:r".split()
    rig = [bench.rig, "--usb-fault", "hang=60", "--status", str(bench.codes["time-out"]), "--"]
    process = bench.start(words, prefix=rig)
    out, err = process.communicate(timeout=100)
    bench.produced.add("time-out")
    if process.returncode not in (0, 77):
        bench.failures += 1
        print(f"a transfer that hangs:\n{out}{err}")


def main():
    folder = tempfile.mkdtemp()
    os.chmod(folder, 0o755)
    program = shutil.copy(sys.argv[1], folder)  # where nobody may run it
    rig = sys.argv[3] if len(sys.argv) > 3 else None
    os.chdir(folder)
    os.environ.update(HOME=folder, LC_ALL="C")
    for name, content in FILES.items():
        with open(name, "wb") as file:
            file.write(content)
    bench = Bench(program, sys.argv[2] == "1", rig)
    try:
        on_a_simulated_chip(bench)
        on_a_pseudo_terminal(bench)
        out_of_memory(bench)
        interrupted(bench)
        on_a_programmer_model(bench)
    finally:
        os.chdir("/")
        shutil.rmtree(folder)
    for name in bench.codes.keys() - bench.produced - NOT_TO_BE_HAD:
        print(f"nothing here ends with {bench.codes[name]}, {name}")
        bench.failures += 1
    return 1 if bench.failures else 0


sys.exit(main())
