# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What tests of the attestation service share. Source it with: SERVICE DEVICE OTA_REPO BUILD_DIR [...]
set -u
service=$1
device=$2
ota_repo=$3
place=$4
if [ -d /dev/shm ] && [ -w /dev/shm ]; then place=/dev/shm; fi
work=$(mktemp -d "$place/attest.XXXXXX")
chmod 755 "$work"
passed=0
failed=0
service_pid=
nginx_pid=

stop_service() {
    [ -n "$service_pid" ] || return 0
    kill -TERM "$service_pid" 2>/dev/null
    wait "$service_pid"
    stopped=$?
    service_pid=
}

clean() {
    stop_service
    [ -z "$nginx_pid" ] || kill "$nginx_pid" 2>/dev/null
    rm -rf "$work"
}
trap clean EXIT
trap 'exit 1' HUP INT TERM

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL: $1"
    tail -n 5 "$work/out" "$work/err" 2>/dev/null | sed 's/^/    /'
}
# ok NAME COMMAND...
ok() {
    name=$1
    shift
    if "$@" >"$work/out" 2>"$work/err"; then good; else bad "$name"; fi
}
# says NAME TEXT: what the last command printed
says() { if grep -qF -e "$2" "$work/out" "$work/err"; then good; else bad "$1: not said: $2"; fi; }
# logged NAME TEXT: what the service says of it
logged() { if grep -qF -e "$2" "$work/log"; then good; else bad "$1: not logged: $2"; fi; }

make_authorities() (
    cd "$work" && exec >"$work/openssl.log" 2>&1
    ca() { openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.pem" -days 30 -subj "/CN=$1"; }
    leaf() {
        openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "/CN=$1" &&
            printf 'subjectAltName=%s\n' "$2" >"$1.ext" &&
            openssl x509 -req -in "$1.csr" -CA tls-ca.pem -CAkey tls-ca.key -CAcreateserial -out "$1.pem" -days 30 -extfile "$1.ext"
    }
    ca tls-ca && ca group-ca && ca other-ca && leaf service IP:127.0.0.1 && leaf elsewhere DNS:attest.example
)

# A product whose group has version 2 deployed, 1 before it, 0 published long ago.
make_repository() {
    P="--product thermostat"
    for v in 0 1 2; do
        echo "image $v" >"$work/os-$v.img"
        eval "digest$v=$(sha256sum "$work/os-$v.img" | cut -d' ' -f1)"
    done
    echo supervisor >"$work/supervisor"
    boot=$(sha256sum "$work/supervisor" | cut -d' ' -f1)
    unknown=$(echo unknown | sha256sum | cut -d' ' -f1)
    repo init $P && for v in 0 1 2; do
        repo image add "$work/os-$v.img" $P --component os --version $v.0 --delta-from none --no-index &&
            repo deploy $P --group field-test --image os=$v.0 || return 1
    done
    write_reference
}
repo() { "$ota_repo" --dir "$work/pub" "$@" >"$work/out" 2>"$work/err"; }
write_reference() {
    repo reference --product thermostat --group field-test --file boot/supervisor="$work/supervisor" --out "$work/reference.json"
}
measured() { eval "echo boot/supervisor=$boot,image/os=\$digest$1"; }

# write_config [MORE MEMBERS]
token=claim-me-0123456789
write_config() {
    token_sha256=$(printf %s "$token" | sha256sum | cut -d' ' -f1)
    cat >"$work/service.json" <<JSON
{ "port_file": "$work/port", "tls_cert": "$work/${tls:-service}.pem", "tls_key": "$work/${tls:-service}.key",
  "devices": "$work/devices", ${1:-}
  "groups": [ { "product": "thermostat", "group": "field-test", "ca_cert": "$work/group-ca.pem", "ca_key": "$work/group-ca.key",
                "reference": [ "$work/reference.json" ], "token_sha256": "$token_sha256", "devices_max": ${devices_max:-4},
                "strength_min": "${strength:-soft}" } ] }
JSON
}

start_service() {
    rm -f "$work/port"
    "$service" "$work/service.json" >"$work/log" 2>&1 &
    service_pid=$!
    for _ in $(seq 600); do
        [ -s "$work/port" ] && break
        kill -0 "$service_pid" 2>/dev/null || return 1
        sleep 0.1
    done
    port=$(cat "$work/port")
    url=https://127.0.0.1:$port
}

# device_run NAME LOG [TOKEN] [FORM]: a device with a directory of that name
device_run() {
    mkdir -p "$work/$1"
    "$device" "$work/$1" run "$url" "$work/tls-ca.pem" "$2" "${3:-}" "${4:-cose}"
}
# post PATH [CURL OPTIONS]: status and body
post() {
    path=$1
    shift
    curl -s --max-time 60 --cacert "$work/tls-ca.pem" -w '\n%{http_code}' -H 'Content-Type: application/json' "$@" "$url$path"
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}
