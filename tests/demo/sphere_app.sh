#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sphere_app.sh BUILD-DIR
# An Azure Sphere application on the simulated platform updates a microcontroller over a serial line: what may go wrong on the line,
# with the power, with the image and with the platform's one file. Each has a name, activates nothing, and the next good try works.
. "$(dirname "$0")/common.sh"

APP="$BUILD/examples/sphere-app/sphere-app"
MCU="$BUILD/examples/sphere-app/sphere-mcu"
REPO="$BUILD/tools/ota-repo"
MANIFEST=$(cd "$(dirname "$0")/../../examples/sphere-app" && pwd)
SCALE=5ca1e000-0000-4000-8000-000000000001
DEV="$DIR/device"
URL="file://$WEB/p/scale/"
LOG="$DIR/log"
APP_PID='' MCU_PID=''
export SPHERE_SIM_DIR="$DEV"
: > "$LOG"
mkdir -p "$DEV/package"

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DIR/maker.pem" 2>> "$LOG"
openssl pkey -in "$DIR/maker.pem" -pubout -out "$DEV/package/package-key.pem" 2>> "$LOG"
cp "$MANIFEST/app_manifest.json" "$DEV/app_manifest.json"

# firmware VERSION DOES: an image package of some 100 KB
firmware()
{
    { printf 'firmware %s %s\n' "$1" "$2"; head -c 100000 /dev/zero | openssl enc -aes-128-ctr -K "$(printf '%032x' 1)" -iv "$(printf '%032x' "${1//./}")"; } > "$DIR/body" 2>> "$LOG"
    "$REPO" image pack "$DIR/body" --out "$DIR/scale-$1" --key "$DIR/maker.pem" --component "${COMPONENT:-$SCALE}" --name "$1" \
        --security "${SECURITY:-1}" --depends "${DEPENDS:-4096=2}" >> "$LOG" 2>&1 || fail "pack $1"
}

offer() # VERSION DOES
{
    firmware "$@"
    publisher image add "$DIR/scale-$1" --product scale --component scale --version "$1" --delta-from none --no-index
    publisher deploy --product scale --group field-test --os-feed none --image "scale=$1"
}

start_mcu()
{
    "$MCU" "$DEV" "$DEV/package/package-key.pem" "$SCALE" 1 >> "$LOG" 2>&1 &
    MCU_PID=$!
    PIDS+=("$MCU_PID")
}

start_app()
{
    "$APP" "${1:-$URL}" field-test scale-0001 1 >> "$LOG" 2>&1 &
    APP_PID=$!
    PIDS+=("$APP_PID")
}

mark() { FROM=$(wc -l < "$LOG"); }
logged() { tail -n +"$((FROM + 1))" "$LOG" | grep -q -- "$1"; }
await() { CHECKS=$((CHECKS + 1)); wait_until "${2:-30}" logged "$1" || fail "never said: $1"; }
never() { CHECKS=$((CHECKS + 1)); ! logged "$1" || fail "said: $1"; }
runs() { [[ "$(grep '^mcu: .* runs from slot' "$LOG" | tail -n 1)" == "mcu: $1 runs from slot $2"* ]]; }
must_run() { CHECKS=$((CHECKS + 1)); wait_until 20 runs "$1" "$2" || fail "$1 does not run from slot $2"; }
faults() { printf '%s\n' "$*" > "$DEV/faults.new" && mv "$DEV/faults.new" "$DEV/faults"; }

publisher init
publisher product add scale --component scale
firmware 1.0.0 healthy
publisher image add "$DIR/scale-1.0.0" --product scale --component scale --version 1.0.0 --delta-from none --no-index
publisher deploy --product scale --group field-test --os-feed none --image scale=1.0.0
cp "$WEB/p/scale/metadata/1.root.json" "$DEV/package/root.json"
cp "$DIR/scale-1.0.0" "$DEV/flash" # as the factory wrote it: slot a
faults ''

mark
start_mcu
must_run 1.0.0 a
start_app
await "deployment 1 is already installed"

offer 2.0.0 healthy
await "deployment 2 confirmed" 60
must_run 2.0.0 b

# --- the machine is busy, and so the platform's own update waits, too
mark
faults busy
offer 2.1.0 healthy
await "the machine is busy: 2.1.0 waits 60 s"
await "component 0: slot 0 read back and verified"
sleep 2
never "trial armed"
echo "offer system" >> "$DEV/control"
await "update of the OS is deferred: OK"
faults ''
await "the machine rests"
await "deployment 3 confirmed" 60
must_run 2.1.0 a

# --- images that are bad: one is sick, one crashes, one never answers. Three starts each at most, then 2.1.0 runs again
mark
offer 3.0.0 sick
await "mcu: 3.0.0 runs from slot b, on trial" 60
await "failed: REJECT_HEALTH.*, code 7" 60
await "deployment 4 rolled back" 60
must_run 2.1.0 a
mark
offer 3.1.0 crash
await "mcu: 3.1.0 runs from slot b, on trial" 60
await "failed: REJECT_" 60
await "deployment 5 rolled back" 60
must_run 2.1.0 a
mark
faults trial=1500
offer 3.2.0 mute
await "mcu: 3.2.0 runs from slot b, on trial" 60
await "failed: REJECT_" 90
await "deployment 6 rolled back" 90
must_run 2.1.0 a
faults ''

# --- images that are not for this device: named, and never armed
mark
COMPONENT=99999999-2222-3333-4444-555555555555 offer 3.3.0 healthy
await "REJECT_COMPONENT at package.identity.component" 60
SECURITY=0 offer 3.4.0 healthy
await "REJECT_SECURITY at package.security" 60
DEPENDS=4096=3 offer 3.5.0 healthy
await "REJECT_REQUIRES at package.abi_depends" 60
openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DIR/stranger.pem" 2>> "$LOG"
mv "$DIR/maker.pem" "$DIR/maker.away" && cp "$DIR/stranger.pem" "$DIR/maker.pem"
offer 3.6.0 healthy
await "REJECT_SIGNATURE at package.signature" 60
mv "$DIR/maker.away" "$DIR/maker.pem"
never "trial armed"
must_run 2.1.0 a

# --- a bad line
mark
faults lose=40000 damage=40000
offer 4.0.0 healthy
await "deployment 11 confirmed" 120
must_run 4.0.0 b
faults ''

# --- the microcontroller loses its power: in the first write, in the middle, while the trial is armed
mark
faults cut=3
offer 5.0.0 healthy
await "mcu: the power goes"
await "deployment 12 confirmed" 60
must_run 5.0.0 a
mark
faults cut=250
offer 5.1.0 healthy
await "mcu: the power goes"
await "the other processor was lost at byte [1-9][0-9]*, code -102[12]"
await "download starts at byte [1-9]"
never "deployment 13 refused"
await "deployment 13 confirmed" 60
must_run 5.1.0 b

# --- it never answers: named, nothing armed; when it is back, the update comes
mark
faults mute
offer 6.0.0 healthy
await "failed: DEVICE_[A-Z]* at .*, code -1021" 60
never "trial armed"
faults ''
await "deployment 14 confirmed" 60
must_run 6.0.0 a

# --- the application is killed in the middle, and goes on
mark
offer 6.1.0 healthy
await "download starts"
kill -KILL "$APP_PID"
start_app
await "deployment 15 confirmed" 60
must_run 6.1.0 b

# --- the running slot is tampered with: the boot stage runs the other one, the application says so, an update repairs it
mark
kill -KILL "$MCU_PID"
wait_until 10 gone "$MCU_PID" || true
printf 'X' | dd of="$DEV/flash" bs=1 seek=$((524288 + 5000)) conv=notrunc status=none
start_mcu
await "mcu: 6.0.0 runs from slot a; refused the other: REJECT_SIGNATURE"
kill -TERM "$APP_PID"
wait "$APP_PID" || true
start_app # the board's line is another one: a terminal, not a wire
await "agent started"
offer 6.2.0 healthy
await "deployment 16 confirmed" 60
must_run 6.2.0 b

# --- the platform's one file is damaged, then full
mark
kill -TERM "$APP_PID"
wait "$APP_PID" || fail "the application does not leave when it is told to"
head -c 65536 /dev/urandom > "$DEV/mutable"
start_app
await "journal generation 0"
await "is already installed"
kill -TERM "$APP_PID"
wait "$APP_PID" || true
mark
( trap '' XFSZ; ulimit -f 12; exec "$APP" "$URL" field-test scale-0001 1 ) > >(cat >> "$LOG") 2>&1 &
APP_PID=$!
offer 6.3.0 healthy
await "DEVICE_FULL"
never "trial armed"
kill -TERM "$APP_PID"
wait "$APP_PID" || true
start_app
await "deployment 17 confirmed" 60
must_run 6.3.0 a

# --- without its capabilities it says which is missing
kill -TERM "$APP_PID"
wait "$APP_PID" || true
for what in 'MutableStorage Storage_OpenMutableFile' 'Uart UART_Open' 'SystemEventNotifications SysEvent_RegisterForEventNotifications'; do
    python3 - "$DEV/app_manifest.json" "${what% *}" "$MANIFEST/app_manifest.json" <<'PY'
import json, sys
m = json.load(open(sys.argv[3]))
del m["Capabilities"][sys.argv[2]]
json.dump(m, open(sys.argv[1], "w"))
PY
    expect 1 "${what#* }: DEVICE_" "$APP" "$URL" field-test scale-0001 1
done
cp "$MANIFEST/app_manifest.json" "$DEV/app_manifest.json"

# --- a server asks to come back in a year
mark
cat > "$DIR/server.py" <<'PY'
import functools, http.server, os, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_GET(self):
        if not os.path.exists(sys.argv[2]):
            return super().do_GET()
        self.send_response(503)
        self.send_header("Retry-After", "31536000")
        self.send_header("Content-Length", "0")
        self.end_headers()
    def log_message(self, *a):
        pass
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(s.server_port, flush=True)
s.serve_forever()
PY
: > "$DIR/asleep"
python3 -B "$DIR/server.py" "$WEB" "$DIR/asleep" > "$DIR/port" 2>> "$LOG" &
PIDS+=($!)
wait_until 20 test -s "$DIR/port" || fail "no server"
start_app "http://127.0.0.1:$(cat "$DIR/port")/p/scale/"
await "failed: RETRY_BUSY"
rm "$DIR/asleep"
offer 6.4.0 healthy
await "deployment 18 confirmed" 60
must_run 6.4.0 b

[ "$CHECKS" -ge 60 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks"
