#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh WORLD [CTEST-ARGUMENT...]     WORLD: armhf (32-bit), s390x (big-endian), musl (another C library, static)
# The unit, contract, flow and compatibility tests as programs of another architecture, under qemu-user; or, for musl, those of the
# core. Everything is kept in build/worlds. Ends with 77 where the compiler, the emulator or the packages are not there.
#
# Left out under qemu-user: programs that need posix_spawn() to report that a program cannot be executed, which it does not (it forks
# where the system would suspend); and those that try thousands of signatures, which emulated takes minutes.
set -euo pipefail
cd "$(dirname "$0")/../.."

world=$1
shift
case $world in
    armhf) triplet=arm-linux-gnueabihf cpu=arm ;;
    s390x) triplet=s390x-linux-gnu cpu=s390x ;;
    musl) triplet=musl cpu= ;;
    *) sed -n '3,8s/^# //p' "$0" >&2; exit 2 ;;
esac
for tool in "$triplet-gcc" ${cpu:+"qemu-$cpu"}; do
    command -v "$tool" >/dev/null || { echo "Skipped: no $tool"; exit 77; }
done

sysroot=$PWD/build/worlds/sys-$world
build=build/worlds/$world
left_out='^nothing$'
mkdir -p build/worlds
if [ "$world" = musl ]; then
    tests/worlds/musl_libs.sh "$sysroot"
    export PKG_CONFIG_LIBDIR=$sysroot/lib/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain-musl.cmake" -DOTA_POSIX=OFF)
else
    tests/worlds/sysroot.sh "$world" "$sysroot"
    export PKG_CONFIG_SYSROOT_DIR=$sysroot PKG_CONFIG_LIBDIR=$sysroot/usr/lib/$triplet/pkgconfig:$sysroot/usr/share/pkgconfig
    how=(-DCMAKE_TOOLCHAIN_FILE="$PWD/tests/worlds/toolchain.cmake" -DOTA_WORLD_TRIPLET=$triplet -DOTA_WORLD_CPU=$cpu)
    left_out='^(unit_posix_health|unit_posix_boot_record|unit_posix_boot_loader|unit_posix_tls|unit_tuf_damage|unit_tuf_forgery|unit_tuf_refusals|unit_tuf_search|flow_powercut|contract_planted_faults)$'
fi
# Lengths of files are 64 bits wide and those of memory 32: where a test mixes the two that is a warning. Nothing else may be one.
cmake -G Ninja -B "$build" "${how[@]}" -DOTA_WORLD_SYSROOT="$sysroot" -DCMAKE_BUILD_TYPE=Debug -DOTA_WERROR=ON \
    -DCMAKE_C_FLAGS="-O1 -Wno-format-truncation -Wno-error=conversion -Wno-error=sign-conversion" > "$build.log" 2>&1 ||
    { tail -n 20 "$build.log"; exit 1; }
cmake --build "$build" > "$build.log" 2>&1 || { grep -E 'error|FAILED' -A 3 "$build.log" | head -n 40; exit 1; }
ctest --test-dir "$build" --output-on-failure --no-tests=error --timeout 600 --tests-regex '^(unit|contract|flow|compat)_' \
    --exclude-regex "$left_out" "$@"
