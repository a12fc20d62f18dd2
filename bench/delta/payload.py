# SPDX-License-Identifier: Apache-2.0
"""payload.py hex|kernel FROM TO: the flash image of an Intel HEX file, or the kernel inside a compressed one."""
import lzma
import sys
import zlib
from pathlib import Path

FLASH_END = 0x10000000  # what lies above is not flash: configuration words
LEAST = 4 << 20         # a kernel is larger than whatever else decompresses by chance


def from_hex(text):
    memory, high = {}, 0
    for line in text.split():
        record = bytes.fromhex(line[1:])
        length, address, kind, data = record[0], int.from_bytes(record[1:3], 'big'), record[3], record[4:-1]
        if kind == 0 and high + address < FLASH_END:
            memory[high + address] = data[:length]
        elif kind in (2, 4):
            high = int.from_bytes(data[:2], 'big') << (16 if kind == 4 else 4)
    image = bytearray(b'\xff' * max(address + len(data) for address, data in memory.items()))
    for address, data in memory.items():
        image[address:address + len(data)] = data
    return bytes(image)


def unpackers():
    yield b'\xfd7zXZ\0', lambda data: lzma.LZMADecompressor(format=lzma.FORMAT_XZ).decompress(data)
    yield b'\x1f\x8b\x08', lambda data: zlib.decompressobj(31).decompress(data)


def from_kernel(data):
    for magic, unpack in unpackers():
        at = data.find(magic)
        while at >= 0:
            try:
                found = unpack(data[at:])
                if len(found) > LEAST:
                    return found
            except (lzma.LZMAError, zlib.error):
                pass
            at = data.find(magic, at + 1)
    sys.exit('no compressed kernel in it')


kind, source, target = sys.argv[1:]
if kind == 'hex':
    Path(target).write_bytes(from_hex(Path(source).read_text()))
else:
    Path(target).write_bytes(from_kernel(Path(source).read_bytes()))
