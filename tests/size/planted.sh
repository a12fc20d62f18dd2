#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The size budget must fail when it is exceeded: planted.sh BUILD-FOLDER. Works on any build of the core.
set -eu
here=$(dirname "$0")
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

# expect STATUS TEXT BUDGET-LINE: exit status, and a text in the output
expect() {
    printf '%s\n' "$3" >"$tmp/budget.txt"
    status=0
    python3 "$here/size.py" --only-size --build "$build" "$tmp/budget.txt" >"$tmp/out" 2>&1 || status=$?
    if [ "$status" -eq "$1" ] && grep -q "$2" "$tmp/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "budget '$3': wanted status $1 and '$2', got status $status:"
        cat "$tmp/out"
    fi
}

build=$1
expect 0 "ok" "all text 99999999"
expect 1 "OVER by" "all text 1"
expect 1 "OVER by" "base text 1"
expect 1 "OVER by" "patch text 1"
expect 1 "OVER by" "index text 1"
expect 1 "OVER by" "all-patch-index text 1"
expect 1 "not built" "all-gone text 99999999"
expect 1 "not built" "gone text 1"
expect 1 "no such section" "all rodata 1"

# An archive with a member that no source explains.
mkdir -p "$tmp/build"
ln -s "$(realpath "$build")/CMakeFiles" "$tmp/build/CMakeFiles"
cp "$build/libota.a" "$tmp/build/libota.a"
echo stray >"$tmp/stray.o"
ar q "$tmp/build/libota.a" "$tmp/stray.o" 2>/dev/null
build=$tmp/build
expect 1 "not the archive's members" "all text 99999999"

echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
