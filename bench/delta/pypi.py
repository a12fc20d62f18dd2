# SPDX-License-Identifier: Apache-2.0
"""pypi.py PACKAGE make OLD NEW PATCH [OPTION...] | apply OLD PATCH OUT: one call of a peer from PyPI. Prints the CPU
seconds that the call took and the bytes of memory that the process grew by, images included, interpreter and modules not."""
import contextlib
import importlib
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


def memory(field):
    """Bytes of this process in memory: now (VmRSS), or at most (VmHWM)."""
    for line in Path('/proc/self/status').read_text(encoding='ascii').splitlines():
        if line.startswith(field + ':'):
            return int(line.split()[1]) * 1024
    return 0


def report(begin, before):
    print(time.process_time() - begin, max(memory('VmHWM') - before, 0))


def main(package, verb, *args):
    make, apply = PACKAGES[package]
    importlib.import_module(package.split('-')[0])
    before = memory('VmRSS')
    if verb == 'make':
        old, new, path, *options = args
        images = Path(old).read_bytes(), Path(new).read_bytes()
        begin = time.process_time()
        patch = make(*images, *options)
        report(begin, before)
        Path(path).write_bytes(patch)
        return
    old, patch, out = args
    call, values = apply(Path(old).read_bytes(), Path(patch).read_bytes())
    begin = time.process_time()
    made = call(*values)
    report(begin, before)
    Path(out).write_bytes(made)


main(*sys.argv[1:])
