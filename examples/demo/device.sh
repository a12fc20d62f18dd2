# SPDX-License-Identifier: Apache-2.0
# The device of the demonstration, what can be seen of it from outside, and the mirror. Sourced by run.sh.

DEVICE="$WORK/device"
ID=thermostat-0001

device_make()
{
    local base="http://127.0.0.1:$PORT"
    cp "$IMAGES/thermostat-1.0.0" "$DEVICE/slot-a.img"
    : > "$DEVICE/slot-b.img"
    truncate -s "$SLOT_BYTES" "$DEVICE/slot-a.img" "$DEVICE/slot-b.img"
    cp "$WEB/os/metadata/1.root.json" "$DEVICE/os.root.json"
    cp "$WEB/p/thermostat/metadata/1.root.json" "$DEVICE/product.root.json"
    cat > "$DEVICE/agent.json" <<EOF
{
  "product": "thermostat", "group": "production", "device_id": "$ID",
  "state_dir": "$DEVICE/state", "runtime_dir": "$RUN_DIR",
  "components": [
    { "name": "os", "slots": [ { "file": "$DEVICE/slot-a.img" }, { "file": "$DEVICE/slot-b.img" } ], "factory_version": "1.0.0" }
  ],
  "repositories": [
    { "name": "product", "metadata_url": "$base/p/thermostat/metadata/", "targets_url": "$base/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$DEVICE/product.root.json" },
    { "name": "os", "metadata_url": "$base/os/metadata/", "targets_url": "$base/os/targets/",
      "prefixes": ["os/"], "root": "$DEVICE/os.root.json" }
  ],
  "boot": { "type": "file", "path": "$DEVICE/boot" },
  "health": { "command": ["/bin/sh", "-c", "exec \"\$OTA_SELF\" --health"], "timeout_s": 10 },
  "report_url": "$base/reports/", "tries": 3, "plain_http": true,
  "limits": { "block": $CHECKPOINT },
  "times": { "poll_s": 1, "retry_base_s": 1, "retry_cap_s": 2, "health_deadline_s": 20, "start_s": 1 }
}
EOF
}

device_start()
{
    THERMOSTAT_AGENT="$AGENT" THERMOSTAT_CONFIG="$DEVICE/agent.json" "$SUPERVISOR" --init a \
        "$DEVICE/boot" "$DEVICE/slot-a.img" "$DEVICE/slot-b.img" >> "$WORK/device.log" 2>&1 &
    SUPERVISOR_PID=$!
    tail --pid="$SUPERVISOR_PID" -s 0.2 -n +1 -f "$WORK/device.log" |
        sed -u -e '/check-in: nothing changed/d' -e 's/^/     device | /' &
}

device_stop()
{
    [ -n "$SUPERVISOR_PID" ] || return 0
    kill -TERM "$SUPERVISOR_PID" 2>/dev/null || true
    wait_until 10 gone "$SUPERVISOR_PID" || kill -KILL "$SUPERVISOR_PID" 2>/dev/null || true
    wait "$SUPERVISOR_PID" 2>/dev/null || true
    SUPERVISOR_PID=
    sleep 0.5 # for what it said last to be shown
}

device_status()
{
    "$AGENT" status --json --config "$DEVICE/agent.json" 2>/dev/null || true
}

# device_is STATE PATTERN: the agent runs, is in this state, and its status has the pattern.
device_is()
{
    local status
    status=$(device_status)
    [[ "$status" == *'"agent_running":true'* && "$status" == *"\"state\":\"$1\""* && "$status" == *"$2"* ]]
}

device_said()
{
    grep -q "$1" "$WORK/device.log"
}

# device_runs VERSION SLOT: by what the image itself said last, and by what the agent says.
device_runs()
{
    [ "$(sed -n 's/^\(thermostat .* running from slot .\)$/\1/p' "$WORK/device.log" | tail -n 1)" = "thermostat $1 running from slot $2" ] &&
        [[ "$(device_status)" == *"\"running\":\"$1\",\"slot\":\"$2\""* ]]
}

field()
{
    sed -n "s/.*\"$1\":\"\{0,1\}\([A-Za-z0-9_. -]*\).*/\1/p"
}

device_percent()
{
    local status done length
    status=$(device_status)
    done=$(field done <<< "$status")
    length=$(field length <<< "$status")
    [ "${length:-0}" -gt 0 ] && echo $((done * 100 / length)) || echo 0
}

# device_slot_prefix SLOT VERSION: so many bytes of the slot are already those of the version's image, in whole sectors: behind
# what was written, a few bytes of the image before may be the same.
device_slot_prefix()
{
    { cmp "$DEVICE/slot-$1.img" "$IMAGES/thermostat-$2" || true; } | sed 's/.*byte \([0-9]*\),.*/\1/' | awk '{ n = $1 - 1; print n - n % 512 }'
}

# "ENCODING, WHY" of the update under way or the last one.
device_way()
{
    local status
    status=$(device_status)
    echo "$(field encoding <<< "$status"), $(field why <<< "$status")"
}

