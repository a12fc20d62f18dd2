#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# What CI runs: see .ci/run. FUZZ_SECONDS (default 10) is the time for each fuzz target. OTA_NIGHTLY=1 adds the
# tests on other architectures, with another C library and on another Debian, MC/DC, and make check and make demo a second time.
. "$(dirname "$0")/common.sh"
set -o pipefail
mkdir -p build

check() { make check | tee build/check.log; }

coverage() {
    build cov && run_tests cov "$judges|^(kill|badnet|demo|tools|soak|hawkbit)_|^faults_agent$|^delta_cli$" >build/cov/test.log || { cat build/cov/test.log; return 1; }
    gcovr --root . --filter lib/ --filter ports/ --print-summary --output build/cov/coverage.txt build/cov &&
        scripts/coverage.py branches build/cov
}

mcdc() { # reported; clang 19 and its tools are not everywhere
    if ! scripts/install-deps.sh mcdc >build/mcdc-packages.log 2>&1; then
        echo "SKIPPED: clang 19 cannot be installed here"
        return 0
    fi
    build mcdc >build/mcdc/build.log || { cat build/mcdc/build.log; return 1; }
    ctest --preset mcdc --tests-regex '^(unit|flow|compat)_' >build/mcdc/test.log || { cat build/mcdc/test.log; return 1; }
    scripts/coverage.py mcdc build/mcdc
}

tidy() { # the core and the ports; the compile commands are clang's
    git ls-files 'lib/*.c' 'ports/posix/*.c' 'ports/ram/*.c' 'ports/remote/*.c' 'ports/sphere/*.c' | xargs -P "$jobs" -n 4 clang-tidy --quiet -p build/clang --warnings-as-errors='*' 2>/dev/null
}

may_skip() { local status=0; "$@" || status=$?; [ "$status" -eq 77 ] || return "$status"; }

# beside FUNCTION: its steps in the background, for what keeps one core busy at most. together waits for all of them, shows
# what they wrote, and ends the script if one failed. What still runs when the script ends, ends with it.
besides=()
beside() {
    local log=build/beside-${#besides[@]}.log
    echo "==> begun: $1"
    set -m # a process group of its own, so that its machines end with it
    (set +m; "$1") >"$log" 2>&1 &
    set +m
    besides+=("$! $log")
}
together() {
    local one failed=
    for one in "${besides[@]}"; do
        wait "${one%% *}" || failed=1
        cat "${one#* }"
    done
    besides=()
    [ -z "$failed" ] || exit 1
}
end_besides() { local one; for one in "${besides[@]}"; do kill -- "-${one%% *}" 2>/dev/null || true; done; }
trap end_besides EXIT

step "packages" scripts/install-deps.sh core check ci mcu e2e
step "make check" check
[ -z "${OTA_NIGHTLY:-}" ] || step "make check again" make check
step "build with gcc, optimised" build gcc
step "waits without OTA_FLEET" ctest --preset gcc --tests-regex "^(unit_agent_wait|flow_network|flow_run)$"
step "build with clang, optimised" build clang
step "what make check leaves out" ctest --preset dev --tests-regex "$late"
step "make demo" timeout 900 make demo
[ -z "${OTA_NIGHTLY:-}" ] || step "make demo again" timeout 900 make demo
step "make demo-sphere" timeout 300 make demo-sphere
step "a microcontroller's line, power and images, all bad" timeout 600 tests/demo/sphere_app.sh build/dev
# Skipped where Debian's source packages or kernels cannot be fetched.
emulated() {
    step "a microcontroller" may_skip tests/cortex-m/run.sh build/dev # 200 kills among it
    step "real boot loaders" may_skip timeout 1800 tests/e2e/run.sh build/gcc
}
beside emulated
step "fuzz every parser" scripts/fuzz.sh "${FUZZ_SECONDS:-10}"
if [ -d tests/interop ]; then
    # ctest says Skipped where the package registry cannot be reached.
    step "other implementations" ctest --preset dev --tests-regex '^interop_'
fi
step "hawkBit, told what to do wrong" ctest --preset dev --tests-regex '^hawkbit_(scripted|planted)$'
step "600 pairs of bad answers" env BADNET_PAIRS=600 ctest --preset dev --tests-regex '^badnet_pairs$' --timeout 900
step "two thousand agents against nginx" ctest --preset dev --tests-regex "^fleet_two_thousand_agents$"
step "bad answers, through a fetcher" ctest --preset dev --tests-regex "^badnet_fetcher_rows$" --timeout 900
step "model" timeout 900 python3 -B tests/model/run.py build/dev/tests/model/model_export
step "2,000 kills of the real programs" env KILL_COUNT=2000 ctest --preset dev --tests-regex '^kill_cuts$' --timeout 1200 --verbose
step "lying disks are noticed" ctest --preset dev --tests-regex '^kill_planted_'
step "every port call fails, once and from then on" build/gcc/tests/faults/faults_ports --all
step "every allocation and file call fails, once and from then on" timeout 900 build/dev/tests/faults/faults_agent --all file
step "100,000 updates in ten years" timeout 1200 build/gcc/tests/soak/soak_updates 100000
if [ -n "${OTA_NIGHTLY:-}" ]; then # 32-bit, big-endian, another C library, another Debian: a few minutes each, and as much for what is fetched once
    step "packages for other worlds" scripts/install-deps.sh worlds
    for world in armhf s390x musl trixie; do
        step "tests on $world" may_skip timeout 1800 tests/worlds/run.sh "$world"
    done
fi
step "every bit of TUF metadata" env OTA_TEST_EVERY_BIT=1 build/gcc/tests/unit_tuf_damage
step "power cuts" timeout 1800 scripts/powercut.sh
step "clang-tidy" tidy
step "coverage" coverage
[ -z "${OTA_NIGHTLY:-}" ] || step "MC/DC" mcdc
together
step "packages for the bench of patches" scripts/install-deps.sh bench
step "bench of patches, small: fetch" bench/delta/corpus.sh build/corpus cm3-ubertooth arm7-nxt
step "bench of patches, small" timeout 300 bench/delta/run.sh build/release build/corpus --quick --strict
if [ -x bench/run.sh ]; then
    step "bench, small" timeout 600 bench/run.sh build/release --quick --strict
    step "bench notices planted faults" timeout 600 bench/planted.sh build/release
fi
echo "==> all passed in $SECONDS s"
grep -E '^[0-9]+ passed, ' build/check.log | tail -n 1
