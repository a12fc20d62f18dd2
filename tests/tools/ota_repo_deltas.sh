#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Deltas: from which versions they are made, which are kept, what verify finds wrong with one.
. "$(dirname "$0")/support.sh"
make_images
targets=$dir/web/os/targets/os/img

add() { # add VERSION [OPTION...]: an image that differs from the one before in a few lines
    number=$1
    shift
    sed "s/^777\$/version $number/; s/^3333\$/of $number/" "$work/os.img" >"$work/v.img"
    repo image add "$work/v.img" --product thermostat --component os --version "$number" "$@"
}
deltas() { find "$targets" -name '*.d' | wc -l; }
encodings() { repo image add "$work/v.img" --product thermostat --component os --version "$1" --json; grep -o '"codec":"delta"' "$work/out" | wc -l; }

ok "init" repo init
ok "product" repo product add thermostat --component os
ok "the first version" add 1.0.0
ok "has no delta" test "$(deltas)" -eq 0
ok "nor has the second: nothing was deployed" add 1.1.0
ok "still none" test "$(deltas)" -eq 0
ok "deploy the first" repo deploy --product thermostat --group production --image os=1.0.0
ok "it is remembered" grep -q '"1.0.0"' "$dir/ota-repo.json"
ok "the third" add 1.2.0
ok "says what it made" says "delta from 1.0.0: "
ok "one delta" test "$(deltas)" -eq 1
ok "which is small" test "$(cat "$targets"/*.d | wc -c)" -lt 1000
ok "verify applies it" repo verify
ok "the same again" add 1.2.0
ok "changes nothing" says "already there"
ok "without any" add 1.3.0 --delta-from none
ok "none came" test "$(deltas)" -eq 1
ok "one more for a published image" add 1.3.0 --delta-from 1.1.0,1.2.0
ok "two came" test "$(deltas)" -eq 3
ok "only what is missing" add 1.3.0 --delta-from all
ok "one came" test "$(deltas)" -eq 4
ok "all of them are said of the image" test "$(encodings 1.3.0)" -eq 3
ok "again" add 1.3.0 --delta-from all
ok "adds nothing" says "already there"
ok "verify all" repo verify

head -c 200000 /dev/urandom >"$work/v.img"
ok "an image that shares nothing" repo image add "$work/v.img" --product thermostat --component os --version 2.0.0 --delta-from all
ok "gets no delta" says "not worth it"
ok "none is kept" test "$(deltas)" -eq 4

refused 1 "no image of component os with version 9.9" image add "$work/v.img" --product thermostat --component os \
    --version 2.0.0 --delta-from 9.9
refused 2 "--delta-memory: \"3K\"" image add "$work/v.img" --product thermostat --component os --version 2.0.0 \
    --delta-from all --delta-memory 3K
refused 2 "--delta-memory: \"32K1\"" image add "$work/v.img" --product thermostat --component os --version 2.0.0 \
    --delta-from all --delta-memory 32K1
refused 2 "must not end in .z, .d or .x" image add "$work/v.img" --product thermostat --component os --version 3 --name x.d

for version in 1.0.0 1.1.0 1.2.0 1.3.0; do
    ok "deploy $version" repo deploy --product thermostat --group production --image "os=$version"
done
sed -i 's/"keep":[[:space:]]*[0-9]*/"keep": 2/' "$dir/ota-repo.json"
before=$(deltas)
ok "the last two that were deployed" add 1.4.0
ok "and no more" test "$(($(deltas) - before))" -eq 2
ok "the newest is one" says "delta from 1.3.0: "

ok "the way back: an older image from a newer one" add 1.0.0 --delta-from 1.4.0
ok "is made" says "delta from 1.4.0: "
ok "and good" repo verify

ok "an image goes" repo image remove --product thermostat --component os --version 1.2.0
ok "deltas from it stay, and are good" repo verify
file=$(find "$targets" -name '*os-1.4.0.img.*.d' | head -1)
cp "$file" "$work/whole"
size=$(stat -c %s "$file")
printf '\377\377\377' | dd of="$file" bs=1 seek=$((size / 2)) conv=notrunc status=none
refused 1 "os-1.4.0.img" verify
cp "$work/whole" "$file"
ok "healed" repo verify
sed -i 's/"memory":[[:space:]]*\[[0-9, ]*\]/"memory": [1]/' "$dir/ota-repo.json"
refused 1 "delta.memory" verify

finish
