# SPDX-License-Identifier: GPL-2.0-or-later
"""Seeds: what a guest finds on the disk that tells its first boot what to do."""
import json
import shlex

import pytest

KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f anna's \"key\""


def test_a_guest_reads_its_seed(host):
    host.sh(f"echo {shlex.quote(KEY)} >/tmp/key")
    host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/reader.cpio",
                "--cmdline", "console=hvc0 quiet", "--memory", "128M", "--seed-user", "anna", "--seed-key", "/tmp/key",
                "--seed-address", "192.0.2.7/24", "--seed-gateway", "192.0.2.1", "--start", seconds=180)
    guest = host.posada("guest", "show", "inn", "--json")
    assert [disk["path"] for disk in guest["disks"] if disk["seed"]] == ["/data/volumes/inn~seed.iso"]
    said = host.console("inn", r"(?s)begin: (.*?)\r\n(.*?)end\r")
    assert said[1].strip() == "cidata meta-data network-config user-data"
    lines = [line.strip() for line in said[2].splitlines()]
    for line in ("#cloud-config", f'instance-id: "{guest["uuid"]}"', 'local-hostname: "inn"', 'user: "anna"', f"- {json.dumps(KEY)}",
                 f'mac_address: "{guest["nics"][0]["mac"]}"', 'address: "192.0.2.7/24"', 'gateway: "192.0.2.1"'):
        assert line in lines, said[2]

    # A clone is told something else, or nothing; and a seed goes with its guest.
    host.posada("guest", "kill", "inn")
    host.posada("guest", "clone", "inn", "room")
    host.posada("guest", "clone", "inn", "suite", "--seed-host", "suite.example")
    assert not host.posada("guest", "show", "room", "--json")["disks"]
    assert host.sh("echo /data/volumes/*") == "/data/volumes/inn~seed.iso /data/volumes/suite~seed.iso"
    for name in ("inn", "suite"):
        host.posada("guest", "delete", name)
    assert host.sh("echo /data/volumes/*") == "/data/volumes/*"


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pvh", "hvm", "qemu"])
def test_every_kind_starts_with_a_seed(host, kind):
    start = ["--kernel", "/data/media/vmlinuz"] if kind == "pvh" else ["--iso", "/data/media/memtest86+x64.iso"]
    host.posada("guest", "create", "inn", "--kind", kind, *start, "--memory", "64M", "--seed-host", "inn", "--start", seconds=300)
    guest = host.posada("guest", "show", "inn", "--json")
    assert guest["state"] == "running" and guest["disks"][-1]["seed"]
    assert guest["disks"][-1]["target"] == ("vdp" if kind == "qemu" else "xvdp")
    # The guest's side of it is there, and may only be read.
    if kind != "qemu":
        assert host.sh(f"xenstore-read /local/domain/0/backend/vbd/{guest['id']}/51952/mode") == "r"
