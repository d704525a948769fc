# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that run go on while the data place under their disks moves to another disk, and when the first one is made."""
import re
import subprocess

import pytest
import vm
from host import Host, Session, make_key

pytestmark = pytest.mark.slow


@pytest.fixture(name="disks")
def make_disks(media_disk, tmp_path):
    """What guests start from, and two disks for a data place."""
    disks = [media_disk]
    for name in ("from", "to"):
        disks.append(tmp_path / name)
        subprocess.run(["truncate", "-s", "3G", disks[-1]], check=True)
    return disks


def beat(host, guest):
    """How far GUEST has counted on its console."""
    return int(host.console(guest, r"alive (\d+)\r").group(1))


def test_guests_go_on_around_a_move(disks):
    with Host(memory=3072, disks=disks) as host:
        host.booted()
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=300)
        host.sh("mount -o ro /dev/vda /mnt && cp /mnt/vmlinuz /mnt/counter.cpio /data/media && umount /mnt", 120)
        for kind in ("pv", "pvh"):
            host.posada("guest", "create", kind, "--kind", kind, "--kernel", "/data/media/vmlinuz", "--initrd",
                        "/data/media/counter.cpio", "--cmdline", "console=hvc0", "--memory", "160M", "--disk", "16M", "--start",
                        seconds=180)
        before = {kind: beat(host, kind) for kind in ("pv", "pvh")}
        assert host.posada("storage", "list", "--json")["place"] == "vdb1"
        # One that is made and not moved to is none, so that the next start finds one.
        host.sh("mkdir /data/more")
        host.posada("pool", "create", "more", "--kind", "directory", "--source", "/data/more")
        said = host.posada("storage", "create", "vdc", "--whole-disk", "--confirm", "vdc", seconds=300, status=1)
        assert "The pool more has" in said and "is called posada-partial now" in said, said
        assert "posada-partial" in host.sh("blkid -p /dev/vdc1")
        assert host.posada("storage", "list", "--json")["place"] == "vdb1"
        host.posada("pool", "forget", "more")
        # A move that is cancelled leaves the old one in use, and the new one is none.
        host.sh("dd if=/dev/urandom of=/data/media/ballast bs=1M count=1000", 600)
        host.make_place("vdc", "Whole disk", "vdc")
        host.see("Any key cancels", 300)
        host.send(" ")
        host.see("End the copying", 300)
        host.send("y")
        host.see("vdb1 is the data place still", 300)
        host.send("\r")
        host.home()
        assert host.posada("storage", "list", "--json")["place"] == "vdb1"
        assert "posada-partial" in host.sh("blkid -p /dev/vdc1")
        # Nothing of it is left there that would be in the way of another move, which Ctrl-C cancels as well.
        assert not re.search("vmlinuz|ballast", host.sh("mount -o ro /dev/vdc1 /mnt && find /mnt; umount /mnt"))
        host.sh("tune2fs -L posada-data /dev/vdc1", 120)
        said = host.sh("{ posada storage move vdc1 & }; until grep -q place.mount /proc/mounts; do sleep 0.1; done; kill -INT $!; wait $!",
                       600, status=None)
        assert "vdb1 is the data place still" in said
        assert "place.mount" not in host.sh("rm /data/media/ballast; cat /proc/mounts")
        assert all(beat(host, kind) > before[kind] for kind in ("pv", "pvh"))
        # Making another one moves everything to it.
        said = host.posada("storage", "create", "vdc", "--whole-disk", "--confirm", "vdc", seconds=600)
        assert "vdb1 keeps what it had and is called posada-moved" in said
        assert host.posada("storage", "list", "--json")["place"] == "vdc1"
        for kind in ("pv", "pvh"):
            assert host.posada("guest", "show", kind, "--json")["state"] == "running"
            # One that had started anew would count from one.
            assert beat(host, kind) > before[kind]
        # Nobody has the old disk any more.
        assert "/dev/vdb" not in host.sh("cat /proc/mounts")
        host.posada("install", "plan", "vdb", "--whole-disk", seconds=300)
        host.healthy()
        host.sh("sync")
    # At the next start it is known which one is meant.
    with Host(memory=3072, disks=disks) as host:
        host.booted()
        host.sh("until [ -e /run/posada/place.ready ]; do sleep 1; done", 120)
        assert host.posada("storage", "list", "--json")["place"] == "vdc1"
        old = host.sh("mount -o ro /dev/vdb1 /mnt && ls /mnt/volumes /mnt/state/xen-saved && umount /mnt")
        # What was saved to be moved fits no disk any more, and nobody may start from it there.
        assert "pv.img" in old and re.search(r"pv\.save\.moved", old) and not re.search(r"\.save(\s|$)", old)


