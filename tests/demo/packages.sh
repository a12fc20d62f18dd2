#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: packages.sh BUILD-DIR
# Image packages on a device: published like any image, verified by ota-agent before a trial and by the boot supervisor at
# each start. A tampered slot is refused, the other runs and says why, and the next update repairs what was tampered with.
. "$(dirname "$0")/common.sh"

AGENT="$BUILD/examples/posix-agent/ota-agent"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
IMAGE="$BUILD/tests/demo/demo_image"
REPO="$BUILD/tools/ota-repo"
DEV="$DIR/device"
CONFIG="$DIR/agent.json"
OS=11111111-2222-3333-4444-555555555555
APP=99999999-2222-3333-4444-555555555555
export IMAGE_TRACE="$DIR/trace" IMAGE_A=0 IMAGE_B=0
mkdir -p "$DEV"

for who in vendor stranger; do
    openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DIR/$who.pem" 2>> "$DIR/log"
    openssl pkey -in "$DIR/$who.pem" -pubout -out "$DIR/$who.pub" 2>> "$DIR/log"
done

# pack FILE OUT [OPTION...]
pack() { "$REPO" image pack "$1" --out "$2" --key "$DIR/vendor.pem" --component "${COMPONENT:-$OS}" --name demo --security "${SECURITY:-2}" "${@:3}" >> "$DIR/log" 2>&1 || fail "pack $2"; }

config() # KEY
{
    cat > "$CONFIG" <<EOT
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DEV/state", "runtime_dir": "$DIR/run",
  "components": [ { "name": "os", "slots": [ { "file": "$DEV/a", "size": 8388608 }, { "file": "$DEV/b", "size": 8388608 } ],
                    "package": { "key": "$1", "component": "${2:-$OS}", "security_min": ${3:-2} } } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$WEB/p/thermostat/metadata/", "targets_url": "file://$WEB/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$WEB/p/thermostat/metadata/1.root.json" },
    { "name": "os", "metadata_url": "file://$WEB/os/metadata/", "targets_url": "file://$WEB/os/targets/", "prefixes": ["os/"],
      "root": "$WEB/os/metadata/1.root.json" } ],
  "times": { "retry_base_s": 1 }, "health": { "command": ["/bin/true"] }, "boot": { "type": "file", "path": "$DEV/boot" } }
EOT
}

agent() { "$AGENT" "$@" --config "$CONFIG"; }
boot() { "$SUPERVISOR" --package-key "$DIR/vendor.pub" --package-component "$OS" --package-security 2 --max-boots 1 "$@" "$DEV/boot" "$DEV/a" "$DEV/b"; }
# flip FILE OFFSET: the lowest bit of a byte
flip() { printf "\\x$(printf %02x $(($(od -An -tu1 -j"$2" -N1 "$1") ^ 1)))" | dd of="$1" bs=1 seek="$2" conv=notrunc status=none; }

# --- the supervisor's options
expect 2 "package-key: is missing" "$SUPERVISOR" --package-security 2 "$DEV/boot" "$DEV/a" "$DEV/b"
expect 2 "package.key: " "$SUPERVISOR" --package-key "$DIR/none" "$DEV/boot" "$DEV/a" "$DEV/b"
expect 2 "package.key: key not usable" "$SUPERVISOR" --package-key "$DIR/vendor.pem" "$DEV/boot" "$DEV/a" "$DEV/b"
expect 2 "package.component: " "$SUPERVISOR" --package-key "$DIR/vendor.pub" --package-component os "$DEV/boot" "$DEV/a" "$DEV/b"

# --- the factory's package runs; what was signed by a stranger, or by nobody, does not
pack "$IMAGE" "$DIR/one"
cp "$DIR/one" "$DEV/a"
truncate -s 8388608 "$DEV/a" "$DEV/b"
expect 0 "boot: slot a" boot --init a
"$REPO" image pack "$DIR/one" --keep --out "$DIR/foreign" --key "$DIR/stranger.pem" >> "$DIR/log"
cp "$DEV/a" "$DIR/good-a"
cp "$DIR/foreign" "$DEV/a"
truncate -s 8388608 "$DEV/a"
expect 1 "slot a refused: package.signature: " boot
expect 1 "slot b refused: package.trailer: " boot
cp "$IMAGE" "$DEV/a"
truncate -s 8388608 "$DEV/a"
expect 1 "slot a refused: package.trailer: " boot
for wrong in "COMPONENT=$APP" "SECURITY=1"; do
    (export "${wrong?}" && pack "$IMAGE" "$DIR/wrong")
    cp "$DIR/wrong" "$DEV/a"
    truncate -s 8388608 "$DEV/a"
    expect 1 "slot a refused: package." boot
