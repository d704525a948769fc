# SPDX-License-Identifier: GPL-2.0-or-later
"""A guest's screen is seen as a picture, and the way to it is told; a guest without one says so."""
import re

import pytest

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("kind", ["hvm", "qemu"])
def test_picture(host, kind):
    host.posada("guest", "create", "tester", "--kind", kind, "--iso", "/data/media/memtest86+x64.iso", "--memory", "128M")
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
    host.menu("Guests", "tester", "Screen")
    host.see(re.escape(line))
    host.home()


def test_no_screen(host):
    host.posada("guest", "create", "counter", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd",
                "/data/media/counter.cpio", "--memory", "128M", "--network", "none", "--start")
    assert "only a console" in host.posada("guest", "display", "counter", status=1)
    assert "only a console" in host.posada("guest", "screenshot", "counter", "/tmp/a.png", status=1)
