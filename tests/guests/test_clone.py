# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests that are made from guests, with disks of their own."""
import pytest

def test_template_and_its_clone(host):
    host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio",
                "--cmdline", "console=hvc0 quiet", "--memory", "128M", "--disk", "1G")
    host.sh("printf hearth | dd of=/data/volumes/inn.img bs=1M seek=700 conv=notrunc 2>/dev/null")
    assert "is a template now" in host.posada("guest", "template", "inn", "on")
    assert host.posada("guest", "list", "--json")[0]["state"] == "template"
    assert '"posada guest clone inn NAME"' in host.posada("guest", "start", "inn", status=1)
    assert "The guest room is made from inn." in host.posada("guest", "clone", "inn", "room")
    old, new = (host.posada("guest", "show", name, "--json") for name in ("inn", "room"))
    assert old["uuid"] != new["uuid"] and old["nics"][0]["mac"] != new["nics"][0]["mac"]
    assert (new["state"], new["disks"][0]["path"]) == ("off", "/data/volumes/room.img")
    # The copy is whole, and what is empty takes no room.
    assert host.sh("qemu-img compare -q /data/volumes/inn.img /data/volumes/room.img && du -m /data/volumes/room.img").split()[0] == "1"

    host.posada("guest", "template", "inn", "off")
    for name in ("inn", "room"):
        host.posada("guest", "start", name, seconds=180)
    for name in ("inn", "room"):
        host.console(name, r"alive \d+\r")
    assert "running" in host.posada("guest", "clone", "inn", "more", status=1)
    assert host.sh("echo /data/volumes/*") == "/data/volumes/inn.img /data/volumes/room.img"


def test_guests_from_one_image(host):
    """Each has a disk of its own that begins with what the image has; the image stays as it is."""
    host.sh("mkdir /tmp/images && (cd /tmp/images && truncate -s 64M cloud.raw && printf hearth | dd of=cloud.raw bs=1M seek=9 conv=notrunc "
            "&& qemu-img convert -O qcow2 cloud.raw cloud.qcow2 && sha256sum cloud.* >sums)")
    create = ("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--network", "none", "--memory", "64M")
    said = host.posada(*create, "--copy", "/tmp/images/cloud.qcow2", "--copy-size", "63M", status=1)
    assert "has 64 MiB, which 63 MiB cannot hold" in said
    assert host.sh("echo /data/volumes/*") == "/data/volumes/*"
    host.posada(*create, "--copy", "/tmp/images/cloud.qcow2", "--copy-size", "1G", "--copy", "/tmp/images/cloud.raw", seconds=120)
    create = (*create[:2], "room", *create[3:])
    host.posada(*create, "--copy", "/tmp/images/cloud.qcow2", "--format", "qcow2", seconds=120)
    disks = [(disk["path"], disk["format"]) for name in ("inn", "room") for disk in host.posada("guest", "show", name, "--json")["disks"]]
    assert disks == [("/data/volumes/inn.img", "raw"), ("/data/volumes/inn~2.img", "raw"), ("/data/volumes/room.img", "qcow2")]
    assert host.sh("stat -c %s /data/volumes/inn.img /data/volumes/inn~2.img").split() == [str(1 << 30), str(64 << 20)]
    # The same content, and what is empty takes no room.
    for path, _ in disks:
        host.sh(f"qemu-img compare -q /tmp/images/cloud.raw {path}", 120)
    assert host.sh("du -m /data/volumes/inn.img").split()[0] == "1"
    host.sh("(cd /tmp/images && sha256sum -c sums) && rm -r /tmp/images")


