# SPDX-License-Identifier: GPL-2.0-or-later
"""The running system writes itself onto another stick, which starts any machine, brings others up to date, and can do the same again."""
import pytest
import vm
from host import Host
from test_alongside import see_payload, walk_to_confirmation

MIB = 1 << 20


def stick_file(path, size=3000 * MIB):
    with path.open("wb") as file:
        file.truncate(size)
    return path


def attach(file):
    """A second stick in the machine."""
    return ["-drive", f"if=none,id=other,format=raw,file={file}", "-device", "usb-storage,drive=other,bus=usb.0,serial=OTHER,removable=on"]


def disk_of(host, serial):
    return next(disk for disk in host.posada("install", "probe", "--json")["disks"] if disk["serial"].endswith(serial))


def medium_of(host):
    return host.sh("sed 's/.*posada.medium=\\([^ ]*\\).*/\\1/' /proc/cmdline")


@pytest.mark.slow
def test_another_stick(tmp_path):
    stick, fixed, third = (stick_file(tmp_path / name) for name in ("stick", "fixed", "third"))
    with Host(boot="usb", disks=[fixed], extra=attach(stick)) as host:
        host.booted()
        # The original is not needed.
        host.shell_open()
        host.qmp("device_del", id="stick")
        host.sh("until [ $(ls -d /sys/block/sd* | wc -l) = 1 ]; do sleep 1; done")
        other = disk_of(host, "OTHER")
        assert other["removable"] and other["transport"] == "usb"
        refusal = host.posada("install", "plan", "vda", "--stick", status=1)
        assert "vda is no stick" in refusal and "--whole-disk" in refusal
        # What cannot be carried away is not offered that.
        host.menu("Install", "Onto a disk")
        host.choose("vda", 60)
        host.see("Whole disk")
        assert not any("Stick" in row for row in host.screen.display)
        host.home()
        walk_to_confirmation(host, other["name"], "Stick")
        host.see("will be lost")
        host.answer(other["name"])
        host.see("starts any PC", 600)
        host.send("\r")
        host.home()
        host.sh("sync; poweroff", status=None)
        host.ended()
    # It starts a machine that has nothing else, by either firmware, and its rest becomes a data place.
    with Host(boot="usb", stick=stick) as host:
        host.booted()
        see_payload(host)
        first = medium_of(host)
        own, = host.posada("install", "probe", "--json")["disks"]
        assert own["medium"] and own["table"] == "gpt" and len(own["parts"]) == 2
        assert "was started from" in host.posada("guest", "create", "inn", "--kind", "pv", "--disk", f"/dev/{own['name']}", status=1)
        host.posada("storage", "create", own["name"], "--confirm", own["name"], seconds=300)
        host.posada("config", "set", "host.name", "traveller")
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="usb", firmware="uefi", stick=stick, extra=attach(third)) as host:
        host.booted()
        assert host.sh("hostname") == "traveller"
        see_payload(host)
        assert medium_of(host) == first
        # A copy of the copy has an identity of its own, and the firmware learns nothing of it.
        entries = host.sh("ls /sys/firmware/efi/efivars | grep -c ^Boot0")
        other = disk_of(host, "OTHER")
        host.sh(f"printf '[install]\\ndisk = {other['name']}\\nlayout = stick\\n' >/tmp/answers")
        said = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=600)
        assert f"Posada is on {other['name']}." in said
        assert host.sh("ls /sys/firmware/efi/efivars | grep -c ^Boot0") == entries
        host.healthy()
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="usb", firmware="uefi", stick=third, disks=[fixed]) as host:
        host.booted()
        see_payload(host)
        assert medium_of(host) != first and host.sh("hostname") != "traveller"
        # As good a source of updates as the image's own stick.
        host.sh("printf '[install]\\ndisk = vda\\nlayout = whole-disk\\n' >/tmp/answers")
        host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
        said = host.posada("install", "update", "stick", "--disk", "vda", seconds=300)
        assert f"Version {vm.VERSION} is on /dev/" in said and "which this host was started from" in said
        assert [one["state"] for one in host.posada("install", "versions", "--disk", "vda", "--json")] == ["good", "next"]
        host.sh("sync; poweroff", status=None)
        host.ended()
    # What an update has written carries the same on.
    with Host(boot="disk", firmware="uefi", disks=[fixed]) as host:
        host.booted()
        assert "posada.slot=b" in host.sh("cat /proc/cmdline")
        see_payload(host)
        host.until(lambda: [one["state"] for one in host.posada("install", "versions", "--json")] == ["other", "good"], "update that stays", 300)
