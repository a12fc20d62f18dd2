#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Every layering check must catch the faults planted here, one at a time, in a small tree that is clean without them."""
import importlib
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True  # the tree stays as it is
L = "/* SPDX-License-Identifier: Apache-2.0 */\n"

CLEAN = {
    "include/ota/error.h": L + "#include <stdint.h>\ntypedef int ota_err;\n",
    "include/ota/port_net.h": L + '#include "ota/error.h"\nstruct ota_net;\nstruct ota_net_ops {\n    ota_err (*go)(struct ota_net *);\n};\n'
                              "struct ota_net {\n    const struct ota_net_ops *ops;\n};\n",
    "lib/base/bytes.h": L + "#include <stddef.h>\nsize_t otai_count(const char *s);\n",
    "lib/base/bytes.c": L + '#include "bytes.h"\n#include <string.h>\nsize_t otai_count(const char *s)\n{\n    return strlen(s);\n}\n',
    "lib/fetch/fetch.h": L + '#include "ota/port_net.h"\nint otai_fetch(struct ota_net *n);\n',
    "lib/fetch/fetch.c": L + '#include "fetch.h"\n#include "bytes.h"\nstatic const int table[] = { 1, 2 };\n'
                         'int otai_fetch(struct ota_net *n)\n{\n    return n->ops->go(n) + table[otai_count("a") & 1u];\n}\n',
    "lib/slot/slot.h": L + "int otai_seal(int n);\n",
    "lib/slot/slot.c": L + '#include "slot.h"\nint otai_seal(int n)\n{\n    return n + 1;\n}\n',
    "lib/delta/inflate.c": L + "#include <zlib.h>\nint otai_inflate(z_stream *z);\nint otai_inflate(z_stream *z)\n{\n    return inflate(z, Z_SYNC_FLUSH);\n}\n",
    "lib/agent/agent.c": L + '#include "fetch.h"\n#include "slot.h"\nstatic int (*const steps[])(int) = { otai_seal };\n'
                         "int ota_step(struct ota_net *n);\nint ota_step(struct ota_net *n)\n{\n    return otai_fetch(n) + steps[otai_fetch(n) & 0](1);\n}\n",
    "ports/ram/net.h": L + '#include "ota/port_net.h"\n',
    "ports/ram/net.c": L + '#include "net.h"\n#include <stdlib.h>\nint ram_net(void);\nint ram_net(void)\n{\n    return 0;\n}\n',
    "tests/layering/indirect.txt": "# SPDX-License-Identifier: Apache-2.0\nlib/agent/agent.c -> otai_seal\n",
    "tests/layering/exceptions.txt": "# SPDX-License-Identifier: Apache-2.0\nlib/slot/slot.c  # a reason\n",
}


def body(code, head='#include "slot.h"\n'):
    return L + head + code


def function(lines):
    return L + "int f(void);\nint f(void)\n{\n" + "    ;\n" * lines + "    return 0;\n}\n"


