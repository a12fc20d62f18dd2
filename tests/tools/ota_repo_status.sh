#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# How far a deployment is, from reports; and waiting for it.
. "$(dirname "$0")/support.sh"
inbox=$work/inbox
mkdir "$inbox"
P="--product thermostat --group production"
zeros=0000000000000000000000000000000000000000000000000000000000000000
make_images
ok "prepare" sh -c "'$ota_repo' --dir '$dir' init >/dev/null && '$ota_repo' --dir '$dir' product add thermostat --component app >/dev/null && for v in 1.0.0 2.0.0; do
    '$ota_repo' --dir '$dir' image add '$work/app.img' --product thermostat --component app --version \$v --delta-from none --no-index; done >/dev/null"
refused 1 "group production: nothing was ever deployed to it" status "$inbox" $P --devices 2
# deploy VERSION OPTIONS...: sets $now to the deployment's digest
deploy() {
    v=$1; shift
    repo deploy $P --image app="$v" "$@" && repo status "$inbox" $P --devices 1 --json
    now=$(member deployment)
}
# report DEVICE ID OUTCOME DEPLOYMENT [GROUP]
report() {
    mkdir -p "$inbox/$1"
    printf '{"id":%s,"outcome":"%s","cause":{"code":538,"name":"REJECT_HEALTH","where":"health","port":-7},"seq":3,"deployment":"%s","time":1800000000,"count":1,"fetched":5,"version":"2.0.0","running":"1.0.0","encoding":"delta","why":"cheapest","device":"%s","product":"thermostat","group":"%s"}' \
        "$2" "$3" "$4" "$1" "${5:-production}" >"$inbox/$1/.$2" && mv "$inbox/$1/.$2" "$inbox/$1/$2.json"
}
# status EXIT TEXT OPTIONS...: of the folder; TEXT stands on stdout
status() {
    want=$1; text=$2; shift 2
    repo status "$inbox" $P "$@"
    got=$?
    if [ "$got" -eq "$want" ] && says "$text"; then good; else bad "status $*: exit $got, expected $want with: $text"; fi
}

deploy 1.0.0; first=$now
status 5 "0 devices: 0 done, 0 failed, 0 pending" --at-least 1
status 5 "2 devices: 0 done, 0 failed, 2 pending" --devices 2
ok "what is wanted is shown" says "thermostat/production: deployment 1: app 1.0.0"
refused 2 "--devices: is missing: the registry lists no device of group production" status "$inbox" $P
refused 2 "--devices: is missing" status "$inbox" $P --at-least 1 --fail-over 10%
report d1 1 confirmed "$first"
status 5 "2 devices: 1 done, 0 failed, 1 pending" --devices 2
status 0 "1 devices: 1 done, 0 failed, 0 pending" --at-least 1
status 0 "2 devices: 1 done, 0 failed, 1 pending" --devices 2 --at-least 50%
status 5 "2 devices: 1 done, 0 failed, 1 pending" --devices 2 --at-least 51%
report d2 1 confirmed "$first"
status 0 "2 devices: 2 done, 0 failed, 0 pending" --devices 2
ok "JSON" repo status "$inbox" $P --devices 2 --json
ok "has all" says '"devices":{"done":2,"failed":0,"pending":0,"total":2}'
ok "and the state" says '"state":"succeeded","status":"done"'
ok "and the version" says '"images":[{"component":"app","version":"1.0.0"}]'

# The next one: what was reported of the last is not about it.
deploy 2.0.0; second=$now
ok "is another deployment" test "$first" != "$second"
status 5 "2 devices: 0 done, 0 failed, 2 pending" --devices 2
report d1 2 confirmed "$second"
report d2 2 rolled_back "$second"
status 4 "2 devices: 1 done, 1 failed, 0 pending" --devices 2
ok "names who failed, and why" says "failed: d2: rolled_back REJECT_HEALTH at health, port -7"
ok "says it on stderr" grep -q "group production: deployment 2 fails: 1 of 2 devices done, 1 failed" "$work/err"
ok "in JSON" sh -c "! '$ota_repo' --dir '$dir' status '$inbox' $P --devices 2 --json >'$work/out' 2>'$work/err'"
ok "names the state" says '"state":"failing"'
ok "and the device" says '"failures":[{"cause":"REJECT_HEALTH","device":"d2","outcome":"rolled_back","port":-7,"running":"1.0.0","version":"2.0.0","where":"health"}]'
status 4 "1 failed" --devices 2 --fail-over 49%
status 4 "1 failed" --devices 2 --fail-over 50%
status 0 "1 failed" --devices 2 --fail-over 50% --at-least 1
status 0 "1 failed" --devices 2 --fail-over 1 --at-least 50%
status 4 "1 failed" --devices 3 --fail-over 1
status 5 "1 failed" --devices 3 --fail-over 1 --at-least 2
status 5 "1 failed" --at-least 2 --fail-over 1
report d2 3 refused "$second"
status 4 "1 failed" --devices 2
report d2 4 refused "$zeros"
status 4 "2 devices: 1 done, 1 failed, 0 pending" --devices 2
report d2 5 confirmed "$second"
status 0 "2 devices: 2 done, 0 failed, 0 pending" --devices 2
report d2 10 none "$zeros"
status 0 "2 devices: 2 done" --devices 2

