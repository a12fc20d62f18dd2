# SPDX-License-Identifier: Apache-2.0
"""The boards and their boot loaders: what a device starts with, and what its loader would start next, asked of the disk."""
import shutil
import struct
import zlib

from device import LOADER_AT, SECTOR, WITH_SBIN, Device, expect
from kit import HERE, run

COPY = 0x4000  # one copy of U-Boot's environment


def environment_copies(raw):
    """The two copies of U-Boot's environment: (flag, variables), None for one that is not valid."""
    for copy in (raw[:COPY], raw[COPY:2 * COPY]):
        valid = struct.unpack_from("<I", copy)[0] == zlib.crc32(copy[5:])
        text = bytes(copy[5:]).split(b"\0\0")[0].decode("latin1") if valid else ""
        yield (copy[4], dict(v.split("=", 1) for v in text.split("\0"))) if valid else None


def newest_env(raw):
    """The variables of the newer valid copy, None where none is valid. The flag counts round."""
    first, second = environment_copies(raw)
    if first and second:
        return (second if (second[0] - first[0]) % 256 == 1 else first)[1]
    return (first or second or (0, None))[1]


def may_start(env):
    """(slot, starts left) of those that the loader may start, in the order in which it tries them."""
    left = [("AB".index(s), int(env[f"BOOT_{s}_LEFT"], 16)) for s in env["BOOT_ORDER"].split()]
    return [(slot, n) for slot, n in left if n]


# A disk without a cache of its own, as far as a killed QEMU goes: this machine's memory keeps what was written ("unsafe": no syncs).


class UBoot(Device):
    """arm64; the environment's two copies are the first partition."""
    boot = {"type": "uboot", "path": "/etc/fw_env.config", "slots": ["A", "B"]}

    def make_loader(self):
        (self.path / "first").write_text("BOOT_ORDER=A B\nBOOT_A_LEFT=3\nBOOT_B_LEFT=0\n")
        run("mkenvimage", "-r", "-s", hex(COPY), "-o", self.path / "copy", self.path / "first")
        copy = (self.path / "copy").read_bytes()
        (self.path / "env").write_bytes(copy + copy)
        self.put(self.path / "env", LOADER_AT)
        run(HERE / "uboot.sh", "flash", self.path / "flash", f"{LOADER_AT:x}")

    def command(self, drive=None, disk="virtio-blk-device,drive=d0"):
        return ["qemu-system-aarch64", "-machine", "virt", "-cpu", "cortex-a57", "-m", "512", "-nographic", "-monitor", "none", "-serial", "stdio",
                "-bios", "/usr/lib/u-boot/qemu_arm64/u-boot.bin", "-drive", f"if=pflash,format=raw,unit=1,file={self.path}/flash,snapshot=on",
                *(drive or ["-drive", f"if=none,id=d0,format=raw,file={self.disk},cache=unsafe"]), "-device", disk,
                "-netdev", "user,id=n0", "-device", "virtio-net-device,netdev=n0"]

    def may_start(self):
        env = newest_env(self.get(LOADER_AT, 2 * COPY))
        expect(env, "no copy of the environment is valid")
        return may_start(env)


class PC(Device):
    """x86-64, with its disk behind virtio on the PCI bus."""
    def command(self):
        return ["qemu-system-x86_64", "-machine", "q35", "-m", "512", "-nographic", "-nodefaults", "-serial", "stdio", *self.firmware(),
                "-drive", f"if=none,id=d0,format=raw,file={self.disk},cache=unsafe", "-device", "virtio-blk-pci,drive=d0,bootindex=1",
                "-netdev", "user,id=n0", "-device", "virtio-net-pci,netdev=n0,romfile="]

    def options(self, slot, boot):
        return f"console=ttyS0 quiet panic=1 root=/dev/vda{2 + slot} ota.slot={'AB'[slot]} ota.data=/dev/vda4 ota.boot={boot}:/dev/vda1"


class SystemdBoot(PC):
    """OVMF and systemd-boot. It reads FAT only: the kernel lies on the boot partition, once; an image is the system above it."""
    boot = {"type": "systemd-boot", "path": "/boot/loader/entries", "slots": ["A", "B"]}
    loader_bytes = 64 << 20

    def make_loader(self):
        fat, kit = self.path / "esp", self.publisher.kit
        with open(fat, "wb") as f:
            f.truncate(self.loader_bytes)
        run("mkfs.vfat", "-F", "32", fat, env=WITH_SBIN)
        run("mmd", "-i", fat, "::EFI", "::EFI/BOOT", "::loader", "::loader/entries")
        (self.path / "loader.conf").write_text("timeout 0\n")
        for slot, version in enumerate((2, 1)):  # the higher one first
            (self.path / f"{'AB'[slot]}.conf").write_text(
                f"title slot {'ab'[slot]}\nversion {version}\nlinux /vmlinuz\ninitrd /initrd\noptions {self.options(slot, 'vfat')}\n")
        for source, target in (("/usr/lib/systemd/boot/efi/systemd-bootx64.efi", "EFI/BOOT/BOOTX64.EFI"), (kit.base / "vmlinuz-cloud", "vmlinuz"),
                               (kit.base / "initrd-cloud", "initrd"), (self.path / "loader.conf", "loader/loader.conf"),
                               (self.path / "A.conf", "loader/entries/A.conf"), (self.path / "B.conf", "loader/entries/B+0.conf")):
            run("mcopy", "-i", fat, source, f"::{target}")
        self.put(fat, LOADER_AT)
        shutil.copy("/usr/share/OVMF/OVMF_VARS_4M.fd", self.path / "vars")

    def firmware(self):
        return ["-drive", "if=pflash,format=raw,unit=0,readonly=on,file=/usr/share/OVMF/OVMF_CODE_4M.fd",
                "-drive", f"if=pflash,format=raw,unit=1,file={self.path}/vars"]

    def may_start(self):
        """By name and version, as the specification orders them; what has no starts left is not counted."""
        offset, found = LOADER_AT * SECTOR, []
        listing = run("mdir", "-b", "-i", f"{self.disk}@@{offset}", "::loader/entries").split()
        for path in listing:
            name, _, count = path.rsplit("/", 1)[1].removesuffix(".conf").partition("+")
            text = run("mtype", "-i", f"{self.disk}@@{offset}", path)
            left = int(count.split("-")[0]) if count else 255
            found.append((int(text.split("version ")[1].split()[0]), "AB".index(name), left))
        return [(slot, left) for _, slot, left in sorted(found, reverse=True) if left]


class Grub(PC):
    """SeaBIOS and GRUB, which lies on a disk of its own, as in a flash chip; its block is on the first partition, ext2."""
    boot = {"type": "grub", "path": "/boot/grubenv", "slots": ["A", "B"]}

    def make_loader(self):
        run(HERE / "grub.sh", "disk", self.path, *(self.options(slot, "ext2") for slot in range(2)))
        self.put(self.path / "fs", LOADER_AT)

    def firmware(self):
        return ["-drive", f"if=none,id=loader,format=raw,file={self.path}/loader,snapshot=on", "-device", "ide-hd,drive=loader,bootindex=0"]

    def may_start(self):
        block = self.get(LOADER_AT + int((self.path / "block").read_text()) * 2, 1024).decode("latin1")
        env = dict(line.split("=", 1) for line in block.splitlines() if "=" in line)
        return [("AB".index(s), 1) for s in env["ORDER"].split() if env[f"{s}_OK"] == "1" and env[f"{s}_TRY"] == "0"]
