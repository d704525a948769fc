# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole PCs with UEFI start a third party's ISO image: under Xen, and in plain QEMU."""
import pytest

ISO = ("--iso", "/data/media/memtest86+x64.iso", "--firmware", "uefi", "--memory", "96M", "--network", "none")


@pytest.mark.slow
@pytest.mark.parametrize("kind", ["hvm", "qemu"])
def test_uefi_starts_a_loader(host, kind):
    said = host.posada("guest", "create", "inn", "--kind", kind, *ISO)
    assert ("forgets" in said) == (kind == "hvm")
    host.posada("guest", "start", "inn", seconds=300)
    # What the firmware says of itself on the guest's serial line.
    host.console("inn", r"BdsDxe: starting Boot\d+", 900)
    host.posada("guest", "kill", "inn")
