#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into an empty prefix, builds the porter's project that was installed with it, and runs it: right ports
# pass, and each mistake that can be built into them is found: by its own power cuts, or by those of whole updates.
#   run.sh BUILD-FOLDER
# Environment: CC, CFLAGS as the build had them; SIM=1: the simulated device was built, too.
set -eu
build=$1
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
passed=0
failed=0

# expect PROGRAM pass|fail MISTAKE PATTERN
expect() {
    status=0
    "$tmp/build/$1" "$3" >"$tmp/log" 2>&1 || status=$?
    if { [ "$2" = pass ] && [ $status -eq 0 ]; } || { [ "$2" = fail ] && [ $status -eq 1 ] && grep -q "$4" "$tmp/log"; }; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED: $1 with mistake $3 should $2 ($4), status $status"
    cat "$tmp/log"
}

cmake --install "$build" --prefix "$tmp/prefix" >"$tmp/install.log" 2>&1 || { cat "$tmp/install.log"; exit 1; }
project=$(dirname "$(find "$tmp/prefix" -name my_ports.h)")
cmake -S "$project" -B "$tmp/build" -DCMAKE_PREFIX_PATH="$tmp/prefix" -DCMAKE_BUILD_TYPE=Release -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="${CFLAGS:-} -Wall -Wextra -Werror" \
    >"$tmp/build.log" 2>&1 && cmake --build "$tmp/build" >>"$tmp/build.log" 2>&1 || { cat "$tmp/build.log"; exit 1; }

expect my_ports_test pass 0 ''
tail -n 1 "$tmp/log"
expect my_ports_test fail 1 'store: a record is old or new'
expect my_ports_test fail 2 'store: a record is old or new'
expect my_ports_test fail 3 'store: '
expect my_ports_test fail 4 'slot: what was synced survives'
expect my_ports_test fail 5 'boot: '
expect my_ports_test fail 6 'boot: a trial that nobody confirms ends'
expect my_ports_test pass 7 ''

# The agent survives a record that is lost (mistake 1), so no update shows it.
if [ "${SIM:-}" = 1 ]; then
    expect my_update_test pass 0 ''
    cat "$tmp/log"
    expect my_update_test fail 2 'cut:full:rig:.* violates "stored metadata is what a publisher signed"'
    expect my_update_test fail 3 'cut:full:rig:.* violates "every final result is told"'
    expect my_update_test fail 4 'cut:full:rig:.* violates '
    id=$(sed -n 's/^\(cut:[^ ]*\) violates.*/\1/p' "$tmp/log" | head -n 1)
    ! "$tmp/build/my_update_test" 4 "$id" >"$tmp/log" 2>&1 && grep -q "the power goes" "$tmp/log" || { cat "$tmp/log"; failed=$((failed + 1)); }
    expect my_update_test fail 5 'cut:full:rig:.* violates '
    expect my_update_test fail 6 'cut:crash:rig:.* violates '
    expect my_update_test fail 7 'cut:full:rig:.* violates '
else
    [ ! -e "$tmp/build/my_update_test" ] || { echo "FAILED: my_update_test was built"; failed=$((failed + 1)); }
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