# check, file, its new text (None: gone), what the complaint must say
FAULTS = [
    ("includes", "lib/fetch/fetch.c", L + '#include "slot.h"\n', "a stage includes only itself"),
    ("includes", "lib/fetch/fetch.c", L + '#include "../slot/slot.h"\n', 'leaves its folder with ".."'),
    ("includes", "lib/base/bytes.c", L + '#include "fetch.h"\n', "a stage includes only itself"),
    ("includes", "lib/fetch/fetch.c", L + "#include <stdio.h>\n", "not one of the system headers"),
    ("includes", "lib/fetch/fetch.c", L + "#  include <zlib.h>\n", "not one of the system headers"),
    ("includes", "lib/fetch/fetch.c", L + '#include "ota/absent.h"\n', "a stage includes only itself"),
    ("includes", "ports/ram/net.c", L + '#include "bytes.h"\n', "a port includes only itself"),
    ("includes", "ports/ram/net.c", L + '#include "../../lib/base/bytes.h"\n', 'leaves its folder with ".."'),
    ("includes", "include/ota/port_net.h", L + "#include <sys/types.h>\n", "a public header includes only"),
    ("includes", "include/ota/port_net.h", L + '#include "bytes.h"\n', "a public header includes only"),
    ("includes", "tests/unit/test.c", L + '#include "../../lib/base/bytes.h"\n', 'leaves its folder with ".."'),
    ("objects", "lib/slot/slot.c", body("#include <stdlib.h>\nint otai_seal(int n)\n{\n    return malloc(1) == 0 ? n : 0;\n}\n"
                                        "void *f(void);\nvoid *f(void)\n{\n    return malloc(9);\n}\n"), "slot.c: calls malloc"),
    ("objects", "lib/slot/slot.c", body('#include <stdio.h>\nint otai_seal(int n)\n{\n    return printf("%d", n);\n}\n'), "slot.c: calls printf"),
    ("objects", "lib/slot/slot.c", body("int inflateReset(void *);\nint otai_seal(int n)\n{\n    return inflateReset(0) + n;\n}\n"), "slot.c: calls inflateReset"),
    ("objects", "lib/slot/slot.c", body('size_t otai_fetch(void *);\nint otai_seal(int n)\n{\n    return (int)otai_fetch(0) + n;\n}\n',
                                        "#include <stddef.h>\n"), "slot.c: calls otai_fetch of lib/fetch"),
    ("objects", "lib/slot/slot.c", body("static int count;\nint otai_seal(int n)\n{\n    return count += n;\n}\n"), "count is data that can change"),
    ("objects", "lib/slot/slot.c", body("int count = 1;\nint otai_seal(int n)\n{\n    return count += n;\n}\n"), "count is data that can change"),
    ("objects", "lib/slot/slot.c", body("int otai_seal(int n)\n{\n    static int last;\n    int was = last;\n\n    last = n;\n    return was;\n}\n"), "is data that can change"),
    ("objects", "lib/slot/slot.c", body("int otai_seal(int n)\n{\n    return n < 2 ? n : otai_seal(n - 1) + otai_seal(n - 2);\n}\n"), "recursion: otai_seal -> otai_seal"),
    ("objects", "lib/slot/slot.c", body("int otai_other(int n);\nint otai_seal(int n)\n{\n    return n ? otai_other(n - 1) : 0;\n}\n"
                                        "__attribute__((noinline)) int otai_other(int n)\n{\n    return n ? otai_seal(n - 1) : 1;\n}\n"), "recursion: "),
    ("objects", "lib/slot/slot.c", body("struct ota_net;\nint otai_seal(int n)\n{\n    char room[n];\n    otai_use(room);\n    return room[0];\n}\n",
                                        '#include "slot.h"\nvoid otai_use(char *);\n'), "stack frame without a fixed size"),
    ("objects", "lib/slot/slot.c", body("int ota_step(void *);\nint otai_seal(int n)\n{\n    return ota_step(0) + n;\n}\n"), "recursion: "),
    ("objects", "lib/slot/slot.c", body("int (*otai_hook(int n))(int);\nint otai_seal(int n)\n{\n    return otai_hook(n)(n);\n}\n"), "is neither a port's nor declared"),
    ("objects", "tests/layering/indirect.txt", "lib/agent/agent.c -> otai_seal otai_gone\n", "otai_gone matches no function"),
    ("objects", "tests/layering/indirect.txt", "lib/agent/agent.c -> otai_seal\nlib/fetch/fetch.c -> otai_seal\n", "lib/fetch/fetch.c calls nothing through a pointer"),
    ("objects", "lib/slot/slot.c", body("int otai_seal(int n)\n{\n    return m;\n}\n"), "does not compile"),
    ("text", "lib/slot/slot.h", "int otai_seal(int n);\n", "no licence line"),
    ("text", "scripts/x.sh", "#!/bin/sh\ntrue\n", "no licence line"),
    ("text", "Makefile", "all:\n", "no licence line"),
    ("text", "README.md", "see /wo" + "rk/main\n", "a path of somebody's machine"),
    ("text", "lib/slot/slot.h", L + "/* TO" + "DO: later */\n", "marked as unfinished"),
    ("text", "lib/slot/slot.h", L + "\tint x;\n", "tab or trailing blank"),
    ("text", "lib/slot/slot.h", L + "int x; \n", "tab or trailing blank"),
    ("text", "lib/slot/slot.h", L + "int x;\n" * 600, "file of 601 lines"),
    ("text", "lib/fetch/fetch.c", function(60), "function of 61 lines"),
    ("text", "lib/slot/slot.c", None, "exceptions.txt: lib/slot/slot.c does not exist"),
]
# Near misses: what a check must let pass.
HARMLESS = [
    ("objects", "lib/fetch/fetch.c", L + '#include "fetch.h"\n#include <string.h>\nint otai_fetch(struct ota_net *n)\n{\n    const struct ota_net_ops *ops = n->ops;\n'
                                     "    char a[4];\n\n    memset(a, 1, sizeof a);\n    return ops->go(n) + a[1];\n}\n"),
    ("text", "lib/fetch/fetch.c", function(58)),
    ("text", "lib/slot/slot.c", L + "int x;\n" * 700),
    ("text", "lib/fetch/fetch.h", L + "int x;\n" * 598),
    ("text", "ports/template/net.c", L + "/* TO" + "DO: open the connection */\n"),
    ("text", "fuzz/corpus/json/deep.txt", "[[\t \n"),
]


def complaints(name, changes):
    """What check `name` says about the clean tree with these files changed."""
    with tempfile.TemporaryDirectory() as folder:
        for path, text in {**CLEAN, **changes}.items():
            if text is None:
                continue
            target = Path(folder) / path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(text)
        count, found = importlib.import_module(name).check(Path(folder).resolve())
        return found if count else ["nothing was checked"]


def main():
    failures = []
    cases = [(name, {}, None) for name in ("includes", "objects", "text")]
    cases += [(name, {path: text}, None) for name, path, text in HARMLESS]
    cases += [(name, {path: text}, expected) for name, path, text, expected in FAULTS]
    for number, (name, changes, expected) in enumerate(cases, 1):
        found = complaints(name, changes)
        caught = any(expected in text for text in found) if expected else not found
        if not caught:
            failures.append(f"case {number}, {name}, {list(changes)}: expected {expected or 'no complaint'!r}, got {found}")
    print("\n".join(failures))
    print(f"{len(cases) - len(failures)} passed, {len(failures)} failed")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
