#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Indexes: when an image gets one, what is said of it, what verify finds wrong with one.
. "$(dirname "$0")/support.sh"
targets=$dir/web/os/targets/os/img

head -c 160000 /dev/urandom >"$work/v.img"
add() { # add VERSION [OPTION...]: an image of which a part is new, behind a few bytes more at the front
    number=$1
    shift
    { printf 'version %s\n' "$number"; head -c 80000 "$work/v.img"; head -c 9000 /dev/urandom; tail -c +90001 "$work/v.img"; } >"$work/next.img"
    mv "$work/next.img" "$work/v.img"
    repo image add "$work/v.img" --product thermostat --component os --version "$number" --delta-from none "$@"
}
indexes() { find "$targets" -name '*.x' | wc -l; }
of() { repo image add "$work/v.img" --product thermostat --component os --version "$1" --json; grep -o "\"$2\":[0-9]*" "$work/out" | tail -1 | cut -d: -f2; }

ok "init" repo init
ok "product" repo product add thermostat --component os
ok "the first version" add 1.0.0
ok "has no index: there is nothing to measure it with" test "$(indexes)" -eq 0
ok "deploy it" repo deploy --product thermostat --group production --image os=1.0.0
ok "the second" add 1.1.0
ok "says what it made" says "index: "
ok "one index" test "$(indexes)" -eq 1
estimate=$(of 1.1.0 estimate)
ok "which a device needs little more for than what is new" test "$estimate" -gt 9000 -a "$estimate" -lt 30000
ok "and which is small" test "$(cat "$targets"/*.x | wc -c)" -lt 6000
ok "verify makes it anew" repo verify
ok "the same again" repo image add "$work/v.img" --product thermostat --component os --version 1.1.0
ok "changes nothing" says "already there"
ok "without" add 1.2.0 --no-index
ok "none came" test "$(indexes)" -eq 1
ok "blocks of a size" add 1.3.0 --index-block 512
ok "are taken" says "blocks of 512"
ok "deltas for it" repo image add "$work/v.img" --product thermostat --component os --version 1.3.0 --delta-from 1.2.0
ok "verify all" repo verify

head -c 100000 /dev/urandom >"$work/v.img"
ok "an image that shares nothing" repo image add "$work/v.img" --product thermostat --component os --version 2.0.0
ok "gets none" says "not worth it"
ok "none is kept" test "$(indexes)" -eq 2

refused 2 "--index-block: " image add "$work/v.img" --product thermostat --component os --version 3 --index-block 128
refused 2 "--index-block: 1000 is not a power of two" image add "$work/v.img" --product thermostat --component os --version 3 --index-block 1000
refused 2 "must not end in .z, .d or .x" image add "$work/v.img" --product thermostat --component os --version 3 --name a.x

file=$(find "$targets" -name '*os-1.1.0.img.x')
cp "$file" "$work/whole"
printf '\377\377\377' | dd of="$file" bs=1 seek=100 conv=notrunc status=none
refused 1 "os-1.1.0.img.x" verify
cp "$work/whole" "$file"
ok "healed" repo verify
sed -i 's/"block":[[:space:]]*0/"block": 300/' "$dir/ota-repo.json"
refused 1 "index.block" verify

finish
