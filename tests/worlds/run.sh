#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh [--quick] WORLD [CTEST-ARGUMENT...]     WORLD: armhf (32-bit), s390x (big-endian), musl (another C library,
#                                                       static), trixie (Debian 13)
# The unit, contract, flow and compatibility tests in another world. --quick leaves out what takes an emulator long. README.md says
# what is left out, and how long each takes. What can be kept is kept in OTA_WORLDS_CACHE (build/worlds/cache). Ends with 77 where
# the compiler, the emulator or the packages are not to be had.
set -euo pipefail
cd "$(dirname "$0")/../.."

# On a machine that others use, too, only the second of these says what it costs.
TIMEFORMAT="%R s, %U s of them on a processor, %S s in the kernel"
quick=
if [ "${1:-}" = --quick ]; then quick=1; shift; fi
world=${1:-}
[ $# -eq 0 ] || shift
cpu=
case $world in
    armhf) triplet=arm-linux-gnueabihf cpu=arm ;;
    s390x) triplet=s390x-linux-gnu cpu=s390x ;;
    musl) triplet=musl ;;
    trixie) ;;
    *) sed -n '3,7s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac

mkdir -p build/worlds "${OTA_WORLDS_CACHE:=build/worlds/cache}"
cache=$(cd "$OTA_WORLDS_CACHE" && pwd)
build=$PWD/build/worlds/$world
# Posix_spawn() of qemu-user does not report that a program cannot be executed; the others of the first line need that, too.
left_out='unit_posix_health|unit_posix_boot_record|unit_posix_boot_loader'
# Thousands of signatures, tried one by one.
left_out+='|unit_posix_tls|unit_tuf_damage|unit_tuf_forgery|unit_tuf_refusals|unit_tuf_search|flow_powercut|contract_planted_faults'
[ -z "$quick" ] || left_out+="|$(sed -n '/^[a-z]/p' tests/worlds/slow.txt | paste -s -d '|')"
[ "$world" != musl ] || left_out=unit_posix_tls
[ "$world" != trixie ] || left_out=nothing
which=(--tests-regex '^(unit|contract|flow|compat)_|^delta_golden$' --exclude-regex "^($left_out)\$")

if [ "$world" = trixie ]; then
    tests/worlds/trixie_root.sh "$cache/trixie" "$PWD"
    time tests/worlds/trixie_tests.sh "$cache/trixie" "$PWD" "$build" "${which[@]}" "$@"
    exit
fi

for tool in "$triplet-gcc" ${cpu:+"qemu-$cpu"}; do
    command -v "$tool" >/dev/null || { echo "Skipped: no $tool"; exit 77; }
done
if [ "$world" = musl ]; then
    tests/worlds/musl_libs.sh "$cache/musl"
    export PKG_CONFIG_LIBDIR=$cache/musl/lib/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain-musl.cmake" -DOTA_ED25519=OFF -DOTA_ZSTD=OFF)
else
    tests/worlds/sysroot.sh "$world" "$cache/$world"
    export PKG_CONFIG_SYSROOT_DIR=$cache/$world PKG_CONFIG_LIBDIR=$cache/$world/usr/lib/$triplet/pkgconfig:$cache/$world/usr/share/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain.cmake" -DOTA_WORLD_TRIPLET=$triplet -DOTA_WORLD_CPU=$cpu -DOTA_ED25519=ON)
fi
# Lengths of files are 64 bits wide and those of memory 32: where a test mixes the two that is a warning. Nothing else may be one.
cmake --fresh -G Ninja -B "$build" "${how[@]}" -DOTA_WORLD_SYSROOT="$cache/$world" -DCMAKE_BUILD_TYPE=Debug -DOTA_WERROR=ON \
    -DCMAKE_C_FLAGS="-O1 -Wno-format-truncation -Wno-error=conversion -Wno-error=sign-conversion" > "$build.log" 2>&1 ||
    { tail -n 20 "$build.log"; exit 1; }
# Each of these tests is a program of its own name.
mapfile -t tests < <(ctest --test-dir "$build" --show-only "${which[@]}" | sed -n 's/.*Test *#[0-9]*: //p')
[ ${#tests[@]} -ge 40 ] || { echo "only ${#tests[@]} tests"; exit 1; }
time cmake --build "$build" --target "${tests[@]}" > "$build.log" 2>&1 || { grep -E 'error|FAILED' -A 3 "$build.log" | head -n 40; exit 1; }
time ctest --test-dir "$build" --output-on-failure --no-tests=error --timeout 1200 "${which[@]}" "$@"
