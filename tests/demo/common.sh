# SPDX-License-Identifier: Apache-2.0
# Shared by the tests of the example programs: a directory that goes away, checks that say what they saw, and a
# publisher whose repository is read by file: URLs, so no server is needed. Sourced; $1 is the build directory.
set -euo pipefail

BUILD=$1
DIR=$(mktemp -d /tmp/ota-test-XXXXXX)
PIDS=()
CHECKS=0

gone() { ! kill -0 "$1" 2>/dev/null; }

stop()
{
    kill -TERM "$1" 2>/dev/null || true
    wait_until 10 gone "$1" || kill -KILL "$1" 2>/dev/null || true
    wait "$1" 2>/dev/null || true
}

clean_up()
{
    local pid
    trap - EXIT
    for pid in "${PIDS[@]}"; do
        stop "$pid"
    done
    rm -rf "$DIR"
}
trap clean_up EXIT

fail()
{
    echo "FAILED: $*" >&2
    [ ! -f "$DIR/log" ] || tail -n 40 "$DIR/log" >&2
    exit 1
}

wait_until()
{
    local left=$(($1 * 20))
    shift
    until "$@"; do
        [ "$left" -gt 0 ] || return 1
        left=$((left - 1))
        sleep 0.05
    done
}

# expect STATUS TEXT COMMAND...: the command must end with STATUS and print TEXT somewhere.
expect()
{
    local status=0 want=$1 text=$2 out
    shift 2
    out=$("$@" 2>&1) || status=$?
    CHECKS=$((CHECKS + 1))
    [ "$status" -eq "$want" ] || fail "$*: status $status, expected $want: $out"
    [[ "$out" == *"$text"* ]] || fail "$*: said \"$out\", expected \"$text\""
}

publisher() { "$BUILD/tools/ota-repo" --dir "$DIR/publisher" "$@" >> "$DIR/publisher.log" 2>&1 || fail "ota-repo $*: $(cat "$DIR/publisher.log")"; }

publish()
{
    publisher image add "$3" --product thermostat --component "$1" --version "$2" --delta-from none --no-index "${@:4}"
    publisher deploy --product thermostat --group production --os-feed none --image "$1=$2"
}

make_publisher()
{
    publisher init
    publisher product add thermostat --component os --component app
}

WEB="$DIR/publisher/web"
