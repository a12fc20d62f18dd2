#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Devices learn their group from what is signed: the registry, targets of their own, the sharded director, and real agents.
# Usage: ota_repo_director.sh OTA_REPO BUILD_DIR OTA_AGENT OTA_BOOT_SUPERVISOR
agent=$(realpath "$3")
supervisor=$(realpath "$4")
. "$(dirname "$0")/support.sh"
make_published || bad "cannot prepare"
P="--product thermostat"
meta=$dir/web/d/thermostat/metadata
shard_of() { printf %s "$1" | sha256sum | cut -c1-"$2"; }
# web_hash: everything that a server would serve
web_hash() { find "$dir/web" -type f -exec sha256sum {} + | sort | sha256sum; }

# The registry.
ok "a device" repo device set d-1 $P --group "Field Test"
ok "again" repo device set d-1 $P --group field-test --json
ok "changes nothing" test "$(member status)" = already
ok "another" repo device set d-2 $P --group production
ok "list" repo device list $P
ok "has both" test "$(cat "$work/out")" = "d-1 field-test
d-2 production"
ok "list of a group" repo device list $P --group production --json
ok "has one" test "$(member count)" = 1
printf 'd-3 production\nd-1 production\nd-0 field-test\nd-3 development\n' >"$work/list"
ok "import" repo device import "$work/list" $P --json
ok "counts what differs" test "$(member changed)" = 3
ok "the last line of a device counts" sh -c "'$ota_repo' --dir '$dir' device list $P | grep -q '^d-3 development$'"
ok "remove" repo device remove d-0 $P
ok "remove again" repo device remove d-0 $P --json
ok "changes nothing" test "$(member status)" = already
registry=$dir/devices/thermostat.txt
before=$(sha256sum "$registry")
refused 2 'ID: "a/b"' device set a/b $P --group production
refused 2 'ID: ".x"' device set .x $P --group production
refused 1 'no group "prod"' device set d-9 $P --group prod
printf 'd-9 production\nd-8\n' >"$work/list"
refused 1 'list: line 2: is not "ID GROUP"' device import "$work/list" $P
printf 'd-9 production\nd 8 production\n' >"$work/list"
refused 1 'list: line 2: no group "8 production"' device import "$work/list" $P
printf 'd-9 production' >"$work/list"
refused 1 "list: line 1: does not end" device import "$work/list" $P
printf '%0128d production\n' 0 >"$work/list"
refused 1 "list: line 1: the id must be 1..127" device import "$work/list" $P
refused 1 "nothere: " device import "$work/nothere" $P
ok "the registry is as before" test "$before" = "$(sha256sum "$registry")"
printf 'd-3 production\nd-2 production\n' >"$registry.new"
cp "$registry" "$work/registry"
mv "$registry.new" "$registry"
refused 1 "thermostat.txt: line 2: not in the order of ids" device list $P
mv "$work/registry" "$registry"

