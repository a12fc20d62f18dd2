#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: goosebit.sh BUILD-DIR
# ota-agent and goosebit: registration, an update that is confirmed and one that is rolled back, as goosebit saw them. Skipped
# (77) where the package cannot be installed.
# shellcheck source=/dev/null
. "$(dirname "$0")/../demo/common.sh"

VERSION=0.2.12
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/libota
VENV=$CACHE/goosebit-$VERSION
AGENT="$BUILD/examples/posix-agent/ota-agent"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
DEV="$DIR/device"
CONFIG="$DIR/agent.json"
mkdir -p "$DEV" "$CACHE" "$DIR/artifacts"

exec 8>"$CACHE/goosebit.lock"
flock 8
if ! "$VENV/bin/python" -c 'import goosebit, uvicorn' >/dev/null 2>&1; then
    rm -rf "$VENV"
    { python3 -m venv "$VENV" && "$VENV/bin/pip" install --quiet --disable-pip-version-check "goosebit==$VERSION"; } >"$CACHE/goosebit.log" 2>&1 ||
        { echo "SKIPPED: cannot install goosebit $VERSION (see $CACHE/goosebit.log)"; exit 77; }
fi
exec 8>&-

# --- the server
export GOOSEBIT_DB_URI="sqlite:///$DIR/goosebit.sqlite3" GOOSEBIT_ARTIFACTS_DIR="$DIR/artifacts" GOOSEBIT_POLL_TIME=00:00:01
PORT=$(python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])')
URL=http://127.0.0.1:$PORT
cd "$DIR"
"$VENV/bin/python" - >> "$DIR/log" 2>&1 <<'PY' || fail "no database"
import asyncio
from tortoise import Tortoise
from goosebit.db.config import TORTOISE_CONF
async def make():
    await Tortoise.init(config=TORTOISE_CONF)
    await Tortoise.generate_schemas()
    await Tortoise.close_connections()
asyncio.run(make())
PY
"$VENV/bin/python" -m uvicorn goosebit:app --host 127.0.0.1 --port "$PORT" >> "$DIR/log" 2>&1 &
PIDS+=($!)
up() { curl -s -o "$DIR/setup.json" "$URL/setup" -d username=a@b.c -d password=pw; }
wait_until 60 up || fail "goosebit does not start"
value() { python3 -c 'import json, sys; v = json.load(open(sys.argv[1]))
for k in sys.argv[2:]: v = v[int(k)] if k.isdigit() else v[k]
print(v)' "$@"; }
TOKEN=$(value "$DIR/setup.json" access_token)
api() { curl -sf -H "Authorization: Bearer $TOKEN" "$@"; }
device_has() { api "$URL/api/v1/devices" > "$DIR/devices.json" && grep -q "$1" "$DIR/devices.json"; }

# --- the device
config()
{
    cat > "$CONFIG" <<END
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DEV/state", "runtime_dir": "$DIR/run", "plain_http": true,
  "components": [ { "name": "os", "slots": [ { "file": "$DEV/a", "size": 8388608 }, { "file": "$DEV/b", "size": 8388608 } ], "factory_version": "1.0.0" } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$WEB/p/thermostat/metadata/", "targets_url": "file://$WEB/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$DEV/product.root.json" },
    { "name": "os", "metadata_url": "file://$WEB/os/metadata/", "targets_url": "file://$WEB/os/targets/", "prefixes": ["os/"],
      "root": "$DEV/os.root.json" } ],
  "times": { "poll_s": 600, "retry_base_s": 1, "health_deadline_s": 30, "start_s": 1 },
  "boot": { "type": "file", "path": "$DEV/boot" }, "hawkbit": { "url": "$URL/", "poll_min_s": 1 } }
END
}
agent() { "$AGENT" "$@" --config "$CONFIG"; }
boot_once() { "$SUPERVISOR" --init a --max-boots 1 "$DEV/boot" "$DEV/a" "$DEV/b" >> "$DIR/log" 2>&1; }
answers() { [[ "$(agent status --json 2>/dev/null)" == *"$1"* ]]; }
start_agent()
{
    "$AGENT" run --config "$CONFIG" >> "$DIR/log" 2>&1 &
    AGENT_PID=$!
    PIDS+=("$AGENT_PID")
    wait_until 20 answers '"agent_running":true' || fail "the agent does not answer"
}
# assign SEQ VERSION: the newest deployment, as a package that goosebit accepts and that only carries its number.
assign()
{
    printf 'software =\n{\n  version = "%s";\n  hardware-compatibility: [ "default" ];\n};\n' "$2" > sw-description
    printf 'sw-description\n' | cpio -o -H newc > "ota-seq-$1.swu" 2>> "$DIR/log"
    api -X PUT -F "file=@ota-seq-$1.swu" "$URL/api/v1/software" > software.json || fail "goosebit takes no software"
    api -X PATCH -H 'Content-Type: application/json' -d "{\"devices\":[\"t-1\"],\"software\":\"$(value software.json id)\"}" "$URL/api/v1/devices" > /dev/null ||
        fail "goosebit does not assign"
}

