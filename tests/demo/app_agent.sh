#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: app_agent.sh BUILD-DIR
# An application updates itself beside the system's agent: to a good version that vouches for itself, when its turn has come, then
# to a sick one and back.
. "$(dirname "$0")/common.sh"

APPS="$BUILD/examples/app-agent"
URL="file://$WEB/p/thermostat/"
LOG="$DIR/log"
export ASAN_OPTIONS="${ASAN_OPTIONS:+$ASAN_OPTIONS:}handle_segv=0" # a sanitizer would make an exit of the signal
: > "$LOG"

last_start() { [ "$(grep '^app .* running' "$LOG" | tail -n 1)" = "app $1 running from slot $2" ]; }
logged() { grep -q "$1" "$LOG"; }

make_publisher
publish app 1.0.0 "$APPS/ota-app-1.0.0"
mkdir "$DIR/app"
cp "$APPS/ota-app-1.0.0" "$DIR/app/slot-a"
: > "$DIR/app/slot-b"
truncate -s 32M "$DIR/app/slot-a" "$DIR/app/slot-b"
chmod 755 "$DIR/app/slot-a" "$DIR/app/slot-b"
cp "$WEB/p/thermostat/metadata/1.root.json" "$DIR/app/root.json"

# The system's agent, which has nothing to do but to listen.
mkdir "$DIR/sys"
cp /bin/true "$DIR/sys/a"
truncate -s 1M "$DIR/sys/a"
"$BUILD/examples/boot-supervisor/ota-boot-supervisor" --init a --max-boots 1 "$DIR/sys/boot" "$DIR/sys/a" "$DIR/sys/b" > "$DIR/sys/log" 2>&1
cat > "$DIR/sys/agent.json" <<CONFIG
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DIR/sys/state", "runtime_dir": "$DIR/run",
  "components": [ { "name": "os", "slots": [ { "file": "$DIR/sys/a" }, { "file": "$DIR/sys/b", "size": 1048576 } ], "factory_version": "7.0.0" } ],
  "repositories": [ { "name": "product", "metadata_url": "${URL}metadata/", "targets_url": "${URL}targets/",
                      "prefixes": [ "app/", "group/" ], "root": "$DIR/app/root.json" } ],
  "boot": { "type": "file", "path": "$DIR/sys/boot" }, "plain_http": true, "turns": { "system_s": 60, "application_s": 60 } }
CONFIG
"$BUILD/examples/posix-agent/ota-agent" run --config "$DIR/sys/agent.json" >> "$DIR/sys/log" 2>&1 &
SYSTEM=$!
PIDS+=($SYSTEM)
wait_until 20 test -S "$DIR/run/agent.sock" || fail "the system's agent does not listen: $(cat "$DIR/sys/log")"

# Reports go to what stands for syslog: a socket whose lines land in a file.
python3 -B -c 'import socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
s.bind(sys.argv[1])
with open(sys.argv[2], "wb", 0) as f:
    while True:
        f.write(s.recv(65536) + b"\n")' "$DIR/syslog" "$DIR/reports" &
PIDS+=($!)
wait_until 20 test -S "$DIR/syslog" || fail "nobody takes reports"

"$BUILD/examples/boot-supervisor/ota-boot-supervisor" --init a --link "$DIR/app/current" --crash-note "$DIR/app/state/crash.app" --max-boots 20 \
    "$DIR/app/boot" "$DIR/app/slot-a" "$DIR/app/slot-b" -- "$DIR/app" "$URL" 1 "$DIR/run" "file://$DIR/syslog/" > "$LOG" 2>&1 &
PIDS+=($!)
wait_until 20 last_start 1.0.0 a || fail "1.0.0 does not start"

wait_until 20 logged 'app: meets system 7.0.0' || fail "the application does not find the system's agent"

# What the application requires of the system is asked of the system's agent: not there yet, so nothing is fetched.
publish app 2.0.0 "$APPS/ota-app-2.0.0" --requires os-abi=2
wait_until 30 logged 'REJECT_REQUIRES at requires os-abi: app' || fail "2.0.0 is not refused by a system that does not provide it"
! logged 'download starts' || fail "2.0.0 is fetched before the system provides what it requires"
exec 7< "$DIR/run/update.lock"
flock 7
stop "$SYSTEM"
sed -i 's/"plain_http": true/"plain_http": true, "provides": [ { "name": "os-abi", "level": 2 } ]/' "$DIR/sys/agent.json"
"$BUILD/examples/posix-agent/ota-agent" run --config "$DIR/sys/agent.json" >> "$DIR/sys/log" 2>&1 7<&- &
PIDS+=($!)

# Now it is there. Somebody else updates: the application waits for its turn.
wait_until 30 logged 'deployment 2 wants' || fail "2.0.0 is not found"
sleep 1
! logged 'download starts' || fail "2.0.0 is fetched out of turn"
exec 7<&-
wait_until 30 logged 'deployment 2 confirmed' || fail "2.0.0 is not confirmed"
last_start 2.0.0 b || fail "2.0.0 does not run from slot b"
[ "$(readlink "$DIR/app/current")" = "$DIR/app/slot-b" ] || fail "the link does not lead to slot b"

# The updated application crashes: its next start reports how, and what it was.
told() { grep -q "$1" "$DIR/reports"; }
wait_until 30 told '"event":"update-confirmed"' || fail "the update is not reported"
pid=$(sed -n 's/^app pid \([0-9]*\)$/\1/p' "$LOG" | tail -n 1)
kill -SEGV "$pid"
wait_until 30 told '"event":"crash"' || fail "the crash is not reported"
grep '"event":"crash"' "$DIR/reports" | grep '"type":"unplanned","class":"application","category":"signal"' | grep '"port":11}' |
    grep '"component":"app"' | grep -q '"running":"2.0.0"' || fail "the crash's report is wrong: $(cat "$DIR/reports")"
last_start 2.0.0 b || fail "2.0.0 does not run again after its crash"

publish app 3.0.0 "$APPS/ota-app-3.0.0"
wait_until 30 logged 'deployment 3 rolled back' || fail "3.0.0 is not rolled back"
logged '^app 3.0.0 running from slot a' || fail "3.0.0 was never tried"
logged 'REJECT_APP' || fail "the application's own verdict is not the cause"
last_start 2.0.0 b || fail "2.0.0 does not run again"
[ "$(readlink "$DIR/app/current")" = "$DIR/app/slot-b" ] || fail "the link did not go back to slot b"
starts=$(grep -c '^app ' "$LOG")
sleep 3
[ "$(grep -c '^app ' "$LOG")" -eq "$starts" ] || fail "3.0.0 was tried again"
echo "the application updated itself and went back"
