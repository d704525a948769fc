# SPDX-License-Identifier: GPL-2.0-or-later
"""The image builder, run for real on small packages: whatever goes wrong is named, nothing
half-made stays in the cache, and the next run succeeds once the cause is gone."""
import contextlib
import hashlib
import http.server
import json
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.parse

import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PATIENCE = 300 * float(os.environ.get("PATIENCE", "1"))
PERSONS = pathlib.Path(
    os.environ.get("POSADA_CACHE")
    or pathlib.Path(os.environ.get("XDG_CACHE_HOME") or pathlib.Path.home() / ".cache") / "posada"
)
APT_HELPER = "/usr/lib/apt/apt-helper"

# A package with a real source and next to nothing to compile, and others made to misbehave.
TINY = 'source="libaio@trixie"\nbuild() { put 644 usr/share/tiny README.md; }\n'
HANG = 'build() { echo begun; until [ -e /checkout/go ]; do sleep 0.1; done; put 644 usr/share/hang /etc/hostname; }\n'


def sha256(path):
    return hashlib.sha256(path.read_bytes()).hexdigest()


def until(condition, what):
    """Wait for something to come true."""
    end = time.monotonic() + PATIENCE
    while not (result := condition()):
        assert time.monotonic() < end, f"waited in vain: {what}"
        time.sleep(0.05)
    return result


class Running:
    """A build under way, in a session of its own, with its output in files."""

    def __init__(self, arguments, environment, directory):
        self.files = [directory / f"{time.monotonic_ns()}.{name}" for name in ("stdout", "stderr")]
        with self.files[0].open("wb") as stdout, self.files[1].open("wb") as stderr:
            self.process = subprocess.Popen(
                ["env", "--default-signal=HUP,INT", *arguments], env=environment, stdin=subprocess.DEVNULL, stdout=stdout, stderr=stderr,
                start_new_session=True
            )

    @property
    def stdout(self):
        return self.files[0].read_text()

    @property
    def stderr(self):
        return self.files[1].read_text()

    def end(self, status):
        assert self.process.wait(PATIENCE) == status, self.stdout + self.stderr
        return self

    def kill(self):
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(PATIENCE)


class Builder:
    """A copy of the builder with a few recipes, a cache of its own, and a second cache to read from."""

    def __init__(self, directory, base=None, **environment):
        self.directory = directory
        self.top, self.cache, self.out, self.second = (directory / name for name in ("checkout", "cache", "out", "second"))
        self.builder = self.top / "image-builder"
        self.builder.mkdir(parents=True)
        shutil.copy(TOP / "VERSION", self.top)
        for file in (TOP / "image-builder").iterdir():
            if file.is_file():
                shutil.copy2(file, self.builder)
        shutil.copytree(TOP / "image-builder/toolchain", self.builder / "toolchain")
        for name in ("musl", "linux-headers", "zlib"):
            shutil.copytree(TOP / "image-builder/packages" / name, self.builder / "packages" / name)
        self.recipe("tiny", TINY)
        self.recipe("hang", HANG)
        for part in ("packages", "sources", "roots"):
            (self.second / part).mkdir(parents=True)
        self.cache.mkdir()
        # A proxy that this machine may have would not find 127.0.0.1.
        (directory / "apt.conf").write_text('Acquire::http::Proxy::127.0.0.1 "DIRECT";\n')
        self.running = []
        self.environment = {
            **{k: v for k, v in os.environ.items() if k != "JOBS" and not k.startswith("POSADA_")},
            "POSADA_CACHE": str(self.cache),
            "POSADA_CACHE_FROM": str(self.second),
            "POSADA_OUT": str(self.out),
            "APT_CONFIG": str(directory / "apt.conf"),
            **environment,
        }
        if base:
            (self.cache / "roots").symlink_to(base.cache / "roots")
            for name in ("keys", "substitutes"):
                (shutil.copytree if name == "keys" else shutil.copy)(base.cache / name, self.cache / name)
            self.share(base, "packages", "musl-*", "linux-headers-*")

    def share(self, other, part, *patterns):
        """Put results of another builder's cache into this one's second cache."""
        for pattern in patterns:
            for file in (other.cache / part).glob(pattern):
                shutil.copy(file, self.second / part)

    def recipe(self, name, text):
        path = self.builder / "packages" / name / "recipe"
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)

    def start(self, *arguments, prefix=(), **environment):
        self.running.append(
            Running([*prefix, str(self.builder / "build"), *arguments], {**self.environment, **environment}, self.directory)
        )
        return self.running[-1]

    def run(self, *arguments, status=0, **environment):
        return self.start(*arguments, **environment).end(status)

    def log(self, name):
        path = self.out / "logs" / f"{name}.log"
        return path.read_text() if path.exists() else ""

    def packages(self, name):
        return list((self.cache / "packages").glob(f"{name}-{'[0-9a-f]' * 20}.tar.zst"))

    def lock_line(self, package):
        """The lock's only line for a package, as a list of its words."""
        (line,) = [line.split() for line in self.lock.splitlines() if line.split()[1:2] == [package]]
        return line

    @property
    def lock(self):
        return (self.builder / "sources.lock").read_text()

    def lock_write(self, package, **words):
        """Change words of a package's line in the lock."""
        names = ("kind", "package", "version", "suite", "file", "sha256")
        old = self.lock_line(package)
        new = [words.get(name, word) for name, word in zip(names, old)]
        (self.builder / "sources.lock").write_text(self.lock.replace(" ".join(old), " ".join(new)))

    def check_whole(self, parts=False):
        """What is in the cache is what its name and hash say; nothing half-made counts."""
        for file in self.cache.glob("packages/*.zst"):
            assert file.with_name(file.name + ".sha256").read_text().strip() == sha256(file), file
            subprocess.run(["tar", "--test-label", "--zstd", "-f", file], check=True, stdout=subprocess.DEVNULL)
        for file in self.cache.glob("sources/*"):
            if not file.name.endswith(".part"):
                assert file.name.split("-")[0] == sha256(file), file
        if not parts:
            assert not [f for part in ("packages", "sources", "roots") for f in (self.cache / part).glob("*.part*")]


