# SPDX-License-Identifier: GPL-2.0-or-later
"""A scan from outside finds no open port on a fresh host, and one once SSH is switched on."""
import subprocess
import sys

import pytest
from host import Host

SCAN = """
import asyncio, sys
async def probe(port, gate):
    async with gate:
        for patience in (2, 10):
            try:
                _, writer = await asyncio.wait_for(asyncio.open_connection(sys.argv[1], port), patience)
                writer.close()
                return port
            except ConnectionRefusedError:
                return None
            except (OSError, asyncio.TimeoutError):
                pass
        return -port
async def main():
    gate = asyncio.Semaphore(200)
    found = await asyncio.gather(*(probe(port, gate) for port in range(1, 65536)))
    print("open", *(port for port in found if port and port > 0))
    print("silent", sum(1 for port in found if port and port < 0))
asyncio.run(main())
"""
NETWORK = ("ip link set lo up && ip tuntap add tap0 mode tap && ip addr add 192.0.2.1/24 dev tap0 && ip link set tap0 up && "
           'exec "$@"')


class Wired(Host):
    """A host whose network card leads into a network namespace of its own."""

    def __init__(self):
        super().__init__(nic=None, extra=["-netdev", "tap,id=net,ifname=tap0,script=no,downscript=no",
                                          "-device", "virtio-net-pci,netdev=net"],
                         wrapper=["unshare", "--user", "--map-root-user", "--net", "sh", "-c", NETWORK, "sh"])

    def scan(self):
        """The open TCP ports as the other end of the wire sees them."""
        enter = ["nsenter", "-t", str(self.child.pid), "-U", "-n", "--preserve-credentials"]
        ran = subprocess.Popen([*enter, sys.executable, "-c", SCAN, "192.0.2.2"], stdout=subprocess.PIPE, text=True)
        self.until(lambda: ran.poll() is not None, "end of the scan", 600)
        return ran.stdout.read().split("\n")[:2]


def test_listeners(host):
    """Whoever listens does so for the guests' bridge or for this host alone; SSH may be on."""
    listeners = [line.split()[3] for line in host.sh("netstat -lntu").splitlines() if line.startswith(("tcp", "udp"))]
    assert any(address.startswith("192.168.122.1:") for address in listeners)
    on = host.sh("test -e /run/posada/ssh.enabled && echo on", status=None) == "on"
    for address in listeners:
        meant = address in ("0.0.0.0:67", *(("0.0.0.0:22", ":::22") if on else ()))
        assert meant or address.startswith(("127.", "192.168.122.1:", "::1:")), listeners


@pytest.mark.slow
def test_no_open_port():
    probe = subprocess.run(["unshare", "--user", "--map-root-user", "--net", "ip", "tuntap", "add", "t", "mode", "tap"], check=False)
    if probe.returncode:
        pytest.skip("this machine does not let a user make a network of his own (user namespaces, /dev/net/tun)")
    with Wired() as host:
        host.booted()
        host.sh("ip addr add 192.0.2.2/24 dev br0")
        host.posada("guest", "list", "--json")
        host.sh("sv check /run/service/libvirtd")
        assert host.scan() == ["open", "silent 0"]
        # A password switches SSH on, and that is the one port there is then.
        host.shell_close()
        host.menu("System", "Password")
        host.see("A new password")
        host.send("a good password\r")
        host.see("The same again")
        host.send("a good password\r")
        host.see("root can log in by SSH")
        host.send("\r")
        host.home()
        assert host.scan() == ["open 22", "silent 0"]
