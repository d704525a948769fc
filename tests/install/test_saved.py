# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes while settings and definitions are saved: what was answered is there, and the rest is whole or not there."""
import hashlib
import json
import os
import shutil
import subprocess

import pytest
import writelog
from host import Host
from origins import MIB

KEPT = ("settings", "xen", "qemu", "pools")
# What a person does in a day, each done when its command is.
STEPS = (
    ("config", "set", "host.name", "inn"),
    ("guest", "create", "one", "--kind", "pv", "--kernel", "/run/payload/payload/vmlinuz", "--memory", "128M", "--disk", "8M"),
    ("guest", "set", "one", "--memory", "96M"),
    ("guest", "set", "one", "--autostart", "on"),
    ("network", "create", "lab", "--kind", "isolated"),
    ("guest", "create", "two", "--kind", "pv", "--kernel", "/run/payload/payload/vmlinuz", "--memory", "64M", "--network", "lab"),
    ("pool", "create", "more", "--kind", "directory", "--source", "/data/more"),
    ("config", "set", "host.name", "tavern"),
    ("guest", "template", "two", "on"),
    ("guest", "delete", "one", "--disks"),
)


def kept(folder):
    """What each file of FOLDER is; half of one that is being written has another name."""
    files = {}
    for name in KEPT:
        for where, _, names in os.walk(folder / name):
            for one in names:
                path = os.path.join(where, one)
                if not one.endswith((".new", ".tmp")) and not one.startswith("."):
                    content = os.readlink(path).encode() if os.path.islink(path) else open(path, "rb").read()
                    files[os.path.relpath(path, folder)] = hashlib.sha256(content).hexdigest()
    return files


class Place:
    """The file system of a data place on a disk, as it is after a power cut and the next start."""

    def __init__(self, disk, work):
        table = json.loads(subprocess.run(["sfdisk", "-J", disk], check=True, stdout=subprocess.PIPE).stdout)
        part = table["partitiontable"]["partitions"][0]
        self.start, self.end = part["start"] * 512, (part["start"] + part["size"]) * 512
        self.file, self.tree = work / "state", work / "tree"

    def read(self, disk):
        system = self.file
        system.write_bytes(disk.bytes[self.start:self.end])
        checked = subprocess.run(["e2fsck", "-fp", system], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
        assert checked.returncode in (0, 1), checked.stdout
        shutil.rmtree(self.tree, ignore_errors=True)
        self.tree.mkdir()
        subprocess.run(["debugfs", "-R", f"rdump /state {self.tree}", system], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return kept(self.tree / "state")


@pytest.mark.power
def test_what_is_saved_outlasts_a_power_cut(tmp_path):
    base, work, log = (tmp_path / name for name in ("base", "work", "log"))
    with base.open("wb") as file:
        file.truncate(600 * MIB)
    with Host(disks=[base]) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        host.sh("mkdir /data/more; sync; poweroff", status=None)
        host.ended()
    shutil.copy(base, work)
    moments = []
    with Host(extra=writelog.logged(work, log)) as host:
        host.booted()
        host.shell_open()
        host.sh("until posada guest list; do sleep 1; done; sync", 180)
        moments.append(writelog.count(log))
        for step in STEPS:
            host.posada(*step)
            moments.append(writelog.count(log))
        # The plug is pulled: what is not on the disk by now never comes there.
    place = Place(base, tmp_path)
    # Right behind each step: all before it is there.
    states = []
    for end in moments:
        disk, done = writelog.Disk(base), writelog.Log(log, end=end)
        for epoch in done.epochs if done.flushed else done.epochs[:-1]:
            disk.apply(done, epoch)
        states.append(place.read(disk))
    names = [{path.split("/")[-1] for path in state} for state in states]
    wanted = ({"posada.conf"}, {"one.xml"}, {"one.xml"}, {"one.xml"}, {"lab.xml"}, {"two.xml"}, {"more.xml"}, {"posada.conf"}, {"two.xml"}, set())
    for number, step in enumerate(STEPS):
        assert wanted[number] <= names[number + 1], f"{' '.join(step)} was lost"
        assert states[number + 1] != states[number], f"{' '.join(step)} was lost"
    # At every moment between: each file is one that it was meant to be.
    known = {}
    for state in states:
        for path in {*state, *known}:
            known.setdefault(path, {None}).add(state.get(path))
    disk, tried = writelog.Disk(base), 0
    written = writelog.Log(log, end=moments[-1])
    for name in writelog.replay(written, disk, samples=2, exhaustive=2):
        tried += 1
        for path, what in place.read(disk).items():
            assert what in known.get(path, ()), f"{name}: {path} is none of its versions"
    print(f"{tried} states of what is saved tried, 0 failed")
