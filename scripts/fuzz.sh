#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# fuzz.sh SECONDS [TARGET...]: fuzz each parser that long, beginning from fuzz/corpus/. New inputs are kept in
# build/fuzz/found/, what crashes in build/fuzz/crashes/. Fails if anything crashed, hung, leaked, or nothing was run.
. "$(dirname "$0")/common.sh"
seconds=${1:?usage: fuzz.sh SECONDS [TARGET...]}
shift

# "fuzz.sh --one SECONDS NAME" is how this script runs one target in the background.
one() {
    mkdir -p "build/fuzz/found/$2" "build/fuzz/crashes/$2"
    if build/fuzz/fuzz/fuzz_"$2" -max_total_time="$1" -timeout=10 -rss_limit_mb=1024 -print_final_stats=1 \
        -artifact_prefix="build/fuzz/crashes/$2/" "build/fuzz/found/$2" "fuzz/corpus/$2" >"build/fuzz/$2.log" 2>&1; then
        echo "fuzz $2: $(sed -n 's/^stat::number_of_executed_units: *//p' "build/fuzz/$2.log") runs, nothing found"
        return
    fi
    echo "fuzz $2: FAILED"
    tail -n 40 "build/fuzz/$2.log"
    return 1
}
if [ "$seconds" = --one ]; then
    one "$@"
    exit
fi

step "packages" scripts/install-deps.sh core check
step "build the fuzz targets" build fuzz
if [ $# -eq 0 ]; then
    for source in fuzz/fuzz_*.c; do
        [ -e "$source" ] || { echo "fuzz: no target" >&2; exit 1; }
        name=$(basename "$source" .c)
        set -- "$@" "${name#fuzz_}"
    done
fi
step "fuzz $# targets, $seconds s each" sh -c 'printf "%s\n" "$@" | xargs -P "$0" -n 1 scripts/fuzz.sh --one '"$seconds" "$jobs" "$@"
