#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Starts a machine in QEMU from Posada's media: for a person at a terminal, and for the tests."""
import argparse
import functools
import json
import os
import pathlib
import re
import shlex
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OUT = os.environ.get("POSADA_OUT", os.path.join(TOP, "out"))
VERSION = open(os.path.join(TOP, "VERSION"), encoding="utf-8").read().strip()
ISO = os.path.join(OUT, f"posada-{VERSION}-amd64.iso")
PXE = os.path.join(OUT, "pxe")

# Time-outs are generous; a slow machine multiplies them.
PATIENCE = float(os.environ.get("PATIENCE", "1"))
# So many seconds without a word on the console, and the machine may have lost its timer.
SILENCE = 15
# How many processors a machine gets that does not say.
CPUS = int(os.environ.get("CPUS", "2"))

# What must never show on a console, whatever a test is waiting for.
DISASTERS = (
    r"Kernel panic|\bBUG: |\bOops: |\(XEN\) .*(FATAL|Panic)|Out of memory: Killed|"
    r"this machine cannot go on|general protection fault"
)


class Disaster(AssertionError):
    """The machine said one of DISASTERS, died, or did not do in time what was expected."""


@functools.cache
def accelerator():
    """ "kvm" where our own kernel really runs on it (a device that opens proves nothing), else "tcg"."""
    asked = os.environ.get("ACCEL")
    if asked:
        return asked
    if not os.access("/dev/kvm", os.R_OK | os.W_OK):
        return "tcg"
    # Without a root file system the kernel panics, restarts, and QEMU ends by itself.
    command = ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host", "-m", "512", "-nographic", "-no-reboot",
               "-kernel", os.path.join(OUT, "payload/vmlinuz"), "-append", "console=ttyS0 panic=-1"]
    with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as ran:
        killer = threading.Timer(20, ran.kill)
        killer.start()
        proven = False
        for line in ran.stdout:
            proven = proven or b"Kernel panic" in line
            if b"KVM internal error" in line or b"failed to initialize" in line:
                ran.kill()
        killer.cancel()
    return "kvm" if proven and ran.returncode == 0 else "tcg"


