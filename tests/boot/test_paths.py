# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way to boot leads to the menu, from the same payload, with nothing failed on the way."""
import hashlib
import pathlib

import pytest
import vm
from host import Host

PATHS = [(boot, firmware) for firmware in ("bios", "uefi") for boot in ("cd", "usb", "pxe")]


def sums():
    """The sha256 of each file that is started, as it is in out/payload."""
    return {
        name: hashlib.sha256((pathlib.Path(vm.OUT) / "payload" / name).read_bytes()).hexdigest()
        for name in ("xen.gz", "vmlinuz", "initramfs.img")
    }


@pytest.mark.parametrize("boot, firmware", PATHS, ids=[f"{firmware}-{boot}" for boot, firmware in PATHS])
def test_path(boot, firmware):
    with Host(boot=boot, firmware=firmware) as host:
        host.booted(hurry=False)
        assert any("Xen 4" in row for row in host.screen.display), host.describe()
        host.healthy()
        assert host.posada("status", "--json")["engine"] == "xen"
        assert host.sh("test -d /sys/firmware/efi && echo uefi || echo bios") == firmware
        assert "[integrity]" in host.sh("cat /sys/kernel/security/lockdown")
        if boot == "usb":
            check_after_unplugging(host)
        # What the running system would write to a disk or hand to another machine is what was built.
        carried = dict(reversed(line.split()) for line in host.sh("posada payload sum", 120).splitlines())
        assert carried == sums()
        host.shell_close()
        host.menu("Power off")
        host.see("Switch this host off")
        host.send("y")
        host.ended()


def check_after_unplugging(host):
    """The stick is pulled out; everything still works, what was not used before too."""
    assert "usb" in host.sh("ls /dev/disk/by-id"), "the stick is not there to begin with"
    host.qmp("device_del", id="stick")
    host.until(lambda: "usb" not in host.sh("ls /dev/disk/by-id 2>/dev/null", status=None), "stick that goes away")
    host.sh("find / -xdev -type f -exec cat {} + >/dev/null", 300)
    assert host.posada("guest", "list", "--json") == []
    host.sh("virsh version >/dev/null && lvm version >/dev/null && qemu-img --version >/dev/null")
    host.shell_close()
    host.menu("Guests")
    host.see("Create a guest")
    host.home()
