"""boards.py PROGRAM [TEST...]: many boards, at the same time (--gang) and one after another (--repeat), on
simulated chips. Nothing here goes by time: what is done is done when the program says that it waits
for it.
"""

import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

SIM = ["-c", "sim", "-p", "m328p"]
FILES = {
    "page.bin": b"y\n" * 512,
    "zeros.bin": bytes(8192),
    "counter": b"first = 100\n",
    "boot.hex": b":047E00000102030474\n:00000001FF\n",
}


class Bench:
    def __init__(self, program):
        self.program, self.failures = program, 0

    def start(self, words):
        return subprocess.Popen(
            [self.program, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )

    def run(self, code, words):
        process = self.start(words)
        out, err = process.communicate(timeout=100)
        return self.judge(code, process, out + err)

    def judge(self, code, process, told):
        if process.returncode != code:
            self.fail(process.args, f"{process.returncode}, not {code}", told)
        return told

    def fail(self, what, why, told):
        self.failures += 1
        print(f"{what}\n    {why}\n{told}")

    def expect(self, told, *patterns):
        for pattern in patterns:
            if not re.search(pattern, told, re.MULTILINE):
                self.fail("said", f"lacks {pattern}", told)


def flash_of(name):
    """The rows of flash in a chip's file."""
    with open(name, encoding="ascii") as file:
        found = re.search(r"\[flash\]\n((?:0x.*\n)*)", file.read())
    return found[1] if found else ""


def gang(*ports):
    return [word for port in ports for word in ("--gang", port)]


# --- at the same time ---------------------------------------------------------------------------


def eight_boards_of_which_two_fail_in_their_own_ways(bench):
    bench.run(0, ["-c", "sim", "-P", "b3", "-p", "m168p", "-e"])
    with open("b6", "w", encoding="ascii") as file:
        file.write("no chip\n")
    ports = [f"b{number}" for number in range(1, 9)]
    told = bench.run(
        18,
        SIM + gang(*ports) + ["-U", "page.bin:r", "--unique", "eeprom@0=serial:4"]
        + ["--unique-file", "counter"],
    )  # fmt: skip
    bench.expect(
        told,
        r"^\[b3\] ispflash: error: .*\[wrong-chip\]$",
        r"^  b3  - +1e 94 0b  wrong-chip +\d",
        r"^  b6  - +- +input-file +\d",
        r"^  b8  ATmega328P +1e 95 0f  ok +\d+\.\d\d s  serial=1\d\d$",
        r"error: 2 of 8 boards failed \[several\]",
    )
    good = flash_of("b1")
    for port in set(ports) - {"b3", "b6"}:
        if flash_of(port) != good or "0x03f0" not in good:
            bench.fail(port, "is not programmed", told)
    if sorted(re.findall(r"serial=(\d+)", told)) != [str(number) for number in range(100, 106)]:
        bench.fail("numbers", "are not 100 to 105", told)


def one_way_of_failing_has_its_own_code(bench):
    told = bench.run(13, SIM + gang("v1", "v2", "v3") + ["-U", "flash:v:page.bin:r", "-q"])
    bench.expect(told, r"3 of 3 boards failed \[verify-mismatch\]")
    bench.run(9, SIM + gang("v1", "v2") + ["-x", "fail=no-power", "-e"])
    bench.run(0, SIM + gang("v1", "v2") + ["-e", "-qq"])


def children_of(process, count):
    """Their ids, once there are so many."""
    path = f"/proc/{process.pid}/task/{process.pid}/children"
    while process.poll() is None:
        with open(path, encoding="ascii") as file:
            ids = file.read().split()
        if len(ids) == count:
            return [int(each) for each in ids]
        time.sleep(0.01)
    raise AssertionError(process.communicate())


def busy_files(count):
    """Waits until so many chips are being programmed."""
    while sum(name.startswith(".ispflash-") for name in os.listdir(".")) < count:
        time.sleep(0.01)


def a_board_that_crashes_takes_none_with_it(bench):
    process = bench.start(
        SIM + gang("c1", "c2", "c3") + ["-x", "realtime", "-U", "zeros.bin:r"]
    )
    ids = children_of(process, 3)
    busy_files(3)
    os.kill(ids[1], signal.SIGKILL)
    out, err = process.communicate(timeout=60)
    bench.judge(1, process, out + err)
    bench.expect(
        err,
        r"error: c2: its process was ended by signal 9 .*\[internal\]",
        r"state: nobody can say what the chip holds",
        r"^  c1 .* ok ",
        r"^  c2 .* internal ",
        r"^  c3 .* ok ",
        r"error: 1 of 3 boards failed \[internal\]",
    )
    for name in os.listdir("."):
        if name.startswith(".ispflash-"):
            os.unlink(name)


def a_board_that_hangs_is_not_waited_for(bench):
    process = bench.start(
        SIM + gang("h1", "h2") + ["-x", "realtime", "-U", "page.bin:r", "--timeout", "1"]
    )
    ids = children_of(process, 2)
    os.kill(ids[0], signal.SIGSTOP)
    out, err = process.communicate(timeout=60)
    bench.judge(15, process, out + err)
    bench.expect(err, r"h1: its process did not end in time and was killed", r"^  h2 .* ok ")


def ctrl_c_ends_all_in_order(bench):
    process = bench.start(SIM + gang("i1", "i2") + ["-x", "realtime", "-U", "zeros.bin:r"])
    children_of(process, 2)
    busy_files(2)
    time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=60)
    bench.judge(130, process, out + err)
    bench.expect(
        err, r"^\[i1\] +state: the chip", r"^\[i2\] +state: the chip", r"error: 2 of 2 boards failed"
    )


