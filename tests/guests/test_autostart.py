# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests start with the host in their order, or after a power cut that they were in, and are shut down before it stops."""
import subprocess

import pytest
from host import Host

GUEST = ("--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline",
         "console=hvc0 quiet", "--memory", "96M", "--network", "none")
VOLUME = "/data/volumes/one.img"
SHUT_DOWN = "shut down 42"


def noted(host):
    """What the guest has written when it was shut down."""
    return host.sh(f"dd if={VOLUME} bs=512 skip=1 count=1 2>/dev/null | tr -d '\\000'")


@pytest.mark.slow
def test_guests_start_and_stop_with_the_host(media_disk, tmp_path):
    disk = tmp_path / "disk"
    subprocess.run(["truncate", "-s", "4G", disk], check=True)
    with Host(disks=[disk, media_disk]) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /mnt && cp /mnt/vmlinuz /mnt/counter.cpio /mnt/writer.cpio /data/media/ && umount /mnt")
        for name in ("any", "two", "never", "broken", "ran", "idle"):
            host.posada("guest", "create", name, *GUEST)
        host.posada("guest", "create", "one", *[word.replace("counter", "writer") for word in GUEST], "--disk", "16M")
        host.posada("guest", "set", "two", "--autostart", "on", "--order", "2")
        host.posada("guest", "set", "one", "--autostart", "on", "--order", "1", "--delay", "3")
        for name in ("ran", "idle"):
            host.posada("guest", "set", name, "--autostart", "crashed")
        host.posada("guest", "start", "ran", seconds=180)
        # Another program's word for it.
        host.sh("virsh -q -c xen:///system autostart any")
        host.posada("guest", "set", "broken", "--autostart", "on")
        host.sh("f=/etc/libvirt/libxl/broken.xml; sed -i 's,/data/media/vmlinuz,/data/media/gone,' $f && sync")
        host.posada("guest", "start", "never", seconds=180)
        # The power is cut here.
    with Host(disks=[disk, media_disk]) as host:
        host.booted()
        host.see("Not every guest that starts with the host did: .*broken", 300)
        found = {guest["name"]: guest for guest in host.posada("guest", "list", "--json")}
        assert sorted(name for name in found if found[name]["state"] == "running") == ["any", "one", "ran", "two"]
        assert found["one"]["id"] < found["two"]["id"] < found["any"]["id"] < found["ran"]["id"]
        assert "running already" in host.posada("guest", "start", "one", status=1)
        # Backwards, each by its own poweroff.
        said = host.posada("guest", "stopall", seconds=300).splitlines()
        assert sorted(said[:2]) == ["The guest any is off.", "The guest ran is off."]
        assert said[2:] == ["The guest two is off.", "The guest one is off."]
        assert noted(host) == SHUT_DOWN
        host.sh(f"dd if=/dev/zero of={VOLUME} bs=512 seek=1 count=1 conv=notrunc,fsync")
        host.posada("guest", "start", "one", seconds=180)
        host.console("one", r"written \d+")
        host.shell_close()
        host.menu("Power off")
        host.see("shut down first: one")
        host.send("y")
        host.ended(180)
    with Host(disks=[disk, media_disk]) as host:
        host.booted()
        # It was shut down before the host stopped, and runs again.
        host.sh("until posada guest list | grep -q 'two .* running'; do sleep 1; done", 300)
        assert noted(host) == SHUT_DOWN
        # This one was shut down with the host, so it is not for the host to start it.
        host.sh("until [ -e /run/posada/notices/autostart ]; do sleep 1; done", 300)
        assert sorted(guest["name"] for guest in host.posada("guest", "list", "--json") if guest["state"] == "running") == ["any", "one", "two"]
