#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Wrong arguments, settings and files: each is refused with a reason that names it, and nothing changes.
. "$(dirname "$0")/support.sh"

refused 2 "command is missing"
refused 2 '"image dance": unknown command' image dance
refused 2 '"dance": unknown command' dance
refused 2 "--bogus: unknown option" init --bogus
refused 2 "--product: needs a value" init --product
refused 2 "--json: takes no value" init --json=1
refused 2 '"extra": unexpected argument' init extra
refused 2 "--now: \"yesterday\"" init --now yesterday
refused 2 "--now: \"2026-02-30T00:00:00Z\"" init --now 2026-02-30T00:00:00Z
refused 2 "--timestamp-days: \"0\"" init --timestamp-days 0
refused 2 "--root-keys: \"9\"" init --root-keys 9
refused 2 "--root-threshold: \"3\" is not a whole number in 1..2" init --root-keys 2 --root-threshold 3
refused 2 "--window: \"8\"" init --window 8
refused 2 "--block: 65535 is not a power of two" init --block 65535
refused 2 "--product: \"Thermostat\"" init --product Thermostat
ok "nothing was made" test ! -e "$dir"
refused 1 "make one with: init" show
"$ota_repo" show >"$work/out" 2>"$work/err"
ok "directory missing" test $? -eq 2
ok "says so" grep -q -e "--dir: is missing" "$work/err"

make_published || bad "cannot prepare"
before=$(find "$dir" -type f -exec sha256sum {} + | sort | sha256sum)
refused 1 "exists with other settings" init --root-keys 3
refused 2 "NAME: is missing" product add
refused 2 'NAME: "a/b"' product add a/b
refused 2 '--component: "app" given twice' product add other --component app --component app
refused 1 "exists with other components" product add thermostat --component os
refused 2 '--policy: "some"' group add "New" --product thermostat --policy some
refused 2 '--os-feed: "beta"' group add "New" --product thermostat --os-feed beta
refused 2 '--slug: "ümlaut"' group add "New" --product thermostat --slug ümlaut
refused 1 "exists with other settings" group add "Production" --product thermostat --policy os-only
refused 1 'no product "fridge"; known: thermostat' group list --product fridge
image="image add $work/os.img --product thermostat"
refused 2 "FILE: is missing" image add --product thermostat --component os --version 2
refused 2 "--version: is missing" $image --component os
refused 2 '--version: "2 0"' $image --component os --version "2 0"
refused 2 '--version: "../x"' $image --component os --version ../x
refused 2 "--version: given twice" $image --component os --version 2 --version 3
refused 2 '--name: "os-1..2.img"' $image --component os --version 1..2
refused 2 '--security: "-1"' $image --component os --version 2 --security -1
refused 2 '--security: "4294967296"' $image --component os --version 2 --security 4294967296
refused 2 '--name: "a/b"' $image --component os --version 2 --name a/b
refused 2 "must not end in .z" $image --component os --version 2 --name os.z
refused 2 '--compatible: "A"' $image --component os --version 2 --compatible thermostat,A
refused 2 "does not have the product itself" $image --component os --version 2 --compatible heater
refused 2 "given twice" $image --component os --version 2 --compatible thermostat,thermostat
refused 2 "--block: 5000" $image --component os --version 2 --block 5000
refused 1 'has no component "radio"' $image --component radio --version 2
refused 1 "nothere.img: not there" image add "$work/nothere.img" --product thermostat --component os --version 2
refused 1 "not a regular file" image add "$work" --product thermostat --component os --version 2
mkfifo "$work/fifo.img"
refused 1 "fifo.img: not a regular file" image add "$work/fifo.img" --product thermostat --component os --version 2
: >"$work/empty.img"
refused 1 "is empty" image add "$work/empty.img" --product thermostat --component os --version 2
refused 1 "published for product thermostat already" $image --component os --version 1.0.0 --name other.img
refused 1 "other security" $image --component os --version 1.0.0 --security 9
deploy="deploy --product thermostat --group production"
refused 2 "--image: is missing" $deploy
refused 2 '--image: "os" is not COMPONENT=VERSION' $deploy --image os
refused 2 "component os given twice" $deploy --image os=1.0.0 --image os=1.0.0
refused 1 "no image of component os with version 7" $deploy --image os=7
refused 1 'has no component "radio"' $deploy --image radio=1
refused 1 'has no group "mars"' deploy --product thermostat --group mars --image os=1.0.0
refused 1 "feed retail has no OS for product thermostat" $deploy --image app=1.0.0
refused 2 '--os-feed: "beta"' $deploy --image app=1.0.0 --os-feed beta
refused 2 "component os is given by --image, too" $deploy --image os=1.0.0 --os-feed retail
refused 2 'FEED: "beta"' feed set beta --product thermostat --image os=1.0.0
refused 2 "feeds are for the OS only" feed set retail --product thermostat --image app=1.0.0
refused 1 'no role "captain"' key rotate captain
refused 2 '--threshold: "3"' key add targets --threshold 3
refused 1 "not a P-256 private key" key add targets --import "$work/os.img"
refused 1 'has no component "radio"' image remove --product thermostat --component radio --version 5
refused 1 "deployed to group production" image remove --product thermostat --component app --version 1.0.0
ok "all of that changed nothing" test "$before" = "$(find "$dir" -type f -exec sha256sum {} + | sort | sha256sum)"

