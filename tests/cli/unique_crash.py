"""unique_crash.py PROGRAM [RUNS [SEED]]

Numbers from a counter and rows from a table go to simulated chips, four runs at a time, and each run
is killed (SIGKILL) at a random moment, or not. Afterwards no two chips hold the same number, each
number that was given is on record with just one outcome, and what is on record as programmed is in a
chip.
"""

import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter

PARALLEL = 4
LONGEST_S = 0.06  # about as long as a run takes
TABLE = "id,code\n" + "".join(f"B{row},{row:04}\n" for row in range(1, 400))


def command(program, kind, chip):
    field, file = ("serial", "counter") if kind == "counter" else ("code", "table.csv")
    return [
        program, "-qq", "-c", "sim", "-P", chip, "-p", "m328p", "-U", "flash:w:0x12,0x34:m",
        "--unique", f"eeprom@0={field}:8", "--unique-file", file,
    ]  # fmt: skip


def kill_many(program, kind, count, draw):
    """Starts `count` runs, each on a chip of its own; returns how many were killed."""
    running, killed, started = [], 0, 0
    while running or started < count:
        if started < count and len(running) < PARALLEL:
            started += 1
            process = subprocess.Popen(
                command(program, kind, f"chip{started}"), stderr=subprocess.DEVNULL
            )
            running.append((process, time.monotonic() + draw.uniform(0, 2 * LONGEST_S)))
        for process, when in list(running):
            if process.poll() is None and time.monotonic() >= when:
                process.kill()
                process.wait()
                killed += 1
            if process.poll() is not None:
                running.remove((process, when))
        time.sleep(0.001)
    return killed


def numbers_in_chips():
    found = []
    for name in os.listdir("."):
        if not re.fullmatch(r"chip\d+|last", name):
            continue
        with open(name, encoding="ascii") as file:
            row = re.search(r"\[eeprom\]\n0x0000 = ((?:3\d ?){8})", file.read())
        if row:
            found.append(int(bytes.fromhex(row[1]).decode()))
    return found


def counter_records():
    """Number -> its outcomes."""
    records = {}
    with open("counter", encoding="ascii") as file:
        for line in file.read().splitlines():
            number, word, *_ = line.split() if line[0].isdigit() else ("0", "first")
            if word == "reserved":
                if int(number) in records:
                    raise AssertionError(f"{number} was given twice")
                records[int(number)] = []
            elif word != "first":
                records[int(number)].append(word)
    return records


def table_records():
    records = {}
    with open("table.csv", encoding="ascii") as file:
        for line in file.read().splitlines()[1:]:
            cells = line.split(",")
            if len(cells) > 2 and cells[2]:
                records[int(cells[1])] = [cells[2].split(":")[0].replace("in doubt", "in-doubt")]
    return records


def check(records, chips):
    outcomes = Counter(outcome for each in records.values() for outcome in each)
    assert all(len(each) == 1 for each in records.values()), f"not one outcome: {records}"
    assert len(chips) == len(set(chips)), f"doubled: {Counter(chips).most_common(3)}"
    assert set(chips) <= set(records), f"not on record: {set(chips) - set(records)}"
    programmed = {number for number, each in records.items() if each == ["programmed"]}
    assert programmed <= set(chips), f"programmed, but in no chip: {programmed - set(chips)}"
    return outcomes


def main():
    program = os.path.abspath(sys.argv[1])
    count = int(sys.argv[2]) if len(sys.argv) > 2 else 40
    draw = random.Random(int(sys.argv[3]) if len(sys.argv) > 3 else 1)
    for kind, records in (("counter", counter_records), ("table", table_records)):
        folder = tempfile.mkdtemp()
        os.chdir(folder)
        with open("counter", "w", encoding="ascii") as file:
            file.write("first = 1\n")
        with open("table.csv", "w", encoding="ascii") as file:
            file.write(TABLE)
        killed = kill_many(program, kind, count, draw)
        last = subprocess.run(
            command(program, kind, "last"), capture_output=True, text=True, check=False
        )
        assert last.returncode == 0, last.stderr
        outcomes = check(records(), numbers_in_chips())
        print(
            f"{kind}: {count} runs, {killed} killed: {outcomes['programmed']} programmed, "
            f"{outcomes['failed']} failed, {outcomes['in-doubt']} in doubt; "
            f"{len(numbers_in_chips())} numbers in chips, none doubled, none unrecorded"
        )
        os.chdir("/")
        shutil.rmtree(folder)


main()
