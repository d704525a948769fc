# SPDX-License-Identifier: GPL-2.0-or-later
"""The media library: downloads that are whole or nothing, and ISO images read from sticks of every make."""
import contextlib
import hashlib
import http.server
import json
import shlex
import shutil
import subprocess
import threading
import time

import pytest
from host import Host

MAKERS = {
    "fat": ["mkfs.vfat", "-n", "MY KEY"],
    "ext4": ["mke2fs", "-q", "-t", "ext4", "-L", "LINUX"],
    "ntfs": ["mkntfs", "-q", "-F", "-L", "WINDOWS"],
    "exfat": ["mkfs.exfat", "-L", "CAMERA"],
}


class Server(http.server.SimpleHTTPRequestHandler):
    """Serves a directory, and addresses behind which something is wrong."""

    def do_GET(self):
        wrong = {"/short.iso": 2000000, "/slow.iso": 50000000, "/huge.iso": 1 << 50}.get(self.path)
        if not wrong:
            super().do_GET()
            return
        self.send_response(200)
        self.send_header("Content-Length", str(wrong))
        self.end_headers()
        with contextlib.suppress(OSError):
            self.wfile.write(bytes(1000000))
            for _ in range(600 if self.path == "/slow.iso" else 0):
                self.wfile.write(bytes(1000))
                time.sleep(0.5)

    def log_message(self, *_):
        pass


@pytest.fixture(name="address")
def serve(tmp_path, test_guests):
    """The address of a server as a machine in QEMU sees it."""
    files = tmp_path / "www"
    files.mkdir()
    shutil.copy(test_guests / "memtest86+x64.iso", files / "memtest.iso")
    (files / "page.iso").write_text("<html>This is no image.</html>")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *words: Server(*words, directory=files)) as server:
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://10.0.2.2:{server.server_port}"
        server.shutdown()


def listed(host, *words):
    said = host.sh(shlex.join(["posada", "media", "list", "--json", *words]) + " 2>/dev/null", 120)
    return {medium["name"]: medium for medium in json.loads(said)}


def notices(host):
    host.posada("media", "check")
    return " ".join(host.posada("status", "--json")["notices"])