# The director. Nothing is published before it is asked for.
ok "no director yet" test ! -e "$dir/web/d"
refused 2 '--digits: "7"' director set $P --digits 7
ok "director" repo director set $P --digits 1 --json
ok "writes every shard" test "$(member written)" = 16
ok "again" repo director set $P --digits 1 --json
ok "changes nothing" test "$(member status)" = already
refused 1 "has a director with 1, which its devices are configured for" director set $P --digits 2
s1=$(shard_of d-1 1)
ok "the device is in its shard" grep -q '"d-1":"production"' "$meta/$s1/1.targets.json"
ok "which says so" grep -q "\"x-scope\":\"thermostat/$s1\"" "$meta/$s1/1.snapshot.json"
find "$meta" -name timestamp.json -exec sha256sum {} + | sort >"$work/before"
stamp=$(stat -c %Y "$meta/$s1/timestamp.json")
ok "a move" repo device set d-1 $P --group field-test --json
ok "writes one shard" test "$(member written)" = 1
find "$meta" -name timestamp.json -exec sha256sum {} + | sort >"$work/after"
ok "and no other" test "$(diff "$work/before" "$work/after" | grep -c '^>')" = 1
ok "its timestamp is a later second" test "$(stat -c %Y "$meta/$s1/timestamp.json")" -gt "$stamp"
ok "the version before is still there" test -f "$meta/$s1/1.targets.json" -a -f "$meta/$s1/2.targets.json"
: >"$meta/$s1/3.targets.json" # of a run that broke off
ok "another move" repo device set d-1 $P --group production
ok "never touches what a crash left" test ! -s "$meta/$s1/3.targets.json" -a -s "$meta/$s1/4.targets.json"
ok "an older version is gone" test ! -e "$meta/$s1/1.targets.json"
ok "refresh" repo refresh
ok "keeps what is fresh" says "director: 0 of 16 written, 0 signed anew"
later=$(date -u -d '+4 days' +%Y-%m-%dT%H:%M:%SZ)
ok "refresh after half of the life" repo refresh --now "$later"
ok "signs timestamps only" says "director: 0 of 16 written, 16 signed anew"
ok "the snapshot stays" test ! -e "$meta/$s1/5.snapshot.json"
later=$(date -u -d '+28 days' +%Y-%m-%dT%H:%M:%SZ)
ok "refresh before the snapshot ends" repo refresh --now "$later"
ok "renews it, too" test -e "$meta/$s1/5.snapshot.json"
web=$(web_hash)
key=$(find "$dir/keys" -name 'd-thermostat.timestamp.*')
mv "$key" "$work/key"
refused 1 "the private key of role timestamp is not in" device set d-1 $P --group development
mv "$work/key" "$key"
ok "nothing was published" test "$web" = "$(web_hash)"
ok "with the key it goes on" repo device set d-1 $P --group development --json
ok "where it ended" test "$(member written)" = 1
cp "$meta/$s1/timestamp.json" "$work/kept"
echo '{}' >"$meta/$s1/timestamp.json"
refused 1 "timestamp.json: is not a timestamp that ota-repo wrote" device set d-1 $P --group production
cp "$work/kept" "$meta/$s1/timestamp.json"
seq -f 'many-%04g production' 20000 >"$work/list"
refused 1 "more digits" device import "$work/list" $P
refused 1 'devices.d-1: is "development", must be "production"' verify # as when a publication broke off
sed 's/ .*//' "$work/list" >"$work/ids"
"$ota_repo" --dir "$dir" device list $P | grep -v '^many-' >"$work/few"
cp "$work/few" "$registry"