# Settings that a person spoilt. refused_settings TEXT SED: the change must be refused with TEXT.
cp "$dir/ota-repo.json" "$work/settings"
refused_settings() {
    sed "$2" "$work/settings" >"$dir/ota-repo.json"
    if cmp -s "$work/settings" "$dir/ota-repo.json"; then
        bad "'$2' changes nothing"
        return
    fi
    refused 1 "$1" show
}
refused_settings "format: is 2, must be 1..1" 's/"format":	1/"format": 2/'
refused_settings "expiry_days.timestamp: is 0" 's/"timestamp":	[0-9]*/"timestamp": 0/'
refused_settings "expiry_days.timestamp: must be a number" 's/"timestamp":	[0-9]*/"timestamp": "7"/'
refused_settings "not a whole number" 's/"timestamp":	[0-9]*/"timestamp": 7.5/'
refused_settings "expiry_days.root: is missing" 's/"root":/"rott":/'
refused_settings "deflate.block: must be a power of two" 's/"block":	[0-9]*/"block": 65537/'
refused_settings "root_keys.threshold: is 2" 's/"threshold":	1/"threshold": 2/'
refused_settings "products[0].name" 's/"thermostat"/"Thermo Stat"/'
refused_settings "products[0].groups[2].slug: \"development\" appears twice" 's/"slug":	"production"/"slug": "development"/'
refused_settings "products[0].groups[0].policy" 's/"os-only"/"never"/'
refused_settings '"window" appears twice' 's/"block":/"window":/'
refused_settings "text after the document" '$s/$/ x/'
refused_settings "not JSON" '1s/{/[/'
cp "$work/settings" "$dir/ota-repo.json"

# Published files that something else touched: verify names file and field.
# spoilt TEXT FILE SED
spoilt() {
    file=$(find "$dir/web" -path "$2" | sort | tail -1)
    cp "$file" "$work/kept"
    sed -i "$3" "$file"
    if cmp -s "$work/kept" "$file"; then bad "'$3' changes nothing in $2"; else refused 1 "$1" verify; fi
    cp "$work/kept" "$file"
}
spoilt "timestamp.json: signatures: 0 valid of 1 needed" '*/os/metadata/timestamp.json' 's/"version":\([0-9]*\)}/"version":9\1}/'
spoilt "snapshot.json: sha256: is" '*/p/thermostat/metadata/*.snapshot.json' 's/1.0.34/1.0.35/'
spoilt "snapshot.json: length: is" '*/p/thermostat/metadata/*.snapshot.json' 's/$/ /'
spoilt "timestamp.json: not in the form" '*/os/metadata/timestamp.json' 's/{/{ /'
spoilt "timestamp.json: not JSON" '*/os/metadata/timestamp.json' 's/.$//'
spoilt "1.root.json: signatures: 0 valid" '*/os/metadata/1.root.json' 's/1.0.34/1.0.35/'
spoilt "deploy.json: sha256: is" '*.deploy.json' 's/"seq":1/"seq":2/'
spoilt "os-1.0.0.img: sha256: is" '*.os-1.0.0.img' 's/^7$/8/'
spoilt "app-1.0.0.img: length: is" '*.app-1.0.0.img' '1d'
mv "$dir"/web/os/targets/os/img/*.img.z "$work/kept.z"
refused 1 ".os-1.0.0.img.z: not there" verify
mv "$work/kept.z" "$dir/web/os/targets/os/img/$(sha256sum <"$work/kept.z" | cut -c1-64).os-1.0.0.img.z"
ok "whole again" repo verify

ok "metadata that expired long ago" repo refresh --now 2020-01-01T00:00:00Z
refused 1 "timestamp.json: signed.expires: expired at 2020-01-08T00:00:00Z" verify
ok "is renewed by refresh" repo refresh
ok "and verifies" repo verify
ok "short life" repo refresh --timestamp-days 1
refused 1 "signed.expires: expired" verify --now "$(date -u -d '+2 days' +%Y-%m-%dT%H:%M:%SZ)"
repo refresh --now "$(date -u -d '+170 days' +%Y-%m-%dT%H:%M:%SZ)"
ok "warns of roles that expire soon" grep -q "warning: os: role os-images expires at" "$work/err"
finish
