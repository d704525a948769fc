# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks that fail while they are written to: the installer stops, says where, and what was there still starts."""
import re
import shutil

import pytest
from bootview import dos_parts
from host import Host
from test_alongside import see_origin_starts

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
