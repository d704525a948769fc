# SPDX-License-Identifier: GPL-2.0-or-later
"""Guests of each kind, made and run through the menu and again through the command line."""
import pytest

INSTALLER = r"Entering low memory mode|Select a language|Choose language"
CTRL_BRACKET = "\x1d"


@pytest.mark.parametrize("kind", ["pv", pytest.param("pvh", marks=pytest.mark.slow)])
def test_installer_through_the_menu(host, kind):
    host.menu("Guests")
    host.choose("Create a guest ...")
    host.see("What is the guest called")
    host.answer("inn")
    host.see("Which kind of guest")
    host.choose(kind)
    host.see("What does it start from")
    host.choose("Kernel")
    host.see("Which kernel")
    host.choose("linux")
    host.see("Which initrd")
    host.choose("initrd.gz")
    host.see("command line")
    host.answer("console=hvc0")
    host.see("How large")
    host.send("\r")
    host.see("In which format")
    host.choose("qcow2")
    host.see("Which network")
    host.choose("default")
    host.see(r"New disk: +\w+, qcow2")
    host.see("Create and start")
    host.send("\r")
    host.see(rf"inn +{kind} +running", 180)

    # Its console shows a real operating system; Ctrl-] leaves it, and the menu is whole again.
    host.choose("inn")
    host.see("leaves")
    assert not any("How to reach its screen" in row for row in host.screen.display), host.describe()
    host.choose("Console")
    host.see(INSTALLER, 600)
    host.send(CTRL_BRACKET)
    host.see("Force off")
    assert not any("Installer" in row or "low memory" in row for row in host.screen.display), host.describe()

    host.choose("Force off")
    host.see("Take the power of inn away")
    host.send("y")
    host.see(rf"inn +{kind} +off", 60)

    # Deletion asks for the name to be typed, and takes nothing else for it.
    for typed in ("inm", "inn"):
        host.choose("inn")
        host.choose("Delete")
        host.see("Keep the volumes")
        host.send("\t\r")
        host.see("Type the guest's name to confirm")
        host.answer(typed)
        if typed == "inm":
            host.see("nothing was deleted")
            host.send("\r")
    host.until(lambda: not any("inn " in row for row in host.screen.display), "guest that is gone")
    host.home()
    assert host.posada("guest", "list", "--json") == []
    assert host.sh("ls /data/volumes") == ""


@pytest.mark.parametrize("kind", [pytest.param("pv", marks=pytest.mark.slow), "pvh"])
def test_installer_through_the_command_line(host, kind):
    said = host.posada("guest", "create", "inn", "--kind", kind, "--kernel", "/data/media/linux", "--initrd",
                       "/data/media/initrd.gz", "--cmdline", "console=hvc0", "--memory", "512M", "--disk", "1G")
    assert said == "The guest inn is made."
    assert host.posada("guest", "start", "inn", seconds=180) == "The guest inn runs."
    guest = host.posada("guest", "show", "inn", "--json")
    assert (guest["kind"], guest["state"], guest["engine"]) == (kind, "running", "xen")
    assert guest["memory_kib"] == 512 * 1024 and guest["nics"][0]["network"] == "default"
    assert guest["disks"][0]["path"] == "/data/volumes/inn.img"

    host.console("inn", INSTALLER, 600)

    assert "paused" in host.posada("guest", "pause", "inn")
    assert host.posada("guest", "show", "inn", "--json")["state"] == "paused"
    assert "goes on" in host.posada("guest", "resume", "inn")
    assert "running" in host.posada("guest", "delete", "inn", status=1)
    assert host.posada("guest", "kill", "inn") == "The guest inn is off."
    assert host.posada("guest", "delete", "inn", "--disks") == "The guest inn is deleted with its volumes."
    assert host.posada("guest", "list", "--json") == []
    assert host.sh("ls /data/volumes") == ""
    host.healthy()


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["pv", "pvh"])
def test_disk_with_a_boot_loader(host, kind):
    """No kernel is given: the guest's own disk says what starts."""
    host.sh("cp /data/media/counter.img /data/volumes/")
    host.posada("guest", "create", "inn", "--kind", kind, "--disk", "/data/volumes/counter.img", "--memory", "192M", "--start",
                seconds=180)
    host.console("inn", r"alive \d+\r")
    host.posada("guest", "stop", "inn", seconds=180)
    assert host.posada("guest", "show", "inn", "--json")["state"] == "off"
