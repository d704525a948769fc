# SPDX-License-Identifier: GPL-2.0-or-later
"""The guests' own network gets out of the way of the network that the host is in."""
from host import Host


def test_uplink_has_the_guests_network():
    card = ["-netdev", "user,id=net,net=192.168.122.0/24", "-device", "virtio-net-pci,netdev=net"]
    with Host(nic=None, extra=card) as host:
        host.booted()
        wanted = {"nic": "br0", "address": "192.168.122.15/24"}
        host.until(lambda: wanted in host.posada("status", "--json")["addresses"], "address by DHCP", 120)
        host.until(lambda: "192.168.123.1/24" in host.sh("ip -o addr show dev virbr0", status=None), "other network for guests", 180)
        assert " dev br0 " in host.sh("ip route get 192.168.122.2")
        networks = host.posada("network", "list", "--json")
        assert any(network["name"] == "default" and network["active"] for network in networks), networks
        host.healthy()