make_publisher
publish os 1.0.0 /bin/true
cp "$WEB/p/thermostat/metadata/1.root.json" "$DEV/product.root.json"
cp "$WEB/os/metadata/1.root.json" "$DEV/os.root.json"
cp /bin/true "$DEV/a"
truncate -s 8388608 "$DEV/a"
boot_once || true
config
expect 0 "up to date" agent check
device_has '"t-1"' || fail "the device is not registered: $(cat "$DIR/devices.json")"
device_has '1.0.0' || fail "the version is not known: $(cat "$DIR/devices.json")"

# --- deployed, but not assigned: nothing happens
publish os 2.0.0 "$BUILD/tests/demo/demo_image"
expect 0 "up to date" agent check
assign 2 2.0.0
expect 3 "a restart of the device is needed" agent check
device_has '2.0.0.*' || true
boot_once || true
api "$URL/api/v1/devices/t-1/log" > log.json
grep -q "begun" log.json || fail "goosebit did not hear of the start: $(cat log.json)"
! grep -q "confirmed" log.json || fail "success was told before the health check"
start_agent
wait_until 20 answers '"state":"trial"' || fail "no trial"
expect 0 "confirmed" agent confirm
heard() { api "$URL/api/v1/devices/t-1/log" > log.json && grep -q "$1" log.json; }
wait_until 20 heard "healthy and confirmed: 2.0.0, deployment 2" || fail "no success: $(cat log.json)"
stop "$AGENT_PID"
expect 0 "up to date" agent check
device_has '"sw_version": *"2.0.0"' || fail "the new version is not known: $(cat "$DIR/devices.json")"

# --- one that the application condemns
publish os 3.0.0 /bin/true
assign 3 3.0.0
expect 3 "a restart of the device is needed" agent check
boot_once || true
start_agent
wait_until 20 answers '"state":"trial"' || fail "no second trial"
expect 0 "rejected" agent reject 42
wait_until 20 gone "$AGENT_PID" || fail "the agent does not ask for the restart back"
boot_once || true
expect 5 "application rejected the new image" agent check
heard "REJECT_APP (health.application); still runs 2.0.0" || fail "no failure: $(cat log.json)"

# --- one that is not what the repository has signed
assign 9 9.0.0
api -X PATCH -H 'Content-Type: application/json' -d '{"devices":["t-1"],"force_update":true}' "$URL/api/v1/devices" > /dev/null || fail "no retry"
expect 5 "hawkbit.ota.seq" agent check
heard "REJECT_SEQUENCE (hawkbit.ota.seq)" || fail "no mismatch: $(cat log.json)"
[ "$CHECKS" -ge 9 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks with goosebit $VERSION"
