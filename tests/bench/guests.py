# SPDX-License-Identifier: GPL-2.0-or-later
"""What guests cost: how soon they start, twenty at once, and what their disks lose against dom0's."""
import re
import shlex
import shutil
import statistics
import subprocess

import vm
from conftest import make_ext4
from host import Host

MANY = 20
MIB = 128
# Writes and reads a disk past the page cache, in dom0 as in a guest; the clock is the machine's.
MEASURE = f"""measure() {{
read a r </proc/uptime; dd if=/dev/zero of=$2 bs=1M count={MIB} oflag=direct conv=fsync,notrunc 2>/dev/null
read b r </proc/uptime; dd if=$2 of=/dev/null bs=1M count={MIB} iflag=direct 2>/dev/null
read c r </proc/uptime; echo "measured $1 $a $b $c"; }}
"""
INIT = """#!/bin/busybox sh
/bin/busybox --install -s /bin
mkdir -p /dev /proc
mount -t devtmpfs devtmpfs /dev
mount -t proc proc /proc
exec </dev/console >/dev/console 2>&1
insmod /xen-blkfront.ko
sleep 1
""" + MEASURE + """
[ ! -b /dev/xvda ] || measure volume /dev/xvda
[ ! -b /dev/xvdb ] || measure file /dev/xvdb
while :; do echo idle; sleep 60; done
"""
# Waits for the first line that the guest's kernel says, whoever has started it.
FIRST = """until id=$(xl domid $1 2>/dev/null); do usleep 20000; done
until tty=$(xenstore-read /local/domain/$id/console/tty 2>/dev/null) && [ -c "$tty" ]; do usleep 20000; done
until read -r line <$tty; do usleep 20000; done
"""


def make_media(work):
    """A disk with a kernel and a guest that measures its disks."""
    tree, media = work / "bench-guest", work / "MEDIA"
    (tree / "bin").mkdir(parents=True)
    media.mkdir()
    (tree / "init").write_text(INIT)
    (tree / "init").chmod(0o755)
    shutil.copy(vm.built("busybox") / "usr/bin/busybox", tree / "bin")
    (module,) = vm.built("linux").rglob("xen-blkfront.ko*")
    if module.suffix == ".zst":
        subprocess.run(["zstd", "-dqf", module, "-o", tree / "xen-blkfront.ko"], check=True)
    else:
        shutil.copy(module, tree / "xen-blkfront.ko")
    names = subprocess.run(["find", "."], cwd=tree, check=True, stdout=subprocess.PIPE).stdout
    with (media / "guest.cpio").open("wb") as out:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=names, stdout=out, check=True)
    (kernel,) = vm.built("linux").rglob("vmlinuz")
    shutil.copy(kernel, media)
    make_ext4(media, work / "bench-media.img")
    return work / "bench-media.img"


def put(host, path, text):
    """A file on the host, through a shell that is typed at."""
    host.sh("printf " + shlex.quote(text.replace("\\", "\\\\").replace("%", "%%").replace("\n", "\\n")) + f" >{path}", 120)


def create(host, name, *words, kind="pv"):
    host.posada("guest", "create", name, "--kind", kind, "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/guest.cpio",
                "--cmdline", "console=hvc0", "--memory", "64M", "--network", "none", *words, seconds=180)


def seconds_to_first_line(host, start):
    said = host.sh(f"read a r </proc/uptime; {start} >/dev/null 2>&1 & sh /tmp/first bench; read b r </proc/uptime; wait; echo $a $b", 180)
    begin, end = re.search(r"([\d.]+) ([\d.]+)$", said).groups()
    return float(end) - float(begin)


def starts(host, kind, runs):
    """posada's start of a guest, times xl's of the same, until its kernel speaks."""
    create(host, "bench", kind=kind)
    put(host, "/tmp/bench.cfg", f'name="bench"\ntype="{kind}"\nkernel="/data/media/vmlinuz"\nramdisk="/data/media/guest.cpio"\n'
                                'extra="console=hvc0"\nmemory=64\nvcpus=1\n')
    ratios = []
    for _ in range(runs):
        by_xl = seconds_to_first_line(host, "xl create -q /tmp/bench.cfg")
        host.sh("xl destroy bench", 120)
        by_posada = seconds_to_first_line(host, "posada guest start bench")
        host.posada("guest", "kill", "bench")
        ratios.append(by_posada / by_xl)
    host.posada("guest", "delete", "bench")
    return statistics.median(ratios)


