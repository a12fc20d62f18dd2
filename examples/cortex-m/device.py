#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Images and a flash for the board.

device.py image PROGRAM.bin NUMBER VERSION OUT          put the head in front that the boot stage looks for (image.h)
device.py flash OUT IMAGE ROOT.json NAME=VALUE...       a flash as the factory makes it (map.h): IMAGE in slot a; texts are
                                                        metadata, targets, reports (URLs), product, group, device, version
"""
import hashlib
import re
import struct
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent


def flash_map():
    """The numbers of map.h."""
    found = re.findall(r"^#define (\w+) (0x[0-9a-f]+)u", (HERE / "map.h").read_text(), re.M)
    return {name: int(value, 16) for name, value in found}


def image(program, number, version):
    head = b"OTAI" + struct.pack("<III", len(program), number, 0) + version.encode().ljust(16, b"\0")
    return head + hashlib.sha256(program).digest() + program


def flash(slot_a, root, texts):
    at = flash_map()
    out = bytearray(b"\xff" * at["NOR_SIZE"])
    lines = "".join(f"{line}\n" for line in texts + [f"root={len(root)}"]).encode()
    if len(lines) >= at["FACTORY_TEXT"] or len(root) > at["FACTORY_ROOT"] or len(slot_a) > at["SLOT_LEN"]:
        raise ValueError("texts, root or image do not fit")
    for off, data in ((at["FACTORY_OFF"], lines), (at["FACTORY_OFF"] + at["FACTORY_TEXT"], root), (at["SLOT_A_OFF"], slot_a)):
        out[off : off + len(data)] = data
    return bytes(out)


def main(args):
    if len(args) == 5 and args[0] == "image":
        Path(args[4]).write_bytes(image(Path(args[1]).read_bytes(), int(args[2]), args[3]))
    elif len(args) >= 4 and args[0] == "flash":
        Path(args[1]).write_bytes(flash(Path(args[2]).read_bytes(), Path(args[3]).read_bytes(), args[4:]))
    else:
        print(__doc__, file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
