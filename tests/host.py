# SPDX-License-Identifier: GPL-2.0-or-later
"""A booted Posada as a person meets it: the menu on the serial line, the shell behind it."""
import json
import re
import shlex
import subprocess
import tempfile
import time
import warnings

import vm

MENU = r"<F2> or <Enter> Menu"
PROMPT = r"\w+:[^ ]*# "
# What no log of a healthy host has; written so that the echo of the command which looks for it is none.
TROUBLE = (r"k[e]rnel panic|(^|[^a-z])(b[u]g|o[o]ps): |\(xen\) .*(f[a]tal|p[a]nic)|o[u]t of memory|cannot g[o] on|"
           r"g[e]neral protection fault|s[e]gfault at|c[a]ll trace|f[a]iled to start")
# How a guest ends that the emulator has spoilt; no processor can set bit 15 of EFLAGS.
LOST = r"Triple fault|EFLAGS: [0-9a-f]{4}[89a-f][0-9a-f]{3}\b"
ISO_ENTRIES = ["Posada", "Posada on a serial console", "Posada with verbose logs", "Posada for PCI devices", "Posada without Xen"]
# A host is new at each start, and so is its key.
SSH_OPTIONS = ("-o", "BatchMode=yes", "-o", "StrictHostKeyChecking=no", "-o", "UserKnownHostsFile=/dev/null", "-o", "LogLevel=ERROR")
DOWN, UP, ESC = "\x1bOB", "\x1bOA", "\x1b"


