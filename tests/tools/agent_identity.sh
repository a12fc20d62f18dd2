#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ota-agent identity: who a device is, in files, in PSA Crypto's store and in a TPM of the test's own.
# Usage: agent_identity.sh OTA_AGENT BUILD_DIR HAS_TPM
set -u
agent=$(realpath "$1")
has_tpm=$3
place=/tmp
if [ -d /dev/shm ] && [ -w /dev/shm ]; then place=/dev/shm; fi
work=$(mktemp -d "$place/ota-identity.XXXXXX")
tpm_pid=
finish() { [ -z "$tpm_pid" ] || kill "$tpm_pid" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
cd "$work" || exit 1
passed=0
failed=0
good() { passed=$((passed + 1)); }
bad() { failed=$((failed + 1)); echo "FAIL: $1"; head -3 out err | sed 's/^/    /'; }
ok() { name=$1; shift; if "$@" >out 2>err; then good; else bad "$name"; fi; }
says() { if grep -qF -e "$2" "$3"; then good; else bad "$1"; fi; }
# refused STATUS TEXT COMMAND...
refused() {
    status=$1
    text=$2
    shift 2
    "$@" >out 2>err
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" err; then good; else bad "$text: status $got"; fi
}
# config FILE DEVICE_ID IDENTITY
config() {
    cat >"$1" <<END
{ "product": "thermostat", "group": "production", $2 "state_dir": "$work/state", "runtime_dir": "$work/run",
  "components": [{ "name": "os", "slots": [{ "file": "$work/a", "size": 4096 }, { "file": "$work/b", "size": 4096 }] }],
  "repositories": [{ "name": "product", "metadata_url": "http://127.0.0.1:9/m/", "targets_url": "http://127.0.0.1:9/t/",
    "prefixes": ["app/", "group/"], "root": "$work/root.json" }],
  "boot": { "type": "file", "path": "$work/boot" }$3 }
END
}
identity() { "$agent" --config "$1" identity; }
member() { python3 -c 'import json,sys; print(json.load(open("out"))[sys.argv[1]])' "$1"; }

config file.json "" ', "identity": { "kind": "file", "dir": "'"$work"'/id" }'
ok "made on the first use" identity file.json
says "soft" "strength     soft" out
says "no protection" "rollback     none" out
says "no certificate yet" "certificate  none" out
ok "as JSON" "$agent" --config file.json --json identity
id=$(member device_id)
pub=$(openssl pkey -in id/key.pem -pubout -outform DER | tail -c 65 | sha256sum | cut -d' ' -f1)
ok "the id is the hash of the key" test "$id" = "$pub"
ok "the same the next time" "$agent" --config file.json --json identity
ok "the same id" test "$(member device_id)" = "$id"
printf '\060\001\000' >id/certificate.der
ok "with a certificate" identity file.json
says "says how long" "certificate  3 bytes" out
chmod 644 id/key.pem
refused 6 "identity.key.mode" identity file.json
refused 6 "identity.key.mode" "$agent" --config file.json status # a device without another name
chmod 600 id/key.pem
printf 'x' >>id/counters
refused 6 "identity.counters" identity file.json

config none.json '"device_id": "d-1",' ''
refused 2 "identity: is missing" identity none.json
config unnamed.json '' ''
refused 2 "device_id: is missing" identity unnamed.json

mkdir psa
cd psa || exit 1
config ../psa.json "" ', "identity": { "kind": "psa", "dir": "'"$work"'/counters" }'
ok "in PSA Crypto's store" identity ../psa.json
ok "as JSON" "$agent" --config ../psa.json --json identity
id=$(member device_id)
ok "again" "$agent" --config ../psa.json --json identity
ok "the same id" test "$(member device_id)" = "$id"
cd .. || exit 1

config tpm.json "" ', "identity": { "kind": "tpm", "tcti": "swtpm:path='"$work"'/s" }'
TSS2_LOG=all+none
export TSS2_LOG
if [ "$has_tpm" != 1 ]; then
    refused 2 "does not have the ability" identity tpm.json
elif command -v swtpm >/dev/null; then
    refused 6 "identity.tpm" identity tpm.json
    mkdir tpm
    swtpm socket --tpm2 --tpmstate dir="$work/tpm" --server type=unixio,path="$work/s" --ctrl type=unixio,path="$work/s.ctrl" \
        --flags not-need-init,startup-clear >/dev/null 2>&1 &
    tpm_pid=$!
    tries=0
    until identity tpm.json >out 2>err || [ $tries -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done
    says "a simulator" "kept in      tpm (IBM, SW" out
    says "is soft" "strength     soft" out
    ok "as JSON" "$agent" --config tpm.json --json identity
    id=$(member device_id)
    ok "again" "$agent" --config tpm.json --json identity
    ok "the same id" test "$(member device_id)" = "$id"
    kill "$tpm_pid"
    wait "$tpm_pid" 2>/dev/null
    tpm_pid=
    refused 6 "identity.tpm" identity tpm.json
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 20 ]
