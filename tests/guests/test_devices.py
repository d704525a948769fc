# SPDX-License-Identifier: GPL-2.0-or-later
"""Disks, cards and CDs come and go, in guests that run and in guests that are off."""
import pytest
from host import Host

GUEST = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline", "console=hvc0 quiet",
         "--memory", "128M")
# Its kernel takes disks.
READER = tuple(word.replace("counter", "reader") for word in GUEST)


def disks(host, name="inn"):
    return {disk["target"]: disk["path"] for disk in host.posada("guest", "show", name, "--json")["disks"]}


def test_devices_of_a_running_guest(host):
    host.posada("guest", "create", "inn", "--kind", "pv", *READER, "--network", "none", "--disk", "8M", "--start", seconds=180)
    assert host.posada("guest", "attach", "inn", "--disk", "16M", "--nic", "default").splitlines() == [
        "The guest inn has the disk xvdb.", "The guest inn has a card in default."]
    assert disks(host) == {"xvda": "/data/volumes/inn.img", "xvdb": "/data/volumes/inn~2.img"}
    assert host.sh("virsh -q -c xen:///system domblklist --inactive inn | wc -l") == "2"
    # The guest's kernel has taken it: the back end is connected.
    host.until(lambda: host.sh("xl block-list inn | awk '$1 == 51728 { print $4 }'") == "4", "disk in the guest")
    (nic,) = host.posada("guest", "show", "inn", "--json")["nics"]
    said = host.posada("guest", "attach", "inn", "--disk", "/data/volumes/inn.img", status=1)
    assert "belongs to a guest already" in said

    host.shell_close()
    host.menu("Guests", "inn", "Devices")
    host.choose("xvdb")
    host.see("Take the disk xvdb away")
    # Enter alone takes nothing away.
    host.send("\r")
    host.until(lambda: not any("Take the disk" in row for row in host.screen.display), "menu again")
    host.choose("xvdb")
    host.see("Take the disk xvdb away")
    host.send("y")
    host.until(lambda: not any("xvdb" in row for row in host.screen.display), "disk that is gone")
    # What the host lives from is in the list, and stays.
    host.choose("Give USB")
    host.see("No USB device is plugged in")
    host.send("\r")
    host.choose("Give PCI")
    host.see("Ethernet card 1af4:1000, virtio-pci  \\(this host: ens[0-9]+")
    host.home()
    assert "Its file stays" not in host.posada("guest", "detach", "inn", "--nic", nic["mac"])
    assert disks(host) == {"xvda": "/data/volumes/inn.img"}
    assert host.posada("guest", "show", "inn", "--json")["nics"] == []
    assert host.sh("virsh -q -c xen:///system domblklist --inactive inn | wc -l") == "1"
    assert "no device" in host.posada("guest", "detach", "inn", "--disk", "xvdb", status=1)
    host.posada("pool", "delete", "default", "inn~2.img", "--confirm", "inn~2.img")
    assert host.sh("ls --color=never /data/volumes") == "inn.img"


@pytest.mark.slow
def test_a_disk_that_a_guest_does_not_let_go_of(host):
    """A whole PC is asked for it; a program without a system does not hear that."""
    host.posada("guest", "create", "inn", "--kind", "qemu", "--iso", "/data/media/memtest86+x64.iso", "--memory", "96M", "--network", "none")
    host.posada("guest", "start", "inn", seconds=300)
    host.posada("guest", "attach", "inn", "--disk", "8M")
    (disk,) = [target for target, path in disks(host).items() if path.endswith(".img")]
    said = host.posada("guest", "detach", "inn", "--disk", disk, status=1, seconds=120)
    assert f"inn has not let go of {disk}: it has it until it is stopped" in said
    assert disk in disks(host)
    host.posada("guest", "kill", "inn")
    assert disk not in disks(host)


