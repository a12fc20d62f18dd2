#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: demo.sh BUILD-DIR [WORK-DIR]
#
# A device with Azure Sphere's seven properties, told in eight steps, on a simulation of the platform. Real: the publisher's tool,
# nginx, the attestation service, the application, the protocol on the serial line, the microcontroller's boot stage, every
# signature. Simulated: the platform's own calls (ports/sphere/sim), the microcontroller's chip (a process with a flash file at the
# other end of a pseudo-terminal), and the place where the device's key lives: a file, which the evidence says ("soft").
# WORK-DIR (default: demo-sphere/ beside BUILD-DIR) gets summary.json, in which every entry was checked. Exits with 0 only if every
# step ended as it must.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 BUILD-DIR [WORK-DIR]" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$1" && pwd)
WORK=${2:-$(dirname "$BUILD")/demo-sphere}

PROGRAMS="$BUILD/examples/sphere-app"
REPO_TOOL="$BUILD/tools/ota-repo"
SERVICE="$BUILD/examples/attest-service/ota-attest-service"
COMPONENT=5ca1e000-0000-4000-8000-000000000001
ID=scale-0001
SLOT_LEN=524288
APP_PID='' MCU_PID='' SERVICE_PID=''
FACTS=()
PORT=''

say()  { printf '%s\n' "$*"; }
step() { printf '\n== Step %s: %s\n' "$1" "$2"; mark; }

die()
{
    printf '\nFAILED: %s\n' "$*" >&2
    [ ! -f "$WORK/device.log" ] || { printf -- '--- the device said last:\n' >&2; grep -v 'nothing changed\|: state' "$WORK/device.log" | tail -n 25 >&2; }
    exit 1
}

gone() { ! kill -0 "$1" 2>/dev/null; }

# wait_until SECONDS COMMAND...: try it ten times a second.
wait_until()
{
    local left=$(($1 * 10))
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.1
    done
}