def free_port():
    """A port of this machine's loopback that nobody has."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def built(package):
    """Where the built files of a package lie."""
    path = subprocess.run([f"{TOP}/image-builder/build", "path", package], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(path.stdout.strip())


def with_needs(package):
    """A package, and all that it needs to run."""
    recipe = pathlib.Path(f"{TOP}/image-builder/packages/{package}/recipe").read_text(encoding="utf-8")
    depends = re.search(r'^depends="([^"]*)"', recipe, re.M)
    return {package}.union(*(with_needs(need) for need in (depends[1].split() if depends else ())))


@functools.cache
def emulator():
    """The QEMU of the image, to run here: others lose interrupts, guests and themselves where they emulate SVM."""
    libraries = ":".join(f"{built(package)}/usr/lib" for package in sorted(with_needs("qemu")))
    return [f"{built('musl')}/usr/lib/libc.so", "--library-path", libraries,
            f"{built('qemu')}/usr/bin/qemu-system-x86_64", "-L", f"{built('qemu')}/usr/share/qemu"]


def first_file(*names):
    """The first of these files that this machine has."""
    for name in names:
        if os.path.exists(name):
            return name
    raise FileNotFoundError(f"none of {', '.join(names)} is here: is the package that brings it installed?")


def command_line(scratch, boot="cd", firmware="bios", memory=2048, cpus=CPUS, disks=(), nic="virtio-net-pci",
                 serial="mon:stdio", forward=(), variables=None, stick=None, extra=()):
    """The QEMU command for a machine; SCRATCH is a directory for what it writes, VARIABLES what its UEFI remembers,
    STICK a file that keeps what is written to the USB stick."""
    if accelerator() == "kvm":
        machine = ["-accel", "kvm", "-cpu", "host"]
    else:
        # EPYC models crash Xen under emulation; this one has what Xen needs for HVM.
        machine = ["-accel", "tcg,thread=multi", "-cpu", "qemu64,+svm,+npt"]
    args = ["qemu-system-x86_64", "-name", "posada", "-machine", "q35" if firmware == "uefi" else "pc", *machine,
            "-smp", str(cpus), "-m", str(memory), "-display", "none", "-vga", "std", "-serial", serial,
            "-qmp", f"unix:{scratch}/qmp,server=on,wait=off", "-no-reboot",
            "-device", "qemu-xhci,id=usb"]
    if firmware == "uefi":
        code = first_file("/usr/share/OVMF/OVMF_CODE_4M.fd", "/usr/share/OVMF/OVMF_CODE.fd")
        variables = variables or os.path.join(scratch, "vars.fd")
        if not os.path.exists(variables):
            shutil.copy(code.replace("CODE", "VARS"), variables)
        args += ["-drive", f"if=pflash,format=raw,readonly=on,file={code}",
                 "-drive", f"if=pflash,format=raw,file={variables}"]
    if boot == "cd":
        args += ["-drive", f"if=none,id=medium,media=cdrom,format=raw,readonly=on,file={ISO}",
                 "-device", "ide-cd,drive=medium,bootindex=0"]
    elif boot == "usb":
        args += ["-drive", f"if=none,id=medium,format=raw,{f'file={stick}' if stick else f'snapshot=on,file={ISO}'}",
                 "-device", "usb-storage,id=stick,drive=medium,bootindex=0"]
    net = f"user,id=net{''.join(f',hostfwd=tcp:127.0.0.1:{here}-:{there}' for here, there in forward)}"
    if boot == "pxe":
        net += f",tftp={PXE},bootfile={'EFI/BOOT/BOOTX64.EFI' if firmware == 'uefi' else 'pxelinux.0'}"
    if nic:
        args += ["-netdev", net, "-device", f"{nic},netdev=net{',bootindex=0' if boot == 'pxe' else ''}"]
    else:
        args += ["-nic", "none"]
    for number, disk in enumerate(disks):
        # A file that nobody may write to is one that several machines can have.
        readonly = "off" if os.stat(disk).st_mode & 0o200 else "on"
        args += ["-drive", f"if=none,id=disk{number},format=raw,readonly={readonly},file={disk}",
                 "-device", f"virtio-blk-pci,drive=disk{number},serial=DISK{number}"
                            f"{',bootindex=0' if boot == 'disk' and not number else ''}"]
    return [*args, *extra]


class Machine:
    """A running machine: its console as a stream and as a screen of 80x24, and its monitor."""

    def __init__(self, wrapper=(), **options):
        self.scratch = tempfile.mkdtemp(prefix="posada-vm-")
        # Ctrl-C is a key of the console like any other.
        self.command = [*wrapper, *emulator(), *command_line(self.scratch, serial="chardev:line", **options)[1:],
                        "-chardev", "stdio,id=line,signal=off"]
        self.start()

    def start(self):
        """Switch it on."""
        import pexpect  # only tests need these two
        import pyte

        self.pexpect = pexpect
        self.screen = pyte.Screen(80, 24)
        self.stream = pyte.Stream(self.screen)
        self.log = ""
        self.heard = time.monotonic()
        self.child = self.pexpect.spawn(self.command[0], self.command[1:], encoding="utf-8", codec_errors="replace",
                                        dimensions=(24, 80), timeout=None)
        self.qmp_file = None

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()

    def stop(self):
        """End the machine as if its plug were pulled."""
        self.child.close(force=True)
        shutil.rmtree(self.scratch, ignore_errors=True)

    def describe(self):
        """How a person sees the same machine, and what its console said last."""
        rows = "\n".join(self.screen.display)
        return f"\n--- command\n{shlex.join(self.command)}\n--- screen\n{rows}\n--- end of log\n{self.log[-3000:]}"

    def read(self, seconds=0.2):
        """Take in what the console says within SECONDS; disasters raise at once."""
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            try:
                text = self.child.read_nonblocking(65536, timeout=left)
            except self.pexpect.TIMEOUT:
                self.wake()
                return
            except self.pexpect.EOF:
                raise Disaster(f"the machine ended {self.end()}{self.describe()}") from None
            start = max(0, len(self.log) - 200)
            self.heard = time.monotonic()
            self.log += text
            self.stream.feed(text)
            if found := re.search(DISASTERS, self.log[start:]):
                raise Disaster(f"the console said {found.group(0)!r}{self.describe()}")

    def end(self):
        """How the emulator ended: its status, or the signal that it was ended by."""
        deadline = time.monotonic() + 5
        while self.child.isalive() and time.monotonic() < deadline:
            time.sleep(0.05)
        return f"by signal {self.child.signalstatus}" if self.child.signalstatus else f"with status {self.child.exitstatus}"

    def wake(self):
        """Interrupt the processor of a machine that has long been silent, by a key that nothing has a use for.

        Seen with a PVH guest under emulation: the only processor sleeps and its timer's interrupt is lost, so that
        nothing moves for minutes. Any other interrupt lets all go on.
        """
        if accelerator() == "tcg" and time.monotonic() - self.heard > SILENCE:
            self.heard = time.monotonic()
            try:
                self.qmp("send-key", keys=[{"type": "qcode", "data": "audiomute"}])
            except (OSError, ValueError):  # it has ended, which the console says next
                pass

    def until(self, condition, what, seconds=60):
        """Read until CONDITION() is true; its value is returned."""
        deadline = time.monotonic() + seconds * PATIENCE
        while not (value := condition()):
            if time.monotonic() > deadline:
                raise Disaster(f"no {what} within {seconds * PATIENCE:.0f} s{self.describe()}")
            self.read()
        return value

    def expect(self, pattern, seconds=60, since=0):
        """Wait for PATTERN in the console's stream, from position SINCE of the log on."""
        return self.until(lambda: re.search(pattern, self.log[since:]), f"{pattern!r} on the console", seconds)

    def see(self, pattern, seconds=60):
        """Wait for PATTERN on the screen as a person sees it now; the row that shows it is returned."""
        def row():
            return next((row for row in self.screen.display if re.search(pattern, row)), None)
        return self.until(row, f"{pattern!r} on the screen", seconds)

    def send(self, text):
        """Type TEXT, not faster than Xen's console takes it: it holds 128 characters for dom0."""
        for start in range(0, len(text), 32):
            self.child.send(text[start:start + 32])
            if len(text) > 32:
                self.read(0.1)

    def type(self, line):
        """Send LINE to a shell, each part once the part before it was echoed, however slow the machine is."""
        for start in range(0, len(line), 32):
            part, before, end = line[start:start + 32], len(self.log), time.monotonic() + 2 * PATIENCE
            self.child.send(part)
            while len(self.log) < before + len(part) and time.monotonic() < end:
                self.read(0.02)

    def shell(self, command, seconds=60):
        """Run COMMAND in the shell that the console shows; its output and status come back."""
        mark = f"end-{time.monotonic_ns()}"
        since = len(self.log)
        # The marks are split in the command, so that its echo, of which there can be two, does not look like its output.
        split = f"{mark[:4]}''{mark[4:]}"
        self.type(f"echo {split}; {command}; echo {split} $?\n")
        found = self.expect(rf"(?s){mark}\r*\n(.*){mark} (\d+)\D", seconds, since)
        return found.group(1).replace("\r", "").strip(), int(found.group(2))

    def ended(self, seconds=120):
        """Wait until the machine has powered itself off."""
        deadline = time.monotonic() + seconds * PATIENCE
        while time.monotonic() < deadline:
            try:
                self.read()
            except Disaster as disaster:
                if "the machine ended" in str(disaster):
                    return
                raise
        raise Disaster(f"still running after {seconds * PATIENCE:.0f} s{self.describe()}")

    def qmp(self, execute, **arguments):
        """One command of QEMU's monitor protocol; its answer."""
        if not self.qmp_file:
            connection = socket.socket(socket.AF_UNIX)
            connection.connect(f"{self.scratch}/qmp")
            self.qmp_file = connection.makefile("rw")
            self.qmp_file.readline()
            self.qmp("qmp_capabilities")
        self.qmp_file.write(json.dumps({"execute": execute, "arguments": arguments}) + "\n")
        self.qmp_file.flush()
        while True:
            answer = json.loads(self.qmp_file.readline())
            if "error" in answer:
                raise RuntimeError(f"{execute}: {answer['error']['desc']}")
            if "return" in answer:
                return answer["return"]


