#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures size, memory and speed as the design's table asks, everything in one run, as ratios where it is speed."""
import contextlib
import gzip
import hashlib
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import guests  # noqa: E402
import vm  # noqa: E402
from host import Host  # noqa: E402
from origins import Origins  # noqa: E402

RUNS = int(os.environ.get("RUNS", "3"))
PAYLOAD = pathlib.Path(vm.OUT) / "payload"
BUILD = pathlib.Path(vm.TOP) / "image-builder/build"
XEN = "dom0_mem={memory}M,max:{memory}M dom0_max_vcpus=1-4 com1=115200,8n1 console=com1 loglvl=warning"
LINUX = "lockdown=integrity console=tty0 console=hvc0 quiet"
FLOOR_INIT = "#!/bin/busybox sh\necho floor-reached\nexec /bin/busybox poweroff -f\n"
DOM0_MEMORY = 384
MIB = 2**20
# Installs and stamps every line with the machine's clock; the first line behind the plan is the first that apply_plan says.
INSTALL = r"""
printf '[install]\nserial = DISK0\nlayout = alongside\n' >/tmp/answers;
posada install apply --answers /tmp/answers 2>&1 | while IFS= read -r line; do read -r now rest </proc/uptime; echo "$now $line"; done
"""
CONFIRMED, BOOTABLE = "see whether the disk is as it was planned for", "Posada is on vda."
# Writes the same bytes to a bare disk of that size and reads them back past the page cache, as an installation does.
# No pipe: between two processes it would cost more than either.
PLAIN = r"""
posada payload write /tmp/bytes && cd /tmp/bytes && cat xen.gz vmlinuz >>initramfs.img && rm xen.gz vmlinuz &&
truncate -s {count}M initramfs.img && read -r begin rest </proc/uptime &&
dd if=initramfs.img of=/dev/vdb bs=1M conv=fsync 2>/dev/null && echo 3 >/proc/sys/vm/drop_caches &&
sha256sum /dev/vdb && read -r end rest </proc/uptime && echo "$begin $end"; cd /; rm -rf /tmp/bytes
"""
# What the peer says on its console when it manages guests, and when it never will.
PEER_READY = """#!/bin/sh
if timeout 400 sh -c 'until virsh -c xen:///system list; do sleep 0.2; done' >/run/ready.log 2>&1; then
	echo peer-ready
else
	journalctl -b --no-pager --quiet --priority=warning --lines=30
	tail -n 3 /run/ready.log
	echo peer-failed
fi >/dev/console
"""


def say(text):
    print(text, flush=True)


def direct(work, initramfs, memory=DOM0_MEMORY, linux=LINUX, kernel=None, xen=None):
    """QEMU's options that start Xen without a boot loader: the same way for everyone that is compared."""
    plain = work / "xen"
    if not plain.exists():
        plain.write_bytes(gzip.decompress((PAYLOAD / "xen.gz").read_bytes()))
    # A comma separates modules, a doubled one is itself.
    module = f"{kernel or PAYLOAD / 'vmlinuz'} {linux}".replace(",", ",,")
    return ["-kernel", str(xen or plain), "-append", XEN.format(memory=memory), "-initrd", f"{module},{initramfs}"]


