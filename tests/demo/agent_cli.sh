#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: agent_cli.sh BUILD-DIR SOURCE-DIR
# ota-agent from the outside: exit statuses, messages that name the key, two agents on one state, the running agent's
# answers, and that a look at a device at rest leaves no trace.
. "$(dirname "$0")/common.sh"

SOURCE=$2
AGENT="$BUILD/examples/posix-agent/ota-agent"
SUPERVISOR="$BUILD/examples/boot-supervisor/ota-boot-supervisor"
IMAGE=/bin/true
DEV="$DIR/device"
CONFIG="$DIR/agent.json"

# config [MEMBERS]: health and deferral are what the tests vary.
config()
{
    cat > "$CONFIG" <<EOF
{ "product": "thermostat", "group": "production", "device_id": "t-1", "state_dir": "$DEV/state", "runtime_dir": "$DIR/run",
  "components": [ { "name": "os", "slots": [ { "file": "$DEV/a", "size": 8388608 }, { "file": "$DEV/b", "size": 8388608 } ] } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$WEB/p/thermostat/metadata/", "targets_url": "file://$WEB/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$DEV/product.root.json" },
    { "name": "os", "metadata_url": "file://$WEB/os/metadata/", "targets_url": "file://$WEB/os/targets/", "prefixes": ["os/"],
      "root": "$DEV/os.root.json" } ],
  "times": { "poll_s": 600, "retry_base_s": 1, "health_deadline_s": 30, "start_s": 1 },
  "boot": { "type": "file", "path": "$DEV/boot" } ${1:-} }
EOF
}

agent() { "$AGENT" "$@" --config "$CONFIG"; }
boot_once() { "$SUPERVISOR" --init a --max-boots 1 "$DEV/boot" "$DEV/a" "$DEV/b" >> "$DIR/log" 2>&1; }
answers() { [[ "$(agent status --json 2>/dev/null)" == *"$1"* ]]; }
trace() { find "$DEV" -type f -printf '%p %s %T@\n' | sort; }

start_agent()
{
    "$AGENT" run --config "$CONFIG" >> "$DIR/log" 2>&1 &
    AGENT_PID=$!
    PIDS+=("$AGENT_PID")
    wait_until 10 answers '"agent_running":true' || fail "the agent does not answer"
}

# --- the command line
expect 0 "ota-agent 0." "$AGENT" --version
expect 0 "exit status" "$AGENT" --help
expect 2 "no command" "$AGENT"
expect 2 "unknown command: fly" "$AGENT" fly
expect 2 "unexpected argument: now" "$AGENT" check now
expect 2 "argument is missing" "$AGENT" defer
expect 2 "--frob" "$AGENT" run --frob

# --- the configuration
expect 2 "$DIR/none: No such file" "$AGENT" check --config "$DIR/none"
echo '{"product": 1}' > "$CONFIG"
expect 2 "product: must be a string" agent check
config ', "colour": "red"'
expect 2 "colour: is not a known key" agent check
config ', "tries": 99'
expect 2 "tries: must be an integer of 1 to 15" agent check
cp "$SOURCE/examples/posix-agent/agent.json" "$CONFIG"
sed -i "s|/var/lib/ota|$DIR/none/state|" "$CONFIG"
expect 6 "state_dir: $DIR/none/state" agent check

