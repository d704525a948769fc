# SPDX-License-Identifier: GPL-2.0-or-later
"""What cannot be done is refused with a sentence that says what to do, and leaves nothing behind."""
import pytest

KERNEL = ("--kernel", "/data/media/linux", "--network", "none")

REFUSALS = {
    "more memory than there is": (("guest", "create", "inn", "--kind", "pv", *KERNEL, "--memory", "900G"), 1, "Give it less"),
    "more processors than there are": (("guest", "create", "inn", "--kind", "pv", *KERNEL, "--vcpus", "99"), 1, "Give it fewer"),
    "a name that is illegal": (("guest", "create", "../inn", "--kind", "pv", *KERNEL), 1, "Use 1 to 63 letters"),
    "a name that exists": (("guest", "create", "taken", "--kind", "pv", *KERNEL), 1, "Choose another name"),
    "a disk image that is missing": (
        ("guest", "create", "inn", "--kind", "pv", *KERNEL, "--disk", "2G", "--disk", "/data/none.img"), 1, "Correct the path"),
    "a disk that another guest has": (
        ("guest", "create", "inn", "--kind", "pv", *KERNEL, "--disk", "/data/volumes/taken.img"), 1, "belongs to a guest"),
    "a disk that the host uses": (
        ("guest", "create", "inn", "--kind", "pv", *KERNEL, "--disk", "/dev/disk/by-label/VOLUMES"), 1, "The host itself uses"),
    "a format for a disk that exists": (
        ("guest", "attach", "taken", "--disk", "/data/volumes/taken.img", "--format", "raw"), 2, "Only a new volume"),
    "a kernel that is no kernel": (
        ("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/initrd.gz", "--network", "none"), 1, "is no kernel"),
    "a kernel that is not there": (("guest", "create", "inn", "--kind", "pvh", "--kernel", "/none"), 1, "Correct the path"),
    "an ISO that is none": (("guest", "create", "inn", "--kind", "hvm", "--iso", "/data/media/linux"), 1, "is no ISO image"),
    "a network that is not there": (
        ("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/linux", "--network", "moon"), 1, "moon"),
    "nothing to start from": (("guest", "create", "inn", "--kind", "hvm", "--disk", "1G"), 1, "nothing to start from"),
    "a volume larger than the place": (
        ("guest", "create", "inn", "--kind", "pv", *KERNEL, "--disk", "1G", "--disk", "900000T"), 1, "."),
    "a guest that is not there": (("guest", "start", "nobody"), 1, "posada guest list"),
    "a guest that is off": (("guest", "stop", "taken"), 1, "Start it first"),
    "a plain guest that does not fit into dom0": (
        ("guest", "create", "inn", "--kind", "qemu", *KERNEL, "--memory", "2G"), 1, "are missing"),
    "a PCI device without an IOMMU": (("guest", "attach", "taken", "--pci", "0000:00:03.0"), 1, "has no IOMMU"),
    "a USB device that is not there": (("guest", "attach", "taken", "--usb", "1234:5678"), 1, "is plugged in"),
    "a CD for a guest without a drive": (
        ("guest", "insert", "taken", "--iso", "/data/media/memtest86+x64.iso"), 1, "has no CD drive"),
    "an unknown verb": (("guest", "paint", "inn"), 2, "is no guest command"),
    "an unknown command": (("paint",), 2, "is no posada command"),
    "an unknown option": (("guest", "create", "inn", "--colour", "red"), 2, "--colour"),
    "a size that is none": (("guest", "create", "inn", "--kind", "pv", *KERNEL, "--memory", "lots"), 2, "512M or 2G"),
    "no name": (("guest", "create",), 2, "name is missing"),
}


@pytest.fixture(scope="module")
def with_guest(shared_host):
    """The host with a guest, off, that must stay as it is."""
    shared_host.posada("guest", "create", "taken", "--kind", "pv", *KERNEL, "--memory", "64M", "--disk", "8M")
    yield shared_host
    shared_host.posada("guest", "delete", "taken", "--disks")
    shared_host.shell_close()


