# SPDX-License-Identifier: GPL-2.0-or-later
"""Every way a disk can be attached, sectors of 4096 bytes, and more than 2 TiB: installed on, started from."""
import shutil
import subprocess

import pytest
import vm
from host import Host
from origins import MIB

# How QEMU attaches it, what the kernel calls it, how the installer says that it is attached.
KINDS = {
    "nvme": (["-device", "nvme,drive=d,serial=KIND{boot}"], "nvme0n1", "nvme"),
    "sata": (["-device", "ahci,id=ahci", "-device", "ide-hd,drive=d,bus=ahci.0,serial=KIND{boot}"], "sda", "sata"),
    "usb": (["-device", "usb-storage,drive=d,bus=usb.0,serial=KIND{boot}"], "sda", "usb"),
    "scsi": (["-device", "virtio-scsi-pci,id=scsi", "-device", "scsi-hd,drive=d,bus=scsi.0,serial=KIND{boot}"], "sda", "virtio"),
    "virtio-3tib": (["-device", "virtio-blk-pci,drive=d,serial=KIND{boot}"], "vda", "virtio"),
    "virtio-4k": (["-device", "virtio-blk-pci,drive=d,serial=KIND{boot},logical_block_size=4096,physical_block_size=4096"],
                  "vda", "virtio"),
    "nvme-4k": (["-device", "nvme,drive=d,serial=KIND{boot},logical_block_size=4096,physical_block_size=4096"], "nvme0n1", "nvme"),
}


def attach(kind, disk, boot=False):
    return ["-drive", f"if=none,id=d,format=qcow2,file={disk}",
            *(word.replace("{boot}", ",bootindex=0" if boot else "") for word in KINDS[kind][0])]


@pytest.mark.power
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_whole_disk(tmp_path, kind, firmware):
    _, name, transport = KINDS[kind]
    disk = tmp_path / "disk.qcow2"
    subprocess.run(["qemu-img", "create", "-q", "-f", "qcow2", disk, "3T" if "3tib" in kind else "3000M"], check=True)
    variables = None
    if firmware == "uefi":
        variables = tmp_path / "vars"
        shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), variables)
    with Host(firmware=firmware, variables=variables, extra=attach(kind, disk)) as host:
        host.booted()
        seen, = [one for one in host.posada("install", "probe", "--json")["disks"] if one["serial"].endswith("KIND")]
        assert (seen["name"], seen["transport"], seen["sector"]) == (name, transport, 4096 if "4k" in kind else 512)
        assert seen["size"] == (3 << 40 if "3tib" in kind else 3000 * MIB)
        host.sh("printf '[install]\\nserial = KIND\\nlayout = whole-disk\\n' >/tmp/answers")
        if firmware == "bios" and "4k" in kind:
            assert "from which a BIOS cannot start" in host.posada("install", "apply", "--answers", "/tmp/answers", status=1)
            return
        assert f"Posada is on {name}." in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
        host.sh("sync; poweroff", status=None)
        host.ended()
    with Host(boot="disk", firmware=firmware, variables=variables, extra=attach(kind, disk, True)) as host:
        host.booted()
        # From what was written, and it knows this disk for the one that it came from.
        assert "posada.slot=a" in host.sh("cat /proc/cmdline")
        own, = [one for one in host.posada("install", "probe", "--json")["disks"] if one["medium"]]
        assert own["serial"].endswith("KIND")
