#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An agent whose evidence is signed by the key that its configuration names: in a file, in PSA Crypto's store, in a TPM of the test's own.
# What the evidence says of that key's place is what the identity found. Arguments beside common.sh's: OTA_AGENT OTA_BOOT_SUPERVISOR HAS_TPM
. "$(dirname "$0")/common.sh"
agent=$5
supervisor=$6
has_tpm=$7
tpm_pid=
trap '[ -z "$tpm_pid" ] || kill "$tpm_pid" 2>/dev/null; clean' EXIT
not() { ! "$@"; }
make_authorities || bad "authorities"
make_repository || bad "repository"
write_config
start_service || { bad "start"; finish; }
echo "$token" >"$work/token"
chmod 600 "$work/token"
zero=$(printf '%064d' 0)

# device NAME IDENTITY [SANDBOX]: a device of its own, and nothing for it to fetch
device() {
    D=$work/$1
    mkdir -p "$D"
    cd "$D" || exit 1 # PSA Crypto keeps its keys here
    [ -e a ] || { cp "$work/os-2.img" a && truncate -s 65536 a b && "$supervisor" --init a --max-boots 1 boot /bin/true /bin/true >/dev/null; }
    printf '{"version":1,"log":[{"what":"boot/supervisor","digest":"%s","version":"","signer":"%s"},{"what":"image/os","digest":"%s","version":"","signer":"%s"}]}\n' \
        "$boot" "$zero" "$digest2" "$zero" >measured
    cat >agent.json <<JSON
{ "product": "thermostat", "group": "field-test", "state_dir": "$D/state", "runtime_dir": "$D/run", "identity": $2,
  "components": [ { "name": "os", "slots": [ { "file": "$D/a" }, { "file": "$D/b" } ], "factory_version": "2.0" } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$work/pub/web/p/thermostat/metadata/", "targets_url": "file://$work/pub/web/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$work/pub/web/p/thermostat/metadata/1.root.json" },
    { "name": "os", "metadata_url": "file://$work/pub/web/os/metadata/", "targets_url": "file://$work/pub/web/os/targets/", "prefixes": ["os/"],
      "root": "$work/pub/web/os/metadata/1.root.json" } ],
  "net": { "ca_file": "$work/tls-ca.pem" }, "sandbox": { "mode": "${3:-on}" },
  "attest": { "url": "$url", "token_file": "$work/token", "log": "$D/measured" },
  "health": { "command": ["/bin/true"] }, "boot": { "type": "file", "path": "$D/boot" } }
JSON
}
check() { "$agent" check --config agent.json; }
# The name that the service gives a device is the digest of the key that signed its evidence.
id() { "$agent" identity --json --config agent.json | python3 -c 'import json, sys; d = json.load(sys.stdin); print(d["device_id"], d["strength"])'; }
# attested NAME: granted by the service, to the key of the configuration, at the strength that the identity has
attested() {
    ok "$1: attested" check
    says "$1: attested" "ota-agent: attested"
    who=$(id)
    logged "$1: by that key" "granted device=${who% *} product=thermostat group=field-test strength=${who#* }"
    ok "$1: certified" openssl verify -CAfile "$work/group-ca.pem" state/attest-update.pem
}
device file '{ "kind": "file", "dir": "id" }'
attested file
device psa '{ "kind": "psa", "dir": "id" }'
attested psa
# An agent that runs leaves the folder of counters to others.
"$agent" run --config agent.json >"$work/run" 2>&1 &
agent_pid=$!
waited() { for _ in $(seq 600); do grep -qF -e "$2" "$1" && return 0; sleep 0.1; done; return 1; }
ok "psa: runs" waited "$work/run" "ota-agent: attested"
ok "psa: and others ask for the identity" id
kill -TERM "$agent_pid"
wait "$agent_pid" 2>/dev/null

device broken '{ "kind": "file", "dir": "id" }'
ok "a key" id
echo x >id/key.pem
ok "a damaged key" not check
says "a damaged key" "identity.key"
ok "no evidence of it" test ! -e state/attest-update.pem
device none '{ "kind": "file", "dir": "id" }'
sed -i 's/"identity": {[^}]*},/"device_id": "t",/' agent.json
ok "no identity" not check
says "no identity" "identity: is missing: attest needs the device's key"

if [ "$has_tpm" = 1 ] && command -v swtpm >/dev/null; then
    TSS2_LOG=all+none
    export TSS2_LOG
    tpm() {
        mkdir -p "$work/$1"
        swtpm socket --tpm2 --tpmstate dir="$work/$1" --server type=unixio,path="$work/$1/s" --ctrl type=unixio,path="$work/$1/s.ctrl" \
            --flags not-need-init,startup-clear >/dev/null 2>&1 &
        tpm_pid=$!
        tries=0
        until id >"$work/out" 2>&1 || [ $tries -ge 100 ]; do tries=$((tries + 1)); sleep 0.2; done
    }
    stop_tpm() { kill "$tpm_pid"; wait "$tpm_pid" 2>/dev/null; tpm_pid=; }
    device tpm "{ \"kind\": \"tpm\", \"tcti\": \"swtpm:path=$work/chip/s\" }" off
    tpm chip
    sed -i 's/"off"/"on"/' agent.json
    ok "a simulator in the sandbox" not check
    says "a simulator in the sandbox" "identity.tcti: is a simulator behind a socket"
    sed -i 's/"on"/"off"/' agent.json
    attested tpm
    first=$(id)
    # It is a program, and says so: who asks for a real TPM refuses it, however it is registered.
    stop_service
    strength=tpm
    write_config
    start_service || bad "start"
    device tpm "{ \"kind\": \"tpm\", \"tcti\": \"swtpm:path=$work/chip/s\" }" off
    rm -f state/attest*
    ok "tpm: too weak" check # these update servers ask for no certificate
    says "tpm: too weak" "REJECT_VALUE (evidence.strength)"
    ok "tpm: too weak, no certificate" test ! -e state/attest-update.pem
    stop_service
    strength=soft
    write_config
    start_service || bad "start"
    stop_tpm
    # The TPM is away: named, at once. Another TPM is another device.
    device tpm "{ \"kind\": \"tpm\", \"tcti\": \"swtpm:path=$work/chip/s\" }" off
    ok "tpm: away" not check
    says "tpm: away" "identity.tpm"
    device tpm "{ \"kind\": \"tpm\", \"tcti\": \"swtpm:path=$work/other/s\" }" off
    tpm other
    ok "tpm: another" not test "$(id)" = "$first"
    stop_tpm
fi
finish
