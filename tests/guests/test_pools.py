# SPDX-License-Identifier: GPL-2.0-or-later
"""Pools beside the one on the data place: made, filled, grown, pulled out, and found again after a reboot."""
import os
import shutil
import socket
import subprocess
import time

import pytest
from host import Host

MEDIA = "/tmp/media"


# NFS over one port of this machine, with nothing around it.
GANESHA = """
NFS_CORE_PARAM { Protocols = 4; NFS_Port = 2049; Bind_addr = 127.0.0.1; Enable_NLM = false; Enable_RQUOTA = false; Enable_UDP = false; }
NFSV4 { Graceless = true; RecoveryBackend = fs; RecoveryRoot = %(state)s; }
EXPORT {
	Export_Id = 1; Path = %(export)s; Pseudo = /guests; Access_Type = RW; Squash = No_Root_Squash;
	Protocols = 4; Transports = TCP; SecType = sys; FSAL { Name = VFS; }
}
"""


def pools(host):
    return {pool["name"]: pool for pool in host.posada("pool", "list", "--json")}


def notices(host):
    host.posada("pool", "check")
    return " ".join(host.posada("status", "--json")["notices"])


def make_guest(host, name, *words, runs="counter", **options):
    return host.posada("guest", "create", name, "--kind", "pv", "--kernel", f"{MEDIA}/vmlinuz", "--initrd", f"{MEDIA}/{runs}.cpio",
                       "--memory", "128M", *words, **options)


def boot(disks, stick, plugged=True):
    # The names of the disks change from boot to boot, what is on them does not.
    return Host(memory=2048, disks=disks, extra=[
        "-blockdev", f"driver=raw,node-name=pulled,file.driver=file,file.filename={stick}",
        *(["-device", "usb-storage,id=pulled,drive=pulled,serial=PULLED"] if plugged else [])])


def plug(host):
    host.qmp("device_add", driver="usb-storage", id="pulled", drive="pulled", bus="usb.0", serial="PULLED")


def booted(host):
    """With what the guests start from."""
    host.booted()
    host.sh(f"mkdir -p {MEDIA} && mount -o ro /dev/disk/by-label/MEDIA {MEDIA}")


