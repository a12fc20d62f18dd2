#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR DIR [--pairs A,B] [--peers A,B] [--into FILE] [--json FILE] [--keep FILE] [--strict]
#
# Makes a patch of every pair of images in DIR (folders with the files old and new; corpus.sh makes some) with ota-delta
# and with every peer that this machine can install, applies each, compares the result, and prints tables. Debian's peers
# come from scripts/install-deps.sh bench, PyPI's go into a virtual environment beside BUILD-DIR. A peer that is not there
# is left out of the table.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
    -h | --help) sed -n '3,9s/^# \{0,1\}//p' "$0"; exit 0 ;;
    '' | -*) sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
[ $# -ge 2 ] || { sed -n '3,9s/^# \{0,1\}//p' "$0" >&2; exit 2; }
build=$(cd "$1" && pwd)
venv=$(dirname "$build")/bench-venv
if [ ! -x "$venv/bin/python" ]; then
    python3 -m venv "$venv"
fi
for package in bsdiff4==1.3.2 detools==0.53.0 hdiffpatch==2.6.0; do
    "$venv/bin/python" -m pip -q --disable-pip-version-check install "$package" || echo "bench: $package is not to be had: left out" >&2
done
exec "$venv/bin/python" -B "$here/bench.py" "$@"