stop()
{
    [ -n "$1" ] || return 0
    kill -TERM "$1" 2>/dev/null || true
    wait_until 10 gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

clean_up()
{
    trap - EXIT
    stop "$APP_PID"
    stop "$MCU_PID"
    stop "$SERVICE_PID"
    server_stop
}

# ---------------------------------------------------------------------------------------------------- preparation --

for program in "$PROGRAMS/sphere-app" "$PROGRAMS/sphere-mcu" "$PROGRAMS/sphere-deviceauth" "$REPO_TOOL" "$SERVICE"; do
    [ -x "$program" ] || { echo "$program is missing: build the project first" >&2; exit 2; }
done
if [ -e "$WORK" ] && [ ! -e "$WORK/.ota-demo" ]; then
    echo "$WORK exists and was not made by this script: move it away" >&2
    exit 2
fi
rm -rf "$WORK"
mkdir -p "$WORK/device/package"
WORK=$(cd "$WORK" && pwd)
: > "$WORK/.ota-demo"
: > "$WORK/device.log"
DEVICE="$WORK/device"
WEB="$WORK/publisher/web"
export SPHERE_SIM_DIR="$DEVICE"
# shellcheck source=examples/demo/server.sh
. "$HERE/../demo/server.sh"
trap clean_up EXIT
trap 'exit 130' INT TERM

publisher() { "$REPO_TOOL" --dir "$WORK/publisher" "$@" | sed 's/^/  publisher | /'; }

# firmware VERSION DOES: 120 KB in a signed package
firmware()
{
    { printf 'firmware %s %s\n' "$1" "$2"
      head -c 120000 /dev/zero | openssl enc -aes-128-ctr -K "$(printf '%032x' 7)" -iv "$(printf '%032x' "${1//./}")"; } > "$WORK/body" 2>> "$WORK/openssl.log"
    "$REPO_TOOL" image pack "$WORK/body" --out "$WORK/scale-$1" --key "$WORK/maker.pem" --component "$COMPONENT" --name "$1" \
        --security 1 --depends 4096=2 | sed 's/^.*scale-/  publisher | package scale-/'
}

publish()
{
    firmware "$1" "$2"
    publisher image add "$WORK/scale-$1" --product scale --component scale --version "$1"
    publisher deploy --product scale --group field-test --os-feed none --image "scale=$1"
    reference
}

# What the attestation service judges by.
reference() { "$REPO_TOOL" --dir "$WORK/publisher" reference --product scale --group field-test --file boot/mcu-boot="$PROGRAMS/sphere-mcu" --out "$WORK/reference.json" > /dev/null; }

# ------------------------------------------------------------------------------------------------------- the device --

mark() { FROM=$(wc -l < "$WORK/device.log"); }
since() { tail -n +"$((FROM + 1))" "$WORK/device.log"; }
said() { since | grep -q -- "$1"; }
await() { wait_until "$1" said "$2" || die "the device never said: $2"; since | grep -m 1 -- "$2" | sed 's/^/     device | /'; }
never() { ! said "$1" || die "the device said: $1"; }
mcu_runs() { [[ "$(grep '^mcu: .* runs from slot' "$WORK/device.log" | tail -n 1)" == "mcu: $1 runs from slot $2"* ]]; }
must_run() { wait_until 20 mcu_runs "$1" "$2" || die "$1 does not run from slot $2"; say "  the microcontroller runs $1 from slot $2"; }
machine() { printf '%s\n' "$*" > "$DEVICE/faults.new" && mv "$DEVICE/faults.new" "$DEVICE/faults"; }
platform() { printf '%s\n' "$*" >> "$DEVICE/control"; }
attest() { "$PROGRAMS/sphere-deviceauth" "$DEVICE" "https://127.0.0.1:$(cat "$WORK/attest/port")" "$WORK/attest/tls.pem" "$@" | tee "$WORK/attest/said" | sed 's/^/     device | /'; return "${PIPESTATUS[0]}"; }

# fact NAME VALUE: what was seen, after it was checked.
fact()
{
    FACTS+=("$(printf '"%s": %s' "$1" "$2")")
    {
        printf '{\n  %s' "${FACTS[0]}"
        [ ${#FACTS[@]} -eq 1 ] || printf ',\n  %s' "${FACTS[@]:1}"
        printf '\n}\n'
    } > "$WORK/summary.json.new"
    mv "$WORK/summary.json.new" "$WORK/summary.json"
}

# report PATTERN: a report that was uploaded has it.
uploaded() { grep -lq -- "$1" "$WORK"/inbox/reports/"$ID"/*.json 2>/dev/null; }
report() { wait_until 30 uploaded "$1" || die "no report says $1"; say "  uploaded: $(grep -l -- "$1" "$WORK"/inbox/reports/"$ID"/*.json | tail -n 1 | sed 's/.*reports.//') says $1"; }

certificate_ok() # WHICH
{
    openssl verify -CAfile "$WORK/attest/ca.pem" -purpose sslclient "$DEVICE/daa/attest-$1.pem" > "$WORK/attest/verify" 2>&1 || die "$1: $(cat "$WORK/attest/verify")"
}

# ---------------------------------------------------------------------------------------------------------- story --

step 1 "a publisher makes keys and a repository for \"scale\", and deploys firmware 1.0.0 to Field Test"
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$WORK/maker.pem" 2>> "$WORK/openssl.log"
publisher init
publisher product add scale --component scale
publish 1.0.0 healthy
server_init
server_start "$WEB" 4m
say "  nginx listens on 127.0.0.1:$PORT"

step 2 "the factory ships a scale: an application on Azure Sphere, and a microcontroller on its UART"
openssl pkey -in "$WORK/maker.pem" -pubout -out "$DEVICE/package/package-key.pem" 2>> "$WORK/openssl.log"
cp "$HERE/app_manifest.json" "$DEVICE/app_manifest.json"
cp "$WEB/p/scale/metadata/1.root.json" "$DEVICE/package/root.json"
cp "$WORK/scale-1.0.0" "$DEVICE/flash"
machine ''
"$PROGRAMS/sphere-mcu" "$DEVICE" "$DEVICE/package/package-key.pem" "$COMPONENT" 1 >> "$WORK/device.log" 2>&1 &
MCU_PID=$!
must_run 1.0.0 a
fact factory_firmware '"1.0.0"'

step 3 "it registers with the attestation service and proves what it started: two certificates of a day"
mkdir -p "$WORK/attest"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/attest/tls.key" -out "$WORK/attest/tls.pem" -days 2 \
    -subj /CN=attest -addext subjectAltName=IP:127.0.0.1 2>> "$WORK/openssl.log"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$WORK/attest/ca.key" -out "$WORK/attest/ca.pem" -days 2 \
    -subj "/CN=scale field-test" 2>> "$WORK/openssl.log"
TOKEN=$(openssl rand -hex 16)
cat > "$WORK/attest/service.json" <<CONFIG
{ "port_file": "$WORK/attest/port", "tls_cert": "$WORK/attest/tls.pem", "tls_key": "$WORK/attest/tls.key", "devices": "$WORK/attest/devices",
  "groups": [ { "product": "scale", "group": "field-test", "ca_cert": "$WORK/attest/ca.pem", "ca_key": "$WORK/attest/ca.key",
                "reference": [ "$WORK/reference.json" ], "token_sha256": "$(printf %s "$TOKEN" | sha256sum | cut -d ' ' -f 1)", "strength_min": "soft" } ] }
CONFIG
"$SERVICE" "$WORK/attest/service.json" > "$WORK/attest/log" 2>&1 &
SERVICE_PID=$!
wait_until 20 test -s "$WORK/attest/port" || die "the attestation service does not listen: $(cat "$WORK/attest/log")"
attest 2>/dev/null && die "a device that nobody registered got certificates"
attest "$TOKEN" || die "the device gets no certificates"
certificate_ok update
certificate_ok application
openssl x509 -in "$DEVICE/daa/attest-update.pem" -noout -checkend 82800 > /dev/null || die "the certificate lasts less than 23 hours"
openssl x509 -in "$DEVICE/daa/attest-update.pem" -noout -checkend 90000 > /dev/null && die "the certificate lasts more than 25 hours"
say "  both verify against the group's authority and last a day"
fact attested "{ \"registered\": true, \"unregistered_refused\": true, \"certificates\": 2, \"certificate_hours\": 24, \"strength\": \"soft\" }"
"$PROGRAMS/sphere-app" "http://127.0.0.1:$PORT/p/scale/" field-test "$ID" 1 "http://127.0.0.1:$PORT/reports/" >> "$WORK/device.log" 2>&1 &
APP_PID=$!
await 30 "deployment 1 is already installed"

step 4 "2.0.0 is deployed while the machine weighs: it comes over a line that loses bytes, and waits; so does the platform's own update"
machine busy lose=60000 damage=60000
publish 2.0.0 healthy
await 60 "the machine is busy: 2.0.0 waits"
platform offer system
await 20 "the platform's update of the OS is deferred: OK"
sleep 2
never "trial armed"
mcu_runs 1.0.0 a || die "1.0.0 does not run any more"
say "  (the machine rests)"
machine ''
await 60 "deployment 2 confirmed"
must_run 2.0.0 b
report '"outcome":"confirmed".*"version":"2.0.0"'
fact deferred '{ "version": "2.0.0", "while_busy_armed": false, "platform_update_deferred": true, "then": "confirmed" }'

step 5 "what runs has changed: the certificates of 1.0.0 are dropped before any use, and 2.0.0 is attested"
before=$(openssl x509 -in "$DEVICE/daa/attest-update.pem" -noout -serial)
attest || die "the device gets no certificates for 2.0.0"
grep -q 'certificates dropped: REJECT_HASH at attest.measurements' "$WORK/attest/said" || die "the old certificates were not dropped"
certificate_ok update
[ "$before" != "$(openssl x509 -in "$DEVICE/daa/attest-update.pem" -noout -serial)" ] || die "it is the same certificate"
fact attested_again '{ "dropped_for": "REJECT_HASH", "measurements": "2.0.0", "new_certificate": true }'

step 6 "somebody changes a byte of 2.0.0 in the microcontroller's flash, while it runs"
at=$((SLOT_LEN + 70000))
byte=$(od -An -tu1 -j "$at" -N 1 "$DEVICE/flash")
printf "\\x$(printf %02x $((byte ^ 4)))" | dd of="$DEVICE/flash" bs=1 seek="$at" conv=notrunc status=none
say "  byte $at of the flash is another one"
await 60 "slot holds other bytes than were installed"
await 60 "mcu: 1.0.0 runs from slot a, on trial"
report 'REJECT_HASH'
await 60 "mcu: 2.0.0 runs from slot b, on trial"
await 60 "deployment 2 confirmed"
must_run 2.0.0 b
cmp -n "$(stat -c %s "$WORK/scale-2.0.0")" "$WORK/scale-2.0.0" <(tail -c +$((SLOT_LEN + 1)) "$DEVICE/flash") || die "slot b does not hold 2.0.0"
say "  2.0.0 was installed anew; slot b holds what was published, byte for byte"
fact tampered_slot '{ "noticed": "REJECT_HASH", "answer": "1.0.0 on trial", "repaired_with": "2.0.0", "slot_equals_release": true }'

step 7 "3.0.0 is deployed, and it is bad: it crashes soon after each start; and the power goes once while it is written"
machine cut=150
publish 3.0.0 crash
await 60 "mcu: the power goes"
await 60 "the other processor was lost at byte"
await 60 "mcu: 3.0.0 runs from slot a, on trial"
await 90 "deployment 3 rolled back"
must_run 2.0.0 b
report '"outcome":"rolled_back".*"version":"3.0.0"'
sleep 3
mcu_runs 2.0.0 b || die "3.0.0 was tried again"
fact bad_image '{ "version": "3.0.0", "power_cut_while_written": true, "outcome": "rolled_back", "running": "2.0.0", "tried_again": false }'

step 8 "what the publisher sees"
stop "$APP_PID"
APP_PID=
"$REPO_TOOL" reports "$WORK/inbox/reports" | sed 's/^/  publisher | /'
reports=$(find "$WORK/inbox/reports/$ID" -name '*.json' | wc -l)
[ "$reports" -ge 3 ] || die "only $reports reports were uploaded"
fact reports_uploaded "$reports"

say ""
say "Every step ended as it must. $WORK/summary.json:"
cat "$WORK/summary.json"
