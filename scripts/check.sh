#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# "make check": gcc and clang with warnings as errors, the tests plain (gcc) and under ASan+UBSan (clang), the Cortex-M size budget.
# Ends at the first failure. The last line sums up the test cases: "N passed, N failed".
. "$(dirname "$0")/common.sh"

total() { python3 scripts/count-tests.py build/dev/junit.xml build/asan/junit.xml; }

# A failing run is counted too, so that the closing line tells how bad it is.
tests() {
    if ! run_tests "$@"; then
        total || true
        return 1
    fi
}

rm -f build/dev/junit.xml build/asan/junit.xml
step "packages" scripts/install-deps.sh core check
step "build with gcc, debug" build dev
step "tests" tests dev "$late"
step "build with clang, ASan and UBSan" build asan
step "tests under ASan and UBSan" tests asan "$late|$judges|^fleet_real_agents$"
step "build for Cortex-M4" build cortex-m
step "size budget" python3 tests/size/size.py --build build/cortex-m --prefix arm-none-eabi- tests/size/budget.txt
total
