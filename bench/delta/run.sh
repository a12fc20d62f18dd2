#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: run.sh BUILD-DIR DIR [--quick] [--pairs A,B] [--peers A|B] [--into FILE] [--marks NAME] [--short] [--json FILE]
#               [--keep FILE] [--strict]
#
# Makes a patch of every pair of images in DIR (folders with the files old and new; corpus.sh makes some) with ota-delta
# and with every peer that this machine can install, applies each, compares the result, and prints tables. Debian's peers
# come from scripts/install-deps.sh bench, PyPI's go into a virtual environment below ~/.cache/libota (OTA_CACHE). A peer
# that is not there is left out of the tables.
#
#   --quick    the two smallest pairs and only Debian's peers: does it all still work?
#   --into     put the tables between the marks of a file: <!-- NAME --> to <!-- /NAME -->, delta-table unless said otherwise
#   --short    only how we stand against the best
#   --keep     take the peers' figures out of an earlier run's --json where it has them
#   --strict   fail when a peer is ahead, or a patch was not made
set -eu
here=$(cd "$(dirname "$0")" && pwd)
case ${1:-} in
    -h | --help) sed -n '3,15s/^# \{0,1\}//p' "$0"; exit 0 ;;
esac
case ${1:-}:${2:-} in
    :* | *: | -* | *:-*) sed -n '3,15s/^# \{0,1\}//p' "$0" >&2; exit 2 ;;
esac
python=python3
case " $* " in
    *" --quick "*) ;;
    *)
        venv=${OTA_CACHE:-${XDG_CACHE_HOME:-$HOME/.cache}/libota}/bench-venv
        if [ ! -x "$venv/bin/python" ]; then
            mkdir -p "$(dirname "$venv")"
            python3 -m venv "$venv"
        fi
        for package in bsdiff4==1.3.2 detools==0.53.0 hdiffpatch==2.6.0; do
            "$venv/bin/python" -m pip -q --disable-pip-version-check install "$package" || echo "bench: $package is not to be had: left out" >&2
        done
        python=$venv/bin/python
        ;;
esac
exec "$python" -B "$here/bench.py" "$@"