# What a device would refuse, and what the registry does not say, verify names.
ok "what broke off is published" repo device set d-1 $P --group development
ok "verify" repo verify
ok "reads every shard" says ", 16 shards"
ok "as JSON" repo verify --json
ok "counts them" test "$(member shards)" = 16
# spoiled TEXT FILE: verify names the fault; the file is put back
spoiled() {
    refused 1 "$1" verify
    cp "$work/kept" "$2"
    ok "good again: $1" repo verify
}
v=$(sed 's/.*"snapshot.json":{[^}]*},"length":[0-9]*,"version":\([0-9]*\).*/\1/' "$meta/$s1/timestamp.json")
for other in 0 1 2; do [ "$other" = "$s1" ] || break; done
keep() { cp "$1" "$work/kept"; }
keep "$meta/$s1/timestamp.json"; rm "$meta/$s1/timestamp.json"
spoiled "/$s1/timestamp.json: is missing" "$meta/$s1/timestamp.json"
keep "$meta/$s1/timestamp.json"; cp "$meta/$other/timestamp.json" "$meta/$s1/timestamp.json"
refused 1 "/$s1/" verify
cp "$work/kept" "$meta/$s1/timestamp.json"
cp -r "$meta/$s1" "$work/shard"; rm -r "${meta:?}/$s1"; cp -r "$meta/$other" "$meta/$s1"
refused 1 "/$s1/timestamp.json: signed.x-scope: is \"thermostat/$other\", must be \"thermostat/$s1\"" verify
rm -r "${meta:?}/$s1"; cp -r "$work/shard" "$meta/$s1"
keep "$meta/$s1/$v.targets.json"; sed -i 's/"d-1":"development"/"d-1":"production"/' "$meta/$s1/$v.targets.json"
spoiled "/$s1/$v.targets.json: length: is" "$meta/$s1/$v.targets.json"
keep "$meta/$s1/timestamp.json"; sed -i 's/"sig":"30\(..\)\(..\)\(..\)..../"sig":"30\1\2\30000/' "$meta/$s1/timestamp.json"
spoiled "/$s1/timestamp.json: signatures: 0 valid of 1 needed" "$meta/$s1/timestamp.json"
keep "$meta/$s1/$v.snapshot.json"; rm "$meta/$s1/$v.snapshot.json"
spoiled "/$s1/$v.snapshot.json: " "$meta/$s1/$v.snapshot.json"
keep "$registry"; sed -i 's/^d-1 .*/d-1 production/' "$registry"
spoiled 'signed.targets.shard/'"$s1"'.json.custom.ota.devices.d-1: is "development", must be "production"' "$registry"
keep "$registry"; sed -i '/^d-1 /d' "$registry"
spoiled "devices.d-1: is no device of the registry" "$registry"
keep "$registry"; printf 'e-1 production\n' >>"$registry"
spoiled "names 3 of 4 devices of the registry; repeat: director set" "$registry"
refused 1 "/$s1/timestamp.json: signed.expires: expired at" verify --now "$(date -u -d '+8 days' +%Y-%m-%dT%H:%M:%SZ)"

# Real agents. Field test has 2.0.0, production 1.0.0.
ok "2.0.0" sh -c "'$ota_repo' --dir '$dir' image add '$work/app.img' $P --component app --version 2.0.0 --delta-from none --no-index >/dev/null &&
    '$ota_repo' --dir '$dir' deploy $P --group field-test --image app=2.0.0 --os-feed none >/dev/null"
