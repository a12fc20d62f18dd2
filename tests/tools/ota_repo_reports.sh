#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What devices reported, as a table and as CSV; and files that are no reports.
. "$(dirname "$0")/support.sh"
inbox=$work/inbox
mkdir "$inbox"
zeros=0000000000000000000000000000000000000000000000000000000000000000

# old DEVICE ID OUTCOME CAUSE: a report that tells no event
old() {
    printf '{"id":%s,"outcome":"%s","cause":{"code":538,"name":"%s","where":"health","port":-7},"seq":3,"deployment":"%s","time":1800000000,"count":1,"fetched":5,"version":"2.0.0","running":"1.0.0","encoding":"delta","why":"cheapest","device":"%s","product":"thermostat","group":"production"}' \
        "$2" "$3" "$4" "$zeros" "$1"
}
# new DEVICE BOOT ID EVENT TYPE CLASS CATEGORY COUNT
new() {
    printf '{"id":%s,"outcome":"none","cause":{"code":0,"name":"OK","where":"","port":11},"seq":0,"deployment":"%s","time":1800000500,"count":%s,"fetched":0,"version":"2.0.0","running":"2.0.0","encoding":"none","why":"none","device":"%s","product":"thermostat","group":"production","boot":%s,"event":"%s","type":"%s","class":"%s","category":"%s","first":1800000100,"component":"app","image":"%s"}' \
        "$3" "$zeros" "$8" "$1" "$2" "$4" "$5" "$6" "$7" "$zeros"
}
put() { mkdir -p "$inbox/$1" && cat >"$inbox/$1/$2"; }

ok "an empty folder" repo reports "$inbox"
ok "has no reports" says "0 files, 0 reports counted, 0 bad files skipped"
old d1 1 confirmed OK | put d1 1.json
old d1 2 rolled_back REJECT_HEALTH | put d1 2.json
old d2 7 rolled_back REJECT_HEALTH | put d2 7.json
new d2 4 8 app-crash unplanned application signal 12 | put d2 4-8.json
ok "four reports" repo reports "$inbox" --csv "$work/all.csv"
ok "are four" says "4 files, 4 reports counted, 0 bad files skipped"
ok "planned" grep -Eq '^planned +os +update-confirmed +update +2.0.0 +1 +1 +1$' "$work/out"
ok "two devices rolled back" grep -Eq '^unplanned +os +update-rolled_back +REJECT_HEALTH +2.0.0 +2 +2 +2$' "$work/out"
ok "an application crashed twelve times" grep -Eq '^unplanned +application +app-crash +signal +2.0.0 +1 +1 +12$' "$work/out"
ok "the CSV has a head and four rows" test "$(wc -l <"$work/all.csv")" -eq 5
ok "with Azure Sphere's columns first" grep -q '^DeviceId,EventType,EventClass,EventCategory,EventCount,Description,StartTimestampInUnix,EndTimestampInUnix,' "$work/all.csv"
ok "and the crash in them" grep -q '^"d2",unplanned,application,"signal",12,"OK",1800000100,1800000500,"app-crash",' "$work/all.csv"
ok "rows are read by a CSV reader" python3 -c "
import csv, sys
rows = list(csv.DictReader(open('$work/all.csv')))
assert len(rows) == 4 and all(None not in r and None not in r.values() for r in rows), rows
assert {r['PortCode'] for r in rows} == {'-7', '11'}"
ok "as JSON" repo reports "$inbox" --json --group production --product thermostat
ok "with the counts" says '"bad":0'
ok "of rows" says '"files":4,"reports":4,"rows":[{"category":"'
ok "another group's" repo reports "$inbox" --group elsewhere
ok "are none" says "4 files, 0 reports counted"
refused 1 "nowhere: No such file" reports "$work/nowhere"
refused 2 "FOLDER: is missing" reports
refused 1 "--csv" reports "$inbox" --csv "$work/nowhere/x.csv"
ok "a CSV is replaced whole" repo reports "$inbox" --csv "$work/all.csv"
: >"$work/all.csv.tmp"
refused 1 "--csv: $work/all.csv.tmp: File exists" reports "$inbox" --csv "$work/all.csv"
rm "$work/all.csv.tmp"

