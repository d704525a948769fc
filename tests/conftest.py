# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: the media that guests start from, and one booted host."""
import pathlib
import shutil
import struct
import subprocess

import pytest
import vm
from host import Host
from origins import Origins

# How every guest below begins, and those that have a disk.
BEGIN = """#!/bin/busybox sh
/bin/busybox mkdir -p /dev
/bin/busybox mount -t devtmpfs devtmpfs /dev
exec </dev/console >/dev/console 2>&1
"""
BEGIN_WITH_DISK = BEGIN + """/bin/busybox insmod /xen-blkfront.ko
while [ ! -e /dev/xvda ]; do /bin/busybox sleep 1; done
"""
# A guest that counts on its console, and powers off when it is asked to: BusyBox is its whole system.
INIT = BEGIN + """n=0
while :; do n=$((n + 1)); echo "alive $n"; /bin/busybox sleep 1; done
"""
# A guest that reads the disk called cidata aloud, as cloud-init would read it.
READER = BEGIN + """/bin/busybox mkdir -p /proc /seed
/bin/busybox mount -t proc proc /proc
for name in xen-blkfront cdrom isofs; do /bin/busybox insmod /$name.ko; done
while [ ! -e /dev/xvdp ]; do /bin/busybox sleep 1; done
/bin/busybox mount -o ro -t iso9660 /dev/xvdp /seed
cd /seed
while :; do
	# The label lies at byte 40 of the volume descriptor in sector 16.
	echo "begin: $(/bin/busybox dd if=/dev/xvdp bs=1 skip=32808 count=6 2>/dev/null) $(echo *)"
	for name in *; do /bin/busybox cat $name; done
	echo "end"
	/bin/busybox sleep 2
done
"""
# A guest that counts on its first disk, and tells once a number is there.
WRITER = BEGIN_WITH_DISK + """n=0
while :; do
	n=$((n + 1))
	echo "written $n" | /bin/busybox dd of=/dev/xvda conv=fsync 2>/dev/null && echo "written $n"
	/bin/busybox sleep 1
done
"""
# A guest that fills its first disk by one MiB after the other, and tells when one cannot be written.
FILLER = BEGIN_WITH_DISK + """n=0
while [ $n -lt 100 ]; do
	if /bin/busybox dd if=/dev/urandom of=/dev/xvda bs=1M count=1 seek=$n conv=fsync 2>/dev/null; then
		n=$((n + 1))
		echo "filled $n"
	else
		echo "cannot fill $n"
		/bin/busybox sleep 2
	fi
done
while :; do echo "all is filled"; /bin/busybox sleep 2; done
"""
# A guest that gets an address, and fetches the page at the port that its command line gives ("call=PORT").
CALLER = BEGIN + """/bin/busybox insmod /xen-netfront.ko
until /bin/busybox ip link set eth0 up; do /bin/busybox sleep 1; done
/bin/busybox udhcpc -i eth0 -q -f -t 20 -s /bin/lease
while :; do echo "heard $(/bin/busybox wget -q -T 10 -O - http://10.0.2.2:$call/)"; /bin/busybox sleep 2; done
"""
# A guest that tells which USB devices it has.
PLUGGED = BEGIN + """/bin/busybox mkdir -p /sys
/bin/busybox mount -t sysfs sysfs /sys
/bin/busybox insmod /xen-hcd.ko
while :; do echo "plugged: $(/bin/busybox cat /sys/bus/usb/devices/*/product | /bin/busybox tr '\\n' ';')."; /bin/busybox sleep 2; done
"""
LEASE = """#!/bin/busybox sh
[ $1 != bound ] || { /bin/busybox ip addr add $ip/24 dev eth0 && /bin/busybox ip route add default via $router; }
"""
# Who has a disk notes there that it was shut down, and not just cut off.
POWEROFF = """#!/bin/busybox sh
[ ! -b /dev/xvda ] || echo "shut down $((6 * 7))" | /bin/busybox dd of=/dev/xvda bs=512 seek=1 conv=fsync 2>/dev/null
exec /bin/busybox poweroff -f
"""
# GRUB as a PV guest reads no kernel that is packed with zstd; the kernel within is a file of its own.
GRUB = """set timeout=0
set kernel=/vmlinuz
if [ "$grub_platform" = xen ]; then set kernel=/vmlinux; fi
menuentry counter {
	linux $kernel console=hvc0 quiet
	initrd /counter.cpio
}
"""


def make_ext4(tree, image, spare=16):
    """An ext4 file system that holds TREE."""
    size = sum(file.stat().st_size for file in tree.rglob("*") if file.is_file()) // 2**20 + spare
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", tree.name, "-d", tree, image, f"{size}M"], check=True)


