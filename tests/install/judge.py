# SPDX-License-Identifier: GPL-2.0-or-later
"""What a machine would start from a disk as it is now: the system that was there, Posada, or a lie."""
import pathlib
import re
import struct
import subprocess
import tempfile

from bootview import Broken, Fat, dos_parts, gpt_copy
from origins import EXTENT, MIB, lvm_crc

CODE = 440
CORE_AT = 16 * 512
ESP = "c12a7328-f81f-11d2-ba4b-00a0c93ec93b"
LOADER, FALLBACK = "/efi/posada/grubx64.efi", "/efi/boot/bootx64.efi"


class Fault(AssertionError):
    """In this state the machine would not start what it should."""


def demand(good, what):
    if not good:
        raise Fault(what)


def copy_or_none(data, at):
    try:
        return gpt_copy(data, at)
    except (Broken, ValueError, OverflowError):
        return None


class Judge:
    """Knows a disk as it was and as an installation leaves it, and judges all that lies between."""

    def __init__(self, before, installed, payload, carried, whole_disk=False):
        """BEFORE and INSTALLED: the disk's bytes; PAYLOAD: the files that it must boot; CARRIED: core.img, BOOTX64.EFI."""
        self.before, self.whole_disk = bytes(before[:CODE]), whole_disk
        self.code, self.payload, self.grub = bytes(installed[:CODE]), payload, carried["BOOTX64.EFI"]
        self.gpt = before[512:520] == b"EFI PART"
        self.old_parts = [] if whole_disk else gpt_copy(before, 512) if self.gpt else dos_parts(before)
        parts = gpt_copy(installed, 512) if installed[512:520] == b"EFI PART" else dos_parts(installed)
        self.files, self.ours = {}, None
        for part in parts:
            files = self.files_of(installed, part[1])
            if "/posada/grub.cfg" in files:
                self.ours = part
                self.files = {path: read() for path, read in files.items() if read and path.startswith(("/posada/", "/efi/posada/"))}
        demand(self.ours, f"nothing was installed: {parts}")
        self.core_at = int.from_bytes(self.code[0x5c:0x64], "little") * 512 if self.code != self.before else 0
        self.core = bytes(installed[self.core_at:self.core_at + len(carried["core.img"])]) if self.core_at else b""
        if self.core:
            # But for where the rest of it lies, which the first sector says.
            demand(self.core[:500] + self.core[512:] == carried["core.img"][:500] + carried["core.img"][512:], "another core.img")
        self.old_files = {part[1]: {path: read() for path, read in self.files_of(before, part[1]).items() if read}
                          for part in self.old_parts if self.gpt and part[3] == ESP}
        self.complete(installed)

    @staticmethod
    def files_of(data, start):
        try:
            return Fat(data, start).files()
        except Broken:
            return {}

    def allowed(self, size):
        """Where an installation may write at all: the tables, and what is its own."""
        if self.whole_disk:
            return [(0, size)]
        ends = [(0, 512 * 34), (size - 512 * 33, size)] if self.gpt else [(0, 512)]
        return [*ends, (self.ours[1], self.ours[1] + self.ours[2])]

    def strangers(self, disk):
        """The sectors that changed and should not have."""
        allowed = self.allowed(disk.size)
        found = []
        for piece in disk.differing():
            for at in range(piece * 4096, piece * 4096 + 4096, 512):
                if disk.bytes[at:at + 512] != disk.base[at:at + 512] and not any(low <= at < high for low, high in allowed):
                    found.append(at // 512)
        return found

    def complete(self, data):
        """All that our boot menu needs, whole."""
        files = self.files_of(data, self.ours[1])
        for path, content in self.files.items():
            if path.startswith("/posada/undo/") and self.whole_disk:
                continue
            try:
                demand(files.get(path) and files[path]() == content, f"Posada starts, but {path} is not whole")
            except Broken as broken:
                raise Fault(f"Posada starts, but {path}: {broken}") from None
        for name, content in self.payload.items():
            demand(self.files.get(f"/posada/a/{name}") == content, f"{name} is not what was built")
        if not self.gpt and not self.whole_disk:
            demand(self.files["/posada/origin.mbr"][:CODE] == self.before, "the saved sector 0 is not the origin's")

    def table(self, data, size):
        """The table that the machine goes by; what was there before must be in it."""
        if not self.gpt and not self.whole_disk:
            parts = dos_parts(data)
            other = None
        else:
            parts, other = copy_or_none(data, 512), copy_or_none(data, size - 512)
            # Linux looks at the second copy only when it is told to.
            demand(parts is not None or self.whole_disk, "the first copy of the GPT is broken")
            parts = parts or other or []
        for part in self.old_parts:
            demand(part in parts, f"the partition {part[0]} is not in the table as it was")
        return parts, other

    def file_states(self, files):
        states = []
        for path, read in sorted(files.items()):
            if path.endswith(".new") or path.startswith("/posada/undo"):
                continue
            try:
                content = read() if read else None
            except Broken:
                states.append((path, "broken"))
                continue
            states.append((path, "whole" if content == self.files.get(path) else "other" if read else "folder"))
        return states

    def look(self, disk, nvram):
        """What starts ("origin", "posada"), and all that firmware and loaders see; a Fault if that is a lie.
        NVRAM: the firmware has our entry."""
        data, starts = disk.bytes, set()
        try:
            parts, other = self.table(data, disk.size)
        except Broken as broken:
            raise Fault(str(broken)) from None
        code = bytes(data[:CODE])
        demand(code in (self.before, self.code), "sector 0 is neither what was there nor ours")
        view = [code == self.before, parts, other]
        if not self.gpt and code == self.before and not self.whole_disk:
            starts.add("origin")
        elif self.core_at and code == self.code:
            demand(data[self.core_at:self.core_at + len(self.core)] == self.core, "sector 0 loads a core.img that is not whole")
            self.complete(data)
            starts.add("posada")
        for part in parts:
            files = self.files_of(data, part[1]) if part[3] in (ESP, "0c") or part[:3] == self.ours[:3] else {}
            view.append(self.file_states(files))
            for path, content in self.old_files.get(part[1], {}).items():
                demand(files.get(path) and files[path]() == content, f"{path} of the origin is gone")
            if not self.gpt and not self.whole_disk:
                continue
            mine = part == self.ours
            if nvram and mine and files.get(LOADER):
                self.see_loader(data, files[LOADER], LOADER)
                starts.add("posada")
            if files.get(FALLBACK):
                if part[1] in self.old_files and FALLBACK in self.old_files[part[1]]:
                    starts.add("origin")
                else:
                    self.see_loader(data, files[FALLBACK], FALLBACK)
                    starts.add("posada")
        strangers = self.strangers(disk)
        demand(not strangers, f"sectors of others were written: {strangers[:8]}")
        demand(starts or self.whole_disk, "nothing starts")
        return starts, repr((sorted(starts), view))

    def see_loader(self, data, read, path):
        try:
            demand(read() == self.grub, f"{path} is not whole")
        except Broken as broken:
            raise Fault(f"{path}: {broken}") from None
        self.complete(data)


class Versions:
    """Knows two versions of Posada, file by file, and judges a disk while one comes beside the other."""
    NAMES = ("xen.gz", "vmlinuz", "initramfs.img", "entries.cfg")
    ENVIRONMENT = "# GRUB Environment Block\n"

    def __init__(self, part):
        """PART: where the installation is."""
        self.part, self.versions, self.loaders = part, {}, {}

    def learn(self, version, data, slot):
        """What is in SLOT of the disk DATA is VERSION, whole."""
        files = Fat(data, self.part[1]).files()
        self.versions[version] = {name: files[f"/posada/{slot}/{name}"]() for name in self.NAMES}
        self.loaders = self.loaders_of(files)

    @staticmethod
    def loaders_of(files):
        """What the firmware may start: ours and those of others."""
        return {path: read() for path, read in files.items() if read and path.startswith("/efi/")}

    def environment(self, read):
        """What GRUB knows of the choice between the two slots; it ignores what it cannot read."""
        block = read()[:1024].decode("ascii", "replace") if read else ""
        if not block.startswith(self.ENVIRONMENT):
            return {}
        lines = [line for line in block.splitlines() if not line.startswith("#")]
        return dict(line.split("=", 1) for line in lines if "=" in line)

    def slots(self, files, environment):
        """Those that may start: the one that is tried, and the one that is left when that cannot be noted."""
        slot = "b" if environment.get("slot") == "b" else "a"
        there = [name for name in "ab" if files.get(f"/posada/{name}/entries.cfg")]
        demand(there, "no version has entries")
        trial = environment.get("trial")
        return {name if name in there else there[0] for name in ([slot, trial] if trial in there else [slot])}

    def look(self, data):
        """The versions that start; a Fault if one of them is not whole."""
        try:
            files = Fat(data, self.part[1]).files()
            environment = self.environment(files.get("/posada/grubenv"))
            demand(self.loaders_of(files) == self.loaders, "a loader is not as it was")
            starts = set()
            for slot in self.slots(files, environment):
                found = {name: files[f"/posada/{slot}/{name}"]() for name in self.NAMES if files.get(f"/posada/{slot}/{name}")}
                known = [version for version, content in self.versions.items() if content == found]
                demand(known, f"slot {slot} is no version that is whole: {sorted(found)}")
                starts.update(known)
        except Broken as broken:
            raise Fault(str(broken)) from None
        return starts


class Folder:
    """Posada lies in a folder of the origin's file system, an ext4 that is one partition."""

    def __init__(self, part):
        self.start, self.size = part[1], part[2]

    def part(self, image):
        """The file system alone, for e2fsck forgets where it begins once the journal was looked into."""
        part = image.with_name("part")
        subprocess.run(["dd", f"if={image}", f"of={part}", "bs=1M", f"skip={self.start // MIB}", f"count={self.size // MIB}",
                        "conv=sparse", "status=none"], check=True)
        return part

    @staticmethod
    def read(part, path):
        """The files below PATH as they lie there, which is what GRUB sees: it does not look into a journal."""
        with tempfile.TemporaryDirectory() as tree:
            subprocess.run(["debugfs", "-R", f"rdump {path} {tree}", part], check=True, stdout=subprocess.DEVNULL,
                           stderr=subprocess.DEVNULL)
            return {"/" + str(file.relative_to(tree)): file.read_bytes() for file in pathlib.Path(tree).rglob("*") if file.is_file()}

    def ours(self, disk, image):
        return self.read(self.part(image()), "/posada")

    def allowed(self, _):
        """Which of its blocks are free is the file system's to say."""
        return [(self.start, self.start + self.size)]

    def theirs(self, disk, image):
        """What the origin has of it once it has looked into its journal."""
        part = self.part(image())
        checked = subprocess.run(["e2fsck", "-fp", part], stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        demand(checked.returncode < 4, f"the file system of the origin is damaged: {checked.stdout.decode(errors='replace')}")
        return {path: data for path, data in self.read(part, "/").items() if not path.startswith("/posada/")}


class Volume:
    """Posada lies in a volume of the origin's group, which is all of one partition."""
    AREA = re.compile(rb'^posada \{.*?start_extent = 0\nextent_count = (\d+)\n.*?stripes = \[\s*"pv0", (\d+)\s*\]', re.DOTALL | re.MULTILINE)

    def __init__(self, part):
        self.start = part[1]

    def text(self, disk):
        """What the group keeps about its volumes; a Fault when it is not whole."""
        at = self.start + 4096
        head = disk.bytes[at:at + 512]
        demand(struct.unpack_from("<I", head)[0] == lvm_crc(head[4:]), "the head of the group's area is not whole")
        room, offset, size, crc = struct.unpack_from("<QQQI", head, 32)
        area = disk.bytes[at:at + room]
        text = area[offset:offset + size]
        # The area is a ring, behind its head.
        text += area[512:512 + size - len(text)]
        demand(lvm_crc(text) == crc, "what the group keeps about its volumes is not whole")
        return re.sub(rb"[\t ]*#.*|^[\t ]+", b"", text, flags=re.MULTILINE)

    def place(self, text):
        """Where our volume is: (start, size)."""
        found = self.AREA.search(text)
        count, first = (int(number) for number in found.groups()) if found else (0, 0)
        return self.start + MIB + first * EXTENT, count * EXTENT

    def ours(self, disk, image):
        start, size = self.place(self.text(disk))
        demand(size, "the group has no volume of ours")
        return {path: read() for path, read in Fat(disk.bytes, start).files().items() if read and path.startswith("/posada/")}

    def allowed(self, installed):
        start, size = self.place(self.text(installed))
        return [(self.start, self.start + MIB), (start, start + size)]

    def theirs(self, disk, image):
        """The volume's bytes are among those that nobody may write; here is where they are."""
        root = re.search(rb"^root \{.*?^stripes = \[.*?\]", self.text(disk), re.DOTALL | re.MULTILINE).group(0)
        return re.findall(rb'^(?:id|start_extent|extent_count|type) = .*|"pv0", \d+', root, re.MULTILINE)


class Within:
    """Knows a disk on which Posada lies within what the origin has, and judges all between before and after."""

    def __init__(self, before, installed, payload, carried, where):
        """BEFORE and INSTALLED: writelog's disks; WHERE: Folder or Volume."""
        self.parts = dos_parts(before.bytes)
        self.where = where(self.parts[0])
        self.before, self.code = bytes(before.bytes[:CODE]), bytes(installed.bytes[:CODE])
        self.core_at = int.from_bytes(self.code[0x5c:0x64], "little") * 512
        self.core = bytes(installed.bytes[self.core_at:self.core_at + len(carried["core.img"])])
        self.work = tempfile.TemporaryDirectory()
        self.theirs = self.where.theirs(before, lambda: self.image(before))
        self.files = self.where.ours(installed, lambda: self.image(installed))
        for name, content in payload.items():
            demand(self.files.get(f"/posada/a/{name}") == content, f"{name} is not what was built")
        self.allowed = [(0, 512), (self.core_at, self.core_at + len(self.core) + 511 & ~511), *self.where.allowed(installed)]

    def image(self, disk):
        return disk.save(pathlib.Path(self.work.name) / "state")

    def look(self, disk, _):
        """As Judge's; the view is of what matters here only."""
        starts, code = {"origin"}, bytes(disk.bytes[:CODE])
        try:
            demand(dos_parts(disk.bytes) == self.parts, "the table is not as it was")
            demand(code in (self.before, self.code), "sector 0 is neither what was there nor ours")
            for piece in disk.differing():
                for at in range(piece * 4096, piece * 4096 + 4096, 512):
                    demand(disk.bytes[at:at + 512] == disk.base[at:at + 512] or any(low <= at < high for low, high in self.allowed),
                           f"a sector of others was written: {at // 512}")
            if code == self.code:
                demand(disk.bytes[self.core_at:self.core_at + len(self.core)] == self.core, "sector 0 loads a core.img that is not whole")
                files = self.where.ours(disk, lambda: self.image(disk))
                for path, content in self.files.items():
                    demand(files.get(path) == content, f"Posada starts, but {path} is not whole")
                starts = {"posada"}
            demand(self.where.theirs(disk, lambda: self.image(disk)) == self.theirs, "what the origin has is not as it was")
        except Broken as broken:
            raise Fault(str(broken)) from None
        return starts, repr((sorted(starts), code == self.before))
