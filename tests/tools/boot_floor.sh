#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The boot supervisor's security floor in a counter of the device's identity: raised by what was confirmed, never by a trial; what
# is older does not run again. In files, and in a TPM of the test's own.
# Usage: boot_floor.sh OTA_REPO OTA_BOOT_SUPERVISOR OTA_AGENT HAS_TPM
set -u
repo=$(realpath "$1")
supervisor=$(realpath "$2")
agent=$(realpath "$3")
has_tpm=$4
place=/tmp
if [ -d /dev/shm ] && [ -w /dev/shm ]; then place=/dev/shm; fi
work=$(mktemp -d "$place/ota-floor.XXXXXX")
tpm_pid=
finish() { [ -z "$tpm_pid" ] || kill "$tpm_pid" 2>/dev/null; rm -rf "$work"; }
trap finish EXIT
cd "$work" || exit 1
passed=0
failed=0
# expect STATUS TEXT COMMAND...
expect() {
    status=$1
    text=$2
    shift 2
    "$@" >out 2>&1
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" out; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: $text: status $got"
        sed 's/^/    /' out | head -6
    fi
}
lacks() { if grep -qF -e "$1" out; then failed=$((failed + 1)); echo "FAIL: says $1"; else passed=$((passed + 1)); fi; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out vendor.pem 2>/dev/null
openssl pkey -in vendor.pem -pubout -out vendor.pub
# put SLOT SECURITY: an image that shuts the device down
put() {
    "$repo" image pack /bin/true --out p --key vendor.pem --component 11111111-2222-3333-4444-555555555555 --name t --security "$2" >/dev/null || exit 1
    cp p "$1"
    truncate -s 1048576 "$1"
}
# arm SLOT: the boot record's trial of that slot, three tries
arm() {
    python3 - "$1" <<'END'
import sys, zlib, struct
slot = ord(sys.argv[1]) - ord("a")
f = open("record", "r+b")
copies = []
for at in (0, 4096):
    f.seek(at)
    c = f.read(32)
    if c[:4] == b"OTAB" and zlib.crc32(c[:28]) == struct.unpack("<I", c[28:])[0]:
        copies.append((struct.unpack("<Q", c[8:16])[0], at, c))
generation, at, c = max(copies)
c = bytearray(c[:28])
c[5], c[6], c[7] = 1, 3, 0
c[8:16] = struct.pack("<Q", generation + 1)
c[24:28] = bytes([slot, 255, 255, 255])
f.seek(0 if at else 4096)
f.write(bytes(c) + struct.pack("<I", zlib.crc32(bytes(c))))
END
}
boot() { "$supervisor" --package-key vendor.pub --max-boots 1 "$@" record a b; }

expect 2 "package-key: is missing" "$supervisor" --identity id record a b
expect 2 "usage" "$supervisor" --package-key vendor.pub --identity id --tpm x record a b

# walk OPTION VALUE: the same with either back-end; counter prints what it holds
walk() {
    rm -f record
    put a 3
    put b 9
    expect 0 "boot: slot a" boot --init a "$1" "$2"
    lacks "floor"
    expect 0 '"counters":[3,0,' counter
    put a 2 # an older package that was signed in its time
    cp a old
    put b 1
    expect 1 "slot a refused: package.security" boot "$1" "$2"
    expect 0 "boot: slot a" boot # without the counter it would run
    put a 3
    put b 5
    arm b
    expect 0 "boot: slot b, on trial" boot "$1" "$2"
    expect 0 '"counters":[3,0,' counter # a trial may fail: nothing was raised
    put b 2
    arm b
    expect 0 "slot b refused: package.security" boot "$1" "$2" # an older one on trial
    expect 0 "boot: slot a" boot "$1" "$2"
    put a 5
    expect 0 "boot: slot a" boot "$1" "$2"
    expect 0 '"counters":[5,0,' counter
    expect 1 "package.security" boot "$1" "$2" --package-security 6 # the option alone is higher
}

config() {
    cat >agent.json <<END
{ "product": "t", "group": "p", "state_dir": "$work/state", "runtime_dir": "$work/run", "identity": $1,
  "components": [{ "name": "os", "slots": [{ "file": "$work/a" }, { "file": "$work/b" }] }],
  "repositories": [{ "name": "product", "metadata_url": "http://127.0.0.1:9/m/", "targets_url": "http://127.0.0.1:9/t/",
    "prefixes": ["app/", "group/"], "root": "$work/root.json" }], "boot": { "type": "file", "path": "$work/record" } }
END
}
counter() { "$agent" --config agent.json --json identity; }

config '{ "kind": "file", "dir": "id" }'
walk --identity id
# The counter cannot be read: what was confirmed runs, nothing new is tried.
cp id/counters kept
printf x >>id/counters
expect 0 "the security floor is not known: identity.counters" boot --identity id
put b 7
arm b
expect 0 "slot b refused: identity.counter" boot --identity id
cp out said
expect 0 "boot: back to slot a" cat said
cp kept id/counters
arm b
expect 0 "boot: slot b, on trial" boot --identity id

if [ "$has_tpm" = 1 ] && command -v swtpm >/dev/null; then
    TSS2_LOG=all+none
    export TSS2_LOG
    mkdir tpm
    start_tpm() {
        swtpm socket --tpm2 --tpmstate dir="$work/tpm" --server type=unixio,path="$work/s" --ctrl type=unixio,path="$work/s.ctrl" \
            --flags not-need-init,startup-clear >/dev/null 2>&1 &
        tpm_pid=$!
        tries=0
        until counter >out 2>&1 || [ $tries -ge 300 ]; do tries=$((tries + 1)); sleep 0.1; done
    }
    config '{ "kind": "tpm", "tcti": "swtpm:path='"$work"'/s" }'
    start_tpm
    walk --tpm "swtpm:path=$work/s"
    kill "$tpm_pid"
    wait "$tpm_pid" 2>/dev/null
    tpm_pid=
    expect 0 "the security floor is not known: identity.tpm" boot --tpm "swtpm:path=$work/s"
    put b 9
    arm b
    expect 0 "slot b refused: identity.counter" boot --tpm "swtpm:path=$work/s"
    start_tpm
    put b 4
    arm b
    expect 0 "slot b refused: package.security" boot --tpm "swtpm:path=$work/s" # the floor outlived the TPM's power
    # A raise that would take a TPM minutes is refused, and said.
    put a 100000
    expect 0 "the security floor is not raised: identity.counter" boot --tpm "swtpm:path=$work/s"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -ge 20 ]