class Archive(http.server.ThreadingHTTPServer):
    """An archive on this machine that sends whoever asks on to the real one, but for chosen files."""

    daemon_threads = True

    def __init__(self, upstream):
        super().__init__(("127.0.0.1", 0), ArchiveHandler)
        self.upstream, self.url = upstream, f"http://127.0.0.1:{self.server_port}/debian"
        self.stalling, self.goes_on = threading.Event(), threading.Event()
        self.obey()

    def obey(self, missing="", damaged="", stalled="", kept=None):
        """KEPT are files that no index names, each with the name of the one whose bytes it has."""
        self.missing, self.damaged, self.stalled, self.kept = missing, damaged, stalled, kept or {}
        self.asked = []
        self.stalling.clear()
        self.goes_on.clear()


class ArchiveHandler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def answer(self, status, length, **headers):
        self.send_response(status)
        self.send_header("Content-Length", str(length))
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()

    def do_GET(self):
        archive = self.server
        directory, name = urllib.parse.unquote(self.path).rsplit("/", 1)
        archive.asked.append(name)
        if name == archive.missing:
            self.answer(404, 0)
        elif name == archive.damaged:
            self.answer(200, 7)
            self.wfile.write(b"damaged")
        elif name == archive.stalled:
            self.answer(200, 1 << 20)
            self.wfile.write(b"x" * (1 << 19))
            self.wfile.flush()
            archive.stalling.set()
            archive.goes_on.wait(PATIENCE)
            self.close_connection = True
        else:
            there = f"{directory.removeprefix('/debian')}/{archive.kept.get(name, name)}"
            self.answer(302, 0, Location=archive.upstream + urllib.parse.quote(there))

    def log_message(self, *_):
        pass


@contextlib.contextmanager
def serving(server):
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@contextlib.contextmanager
def ending(builder):
    """Leave no build behind, whatever a test ran into."""
    try:
        yield builder
    finally:
        for running in builder.running:
            running.kill()


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A builder with a build root, musl and a compiled zlib, from the person's cache if they are there."""
    builder = Builder(tmp_path_factory.mktemp("base"))
    (builder.cache / "roots").mkdir()
    for root in PERSONS.glob("roots/build-*"):
        if root.is_dir() and root.suffix != ".part":
            (builder.cache / "roots" / root.name).symlink_to(root)
    if (PERSONS / "substitutes").exists():
        shutil.copy(PERSONS / "substitutes", builder.cache)
    for part, pattern in (("packages", "musl-*"), ("packages", "linux-headers-*"), ("sources", "*zlib_*"), ("sources", "*libaio_*")):
        for file in PERSONS.glob(f"{part}/{pattern}"):
            shutil.copy(file, builder.second / part)
    with ending(builder):
        builder.run("package", "zlib")
        builder.run("package", "tiny")
        yield builder


