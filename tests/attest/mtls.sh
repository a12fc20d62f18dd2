#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# An agent whose update server asks for a client certificate (nginx, ssl_verify_client): it gets one by attestation and updates
# with it. Without one it says so. Arguments beside common.sh's: OTA_AGENT OTA_BOOT_SUPERVISOR
. "$(dirname "$0")/common.sh"
agent=$5
supervisor=$6
nginx=$(command -v nginx || echo /usr/sbin/nginx)
[ -x "$nginx" ] || { echo "nginx is not installed"; exit 77; }
not() { ! "$@"; }
make_authorities || bad "authorities"
make_repository || bad "repository"
write_config
start_service || { bad "start"; finish; }

# ---- nginx, at a port that was free a moment ago
free_port() { python3 -c 'import socket; s = socket.socket(); s.bind(("127.0.0.1", 0)); print(s.getsockname()[1])'; }
start_nginx() {
    mkdir -p "$work/tmp"
    for _ in 1 2 3 4 5; do
        web=$(free_port)
        cat >"$work/nginx.conf" <<CONF
worker_processes 1; daemon off; pid $work/nginx.pid; error_log $work/nginx.error info; $([ "$(id -u)" != 0 ] || echo "user root;")
events { worker_connections 64; }
http {
    client_body_temp_path $work/tmp; proxy_temp_path $work/tmp; fastcgi_temp_path $work/tmp; uwsgi_temp_path $work/tmp; scgi_temp_path $work/tmp;
    log_format who '\$status \$ssl_client_verify \$ssl_client_s_dn \$request'; access_log $work/nginx.access who;
    server {
        listen 127.0.0.1:$web ssl; ssl_certificate $work/service.pem; ssl_certificate_key $work/service.key;
        ssl_client_certificate $work/group-ca.pem; ssl_verify_client on; root $work/pub/web;
    }
}
CONF
        "$nginx" -c "$work/nginx.conf" >"$work/nginx.out" 2>&1 &
        nginx_pid=$!
        for _ in $(seq 100); do
            kill -0 "$nginx_pid" 2>/dev/null || break
            curl -s -o "$work/answer" --cacert "$work/tls-ca.pem" "https://127.0.0.1:$web/" && return 0
            sleep 0.1
        done
        kill "$nginx_pid" 2>/dev/null
    done
    return 1
}
start_nginx || { bad "nginx"; cat "$work/nginx.out"; finish; }

# ---- a device that runs 1.0, where 2.0 is deployed
D=$work/dev
mkdir -p "$D/apps"
cp "$work/os-1.img" "$D/a"
truncate -s 65536 "$D/a" "$D/b"
"$supervisor" --init a --max-boots 1 "$D/boot" /bin/true /bin/true >"$work/out" 2>&1 || bad "boot record"
echo "$token" >"$work/token"
chmod 600 "$work/token"
zero=$(printf '%064d' 0)
write_log() {
    printf '{"version":1,"log":[{"what":"boot/supervisor","digest":"%s","version":"","signer":"%s"},{"what":"image/os","digest":"%s","version":"","signer":"%s"}]}\n' \
        "$boot" "$zero" "$1" "$zero" >"$D/measured"
}
write_log "$digest1"
agent_config() { # SERVICE URL [MORE MEMBERS]
    cat >"$D/agent.json" <<JSON
{ "product": "thermostat", "group": "field-test", "device_id": "t-1", "state_dir": "$D/state", "runtime_dir": "$D/run",
  "components": [ { "name": "os", "slots": [ { "file": "$D/a" }, { "file": "$D/b" } ], "factory_version": "1.0" } ],
  "repositories": [
    { "name": "product", "metadata_url": "https://127.0.0.1:$web/p/thermostat/metadata/", "targets_url": "https://127.0.0.1:$web/p/thermostat/targets/",
      "prefixes": ["app/", "group/"], "root": "$work/pub/web/p/thermostat/metadata/1.root.json" },
    { "name": "os", "metadata_url": "https://127.0.0.1:$web/os/metadata/", "targets_url": "https://127.0.0.1:$web/os/targets/", "prefixes": ["os/"],
      "root": "$work/pub/web/os/metadata/1.root.json" } ],
  "identity": { "kind": "file", "dir": "$D/identity" }, "net": { "ca_file": "$work/tls-ca.pem" }, "times": { "retry_base_s": 1 },
  "attest": { "url": "$1", "token_file": "$work/token", "log": "$D/measured",
              "application_file": "$D/apps/certificate.pem" },
  "health": { "command": ["/bin/true"] }, "boot": { "type": "file", "path": "$D/boot" } ${2:-} }
JSON
}
check() { # NAME STATUS TEXT
    "$agent" check --config "$D/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" = "$2" ] && grep -qF -e "$3" "$work/out" "$work/err"; then good; else bad "$1: status $got, expected $2 with: $3"; fi
}

