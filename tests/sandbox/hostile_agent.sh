#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: hostile_agent.sh BUILD-DIR
# An agent whose fetcher somebody else has taken over, or that is killed at each of its packets: nothing is activated, the error is
# said, and with a good fetcher the update goes on to its end.
. "$(dirname "$0")/../demo/common.sh"

AGENT="$BUILD/tests/sandbox/ota-agent-hostile"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
DEV="$DIR/device"
CONFIG="$DIR/agent.json"
export OTA_TEST_HOSTILE="$DIR/order" OTA_TEST_OLDER="$DIR/1.0.0"

config() # MODE
{
    cat > "$CONFIG" <<EOT
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DEV/state", "runtime_dir": "$DIR/run",
  "components": [ { "name": "os", "slots": [ { "file": "$DEV/a" }, { "file": "$DEV/b" } ], "factory_version": "1.0.0" } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$WEB/p/thermostat/metadata/", "targets_url": "file://$WEB/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$DIR/product.root.json" },
    { "name": "os", "metadata_url": "file://$WEB/os/metadata/", "targets_url": "file://$WEB/os/targets/", "prefixes": ["os/"],
      "root": "$DIR/os.root.json" } ],
  "times": { "retry_base_s": 1 }, "health": { "command": ["/bin/true"] }, "boot": { "type": "file", "path": "$DEV/boot" },
  "sandbox": { "mode": "$1" } }
EOT
}

agent() { "$AGENT" "$@" --config "$CONFIG"; }
factory() { rm -rf "$DEV"; cp -r "$DIR/fresh" "$DEV"; rm -f "$OTA_TEST_HOSTILE"; }
same() { cmp -s -n "$(stat -c %s "$1")" "$1" "$2"; }

for version in 1.0.0 2.0.0; do
    { cat /bin/true; head -c 1500000 /dev/urandom; } > "$DIR/$version"
done
make_publisher
publish os 1.0.0 "$DIR/1.0.0"
publish os 2.0.0 "$DIR/2.0.0"
cp "$WEB/p/thermostat/metadata/1.root.json" "$DIR/product.root.json"
cp "$WEB/os/metadata/1.root.json" "$DIR/os.root.json"
mkdir "$DIR/fresh"
cp "$DIR/1.0.0" "$DIR/fresh/a"
truncate -s 4194304 "$DIR/fresh/a" "$DIR/fresh/b"
"$SUPERVISOR" --init a --max-boots 1 "$DIR/fresh/boot" "$DIR/fresh/a" "$DIR/fresh/b" >> "$DIR/log" 2>&1 || fail "boot"
config on

nothing_activated() { same "$DIR/fresh/boot" "$DEV/boot" && same "$DIR/fresh/a" "$DEV/a"; }

# --- one misdeed after the other, on one device; then a good fetcher
factory
for misdeed in GONE_AT_ONCE GONE_AFTER_HEAD FRAME_LONG FRAME_LIES_UP FRAME_GARBAGE FRAME_TYPE OTHER_EXCHANGE HEAD_ETAG HEAD_RANGE DATA_BEFORE_HEAD \
    RESULT_OK RESULT_REJECT DESCRIPTOR; do
    echo "$misdeed" > "$OTA_TEST_HOSTILE"
    expect 4 "server" agent check
    nothing_activated || fail "$misdeed: something was activated"
done
echo ENDLESS > "$OTA_TEST_HOSTILE"
expect 5 "REJECT_LIMIT at product: root" agent check
nothing_activated || fail "ENDLESS: something was activated"
rm "$OTA_TEST_HOSTILE"
expect 3 "restart" agent check
same "$DIR/2.0.0" "$DEV/b" || fail "another image is in the slot"

# --- a fetcher that hands out an older image, of which it says all that is true of the right one
factory
echo OLDER > "$OTA_TEST_HOSTILE"
status=0
out=$(agent check 2>&1) || status=$?
[ "$status" -eq 4 ] || [ "$status" -eq 5 ] || fail "an older image: status $status: $out"
nothing_activated || fail "an older image was activated"
rm "$OTA_TEST_HOSTILE"
expect 3 "restart" agent check
same "$DIR/2.0.0" "$DEV/b" || fail "an older image is in the slot"

# --- killed at a packet
killed=0
for n in 0 1 2 3 4 5 9 14 $((20 + RANDOM % 10)) $((31 + RANDOM % 20)) $((52 + RANDOM % 20)); do
    factory
    echo "KILL $n" > "$OTA_TEST_HOSTILE"
    status=0
    for try in 1 2 3; do
        out=$(agent check 2>&1) && status=0 || status=$?
        echo "$out" >> "$DIR/log"
        [[ "$out" != *"fetcher killed"* ]] || killed=$((killed + 1))
        [ "$status" -eq 4 ] || break
        nothing_activated || fail "KILL $n: something was activated"
    done
    [ "$status" -eq 3 ] || fail "KILL $n: status $status after $try tries"
    same "$DIR/2.0.0" "$DEV/b" || fail "KILL $n: another image is in the slot"
done
[ "$killed" -ge 8 ] || fail "only $killed fetchers were killed in time"

# --- what the agent says of its sandbox; it can be demanded where the kernel has all of it
mv "$WEB" "$DIR/away"
said() { [[ "$(agent status --json 2>/dev/null)" == *'"writer":{"has":['*'"fetcher":{"has":['* ]]; }
says_what_it_has() # MODE
{
    factory
    config "$1"
    "$AGENT" run --config "$CONFIG" >> "$DIR/log" 2>&1 &
    PIDS+=("$!")
    wait_until 30 said || fail "the agent says nothing of its sandbox: $(agent status --json)"
    HELD=$(agent status --json)
    CHECKS=$((CHECKS + 1))
    stop "$!"
}
says_what_it_has on
[[ "$HELD" != *'"landlock_abi":0'* && "$HELD" == *'"seccomp"'* ]] && says_what_it_has required
echo "$CHECKS checks, $killed fetchers killed"
