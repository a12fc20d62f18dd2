#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""The unit ota-agent.service: how little it leaves open, and that it leaves what the agent needs.

  unit.py SOURCE-DIR    status 77 where systemd-analyze is missing

The agent does in its own sandbox what the unit does from outside, and says so in its status; here is checked that the unit's filter
lets through every call that the sandbox's own lists allow, and those that set the sandbox up.
"""
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

EXPOSURE_MAX = 1.2
# What sandbox.c, helper.c and spawn.c do before, and programs that the helper starts.
SET_UP = ("prctl", "landlock_create_ruleset", "landlock_add_rule", "landlock_restrict_self", "prlimit64", "capget", "socketpair", "clone", "execve", "setpgid",
          "close_range", "mmap", "mprotect", "socket", "bind", "listen", "ioctl", "clone3", "wait4")


def unit_text(source):
    text = (source / "examples/posix-agent/ota-agent.service.in").read_text()
    return text.replace("@service_bindir@", "/usr/bin").replace("@service_datadir@", "/usr/share")


def exposure(text):
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "ota-agent.service"
        path.write_text(text)
        out = subprocess.run(["systemd-analyze", "security", "--offline=true", path], capture_output=True, text=True).stdout
    found = re.search(r"Overall exposure level for \S+: ([0-9.]+)", out)
    if not found:
        sys.exit(f"no exposure level in: {out}")
    return float(found.group(1))


def members(name, seen=()):
    """Calls of a group; a name that is no group stands for itself."""
    if not name.startswith("@"):
        return {name}
    out = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=True).stdout
    names = [line.strip() for line in out.splitlines()[1:] if line.strip() and not line.strip().startswith("#")]
    return set().union(*(members(n, (*seen, name)) for n in names if n not in seen))


def filtered(text):
    """Calls that SystemCallFilter= lets through."""
    allowed = set()
    for line in re.findall(r"^SystemCallFilter=(.*)$", text, re.MULTILINE):
        calls = set().union(*(members(n) for n in line.removeprefix("~").split()))
        allowed = allowed - calls if line.startswith("~") else allowed | calls
    return allowed


def refused(source, text):
    lists = re.sub(r"refused_to_.*", "", (source / "ports/posix/sandbox_calls.h").read_text(), flags=re.DOTALL)
    needed = set(re.findall(r"\bSYS_([a-z0-9_]+),", lists)) | {n.rstrip() for n in re.findall(r"\bSYS_([a-z0-9_]+) }", lists)} | set(SET_UP)
    if len(needed) < 80:
        sys.exit(f"only {len(needed)} calls found in sandbox_calls.h")
    return sorted(needed - filtered(text))


def main():
    source = Path(sys.argv[1])
    if not shutil.which("systemd-analyze"):
        print("Skipped: systemd-analyze is not installed")
        sys.exit(77)
    text = unit_text(source)
    level = exposure(text)
    missing = refused(source, text)
    if level > EXPOSURE_MAX:
        sys.exit(f"exposure level {level}, at most {EXPOSURE_MAX} is allowed")
    if missing:
        sys.exit(f"the unit refuses calls that the agent makes: {', '.join(missing)}")
    # Planted: each of these has to be noticed.
    for line in ("User=ota", "ProtectProc=invisible", "SystemCallFilter=~@privileged @resources"):
        if exposure(text.replace(line, "")) <= EXPOSURE_MAX:
            sys.exit(f"a unit without {line} passed")
    for group, call in ((" landlock_add_rule", "landlock_add_rule"), ("~@privileged", "clone")):
        if call not in refused(source, text.replace(group, " " if call != "clone" else "~@process @privileged")):
            sys.exit(f"a unit that refuses {call} passed")
    print(f"exposure level {level}; no call of the agent is refused")


main()
