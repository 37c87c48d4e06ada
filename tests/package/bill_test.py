"""The bill of materials in a package is true and well-formed.   bill_test.py PACKAGE.deb UNPACKED

Form: what CycloneDX 1.5 demands of the members that we write. Truth: asked anew of the program's own header, of the
package's dependencies and of dpkg, not of what sbom.py asked.
"""
import json
import pathlib
import re
import subprocess
import sys
import urllib.parse

import jsonschema

TEXT = {"type": "string", "minLength": 1}
PURL = r"^pkg:(deb/debian|generic)/[a-z0-9][a-z0-9+.-]*@[A-Za-z0-9%._~-]+(\?[a-z]+=[A-Za-z0-9._-]+(&[a-z]+=[A-Za-z0-9._-]+)*)?$"
COMPONENT = {
    "type": "object",
    "additionalProperties": False,
    "required": ["type", "name", "version", "bom-ref", "purl"],
    "properties": {
        "type": {"enum": ["application", "library"]},
        "bom-ref": TEXT,
        "name": TEXT,
        "version": TEXT,
        "purl": {"type": "string", "pattern": PURL},
        "scope": {"enum": ["required", "optional", "excluded"]},
        "supplier": {"type": "object", "additionalProperties": False, "properties": {"name": TEXT}},
        "properties": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "required": ["name", "value"],
            "properties": {"name": TEXT, "value": TEXT}}},
    },
}
SCHEMA = {
    "type": "object",
    "additionalProperties": False,
    "required": ["bomFormat", "specVersion", "version", "serialNumber", "metadata", "components", "dependencies"],
    "properties": {
        "bomFormat": {"const": "CycloneDX"},
        "specVersion": {"const": "1.5"},
        "version": {"type": "integer", "minimum": 1},
        "serialNumber": {"pattern": "^urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$"},
        "metadata": {
            "type": "object", "additionalProperties": False, "required": ["timestamp", "component"],
            "properties": {"timestamp": {"pattern": r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$"}, "component": COMPONENT}},
        "components": {"type": "array", "minItems": 1, "uniqueItems": True, "items": COMPONENT},
        "dependencies": {"type": "array", "items": {
            "type": "object", "additionalProperties": False, "required": ["ref"],
            "properties": {"ref": TEXT, "dependsOn": {"type": "array", "uniqueItems": True, "items": TEXT}}}},
    },
}


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def main(package, root):
    name, version, depends = (output("dpkg-deb", "-f", package, field).strip() for field in ("Package", "Version", "Depends"))
    bill = json.loads((pathlib.Path(root) / f"usr/share/doc/{name}/{name}.cdx.json").read_text())
    jsonschema.Draft7Validator(SCHEMA).validate(bill)
    components = {each["name"]: each for each in bill["components"]}
    refs = [each["bom-ref"] for each in bill["components"]]
    assert len(set(refs)) == len(refs) == len(components), "a component twice"
    this = bill["metadata"]["component"]
    assert this["name"] == name and this["version"] == version
    assert bill["dependencies"] == [{"ref": this["bom-ref"], "dependsOn": refs}]

    for each in bill["components"]:
        installed = output("dpkg-query", "-W", "-f", "${Version}", each["name"])
        assert each["version"] == installed, f"{each['name']} {installed} is installed, not {each['version']}"
        assert urllib.parse.unquote(each["purl"].split("@")[1].split("?")[0]) == installed
    # Every library that the program names, and every package that it depends on for one.
    needed = re.findall(r"NEEDED.*\[(.*)\]", output("readelf", "-d", f"{root}/usr/bin/{name}"))
    assert len(needed) > 5
    for library in needed:
        owners = {line.split(":")[0] for line in output("dpkg-query", "-S", f"*/{library}").splitlines()}
        assert owners & set(components), f"{library} is missing: it belongs to {owners}"
    provided = {"libspdlog1.10-fmt9": "libspdlog1.10"}
    for library in re.findall(r"\b(lib[a-z0-9.+-]+)", depends):
        assert provided.get(library, library) in components, f"{library} is missing"
    # Libraries of which only headers are used leave no other trace.
    for library in ["libboost1.81-dev", "libcli11-dev"]:
        assert library in components, f"{library} is missing"
    print(f"{name}: {len(components)} components, {len(needed)} libraries named, all of them there")


if __name__ == "__main__":
    main(*sys.argv[1:])
