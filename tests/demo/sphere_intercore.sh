#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sphere_intercore.sh BUILD-DIR
# An application on Azure Sphere brings signed data to an application on a real-time core, over the socket between cores: it is
# tried, confirmed and, where it is bad, taken back; a core that is restarted is found again; without the capability there is no socket.
. "$(dirname "$0")/common.sh"

SPHERE="$BUILD/examples/sphere-app"
DATA=5ca1e000-0000-4000-8000-000000000003
LOG="$DIR/log"
EXAMPLE="$(dirname "$0")/../../examples/sphere-app"
export SPHERE_SIM_DIR="$DIR/device"
mkdir -p "$DIR/device/package"
: > "$LOG"

logged() { grep -q -- "$1" "$LOG"; }
await() { CHECKS=$((CHECKS + 1)); wait_until "${2:-40}" logged "$1" || fail "never said: $1"; }
offer()
{
    { echo "firmware $1 $2"; seq 1 6000; } > "$DIR/body"
    "$BUILD/tools/ota-repo" image pack "$DIR/body" --out "$DIR/data-$1" --key "$DIR/maker.pem" --component "$DATA" --name "$1" --security 1 >> "$LOG" 2>&1
    publisher image add "$DIR/data-$1" --product scale --component calibration --version "$1" --delta-from none --no-index
    publisher deploy --product scale --group production --os-feed none --image "calibration=$1"
}
start_core()
{
    "$SPHERE/sphere-mcu" "$DIR/device" "$DIR/device/package/package-key.pem" "$DATA" 1 core >> "$LOG" 2>&1 &
    CORE=$!
    PIDS+=("$CORE")
    wait_until 20 test -S "$DIR/device/core.sock" || fail "the core does not listen"
}
start_app()
{
    "$SPHERE/sphere-intercore" "file://$WEB/p/scale/" production scale-core 1 >> "$LOG" 2>&1 &
    APP=$!
    PIDS+=("$APP")
}

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DIR/maker.pem" 2>> "$LOG"
openssl pkey -in "$DIR/maker.pem" -pubout -out "$DIR/device/package/package-key.pem" 2>> "$LOG"
publisher init
publisher product add scale --component calibration
offer 1.0.0 healthy
cp "$WEB/p/scale/metadata/1.root.json" "$DIR/device/package/root.json"
cp "$DIR/data-1.0.0" "$DIR/device/flash"

# Without the capability there is no socket.
cp "$EXAMPLE/app_manifest.json" "$DIR/device/app_manifest.json"
expect 1 "Application_Connect: DEVICE_SLOT 13" "$SPHERE/sphere-intercore" "file://$WEB/p/scale/" production scale-core 1
cp "$EXAMPLE/app_manifest_intercore.json" "$DIR/device/app_manifest.json"
# Nor where nobody listens.
expect 1 "Application_Connect: DEVICE_SLOT" "$SPHERE/sphere-intercore" "file://$WEB/p/scale/" production scale-core 1

start_core
start_app
await "mcu: 1.0.0 runs from slot a"
await "deployment 1 is already installed"
offer 2.0.0 healthy
await "mcu: 2.0.0 runs from slot b, on trial"
await "deployment 2 confirmed"
offer 3.0.0 sick
await "mcu: 3.0.0 runs from slot a, on trial"
await "failed: REJECT_HEALTH"
await "deployment 3 rolled back"
offer 4.0.0 healthy
await "mcu: 4.0.0 runs from slot a, on trial"
await "deployment 4 confirmed"
[ "$CHECKS" -ge 10 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks"