def main():
    """Boot the image in this terminal."""
    parser = argparse.ArgumentParser(description="Boot Posada in QEMU, its serial console in this terminal.")
    parser.add_argument("--boot", choices=["cd", "usb", "pxe", "disk"], default=os.environ.get("BOOT") or "cd")
    parser.add_argument("--firmware", choices=["bios", "uefi"], default=os.environ.get("FIRMWARE") or "bios")
    parser.add_argument("--memory", type=int, default=int(os.environ.get("MEM") or 2048), metavar="MIB")
    parser.add_argument("--disk", action="append", default=(os.environ.get("DISK") or "").split(), metavar="FILE")
    options = parser.parse_args()
    for disk in options.disk:
        if not os.path.exists(disk):
            sys.exit(f"vm: the disk {disk} is not there; make one with: qemu-img create {disk} 20G")
    if not os.path.exists(ISO):
        sys.exit(f"vm: {ISO} is not there; build it with: make image")
    scratch = tempfile.mkdtemp(prefix="posada-vm-")
    command = command_line(scratch, options.boot, options.firmware, options.memory, disks=options.disk)
    print(shlex.join(command))
    print(f"\nAcceleration: {accelerator()}. To leave: Ctrl-a x. QEMU's monitor: Ctrl-a c.\n", flush=True)
    try:
        sys.exit(subprocess.call(command))
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


if __name__ == "__main__":
    main()
