#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR
# The scenarios of tests/e2e, one line each: the loaders alone, then whole devices. What cannot be had here (QEMU, a loader, Debian's
# packages of another architecture) is named, and the status is 77 if nothing failed.
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
build=$1
for file in /usr/lib/u-boot/qemu_arm64/u-boot.bin /usr/lib/grub/i386-pc/boot.img; do
    [ -e "$file" ] || { echo "SKIPPED: no $file"; exit 77; }
done
for tool in qemu-system-aarch64 qemu-system-x86_64 mkenvimage grub-mkimage grub-editenv debugfs; do
    command -v "$tool" >/dev/null || { echo "SKIPPED: no $tool"; exit 77; }
done

failed=0
skipped=0
for loader in grub uboot; do
    dir=$(mktemp -d /tmp/ota-e2e-XXXXXX)
    began=$SECONDS
    "$build/tests/e2e/e2e_loaders" "$here" "$loader" "$dir" > "$dir.log" 2>&1 || failed=1
    sed '/^Creating regular file/d' "$dir.log"
    echo "$loader: $((SECONDS - began)) s"
    rm -rf "$dir" "$dir.log"
done
status=0
python3 -B "$here/linux.py" "$build/tools/ota-repo" || status=$?
case $status in
    0) ;;
    77) skipped=77 ;;
    *) failed=1 ;;
esac
echo "e2e: $SECONDS s in all"
[ $failed -eq 0 ] || exit 1
exit $skipped
