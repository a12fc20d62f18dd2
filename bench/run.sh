#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR [--quick] [--strict] [--keep]
#
# Measures the programs in BUILD-DIR against curl, sha256sum and gzip in the same run, prints a table, and writes
# bench/figures.json beside BUILD-DIR. What is measured and how: README.md beside this script.
#
#   --quick    16 MiB and one pair: does it all still work? CPU is shown and not judged
#   --strict   exit with 1 when a bar is missed
#   --keep     leave the images and the devices of the run
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
    -h | --help) sed -n '3,10s/^# \{0,1\}//p' "$0"; exit 0 ;;
    '' | -*) sed -n '3,10s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
exec python3 -B "$here/bench.py" "$@"
