# SPDX-License-Identifier: GPL-2.0-or-later
"""Other people's programs manage the host over SSH: virsh and virt-install of the machine that tests."""
import shutil
import subprocess

import pytest
import vm

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not (shutil.which("virsh") and shutil.which("virt-install")),
                       reason="virsh and virt-install are not here: install libvirt-clients and virtinst"),
]


class Client:
    """Somebody's machine, with a key that the host knows."""

    def __init__(self, host, work):
        self.host, self.key, self.ssh = host, work / "key", work / "ssh"
        subprocess.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "client@test", "-f", self.key], check=True)
        # What a person has in ~/.ssh/config; his own is left alone.
        self.ssh.write_text(f"#!/bin/sh\nexec ssh -F none -o BatchMode=yes -o StrictHostKeyChecking=no -o LogLevel=ERROR "
                            f"-o UserKnownHostsFile=/dev/null -i {self.key} \"$@\"\n")
        self.ssh.chmod(0o755)
        public = self.key.with_suffix(".pub").read_text().strip()
        host.sh(f"mkdir -p -m 700 /root/.ssh && echo '{public}' >>/root/.ssh/authorized_keys")
        host.posada("config", "set", "ssh.enabled", "yes")

    def run(self, *command, status=0, seconds=300):
        """What a program says, while the host's console is read."""
        with subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as ran:
            self.host.until(lambda: ran.poll() is not None, f"end of {command[0]}", seconds)
            said = ran.stdout.read()
        assert ran.returncode == status, f"{command}: {ran.returncode}: {said}{self.host.describe()}"
        return said

    def uri(self, engine):
        path = {"xen": "", "qemu": "system"}[engine]
        return f"{engine}+ssh://root@127.0.0.1:{self.host.ssh_port}/{path}?command={self.ssh}"

    def virsh(self, engine, *words, **options):
        return self.run("virsh", "-q", "-c", self.uri(engine), *words, **options)


@pytest.fixture(scope="module")
def client(shared_host, tmp_path_factory):
    client = Client(shared_host, tmp_path_factory.mktemp("client"))
    shared_host.until(lambda: subprocess.run([client.ssh, "-p", str(shared_host.ssh_port), "root@127.0.0.1", "true"], check=False,
                                             timeout=60 * vm.PATIENCE).returncode == 0, "SSH")
    yield client
    shared_host.sh("sed -i '/client@test$/d' /root/.ssh/authorized_keys")
    shared_host.posada("config", "set", "ssh.enabled", "no")
    shared_host.shell_close()


@pytest.mark.parametrize("protocol", [[], ["-O"]], ids=["sftp", "old"])
def test_scp(host, client, tmp_path, protocol):
    """A file is copied to the host and back, as a person does it."""
    image, back = tmp_path / "copied.img", tmp_path / "back.img"
    image.write_bytes(bytes(range(256)) * 4096)
    scp = ("scp", "-q", *protocol, "-S", client.ssh, "-P", str(host.ssh_port))
    client.run(*scp, image, "root@127.0.0.1:/root/")
    client.run(*scp, "root@127.0.0.1:/root/copied.img", back)
    assert back.read_bytes() == image.read_bytes()
    host.sh("rm /root/copied.img")


def test_virsh(host, client):
    assert "Domain-0" in client.virsh("xen", "list", "--all")
    assert "default" in client.virsh("xen", "net-list", "--all")
    host.posada("guest", "create", "counter", "--kind", "pv", "--kernel", "/data/media/vmlinuz", "--initrd",
                "/data/media/counter.cpio", "--memory", "128M", "--network", "none")
    client.virsh("xen", "start", "counter")
    assert host.posada("guest", "show", "counter", "--json")["state"] == "running"
    assert "running" in client.virsh("xen", "domstate", "counter")
    client.virsh("xen", "destroy", "counter")
    assert "shut off" in client.virsh("xen", "domstate", "counter")
    # Plain QEMU has its own, and both share the networks and pools.
    assert "Domain-0" not in client.virsh("qemu", "list", "--all")
    assert client.virsh("qemu", "pool-list", "--all") == client.virsh("xen", "pool-list", "--all")


def test_virt_install(host, client):
    client.run("virt-install", "--connect", client.uri("xen"), "--name", "outside", "--memory", "128", "--vcpus", "1", "--paravirt",
               "--import", "--osinfo", "detect=off,require=off", "--boot",
               "kernel=/data/media/vmlinuz,initrd=/data/media/counter.cpio,kernel_args=console=hvc0 quiet",
               "--disk", "pool=default,size=0.02,format=raw",
               "--network", "network=default", "--graphics", "none", "--noautoconsole", seconds=600)
    host.shell_close()
    host.see(r"outside +pv +running", 60)
    guest = host.posada("guest", "show", "outside", "--json")
    assert guest["kind"] == "pv" and guest["state"] == "running" and guest["nics"][0]["network"] == "default"
    assert any(volume["guest"] == "outside" for volume in host.posada("storage", "list", "--json")["volumes"])
    host.console("outside", r"alive (\d+)\r", 120)