# bad WHY: the files put since the last call are one that is skipped for that reason, and four that count
bad_file() {
    repo reports "$inbox" --csv "$work/bad.csv"
    if says "5 files, 4 reports counted, 1 bad files skipped" && grep -qF -e "$1" "$work/err" && [ "$(wc -l <"$work/bad.csv")" -eq 5 ]; then good; else bad "bad file: $1"; fi
    refused 1 "1 files are no reports" reports "$inbox" --strict
    rm -rf "$inbox/d9" "$inbox/stray"
}
# twist SED WHY: a good report with one change
twist() {
    new d9 4 8 app-crash unplanned application signal 12 | sed "$1" | put d9 4-8.json
    bad_file "d9/4-8.json: $2"
}
twist 's/"id":8,//' "id: is missing"
twist 's/"id":8,/"id":9,/' "id: is not the one of the file's name"
twist 's/"boot":4/"boot":5/' "boot: is not the one of the file's name"
twist 's/"boot":4,//' "boot: is missing"
twist 's/"device":"d9"/"device":"d1"/' "device: is not the name of the folder"
twist 's/"outcome":"none"/"outcome":"great"/' "outcome: has a value that is not known"
twist 's/"type":"unplanned"/"type":"sad"/' "type: has a value that is not known"
twist 's/"class":"application"/"class":7/' "class: is not a string"
twist 's/"count":12/"count":0/' "count: is out of range"
twist 's/"count":12/"count":1.5/' "count: is out of range"
twist 's/"count":12/"count":"12"/' "count: is not a number"
twist 's/"count":12/"count":12,"count":13/' "count: appears twice"
twist 's/"port":11/"port":-3000000000/' "port: is out of range"
twist 's/"port":11/"port":1,"port":1/' "port: appears twice"
twist 's/"cause":{[^}]*}/"cause":3/' "cause: is not an object"
twist 's/"deployment":"0/"deployment":"G/' "deployment: is not 64 lower-case hex digits"
twist 's/"image":"00/"image":"0/' "image: is not 64 lower-case hex digits"
twist 's/"version":"2.0.0"/"version":"\\u0007"/' "version: holds a character that is not printable ASCII"
twist "s/\"running\":\"2.0.0\"/\"running\":\"$zeros$zeros$zeros\"/" "running: is too long"
twist 's/"first":1800000100/"first":1e300/' "first: is out of range"
twist 's/}$/}x/' "file: is not JSON"
twist 's/^/[/' "file: is not JSON"
twist 's/.*/[]/' "file: is not a JSON object"
printf '' | put d9 1.json; bad_file "d9/1.json: file: is empty"
printf '{"id":1}\0' | put d9 1.json; bad_file "d9/1.json: file: holds a NUL"
old d9 1 confirmed OK | sed "s/2.0.0/$(head -c 9000 /dev/zero | tr '\0' v)/" | put d9 1.json; bad_file "d9/1.json: is larger than 8192 bytes"
old d9 1 confirmed OK | put d9 01.json; bad_file "d9/01.json: its name is not <boot>-<id>.json"
old d9 1 confirmed OK | put d9 1.json.part; bad_file "d9/1.json.part: its name is not <boot>-<id>.json"
mkdir -p "$inbox/d9/1.json"; bad_file "d9/1.json: is not a file"
mkdir "$inbox/d9"; ln -s ../d1/1.json "$inbox/d9/1.json"; bad_file "d9/1.json: is a link"
mkdir "$inbox/d9"; mkfifo "$inbox/d9/1.json"; bad_file "d9/1.json: is not a file"
: >"$inbox/stray"; bad_file "stray: is not the folder of a device"
ln -s d1 "$inbox/stray"; bad_file "stray: is not the folder of a device"

# A text that a spreadsheet would run is made harmless; quotes are doubled.
mkdir "$inbox/=d9"
new '=d9' 1 1 app-crash unplanned application '@SUM(\"x\")' 1 >"$inbox/=d9/1-1.json"
ok "formulas" repo reports "$inbox" --csv "$work/f.csv"
ok "are no formulas any more" grep -qF "\"'=d9\",unplanned,application,\"'@SUM(\"\"x\"\")\"," "$work/f.csv"
rm -rf "$inbox/=d9"

# Many reports, and more kinds than the table has rows, in little memory.
python3 - "$inbox" <<'P'
import os, sys
good = open(sys.argv[1] + "/d2/4-8.json").read()
for device in range(40):
    os.mkdir(f"{sys.argv[1]}/m{device}")
    for i in range(1, 101):
        text = good.replace('"id":8', f'"id":{i}').replace('"d2"', f'"m{device}"').replace('"signal"', f'"kind-{device * 100 + i if device < 6 else 0}"')
        open(f"{sys.argv[1]}/m{device}/4-{i}.json", "w").write(text)
P
bound="ulimit -v 65536" # address space; sanitizers need more than there is
sh -c "$bound; exec '$ota_repo' --help" >"$work/out" 2>&1 || bound=:
ok "4,004 reports" sh -c "$bound; exec '$ota_repo' reports '$inbox' --csv '$work/m.csv' >'$work/out' 2>'$work/err'"
ok "are all counted" says "4004 files, 4004 reports counted, 0 bad files skipped"
ok "the CSV has all" test "$(wc -l <"$work/m.csv")" -eq 4005
ok "the table has its bound and says so" grep -q "reports say more different things than the table has rows (512)" "$work/err"
finish