@pytest.fixture
def builder(base, tmp_path):
    """A builder that has a build root and can have musl, and sources, from a second cache."""
    builder = Builder(tmp_path, base)
    builder.share(base, "sources", "*")
    with ending(builder):
        yield builder


def link_or_copy(source, target):
    # apt replaces its indexes, never writes into them.
    (os.link if os.path.getsize(source) > 1 << 20 else shutil.copy2)(source, target)


@pytest.fixture(scope="session")
def archive_and_indexes(base, tmp_path_factory):
    directory = tmp_path_factory.mktemp("archive")
    upstream = subprocess.run(
        ["bash", "-euc", 'builder=$1 cache=$2; . "$builder/root.sh"; . "$builder/source.sh"; archive Debian']
        + ["-", base.builder, base.cache],
        check=True, stdout=subprocess.PIPE, text=True,
    ).stdout.strip()  # fmt: skip
    probe = [APT_HELPER, "-qq", "download-file", f"{upstream}/dists/trixie/InRelease", directory / "probe"]
    if subprocess.run(probe, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False).returncode:
        pytest.skip(f"the archive cannot be reached from here: {upstream}")
    with serving(Archive(upstream)) as archive:
        first = Builder(directory / "first", base, MIRROR=archive.url)
        with ending(first):
            first.run("package", "tiny")
            first.check_whole()
            yield archive, first.cache / "apt"


@pytest.fixture
def archive(archive_and_indexes):
    archive_and_indexes[0].obey()
    yield archive_and_indexes[0]
    archive_and_indexes[0].goes_on.set()


@pytest.fixture
def remote(base, archive, archive_and_indexes, tmp_path):
    """A builder without sources: it must ask the archive."""
    _, indexes = archive_and_indexes
    builder = Builder(tmp_path, base, MIRROR=archive.url)
    shutil.copytree(indexes, builder.cache / "apt", copy_function=link_or_copy)
    with ending(builder):
        yield builder


# What a person types wrong.


@pytest.mark.parametrize(
    "arguments, status, message",
    [
        ((), 2, "build: which command?"),
        (("bake",), 2, "build: there is no command 'bake'"),
        (("package",), 2, "build: package of what?"),
        (("package", "nosuch"), 1, "build: there is no package nosuch (no file image-builder/packages/nosuch/recipe)"),
        (("path", "nosuch"), 1, "build: there is no package nosuch (no file image-builder/packages/nosuch/recipe)"),
        (("lock", "nosuch"), 1, "build: there is no package nosuch (no file image-builder/packages/nosuch/recipe)"),
    ],
)
def test_misuse(builder, arguments, status, message):
    lock = builder.lock
    run = builder.run(*arguments, status=status)
    assert run.stderr.splitlines()[0] == message
    assert ("usage: build COMMAND" in run.stderr) == (status == 2)
    assert run.stdout == ""
    assert builder.lock == lock
    assert not list(builder.cache.glob("packages/*"))


def test_recipe_that_needs_what_is_not_there(builder):
    builder.recipe("needy", 'depends="nosuch"\nbuild() { :; }\n')
    assert "there is no package nosuch" in builder.run("package", "needy", status=1).stderr
    builder.recipe("needy", 'depends="needier"\nbuild() { :; }\n')
    builder.recipe("needier", 'depends="needy"\nbuild() { :; }\n')
    assert "packages need each other in a circle, through need" in builder.run("package", "needy", status=1).stderr
    builder.recipe("needy", "build() { :; }\n")
    builder.run("package", "needier")
    builder.check_whole()


# The good way.


def test_nothing_changed_builds_nothing(builder):
    first = builder.run("package", "tiny")
    assert first.stdout.startswith(f"[1/1] tiny {builder.lock_line('libaio')[2]} ")
    made = {file: file.stat().st_mtime_ns for file in builder.cache.glob("packages/*")}
    assert len(builder.packages("tiny")) == 1
    second = builder.run("package", "tiny")
    assert second.stdout == second.stderr == ""
    assert made == {file: file.stat().st_mtime_ns for file in builder.cache.glob("packages/*")}
    builder.check_whole()
    # A recipe changed: that package is built again, and only that.
    builder.recipe("tiny", TINY + "# changed\n")
    third = builder.run("package", "tiny")
    assert third.stdout.count("\n") == 1 and "tiny" in third.stdout
    assert len(builder.packages("tiny")) == 2 and len(builder.packages("musl")) == 1


