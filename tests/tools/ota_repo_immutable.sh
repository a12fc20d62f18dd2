#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What is published never changes: every file but timestamp.json keeps its bytes for ever.
. "$(dirname "$0")/support.sh"
make_published || bad "cannot prepare"

snapshot_files() { (cd "$dir/web" && find . -type f ! -name timestamp.json -exec sha256sum {} + | LC_ALL=C sort); }
snapshot_files >"$work/before"
ok "there is something to watch" test "$(wc -l <"$work/before")" -gt 15
add_image os 2.0.0
seq 5 50000 >"$work/other.img"
refused 1 "published already with other content" image add "$work/other.img" --product thermostat --component os --version 1.0.0
refused 1 "published already with other content" image add "$work/other.img" --product thermostat --component app --version 1.0.0
for command in "image add $work/other.img --product thermostat --component os --version 3.0.0" \
    "deploy --product thermostat --group production --image os=3.0.0 --image app=1.0.0" \
    "feed set retaileval --product thermostat --image os=3.0.0" "withdraw --product thermostat --group production" \
    "key rotate timestamp" "image remove --product thermostat --component os --version 1.0.0" "key rotate root --product thermostat" "key rotate groups --product thermostat" \
    "refresh --all" "product add heater" "group add Beta --product heater"; do
    # shellcheck disable=SC2086
    ok "$command" repo $command
done
snapshot_files >"$work/after"
ok "every published file is there as it was" test -z "$(LC_ALL=C comm -23 "$work/before" "$work/after")"
ok "and new ones came" test "$(wc -l <"$work/after")" -gt "$(wc -l <"$work/before")"
ok "verify" repo verify

# A file in the way of a new version: not overwritten, but passed by with the next number.
next=$(find "$dir/web/os/metadata" -name '*.snapshot.json' | sed 's/.*\/\([0-9]*\)\.snapshot.json/\1/' | sort -n | tail -1)
echo "{}" >"$dir/web/os/metadata/$((next + 1)).snapshot.json"
ok "refresh passes a foreign file by" repo refresh
ok "which stays" test "$(cat "$dir/web/os/metadata/$((next + 1)).snapshot.json")" = "{}"
ok "verify again" repo verify
# A target file in the way that does not have the digest in its name.
seq 1 7 >"$work/four.img"
digest=$(sha256sum <"$work/four.img" | cut -c1-64)
echo other >"$dir/web/os/targets/os/img/$digest.os-4.0.0.img"
refused 1 "its content does not fit its name; refusing to overwrite it" image add "$work/four.img" --product thermostat \
    --component os --version 4.0.0
ok "no temporary file is left" test -z "$(find "$dir" -name '*.tmp')"

rm "$dir/web/os/targets/os/img/$digest.os-4.0.0.img"

# Two publishers at once: one waits for the other, and both are done.
version() { repo show --json && python3 -c 'import json,sys
roles = json.load(open(sys.argv[1]))["repositories"][0]["roles"]
print([r["version"] for r in roles if r["role"] == "timestamp"][0])' "$work/out"; }
start=$(version)
for _ in 1 2 3 4; do
    "$ota_repo" --dir "$dir" refresh >/dev/null 2>"$work/err.$_" &
done
wait
ok "four refreshes at once count four" test "$(version)" -eq $((start + 4))
ok "verify after that" repo verify
finish
