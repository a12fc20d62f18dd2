#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR [WORK-DIR]
#
# The life of one device, told in seven steps. Everything is real: the publisher's tool, nginx, the agent, a boot
# supervisor in the place of the boot ROM, and system images that are executables of some MB. The device is two slot
# files, a boot record and a state directory below WORK-DIR (default: demo/ beside BUILD-DIR), where summary.json says in
# the end what came of each update. Exits with 0 only if every step ended as it must.
set -euo pipefail

[ $# -ge 1 ] || { echo "usage: $0 BUILD-DIR [WORK-DIR]" >&2; exit 2; }
HERE=$(cd "$(dirname "$0")" && pwd)
BUILD=$(cd "$1" && pwd)
WORK=${2:-$(dirname "$BUILD")/demo}

AGENT="$BUILD/examples/posix-agent/ota-agent"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
IMAGES="$BUILD/examples/demo"
REPO_TOOL="$BUILD/tools/ota-repo"
SLOT_BYTES=8388608
BLOCK=65536              # what may be fetched twice, in all
CHECKPOINT=16384         # bytes between two places where the download can be taken up again
SUPERVISOR_PID=
RUN_DIR=
STEPS=()
LAST_REPORT=0

say()  { printf '%s\n' "$*"; }
step() { printf '\n== Step %s: %s\n' "$1" "$2"; }

die()
{
    printf '\nFAILED: %s\n' "$*" >&2
    [ ! -f "$WORK/device.log" ] || { printf -- '--- the device said last:\n' >&2; tail -n 25 "$WORK/device.log" >&2; }
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

clean_up()
{
    trap - EXIT
    device_stop
    server_stop
    [ -z "$RUN_DIR" ] || rm -rf "$RUN_DIR"
    wait
}

# ---------------------------------------------------------------------------------------------------- preparation --

for program in "$AGENT" "$SUPERVISOR" "$REPO_TOOL" "$IMAGES/thermostat-1.0.0"; do
    [ -x "$program" ] || { echo "$program is missing: build the project first" >&2; exit 2; }
done
if [ -e "$WORK" ] && [ ! -e "$WORK/.ota-demo" ]; then
    echo "$WORK exists and was not made by this script: move it away" >&2
    exit 2
fi
rm -rf "$WORK"
mkdir -p "$WORK/device"
WORK=$(cd "$WORK" && pwd)
: > "$WORK/.ota-demo"
: > "$WORK/device.log"
RUN_DIR=$(mktemp -d /tmp/ota-demo-XXXXXX)
# shellcheck source=examples/demo/server.sh
. "$HERE/server.sh"
# shellcheck source=examples/demo/device.sh
. "$HERE/device.sh"
trap clean_up EXIT
trap 'exit 130' INT TERM

publisher() { "$REPO_TOOL" --dir "$WORK/publisher" "$@" | sed 's/^/  publisher | /'; }

publish()
{
    publisher image add "$IMAGES/thermostat-$1" --product thermostat --component os --version "$1" --name "thermostat-$1.img"
    publisher deploy --product thermostat --group production --image "os=$1"
}

WEB="$WORK/publisher/web"
MIRROR="$WORK/mirror"

# ---------------------------------------------------------------------------------------------------------- story --

step 1 "a publisher makes keys, a repository for \"thermostat\", and deploys system image 1.0.0 to Production"
publisher init --block "$CHECKPOINT"
publisher product add thermostat --component os --component app
publish 1.0.0
publisher verify

step 2 "nginx serves the repository; the factory ships a device with 1.0.0 in slot a"
server_init
server_start "$WEB" 4m
say "  nginx listens on 127.0.0.1:$PORT; nothing else is running"
device_make
device_start
wait_until 20 device_runs 1.0.0 a || die "the device does not start 1.0.0"
wait_until 20 device_said "deployment 1 is already installed" || die "the agent does not check in"
say "  the agent checked in: 1.0.0 is what the deployment wants"

step 3 "2.0.0 is published: downloaded, verified, tried, confirmed"
mark=$(server_mark)
publish 2.0.0
await_report 60 confirmed
wait_until 10 device_runs 2.0.0 b || die "the device does not run 2.0.0 from slot b"
record 3 2.0.0 confirmed "$mark"

step 4 "2.1.0 is published, which changes an eighth of 2.0.0: it comes as a delta, and the agent is killed in its middle"
mark=$(server_mark)
server_stop
server_start "$WEB" 300k
publish 2.1.0
wait_until 60 device_has 40 || die "the download does not reach 40 %"
pid=$(device_agent_pid)
taken=$(device_status | field fetched)
kill -STOP "$pid" # it stands still, so that the slot shows how far it is
before=$(device_slot_prefix a 2.1.0)
say "  -> SIGKILL to the agent (process $pid) at $(device_percent) %"
kill -KILL "$pid"
await_report 180 confirmed
wait_until 10 device_runs 2.1.0 a || die "the device does not run 2.1.0 from slot a"
[ "$(device_way)" = "delta, resumed" ] || die "it came as $(device_way)"
resumed=$(device_resumed_at)
from=$(server_resumed_from "$mark")
twice=$((taken > from ? taken - from : 0))
record 4 2.1.0 confirmed "$mark" "\"encoding\": \"delta\", \"killed_at\": $before, \"resumed_at\": $resumed, \"fetched_twice\": $twice"
say "  killed with $before bytes in the slot, resumed at $resumed; of $taken bytes of the delta, $twice were fetched twice"
[ "$resumed" -gt 0 ] && [ "$((before - resumed))" -le "$CHECKPOINT" ] || die "more than a block of $CHECKPOINT bytes was made twice"
[ "$from" -gt 0 ] && [ "$twice" -le "$CHECKPOINT" ] || die "more than $CHECKPOINT bytes of the delta were fetched twice"
server_stop
server_start "$WEB" 4m

step 5 "3.0.0 is published, and it is sick: the device comes back on 2.1.0 and says why"
cp "$WEB/p/thermostat/metadata/timestamp.json" "$WORK/old-timestamp.json"
mark=$(server_mark)
publish 3.0.0
await_report 60 rolled_back
[ "$CAUSE" = REJECT_HEALTH ] || die "rolled back for $CAUSE, not for its health"
wait_until 10 device_runs 2.1.0 a || die "the device does not run 2.1.0 from slot a"
record 5 3.0.0 rolled_back "$mark"
again=$(server_image_requests 0)
wait_until 10 device_is idle '"reports_kept":0' || die "the device does not come to rest"
written=$(device_last_write)
sleep 4
[ "$(server_image_requests 0)" -eq "$again" ] || die "3.0.0 was fetched again"
device_runs 2.1.0 a || die "3.0.0 was tried again"
[ "$(device_last_write)" = "$written" ] || die "an idle check-in wrote to disk"
say "  some check-ins later: 3.0.0 is not tried again, and nothing was written to disk"

step 6 "4.0.0 is published; the network drops twice and the agent is killed in the middle of the download"
mark=$(server_mark)
server_stop
server_start "$WEB" 125k
say "  (the line is slow now: 125 kB a second: slower than the decoder, also on a busy machine, so that nothing waits in between)"
publish 4.0.0
for blow in drop kill drop; do
    at=$((${at:-0} + 22))
    wait_until 120 device_has "$at" || die "the download does not reach $at %"
    if [ "$blow" = kill ]; then
        pid=$(device_agent_pid)
        say "  -> SIGKILL to the agent (process $pid) at $(device_percent) %"
        kill -KILL "$pid"
    else
        say "  -> the network drops at $(device_percent) %"
        server_stop
        sleep 1.5
        server_start "$WEB" 125k
        say "  -> the network is back"
    fi
done
await_report 180 confirmed
wait_until 10 device_runs 4.0.0 b || die "the device does not run 4.0.0 from slot b"
record 6 4.0.0 confirmed "$mark"
twice=$(server_refetched "$mark" | tr '\n' ' ')
read -r -a parts <<< "$twice"
[ ${#parts[@]} -eq 3 ] || die "expected three resumptions, not ${#parts[@]}: $twice"
total=$((parts[0] + parts[1] + parts[2]))
say "  fetched a second time after the interruptions: ${twice}bytes, $total in all"
[ "$total" -le "$BLOCK" ] || die "more than a block of $BLOCK bytes was fetched twice"

step 7 "5.0.0 is published, but between the publisher and the device there is now a mirror that cannot be trusted"
server_stop
publish 5.0.0
running=$(device_slot_digest b)

mirror_make
mirror_flip_byte
try_mirror "flips one byte of the image" "REJECT_HASH REJECT_CORRUPT"

mirror_make
cp "$WORK/old-timestamp.json" "$MIRROR/p/thermostat/metadata/timestamp.json"
try_mirror "serves an old timestamp" "REJECT_ROLLBACK"

mirror_make
mirror_grow
try_mirror "serves a bigger file" "REJECT_LENGTH"

device_stop
say ""
say "All seven updates ended as they must. $WORK/summary.json:"
cat "$WORK/summary.json"
