#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Images in zstd frames: when an image gets them, that zstd itself reads them, what verify finds wrong with them. The third argument
# says whether ota-repo was built with zstd.
here=$3
. "$(dirname "$0")/support.sh"
targets=$dir/web/os/targets/os/img
image() { number=$1; shift; repo image add "$work/os.img" --product thermostat --component os --version "$number" --delta-from none --no-index "$@"; }
frames() { find "$targets" -name '*.zst' | wc -l; }

make_images
ok "init" repo init
ok "product" repo product add thermostat --component os
ok "an image" image 1.0.0
ok "has no frames unless they are asked for" test "$(frames)" -eq 0
refused 2 "--zstd: 9 is not 0 or 10..23" image add "$work/os.img" --product thermostat --component os --version 2 --zstd 9
refused 2 "--zstd: " image add "$work/os.img" --product thermostat --component os --version 2 --zstd 24
refused 2 "must not end in .zst" image add "$work/os.img" --product thermostat --component os --version 2 --name a.zst
if [ "$here" != 1 ]; then
    refused 2 "built without zstd" image add "$work/os.img" --product thermostat --component os --version 2 --zstd 16
    finish
fi

ok "with frames of 64 KiB" image 1.1.0 --zstd 16 --json
ok "the description says so" says '"codec":"zstd"'
ok "its window" says '"window":16'
ok "its block" says '"block":65536'
ok "one file" test "$(frames)" -eq 1
file=$(find "$targets" -name '*.zst')
ok "verify unpacks it" repo verify
ok "larger frames" image 1.2.0 --zstd 20
ok "are smaller in all" says "in zstd frames"
ok "both are there" test "$(frames)" -eq 2
ok "zstd 0 means none" image 1.3.0 --zstd 0
ok "none came" test "$(frames)" -eq 2
head -c 50000 /dev/urandom >"$work/os.img"
ok "what does not shrink" image 1.4.0 --zstd 16
ok "is not offered so" test "$(frames)" -eq 2
cp "$file" "$work/whole"
printf '\377' | dd of="$file" bs=1 seek=100 conv=notrunc status=none
refused 1 "os-1.1.0.img.zst" verify
cp "$work/whole" "$file"
ok "healed" repo verify
make_images
sed -i '/"zstd"/,/}/s/"window":[[:space:]]*0/"window": 18/' "$dir/ota-repo.json"
ok "the setting asks for them" image 2.0.0
ok "so they come" test "$(frames)" -eq 3
sed -i '/"zstd"/,/}/s/"window":[[:space:]]*18/"window": 9/' "$dir/ota-repo.json"
refused 1 "zstd.window" verify

finish
