#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh WORLD [CTEST-ARGUMENT...]     WORLD: armhf (32-bit), s390x (big-endian), musl (another C library, static)
# The unit, contract, flow and compatibility tests as programs of another architecture, under qemu-user; or, for musl, those of the
# core. README.md says what is left out, and how long each takes. What can be kept is kept in OTA_WORLDS_CACHE (build/worlds). Ends
# with 77 where the compiler, the emulator or the packages are not there.
set -euo pipefail
cd "$(dirname "$0")/../.."

world=$1
shift
case $world in
    armhf) triplet=arm-linux-gnueabihf cpu=arm ;;
    s390x) triplet=s390x-linux-gnu cpu=s390x ;;
    musl) triplet=musl cpu= ;;
    *) sed -n '3,6s/^# //p' "$0" >&2; exit 2 ;;
esac
for tool in "$triplet-gcc" ${cpu:+"qemu-$cpu"}; do
    command -v "$tool" >/dev/null || { echo "Skipped: no $tool"; exit 77; }
done

mkdir -p build/worlds "${OTA_WORLDS_CACHE:=build/worlds/cache}"
sysroot=$(cd "$OTA_WORLDS_CACHE" && pwd)/$world
build=build/worlds/$world
left_out='^nothing$'
if [ "$world" = musl ]; then
    tests/worlds/musl_libs.sh "$sysroot"
    export PKG_CONFIG_LIBDIR=$sysroot/lib/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain-musl.cmake" -DOTA_POSIX=OFF)
else
    tests/worlds/sysroot.sh "$world" "$sysroot"
    export PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain.cmake" -DOTA_WORLD_TRIPLET=$triplet -DOTA_WORLD_CPU=$cpu -DOTA_ED25519=ON)
    left_out='^(unit_posix_health|unit_posix_boot_record|unit_posix_boot_loader|unit_posix_tls|unit_tuf_damage|unit_tuf_forgery|unit_tuf_refusals|unit_tuf_search|flow_powercut|contract_planted_faults)$'
fi
which=(--tests-regex '^(unit|contract|flow|compat)_' --exclude-regex "$left_out")
# Lengths of files are 64 bits wide and those of memory 32: where a test mixes the two that is a warning. Nothing else may be one.
cmake --fresh -G Ninja -B "$build" "${how[@]}" -DOTA_WORLD_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Debug -DOTA_WERROR=ON \
    -DCMAKE_C_FLAGS="-O1 -Wno-format-truncation -Wno-error=conversion -Wno-error=sign-conversion" > "$build.log" 2>&1 ||
    { tail -n 20 "$build.log"; exit 1; }
# Each of these tests is a program of its own name.
mapfile -t tests < <(ctest --test-dir "$build" --show-only "${which[@]}" | sed -n 's/.*Test *#[0-9]*: //p')
[ ${#tests[@]} -ge 50 ] || { echo "only ${#tests[@]} tests"; exit 1; }
cmake --build "$build" --target "${tests[@]}" > "$build.log" 2>&1 || { grep -E 'error|FAILED' -A 3 "$build.log" | head -n 40; exit 1; }
ctest --test-dir "$build" --output-on-failure --no-tests=error --timeout 600 "${which[@]}" "$@"
