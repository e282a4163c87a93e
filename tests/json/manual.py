"""manual.py SCHEMA MANUAL: every event, key and type is in both, and in the same order."""

import re
import sys

from lines import Schema

ENVELOPE = ("schema", "event", "device", "time_us")


def resolve(schema, definitions):
    if "$ref" not in schema:
        return schema
    return {**definitions[schema["$ref"].rsplit("/", 1)[1]], **schema}


def type_name(schema, definitions):
    if "oneOf" in schema:
        return " or ".join(
            type_name(resolve(each, definitions), definitions) for each in schema["oneOf"]
        )
    if "enum" in schema:
        return "string"
    kind = schema["type"]
    if kind == "array":
        item = resolve(schema["items"], definitions)
        return f"array of {type_name(item, definitions)}s"
    kinds = kind if isinstance(kind, list) else [kind]
    return " or ".join("number" if each == "integer" else each for each in kinds)


def keys_of(schema, definitions, prefix=""):
    """(key, type, always there) of an object and of those in it."""
    for key, value in schema["properties"].items():
        if prefix == "" and key in ENVELOPE:
            continue
        value = resolve(value, definitions)
        yield prefix + key, type_name(value, definitions), key in schema["required"]
        inner = value
        if value.get("type") == "array":
            inner = resolve(value["items"], definitions)
        for each in value.get("oneOf", []):
            each = resolve(each, definitions)
            inner = each if each.get("type") == "object" else inner
        if "properties" in inner:
            mark = "[]." if value.get("type") == "array" else "."
            yield from keys_of(inner, definitions, prefix + key + mark)


def events_of(manual):
    """Name of each event, and its (key, type, always there)."""
    name, result = None, {}
    for line in manual:
        if line.startswith(".Ss "):
            name = line.split()[1]
            result[name] = []
        elif line.startswith(".Sh "):
            name = None
        item = re.match(r"\.It Va (\S+) Pq (.*?)(; not always there)?$", line)
        if name is not None and item:
            result[name].append((item[1], item[2], item[3] is None))
    return result


def main():
    schema = Schema(sys.argv[1])
    with open(sys.argv[2], encoding="utf-8") as file:
        manual = events_of(file.read().splitlines())
    definitions = schema.whole["$defs"]
    wanted = {
        name.removeprefix("event-"): list(keys_of(definitions[name], definitions))
        for name in schema.events
    }
    faults = [] if list(wanted) == list(manual) else [f"events: {list(manual)}, not {list(wanted)}"]
    for name in wanted.keys() & manual.keys():
        for key in set(wanted[name]) ^ set(manual[name]):
            place = "the schema" if key in wanted[name] else "the manual"
            faults.append(f"{name}: only in {place}: {key}")
    for fault in faults:
        print(fault, file=sys.stderr)
    return 1 if faults else 0


sys.exit(main())
