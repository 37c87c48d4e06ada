"""The documents of the configuration and the loader say the same: the JSON Schema that editors get, and hi6gw.yaml(5).

What the loader knows is asked of `hi6gw check` itself: it names the keys that a section may have, and what is wrong.
"""
import json
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

import jsonschema
import yaml

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["BINARY_DIR"])
PROGRAM = BUILD / "src/hi6gw"
SCHEMA = json.loads((BUILD / "deploy/hi6gw.schema.json").read_text(encoding="utf-8"))
VALIDATOR = jsonschema.Draft7Validator(SCHEMA)


class Yaml12(yaml.SafeLoader):
    """YAML as the loader and today's editors read it (1.2, core schema): `on` is a word, keys are text."""

    yaml_implicit_resolvers = {}

    def construct_mapping(self, node, deep=False):
        return {key.value: self.construct_object(value, deep=True) for key, value in node.value}

    def construct_yaml_map(self, node):
        return self.construct_mapping(node)


Yaml12.add_constructor("tag:yaml.org,2002:map", Yaml12.construct_yaml_map)
for tag, pattern, first in [
    ("bool", r"true|false", "tf"),
    ("int", r"[-+]?[0-9]+", "-+0123456789"),
    ("float", r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", "-+.0123456789"),
    ("null", r"~|null|", ["~", "n", ""]),
]:
    Yaml12.add_implicit_resolver(f"tag:yaml.org,2002:{tag}", re.compile(f"^({pattern})$"), list(first))


def parsed(text):
    return yaml.load(text, Yaml12)


def check(text):
    """The errors that the loader finds, as (path, text)."""
    with tempfile.TemporaryDirectory() as directory:
        file = pathlib.Path(directory) / "c.yaml"
        file.write_text(text, encoding="utf-8")
        done = subprocess.run([PROGRAM, "check", "-c", file], capture_output=True, text=True)
    assert done.returncode in (0, 78), done
    lines = [line.split(": ", 2) for line in done.stdout.splitlines()[:-1]]
    return [(line[1], line[2]) for line in lines if len(line) == 3 and not line[2].startswith("warning")]


def flow(value):
    """Nested dicts and lists as YAML in flow style; the leaves are YAML already."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}: {flow(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(flow, value)) + "]"
    return value


def sections():
    """All sections of the loader with their keys; a section is what refuses an unknown key and says which it knows."""

    def ask(path):
        signal = {"name": "a", "address": "mw20"}
        controller = {"name": "r1", "url": "http://a", "signals": [signal]}
        document = {"controllers": [controller]}
        at = {"controllers[]": controller, "controllers[].signals[]": signal}.get(path, document)
        if at is document:
            for key in path.split(".") if path else []:
                at = at.setdefault(key, {})
        at["zz"] = "1"
        where = (path + ".zz").lstrip(".").replace("[]", "[0]")
        for place, what in check(flow(document)):
            if place == where and what.startswith("unknown key"):
                return what.split("allowed: ")[1].split(", ")
        return None

    found = {}
    waiting = ["", "controllers[]", "controllers[].signals[]"]
    while waiting:
        path = waiting.pop(0)
        keys = ask(path)
        if keys is None:
            continue
        found[path] = keys
        if "[]" not in path:
            waiting += [f"{path}.{key}".lstrip(".") for key in keys if key != "controllers"]
    return found


SECTIONS = sections()


def keys_of(section):
    """The properties of a section in the schema."""
    if section == "controllers[]":
        return SCHEMA["definitions"]["controller"]["properties"]
    if section == "controllers[].signals[]":
        return SCHEMA["definitions"]["signal"]["properties"]
    at = SCHEMA
    for key in section.split(".") if section else []:
        at = at["properties"][key]
    return at["properties"]


class Keys(unittest.TestCase):
    def test_the_loader_was_asked(self):
        self.assertIn("mqtt.tls", SECTIONS)
        self.assertGreater(sum(map(len, SECTIONS.values())), 80)

    def test_schema_has_exactly_the_keys_of_the_loader(self):
        for section, keys in SECTIONS.items():
            self.assertEqual(sorted(keys_of(section)), sorted(keys), section)

    def test_no_other_section_in_the_schema(self):
        def walk(path, node):
            for key, each in node.get("properties", {}).items():
                if "properties" in each:
                    yield f"{path}.{key}".lstrip(".")
                    yield from walk(f"{path}.{key}".lstrip("."), each)

        self.assertEqual(sorted(walk("", SCHEMA)), sorted(s for s in SECTIONS if s and "[]" not in s))

    def test_manual_has_exactly_the_keys_of_the_loader(self):
        page = (BUILD / "deploy/hi6gw.yaml.5").read_text(encoding="utf-8").replace("\\-", "-")
        tagged = re.findall(r"^\.TP\n\.B (\S+)$", page, re.MULTILINE)
        known = [f"{section}.{key}".lstrip(".") for section, keys in SECTIONS.items() for key in keys if section != "defaults"]
        self.assertEqual(sorted(tagged), sorted(known))
        also = page.count("also in \\fBdefaults\\fR")
        self.assertEqual(also, len(SECTIONS["defaults"]))

    def test_each_key_is_described_with_type_and_reload(self):
        page = (BUILD / "deploy/hi6gw.yaml.5").read_text(encoding="utf-8")
        for section, keys in SECTIONS.items():
            for key in keys:
                self.assertTrue(keys_of(section)[key].get("description"), f"{section}.{key}")
        entries = re.findall(r"^\.TP\n\.B (\S+)\n.+\n(?:\.br\n(.+)\n)?", page, re.MULTILINE)
        for key, facts in entries:
            is_section = key.replace("\\-", "-") in SECTIONS
            self.assertEqual(not is_section, "reload: " in facts, key)
            self.assertEqual(not is_section, "default: " in facts or "required" in facts, key)


class Schema(unittest.TestCase):
    def test_is_a_schema(self):
        jsonschema.Draft7Validator.check_schema(SCHEMA)
        jsonschema.Draft7Validator.check_schema(json.loads((SOURCE / "config/hi6gw.schema.json").read_text()))

    def test_accepts_what_is_shipped(self):
        for name in ["config/hi6gw.yaml", "deploy/demo.yaml", "tests/data/config/everything.yaml"]:
            text = (SOURCE / name).read_text(encoding="utf-8")
            self.assertEqual([e.message for e in VALIDATOR.iter_errors(parsed(text))], [], name)
        signals = jsonschema.Draft7Validator({**SCHEMA["definitions"]["signals"], "definitions": SCHEMA["definitions"]})
        text = (SOURCE / "config/signals/weld-cell.yaml").read_text(encoding="utf-8")
        self.assertEqual([e.message for e in signals.iter_errors(parsed(text))], [])

    def test_rejects_what_it_can_express(self):
        controller = "controllers: [{name: r1, url: http://a, signals: [%s]}]"
        good = controller % "{name: a, address: fb2.di3}"
        self.assertTrue(VALIDATOR.is_valid(parsed(good)))
        for bad in [
            "log: {}",
            "controllers: []",
            "controllers: {}",
            "controllers: [{url: http://a}]",
            "controllers: [{name: r1}]",
            "controllers: [{name: r/1, url: http://a}]",
            "controllers: [{name: r1, url: https://a}]",
            "gatway: {id: x}\n" + good,
            "gateway: x\n" + good,
            "gateway: {id: a b}\n" + good,
            "log: {level: inof}\n" + good,
            "http: {listen: 9464}\n" + good,
            "mqtt: {url: 'mqtt://x/topic'}\n" + good,
            "mqtt: {version: 4}\n" + good,
            "mqtt: {keep_alive: 15}\n" + good,
            "mqtt: {window: 0}\n" + good,
            "mqtt: {password: x, password_file: y}\n" + good,
            "mqtt: {tls: {cert_file: x}}\n" + good,
            "commands: {mode: dryrun}\n" + good,
            "defaults: {name: x}\n" + good,
            "defaults: {retain: yes}\n" + good,
            controller % "{name: a}",
            controller % "{address: fb2.di3}",
            controller % "{name: a, adress: fb2.di3}",
            controller % "{name: a/, address: mw2}",
            controller % "{name: a, address: fb12.di3}",
            controller % "{name: a, address: mw2, poll: 100}",
            controller % "{name: a, address: mw2, scale: 0}",
            controller % "{name: a, address: mw2, deadband: -1}",
            controller % "{name: a, address: mw2, qos: 3}",
            controller % "{name: a, address: mw2, values: {x: open}}",
            controller % "{name: 'a{i}', address: 'mw{i}', for: 0-3}",
        ]:
            self.assertNotEqual(check(bad), [], bad)
            self.assertFalse(VALIDATOR.is_valid(parsed(bad)), bad)

    # Every key with values of every form: what the schema calls wrong is wrong for the loader too (an editor never warns
    # of what works), and of what the loader refuses the schema finds nearly all.
    VALUES = ["5", "0", "-1", "300", "1e3", "0.5", "x", "'a b'", "''", "'5'", "~", "[]", "[1, 2..3]", "{}", "{0: open}",
              "true", "false", "on", "off", "5s", "250ms", "1.5s", "50%", "'${HOME}'", "'${'", "mqtt://h", "http://h/",
              "http://h/p", "'[::1]:80'", "127.0.0.1:80", "fb2.di3", "di3", "mw20", "a/b", "a//b", "'a+b'", "0..3", "json",
              "info", "rw", "byte", "3.1.1", "enabled", "°C", "+5", "'0x10'", "fn64.di0", "{zz: 1}"]

    def test_is_never_stricter_than_the_loader_and_nearly_as_strict(self):
        refused = found = 0
        looser = []
        for value in self.VALUES:
            for document, mutated in self.mutated(value):
                text = flow(document)
                problems = check(text)
                errors = {self.path(error) for error in VALIDATOR.iter_errors(parsed(text))}
                for key in mutated:
                    by_loader = [what for place, what in problems if self.within(place, key)]
                    by_schema = any(self.within(place, key) for place in errors)
                    if by_schema:
                        self.assertTrue(by_loader, f"{key}: {value}: the schema refuses what the loader takes")
                    refused += bool(by_loader)
                    found += bool(by_loader) and by_schema
                    if by_loader and not by_schema:
                        looser.append(f"{key}: {value}: {by_loader[0]}")
        self.assertGreater(refused, 1500)
        self.assertGreater(found / refused, 0.9, "\n".join(looser))

    @staticmethod
    def mutated(value):
        """Documents in which keys have the value, with the paths of these keys: together they are all keys."""
        base = [{"name": "r1", "url": "http://a", "signals": []}]
        groups = {}
        for section in [s for s in SECTIONS if "[]" not in s]:
            for key in SECTIONS[section]:
                path = f"{section}.{key}".lstrip(".")
                group = "rest"
                if path in SECTIONS or path == "controllers":
                    group = "of " + section
                elif path in ("topics.prefix", "mqtt.password_file"):  # others are only looked at when these are right
                    group = "alone"
                elif section == "topics":  # looked at when everything else is right
                    group = "topics"
                groups.setdefault(group, []).append((section, key))
        for keys in groups.values():
            document = {"controllers": base}
            for section, key in keys:
                node = document
                for above in section.split(".") if section else []:
                    node = node.setdefault(above, {})
                node[key] = value
            yield document, [f"{section}.{key}".lstrip(".") for section, key in keys]
        controllers = [{"name": f"r{at}", "url": f"http://h{at}", "signals": [], key: value}
                       for at, key in enumerate(SECTIONS["controllers[]"])]
        yield {"controllers": controllers}, [f"controllers[{at}].{key}" for at, key in enumerate(SECTIONS["controllers[]"])]
        signals = [{"name": f"'s{at}{{i}}'" if key == "for" else f"s{at}",
                    "address": "'m{i}'" if key == "for" else "m20" if key == "invert" else "mw20", key: value}
                   for at, key in enumerate(SECTIONS["controllers[].signals[]"])]
        yield ({"controllers": [{**base[0], "signals": signals}]},
               [f"controllers[0].signals[{at}].{key}" for at, key in enumerate(SECTIONS["controllers[].signals[]"])])

    @staticmethod
    def path(error):
        text = ""
        for part in error.absolute_path:
            text += f"[{part}]" if isinstance(part, int) else f".{part}"
        return text.lstrip(".")

    @staticmethod
    def within(place, key):
        return place == key or place.startswith((key + ".", key + "["))


if __name__ == "__main__":
    unittest.main(verbosity=2)
