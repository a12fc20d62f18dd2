#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# Installs a build into an empty prefix and uses it as a stranger would: find_package, pkg-config, C++.
#   run.sh SOURCE-TREE BUILD-FOLDER
# Environment: CC, CXX, CFLAGS as the build had them; POSIX=1 if it has the POSIX ports.
set -eu
source=$1
build=$2
here=$source/tests/consumer
tmp=$(mktemp -d)
trap 'rm -rf "$tmp"' EXIT
prefix=$tmp/prefix
passed=0
failed=0

# try NAME COMMAND...: one case; its output is shown when it fails
try() {
    name=$1
    shift
    if "$@" >"$tmp/log" 2>&1; then
        passed=$((passed + 1))
        return
    fi
    failed=$((failed + 1))
    echo "FAILED: $name"
    cat "$tmp/log"
}

must_not() { ! "$@"; }
warnings="-Wall -Wextra -Wpedantic -Werror"

all_installed() {
    for header in "$source"/include/ota/*; do
        cmp "$header" "$prefix/include/ota/$(basename "$header")" || return 1
    done
    expected="lib/libota.a lib/pkgconfig/ota.pc lib/cmake/ota/otaConfig.cmake"
    [ -z "${POSIX:-}" ] || expected="$expected lib/libota_posix.a lib/pkgconfig/ota-posix.pc bin/ota-agent bin/ota-repo bin/ota-tuf share/man/man1/ota-tuf.1
        bin/ota-boot-supervisor lib/systemd/system/ota-agent.service share/ota/agent.json"
    for file in $expected; do
        test -f "$prefix/$file" || { echo "no $file"; return 1; }
    done
}

leaks() { # paths and flags of this build in what is installed as text
    grep -rnE "$source|$build|$tmp|ota_flags|-Werror|-fsanitize" "$prefix/lib/cmake" "$prefix/lib/pkgconfig"
}

cmake_consumer() {
    cmake -S "$here/project" -B "$tmp/cmake" -DCMAKE_PREFIX_PATH="$prefix" -DSOURCES="$here" -DPARTS="$1" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS" && cmake --build "$tmp/cmake"
}

# The program in README.md, from its marker to the end of the block, with a main() so that it is linked, too.
readme_program() {
    awk '/^<!-- start: compiled by tests\/consumer -->$/ { on = 1; next } on && /^```$/ { exit } on && !/^```c$/' "$source/README.md"
    printf 'int main(void) { return update(NULL, NULL, 0) == OTA_OK; }\n'
}

# README.md's loop around the TUF client, with what it needs.
readme_tuf() {
    awk '/^<!-- tuf: compiled by tests\/consumer -->$/ { on = 1; next } on && /^```$/ { exit } on && !/^```c$/' "$source/README.md"
}

tuf_builds() { # tuf_builds FILE
    grep -q 'ota_tuf_next(' "$1" || return 1
    cmake -S "$here/project" -B "$tmp/cmake-tuf" -DCMAKE_PREFIX_PATH="$prefix" -DSOURCES="$here" -DREADME_TUF="$1" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS $warnings" && cmake --build "$tmp/cmake-tuf" --target tuf
}

tuf_alone() { # nothing of the agent and its other stages comes with it
    nm "$tmp/cmake-tuf/tuf" | grep ' ota_tuf_next$' || return 1
    ! nm "$tmp/cmake-tuf/tuf" | grep -E ' (ota_init|ota_step|otai_(step|fetch|seal|slot|plan|boot|health|journal|ring|report|deploy|inflate)_)'
}

readme_builds() { # readme_builds FILE
    grep -q 'ota_run(' "$1" || return 1
    cmake -S "$here/project" -B "$tmp/cmake-readme" -DCMAKE_PREFIX_PATH="$prefix" -DSOURCES="$here" -DPARTS=posix -DREADME="$1" \
        -DCMAKE_C_COMPILER="$CC" -DCMAKE_C_FLAGS="$CFLAGS $warnings" && cmake --build "$tmp/cmake-readme" --target readme
}

readme_links() { # with the flags of the one pkg-config command in README.md
    command=$(grep -o '`pkg-config [^`]*`' "$source/README.md" | tr -d '`')
    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" $command) && $CC $CFLAGS -std=c11 $warnings "$tmp/readme.c" -o "$tmp/readme" $flags
}

readme_publishes() ( # the commands of README.md's "Publish", as they stand there
    mkdir "$tmp/publish" && cd "$tmp/publish" || return 1
    seq 1 20000 >firmware.bin
    awk '/^## / { on = $0 == "## Publish" } on && sub(/^    /, "")' "$source/README.md" >commands
    test "$(grep -c '^ota-repo ' commands)" -ge 4 || { echo "README.md: no commands below \"Publish\""; return 1; }
    PATH="$prefix/bin:$PATH" sh -eux commands && "$prefix/bin/ota-repo" --dir site verify &&
        test -f site/web/p/thermostat/metadata/timestamp.json && ls site/web/os/targets/os/img/*os-2.0.0*
)

service_is_here() { # the service starts the program of the prefix that it was installed to, not of the one configured
    grep -x "ExecStart=$prefix/bin/ota-agent run .*" "$prefix/lib/systemd/system/ota-agent.service"
}

pkg_consumer() { # pkg_consumer PROGRAM-SOURCE PACKAGE OUTPUT [pkg-config option]
    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config ${4-} --cflags --libs "$2") || return 1
    $CC $CFLAGS -std=c11 $warnings "$1" -o "$3" $flags
}

headers_stand_alone() { # headers_stand_alone COMPILER LANGUAGE STANDARD
    for header in "$prefix"/include/ota/*.h; do
        printf '#include "ota/%s"\nint used;\n' "$(basename "$header")" >"$tmp/one.$2"
        $1 -x "$2" "-std=$3" $warnings -I"$prefix/include" -fsyntax-only "$tmp/one.$2" || return 1
    done
}

cxx_consumer() { # the declarations have C linkage, so a C++ program links
    printf '#include <ota/ota.h>\nint main() { ota_config cfg = ota_config(); return ota_workspace_len(&cfg) == 0 ? 0 : 1; }\n' >"$tmp/main.cpp"
    flags=$(PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --cflags --libs ota) || return 1
    $CXX $CFLAGS -std=c++11 $warnings "$tmp/main.cpp" -o "$tmp/cxx" $flags && "$tmp/cxx"
}

try "install" cmake --install "$build" --prefix "$prefix"
try "everything is there" all_installed
try "nothing of the build leaks" must_not leaks
[ -z "${POSIX:-}" ] || try "the service finds its program" service_is_here
try "CMake: find_package and build" cmake_consumer "${POSIX:+posix}"
try "CMake: the core runs" "$tmp/cmake/core"
try "CMake: an unknown component is refused" must_not cmake_consumer no-such-part
# The tree is moved first: neither way of finding it may depend on where it was installed.
mv "$prefix" "$tmp/moved"
prefix=$tmp/moved
try "pkg-config: build" pkg_consumer "$here/main.c" ota "$tmp/pkg"
try "pkg-config: the core runs" "$tmp/pkg"
try "pkg-config --static: build" pkg_consumer "$here/main.c" ota "$tmp/pkg-static" --static
try "pkg-config --static: the core runs" "$tmp/pkg-static"
readme_tuf >"$tmp/readme_tuf.c"
try "README: the TUF client alone builds" tuf_builds "$tmp/readme_tuf.c"
try "README: the TUF client alone runs" "$tmp/cmake-tuf/tuf"
try "README: the TUF client comes alone" tuf_alone
sed 's/ota_tuf_answer(t, /ota_tuf_answer(/' "$tmp/readme_tuf.c" >"$tmp/planted_tuf.c"
try "README: a TUF client that does not compile is noticed" must_not tuf_builds "$tmp/planted_tuf.c"
try "each header stands alone in C" headers_stand_alone "$CC" c c11
if [ -n "${POSIX:-}" ]; then
    try "CMake: the POSIX ports run" "$tmp/cmake/posix"
    try "pkg-config: the POSIX ports build" pkg_consumer "$here/posix.c" ota-posix "$tmp/pkg-posix"
    try "pkg-config: the POSIX ports run" "$tmp/pkg-posix"
    readme_program >"$tmp/readme.c"
    try "README: the start builds" readme_builds "$tmp/readme.c"
    sed 's/ota_run(agent)/ota_run(agents)/' "$tmp/readme.c" >"$tmp/planted.c"
    try "README: a start that does not compile is noticed" must_not readme_builds "$tmp/planted.c"
    try "README: the start links as it says" readme_links
    try "README: the commands publish" readme_publishes
fi
if command -v "$CXX" >/dev/null; then
    try "each header stands alone in C++" headers_stand_alone "$CXX" c++ c++11
    try "C++: build, link and run" cxx_consumer
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ]
