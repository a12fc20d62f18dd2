#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# powercut.sh [--write] [--nightly]: explore all power cuts, plant the seeded bugs, and print the one line that sums it up.
# Fails if a rule was broken, a seeded bug was missed, or README.md's line is stale; --write puts the new one there.
# --nightly explores double cuts everywhere instead, 50 million cuts or more, and compares nothing.
. "$(dirname "$0")/common.sh"
set -o pipefail
out=build/powercut
mkdir -p "$out"
mode=--full write=
for option in "$@"; do
    case $option in
        --nightly) mode=--nightly ;;
        --write) write=--write ;;
        *) sed -n '3,5s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
    esac
done

explore() { build/gcc/tests/powercut/powercut "$mode" --processes "$jobs" | tee "$out/explored.txt"; }
seeded() { python3 tests/powercut/seeded.py --build "$out/seeded" --jobs "$jobs" | tee "$out/seeded.txt"; }

step "packages" scripts/install-deps.sh core
step "build with gcc, optimised" build gcc
step "explore power cuts ($mode)" explore
[ "$mode" = --full ] || exit 0
step "seeded bugs" seeded
step "figure" python3 tests/powercut/figure.py "$out/explored.txt" "$out/seeded.txt" $write
