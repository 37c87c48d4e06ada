#!/bin/bash
# Measures the gateway beside what it is held against; prints the table; writes tests/bench/RESULTS.md and its plot.
#   tests/bench/run.sh [--rounds 3] [--seconds 20] [--only SCENARIO]... [--out FILE]
#   scenarios: latency seed nodered mqmgateway paho sweep race load split commands journal burst start reconnect scale
#   REALTIME=1 tests/bench/run.sh   (root) keeps what else a shared machine does out of the figures: all that is measured
#   runs before any other program (chrt -f); not for CPU figures of programs that wait a lot: a wake-up costs the kernel more then,
#   and they become up to half again as high
#   MODMQTTD=path/to/modmqttd tests/bench/run.sh   mqmgateway, too, which the seed of these goals was measured with
# With the defaults about half an hour. Nothing is asserted: shared machines are noisy, so read medians and spread.
set -euo pipefail
cd "$(dirname "$0")/../.."

deploy/install-deps.sh build test bench
cmake --preset release --log-level=WARNING
cmake --build --preset release -j "$(.ci/jobs)" --target hi6gw_bench

# Debian has no Node-RED: npm brings it into the build directory; its own version is fixed, not those of what it needs.
command -v npm >/dev/null || deploy/install-deps.sh node
node_red=build/node-red/node_modules/node-red
if [ ! -e $node_red/red.js ]; then
    rm -rf build/node-red build/node-red.part
    npm install --prefix build/node-red.part --silent --no-audit --no-fund --ignore-scripts node-red@4.1.15 &&
        mv build/node-red.part build/node-red ||
        echo "bench: no Node-RED without the npm registry: that comparison is left out" >&2
fi
extra=()
[ ! -e $node_red/red.js ] || extra=(--node-red "$node_red")
# Neither Debian nor npm has it: https://github.com/BlackZork/mqmgateway, built by hand.
[ -z "${MODMQTTD:-}" ] || extra+=(--modmqttd "$MODMQTTD")

out=(--out tests/bench/RESULTS.md)
for argument in "$@"; do
    [ "$argument" != --only ] && [ "$argument" != --out ] || out=()  # a part is no result to keep
done
commit=$(git describe --always --dirty 2>/dev/null || echo unknown)
cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -n 1)
about="Commit $commit, $(date -u +%Y-%m-%d). Machine: $cpu, $(nproc) CPUs, Linux $(uname -r);
$(c++ --version | head -n 1), RelWithDebInfo; $(mosquitto -h 2>/dev/null | head -n 1 || true).
Everything runs on this one machine, over its loopback interface: hi6sim, hi6gw, mosquitto and the subscriber."
about+="
Instructions of the gateway (tests/cost): $(BINARY_DIR=$PWD/build/release python3 -B tests/cost/cost_test.py | paste -sd ';' || true)."
prefix=()
if [ -n "${REALTIME:-}" ]; then
    prefix=(chrt -f 10)
    about+=" All of it ran before any other program of the machine (REALTIME=1)."
fi
exec "${prefix[@]}" build/release/tests/bench/hi6gw_bench --about "$about" "${extra[@]}" "${out[@]}" "$@"
