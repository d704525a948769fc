# SPDX-License-Identifier: GPL-2.0-or-later
"""Networks for guests: made, joined, refused, deleted; and the host's own address, which is never lost."""
import http.server
import re
import subprocess
import threading

import pytest
from host import DOWN, Host

pytestmark = pytest.mark.slow

COUNTER = ("--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd", "/data/media/counter.cpio", "--cmdline",
           "console=hvc0 quiet", "--memory", "128M")
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"the page of the server")


@pytest.fixture(name="server")
def serve():
    """The port of a server on this machine, which a machine in QEMU sees at 10.0.2.2."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.server_port
        server.shutdown()


# What udhcpc is told, as one line.
LEASE = "printf '#!/bin/sh\\n[ $1 != bound ] || echo leased $ip by $router\\n' >/tmp/lease && chmod +x /tmp/lease"
REFUSALS = {
    "a name that is taken": (("create", "default", "--kind", "nat"), 1, "named default already"),
    "a name that is illegal": (("create", "a.b", "--kind", "nat"), 1, "Use 1 to 13 letters"),
    "the name of an interface": (("create", "eth0", "--kind", "isolated"), 1, "already"),
    "the host's own": (("create", "br0", "--kind", "bridge", "--vlan", "5"), 1, "means something else"),
    "the network that the host is in": (("create", "lab", "--kind", "nat", "--address", "10.0.2.77/24"), 1, "this host is in"),
    "a network that contains it": (("create", "lab", "--kind", "isolated", "--address", "10.200.0.1/8"), 1, "this host is in"),
    "another network of guests": (("create", "lab", "--kind", "nat", "--address", "192.168.122.200/28"), 1, "the network default"),
    "an address that is none": (("create", "lab", "--kind", "nat", "--address", "10.1.0/24"), 1, "Write it as"),
    "a VLAN that is none": (("create", "lab", "--kind", "bridge", "--vlan", "4095"), 1, "1 to 4094"),
    "a VLAN of zero": (("create", "lab", "--kind", "bridge", "--vlan", "0"), 2, "1 to 4094"),
    "a card that is not there": (("create", "lab", "--kind", "bridge", "--nic", "eth9", "--vlan", "5"), 1, "no network card eth9"),
    "the card of the host": (("create", "lab", "--kind", "bridge", "--nic", "eth0"), 1, "host's own network"),
    "no kind": (("create", "lab",), 2, "nat, isolated or bridge"),
    "one that is not there": (("delete", "lab"), 1, "no network or bridge named lab"),
    "the host's bridge": (("delete", "br0"), 1, "cannot be deleted"),
    "the host's address on guests' network": (("set", "host", "--address", "192.168.122.9/24"), 1, "the network default"),
    "a gateway from elsewhere": (("set", "host", "--address", "10.0.2.9/24", "--gateway", "10.0.3.1"), 1, "cannot be the gateway"),
    "nothing to confirm": (("confirm",), 1, "Nothing is being tried"),
}


def card(host):
    """The host's card, whatever it is called."""
    return host.posada("network", "show", "br0", "--json")["nic"]


@pytest.mark.parametrize("words, status, sentence", REFUSALS.values(), ids=REFUSALS)
def test_refusal(host, words, status, sentence):
    words = [card(host) if word == "eth0" else word for word in words]
    before = host.posada("network", "list", "--json")
    said = host.posada("network", *words, status=status)
    assert sentence in said and said.startswith("posada: "), said
    assert host.posada("network", "list", "--json") == before


def test_nat_with_dhcp(host):
    host.posada("network", "create", "lab", "--kind", "nat", "--address", "10.44.0.1/24")
    lab = host.posada("network", "show", "lab", "--json")
    assert lab["active"] and lab["dhcp"] and lab["address"] == "10.44.0.1/24" and lab["guests"] == []
    # Whoever is on its bridge gets an address.
    host.sh(f"{LEASE}; ip link add g0 type veth peer name g1 && ip link set g0 master {lab['device']} && ip link set g0 up && "
            "ip link set g1 up")
    lease = "udhcpc -i g1 -n -q -f -t 10 -T 1 -s /tmp/lease 2>&1"
    assert re.search(r"leased 10\.44\.0\.\d+ by 10\.44\.0\.1\b", host.sh(lease))
    # Without DHCP nobody does.
    host.posada("network", "set", "lab", "--dhcp", "off")
    host.sh(f"ip link set g0 master {lab['device']}")
    assert "leased" not in host.sh("udhcpc -i g1 -n -q -f -t 3 -T 1 -s /tmp/lease 2>&1", status=None)
    host.sh("ip link delete g0")
    # A guest's card keeps its address, and its network.
    host.posada("guest", "create", "counter", *COUNTER, "--network", "lab", "--start")
    macs = host.posada("guest", "show", "counter", "--json")["nics"]
    assert "vif" in host.sh(f"echo /sys/class/net/{lab['device']}/brif/*")
    assert "is running on" in host.posada("network", "set", "lab", "--dhcp", "on", status=1)
    assert "The guest counter uses" in host.posada("network", "delete", "lab", status=1)
    assert host.posada("network", "show", "lab", "--json")["guests"] == ["counter"]
    host.posada("guest", "kill", "counter")
    host.posada("guest", "start", "counter")
    assert [nic["mac"] for nic in host.posada("guest", "show", "counter", "--json")["nics"]] == [nic["mac"] for nic in macs]
    host.posada("guest", "kill", "counter")
    assert "The guest counter uses" in host.posada("network", "delete", "lab", status=1)
    host.posada("guest", "delete", "counter")
    host.posada("network", "delete", "lab")
    assert "lab" not in [network["name"] for network in host.posada("network", "list", "--json")]
    assert lab["device"] not in host.sh("ip -br link").split()


