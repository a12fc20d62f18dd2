#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# The manuals are well formed and complete. manuals.sh MANDOC MAN_DIR BUILD_DIR OTA_REPO [OTA_AGENT CONFIG_C]
set -u
mandoc=$1
dir=$2
work=$(mktemp -d "$3/manuals.XXXXXX")
trap 'rm -rf "$work"' EXIT
passed=0
failed=0
ok() {
    name=$1
    shift
    if "$@" >"$work/out" 2>&1; then passed=$((passed + 1)); else
        failed=$((failed + 1))
        echo "FAIL: $name"
        head -5 "$work/out"
    fi
}
lint() { "$mandoc" -T lint -W warning "$1"; }
# has MANUAL TEXT: as a reader sees it
has() { "$mandoc" -T ascii "$1" | sed 's/.\x08//g' | tr -s ' \n' ' ' | grep -qF -e "$2"; }

for page in "$dir"/*.[1-9]; do ok "$page is well formed" lint "$page"; done
printf '.Dd November 27, 2026\n.Dt X 1\n.Os\n.Sh NAME\n.Nm x\n.Nd y\n.Bogus z\n' >"$work/planted.1"
ok "one that is not is found" sh -c '! "$1" -T lint -W warning "$2"' sh "$mandoc" "$work/planted.1"

"$4" --help | sed -n 's/^  \([a-z]*\( [a-z]\+\)\{0,1\}\)  .*/\1/p' >"$work/commands"
ok "ota-repo has commands" test "$(wc -l <"$work/commands")" -ge 30
while read -r command; do ok "ota-repo.1 tells of: $command" has "$dir/ota-repo.1" "$command"; done <"$work/commands"
# The agent's: every command that it knows, and every key at the top of its configuration.
if [ $# -ge 6 ]; then
    "$5" --help | sed -n 's/^  \([a-z]\{1,\}\)  *\([A-Z[].*\)\{0,1\}.*/\1/p' >"$work/commands"
    sed -n '/ config_fields\[\] = {/,/^};/p' "$6" | sed -n 's/^    [A-Z{]*(\{0,1\} \{0,1\}"\([a-z_]*\)".*/\1/p' >"$work/keys"
    ok "ota-agent has commands" test "$(wc -l <"$work/commands")" -ge 6
    ok "its configuration has keys" test "$(wc -l <"$work/keys")" -ge 20
    while read -r word; do ok "ota-agent.1 tells of: $word" has "$dir/ota-agent.1" "$word"; done <"$work/commands"
    while read -r word; do ok "ota-agent.1 tells of the key $word" has "$dir/ota-agent.1" "$word"; done <"$work/keys"
fi
echo "$passed passed, $failed failed"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