def test_a_connection_breaks_during_a_move(disks, tmp_path):
    """Nobody is left who could end it: it is cancelled, and everything is as it was."""
    with Host(memory=3072, disks=disks, forward=[(vm.free_port(), 22)]) as host:
        host.booted()
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=300)
        host.sh("mount -o ro /dev/vda /mnt && cp /mnt/vmlinuz /mnt/counter.cpio /data/media && umount /mnt", 120)
        host.posada("guest", "create", "pv", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio",
                    "--cmdline", "console=hvc0", "--memory", "160M", "--disk", "16M", "--start", seconds=180)
        before = beat(host, "pv")
        host.sh("dd if=/dev/urandom of=/data/media/ballast bs=1M count=1000", 600)
        key = make_key(tmp_path / "key")
        host.let_in(key)
        menus = host.sh("pidof posada-menu | wc -w")
        person = Session(host, key)
        person.make_place("vdc", "Whole disk", "vdc")
        person.see("Any key cancels", 300)
        person.see(r"[1-9]\d?%", 300)
        person.stop()
        host.sh(f"until [ $(pidof posada-menu | wc -w) = {menus} ]; do sleep 1; done", 600)
        assert "place.mount" not in host.sh("cat /proc/mounts")
        assert host.posada("storage", "list", "--json")["place"] == "vdb1"
        assert "posada-partial" in host.sh("blkid -p /dev/vdc1")
        host.until(lambda: host.posada("guest", "show", "pv", "--json")["state"] == "running", "guest that goes on", 300)
        assert beat(host, "pv") > before
        host.healthy()


def pid(host, guest):
    return host.sh(f"cat /run/libvirt/qemu/{guest}.pid")


def test_plain_guests_run_while_their_disks_move(disks):
    with Host(memory=3072, disks=disks) as host:
        host.start_from_iso("Posada without Xen")
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=300)
        host.sh("mount -o ro /dev/vda /mnt && cp /mnt/counter.cpio /run && cp /mnt/counter.cpio /data/media && umount /mnt", 120)
        # QEMU keeps an initrd open, so the one whose initrd moves along is saved.
        for name, folder in (("runs", "/run"), ("pauses", "/data/media")):
            host.posada("guest", "create", name, "--kind", "qemu", "--kernel", "/run/payload/payload/vmlinuz", "--initrd",
                        f"{folder}/counter.cpio", "--cmdline", "console=ttyS0 quiet", "--memory", "256M", "--network", "none", "--disk", "64M")
            host.sh(f"dd if=/dev/urandom of=/data/volumes/{name}.img bs=1M count=32 conv=notrunc,fsync", 120)
            host.posada("guest", "start", name, seconds=180)
        before = {name: (beat(host, name), pid(host, name)) for name in ("runs", "pauses")}
        for old, new in (("vdb", "vdc"), ("vdc", "vdb")):
            said = host.posada("storage", "create", new, "--whole-disk", "--confirm", new, seconds=900)
            assert f"{old}1 keeps what it had and is called posada-moved" in said
            assert host.posada("storage", "list", "--json")["place"] == f"{new}1"
            after = {name: (beat(host, name), pid(host, name)) for name in ("runs", "pauses")}
            assert all(after[name][0] > before[name][0] for name in after)
            assert after["runs"][1] == before["runs"][1] and after["pauses"][1] != before["pauses"][1]
            before = after
            # Whoever asks is told of /data, and that is where QEMU writes.
            for asked in ("domblklist runs", "domblklist --inactive runs"):
                assert "/data/volumes/runs.img" in host.sh(f"virsh -q -c qemu:///system {asked}")
            opened = host.sh(f"ls -l /proc/{after['runs'][1]}/fd")
            assert "/data/volumes/runs.img" in opened and "place.mount" not in opened
            assert f"/dev/{old}" not in host.sh("cat /proc/mounts")
            for name in after:
                host.sh(f"mount -o ro /dev/{old}1 /mnt && cmp /mnt/volumes/{name}.img /data/volumes/{name}.img && umount /mnt", 120)
        assert "guest runs are not copied" not in host.sh("cat /var/log/messages")
        # It is one like any other afterwards.
        assert "qemu" in host.posada("storage", "detach", status=1)
        for name in before:
            host.posada("guest", "kill", name)
            host.posada("guest", "start", name, seconds=180)
            beat(host, name)
        host.healthy()


