# SPDX-License-Identifier: GPL-2.0-or-later
"""The power goes at any moment of an installation or of its undoing: the machine starts what was there, or Posada."""
import hashlib
import pathlib
import shutil

import pytest
import vm
import writelog
from conftest import make_ext4
from host import Host
from judge import Fault, Folder, Judge, Versions, Volume, Within
from origins import ALIVE, MIB
from updates import GOOD, make_update


def carried():
    return {name: (vm.built("loaders") / "boot" / name).read_bytes() for name in ("core.img", "BOOTX64.EFI")}


def payload():
    return {name: (pathlib.Path(vm.OUT) / "payload" / name).read_bytes() for name in ("xen.gz", "vmlinuz", "initramfs.img")}


def firmware_variables(target):
    shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), target)
    return target


def confirm(host, words, disk, seconds=300):
    """A command of posada install that wants the disk's name typed; what it says."""
    host.shell_open()
    since = len(host.log)
    host.send(f"posada install {words} {disk}; echo status=$?\n")
    if host.expect(r"to go on: |status=\d", 120, since).group(0).startswith("to go on"):
        host.send(f"{disk}\n")
        host.expect(r"status=\d", seconds, since)
    return host.log[since:]


class Recording:
    """One disk, installed on and (unless it is all Posada's) undone, and every write of that."""

    def __init__(self, origins, name, base, layout="alongside", where=None, twin=None):
        """WHERE: what of the origin's Posada comes to lie in, when it gets no partition of its own; TWIN: the recording of the
        disk before, which this one mirrors."""
        self.name, self.base, self.where, self.twin = name, base, where, twin
        self.layout, self.whole_disk, self.mirrored = layout, layout != "alongside", False
        if twin:
            twin.mirrored = True
        self.work = origins.work / f"{name}.work"
        shutil.copy(base, self.work)
        self.log = origins.work / f"{name}.log"
        self.installed = self.undone = self.updated = None

    def install(self, host, number):
        mirror = f"mirror = DISK{number + 1}\\n" if self.mirrored else ""
        if not self.twin:
            host.sh(f"printf '[install]\\nserial = DISK{number}\\nlayout = {self.layout}\\n{mirror}' >/tmp/answers")
            said = host.posada("install", "apply", "--answers", "/tmp/answers", seconds=400)
            name = "sda" if self.layout == "stick" else f"vd{'abcdefgh'[number]}"
            twin = f" and on vd{'abcdefgh'[number + 1]}" if self.mirrored else ""
            assert f"Posada is on {name}{twin}." in said
        self.installed = writelog.count(self.log)

    def undo(self, host, number):
        assert "which starts as it did before" in confirm(host, "undo", f"vd{'abcdefgh'[number]}")
        self.undone = writelog.count(self.log)

    def update(self, host, number):
        host.sh("mkdir -p /tmp/m && mount -o ro /dev/disk/by-label/UPDATES /tmp/m")
        said = host.posada("install", "update", "/tmp/m/good", "--disk", f"vd{'abcdefgh'[number]}", seconds=300)
        assert "Version 9.1 is on" in said
        self.updated = writelog.count(self.log)

    def judge(self):
        disk = writelog.Disk(self.base)
        log = writelog.Log(self.log, end=self.installed)
        for epoch in log.epochs:
            disk.apply(log, epoch)
        if self.where:
            return Within(writelog.Disk(self.base), disk, payload(), carried(), self.where)
        return Judge(disk.base, disk.bytes, payload(), carried(), self.whole_disk)

    def states(self, uefi, **options):
        """Every state with what can start in it; all faults at the end, with how many states there were."""
        judge, disk = self.judge(), writelog.Disk(self.base)
        tried, views, faults = 0, {}, []
        for name in writelog.replay(writelog.Log(self.log), disk, **options):
            for nvram in (False, True) if uefi else (False,):
                tried += 1
                try:
                    starts, view = judge.look(disk, nvram)
                except Fault as fault:
                    faults.append(f"{name}, NVRAM {'after' if nvram else 'before'}: {fault}")
                    continue
                view = hashlib.sha256(view.encode()).digest()
                if view not in views:
                    views[view] = (name, starts)
                    yield disk, nvram, name, starts
        print(f"{self.name}: {tried} states tried, {len(views)} distinct, {len(faults)} failed")
        assert not faults, f"{len(faults)} of {tried} states failed:\n" + "\n".join(faults)


    def representatives(self, uefi, number, **options):
        """So many of the distinct states, spread over all of them: (name, NVRAM, what can start, file)."""
        distinct = [(name, nvram, starts) for _, nvram, name, starts in self.states(uefi, **options)]
        chosen = [distinct[(2 * n + 1) * len(distinct) // (2 * number)] for n in range(min(number, len(distinct)))]
        disk, found = writelog.Disk(self.base), []
        for name in writelog.replay(writelog.Log(self.log), disk, **options):
            for state in chosen:
                if state[0] == name:
                    found.append((*state, disk.save(self.base.with_name(f"{self.name}-boot{len(found)}"))))
        return found

    def cuts(self, moments, **options):
        """The disk as the power left it at some moments, spread over the whole time: (what moment, file)."""
        log, disk = writelog.Log(self.log), writelog.Disk(self.base)
        names = list(writelog.replay(log, disk, **options))
        wanted = {names[(2 * n + 1) * len(names) // (2 * moments)] for n in range(moments)}
        disk, files = writelog.Disk(self.base), []
        for name in writelog.replay(log, disk, **options):
            if name in wanted:
                files.append((name, disk.save(self.base.with_name(f"{self.name}-cut{len(files)}"))))
        return files


def record(firmware, recordings, variables=None, updates=None):
    """Installs on each disk and takes that back, but for one: it is updated, when there are UPDATES."""
    extra = [word for number, one in enumerate(recordings)
             for word in writelog.logged(one.work, one.log, number, "usb-storage,bus=usb.0" if one.layout == "stick" else "virtio-blk-pci")]
    if updates:
        extra += ["-drive", f"if=none,id=updates,format=raw,readonly=on,file={updates}", "-device", "virtio-blk-pci,drive=updates"]
    if variables:
        shutil.copy(variables, variables.with_suffix(".before"))
    with Host(firmware=firmware, variables=variables, extra=extra) as host:
        host.booted()
        for number, one in enumerate(recordings):
            one.install(host, number)
        if variables:
            shutil.copy(variables, variables.with_suffix(".installed"))
        for number, one in enumerate(recordings):
            if one.name == "update":
                one.update(host, number)
            elif not one.whole_disk:
                one.undo(host, number)
        host.sh("sync; poweroff", status=None)
        host.ended()
    return {one.name: one for one in recordings}


def empty(origins, name):
    disk = origins.work / name
    with disk.open("wb") as file:
        file.truncate(3000 * MIB)
    return disk


@pytest.fixture(scope="module")
def updates(origins):
    files = origins.work / "UPDATES"
    files.mkdir()
    make_update(origins.work, "9.1", GOOD).rename(files / "good")
    make_ext4(files, origins.work / "updates.img")
    return origins.work / "updates.img"


@pytest.fixture(scope="module")
def recorded(origins, updates):
    return record("bios", [Recording(origins, "bios", origins.bios("bios-base")),
                           Recording(origins, "update", origins.bios("update-base"))], updates=updates)


@pytest.fixture(scope="module")
def bios(recorded):
    return recorded["bios"]


@pytest.fixture(scope="module")
def uefi(origins):
    return record("uefi", [Recording(origins, "esp", origins.uefi("esp-base", 300 * MIB)),
                           Recording(origins, "own", origins.uefi("own-base", 34 * MIB))],
                  firmware_variables(origins.work / "vars"))


def see_all(recording, uefi, **options):
    ever = set()
    for _, _, _, starts in recording.states(uefi, **options):
        ever |= starts
    assert "posada" in ever and (recording.whole_disk or "origin" in ever)


def test_bios_states(bios):
    see_all(bios, False)


def played(recording, end):
    """The disk as it was when so much of the log was written."""
    disk, log = writelog.Disk(recording.base), writelog.Log(recording.log, end=end)
    for epoch in log.epochs:
        disk.apply(log, epoch)
    return disk


def see_update(recording, log, **options):
    """Every state between two versions, with what is wrong in it: in each one of them starts, or either, and no half of one."""
    judge, disk = recording.judge(), played(recording, recording.installed)
    versions = Versions(judge.ours)
    versions.learn("old", disk.bytes, "a")
    versions.learn("new", played(recording, recording.updated).bytes, "b")
    tried, ever, faults = 0, set(), []
    for name in writelog.replay(log, disk, **options):
        tried += 1
        try:
            ever |= versions.look(disk.bytes)
        except Fault as fault:
            faults.append(f"{name}: {fault}")
    print(f"{recording.name}: {tried} states tried, {len(faults)} failed")
    return ever, faults


def update_log(recording):
    return writelog.Log(recording.log, start=recording.installed, end=recording.updated)


def see_all_of_update(recording):
    ever, faults = see_update(recording, update_log(recording))
    assert not faults, "\n".join(faults)
    assert ever == {"old", "new"}


def test_update_states(recorded):
    see_all_of_update(recorded["update"])


@pytest.mark.power
def test_uefi_update_states(origins, updates):
    """In the origin's own ESP, with what others have there."""
    see_all_of_update(record("uefi", [Recording(origins, "update", origins.uefi("update-esp-base"))],
                             firmware_variables(origins.work / "update-vars"), updates)["update"])


def test_a_lie_about_an_update_is_seen(recorded):
    _, faults = see_update(recorded["update"], update_log(recorded["update"]).without_flushes(), samples=12)
    assert faults


@pytest.mark.power
def test_more_of_an_update(recorded):
    _, faults = see_update(recorded["update"], update_log(recorded["update"]), samples=8, exhaustive=6, seed=1)
    assert not faults, "\n".join(faults)


def test_a_lie_is_seen(bios):
    """What judges the states above must be able to say no: a disk that does not flush leaves lies behind."""
    recording = bios
    judge, disk = recording.judge(), writelog.Disk(recording.base)
    faults = 0
    for _ in writelog.replay(writelog.Log(recording.log, end=recording.installed).without_flushes(), disk, samples=12):
        try:
            judge.look(disk, False)
        except Fault:
            faults += 1
    assert faults


@pytest.mark.power
def test_states_within_the_origin(origins):
    """Where Posada gets no partition: a volume in the origin's group, a folder in its file system."""
    recorded = record("bios", [Recording(origins, "volume", origins.lvm("volume-base"), where=Volume),
                               Recording(origins, "folder", origins.full("folder-base"), where=Folder)])
    for recording in recorded.values():
        see_all(recording, False)


@pytest.mark.power
def test_bios_whole_disk_states(origins):
    see_all(record("bios", [Recording(origins, "whole", empty(origins, "whole-base"), "whole-disk")])["whole"], False)


@pytest.mark.power
def test_stick_states(origins):
    see_all(record("bios", [Recording(origins, "stick", empty(origins, "stick-base"), "stick")])["stick"], False)


@pytest.mark.power
def test_mirror_states(origins):
    """Each disk by itself, for that is how it may have to start."""
    first = Recording(origins, "first", empty(origins, "first-base"), "whole-disk")
    for recording in record("bios", [first, Recording(origins, "second", empty(origins, "second-base"), "whole-disk", twin=first)]).values():
        see_all(recording, False)


@pytest.mark.power
def test_uefi_whole_disk_states(origins):
    see_all(record("uefi", [Recording(origins, "whole", empty(origins, "whole-uefi-base"), "whole-disk")],
                   firmware_variables(origins.work / "whole-vars"))["whole"], True)


@pytest.mark.power
@pytest.mark.parametrize("name", ["esp", "own"])
def test_uefi_states(uefi, name):
    see_all(uefi[name], True)


def see_as_before(judge, recording, file):
    """Every byte outside of what has been our own space, every file where that lies in a file system of the origin."""
    now = writelog.Disk(recording.base)
    now.bytes = writelog.Disk(file).bytes
    now.touched = range(now.size // writelog.PIECE)
    space = judge.allowed(now.size)[-1]
    strangers = [piece for piece in now.differing() if not space[0] <= piece * writelog.PIECE < space[1]]
    assert not strangers, strangers[:8]
    for start, files in judge.old_files.items():
        assert {path: read() for path, read in judge.files_of(now.bytes, start).items() if read} == files


def see_disks(host):
    """What the installer sees of each disk, by serial."""
    return {disk["serial"]: disk for disk in host.posada("install", "probe", "--json", seconds=300)["disks"]}


def go_on_or_back(recording, firmware, moments, again, variables=None, **options):
    """From the stick: what was broken off is taken back, or was never begun; then it is installed again."""
    cuts, judge, undone = recording.cuts(moments, **options), recording.judge(), []
    extra = [word for number, (_, disk) in enumerate(cuts) for word in
             ("-drive", f"if=none,id=cut{number},format=raw,file={disk}", "-device", f"virtio-blk-pci,drive=cut{number},serial=CUT{number}")]
    with Host(firmware=firmware, variables=variables, extra=extra) as host:
        host.booted()
        seen = see_disks(host)
        for number, (moment, _) in enumerate(cuts):
            disk = seen[f"CUT{number}"]
            ours = [part for part in disk["parts"] if part["posada"]]
            print(f"{recording.name}, {moment}: {disk['table']},", "unfinished" if ours and ours[0]["unfinished"] else len(ours))
            assert disk["table"] in ("dos", "gpt") and len(ours) < 2, moment
            if ours:
                if ours[0]["unfinished"]:
                    assert "was broken off" in host.posada("install", "plan", disk["name"], seconds=300, status=1)
                said = confirm(host, "undo", disk["name"])
                assert "which starts as it did before" in said, (moment, said)
                undone.append(number)
        seen = see_disks(host)
        host.sh("sync")
        for number, (moment, file) in enumerate(cuts):
            disk = seen[f"CUT{number}"]
            assert not [part for part in disk["parts"] if part["posada"] or part["dirty"] and number in undone], moment
            see_as_before(judge, recording, file)
        assert len(undone) >= again
        # The last that was taken back had most on it; one without ours may wait for the origin to check its ESP.
        for number in undone[-again:]:
            host.sh(f"printf '[install]\\nserial = CUT{number}\\nlayout = alongside\\n' >/tmp/answers")
            host.posada("install", "apply", "--answers", "/tmp/answers", seconds=300)
        host.sh("sync; poweroff", status=None)
        host.ended()


def see_boot(recording, firmware, number, variables=None, **options):
    """Really started: what shows must be what was judged to start."""
    for name, nvram, starts, disk in recording.representatives(firmware == "uefi", number, **options):
        print(f"{recording.name}, {name}, NVRAM {'after' if nvram else 'before'}: {' or '.join(sorted(starts))}")
        remembered = None
        if variables:
            remembered = shutil.copy(variables.with_suffix(".installed") if nvram else variables.with_suffix(".before"),
                                     disk.with_suffix(".vars"))
        with Host(boot="disk", firmware=firmware, disks=[disk], variables=remembered) as host:
            if "posada" in starts and ("origin" not in starts or nvram):
                host.booted()
            elif starts == {"origin"}:
                host.expect(ALIVE, 120)
                assert "Posada" not in host.log
            else:
                host.expect(f"{ALIVE}|Loading Posada", 120)


def test_bios_boots(bios):
    see_boot(bios, "bios", 4)


@pytest.mark.power
def test_more_of_bios(bios):
    see_all(bios, False, samples=8, exhaustive=6)
    go_on_or_back(bios, "bios", 10, 2, seed=1)
    see_boot(bios, "bios", 4, seed=2)


@pytest.mark.power
@pytest.mark.parametrize("name", ["esp", "own"])
def test_uefi_goes_on_or_back(uefi, name):
    go_on_or_back(uefi[name], "uefi", 10, 1, uefi[name].base.with_name("vars.before"))


@pytest.mark.parametrize("name", ["esp", "own"])
def test_uefi_boots(uefi, name):
    """With the firmware's variables as they were before the installation, and after it."""
    see_boot(uefi[name], "uefi", 3, uefi[name].base.with_name("vars"))
