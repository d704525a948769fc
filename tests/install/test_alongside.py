# SPDX-License-Identifier: GPL-2.0-or-later
"""Posada goes onto a disk beside the system that is there: both start, and undo brings back what was."""
import hashlib
import pathlib
import shutil
import subprocess

import pytest
import vm
from host import Host
from origins import ALIVE


def walk_to_confirmation(host, disk, layout):
    """Through the menu, as a person does it, until the disk's name must be typed."""
    host.menu("Install", "Onto a disk")
    host.choose(disk, 60)
    host.choose(layout)
    if "Which system" in host.see("Which system shall start|How long shall", 60):
        host.choose("Posada")
    host.see("How long shall the boot menu wait")
    host.send("\r")
    host.see("Install: the plan")
    host.send("\r")
    host.see("as the plan says|will be lost|will be removed")


def install(host, disk="vda", layout="Beside"):
    host.shell_close()
    host.booted()
    walk_to_confirmation(host, disk, layout)
    host.answer("sdz")
    host.see("not the name, so nothing was written")
    host.send("\r")
    host.home()
    walk_to_confirmation(host, disk, layout)
    host.answer(disk)
    host.see("reads back as it was built", 300)
    host.send("\r")
    host.home()


def copy_of(disk, variables, name):
    """Proofs that boot write to the disk: they run on a copy."""
    copies = []
    for file in (disk, variables):
        copy = file.with_name(f"{file.name}-{name}") if file else None
        if copy:
            shutil.copy(file, copy)
        copies.append(copy)
    return copies


def see_payload(host):
    """What it carries is what was built."""
    carried = dict(reversed(line.split()) for line in host.sh("posada payload sum", 300).splitlines())
    built = pathlib.Path(vm.OUT) / "payload"
    assert carried == {name: hashlib.sha256((built / name).read_bytes()).hexdigest() for name in carried} and len(carried) == 3


def mark_in_table(disk):
    """Another partition than before is the one that code in sector 0 looks for."""
    with disk.open("r+b") as file:
        file.seek(446)
        flag, = file.read(1)
        file.seek(446)
        file.write(bytes([flag ^ 0x80]))


def see_table_followed(host):
    """The saved sector 0, from which the boot menu starts the origin, has the table that is on the disk now."""
    # Two who mount it at once, one to write, would be in each other's way.
    host.until(lambda: "partition table of vda has changed" in host.sh("cat /var/log/messages"), "table that is followed", 120)
    look = "mount -o ro /dev/vda2 /tmp/m && tail -c 72 /tmp/m/posada/origin.mbr | sha256sum; umount /tmp/m"
    now = host.sh("mkdir -p /tmp/m; dd if=/dev/vda bs=8 skip=55 count=9 2>/dev/null | sha256sum")
    assert host.sh(look) == now


def see_both_start(firmware, disk, variables, own=False):
    """The boot menu has both; Posada starts by itself, the origin when it is chosen."""
    copy, remembered = copy_of(disk, variables, "boot")
    if own:
        mark_in_table(copy)
    with Host(boot="disk", firmware=firmware, disks=[copy], variables=remembered) as host:
        host.expect("Debian GNU/Linux 13", 120)
        host.booted()
        if own:
            see_table_followed(host)
        # What was started is what was written, and this disk is known as what it is.
        see_payload(host)
        assert host.sh("echo /run/posada/notices/*") == "/run/posada/notices/place"
    with Host(boot="disk", firmware=firmware, disks=[copy], variables=remembered) as host:
        host.start_entry("Debian GNU/Linux 13")
        host.expect(ALIVE, 120)


def undo(host, disk="vda"):
    host.shell_close()
    host.booted()
    host.menu("Install", "Undo")
    host.choose(disk, 60)
    host.see("as the plan says|will be lost|will be removed")
    host.answer(disk)
    host.see("which starts as it did before", 120)
    host.send("\r")
    host.home()


def see_origin_starts(firmware, disk, variables):
    copy, remembered = copy_of(disk, variables, "again")
    with Host(boot="disk", firmware=firmware, disks=[copy], variables=remembered) as host:
        host.expect(ALIVE, 120)
        assert "Posada" not in host.log