@pytest.mark.slow
def test_copies_of_other_disks(host):
    """A logical volume is copied beside itself, with its zeros; an image that stands on another stands on its own then."""
    host.sh("truncate -s 200M /data/volumes/.group && losetup /dev/loop7 /data/volumes/.group && vgcreate -q inns /dev/loop7 && "
            "virsh -c xen:///system 'pool-define-as inns logical --source-name inns --target /dev/inns; pool-start inns; "
            "vol-create-as inns old 64M' && printf hearth | dd of=/dev/inns/old bs=1M seek=9 && "
            # What the copy gets as its room was another's before.
            "lvcreate -q -n used -l 100%FREE inns && yes | dd of=/dev/inns/used bs=1M; lvremove -q -f inns/used", 120)
    host.sh("cd /data/volumes && qemu-img create -q -f raw base 64M && printf floor | dd of=base bs=1M seek=9 conv=notrunc && "
            "qemu-img create -q -f qcow2 -F raw -b /data/volumes/base old.qcow2")
    host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--network", "none",
                "--disk", "/dev/inns/old")
    # It would be whoever made the image who says which file of this host the guest reads; other programs may do so.
    assert "stands on another file" in host.posada("guest", "attach", "inn", "--disk", "/data/volumes/old.qcow2", status=1)
    host.sh("virsh -c xen:///system attach-disk inn /data/volumes/old.qcow2 xvdb --driver qemu --subdriver qcow2 --sourcetype file --config")
    host.posada("guest", "clone", "inn", "room", seconds=300)
    try:
        new = host.posada("guest", "show", "room", "--json")["disks"]
        assert [(disk["path"], disk["format"]) for disk in new] == [("/dev/inns/room", "raw"), ("/data/volumes/room~2.img", "qcow2")]
        host.sh("qemu-img compare -q -f raw -F raw /dev/inns/old /dev/inns/room && "
                "qemu-img compare -q /data/volumes/old.qcow2 /data/volumes/room~2.img", 300)
        assert "backing" not in host.sh("qemu-img info /data/volumes/room~2.img")
    finally:
        for name in ("inn", "room"):
            host.posada("guest", "delete", name, "--disks")
        host.sh("virsh -c xen:///system 'pool-destroy inns; pool-undefine inns'; vgchange -q -an inns; losetup -d /dev/loop7; "
                "rm -f /data/volumes/.group /data/volumes/base", status=None)
    assert host.sh("echo /data/volumes/*") == "/data/volumes/*"


@pytest.mark.slow
def test_copying_that_is_ended(host):
    """Ctrl-C leaves nothing of the new guest."""
    host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--network", "none", "--disk", "3G")
    host.sh("dd if=/dev/urandom of=/tmp/noise bs=1M count=32 2>/dev/null; for n in $(seq 0 15); do dd if=/tmp/noise "
            "of=/data/volumes/inn.img bs=1M seek=$((n * 64)) conv=notrunc; done 2>/dev/null; rm /tmp/noise", 300)
    since = len(host.log)
    host.send("posada guest clone inn room\n")
    host.expect(r"Copying: \d+%", 60, since)
    host.send("\x03")
    host.expect("nothing of room is left", 60, since)
    host.see(r"posada:.*# ")
    assert [guest["name"] for guest in host.posada("guest", "list", "--json")] == ["inn"]
    assert host.sh("echo /data/volumes/*") == "/data/volumes/inn.img"


@pytest.mark.slow
def test_a_copy_of_an_image_in_the_menu(host):
    host.sh("truncate -s 300M /tmp/cloud.raw")
    host.menu("Guests")
    host.choose("Create a guest")
    host.see("What is the guest called")
    host.answer("inn")
    host.see("Which kind of guest")
    host.send("\r")
    host.choose("Disk")
    host.choose("Other")
    host.see("OK")
    host.answer("/tmp/cloud.raw")
    host.see("Which disk does the guest get")
    host.choose("Copy")
    host.see("Its disk")
    host.send("\x1bOB" * 2)
    host.answer("100M")
    host.see("In which format")
    host.send("\r")
    host.see("Which network")
    host.choose("none")
    host.see("Shall it be told")
    host.send("\r")
    host.see("a copy of /tmp/cloud.raw")
    host.send("\t\r")
    host.see("which 100 MiB cannot hold")
    host.send("\r")
    host.home()
    host.sh("rm /tmp/cloud.raw")


@pytest.mark.slow
def test_template_and_clone_in_the_menu(host):
    host.posada("guest", "create", "inn", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--disk", "64M")
    host.menu("Guests")
    host.choose("inn")
    host.choose("Make a template")
    host.see("Make this guest a template")
    host.send("y")
    host.see(r"inn +pv +template")
    host.choose("inn")
    host.see("Make a guest")
    assert not any("Switch it on" in row for row in host.screen.display), host.describe()
    host.choose("Clone")
    host.see("What is the guest called")
    host.answer("room")
    host.see("Shall it be told")
    host.send("\t\r")
    host.see("DNS servers")
    # A user without a key could not log in, so the page comes again with what was typed.
    host.answer("anna")
    host.see("id_ed25519.pub")
    host.send("\r")
    host.see("Nobody could log in as anna")
    host.send("\r")
    host.see("anna")
    host.send("\r")
    host.see("id_ed25519.pub")
    host.answer("ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f")
    host.see(r"room +pv +off", 60)
    host.choose("inn")
    host.choose("Make a guest")
    host.see(r"inn +pv +off")
    host.home()
    disks = host.posada("guest", "show", "room", "--json")["disks"]
    assert [disk["path"] for disk in disks] == ["/data/volumes/room.img", "/data/volumes/room~seed.iso"]
