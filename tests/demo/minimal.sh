#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: minimal.sh BUILD-DIR
# The smallest agent: it is up to date, then it brings a new image into its spare slot.
. "$(dirname "$0")/common.sh"

MINIMAL="$BUILD/examples/minimal/ota-minimal"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
DEV="$DIR/device"
URL="file://$WEB/p/thermostat/"

make_publisher
publish app 1.0.0 /bin/true
mkdir "$DEV"
cp /bin/true "$DEV/slot-a"
: > "$DEV/slot-b"
truncate -s 8M "$DEV/slot-a" "$DEV/slot-b"

expect 2 "usage" "$MINIMAL"
expect 1 "boot" "$MINIMAL" "$DEV" "$URL"
expect 0 "shut the device down" "$SUPERVISOR" --init a --max-boots 1 "$DEV/boot" "$DEV/slot-a" "$DEV/slot-b"
expect 1 "repos.root" "$MINIMAL" "$DEV" "$URL"
cp "$WEB/p/thermostat/metadata/1.root.json" "$DEV/root.json"
expect 0 "up to date" "$MINIMAL" "$DEV" "$URL"
publish app 2.0.0 /bin/cat
expect 0 "a restart of the device is needed" "$MINIMAL" "$DEV" "$URL"
cmp -n "$(stat -L -c %s /bin/cat)" /bin/cat "$DEV/slot-b" || fail "the spare slot does not hold the new image"
[ "$CHECKS" -eq 6 ] || fail "$CHECKS checks ran"
