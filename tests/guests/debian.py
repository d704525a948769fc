# SPDX-License-Identifier: GPL-2.0-or-later
"""An archive for Debian's installer, in front of the one that this machine has.

An archive that is copied in part names the newest parts of the installer in its index, and may not have them, while it
keeps those of an earlier release. So each installer is offered with what belongs to it: the parts that are there.
"""
import hashlib
import http.server
import lzma
import re
import shutil
import subprocess
import threading
import time
import urllib.error
import urllib.request
from concurrent.futures import ThreadPoolExecutor

SUITE = "trixie"
INDEX = "main/debian-installer/binary-amd64/Packages"
IMAGES = "pool/main/d/debian-installer-netboot-images/debian-installer-13-netboot-amd64_{}_all.deb"
# The newest first, with the version of what is not in its initrd, and of a source of which nothing is.
INSTALLERS = {
    "20250803+deb13u8": {},
    "20250803+deb13u7": {},
    "20250803+deb13u6": {"e2fsprogs-udeb": "1.47.2-3+b11"},
}
# Without these there is no installation on a disk of Xen's.
NEEDED = ("ext4-modules-{}-di", "scsi-modules-{}-di", "e2fsprogs-udeb", "parted-udeb", "util-linux-udeb", "grub-installer")


def machines_archive():
    """The address of the one that this machine has its own packages from, or None."""
    known = subprocess.run(["apt-get", "indextargets", "--format", "$(REPO_URI)", "Created-By: Packages", "Origin: Debian", "Label: Debian"],
                           stdout=subprocess.PIPE, text=True, check=False).stdout.split()
    return next((uri.rstrip("/") for uri in known if uri.startswith("http://")), None)


def stanzas(text):
    """The packages of an index or of a status file: a dictionary of fields for each."""
    for part in text.split("\n\n"):
        fields = dict(re.findall(r"^([\w-]+): *(.*)$", part, re.M))
        if "Package" in fields:
            yield fields


def source(package):
    return package.get("Source", package["Package"]).split()[0]


class Archive:
    """Serves what Debian's installer asks for, on this machine's loopback; .lacks says why it cannot, or is None."""

    def __init__(self, upstream, work):
        self.upstream, self.work, self.known = upstream, work, {}
        newest = list(stanzas(lzma.decompress(self.ask(f"dists/{SUITE}/{INDEX}.xz")).decode()))
        for version, others in INSTALLERS.items():
            self.lacks = self.take_installer(version) or self.take_parts(newest, others)
            if not self.lacks:
                break

    def ask(self, path, method="GET"):
        """What is at PATH, or None when there is nothing; an archive that is asked much does not always answer at once."""
        for wait in (1, 5, 15, None):
            try:
                with urllib.request.urlopen(urllib.request.Request(f"{self.upstream}/{path}", method=method), timeout=60) as answer:
                    return answer.read()
            except urllib.error.HTTPError as error:
                if error.code == 404:
                    return None
                failure = error
            except OSError as error:
                failure = error
            if wait is None:
                raise failure
            time.sleep(wait)

    def has(self, path):
        if path not in self.known:
            self.known[path] = self.ask(path, "HEAD") is not None
        return self.known[path]

    def take_installer(self, version):
        """Its kernel and initrd, and what is installed in that."""
        path, tree = IMAGES.format(version), self.work / "installer"
        if not self.has(path):
            return f"{path} is not there"
        shutil.rmtree(tree, ignore_errors=True)
        (self.work / "installer.deb").write_bytes(self.ask(path))
        subprocess.run(["dpkg-deb", "-x", self.work / "installer.deb", tree], check=True)
        folder, = tree.glob("usr/lib/debian-installer/images/13/amd64/text/debian-installer/amd64")
        self.kernel, self.initrd = folder / "linux", folder / "initrd.gz"
        self.release = re.search(rb"\d[\w.+-]+-amd64", self.kernel.read_bytes()[512:])[0].decode()
        self.initrd_status = subprocess.run(f"zcat {self.initrd} | cpio -i --quiet --to-stdout var/lib/dpkg/status", shell=True, check=True,
                                            stdout=subprocess.PIPE, text=True).stdout
        return None

    def take_parts(self, newest, others):
        """An index of those parts that are there, in the version of this installer where that is all there is."""
        installed = list(stanzas(self.initrd_status))
        versions = {source(part): part["Version"] for part in installed} | {part["Package"]: part["Version"] for part in installed} | others

        def offer(part):
            if self.has(part["Filename"]):
                return part
            version = versions.get(part["Package"]) or versions.get(source(part))
            if not version or "Kernel-Version" in part:
                return None
            epochless = version.split(":")[-1]
            path = re.sub(r"_[^_]+_([^_]+)$", lambda match: f"_{epochless}_{match[1]}", part["Filename"])
            if not self.has(path):
                return None
            data = self.ask(path)
            return part | {"Version": version, "Filename": path, "Size": str(len(data)), "SHA256": hashlib.sha256(data).hexdigest()}

        with ThreadPoolExecutor(8) as pool:
            parts = [part for part in pool.map(offer, newest) if part]
        names = {part["Package"] for part in parts}
        missing = [name for name in (pattern.format(self.release) for pattern in NEEDED) if name not in names]
        index = "\n".join("".join(f"{field}: {value}\n" for field, value in part.items() if field != "MD5sum") for part in parts)
        self.index = lzma.compress(index.encode())
        return f"{', '.join(missing)} of {self.release}" if missing else None

    def release_file(self):
        """The archive's own, with our index; nobody has signed it."""
        lines, ours = [], f" {hashlib.sha256(self.index).hexdigest()} {len(self.index)} {INDEX}.xz"
        for line in self.ask(f"dists/{SUITE}/Release").decode().splitlines():
            if INDEX not in line and not line.startswith("Acquire-By-Hash"):
                lines.append(line)
            if line == "SHA256:":
                lines.append(ours)
        return ("\n".join(lines) + "\n").encode()

    def serve(self):
        """Returns the server, of which somebody will want the port; shutdown() ends it."""
        own = {f"dists/{suite}/{name}": content for suite in (SUITE, "stable")
               for name, content in (("Release", self.release_file()), (f"{INDEX}.xz", self.index), ("InRelease", None), ("Release.gpg", None))}

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(request):
                path = request.path.removeprefix("/debian/")
                content = own[path] if path in own else self.ask(path)
                if content is None:
                    request.send_error(404)
                    return
                request.send_response(200)
                request.send_header("Content-Length", str(len(content)))
                request.end_headers()
                if request.command == "GET":
                    request.wfile.write(content)

            do_HEAD = do_GET

            def log_message(request, *_):
                pass

        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        return server
