# SPDX-License-Identifier: Apache-2.0
"""Run the shell blocks of a document word for word, all in one shell, in a new directory.
Usage: walkthrough.py DOCUMENT WORK_DIR DIRECTORY-OF-PROGRAMS...  [--section HEADING] [--hawkbit SERVER.PY PORT]

--hawkbit: the document takes a hawkBit at this port of 127.0.0.1 for granted; SERVER.PY stands for it.

Blocks are fenced ```sh; a ```text block behind one is what it must print: "..." stands for anything, also for lines.
A block that fails, or prints something else, ends the run with 1. Exit 77: a port that the document uses is taken."""
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

TIMEOUT_S = 300


def blocks(text):
    """[(line, shell text, expected output or None)]"""
    found = []
    fence = re.compile(r"^```(\w*)\n(.*?)^```$", re.S | re.M)
    for m in fence.finditer(text):
        line = text.count("\n", 0, m.start()) + 1
        if m[1] == "sh":
            found.append([line, m[2], None])
        elif m[1] == "text" and found:
            if found[-1][2] is not None:
                raise SystemExit(f"line {line}: a second output of one block")
            found[-1][2] = m[2]
    return found


def section(text, heading):
    m = re.search(rf"^## {re.escape(heading)}\n(.*?)(?=^## |\Z)", text, re.S | re.M)
    if not m:
        raise SystemExit(f"no section \"{heading}\"")
    return "\n" * (text.count("\n", 0, m.start(1))) + m[1]


def matches(expected, output):
    pattern = ".*".join(re.escape(part) for part in expected.strip("\n").split("..."))
    return re.fullmatch(pattern, output.strip("\n"), re.S) is not None


def script(found):
    """One shell; each block's output goes to a file of its own."""
    lines = ["set -euo pipefail"]
    for i, (line, text, _) in enumerate(found):
        # No subshell: what a block defines, the next ones use.
        lines.append(f"echo {line} > .walkthrough/at; exec > .walkthrough/{i}\n{text}")
    return "\n".join(lines) + "\necho end > .walkthrough/at\n"


def ports_free(text):
    for port in set(re.findall(r"127\.0\.0\.1:(\d+)", text)):
        with socket.socket() as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind(("127.0.0.1", int(port)))
            except OSError:
                print(f"port {port} is taken")
                return False
    return True


def hawkbit(program, port, work):
    """The running server that stands for hawkBit, once it listens."""
    ready = work / "hawkbit.ready"
    server = subprocess.Popen([sys.executable, "-B", program, ready, "--port", port])
    end = time.monotonic() + TIMEOUT_S
    while not ready.exists():
        if server.poll() is not None or time.monotonic() > end:
            raise SystemExit(f"{program} does not start")
        time.sleep(0.05)
    return server


def run(found, work, path):
    """What the blocks printed, and the shell's verdict. Whatever they started ends with them."""
    notes = work / ".walkthrough"
    notes.mkdir()
    env = {**os.environ, "PATH": os.pathsep.join([*path, os.environ["PATH"], "/usr/sbin", "/sbin"]), "LC_ALL": "C"}
    with open(notes / "err", "wb") as err:
        shell = subprocess.Popen(["bash", "-c", script(found)], cwd=work, env=env, stdin=subprocess.DEVNULL,
                                 stdout=subprocess.DEVNULL, stderr=err, start_new_session=True)
        try:
            status = shell.wait(TIMEOUT_S)
        except subprocess.TimeoutExpired:
            status = "no end"
    for pid_file in work.glob("*.pid"):  # servers that made themselves daemons, of a run that broke off
        try:
            os.kill(int(pid_file.read_text()), signal.SIGTERM)
        except (OSError, ValueError):
            pass
    try:
        os.killpg(shell.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass
    outputs = [(notes / str(i)).read_text() if (notes / str(i)).exists() else None for i in range(len(found))]
    return status, outputs, (notes / "at").read_text().strip(), (notes / "err").read_text()


def main():
    args = sys.argv[1:]
    heading = None
    if "--section" in args:
        at = args.index("--section")
        heading = args[at + 1]
        del args[at:at + 2]
    server, stand_in = None, None
    if "--hawkbit" in args:
        at = args.index("--hawkbit")
        stand_in = args[at + 1:at + 3]
        del args[at:at + 3]
    document, there, path = pathlib.Path(args[0]), pathlib.Path(args[1]), args[2:]
    text = document.read_text()
    found = blocks(section(text, heading) if heading else text)
    if not ports_free(text):
        sys.exit(77)
    work = pathlib.Path(tempfile.mkdtemp(prefix="walkthrough.", dir=there))
    work.chmod(0o755)  # a web server of another user reads it
    try:
        server = hawkbit(*stand_in, work) if stand_in else None
        status, outputs, at, err = run(found, work, path)
    finally:
        if server:
            server.terminate()
            server.wait()
        shutil.rmtree(work, ignore_errors=True)
    passed, failed = 0, 0
    for (line, _, expected), output in zip(found, outputs):
        if output is None:
            failed += 1
        elif expected is not None and not matches(expected, output):
            failed += 1
            print(f"{document}:{line}: printed\n{output[:2000]}\ninstead of\n{expected}")
        else:
            passed += 1
    if status != 0:
        failed += 1
        print(f"{document}:{at}: the block ended with {status}\n{err[-2000:]}")
    print(f"{passed} passed, {failed} failed")
    sys.exit(1 if failed or passed == 0 else 0)


if __name__ == "__main__":
    main()