@pytest.mark.slow
def test_cds(host):
    """In a whole PC that is off, and in one that runs."""
    memtest, grub = "/data/media/memtest86+x64.iso", "/data/media/grub-rescue-cdrom.iso"
    assert "no CD drive" in host.sh(
        f"posada guest create pv --kind pv {' '.join(GUEST[:4])} --memory 64M --network none && posada guest insert pv --iso {grub}",
        120, 1)
    host.posada("guest", "create", "inn", "--kind", "hvm", "--iso", memtest, "--memory", "128M", "--network", "none")
    host.posada("guest", "eject", "inn")
    assert disks(host) == {"hdc": None}
    host.posada("guest", "insert", "inn", "--iso", grub)
    assert disks(host) == {"hdc": grub}
    host.posada("guest", "start", "inn", seconds=300)
    host.posada("guest", "insert", "inn", "--iso", memtest)
    assert disks(host) == {"hdc": memtest}
    assert memtest in host.sh("virsh -q -c xen:///system domblklist --inactive inn")
    host.posada("guest", "eject", "inn")
    assert disks(host) == {"hdc": None}
    assert "is no ISO image" in host.posada("guest", "insert", "inn", "--iso", "/data/media/linux", status=1)
    host.posada("guest", "kill", "inn")
    assert disks(host) == {"hdc": None}


def is_the_hosts(host):
    """Whether the keyboard that is plugged in is the host's own."""
    return "usbhid" in host.sh("readlink $(dirname $(grep -l 0627 /sys/bus/usb/devices/*/idVendor))/*:1.0/driver", status=None)


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["qemu", "hvm"])
def test_a_usb_device(media_disk, kind):
    """It goes to a guest that runs, comes back when that ends, goes along at its next start, and is taken away again."""
    with Host(memory=3072, disks=[media_disk], extra=["-device", "usb-kbd,bus=usb.0"]) as host:
        if kind == "qemu":
            host.start_from_iso("Posada without Xen")
            start = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline", "console=ttyS0",
                     "--memory", "256M")
        else:
            host.booted()
            start = ("--iso", "/data/media/memtest86+x64.iso", "--memory", "128M")
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        host.posada("guest", "create", "inn", "--kind", kind, *start, "--network", "none", "--start", seconds=300)
        if kind == "qemu":
            host.console("inn", "alive")
        assert is_the_hosts(host)
        listed = {"bus": "usb", "name": "0627:0001", "text": "QEMU USB Keyboard", "host": None, "guest": None}
        assert listed in host.posada("guest", "devices", "--json")
        # What a guest says while nobody is at its console is lost.
        host.sh("{ { sleep 8; posada guest attach inn --usb 0627:0001; } >/tmp/said 2>&1 & }")
        for last in (False, True):
            if kind == "qemu":
                host.console("inn", "QEMU USB Keyboard")
            host.until(lambda: not is_the_hosts(host), "keyboard that the guest has")
            assert {**listed, "guest": "inn"} in host.posada("guest", "devices", "--json")
            if last:
                host.posada("guest", "detach", "inn", "--usb", "0627:0001")
            else:
                host.shell_close()
                host.menu("Guests", "inn", "Devices")
                host.see("0627:0001 +QEMU USB Keyboard")
                host.home()
                host.posada("guest", "kill", "inn")
            host.until(lambda: is_the_hosts(host), "keyboard that is back")
            if not last:
                host.posada("guest", "start", "inn", seconds=300)
        host.posada("guest", "kill", "inn")
        host.posada("guest", "start", "inn", seconds=300)
        assert is_the_hosts(host)
        host.healthy()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_a_usb_device_without_firmware(media_disk, kind):
    """Such a guest gets its USB controller at its start, so its first device while it is off."""
    keyboard = r"plugged: [^\n]*QEMU USB Keyboard[^\n]*\."
    with Host(memory=3072, disks=[media_disk], extra=["-device", "usb-kbd,bus=usb.0"]) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        host.posada("guest", "create", "inn", "--kind", kind, "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/plugged.cpio",
                    "--cmdline", "console=hvc0", "--memory", "256M", "--network", "none", "--start", seconds=300)
        host.console("inn", r"plugged: \.")
        assert "give it the device while it is off" in host.posada("guest", "attach", "inn", "--usb", "0627:0001", status=1)
        assert not host.posada("guest", "show", "inn", "--json")["host_devices"] and is_the_hosts(host)
        host.posada("guest", "kill", "inn")
        assert "xen-hcd" in host.posada("guest", "attach", "inn", "--usb", "0627:0001")
        host.posada("guest", "start", "inn", seconds=300)
        host.console("inn", keyboard)
        port = f"/local/domain/0/backend/qusb/{host.posada('guest', 'show', 'inn', '--json')['id']}/0/port/1"
        assert host.sh(f"xenstore-read {port}").strip() == "1-1"
        host.posada("guest", "detach", "inn", "--usb", "0627:0001")
        assert not host.sh(f"xenstore-read {port}").strip()
        host.console("inn", r"plugged: Xen USB2.0 Virtual Host Controller;\.")
        # Its controller stays, and takes the device again.
        host.posada("guest", "attach", "inn", "--usb", "0627:0001")
        assert host.sh(f"xenstore-read {port}").strip() == "1-1"
        host.console("inn", keyboard)
        host.posada("guest", "kill", "inn")
        host.until(lambda: is_the_hosts(host), "keyboard that is back")


