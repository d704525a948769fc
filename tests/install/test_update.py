# SPDX-License-Identifier: GPL-2.0-or-later
"""An update is tried once: one that works stays, one that does not is gone at the next start."""
import contextlib
import functools
import hashlib
import http.server
import shutil
import threading

import pytest
import vm
from conftest import make_ext4
from host import Host
from origins import ALIVE, Origins
from updates import DYING, GOOD, HANGING, HANGS, make_update


@pytest.fixture(scope="module")
def updates(tmp_path_factory):
    """A directory of updates, most of which are no good, and the same on a disk."""
    work = tmp_path_factory.mktemp("updates")
    files = work / "UPDATES"
    files.mkdir()
    make_update(work, "9.1", GOOD).rename(files / "good")
    make_update(work, "9.2", HANGING).rename(files / "hanging")
    make_update(work, "9.3", DYING).rename(files / "dying")
    good, older = (files / "good").read_bytes(), make_update(work, "0.0.1", GOOD).read_bytes()
    (files / "older").write_bytes(older[:1024])
    (files / "cut").write_bytes(good[:-1])
    # A version that was signed, with a file that was not.
    (files / "changed").write_bytes(good[:1024] + b"\0" + good[1025:])
    # One that says another version than what was signed.
    (files / "forged").write_bytes(good[:1024].replace(b"version 9.1", b"version 9.9"))
    (files / "nothing").write_bytes(bytes(4096))
    make_ext4(files, work / "updates.img", spare=64)
    return work / "updates.img"


@contextlib.contextmanager
def served(directory):
    """An address of this directory as a machine in QEMU sees it."""
    handler = functools.partial(http.server.SimpleHTTPRequestHandler, directory=directory)
    handler.log_message = lambda *_: None
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://10.0.2.2:{server.server_port}"
        server.shutdown()


def sha256(file):
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def install(disks, layout="alongside", **options):
    with Host(disks=disks, **options) as host:
        host.booted()
        host.sh(f"printf '[install]\\nserial = DISK0\\nlayout = {layout}\\n' >/tmp/answers")
        host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
        host.sh("poweroff", status=None)
        host.ended()


def versions(host):
    """What is on the disk: {version: state}, and the version that runs."""
    found = host.posada("install", "versions", "--json", seconds=200)
    return {one["version"]: one["state"] for one in found}, [one["version"] for one in found if one["runs"]]


def stays(host, version):
    """Wait until the host has found that it works."""
    host.until(lambda: versions(host)[0][version] == "good", f"version {version} that stays", 300)
    assert host.sh("cat /usr/share/posada/VERSION") == version
    # Nothing ticks any more.
    host.sh("until ! pidof trial; do sleep 1; done", 60)
    host.healthy()


def restart(host):
    host.sh("reboot", status=None)
    host.ended(200)


def see_refusals(host, disk, before):
    for name, reason in (("older", "which is newer"), ("cut", "is cut off or damaged"), ("changed", "is cut off or damaged"),
                         ("forged", "is not signed by those who made this system"), ("nothing", "is no update of Posada"),
                         ("none", "No such file")):
        assert reason in host.posada("install", "update", f"/mnt/{name}", status=1), name
    assert "no stick or CD" in host.posada("install", "update", "stick", status=1)
    assert "No such file" not in host.posada("install", "update", "http://10.0.2.2:1/none", status=1)
    host.posada("install", "update", status=2)
    host.sh("sync")
    assert sha256(disk) == before


def see_cancelled(host):
    """Ctrl-C, once it has begun to write: what was to be replaced is gone, and nothing stays mounted."""
    since = len(host.log)
    host.send("posada install update /mnt/hanging\n")
    host.expect("beside 9.1, read it back", 300, since)
    host.send("\x03")
    host.expect("cancelled: what started until now starts as it did", 120, since)
    assert versions(host) == ({"9.1": "good"}, ["9.1"]) and "target" not in host.sh("cat /proc/mounts")


