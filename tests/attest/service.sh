#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The service: registering, certificates and what stands in them, and everybody who lies to it.
. "$(dirname "$0")/common.sh"
make_authorities || bad "authorities"
make_repository || bad "repository"
write_config
start_service || { bad "start"; finish; }

# Whoever is not registered, and has no token, or another one, gets nothing.
not() { ! "$@"; }
ok "no token" not device_run a "$(measured 2)"
says "no token" "refused=REJECT_KEY field=key"
ok "another token" not device_run a "$(measured 2)" wrong-token
says "another token" "refused=REJECT_KEY field=token"
ok "a token does not make up for an unknown image" not device_run a "boot/supervisor=$boot,image/os=$unknown" "$token"
says "unknown image" "refused=REJECT_HASH field=image/os"
ok "nobody was registered" test ! -s "$work/devices"

# Registered by its token; afterwards without it; in both forms.
ok "registers" device_run a "$(measured 2)" "$token"
says "has both" "hold=OK last=OK"
says "has the application's" "application=OK"
logged "registers" "registered"
ok "is in the list" grep -q "^$("$device" "$work/a" key) thermostat field-test\$" "$work/devices"
ok "again without the token" device_run a "$(measured 2)"
ok "as JWT" device_run a "$(measured 2)" "" jwt
ok "the version before" device_run a "$(measured 1)"
says "is in full standing" "application=OK"
ok "an outdated one" device_run a "$(measured 0)"
says "gets the certificate for updates" "hold=OK"
says "and no other" "outdated=image/os application=RETRY_CERTIFICATE"
ok "its file is gone" test ! -e "$work/a/attest-application.pem"
ok "the newest again" device_run a "$(measured 2)"

# What stands in the certificates.
id=$("$device" "$work/a" key | python3 -c 'import hashlib, sys; print(hashlib.sha256(bytes.fromhex(sys.stdin.read())).hexdigest())')
text() { openssl x509 -in "$work/a/attest-$1.pem" -noout -text -certopt ext_dump; }
ok "verifies" openssl verify -CAfile "$work/group-ca.pem" -purpose sslclient "$work/a/attest-update.pem"
ok "verifies" openssl verify -CAfile "$work/group-ca.pem" -purpose sslclient "$work/a/attest-application.pem"
ok "is no server's" not openssl verify -CAfile "$work/group-ca.pem" -purpose sslserver "$work/a/attest-update.pem"
ok "subject" openssl x509 -in "$work/a/attest-update.pem" -noout -subject -nameopt RFC2253
says "subject" "O=update,OU=thermostat/field-test,CN=$id"
ok "subject" openssl x509 -in "$work/a/attest-application.pem" -noout -subject -nameopt RFC2253
says "subject" "O=application,"
ok "extension" text update
says "measurements" "2.25.147691518388634332646491855922043845779.1"
ok "lasts a day" openssl x509 -in "$work/a/attest-update.pem" -noout -checkend 86300
ok "and no longer" not openssl x509 -in "$work/a/attest-update.pem" -noout -checkend 86500
ok "key and certificate belong together" sh -c "[ \"\$(openssl pkey -in '$work/a/attest-update.pem' -pubout)\" = \
    \"\$(openssl x509 -in '$work/a/attest-update.pem' -noout -pubkey)\" ]"
accepted=$(sed -n 's/.*granted.* measurements=\([0-9a-f]*\).*/\1/p' "$work/log" | tail -1)
ok "the digest in the extension" sh -c "openssl x509 -in '$work/a/attest-update.pem' -outform DER | openssl asn1parse -inform DER | grep -iq '$accepted'"

# A change of what is measured: gone before any use.
ok "the same measurements" "$device" "$work/a" look "$(measured 2)"
says "keeps it" "hold=OK"
ok "others" not "$device" "$work/a" look "$(measured 1)"
says "drops it" "hold=RETRY_CERTIFICATE last=REJECT_HASH where=attest.measurements"
ok "with its keys" sh -c "! ls '$work'/a/attest*"

# Liars.
ask() { "$device" "$work/a" "$1" "$url" "$work/tls-ca.pem" "$(measured 2)" "${2:-}"; }
ok "a challenge twice" not ask again
says "first" '200 {"version":1,"measurements"'
says "second" '409 {"version":1,"error":"REJECT_NONCE","field":"nonce_id"'
ok "log altered" not ask forge log
says "log altered" '403 {"version":1,"error":"REJECT_SIGNATURE","field":"evidence"'
ok "another device's key" not ask forge key
says "another device's key" '403 {"version":1,"error":"REJECT_SIGNATURE","field":"evidence"'
ok "no proof" not ask forge proof
says "no proof" '403 {"version":1,"error":"REJECT_SIGNATURE","field":"application_proof"'
ok "other keys" not ask forge keys
says "other keys" '409 {"version":1,"error":"REJECT_NONCE","field":"evidence.nonce"'
ok "no boot stage measured" not device_run a "image/os=$digest2"
says "no boot stage measured" "refused=REJECT_MISSING field=boot/supervisor"
ok "more than is known" not device_run a "$(measured 2),image/app=$digest2"
says "more than is known" "refused=REJECT_TARGET field=image/app"