done
cp "$DIR/good-a" "$DEV/a"
expect 0 "boot: slot a" boot

# --- an update by packages
make_publisher
publish os 1.0.0 "$DIR/one"
config "$DIR/none"
expect 2 "components[0].package.key: $DIR/none: " agent check
config "$DIR/vendor.pub" "$(printf 'x%.0s' {1..36})"
expect 2 "components[0].package.component: " agent check
config "$DIR/vendor.pub"
expect 0 "up to date" agent check
publish os 2.0.0 "$IMAGE"
expect 5 "package.trailer" agent check
publish os 2.0.1 "$DIR/foreign"
expect 5 "package.signature" agent check
pack "$IMAGE" "$DIR/two" --depends application=5
publish os 2.1.0 "$DIR/two"
config "$DIR/vendor.pub" "$OS" 3
expect 5 "package.security" agent check
config "$DIR/vendor.pub" "$APP"
expect 5 "package.identity.component" agent check
config "$DIR/vendor.pub"
pack "$IMAGE" "$DIR/three" --provides 4096=7
publish os 3.0.0 "$DIR/three"
expect 3 "a restart of the device is needed" agent check
cmp -n "$(stat -c %s "$DIR/three")" "$DIR/three" "$DEV/b" || fail "slot b does not hold the package"

# --- its trial's slot rots before the start: it is given up, and the old one runs
cp "$DEV/b" "$DIR/good-b"
cp "$DEV/boot" "$DIR/armed"
flip "$DEV/b" 1000
expect 0 "boot: slot b refused: package.signature: " boot
expect 0 "boot: slot a" boot
cp "$DIR/good-b" "$DEV/b"
cp "$DIR/armed" "$DEV/boot"
expect 0 "boot: slot b, on trial" boot
expect 0 "" agent check

# --- confirmed, and then tampered with: each of body, trailer and signature; the other slot runs, and an update repairs it
len=$(stat -c %s "$DIR/three")
cp "$DEV/boot" "$DIR/confirmed"
for at in 0 5000 $((len - 200)) $((len - 70)) $((len - 1)); do
    cp "$DIR/confirmed" "$DEV/boot"
    cp "$DIR/good-b" "$DEV/b"
    expect 0 "boot: slot b" boot
    flip "$DEV/b" "$at"
    expect 0 "slot b refused: package." boot
    expect 0 "boot: slot a" boot
done
# The journal vouched for these bytes: that they are others is found out by the seal, once; then all of them come again.
OTA_BOOT_REFUSED="b REJECT_SIGNATURE package.signature" \
    expect 5 "the boot supervisor refused slot b REJECT_SIGNATURE package.signature" agent check
expect 3 "a restart of the device is needed" agent check
expect 0 "boot: slot b, on trial" boot
expect 0 "" agent check
expect 0 "boot: slot b" boot

# --- both are bad: nothing runs, and the record stays as it was
flip "$DEV/a" 3000
flip "$DEV/b" 3000
cp "$DEV/boot" "$DIR/before"
expect 1 "no slot holds a package that may run" boot
cmp "$DEV/boot" "$DIR/before" || fail "the record changed"

# --- an application is judged where it lies
cp "$DIR/one" "$DEV/app-a"
cp "$DIR/two" "$DEV/app-b"
chmod +x "$DEV/app-a" "$DEV/app-b"
app() { "$SUPERVISOR" --package-key "$DIR/vendor.pub" --max-boots 1 --link "$DEV/current" "$@" "$DEV/app-boot" "$DEV/app-a" "$DEV/app-b"; }
expect 0 "boot: slot a" app --init a
flip "$DEV/app-a" 2000
expect 0 "boot: back to slot b" app
[ "$(readlink "$DEV/current")" = "$DEV/app-b" ] || fail "the link was not set"

# --- the image is told
cat > "$DIR/say.c" <<'EOT'
#include <stdio.h>
#include <stdlib.h>
int main(void) { const char *r = getenv("OTA_BOOT_REFUSED"); printf("told: %s\n", r ? r : "nothing"); return 0; }
EOT
cc -o "$DIR/say" "$DIR/say.c"
pack "$DIR/say" "$DEV/app-b"
chmod +x "$DEV/app-b"
cp "$DIR/foreign" "$DEV/app-a"
chmod +x "$DEV/app-a"
expect 0 "told: nothing" app
rm "$DEV/app-boot"
expect 0 "told: a REJECT_SIGNATURE package.signature" app --init a

[ "$CHECKS" -ge 45 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks"
