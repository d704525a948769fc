# SPDX-License-Identifier: GPL-2.0-or-later
"""The system that an installation left in place runs as a guest, from its own partitions, and natively again."""
import os
import shutil

import pytest
import vm
from host import Host
from origins import ALIVE, LOADER, MIB

PROMPT = r"posada:[^\r\n]*# "
SHELL = r"root@origin:~# "


def install_here(host):
    """Posada beside the system of its disk."""
    host.booted()
    host.sh("printf '[install]\\ndisk = vda\\nlayout = alongside\\n' > /tmp/answers")
    assert "Posada is on vda." in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)


def install(disk):
    """The same from the CD, which is taken out then."""
    with Host(disks=[disk]) as host:
        install_here(host)
        host.sh("sync; poweroff", status=None)
        host.ended()


def device(host, kind=""):
    """The device for the disk vda, which is there while its guest runs."""
    return f"/dev/mapper/adopted-{host.sh('sfdisk --disk-id /dev/vda').removeprefix('0x').lower()}{kind}"


def hook(host, what, path, status=0):
    """What libvirt asks around a guest with this disk."""
    return host.sh(f"echo \"<source dev='{path}'/>\" | /etc/libvirt/hooks/libxl inn {what} begin - 2>&1", 120, status)


def see_off(host, name):
    """Nothing of its device is left then; libvirt says "off" a moment before it calls who takes that away."""
    host.until(lambda: host.posada("guest", "show", name, "--json")["state"] == "off", f"guest {name} that is off", 300)
    host.until(lambda: host.sh("echo /dev/mapper/*") == "/dev/mapper/control", f"device of {name} that is gone", 60)


def log_in_prompt(host, tries=2):
    """On the console of the guest; emulated SVM now and then loses one that starts, which is started again."""
    since = len(host.log)
    host.send("posada guest console debian\n")
    if host.expect(r"origin login:|\nposada:\S*# ", 2400, since).group(0) != "origin login:":
        assert tries, host.describe()
        host.posada("guest", "start", "debian", seconds=300)
        log_in_prompt(host, tries - 1)


@pytest.mark.slow
def test_the_device(origins):
    """What the guest would see, what dom0 is kept from, and what a trial leaves: nothing."""
    disk = origins.bios("device")
    before = disk.read_bytes()[:512]
    with Host(disks=[disk]) as host:
        install_here(host)
        assert host.posada("guest", "adopt", "list", "--json", seconds=300)[0] == {
            "disk": "vda", "bytes": 900 * MIB, "system": "Debian GNU/Linux 13 (trixie)", "firmware": "bios", "refusal": None}
        adopted, trial = device(host), device(host, "-trial")

        # Whoever has a partition of the system is in the way, and is told.
        host.sh("mkdir -p /tmp/m && mount -o ro /dev/vda1 /tmp/m")
        assert "vda1 is mounted on /tmp/m" in host.posada("guest", "adopt", "vda", seconds=300, status=1)
        assert "vda1 is mounted on /tmp/m" in hook(host, "prepare", adopted, 1)
        host.sh("umount /tmp/m")

        # The system's own boot code and table; nothing of Posada's can be read.
        hook(host, "prepare", adopted)
        assert host.sh(f"dd if={adopted} bs=440 count=1 2>/dev/null | sha256sum") != host.sh("dd if=/dev/vda bs=440 count=1 2>/dev/null | sha256sum")
        host.sh(f"dd if={adopted} of=/tmp/sector bs=512 count=1")
        assert bytes.fromhex(host.sh("od -An -v -tx1 /tmp/sector"))[:462] == before[:462]
        # Posada's room is not free to it, and nothing that anybody mounts.
        assert host.sh("sfdisk -d /dev/vda").count("start=") == 2 and host.sh(f"sfdisk -d {adopted}").count("start=") == 2
        assert "type=da" in host.sh(f"sfdisk -d {adopted}")
        host.sh(f"dd if={adopted} of=/dev/null bs=1M count=129")
        host.sh(f"dd if={adopted} of=/dev/null bs=1M skip=129 count=1", status=1)
        host.sh(f"dd if=/dev/zero of={adopted} bs=1M seek=129 count=1 conv=fsync", status=1)
        # While it is there nobody else gets them.
        host.sh("mount -o ro /dev/vda1 /tmp/m", status=None)
        assert "/tmp/m" not in host.sh("cat /proc/mounts")
        host.sh("mkfs.ext4 -F /dev/vda1", status=1)
        assert "vda is in use" in host.posada("install", "plan", "vda", seconds=300, status=1)
        assert "vda is in use" in host.posada("storage", "create", "vda1", "--confirm", "vda1", seconds=300, status=1)
        for other in ("/dev/vda", "/dev/vda1"):
            assert f"{other} belongs to a system that was adopted" in hook(host, "prepare", other, 1)
        assert "vda1 is in use" in hook(host, "prepare", trial, 1)
        host.sh(f"exec 7<{adopted}")
        assert "runs as a guest already" in hook(host, "prepare", adopted, 1)
        host.sh("exec 7<&-")
        hook(host, "release", adopted)
        assert host.sh("echo /dev/mapper/*") == "/dev/mapper/control" and host.sh("losetup -a | grep -v erofs", status=None) == ""

        # A trial writes beside the disk.
        was = host.sh("sha256sum </dev/vda1; sha256sum </dev/vda2", 300)
        hook(host, "prepare", trial)
        host.sh(f"dd if=/dev/urandom of={trial} bs=1M seek=1 count=8 conv=fsync")
        assert host.sh(f"dd if={trial} bs=1M skip=1 count=8 | sha256sum") != host.sh("dd if=/dev/vda1 bs=1M count=8 | sha256sum")
        hook(host, "release", trial)
        assert host.sh("sha256sum </dev/vda1; sha256sum </dev/vda2", 300) == was
        assert host.sh("echo /dev/mapper/*") == "/dev/mapper/control" and host.sh("echo /data/*") == "/data/media /data/volumes"

        host.healthy()


