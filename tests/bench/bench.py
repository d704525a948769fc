#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Measures size, memory and speed as the design's table asks, everything in one run, as ratios where it is speed."""
import contextlib
import gzip
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent))

import vm  # noqa: E402
from host import Host  # noqa: E402

RUNS = int(os.environ.get("RUNS", "3"))
PAYLOAD = pathlib.Path(vm.OUT) / "payload"
BUILD = pathlib.Path(vm.TOP) / "image-builder/build"
XEN = "dom0_mem={memory}M,max:{memory}M dom0_max_vcpus=1-4 com1=115200,8n1 console=com1 loglvl=warning"
LINUX = "lockdown=integrity console=tty0 console=hvc0 quiet"
FLOOR_INIT = "#!/bin/busybox sh\necho floor-reached\nexec /bin/busybox poweroff -f\n"
DOM0_MEMORY = 384


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


def peer_debian(work):
    """Seconds until a Debian trixie Xen dom0 with libvirt can manage guests, from the same QEMU."""
    root, disk = work / "debian", work / "debian.img"
    packages = ("linux-image-amd64 xen-hypervisor-4.20-amd64 xen-utils-4.20 libvirt-daemon-system "
                "libvirt-daemon-driver-xen libvirt-clients systemd-sysv udev dbus ifupdown isc-dhcp-client iproute2")
    say("  building the Debian peer")
    with (work / "debian.log").open("w") as log:
        subprocess.run(["mmdebstrap", "--variant=important", f"--include={packages.replace(' ', ',')}", "trixie", root],
                       check=True, stdout=log, stderr=log)
    unit = root / "etc/systemd/system/ready.service"
    unit.write_text("[Unit]\nAfter=libvirtd.service\n[Service]\nType=oneshot\n"
                    "ExecStart=/bin/sh -c 'until virsh -c xen:///system list >/dev/null; do sleep 0.2; done; "
                    "echo peer-ready >/dev/console'\n[Install]\nWantedBy=multi-user.target\n")
    (root / "etc/fstab").write_text("/dev/vda / ext4 defaults 0 1\n")
    for command in (["systemctl", "enable", "ready.service"], ["systemctl", "enable", "libvirtd.service"]):
        subprocess.run(["chroot", root, *command], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-d", root, disk, "4G"], check=True)
    (kernel,) = (root / "boot").glob("vmlinuz-*")
    (initrd,) = (root / "boot").glob("initrd.img-*")
    xen = work / "xen-debian"
    (packed,) = (root / "boot").glob("xen-4*.gz")
    xen.write_bytes(gzip.decompress(packed.read_bytes()))
    options = direct(work, initrd, 1024, "root=/dev/vda console=tty0 console=hvc0 quiet", kernel, xen)
    return [seconds_to(options, "peer-ready", disks=[disk]) for _ in range(max(1, RUNS - 1))]


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
                         f"1/{statistics.median(peers) / manage:.1f}", "1/2", "1/4"))
            say(f"  Debian Xen dom0 with libvirt: {spread(peers)}")
        say(f"  floor: {spread(floors)}; menu: {spread(menus)}; guests managed: {spread(managed)}; {vm.accelerator()}")
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
