#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: app_agent.sh BUILD-DIR
# An application updates itself: to a good version that vouches for itself, then to a sick one and back.
. "$(dirname "$0")/common.sh"

APPS="$BUILD/examples/app-agent"
URL="file://$WEB/p/thermostat/"
LOG="$DIR/log"
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

"$BUILD/examples/boot-supervisor/ota-boot-supervisor" --init a --link "$DIR/app/current" --max-boots 20 "$DIR/app/boot" "$DIR/app/slot-a" \
    "$DIR/app/slot-b" -- "$DIR/app" "$URL" 1 > "$LOG" 2>&1 &
PIDS+=($!)
wait_until 20 last_start 1.0.0 a || fail "1.0.0 does not start"

publish app 2.0.0 "$APPS/ota-app-2.0.0"
wait_until 30 logged 'deployment 2 confirmed' || fail "2.0.0 is not confirmed"
last_start 2.0.0 b || fail "2.0.0 does not run from slot b"
[ "$(readlink "$DIR/app/current")" = "$DIR/app/slot-b" ] || fail "the link does not lead to slot b"

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
