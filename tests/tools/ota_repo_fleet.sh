#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# A deployment's way through the groups: settings of groups, promotion, rollout, requirements between images.
. "$(dirname "$0")/support.sh"
make_published || bad "cannot prepare"
P="--product thermostat"
# salt: of the pointer on stdout
salt() { sed -n 's/.*"salt":"\([0-9a-f]*\)".*/\1/p' "$work/out" | head -1; }
# deployed GROUP: the pointer of a group, as show tells it
pointer_of() { "$ota_repo" --dir "$dir" show --json | python3 -c 'import json,sys
groups = json.load(sys.stdin)["products"][0]["groups"]
print(json.dumps([g["pointer"] for g in groups if g["group"] == sys.argv[1]][0], sort_keys=True))' "$1"; }

# Settings of groups.
ok "group set" repo group set production $P --poll 900 --defer-system 60 --json
ok "the pointer has the interval" says '"poll_s":900'
ok "and the cap" says '"defer_min":{"system":60}'
ok "it is the next deployment" test "$(member seq)" = 2
ok "group set again" repo group set Production $P --poll 900 --defer-system 60 --json
ok "changes nothing" test "$(member status)" = already
ok "defer for applications" repo group set production $P --defer-application 44640 --json
ok "keeps the other" says '"defer_min":{"application":44640,"system":60}'
ok "back to the default" repo group set production $P --defer-system default --defer-application default --json
ok "removes the member" sh -c "! grep -q defer_min '$work/out'"
ok "policy" repo group set production $P --policy os-only --json
ok "is in the pointer" says '"policy":"os-only"'
ok "policy back" repo group set production $P --policy all
ok "a group without deployment takes settings" repo group set development $P --poll 60
ok "a new group with settings" repo group add Lab $P --poll 120 --defer-system 0
ok "again is the same" repo group add Lab $P --poll 120 --defer-system 0 --json
ok "which says so" test "$(member status)" = already
refused 1 "exists with other settings" group add Lab $P --poll 121 --defer-system 0
refused 2 '--poll: "59" is not a whole number in 60..604800' group set production $P --poll 59
refused 2 '--poll: "604801"' group set production $P --poll 604801
refused 2 '--poll: "1e3"' group set production $P --poll 1e3
refused 2 '--defer-system: "44641"' group set production $P --defer-system 44641
refused 2 '--policy: "none"' group set production $P --policy none
refused 2 '--os-feed: "beta"' group set production $P --os-feed beta
refused 1 'no group "prod"' group set prod $P --poll 900
ok "verify" repo verify

# Promotion.
ok "images of 2.0.0" sh -c "'$ota_repo' --dir '$dir' image add '$work/os.img' $P --component os --version 2.0.0 --delta-from none --no-index >/dev/null &&
    '$ota_repo' --dir '$dir' image add '$work/app.img' $P --component app --version 2.0.0 --delta-from none --no-index >/dev/null"
refused 1 "group field-test: nothing was ever deployed to it" promote $P --from field-test --to production
ok "deploy to the field test" repo deploy $P --group field-test --image os=2.0.0 --image app=2.0.0 --per-mille 100
ok "promote" repo promote $P --from field-test --to production --per-mille 50 --json
ok "warns that few have tried it" grep -qF "only 100 of 1000 devices were to try it" "$work/err"
ok "has the images" says "os-2.0.0.img"
ok "keeps the group's interval" says '"poll_s":900'
ok "has its own part" says '"per_mille":50'
first=$(salt)
ok "promote again" repo promote $P --from field-test --to production --json
ok "changes nothing, and keeps the part" test "$(member status)" = already
refused 2 "is the same group as --from" promote $P --from production --to Production
refused 1 'no group "nowhere"' promote $P --from production --to nowhere
refused 2 "--from: is missing" promote $P --to production
refused 2 '--per-mille: "1001"' promote $P --from field-test --to production --per-mille 1001

# Rollout.
ok "more of them" repo rollout $P --group production --per-mille 500 --json
ok "the salt stays: who was in stays in" test "$(salt)" = "$first"
ok "deploying the same again" repo deploy $P --group production --image os=2.0.0 --image app=2.0.0 --json
ok "does not widen the rollout" test "$(member per_mille)" = 500
ok "all" repo rollout $P --group production --per-mille 1000 --json
ok "need no member" sh -c "! grep -q salt '$work/out'"
ok "again" repo rollout $P --group production --per-mille 1000 --json
ok "changes nothing" test "$(member status)" = already
ok "none" repo rollout $P --group production --per-mille 0 --json
ok "has another salt" test "$(salt)" != "$first" -a "$(salt | tr -d '\n' | wc -c)" = 32
ok "other images" repo deploy $P --group production --image os=1.0.0 --image app=2.0.0 --json
ok "are for all unless one says otherwise" sh -c "! grep -q salt '$work/out'"
refused 2 "--per-mille: is missing" rollout $P --group production
refused 1 "nothing was ever deployed" rollout $P --group development --per-mille 10
ok "withdraw" repo withdraw $P --group field-test
refused 1 "has no deployment: it was withdrawn" promote $P --from field-test --to production
ok "verify" repo verify

# Feeds stay each group's own.
ok "feeds" sh -c "'$ota_repo' --dir '$dir' feed set retail $P --image os=1.0.0 >/dev/null && '$ota_repo' --dir '$dir' feed set retaileval $P --image os=2.0.0 >/dev/null"
ok "evaluation follows its feed" repo deploy $P --group field-test-os-evaluation --image app=2.0.0 --json
ok "which is retaileval" test "$(member os_feed)" = retaileval
ok "promote it to production" repo promote $P --from field-test-os-evaluation --to production --json
ok "which follows retail" test "$(member os_feed)" = retail
repo group set lab $P --os-feed none
refused 1 "group lab follows no OS feed" promote $P --from production --to lab

# Requirements between images.
img="image add $work/os.img $P --delta-from none --no-index --component"
ok "provides" repo $img os --version 3.0.0 --provides abi=3 --provides net=1 --json
ok "is signed" says '"provides":{"abi":3,"net":1}'
ok "again" repo $img os --version 3.0.0 --provides abi=3 --provides net=1 --json
ok "is the same" test "$(member status)" = already
refused 1 "published already with other provides" $img os --version 3.0.0 --provides abi=4 --provides net=1
refused 1 "published already with other provides" $img os --version 3.0.0
img="image add $work/app.img $P --delta-from none --no-index --component"
ok "requires" repo $img app --version 3.0.0 --requires abi=3
ok "requires more" repo $img app --version 4.0.0 --requires abi=4
ok "a requirement that the deployment meets" repo deploy $P --group production --image os=3.0.0 --image app=3.0.0
refused 1 "requires abi=4, which no image of the deployment provides" deploy $P --group production --image os=3.0.0 --image app=4.0.0
refused 1 "requires abi=3" deploy $P --group production --image os=2.0.0 --image app=3.0.0
ok "one that devices may meet" repo deploy $P --group production --image app=4.0.0 --os-feed none
ok "is warned of" grep -qF "requires abi=4" "$work/err"
refused 2 '--requires: "abi" is not NAME=LEVEL' $img app --version 5 --requires abi
refused 2 '--requires: "Abi=1": the name' $img app --version 5 --requires Abi=1
refused 2 '--requires: "abi=0": the level' $img app --version 5 --requires abi=0
refused 2 '--requires: "abi=4294967296": the level' $img app --version 5 --requires abi=4294967296
refused 2 "--requires: abi given twice" $img app --version 5 --requires abi=1 --requires abi=2
refused 2 "--provides: more than 4" $img app --version 5 --provides a=1 --provides b=1 --provides c=1 --provides d=1 --provides e=1
ok "verify" repo verify
ok "the pointer of production" test -n "$(pointer_of production)"

# Settings that someone edited.
settings=$dir/ota-repo.json
cp "$settings" "$work/settings"
sed -i 's/"poll_s":\t*900/"poll_s": 59/' "$settings"
refused 1 "poll_s: " show
cp "$work/settings" "$settings"
sed -i 's/"system":\t*0/"system": 44641/' "$settings"
refused 1 "defer_min.system: " show
cp "$work/settings" "$settings"
ok "whole again" repo verify
finish