def test_a_guest_reaches_out(host, server):
    """Through the network "default", whose addresses nobody outside knows."""
    words = [word.replace("counter.cpio", "caller.cpio").replace("quiet", f"quiet call={server}") for word in COUNTER]
    host.posada("guest", "create", "caller", *words, "--start")
    host.console("caller", "heard the page of the server")
    host.posada("guest", "kill", "caller")
    host.posada("guest", "delete", "caller")


def test_a_guest_starts_from_the_network(host):
    """Its firmware asks for an address, and says that it would start from what it is told."""
    host.posada("guest", "create", "net", "--kind", "hvm", "--boot", "network", "--memory", "64M", "--network", "default", "--start",
                seconds=300)
    guest = host.posada("guest", "show", "net", "--json")
    assert guest["settings"]["boot"] == "network,disk,cd"
    host.sh(f"until virsh -q net-dhcp-leases default | grep -q {guest['nics'][0]['mac']}; do sleep 2; done", 900)
    host.posada("guest", "kill", "net")
    host.posada("guest", "delete", "net")


def test_isolated(host):
    host.posada("network", "create", "quiet", "--kind", "isolated")
    quiet = host.posada("network", "show", "quiet", "--json")
    assert quiet["active"] and not quiet["dhcp"] and quiet["address"] is None
    assert "inet " not in host.sh(f"ip addr show dev {quiet['device']}")
    host.posada("network", "set", "quiet", "--address", "10.45.0.1/24")
    assert host.posada("network", "show", "quiet", "--json")["dhcp"]
    host.posada("network", "delete", "quiet")


def test_vlan(host):
    host.posada("network", "create", "lan20", "--kind", "bridge", "--vlan", "20")
    assert "VLAN 20" in host.posada("network", "create", "again", "--kind", "bridge", "--vlan", "20", status=1)
    lan = host.posada("network", "show", "lan20", "--json")
    assert lan["active"] and lan["vlan"] == 20 and lan["nic"] == card(host) and lan["address"] is None
    assert "id 20 " in host.sh("ip -d link show lan20.v")
    assert "inet" not in host.sh("ip addr show dev lan20")
    host.posada("guest", "create", "counter", *COUNTER, "--network", "lan20", "--start")
    assert "vif" in host.sh("echo /sys/class/net/lan20/brif/*")
    host.posada("network", "set", "lan20", "--vlan", "21")
    assert "id 21 " in host.sh("ip -d link show lan20.v")
    assert "vif" in host.sh("echo /sys/class/net/lan20/brif/*")
    host.posada("guest", "kill", "counter")
    host.posada("guest", "delete", "counter")
    host.posada("network", "delete", "lan20")
    assert "lan20" not in host.sh("ip -br link")


def test_networks_in_the_menu(host):
    host.menu("Network", "Create")
    host.see("called")
    host.answer("menu1")
    host.choose("nat")
    host.see("Address")
    host.send("\r")
    host.see(r"menu1 +nat +active +10\.122\.0\.1/24", 60)
    host.home()
    host.menu("Network", "Networks")
    host.see("menu1")
    host.choose("menu1")
    host.see("Bridge: +virbr")
    host.choose("Change")
    host.see("Address")
    host.answer("10.46.0.1/24")
    host.choose("No DHCP")
    host.see(r"menu1 +nat +active +10\.46\.0\.1/24", 60)
    host.choose("menu1")
    host.see("DHCP: +no")
    host.choose("Delete")
    host.see("Type the name")
    host.answer("menu1")
    host.until(lambda: not any("menu1" in row for row in host.screen.display), "menu1 that is gone")
    host.home()
    assert "menu1" not in [network["name"] for network in host.posada("network", "list", "--json")]
    # Where this host has an address, guests need not get theirs from it.
    host.menu("Network", "Create")
    host.see("called")
    host.answer("menu2")
    host.choose("isolated")
    host.see("guests no DHCP")
    host.answer("10.47.0.1/24")
    host.choose("No DHCP")
    host.see(r"menu2 +isolated +active +10\.47\.0\.1/24", 60)
    host.home()
    assert not host.posada("network", "show", "menu2", "--json")["dhcp"]
    host.posada("network", "delete", "menu2")


