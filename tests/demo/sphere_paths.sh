#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: sphere_paths.sh SOURCE-DIR
# Every file and folder that docs/sphere.md names exists.
set -euo pipefail
cd "$1"
missing() { grep -o '`[a-z][a-z0-9_.-]*/[A-Za-z0-9_./-]*`' "$1" | tr -d '`' | sort -u | while read -r path; do [ -e "$path" ] || echo "$path"; done; }
count=$(grep -o '`[a-z][a-z0-9_.-]*/[A-Za-z0-9_./-]*`' docs/sphere.md | sort -u | wc -l)
[ "$count" -ge 40 ] || { echo "only $count paths"; exit 1; }
bad=$(missing docs/sphere.md)
[ -z "$bad" ] || { echo "docs/sphere.md names what is not there: $bad"; exit 1; }
planted=$(mktemp)
echo '`lib/nothing/here.c`' > "$planted"
[ "$(missing "$planted")" = lib/nothing/here.c ] || { rm -f "$planted"; echo "a path that is not there is not noticed"; exit 1; }
rm -f "$planted"
echo "$count paths"
