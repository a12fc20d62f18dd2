#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# ota-tuf against repositories of ota-repo, over file: URLs. usage: ota_tuf.sh OTA_REPO BUILD_DIR OTA_TUF
. "$(dirname "$0")/support.sh"
ota_tuf=$3
web=$dir/web/os
url=file://$web
md=$work/md
td=$work/td
image=os/img/os-1.0.0.img
mkdir "$md" "$td"
: >"$work/bad.sh"

tuf() { "$ota_tuf" "$@" >"$work/out" 2>"$work/err"; }
init() { tuf --metadata-dir "$md" init "$1"; }
refresh() { tuf --metadata-url "$url/metadata/" --metadata-dir "$md" refresh; }
download() { tuf --metadata-url "$url/metadata/" --metadata-dir "$md" --target-name "$1" --target-dir "$td" --target-base-url "$url/targets/" download; }

# fails TEXT COMMAND...: exit status exactly 1, TEXT on stderr, nothing half-written, trusted files untouched.
fails() {
    text=$1
    shift
    before=$(cat "$md"/*.json | sha256sum)
    "$@"
    got=$?
    if [ "$got" -eq 1 ] && grep -qF -e "$text" "$work/err" && [ "$before" = "$(cat "$md"/*.json | sha256sum)" ] &&
        [ -z "$(find "$md" "$td" -name '.*' -type f)" ]; then
        good
    else
        bad "'$*': exit $got, expected 1 with: $text"
    fi
}

ok "publish" make_published
ok "init" init "$web/metadata/1.root.json"
ok "init keeps the bytes" cmp "$md/root.json" "$web/metadata/1.root.json"
ok "refresh" refresh
ok "the four top-level roles" test "$(ls "$md")" = "root.json
snapshot.json
targets.json
timestamp.json"
ok "stored as downloaded" cmp "$md/timestamp.json" "$web/metadata/timestamp.json"
ok "refresh again" refresh
ok "download" download "$image"
ok "the right bytes" cmp "$td/os%2Fimg%2Fos-1.0.0.img" "$work/os.img"
ok "the delegated role beside the others" test -f "$md/os-images.json"
touch -d '2001-01-01' "$td/os%2Fimg%2Fos-1.0.0.img"
ok "download again" download "$image"
ok "leaves the file alone" test "$(date -r "$td/os%2Fimg%2Fos-1.0.0.img" +%Y)" = 2001
echo x >>"$td/os%2Fimg%2Fos-1.0.0.img"
ok "download over a damaged file" download "$image"
ok "mends it" cmp "$td/os%2Fimg%2Fos-1.0.0.img" "$work/os.img"
ok "root rotation" repo key rotate root
ok "refresh over it" refresh
ok "the new root is trusted" grep -q '"version":2' "$md/root.json"

fails "no trusted role vouches for this path" download os/img/nothing
fails "unknown command" tuf --metadata-dir "$md" list
fails "missing: --metadata-url" tuf --metadata-dir "$md" refresh
fails "missing: --target-name" tuf --metadata-url x/ --metadata-dir "$md" download
fails "unknown option" tuf --metadata-dir "$md" --verbose refresh
fails "a value is missing" tuf --metadata-dir
fails "missing: --metadata-url" tuf --metadata-dir "$md" --metadata-url "" refresh
fails "must end in /: --metadata-url" tuf --metadata-dir "$md" --metadata-url "$url/metadata" refresh
fails "must end in /: --target-base-url" tuf --metadata-dir "$md" --metadata-url "$url/metadata/" --target-name x --target-dir "$td" --target-base-url "$url" download
fails "nowhere: No such file" tuf --metadata-dir "$work/nowhere" --metadata-url "$url/metadata/" refresh
fails "bad.sh: Not a directory" tuf --metadata-dir "$work/bad.sh" --metadata-url "$url/metadata/" refresh
fails "nowhere: No such file" tuf --metadata-dir "$md" --metadata-url "$url/metadata/" --target-name x --target-dir "$work/nowhere" --target-base-url "$url/" download
mkdir "$work/fresh"
fails "refresh failed: root: no trusted root metadata" tuf --metadata-dir "$work/fresh" --metadata-url "$url/metadata/" refresh
if command -v flock >/dev/null; then
    fails "another ota-tuf works there" sh -c "flock \"\$0\" \"\$@\" >\"$work/out\" 2>\"$work/err\"" "$md" "$ota_tuf" --metadata-dir "$md" --metadata-url "$url/metadata/" refresh
fi
: >"$md/.ota-tuf-123"
: >"$td/.ota-tuf-123"
ok "what a killed process left is no obstacle" download "$image"
ok "and is removed" test -z "$(find "$md" "$td" -name '.*' -type f)"

man=$(dirname "$0")/../../docs/man/ota-tuf.1
ok "help" tuf --help
cp "$work/out" "$work/help"
for option in $(grep -o -e '--[a-z-]*' "$work/help" | sort -u); do
    ok "the manual has $option" grep -qF -e "Fl \\-${option#--}" "$man"
    ok "it is what the program calls $option" sh -c '"$1" "$2" 2>&1 | grep -qv "unknown option"' sh "$ota_tuf" "$option"
done
if command -v mandoc >/dev/null; then
    ok "the manual is well formed" mandoc -T lint -W warning "$man"
fi
echo '{}' >"$work/bad.json"
fails "not a usable root" init "$work/bad.json"
fails "No such file" init "$work/none.json"

file=$(find "$web/targets/os/img" -name '*.os-1.0.0.img')
rm -f "$td"/*
printf 'y' | dd of="$file" conv=notrunc bs=1 seek=7 2>/dev/null
fails "digest differs" download "$image"
truncate -s +1 "$file"
fails "length differs" download "$image"
ok "no bad file was kept" test -z "$(ls "$td")"

cp "$web/metadata/timestamp.json" "$work/new.json"
cp "$md/timestamp.json" "$work/old.json"
ok "a newer timestamp" repo refresh
ok "is taken" refresh
cp "$work/old.json" "$web/metadata/timestamp.json"
fails "REJECT_ROLLBACK" refresh
printf ' ' >>"$web/metadata/timestamp.json"
cp "$md/timestamp.json" "$web/metadata/timestamp.json"
printf ' ' >>"$web/metadata/timestamp.json"
ok "the same version with a space more is accepted" refresh
sed 's/"version":/"version":1/' "$md/timestamp.json" >"$web/metadata/timestamp.json"
fails "REJECT_SIGNATURE" refresh
head -c 100000 /dev/zero | tr '\0' ' ' >"$web/metadata/timestamp.json"
fails "REJECT_L" refresh
rm "$web/metadata/timestamp.json"
fails "RETRY_NOT_FOUND" refresh
finish