@pytest.mark.slow
def test_pools_live_and_last(tmp_path, media_disk):
    place, one, two, stick = (tmp_path / name for name in ("place", "one", "two", "stick"))
    for disk, size in ((place, "2G"), (one, "1G"), (two, "1G"), (stick, "512M")):
        subprocess.run(["truncate", "-s", size, disk], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "PRECIOUS", one], check=True)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-m", "0", stick], check=True)
    with boot([place, one, two, media_disk], stick) as host:
        booted(host)
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        # What is on a disk is shown, and stays unless its name is given.
        create = ("pool", "create", "fast", "--kind", "lvm", "--source", "vdb")
        said = host.sh("posada pool create fast --kind lvm --source vdb </dev/null 2>&1", status=1)
        assert "PRECIOUS" in said and "no terminal" in said
        assert "not the name" in host.posada(*create, "--confirm", "vdc", status=1)
        assert "PRECIOUS" in host.sh("blkid /dev/vdb")
        assert "in use" in host.posada("pool", "create", "fast", "--kind", "lvm", "--source", "vda", status=1)
        host.posada(*create, "--confirm", "vdb", seconds=180)
        assert pools(host)["fast"]["kind"] == "lvm" and pools(host)["fast"]["state"] == "ready"
        before = pools(host)["fast"]["bytes"]
        # A guest's disk in it is a logical volume of that size.
        make_guest(host, "blocks", "--disk", "600M", "--pool", "fast", "--start")
        disk = host.posada("guest", "show", "blocks", "--json")["disks"][0]["path"]
        assert host.sh(f"blockdev --getsize64 {disk}") == str(600 << 20)
        host.posada("guest", "kill", "blocks", status=None)
        host.sh(f"printf lvm | dd of={disk} conv=notrunc,fsync")
        # Nobody gets what it is on, also while it is not in use.
        host.posada("pool", "detach", "fast")
        assert "The pool fast" in host.posada("guest", "attach", "blocks", "--disk", "/dev/vdb", status=1)
        host.posada("pool", "attach", "fast")
        assert "does not fit" in make_guest(host, "large", "--disk", "600M", "--pool", "fast", status=1)
        assert "raw" in make_guest(host, "large", "--disk", "60M", "--pool", "fast", "--format", "qcow2", status=1)
        # Through the menu, as a person does it.
        host.menu("Storage", "Pools")
        host.choose("fast")
        host.choose("Grow")
        host.choose("vdc", 120)
        host.see("Nothing that is known is on it", 120)
        host.send("\r")
        host.see("Type its name, vdc")
        host.answer("vdc")
        host.see("The pool has the disk now", 120)
        host.send("\r")
        host.home()
        assert pools(host)["fast"]["bytes"] > 1.9 * before
        make_guest(host, "large", "--disk", "600M", "--pool", "fast")
        # What is kept of a guest can go later; what a guest has cannot.
        host.posada("guest", "delete", "large")
        assert "guest blocks has" in host.posada("pool", "delete", "fast", "blocks", "--confirm", "blocks", status=1)
        host.menu("Storage", "Pools")
        host.choose("fast")
        host.choose("Volumes")
        host.choose("large")
        host.see("Type its name to confirm")
        host.answer("large")
        host.until(lambda: not any("large" in row for row in host.screen.display), "volume that is gone")
        host.home()
        assert [volume["guest"] for volume in host.posada("pool", "show", "fast", "--json")["volumes"]] == ["blocks"]
        # A file system on another disk: files, also qcow2.
        assert "no file system" in host.posada("pool", "create", "usb", "--kind", "directory", "--source", "/dev/vdc", status=1)
        host.posada("pool", "create", "usb", "--kind", "directory", "--source", "/dev/sda")
        assert "by-uuid" in pools(host)["usb"]["source"]
        make_guest(host, "files", "--disk", "64M", "--pool", "usb", "--format", "qcow2", "--start")
        assert "QFI" in host.sh("head -c 3 /mnt/pools/usb/files.img")
        assert "guest files" in host.posada("pool", "detach", "usb", status=1)
        host.posada("guest", "kill", "files", status=None)
        assert "guest files" in host.posada("pool", "forget", "usb", status=1)
        # It fills up while a guest writes: the guest is told, and so is the person; with room again it goes on.
        make_guest(host, "grows", "--disk", "100M", "--pool", "usb", "--format", "qcow2", runs="filler")
        host.sh("dd if=/dev/zero of=/mnt/pools/usb/filler bs=1M count=$(($(df -P -m /mnt/pools/usb | awk 'END { print $4 }') - 20))", 300)
        host.posada("guest", "start", "grows")
        host.console("grows", r"filled 1\d[^$]*cannot fill \d+", 300)
        assert "usb is almost full" in notices(host)
        host.sh("rm /mnt/pools/usb/filler")
        host.console("grows", r"all is filled", 300)
        assert "usb" not in notices(host)
        host.posada("guest", "kill", "grows")
        host.posada("guest", "delete", "grows", "--disks")
        # It is pulled out, and comes back.
        host.qmp("device_del", id="pulled")
        host.sh("while [ -e /dev/sda ]; do sleep 1; done")
        assert "usb is not there" in notices(host)
        assert pools(host)["usb"]["state"] == "missing"
        assert "usb is not there" in host.posada("guest", "start", "files", status=1)
        plug(host)
        host.sh("until udevadm settle && [ -e /dev/disk/by-uuid ] && posada pool check && mountpoint /mnt/pools/usb; do sleep 1; done", 120)
        assert "usb" not in notices(host)
        host.posada("guest", "start", "files")
        host.posada("guest", "kill", "files", status=None)
        # What was let go of stays so.
        host.sh("mkdir /data/more")
        host.posada("pool", "create", "more", "--kind", "directory", "--source", "/data/more")
        host.posada("pool", "detach", "more")
        host.sh(f"cp {MEDIA}/vmlinuz {MEDIA}/counter.cpio /data/media/")
        host.posada("guest", "create", "late", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio",
                    "--memory", "96M", "--disk", "16M", "--pool", "usb")
        host.posada("guest", "set", "late", "--autostart", "on")
        host.sh("sync")
    with boot([place, media_disk, two, one], stick, plugged=False) as host:
        booted(host)
        # Who starts with the host starts when its disk has come.
        host.sh("until [ -e /run/posada/late/late ]; do sleep 1; done", 300)
        assert pools(host)["usb"]["state"] == "missing"
        plug(host)
        host.sh("until posada guest list | grep -q 'late .* running'; do sleep 1; done", 180)
        assert "late" not in notices(host)
        host.posada("guest", "kill", "late", status=None)
        host.posada("guest", "delete", "late", "--disks")
        states = {name: pool["state"] for name, pool in pools(host).items()}
        assert states == {"default": "ready", "fast": "ready", "more": "detached", "usb": "ready"}
        assert host.sh(f"head -c 3 {disk}") == "lvm"
        host.posada("guest", "start", "blocks")
        host.posada("guest", "start", "files")
        for guest in ("blocks", "files"):
            host.posada("guest", "kill", guest, status=None)
            if guest == "blocks":
                # A slow back end: the disk is open until LVM, which tries lvremove and then lvchange, has given up.
                host.sh("{ { until pidof lvchange; do sleep 0.1; done; while pidof lvchange; do sleep 0.1; done; } "
                        f"<{disk} >/dev/null & }}")
            host.posada("guest", "delete", guest, "--disks")
        for name in ("fast", "usb"):
            assert host.posada("pool", "show", name, "--json")["volumes"] == []
            host.posada("pool", "forget", name)
        assert host.sh("ls /mnt/pools") == ""
        host.healthy()