@pytest.mark.parametrize("words, status, sentence", REFUSALS.values(), ids=REFUSALS)
def test_refusal(with_guest, words, status, sentence):
    said = with_guest.posada(*words, status=status)
    assert sentence in said and said.startswith("posada: ")
    assert [guest["name"] for guest in with_guest.posada("guest", "list", "--json")] == ["taken"]
    assert with_guest.sh("ls --color=never /data/volumes") == "taken.img"


def test_kernel_that_xen_refuses(with_guest):
    """It looks like a kernel until it starts: the definition and the volume go again."""
    with_guest.sh("dd if=/data/media/linux of=/tmp/cut bs=64k count=4 2>/dev/null")
    said = with_guest.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/tmp/cut", "--network", "none", "--memory",
                             "128M", "--disk", "8M", "--start", status=1)
    assert said.startswith("posada: The guest inn did not start: payload length overflow: Invalid kernel. ")
    assert [guest["name"] for guest in with_guest.posada("guest", "list", "--json")] == ["taken"]
    assert with_guest.sh("rm /tmp/cut; ls --color=never /data/volumes") == "taken.img"


def test_start_that_xen_breaks_off(with_guest):
    """What is there by then goes again, and the cause is named."""
    script = "/etc/xen/scripts/vif-bridge"
    with_guest.sh(f"cp {script} /tmp/script; sed -i '2i exit 1' {script}")
    said = with_guest.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--memory", "128M",
                             "--disk", "8M", "--start", status=1, seconds=180)
    with_guest.sh(f"cp /tmp/script {script}")
    assert said.startswith(f"posada: The guest inn did not start: {script} ") and "error status 1. " in said
    assert [guest["name"] for guest in with_guest.posada("guest", "list", "--json")] == ["taken"]
    assert with_guest.sh("ls --color=never /data/volumes") == "taken.img"


@pytest.mark.parametrize("words, sentence", [
    ("posada guest adopt: Not today.", "posada: The guest taken did not start: Not today."),
    ("Not\\ntoday.", "exit status 1: Not today. Look for the reason")])
def test_start_that_libvirt_refuses(with_guest, words, sentence):
    """Its reason is told: here what its hook says."""
    hook = "/etc/libvirt/hooks/libxl"
    with_guest.sh(f"readlink {hook} >/tmp/hook; rm {hook}; printf '#!/bin/sh\\nprintf \"{words}\\\\n\" >&2; exit 1\\n' >{hook}; chmod +x {hook}")
    said = with_guest.posada("guest", "start", "taken", status=1, seconds=180)
    with_guest.sh(f'rm {hook}; ln -s "$(cat /tmp/hook)" {hook}')
    assert sentence in said


def test_what_others_stand_on_stays(with_guest):
    """Other programs make volumes that hold only what differs from a guest's disk."""
    with_guest.sh("qemu-img create -q -f qcow2 -F raw -b /data/volumes/taken.img /data/volumes/over.qcow2")
    said = with_guest.posada("guest", "delete", "taken", "--disks", status=1)
    assert "over.qcow2 stands on /data/volumes/taken.img" in said
    assert [guest["name"] for guest in with_guest.posada("guest", "list", "--json")] == ["taken"]
    assert with_guest.sh("rm /data/volumes/over.qcow2; ls --color=never /data/volumes") == "taken.img"


def test_a_guests_disk_is_no_pool(with_guest):
    """What is on it may look like a file system that the host could mount, and is the guest's."""
    with_guest.sh("truncate -s 16M /tmp/inn && mke2fs -q -t ext4 /tmp/inn && losetup /dev/loop7 /tmp/inn && udevadm settle")
    with_guest.posada("guest", "attach", "taken", "--disk", "/dev/loop7")
    said = with_guest.posada("pool", "create", "more", "--kind", "directory", "--source", "/dev/loop7", status=1)
    assert "/dev/loop7 is on a disk of the guest taken" in said
    with_guest.posada("guest", "detach", "taken", "--disk", "xvdb")
    with_guest.sh("losetup -d /dev/loop7 && rm /tmp/inn")