def what_does_not_go_with_a_gang_is_refused(bench):
    for told, words in (
        ("-P: one --gang PORT", ["-P", "x"]),
        ("named twice", ["--gang", "g1"]),
        ("read into one file", ["-U", "flash:r:x.bin"]),
        ("read into one file", ["-U", "flash:r:-:i"]),
        ("cannot rescue several", ["--keep-eeprom", "-U", "page.bin:r"]),
        ("a recording is of one", ["--record", "x.rec", "-e"]),
        ("-n: what would be written", ["-n", "-U", "page.bin:r"]),
    ):
        bench.expect(bench.run(2, SIM + gang("g1") + words), told)
    told = bench.run(2, ["fuses"] + SIM + gang("g1"))
    bench.expect(told, "--gang means nothing to ispflash fuses")
    told = bench.run(3, SIM + gang("g1", "g2") + ["-U", "no-such.hex"])
    bench.expect(told, "^ispflash: error: no-such")
    told = bench.run(5, ["-c", "avrisp", "-p", "m328p", "--gang", "no-such"])
    bench.expect(told, "no-such: no such port")
    bench.run(12, ["burn", "arduino-uno", "boot.hex", "-c", "sim"] + gang("g1"))
    bench.run(0, ["burn", "arduino-uno", "boot.hex", "-c", "sim", "--yes"] + gang("g1", "g2"))
    told = bench.run(0, SIM + gang("g1") + ["--dry-run", "-U", "page.bin:r"])
    bench.expect(told, r"^\[g1\]   write  flash")


def a_terminal_shows_a_line_for_each(bench):
    if not shutil.which("script"):
        return
    words = " ".join(SIM + gang("t1", "t2") + ["-x", "realtime", "-U", "zeros.bin:r"])
    line = f"stty cols 80 rows 24; {bench.program} {words}"
    told = subprocess.run(
        ["script", "-qec", line, "/dev/null"], capture_output=True, text=True, check=False,
        env={**os.environ, "TERM": "xterm"}, stdin=subprocess.DEVNULL,
    ).stdout  # fmt: skip
    bench.expect(
        told,
        r"t1  write flash +\[#+ *\] +\d+%",
        r"\033\[2A\033\[J",
        r"  t1  ATmega328P +1e 95 0f  \033\[32mok",
    )


# --- one after another --------------------------------------------------------------------------


class Person:
    """Does what the program asks for, when it asks."""

    def __init__(self, bench, words):
        self.bench, self.told = bench, ""
        self.process = bench.start(["-c", "sim", "-P", "slot", "-x", "socket", *words])

    def until(self, text):
        for line in self.process.stderr:
            self.told += line
            if text in line:
                return
        raise AssertionError(f"never said: {text}\n{self.told}")

    def put(self, name, part="m328p"):
        self.bench.run(0, ["-qq", "-c", "sim", "-P", name, "-p", part, "-e"])
        os.rename(name, "slot")

    def end(self, code):
        self.told += self.process.stderr.read()
        out = self.process.stdout.read()
        self.process.wait(timeout=60)
        self.bench.judge(code, self.process, out + self.told)
        return self.told


