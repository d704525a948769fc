# SPDX-License-Identifier: GPL-2.0-or-later
"""A real system in a guest: Debian installs itself on a logical volume, and is there after the host's reboot."""
import gzip
import shutil
import subprocess

import debian
import pytest
from host import Host

pytestmark = pytest.mark.slow
PROMPT = r"root@inn:~# "
# What Debian's installer asks, answered; what would only cost time is left out. The kernel for clouds would do but for Xen's console.
ANSWERS = """
d-i debian-installer/locale string en_US.UTF-8
d-i keyboard-configuration/xkb-keymap select us
d-i netcfg/choose_interface select auto
d-i netcfg/get_hostname string inn
d-i netcfg/get_domain string
d-i mirror/country string manual
d-i mirror/http/hostname string {host}
d-i mirror/http/directory string /debian
d-i mirror/http/proxy string
d-i mirror/suite string {suite}
d-i debian-installer/allow_unauthenticated boolean true
d-i passwd/make-user boolean false
d-i passwd/root-password password posada
d-i passwd/root-password-again password posada
d-i clock-setup/utc boolean true
d-i clock-setup/ntp boolean false
d-i time/zone string UTC
d-i partman-auto/method string regular
d-i partman-auto/disk string /dev/xvda
d-i partman-auto/expert_recipe string all :: 1000 1000 -1 ext4 $primary{{ }} $bootable{{ }} method{{ format }} format{{ }} use_filesystem{{ }} filesystem{{ ext4 }} mountpoint{{ / }} .
d-i partman-basicfilesystems/no_swap boolean false
d-i partman-partitioning/confirm_write_new_label boolean true
d-i partman/choose_partition select finish
d-i partman/confirm boolean true
d-i partman/confirm_nooverwrite boolean true
d-i base-installer/install-recommends boolean false
d-i base-installer/kernel/image string linux-image-amd64
d-i apt-setup/services-select multiselect
d-i apt-setup/enable-source-repositories boolean false
tasksel tasksel/first multiselect
d-i pkgsel/upgrade select none
popularity-contest popularity-contest/participate boolean false
d-i grub-installer/only_debian boolean true
d-i grub-installer/bootdev string /dev/xvda
d-i finish-install/reboot_in_progress note
d-i debian-installer/exit/poweroff boolean true
"""

# What lets the installer itself take packages that nobody has signed is not enough for apt.
UNSIGNED = """#!/bin/sh
echo 'Acquire::AllowInsecureRepositories "true";' >/target/etc/apt/apt.conf.d/00unsigned
"""


@pytest.fixture(name="installer")
def make_installer(tmp_path):
    """A disk with Debian's installer, which has its answers in its initrd; the packages come from where this machine has its own."""
    upstream = debian.machines_archive()
    if not upstream:
        pytest.skip("this machine has no Debian archive with an http address")
    archive = debian.Archive(upstream, tmp_path)
    if archive.lacks:
        pytest.skip(f"the Debian archive of this machine lacks what the installer fetches: {archive.lacks}")
    server = archive.serve()
    answers, tree, disk = tmp_path / "answers", tmp_path / "INSTALLER", tmp_path / "installer.img"
    hook = answers / "usr/lib/post-base-installer.d/90unsigned"
    hook.parent.mkdir(parents=True)
    hook.write_text(UNSIGNED)
    hook.chmod(0o755)
    tree.mkdir()
    # What the machine in QEMU calls the loopback of this one.
    (answers / "preseed.cfg").write_text(ANSWERS.format(host=f"10.0.2.2:{server.server_port}", suite=debian.SUITE))
    packed = subprocess.run("find . -mindepth 1 | cpio -o -H newc --quiet", shell=True, cwd=answers, check=True, stdout=subprocess.PIPE)
    (tree / "installer.gz").write_bytes(archive.initrd.read_bytes() + gzip.compress(packed.stdout))
    shutil.copy(archive.kernel, tree)
    subprocess.run(["mke2fs", "-q", "-t", "ext4", "-L", "INSTALLER", "-d", tree, disk, "160M"], check=True)
    yield disk
    server.shutdown()


def log_in(host):
    """On Debian's own console, whose prompt is waited for; Ctrl-] leaves it."""
    host.shell_open()
    host.send("posada guest console inn\n")
    host.expect("inn login: ", 900)
    host.send("root\n")
    host.expect("Password: ", 120)
    host.send("posada\n")
    host.expect(PROMPT, 120)


def leave(host):
    since = len(host.log)
    host.send("\x1d")
    host.expect(r"posada:\S*# ", 30, since)


def see_to_its_end(host, seconds):
    """On the installer's console, so that a question which it asks is on the screen when the time is over."""
    since = len(host.log)
    host.send("posada guest console inn\n")
    host.expect(r"\nposada:\S*# ", seconds, since)
    see_off(host, 60)


def see_off(host, seconds):
    host.sh("""until posada guest show inn --json | grep -q '"state": *"off"'; do sleep 10; done""", seconds)


def test_debian_installs_itself(tmp_path, installer):
    place, blocks = tmp_path / "place", tmp_path / "blocks"
    for disk, size in ((place, "2G"), (blocks, "4G")):
        subprocess.run(["truncate", "-s", size, disk], check=True)
    disks = [place, blocks, installer]
    with Host(memory=3072, disks=disks) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        host.posada("pool", "create", "fast", "--kind", "lvm", "--source", "vdb", "--confirm", "vdb", seconds=180)
        host.sh("mkdir /tmp/disk && mount -o ro /dev/disk/by-label/INSTALLER /tmp/disk && cp /tmp/disk/linux /tmp/disk/installer.gz /data/media/", 120)
        # Without nested virtualization a PV guest is the quickest under emulation.
        host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/linux", "--initrd", "/data/media/installer.gz",
                    "--cmdline", "console=hvc0 auto=true priority=critical", "--memory", "1280M", "--disk", "3G", "--pool", "fast",
                    "--start", seconds=180)
        disk = host.posada("guest", "show", "inn", "--json")["disks"][0]["path"]
        see_to_its_end(host, 10800)
        # From now on the disk says what starts; GRUB as a PV guest does not read Debian's kernels, as a PVH guest it does.
        host.posada("guest", "delete", "inn")
        host.posada("guest", "create", "inn", "--kind", "pvh", "--disk", disk, "--memory", "512M", "--start", seconds=180)
        log_in(host)
        host.send("echo written >/root/mark; sync; findmnt -no SOURCE /\n")
        host.expect("/dev/xvda1", 60)
        leave(host)
        host.sh("poweroff", status=None)
        host.ended(900)
    with Host(memory=3072, disks=disks) as host:
        host.booted()
        host.posada("guest", "start", "inn", seconds=180)
        log_in(host)
        host.send("cat /root/mark\n")
        host.expect(r"written\r", 60)
        leave(host)
        host.posada("guest", "stop", "inn", seconds=900)
        see_off(host, 60)
