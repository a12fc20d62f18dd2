# SPDX-License-Identifier: Apache-2.0
"""Measure, print a table, write figures.json. Usage: run.sh beside this file."""
import argparse
import json
import os
import platform
import shutil
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

import figures
import lab

MARK = '.ota-bench'  # a directory that has it is ours to delete


class Bench:
    """One run: where things are, and how much is measured."""

    def __init__(self, build, quick):
        self.work = build.parent / 'bench'
        self.programs = lab.Programs(build)
        self.quick, self.pairs, self.size = quick, 1 if quick else 5, (16 if quick else 256) * lab.MIB

    def judged(self, bar):
        """A bar that only a run of full length can be held to."""
        return None if self.quick else bar

    def set_up(self, stack):
        if self.work.exists() and not (self.work / MARK).exists():
            raise lab.Failed(f'{self.work} exists and was not made by this script: move it away')
        shutil.rmtree(self.work, ignore_errors=True)
        self.work.mkdir()
        (self.work / MARK).touch()
        self.run_dir = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix='ota-bench-')))  # sockets: short names
        self.noise, self.text, self.small = (self.work / name for name in ('noise.img', 'text.img', 'small.img'))
        lab.make_noise(self.noise, self.size)
        lab.make_text(self.text, self.size)
        lab.make_program(self.small)
        self.publisher = lab.Publisher(self.programs, self.work)
        self.publisher.add(lab.need('true'), '1.0.0')
        self.publisher.add(self.noise, '2.0.0', '--no-deflate')
        self.publisher.add(self.text, '3.0.0')
        self.publisher.add(self.small, '4.0.0')
        self.server = stack.enter_context(lab.Server(self.work, self.publisher.web).serving())

    def device(self, name, group, slot_bytes):
        return lab.Device(self.programs, self.work, self.run_dir, self.server, name, group, slot_bytes)

    def url(self, path):
        return f'{self.server.base}/{path.relative_to(self.publisher.web)}'

    def clean_up(self):
        for path in self.work.iterdir():
            if path.is_dir():
                shutil.rmtree(path)
            elif path.name not in (MARK, 'figures.json'):
                path.unlink()


def number(value):
    return f'{value:.0f}' if float(value).is_integer() else f'{value:.2f}'


def verdict(figure):
    return '' if figure.bar is None else 'ok' if figure.ok else 'MISSED'


def print_table(rows):
    print(f'\n{"figure":58}  {"measured":>10}       {"bar":>9}  {"":6}')
    for f in rows:
        bar = '' if f.bar is None else f'<= {number(f.bar)}'
        spread = '' if len(f.samples) < 2 else f'{number(f.low)}..{number(f.high)}'
        note = '; '.join(part for part in (spread, f.note) if part)
        print(f'{f.name:58}  {number(f.value):>10} {f.unit:4}  {bar:>9}  {verdict(f):6}  {note}'.rstrip())


def cpu_name():
    with open('/proc/cpuinfo', encoding='utf-8') as f:
        for line in f:
            if line.startswith('model name'):
                return line.split(':', 1)[1].strip()
    return platform.machine()


def write_json(bench, rows):
    text = {'image_bytes': bench.size, 'pairs': bench.pairs, 'cpu': cpu_name(), 'cpus': os.cpu_count(),
            'system': f'{platform.system()} {platform.release()}', 'figures': [f.as_json() for f in rows]}
    (bench.work / 'figures.json').write_text(json.dumps(text, indent=2) + '\n')


def measure(bench, keep):
    rows = []
    with ExitStack() as stack:
        print(f'bench: {bench.size // lab.MIB} MiB, {bench.pairs} pair(s); making images and repositories', flush=True)
        bench.set_up(stack)
        for what in (figures.workspace, figures.idle, figures.install, figures.deflate):
            print(f'bench: {what.__name__}', flush=True)
            rows += what(bench)
        print_table(rows)
        write_json(bench, rows)
    if not keep:
        bench.clean_up()
    return rows


def main():
    parser = argparse.ArgumentParser(prog='run.sh', add_help=False)
    parser.add_argument('build', type=Path)
    for flag in ('--quick', '--strict', '--keep'):
        parser.add_argument(flag, action='store_true')
    args = parser.parse_args()
    try:
        rows = measure(Bench(args.build.resolve(), args.quick), args.keep)
    except (lab.Failed, OSError) as e:
        print(f'bench: {e}', file=sys.stderr)
        return 2
    missed = [f.name for f in rows if not f.ok]
    print(f'\nbench: {len(missed)} of {sum(f.bar is not None for f in rows)} bars missed')
    return 1 if missed and args.strict else 0


sys.exit(main())