make_agent() { # ID DIRECTOR PREFIX URL ROOT
    d=$work/dev-$1
    mkdir -p "$d"
    cp "$dir/web/p/thermostat/metadata/1.root.json" "$d/product.json"
    cp "$dir/web/os/metadata/1.root.json" "$d/os.json"
    cp "$5" "$d/director.json"
    : >"$d/a"
    truncate -s 1048576 "$d/a" "$d/b"
    cat >"$d/agent.json" <<END
{ "product": "thermostat", "group": "production", "director": $2, "device_id": "$1", "state_dir": "$d/state", "runtime_dir": "$d/run",
  "components": [ { "name": "app", "slots": [ { "file": "$d/a", "size": 1048576 }, { "file": "$d/b", "size": 1048576 } ] } ],
  "repositories": [
    { "name": "product", "metadata_url": "file://$dir/web/p/thermostat/metadata/", "targets_url": "file://$dir/web/p/thermostat/targets/",
      "prefixes": [ "app/", "group/"$3 ], "root": "$d/product.json" }$4 ],
  "boot": { "type": "file", "path": "$d/boot" }, "health": { "command": [ "/bin/true" ] } }
END
    "$supervisor" --init a --max-boots 1 "$d/boot" "$d/a" "$d/b" >/dev/null 2>&1
}
sharded() {
    make_agent "$1" "${2:-1}" "" ",
    { \"name\": \"director\", \"metadata_url\": \"file://$meta/\", \"targets_url\": \"file://$meta/\", \"prefixes\": [ \"shard/\" ],
      \"root\": \"$work/dev-$1/director.json\" }" "$meta/1.root.json"
}
# checks ID STATUS TEXT: one check-in
checks() {
    "$agent" check --config "$work/dev-$1/agent.json" >"$work/out" 2>"$work/err"
    got=$?
    if [ "$got" -eq "$2" ] && grep -qF -e "$3" "$work/err"; then good; else bad "agent $1: exit $got, expected $2 with: $3"; fi
}
size=$(stat -c %s "$work/app.img")
runs() { cmp -s -n "$size" "$work/app.img" "$work/dev-$1/b"; }

ok "a device in the field test" repo device set agent-1 $P --group field-test
sharded agent-1
checks agent-1 3 "a restart of the device is needed"
ok "got the field test's image, not its configuration's" sh -c "cd '$work/dev-agent-1' && '$agent' status --json --config agent.json | grep -q 2.0.0"
sharded agent-unknown
checks agent-unknown 3 "a restart of the device is needed"
ok "who is not named goes by its configuration" sh -c "cd '$work/dev-agent-unknown' && '$agent' status --json --config agent.json | grep -q 1.0.0"

# What must be refused.
s=$(shard_of agent-1 1)
for other in 0 1 2; do [ "$other" = "$s" ] || break; done
sharded agent-2
s2=$(shard_of agent-2 1)
for other in 0 1; do [ "$other" = "$s2" ] || break; done
mv "$meta/$s2" "$work/kept-shard"
cp -r "$meta/$other" "$meta/$s2"
checks agent-2 5 "REJECT_SCOPE"
ok "the fault names the repository and the field" grep -qF "director" "$work/err"
rm -r "${meta:?}/$s2"
checks agent-2 4 "RETRY_NOT_FOUND"
mv "$work/kept-shard" "$meta/$s2"
checks agent-2 3 "a restart of the device is needed"
sharded agent-3 2
checks agent-3 4 "RETRY_NOT_FOUND"
sharded agent-4 7
checks agent-4 2 "director"
make_agent agent-5 1 "" "" "$meta/1.root.json"
checks agent-5 2 "director"
make_agent agent-6 1 ', "shard/"' "" "$meta/1.root.json"
checks agent-6 2 "director"

# Small fleets: a target for each device in the product's repository.
dir=$work/small
repo init --product thermostat && add_image app 1.0.0 && repo image add "$work/os.img" $P --component app --version 2.0.0 --no-index &&
    repo deploy $P --group production --image app=1.0.0 --os-feed none && repo deploy $P --group field-test --image app=2.0.0 --os-feed none --per-mille 500 && repo rollout $P --group field-test --per-mille 1000
ok "one target for each" repo director set $P --digits 0
ok "a device" repo device set small-1 $P --group field-test --json
ok "is told" test "$(member written)" = 1
ok "again" repo device set small-1 $P --group field-test --json
ok "changes nothing" test "$(member status)" = already
ok "verify" repo verify
ok "with a target for each device" says "1 shards"
small=$dir/devices/thermostat.txt
cp "$small" "$work/kept"
sed -i 's/^small-1 .*/small-1 production/' "$small"
refused 1 'targets.device/small-1.json.custom.ota.devices.small-1: is "field-test", must be "production"' verify
printf 'small-1 field-test\nsmall-9 production\n' >"$small"
refused 1 "names 1 of 2 devices of the registry" verify
: >"$small"
refused 1 "small-1: is no device of the registry" verify
cp "$work/kept" "$small"
make_agent small-1 255 ', "device/"' "" "$dir/web/os/metadata/1.root.json"
checks small-1 3 "a restart of the device is needed"
ok "got the field test's image" sh -c "'$agent' status --json --config '$work/dev-small-1/agent.json' | grep -q 2.0.0"
make_agent small-2 255 ', "device/"' "" "$dir/web/os/metadata/1.root.json"
checks small-2 3 "a restart of the device is needed"
ok "who is not named goes by its configuration" sh -c "'$agent' status --json --config '$work/dev-small-2/agent.json' | grep -q 1.0.0"
ok "a move" repo device set small-1 $P --group production
ok "makes the new group's number high enough" says "so that devices of other groups may come"
ok "remove it" repo device remove small-1 $P --json
ok "takes the target away" test "$(member written)" = 1
ok "verify" repo verify
seq -f 'many-%04g production' 400 >"$work/list"
refused 1 "metadata of role devices would have" device import "$work/list" $P
finish
