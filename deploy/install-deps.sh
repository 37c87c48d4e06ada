#!/bin/bash
# Installs the Debian 12 packages that are missing, and nothing else. Safe to call again and again.
#   deploy/install-deps.sh GROUP...     groups: build package test demo bench node lint fuzz
# Works as root or with sudo, without questions. Nothing is ever removed: a package in the way is named instead.
# shellcheck disable=SC2034  # the groups are used by name
set -euo pipefail

build=(cmake ninja-build g++ ccache
       libboost1.81-dev libboost-json1.81-dev libboost-url1.81-dev
       libpaho-mqtt-dev libpaho-mqttpp-dev libssl-dev libyaml-cpp-dev libspdlog-dev
       prometheus-cpp-dev libcli11-dev libsqlite3-dev python3)
package=(dpkg-dev file)
# The simulator is driven by the vendor's own Python sample, which needs requests; the others hold the documents to the program.
test=(libgtest-dev libgmock-dev mosquitto mosquitto-clients python3 python3-requests procps
      valgrind python3-yaml python3-jsonschema python3-jinja2)
demo=(mosquitto mosquitto-clients procps)
bench=(mosquitto wrk)
node=(nodejs npm)  # for the Node-RED that the bench compares with
lint=(git clang-19 clang-tidy-19 clang-format-19 shellcheck yamllint codespell systemd binutils
      lintian debootstrap systemd-container prometheus docker-compose)
# llvm-19 has the symbolizer that makes a fuzzer's stack readable.
fuzz=(clang-19 libclang-rt-19-dev llvm-19)

[ $# -gt 0 ] || { sed -n '2,4p' "$0"; exit 64; }
wanted=()
for group in "$@"; do
    case $group in
        build | package | test | demo | bench | node | lint | fuzz)
            declare -n packages=$group
            wanted+=("${packages[@]}")
            ;;
        *) echo "install-deps: no group '$group'" >&2; exit 64 ;;
    esac
done

missing=()
for package in "${wanted[@]}"; do
    status=$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null || true)
    [ "$status" = installed ] || missing+=("$package")
done
[ ${#missing[@]} -gt 0 ] || exit 0

as_root=()
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null ||
        { echo "install-deps: run this as root: apt-get install ${missing[*]}" >&2; exit 1; }
    as_root=(sudo)
fi
apt() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive apt-get -qq -o Dpkg::Use-Pty=0 \
        -o DPkg::Lock::Timeout=300 -o Acquire::Retries=3 "$@"
}

echo "installing: ${missing[*]}"
log=$(mktemp)
trap 'rm -f "$log"' EXIT
# policy-rc.d keeps Debian from starting a broker of its own (on port 1883) because we installed one for the tests.
guard=/usr/sbin/policy-rc.d
if [ ! -e $guard ]; then
    printf '#!/bin/sh\nexit 101\n' | "${as_root[@]}" tee $guard >/dev/null
    "${as_root[@]}" chmod 755 $guard
    trap 'rm -f "$log"; "${as_root[@]}" rm -f $guard' EXIT
fi
# --no-remove: libboost1.81-dev conflicts with Debian's default libboost1.74-dev; taking that away is the owner's choice.
if ! { apt update && apt install -y --no-remove --no-install-recommends "${missing[@]}"; } >"$log" 2>&1; then
    tail -n 40 "$log" >&2
    echo "install-deps: apt-get failed (is libboost1.74-dev in the way of libboost1.81-dev?)" >&2
    exit 1
fi