def floor_initramfs(work):
    """An initramfs whose init says that it is there and switches the machine off."""
    tree = work / "floor"
    (tree / "bin").mkdir(parents=True)
    (tree / "dev").mkdir()
    busybox = subprocess.run([BUILD, "path", "busybox"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    shutil.copy(f"{busybox}/usr/bin/busybox", tree / "bin/busybox")
    (tree / "init").write_text(FLOOR_INIT)
    (tree / "init").chmod(0o755)
    target = work / "floor.img"
    posada = subprocess.run([BUILD, "path", "posada"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    musl = subprocess.run([BUILD, "path", "musl"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    names = "dir /dev 0755\ndir /bin 0755\nnode /dev/console 0600 5 1\nfile /init 0755\nfile /bin/busybox 0755\n"
    with target.open("wb") as out:
        subprocess.run([f"{musl}/usr/lib/libc.so", f"{posada}/usr/bin/posada-payload", "archive", "--root", tree],
                       input=names.encode(), stdout=out, check=True)
    return target


@contextlib.contextmanager
def started(options, memory=2048, disks=()):
    """A machine started now, and the clock that runs with it."""
    begin = time.monotonic()
    with Host(boot="none", memory=memory, disks=disks, extra=options) as host:
        yield host, lambda: time.monotonic() - begin


def seconds_to(options, pattern, **machine):
    with started(options, **machine) as (host, clock):
        host.expect(pattern, 900)
        return clock()


def seconds_to_menu(options):
    """To the status page, and to the moment when guests can be managed."""
    with started(options) as (host, clock):
        host.booted()
        menu = clock()
        host.see("There are no guests yet", 300)
        return menu, clock()


def manages_hvm(work, memory, iso):
    """Does the host with so much memory for dom0 show its menu and run an HVM guest?"""
    disk = work / "media.img"
    if not disk.exists():
        media = work / "media"
        media.mkdir()
        shutil.copy(iso, media)
        size = iso.stat().st_size // 2**20 + 32
        subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "MEDIA", "-d", media, disk, f"{size}M"], check=True)
    try:
        with started(direct(work, PAYLOAD / "initramfs.img", memory), 2048, [disk]) as (host, _):
            host.booted()
            host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
            host.posada("guest", "create", "inn", "--kind", "hvm", "--iso", f"/data/media/{iso.name}", "--memory", "256M",
                        "--start", seconds=400)
            host.read(30)
            assert host.posada("guest", "show", "inn", "--json")["state"] == "running"
            host.posada("guest", "kill", "inn")
            host.healthy()
            return True
    except (AssertionError, ValueError) as problem:
        say(f"    dom0 with {memory} MiB: no ({str(problem).splitlines()[0][:100]})")
        return False


def smallest_dom0(work):
    """In steps of 32 MiB, by bisection between what surely fails and what the boot entries give."""
    tests = subprocess.run([BUILD, "path", "test-guests"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    iso = pathlib.Path(tests) / "memtest86+x64.iso"
    if not manages_hvm(work, DOM0_MEMORY, iso):
        return None
    low, high = 128, DOM0_MEMORY
    while high - low > 32:
        middle = (low + high) // 64 * 32
        if manages_hvm(work, middle, iso):
            high = middle
        else:
            low = middle
    return high


def one_line(text):
    """A script for a shell that is typed at."""
    return " ".join(text.split("\n")).strip()


def seconds_to_menu_of(host, begin):
    """Through the boot menu, whose wait is cut short in the moment when it is there."""
    host.expect("Posada without Xen", 120)
    host.send("\r")
    host.booted(hurry=False)
    return time.monotonic() - begin


def plain_seconds(host, data):
    """The yardstick of an installation: dd of DATA, and sha256sum of what then lies on the disk."""
    said = host.sh(one_line(PLAIN.format(count=len(data) // MIB)), 300)
    assert hashlib.sha256(data).hexdigest() in said, said
    begin, end = said.split("\n")[-1].split()
    return float(end) - float(begin)


def install_and_boot(work, origins, run):
    """An installation beside an origin, its yardstick, and the way to the menu from CD and from that disk, in seconds."""
    data = b"".join((PAYLOAD / name).read_bytes() for name in ("initramfs.img", "xen.gz", "vmlinuz"))
    data = data.ljust(-(-len(data) // MIB) * MIB, b"\0")
    disks = [origins.bios(f"bios-{run}"), work / "scratch"]
    disks[1].write_bytes(bytes(len(data)))
    begin = time.monotonic()
    with Host(boot="cd", disks=disks) as host:
        cd = seconds_to_menu_of(host, begin)
        said = host.sh(one_line(INSTALL), 300)
        stamps = dict(reversed(line.split(" ", 1)) for line in said.split("\n") if " " in line)
        assert CONFIRMED in stamps and BOOTABLE in stamps, said
        install = float(stamps[BOOTABLE]) - float(stamps[CONFIRMED])
        plain = plain_seconds(host, data)
    begin = time.monotonic()
    with Host(boot="disk", disks=disks) as host:
        disk = seconds_to_menu_of(host, begin)
    disks[0].unlink()
    return install, plain, disk, cd


def installed(work):
    """The rows of an installation."""
    busybox = subprocess.run([BUILD, "path", "busybox"], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()
    origins = Origins(work / "origins", PAYLOAD / "vmlinuz", f"{busybox}/usr/bin/busybox")
    runs = []
    for run in range(RUNS):
        say(f"  installations, {run + 1} of {RUNS}")
        runs.append(install_and_boot(work, origins, run))
    for name, values in zip(("installation", "dd and sha256sum", "menu from disk", "menu from the ISO"), zip(*runs)):
        say(f"  {name}: {spread(values)}")
    slower = statistics.median(install / plain for install, plain, _, _ in runs)
    later = statistics.median(disk / cd for _, _, disk, cd in runs)
    return [("install alongside, times dd and sha256sum", f"{slower:.2f}", "1.5", ""),
            ("firmware to menu: disk, times the ISO's", f"{later:.2f}", "1.0", "")]


def build_debian(work):
    """A Debian trixie Xen dom0 with libvirt: its disk, and how QEMU starts it."""
    root, disk, log = work / "debian", work / "debian.img", work / "debian.log"
    packages = ("linux-image-amd64 xen-hypervisor-4.20-amd64 xen-utils-4.20 libvirt-daemon-system "
                "libvirt-daemon-driver-xen libvirt-clients systemd-sysv udev dbus ifupdown isc-dhcp-client iproute2")
    say("  building the Debian peer")
    with log.open("w") as out:
        made = subprocess.run(["mmdebstrap", "--variant=important", f"--include={packages.replace(' ', ',')}", "trixie", root,
                               *filter(None, [os.environ.get("MIRROR")])], stdout=out, stderr=out, check=False)
    if made.returncode:
        raise vm.Disaster(f"mmdebstrap cannot make the Debian peer:\n{log.read_text()[-3000:]}")
    ready = root / "usr/local/sbin/ready"
    ready.write_text(PEER_READY)
    ready.chmod(0o755)
    (root / "etc/systemd/system/ready.service").write_text(
        "[Unit]\nAfter=libvirtd.service\n[Service]\nType=oneshot\nExecStart=/usr/local/sbin/ready\n"
        "[Install]\nWantedBy=multi-user.target\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    # As Debian ships it libvirtd shuts out xendomains, which starts at boot too, and does not wait for xenstored.
    wait = root / "etc/systemd/system/libvirtd.service.d/xen.conf"
    wait.parent.mkdir()
    wait.write_text("[Unit]\nRequires=xen.service\nAfter=xen.service\n")
    for words in (["enable", "ready.service", "libvirtd.service"], ["disable", "xendomains.service"]):
        subprocess.run(["chroot", root, "systemctl", *words], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    # Our libvirt's recipe says why: emulated processors lack vme, and libxl's driver does not start.
    for model in (root / "usr/share/libvirt/cpu_map").glob("x86_*.xml"):
        model.write_text(re.sub(r".*<feature name='vme'/>\n", "", model.read_text()))
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk, "4G"], check=True)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    (packed,) = (root / "boot").glob("xen-4*.gz")
    xen = work / "xen-debian"
    xen.write_bytes(gzip.decompress(packed.read_bytes()))
    return disk, direct(work, initrd, 1024, "root=/dev/vda console=tty0 console=hvc0 quiet", kernel, xen)


def peer_debian(work):
    """Seconds until the Debian peer can manage guests, from the same QEMU; none, and why, if it never can."""
    seconds = []
    try:
        disk, options = build_debian(work)
        for run in range(max(1, RUNS - 1)):
            say(f"  the peer, {run + 1} of {max(1, RUNS - 1)}")
            with started(options, disks=[disk]) as (host, clock):
                if host.expect("peer-(ready|failed)", 600).group(1) == "failed":
                    raise vm.Disaster(f"the Debian peer started, but does not manage guests{host.describe()}")
                seconds.append(clock())
    except vm.Disaster as problem:
        say(f"  the Debian peer is not measured: {problem}")
    return seconds


def timed(*command, **environment):
    begin = time.monotonic()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, env={**os.environ, **environment})
    return time.monotonic() - begin


def build_times():
    """Nothing changed; one C file changed, in a copy of the checkout with the same cache."""
    with tempfile.TemporaryDirectory(prefix="posada-bench-") as name:
        copy = pathlib.Path(name) / "checkout"
        shutil.copytree(vm.TOP, copy, ignore=shutil.ignore_patterns("out", ".git"))
        build, out = str(copy / "image-builder/build"), str(pathlib.Path(name) / "out")
        timed(build, "image", POSADA_OUT=out)
        nothing = timed(build, "image", POSADA_OUT=out)
        with (copy / "hypervisor/text.c").open("a") as source:
            source.write(f"/* {time.time()} */\n")
        return nothing, timed(build, "image", POSADA_OUT=out)


def cold_build():
    with tempfile.TemporaryDirectory(prefix="posada-bench-", dir=os.environ.get("TMPDIR")) as name:
        return timed(str(BUILD), "image", POSADA_CACHE=f"{name}/cache", POSADA_OUT=f"{name}/out")


def spread(values):
    return f"{statistics.median(values):.1f} s ({min(values):.1f} to {max(values):.1f}, {len(values)} runs)"


def main():
    rows = [("size of the ISO", f"{os.path.getsize(vm.ISO) / 2**20:.1f} MiB", "64 MiB", "40 MiB")]
    with tempfile.TemporaryDirectory(prefix="posada-bench-") as name:
        work = pathlib.Path(name)
        floor_image = floor_initramfs(work)
        floors, menus, managed = [], [], []
        for run in range(RUNS):
            say(f"  boots, {run + 1} of {RUNS}")
            floors.append(seconds_to(direct(work, floor_image), "floor-reached"))
            menu, manage = seconds_to_menu(direct(work, PAYLOAD / "initramfs.img"))
            menus.append(menu)
            managed.append(manage)
        floor, menu, manage = (statistics.median(values) for values in (floors, menus, managed))
        rows.append(("power-on to the menu, times the floor", f"{menu / floor:.2f}", "2.0", "1.3"))
        rows.append(("power-on to guests managed, times the floor", f"{manage / floor:.2f}", "", ""))
        if os.environ.get("PEER") == "debian":
            peers = peer_debian(work)
            rows.append(("power-on to guests managed, of Debian's time",
                         f"1/{statistics.median(peers) / manage:.1f}" if peers else "not measured", "1/2", "1/4"))
            if peers:
                say(f"  Debian Xen dom0 with libvirt: {spread(peers)}")
        say(f"  floor: {spread(floors)}; menu: {spread(menus)}; guests managed: {spread(managed)}; {vm.accelerator()}")
        rows += installed(work)
        rows += guests.measured(work, RUNS, say)
        say("  smallest dom0 memory")
        least = smallest_dom0(work)
        rows.insert(1, ("dom0 memory: boots, menu, HVM guest", f"{least} MiB" if least else "fails at 384", "384 MiB", "256 MiB"))
    say("  build times")
    nothing, one_file = build_times()
    if os.environ.get("COLD"):
        rows.append(("cold build, this machine", f"{cold_build() / 60:.1f} min", "40 min", "25 min"))
    rows.append(("nothing changed: make image again", f"{nothing:.1f} s", "5 s", "1 s"))
    rows.append(("one C file changed to a new ISO", f"{one_file:.1f} s", "60 s", "15 s"))
    say("")
    for row in (("figure", "measured", "hold", "reach for"), *rows):
        say(f"{row[0]:46} {row[1]:>14} {row[2]:>9} {row[3]:>10}")


if __name__ == "__main__":
    main()
