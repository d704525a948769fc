# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks, cards and CDs come and go, in guests that run and in guests that are off."""
import pytest

GUEST = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline", "console=hvc0 quiet",
         "--memory", "128M")
# Its kernel takes disks.
READER = tuple(word.replace("counter", "reader") for word in GUEST)


def disks(host, name="inn"):
    return {disk["target"]: disk["path"] for disk in host.posada("guest", "show", name, "--json")["disks"]}


def test_devices_of_a_running_guest(host):
    host.posada("guest", "create", "inn", "--kind", "pv", *READER, "--network", "none", "--disk", "8M", "--start", seconds=180)
    assert host.posada("guest", "attach", "inn", "--disk", "16M", "--nic", "default").splitlines() == [
        "The guest inn has the disk xvdb.", "The guest inn has a card in default."]
    assert disks(host) == {"xvda": "/data/volumes/inn.img", "xvdb": "/data/volumes/inn~2.img"}
    assert host.sh("virsh -q -c xen:///system domblklist --inactive inn | wc -l") == "2"
    # The guest's kernel has taken it: the back end is connected.
    host.until(lambda: host.sh("xl block-list inn | awk '$1 == 51728 { print $4 }'") == "4", "disk in the guest")
    (nic,) = host.posada("guest", "show", "inn", "--json")["nics"]
    said = host.posada("guest", "attach", "inn", "--disk", "/data/volumes/inn.img", status=1)
    assert "belongs to a guest already" in said

    host.shell_close()
    host.menu("Guests", "inn", "Devices")
    host.choose("xvdb")
    host.see("Take the disk xvdb away")
    host.send("y")
    host.until(lambda: not any("xvdb" in row for row in host.screen.display), "disk that is gone")
    host.home()
    assert "Its file stays" not in host.posada("guest", "detach", "inn", "--nic", nic["mac"])
    assert disks(host) == {"xvda": "/data/volumes/inn.img"}
    assert host.posada("guest", "show", "inn", "--json")["nics"] == []
    assert host.sh("virsh -q -c xen:///system domblklist --inactive inn | wc -l") == "1"
    assert "no device" in host.posada("guest", "detach", "inn", "--disk", "xvdb", status=1)
    host.posada("pool", "delete", "default", "inn~2.img", "--confirm", "inn~2.img")
    assert host.sh("ls --color=never /data/volumes") == "inn.img"


@pytest.mark.slow
def test_cds(host):
    """In a whole PC that is off, and in one that runs."""
    memtest, grub = "/data/media/memtest86+x64.iso", "/data/media/grub-rescue-cdrom.iso"
    assert "no CD drive" in host.sh(
        f"posada guest create pv --kind pv {' '.join(GUEST[:4])} --memory 64M --network none && posada guest insert pv --iso {grub}",
        120, 1)
    host.posada("guest", "create", "inn", "--kind", "hvm", "--iso", memtest, "--memory", "128M", "--network", "none")
    host.posada("guest", "eject", "inn")
    assert disks(host) == {"hdc": None}
    host.posada("guest", "insert", "inn", "--iso", grub)
    assert disks(host) == {"hdc": grub}
    host.posada("guest", "start", "inn", seconds=300)
    host.posada("guest", "insert", "inn", "--iso", memtest)
    assert disks(host) == {"hdc": memtest}
    assert memtest in host.sh("virsh -q -c xen:///system domblklist --inactive inn")
    host.posada("guest", "eject", "inn")
    assert disks(host) == {"hdc": None}
    assert "is no ISO image" in host.posada("guest", "insert", "inn", "--iso", "/data/media/linux", status=1)
    host.posada("guest", "kill", "inn")
    assert disks(host) == {"hdc": None}
