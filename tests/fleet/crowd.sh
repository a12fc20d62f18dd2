#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# crowd.sh CROWD OTA-REPO TOTAL AT-ONCE SECONDS: real agents against nginx on the loopback. All must update and report, each over
# one connection, in bounded time and memory; ota-repo reads what nginx stored of their reports.
set -euo pipefail
crowd=$1 repo=$2 total=$3 at_once=$4 seconds=$5
nginx=$(PATH="$PATH:/usr/sbin" command -v nginx) || { echo "SKIPPED: nginx is missing"; exit 77; }
work=$(mktemp -d /tmp/ota-crowd-XXXXXX)
pid=
clean_up() {
    [ -z "$pid" ] || kill "$pid" 2>/dev/null || true
    [ -z "$pid" ] || wait "$pid" 2>/dev/null || true
    rm -rf "$work"
}
trap clean_up EXIT
passed=0
fail() { echo "FAIL: $*"; echo "$passed passed, 1 failed"; exit 1; }
check() { # check WHAT COMMAND...
    local what=$1
    shift
    "$@" || fail "$what"
    passed=$((passed + 1))
}

seq 1 4000 >"$work/app.img"
"$repo" --dir "$work/pub" init --product thermostat >/dev/null
"$repo" --dir "$work/pub" image add "$work/app.img" --product thermostat --component app --version 2.0.0 >/dev/null
"$repo" --dir "$work/pub" deploy --product thermostat --group production --image app=2.0.0 --os-feed none >/dev/null
mkdir -p "$work/inbox" "$work/tmp"
chmod -R a+rwX "$work" # nginx may run as somebody else

port=$((20000 + RANDOM % 20000))
cat >"$work/nginx.conf" <<CONF
daemon off; master_process off; pid $work/pid; error_log $work/error.log;
events { worker_connections 1024; }
http {
    log_format one '\$connection \$request_method \$status \$uri';
    access_log $work/access.log one;
    client_body_temp_path $work/tmp; proxy_temp_path $work/tmp; fastcgi_temp_path $work/tmp; uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
    keepalive_requests 100000;
    server {
        listen 127.0.0.1:$port;
        root $work/pub/web;
        location /reports/ { root $work/inbox; dav_methods PUT; create_full_put_path on; }
    }
}
CONF
"$nginx" -p "$work" -c "$work/nginx.conf" -e "$work/error.log" &
pid=$!
for _ in $(seq 100); do
    (exec 3<>"/dev/tcp/127.0.0.1/$port") 2>/dev/null && break
    sleep 0.1
done

root=$work/pub/web/p/thermostat/metadata/1.root.json
check "all update and report in time" "$crowd" "http://127.0.0.1:$port/" "$root" "$total" "$at_once" "$seconds" | tee "$work/out"
grep -q "confirmed=$total failed=0" "$work/out" || fail "$(cat "$work/out")"
kib=$(sed -n 's/.*peak_kib=//p' "$work/out")
check "memory is bounded: $kib KiB" test "$kib" -lt $((32768 + at_once * 512))
sleep 0.2
connections=$(awk '$2 != "" { print $1 }' "$work/access.log" | sort -u | wc -l)
check "one connection each: $connections, of which the first was ours" test "$connections" -le "$total"
requests=$(wc -l <"$work/access.log")
check "$requests requests" test "$requests" -le $((total * 16))
check "as many reports" test "$(grep -c ' PUT 201 ' "$work/access.log")" -eq "$total"
"$repo" reports "$work/inbox/reports" --json >"$work/reports.json"
check "which ota-repo reads" grep -q "\"bad\":0.*\"files\":$total,\"reports\":$total,.*\"devices\":$total,\"event\":\"update-confirmed\".*\"type\":\"planned\"" "$work/reports.json"
passed=$((passed + 1))
echo "$connections connections, $requests requests, $kib KiB"
echo "$passed passed, 0 failed"