# Settings of the group make a new deployment of the same: who has it, has it.
ok "other settings" repo group set production --product thermostat --poll 900
status 0 "thermostat/production: deployment 3: app 2.0.0" --devices 2
ok "who had it is done" says "2 devices: 2 done"
repo deploy $P --image app=1.0.0
status 5 "2 devices: 0 done, 0 failed, 2 pending" --devices 2
repo deploy $P --image app=2.0.0
status 0 "deployment 5: app 2.0.0" --devices 2

# Other groups and products do not count; nor do files that are no reports.
report d3 1 rolled_back "$second" field-test
status 0 "2 devices: 2 done, 0 failed" --devices 2
sed 's/"thermostat"/"toaster"/;s/d3/d4/;s/field-test/production/' "$inbox/d3/1.json" >"$work/other" && mkdir "$inbox/d4" && cp "$work/other" "$inbox/d4/1.json"
status 0 "2 devices: 2 done, 0 failed" --devices 2
echo '{' >"$inbox/d1/77.json"
status 0 "2 devices: 2 done" --devices 2
ok "but are counted" grep -q "1 files are no reports" "$work/err"
rm "$inbox/d1/77.json"

# The registry knows who belongs to the group.
printf 'd1 production\nd2 production\nd3 field-test\nlate production\n' >"$work/list"
ok "the registry" repo device import "$work/list" --product thermostat
status 5 "3 devices: 2 done, 0 failed, 1 pending"
report stranger 1 confirmed "$second"
status 5 "4 devices: 3 done, 0 failed, 1 pending"
report d3 2 confirmed "$second" production
status 5 "4 devices: 3 done, 0 failed, 1 pending"
status 0 "3 done" --at-least 75%
report late 1 confirmed "$second"
status 0 "4 devices: 4 done, 0 failed, 0 pending"

# Of a rollout, those that it chose; and who has it all the same.
seq -f 'w%.0f production' 0 199 >"$work/list"
ok "200 devices" repo device import "$work/list" --product thermostat
ok "a part of them" repo rollout $P --per-mille 250 --json
salt=$(member salt)
chosen=$(python3 -B -c "
import hashlib
ids = [f'w{i}' for i in range(200)] + ['d1', 'd2', 'late', 'stranger']
print(sum(int.from_bytes(hashlib.sha256(bytes.fromhex('$salt') + i.encode()).digest()[:8], 'big') % 1000 < 250 or i[0] != 'w' for i in ids))")
status 5 "$chosen devices: 4 done, 0 failed, $((chosen - 4)) pending"
status 0 "4 done" --at-least 4

# Waiting: it ends when the last report comes, when one too many fails, or when time is up.
repo rollout $P --per-mille 1000
start=$(date +%s)
status 5 "204 devices: 4 done, 0 failed, 200 pending" --wait --timeout 1 --interval 1
ok "time was up" grep -q "is pending, time is up: 4 of 204 devices done" "$work/err"
ok "not before" test "$(($(date +%s) - start))" -ge 1
repo status "$inbox" $P --wait --timeout 300 --interval 1 --at-least 6 --json & # in the background: its own files
waiter=$!
ok "while it waits, others publish" "$ota_repo" --dir "$dir" refresh --json >"$work/refresh"
report w1 1 confirmed "$second"; report w2 1 confirmed "$second"
wait "$waiter"
ok "it ended with the last one" test $? -eq 0
ok "and says so" grep -q '"done":6' "$work/out"
"$ota_repo" --dir "$dir" status "$inbox" $P --wait --timeout 300 --interval 1 --fail-over 1 >"$work/w.out" 2>"$work/w.err" &
waiter=$!
report w3 1 rolled_back "$second"; report w4 1 rolled_back "$second"
wait "$waiter"
ok "it ended with one failure too many" test $? -eq 4
ok "it says how it went on" grep -q "204 devices: 6 done, 2 failed, 196 pending" "$work/w.out"

# Wrong questions.
refused 1 "nowhere: No such file" status "$work/nowhere" $P
refused 1 'no group "prod"' status "$inbox" --product thermostat --group prod
refused 1 'product "toaster"' status "$inbox" --product toaster --group production
refused 2 "--group: is missing" status "$inbox" --product thermostat
refused 2 "FOLDER: is missing" status $P
refused 2 "--timeout: is of use with --wait only" status "$inbox" $P --timeout 5
refused 2 "--interval: is of use with --wait only" status "$inbox" $P --interval 5
refused 2 '--timeout: "0"' status "$inbox" $P --wait --timeout 0
refused 2 '--interval: "3601"' status "$inbox" $P --wait --interval 3601
for bad_share in 0 0% 101% 1.5 -1 % 50%% 1000000001 99999999999999999; do
    refused 2 "--at-least: \"$bad_share\"" status "$inbox" $P --at-least "$bad_share"
done
refused 2 '--fail-over: "101%"' status "$inbox" $P --fail-over 101%
refused 2 '--devices: "0"' status "$inbox" $P --devices 0
ok "withdrawn" repo withdraw $P
refused 1 "group production: has no deployment: it was withdrawn" status "$inbox" $P --devices 2
finish
