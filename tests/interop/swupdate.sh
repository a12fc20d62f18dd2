#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# usage: swupdate.sh
# Debian's swupdate as a second, independent client of the scripted hawkBit-like server.
set -eu
for program in swupdate openssl cpio; do
    command -v $program >/dev/null || { echo "SKIPPED: there is no $program here (scripts/install-deps.sh ci)"; exit 77; }
done
swupdate --help 2>&1 | grep -q -- --suricatta || { echo "SKIPPED: this swupdate was built without suricatta, its DDI client"; exit 77; }
exec python3 -B "$(dirname "$0")/swupdate.py" "$(command -v swupdate)"