def test_path_prints_the_path_and_nothing_else(builder):
    for _ in range(2):
        path = builder.run("path", "tiny").stdout
        assert path.count("\n") == 1
        assert "libaio" in (pathlib.Path(path.strip()) / "usr/share/tiny/README.md").read_text()


def test_same_bytes_again(builder, base):
    builder.run("package", "zlib")
    assert sha256(*builder.packages("zlib")) == sha256(*base.packages("zlib"))


def test_two_builds_in_one_cache(builder):
    first = builder.start("package", "hang")
    until(lambda: "begun" in builder.log("hang"), "the first build compiles")
    second = builder.start("package", "hang", POSADA_OUT=str(builder.directory / "out2"))
    until(lambda: f"another build is using {builder.cache}: waiting for it" in second.stderr, "the second says that it waits")
    assert first.process.poll() is None and second.process.poll() is None
    (builder.top / "go").touch()
    assert "hang" in first.end(0).stdout
    assert second.end(0).stdout == ""
    assert len(builder.packages("hang")) == 1
    builder.check_whole()


# The lock and the archive.


def test_wrong_sha256_in_the_lock(remote, archive):
    *_, file, right = remote.lock_line("libaio")
    wrong = "0" * 64
    remote.lock_write("libaio", sha256=wrong)
    run = remote.run("package", "tiny", status=1)
    assert f"build: sources.lock has the wrong sha256 for {file} of libaio" in run.stderr
    assert wrong in run.stderr and right in run.stderr and "make lock" in run.stderr
    assert file not in archive.asked
    assert not list(remote.cache.glob("sources/*")) and not remote.packages("tiny")
    remote.check_whole()
    remote.lock_write("libaio", sha256=right)
    remote.run("package", "tiny")
    assert len(remote.packages("tiny")) == 1


@pytest.mark.parametrize("fault", ["missing", "damaged"])
def test_archive_fault(remote, archive, fault):
    *_, file, sum_ = remote.lock_line("libaio")
    archive.obey(**{fault: file})
    run = remote.run("package", "tiny", status=1)
    (message,) = run.stderr.splitlines()
    assert message.startswith(f"build: {file} of libaio ") and "cannot be had: " + archive.url in message
    if fault == "missing":
        assert "404" in message and "sha256" not in message
    else:
        assert f"wrong sha256 ({hashlib.sha256(b'damaged').hexdigest()} instead of {sum_})" in message
    assert "MIRROR=" in message and "make lock" in message
    assert not list(remote.cache.glob("sources/*")) and not remote.packages("tiny")
    remote.check_whole()
    archive.obey()
    remote.run("package", "tiny")
    assert file in archive.asked and len(remote.packages("tiny")) == 1
    remote.check_whole()


def test_network_down(remote, archive):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/debian"
    shutil.rmtree(remote.cache / "apt")
    run = remote.run("package", "tiny", status=1, MIRROR=nowhere)
    assert "index" in run.stderr and "could be had" in run.stderr and "is the network up" in run.stderr
    assert "has left the archive" not in run.stderr + run.stdout
    assert not list(remote.cache.glob("sources/*"))
    remote.check_whole()


def test_locked_version_has_left_the_index_alone(remote, archive):
    """A newer one does not take its place as long as the archive still has it."""
    *_, file, sum_ = remote.lock_line("libaio")
    remote.lock_write("libaio", version="0.0.9-1", file="libaio_0.0.9.orig.tar.gz")
    archive.obey(kept={"libaio_0.0.9.orig.tar.gz": file})
    run = remote.run("package", "tiny")
    assert "has left" not in run.stdout + run.stderr and "0.0.9" not in (remote.cache / "substitutes").read_text()
    assert (remote.cache / "sources" / f"{sum_}-libaio_0.0.9.orig.tar.gz").exists() and file not in archive.asked
    assert len(remote.packages("tiny")) == 1
    remote.check_whole()


