#!/usr/bin/env python3
"""What the package says about the configuration, made from config/README.md, so that it is written once.

  docs.py manual config/README.md VERSION >hi6gw.yaml.5
  docs.py schema config/README.md config/hi6gw.schema.json >hi6gw.schema.json    with descriptions and defaults
  docs.py simulator HI6SIM VERSION >hi6sim.1                                     from its --help
"""
import json
import re
import subprocess
import sys


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split(" |")]


def rows(markdown):
    """The table rows that describe a key: a dict of its columns each."""
    heading = []
    for line in markdown.splitlines():
        if line.startswith("| Key |"):
            heading = cells(line)
        elif line.startswith("| `"):
            yield dict(zip(heading, cells(line), strict=True))


def plain(text):
    """Markdown without its marks."""
    return re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("`", "").replace("**", "")


def literal(cell):
    """The value of a cell that is nothing but one `value`."""
    match = re.fullmatch(r"`([^`]*)`", cell)
    return match.group(1) if match else None


def escaped(text):
    text = text.replace("\\", "\\e").replace("-", "\\-").replace("'", "\\(aq").replace("^", "\\(ha")
    text = text.replace("`", "\\(ga").replace("~", "\\(ti").replace("°", "\\(de")
    return "\\&" + text if text.startswith(".") else text


def roff(text):
    """One paragraph of Markdown as text of man(7)."""
    text = re.sub(r"\[([^]]*)\]\([^)]*\)", r"\1", text).replace("**", "")
    parts = text.split("`")
    out = "".join(f"\\fB{escaped(part)}\\fR" if at % 2 else escaped(part) for at, part in enumerate(parts))
    return re.sub(r"\*(\w+)\*", r"\\fI\1\\fR", out)


def sentence(text):
    return text[0].upper() + text[1:] + "."


def entry(row):
    """One key as a tagged paragraph."""
    facts = [f"{row['Type']}"] if row["Type"] != "section" else []
    if row["Default"]:
        facts.append("required" if row["Default"] == "required" else f"default: {row['Default']}")
    if row["Allowed"]:
        facts.append(f"allowed: {row['Allowed']}")
    if row["Reload"]:
        facts.append(f"reload: {row['Reload']}")
    if row.get("In `defaults`") == "yes":
        facts.append("also in `defaults`")
    lines = [".TP", f".B {escaped(literal(row['Key']))}", roff(sentence(row["Meaning"]))]
    if facts:
        lines += [".br", roff("; ".join(facts))]
    return lines


def manual(markdown, version):
    out = [
        ".\\\" Made from config/README.md by deploy/docs.py.",
        f'.TH HI6GW.YAML 5 "" "hi6gw {version}" "hi6gw"',
        ".nh",
        ".SH NAME",
        "hi6gw.yaml \\- configuration of hi6gw",
        ".SH DESCRIPTION",
    ]
    paragraph, heading, code = [], [], False

    def flush():
        if paragraph:
            out.extend([".PP", roff(" ".join(paragraph))])
            paragraph.clear()

    for line in markdown.splitlines()[1:]:
        if line.startswith("```"):
            flush()
            code = not code
            out.extend([".PP", ".RS", ".nf"] if code else [".fi", ".RE"])
        elif code:
            out.append(escaped(line))
        elif line.startswith("## "):
            flush()
            out.append(f".SH {escaped(line[3:].upper())}")
        elif line.startswith("### "):
            flush()
            out.append(f".SS {escaped(line[4:])}")
        elif line.startswith("| Key |"):
            flush()
            heading = cells(line)
        elif line.startswith("| `"):
            out.extend(entry(dict(zip(heading, cells(line), strict=True))))
        elif line.startswith("- "):
            flush()
            out.extend([".IP \\(bu 2", roff(line[2:])])
        elif line.startswith("  ") and out[-2].startswith(".IP"):
            out[-1] += " " + roff(line.strip())
        elif line.startswith("|"):
            pass  # the rule below a heading
        elif line.strip():
            paragraph.append(line.strip())
        else:
            flush()
    flush()
    out += [
        ".SH FILES",
        ".TP",
        ".I /etc/hi6gw/hi6gw.yaml",
        "read by \\fBhi6gw.service\\fR; \\fI/etc/hi6gw/NAME.yaml\\fR by \\fBhi6gw@NAME.service\\fR.",
        ".TP",
        ".I /usr/share/hi6gw/hi6gw.schema.json",
        "JSON Schema for editors. One that knows the YAML language server takes it from a first line",
        ".I # yaml\\-language\\-server: $schema=/usr/share/hi6gw/hi6gw.schema.json",
        ".SH SEE ALSO",
        ".BR hi6gw (1)",
    ]
    return "\n".join(out) + "\n"


def schema(markdown, source):
    document = json.loads(source)
    signal = document["definitions"]["signal"]["properties"]

    def at(path):
        sections = {"": document, "controllers[]": document["definitions"]["controller"]}
        section, name = path.rpartition(".")[::2]
        if section == "controllers[].signals[]":
            return signal[name]
        if section not in sections:
            return at(section)["properties"][name]
        return sections[section]["properties"][name]

    for row in rows(markdown):
        key = literal(row["Key"])
        places = [at(key)]
        if row.get("In `defaults`") == "yes":
            places.append(document["properties"]["defaults"]["properties"][key.rpartition(".")[2]])
        for place in places:
            extra = f" Allowed: {plain(row['Allowed'])}." if row["Allowed"] else ""
            place["description"] = sentence(plain(row["Meaning"])) + extra
            if literal(row["Default"]) is not None:
                place["default"] = yaml_value(literal(row["Default"]))
    document["description"] = "Structure and form of values; hi6gw check knows the rest."
    return json.dumps(document, indent=1, ensure_ascii=False) + "\n"


def yaml_value(text):
    try:
        return json.loads(text)
    except json.JSONDecodeError:
        return text


def simulator(program, version):
    text = subprocess.run([program, "--help"], check=True, capture_output=True, text=True).stdout
    about, usage = text.split("Usage:", 1)
    out = [
        ".\\\" Made from hi6sim --help by deploy/docs.py.",
        f'.TH HI6SIM 1 "" "hi6gw {version}" "hi6gw"',
        ".SH NAME",
        "hi6sim \\- simulated Hi6 robot controller",
        ".SH SYNOPSIS",
        ".B hi6sim",
        "[\\fIOPTIONS\\fR]",
        ".SH DESCRIPTION",
        escaped(" ".join(about.split())),
        ".SH OPTIONS AND CONTROL INTERFACE",
        ".nf",
        *[escaped(line) for line in usage.splitlines()[1:]],
        ".fi",
        ".SH SEE ALSO",
        ".BR hi6gw (1)",
    ]
    return "\n".join(out) + "\n"


def text_of(path):
    with open(path, encoding="utf-8") as file:
        return file.read()


def main(arguments):
    match arguments:
        case ["manual", readme, version]:
            out = manual(text_of(readme), version)
        case ["schema", readme, source]:
            out = schema(text_of(readme), text_of(source))
        case ["simulator", program, version]:
            out = simulator(program, version)
        case _:
            print(__doc__, file=sys.stderr)
            return 64
    sys.stdout.reconfigure(encoding="utf-8")
    sys.stdout.write(out)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
