#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR [SCENARIO...]
# Builds examples/cortex-m and runs the board in QEMU: run.py. What it needs from Debian is fetched once, into BUILD-DIR/cortex-m.
# Exit 77: it cannot run here, and says why.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
build=$(cd "$1" && pwd)
shift
for tool in qemu-system-arm arm-none-eabi-gcc; do
    command -v $tool >/dev/null || { echo "Skipped: no $tool"; exit 77; }
done
[ -x "$build/tools/ota-repo" ] || { echo "$build/tools/ota-repo is missing: build it first" >&2; exit 2; }
"$root/examples/cortex-m/sources.sh" "$build/cortex-m/sources"
if ! { cmake -S "$root/examples/cortex-m" -B "$build/cortex-m/build" -G Ninja --toolchain "$root/cmake/toolchain-cortex-m4.cmake" \
           -DSOURCES="$build/cortex-m/sources" -DOTA_WERROR=ON &&
       cmake --build "$build/cortex-m/build"; } > "$build/cortex-m/log" 2>&1; then
    tail -n 30 "$build/cortex-m/log" >&2
    exit 1
fi
exec python3 -B "$here/run.py" "$build/cortex-m/build" "$build/tools/ota-repo" "$@"
