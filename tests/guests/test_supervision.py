# SPDX-License-Identifier: GPL-2.0-or-later
"""Programs of dom0 are killed while a guest runs: they return, and the guest never notices."""
import pytest


@pytest.fixture
def counter(host):
    """A host with a running guest that counts on its console."""
    host.posada("guest", "create", "counter", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd",
                "/data/media/counter.cpio", "--cmdline", "console=hvc0 quiet", "--memory", "128M", "--network", "none", "--start")
    return host


def count(host):
    """The number that the guest's console shows now."""
    return int(host.console("counter", r"alive (\d+)\r", 60).group(1))


def pid_of(host, name):
    return host.sh(f"pidof {name}", status=None)


def test_programs_are_back(counter):
    host = counter
    number = host.posada("guest", "show", "counter", "--json")["id"]
    for program in ("libvirtd", "xenconsoled", "udevd", "syslogd", "klogd"):
        before, first = pid_of(host, program), count(host)
        assert before, f"{program} does not run"
        host.sh(f"kill -9 {before}")
        host.until(lambda: pid_of(host, program) not in ("", before), f"{program} that is back", 60)
        assert count(host) > first, program
        after = host.posada("guest", "show", "counter", "--json")
        assert after["state"] == "running" and after["id"] == number, program
    # It starts anew when that is asked, and stops.
    first = count(host)
    host.posada("guest", "reboot", "counter", seconds=180)
    host.until(lambda: host.posada("guest", "show", "counter", "--json")["id"] not in (-1, number), "guest that has started anew", 180)
    assert count(host) < first
    host.posada("guest", "stop", "counter", seconds=180)
    assert host.posada("guest", "show", "counter", "--json")["state"] == "off"


def test_menu_is_back(counter):
    host = counter
    first = count(host)
    # The menu of this very terminal, from under the shell that was opened in it.
    host.in_shell = False
    host.send("clear; kill -9 $PPID\n")
    host.booted(60)
    host.see(r"counter +pv +running", 60)
    host.shell_open()
    assert count(host) > first
