# SPDX-License-Identifier: GPL-2.0-or-later
"""The other entries of the boot menu: serial, verbose, not locked down, and the same host without Xen."""
import pytest
from host import ISO_ENTRIES, Host


@pytest.mark.slow
@pytest.mark.parametrize("entry", ISO_ENTRIES[1:4], ids=["serial", "verbose", "devices"])
def test_entry_with_xen(entry):
    with Host() as host:
        host.start_from_iso(entry)
        host.healthy()
        status = host.posada("status", "--json")
        assert status["engine"] == "xen"
        assert any("not locked down" in notice for notice in status["notices"]) == ("devices" in entry)
        assert ("[none]" in host.sh("cat /sys/kernel/security/lockdown")) == ("devices" in entry)
        assert ("posada.verbose=1" in host.sh("cat /proc/cmdline")) == ("verbose" in entry)


def test_without_xen(media_disk):
    """Guests are plain ones then, and those that need Xen are refused with the reason."""
    with Host(disks=[media_disk]) as host:
        host.start_from_iso("Posada without Xen")
        host.healthy()
        status = host.posada("status", "--json")
        assert status["engine"] in ("kvm", "plain") and status["memory_kib"] > 1900 * 1024
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        guest = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--memory", "256M", "--network", "none")
        host.sh("insmod /data/media/unsigned.ko", status=1)
        assert "isofs" not in host.sh("lsmod")
        host.sh("insmod /data/media/signed.ko")
        refusal = host.posada("guest", "create", "inn", "--kind", "pv", *guest, status=1)
        assert "without Xen" in refusal
        host.posada("guest", "create", "inn", "--kind", "qemu", "--cmdline", "console=ttyS0 quiet", *guest, "--start", seconds=180)
        host.console("inn", r"alive \d+\r")
        host.posada("guest", "kill", "inn")
