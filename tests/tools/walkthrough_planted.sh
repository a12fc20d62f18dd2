#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# walkthrough.py must notice a document that is not true. Usage: walkthrough_planted.sh WALKTHROUGH.PY WORK_DIR
set -u
work=$(mktemp -d "$2/planted.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0

# expect STATUS TEXT DOCUMENT: what becomes of it
expect() {
    # shellcheck disable=SC2059
    printf "$3" >"$work/doc.md"
    python3 -B "$tool" "$work/doc.md" "$work" >"$work/out" 2>&1
    got=$?
    if [ "$got" -eq "$1" ] && grep -qF -e "$2" "$work/out"; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAIL: exit $got, expected $1 with: $2"
        cat "$work/out"
    fi
}

tool=$1
expect 0 "2 passed, 0 failed" \
    '# D\n```sh\nx=1\necho a b\n```\n```text\na ...\n```\n```sh\ntest $x = 1\n```\n'
expect 1 "doc.md:1: printed" \
    '```sh\necho a\n```\n```text\nb\n```\n'
expect 1 "doc.md:5: the block ended with 1" \
    '```sh\necho a\n```\n\n```sh\nfalse\n```\n'
expect 1 "the block ended with 1" \
    '```sh\nfalse | true\n```\n'
expect 1 "0 passed, 0 failed" \
    'text alone\n'
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
