# SPDX-License-Identifier: GPL-2.0-or-later
"""What is set of a guest holds at once where it can, and from its next start on where it cannot."""
from host import Host

GUEST = ("--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline",
         "console=hvc0 quiet", "--network", "none")


def settings(host, name):
    return host.posada("guest", "show", name, "--json")["settings"]


def test_settings(media_disk):
    with Host(disks=[media_disk], cpus=2) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        see_settings(host)


def see_settings(host):
    host.posada("guest", "create", "inn", *GUEST, "--memory", "192M", "--vcpus", "2", "--start", seconds=180)
    said = host.posada("guest", "set", "inn", "--memory", "128M", "--vcpus", "1", "--autostart", "on", "--order", "2",
                       "--on-crash", "restart")
    assert said.splitlines() == ["The guest inn is set.", "What becomes of it when it crashes: from its next start on."]
    # Xen was told at once.
    assert host.sh("virsh -q -c xen:///system dominfo inn | grep -c 'CPU(s): *1$'") == "1"
    host.until(lambda: host.sh("xl list inn | awk 'NR == 2 { print $3 }'") == "128", "guest that gives memory back")
    assert "start on" in host.posada("guest", "set", "inn", "--memory", "256M")
    assert "no boot order" in host.posada("guest", "set", "inn", "--boot", "network", status=1)
    now = settings(host, "inn")
    assert now["memory_kib"] == 256 * 1024 and now["vcpus"] == 1 and now["on_crash"] == "restart"
    assert now["autostart"] == "on" and now["order"] == 2

    # The same screen shows it, and takes it back.
    host.shell_close()
    host.menu("Guests", "inn", "Settings")
    host.see(r"Memory +256 MiB")
    host.see(r"Starts with the host +yes")
    host.choose("Starts with the host")
    host.see(r"Starts with the host +no")
    host.choose("Processors")
    host.see("How many processors")
    host.answer("2")
    host.see(r"Processors +2")
    host.home()
    assert settings(host, "inn")["autostart"] == "off"
    assert host.sh("virsh -q -c xen:///system dominfo inn | grep -c 'CPU(s): *2$'") == "1"
