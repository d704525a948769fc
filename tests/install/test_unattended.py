# SPDX-License-Identifier: GPL-2.0-or-later
"""The installer from the shell: what it sees, what it refuses, and an installation that asks nobody."""
import hashlib

from host import Host
from origins import MIB

FOUR = "label: dos\n" + "".join(f"start={2048 + n * 131072}, size=131072, type=83\n" for n in range(4))
FULL = "label: gpt\nstart=2048, size=1843000, type=L\n"


def sha256(file):
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def test_refusals_and_answers(origins):
    disks = [origins.bios("bios-cli"), origins.disk("four", 900 * MIB, FOUR), origins.disk("full", 901 * MIB, FULL),
             origins.disk("damaged", 901 * MIB, FULL), origins.disk("empty", 3000 * MIB, "label: gpt\n")]
    with disks[3].open("r+b") as file:
        file.seek(512)
        file.write(bytes(92))
    with disks[4].open("r+b") as file:
        file.write(bytes(MIB))
        file.truncate(2000 * MIB)
        file.truncate(3000 * MIB)
    before = [sha256(disk) for disk in disks]
    with Host(disks=disks) as host:
        host.booted()
        seen = host.posada("install", "probe", "--json", seconds=180)
        by_name = {disk["name"]: disk for disk in seen["disks"]}
        assert [by_name[f"vd{letter}"]["table"] for letter in "abcde"] == ["dos", "dos", "gpt", "damaged", "none"]
        assert by_name["vda"]["parts"][0]["system"] == "Debian GNU/Linux 13 (trixie)"
        assert by_name["vdc"]["serial"] == "DISK2" and by_name["vdc"]["size"] == 901 * MIB
        assert "serial DISK0, boot code: GRUB" in host.posada("install", "probe", seconds=180)
        for disk, reason in (("vdb", "A partition: the table is full"), ("vdc", "has no place for Posada"), ("vdd", "is damaged"),
                             ("vde", "no partition table"), ("vdz", "There is no disk vdz"), ("sr0", "There is no disk sr0")):
            assert reason in host.posada("install", "plan", disk, status=1), disk
            assert reason in host.posada("install", "apply", disk, status=1), disk
        assert "Stays as it is" in host.posada("install", "plan", "vda")
        assert host.posada("install", "plan", "vda", "--json")["refusal"] is None
        host.posada("install", "plan", status=2)
        host.posada("install", "plan", "vda", "--whole", status=2)
        host.posada("install", "frobnicate", status=2)
        # Without a terminal nobody can mean it.
        assert "nothing was written" in host.sh("posada install apply vda </dev/null 2>&1", 120, status=1)
        assert "no installation of Posada on vda" in host.posada("install", "undo", "vda", status=1)
        host.sh("printf '[install]\\nserial = DISK4\\n' >/tmp/answers")
        assert "do not say how" in host.posada("install", "apply", "--answers", "/tmp/answers", status=1)
        host.sh("printf '[install]\\nserial = DISK1\\nlayout = alongside\\n' >/tmp/answers")
        assert "Nothing was written" in host.posada("install", "apply", "--answers", "/tmp/answers", status=1)
        host.sh("mkdir -p /tmp/m && mount -o ro /dev/vda1 /tmp/m")
        assert "is in use" in host.posada("install", "plan", "vda", status=1)
        host.sh("umount /tmp/m")
        host.sh("sync; echo 3 >/proc/sys/vm/drop_caches")
        assert [sha256(disk) for disk in disks] == before
        # And what is clear is done.
        host.sh("printf '[install]\\nserial = DISK4\\nlayout = whole-disk\\ntimeout = 3\\n' >/tmp/answers")
        assert "Posada is on vde." in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=300)
        assert [sha256(disk) for disk in disks[:4]] == before[:4]
    with Host(boot="disk", disks=[disks[4]]) as host:
        host.booted()
        host.healthy()
