#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What somebody brings to a device is taken only with a capability: good ones, and everything that is none.
# Usage: ota_agent_sideload.sh OTA_REPO BUILD_DIR OTA_AGENT OTA_BOOT_SUPERVISOR IMAGE
agent=$(realpath "$3")
supervisor=$(realpath "$4")
program=$(realpath "$5")
. "$(dirname "$0")/support.sh"
P="--product thermostat"
id=01234567-89ab-cdef-0123-456789abcdef
d=$work/dev
mkdir -p "$d"
export IMAGE_A=0 IMAGE_B=0 IMAGE_TRACE=$work/trace
plain() { "$ota_repo" "$@" >"$work/out" 2>"$work/err"; }
key() { openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$work/$1.pem" 2>/dev/null && openssl pkey -in "$work/$1.pem" -pubout -out "$work/$1.pub"; }
for k in maker owner1 owner2 stranger; do ok "key $k" key $k; done
package() { # VERSION FILE OPTION...
    { cat "$program" && printf 'version %s\n' "$1" && seq 1 3000; } >"$work/body"
    file=$2
    shift 2
    plain image pack "$work/body" --out "$file" --component "$id" "$@"
}
ok "a package" package 1.0.0 "$work/app.img" --key "$work/maker.pem"
ok "is published" sh -c "'$ota_repo' --dir '$dir' init $P && '$ota_repo' --dir '$dir' image add '$work/app.img' $P --component app --version 1.0.0 &&
    '$ota_repo' --dir '$dir' deploy $P --group production --image app=1.0.0 --os-feed none" >/dev/null
cp "$dir/web/p/thermostat/metadata/1.root.json" "$d/product.json"
cp "$work/app.img" "$d/a"
: >"$d/b"
truncate -s 8388608 "$d/a" "$d/b"
chmod +x "$d/a" "$d/b"
config() { # SIDELOAD
    cat >"$d/agent.json" <<END
{ "product": "thermostat", "group": "production", "device_id": "dev-1", "state_dir": "$d/state", "runtime_dir": "$d/run",
  "components": [ { "name": "app", "slots": [ { "file": "$d/a", "size": 8388608 }, { "file": "$d/b", "size": 8388608 } ],
    "package": { "key": "$work/maker.pub", "component": "$id" } } ],
  "repositories": [ { "name": "product", "metadata_url": "http://127.0.0.1:9/p/thermostat/metadata/",
      "targets_url": "http://127.0.0.1:9/p/thermostat/targets/", "prefixes": [ "app/", "group/" ], "root": "$d/product.json" } ],
  "boot": { "type": "file", "path": "$d/boot" }, "health": { "command": [ "/bin/true" ] }, "plain_http": true$1 }
END
}
owners=", \"sideload\": { \"owners\": [ \"$work/owner1.pub\", \"$work/owner2.pub\" ], \"threshold\": 2 }"
cap() { # OPTION...: signed by both owners
    plain capability make --device dev-1 --hours 24 --out "$work/cap" --key "$work/owner1.pem" --key "$work/owner2.pem" "$@"
}
slots() { cat "$d/a" "$d/b" "$d/boot" | sha256sum; }
# brings STATUS TEXT ARGUMENTS...: sideload; but for status 3 nothing may have changed
brings() {
    status=$1 text=$2
    shift 2
    before=$(slots)
    "$agent" sideload "$@" --config "$d/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" -ne "$status" ] || ! grep -qF -e "$text" "$work/err"; then
        bad "sideload $*: exit $got, expected $status with: $text"
    elif [ "$status" -ne 3 ] && [ "$before" != "$(slots)" ]; then
        bad "sideload $*: something was written"
    else
        good
    fi
}
says_capability() { # STATUS TEXT ARGUMENTS...
    status=$1 text=$2
    shift 2
    "$agent" capability "$@" --config "$d/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" -eq "$status" ] && cat "$work/out" "$work/err" | grep -qF -e "$text"; then good; else bad "capability $*: exit $got, expected $status with: $text"; fi
}
boot() { "$supervisor" --max-boots 1 "$d/boot" "$d/a" "$d/b" >"$work/out" 2>"$work/err"; }
# confirmed: the network is not there, the verdict is
confirmed() {
    "$agent" check --config "$d/agent.json" >"$work/out" 2>"$work/err"
    grep -q "deployment 0 confirmed" "$work/err"
}
runs() { "$agent" status --config "$d/agent.json" 2>/dev/null | grep -qF -e "$1"; }

config ""
ok "init" "$supervisor" --init a --max-boots 1 "$d/boot" "$d/a" "$d/b"
ok "something brought" package 2.0.0 "$work/two" --key "$work/maker.pem" --policy 2
ok "something under development" package dev "$work/dev.pkg" --key "$work/maker.pem" --temporary 2
ok "something else" package 3.0.0 "$work/plain.pkg" --key "$work/maker.pem"
ok "somebody else's" package 4.0.0 "$work/foreign" --key "$work/stranger.pem" --policy 2