# A release that was withdrawn for good.
ok "withdraw 1.0" repo image remove --product thermostat --component os --version 1.0
write_reference || bad "reference"
ok "1.0 is refused" not device_run a "$(measured 1)"
says "1.0 is refused" "refused=REJECT_HASH field=image/os"
ok "2.0 is not" device_run a "$(measured 2)"
cp "$work/reference.json" "$work/reference.good"
echo '{"version":1,"references":[{"what":"image/os","digest":"12"}]}' >"$work/reference.json"
ok "a reference that is none" not device_run a "$(measured 2)"
says "is the service's fault" "last=RETRY_SERVER"
cp "$work/reference.good" "$work/reference.json"
ok "and good again" device_run a "$(measured 2)"
sed 's/thermostat/toaster/' "$work/reference.good" >"$work/reference.json"
ok "another product's" not device_run a "$(measured 2)"
logged "another product's" "error=DEVICE_STORE field=reference.product"
cp "$work/reference.good" "$work/reference.json"

# Requests that are none.
refused() { # NAME STATUS FIELD
    if [ "$(tail -n 1 "$work/out")" = "$2" ] && grep -qF "\"field\":\"$3\"" "$work/out"; then good; else bad "$1"; fi
}
ok "path" post /v2/start -d '{"version":1}'
refused path 404 path
ok "method" curl -s --cacert "$work/tls-ca.pem" -w '\n%{http_code}' "$url/v1/start"
refused method 405 method
ok "no length" post /v1/start -H 'Transfer-Encoding: chunked' -d '{"version":1}'
refused "no length" 501 request
ok "type" post /v1/start -H 'Content-Type: text/plain' -d '{"version":1}'
refused type 400 request # two of them
ok "no JSON" post /v1/start -d '{"version":1}x'
refused "no JSON" 400 request
ok "version" post /v1/start -d '{"version":2}'
refused version 400 request.version
ok "missing" post /v1/attest -d '{"version":1}'
refused missing 400 request.nonce_id
ok "twice" post /v1/start -d '{"version":1,"version":1}'
refused twice 400 request.version
head -c 20000 /dev/zero | tr '\0' ' ' >"$work/large"
ok "too large" post /v1/attest --data-binary "@$work/large"
refused "too large" 413 body
ok "head too large" post /v1/start -d '{"version":1}' -H "X: $(head -c 5000 "$work/large" | tr ' ' x)"
refused "head too large" 431 head
printf 'POST /v1/attest HTTP/1.1\r\nContent-Length: 500\r\n\r\n{"version"' >"$work/half"
ok "half a request" openssl s_client -connect "127.0.0.1:$port" -CAfile "$work/tls-ca.pem" -quiet -no_ign_eof <"$work/half"
waited() { for _ in $(seq 300); do grep -qF -e "$1" "$work/log" && return 0; sleep 0.1; done; return 1; }
ok "half a request is noticed" waited "cut off bytes="
ok "old TLS" not openssl s_client -connect "127.0.0.1:$port" -tls1_1 -cipher DEFAULT@SECLEVEL=0
ok "and it serves on" device_run a "$(measured 2)"

# The group is full; a second device needs the token.
for d in b c d; do ok "registers $d" device_run "$d" "$(measured 2)" "$token"; done
ok "the fifth" not device_run e "$(measured 2)" "$token"
says "the fifth" "refused=REJECT_LIMIT field=devices_max"
stop_service
ok "ends clean" test "$stopped" = 0

# After a restart it knows them; soft evidence refused by policy; few challenges, that expire; slow ones are not waited for.
strength=tpm write_config '"nonce_s": 1, "nonces_max": 2, "timeout_s": 2,'
start_service || bad "start"
ok "soft" not device_run a "$(measured 2)"
says "soft" "refused=REJECT_VALUE field=evidence.strength"
ok "a challenge that has expired" not ask late 2
says "expired" '409 {"version":1,"error":"REJECT_FREEZE","field":"nonce_id"'
stop_service
write_config '"nonce_s": 3600, "nonces_max": 2, "timeout_s": 2,'
start_service || bad "start"
for _ in 1 2; do ok "challenge" post /v1/start -d '{"version":1}'; done
ok "too many" post /v1/start -i -d '{"version":1}'
refused "too many" 503 nonce
says "too many" "Retry-After: 3"
(cat "$work/half"; exec sleep 30) 2>/dev/null | openssl s_client -connect "127.0.0.1:$port" -CAfile "$work/tls-ca.pem" -quiet >"$work/slow" 2>&1 &
slow=$!
ok "slow request" waited "error=RETRY_TIMEOUT"
kill "$slow" 2>/dev/null
ok "the device waits" not device_run a "$(measured 2)"
says "the device waits" "last=RETRY_BUSY"
stop_service

# The wrong server.
tls=elsewhere write_config
start_service || bad "start"
ok "another's name" not device_run a "$(measured 2)"
says "another's name" "last=RETRY_TLS"
stop_service
ok "nobody there" not device_run a "$(measured 2)"
says "nobody there" "last=RETRY_NETWORK"

# Configurations.
config() { # NAME TEXT SED
    write_config
    sed "$3" "$work/service.json" >"$work/bad.json"
    "$service" "$work/bad.json" >"$work/out" 2>"$work/err"
    if [ $? = 2 ] && grep -qF -e "$2" "$work/err"; then good; else bad "$1"; fi
}
config "unknown member" "config.prot" 's/"port_file"/"prot_file"/'
config "missing" "config.tls_key: required field is missing" 's/"tls_key": "[^"]*",//'
config "another's key" "config.groups[0]: ca_cert: does not vouch" 's/group-ca.key/other-ca.key/'
config "no certificate" "config.groups[0]: ca_cert: is no certificate" 's/group-ca.pem/nowhere.pem/'
config "no reference" "reference: " 's/reference.json/nowhere.json/'
config "strength" "config.groups[0].strength_min" 's/"soft"/"hard"/'
config "name" "config.groups[0].product" 's/"thermostat"/"a,b"/'
config "devices" "line 1 is no" "s#$work/devices#$work/half#"
finish