def test_guests_that_run_keep_their_bridge(host):
    """The network "default" leaves the range that the host's network has, once no guest is on it."""
    def address():
        return host.posada("network", "show", "default", "--json")["address"]

    def waits():
        return any("once no guest runs on it" in notice for notice in host.posada("status", "--json")["notices"])

    host.posada("guest", "create", "counter", *COUNTER, "--network", "default", "--start")
    try:
        host.sh("{ setsid /etc/init/nat 192.168.122.9 24 </dev/null >/dev/null 2>&1 & }")
        host.until(waits, "notice that says what to do", 180)
        assert address() == "192.168.122.1/24"
        assert "vif" in host.sh("echo /sys/class/net/virbr0/brif/*")
        host.posada("guest", "kill", "counter")
        host.until(lambda: address() == "192.168.123.1/24", "other range", 120)
        host.until(lambda: not waits(), "notice that is gone", 60)
    finally:
        host.posada("guest", "kill", "counter", status=None)
        host.posada("guest", "delete", "counter")
        host.posada("network", "set", "default", "--address", "192.168.122.1/24")


def addresses(host):
    return [address["address"] for address in host.posada("status", "--json")["addresses"] if ":" not in address["address"]]


def has(host, address, seconds=60):
    host.until(lambda: addresses(host) == [address], f"{address} alone", seconds)


def test_host_address(tmp_path):
    disk = tmp_path / "disk"
    subprocess.run(["truncate", "-s", "2G", disk], check=True)
    second = ["-netdev", "user,id=two,restrict=on", "-device", "virtio-net-pci,netdev=two"]
    ours = ("--address", "10.0.2.77/24", "--gateway", "10.0.2.2", "--dns", "10.0.2.3")
    with Host(disks=[disk], extra=second) as host:
        host.booted()
        host.posada("storage", "create", "vda", "--whole-disk", "--confirm", "vda", seconds=300)
        has(host, "10.0.2.15/24")
        # Nobody confirms, whoever asked is gone, and the one who watches is killed: it goes back.
        host.sh(f"setsid posada network set host {' '.join(ours)} >/tmp/said 2>&1 & "
                "until grep -q seconds /tmp/said; do sleep 1; done")
        has(host, "10.0.2.77/24")
        assert "via 10.0.2.2" in host.sh("ip route; ping -c 1 -W 5 10.0.2.2")
        assert "10.0.2.3" in host.sh("cat /etc/resolv.conf")
        host.sh("pkill -9 -f '[n]etwork trial'")
        assert any("network confirm" in notice for notice in host.posada("status", "--json")["notices"])
        has(host, "10.0.2.15/24", 180)
        host.until(lambda: not any("network confirm" in notice for notice in host.posada("status", "--json")["notices"]),
                   "notice that is gone")
        assert host.posada("config", "get", "network.address") == ""
        assert "Nothing is being tried" in host.posada("network", "confirm", status=1)
        # In the menu, with a key.
        host.menu("Network", "Host address")
        host.choose("Fixed")
        host.see("Name servers")
        host.send(f"10.0.2.77/24{DOWN}10.0.2.2\r")
        host.choose("As it is")
        host.see("In [0-9]+ seconds", 60)
        host.see(r"10\.0\.2\.77/24 on br0")
        host.send("k")
        host.see("so from now on")
        host.send("\r")
        host.home()
        has(host, "10.0.2.77/24")
        assert host.posada("config", "get", "network.gateway") == "10.0.2.2"
        assert "52:54:00" in host.posada("config", "get", "network.card")
        # The second card is for guests alone, and lasts like everything else.
        two = next(nic["name"] for nic in host.posada("status", "--json")["nics"] if nic["name"] != card(host))
        host.posada("network", "create", "lan", "--kind", "bridge", "--nic", two)
        assert "to itself" in host.posada("network", "set", "host", "--dhcp", "--nic", two, status=1)
        host.posada("network", "create", "lab", "--kind", "nat")
        host.posada("network", "create", "lan30", "--kind", "bridge", "--nic", two, "--vlan", "30")
        before = host.posada("network", "list", "--json")
        host.sh("sleep 65", 120)
        assert addresses(host) == ["10.0.2.77/24"]
        host.healthy()
        host.sh("sync")
    with Host(disks=[disk], extra=second) as host:
        host.booted()
        has(host, "10.0.2.77/24", 120)
        host.until(lambda: all(network["active"] for network in host.posada("network", "list", "--json")), "networks that are back")
        assert host.posada("network", "list", "--json") == before
        assert "via 10.0.2.2" in host.sh("ip route")
        # Back to DHCP by the one command that a person without a network remembers.
        host.posada("network", "reset")
        has(host, "10.0.2.15/24", 120)
        assert "memory" not in host.posada("network", "confirm")
        assert host.posada("config", "get", "network.address") == host.posada("config", "get", "network.card") == ""
        host.healthy()