class Host(vm.Machine):
    """A machine that runs Posada's medium, once its menu is there."""
    down, up = DOWN, UP

    def __init__(self, **options):
        super().__init__(**options)
        self.in_shell = False
        self.medium = self.waits = options.get("boot", "cd") != "disk"
        self.ssh_port = next((here for here, there in options.get("forward", ()) if there == 22), None)

    def booted(self, seconds=300, hurry=True, again=True):
        """Wait for the status page; HURRY: the wait of the medium's boot menu is cut short."""
        try:
            return self.come_up(seconds, hurry)
        except vm.Disaster:
            # Emulated SVM now and then resets the machine before dom0's kernel has said a word.
            lost = vm.accelerator() == "tcg" and not self.child.isalive() and re.search(r"about to get started\.\.\.\s*$", self.log)
            if not (lost and hurry and again):
                raise
        warnings.warn(f"the emulated machine has ended {self.end()} before dom0 began: it is started again")
        self.waits = self.medium
        self.start()
        return self.booted(seconds, hurry, again=False)

    def come_up(self, seconds, hurry):
        if hurry and self.waits:
            self.see(f"{MENU}|Automatic boot in|executed automatically in", seconds)
            if not any(re.search(MENU, row) for row in self.screen.display):
                self.send("\r")
            self.waits = False
        self.see(MENU, seconds)
        return self

    # The boot menu on a disk.

    def start_entry(self, title):
        """Choose the entry of GRUB's menu that begins with TITLE: a star stands before the chosen one."""
        self.see(rf"^\W*{re.escape(title)}", 120)
        for _ in range(20):
            if any(re.search(rf"\*{re.escape(title)}", row) for row in self.screen.display):
                self.send("\r")
                return
            self.send("\x1b[B")
            self.read(0.5)
        raise vm.Disaster(f"the bar does not come to {title!r}{self.describe()}")

    def start_from_iso(self, entry):
        """Choose an entry of the medium's own menu by its place, and go on to the status page."""
        self.expect("Automatic boot in", 60)
        for _ in range(ISO_ENTRIES.index(entry)):
            self.send("\x1b[B")
            self.read(0.5)
        self.send("\r")
        return self.booted(hurry=False)

    # The menu.

    def marked(self):
        """The number of the row with the bar, in a menu or in a list, or None."""
        def look(row, column):
            cell = self.screen.buffer[row][column]
            return cell.bg, cell.reverse

        for row, text in enumerate(self.screen.display):
            first = re.search(r"\w", text)
            if 1 < row < 22 and first and look(row, first.start()) not in (
                    look(row - 1, first.start()), look(row + 1, first.start())):
                return row
        return None

    def choose(self, name, seconds=30):
        """Move the bar to the entry NAME of what is on the screen, and press Enter."""
        pattern = rf"^[\s│x|]*{re.escape(name)}(\s|$)"

        def row():
            return next((n for n, text in enumerate(self.screen.display) if 1 < n < 23 and re.search(pattern, text)), None)

        def distance():
            self.until(lambda: row() is not None and self.marked() is not None, f"entry {name!r} to choose", seconds)
            return row() - self.marked()

        tries = 0
        # On a busy machine a key or half a screen may still be under way.
        while (steps := distance()) or self.read() or (steps := distance()):
            tries += 1
            assert tries < 40, f"the bar does not come to {name!r}{self.describe()}"
            before, end = self.marked(), time.monotonic() + 10 * vm.PATIENCE
            self.send(self.down if steps > 0 else self.up)
            # A key whose bytes come apart on a slow line is no arrow, and is pressed again.
            while self.marked() in (None, before) and time.monotonic() < end:
                self.read()
        self.send("\r")

    def answer(self, text):
        """Replace what a field offers by TEXT."""
        self.send("\x15" + text + "\r")

    def menu(self, *names):
        """From the status page through the menu."""
        self.shell_close()
        self.booted(30)
        self.send("\r")
        for name in names:
            self.choose(name)

    def let_in(self, key):
        """By the menu: whoever has the SSH key in the file KEY can log in."""
        self.menu("System", "SSH key")
        self.see("Paste one public key")
        self.answer(key.with_suffix(".pub").read_text().strip())
        self.see("can log in")
        self.send("\r")
        self.home()

    def make_place(self, disk, room, name):
        """Storage, Make: a data place in the ROOM of DISK, confirmed by NAME; what comes of that is for the test to see."""
        self.menu("Storage", "Make")
        self.see("On which disk", 120)
        self.choose(disk)
        self.choose(room)
        self.see("The plan|the plan", 120)
        self.send("\r")
        self.see(f"Type its name, {disk}")
        self.answer(name)

    def home(self):
        """Back to the status page from wherever the menu is."""
        for _ in range(8):
            self.read(1)
            if any(re.search(MENU, row) for row in self.screen.display):
                return
            self.send(ESC)
        self.booted(10)

    # The shell.

    def shell_open(self):
        """The menu's shell, with a prompt that can be waited for."""
        if not self.in_shell:
            self.menu("Shell")
            self.see(PROMPT)
            self.in_shell = True
            # A long line that wraps would hide marks from a reader of the stream.
            self.shell("stty cols 1000")
            # The menu is there before every device is.
            self.shell("until [ -e /run/posada/configured ]; do sleep 1; done", 300)

    def shell_close(self):
        if self.in_shell:
            self.in_shell = False
            self.send("stty cols 80; exit\n")
            self.see("Power off")
            self.home()

    def sh(self, command, seconds=60, status=0):
        """Run COMMAND on the host; what it says. STATUS None: whatever it may be."""
        self.shell_open()
        output, code = self.shell(command, seconds)
        assert status is None or code == status, f"{command}: status {code}: {output}{self.describe()}"
        return output

    def posada(self, *words, status=0, seconds=120):
        """The program posada; with --json what it prints, parsed."""
        output = self.sh(shlex.join(["posada", *words]), seconds, status)
        return json.loads(output) if "--json" in words and status == 0 else output

    def console(self, guest, pattern, seconds=300, tries=2):
        """Join GUEST's console until it says PATTERN, and leave it; the match is returned."""
        self.shell_open()
        since = len(self.log)
        self.send(f"posada guest console {guest}\n")
        # A prompt before this may be the one at which the command was typed.
        since += self.expect("Press Ctrl-] to leave it", 30, since).end()
        found = self.expect(rf"{pattern}|\n(?P<ended>posada:\S*# )", seconds, since)
        if found["ended"]:
            # Emulated SVM now and then loses a guest at its first step into user mode, or runs it with another's flags.
            assert re.search(LOST, self.log[since:]) and vm.accelerator() == "tcg" and tries, f"{guest} has ended{self.describe()}"
            warnings.warn(f"the emulated processor has lost the guest {guest}: it is started again")
            self.until(lambda: self.posada("guest", "show", guest, "--json")["state"] != "running", f"guest {guest} that has ended")
            # A fault like that is a reboot to Xen: between two looks libvirt may have started it by itself.
            self.posada("guest", "start", guest, seconds=180, status=None)
            return self.console(guest, pattern, seconds, tries - 1)
        # Nothing is typed before the shell reads again: it would go to the guest.
        since = len(self.log)
        self.send("\x1d")
        self.expect(PROMPT, 30, since)
        return found

    def healthy(self):
        """No service has failed, none of them flaps, nothing terrible is in the log."""
        states = self.sh("sv status /run/service/*")
        meant_down = ("dhcp", "iscsid", "network-trial", "sshd", "xen-ready")
        services = re.findall(r"^(run|down|finish|fail\w*): /run/service/(\S+):", states, re.M)
        assert len(services) > 6 and all(state == "run" or name in meant_down for state, name in services), states
        found = self.sh(f"(dmesg; cat /var/log/messages) | grep -iE -B 40 -A 24 {shlex.quote(TROUBLE)}", 120, status=None)
        assert not found, found


def make_key(file):
    """A new SSH key in FILE, and its public half beside it."""
    subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "someone@somewhere", "-f", file], check=True)
    return file


class Session(Host):
    """A person's terminal over SSH, until it is stopped as if the connection broke; the host's own console is read along."""
    down, up = "\x1b[B", "\x1b[A"

    def __init__(self, host, key):
        self.host, self.in_shell, self.medium, self.waits = host, False, False, False
        self.scratch = tempfile.mkdtemp(prefix="posada-ssh-")
        self.command = ["env", "TERM=linux", "ssh", *SSH_OPTIONS, "-t", "-i", str(key), "-p", str(host.ssh_port), "root@127.0.0.1"]
        self.start()

    def read(self, seconds=0.2):
        self.host.read(0.01)
        super().read(seconds)

    def wake(self):
        """It is the host that sleeps, if anybody."""
