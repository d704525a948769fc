# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that fail while they are written to: the installer stops, says where, and what was there still starts."""
import re
import shutil

import pytest
import vm
from bootview import Fat, dos_parts
from host import Host
from origins import MIB
from test_alongside import FIRST, files_of, first_of, see_origin_starts, volume_of

# Where the installer puts its partition on the disk of origins.bios, in sectors, and where it ends.
PART, END = 129 * 2048, 900 * 2048
ALL = "event=none,errno=5"
# What fails, and what is to be read of it.
BROKEN = {
    "the mark": (f"iotype=write,sector={END - 136}", "Nothing was written"),
    "a flush": ("iotype=flush", "Nothing was written"),
    "the table": ("iotype=write,sector=0", "vdc3|vdc2|vdc"),
    "the file system": (f"iotype=write,sector={PART}", "mkfs.fat"),
    "the payload": (f"iotype=write,sector={PART + 60000}", "/posada/a/"),
    "reading what was written": (f"iotype=read,sector={PART + 100}", "vdf"),
}


def failing(disk, number, rule):
    rules = ",".join(f"inject-error.0.{word}" for word in f"{ALL},{rule}".split(","))
    return ["-blockdev", f"driver=blkdebug,node-name=bad{number},image.driver=file,image.filename={disk},{rules}",
            "-device", f"virtio-blk-pci,drive=bad{number},serial=DISK{number}"]


@pytest.mark.power
def test_errors_are_told_and_taken_back(origins):
    base = origins.bios("io-base")
    disks = [shutil.copy(base, base.with_name(f"io-{number}")) for number in range(len(BROKEN))]
    extra = [word for number, (rule, _) in enumerate(BROKEN.values()) for word in failing(disks[number], number, rule)]
    before = base.read_bytes()
    said = {}
    with Host(extra=extra) as host:
        host.booted()
        for number, what in enumerate(BROKEN):
            host.sh(f"printf '[install]\\nserial = DISK{number}\\nlayout = alongside\\n' >/tmp/answers")
            said[what] = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=300, status=1)
        host.sh("sync; poweroff", status=None)
        host.ended()
    for number, (what, (_, words)) in enumerate(BROKEN.items()):
        told = said[what].splitlines()[-1]
        print(f"{what}: {told}")
        name = f"vd{'abcdef'[number]}"
        assert name in told and re.search(words, told), (what, said[what])
        assert re.search("Nothing was written|has been taken back", told), (what, told)
        after = disks[number].read_bytes()
        assert after[:PART * 512] == before[:PART * 512] and after[END * 512:] == before[END * 512:], what
        assert len(dos_parts(after)) == 1
    see_origin_starts("bios", disks[4], None)


def empty(origins, name):
    disk = origins.work / name
    with disk.open("wb") as file:
        file.truncate(3000 * MIB)
    return disk


def esp_files(disk):
    return {path: read() for path, read in Fat(disk.read_bytes(), MIB).files().items() if read}


# Per layout: the firmware, the disk (by its number), what must be as it was (NONE: it was empty), and what fails.
ESP, VOLUME = 2048, (2 + 128) * 2048
LAYOUTS = {
    "in the ESP": ("uefi", lambda origins, n: origins.uefi(f"io-esp{n}"), esp_files, {
        "a flush": "iotype=flush",
        "its root folder": f"iotype=write,sector={ESP + 32 + 2 * 600}",
        "the payload": f"iotype=write,sector={ESP + 80000}",
        "reading what was written": f"iotype=read,sector={ESP + 80000}"}),
    "a volume": ("bios", lambda origins, n: origins.lvm(f"io-lvm{n}", group=f"group{n}"), volume_of, {
        "what the group keeps": f"iotype=write,sector={2048 + 8}",
        "the file system": f"iotype=write,sector={VOLUME}",
        "the payload": f"iotype=write,sector={VOLUME + 60000}",
        "the boot code": "iotype=write,sector=0"}),
    "a folder": ("bios", lambda origins, n: origins.full(f"io-full{n}"), lambda disk: files_of(disk, disk.parent, FIRST, "ext4"), {
        "a flush": "iotype=flush",
        "the core image": "iotype=write,sector=1536",
        "the boot code": "iotype=write,sector=0"}),
    "whole-disk": ("bios", lambda origins, n: empty(origins, f"io-empty{n}"), None, {
        "the table": "iotype=write,sector=1",
        "the core image": "iotype=write,sector=2048",
        "the file system": "iotype=write,sector=4096",
        "the payload": "iotype=write,sector=90000"}),
}


@pytest.mark.power
@pytest.mark.parametrize("layout", LAYOUTS)
def test_errors_in_every_layout(origins, layout):
    """The disk and the step are told, and the origin has what it had, and starts."""
    firmware, make, kept, rules = LAYOUTS[layout]
    bases, variables, said = [make(origins, number) for number in range(len(rules))], None, {}
    if firmware == "uefi":
        variables = origins.work / "io.vars"
        shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), variables)
    disks = [shutil.copy(base, base.with_name(f"{base.name}-work")) for base in bases]
    with Host(firmware=firmware, variables=variables,
              extra=[word for number, rule in enumerate(rules.values()) for word in failing(disks[number], number, rule)]) as host:
        host.booted()
        for number, what in enumerate(rules):
            answer = layout if layout == "whole-disk" else "alongside"
            host.sh(f"printf '[install]\\nserial = DISK{number}\\nlayout = {answer}\\n' >/tmp/answers")
            said[what] = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=300, status=1)
        host.sh("sync; poweroff", status=None)
        host.ended()
    for number, what in enumerate(rules):
        told = said[what].splitlines()[-1]
        print(f"{layout}, {what}: {told}")
        assert re.search(f"vd{'abcdef'[number]}|group{number}[-/]posada", told) and "no place" not in told, (what, said[what])
        if kept:
            assert kept(disks[number]) == kept(bases[number]), what
            assert first_of(disks[number])[:440] == first_of(bases[number])[:440], what
            see_origin_starts(firmware, disks[number], variables)
