#!/bin/bash
# Builds the Debian packages hi6gw and hi6sim into build/product/packages and prints their names. The same commit makes
# the same bytes, wherever and whenever.
#   deploy/package.sh [CMAKE ARGUMENTS]
# In a tree without git: HI6GW_PACKAGE_VERSION=0.1.0 SOURCE_DATE_EPOCH=1763900000 deploy/package.sh
set -euo pipefail
cd "$(dirname "$0")/.."

if [ -z "${HI6GW_PACKAGE_VERSION:-}" ] || [ -z "${SOURCE_DATE_EPOCH:-}" ]; then
    number=$(sed -n 's/^project(hi6gw VERSION \([0-9.]*\) .*/\1/p' CMakeLists.txt)
    export SOURCE_DATE_EPOCH
    SOURCE_DATE_EPOCH=$(git log -1 --format=%ct)
    # Between releases the version grows with the commits, and sorts before the release that they lead to.
    HI6GW_PACKAGE_VERSION=$number
    [ "$(git tag --points-at HEAD --list "v$number")" = "v$number" ] ||
        HI6GW_PACKAGE_VERSION+="~$(date -u -d "@$SOURCE_DATE_EPOCH" +%Y%m%d.%H%M%S).$(git rev-parse --short=8 HEAD)"
    [ -z "$(git status --porcelain --untracked-files=no)" ] || HI6GW_PACKAGE_VERSION+=.changed
fi

deploy/install-deps.sh build package
export CCACHE_BASEDIR=${CCACHE_BASEDIR-$PWD} CCACHE_NOHASHDIR=1
build=build/product
mkdir -p build
rm -rf $build/packages
if ! { cmake --preset product -DHI6GW_PACKAGE_VERSION="$HI6GW_PACKAGE_VERSION" "$@" &&
    cmake --build $build -j "$(.ci/jobs)" && cpack --config $build/CPackConfig.cmake; } >build/package.log 2>&1; then
    tail -n 40 build/package.log
    exit 1
fi
rm -rf $build/packages/_CPack_Packages
ls $build/packages/*.deb
