#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sphere_ram.sh BUILD-DIR METER.so
# The application of examples/sphere-app must do with the 256 KiB that the platform gives it: measured over a whole life of check-in,
# trust, download, seal, trial, confirmation, report and a round of the monitor, over HTTP. Counted: its static data (with the agent's
# workspace), the most heap at a time of itself, the C library, libcurl and the crypto library, and its deepest stack. Not counted,
# but told: what TLS needs behind libcurl, which on the platform is another library; code, which lies in flash.
. "$(dirname "$0")/common.sh"

LIMIT=262144
METER=$2
SPHERE="$BUILD/examples/sphere-app"
SCALE=5ca1e000-0000-4000-8000-000000000001
LOG="$DIR/log"
export SPHERE_SIM_DIR="$DIR/device"
mkdir -p "$DIR/device/package"
: > "$LOG"

logged() { grep -q -- "$1" "$LOG"; }
offer()
{
    { echo "firmware $1 healthy"; head -c 90000 /dev/zero | tr '\0' "${1:0:1}"; } > "$DIR/body"
    "$BUILD/tools/ota-repo" image pack "$DIR/body" --out "$DIR/scale-$1" --key "$DIR/maker.pem" --component "$SCALE" --name "$1" --security 1 >> "$LOG" 2>&1
    publisher image add "$DIR/scale-$1" --product scale --component scale --version "$1"
    publisher deploy --product scale --group field-test --os-feed none --image "scale=$1"
}
field() { sed -n "s/^$1 //p" "$DIR/ram"; }
# fits LIMIT: does all that is counted?
fits() { [ $(($(field static) + $(field heap) + $(field stack))) -le "$1" ]; }

openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out "$DIR/maker.pem" 2>> "$LOG"
openssl pkey -in "$DIR/maker.pem" -pubout -out "$DIR/device/package/package-key.pem" 2>> "$LOG"
cp "$(dirname "$0")/../../examples/sphere-app/app_manifest.json" "$DIR/device/"
publisher init
publisher product add scale --component scale
offer 1.0.0
cp "$WEB/p/scale/metadata/1.root.json" "$DIR/device/package/root.json"
cp "$DIR/scale-1.0.0" "$DIR/device/flash"
cat > "$DIR/server.py" <<'PY'
import functools, http.server, sys
class Handler(http.server.SimpleHTTPRequestHandler):
    def do_PUT(self):
        self.rfile.read(int(self.headers["Content-Length"]))
        self.send_response(201)
        self.send_header("Content-Length", "0")
        self.end_headers()
s = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Handler, directory=sys.argv[1]))
print(s.server_port, flush=True)
s.serve_forever()
PY
python3 -B "$DIR/server.py" "$WEB" > "$DIR/port" 2>> "$DIR/web.log" &
PIDS+=($!)
wait_until 20 test -s "$DIR/port" || fail "no server"
"$SPHERE/sphere-mcu" "$DIR/device" "$DIR/device/package/package-key.pem" "$SCALE" 1 >> "$LOG" 2>&1 &
PIDS+=($!)
wait_until 20 logged "mcu: 1.0.0 runs" || fail "the microcontroller does not start"
LD_PRELOAD="$METER" RAM_METER_OUT="$DIR/ram" "$SPHERE/sphere-app" "http://127.0.0.1:$(cat "$DIR/port")/p/scale/" field-test scale-0001 1 \
    "http://127.0.0.1:$(cat "$DIR/port")/reports/" >> "$LOG" 2>&1 &
APP=$!
PIDS+=("$APP")
wait_until 30 logged "deployment 1 is already installed" || fail "no check-in"
offer 2.0.0
wait_until 60 logged "deployment 2 confirmed" || fail "2.0.0 is not confirmed"
wait_until 60 logged "report 1 acknowledged" || fail "the report is not acknowledged"
wait_until 60 logged "slot re-verified" || fail "the monitor does not read the slot"
kill -TERM "$APP"
wait_until 20 gone "$APP" || fail "the application does not leave"
wait_until 5 test -s "$DIR/ram" || fail "nothing was measured"
for what in static heap stack; do
    [ "$(field "$what")" -gt 1000 ] || fail "$what: $(field "$what") bytes cannot be"
done
fits "$LIMIT" || fail "more than $LIMIT bytes: $(tr '\n' ' ' < "$DIR/ram")"
! fits 65536 || fail "the measurement takes anything for enough" # the workspace alone is more
echo "$(($(field static) + $(field heap) + $(field stack))) of $LIMIT bytes: $(tr '\n' ' ' < "$DIR/ram")"