def numbers(host):
    """dom0's clock in seconds, its available memory in KiB, and its processor's time in ticks."""
    said = host.sh("cut -d' ' -f1 /proc/uptime; sed -n 's/MemAvailable: *\\([0-9]*\\).*/\\1/p' /proc/meminfo; head -n1 /proc/stat")
    clock, memory, processor = said.split("\n")
    user, nice, system = (int(word) for word in processor.split()[1:4])
    return float(clock), int(memory), user + nice + system


def many(host):
    """Twenty small guests at once: seconds to start them, dom0's memory and processor for each."""
    for number in range(MANY):
        create(host, f"n{number}")
    begin, before, _ = numbers(host)
    host.sh(f"for n in $(seq 0 {MANY - 1}); do posada guest start n$n >/dev/null || echo no $n; done", 900)
    end, after, busy = numbers(host)
    host.read(20)
    later, _, busier = numbers(host)
    assert sum(guest["state"] == "running" for guest in host.posada("guest", "list", "--json")) == MANY
    for number in range(MANY):
        host.posada("guest", "kill", f"n{number}")
        host.posada("guest", "delete", f"n{number}")
    return end - begin, (before - after) / 1024 / MANY, (busier - busy) / (later - end) / MANY


def parse(said):
    """What measure() says: name -> seconds to write and to read."""
    found = {}
    for name, a, b, c in re.findall(r"measured (\w+) ([\d.]+) ([\d.]+) ([\d.]+)", said):
        found[name] = (float(b) - float(a), float(c) - float(b))
    return found


def disks(host):
    """A guest's disks: name -> dom0's seconds over the guest's, to write and to read."""
    host.sh("lvm pvcreate -qy /dev/vdc && lvm vgcreate -q bench /dev/vdc && lvm lvcreate -qy -L 256M -n disk bench", 120)
    host.sh("dd if=/dev/zero of=/data/volumes/bench.img bs=1M count=256 conv=fsync 2>/dev/null", 300)
    put(host, "/tmp/measure", MEASURE + "measure volume /dev/bench/disk\nmeasure file /data/volumes/bench.img\n")
    # Twice: what comes first pays for the disk image's own growth.
    host.sh("sh /tmp/measure", 600)
    ours = parse(host.sh("sh /tmp/measure", 600))
    create(host, "bench", "--disk", "/dev/bench/disk", "--disk", "/data/volumes/bench.img", "--start")
    host.console("bench", r"measured file [^\n]+\n", 900)
    guests = parse(host.log)
    host.posada("guest", "kill", "bench")
    return {name: tuple(mine / its for mine, its in zip(ours[name], guests[name])) for name in ours}


def measured(work, runs, say):
    """The rows of guests."""
    images = [make_media(work), work / "bench-volumes.img", work / "bench-scratch.img"]
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "VOLUMES", "-m", "0", images[1], "1G"], check=True)
    subprocess.run(["truncate", "-s", "512M", images[2]], check=True)
    rows = []
    with Host(memory=3584, disks=images) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        host.sh("mount /dev/disk/by-label/VOLUMES /data/volumes && rmdir /data/volumes/lost+found")
        put(host, "/tmp/first", FIRST)
        for kind in ("pv", "pvh"):
            say(f"  starts of {kind} guests")
            rows.append((f"guest start, {kind}, times xl create", f"{starts(host, kind, runs):.2f}", "1.2", ""))
        say(f"  {MANY} guests at once")
        seconds, memory, processor = many(host)
        rows.append((f"{MANY} PV guests started one by one", f"{seconds:.0f} s", "", ""))
        rows.append((f"dom0 for each of {MANY}: memory, processor", f"{memory:.1f} MiB {processor:.2f} %", "", ""))
        say("  guests' disks")
        for name, (write, read) in disks(host).items():
            rows.append((f"guest's disk on a {name}: write, read, of dom0's", f"{write:.2f} {read:.2f}", "", ""))
    return rows