def test_locked_version_has_left_the_archive(remote):
    remote.lock_write("libaio", version="0.0.9-1", suite="trixie", file="libaio_0.0.9.orig.tar.gz", sha256="1" * 64)
    run = remote.run("package", "tiny")
    said = [line for line in run.stdout.splitlines() if "0.0.9" in line]
    assert len(said) == 1
    assert said[0].startswith("libaio 0.0.9-1 has left trixie: taking ") and "recorded in the manifest" in said[0]
    newest = said[0].split("taking ")[1].split()[0]
    (record,) = [line for line in (remote.cache / "substitutes").read_text().splitlines() if line.startswith("0.0.9-1 ")]
    assert record.split()[:4] == ["0.0.9-1", "src", "libaio", newest]
    assert (remote.cache / "sources" / f"{record.split()[6]}-{record.split()[5]}").exists()
    assert len(remote.packages("tiny")) == 1
    remote.check_whole()
    second = remote.run("package", "tiny")
    assert second.stdout == second.stderr == ""
    # The image's manifest names what is in the image, and what it stands for.
    (libaio,) = [package for package in spdx(remote) if package["name"] == "libaio"]
    assert libaio["versionInfo"] == newest and libaio["packageFileName"] == record.split()[5]
    assert libaio["checksums"] == [{"algorithm": "SHA256", "checksumValue": record.split()[6]}]
    assert libaio["comment"] == "recipe tiny; in place of the locked 0.0.9-1"


def spdx(builder):
    """The packages in the SPDX manifest of an image of tiny, and of packages that every image has."""
    (builder.top / "initramfs").mkdir()
    (builder.top / "initramfs/manifest").write_text("package tiny\n")
    iso = builder.out / ".new" / f"posada-{(builder.top / 'VERSION').read_text().strip()}-amd64.iso"
    iso.parent.mkdir(parents=True, exist_ok=True)
    iso.write_bytes(b"an image")
    for name in ("busybox", "linux", "xen", "loaders", "microcode", "posada"):
        builder.recipe(name, 'licence="none"\n')
    subprocess.run(
        ["bash", "-euc", 'builder=$1 top=$2 cache=$3 out=$4; for part in "$builder"/*.sh; do . "$part"; done; packages_load'
            '; packages_key $(package_order $(image_packages)); mkdir -p "$out/.new"; image_spdx']
        + ["-", builder.builder, builder.top, builder.cache, builder.out],
        check=True,
    )  # fmt: skip
    document = json.loads((builder.out / ".new/manifest.spdx.json").read_text())
    itself, *packages = document["packages"]
    assert itself["checksums"][0]["checksumValue"] == hashlib.sha256(b"an image").hexdigest()
    assert itself["licenseDeclared"] == "GPL-2.0-or-later"
    assert document["relationships"][0]["relatedSpdxElement"] == itself["SPDXID"]
    return packages


def test_locked_version_gone_and_no_other_to_be_had(remote, archive):
    *_, file, _ = remote.lock_line("libaio")
    remote.lock_write("libaio", version="0.0.9-1", suite="trixie", file="libaio_0.0.9.orig.tar.gz", sha256="1" * 64)
    archive.obey(missing=file)
    run = remote.run("package", "tiny", status=1)
    assert f"{file} cannot be had" in run.stderr and "404" in run.stderr
    assert "libaio_0.0.9.orig.tar.gz of libaio 0.0.9-1 (trixie) has left the archive and no other version" in run.stderr
    assert "0.0.9" not in (remote.cache / "substitutes").read_text()
    assert not list(remote.cache.glob("sources/*"))
    archive.obey()
    remote.run("package", "tiny")
    remote.check_whole()


def test_lock_is_renewed(remote):
    before = {name: remote.lock_line(name) for name in ("libaio", "musl", "linux")}
    remote.lock_write("libaio", version="0.0.9-1", suite="trixie", file="libaio_0.0.9.orig.tar.gz", sha256="1" * 64)
    run = remote.run("lock", "tiny")
    assert "libaio 0." in run.stdout
    after = {name: remote.lock_line(name) for name in before}
    assert after["musl"] == before["musl"] and after["linux"] == before["linux"]
    assert after["libaio"][5] != "1" * 64
    assert (remote.cache / "sources" / f"{after['libaio'][5]}-{after['libaio'][4]}").exists()
    remote.run("package", "tiny")
    remote.check_whole()


# The second cache.


def test_second_cache_directory(builder, base):
    builder.share(base, "packages", "zlib-*")
    assert builder.run("package", "zlib").stdout == ""
    assert sha256(*builder.packages("zlib")) == sha256(*base.packages("zlib"))
    builder.check_whole()


class Quiet(http.server.SimpleHTTPRequestHandler):
    def log_message(self, *_):
        pass


