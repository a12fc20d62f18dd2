#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# From the boot stage to the service: the supervisor measures a package before it runs, the service knows it from the repository.
# Arguments beside common.sh's: OTA_BOOT_SUPERVISOR
. "$(dirname "$0")/common.sh"
supervisor=$5
not() { ! "$@"; }
P="--product thermostat"
make_authorities || bad "authorities"
for who in vendor stranger; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$who.pem" 2>>"$work/openssl.log"
    openssl pkey -in "$work/$who.pem" -pubout -out "$work/$who.pub" 2>>"$work/openssl.log"
done
# pack NAME KEY TEXT: a package of a program that copies a file, which will be the log as it found it
pack() {
    cp "$(command -v cp)" "$work/program" && echo "$3" >>"$work/program" &&
    "$ota_repo" image pack "$work/program" --out "$work/$1" --key "$work/$2.pem" --component 11111111-2222-3333-4444-555555555555 --name demo
}
ok "pack" pack one vendor one
ok "pack" pack two vendor two
ok "pack" pack foreign stranger two
repo init $P && repo image add "$work/one" $P --component os --version 1.0 --delta-from none --no-index &&
    repo deploy $P --group field-test --image os=1.0 || bad "repository"
ok "reference" repo reference $P --group field-test --file boot/supervisor="$supervisor" --out "$work/reference.json"

slots() { cp "$work/$1" "$work/a" && cp "$work/$2" "$work/b" && truncate -s 1048576 "$work/a" "$work/b" && rm -f "$work/record" "$work/found"; }
boot() { "$supervisor" --package-key "$work/vendor.pub" --init a --max-boots 1 --measure "${measure:-os=$work/measured}" "$work/record" "$work/a" "$work/b" -- "$work/measured" "$work/found"; }
digest() { sha256sum "$1" | cut -d' ' -f1; }
# logged_as FILE: the log names this supervisor, and this package by its maker's key
logged_as() {
    python3 - "$work/found" "$(digest "$supervisor")" "$(digest "$1")" "$work/vendor.pub" <<'PY'
import base64, hashlib, json, sys
log = json.load(open(sys.argv[1]))
key = base64.b64decode("".join(open(sys.argv[4]).read().split("\n")[1:-2]))[-65:]
assert log["version"] == 1 and [e["what"] for e in log["log"]] == ["boot/supervisor", "image/os"], log
assert [e["digest"] for e in log["log"]] == sys.argv[2:4], log
assert log["log"][1]["signer"] == hashlib.sha256(key).hexdigest(), log
PY
}
slots one two
ok "runs" boot
ok "measured before it ran" logged_as "$work/one"
slots foreign two
ok "the other slot" boot
ok "is what was measured" logged_as "$work/two"
# The log of one start is none of the next.
slots foreign foreign
ok "nothing may run" not boot
ok "and no log is left" test ! -e "$work/measured"
measure=os=/nowhere/measured
slots one two
ok "a log that cannot be written" not boot # the image copies what is not there
says "is said" "boot: started without evidence: measure.log"
for wrong in os =/x OS=/x os=; do
    measure=$wrong
    ok "not an option: $wrong" not boot
done
measure=
ok "goes with a key" not "$supervisor" --measure os=/x "$work/record" "$work/a" "$work/b"
says "goes with a key" "--package-key: is missing"

# The service accepts it, and not another one.
write_config
start_service || { bad "start"; finish; }
entries() { python3 -c 'import json, sys; print(",".join(e["what"] + "=" + e["digest"] for e in json.load(open(sys.argv[1]))["log"]))' "$work/found"; }
slots one two
ok "boot" boot
ok "attested" device_run dev "$(entries)" "$token"
slots two one
ok "boot" boot
ok "not released" not device_run dev "$(entries)"
says "not released" "refused=REJECT_HASH field=image/os"
finish
