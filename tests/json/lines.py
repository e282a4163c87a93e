"""The lines of --json against their schema, read strictly: a key it does not name is a fault."""

import json
import subprocess

from jsonschema import Draft202012Validator


def closed(schema):
    """The same schema, with no keys allowed but those it names."""
    if isinstance(schema, list):
        return [closed(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    result = {key: closed(value) for key, value in schema.items()}
    if schema.get("type") == "object":
        result["additionalProperties"] = False
    return result


class Schema:
    def __init__(self, path):
        with open(path, encoding="utf-8") as file:
            self.whole = json.load(file)
        Draft202012Validator.check_schema(self.whole)
        self.open = Draft202012Validator(self.whole)
        self.definitions = closed(self.whole["$defs"])
        self.events = [ref["$ref"].rsplit("/", 1)[1] for ref in self.whole["oneOf"]]

    def faults(self, line):
        """What is wrong with one line, as sentences."""
        try:
            value = json.loads(line)
        except json.JSONDecodeError as error:
            return [f"no JSON: {error}"]
        name = f"event-{value.get('event')}" if isinstance(value, dict) else ""
        if name not in self.events:
            return [f"no event of the schema: {value!r:.80}"]
        if list(value)[:2] != ["schema", "event"]:
            return ["it does not begin with schema and event"]
        strict = Draft202012Validator({"$defs": self.definitions, "$ref": f"#/$defs/{name}"})
        faults = [f"{error.json_path}: {error.message:.200}" for error in strict.iter_errors(value)]
        if not self.open.is_valid(value):
            faults.append("the schema as a whole refuses it")
        return faults


class Story:
    """Whether the lines of one programmer make sense one after the other."""

    def __init__(self):
        self.step = None
        self.done = 0
        self.ended = None  # the report or the error
        self.faults = []

    def add(self, value):
        event = value["event"]
        if event == "value" and value["name"] == "board":  # the next one, with --repeat
            self.ended = None
        if self.ended is not None and event in ("begin", "progress", "end", "report"):
            self.faults.append(f"{event} behind the {self.ended['event']}")
        if event == "begin":
            if self.step is not None:
                self.faults.append(f"{value['step']} begins within {self.step}")
            self.step, self.done = value["step"], 0
        elif event in ("progress", "end"):
            if value["step"] != self.step:
                self.faults.append(f"{event} of {value['step']}, which has not begun")
            if not self.done <= value["done"] <= value["total"]:
                self.faults.append(f"{value['done']} of {value['total']} after {self.done}")
            self.done = value["done"]
            if event == "end":
                self.step = None
        elif event in ("report", "error"):
            if self.step is not None:
                self.faults.append(f"{event} within {self.step}")
            self.ended = value


def _faults_at_the_end(story, code):
    """The exit status against what was told last; a signal's is 128 and its number."""
    faults = list(story.faults)
    if story.step is not None:
        faults.append(f"{story.step} never ended")
    told = story.ended["exit_status"] if story.ended and story.ended["event"] == "error" else 0
    if code != told and not (told == 130 and code > 128):
        faults.append(f"exit status {code}, but {told} was told")
    return faults


def run(schema, command, **options):
    """Runs a command that prints the lines of --json. Its exit status, the faults of what it
    printed, and the lines, decoded."""
    done = subprocess.run(command, capture_output=True, check=False, **options)
    faults, stories, values = [], {}, []
    for number, line in enumerate(done.stdout.decode("ascii", "replace").splitlines(), 1):
        wrong = schema.faults(line)
        faults += [f"line {number}: {fault}" for fault in wrong]
        if wrong:
            continue
        value = json.loads(line)
        values.append(value)
        stories.setdefault(value.get("device"), Story()).add(value)
    for device, story in stories.items():
        code = done.returncode
        if device is not None and len(stories) > 1:  # one of several: each has its own
            code = (story.ended or {}).get("exit_status", 0)
        faults += [f"{device or ''}: {fault}" for fault in _faults_at_the_end(story, code)]
    if not stories and done.returncode != 0:
        faults.append("it failed and told nothing")
    if done.stderr:
        faults.append(f"on standard error: {done.stderr!r:.200}")
    return done.returncode, faults, values
