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
