# SPDX-License-Identifier: Apache-2.0
"""What the board's program takes, from the linker's map and from a run: the table in README.md between its two marks."""
import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
README = ROOT / "README.md"
BEGIN, END = "<!-- figures of examples/cortex-m: FIGURES=write tests/cortex-m/run.sh BUILD update delta figures -->\n", "<!-- end of figures -->\n"
FLASH, RAM = (".text", ".rodata", ".vectors", ".data", ".ARM.exidx"), (".data", ".bss", "COMMON")
GROUPS = {
    "core": "agent, check-in, plan, fetch, slot, boot, health, journal, report, indexes",
    "TUF": "TUF",
    "JSON": "JSON, strict (cJSON is not needed)",
    "inflate": "inflate: zlib, and its driver",
    "delta": "deltas",
    "crypto": "crypto: Mbed TLS 2.28 with SHA-256 and ECDSA P-256",
    "ports": "`ports/mcu`: NOR flash, serial line",
    "board": "board: start, drivers, main loop, C library",
}


def stage_of(build):
    """(object, section) -> stage, for the members of libota.a: some stages have a file of the same name."""
    found = {}
    for path in build.glob("ota/CMakeFiles/ota_*.dir/lib/*/*.obj"):
        headers = subprocess.run(["arm-none-eabi-objdump", "-h", path], check=True, capture_output=True, text=True).stdout
        for section in re.findall(r"^ +\d+ (\S+)", headers, re.M):
            found.setdefault((path.name, section), path.parent.name)
    return found


def group_of(origin, section, stages):
    archive, _, member = origin.rpartition("/")[2].partition("(")
    name = (member or archive).rstrip(")").partition(".")[0]
    if archive == "libota.a":
        stage = stages.get((member.rstrip(")"), section), "base")
        if stage == "tuf":
            return "TUF"
        if stage == "base" and name.startswith("json"):
            return "JSON"
        if stage == "delta" or (stage, name) == ("agent", "patch"):
            return "inflate" if name == "inflate" else "delta"
        return "core"
    by_archive = {"libmbedtls.a": "crypto", "libzlib.a": "inflate", "libota_mcu.a": "ports"}
    return "crypto" if name in ("crypto", "crypto_psa") else by_archive.get(archive, "board")


def linked(build, program):
    """(section, bytes, where from) of everything that was linked; what was left out has address 0."""
    text = (build / f"{program}.map").read_text().partition("Linker script and memory map")[2]
    text = re.sub(r"^ (\S+)\n +(0x)", r" \1 \2", text, flags=re.M)
    for section, address, size, origin in re.findall(r"^ (\S+) +0x(\w+) +0x(\w+) (\S.*)$", text, re.M):
        if (int(address, 16) or "vectors" in section) and int(size, 16):
            yield section, int(size, 16), origin


def measure(build):
    """group -> [flash, RAM] in bytes. The workspace is not counted: it has a row of its own."""
    stages, sizes = stage_of(build), {group: [0, 0] for group in GROUPS}
    for section, size, origin in linked(build, "app-1"):
        row = sizes[group_of(origin, section, stages)]
        row[0] += size * section.startswith(FLASH)
        row[1] += size * (section.startswith(RAM) and section != ".bss.workspace")
    return sizes


def boot_stage(build):
    return sum(size for section, size, _ in linked(build, "boot") if section.startswith(FLASH))


def kib(n):
    return f"{n / 1024:.1f} KiB"


def up(n):
    """To the next half KiB: what a run takes is not the same each time."""
    return kib(-(-n // 512) * 512)


def table(build, workspace, stack, pool):
    lines = ["| linked for a Cortex-M4 | flash | RAM |", "|---|---|---|"]
    for group, (flash, ram) in measure(build).items():
        used = f", of its pool {up(pool)} used" if group == "crypto" else ""
        lines.append(f"| {GROUPS[group]} | {kib(flash)} | {kib(ram)}{used} |")
    lines.append(f"| boot stage, a program of its own | {kib(boot_stage(build))} | |")
    lines.append(f"| workspace with a window of 4 KiB; of 32 KiB; of 4 KiB, and deltas of 32 KiB | | {'; '.join(kib(n) for n in workspace)} |")
    lines.append(f"| stack, at most | | {up(stack)} |")
    return "\n".join(lines) + "\n"


def numbers(text):
    return [float(n) for n in re.findall(r"([\d.]+) KiB", text)]


def compare(fresh):
    """None, or what README.md says differently: by more than 3 %, or 0.3 KiB."""
    text = README.read_text()
    shown = text.partition(BEGIN)[2].partition(END)[0]
    a, b = numbers(shown), numbers(fresh)
    words = [re.sub(r"[\d.]+ KiB", "", t) for t in (shown, fresh)]
    if words[0] != words[1] or len(a) != len(b):
        return "README.md shows another table: FIGURES=write makes it"
    far = [f"{x} is {y}" for x, y in zip(a, b) if abs(x - y) > max(0.3, 0.03 * y)]
    return f"README.md shows old figures: {', '.join(far)}" if far else None


def write(fresh):
    before, _, rest = README.read_text().partition(BEGIN)
    README.write_text(before + BEGIN + fresh + END + rest.partition(END)[2])
