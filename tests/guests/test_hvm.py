# SPDX-License-Identifier: GPL-2.0-or-later
"""A whole PC as a guest, from a third party's ISO; its screen is looked at over SSH, as a person would."""
import contextlib
import socket
import struct
import subprocess
import time

import pytest
import vm
from host import SSH_OPTIONS, Session, make_key

pytestmark = pytest.mark.slow
# The blue of a VGA text screen, whose colours have six bits.
BLUE = 0x0000A8


class Screen:
    """A guest's screen over RFB (RFC 6143), without authentication."""

    def __init__(self, port):
        self.socket = socket.create_connection(("127.0.0.1", port), 30 * vm.PATIENCE)
        version = self.take(12)
        assert version.startswith(b"RFB 003."), version
        self.socket.sendall(version)
        kinds = self.take(self.take(1)[0])
        assert 1 in kinds, kinds
        self.socket.sendall(b"\x01")
        assert self.take(4) == bytes(4)
        self.socket.sendall(b"\x01")
        self.width, self.height = struct.unpack(">HH", self.take(4))
        self.take(16)
        self.take(struct.unpack(">I", self.take(4))[0])
        # 32 bits a pixel, little endian, red at 16, green at 8, blue at 0; raw encoding only.
        self.socket.sendall(struct.pack(">B3xBBBBHHHBBB3x", 0, 32, 24, 0, 1, 255, 255, 255, 16, 8, 0))
        self.socket.sendall(struct.pack(">BxHi", 2, 1, 0))

    def take(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            assert more, "the guest's screen went away"
            data += more
        return data

    def pixels(self):
        """The whole screen now, one number 0xRRGGBB a pixel."""
        self.socket.sendall(struct.pack(">BBHHHH", 3, 0, 0, 0, self.width, self.height))
        kind, count = struct.unpack(">BxH", self.take(4))
        assert kind == 0
        found = []
        for _ in range(count):
            _, _, width, height, encoding = struct.unpack(">HHHHi", self.take(12))
            assert encoding == 0
            raw = self.take(width * height * 4)
            found += [number & 0xFFFFFF for (number,) in struct.iter_unpack("<I", raw)]
        return found

    def close(self):
        self.socket.close()


@contextlib.contextmanager
def tunnel(host, key, remote):
    """A port of this machine that leads to a port of the host's own loopback."""
    here = vm.free_port()
    command = ["ssh", *SSH_OPTIONS, "-N", "-i", key, "-p", str(host.ssh_port), "-L", f"{here}:127.0.0.1:{remote}", "root@127.0.0.1"]
    with subprocess.Popen(command) as ssh:
        try:
            deadline = time.monotonic() + 60 * vm.PATIENCE
            while True:
                host.read()
                try:
                    socket.create_connection(("127.0.0.1", here), 1).close()
                    break
                except OSError:
                    assert ssh.poll() is None and time.monotonic() < deadline, f"no SSH to the host{host.describe()}"
            yield here
        finally:
            ssh.terminate()


def ssh(host, key, *command):
    """A command over SSH: its status and what it says."""
    run = subprocess.run(["ssh", *SSH_OPTIONS, "-i", key, "-p", str(host.ssh_port), "root@127.0.0.1", *command],
                         stdout=subprocess.PIPE, text=True, timeout=60 * vm.PATIENCE, stdin=subprocess.DEVNULL, check=False)
    return run.returncode, run.stdout


@pytest.fixture(scope="module")
def key(shared_host, tmp_path_factory):
    """A key that was pasted into the menu: SSH is on for whoever has it."""
    file = make_key(tmp_path_factory.mktemp("ssh") / "key")
    assert shared_host.sh("sv status /run/service/sshd").startswith("down:"), "SSH runs before anyone has switched it on"
    assert ssh(shared_host, file, "true")[0] == 255, "SSH answers before anyone has switched it on"
    shared_host.shell_close()
    shared_host.menu("System", "SSH key")
    shared_host.see("Paste one public key")
    shared_host.answer("ssh-ed25519 no key at all")
    shared_host.see("not|no ")
    shared_host.send("\r")
    shared_host.home()
    shared_host.let_in(file)
    return file


def test_ssh_and_its_supervision(host, key):
    assert ssh(host, key, "posada", "status")[0] == 0
    host.sh("kill -9 $(pidof dropbear)")
    host.until(lambda: ssh(host, key, "true")[0] == 0, "SSH that is back")
    # A session has the menu too, at the same time as the other consoles.
    session = Session(host, key)
    session.menu()
    session.see("Log out")
    host.shell_close()
    host.booted(30)
    session.stop()


def test_memtest_runs_and_survives_its_device_model(host, key):
    host.posada("guest", "create", "tester", "--kind", "hvm", "--iso", "/data/media/memtest86+x64.iso", "--memory", "256M")
    host.posada("guest", "start", "tester", seconds=300)
    port = host.posada("guest", "show", "tester", "--json")["vnc_port"]
    assert port >= 5900
    with tunnel(host, key, port) as here:

        def is_blue():
            host.read(2)
            screen = Screen(here)
            pixels = screen.pixels()
            screen.close()
            return pixels.count(BLUE) > len(pixels) / 2

        host.until(is_blue, "blue screen of memtest86+", 900)
    host.shell_close()
    host.see(r"tester +hvm +running", 30)

    # Its device model dies: the status page says so, and starting it again is offered.
    host.sh("kill -9 $(pidof qemu-system-x86_64)")
    host.shell_close()
    host.see(r"tester +hvm +no device model", 30)
    host.see('Guests, tester, "Start again"')
    host.menu("Guests", "tester", "Start again")
    host.see(r"tester +hvm +running", 300)
    host.home()
    assert host.posada("guest", "show", "tester", "--json")["state"] == "running"
    host.posada("guest", "kill", "tester")
