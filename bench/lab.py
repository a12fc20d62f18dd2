# SPDX-License-Identifier: Apache-2.0
"""What is needed to measure: images, a publisher's repository, nginx, devices. No figures here."""
import contextlib
import json
import os
import random
import shutil
import socket
import subprocess
import time
import zlib
from pathlib import Path

MIB = 1 << 20
NOBODY = 65534
PRODUCT = 'thermostat'


class Failed(Exception):
    """A measurement could not be made. The text is for a person."""


def need(name):
    """The path of a program, wherever a user's PATH lacks the sbin directories."""
    path = shutil.which(name, path=os.environ.get('PATH', '') + ':/usr/sbin:/sbin')
    if not path:
        raise Failed(f'{name} is missing: scripts/install-deps.sh core')
    return path


def wait_until(seconds, what, test):
    end = time.monotonic() + seconds
    while not test():
        if time.monotonic() > end:
            raise Failed(f'not within {seconds} s: {what}')
        time.sleep(0.02)


def make_noise(path, size):
    """Bytes that no codec makes smaller, the same in every run."""
    rng = random.Random(1)
    with open(path, 'wb') as out:
        for _ in range(0, size, MIB):
            out.write(rng.randbytes(MIB))


def make_text(path, size):
    """Bytes that deflate to about a third: known phrases between uneven letters. Its period is far beyond any window."""
    rng = random.Random(2)
    phrases = [rng.randbytes(rng.randrange(8, 64)) for _ in range(256)]
    letters = rng.randbytes(8 * MIB).translate(bytes(b * b // 2048 + 64 for b in range(256)))
    parts, length, at = [], 0, 0
    while length < 8 * MIB:
        parts += [rng.choice(phrases), letters[at:at + 24]]
        at += 24
        length += len(parts[-2]) + 24
    block = b''.join(parts)[:8 * MIB]
    with open(path, 'wb') as out:
        for _ in range(0, size, len(block)):
            out.write(block)


def make_program(path):
    """An image that runs, and is not the one of the factory."""
    shutil.copyfile(need('true'), path)
    with open(path, 'ab') as out:
        out.write(b'4.0.0')


def wrap_gzip(zlib_path, image_path, gzip_path):
    """The same deflated bytes in gzip's wrapping, for a peer that cannot read zlib's."""
    crc, size = 0, 0
    with open(image_path, 'rb') as image:
        while piece := image.read(MIB):
            crc, size = zlib.crc32(piece, crc), size + len(piece)
    with open(zlib_path, 'rb') as source, open(gzip_path, 'wb') as out:
        out.write(b'\x1f\x8b\x08' + bytes(6) + b'\xff')
        source.seek(2)  # zlib's head; its Adler-32 makes room for gzip's CRC-32 and length
        shutil.copyfileobj(source, out, MIB)
        out.seek(-4, os.SEEK_END)
        out.write(crc.to_bytes(4, 'little') + (size % (1 << 32)).to_bytes(4, 'little'))


class Programs:
    def __init__(self, build):
        self.agent = build / 'examples/posix-agent/ota-agent'
        self.supervisor = build / 'examples/boot-supervisor/ota-boot-supervisor'
        self.repo = build / 'tools/ota-repo'
        self.cost = build / 'bench/bench_cost'
        self.workspace = build / 'bench/bench_workspace'
        for path in vars(self).values():
            if not os.access(path, os.X_OK):
                raise Failed(f'{path} is missing: build the project first')


class Publisher:
    """A repository with one product."""

    def __init__(self, programs, work):
        self.tool, self.dir = programs.repo, work / 'publisher'
        self.run('init', '--product', PRODUCT)
        self.web = self.dir / 'web'

    def run(self, *args):
        done = subprocess.run([self.tool, '--dir', self.dir, *args], capture_output=True, text=True)
        if done.returncode:
            raise Failed(f'ota-repo {args[0]}: {done.stderr.strip()}')

    def add(self, image, version, *options):
        self.run('image', 'add', '--product', PRODUCT, '--component', 'os', '--version', version, *options, image)

    def deploy(self, version, group):
        self.run('deploy', '--product', PRODUCT, '--group', group, '--image', f'os={version}')

    def file_of(self, ending):
        """The published file of an image, found by the end of its name."""
        found = list((self.web / 'os/targets/os/img').glob('*' + ending))
        if len(found) != 1:
            raise Failed(f'{len(found)} published files end in {ending}')
        return found[0]


class Server:
    """nginx on the loopback, in a directory of its own, without root's rights wherever the files allow it."""

    def __init__(self, work, root):
        self.dir, self.root = work / 'nginx', root
        self.log = self.dir / 'access.log'
        (self.dir / 'tmp').mkdir(parents=True)
        with socket.socket() as probe:
            probe.bind(('127.0.0.1', 0))
            self.port = probe.getsockname()[1]
        self.base = f'http://127.0.0.1:{self.port}'

    def _user(self):
        if os.geteuid():
            return ''
        as_nobody = ['setpriv', f'--reuid={NOBODY}', f'--regid={NOBODY}', '--clear-groups', 'test', '-r', self.root]
        if subprocess.run(as_nobody, stderr=subprocess.DEVNULL).returncode:
            return 'user root root;'
        os.chown(self.dir / 'tmp', NOBODY, NOBODY)
        return 'user nobody nogroup;'

    def _config(self):
        temp = '\n'.join(f'    {kind}_temp_path {self.dir}/tmp/{kind};'
                         for kind in ('client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'))
        return f'''
{self._user()}
daemon off;
pid {self.dir}/nginx.pid;
worker_processes 1;
events {{ worker_connections 64; }}
http {{
    log_format bench '$request_method $uri $status $request_length $bytes_sent "$http_if_none_match"';
    access_log {self.log} bench;
{temp}
    types {{ }}
    default_type application/octet-stream;
    sendfile on;
    keepalive_requests 100000;
    server {{ listen 127.0.0.1:{self.port}; root {self.root}; }}
}}
'''

    def _answers(self):
        with socket.socket() as probe:
            return probe.connect_ex(('127.0.0.1', self.port)) == 0

    @contextlib.contextmanager
    def serving(self):
        config = self.dir / 'nginx.conf'
        config.write_text(self._config())
        nginx = subprocess.Popen([need('nginx'), '-p', self.dir, '-c', config, '-e', self.dir / 'error.log'])
        try:
            wait_until(5, f'nginx answers (see {self.dir}/error.log)', lambda: nginx.poll() is not None or self._answers())
            if nginx.returncode is not None:
                raise Failed(f'nginx does not start: see {self.dir}/error.log')
            yield self
        finally:
            nginx.terminate()
            nginx.wait()

    def requests(self):
        """One dictionary for each request so far."""
        keys = ('method', 'uri', 'status', 'up', 'down', 'if_none_match')
        return [dict(zip(keys, line.split(' ', 5))) for line in self.log.read_text().splitlines()]


def wipe_slot(path, size, head=b''):
    """Written in place, as the slots of a device are: space that was only promised costs the first writer more."""
    with open(os.open(path, os.O_WRONLY | os.O_CREAT, 0o700), 'wb') as f:
        f.write(head)
        f.write(bytes(-len(head) % MIB))
        while f.tell() < size:
            f.write(bytes(MIB))
        f.truncate(size)
        os.fsync(f.fileno())


class Device:
    """Two slot files, a boot record, a state directory, and the agent's configuration."""

    def __init__(self, programs, work, run_dir, server, name, group, slot_bytes):
        self.programs, self.dir = programs, work / name
        self.slots = [self.dir / 'slot-a.img', self.dir / 'slot-b.img']
        self.state, self.config = self.dir / 'state', self.dir / 'agent.json'
        self.dir.mkdir()
        self.slot_bytes = slot_bytes
        wipe_slot(self.slots[0], slot_bytes, Path(need('true')).read_bytes())
        wipe_slot(self.slots[1], slot_bytes)
        self.config.write_text(json.dumps(self._config(server, run_dir / name, group), indent=2))
        self.start()

    def _config(self, server, runtime, group):
        def repository(name, path, prefixes):
            root = self.dir / f'{name}.root.json'
            shutil.copyfile(server.root / path / 'metadata/1.root.json', root)
            return {'name': name, 'metadata_url': f'{server.base}/{path}/metadata/', 'prefixes': prefixes,
                    'targets_url': f'{server.base}/{path}/targets/', 'root': str(root)}

        return {
            'product': PRODUCT, 'group': group, 'device_id': 'bench-0001', 'state_dir': str(self.state),
            'runtime_dir': str(runtime), 'plain_http': True,
            'components': [{'name': 'os', 'slots': [{'file': str(slot)} for slot in self.slots], 'factory_version': '1.0.0'}],
            'repositories': [repository('product', f'p/{PRODUCT}', ['app/', 'group/']), repository('os', 'os', ['os/'])],
            'boot': {'type': 'file', 'path': str(self.dir / 'boot')}, 'health': {'command': [need('true')]},
            'times': {'poll_s': 1, 'start_s': 1},
        }

    def start(self):
        """Turn the device on once: the boot supervisor chooses a slot and, if it is on trial, counts a try."""
        done = subprocess.run([self.programs.supervisor, '--init', 'a', '--max-boots', '1', self.dir / 'boot', *self.slots],
                              capture_output=True, text=True)
        if done.returncode:
            raise Failed(f'{self.dir.name} does not start: {done.stdout}{done.stderr}')

    def command(self, *words):
        return [str(self.programs.agent), *words, '--config', str(self.config)]

    def check(self, want):
        done = subprocess.run(self.command('check'), capture_output=True, text=True)
        if done.returncode != want:
            raise Failed(f'{self.dir.name}: check ended with {done.returncode}, not {want}: {done.stderr.strip()}')

    def remember_state(self):
        shutil.copytree(self.state, self.dir / 'state.kept')

    def restore_state(self):
        """As it was when remembered, with nothing in the spare slot."""
        shutil.rmtree(self.state)
        shutil.copytree(self.dir / 'state.kept', self.state)
        (self.dir / 'boot').unlink()
        wipe_slot(self.slots[1], self.slot_bytes)
        self.start()

    def remove(self):
        shutil.rmtree(self.dir)