# The service is away: named, and nothing was asked of the update server.
agent_config "https://127.0.0.1:$(free_port)"
check "no certificate" 4 "this device has no valid certificate: it is not attested"
says "why" "attestation: server not reached"
ok "the update server was not bothered" not grep -q metadata "$work/nginx.access"
# A certificate that the server does not know would be its 400; ours never gets that far.
agent_config "$url"
write_log "$unknown"
check "unknown image" 4 "it is not attested"
says "why" "REJECT_HASH (image/os)"
ok "nothing for applications" test ! -e "$D/apps/certificate.pem"
printf x >>"$D/measured"
check "a log that is none" 5 "attest.log"
write_log "$digest1"

# Attested, and updated with the certificate.
check "update" 3 "attested"
ok "was shown" grep -q "200 SUCCESS .*O=update.*OU=thermostat/field-test.*CN=[0-9a-f]* GET /os/targets/" "$work/nginx.access"
ok "nothing was fetched without" not grep -q "^400 NONE .* GET /\(os\|p\)" "$work/nginx.access"
ok "the application's certificate" openssl verify -CAfile "$work/group-ca.pem" "$D/apps/certificate.pem"
ok "for the folder's group" test "$(stat -c %a "$D/apps/certificate.pem")" = 640
ok "the update's is the agent's alone" test "$(stat -c %a "$D/state/attest-update.pem")" = 600
ok "applications use it" curl -s --cacert "$work/tls-ca.pem" --cert "$D/apps/certificate.pem" "https://127.0.0.1:$web/os/metadata/1.root.json" -f
ok "2.0 is in the other slot" cmp -n "$(stat -c %s "$work/os-2.img")" "$work/os-2.img" "$D/b"

# The restart into 2.0: other measurements, other certificates; the old ones are gone before they could be used.
"$supervisor" --max-boots 1 "$D/boot" /bin/true /bin/true >"$work/out" 2>&1 || bad "restart"
old=$(openssl x509 -in "$D/state/attest-update.pem" -noout -serial)
write_log "$digest2"
check "confirms" 0 ""
ok "a new certificate" test "$(openssl x509 -in "$D/state/attest-update.pem" -noout -serial)" != "$old"
check "up to date" 0 "up to date"

# Service away: the valid one goes on being used. With other measurements there is none.
stop_service
check "with the valid one" 0 "up to date"
write_log "$digest1"
check "measurements changed, service away" 4 "it is not attested"
ok "keys are gone" not ls "$D/state/attest-update.pem"
ok "also the application's" test ! -e "$D/apps/certificate.pem"
start_service || bad "start"
agent_config "$url"
check "and back" 0 "up to date"

# An agent that runs: it has no certificate at first, and goes on by itself when it gets one. Ends at SIGTERM.
stop_service
write_log "$digest2"
"$agent" run --config "$D/agent.json" >"$work/run" 2>&1 &
agent_pid=$!
waited() { for _ in $(seq 600); do grep -qF -e "$2" "$1" && return 0; sleep 0.1; done; return 1; }
ok "runs without" waited "$work/run" "attestation: server not reached"
port_before=$port
write_config "\"port\": $port_before,"
if start_service; then
    kill -TERM "$agent_pid" # the next try is half a minute away: a new start does not wait
    wait "$agent_pid" 2>/dev/null
    "$agent" run --config "$D/agent.json" >"$work/run" 2>&1 &
    agent_pid=$!
    ok "attested" waited "$work/run" "ota-agent: attested"
else
    bad "start at the same port"
fi
kill -TERM "$agent_pid"
wait "$agent_pid"
ok "ends clean" test $? = 0

# Configurations.
refuse() { # NAME TEXT SED
    agent_config "$url"
    sed -i "$3" "$D/agent.json"
    check "$1" 2 "$2"
}
refuse "http" "attest.url: must begin with https://" 's#"url": "https:#"url": "http:#'
refuse "unknown member" "attest.tokn" 's/token_file/tokn/'
refuse "no identity" "identity: is missing: attest needs the device's key" 's/"identity": {[^}]*},//'
refuse "an identity of its own" "attest.identity: is not a known key" 's#"token_file"#"identity": "/x", &#'
refuse "two certificates" "net.client_cert: does not go with attest" 's#"net": {#"net": { "client_cert": "/x", "client_key": "/x",#'
chmod 644 "$work/token"
agent_config "$url"
check "a token that others read" 2 "attest.token_file: may be read by others"
finish