@pytest.mark.slow
def test_a_trial_starts(origins):
    """The guest comes as far as its own loader, from its own file system, and leaves the disk as it was."""
    with Host(disks=[origins.bios("trial")]) as host:
        install_here(host)
        was = host.sh("sha256sum </dev/vda1; sha256sum </dev/vda2", 300)
        host.posada("guest", "adopt", "vda", "--name", "debian", "--trial", "--memory", "256M", "--start", seconds=300)
        host.console("debian", LOADER, 600)
        host.sh("mkdir -p /tmp/m && mount -o ro /dev/vda1 /tmp/m", status=None)
        assert "/tmp/m" not in host.sh("cat /proc/mounts")
        host.posada("guest", "kill", "debian")
        see_off(host, "debian")
        # Off, it has no device any more; its system is not free to be written over for that.
        for words in (("install", "plan", "vda", "--whole-disk"), ("storage", "create", "vda1", "--confirm", "vda1"),
                      ("storage", "create", "vda", "--whole-disk", "--confirm", "vda"), ("storage", "group", "fast", "vda1", "--confirm", "vda1")):
            assert "adopted as the guest debian" in host.posada(*words, seconds=300, status=1)
        host.posada("guest", "delete", "debian")
        assert host.sh("sha256sum </dev/vda1; sha256sum </dev/vda2", 300) == was
        host.healthy()


@pytest.mark.slow
def test_a_volume_group(origins):
    """Posada's volume in the group of the system itself cannot be reached by the guest."""
    disk = origins.lvm()
    install(disk)
    with Host(boot="disk", disks=[disk]) as host:
        host.booted()
        host.sh("lvm lvchange -ay origin/root")
        assert "vda1 is in use" in host.posada("guest", "adopt", "vda", seconds=300, status=1)
        host.sh("lvm lvchange -an origin/root")
        adopted = device(host)
        start, size = host.sh("lvm lvs --noheadings --nosuffix --units s -o seg_pe_ranges,lv_size origin/posada").split()
        extent = int(start.split(":")[1].split("-")[0])
        hook(host, "prepare", adopted)
        # While the guest has it, dom0 keeps its hands off the group.
        assert host.sh("lvm vgs --noheadings 2>/dev/null") == ""
        assert host.sh("lvm lvchange -ay origin/root 2>&1; echo /dev/mapper/origin*").endswith("/dev/mapper/origin*")
        # The group begins 1 MiB into the partition, which begins 1 MiB into the disk.
        first = 2 + extent * 4
        host.sh(f"dd if={adopted} of=/dev/null bs=1M skip={first - 1} count=1")
        host.sh(f"dd if={adopted} of=/dev/null bs=1M skip={first} count=1", status=1)
        host.sh(f"dd if={adopted} of=/dev/null bs=1M skip={first + int(size) // 2048 - 1} count=1", status=1)
        host.sh(f"dd if={adopted} of=/dev/null bs=1M skip=2 count=128")
        hook(host, "release", adopted)
        assert host.sh("lvm vgs --noheadings -o vg_name") == "origin"
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="disk", disks=[disk]) as host:
        host.start_entry("Debian GNU/Linux 13")
        host.expect(ALIVE, 120)


