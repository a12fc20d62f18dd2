#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# capability make, sign, show, verify: what they say, and what they refuse.
. "$(dirname "$0")/support.sh"
plain() { "$ota_repo" "$@" >"$work/out" 2>"$work/err"; }
refuses() { # refuses STATUS TEXT ARGUMENTS...
    status=$1 text=$2
    shift 2
    plain "$@"
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" "$work/err"; then good; else bad "'$*': exit $got, expected $status with: $text"; fi
}
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:"${2:-P-256}" -out "$work/$1.pem" 2>/dev/null && openssl pkey -in "$work/$1.pem" -pubout -out "$work/$1.pub"; }
make() { plain capability make --device dev-1 --kind servicing --use persistent --hours 24 --now 2026-01-02T03:04:05Z --out "$work/cap" "$@"; }
verify() { plain capability verify "$work/cap" --key "$work/a.pub" --key "$work/b.pub" --now 2026-01-02T04:00:00Z "$@"; }
session=$(printf '%064d' 7)

for k in a b stranger; do ok "key $k" key $k; done
ok "a key on another curve" key wide P-384
ok "make" make --key "$work/a.pem" --key "$work/b.pem"
ok "it says what it is" says "servicing, persistent, for device dev-1, until 2026-01-03T03:04:05Z, 2 signature(s)"
ok "verify" verify --device dev-1
ok "it is good" says ": good"
ok "show" plain capability show "$work/cap"
ok "which proves nothing" says "(not verified)"
ok "as JSON" plain capability show "$work/cap" --json
ok "with its members" test "$(member kind)$(member use)$(member device)" = servicingpersistentdev-1
# Another program finds the signature good, over the canonical form.
python3 - "$work" <<'END' || bad "openssl's word"
import json, subprocess, sys
work = sys.argv[1]
doc = json.load(open(work + "/cap"))
open(work + "/signed", "w").write(json.dumps(doc["signed"], separators=(",", ":"), sort_keys=True))
good = 0
for s in doc["signatures"]:
    open(work + "/sig", "wb").write(bytes.fromhex(s["sig"]))
    for k in "ab":
        good += subprocess.run(["openssl", "dgst", "-sha256", "-verify", f"{work}/{k}.pub", "-signature", work + "/sig", work + "/signed"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL).returncode == 0
sys.exit(good != 2)
END
good
refuses 1 "signed.device: is for another device" capability verify "$work/cap" --key "$work/a.pub" --device dev-2 --now 2026-01-02T04:00:00Z
refuses 1 "signed.expires: expired" capability verify "$work/cap" --key "$work/a.pub" --device dev-1 --now 2026-01-03T03:04:05Z
refuses 1 "not signed by the threshold" capability verify "$work/cap" --key "$work/stranger.pub" --device dev-1 --now 2026-01-02T04:00:00Z
refuses 2 "--threshold" capability verify "$work/cap" --key "$work/a.pub" --threshold 2 --device dev-1
refuses 1 "no public key on P-256" capability verify "$work/cap" --key "$work/wide.pub" --device dev-1
refuses 1 "argument missing or out of range" capability verify "$work/cap" --key "$work/a.pub" --key "$work/a.pub" --device dev-1

# Two owners, each with a key that never leaves its machine.
ok "unsigned" make
refuses 1 "not signed" capability verify "$work/cap" --key "$work/a.pub" --device dev-1 --now 2026-01-02T04:00:00Z
ok "one signs" plain capability sign "$work/cap" --key "$work/a.pem" --out "$work/cap"
refuses 1 "not signed" capability verify "$work/cap" --key "$work/a.pub" --key "$work/b.pub" --device dev-1 --now 2026-01-02T04:00:00Z
ok "one of two is enough where the device says so" verify --device dev-1 --threshold 1
refuses 1 "has signed already" capability sign "$work/cap" --key "$work/a.pem" --out "$work/cap"
ok "the other one signs" plain capability sign "$work/cap" --key "$work/b.pem" --out "$work/cap"
ok "both did" verify --device dev-1
sed 's/dev-1/dev-2/' "$work/cap" >"$work/changed"
refuses 1 "not signed" capability verify "$work/changed" --key "$work/a.pub" --device dev-2 --now 2026-01-02T04:00:00Z
sed 's/"kind"/"device":"dev-1","kind"/' "$work/cap" >"$work/twice"
refuses 1 "appears twice" capability show "$work/twice"
head -c 300 "$work/cap" >"$work/cut"
refuses 1 "malformed" capability show "$work/cut"
refuses 1 "there is no such file" capability show "$work/nothing"

# One time, one start.
once() { plain capability make --device dev-1 --kind development --use once --hours 24 --now 2026-01-02T03:04:05Z --out "$work/cap" --key "$work/a.pem" --key "$work/b.pem" "$@"; }
ok "once" once --counter 5
ok "the counter is above" verify --device dev-1 --used 4
refuses 1 "signed.counter: was used up before" capability verify "$work/cap" --key "$work/a.pub" --device dev-1 --used 5 --now 2026-01-02T04:00:00Z
rm "$work/cap"
refuses 1 "signed.counter: required field is missing" capability make --device dev-1 --kind development --use once --hours 1 --out "$work/cap"
refuses 1 "signed.session: required field is missing" capability make --device dev-1 --kind development --use session --hours 1 --out "$work/cap"
refuses 1 "signed.kind: field has a forbidden value" capability make --device dev-1 --kind debug --use persistent --hours 1 --out "$work/cap"
refuses 1 "signed.use: field has a forbidden value" capability make --device dev-1 --kind servicing --use twice --hours 1 --out "$work/cap"
refuses 1 "signed.device: field has a forbidden value" capability make --device "dev 1" --kind servicing --use persistent --hours 1 --out "$work/cap"
refuses 1 "signed.counter: field has a forbidden value" capability make --device dev-1 --kind servicing --use persistent --counter 1 --hours 1 --out "$work/cap"
refuses 2 "--hours" capability make --device dev-1 --kind servicing --use persistent --hours 0 --out "$work/cap"
refuses 1 "there is no such file" capability make --device dev-1 --kind servicing --use persistent --hours 1 --key "$work/none" --out "$work/cap"
ok "none of them was written" test ! -e "$work/cap"
ok "session" plain capability make --device dev-1 --kind servicing --use session --session "$session" --hours 24 --now 2026-01-02T03:04:05Z --out "$work/cap" --key "$work/a.pem" --key "$work/b.pem"
ok "of this start" verify --device dev-1 --session "$session"
refuses 1 "signed.session: evidence answers another challenge" capability verify "$work/cap" --key "$work/a.pub" --device dev-1 --now 2026-01-02T04:00:00Z
refuses 2 "--session" capability verify "$work/cap" --key "$work/a.pub" --device dev-1 --session 12

# Azure Sphere's.
python3 -c 'import struct, sys
sys.stdout.buffer.write(struct.pack("<III", 0x5cfd5cfd, 1, 204) + bytes(range(64)) + struct.pack("<64H", 11, 13, *[0] * 62) + b"trailer")' >"$work/sphere"
ok "Azure Sphere's is shown" plain capability show "$work/sphere"
ok "by its names" says "Azure Sphere capability (app-development, field-servicing) for device 000102"
finish