# A production device takes nothing.
ok "a capability" cap --kind servicing --use persistent
brings 5 "sideload.owners: no capability of this device allows it (REJECT_CAPABILITY)" "$work/two" --capability "$work/cap"
config "$owners"
brings 5 "capability: no capability of this device allows it (REJECT_CAPABILITY)" "$work/two"
ok "for another device" plain capability make --device dev-2 --kind servicing --use persistent --hours 24 --out "$work/other" --key "$work/owner1.pem" --key "$work/owner2.pem"
brings 5 "capability.signed.device: is for another device" "$work/two" --capability "$work/other"
ok "expired" cap --kind servicing --use persistent --now 2020-01-01T00:00:00Z
brings 5 "capability.signed.expires: expired" "$work/two" --capability "$work/cap"
ok "one owner" plain capability make --device dev-1 --kind servicing --use persistent --hours 24 --out "$work/one" --key "$work/owner1.pem" --key "$work/stranger.pem"
brings 5 "capability.signatures: not signed by the threshold" "$work/two" --capability "$work/one"
ok "a good one" cap --kind servicing --use persistent
sed 's/"servicing"/"debugging"/' "$work/cap" >"$work/kind"
brings 5 "capability.signatures: not signed by the threshold" "$work/two" --capability "$work/kind"
head -c 200 "$work/cap" >"$work/cut"
brings 5 "malformed document (REJECT_SYNTAX)" "$work/two" --capability "$work/cut"
head -c 5000 /dev/zero >"$work/long"
brings 5 "capability: more or longer" "$work/two" --capability "$work/long"
brings 2 "No such file" "$work/two" --capability "$work/nothing"
brings 2 "No such file" "$work/nothing" --capability "$work/cap"
brings 2 "is neither a file" /dev/null --capability "$work/cap"
brings 5 "package.policy: no capability" "$work/plain.pkg" --capability "$work/cap"
brings 5 "REJECT_VALUE" "$work/dev.pkg" --capability "$work/cap"
brings 5 "REJECT_SIGNATURE" "$work/foreign" --capability "$work/cap"
head -c 20000 "$work/two" >"$work/part"
brings 5 "REJECT" "$work/part" --capability "$work/cap"

# What could never be written costs no capability.
truncate -s 9000000 "$work/wide.body"
ok "something too large" plain image pack "$work/wide.body" --out "$work/wide" --component "$id" --key "$work/maker.pem" --policy 2
ok "for one time" cap --kind servicing --use once --counter 1
brings 5 "slot.size: image does not fit the slot" "$work/wide" --capability "$work/cap"
says_capability 0 "used:      0" show

# One time is one time, also when what was brought is bad in the slot's eyes.
ok "once" cap --kind servicing --use once --counter 1
brings 3 "" "$work/two" --capability "$work/cap"
brings 5 "reboot: call not allowed" "$work/two" --capability "$work/cap"
ok "it boots" boot
ok "and is confirmed" confirmed
ok "in slot b" runs "in slot b"
ok "as it was brought" cmp -s -n "$(stat -c %s "$work/two")" "$work/two" "$d/b"
brings 5 "capability.signed.counter: was used up before" "$work/two" --capability "$work/cap"
says_capability 0 "used:      1" show
ok "the next one" cap --kind development --use once --counter 2
brings 3 "" "$work/dev.pkg" --capability "$work/cap"
ok "it boots, too" boot
ok "and is confirmed, too" confirmed
ok "in slot a" runs "in slot a"

# A persistent one is installed, counts, and is removed.
ok "for one time" cap --kind servicing --use once --counter 9
says_capability 5 "capability.signed.use" install "$work/cap"
ok "persistent" cap --kind servicing --use persistent
says_capability 5 "is for another device" install "$work/other"
says_capability 0 "installed: servicing" install "$work/cap"
says_capability 0 "installed: servicing, persistent" show
brings 3 "" "$work/two"
ok "it boots once more" boot
ok "and is confirmed once more" confirmed
says_capability 0 "removed" remove
says_capability 0 "none that counts" show
brings 5 "capability: no capability" "$work/two"

# One session.
"$agent" capability show --config "$d/agent.json" >"$work/out"
session=$(sed -n 's/^session:   //p' "$work/out")
ok "the device names its start" test "${#session}" = 64
ok "a session of another start" cap --kind servicing --use session --session "$(printf '%064d' 1)"
brings 5 "capability.signed.session" "$work/two" --capability "$work/cap"
ok "of this one" cap --kind servicing --use session --session "$session"
brings 3 "" "$work/two" --capability "$work/cap"
ok "it boots again" boot
ok "and is confirmed again" confirmed

# A folder with copies of the servers' files, as on an USB stick: TUF decides what is in it.
cp -r "$dir/web" "$work/stick"
brings 5 "no capability of this device" "$work/stick"
ok "3.0.0" sh -c "'$ota_repo' --dir '$dir' image add '$work/plain.pkg' $P --component app --version 3.0.0 --delta-from none --no-index &&
    '$ota_repo' --dir '$dir' deploy $P --group production --image app=3.0.0 --os-feed none" >/dev/null
rm -r "$work/stick"
cp -r "$dir/web" "$work/stick"
ok "once for it" cap --kind servicing --use once --counter 3
brings 3 "" "$work/stick" --capability "$work/cap"
ok "the stick's boots" boot
"$agent" check --config "$d/agent.json" >"$work/out" 2>"$work/err"
ok "and is confirmed as a deployment" grep -q "deployment 2 confirmed" "$work/err"
brings 5 "was used up before" "$work/stick" --capability "$work/cap"

for bad in '"owners": []|sideload.owners' '"threshold": 1|sideload.owners' "\"owners\": [ \"$work/owner1.pub\" ], \"threshold\": 2|sideload.threshold" \
    "\"owners\": [ \"$work/nothing\" ]|sideload.owners[0]" "\"owners\": [ \"$work/owner1.pub\" ], \"more\": 1|sideload.more"; do
    config ", \"sideload\": { ${bad%|*} }"
    says_capability 2 "${bad#*|}" show
done
finish
