#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""What a device fetches that no delta was made for: by index, and by the peers that need not know its version either.

    index.py BUILD-DIR DIR [PAIR...]

DIR has a folder a pair, with the files old and new. The index's bytes are those that ota-repo signs as its estimate: the
index itself, and what the devices' own search does not find in the old image. The deflated image is what comes without."""
import json
import subprocess
import sys
import tempfile
from pathlib import Path

sys.dont_write_bytecode = True
import peers  # noqa: E402

NEED = {'rdiff, zstd -19': 'rdiff_make', 'casync 16K': 'casync_make', 'zchunk': 'zchunk_make'}


def ota_repo(tool, site, *arguments):
    done = subprocess.run([tool, '--dir', site, '--json', *arguments], capture_output=True, text=True, check=False)
    if done.returncode:
        raise peers.Failed(done.stderr.strip())
    return json.loads(done.stdout) if done.stdout.strip() else {}


def encodings(tool, pair, work):
    """codec -> its description, of the new image of a product whose devices run the old one."""
    site, of = work / 'site', ('--product', 'p', '--component', 'os')
    ota_repo(tool, site, 'init')
    ota_repo(tool, site, 'product', 'add', 'p', '--component', 'os')
    ota_repo(tool, site, 'image', 'add', pair / 'old', *of, '--version', '1')
    ota_repo(tool, site, 'deploy', '--product', 'p', '--group', 'production', '--image', 'os=1')
    added = ota_repo(tool, site, 'image', 'add', pair / 'new', *of, '--version', '2', '--delta-from', 'none')
    return {e['codec']: e for e in added['image']['custom']['ota'].get('encodings', [])}


def row(tool, pair):
    with tempfile.TemporaryDirectory() as temp:
        work = Path(temp)
        found = encodings(tool, pair, work)
        index, deflated = found.get('index'), found.get('deflate')
        cells = [pair.name, f"{peers.size(pair / 'new'):,}", f"{deflated['length']:,}" if deflated else '–',
                 f"{index['estimate']:,} ({index['length']:,}, blocks of {index['block']})" if index else 'dearer than the image']
        for make in NEED.values():
            try:
                cells.append(f"{getattr(peers, make)(pair / 'old', pair / 'new', work)[0]:,}")
            except (peers.Failed, OSError) as why:
                cells.append(f'failed: {why}'.splitlines()[0][:40])
    return '| ' + ' | '.join(cells) + ' |'


def main():
    if len(sys.argv) < 3:
        sys.exit(__doc__)
    peers.METER = Path(sys.argv[1]).resolve() / 'bench/bench_cost'
    tool, folder, names = Path(sys.argv[1]).resolve() / 'tools/ota-repo', Path(sys.argv[2]), sys.argv[3:]
    pairs = sorted((p for p in folder.iterdir() if (p / 'old').is_file() and (p / 'new').is_file()), key=lambda p: peers.size(p / 'new'))
    pairs = [p for p in pairs if not names or p.name in names]
    if not pairs:
        sys.exit(f'{folder}: no such pair')
    print('| pair | image | deflated | index (of these the index itself) | ' + ' | '.join(NEED) + ' |')
    print('|---' * (4 + len(NEED)) + '|')
    for pair in pairs:
        print(row(tool, pair), flush=True)


if __name__ == '__main__':
    main()
