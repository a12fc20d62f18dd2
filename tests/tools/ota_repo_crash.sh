#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Every command is stopped after each of its renames in turn, as by a power cut. What devices see must verify each time,
# and the same command must then complete. The third argument is the piece of the commands to try: images, keys or init.
. "$(dirname "$0")/support.sh"
make_published || bad "cannot prepare"
add_image os 2.0.0 && repo feed set retail --product thermostat --image os=1.0.0 || bad "cannot prepare"
mv "$dir" "$work/base"
seq 3 30000 >"$work/three.img"
stops=0

# once N COMMAND...: on a fresh copy, stop after rename N, look, repeat. @return 1 when N was beyond the end
once() {
    n=$1
    shift
    rm -rf "$dir"
    cp -a "$work/base" "$dir"
    OTA_REPO_STOP_AFTER=$n repo "$@"
    status=$?
    [ "$status" -eq 0 ] && return 1
    stops=$((stops + 1))
    [ "$status" -eq 75 ] || bad "$*: stop $n: exit $status"
    ok "$*: stop $n: devices see a whole repository" repo verify
    ok "$*: stop $n: repeating it completes" repo "$@"
    ok "$*: stop $n: and verifies" repo verify
    return 0
}

# every MIN COMMAND...: all stops; there must be at least MIN of them.
every() {
    min=$1
    shift
    n=1
    while once "$n" "$@"; do n=$((n + 1)); done
    ok "$*: completes without a stop" repo verify
    ok "$*: has $min or more stops" test $((n - 1)) -ge "$min"
}

images() {
    every 5 image add "$work/three.img" --product thermostat --component os --version 3.0.0
    every 5 image add "$work/three.img" --product thermostat --component app --version 3.0.0
    every 4 deploy --product thermostat --group production --image os=2.0.0 --image app=1.0.0
    every 4 withdraw --product thermostat --group production
    every 4 feed set retail --product thermostat --image os=2.0.0
    every 3 image remove --product thermostat --component os --version 2.0.0
    every 10 product add heater
    every 1 group add Beta --product thermostat

    # After the stop and the repetition, the command has done what it says.
    once 3 deploy --product thermostat --group production --image os=2.0.0 --image app=1.0.0
    ok "a stopped deployment is not counted twice" repo deploy --product thermostat --group production --image os=2.0.0 \
        --image app=1.0.0 --json
    ok "it is number 2" test "$(member seq)" = 2
}

keys() {
    every 2 refresh --product thermostat
    every 13 refresh --all
    every 2 key rotate root
    every 4 key rotate timestamp
    every 4 key rotate snapshot
    every 5 key rotate targets
    every 5 key rotate groups --product thermostat
    every 4 key add timestamp --threshold 2
}

# There is nothing for devices to see before the end; repeating it must complete.
init() {
    n=1
    while :; do
        rm -rf "$dir"
        OTA_REPO_STOP_AFTER=$n repo init --product thermostat && break
        stops=$((stops + 1))
        ok "init: stop $n: repeating it completes" repo init --product thermostat
        ok "init: stop $n: and verifies" repo verify
        n=$((n + 1))
    done
}

case $3 in
    images | keys | init) "$3" ;;
    *) bad "there is no piece $3" ;;
esac
ok "20 or more stops" test "$stops" -ge 20
finish