@contextlib.contextmanager
def by_url(builder):
    """What a build needs in its environment to read the builder's second cache by its URL."""
    with serving(
        http.server.ThreadingHTTPServer(("127.0.0.1", 0), lambda *a: Quiet(*a, directory=str(builder.second)))
    ) as server:
        yield {"POSADA_CACHE_FROM": f"http://127.0.0.1:{server.server_port}"}


def test_second_cache_url(builder, base):
    builder.share(base, "packages", "zlib-*")
    with by_url(builder) as environment:
        assert builder.run("package", "zlib", **environment).stdout == ""
        assert sha256(*builder.packages("zlib")) == sha256(*base.packages("zlib"))
        # A source comes from there too; what is not there is built here.
        assert "tiny" in builder.run("package", "tiny", **environment).stdout
    assert list(builder.cache.glob("sources/*libaio*"))
    builder.check_whole()


@pytest.mark.parametrize("where", ["url", "directory"])
def test_second_cache_damaged_package(builder, base, where):
    tiny = base.packages("tiny")[0]
    builder.share(base, "packages", "tiny-*")
    (builder.second / "packages" / tiny.name).write_bytes(tiny.read_bytes()[:-1] + b"\0")
    with by_url(builder) if where == "url" else contextlib.nullcontext(builder.environment) as environment:
        run = builder.run("package", "tiny", **environment)
    said = f"packages/{tiny.name} of {environment['POSADA_CACHE_FROM']} is damaged (wrong sha256): making it here"
    assert run.stdout.startswith(said)
    assert "[1/1] tiny" in run.stdout
    assert sha256(*builder.packages("tiny")) == sha256(tiny)
    builder.check_whole()


def test_second_cache_damaged_source(remote, archive, base):
    *_, file, sum_ = remote.lock_line("libaio")
    (remote.second / "sources" / f"{sum_}-{file}").write_bytes(b"damaged")
    run = remote.run("package", "tiny")
    assert f"{file} of {remote.second} has the wrong sha256" in run.stdout and "taking it from the archive" in run.stdout
    assert file in archive.asked and len(remote.packages("tiny")) == 1
    remote.check_whole()


@pytest.mark.parametrize("where", ["url", "directory"])
def test_second_cache_that_is_not_there(builder, where):
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}" if where == "url" else str(builder.directory / "nowhere")
    builder.run("package", "tiny")
    builder.packages("tiny")[0].unlink()
    run = builder.run("package", "tiny", POSADA_CACHE_FROM=nowhere)
    assert run.stderr.count(f"POSADA_CACHE_FROM={nowhere} ") == run.stderr.count("going on without it") == 1
    assert "[1/1] tiny" in run.stdout
    builder.check_whole()


# What breaks off.


def test_failing_recipe(builder):
    builder.recipe("broken", 'build() { seq 1 60; echo "the reason"; false; echo "never seen"; }\n')
    run = builder.start("package", "hang", "broken")
    until(lambda: "begun" in builder.log("hang") and "broken failed" in run.stdout, "one fails while the other goes on")
    assert run.stdout == "broken failed; what is being compiled beside it is finished first\n"
    (builder.top / "go").touch()
    run.end(1)
    log = builder.out / "logs/broken.log"
    assert f"[failed] broken; the end of {log}:" in run.stderr
    assert "\n60\nthe reason\n" in run.stderr and "\n10\n" not in run.stderr
    assert run.stderr.splitlines()[-1] == f"build: broken failed; the full log is {log}"
    assert log.read_text().startswith("1\n2\n") and "never seen" not in log.read_text()
    assert not builder.packages("broken") and builder.packages("hang")
    nothing_running(builder)
    builder.check_whole()
    builder.recipe("broken", "build() { :; }\n")
    assert "[1/1] broken" in builder.run("package", "hang", "broken").stdout
    assert builder.packages("broken")
    assert not (builder.cache / "making/broken").exists()
    builder.check_whole()


def nothing_running(builder):
    """No process of a build is left: each one holds the lock."""
    subprocess.run(["flock", "--wait", str(int(PATIENCE)), builder.cache / "lock", "true"], check=True)


