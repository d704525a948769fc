# SPDX-License-Identifier: GPL-2.0-or-later
"""What a power cut leaves of a disk: every write that QEMU logged, played again up to any moment."""
import itertools
import mmap
import random
import struct
import subprocess

# The log is that of Linux's dm-log-writes: a sector of head, then for each write one of its own and the bytes.
MAGIC = 0x6a736677736872
FLUSH, FUA, DISCARD = 1, 2, 4
# What a disk writes whole or not at all: sectors of its own, which have 4096 bytes in any disk of today.
PIECE = 4096


def logged(disk, log, number=0, device="virtio-blk-pci"):
    """QEMU's words for a DEVICE, a disk whose writes are logged, for vm.py's EXTRA; the log is made empty."""
    open(log, "wb").close()
    # Before QEMU 9 zeroes that are written by a command of their own spoil the log when another write comes meanwhile.
    # And writes that are merged into one can have more pieces than the system takes, once the log has added its own.
    if device.startswith("virtio-blk"):
        device += ",write-zeroes=off,request-merging=off"
    return ["-blockdev", f"driver=blklogwrites,node-name=logged{number},file.driver=file,file.filename={disk},"
                         f"log.driver=file,log.filename={log}",
            "-device", f"{device},drive=logged{number},serial=DISK{number}"]


def count(log):
    """How many entries a log has by now."""
    with open(log, "rb") as file:
        return struct.unpack("<QQQ", file.read(24))[2]


class Log:
    """The writes of a log between two of its entries, in epochs: each ends where the system flushed the disk."""

    def __init__(self, file, start=0, end=None):
        self.epochs = [[]]
        with open(file, "rb") as stream:
            self.bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
        magic, version, entries, sector = struct.unpack_from("<QQQI", self.bytes)
        assert (magic, version) == (MAGIC, 1), f"{file} is no log of writes"
        at = sector
        for number in range(entries):
            where, sectors, flags, _ = struct.unpack_from("<QQQQ", self.bytes, at)
            at += sector
            length = 0 if flags & (FLUSH | DISCARD) else sectors * sector
            assert (flags or length) and at + length <= len(self.bytes), f"the log {file} is spoilt at its entry {number}"
            if start <= number < (entries if end is None else end):
                assert not flags & FUA, "a write that is its own flush: no state before it would be right"
                if flags & FLUSH and self.epochs[-1]:
                    self.epochs.append([])
                elif length:
                    self.epochs[-1].extend(self.pieces(where * sector, at, length))
            at += length
        self.flushed = not self.epochs[-1]
        if self.flushed:
            self.epochs.pop()

    def without_flushes(self):
        """The same log of a disk that does not keep its word: everything is in its cache until the end."""
        self.epochs = [[piece for epoch in self.epochs for piece in epoch]]
        return self

    @staticmethod
    def pieces(offset, at, length):
        """A write of any length, cut where the disk's own sectors end: what it wants where, and where in the log it lies."""
        end = offset + length
        while offset < end:
            size = min(end, offset // PIECE * PIECE + PIECE) - offset
            yield offset, at, size
            offset, at = offset + size, at + size


class Disk:
    """A disk's bytes in memory; the file that it was stays as it is."""

    def __init__(self, base):
        self.path = base
        with open(base, "rb") as stream:
            self.base = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_READ)
            self.bytes = mmap.mmap(stream.fileno(), 0, access=mmap.ACCESS_COPY)
        self.size = len(self.bytes)
        self.touched = set()

    def apply(self, log, pieces):
        """Play PIECES; what takes them back."""
        before = []
        for offset, at, size in pieces:
            before.append((offset, self.bytes[offset:offset + size]))
            self.bytes[offset:offset + size] = log.bytes[at:at + size]
            self.touched.add(offset // PIECE)
        return before

    def revert(self, before):
        for offset, data in reversed(before):
            self.bytes[offset:offset + len(data)] = data

    def differing(self):
        """The pieces, by number, that are not as they were."""
        return [n for n in sorted(self.touched) if self.bytes[n * PIECE:(n + 1) * PIECE] != self.base[n * PIECE:(n + 1) * PIECE]]

    def save(self, file):
        subprocess.run(["cp", "--sparse=always", self.path, file], check=True)
        with open(file, "r+b") as out:
            for number in self.differing():
                out.seek(number * PIECE)
                out.write(self.bytes[number * PIECE:(number + 1) * PIECE])
        return file


def choices(epoch, dice, samples, exhaustive):
    """What may have reached the disk when the power went within EPOCH: each a list of its pieces."""
    if len(epoch) <= exhaustive:
        for length in range(len(epoch)):
            yield from map(list, itertools.combinations(epoch, length))
        return
    # In order, up to some moment; and in whatever order the disk's cache took.
    for length in dice.sample(range(1, len(epoch)), min(samples, len(epoch) - 1)):
        yield epoch[:length]
    for number in range(samples):
        share = (0.5, 0.9, 0.1)[number % 3]
        yield [piece for piece in epoch if dice.random() < share]
    yield epoch[-1:]


def replay(log, disk, samples=2, exhaustive=2, seed=0):
    """Puts DISK into one state after another and yields each one's name: before the first write, at every flush, and
    SAMPLES of each kind between; of an epoch with at most EXHAUSTIVE pieces every possible one."""
    dice = random.Random(seed)
    yield "nothing written"
    for number, epoch in enumerate(log.epochs):
        for sample, chosen in enumerate(choices(epoch, dice, samples, exhaustive)):
            before = disk.apply(log, chosen)
            yield f"epoch {number}, sample {sample}: {len(chosen)} of {len(epoch)} pieces"
            disk.revert(before)
        disk.apply(log, epoch)
        yield f"flush {number}"
