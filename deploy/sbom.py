#!/usr/bin/env python3
"""What a program is made of, as a CycloneDX 1.5 bill of materials: the Debian packages of the shared libraries that it
loads, and of the headers that were compiled into it (libraries without a shared object are only seen there).

  sbom.py PROGRAM NAME VERSION BUILD_DIRECTORY >NAME.cdx.json      PROGRAM: as ninja names it, such as src/hi6gw

Everything comes from the build itself and from dpkg, so the same machine makes the same file; the time is
SOURCE_DATE_EPOCH.
"""
import datetime
import hashlib
import json
import os
import re
import subprocess
import sys
import urllib.parse


def output(*command):
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


def owners(paths):
    """The packages of files: {path: name:architecture}. A path that nobody owns is left out."""
    paths = sorted(paths)
    listing = subprocess.run(["dpkg-query", "--search", *paths], capture_output=True, text=True).stdout
    return {path: owner for owner, path in (line.split(": ", 1) for line in listing.splitlines()
                                            if not line.startswith("diversion by "))}


def loaded(program):
    """The shared libraries that the loader maps, by the names under which dpkg knows them."""
    libraries = re.findall(r"=> (/\S+)", output("ldd", program))
    return {re.sub(r"^/lib/", "/usr/lib/", path) for path in libraries} | set(libraries)


def headers(build, program):
    """The system's headers in the objects of a program, from what the compiler told ninja."""
    objects = {line for line in output("ninja", "-C", build, "-t", "inputs", program).splitlines()
               if line.endswith(".o")}
    if not objects:
        raise SystemExit(f"sbom: ninja knows no object of {program}")
    found, wanted = set(), False
    for line in output("ninja", "-C", build, "-t", "deps").splitlines():
        if not line.startswith(" "):
            wanted = line.split(":", 1)[0] in objects
        elif wanted and line.strip().startswith("/usr/"):
            found.add(os.path.realpath(line.strip()))
    return found


def distribution():
    with open("/etc/os-release", encoding="utf-8") as file:
        entries = dict(line.rstrip("\n").split("=", 1) for line in file if "=" in line)
    return entries["ID"] + "-" + entries["VERSION_ID"].strip('"')


def quoted(version):
    return urllib.parse.quote(version, safe="")


def component(package, how):
    fields = output("dpkg-query", "--show", "--showformat",
                    "${Package}\t${Version}\t${Architecture}\t${source:Package}\t${source:Version}\t${Maintainer}", package)
    name, version, architecture, source, source_version, maintainer = fields.split("\t")
    purl = f"pkg:deb/debian/{name}@{quoted(version)}?arch={architecture}&distro={distribution()}"
    return {
        "type": "library",
        "bom-ref": purl,
        "supplier": {"name": maintainer},
        "name": name,
        "version": version,
        "scope": "required",
        "purl": purl,
        "properties": [
            {"name": "hi6gw:use", "value": how},
            {"name": "hi6gw:source-package", "value": f"{source} {source_version}"},
        ],
    }


def bill(program, name, version, build):
    libraries = set(owners(loaded(os.path.join(build, program))).values())
    compiled = set(owners(headers(build, program)).values())
    # The headers of the C library, of the kernel and of the compiler are in every program; what they stand for is loaded.
    compiled -= {owner for owner in compiled
                 if re.match(r"(linux-libc-dev|libc6-dev|libgcc-\d+-dev|libstdc\+\+-\d+-dev)(:|$)", owner)}
    components = [component(package, "loaded") for package in sorted(libraries)]
    components += [component(package, "compiled in (headers)") for package in sorted(compiled)]
    this = f"pkg:generic/{name}@{quoted(version)}"
    moment = datetime.datetime.fromtimestamp(int(os.environ["SOURCE_DATE_EPOCH"]), datetime.timezone.utc)
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "version": 1,
        "metadata": {
            "timestamp": moment.strftime("%Y-%m-%dT%H:%M:%SZ"),
            "component": {"type": "application", "bom-ref": this, "name": name, "version": version, "purl": this},
        },
        "components": components,
        "dependencies": [{"ref": this, "dependsOn": [each["bom-ref"] for each in components]}],
    }
    # A name for this very content, the same whenever the content is.
    digest = hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
    document["serialNumber"] = f"urn:uuid:{digest[:8]}-{digest[8:12]}-8{digest[13:16]}-8{digest[17:20]}-{digest[20:32]}"
    return document


if __name__ == "__main__":
    if len(sys.argv) != 5:
        print(__doc__, file=sys.stderr)
        sys.exit(64)
    json.dump(bill(*sys.argv[1:]), sys.stdout, indent=1)
    print()