def differing(before, after):
    """Which MiB of two files are not the same."""
    found = []
    with before.open("rb") as one, after.open("rb") as other:
        for number in range(before.stat().st_size // 2**20 + 1):
            if one.read(2**20) != other.read(2**20):
                found.append(number)
    return found


def test_bios_own_partition(origins):
    disk = origins.bios()
    before, _ = copy_of(disk, None, "before")
    with Host(disks=[disk]) as host:
        install(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    # All that changed outside of our partition, which begins behind the origin's, is in the first MiB.
    assert [number for number in differing(before, disk) if number < 129] == [0]
    see_both_start("bios", disk, None, own=True)
    with Host(disks=[disk]) as host:
        undo(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    assert [number for number in differing(before, disk) if number < 129] == []
    see_origin_starts("bios", disk, None)


@pytest.mark.slow
def test_undo_of_a_lost_file_system(origins):
    """What undo needs lies on the data place too, and a partition of ours need not be readable."""
    disk, place = origins.bios("lost"), origins.work / "lost-place"
    with place.open("wb") as file:
        file.truncate(1 << 30)
    before, _ = copy_of(disk, None, "before")
    with Host(disks=[disk, place]) as host:
        host.booted()
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=300)
        install_here(host)
        assert len(host.sh("ls /data/state/settings/records").split()) == 1
        host.sh("dd if=/dev/zero of=/dev/$(ls /sys/block/vda | grep vda | tail -n 1) bs=1M count=64 conv=fsync")
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(disks=[disk, place]) as host:
        host.booted()
        host.sh("until [ -e /run/posada/place ]; do sleep 1; done")
        undo(host)
        assert host.sh("ls /etc/posada/records") == ""
        host.sh("sync; poweroff", status=None)
        host.ended()
    assert [number for number in differing(before, disk) if number < 129] == []
    see_origin_starts("bios", disk, None)


def install_here(host, disk="vda", status=0):
    """From the shell, by a file of answers; what it said."""
    host.sh(f"printf '[install]\\ndisk = {disk}\\nlayout = alongside\\n' > /tmp/answers")
    return host.posada("install", "apply", "--answers", "/tmp/answers", status=status, seconds=400)


# Bytes of the disk that must be as they were: its first MiB.
FIRST = 2**20


def first_of(disk):
    with disk.open("rb") as file:
        return file.read(FIRST)


def files_of(disk, work, start, kind):
    """What is in the origin's file system, which is sound, without mounting it."""
    part, tree = work / "part", work / "files"
    shutil.rmtree(tree, ignore_errors=True)
    tree.mkdir()
    with disk.open("rb") as source, part.open("wb") as target:
        source.seek(start)
        shutil.copyfileobj(source, target, 2**20)
    commands = {"ext4": [["e2fsck", "-fn", part], ["debugfs", "-R", f"rdump / {tree}", part]],
                "btrfs": [["btrfs", "check", "--readonly", part], ["btrfs", "restore", part, tree]]}
    for command in commands[kind]:
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    found = {str(file.relative_to(tree)): file.read_bytes() for file in tree.rglob("*") if file.is_file()}
    assert "etc/os-release" in found
    return found


def volume_of(disk, size=128 * 2**20):
    """The origin's volume, which begins behind the first MiB of the group."""
    with disk.open("rb") as file:
        file.seek(2 * 2**20)
        return file.read(size)


@pytest.mark.slow
def test_bios_disks_without_room(origins):
    """Beside systems that have their disks as a whole: in a volume of the group, in the file system."""
    names = ("vda", "vdb", "vdc")
    disks = [origins.lvm(), origins.full("full-ext4"), origins.full("full-btrfs", "btrfs")]

    def state():
        return ([first_of(disk) for disk in disks], volume_of(disks[0]),
                [files_of(disk, origins.work, FIRST, kind) for disk, kind in zip(disks[1:], ("ext4", "btrfs"))])

    before = state()
    with Host(disks=disks) as host:
        host.booted()
        probe = host.posada("install", "probe", "--text")
        assert probe.count("system=Debian%20GNU/Linux%2013%20(trixie)") == 3 and "in_use" not in probe
        # A data place in the free room of a group takes nothing from it.
        host.menu("Storage", "Make")
        # Where the system lies in a volume, its disk is known by it all the same.
        host.see(r"vda +900 MiB +- +DISK0 +\[Debian GNU/Linux 13", 120)
        host.choose("vda")
        host.choose("origin")
        host.see("make the logical volume origin/posada-data", 60)
        host.send("\r")
        host.see("A volume will be made in the group origin")
        host.home()
        # What cannot be finished is taken back.
        host.sh("mount -o bind /etc/hostname /run/payload/payload/boot/core.img")
        assert "has been taken back" in install_here(host, "vda", status=1)
        host.sh("umount /run/payload/payload/boot/core.img")
        assert host.sh("lvm lvs --noheadings -o lv_name").split() == ["root"]
        for name, where in zip(names, ("make the logical volume origin/posada", "the folder /posada of vdb1",
                                       "the folder /posada of vdc1")):
            plan = host.posada("install", "plan", name)
            assert where in plan and "cannot be updated" in plan
            install(host, name)
        # Nothing of the group stays active.
        assert host.sh("echo /dev/mapper/*") == "/dev/mapper/control"
        host.sh("sync; poweroff", status=None)
        host.ended()
    assert volume_of(disks[0]) == before[1]
    for disk in disks:
        see_both_start("bios", disk, None)
    with Host(disks=disks) as host:
        for name in names:
            undo(host, name)
        assert host.sh("lvm lvs --noheadings -o lv_name").split() == ["root"]
        host.sh("sync; poweroff", status=None)
        host.ended()
    assert state() == before
    for disk in disks:
        see_origin_starts("bios", disk, None)


@pytest.mark.slow
@pytest.mark.parametrize("esp", [300, 34], ids=["in-the-esp", "own-partition"])
def test_uefi(origins, esp):
    disk = origins.uefi(f"uefi-{esp}", esp * 2**20)
    variables = disk.with_suffix(".vars")
    shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), variables)
    before, _ = copy_of(disk, None, "before")
    with Host(firmware="uefi", disks=[disk], variables=variables) as host:
        install(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    see_both_start("uefi", disk, variables)
    with Host(firmware="uefi", disks=[disk], variables=variables) as host:
        undo(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    # In the origin's own ESP the free space keeps bytes of ours; nothing else may differ.
    ours = range(1, 1 + esp) if esp == 300 else range(1 + esp + 128, 900 - 1)
    assert [number for number in differing(before, disk) if number not in ours] == []
    see_origin_starts("uefi", disk, variables)


@pytest.mark.slow
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_whole_disk(origins, firmware):
    disk = origins.work / f"whole-{firmware}"
    with disk.open("wb") as file:
        file.truncate(3 << 30)
    variables = None
    if firmware == "uefi":
        variables = disk.with_suffix(".vars")
        shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), variables)
    with Host(firmware=firmware, disks=[disk], variables=variables) as host:
        install(host, layout="Whole disk")
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="disk", firmware=firmware, disks=[disk], variables=variables) as host:
        host.booted()
        host.sh("posada status")
