# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk that two hosts reach: one of them has the data place on it, and the other is told."""
import hashlib
import shutil
import subprocess

import pytest
import vm
from host import Host


def start(disk):
    return Host(memory=1536, extra=["-drive", f"if=none,id=shared,format=raw,file.locking=off,file={disk}",
                                    "-device", "megasas,id=sas", "-device", "scsi-hd,drive=shared,bus=sas.0,serial=SHARED"])


def sha256(file):
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def notices(host):
    return " ".join(host.posada("status", "--json")["notices"])


@pytest.mark.slow
def test_one_data_place_for_two_hosts(tmp_path):
    disk = tmp_path / "shared"
    subprocess.run(["truncate", "-s", "1G", disk], check=True)
    with start(disk) as one:
        one.booted()
        assert [at["transport"] for at in one.posada("install", "probe", "--json")["disks"]] == ["scsi"]
        said = one.posada("storage", "create", "sda", "--whole-disk", "--confirm", "sda", seconds=300)
        assert "Other hosts may reach sda" in said
        one.sh("echo of the first >/data/media/file")
        one.shell_close()
        with start(disk) as other:
            other.booted()
            other.sh("until [ -e /run/posada/place.ready ]; do sleep 1; done", 120)
            assert "another host" in notices(other)
            assert "another host" in other.posada("storage", "attach", "sda1", status=1, seconds=120)
            # What the first one writes meanwhile is nobody else's, and it knows nothing of the attempt.
            one.sh("echo more >>/data/media/file; sync")
            one.healthy()
            one.posada("storage", "detach")
            other.posada("storage", "attach", "sda1", seconds=120)
            assert other.sh("cat /data/media/file") == "of the first\nmore"
            assert "another host" not in notices(other)
            assert "another host" in one.posada("storage", "attach", "sda1", status=1, seconds=120)
            other.sh("echo of the other >>/data/media/file; sync")
            other.healthy()
        # The other one has lost its power: after a while its word does not count any more.
        one.posada("storage", "attach", "sda1", seconds=120)
        assert one.sh("cat /data/media/file") == "of the first\nmore\nof the other"
        one.healthy()


@pytest.mark.slow
def test_two_copies_of_a_stick(tmp_path):
    """Nobody guesses which one is meant, and the other one stays as it is."""
    stick, copy = tmp_path / "stick", tmp_path / "copy"
    shutil.copy(vm.ISO, stick)
    subprocess.run(["truncate", "-s", "2G", stick], check=True)
    with Host(boot="usb", stick=stick) as host:
        host.booted()
        host.posada("storage", "create", "sda", "--confirm", "sda", seconds=300)
        host.sh("echo kept >/data/media/file; poweroff", status=None)
        host.ended(120)
    shutil.copy(stick, copy)
    before = sha256(copy)
    with Host(boot="usb", stick=stick, extra=["-drive", f"if=none,id=copy,format=raw,file={copy}",
                                              "-device", "usb-storage,drive=copy,bus=usb.0,serial=COPY"]) as host:
        host.booted()
        host.sh("until [ -e /run/posada/place.ready ]; do sleep 1; done", 120)
        assert "several data places" in notices(host)
        name = host.sh("for disk in sda sdb; do grep -qs COPY /sys/block/$disk/device/../../../../serial || echo $disk; done")
        assert name in ("sda", "sdb")
        host.posada("storage", "attach", f"{name}3", seconds=120)
        assert host.sh("cat /data/media/file") == "kept"
        host.healthy()
        host.sh("poweroff", status=None)
        host.ended(120)
    assert sha256(copy) == before
