# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks with a system on them that was there first: small, but started by real boot loaders."""
import os
import pathlib
import shutil
import struct
import subprocess
import zlib

MIB = 1 << 20
GRUB = pathlib.Path("/usr/lib/grub")
ALIVE = "THE ORIGIN IS ALIVE"
OS_RELEASE = 'PRETTY_NAME="Debian GNU/Linux 13 (trixie)"\nID=debian\n'
INIT = f"""#!/bin/busybox sh
/bin/busybox mkdir -p /dev
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
echo "{ALIVE}"
/bin/busybox sleep 2
exec /bin/busybox poweroff -f
"""
# A real one: what it takes to start and to log in.
DEBIAN = "sysvinit-core,login,passwd,e2fsprogs"
FIND_ROOT = """#!/bin/busybox sh
/bin/busybox mkdir -p /dev /root
/bin/busybox mount -t devtmpfs devtmpfs /dev
for module in {modules}; do /bin/busybox insmod $module; done
until root=$(/bin/busybox findfs LABEL=ORIGIN); do /bin/busybox usleep 200000; done 2>/dev/null
/bin/busybox mount -t ext4 $root /root
/bin/busybox mount --move /dev /root/dev
exec /bin/busybox switch_root /root /sbin/init
"""
DEBIAN_LESS = [f"--dpkgopt=path-exclude=/usr/share/{folder}/*" for folder in ("doc", "man", "locale")]
FIND = "search --no-floppy --set=root --label ORIGIN"
LOADER = "The origin's own loader"
CONFIG = f"""set timeout=0
echo {LOADER!r}
linux /boot/vmlinuz console=ttyS0 quiet
initrd /boot/origin.cpio
boot
"""


def run(*command, **options):
    return subprocess.run([str(word) for word in command], check=True, stdout=subprocess.PIPE, **options).stdout


def write_at(disk, offset, data):
    with open(disk, "r+b") as file:
        file.seek(offset)
        file.write(data)


# A volume group as LVM keeps it in text: one member, one volume in one piece, the rest is free.
GROUP = """{name} {{
id = "{name:a<6}-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa1"
seqno = 1
format = "lvm2"
status = ["RESIZEABLE", "READ", "WRITE"]
flags = []
extent_size = 8192
max_lv = 0
max_pv = 0
metadata_copies = 0
physical_volumes {{
pv0 {{
id = "{member}"
device = "/dev/sda1"
status = ["ALLOCATABLE"]
flags = []
dev_size = {sectors}
pe_start = 2048
pe_count = {extents}
}}
}}
logical_volumes {{
root {{
id = "{name:b<6}-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa2"
status = ["READ", "WRITE", "VISIBLE"]
flags = []
segment_count = 1
segment1 {{
start_extent = 0
extent_count = {used}
type = "striped"
stripe_count = 1
stripes = ["pv0", 0]
}}
}}
}}
}}
contents = "Text Format Volume Group"
version = 1
description = ""
creation_host = "origin"
creation_time = 1700000000
"""
EXTENT = 4 * MIB


def lvm_crc(data):
    """The CRC that everybody knows, with LVM's own first value and no last one."""
    return zlib.crc32(data, 0xf597a6cf ^ 0xffffffff) ^ 0xffffffff


