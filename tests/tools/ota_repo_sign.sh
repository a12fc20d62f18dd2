#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Administrators who keep their keys: root and targets are exported, signed elsewhere, and merged once the threshold is there.
. "$(dirname "$0")/support.sh"
make_published || bad "cannot prepare"
P="--product thermostat"
meta=$dir/web/p/thermostat/metadata
for who in ann bob eve; do
    openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$work/$who.pem"
    openssl pkey -in "$work/$who.pem" -pubout -out "$work/$who.pub"
done
# sign WHO PAYLOAD: no directory of the publisher's is needed
sign() { "$ota_repo" sign payload "$2" --key "$work/$1.pem" --out "$work/$1.sig" >"$work/out" 2>"$work/err"; }
first=$(find "$dir/keys" -name 'p-thermostat.root.*')
cp "$first" "$work/first.pem"

# Two administrators instead of the key that init made.
ok "export root with other keys" repo sign export "$work/root" $P --role root --public "$work/ann.pub" --public "$work/bob.pub" --threshold 2
ok "says what is to be signed" says "role root, version 2"
ok "nothing is published yet" test ! -e "$meta/2.root.json"
ok "ann signs" sign ann "$work/root"
ok "sees what it is" says "thermostat: role root, version 2"
ok "bob signs" sign bob "$work/root"
ok "the old key signs" sign first "$work/root"
refused 1 "signatures: 0 valid of 1 needed" sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/bob.sig"
refused 1 "signatures: 1 valid of 2 needed" sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/first.sig"
refused 1 "has signed in another file already" sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/ann.sig"
ok "still nothing is published" test ! -e "$meta/2.root.json"
ok "with all three it is" repo sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/bob.sig" --signature "$work/first.sig"
ok "root 2 is there" test -e "$meta/2.root.json"
ok "verify" repo verify
refused 1 "signed.version: 2 is not above the published 2" sign merge "$work/root" --signature "$work/ann.sig"
refused 1 "role root needs 2 private keys" key rotate timestamp $P

# The next root by the new two; a stranger and a flipped bit are named.
ok "export root" repo sign export "$work/root" $P --role root
ok "ann signs" sign ann "$work/root"
ok "bob signs" sign bob "$work/root"
ok "eve signs" sign eve "$work/root"
refused 1 "eve.sig: keyid: " sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/eve.sig"
sed 's/"sig":"30\(..\)\(..\)\(..\)\(...\)\(.\)/"sig":"30\1\2\3\40/' "$work/bob.sig" >"$work/bad.sig"
cmp -s "$work/bad.sig" "$work/bob.sig" && sed 's/"sig":"30\(..\)\(..\)\(..\)\(...\)\(.\)/"sig":"30\1\2\3\41/' "$work/bob.sig" >"$work/bad.sig"
refused 1 "bad.sig: signatures: 0 valid of 1 needed" sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/bad.sig"
sed 's/"version":3/"version":4/' "$work/root" >"$work/changed"
refused 1 "ann.sig: signatures: 0 valid of 1 needed" sign merge "$work/changed" --signature "$work/ann.sig" --signature "$work/bob.sig"
ok "two of two" repo sign merge "$work/root" --signature "$work/ann.sig" --signature "$work/bob.sig"
ok "verify" repo verify

# Targets, whose key is moved away.
key=$(find "$dir/keys" -name 'p-thermostat.targets.*')
mv "$key" "$work/online.pem"
refused 1 "role targets needs 1 private keys" director set $P --digits 0
ok "export targets" repo sign export "$work/targets" $P --role targets
ok "its key signs" sign online "$work/targets"
ok "merge" repo sign merge "$work/targets" --signature "$work/online.sig"
ok "targets 2 is there" test -e "$meta/2.targets.json"
ok "verify" repo verify
ok "publishing goes on without the key" repo deploy $P --group production --image os=1.0.0

before=$(find "$dir" -type f -exec sha256sum {} + | sort | sha256sum)
refused 2 '--role: "snapshot" must be root or targets' sign export "$work/x" $P --role snapshot
refused 2 "--public: only for --role root" sign export "$work/x" $P --role targets --public "$work/ann.pub"
refused 1 "not a P-256 public key" sign export "$work/x" $P --role root --public "$work/ann.pem"
refused 2 "is the same key as an earlier one" sign export "$work/x" $P --role root --public "$work/ann.pub" --public "$work/ann.pub"
refused 2 '--threshold: "3" is not a whole number in 1..2' sign export "$work/x" $P --role root --threshold 3
refused 2 "--threshold: 2 is more than the role's 1 keys" sign export "$work/x" $P --role root --public "$work/ann.pub"
refused 1 "not a P-256 private key" sign payload "$work/root" --key "$work/ann.pub" --out "$work/x.sig"
echo '{"format":1}' >"$work/x"
refused 1 "x: " sign payload "$work/x" --key "$work/ann.pem" --out "$work/x.sig"
refused 1 "nothere: not there" sign merge "$work/nothere" --signature "$work/ann.sig"
ok "nothing changed" test "$before" = "$(find "$dir" -type f -exec sha256sum {} + | sort | sha256sum)"
finish
