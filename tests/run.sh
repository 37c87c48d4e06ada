#!/bin/bash
# From a fresh Debian 12 to a tested system: installs what is missing, builds, runs every test.
#   tests/run.sh [CTEST ARGUMENTS]        for example: tests/run.sh -L unit   tests/run.sh -R Topics
# PRESET=dev (asan, tsan) takes another configure preset; the default is the one that is shipped.
set -euo pipefail
cd "$(dirname "$0")/.."
preset=${PRESET:-release}

deploy/install-deps.sh build test
# What the compiler cache has is good for a checkout in any directory.
export CCACHE_BASEDIR=$PWD CCACHE_NOHASHDIR=1
cmake --preset "$preset" --log-level=WARNING
cmake --build --preset "$preset" -j "$(.ci/jobs)"
exec ctest --preset "$preset" -j "$(nproc)" --no-tests=error "$@"
