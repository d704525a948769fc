# SPDX-License-Identifier: GPL-2.0-or-later
"""The one program of dom0 that cannot be restarted dies: the host says so and offers a reboot."""
import json

from host import Host


def test_death_of_xenstored():
    with Host() as host:
        host.booted()
        host.sh("kill -9 $(pidof xenstored)")
        # The guests cannot be listed any more, which is a failure; the rest is told.
        status = json.loads(host.sh("posada status --json 2>/dev/null", 120, status=1))
        assert status["reboot_needed"] and any("xenstored has died" in notice for notice in status["notices"])
        assert host.sh("sv status /run/service/xenstored").startswith("down:")
        host.shell_close()
        host.see("! xenstored has died")
        host.see("<R> Reboot this host")
        host.send("r")
        host.see("Reboot this host")
        host.send("y")
        host.ended()
