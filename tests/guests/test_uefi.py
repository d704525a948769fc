# SPDX-License-Identifier: GPL-2.0-or-later
"""Whole PCs with UEFI start a third party's ISO image: under Xen, and in plain QEMU."""
import os
import re

import pytest
import vm
from conftest import built
from host import Host

ISO = ("--iso", "/data/media/memtest86+x64.iso", "--firmware", "uefi", "--memory", "96M", "--network", "none")


def with_needs(package):
    """A package, and all that it needs to run."""
    recipe = open(f"{vm.TOP}/image-builder/packages/{package}/recipe", encoding="utf-8").read()
    depends = re.search(r'^depends="([^"]*)"', recipe, re.M)
    return {package}.union(*(with_needs(need) for need in (depends[1].split() if depends else ())))


@pytest.fixture
def own_emulator(tmp_path):
    """What lets a machine run in the QEMU of the image: others end when a guest of their SVM writes CR8."""
    libraries = ":".join(f"{built(package)}/usr/lib" for package in sorted(with_needs("qemu")))
    program = tmp_path / "qemu-system-x86_64"
    program.write_text(f"#!/bin/sh\nexec {built('musl')}/usr/lib/libc.so --library-path {libraries} "
                       f'{built("qemu")}/usr/bin/qemu-system-x86_64 -L {built("qemu")}/usr/share/qemu "$@"\n')
    program.chmod(0o755)
    return ["env", f"PATH={tmp_path}:{os.environ['PATH']}"]


def start(host, kind):
    said = host.posada("guest", "create", "inn", "--kind", kind, *ISO)
    assert ("forgets" in said) == (kind == "hvm")
    host.posada("guest", "start", "inn", seconds=300)
    # What the firmware says of itself on the guest's serial line.
    host.console("inn", r"BdsDxe: starting Boot\d+", 900)
    host.posada("guest", "kill", "inn")


@pytest.mark.slow
def test_uefi_in_plain_qemu(host):
    start(host, "qemu")


@pytest.mark.slow
def test_uefi_under_xen(media_disk, own_emulator):
    with Host(memory=3072, disks=[media_disk], wrapper=own_emulator) as host:
        host.booted()
        host.sh("mount -o ro /dev/disk/by-label/MEDIA /data/media")
        start(host, "hvm")
        host.healthy()