CONTROLLER = "0000:01:00.0"


def controller_driver(host):
    return host.sh(f"readlink /sys/bus/pci/devices/{CONTROLLER}/driver | sed 's|.*/||'")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pv", "hvm", "qemu"])
def test_a_pci_device(media_disk, kind):
    """A disk controller of the host, behind an IOMMU: a guest that runs has it, and the host once it is taken away or the guest is deleted."""
    with Host(memory=3072, firmware="uefi", disks=[media_disk],
              extra=["-device", "intel-iommu", "-device", "pcie-root-port,id=gate,bus=pcie.0,addr=0x10,chassis=9",
                     "-device", "ich9-ahci,bus=gate"]) as host:
        entry = {"qemu": "Posada without Xen", "hvm": "Posada for PCI devices"}.get(kind)
        if entry:
            host.start_entry(entry)
        host.booted(hurry=not entry)
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        start = ("--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline",
                 "console=ttyS0" if kind == "qemu" else "console=hvc0")
        if kind == "hvm":
            start = ("--iso", "/data/media/memtest86+x64.iso")
        host.posada("guest", "create", "inn", "--kind", kind, *start, "--memory", "256M", "--network", "none")
        assert controller_driver(host) == "ahci"
        for words in ("attach", "detach", "attach"):
            host.posada("guest", words, "inn", "--pci", CONTROLLER)
        assert controller_driver(host) == "ahci"
        # The second start is with what the first has left.
        for _ in range(2):
            host.posada("guest", "start", "inn", seconds=300)
            if kind == "hvm":
                assert "8086:2922" in host.sh("xl qemu-monitor-command inn 'info pci'")
            else:
                host.console("inn", r"\[8086:2922\]" if kind == "qemu" else "alive")
            assert controller_driver(host) == ("vfio-pci" if kind == "qemu" else "pciback")
            if kind != "qemu":
                assert CONTROLLER in host.sh("xl pci-list inn")
            host.posada("guest", "kill", "inn")
        host.posada("guest", "detach", "inn", "--pci", CONTROLLER)
        host.until(lambda: controller_driver(host) == "ahci", "controller that is back")
        host.posada("guest", "start", "inn", seconds=300)
        assert controller_driver(host) == "ahci"
        host.posada("guest", "kill", "inn")
        # Nothing is taken from under the guest that runs with it; with that guest's end it is the host's.
        host.posada("guest", "create", "annex", "--kind", kind, *start, "--memory", "128M", "--network", "none")
        for guest in ("inn", "annex"):
            host.posada("guest", "attach", guest, "--pci", CONTROLLER)
        host.posada("guest", "start", "inn", seconds=300)
        host.posada("guest", "detach", "annex", "--pci", CONTROLLER)
        assert controller_driver(host) == ("vfio-pci" if kind == "qemu" else "pciback")
        if kind != "qemu":
            assert CONTROLLER in host.sh("xl pci-list inn")
        host.posada("guest", "kill", "inn")
        host.posada("guest", "delete", "inn")
        host.until(lambda: controller_driver(host) == "ahci", "controller of a guest that was deleted")
        host.healthy()
