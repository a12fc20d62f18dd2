#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# planted.sh FLEET: without dice, or with one place for all, the bounds of the simulator must be exceeded.
fleet=$1
passed=0
failed=0

# caught PLANT BOUND: the run must fail, and at this bound.
caught() {
    if out=$("$fleet" --devices 50000 --plant "$1"); then status=0; else status=$?; fi
    if [ "$status" -eq 1 ] && echo "$out" | grep -F -- "$2" | grep -q EXCEEDED; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: --plant $1 was not caught: $2"
    fi
}

caught jitter "the five minutes of the first check-ins: peak over mean"
caught phase "from the second hour on: peak over mean"
caught phase "the five hours behind the outage: strongest period over mean"
caught phase "the three hours behind the first refusal: peak over mean"
caught phase "the seven hours behind it: strongest period over mean"
if "$fleet" --devices 50000 >/dev/null; then passed=$((passed + 1)); else failed=$((failed + 1)); echo "FAIL: nothing planted"; fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
