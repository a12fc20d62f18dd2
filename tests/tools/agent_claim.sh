#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Whose a device is: transfers made and signed by ota-repo, each at its own place, and taken or refused by ota-agent.
# Usage: agent_claim.sh OTA_REPO BUILD_DIR OTA_AGENT OTA_BOOT_SUPERVISOR
agent=$(realpath "$3")
supervisor=$(realpath "$4")
. "$(dirname "$0")/support.sh"
cd "$work" || exit 1
plain() { "$ota_repo" "$@" >"$work/out" 2>"$work/err"; }
claim() { "$agent" --config agent.json claim "$@" >"$work/out" 2>"$work/err"; }
says() { grep -qF -e "$1" "$work/out"; }
# no STATUS TEXT COMMAND...
no() {
    status=$1 text=$2
    shift 2
    "$@"
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" "$work/err"; then good; else bad "'$*': exit $got, expected $status with: $text"; fi
}
for k in old1 old2 new stranger; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$k.pem" 2>/dev/null && openssl pkey -in "$k.pem" -pubout -out "$k.pub"
done
config() { # PRODUCT
    cat >agent.json <<END
{ "product": "$1", "group": "production", "state_dir": "$work/state", "runtime_dir": "$work/run",
  "identity": { "kind": "file", "dir": "$work/id" },
  "components": [{ "name": "os", "slots": [{ "file": "$work/a", "size": 4096 }, { "file": "$work/b", "size": 4096 }] }],
  "repositories": [{ "name": "product", "metadata_url": "file://$work/m/", "targets_url": "file://$work/t/",
    "prefixes": ["app/", "group/"], "root": "$work/root.json" }],
  "boot": { "type": "file", "path": "$work/boot" } }
END
}
config thermostat
echo '{}' >root.json
"$supervisor" --init a --max-boots 1 boot /bin/true /bin/true >/dev/null 2>&1
ok "nobody's yet" claim
ok "it says so" says "is nobody's yet"
ok "the id" sh -c "'$agent' --config agent.json --json identity >id.json"
id=$(python3 -c 'import json; print(json.load(open("id.json"))["device_id"])')

ok "made by the first owner" plain transfer make --device "$id" --product thermostat --version 1 --hours 1 --owner old1.pub --owner old2.pub \
    --key old1.pem --out first
ok "one signature" says ", 1 signature(s)"
no 5 "transfer.acceptance: not signed" claim first
ok "the other key is elsewhere" plain transfer sign first --key old2.pem --out first
ok "show" plain transfer show first
ok "proves nothing" says "(not verified)"
ok "good" plain transfer verify first --device "$id"
ok "taken" claim first
ok "it says whose" says "product thermostat, version 1, given away by 2 of 2 keys"
no 5 "transfer.signed.version: older" claim first
no 1 "has signed already" plain transfer sign first --key old2.pem --out again
no 1 "is no public key" plain transfer make --device d --product p --version 1 --hours 1 --owner old1.pem --out x
no 1 "appears twice" plain transfer make --device d --product p --version 1 --hours 1 --owner old1.pub --owner old1.pub --out x
no 1 "transfer.signed.product" plain transfer make --device d --product "P!" --version 1 --hours 1 --owner old1.pub --out x
no 2 "--threshold" plain transfer make --device d --product p --version 1 --hours 1 --owner old1.pub --threshold 2 --out x

give() { # OUT VERSION KEY...: to whoever has the key new, as a boiler
    out=$1 version=$2
    shift 2
    plain transfer make --device "$id" --product boiler --version "$version" --hours 1 --owner new.pub --out "$out"
    for k in "$@"; do plain transfer sign "$out" --key "$k.pem" --out "$out"; done
}
give stolen 2 new stranger
no 5 "transfer.signatures: not signed" claim stolen
give half 2 old1 new
no 5 "transfer.signatures: not signed" claim half
give refused 2 old1 old2
no 5 "transfer.acceptance: not signed" claim refused
give gap 3 old1 old2 new
no 5 "transfer.signed.version: version is not" claim gap
give second 2 old1 old2 new
sed 's/boiler/kettle/' second >altered
no 5 "transfer.signatures: not signed" claim altered
head -c 300 second >cut
no 5 "malformed document" claim cut
no 2 "transfer: " claim nothing
ok "still the first owner's" claim
ok "it says so" says "product thermostat, version 1"
cp -r state before
ok "given away" claim second
ok "good for who knows the last one" plain transfer verify second --last first
no 1 "transfer.signatures" plain transfer verify first --last second
# The device takes updates of its product only.
no 5 "product: boiler: " sh -c "'$agent' --config agent.json check >out 2>err; s=\$?; exit \$s"
config boiler
"$agent" --config agent.json check >out 2>err
ok "the configuration follows" sh -c '! grep -q "another product" err'
# Its state is set back to before that: the counter of the identity knows better.
rm -rf state && mv before state
no 5 "owner: older than what is already trusted" claim
rm -rf state
no 5 "owner: older than what is already trusted" claim
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 34 ]
