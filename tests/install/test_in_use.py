# SPDX-License-Identifier: GPL-2.0-or-later
"""What the installer must leave alone: a guest's disk; and what a firmware refuses it."""
import shutil

import pytest
import vm
from host import Host
from origins import MIB

KINDS = {
    "pv": ["--kernel", "/run/payload/payload/vmlinuz", "--cmdline", "panic=600", "--memory", "128M"],
    "hvm": ["--memory", "64M"],
    "qemu": ["--memory", "64M"],
}
# Variables of nobody's until there is no room for another. Each is made by one write.
FILL = """n=0; for size in 30000 1000 100; do { printf '\\007\\000\\000\\000'; head -c $size /dev/zero; } >/tmp/fill;
while dd if=/tmp/fill of=/sys/firmware/efi/efivars/Fill$n-12345678-1234-1234-1234-123456789abc bs=64k; do n=$((n + 1)); done; done 2>/dev/null"""


@pytest.mark.slow
def test_a_guests_disk(origins):
    disk = origins.disk("guests", 900 * MIB, "label: gpt\n")
    with Host(disks=[disk]) as host:
        host.booted()
        host.posada("install", "plan", "vda", seconds=300)
        for kind, options in KINDS.items():
            host.posada("guest", "create", "inn", "--kind", kind, "--disk", "/dev/vda", *options, "--start", seconds=400)
            assert "vda is in use" in host.posada("install", "plan", "vda", seconds=300, status=1), kind
            host.posada("guest", "kill", "inn", seconds=180)
            assert "vda is a disk of the guest inn" in host.posada("install", "plan", "vda", seconds=300, status=1), kind
            host.posada("guest", "delete", "inn")
            host.posada("install", "plan", "vda", seconds=300)
        # One that has a partition leaves the room beside it.
        host.sh(r"printf 'label: gpt\nsize=100M\n' | sfdisk /dev/vda && udevadm settle")
        host.posada("guest", "create", "inn", "--kind", "hvm", "--disk", "/dev/vda1", "--memory", "64M", seconds=400)
        assert "make the partition vda2" in host.posada("install", "plan", "vda", seconds=300)
        for words in (("install", "plan", "vda", "--whole-disk"), ("storage", "create", "vda1", "--confirm", "vda1"), ("guest", "adopt", "vda")):
            assert "vda1 is a disk of the guest inn" in host.posada(*words, seconds=300, status=1), words
        # What another program is changing is left alone until it has done so.
        host.posada("guest", "delete", "inn")
        host.sh("mkfs.ext4 -q -L posada-data /dev/vda1 && cp $(readlink -f /bin/sh) /tmp/busybox-udev && mkfifo /tmp/end", 120)
        # Who is no udev would be seen before.
        host.sh("{ /tmp/busybox-udev sh -c 'exec 7</dev/vda; flock -x 7; read end </tmp/end' & }; sleep 1")
        assert "Another program is changing vda" in host.posada("storage", "group", "fast", "vda1", "--confirm", "vda1", seconds=300, status=1)
        assert "Another program is changing /dev/vda" in host.posada("storage", "attach", "vda1", seconds=300, status=1)
        host.sh("echo >/tmp/end")
        host.posada("storage", "attach", "vda1", seconds=300)


@pytest.mark.slow
def test_a_firmware_that_takes_no_entry(origins):
    disks = [origins.uefi("full-esp", 300 * MIB), origins.uefi("full-own", 34 * MIB),
             origins.disk("full-empty", 900 * MIB, "label: gpt\n")]
    before = [disk.read_bytes() for disk in disks[:2]]
    variables = shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), origins.work / "full-vars")
    with Host(firmware="uefi", disks=disks, variables=variables) as host:
        host.booted()
        host.sh("mount -o remount,ro /sys/firmware/efi/efivars")
        for disk in ("vda", "vdb"):
            assert "lets no boot entry be written, and the path" in host.posada("install", "plan", disk, seconds=300, status=1)
        assert "Note: This firmware lets no boot entry be written" in host.posada("install", "plan", "vdc", seconds=300)
        host.sh("mount -o remount,rw /sys/firmware/efi/efivars")
        host.sh(FILL.replace("\n", " "), 300, status=None)
        # It had room for entries when the plan was made.
        for number, disk in enumerate(("vda", "vdb")):
            host.sh(f"printf '[install]\\nserial = DISK{number}\\nlayout = alongside\\n' >/tmp/answers")
            said = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400, status=1)
            assert "takes no boot entry" in said and "has been taken back" in said, said
        host.sh("printf '[install]\\nserial = DISK2\\nlayout = alongside\\n' >/tmp/answers")
        assert "The firmware takes no boot entry" in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
        host.sh("sync; poweroff", status=None)
        host.ended()
    # The first partition, then the table: in the first disk's ESP free space keeps bytes of ours.
    for disk, was, start, end in ((disks[0], before[0], 301 * MIB, 429 * MIB), (disks[1], before[1], 0, 163 * MIB)):
        now = disk.read_bytes()
        assert now[:MIB] == was[:MIB] and now[start:end] == was[start:end] and now[-MIB:] == was[-MIB:]
    with Host(boot="disk", firmware="uefi", disks=[disks[2]], variables=variables) as host:
        host.booted()
