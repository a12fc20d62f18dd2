# SPDX-License-Identifier: Apache-2.0
"""The measurements. Each takes the laboratory and returns figures."""
import hashlib
import json
import os
import signal
import statistics
import subprocess
from dataclasses import asdict, dataclass, field

import lab

KIB = 1024
UNCHANGED = b'check-in: nothing changed'
RESTART = 3  # ota-agent: the device must be restarted to go on
CHECK_INS = 5

# Each fetches URL ($1) into FILE ($2), hashes the bytes, and makes them durable. The agent is held to those of JUDGED;
# OpenSSL's hash is there to be seen, because it uses instructions that neither Debian's Mbed TLS nor its coreutils use.
PEERS = {
    'curl | tee | sha256sum, sync': 'curl -sSf "$1" | tee "$2" | sha256sum && sync -d "$2"',
    'curl, sync, sha256sum': 'curl -sSf -o "$2" "$1" && sync -d "$2" && sha256sum <"$2"',
    'curl, sync, openssl dgst': 'curl -sSf -o "$2" "$1" && sync -d "$2" && openssl dgst -sha256 -r <"$2"',
}
JUDGED = tuple(PEERS)[:2]
DEFLATE_PEER = {'curl | gzip -d | tee | sha256sum, sync': 'curl -sSf "$1" | gzip -dc | tee "$2" | sha256sum && sync -d "$2"'}


@dataclass
class Figure:
    """A number, and the bar that it must not exceed, if there is one."""
    name: str
    value: float
    unit: str
    bar: float = None
    low: float = None
    high: float = None
    note: str = ''
    samples: list = field(default_factory=list)

    @property
    def ok(self):
        return self.bar is None or self.value <= self.bar

    def as_json(self):
        return {**asdict(self), 'ok': self.ok}


def median(name, samples, unit, bar=None, note=''):
    return Figure(name, statistics.median(samples), unit, bar, min(samples), max(samples), note, samples)


class Costs:
    """What runs of one command took."""

    def __init__(self, runs):
        self.cpu = [r['user_s'] + r['sys_s'] for r in runs]
        self.wall = [r['wall_s'] for r in runs]
        self.peak_kib = [r['peak_kib'] for r in runs]


def run_costed(bench, command, want):
    """@return the costs that bench_cost wrote, and what the command printed"""
    out = bench.work / 'cost.json'
    done = subprocess.run([bench.programs.cost, out, *command], capture_output=True, text=True)
    if done.returncode:
        raise lab.Failed(done.stderr.strip())
    cost = json.loads(out.read_text())
    if cost['status'] != want:
        raise lab.Failed(f'{command[0]} ended with {cost["status"]}, not {want}: {done.stderr.strip()}')
    return cost, done.stdout


def run_peer(bench, script, url, digest):
    copy = bench.work / 'peer.img'
    cost, printed = run_costed(bench, ['sh', '-c', script, 'sh', url, str(copy)], 0)
    if printed.split()[:1] != [digest]:
        raise lab.Failed(f'the peer hashed other bytes: {printed}')
    copy.unlink()
    return cost


def run_install(bench, device, digest):
    """Up to the point where the agent asks for the restart."""
    cost, _ = run_costed(bench, device.command('check'), RESTART)
    with open(device.slots[1], 'rb') as slot:
        if hashlib.file_digest(slot, 'sha256').hexdigest() != digest:
            raise lab.Failed('the slot does not hold the image')
    return cost


def settled_device(bench, name, group, slot_bytes):
    """A device in its life: it has checked in and knows what it runs. (Fresh from the factory it hashes that first, once.)"""
    bench.publisher.deploy('1.0.0', group)
    device = bench.device(name, group, slot_bytes)
    device.check(0)
    device.remember_state()
    return device


def compare(bench, group, version, image, url, peers):
    """Pairs, taken in turn, so that what else the machine does falls on both. @return Costs by name, 'agent' first"""
    with open(image, 'rb') as f:
        digest = hashlib.file_digest(f, 'sha256').hexdigest()
    device = settled_device(bench, 'install', group, image.stat().st_size)
    bench.publisher.deploy(version, group)
    runs = {'agent': [], **{name: [] for name in peers}}
    for _ in range(bench.pairs):
        device.restore_state()
        runs['agent'].append(run_install(bench, device, digest))
        for name, script in peers.items():
            runs[name].append(run_peer(bench, script, url, digest))
    device.remove()
    return {name: Costs(r) for name, r in runs.items()}


def ratios(costs, name):
    return [a / b for a, b in zip(costs['agent'].cpu, costs[name].cpu)]


def times(costs, what):
    for name, c in costs.items():
        yield median(f'{what}: CPU of {name}', c.cpu, 's', note=f'wall {statistics.median(c.wall):.2f} s')


