#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: block_slots.sh BUILD-DIR
# ota-agent with block devices for slots (loop devices; skipped, status 77, where there are none to be had): installs
# through a link such as those of /dev/disk, refuses a slot that is named twice or mounted.
. "$(dirname "$0")/common.sh"

AGENT="$BUILD/examples/posix-agent/ota-agent"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
DEV="$DIR/device"
CONFIG="$DIR/agent.json"
LOOPS=()

detach()
{
    umount "$DIR/mnt" 2>/dev/null || true
    [ ${#LOOPS[@]} -eq 0 ] || losetup -d "${LOOPS[@]}"
    clean_up
}
trap detach EXIT

attach() # FILE: its loop device becomes the last of LOOPS
{
    LOOPS+=("$(losetup -f --show "$1" 2>/dev/null)") || { unset 'LOOPS[-1]'; echo "Skipped: no loop devices"; exit 77; }
}

config() # SLOT-A SLOT-B
{
    cat > "$CONFIG" <<EOF
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DEV/state", "runtime_dir": "$DIR/run",
  "components": [ { "name": "os", "slots": [ { "block": "$1" }, { "block": "$2" } ] } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$WEB/p/thermostat/metadata/", "targets_url": "file://$WEB/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$WEB/p/thermostat/metadata/1.root.json" },
    { "name": "os", "metadata_url": "file://$WEB/os/metadata/", "targets_url": "file://$WEB/os/targets/", "prefixes": ["os/"],
      "root": "$WEB/os/metadata/1.root.json" } ],
  "times": { "retry_base_s": 1, "start_s": 1 }, "boot": { "type": "file", "path": "$DEV/boot" } }
EOF
}

agent() { "$AGENT" "$@" --config "$CONFIG"; }

mkdir -p "$DEV" "$DIR/mnt"
truncate -s 4M "$DIR/a" "$DIR/b"
dd if=/bin/true of="$DIR/a" conv=notrunc status=none
attach "$DIR/a"
attach "$DIR/b"
ln -s "${LOOPS[0]}" "$DEV/os-a"
ln -s "${LOOPS[1]}" "$DEV/os-b"
"$SUPERVISOR" --init a --max-boots 1 "$DEV/boot" "${LOOPS[@]}" > "$DIR/log" 2>&1 || true

make_publisher
publish os 1.0.0 /bin/true
config "${LOOPS[0]}" "$DEV/os-b"
expect 0 "up to date" agent check
config "${LOOPS[0]}" "$DEV/os-a"
expect 2 "components[0].slots[1].block: is the same slot as an earlier one" agent check
config "${LOOPS[0]}" "$DIR/b"
expect 6 "components[0].slots[1].block: $DIR/b: slot cannot be read, erased or written: Block device required" agent check

# The length is no multiple of anything, so that the last piece is not a whole block.
{ head -c 1000000 /dev/urandom; printf odd; } > "$DIR/two"
publish os 2.0.0 "$DIR/two"
config "${LOOPS[0]}" "$DEV/os-b"
if mkfs.ext2 -q "${LOOPS[1]}" 2>> "$DIR/log" && mount "${LOOPS[1]}" "$DIR/mnt" 2>> "$DIR/log"; then
    expect 7 "Device or resource busy" agent check
    umount "$DIR/mnt"
fi
expect 3 "a restart of the device is needed" agent check
cmp -n 1000003 "$DIR/two" "${LOOPS[1]}" || fail "slot b does not hold the image"
cmp -n "$(stat -c %s /bin/true)" /bin/true "${LOOPS[0]}" || fail "slot a was touched"
[ "$CHECKS" -ge 4 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks"
