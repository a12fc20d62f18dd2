#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The life of a publisher's directory, from init to withdrawal.
. "$(dirname "$0")/support.sh"
make_images
web=$dir/web

ok "init" repo init
ok "settings written" test -f "$dir/ota-repo.json"
ok "OS factory root" test -f "$web/os/metadata/1.root.json"
ok "keys are private" test "$(stat -c %a "$dir/keys")" = 700
ok "no key file is readable by others" test -z "$(find "$dir/keys" -name '*.pem' ! -perm 600)"
ok "first versions are 1" test -f "$web/os/metadata/1.targets.json" -a -f "$web/os/metadata/1.snapshot.json"
ok "init again" repo init
ok "init again changes nothing" says "already there"
ok "verify the empty repository" repo verify

ok "product add" repo product add thermostat --component os --component app
ok "product add again" repo product add thermostat
ok "product add again changes nothing" says "already there"
ok "product factory root" test -f "$web/p/thermostat/metadata/1.root.json"
ok "group list" repo group list --product thermostat
for slug in development field-test production field-test-os-evaluation production-os-evaluation; do
    ok "default group $slug" says "$slug "
done
ok "Development is os-only" sh -c "grep '^development ' '$work/out' | grep -q 'policy os-only, OS feed retail'"
ok "evaluation follows its feed" sh -c "grep '^production-os-evaluation' '$work/out' | grep -q 'feed retaileval'"

ok "os image" add_image os 2.0.0
ok "is also deflated" says "deflated"
os_file=$(find "$web/os/targets/os/img" -name '*.os-2.0.0.img')
ok "image file is the image" cmp "$os_file" "$work/os.img"
ok "image file has its digest in its name" test "$(sha256sum <"$os_file" | cut -c1-64)" = "$(basename "$os_file" | cut -c1-64)"
ok "app image without deflate" repo image add "$work/app.img" --product thermostat --component app --version 2.0.0 \
    --no-deflate --security 3 --compatible thermostat,heater --json
ok "its security version" test "$(member security)" = 3
ok "app image is in the product's repository" test -n "$(find "$web/p/thermostat/targets/app/app" -name '*.app-2.0.0.img')"
ok "no deflated app" test -z "$(find "$web/p" -name '*.z')"
ok "image again" add_image os 2.0.0
ok "image again changes nothing" says "already there"
head -c 100000 /dev/urandom >"$work/noise.img"
ok "noise does not deflate" repo image add "$work/noise.img" --product thermostat --component app --version 9.0
ok "so it is plain only" test -z "$(find "$web/p" -name '*app-9.0.img.z')"
ok "image list" repo image list --product thermostat
ok "image list has all" test "$(wc -l <"$work/out")" -eq 3

ok "deploy by name" repo deploy --product thermostat --group "Field Test" --image os=2.0.0 --image app=2.0.0 --json
ok "first deployment is 1" test "$(member seq)" = 1
ok "deploy again" repo deploy --product thermostat --group field-test --image os=2.0.0 --image app=2.0.0 --json
ok "deploy again changes nothing" test "$(member status)" = already
ok "feed set" repo feed set retail --product thermostat --image os=2.0.0
ok "deploy with the group's feed" repo deploy --product thermostat --group production --image app=2.0.0 --json
ok "follows retail" test "$(member os_feed)" = retail
stamp=$web/p/thermostat/metadata/timestamp.json
before=$(stat -c %Y "$stamp")
ok "deploy without feed" repo deploy --product thermostat --group production --image app=2.0.0 --os-feed none --json
ok "second deployment is 2" test "$(member seq)" = 2
ok "servers see a later second, however soon it came" test "$(stat -c %Y "$stamp")" -gt "$before"
ok "no feed named" test -z "$(member os_feed)"
ok "withdraw" repo withdraw --product thermostat --group production --json
ok "withdrawal is 3" test "$(member seq)" = 3
ok "withdraw again" repo withdraw --product thermostat --group production --json
ok "withdraw again changes nothing" test "$(member status)" = already
ok "group add" repo group add "Beta Homes" --product thermostat --policy os-only --os-feed none
ok "group add again" repo group add "Beta Homes" --product thermostat --policy os-only --os-feed none
ok "deploy to the new group" repo deploy --product thermostat --group beta-homes --image os=2.0.0
ok "a version with characters that no path may have" add_image app 9.1.0+build~7
ok "gets a plain file name" test -n "$(find "$web/p" -name '*.app-9.1.0_build_7.img')"
ok "and is found by its version" repo deploy --product thermostat --group development --image app=9.1.0+build~7 --os-feed none
ok "withdraw it" repo withdraw --product thermostat --group development
ok "remove an image" repo image remove --product thermostat --component app --version 9.0
ok "remove it again" repo image remove --product thermostat --component app --version 9.0
ok "nothing to remove" says "nothing to remove"
ok "a removed image cannot be deployed" sh -c "! '$ota_repo' --dir '$dir' deploy --product thermostat --group production \
    --image app=9.0 --os-feed none 2>/dev/null"
ok "refresh" repo refresh
ok "refresh one product" repo refresh --product thermostat
ok "refresh everything" repo refresh --all
ok "root is renewed" test -f "$web/os/metadata/2.root.json" -a -f "$web/p/thermostat/metadata/2.root.json"
ok "show" repo show
ok "show tells of the group" says "1: os/img/os-2.0.0.img"
ok "show --json" repo show --json
ok "which is JSON" python3 -c 'import json,sys; json.load(open(sys.argv[1]))["repositories"][0]["roles"]' "$work/out"
ok "verify" repo verify --json
ok "verify counted pointers" test "$(member pointers)" = 5
ok "verify without any private key" sh -c "mv '$dir/keys' '$work/away' && '$ota_repo' --dir '$dir' verify >/dev/null"
ok "help" sh -c "'$ota_repo' --help >/dev/null"
for command in init "product add" "product list" "group add" "group set" "group list" "device set" "device import" "device remove" "device list" "director set" "key list" "key add" "key rotate" "sign export" "sign payload" "sign merge" "image add" \
    "image list" "image remove" deploy promote rollout withdraw "feed set" refresh show check verify reports status; do
    # shellcheck disable=SC2086
    ok "help of $command" sh -c "'$ota_repo' $command --help | grep -q '^Usage: ota-repo --dir D $command'"
done
finish
