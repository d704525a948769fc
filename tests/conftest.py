# SPDX-License-Identifier: GPL-2.0-or-later
"""What the tests share: the media that guests start from, and one booted host."""
import pathlib
import socket
import subprocess

import pytest
from host import Host

TOP = pathlib.Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def guest_files():
    """A folder with Debian's installer (linux, initrd.gz) and boot ISOs of third parties."""
    built = subprocess.run([TOP / "image-builder/build", "path", "test-guests"], check=True, stdout=subprocess.PIPE, text=True)
    return pathlib.Path(built.stdout.strip())


@pytest.fixture(scope="session")
def media_disk(guest_files, tmp_path_factory):
    """A disk with those files, for a host to mount."""
    disk = tmp_path_factory.mktemp("media") / "media.img"
    size = sum(file.stat().st_size for file in guest_files.iterdir()) // 2**20 + 64
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "MEDIA", "-d", guest_files, disk, f"{size}M"], check=True)
    return disk


@pytest.fixture(scope="session")
def shared_host(media_disk):
    """The host that most tests share; each leaves it as it found it."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    with Host(memory=3072, disks=[media_disk], forward=[(port, 22)]) as host:
        host.ssh_port = port
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        yield host


@pytest.fixture
def host(shared_host):
    """The shared host at its menu; its guests are gone again after the test."""
    yield shared_host
    if not shared_host.in_shell:
        shared_host.home()
    for guest in shared_host.posada("guest", "list", "--json"):
        if guest["state"] not in ("off", "crashed"):
            shared_host.posada("guest", "kill", guest["name"])
        shared_host.posada("guest", "delete", guest["name"], "--disks")
    shared_host.shell_close()
