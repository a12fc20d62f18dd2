#!/bin/bash
# SPDX-License-Identifier: Apache-2.0
# usage: trixie_tests.sh ROOT SOURCE-DIR BUILD-DIR CTEST-ARGUMENT...
# In the Debian 13 that trixie_root.sh made: library, tools and examples built with its clang, the tests with its gcc, both optimised and
# with warnings as errors; then the tests. The mounts are seen by nobody else, and end with it.
set -euo pipefail

root=$1 source=$2 build=$3
shift 3
mkdir -p "$root/src" "$root/build" "$build"
exec unshare --mount bash -euo pipefail -c '
    root=$1 source=$2 build=$3
    shift 3
    mount --rbind /proc "$root/proc"
    mount --rbind /dev "$root/dev"
    mount --bind "$source" "$root/src"
    mount --bind "$build" "$root/build"
    exec chroot "$root" /src/tests/worlds/trixie_inside.sh "$@"' bash "$root" "$source" "$build" "$@"
