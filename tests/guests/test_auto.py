# SPDX-License-Identifier: GPL-2.0-or-later
"""Who names no kind gets the best that the machine and the medium allow, and is told why."""
import pytest
from host import Host

KERNEL = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline", "console=hvc0 quiet",
          "--memory", "128M", "--network", "none")
ISO = ("--iso", "/data/media/memtest86+x64.iso", "--memory", "64M", "--network", "none")


def kind(host, name):
    return host.posada("guest", "show", name, "--json")["kind"]


def test_kind_is_chosen(host):
    assert "Its kind is pvh: the kernel starts by PVH" in host.posada("guest", "create", "kernel", *KERNEL)
    assert "Its kind is hvm: " in host.posada("guest", "create", "iso", "--kind", "auto", *ISO)
    host.sh("cp /data/media/counter.img /data/volumes/ && printf '\\xef' | dd of=/data/volumes/counter.img bs=1 seek=450 conv=notrunc "
            "&& printf '\\x55\\xaa' | dd of=/data/volumes/counter.img bs=1 seek=510 conv=notrunc")
    disk = ("guest", "create", "disk", "--disk", "/data/volumes/counter.img", "--memory", "128M")
    assert "by UEFI only" in host.posada(*disk)
    assert "OVMF" in host.sh("virsh -q -c xen:///system dumpxml disk")
    assert host.posada("guest", "show", "disk", "--json")["firmware"] == "uefi"
    assert [kind(host, name) for name in ("kernel", "iso", "disk")] == ["pvh", "hvm", "hvm"]


@pytest.mark.slow
def test_processor_without_virtualization(media_disk):
    with Host(disks=[media_disk], extra=["-cpu", "qemu64,-svm"]) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        said = host.posada("guest", "create", "inn", *KERNEL, "--start", seconds=180)
        assert "Its kind is pv: the processor has no virtualization" in said
        assert host.posada("guest", "show", "inn", "--json")["state"] == "running"
        assert "Its kind is qemu: " in host.posada("guest", "create", "cd", *ISO)
        assert "Switch it on" in host.posada("guest", "create", "no", "--kind", "hvm", *ISO, status=1)
