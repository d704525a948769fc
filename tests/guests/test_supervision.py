# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of dom0 are killed while a guest runs: they return, and the guest never notices."""
import pytest

# A guest that counts on its console and powers off when it is asked to: BusyBox is its whole system.
GUEST = r"""
mkdir -p /tmp/guest/bin && cd /tmp/guest && cp /usr/bin/busybox bin/
cat >init <<'END'
#!/bin/busybox sh
/bin/busybox mkdir -p /proc /sys /dev
/bin/busybox mount -t devtmpfs devtmpfs /dev
/bin/busybox mount -t sysfs sysfs /sys
n=0
while :; do n=$((n + 1)); echo "alive $n"; /bin/busybox sleep 1; done
END
cat >bin/poweroff <<'END'
#!/bin/busybox sh
exec /bin/busybox poweroff -f
END
chmod 755 init bin/poweroff; mkdir sbin; cp bin/poweroff sbin/
find . | cpio -o -H newc 2>/dev/null >/data/volumes/guest.cpio; cd /; rm -r /tmp/guest
"""


@pytest.fixture
def guest(host):
    """A running PV guest made of our own kernel and BusyBox."""
    for line in ("cat >/tmp/make <<'MAKE'", *GUEST.strip().splitlines(), "MAKE"):
        host.shell_open()
        host.send(line + "\n")
        host.read(0.1)
    host.sh("sh -e /tmp/make")
    host.posada("guest", "create", "counter", "--kind", "pv", "--kernel", "/run/payload/payload/vmlinuz", "--initrd",
                "/data/volumes/guest.cpio", "--cmdline", "console=hvc0 quiet", "--memory", "128M", "--network", "none", "--start")
    yield host
    host.sh("rm -f /data/volumes/guest.cpio /tmp/make")


def count(host):
    """The number that the guest's console shows now."""
    since = len(host.log)
    host.send("posada guest console counter\n")
    found = host.expect(r"alive (\d+)\r", 60, since)
    host.send("\x1d")
    host.see(r"posada:.*# ")
    return int(found.group(1))


def pid_of(host, name):
    return host.sh(f"pidof {name}", status=None)


@pytest.mark.parametrize("program", ["libvirtd", "xenconsoled", "udevd", "syslogd", "klogd"])
def test_program_is_back(guest, program):
    host = guest
    before, first, number = pid_of(host, program), count(host), host.posada("guest", "show", "counter", "--json")["id"]
    assert before, f"{program} does not run"
    host.sh(f"kill -9 {before}")
    host.until(lambda: pid_of(host, program) not in ("", before), f"{program} that is back", 60)
    assert count(host) > first
    after = host.posada("guest", "show", "counter", "--json")
    assert after["state"] == "running" and after["id"] == number
    host.posada("guest", "stop", "counter", seconds=180)
    assert host.posada("guest", "show", "counter", "--json")["state"] == "off"


def test_menu_is_back(guest):
    host = guest
    first = count(host)
    # The menu on this very terminal, from under the shell that was opened in it.
    host.sh("(sleep 2; kill -9 $PPID) >/dev/null 2>&1 &")
    host.in_shell = False
    host.send("clear; exit\n")
    host.read(4)
    host.booted(60)
    host.see(r"counter +pv +running", 60)
    assert count_after_reopening(host) > first


def count_after_reopening(host):
    host.shell_open()
    return count(host)