class Ganesha:
    """An NFS server that can die and return."""

    def __init__(self, folder):
        self.folder, self.export, self.process = folder, folder / "export", None

    def start(self):
        log = self.folder / "log"
        log.unlink(missing_ok=True)
        self.process = subprocess.Popen(["ganesha.nfsd", "-F", "-f", self.folder / "conf", "-L", log, "-p", self.folder / "pid"])
        while "NFS SERVER INITIALIZED" not in (log.read_text() if log.exists() else ""):
            assert self.process.poll() is None
            time.sleep(0.5)

    def kill(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(name="server")
def serve(tmp_path):
    """An NFS server that runs."""
    if not shutil.which("ganesha.nfsd") or os.geteuid():
        pytest.skip("asks for nfs-ganesha and nfs-ganesha-vfs, and to be root")
    with socket.socket() as probe:
        if not probe.connect_ex(("127.0.0.1", 2049)):
            pytest.skip("port 2049 of this machine is taken")
    for name in ("export", "state"):
        (tmp_path / name).mkdir()
    (tmp_path / "conf").write_text(GANESHA % {"export": tmp_path / "export", "state": tmp_path / "state"})
    server = Ganesha(tmp_path)
    server.start()
    yield server
    server.kill()


@pytest.mark.slow
def test_a_server_dies_and_returns(tmp_path, media_disk, server):
    place = tmp_path / "place"
    subprocess.run(["truncate", "-s", "1G", place], check=True)
    with Host(memory=2048, disks=[place, media_disk]) as host:
        booted(host)
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        create = ("pool", "create", "remote", "--kind", "nfs", "--source")
        assert "does not answer" in host.posada(*create, "10.0.2.2x:/guests", status=1)
        host.posada(*create, "10.0.2.2:/none", status=1, seconds=300)
        assert list(pools(host)) == ["default"]
        host.posada(*create, "10.0.2.2:/guests")
        assert pools(host)["remote"]["state"] == "ready" and pools(host)["remote"]["free_bytes"] > 0
        make_guest(host, "far", "--disk", "64M", "--pool", "remote", "--start", runs="writer")
        assert (server.export / "far.img").stat().st_size == 64 << 20
        host.console("far", r"written \d")
        # The server dies while the guest writes: nobody waits for it but the guest, and it is told.
        server.kill()
        assert "remote does not answer" in notices(host)
        assert pools(host)["remote"]["state"] == "not answering"
        assert host.posada("guest", "list", "--json")[0]["name"] == "far"
        assert "does not answer" in host.posada("guest", "attach", "far", "--disk", "/mnt/pools/remote/other.img", status=1)
        server.start()
        host.sh("until posada pool list | grep -q 'remote .* ready'; do sleep 1; done", 300)
        assert "remote" not in notices(host)
        # It returns, and the guest goes on.
        before = (server.export / "far.img").read_bytes()[:32]
        assert before.startswith(b"written ")
        # Its console still has what it said before, so the server's file is what counts.
        host.until(lambda: (server.export / "far.img").read_bytes()[:32] != before, "guest that writes again", 300)
        host.posada("guest", "kill", "far")
        host.posada("guest", "start", "far")
        host.posada("guest", "kill", "far", status=None)
        host.sh("sync")
    with Host(memory=2048, disks=[place, media_disk]) as host:
        booted(host)
        host.sh("until posada pool list | grep -q 'remote .* ready'; do sleep 1; done", 120)
        host.posada("guest", "start", "far")
        host.posada("guest", "kill", "far", status=None)
        host.posada("pool", "detach", "remote")
        assert notices(host).count("remote") == 0 and pools(host)["remote"]["state"] == "detached"
        host.posada("pool", "attach", "remote")
        host.posada("guest", "delete", "far", "--disks")
        assert not list(server.export.iterdir())
        host.posada("pool", "forget", "remote")
        host.healthy()


class Target:
    """An iSCSI server on a port of this machine: a target with one disk, and one that asks who is there."""
    name, locked = "iqn.2020-01.org.example:guests", "iqn.2020-01.org.example:locked"
    user, password = "posada", "secret-12345"

    def __init__(self, folder):
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.disk = folder / "disk"
        self.disk.write_bytes(bytes(256 << 20))
        self.environment = {**os.environ, "TGT_IPC_SOCKET": str(folder / "control")}
        self.server = None

    def tell(self, *words):
        return subprocess.run(["tgtadm", "--lld", "iscsi", *words], env=self.environment, stderr=subprocess.DEVNULL).returncode == 0

    def start(self):
        self.server = subprocess.Popen(["tgtd", "-f", "--iscsi", f"portal=127.0.0.1:{self.port}"], env=self.environment,
                                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        while not self.tell("--op", "new", "--mode", "target", "--tid", "1", "-T", self.name):
            assert self.server.poll() is None
            time.sleep(0.5)
        assert self.tell("--op", "new", "--mode", "logicalunit", "--tid", "1", "--lun", "1", "-b", str(self.disk))
        assert self.tell("--op", "new", "--mode", "target", "--tid", "2", "-T", self.locked)
        assert self.tell("--op", "new", "--mode", "account", "--user", self.user, "--password", self.password)
        assert self.tell("--op", "bind", "--mode", "account", "--tid", "2", "--user", self.user)
        for tid in ("1", "2"):
            assert self.tell("--op", "bind", "--mode", "target", "--tid", tid, "-I", "ALL")

    def kill(self):
        self.server.kill()
        self.server.wait()


@pytest.fixture(name="target")
def serve_target(tmp_path):
    """A target of an iSCSI server."""
    if not shutil.which("tgtd") or os.geteuid():
        pytest.skip("asks for tgt, and to be root")
    target = Target(tmp_path)
    target.start()
    yield target
    target.kill()


def is_ready(host, pool):
    host.sh(f"until posada pool list | grep -q '^{pool} .* ready'; do sleep 1; done", 300)


@pytest.mark.slow
def test_a_target_dies_and_returns(tmp_path, media_disk, target):
    place = tmp_path / "place"
    subprocess.run(["truncate", "-s", "1G", place], check=True)
    with Host(memory=2048, disks=[place, media_disk]) as host:
        booted(host)
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        create = ("pool", "create", "san", "--kind", "iscsi", "--source")
        where = f"10.0.2.2:{target.port}/{target.name}"
        assert "is none" in host.posada(*create, "10.0.2.2/disks", status=1)
        assert "does not answer" in host.posada(*create, f"10.0.2.2:1/{target.name}", status=1)
        host.posada(*create, f"{where}x", status=1, seconds=300)
        assert list(pools(host)) == ["default"]
        create = ("pool", "create", "locked", "--kind", "iscsi", "--source", f"10.0.2.2:{target.port}/{target.locked}")
        host.posada(*create, status=1, seconds=300)
        host.sh(f"printf '{target.password}\\n' >/tmp/password")
        host.posada(*create, "--user", target.user, "--password-file", "/tmp/password", seconds=300)
        assert pools(host)["locked"]["state"] == "ready"
        host.posada("pool", "forget", "locked")
        # Through the menu, as a person does it.
        for name, source, user in (("locked", create[-1], target.user), ("san", where, "")):
            host.menu("Storage", "Pools")
            host.choose("Create a pool")
            host.see("What is the pool called")
            host.answer(name)
            host.choose("iSCSI")
            host.see("Which server and target")
            host.answer(source)
            host.see("Which user does the target ask for")
            host.answer(user)
            if user:
                host.see("The password of that user")
                host.answer(target.password)
            host.see(rf"{name} +iscsi +ready", 120)
            host.home()
        assert pools(host)["san"]["source"] == where and pools(host)["san"]["bytes"] == 256 << 20
        volume, = host.posada("pool", "show", "san", "--json")["volumes"]
        assert volume["bytes"] == 256 << 20 and volume["path"].endswith(f"{target.name}-lun-1")
        assert volume["path"] in host.posada("pool", "show", "san")
        # The server makes its disks, and we none.
        assert "made on its server" in make_guest(host, "new", "--disk", "64M", "--pool", "san", status=1)
        make_guest(host, "far", "--disk", volume["path"], "--start", runs="writer")
        host.console("far", r"written \d\d")
        assert target.disk.read_bytes().startswith(b"written ")
        assert "guest far" in host.posada("pool", "detach", "san", status=1)
        # The server dies, and that is told; it returns, and the guest goes on.
        target.kill()
        host.sh("until posada pool list | grep -q '^san .* not answering'; do sleep 1; done", 120)
        assert "san does not answer" in notices(host)
        assert host.posada("guest", "list", "--json")[0]["state"] == "running"
        target.start()
        is_ready(host, "san")
        assert "san" not in notices(host)
        before = target.disk.read_bytes()[:32]
        host.console("far", r"written \d+\s+written \d+\s+written \d+")
        assert target.disk.read_bytes()[:32] != before
        name = host.sh("cat /etc/iscsi/initiatorname.iscsi")
        assert name.startswith("InitiatorName=iqn.")
        host.sh("sync")
    with Host(memory=2048, disks=[place, media_disk]) as host:
        booted(host)
        is_ready(host, "san")
        is_ready(host, "locked")
        assert host.sh("cat /etc/iscsi/initiatorname.iscsi") == name
        host.posada("guest", "start", "far")
        host.console("far", r"written \d")
        host.posada("guest", "kill", "far", status=None)
        # A guest that is deleted with its disks leaves what is a server's.
        host.posada("guest", "delete", "far", "--disks")
        assert target.disk.read_bytes().startswith(b"written ")
        # LVM can have such a disk; the session stays as long as that does.
        disk = host.sh(f"basename $(readlink {volume['path']})")
        host.posada("pool", "create", "fast", "--kind", "lvm", "--source", disk, "--confirm", disk, seconds=180)
        make_guest(host, "near", "--disk", "64M", "--pool", "fast")
        assert "LVM uses" in host.posada("pool", "detach", "san", status=1)
        host.posada("guest", "delete", "near", "--disks")
        host.posada("pool", "detach", "fast")
        host.posada("pool", "detach", "san")
        host.posada("pool", "forget", "locked")
        assert host.sh("ls /sys/class/iscsi_session; virsh -q secret-list") == ""
        assert "san" not in notices(host) and pools(host)["san"]["state"] == "detached"
        host.posada("pool", "attach", "san")
        host.posada("pool", "attach", "fast")
        host.posada("pool", "forget", "fast")
        host.healthy()
        # A server that is gone does not keep this host from stopping.
        target.kill()
        host.sh("until posada pool list | grep -q '^san .* not answering'; do sleep 1; done", 120)
        host.sh("poweroff", status=None)
        host.ended(60)