def boards_are_done_one_after_another(bench):
    person = Person(bench, ["--repeat", "3", "-U", "page.bin:r", "--wait", "60"])
    wrong = "FAILED (wrong-chip)"
    for number, part, result in ((1, "m328p", "done"), (2, "m168p", wrong), (3, "m328p", "done")):
        person.until("waiting for a board")
        person.put(f"board{number}", part)
        person.until(f"board {number}: {result}")
        if number < 3:
            person.until("take the board away")
            os.rename("slot", f"board{number}")
    told = person.end(10)
    bench.expect(
        told,
        r"another kind of board: its chip has the signature 1e 94 0b, the first one's had 1e 95 0f",
        r"3 boards: 2 done, 1 failed",
    )
    if flash_of("board1") != flash_of("slot") or flash_of("board2") != "":
        bench.fail("boards", "hold something else", told)
    os.unlink("slot")


def a_bench_is_closed_by_ctrl_c(bench):
    words = ["-p", "m328p", "--repeat", "0"]
    words += ["--unique", "eeprom@0=serial:4", "--unique-file", "counter"]
    person = Person(bench, words)
    person.until("waiting for a board")
    person.put("board")
    person.until("take the board away")
    os.unlink("slot")
    person.until("waiting for a board")
    person.process.send_signal(signal.SIGINT)
    bench.expect(person.end(0), r"is programmed and on record", r"1 boards: 1 done, 0 failed")
    person = Person(bench, words)
    person.until("waiting for a board")
    person.process.send_signal(signal.SIGTERM)
    person.end(143)


def waiting_has_an_end(bench):
    person = Person(bench, ["--wait", "1", "-p", "m328p", "-e"])
    bench.expect(person.end(9), r"error: waited 1 s: .*\[silent-chip\]")
    bench.expect(
        bench.run(5, ["-c", "avrisp", "-P", "no-such", "-p", "m328p", "--wait", "1"]),
        r"waiting for the programmer: no-such", r"error: waited 1 s: no-such",
    )  # fmt: skip
    person = Person(bench, ["--wait", "60", "-p", "m328p", "-U", "page.bin:r"])
    person.until("waiting for a board")
    person.put("board")
    bench.expect(person.end(0), r"bytes of flash verified")
    os.unlink("slot")


def what_no_board_could_cure_ends_the_bench(bench):
    bench.run(3, SIM + ["-P", "slot", "-x", "socket", "--repeat", "0", "-U", "no-such.hex"])
    with open("spent", "w", encoding="ascii") as file:
        file.write("first = 2\nlast = 1\n")
    words = ["--repeat", "0", "--unique", "eeprom@0=serial:4", "--unique-file", "spent"]
    bench.expect(bench.run(3, SIM + ["-P", "slot", "-x", "socket"] + words), "no number is left")


TESTS = (
    eight_boards_of_which_two_fail_in_their_own_ways,
    one_way_of_failing_has_its_own_code,
    a_board_that_crashes_takes_none_with_it,
    a_board_that_hangs_is_not_waited_for,
    ctrl_c_ends_all_in_order,
    what_does_not_go_with_a_gang_is_refused,
    a_terminal_shows_a_line_for_each,
    boards_are_done_one_after_another,
    a_bench_is_closed_by_ctrl_c,
    waiting_has_an_end,
    what_no_board_could_cure_ends_the_bench,
)


def main():
    bench = Bench(os.path.abspath(sys.argv[1]))
    for test in TESTS:
        if len(sys.argv) > 2 and test.__name__ not in sys.argv[2:]:
            continue
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        os.environ.update(HOME=folder, LC_ALL="C")
        for name, content in FILES.items():
            with open(name, "wb") as file:
                file.write(content)
        before = bench.failures
        test(bench)
        print(f"{test.__name__}: {'FAILED' if bench.failures > before else 'ok'}")
        os.chdir("/")
        shutil.rmtree(folder)
    return 1 if bench.failures else 0


sys.exit(main())