def lvm_member(name, size, used):
    """The first MiB of a partition of SIZE bytes that is all of the group NAME; its volume "root", of USED bytes, follows."""
    member = f"{name:c<6}-aaaa-aaaa-aaaa-aaaa-aaaa-aaaaa3"
    text = GROUP.format(name=name, member=member, sectors=size // 512, extents=(size - MIB) // EXTENT,
                        used=used // EXTENT).encode() + b"\0"
    area, room = 4096, MIB - 4096
    body = struct.pack("<32sQ", member.replace("-", "").encode(), size)
    body += struct.pack("<QQQQ", MIB, 0, 0, 0) + struct.pack("<QQQQII", area, room, 0, 0, 2, 1)
    label = struct.pack("<I8s", 32, b"LVM2 001") + body
    label += bytes(512 - 20 - len(label))
    header = b"LABELONE" + struct.pack("<QI", 1, lvm_crc(label)) + label
    meta = b" LVM2 x[5A%r0N*>" + struct.pack("<IQQ", 1, area, room)
    meta += struct.pack("<QQII", 512, len(text), lvm_crc(text), 0)
    meta += bytes(512 - 4 - len(meta))
    head = bytearray(MIB)
    head[512:1024] = header
    head[area:area + 512] = struct.pack("<I", lvm_crc(meta)) + meta
    head[area + 512:area + 512 + len(text)] = text
    return bytes(head)


def copy_at(disk, offset, part):
    run("dd", f"if={part}", f"of={disk}", "bs=1M", f"seek={offset // MIB}", "conv=notrunc,sparse", "status=none")


class Origins:
    """Makes disks in a directory, from a kernel and BusyBox."""

    def __init__(self, work, kernel, busybox):
        self.work = work
        self.root = work / "ORIGIN"
        for folder in ("boot/grub", "etc", "home"):
            (self.root / folder).mkdir(parents=True)
        (self.root / "etc/os-release").write_text(OS_RELEASE)
        (self.root / "home/letter").write_text("what people keep\n" * 1000)
        (self.root / "boot/grub/grub.cfg").write_text(CONFIG)
        shutil.copy(kernel, self.root / "boot/vmlinuz")
        self.initramfs(busybox)

    def initramfs(self, busybox):
        tree = self.work / "initramfs"
        (tree / "bin").mkdir(parents=True)
        shutil.copy(busybox, tree / "bin/busybox")
        (tree / "init").write_text(INIT)
        (tree / "init").chmod(0o755)
        with (self.root / "boot/origin.cpio").open("wb") as out:
            subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, check=True, stdout=out,
                           input=b"init\nbin\nbin/busybox\n")

    def disk(self, name, size, table):
        """An empty disk with a partition table, in sfdisk's words."""
        disk = self.work / name
        with disk.open("wb") as file:
            file.truncate(size)
        run("sfdisk", "--quiet", disk, input=table.encode())
        return disk

    def put_root(self, disk, offset, size, kind="ext4"):
        part = self.work / "part"
        part.unlink(missing_ok=True)
        if kind == "ext4":
            run("mke2fs", "-q", "-t", "ext4", "-L", "ORIGIN", "-d", self.root, part, f"{size // MIB}M")
        else:
            with part.open("wb") as file:
                file.truncate(size)
            run("mkfs.btrfs", "--quiet", "--label", "ORIGIN", "--rootdir", self.root, part)
        copy_at(disk, offset, part)

    def lvm(self, name="lvm", free=True, group="origin"):
        """A disk that is all one partition, that is all one group (of six letters), in which there may be room beside the system's
        volume."""
        size = 900 * MIB
        used = 128 * MIB if free else size - 2 * MIB - EXTENT
        disk = self.bios(name, f"label: dos\nstart=2048, size={size // 512 - 2048}, type=8e, bootable\n", 2 * MIB, size,
                         used // EXTENT * EXTENT, find=f"set root=lvm/{group}-root")
        write_at(disk, MIB, lvm_member(group, size - MIB, used))
        return disk

    def full(self, name="full", kind="ext4"):
        """No partition can be added: the system has the whole disk."""
        size = 900 * MIB
        return self.bios(name, f"label: dos\nstart=2048, size={size // 512 - 2048}, type=83, bootable\n", MIB, size,
                         size - MIB, kind)

    def bios(self, name="bios", table="label: dos\nstart=2048, size=262144, type=83, bootable\n", root=MIB, size=900 * MIB,
             room=128 * MIB, kind="ext4", find=FIND):
        """GRUB in sector 0 and the gap behind it, the system on a file system in ROOM bytes from ROOT on."""
        disk = self.disk(name, size, table)
        self.put_root(disk, root, room, kind)
        core = self.work / "core.img"
        early = self.work / "early.cfg"
        early.write_text(f"{find}\nset prefix=($root)/boot/grub\nserial\nterminal_output console serial\n")
        run("grub-mkimage", "-d", GRUB / "i386-pc", "-O", "i386-pc", "-c", early, "-p", "/boot/grub", "-o", core, "biosdisk",
            "part_msdos", "part_gpt", "ext2", "btrfs", "lvm", "search", "search_label", "linux", "normal", "boot", "configfile",
            "serial", "terminal", "echo")
        # grub-install's work: the core image from sector 1 on, as it is made to lie, and the code that loads it.
        boot = bytearray((GRUB / "i386-pc/boot.img").read_bytes())
        boot[0x5c:0x64] = struct.pack("<Q", 1)
        boot[0x66:0x68] = b"\x90\x90"
        write_at(disk, 512, core.read_bytes())
        write_at(disk, 0, bytes(boot[:440]))
        return disk

    def debian(self, modules, name="debian"):
        """A Debian of today, whose root logs in on the serial line without a password, with room behind it. The kernel is a
        small one, with its MODULES: a BIOS of a guest within an emulated machine reads 20 KB in a second."""
        root, least = self.work / "DEBIAN", self.root
        if not root.exists():
            run("mmdebstrap", "--quiet", "--variant=minbase", f"--include={DEBIAN}", *DEBIAN_LESS, "trixie", root,
                *filter(None, [os.environ.get("MIRROR")]))
            (root / "etc/hostname").write_text("origin\n")
            inittab = [line for line in (root / "etc/inittab").read_text().splitlines() if "getty" not in line]
            (root / "etc/inittab").write_text("\n".join([*inittab, "S0:2345:respawn:/sbin/agetty -L ttyS0 115200 vt100", ""]))
            (root / "etc/fstab").write_text("LABEL=ORIGIN / ext4 errors=remount-ro 0 1\n")
            run("passwd", "--root", root, "--delete", "root")
            (root / "boot/grub").mkdir()
            (root / "boot/grub/grub.cfg").write_text(CONFIG)
            shutil.copy(least / "boot/vmlinuz", root / "boot")
            self.find_root(modules, root / "boot/origin.cpio")
        self.root = root
        size = 800 * MIB
        disk = self.bios(name, f"label: dos\nstart=2048, size={size // 512}, type=83, bootable\n", MIB, 2000 * MIB, size)
        self.root = least
        return disk

    def find_root(self, modules, target):
        """An initramfs that starts the system on the file system ORIGIN, on a disk of QEMU's or of Xen's."""
        needs = dict(line.split(":") for line in (modules / "modules.dep").read_text().splitlines())
        names = {pathlib.Path(path).name.split(".")[0]: path for path in needs}
        wanted = []

        def want(path):
            for need in needs[path].split():
                want(need)
            if path not in wanted:
                wanted.append(path)

        for module in ("virtio_pci", "virtio_blk", "xen-blkfront", "ext4"):
            if module in names:
                want(names[module])
        tree = self.work / "find-root"
        (tree / "bin").mkdir(parents=True)
        shutil.copy(self.work / "initramfs/bin/busybox", tree / "bin")
        (tree / "init").write_text(FIND_ROOT.format(modules=" ".join(f"/{n}.ko" for n in range(len(wanted)))))
        (tree / "init").chmod(0o755)
        for number, path in enumerate(wanted):
            run("zstd", "-qd", modules / path, "-o", tree / f"{number}.ko")
        files = "\n".join(str(path.relative_to(tree)) for path in sorted(tree.rglob("*")))
        with target.open("wb") as out:
            subprocess.run("cpio -o -H newc --quiet | zstd -q -19", shell=True, cwd=tree, check=True, stdout=out, input=files.encode())

    def uefi(self, name="uefi", esp=300 * MIB, size=900 * MIB):
        """GRUB in the ESP, by an entry's path and by the fallback, the system on an ext4 file system."""
        start = MIB + esp
        disk = self.disk(name, size, f"label: gpt\nstart=2048, size={esp // 512}, type=U\n"
                                     f"start={start // 512}, size=262144, type=L\n")
        self.put_root(disk, start, 128 * MIB)
        early, grub, part = self.work / "early.cfg", self.work / "grubx64.efi", self.work / "part"
        early.write_text(f"{FIND}\nset prefix=($root)/boot/grub\n")
        run("grub-mkimage", "-d", GRUB / "x86_64-efi", "-O", "x86_64-efi", "-c", early, "-p", "/boot/grub", "-o", grub, "part_gpt",
            "ext2", "search", "search_label", "linux", "normal", "boot", "configfile", "echo")
        part.unlink(missing_ok=True)
        run("mkfs.fat", "-F", "32" if esp >= 260 * MIB else "16", "-n", "ESP", "-C", part, esp // 1024)
        run("mmd", "-i", part, "::/EFI", "::/EFI/debian", "::/EFI/BOOT")
        run("mcopy", "-i", part, grub, "::/EFI/debian/grubx64.efi")
        run("mcopy", "-i", part, grub, "::/EFI/BOOT/BOOTX64.EFI")
        copy_at(disk, MIB, part)
        return disk
