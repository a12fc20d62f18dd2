#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into an empty prefix, builds the porter's project that was installed with it, and runs it: right ports
# pass, and each mistake that can be built into them is found.
#   run.sh BUILD-FOLDER
# Environment: CC, CFLAGS as the build had them.
set -eu
build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

# expect pass|fail MISTAKE PATTERN
expect() {
    status=0
    "$tmp/build/my_ports_test" "$2" >"$tmp/log" 2>&1 || status=$?
    if { [ "$1" = pass ] && [ $status -eq 0 ]; } || { [ "$1" = fail ] && [ $status -eq 1 ] && grep -q "$3" "$tmp/log"; }; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED: mistake $2 should $1 ($3), status $status"
    cat "$tmp/log"
}

cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/install.log" 2>&1 || { cat "$tmp/install.log"; exit 1; }
project=$(dirname "$(find "$tmp/prefix" -name my_ports.h)")
cmake -S "$project" -B "$tmp/build" -DCMAKE_PREFIX_PATH="$tmp/prefix" -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="${CFLAGS:-} -Wall -Wextra -Werror" \
    >"$tmp/build.log" 2>&1 && cmake --build "$tmp/build" >>"$tmp/build.log" 2>&1 || { cat "$tmp/build.log"; exit 1; }

expect pass 0 ''
tail -n 1 "$tmp/log"
expect fail 1 'store: a record is old or new'
expect fail 2 'store: a record is old or new'
expect fail 3 'store: '
expect fail 4 'slot: what was synced survives'
expect fail 5 'boot: '
expect fail 6 'boot: a trial that nobody confirms ends'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