@pytest.mark.parametrize("name, status", [("SIGINT", 130), ("SIGTERM", 143), ("SIGHUP", 129)])
def test_interrupted(builder, name, status):
    """Ctrl-C goes to all that the terminal runs, kill to the builder alone: both end the compilers."""
    run = builder.start("package", "tiny", "hang")
    until(lambda: "begun" in builder.log("hang") and builder.packages("tiny"), "one is done, the other half")
    waiting = builder.start("package", "hang")
    until(lambda: "waiting for it" in waiting.stderr, "the second says that it waits")
    for each in (waiting, run):
        send = os.killpg if name == "SIGINT" else os.kill
        send(each.process.pid, getattr(signal, name))
        each.end(status)
        assert each.stderr.splitlines()[-1].startswith("build: interrupted; what was finished is kept")
        assert (builder.cache / "making/hang").exists() == (each is waiting)
    nothing_running(builder)
    assert builder.packages("tiny") and not builder.packages("hang") and not list(builder.cache.glob("making/*"))
    builder.check_whole()
    (builder.top / "go").touch()
    assert "[1/1] hang" in builder.run("package", "tiny", "hang").stdout
    builder.check_whole()


def test_builder_alone_killed(builder):
    """What the system kills for want of memory leaves a compiler behind: the next build waits for it."""
    run = builder.start("package", "hang")
    until(lambda: "begun" in builder.log("hang"), "the build compiles")
    os.kill(run.process.pid, signal.SIGKILL)
    run.end(-signal.SIGKILL)
    again = builder.start("package", "hang")
    until(lambda: f"another build is using {builder.cache}: waiting for it" in again.stderr, "the next says that it waits")
    (builder.top / "go").touch()
    assert again.end(0).stdout == "" and len(builder.packages("hang")) == 1
    builder.check_whole()


def test_killed_while_compiling(builder):
    run = builder.start("package", "tiny", "hang")
    until(lambda: "begun" in builder.log("hang") and builder.packages("tiny"), "one is done, the other half")
    run.kill()
    nothing_running(builder)
    assert not builder.packages("hang")
    builder.check_whole(parts=True)
    (builder.top / "go").touch()
    again = builder.run("package", "tiny", "hang")
    assert "[1/1] hang" in again.stdout and "tiny" not in again.stdout
    assert not (builder.cache / "making/hang").exists()
    builder.check_whole()


def test_killed_while_keeping(builder):
    """What a kill leaves between the steps that put a result in its place is never taken for one."""
    (builder.top / "go").touch()
    builder.run("package", "hang")
    (result,) = builder.packages("hang")
    whole = result.read_bytes()
    result.rename(f"{result}.part")
    pathlib.Path(f"{result}.part").write_bytes(whole[:20])
    (builder.cache / "sources/file.part.FAILED").write_bytes(b"half")
    (builder.cache / "packages" / f"gone-{'0' * 20}.tar.zst.part").write_bytes(b"half")
    assert "[1/1] hang" in builder.run("package", "hang").stdout
    assert result.read_bytes() == whole
    builder.check_whole()


@pytest.mark.parametrize("name, status", [("SIGKILL", -9), ("SIGINT", 130)])
def test_ended_while_downloading(remote, archive, name, status):
    *_, file, sum_ = remote.lock_line("libaio")
    archive.obey(stalled=file)
    run = remote.start("package", "tiny")
    assert archive.stalling.wait(PATIENCE)
    until(lambda: list(remote.cache.glob("sources/*.part*")), "half of the file is here")
    os.killpg(run.process.pid, getattr(signal, name))
    run.end(status)
    archive.goes_on.set()
    nothing_running(remote)
    assert not (remote.cache / "sources" / f"{sum_}-{file}").exists()
    remote.check_whole(parts=name == "SIGKILL")
    archive.obey()
    remote.run("package", "tiny")
    assert (remote.cache / "sources" / f"{sum_}-{file}").exists()
    remote.check_whole()


# A full disk: the cache or out lies on a small file system of the test's own, and then on a larger one.

FULL = """
set -eu
place=$1 size=$2 seed=$3 seen=$4
shift 4
mkdir "$place"
mount -t tmpfs -o size="$size",mode=755 none "$place"
[ ! -d "$seed" ] || cp -a "$seed/." "$place"
status=0
"$@" || status=$?
cp -a "$place" "$seen"
exit $status
"""


def run_full(builder, place, size, *arguments):
    """Run a build that fills its disk; what it leaves there lies in its place then, and what it said is returned."""
    seed, seen = builder.directory / "seed", builder.directory / "seen"
    if place.exists():
        place.rename(seed)
    run = builder.start(
        *arguments,
        prefix=["unshare", "-m" if os.geteuid() == 0 else "-rm", "bash", "-c", FULL, "full"]
        + [str(place), str(size), str(seed), str(seen)],
    ).end(1)  # fmt: skip
    place.rmdir()
    seen.rename(place)
    (message,) = [line for line in run.stderr.splitlines() if line.startswith("build: ")]
    assert "the disk is full" in message and f"free on {place}" in message and "POSADA_CACHE or POSADA_OUT" in message
    return message


