#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: trixie_inside.sh CTEST-ARGUMENT...     called by trixie_tests.sh, inside
set -euo pipefail
export LC_ALL=C.UTF-8 PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/build TMPDIR=/tmp
unset CMAKE_C_COMPILER_LAUNCHER LD_LIBRARY_PATH

build() # COMPILER TESTS [TARGET...]
{
    local compiler=$1 tests=$2
    shift 2
    cmake -S /src -G Ninja -B "/build/$compiler" -DCMAKE_C_COMPILER="$compiler" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_FLAGS_RELEASE=-O2 \
        -DOTA_WERROR=ON -DOTA_TESTS="$tests" > "/build/$compiler.log" 2>&1 || { tail -n 20 "/build/$compiler.log"; exit 1; }
    cmake --build "/build/$compiler" ${1:+--target "$@"} > "/build/$compiler.log" 2>&1 ||
        { grep -E 'error|FAILED' -A 5 "/build/$compiler.log" | head -n 60; exit 1; }
    echo "built with $("$compiler" --version | head -n 1)"
}

echo "Mbed TLS $(dpkg-query -W -f '${Version}' libmbedtls-dev), libcurl $(dpkg-query -W -f '${Version}' libcurl4-openssl-dev)"
build clang OFF
build gcc ON ota # configured: now its tests are known, and each is a program of its own name
mapfile -t tests < <(ctest --test-dir /build/gcc --show-only "$@" | sed -n 's/.*Test *#[0-9]*: //p')
[ ${#tests[@]} -ge 40 ] || { echo "only ${#tests[@]} tests"; exit 1; }
build gcc ON "${tests[@]}"
exec ctest --test-dir /build/gcc --output-on-failure --no-tests=error --timeout 600 "$@"