def make_guest(work, target, init, modules=()):
    tree = work / target.stem
    for name, text in (("init", init), ("sbin/poweroff", POWEROFF), ("bin/lease", LEASE)):
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
        (tree / name).chmod(0o755)
    shutil.copy(vm.built("busybox") / "usr/bin/busybox", tree / "bin")
    for module in modules:
        packed, = vm.built("linux").glob(f"usr/lib/modules/*/kernel/**/{module}.ko.zst")
        subprocess.run(["zstd", "-dq", packed, "-o", tree / f"{module}.ko"], check=True)
    names = subprocess.run(["find", "."], cwd=tree, check=True, stdout=subprocess.PIPE).stdout
    with target.open("wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=out, check=True)


def unpack_kernel(packed, target):
    """The ELF file that a bzImage holds (Linux's boot protocol, payload_offset and payload_length)."""
    image = packed.read_bytes()
    offset, length = struct.unpack_from("<II", image, 0x248)
    start = (image[0x1f1] + 1) * 512 + offset
    # Its own size stands behind the packed bytes.
    with target.open("wb") as out:
        subprocess.run(["zstd", "-dc"], input=image[start:start + length - 4], stdout=out, check=True)


@pytest.fixture(scope="session")
def test_guests():
    """A folder with what third parties make: boot ISOs, and Debian's installer."""
    return vm.built("test-guests")


def pytest_collection_modifyitems(items):
    """The shared host comes last: it would take from the other machines what processor it idles with."""
    items.sort(key=lambda item: "shared_host" in item.fixturenames)


@pytest.fixture(scope="session")
def media_disk(tmp_path_factory):
    """A disk for a host to mount: Debian's installer (linux, initrd.gz), boot ISOs of third parties,
    a kernel module with and without its signature,
    the small guests "counter", "reader", "writer", "filler", "caller" and "plugged" (vmlinuz, counter.cpio ...), and a disk image that starts it by a boot loader."""
    work = tmp_path_factory.mktemp("media")
    media, boot = work / "MEDIA", work / "boot"
    shutil.copytree(vm.built("test-guests"), media)
    make_guest(work, media / "counter.cpio", INIT)
    make_guest(work, media / "reader.cpio", READER, ("xen-blkfront", "cdrom", "isofs"))
    make_guest(work, media / "writer.cpio", WRITER, ("xen-blkfront",))
    make_guest(work, media / "filler.cpio", FILLER, ("xen-blkfront",))
    make_guest(work, media / "caller.cpio", CALLER, ("xen-netfront",))
    make_guest(work, media / "plugged.cpio", PLUGGED, ("xen-hcd",))
    shutil.copy(pathlib.Path(vm.OUT) / "payload/vmlinuz", media)
    # A module of ours, and the same without its signature.
    packed, = vm.built("linux").glob("usr/lib/modules/*/kernel/**/isofs.ko.zst")
    signed = subprocess.run(["zstd", "-dqc", packed], check=True, stdout=subprocess.PIPE).stdout
    (media / "signed.ko").write_bytes(signed)
    (media / "unsigned.ko").write_bytes(signed[:signed.rindex(b"~Module signature appended~")])
    (boot / "boot/grub").mkdir(parents=True)
    (boot / "boot/grub/grub.cfg").write_text(GRUB)
    for name in ("vmlinuz", "counter.cpio"):
        shutil.copy(media / name, boot)
    unpack_kernel(boot / "vmlinuz", boot / "vmlinux")
    make_ext4(boot, media / "counter.img", spare=4)
    make_ext4(media, work / "media.img", spare=64)
    (work / "media.img").chmod(0o444)
    return work / "media.img"


@pytest.fixture(scope="session")
def shared_host(media_disk, tmp_path_factory):
    """The host that most tests share, with a disk for volumes; each test leaves it as it found it."""
    volumes = tmp_path_factory.mktemp("volumes") / "volumes.img"
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "VOLUMES", "-m", "0", volumes, "8G"], check=True)
    with Host(memory=3072, disks=[media_disk, volumes], forward=[(vm.free_port(), 22)]) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        host.sh("mount /dev/disk/by-label/VOLUMES /data/volumes && rmdir /data/volumes/lost+found")
        yield host


@pytest.fixture
def host(shared_host):
    """The shared host at its menu; its guests are gone again after the test."""
    yield shared_host
    if not shared_host.in_shell:
        shared_host.home()
    for guest in shared_host.posada("guest", "list", "--json"):
        if guest["state"] not in ("off", "crashed", "template"):
            shared_host.posada("guest", "kill", guest["name"])
        shared_host.posada("guest", "delete", guest["name"], "--disks")


@pytest.fixture(scope="module")
def origins(tmp_path_factory):
    """Makes disks with a system on them that was there first."""
    return Origins(tmp_path_factory.mktemp("origins"), pathlib.Path(vm.OUT) / "payload/vmlinuz", vm.built("busybox") / "usr/bin/busybox")
