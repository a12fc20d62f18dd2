#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: tuf.sh BUILD-DIR [--strict]
#
# Counts the instructions of one whole refresh of a repository by ota-tuf, python-tuf, tuf-js and go-tuf, and prints them
# with ratios. Needs valgrind and the registries of the others' packages; says SKIPPED and ends with 0 without them.
#
#   --strict   exit with 1 when a bar is missed
set -eu
here=$(cd "$(dirname "$0")" && pwd)
programs=$(cd "$1" && pwd)
shift
build=$(dirname "$programs")/peers
mkdir -p "$build"
say_skipped() { [ "$?" -ne 77 ] || exit 0; }
trap say_skipped EXIT
. "$here/../tests/interop/setup.sh"

for need in valgrind:"scripts/install-deps.sh ci" "$programs/bench/bench_ota_tuf":"a build with OpenSSL's headers"; do
    command -v "${need%%:*}" >/dev/null || { echo "SKIPPED: ${need%%:*} is missing: ${need#*:}"; exit 0; }
done
need_python_tuf
need_tuf_js

# go-tuf is shown where there is Go.
go=$build/go
if command -v go >/dev/null; then
    mkdir -p "$go"
    cp "$here/tuf/refresh.go" "$go/main.go"
    printf 'module refresh\n\ngo 1.23\n\nrequire github.com/theupdateframework/go-tuf/v2 v2.4.2\n' >"$go/go.mod"
    (cd "$go" && go mod tidy && go build -o refresh .) >"$build/go.log" 2>&1 || rm -f "$go/refresh"
fi
[ -x "$go/refresh" ] || echo "SKIPPED: go-tuf (no Go, or see $build/go.log)"
work=$(mktemp -d "$build/tuf.XXXXXX")
trap 'rm -rf "$work"' EXIT
"$venv/bin/python" "$here/tuf/measure.py" "$programs/tools/ota-tuf" "$programs/bench/bench_ota_tuf" "$(command -v "$node")" "$js" \
    "$([ -x "$go/refresh" ] && echo "$go/refresh")" "$work" "$@"
