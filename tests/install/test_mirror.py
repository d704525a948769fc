# SPDX-License-Identifier: GPL-2.0-or-later
"""Two disks as a mirror: either starts alone with what is kept, and a new disk takes the place of a lost one."""
import pytest
from host import Host

ANSWERS = "[install]\\nserial = DISK0\\nmirror = DISK1\\nlayout = whole-disk\\n"
# Both disks hold all of the volume.
FILLED = "dmsetup status --target raid | grep -q ' raid1 2 AA '"


def make_disk(path, size):
    with path.open("wb") as file:
        file.truncate(size)
    return path


def end(host):
    host.sh("sync; poweroff", status=None)
    host.ended(200)


def noticed(host, *names):
    """Wait until these are all the notices about a mirror."""
    if not names:
        # The service watch has looked once more at what it tells.
        host.sh("until [ -S /run/libvirt/libvirt-sock ]; do sleep 1; done; sleep 40", 300)
    host.until(lambda: host.sh("ls /run/posada/notices | grep mirror", status=None).split() == list(names), f"notices {names}", 200)


@pytest.mark.slow
@pytest.mark.parametrize("firmware", ["bios", "uefi"])
def test_mirror(tmp_path, firmware):
    one, two = make_disk(tmp_path / "one", 3 << 30), make_disk(tmp_path / "two", 3200 << 20)
    new = make_disk(tmp_path / "new", 4 << 30)
    options = {"firmware": firmware, "variables": tmp_path / "vars"}
    with Host(disks=[one, two], **options) as host:
        host.booted()
        assert "cannot be its own mirror" in host.posada("install", "plan", "vda", "--whole-disk", "--mirror", "vda", status=1)
        assert "takes the whole disk" in host.posada("install", "plan", "vda", "--mirror", "vdb", status=1)
        assert "No mirror" in host.posada("storage", "repair", "vda", "--confirm", "vda", status=1)
        host.sh(f"printf '{ANSWERS}' >/tmp/answers")
        assert "Posada is on vda and on vdb." in host.posada("install", "apply", "--answers", "/tmp/answers", seconds=600)
        assert host.posada("storage", "list", "--json")["place"].endswith("/posada-data")
        host.sh("echo first >/data/mark")
        end(host)
    with Host(boot="disk", disks=[one, two], **options) as host:
        host.booted()
        assert host.sh("cat /data/mark") == "first"
        assert "is in use" in host.posada("storage", "repair", "vdb", "--confirm", "vdb", status=1)
        # The start looks at the mirror too.
        host.sh("while pidof posada-install; do sleep 1; done", 200)
        assert "holds what is on vda2" in host.posada("install", "mirror", seconds=200)
        noticed(host)
        host.healthy()
        end(host)
    with Host(boot="disk", disks=[two], **options) as host:
        host.booted()
        noticed(host, "mirror", "mirror-data")
        host.sh("echo second >>/data/mark")
        host.healthy()
        end(host)
    with Host(boot="disk", disks=[two, new], **options) as host:
        host.booted()
        noticed(host, "mirror", "mirror-data")
        assert "not the name" in host.posada("storage", "repair", "vdb", "--confirm", "vda", status=1)
        assert "vdb mirrors vda again" in host.posada("storage", "repair", "vdb", "--confirm", "vdb", seconds=600)
        host.sh(f"until {FILLED}; do sleep 1; done", 600)
        noticed(host)
        end(host)
    with Host(boot="disk", disks=[new], **options) as host:
        host.booted()
        assert host.sh("cat /data/mark").split() == ["first", "second"]
        noticed(host, "mirror", "mirror-data")
        end(host)
