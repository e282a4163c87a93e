"""validate.py SCHEMA COMMAND...

Runs the command, which prints the lines of --json, and passes its exit status on. Ends with 99, and
the reason, if a line is not as the schema has it, if the lines make no sense together, if anything
else was printed, or if the exit status is not that of the error. With ISPFLASH_JSON_LOG set, the
verdict is added to that file.
"""

import os
import sys
from collections import Counter

from lines import Schema, run

WRONG = 99


def write_log(path, command, code, faults, values):
    counts = Counter(value["event"] for value in values)
    words = " ".join(os.path.basename(word) for word in command)
    told = ", ".join(f"{count} {name}" for name, count in counts.items())
    with open(path, "a", encoding="utf-8") as log:
        log.write(f"{'INVALID' if faults else 'valid'}, exit status {code}: {words}\n    {told}\n")


def main():
    command = sys.argv[2:]
    code, faults, values = run(Schema(sys.argv[1]), command)
    for fault in faults:
        print(fault, file=sys.stderr)
    if "ISPFLASH_JSON_LOG" in os.environ:
        write_log(os.environ["ISPFLASH_JSON_LOG"], command, code, faults, values)
    return WRONG if faults else code


sys.exit(main())
