# SPDX-License-Identifier: GPL-2.0-or-later
"""The data place: what is set and made outlasts a power cut, and moves to another disk."""
import shutil
import subprocess

import pytest
import vm
from host import Host

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIG5vdGhpbmcgYnV0IGEga2V5IGZvciB0aGUgdGVzdHMhISE= guest@inn"
KERNEL = "/run/payload/payload/vmlinuz"


@pytest.fixture(name="stick")
def make_stick(tmp_path):
    """A stick with room, onto which the image was written."""
    stick = tmp_path / "stick"
    shutil.copy(vm.ISO, stick)
    subprocess.run(["truncate", "-s", "2G", stick], check=True)
    return stick


def guests(host):
    return sorted(guest["name"] for guest in host.posada("guest", "list", "--json"))


def marks(host):
    """What a person would miss: the host's identity, names, keys and the bytes on a guest's disk."""
    return (host.sh("hostname; cat /root/.ssh/authorized_keys; sha256sum /etc/dropbear/*; virsh -q net-list --all --name"),
            host.sh("dd if=/data/volumes/early.img bs=512 count=1 2>/dev/null | head -c 5"), guests(host))


def furnish(host):
    """What makes this host one of its own, beside the guest "early"; what a person would miss of it."""
    host.posada("guest", "create", "late", "--kind", "pv", "--kernel", KERNEL, "--memory", "128M")
    host.sh(f"mkdir -p /root/.ssh && echo '{KEY}' >>/root/.ssh/authorized_keys")
    assert "memory" not in host.posada("config", "set", "ssh.enabled", "yes")
    host.sh("until ls /etc/dropbear/*key; do setsid ssh -y localhost true </dev/null >/dev/null 2>&1; sleep 2; done", 120)
    host.sh("echo '<network><name>lab</name></network>' >/tmp/lab && virsh net-define /tmp/lab")
    before = marks(host)
    assert before[1:] == ("hello", ["early", "late"]) and "inn" in before[0] and "lab" in before[0]
    return before


def create_early(host):
    assert "in memory" in host.posada("config", "set", "host.name", "inn")
    host.posada("guest", "create", "early", "--kind", "pv", "--kernel", KERNEL, "--cmdline", "panic=600", "--memory", "128M", "--disk", "8M")
    host.sh("printf hello | dd of=/data/volumes/early.img conv=notrunc,fsync")


def test_from_memory_to_the_stick(stick):
    with Host(boot="usb", stick=stick) as host:
        host.booted()
        host.see("There is no data place")
        create_early(host)
        # What cannot be is refused, and what is wrong changes nothing.
        assert "no data place" in host.posada("config", "save", status=1)
        assert "no data place" in host.posada("storage", "attach", status=1)
        assert "host was started from" in host.posada("storage", "create", "sda", "--whole-disk", status=1)
        assert "not the name" in host.posada("storage", "create", "sda", "--confirm", "sdb", status=1)
        assert "no terminal" in host.sh("posada storage create sda </dev/null 2>&1", 120, status=1)
        assert "letters" in host.posada("config", "set", "host.name", "not a name", status=1)
        host.posada("config", "set", "host.nam", "x", status=2)
        # Through the menu, as a person does it.
        host.make_place("sda", "Free room", "sdx")
        host.see("not the name")
        host.send("\r")
        host.home()
        host.make_place("sda", "Free room", "sda")
        host.see("sda3 is the data place", 300)
        host.send("\r")
        host.home()
        assert not any("data place" in notice for notice in host.posada("status", "--json")["notices"])
        assert host.posada("storage", "list", "--json")["place"] == "sda3"
        before = furnish(host)
        # The plug is pulled: nothing was told to save.
        host.sh("sync")
    with Host(boot="usb", stick=stick) as host:
        host.booted()
        host.see("inn")
        assert marks(host) == before
        assert host.sh("sv status /run/service/sshd").startswith("run:")
        host.posada("guest", "start", "early")
        refusal = host.posada("storage", "detach", status=1)
        assert "early.img" in refusal or "qemu" in refusal