@pytest.mark.parametrize("when", ["copying", "downloading", "unpacking"])
def test_full_disk(request, base, tmp_path, when):
    builder = request.getfixturevalue("remote" if when == "downloading" else "builder")
    builder.recipe("tiny", TINY.replace("libaio", "zlib").replace("README.md", "README"))
    results = sum(file.stat().st_size for file in builder.second.glob("packages/*"))
    source = sum(file.stat().st_size for file in base.cache.glob("sources/*zlib*"))
    size = {"copying": results // 2, "downloading": results + source // 2, "unpacking": results + source + (1 << 20)}[when]
    if when == "downloading":  # the indexes are larger than all the rest, and lie elsewhere
        (builder.cache / "apt").rename(tmp_path / "apt")
        (builder.cache / "apt").symlink_to(tmp_path / "apt")
    message = run_full(builder, builder.cache, size, "package", "tiny")
    what = {
        "copying": "build: copying packages/",
        "downloading": f"build: {builder.lock_line('zlib')[4]}: the disk is full",
        "unpacking": "build: tiny: the disk is full",
    }
    assert message.startswith(what[when])
    if when == "downloading":
        assert builder.lock_line("zlib")[4] in request.getfixturevalue("archive").asked
    builder.check_whole()
    assert not builder.packages("tiny") and not list(builder.cache.glob("making/*"))
    assert " tiny 1" in builder.run("package", "tiny").stdout
    assert len(builder.packages("tiny")) == 1
    builder.check_whole()


def test_full_disk_where_the_logs_go(builder):
    builder.recipe("talker", "build() { seq 1 100000; put 644 usr/share/talker /etc/hostname; }\n")
    message = run_full(builder, builder.out, 1 << 16, "package", "talker")
    assert message.startswith("build: talker: the disk is full")
    assert not builder.packages("talker") and not list(builder.cache.glob("making/*"))
    builder.check_whole()
    builder.run("package", "talker")
    assert len(builder.packages("talker")) == 1 and "\n100000\n" in builder.log("talker")


# Everything from nothing.


@pytest.mark.slow
def test_build_root_from_nothing(base, tmp_path):
    """mmdebstrap makes the root (as root or as an ordinary user), and the same bytes come out of it."""
    builder = Builder(tmp_path)
    builder.share(base, "sources", "*zlib*")
    builder.share(base, "packages", "musl-*", "linux-headers-*")
    with ending(builder):
        assert "build-root (trixie)" in builder.run("package", "zlib").stdout
        assert sha256(*builder.packages("zlib")) == sha256(*base.packages("zlib"))
        builder.check_whole()
        # A second cache gives the root away, without an archive, and a damaged one is not taken.
        (root,) = builder.cache.glob("roots/build-*.tar.zst")
        assert root.with_name(root.name + ".sha256").read_text().strip() == sha256(root)
        shutil.rmtree(builder.second / "roots")
        shutil.move(builder.cache / "roots", builder.second)
        for file in builder.cache.glob("packages/zlib-*"):
            file.unlink()
        nowhere = {"MIRROR": "http://127.0.0.1:1/debian"}
        assert "build-root (trixie)" in builder.run("package", "zlib", **nowhere).stdout
        assert sha256(*builder.packages("zlib")) == sha256(*base.packages("zlib"))
        shutil.rmtree(builder.cache / "roots")
        builder.packages("zlib")[0].unlink()
        with (builder.second / "roots" / root.name).open("r+b") as file:
            file.write(b"damaged")
        run = builder.run("package", "zlib", status=1, **nowhere)
        assert f"roots/{root.name} of {builder.second} is damaged (wrong sha256): making it here" in run.stderr
        assert "mmdebstrap cannot make a trixie system" in run.stderr and not list(builder.cache.glob("roots/*"))


def test_build_root_that_cannot_be_made(base, tmp_path):
    builder = Builder(tmp_path)
    builder.share(base, "packages", "musl-*", "linux-headers-*")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        nowhere = f"http://127.0.0.1:{closed.getsockname()[1]}/debian"
    with ending(builder):
        run = builder.run("package", "zlib", status=1, MIRROR=nowhere)
        assert f"mmdebstrap cannot make a trixie system from {nowhere}: is the network up" in run.stderr
        assert not list(builder.cache.glob("roots/*"))
