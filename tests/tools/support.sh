# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=sh
# What the ota-repo tests share. Source it with the test's two arguments: OTA_REPO BUILD_DIR.
set -u
ota_repo=$1
# The publisher syncs every file. On a disk that is most of a test's time; in memory the same calls are free.
place=$2
if [ -d /dev/shm ] && [ -w /dev/shm ]; then place=/dev/shm; fi
work=$(mktemp -d "$place/ota_repo.XXXXXX")
trap 'rm -rf "$work"' EXIT
dir=$work/pub
passed=0
failed=0

# A command on the test's directory; stdout and stderr go to files for later questions.
repo() { "$ota_repo" --dir "$dir" "$@" >"$work/out" 2>"$work/err"; }

good() { passed=$((passed + 1)); }
bad() {
    failed=$((failed + 1))
    echo "FAIL: $1"
    sed 's/^/    /' "$work/out" "$work/err" 2>/dev/null | head -5
}

# ok NAME COMMAND...: the command must succeed.
ok() {
    name=$1
    shift
    if "$@"; then good; else bad "$name"; fi
}

# refused STATUS TEXT ARGUMENTS...: ota-repo must exit with STATUS and say TEXT.
refused() {
    status=$1
    text=$2
    shift 2
    repo "$@"
    got=$?
    if [ "$got" -eq "$status" ] && grep -qF -e "$text" "$work/err"; then
        good
    else
        bad "'$*': exit $got, expected $status with: $text"
    fi
}

says() { grep -qF -e "$1" "$work/out"; }

# member NAME: the first value of a member in the JSON on stdout.
member() { sed -n "s/.*\"$1\":\"\{0,1\}\([^,\"}]*\).*/\1/p" "$work/out" | head -1; }

# An OS image and an application image that deflate well.
make_images() {
    seq 1 40000 >"$work/os.img"
    seq 1 20000 >"$work/app.img"
}

add_image() {
    repo image add "$work/$1.img" --product thermostat --component "$1" --version "$2"
}

# A product with both components in version 1.0.0, deployed to Production.
make_published() {
    make_images
    repo init --product thermostat && add_image os 1.0.0 && add_image app 1.0.0 &&
        repo deploy --product thermostat --group production --image os=1.0.0 --image app=1.0.0
}

finish() {
    echo "$passed passed, $failed failed"
    [ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
    exit
}
