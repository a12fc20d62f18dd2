# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: timed steps that end the script at the first failure.
set -eu
root=$(cd "$(dirname "$0")/.." && pwd)
cd "$root"
jobs=$(nproc 2>/dev/null || echo 2)
export CTEST_PARALLEL_LEVEL="$jobs" CMAKE_BUILD_PARALLEL_LEVEL="$jobs"

# step NAME COMMAND...: say what runs, run it, say how long it took; a failure ends the script.
step() {
    _name=$1
    shift
    _start=$(date +%s)
    echo "==> $_name"
    if ! "$@" </dev/null; then
        echo "==> FAILED: $_name ($(($(date +%s) - _start)) s)" >&2
        exit 1
    fi
    echo "==> ok: $_name ($(($(date +%s) - _start)) s)"
}

# build PRESET: configure and build. The configuration's chatter is shown only when it fails.
build() {
    mkdir -p "build/$1"
    if ! cmake --preset "$1" >"build/$1/configure.log" 2>&1; then
        cat "build/$1/configure.log" >&2
        return 1
    fi
    cmake --build --preset "$1"
}

# Left to .ci/run, which runs them once: long, and seldom broken without another test that is.
late='^(size|badnet|contract|layering)_planted_faults$|^kit$|^consumer$|^tools_ota_repo_crash_(images|keys)$|^tools_ci_workflow$|^demo_sphere_intercore$|^fleet_a_million$|^attest_agent_keys$'

# run_tests PRESET [REGEX]: ctest without the tests that REGEX names, leaving a JUnit file for count-tests.py. Tests named
# interop_* fetch other people's programs; those and the ones labelled "long" are left to .ci/run.
run_tests() {
    ctest --preset "$1" --exclude-regex "^interop_${2:+|$2}" --label-exclude '^long$' --output-junit junit.xml \
        --test-output-size-passed 1000000 --test-output-size-failed 1000000
}

# Tests that run none of the library's code in their own process, or plant faults into a build of their own: a sanitizer or
# a count of branches sees nothing in them.
judges='^(size|coverage|counting|badnet|kill|powercut|hawkbit)_planted|^layering_|^consumer$|^kit$'