@pytest.mark.slow
def test_downloads_and_sticks(tmp_path, address, test_guests):
    place = tmp_path / "place"
    subprocess.run(["truncate", "-s", "1G", place], check=True)
    nodes = []
    for name, command in MAKERS.items():
        subprocess.run(["truncate", "-s", "128M", tmp_path / name], check=True)
        subprocess.run([*command, tmp_path / name], check=True, stdout=subprocess.DEVNULL)
        nodes += ["-blockdev", f"driver=raw,node-name={name},file.driver=file,file.filename={tmp_path / name}"]
    whole = test_guests / "grub-rescue-cdrom.iso"
    cut = tmp_path / "cut.iso"
    cut.write_bytes(whole.read_bytes()[:3000000])
    subprocess.run(["mmd", "-i", tmp_path / "fat", "::/Isos"], check=True)
    for source, target in ((whole, "rescue disc.iso"), (cut, "Isos/Cut.ISO"), (whole, "photo.jpg")):
        subprocess.run(["mcopy", "-i", tmp_path / "fat", source, f"::/{target}"], check=True)
    shutil.copy(tmp_path / "fat", tmp_path / "twin")
    nodes += ["-blockdev", f"driver=raw,node-name=twin,file.driver=file,file.filename={tmp_path / 'twin'}"]
    with Host(memory=2048, disks=[place], extra=nodes) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        # A download is whole, and what was asked for, or nothing.
        image = test_guests / "memtest86+x64.iso"
        sha256 = hashlib.sha256(image.read_bytes()).hexdigest()
        assert "is not what was expected" in host.posada(
            "media", "add", f"{address}/memtest.iso", "--sha256", sha256[::-1], status=1)
        for path, words in (("none.iso", "404"), ("short.iso", ""), ("huge.iso", "does not fit")):
            assert words in host.posada("media", "add", f"{address}/{path}", status=1)
        assert "cannot be a name" in host.posada("media", "add", f"{address}/memtest.iso", "--name", "../x", status=1)
        assert "no medium" in host.posada("media", "remove", "../../etc/passwd", status=1)
        # The shell at the keyboard takes that signal for its own.
        host.sh(f"sh -c 'timeout -s INT 5 posada media add {address}/slow.iso; true'")
        assert listed(host) == {} and host.sh("echo /data/media/.[!.]* /data/media/*") == "/data/media/.[!.]* /data/media/*"
        # Through the menu: a gauge, which any key ends, and one that comes to its end.
        host.menu("Storage", "Media")
        for name, answer in (("slow", "Cancelled"), ("memtest", "memtest.iso is in the library")):
            host.choose("Download")
            host.see("The address")
            host.answer(f"{address}/{name}.iso")
            host.see("SHA-256")
            host.answer("")
            if name == "slow":
                host.see("Any key cancels", 60)
                host.send(" ")
            host.see(answer, 120)
            # Nothing of the gauge is left around the message.
            rows = [row.strip() for row in host.screen.display[2:] if row.strip()]
            assert rows[-1].startswith("└") and rows[-1].endswith("┘") and len({len(row) for row in rows}) == 1, rows
            host.send("\r")
        host.see("memtest.iso")
        # One that is there already gets another name.
        host.choose("Download")
        host.see("The address")
        host.answer(f"{address}/memtest.iso")
        host.see("SHA-256")
        host.answer("")
        host.see("already")
        host.answer("other.iso")
        host.see("other.iso is in the library", 120)
        host.send("\r")
        host.home()
        host.posada("media", "remove", "other.iso")
        assert "already" in host.posada("media", "add", f"{address}/memtest.iso", status=1)
        host.posada("media", "add", f"{address}/page.iso", "--name", "page")
        found = listed(host)
        assert found["memtest.iso"]["sha256"] == sha256 and found["memtest.iso"]["bios"]
        assert found["memtest.iso"]["bytes"] == image.stat().st_size and not found["memtest.iso"]["fault"]
        assert found["page"]["type"] == "other"
        # What was copied in has its checksum once somebody asks, and links lead nowhere.
        host.sh("cp /data/media/memtest.iso /data/media/copied.iso; ln -s /etc/passwd /data/media/link.iso")
        assert listed(host)["copied.iso"]["sha256"] is None
        assert listed(host, "--checksum")["copied.iso"]["sha256"] == sha256
        assert listed(host)["copied.iso"]["sha256"] == sha256 and "link.iso" not in listed(host)
        host.posada("guest", "create", "cdguest", "--kind", "hvm", "--iso", "/data/media/memtest.iso", "--memory", "128M")
        assert "guest cdguest" in host.posada("media", "remove", "memtest.iso", status=1)
        host.posada("guest", "delete", "cdguest")
        host.posada("media", "remove", "memtest.iso")
        # A stick that people drop images on.
        host.qmp("device_add", driver="usb-storage", id="fat", drive="fat", bus="usb.0")
        host.sh("until udevadm settle && blkid | grep -q KEY; do sleep 1; done", 120)
        found = listed(host)
        assert "MY KEY" in found["rescue disc.iso"]["source"] and found["rescue disc.iso"]["bios"]
        assert found["Cut.ISO"]["fault"] == "cut off" and "photo.jpg" not in found
        assert host.sh("mount | grep -c /mnt/media", status=None) == "0"
        path = found["rescue disc.iso"]["path"]
        create = ("guest", "create", "cdguest", "--kind", "hvm", "--memory", "128M", "--iso")
        assert "cut off" in host.posada(*create, found["Cut.ISO"]["path"], status=1)
        host.posada(*create, path)
        # A copy of it is told, and is not taken for it.
        host.qmp("device_add", driver="usb-storage", id="twin", drive="twin", bus="usb.0")
        host.sh("until udevadm settle && [ $(blkid | grep -c KEY) = 2 ]; do sleep 1; done", 120)
        assert "has the same identity" in host.sh("posada media list 2>&1") and listed(host)["rescue disc.iso"]["path"] == path
        host.qmp("device_del", id="twin")
        host.sh("until [ $(blkid | grep -c KEY) = 1 ]; do sleep 1; done", 120)
        assert "ro," in host.sh("grep /mnt/media /proc/mounts")
        assert "cdguest" not in notices(host)
        # It is pulled out from under the guest, which runs on, and plugged in again.
        host.posada("guest", "start", "cdguest", seconds=180)
        host.qmp("device_del", id="fat")
        host.sh("while blkid | grep -q KEY; do sleep 1; done", 120)
        assert "guest cdguest has the image" in notices(host)
        assert host.posada("guest", "show", "cdguest", "--json")["state"] == "running"
        host.posada("guest", "eject", "cdguest")
        host.posada("guest", "kill", "cdguest")
        assert "cdguest" not in notices(host)
        host.posada("guest", "insert", "cdguest", "--iso", path, status=1)
        assert "rescue disc.iso" not in listed(host)
        assert host.sh("mount | grep -c /mnt/media", status=None) == "0"
        host.qmp("device_add", driver="usb-storage", id="fat", drive="fat", bus="usb.0")
        host.sh("until udevadm settle && blkid | grep -q KEY; do sleep 1; done", 120)
        assert "cdguest" not in notices(host)
        host.posada("guest", "delete", "cdguest")
        assert "cdguest" not in notices(host)
        assert host.sh("mount | grep -c /mnt/media", status=None) == "0"
        # The other file systems; who has them writes with their own systems, here it is this one.
        for name, kind in (("ext4", "ext4"), ("ntfs", "ntfs3"), ("exfat", "exfat")):
            host.qmp("device_add", driver="usb-storage", id=name, drive=name, bus="usb.0", serial=name)
            device = f"$(readlink -f /dev/disk/by-id/usb-*{name}*0:0)"
            host.sh(f"until udevadm settle && [ -b {device} ]; do sleep 1; done", 120)
            host.sh(f"mkdir -p /tmp/m && mount -t {kind} {device} /tmp/m && cp /data/media/copied.iso /tmp/m/{name}.iso && umount /tmp/m", 120)
            found = listed(host)
            assert found[f"{name}.iso"]["bios"] and found[f"{name}.iso"]["source"]
            host.qmp("device_del", id=name)
        # From a stick into the library.
        host.posada("media", "add", path, "--name", "kept.iso")
        assert not listed(host)["kept.iso"]["source"] and listed(host)["kept.iso"]["sha256"]
        host.healthy()
