# SPDX-License-Identifier: Apache-2.0
"""What a device is made of, for one architecture: Debian's kernels, busybox, the installed agent with its libraries.

Packages are unpacked once, below ~/.cache/libota (OTA_CACHE); the agent is cross-built below build/e2e as the sources stand."""
import gzip
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
TOP = HERE.parent.parent
CACHE = Path(os.environ.get("OTA_CACHE") or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "libota")
LIBRARIES = ["libc6-dev", "libcurl4-openssl-dev", "libmbedtls-dev", "libcjson-dev", "zlib1g-dev", "libdivsufsort-dev", "libubootenv-dev"]
DISK_AND_NET = ["virtio_ring", "virtio", "virtio_mmio", "virtio_pci_legacy_dev", "virtio_pci_modern_dev", "virtio_pci", "virtio_blk",
                "failover", "net_failover", "virtio_net", "crc16", "crc32c_generic", "libcrc32c",
                "mbcache", "jbd2", "ext4", "fat", "vfat", "nls_cp437", "nls_ascii", "watchdog", "i6300esb"]


class Skip(Exception):
    """Something is not to be had here."""


class Arch:
    def __init__(self, debian, cpu, kernels):
        self.debian, self.cpu, self.triplet, self.kernels = debian, cpu, f"{cpu}-linux-gnu", kernels


ARM64 = Arch("arm64", "aarch64", {"cloud": "linux-image-cloud-arm64", "generic": "linux-image-arm64"})
AMD64 = Arch("amd64", "x86_64", {"cloud": "linux-image-cloud-amd64"})


def run(*args, **kw):
    done = subprocess.run([str(a) for a in args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)
    if done.returncode == 77:
        raise Skip(done.stdout.strip().removeprefix("SKIPPED: "))
    if done.returncode:
        sys.exit(f"{' '.join(map(str, args))}: status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


class Kit:
    """self.root: a root file system without version; kernel(k), initrd(k): files to start it with."""

    def __init__(self, arch):
        self.arch = arch
        self.base = TOP / "build/e2e" / arch.debian
        self.system = CACHE / f"device-{arch.debian}"
        self.base.mkdir(parents=True, exist_ok=True)
        self.system.parent.mkdir(parents=True, exist_ok=True)
        for tool in (f"{arch.triplet}-gcc", "cpio"):
            if not shutil.which(tool):
                raise Skip(f"no {tool}")
        run(TOP / "tests/support/debs.sh", arch.debian, self.system, *LIBRARIES, "--", "busybox-static", *arch.kernels.values())
        self.build_agent()
        self.root = self.base / "root"
        self.make_root()
        for kernel in arch.kernels:
            self.make_start(kernel)

    def build_agent(self):
        """Cross-built, then installed as a package would."""
        build, lib = self.base / "build", f"usr/lib/{self.arch.triplet}/pkgconfig"
        env = dict(os.environ, PKG_CONFIG_SYSROOT_DIR=str(self.system), PKG_CONFIG_LIBDIR=f"{self.system}/{lib}:{self.system}/usr/share/pkgconfig")
        run("cmake", "-G", "Ninja", "-S", TOP, "-B", build, f"-DCMAKE_TOOLCHAIN_FILE={TOP}/tests/worlds/toolchain.cmake",
            f"-DOTA_WORLD_TRIPLET={self.arch.triplet}", f"-DOTA_WORLD_CPU={self.arch.cpu}", f"-DOTA_WORLD_SYSROOT={self.system}",
            "-DCMAKE_BUILD_TYPE=Release", "-DOTA_TESTS=OFF", "-DOTA_KIT=OFF", env=env)
        run("cmake", "--build", build, "--target", "ota-agent", env=env)
        shutil.rmtree(self.base / "installed", ignore_errors=True)
        run("cmake", "--install", build / "examples/posix-agent", "--prefix", self.base / "installed")
        self.agent = self.base / "installed/bin/ota-agent"

    def libraries(self):
        """Every library that the agent is linked with, by the name that it asks for."""
        found, todo = {}, [self.agent]
        while todo:
            for name in re.findall(r"\(NEEDED\).*\[(.*)\]", run("readelf", "-d", todo.pop())):
                if name not in found:
                    found[name] = next(d / name for d in (self.system / "lib" / self.arch.triplet, self.system / "usr/lib" / self.arch.triplet,
                                                          self.system / "lib64") if (d / name).exists())
                    todo.append(found[name])
        return found

    def make_root(self):
        shutil.rmtree(self.root, ignore_errors=True)
        for d in ("bin", "sbin", "lib", "etc", "proc", "sys", "dev", "run", "tmp", "data", "boot", "var", "usr/share/ota"):
            (self.root / d).mkdir(parents=True)
        (self.root / "var/lock").symlink_to("/run/lock")
        (self.root / "lib64").symlink_to("lib")
        self.add_busybox(self.root)
        for applet in ("sh", "sed", "mount", "mkdir", "cat", "reboot", "watchdog", "sleep", "killall", "ifconfig"):
            (self.root / "bin" / applet).symlink_to("busybox")
        for name, path in self.libraries().items():
            shutil.copy(path.resolve(), self.root / "lib" / name)
        for source, target in ((self.agent, "bin/ota-agent"), (HERE / "guest/init.sh", "sbin/init"), (HERE / "guest/health.sh", "bin/health")):
            shutil.copy(source, self.root / target)
            (self.root / target).chmod(0o755)
        (self.root / "etc/fw_env.config").write_text("/dev/vda1 0x0 0x4000\n/dev/vda1 0x4000 0x4000\n")

    def add_busybox(self, root):
        shutil.copy(self.system / "bin/busybox", root / "bin/busybox")

    def make_start(self, kernel):
        """The kernel; and the first file system, with its drivers in the order of loading."""
        release, = (p.name for p in (self.system / "lib/modules").iterdir() if ("cloud" in p.name) == (kernel == "cloud"))
        tree = self.base / f"start-{kernel}"
        shutil.rmtree(tree, ignore_errors=True)
        for d in ("bin", "proc", "dev", "root", "modules"):
            (tree / d).mkdir(parents=True)
        self.add_busybox(tree)
        (tree / "bin/sh").symlink_to("busybox")
        shutil.copy(HERE / "guest/start.sh", tree / "init")
        (tree / "init").chmod(0o755)
        for i, name in enumerate(DISK_AND_NET):
            for path in (self.system / "lib/modules" / release / "kernel").rglob(f"{name}.ko"):
                shutil.copy(path, tree / "modules" / f"{i:02}-{name}.ko")
        names = "\n".join(str(p.relative_to(tree)) for p in sorted(tree.rglob("*")))
        archive = subprocess.run(["cpio", "-o", "-H", "newc", "-R", "0:0", "--quiet"], cwd=tree, input=names.encode(), stdout=subprocess.PIPE, check=True)
        (self.base / f"initrd-{kernel}").write_bytes(gzip.compress(archive.stdout, 6, mtime=0))
        shutil.copy(self.system / "boot" / f"vmlinuz-{release}", self.base / f"vmlinuz-{kernel}")
