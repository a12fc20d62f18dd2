# SPDX-License-Identifier: Apache-2.0
"""Where tuf-js and ota-tuf are known to judge a file differently, and why ota-tuf's verdict is right or does no harm."""
import re

REFUSES, ACCEPTS = False, True  # what ota-tuf does

# (pattern of the case's name, what ota-tuf does, why)
ALLOWED = [
    (r": member twice", REFUSES, "a member that stands there twice means something else to each reader; tuf-js takes the last one"),
    (r": (1\.0|2e0)$", REFUSES, "the canonical form has no fractions and exponents; tuf-js's JSON reader makes integers of them"),
    (r": odd signature", REFUSES, "a signature is an even number of hexadecimal digits; Node.js drops a last odd one"),
    (r"keys\.KEYID.*: ", REFUSES, "a key that a role names must be whole, and have the id that section 4.2 says; tuf-js takes any id, and looks at a key when it needs it"),
    (r"hashes\.sha(256|512): ", REFUSES, "a digest has a fixed number of hexadecimal digits; tuf-js looks at it when it compares"),
    (r"spec_version: blank behind", REFUSES, "a version is numbers and dots; tuf-js reads past what is behind them"),
    (r"hashes: ", REFUSES, "`hashes` is an object of digests; tuf-js takes a list for one"),
    (r"version: 2\^(31|32)", REFUSES, "versions have 32 bits here: 136 years of one each second"),
    (r"path_hash_prefixes: renamed", REFUSES, "a delegation has `paths` or `path_hash_prefixes` (section 4.5); tuf-js takes one with neither"),
    (r"roles\[\d\]\.name: empty text", REFUSES, "a role without a name has no file"),
    (r"custom.*: 2\^53\+1", ACCEPTS, "JavaScript has no such integer: tuf-js hashes another number than was signed"),
    (r"targets: delegations\.roles\[0\]\.keyids\[0\]: ", ACCEPTS, "who signs for a role that the path does not lead to is not looked at"),
    (r"targets: delegations\.keys\.KEYID", ACCEPTS, "keys of delegations that the path does not lead to are not read"),
    (r"targets: delegations\.roles\[1\]: twice", ACCEPTS, "what stands behind a terminating delegation that matched is not followed"),
]


def why(label, accepted):
    for pattern, accepts, reason in ALLOWED:
        if accepts == accepted and re.search(pattern, label):
            return reason
    return None
