# SPDX-License-Identifier: Apache-2.0
"""pypi.py PACKAGE make OLD NEW PATCH [OPTION...] | apply OLD PATCH OUT: one call of a peer from PyPI. Prints the CPU
seconds that the call took, without the interpreter's start."""
import contextlib
import io
import sys
import time
from pathlib import Path


def make_hdiffpatch(old, new, codec):
    import hdiffpatch
    return hdiffpatch.diff(old, new, codec)


def make_lite(old, new, codec):
    import hdiffpatch
    window = {'tuz': hdiffpatch.TuzConfig(dict_size=4096), 'lzma': hdiffpatch.LzmaConfig(level=9, window=15)}
    return hdiffpatch.diff_lite(old, new, compression=window.get(codec, codec))


def make_detools(old, new, codec, data_format):
    import detools
    patch = io.BytesIO()
    with contextlib.redirect_stdout(io.StringIO()):
        detools.create_patch(io.BytesIO(old), io.BytesIO(new), patch, compression=codec, data_format=data_format or None)
    return patch.getvalue()


def make_bsdiff4(old, new):
    import bsdiff4
    return bsdiff4.diff(old, new)


def apply_hdiffpatch(old, patch):
    import hdiffpatch
    return hdiffpatch.apply, (old, patch)


def apply_lite(old, patch):
    import hdiffpatch
    return hdiffpatch.apply_lite, (old, patch)


def apply_detools(old, patch):
    import detools

    def call():
        out = io.BytesIO()
        detools.apply_patch(io.BytesIO(old), io.BytesIO(patch), out)
        return out.getvalue()
    return call, ()


def apply_bsdiff4(old, patch):
    import bsdiff4
    return bsdiff4.patch, (old, patch)


PACKAGES = {
    'hdiffpatch': (make_hdiffpatch, apply_hdiffpatch),
    'hdiffpatch-lite': (make_lite, apply_lite),
    'detools': (make_detools, apply_detools),
    'bsdiff4': (make_bsdiff4, apply_bsdiff4),
}


def main(package, verb, *args):
    make, apply = PACKAGES[package]
    if verb == 'make':
        old, new, path, *options = args
        begin = time.process_time()
        Path(path).write_bytes(make(Path(old).read_bytes(), Path(new).read_bytes(), *options))
        print(time.process_time() - begin)
        return
    old, patch, out = args
    call, values = apply(Path(old).read_bytes(), Path(patch).read_bytes())
    begin = time.process_time()
    made = call(*values)
    spent = time.process_time() - begin
    Path(out).write_bytes(made)
    print(spent)


main(*sys.argv[1:])
