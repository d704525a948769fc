# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines that lack something reach the menu all the same, and it says what is missing."""
import subprocess

from host import Host


def has_row(host, text):
    return any(text in row for row in host.screen.display)


def test_neither_network_card_nor_disk():
    with Host(nic=None) as host:
        host.booted()
        host.see("No network card was found")
        host.see("No disk was found")
        status = host.posada("status", "--json")
        assert status["nics"] == [] and status["disks"] == [] and status["addresses"] == []
        assert len(status["notices"]) == 2
        host.healthy()


def test_512_mb_of_memory():
    with Host(memory=512) as host:
        host.booted()
        host.see("little memory")
        status = host.posada("status", "--json")
        assert any("little memory" in notice for notice in status["notices"])
        refusal = host.posada("guest", "create", "big", "--kind", "pv", "--kernel", "/run/payload/payload/vmlinuz",
                              "--memory", "1G", "--network", "none", status=1)
        assert "free" in refusal
        host.healthy()


def test_status_tells_what_there_is(tmp_path):
    """Memory, processors, cards and disks, against what the machine was given."""
    disks = [tmp_path / "one", tmp_path / "two"]
    subprocess.run(["truncate", "-s", "3G", disks[0]], check=True)
    subprocess.run(["truncate", "-s", "64M", disks[1]], check=True)
    with Host(memory=1536, cpus=3, disks=disks, nic="e1000") as host:
        host.booted()
        status = host.posada("status", "--json")
        assert status["cpus"] == 3
        assert 1536 * 0.97 * 1024 < status["memory_kib"] <= 1536 * 1024
        assert 0 < status["memory_free_kib"] < status["memory_kib"]
        assert {disk["name"]: disk["bytes"] for disk in status["disks"]} == {"vda": 3 << 30, "vdb": 64 << 20}
        (card,) = status["nics"]
        assert card["driver"] == "e1000" and card["link"] and card["mac"] == "52:54:00:12:34:56"
        wanted = {"nic": "br0", "address": "10.0.2.15/24"}
        host.until(lambda: wanted in host.posada("status", "--json")["addresses"], "address by DHCP")
        (notice,) = status["notices"]
        assert "no data place" in notice and not status["reboot_needed"]
        # And the screen says the same.
        host.shell_close()
        host.see("1.5 GiB|1[.]4 GiB")
        host.see(r"3 x ")
        host.see(r"10[.]0[.]2[.]15/24")
