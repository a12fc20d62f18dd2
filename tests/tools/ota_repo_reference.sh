#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Reference values for an attestation service: what a group runs, what it ran, what is only published, what was removed.
. "$(dirname "$0")/support.sh"
P="--product thermostat"
repo init $P || bad "cannot prepare"
for v in 1 2 3 4; do
    echo "os $v" >"$work/os.img"
    echo "app $v" >"$work/app.img"
    eval "os$v=$(sha256sum "$work/os.img" | cut -d' ' -f1) app$v=$(sha256sum "$work/app.img" | cut -d' ' -f1)"
    for c in os app; do
        repo image add "$work/$c.img" $P --component $c --version $v.0 --delta-from none --no-index || bad "cannot add $c $v"
    done
done
refused 1 "nothing was ever deployed" reference $P --group production
for v in 1 2 3; do repo deploy $P --group production --image os=$v.0 --image app=$v.0 || bad "cannot deploy $v"; done

# values FILE: "<what> <version> full|updates required|free" a line, sorted
values() {
    python3 - "$1" <<'PY'
import json, sys
d = json.load(open(sys.argv[1]))
assert d["version"] == 1 and d["product"] == "thermostat" and d["group"] == "production", d
for r in sorted(d["references"], key=lambda r: (r["what"], r.get("version", ""))):
    assert len(r["digest"]) == 64
    print(r["what"], r.get("version", "-"), "updates" if r.get("update_only") else "full", "required" if r["required"] else "free", r["digest"][:8])
PY
}
write() { repo reference $P --group production --out "$work/reference.json" "$@" && values "$work/reference.json" >"$work/out"; }
line() { says "$1 $(echo "$2" | cut -c1-8)"; }

ok "write" write
ok "deployed" line "image/os 3.0 full required" "$os3"
ok "before" line "image/os 2.0 full required" "$os2"
ok "long ago" line "image/os 1.0 updates required" "$os1"
ok "never deployed" line "image/app 4.0 updates required" "$app4"
ok "eight in all" test "$(wc -l <"$work/out")" = 8
ok "none before" write --previous 0
ok "none before" line "image/os 2.0 updates required" "$os2"
ok "all before" write --previous 16
ok "all before" line "image/app 1.0 full required" "$app1"
echo stage >"$work/stage"
ok "a boot stage" write --file boot/supervisor="$work/stage" --file config/agent="$work/stage"
ok "a boot stage" line "boot/supervisor - full required" "$(sha256sum "$work/stage")"
ok "a configuration" line "config/agent - full required" "$(sha256sum "$work/stage")"
ok "removed" repo image remove $P --component app --version 1.0
ok "write" write
ok "is not in it" sh -c "! grep -q 'image/app 1.0' '$work/out'"
ok "withdraw" repo withdraw $P --group production
ok "write" write
ok "what was deployed last stays good" line "image/os 3.0 full free" "$os3"
ok "what was before is for updates" line "image/os 2.0 updates free" "$os2"
ok "as JSON" repo reference $P --group production --json
ok "as JSON" says '"reference":{"group":"production"'
ok "to read" repo reference $P --group production
ok "to read, and nothing else" python3 -c 'import json, sys; json.load(open(sys.argv[1]))' "$work/out"
refused 2 '--file: "supervisor' reference $P --group production --file supervisor="$work/stage"
refused 2 '--file: "boot/SUPER' reference $P --group production --file boot/SUPER="$work/stage"
refused 1 "no such file" reference $P --group production --file boot/supervisor="$work/nowhere"
refused 2 '--previous: "17"' reference $P --group production --previous 17
refused 1 'no group "prod"' reference $P --group prod
finish
