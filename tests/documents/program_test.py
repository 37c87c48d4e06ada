"""The command line's documents say what the programs say: hi6gw(1), hi6sim(1), shell completion."""
import os
import pathlib
import re
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ["SOURCE_DIR"])
BUILD = pathlib.Path(os.environ["BINARY_DIR"])
HI6GW = BUILD / "src/hi6gw"
HI6SIM = BUILD / "src/sim/hi6sim"


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def subcommands():
    return re.findall(r"^  ([a-z]+) +\S", output(HI6GW, "--help").split("Subcommands:")[1], re.MULTILINE)


def options(*command):
    found = re.findall(r"^  (-\S+)", output(*command, "--help"), re.MULTILINE)
    return sorted(option for options in found for option in options.split(","))


def completed(program, *words):
    """What the completion offers for the last of the words."""
    script = f"""
        set -u
        . "{SOURCE}/deploy/completion/{program.name}"
        COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
        _{program.name} "$1" "${{@: -1}}" "${{@: -2:1}}"
        printf '%s\\n' "${{COMPREPLY[@]}}"
    """
    return sorted(output("bash", "-c", script, "_", str(program), *words).split())


def manual(name):
    page = (BUILD / "deploy" / name).read_text(encoding="utf-8")
    return re.sub(r"\\f.|\\&", "", page.replace("\\-", "-"))


class Hi6gw(unittest.TestCase):
    def test_manual_has_every_subcommand_and_every_option(self):
        page = manual("hi6gw.1")
        synopsis = re.findall(r"^hi6gw ([a-z]+)", page.split(".SH DESCRIPTION")[0], re.MULTILINE)
        described = re.findall(r"^\.TP\n([a-z]+) ", page, re.MULTILINE)
        self.assertEqual(synopsis, described)
        self.assertEqual(synopsis, ["run", "check", "topics", "probe", "read", "write"])
        for each in subcommands():
            self.assertIn(each, synopsis)
            for option in options(HI6GW, each):
                self.assertRegex(page, rf"(?m)^(\.B )?(.*, )?{option}\b")

    def test_manual_has_the_exit_codes(self):
        codes = re.findall(r"(\d+) [a-z]", output(HI6GW, "--help").split("Exit codes:")[1])
        status = manual("hi6gw.1").split(".SH EXIT STATUS")[1].split(".SH")[0]
        self.assertEqual(re.findall(r"\.B (\d+)", status), codes)

    def test_completion(self):
        self.assertGreaterEqual(len(subcommands()), 3)
        self.assertEqual(completed(HI6GW, ""), sorted(subcommands() + options(HI6GW)))
        self.assertEqual(completed(HI6GW, "ch"), ["check"])
        for each in subcommands():
            self.assertEqual(completed(HI6GW, each, "-"), options(HI6GW, each), each)
        config = str(SOURCE / "config") + "/"
        self.assertEqual(completed(HI6GW, "run", "-c", config + "h"), [config + "hi6gw.yaml"])
        self.assertEqual(completed(HI6GW, "run", "-c", config + "s"), [config + "scenarios", config + "signals"])


class Hi6sim(unittest.TestCase):
    def test_manual_is_the_help_text(self):
        page = manual("hi6sim.1").replace("\\(aq", "'").replace("\\e", "\\").replace("\\(ha", "^").replace("\\(ti", "~")
        for line in output(HI6SIM, "--help").split("Options:")[1].splitlines():
            self.assertIn(line, page)

    def test_completion(self):
        self.assertEqual(completed(HI6SIM, "--"), [option for option in options(HI6SIM) if option.startswith("--")])
        self.assertEqual(completed(HI6SIM, "--index-unit", ""), ["byte", "element"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
