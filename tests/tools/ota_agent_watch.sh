#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A real agent reads again what runs: a byte that changes is told, reverted, or stops it, and its report reaches a server.
# Usage: ota_agent_watch.sh OTA_REPO BUILD_DIR OTA_AGENT OTA_BOOT_SUPERVISOR IMAGE
agent=$(realpath "$3")
supervisor=$(realpath "$4")
program=$(realpath "$5")
. "$(dirname "$0")/support.sh"
P="--product thermostat"
d=$work/dev
mkdir -p "$d" "$work/reports"
server=
running=
trap 'kill $server $running 2>/dev/null; rm -rf "$work"' EXIT

# Takes whatever is PUT, one file for each.
cat >"$work/server.py" <<'END'
import http.server, sys
class H(http.server.BaseHTTPRequestHandler):
    def do_PUT(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        open(sys.argv[1] + "/" + self.path.replace("/", "_"), "wb").write(body)
        self.send_response(204)
        self.end_headers()
    def log_message(self, *args):
        pass
s = http.server.HTTPServer(("127.0.0.1", 0), H)
open(sys.argv[2], "w").write(str(s.server_port))
s.serve_forever()
END
python3 "$work/server.py" "$work/reports" "$work/port" &
server=$!
# until SECONDS COMMAND...: poll on a condition
until_true() {
    left=$(($1 * 10))
    shift
    while ! "$@" >/dev/null 2>&1; do
        left=$((left - 1))
        [ "$left" -gt 0 ] || return 1
        sleep 0.1
    done
}
ok "the server is up" until_true 30 test -s "$work/port"

# An image is a program; what lies behind it is none of its.
export IMAGE_A=0 IMAGE_B=0 IMAGE_TRACE=$work/trace
image() { # VERSION
    { cat "$program" && printf 'version %s\n' "$1" && seq 1 20000; } >"$work/app.img"
    size=$(stat -c %s "$work/app.img")
}
image 1.0.0
ok "a product" sh -c "'$ota_repo' --dir '$dir' init $P && '$ota_repo' --dir '$dir' image add '$work/app.img' $P --component app --version 1.0.0 &&
    '$ota_repo' --dir '$dir' deploy $P --group production --image app=1.0.0 --os-feed none" >/dev/null
cp "$dir/web/p/thermostat/metadata/1.root.json" "$d/product.json"
cp "$program" "$d/a"
: >"$d/b"
truncate -s 8388608 "$d/a" "$d/b"
chmod +x "$d/a" "$d/b"
config() { # ANSWER
    cat >"$d/agent.json" <<END
{ "product": "thermostat", "group": "production", "device_id": "dev-1", "state_dir": "$d/state", "runtime_dir": "$d/run",
  "components": [ { "name": "app", "slots": [ { "file": "$d/a", "size": 8388608 }, { "file": "$d/b", "size": 8388608 } ] } ],
  "repositories": [ { "name": "product", "metadata_url": "file://$dir/web/p/thermostat/metadata/",
      "targets_url": "file://$dir/web/p/thermostat/targets/", "prefixes": [ "app/", "group/" ], "root": "$d/product.json" } ],
  "boot": { "type": "file", "path": "$d/boot" }, "health": { "command": [ "/bin/true" ] }, "plain_http": true,
  "report_url": "http://127.0.0.1:$(cat "$work/port")/r/", "times": { "start_s": 1 },
  "monitor": { "answer": "$1", "pace": 4096, "every_ms": 5, "rest_s": 1 } }
END
}
check() { # STATUS
    "$agent" check --config "$d/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    [ "$got" -eq "$1" ] || { echo "check: exit $got, expected $1"; return 1; }
}
boot() { "$supervisor" --max-boots 1 "$d/boot" "$d/a" "$d/b" >"$work/out" 2>"$work/err"; }
begin() { # the agent runs
    "$agent" run --config "$d/agent.json" >"$work/agent.out" 2>"$work/agent.err" &
    running=$!
}
ends() { # STATUS: within a minute
    until_true 60 sh -c "! kill -0 $running 2>/dev/null" || return 1
    wait "$running"
    got=$?
    running=
    [ "$got" -eq "$1" ] || { echo "run: exit $got, expected $1"; tail -5 "$work/agent.err"; return 1; }
}
tell() { "$agent" status --json --config "$d/agent.json"; }
status_has() { tell | grep -qF -e "$1"; }
told() { # three texts of one report
    for report in "$work"/reports/*; do
        [ -f "$report" ] && grep -qF -e "$1" "$report" && grep -qF -e "$2" "$report" && grep -qF -e "$3" "$report" && return 0
    done
    return 1
}
# spoil SLOT OFFSET: one byte
spoil() { printf '~' | dd of="$d/$1" bs=1 seek="$2" conv=notrunc 2>/dev/null; }
whole() { cmp -s -n "$size" "$work/app.img" "$d/$1"; }

config report
ok "init" "$supervisor" --init a --max-boots 1 "$d/boot" "$d/a" "$d/b"
ok "an update" check 3
ok "its trial" boot
ok "its confirmation" check 0
ok "it is in slot b" whole b
begin
ok "it is watched" until_true 60 status_has '"known":true,"found":"fine"'
ok "and whole" until_true 60 sh -c "'$agent' status --config '$d/agent.json' | grep -qE 'app is fine, [1-9][0-9]* rounds'"
spoil b $((size - 5000))
ok "a byte is noticed" until_true 60 status_has '"found":"tampered"'
ok "and told to the server" until_true 60 told '"event":"tampered"' '"name":"REJECT_HASH"' 'running slot 1'
ok "with what was done" told '"event":"tampered"' ': told' '"component":"app"'
if told '"event":"sick"' '"name"' 'health'; then bad "nothing else is told"; else good; fi
ok "it says so" sh -c "'$agent' status --config '$d/agent.json' | grep -q 'last finding: tampered, told (running slot 1'"
kill "$running"
ok "it stops when it is told to" ends 0

config stop
begin
ok "stop" ends 9

# No other slot holds anything that is known: no way back, and it says so.
config revert
begin
ok "no way back is told, too" until_true 60 told '"event":"tampered"' '"name":"REJECT_MISSING"' 'other slot 0: refused'
kill "$running"
ok "it goes on" ends 0

# 2.0.0 goes to slot a, then a byte of it changes: back to 1.0.0, which must be whole, and forth again.
image 1.0.0
dd if="$work/app.img" of="$d/b" conv=notrunc 2>/dev/null
image 2.0.0
ok "2.0.0" sh -c "'$ota_repo' --dir '$dir' image add '$work/app.img' $P --component app --version 2.0.0 --delta-from none --no-index &&
    '$ota_repo' --dir '$dir' deploy $P --group production --image app=2.0.0 --os-feed none" >/dev/null
ok "comes" check 3
ok "and boots" boot
ok "and is confirmed" check 0
ok "in slot a" whole a
rm -f "$work"/reports/*
spoil a $((size - 5000))
begin
ok "it restarts into the other slot" ends 3
ok "which boots" boot
ok "slot b runs" sh -c "'$agent' status --config '$d/agent.json' | grep -q 'in slot b'"
ok "and is confirmed" check 0
ok "the way back is told" told '"event":"tampered"' '"name":"REJECT_HASH"' 'running slot 0'
ok "with what was done: reverted" told '"event":"tampered"' ': reverted' '"component":"app"'
ok "what changed comes anew" check 3
ok "and boots again" boot
ok "and is confirmed again" check 0
ok "whole" whole a
for bad in '"answer":"panic"|monitor.answer' '"answer":"stop","pace":1000|monitor.pace' '"pace":1024|monitor.answer' '"answer":"stop","every":1|monitor.every'; do
    sed -i "s/\"monitor\": {[^}]*}/\"monitor\": { ${bad%|*} }/" "$d/agent.json"
    "$agent" status --config "$d/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    if [ $got -eq 2 ] && grep -qF -e "${bad#*|}" "$work/err"; then good; else bad "$bad: exit $got"; fi
done
finish
