#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Keys: thresholds, rotation, offline private keys, files of other programs.
. "$(dirname "$0")/support.sh"
make_images
check() {
    later=$(date -u -d "$1" +%Y-%m-%dT%H:%M:%SZ)
    shift
    repo check --now "$later" "$@"
}
ok "init with thresholds" repo init --root-keys 3 --root-threshold 2 --targets-keys 2 --targets-threshold 2 --product thermostat
ok "verify" repo verify
ok "check" check "+1 hour" --within-days 6 --json
ok "finds nothing" says '"expiring":[]'
refused 1 "the first of them os: role timestamp at " check --within-days 8
ok "the snapshot too" sh -c "! '$ota_repo' --dir '$dir' check --within-days 31 --json >'$work/out' 2>/dev/null && grep -q snapshot '$work/out'"
refused 2 '--within-days: "0"' check --within-days 0
ok "after a refresh" repo refresh --timestamp-days 30
ok "it lasts" check "+1 hour" --within-days 8
ok "key list" repo key list
ok "three root keys" test "$(grep -c '^root .* 2 of 3' "$work/out")" -eq 3
ok "two targets keys" test "$(grep -c '^targets .* 2 of 2' "$work/out")" -eq 2
ok "root is signed by three" test "$(grep -o '"sig":' "$dir/web/os/metadata/1.root.json" | wc -l)" -eq 3
key=$(find "$dir/keys" -name 'os.root.*.pem' | sort | head -1)
ok "openssl reads a key" openssl pkey -in "$key" -check -noout >/dev/null

mkdir "$work/offline"
mv "$key" "$work/offline/"
ok "a root key kept elsewhere is listed so" sh -c "'$ota_repo' --dir '$dir' key list | grep -q '^root .*kept elsewhere'"
ok "two of three still rotate" repo key rotate root
ok "verify the new root" repo verify
find "$dir/keys" -name 'os.root.*.pem' -exec mv {} "$work/offline/" \;
refused 1 "role root needs 2 private keys, $dir/keys has 0 of them" key rotate timestamp
ok "publishing needs no root key" add_image os 1.0.0
mv "$work"/offline/*.pem "$dir/keys/"
ok "with the keys back it works" repo key rotate timestamp
for role in root timestamp snapshot targets os-images feed-retail feed-eval; do
    ok "rotate $role" repo key rotate $role
    ok "verify after $role" repo verify
done
for role in root timestamp snapshot targets groups pub-maker; do
    ok "rotate $role of the product" repo key rotate $role --product thermostat
    ok "verify after $role of the product" repo verify
done
ok "old key is not listed in root any more" sh -c "! grep -q '$(basename "$key" .pem | cut -d. -f3)' '$dir/web/os/metadata/5.root.json'"

# Feeds have keys and a threshold of their own, apart from each other and from the images.
newest() { find "$dir/web/os/metadata" -name "*.$1.json" | sed 's/.*\/\([0-9]*\)\..*/\1 &/' | sort -n | tail -1 | cut -d' ' -f2; }
signatures() { python3 -c 'import json,sys; print(len(json.load(open(sys.argv[1]))["signatures"]))' "$(newest "$1")"; }
ok "a second key for a feed, and both are needed" repo key add feed-retail --threshold 2
ok "feed set" repo feed set retail --product thermostat --image os=1.0.0
ok "is signed by both" test "$(signatures feed-retail)" = 2
ok "the other feed by its one" test "$(signatures feed-eval)" = 1
ok "the images by theirs" test "$(signatures os-images)" = 1
ok "verify" repo verify
half=$dir/keys/os.feed-retail.$("$ota_repo" --dir "$dir" key list | sed -n 's/^feed-retail *\(.\{16\}\).*/\1/p' | tail -n 1).pem # not one that was rotated out
mv "$half" "$work/offline/"
ok "the next image" repo image add "$work/os.img" --product thermostat --component os --version 2.0.0 --delta-from none --no-index
refused 1 "role feed-retail needs 2 private keys" feed set retail --product thermostat --image os=2.0.0
ok "nothing was published" test "$(signatures feed-retail)" = 2
ok "the other feed goes on without it" repo feed set retaileval --product thermostat --image os=1.0.0
mv "$work"/offline/*.pem "$dir/keys/"
ok "verify" repo verify

openssl ecparam -name prime256v1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$work/own.pem"
ok "import openssl's key" repo key add os-images --import "$work/own.pem"
ok "import it again" repo key add os-images --import "$work/own.pem" --json
ok "changes nothing" test "$(member status)" = already
ok "verify with it" repo verify
openssl ecparam -name secp384r1 -genkey -noout 2>/dev/null | openssl pkcs8 -topk8 -nocrypt -out "$work/p384.pem"
refused 1 "not a P-256 private key in PEM PKCS#8" key add os-images --import "$work/p384.pem"
openssl ecparam -name prime256v1 -genkey -noout -out "$work/sec1.pem" 2>/dev/null
refused 1 "not a P-256 private key in PEM PKCS#8" key add os-images --import "$work/sec1.pem"

# A key file that was damaged or swapped.
key=$(find "$dir/keys" -name "os.timestamp.$(repo key list && sed -n 's/^timestamp *\(................\).*/\1/p' "$work/out").pem")
cp "$key" "$work/kept"
sed -i '2s/A/B/' "$key"
if cmp -s "$key" "$work/kept"; then sed -i '2s/a/b/' "$key"; fi
repo refresh
ok "damaged key file is refused" test $? -eq 1
ok "and named" grep -qF "$key: " "$work/err"
cp "$work/own.pem" "$key"
refused 1 "its file name says otherwise" refresh
cp "$work/kept" "$key"
ok "whole again" repo refresh
finish
