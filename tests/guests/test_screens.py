# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's screen is seen as a picture, and the way to it is told; a guest without one says so."""
import base64
import hashlib
import os
import re
import socket
import ssl

import pytest
import vm
from host import Host

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["hvm", "qemu"])
def test_picture(host, kind):
    host.posada("guest", "create", "tester", "--kind", kind, "--iso", "/data/media/memtest86+x64.iso", "--memory", "128M" if kind == "hvm" else "64M")
    assert "Start it first" in host.posada("guest", "screenshot", "tester", "/tmp/a.png", status=1)
    host.posada("guest", "start", "tester", seconds=300)
    display = host.posada("guest", "display", "tester", "--json")
    assert display["port"] >= 5900 and display["host"] == "10.0.2.15"
    line = f"ssh -N -L {display['port']}:127.0.0.1:{display['port']} root@10.0.2.15"
    assert line in host.posada("guest", "display", "tester")

    def is_blue():
        host.read(2)
        host.posada("guest", "screenshot", "tester", "/tmp/a.ppm")
        width, height = map(int, re.match(r"P6\s+(\d+) (\d+)", host.sh("head -n 2 /tmp/a.ppm")).groups())
        assert int(host.sh("wc -c </tmp/a.ppm")) == width * height * 3 + len(f"P6\n{width} {height}\n255\n")
        # The blue of a VGA text screen.
        return int(host.sh("tr -dc '\\250' </tmp/a.ppm | wc -c")) > width * height / 2

    host.until(is_blue, "blue screen of memtest86+", 900)
    host.posada("guest", "screenshot", "tester", "/tmp/a.png")
    assert host.sh("head -c 4 /tmp/a.png | xxd -p; echo /tmp/a.*") == "89504e47\n/tmp/a.png /tmp/a.ppm"
    assert "neither in .png" in host.posada("guest", "screenshot", "tester", "/tmp/a.gif", status=1)
    assert "cannot be written" in host.posada("guest", "screenshot", "tester", "/none/a.png", status=1)
    host.menu("Guests", "tester", "Screen", "SSH")
    host.see(re.escape(line))
    host.home()


def test_no_screen(host):
    host.posada("guest", "create", "counter", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd",
                "/data/media/counter.cpio", "--memory", "128M", "--network", "none", "--start")
    assert "only a console" in host.posada("guest", "display", "counter", status=1)
    assert "only a console" in host.posada("guest", "screenshot", "counter", "/tmp/a.png", status=1)


class Browser:
    """Asks as a browser does, and compares the certificate with what the person was told."""

    def __init__(self, port, fingerprint):
        self.port, self.fingerprint = port, fingerprint.replace(":", "").lower()

    def connect(self, path, *headers):
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        stream = context.wrap_socket(socket.create_connection(("127.0.0.1", self.port), 60 * vm.PATIENCE))
        assert hashlib.sha256(stream.getpeercert(True)).hexdigest() == self.fingerprint
        stream.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: inn", *headers, "", ""]).encode())
        return stream

    def get(self, path):
        with self.connect(path) as stream:
            answer = b"".join(iter(lambda: stream.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        return head.decode().splitlines(), body


def test_browser(media_disk):
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Host(disks=[media_disk], forward=[(port, 6080)]) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        host.posada("guest", "create", "tester", "--kind", "qemu", "--iso", "/data/media/memtest86+x64.iso", "--memory", "64M")
        assert "Start it first" in host.posada("guest", "display", "tester", "--web", status=1)
        host.posada("guest", "start", "tester", seconds=300)
        assert ":6080 " not in host.sh("netstat -lnt")
        web = host.posada("guest", "display", "tester", "--web", "--json")
        token = re.fullmatch(r"https://10\.0\.2\.15:6080/([0-9a-f]{32})", web["address"]).group(1)
        browser = Browser(port, web["fingerprint"])
        # Whoever lacks the token gets nothing, and whoever has it gets our files alone.
        assert browser.get("/")[0][0] == browser.get(f"/{'0' * 32}/vnc_lite.html")[0][0] == "HTTP/1.1 403 Forbidden"
        assert browser.get(f"/{token}/../../../etc/passwd")[0][0] == "HTTP/1.1 404 Not Found"
        assert any(line == f"Location: /{token}/vnc_lite.html?path={token}/screen&scale=true" for line in browser.get(f"/{token}")[0])
        page = browser.get(f"/{token}/vnc_lite.html")[1].decode()
        assert "./core/rfb.js" in page and b"export default class RFB" in browser.get(f"/{token}/core/rfb.js")[1]
        key = base64.b64encode(os.urandom(16)).decode()
        upgrade = ("Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Version: 13", f"Sec-WebSocket-Key: {key}")
        with browser.connect(f"/{token}/screen", *upgrade) as stream:
            said = b""
            while not said.endswith(b"RFB 003.008\n"):
                said += stream.recv(4096)
                host.read(0.1)
            assert said.startswith(b"HTTP/1.1 101 ")
            # It was for one: the door is shut, and the server is nobody.
            host.until(lambda: ":6080 " not in host.sh("netstat -lnt"), "port that is closed")
            assert host.sh("ps -o user,comm | awk '$2 == \"posada-screen\" { print $1 }' | sort -u") in ("nobody", "65534")
        host.until(lambda: not host.sh("pidof posada-screen", status=None), "end of the server")
