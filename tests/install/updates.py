# SPDX-License-Identifier: GPL-2.0-or-later
"""Update files of other versions, signed as the image is."""
import hashlib
import pathlib
import shutil
import subprocess

import vm

HANGS = "THIS UPDATE HANGS"
# A version that tells its own, one that stands still on its way, and one whose first program dies.
GOOD = ("cd /new ||", "echo {version} >/new/usr/share/posada/VERSION\ncd /new ||")
HANGING = ("cd /new ||", f"echo '<0>{HANGS}' >/new/dev/kmsg\nwhile :; do sleep 1; done\ncd /new ||")
DYING = ("mount -t erofs", "exit 1\nmount -t erofs")


def make_update(work, version, change):
    """An update file that is signed as the image is, with a first program that is not the image's."""
    payload, tree = work / version, work / f"tree-{version}"
    for name in ("xen.gz", "vmlinuz", "initramfs.img"):
        payload.mkdir(exist_ok=True)
        shutil.copy(pathlib.Path(vm.OUT) / "payload" / name, payload)
    tree.mkdir()
    with (payload / "initramfs.img").open("rb") as image:
        subprocess.run(["cpio", "-id", "--quiet", "init", "payload/sums"], cwd=tree, stdin=image, check=True)
    init, sums = tree / "init", tree / "payload/sums"
    old, new = change
    before = hashlib.sha256(init.read_bytes()).hexdigest()
    text = init.read_text().replace(old, new.format(version=version), 1)
    assert text != init.read_text()
    init.write_text(text)
    sums.write_text(sums.read_text().replace(before, hashlib.sha256(text.encode()).hexdigest()))
    # What comes later in an initramfs takes the place of what is there.
    with (payload / "initramfs.img").open("ab") as image:
        subprocess.run(["cpio", "-o", "-H", "newc", "--quiet"], cwd=tree, input=b"init\npayload/sums\n", stdout=image, check=True)
    subprocess.run([f"{vm.TOP}/image-builder/build", "update", version, payload], check=True)
    (update,) = payload.glob("*.update")
    return update
