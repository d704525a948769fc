# SPDX-License-Identifier: GPL-2.0-or-later
"""A Windows under BitLocker is started by the firmware alone, chosen in Posada's boot menu or in its own."""
import shutil
import struct
import uuid

import pytest
import vm
from bootview import Fat
from host import Host
from origins import GRUB, MIB, copy_at, run, write_at
from test_alongside import copy_of, differing, install, undo

ESP = uuid.UUID("0f0f0f0f-1111-2222-3333-444444444444")
ESP_SIZE = 300 * MIB
SECRET = 317 * MIB
LOADER = "/EFI/Microsoft/Boot/bootmgfw.efi"
TITLE = "Windows Boot Manager"
ALIVE = "WINDOWS IS ALIVE"
ENTRY = "Boot0050-8be4df61-93ca-11d2-aa0d-00e098032b8c"
TABLE = f"""label: gpt
start=2048, size={ESP_SIZE // 512}, type=U, uuid={ESP}
start={(MIB + ESP_SIZE) // 512}, size=32768, type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE
start={SECRET // 512}, size=262144, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
start={SECRET // 512 + 262144}, size=65536, type=DE94BBA4-06D1-4D40-A16A-BFD50179D6AC
"""


def windows(origins):
    """A disk as Windows lays it out, its system encrypted, with a loader that tells that it was started."""
    disk = origins.disk("windows", 900 * MIB, TABLE)
    early, loader, part = (origins.work / name for name in ("windows.cfg", "bootmgfw.efi", "windows.esp"))
    early.write_text(f"echo '{ALIVE}'\nsleep 2\nhalt\n")
    run("grub-mkimage", "-d", GRUB / "x86_64-efi", "-O", "x86_64-efi", "-c", early, "-p", "/", "-o", loader, "echo", "sleep", "halt")
    run("mkfs.fat", "-F", "32", "-n", "SYSTEM", "-C", part, ESP_SIZE // 1024)
    run("mmd", "-i", part, "::/EFI", "::/EFI/Microsoft", "::/EFI/Microsoft/Boot", "::/EFI/BOOT",
        "::/EFI/debian")
    run("mcopy", "-i", part, loader, f"::{LOADER}")
    run("mcopy", "-i", part, loader, "::/EFI/BOOT/BOOTX64.EFI")
    # A Linux that shares its ESP hides nothing.
    run("mcopy", "-i", part, loader, "::/EFI/debian/grubx64.efi")
    copy_at(disk, MIB, part)
    head = b"\xeb\x58\x90-FVE-FS-"
    write_at(disk, SECRET, head + bytes(0xb0 - len(head)) + struct.pack("<Q", MIB))
    write_at(disk, SECRET + MIB, b"-FVE-FS-" + struct.pack("<HH", 64, 2))
    return disk


def entry():
    """The variable that Windows keeps in the firmware."""
    title, path = (text.encode("utf-16-le") + b"\0\0" for text in (TITLE, LOADER.replace("/", "\\")))
    nodes = struct.pack("<HHIQQ16sBB", 0x0104, 42, 1, 2048, ESP_SIZE // 512, ESP.bytes_le, 2, 2)
    nodes += struct.pack("<HH", 0x0404, 4 + len(path)) + path + struct.pack("<HH", 0xff7f, 4)
    return struct.pack("<IIH", 7, 1, len(nodes)) + title + nodes


def esp_of(disk):
    """The files of its ESP."""
    return {path: read() for path, read in Fat(disk.read_bytes(), MIB).files().items() if read}


def see_windows(machine):
    """The firmware starts it, and has started nothing before."""
    with Host(**machine) as host:
        host.expect(ALIVE, 120)
        assert f'starting Boot0050 "{TITLE}"' in host.log and "Posada" not in host.log


@pytest.mark.slow
def test_windows_is_started_by_the_firmware(origins):
    disk = windows(origins)
    variables = disk.with_suffix(".vars")
    shutil.copy(vm.first_file("/usr/share/OVMF/OVMF_VARS_4M.fd", "/usr/share/OVMF/OVMF_VARS.fd"), variables)
    before, _ = copy_of(disk, None, "before")
    with Host(firmware="uefi", disks=[disk], variables=variables) as host:
        host.booted()
        option = entry()
        for start in range(0, len(option), 40):
            octal = "".join(f"\\{byte:03o}" for byte in option[start:start + 40])
            host.sh(f"printf '{octal}' >>/tmp/entry")
        host.sh(f"dd if=/tmp/entry of=/sys/firmware/efi/efivars/{ENTRY} bs=4096 2>/dev/null")
        known = {one["title"]: one for one in host.posada("install", "next", "--json")}
        assert known[TITLE]["partition"] == str(ESP) and known[TITLE]["path"] == LOADER and not known[TITLE]["next"]
        assert "has no entry Vista" in host.posada("install", "next", "Vista", status=1)
        plan = host.posada("install", "plan", "vda")
        assert "BitLocker" in plan and "Posada *; Debian GNU/Linux; Windows (restarts first)" in plan
        assert "Windows (restarts first) *" in host.posada("install", "plan", "vda", "--start", "windows")
        assert "posada; Debian GNU/Linux; Windows" in host.posada("install", "plan", "vda", "--start", "Fedora", status=1)
        install(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    # Proofs that boot are on a copy.
    copy, remembered = copy_of(disk, variables, "boot")
    machine = {"boot": "disk", "firmware": "uefi", "disks": [copy], "variables": remembered}
    # In Posada's boot menu.
    with Host(**machine) as host:
        host.start_entry("Windows (restarts first)")
        host.ended(300)
        assert ALIVE not in host.log
    see_windows(machine)
    # Once only; and in the menu of the running host.
    with Host(**machine) as host:
        host.booted()
        host.menu("System", "Start another")
        host.choose(TITLE)
        host.see("Reboot this host into")
        host.send("y")
        host.ended(300)
    see_windows(machine)
    with Host(**machine) as host:
        host.booted()
    with Host(firmware="uefi", disks=[disk], variables=variables) as host:
        undo(host)
        host.sh("sync; poweroff", status=None)
        host.ended()
    # The free space of its ESP keeps bytes of ours; nothing else may differ, and no file.
    assert [number for number in differing(before, disk) if not 1 <= number < 1 + ESP_SIZE // MIB] == []
    assert esp_of(disk) == esp_of(before)
    with Host(boot="disk", firmware="uefi", disks=[disk], variables=variables) as host:
        host.expect(ALIVE, 120)
        assert "Posada" not in host.log