@pytest.mark.slow
def test_a_copy_of_the_esp(origins):
    """Posada lies in the ESP: the guest's has its system's loader where its firmware looks, and nothing of Posada's."""
    disk = origins.uefi("esp")
    variables = shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), disk.with_suffix(".vars"))
    with Host(firmware="uefi", disks=[disk], variables=variables) as host:
        install_here(host)
        host.sh("mkdir -p /tmp/m; mount -o ro /dev/vda1 /tmp/m && ls -d /tmp/m/posada /tmp/m/EFI/posada && umount /tmp/m")
        adopted = device(host)
        hook(host, "prepare", adopted)
        host.sh(f"mount -o ro $(losetup -r -f --show -o {MIB} {adopted}) /tmp/m")
        assert host.sh("(cd /tmp/m && echo * EFI/*)") == "EFI EFI/BOOT EFI/debian"
        host.sh("cmp /tmp/m/EFI/BOOT/BOOTX64.EFI /tmp/m/EFI/debian/grubx64.efi")
        host.sh("blkid -o export /dev/vda1 | grep -E '^(UUID|LABEL)=' >/tmp/real; blkid -o export $(awk '$2 == \"/tmp/m\" { print $1 }' /proc/mounts) | grep -E '^(UUID|LABEL)=' >/tmp/copy; cmp /tmp/real /tmp/copy")
        # The real one is dom0's still.
        host.sh("mkdir -p /tmp/real.esp; mount -o ro /dev/vda1 /tmp/real.esp && umount /tmp/real.esp")
        host.sh("umount /tmp/m && losetup -D")
        hook(host, "release", adopted)
        assert host.sh("echo /dev/mapper/*") == "/dev/mapper/control" and host.sh("echo /data/*") == "/data/media /data/volumes"


@pytest.mark.slow
@pytest.mark.skipif(os.geteuid() != 0, reason="the files of a Debian belong to root")
def test_debian(origins):
    """A real system: adopted through the menu, started, logged in to and written to; natively it has what was written."""
    disk = origins.debian(next((vm.built("linux") / "usr/lib/modules").iterdir()))
    with Host(boot="disk", disks=[disk]) as host:
        host.expect("origin login:", 120)
        host.send("root\n")
        host.expect(SHELL, 60)
        host.send("poweroff\n")
        host.ended()
    install(disk)
    with Host(boot="disk", disks=[disk], memory=3072) as host:
        host.booted()
        host.menu("Guests")
        host.choose("Adopt the system on a disk ...")
        host.choose("vda", 120)
        host.choose("For good", 120)
        host.see("What is the guest called")
        host.send("\x1bOB\x15" + "256M\r")
        host.see("Which network")
        host.choose("default")
        host.see("is the guest debian now", 300)
        host.send("\r")
        host.see(r"debian +hvm +off", 60)
        host.choose("debian")
        host.choose("Start")
        host.see(r"debian +hvm +running", 300)
        host.home()
        host.shell_open()
        host.sh("mount -o ro /dev/vda1 /mnt", status=None)
        assert "/mnt" not in host.sh("cat /proc/mounts")
        assert "vda is in use" in host.posada("storage", "create", "vda1", "--confirm", "vda1", seconds=300, status=1)
        log_in_prompt(host)
        since = len(host.log)
        host.send("root\n")
        host.expect(SHELL, 600, since)
        host.send("echo written by the guest >/root/note; cat /sys/hypervisor/type; sync\n")
        host.expect(r"(?s)xen\r.*" + SHELL, 300, since)
        since = len(host.log)
        host.send("poweroff\n")
        host.expect(PROMPT, 900, since)
        see_off(host, "debian")
        host.posada("guest", "delete", "debian")
        host.sh("mount -o ro /dev/vda1 /mnt && cat /mnt/root/note && umount /mnt")
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="disk", disks=[disk]) as host:
        host.start_entry("Debian GNU/Linux 13")
        host.expect("origin login:", 600)
        host.send("root\n")
        host.expect(SHELL, 120)
        since = len(host.log)
        host.send("cat /root/note; cat /sys/hypervisor/type\n")
        host.expect("written by the guest", 60, since)
        host.expect("No such file", 60, since)