def install(bench):
    costs = compare(bench, 'production', '2.0.0', bench.noise, bench.url(bench.publisher.file_of('.os-2.0.0.img')), PEERS)
    for name in PEERS:
        yield median(f'install: CPU / ({name})', ratios(costs, name), 'x', bench.judged(1.5) if name in JUDGED else None)
    yield Figure('install: peak RSS of the agent', max(costs['agent'].peak_kib) / KIB, 'MiB', 16)
    yield from times(costs, 'install')


def deflate(bench):
    source = bench.publisher.file_of('.os-3.0.0.img.z')
    peer = bench.publisher.web / 'peer.gz'
    lab.wrap_gzip(source, bench.text, peer)
    costs = compare(bench, 'development', '3.0.0', bench.text, bench.url(peer), DEFLATE_PEER)
    share = source.stat().st_size / bench.text.stat().st_size
    for name in DEFLATE_PEER:
        yield median(f'deflated install: CPU / ({name})', ratios(costs, name), 'x', note=f'{share:.0%} of the bytes travel')
    yield Figure('deflated install: peak RSS of the agent', max(costs['agent'].peak_kib) / KIB, 'MiB')
    yield from times(costs, 'deflated install')


class Idle:
    """An agent that runs with nothing to do. Its log comes through a pipe, because a file would be a write to disk."""

    def __init__(self, bench, device):
        self.bench, self.device = bench, device
        self.checks = 0
        self.agent = subprocess.Popen(device.command('run'), stderr=subprocess.PIPE)
        os.set_blocking(self.agent.stderr.fileno(), False)

    def _look(self, count):
        self.checks += (self.agent.stderr.read() or b'').count(UNCHANGED)
        if self.agent.poll() is not None:
            raise lab.Failed(f'the idle agent ended with {self.agent.returncode}')
        return self.checks >= count

    def wait(self, count):
        lab.wait_until(10 + 2 * count, f'{count} check-ins', lambda: self._look(count))

    def bytes_written(self):
        """Of this process, to any disk (proc(5), /proc/PID/io)."""
        with open(f'/proc/{self.agent.pid}/io', encoding='ascii') as f:
            return int(dict(line.split(': ') for line in f)['write_bytes'])

    def files(self):
        """Every file of the device with what a write, a rename or a removal would change."""
        found = {}
        for path in [self.device.dir, *self.device.dir.rglob('*')]:
            s = path.stat()
            found[str(path)] = (s.st_ino, s.st_size, s.st_mtime_ns, s.st_ctime_ns)
        return found

    def stop(self):
        self.agent.send_signal(signal.SIGTERM)
        self.agent.wait()
        self.agent.stderr.close()


def update_through_restart(bench, group, size):
    """A device that has installed, tried and confirmed what is deployed."""
    device = settled_device(bench, 'idle', group, size)
    bench.publisher.deploy('4.0.0', group)
    device.check(RESTART)
    device.start()
    device.check(0)
    return device


def idle(bench):
    device = update_through_restart(bench, 'field-test', 4 * lab.MIB)
    agent = Idle(bench, device)
    try:
        agent.wait(1)  # past its start
        first, seen = len(bench.server.requests()), agent.checks
        files, written = agent.files(), agent.bytes_written()
        agent.wait(seen + CHECK_INS)
        written = agent.bytes_written() - written
        changed = [path for path, state in agent.files().items() if files.get(path) != state] + list(files.keys() - agent.files().keys())
        requests, checks = bench.server.requests()[first:], agent.checks - seen
    finally:
        agent.stop()
    for r in requests:
        if r['status'] != '304' or r['if_none_match'] == '"-"':
            raise lab.Failed(f'an idle check-in is not a conditional request: {r}')
    yield Figure('idle check-in: requests', len(requests) / checks, '', 1, note=f'{checks} check-ins, all conditional, all 304')
    yield median('idle check-in: bytes both ways', [int(r['up']) + int(r['down']) for r in requests], 'B', 1024,
                 note=f'{requests[0]["up"]} up, {requests[0]["down"]} down')
    yield Figure('idle check-in: bytes written to disk', written, 'B', 0)
    yield Figure('idle check-in: files changed', len(changed), '', 0, note=', '.join(changed))
    device.remove()


def workspace(bench):
    done = subprocess.run([bench.programs.workspace], capture_output=True, text=True)
    if done.returncode:
        raise lab.Failed('a configuration for measuring the workspace is refused')
    sizes = json.loads(done.stdout)
    yield Figure('workspace: full images (window 15)', sizes['window15'] / KIB, 'KiB', 64)
    yield Figure('workspace: window 12', sizes['window12'] / KIB, 'KiB', 64)
    yield Figure('workspace: no deflate', sizes['plain'] / KIB, 'KiB', 64)
    yield Figure('workspace: defaults, with deltas of 32 KiB', sizes['defaults'] / KIB, 'KiB')