def test_guests_in_memory_go_on_when_a_place_is_made(disks):
    with Host(memory=3072, disks=disks) as host:
        host.booted()
        host.sh("mount -o ro /dev/vda /mnt && cp /mnt/vmlinuz /mnt/counter.cpio /data/media && umount /mnt", 120)
        host.posada("guest", "create", "pv", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio",
                    "--cmdline", "console=hvc0", "--memory", "160M", "--disk", "16M", "--start", seconds=180)
        before = beat(host, "pv")
        # What cannot be pauses the guest, and changes nothing for it.
        host.sh("cd /data/media && { sleep 7200 & cd /; }")
        said = host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=600, status=1)
        assert "may pause" in said and "sleep" in said
        assert host.posada("guest", "show", "pv", "--json")["state"] == "running"
        now = beat(host, "pv")
        assert now > before
        assert not re.search("place.mount|-saved", host.sh("cat /proc/self/mountinfo"))
        host.sh("kill $!")
        host.posada("storage", "attach", "vdb1", seconds=600)
        assert host.posada("guest", "show", "pv", "--json")["state"] == "running"
        assert beat(host, "pv") > now
        # Its disk is on the place, and its memory is not there any more.
        assert "vdb1" in host.sh("df /data/volumes/pv.img")
        assert not host.sh("ls /var/lib/libvirt/libxl/save")
        assert "pv.img" in host.posada("storage", "detach", status=1)
        host.healthy()


def test_what_changes_while_all_is_copied(tmp_path):
    """What somebody sets, writes or deletes during a move is there afterwards as it was last, and no memory of an earlier move comes back."""
    disks = [tmp_path / "old", tmp_path / "new"]
    for disk in disks:
        subprocess.run(["truncate", "-s", "3G", disk], check=True)
    with Host(memory=2048, disks=disks) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        host.sh("cd /data && echo early >media/notes && echo early >media/gone && dd if=/dev/urandom of=volumes/large bs=1M count=500 2>/dev/null && "
                "echo old >state/xen-saved/inn.save.moved && echo now >state/xen-saved/room.save && cd", 300)
        # The large one is under way, and what is small was copied before.
        host.sh("{ { until [ -e /run/posada/place.mount/volumes/large.new ]; do sleep 0.1; done; echo late >>/data/media/notes; "
                "rm /data/media/gone; echo late >/root/.ssh/later; } >/tmp/said 2>&1 & }")
        host.posada("storage", "create", "vdb", "--whole-disk", "--confirm", "vdb", seconds=900)
        assert host.sh("wait; cat /tmp/said /data/media/notes /root/.ssh/later").split() == ["early", "late", "late"]
        assert not host.sh("ls /data/media | grep gone", status=None).strip()
        assert "posada-data" in host.sh("blkid -p /dev/vdb1") and "posada-moved" in host.sh("blkid -p /dev/vda1")
        host.sh("mkdir /tmp/old && mount -o ro /dev/vda1 /tmp/old")
        assert host.sh("cat /tmp/old/state/xen-saved/*") == "now"
        assert host.sh("cmp /tmp/old/volumes/large /data/volumes/large && cat /data/state/xen-saved/room.save", 300) == "now"