# --- the device
mkdir -p "$DEV"
make_publisher
publish os 1.0.0 "$IMAGE"
config
expect 6 "repositories[0].root: $DEV/product.root.json" agent check
cp "$WEB/p/thermostat/metadata/1.root.json" "$DEV/product.root.json"
cp "$WEB/os/metadata/1.root.json" "$DEV/os.root.json"
expect 6 "boot.path: $DEV/boot: boot control failed: No such file" agent check
cp "$IMAGE" "$DEV/a"
truncate -s 8388608 "$DEV/a"
boot_once || true
truncate -s 100 "$DEV/b"
expect 6 "components[0].slots[1].file: $DEV/b" agent check
rm "$DEV/b"
expect_same() # NAME: slot b is slot a by another name; an update would overwrite what runs
{
    sed "s|$DEV/b\"|$1\"|" "$CONFIG" > "$CONFIG.same"
    expect 2 "components[0].slots[1].file: is the same slot as an earlier one" "$AGENT" check --config "$CONFIG.same"
}
ln "$DEV/a" "$DEV/hard"
expect_same "$DEV/hard"
expect_same "$DEV/../device/a"
rm "$DEV/hard"
config ', "health": { "command": ["/nowhere/health"] }'
expect 2 "health.command: /nowhere/health: configuration missing or out of range: No such file" agent check
config
sed "s|$DEV/os.root.json|$DEV|" "$CONFIG" > "$CONFIG.dir"
expect 6 "repositories[1].root: $DEV: no trusted root metadata: Is a directory" "$AGENT" check --config "$CONFIG.dir"
touch "$DIR/pem"
config ", \"net\": { \"client_cert\": \"$DIR/none\", \"client_key\": \"$DIR/pem\" }"
expect 2 "ota-agent: net.client_cert: configuration" agent check
config ", \"net\": { \"client_cert\": \"$DIR/pem\", \"client_key\": \"$DIR/none\" }"
expect 2 "ota-agent: net.client_key: configuration" agent check
hawkbit() { config ", \"hawkbit\": { \"url\": \"$1\", \"target_token_file\": \"$DIR/token\" }"; }
hawkbit https://h.invalid/
expect 2 "hawkbit.target_token_file: No such file" agent check
install -m 600 /dev/null "$DIR/token"
expect 2 "hawkbit.target_token_file: holds no token" agent check
echo t0k > "$DIR/token"
chmod 640 "$DIR/token"
expect 2 "hawkbit.target_token_file: may be read by others" agent check
chmod 600 "$DIR/token"
hawkbit http://h.invalid/
expect 2 "hawkbit.url" agent check
config
sed 's|file://|http://|' "$CONFIG" > "$CONFIG.http"
expect 2 "repositories.metadata_url" "$AGENT" check --config "$CONFIG.http"

# --- at rest
expect 0 "up to date" agent check
before=$(trace)
expect 0 '"agent_running":false' agent status --json
expect 0 "not running" agent status
[ "$(trace)" = "$before" ] || fail "status left a trace"
expect 1 "no agent runs" agent defer 5
expect 1 "no agent runs" agent confirm

# --- running
start_agent
expect 7 "another agent uses" agent check
expect 7 "another agent uses" agent run
sed "s|$DEV/state|$DIR/other|; s|$DEV/b\"|$DIR/other-b\"|" "$CONFIG" > "$CONFIG.other"
expect 6 "runtime_dir: an agent with another state_dir listens there" "$AGENT" run --config "$CONFIG.other"
expect 0 '"state":"idle"' agent status --json
chmod 755 "$DIR"
if [ "$(id -u)" -eq 0 ]; then
    expect 1 "the agent cannot be asked: runtime_dir: $DIR/run: Permission denied" \
        setpriv --reuid=65534 --regid=65534 --clear-groups "$AGENT" confirm --config "$CONFIG"
fi
expect 0 "agent:        running" agent status
expect 0 "deferred for 60 s" agent defer 60
expect 0 '"deferred"' agent status --json
expect 0 "deferred for 0 s" agent defer 0
expect 2 "not a number in range" agent defer soon
expect 5 "not allowed in this state" agent confirm
expect 5 "not allowed in this state" agent reject 3
before=$(trace)
sleep 1
[ "$(trace)" = "$before" ] || fail "an idle agent writes"
stop "$AGENT_PID"
[ ! -e "$DIR/run/agent.sock" ] || fail "the socket was left behind"

# --- an update that the application judges
publish os 2.0.0 "$BUILD/tests/demo/demo_image"
expect 3 "a restart of the device is needed" agent check
expect 3 "restart" agent check
boot_once || true
start_agent
wait_until 10 answers '"state":"trial"' || fail "no trial"
expect 0 '"holds":["trial"]' agent status --json
expect 0 "confirmed" agent confirm
wait_until 10 answers '"last_outcome":"confirmed"' || fail "not confirmed"
expect 0 '"running":"2.0.0","slot":"b"' agent status --json
stop "$AGENT_PID"

# --- and one that it condemns
publish os 3.0.0 "$IMAGE"
expect 3 "a restart of the device is needed" agent check
boot_once || true
start_agent
wait_until 10 answers '"state":"trial"' || fail "no second trial"
expect 0 "rejected" agent reject 42
wait_until 10 gone "$AGENT_PID" || fail "the agent does not ask for the restart back"
boot_once || true
expect 5 "application rejected the new image (health.application)" agent check # the verdict on the trial is told, once
expect 0 "held back by: blocked" agent check
expect 0 '"last_outcome":"rolled_back"' agent status --json
expect 0 '"port_code":42' agent status --json

# --- server gone
mv "$WEB" "$WEB.away"
expect 4 "" agent check
[ "$CHECKS" -ge 48 ] || fail "only $CHECKS checks ran"
echo "$CHECKS checks"