@pytest.mark.slow
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_update(origins: Origins, updates, firmware):
    """Nothing comes of a bad file, a good version stays, and behind one that hangs the host is as before."""
    options = {"firmware": firmware}
    disk = origins.bios("update-bios") if firmware == "bios" else origins.uefi("update-uefi")
    if firmware == "uefi":
        options["variables"] = disk.with_suffix(".vars")
        shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), options["variables"])
    disks = [disk, updates]
    install(disks, **options)
    with served(updates.parent / "UPDATES") as address, Host(boot="disk", disks=disks, **options) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/UPDATES /mnt")
        assert versions(host) == ({vm.VERSION: "good"}, [vm.VERSION])
        see_refusals(host, disk, sha256(disk))
        host.sh("until ip route | grep -q default; do sleep 1; done", 60)
        assert "Version 9.1 is on" in host.posada("install", "update", f"{address}/good", seconds=300)
        assert versions(host) == ({vm.VERSION: "good", "9.1": "next"}, [vm.VERSION])
        restart(host)
    with Host(boot="disk", disks=disks, **options) as host:
        host.booted()
        stays(host, "9.1")
        assert versions(host) == ({vm.VERSION: "other", "9.1": "good"}, ["9.1"])
        host.sh("mount -o ro /dev/disk/by-label/UPDATES /mnt")
        see_cancelled(host)
        host.posada("install", "update", "/mnt/hanging", seconds=300)
        assert versions(host) == ({"9.2": "next", "9.1": "good"}, ["9.1"])
        restart(host)
    with Host(boot="disk", disks=disks, **options) as host:
        host.expect(HANGS, 300)
        host.ended(600)
    with Host(boot="disk", disks=disks, **options) as host:
        host.booted()
        assert versions(host) == ({"9.2": "tried", "9.1": "good"}, ["9.1"])
        host.sh("until [ -e /run/posada/notices/update ]; do sleep 1; done", 120)
        assert "version 9.2 was tried and did not come up" in " ".join(host.posada("status", "--json")["notices"])
        host.sh("poweroff", status=None)
        host.ended()
    see_undone(disk, options)


def see_undone(disk, options):
    """Nothing of either version is left, and the origin starts."""
    with Host(disks=[disk], **options) as host:
        host.booted()
        host.shell_open()
        host.send("posada install undo vda\n")
        host.expect("Type the disk's name", 200)
        host.send("vda\n")
        host.expect("starts as it did before", 200)
        host.send("poweroff\n")
        host.ended()
    with Host(boot="disk", disks=[disk], **options) as host:
        host.expect(ALIVE, 120)


@pytest.mark.slow
def test_update_that_panics_on_a_whole_disk(origins: Origins, updates):
    """From a stick with the same version, then one whose kernel panics: the machine starts again by itself."""
    disk = origins.work / "update-whole"
    with disk.open("wb") as file:
        file.truncate(3 << 30)
    stick = ["-drive", f"if=none,id=stick,format=raw,readonly=on,file={vm.ISO}", "-device", "usb-storage,drive=stick"]
    install([disk], layout="whole-disk")
    with Host(boot="disk", disks=[disk, updates], extra=stick) as host:
        host.booted()
        host.menu("Install", "Update")
        host.choose("Stick")
        host.see(f"Version {vm.VERSION} is on /dev/sda. Take it", 60)
        host.send("y")
        host.see(f"Version {vm.VERSION} is on vda2", 300)
        host.send("\r")
        host.home()
        host.sh("mount -o ro /dev/disk/by-label/UPDATES /mnt")
        host.posada("install", "update", "/mnt/dying", seconds=300)
        assert versions(host) == ({vm.VERSION: "good", "9.3": "next"}, [vm.VERSION])
        restart(host)
    with Host(boot="disk", disks=[disk, updates]) as host:
        with pytest.raises(vm.Disaster, match="Kernel panic"):
            host.read(300)
        while "the machine ended" not in str(pytest.raises(vm.Disaster, host.read, 300).value):
            pass
    with Host(boot="disk", disks=[disk, updates]) as host:
        host.booted()
        assert versions(host) == ({vm.VERSION: "good", "9.3": "tried"}, [vm.VERSION])
