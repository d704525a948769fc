# SPDX-License-Identifier: GPL-2.0-or-later
"""A disk as firmware and boot loaders see it: tables, FAT, and nothing that they do not read."""
import struct
import uuid
import zlib

SECTOR = 512


class Broken(Exception):
    """What a loader reads there leads nowhere."""


# --- Tables -------------------------------------------------------------------

def dos_parts(data):
    """The primary partitions of a DOS table: (number, start, size, type)."""
    if data[510:512] != b"\x55\xaa":
        raise Broken("sector 0 is not signed")
    parts = []
    for number in range(4):
        entry = data[446 + 16 * number:462 + 16 * number]
        start, size = struct.unpack_from("<II", entry, 8)
        if entry[4]:
            parts.append((number + 1, start * SECTOR, size * SECTOR, f"{entry[4]:02x}"))
    return parts


def gpt_copy(data, at, sector=SECTOR):
    """The entries of one copy of a GPT, whose header is at byte AT."""
    header = bytearray(data[at:at + sector])
    if header[:8] != b"EFI PART":
        raise Broken("no GPT header")
    length, crc = struct.unpack_from("<II", header, 12)
    header[16:20] = bytes(4)
    if zlib.crc32(header[:length]) != crc:
        raise Broken("the GPT header's sum is wrong")
    start, entries, size, crc = struct.unpack_from("<QIII", header, 72)
    table = data[start * sector:start * sector + entries * size]
    if zlib.crc32(table) != crc:
        raise Broken("the GPT entries' sum is wrong")
    parts = []
    for number in range(entries):
        entry = table[number * size:(number + 1) * size]
        if any(entry[:16]):
            first, last = struct.unpack_from("<QQ", entry, 32)
            parts.append((number + 1, first * sector, (last + 1 - first) * sector, str(uuid.UUID(bytes_le=entry[:16])),
                          str(uuid.UUID(bytes_le=entry[16:32])), entry[56:128].decode("utf-16le").rstrip("\0")))
    return parts


# --- FAT ----------------------------------------------------------------------

class Fat:
    """A FAT16 or FAT32 as a loader reads it: by the first table, from the root down."""

    def __init__(self, data, start):
        boot = data[start:start + SECTOR]
        if boot[510:512] != b"\x55\xaa" or boot[82:87] != b"FAT32" and boot[54:59] != b"FAT16":
            raise Broken("no FAT")
        self.data = data
        sector, self.per_cluster, reserved, tables, roots, _, _, length = struct.unpack_from("<HBHBHHBH", boot, 11)
        self.wide = not length
        length = struct.unpack_from("<I", boot, 36)[0] if self.wide else length
        if sector not in (512, 1024, 2048, 4096) or not self.per_cluster or not tables or not length:
            raise Broken("the FAT's head is wrong")
        self.per_cluster *= sector
        table = start + reserved * sector
        root = table + tables * length * sector
        self.first = root + roots * 32
        self.root = struct.unpack_from("<I", boot, 44)[0] if self.wide else data[root:self.first]
        self.table = memoryview(data[table:table + length * sector]).cast("I" if self.wide else "H")
        self.mask = 0x0fffffff if self.wide else 0xffff

    def runs(self, cluster):
        """Where the clusters of a chain lie, neighbours as one: (at, size)."""
        at = size = seen = 0
        while cluster < self.mask & ~7:
            if not 2 <= cluster < len(self.table) or seen > len(self.table):
                raise Broken("a chain of clusters leads nowhere")
            here = self.first + (cluster - 2) * self.per_cluster
            if here != at + size:
                if size:
                    yield at, size
                at, size = here, 0
            size += self.per_cluster
            seen += 1
            cluster = self.table[cluster] & self.mask
        if size:
            yield at, size

    def content(self, cluster, size=None):
        data = b"".join(self.data[at:at + length] for at, length in self.runs(cluster)) if cluster else b""
        if size is not None and len(data) < size:
            raise Broken("a file ends before its size")
        return data[:size]

    def entries(self, data):
        """(name, is a directory, cluster, size) of a directory's bytes."""
        long = {}
        for at in range(0, len(data), 32):
            entry = data[at:at + 32]
            if not entry[0]:
                return
            if entry[0] == 0xe5:
                long = {}
            elif entry[11] & 0x3f == 0x0f:
                long[entry[0] & 0x1f] = (entry[13], entry[1:11] + entry[14:26] + entry[28:32])
            else:
                total = 0
                for byte in entry[:11]:
                    total = ((total >> 1 | total << 7) + byte) & 0xff
                if long and set(long) == set(range(1, len(long) + 1)) and all(piece[0] == total for piece in long.values()):
                    name = b"".join(long[n][1] for n in sorted(long)).decode("utf-16le", "replace").split("\0")[0]
                else:
                    name = entry[:8].decode("cp437").rstrip()
                    if entry[8:11].strip():
                        name += "." + entry[8:11].decode("cp437").rstrip()
                long = {}
                high, = struct.unpack_from("<H", entry, 20)
                low, size = struct.unpack_from("<HI", entry, 26)
                if not entry[11] & 8 and name not in (".", ".."):
                    yield name.lower(), bool(entry[11] & 16), high << 16 | low if self.wide else low, size

    def files(self):
        """Every file by its path: a function that reads it. Directories are there as None."""
        found = {}
        left = [("", self.content(self.root) if self.wide else self.root)]
        while left:
            path, data = left.pop()
            if len(found) > 10000:
                raise Broken("directories without end")
            for name, folder, cluster, size in self.entries(data):
                where = f"{path}/{name}"
                if folder:
                    found[where] = None
                    # Whoever looks for another path does not go in there.
                    try:
                        left.append((where, self.content(cluster)))
                    except Broken:
                        found[where + "/broken"] = None
                else:
                    found[where] = lambda cluster=cluster, size=size: self.content(cluster, size)
        return found