# Where the last download began.
device_resumed_at()
{
    sed -n 's/.*component 0: download starts at byte \([0-9]*\).*/\1/p' "$WORK/device.log" | tail -n 1
}

device_has()
{
    [ "$(device_percent)" -ge "$1" ]
}

device_agent_pid()
{
    local pid
    pid=$(device_status | field agent_pid)
    [ "${pid:-0}" -gt 1 ] || die "no agent to be seen"
    echo "$pid"
}

device_slot_digest()
{
    sha256sum < "$DEVICE/slot-$1.img" | cut -d ' ' -f 1
}

# Every file of the device with the time it was last written.
device_last_write()
{
    find "$DEVICE" -type f -printf '%p %T@\n' | sort
}

# -------------------------------------------------------------------------------------------------------- reports --

# Reports have increasing numbers; repeated refusals take a new number each, so some may be skipped.
next_report()
{
    local n
    for n in $(cd "$WORK/inbox/reports" && find . -name '*.json' | sed 's/.*[-/]\([0-9]*\)\.json$/\1/' | sort -n); do
        if [ "$n" -gt "$LAST_REPORT" ]; then
            REPORT=$n
            return 0
        fi
    done
    return 1
}

# await_report SECONDS OUTCOME: the next report must come in time and must say so. Sets CAUSE and CAUSE_TEXT.
await_report()
{
    local text outcome where
    wait_until "$1" next_report || die "no report within $1 s"
    LAST_REPORT=$REPORT
    text=$(cat "$WORK/inbox/reports/$ID/"*"-$REPORT.json")
    outcome=$(field outcome <<< "$text")
    CAUSE=$(field name <<< "$text")
    where=$(sed -n 's/.*"where":"\([^"]*\)".*/\1/p' <<< "$text")
    [ "$CAUSE" = OK ] && CAUSE_TEXT= || CAUSE_TEXT="$CAUSE${where:+ at $where}"
    sleep 0.3
    say "  report $REPORT received: $outcome${CAUSE_TEXT:+, because of $CAUSE_TEXT}"
    [ "$outcome" = "$2" ] || die "the report says $outcome, not $2"
}

# await_refusal CAUSES: a report about the mirror before may still have been on its way; the one after it may not.
await_refusal()
{
    local try
    for try in 1 2; do
        await_report 60 refused
        [[ " $1 " != *" $CAUSE "* ]] || return 0
    done
    die "refused for $CAUSE, expected one of: $1"
}

# record STEP PUBLISHED OUTCOME MARK [MORE]: add what was seen to summary.json, and MORE members.
record()
{
    local status
    status=$(device_status)
    STEPS+=("$(printf '{"step": %s, "published": "%s", "outcome": "%s", "running": "%s", "slot": "%s", "bytes_fetched": %s, "bytes_image": %s, "cause": "%s"%s}' \
        "$1" "$2" "$3" "$(field running <<< "$status")" "$(field slot <<< "$status")" "$(server_image_bytes "$4")" \
        "$(stat -c %s "$IMAGES/thermostat-$2")" "$CAUSE_TEXT" "${5:+, $5}")")
    {
        printf '{"steps": [\n'
        printf '  %s' "${STEPS[0]}"
        [ ${#STEPS[@]} -eq 1 ] || printf ',\n  %s' "${STEPS[@]:1}"
        printf '\n]}\n'
    } > "$WORK/summary.json.new"
    mv "$WORK/summary.json.new" "$WORK/summary.json"
}

# --------------------------------------------------------------------------------------------------------- mirror --

mirror_make()
{
    rm -rf "$MIRROR"
    cp -a "$WEB" "$MIRROR"
}

mirror_images()
{
    find "$MIRROR/os/targets/os/img" -name '*.thermostat-5.0.0.img*'
}

mirror_flip_byte()
{
    local file at byte
    mirror_images | while read -r file; do
        at=$(($(stat -c %s "$file") / 2))
        byte=$(od -An -tu1 -j "$at" -N 1 "$file")
        printf "\\x$(printf %02x $((byte ^ 1)))" | dd of="$file" bs=1 seek="$at" conv=notrunc status=none
    done
}

mirror_grow()
{
    local file
    mirror_images | while read -r file; do
        head -c 4096 /dev/zero >> "$file"
    done
}

# try_mirror WHAT-IT-DOES CAUSES: the device must refuse for one of the causes and stay as it is.
try_mirror()
{
    local mark
    mark=$(server_mark)
    say ""
    say "  -> the mirror $1"
    server_stop
    LAST_REPORT=$(latest_report)
    server_start "$MIRROR" 2m
    await_refusal "$2"
    device_runs 4.0.0 b || die "the device does not run 4.0.0 from slot b any more"
    [ "$(device_slot_digest b)" = "$running" ] || die "the running slot was touched"
    record 7 5.0.0 refused "$mark"
    say "  4.0.0 runs on; slot b is untouched"
}

latest_report()
{
    find "$WORK/inbox/reports" -name '*.json' | sed 's/.*[-/]\([0-9]*\)\.json$/\1/' | sort -n | tail -n 1
}