@pytest.mark.slow
def test_from_the_stick_to_a_disk(stick, tmp_path):
    disk, beside = tmp_path / "disk", tmp_path / "beside"
    subprocess.run(["truncate", "-s", "4G", disk], check=True)
    subprocess.run(["truncate", "-s", "900M", beside], check=True)
    subprocess.run(["sfdisk", "--quiet", beside], input=b"label: gpt\n", check=True)
    with Host(boot="usb", stick=stick, disks=[disk, beside]) as host:
        host.booted()
        create_early(host)
        host.posada("storage", "create", "sda", "--confirm", "sda", seconds=300)
        # Where nothing moves along, nobody may pull the stick out unwarned.
        host.sh("printf '[install]\\nserial = DISK1\\nlayout = alongside\\n' >/tmp/answers")
        assert "stay on the medium (sda3)" in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
        before = furnish(host)
        host.posada("guest", "start", "early")
        # The whole of it moves to a disk with Posada; a guest that cannot be saved (its kernel has panicked) is in the way.
        host.sh("printf '[install]\\nserial = DISK0\\nlayout = whole-disk\\n' >/tmp/answers")
        said = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=600, status=1)
        assert "Posada is on vda." in said and "may pause" in said and "cannot be saved" in said and "is called posada-partial now" in said
        assert host.posada("storage", "list", "--json")["place"] == "sda3"
        host.posada("guest", "kill", "early", status=None)
        host.sh("tune2fs -L posada-data /dev/vda3", 120)
        # What another host has there stays.
        host.sh("mount /dev/vda3 /mnt && mkdir /mnt/volumes && echo theirs >/mnt/volumes/early.img && umount /mnt")
        assert "volumes/early.img" in host.posada("storage", "move", "vda3", status=1)
        host.sh("mount /dev/vda3 /mnt && grep theirs /mnt/volumes/early.img && rm -r /mnt/volumes && umount /mnt")
        host.posada("storage", "move", "vda3", seconds=300)
        host.posada("storage", "detach", seconds=180)
        # What was made in memory before is seen again.
        assert guests(host) == ["early"]
        host.posada("storage", "attach", "vda3", seconds=180)
        assert marks(host) == before
    with Host(boot="disk", disks=[disk]) as host:
        host.booted()
        assert marks(host) == before
        assert host.posada("storage", "list", "--json")["place"] == "vda3"
        host.healthy()


@pytest.mark.slow
def test_a_place_that_is_anothers(tmp_path):
    """A guest can call the file system on a disk of its own a data place: it is none of this host's."""
    own, disk, theirs = tmp_path / "own", tmp_path / "disk", tmp_path / "theirs"
    for path, size in ((disk, "900M"), (own, "900M"), (theirs, "300M")):
        subprocess.run(["truncate", "-s", size, path], check=True)
    subprocess.run(["sfdisk", "--quiet", disk], input=b"label: gpt\n", check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "posada-data", theirs], check=True)
    with Host(disks=[disk, own]) as host:
        host.booted()
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=300)
        host.posada("config", "set", "host.name", "inn")
        host.sh("printf '[install]\\nserial = DISK0\\nlayout = alongside\\n' >/tmp/answers")
        host.posada("install", "apply", "--answers", "/tmp/answers", seconds=600)
        host.sh("sync")
    # Of two, the one that was used when this was installed.
    with Host(boot="disk", disks=[disk, theirs, own]) as host:
        host.booted()
        assert host.posada("storage", "list", "--json")["place"] == "vdc1" and host.sh("hostname") == "inn"
        host.sh("sync")
    # Nor is theirs used when it is the only one, but when somebody says so; then it is known.
    with Host(boot="disk", disks=[disk, theirs]) as host:
        host.booted()
        host.see("has not used this data place")
        assert host.posada("storage", "list", "--json")["place"] is None
        host.posada("storage", "attach", "vdb", seconds=180)
        host.sh("sync")
    with Host(boot="disk", disks=[disk, theirs]) as host:
        host.booted()
        assert host.posada("storage", "list", "--json")["place"] == "vdb"
