# SPDX-License-Identifier: GPL-2.0-or-later
# What a person can ask for; `make help` lists it.
BUILD   = image-builder/build
PYTHON  = /usr/bin/python3
PYTEST  = $(PYTHON) -m pytest -p no:cacheprovider -q
VERSION = $(shell cat VERSION)

# What running and testing asks of this machine (Debian package names).
RUN_NEEDS   = qemu-system-x86 ovmf ipxe-qemu qemu-utils python3
CHECK_NEEDS = $(RUN_NEEDS) python3-pytest python3-pexpect python3-pyte btrfs-progs cpio dosfstools e2fsprogs exfatprogs \
	fdisk grub-efi-amd64-bin grub-pc-bin mtools ntfs-3g openssh-client util-linux
SLOW_NEEDS  = $(CHECK_NEEDS) libvirt-clients mmdebstrap nfs-ganesha nfs-ganesha-vfs tgt virtinst

help: ## this list
	@echo "Posada $(VERSION): a live-USB virtualization appliance"
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "  make %-14s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

image: ## build out/posada-VERSION-amd64.iso and out/pxe
	$(BUILD) image

run: image needs-run ## boot the image here: FIRMWARE=uefi BOOT=cd|usb|pxe|disk MEM=2048 DISK=file
	tests/vm.py

# Two machines at once, each with one processor: more of either take longer. The longest part comes first.
# What each of them says is in out/logs as it goes on.
check: image needs-check ## every check: source, units, builder, boots, guests
	@mkdir -p out/logs
	@PATIENCE=$${PATIENCE:-2} CPUS=1 $(MAKE) --no-print-directory --jobs=2 --keep-going READY= \
		$(addprefix part-,install guests boot builder source)

part-%:
	@$(MAKE) --no-print-directory check-$* >out/logs/check-$*.log 2>&1 || { cat out/logs/check-$*.log; exit 1; }
	@echo "check-$*: $$(tail -n 1 out/logs/check-$*.log)"

# Not once more while machines run from it.
READY = image needs-check

check-boot: $(READY) ## machines: every way to boot them
	$(PYTEST) --durations=5 -m "not slow and not power" tests/boot

check-builder: needs-check ## the builder's own tests
	$(PYTEST) --durations=5 -m "not slow" tests/builder

check-guests: $(READY) ## machines: guests and all that they need
	$(PYTEST) --durations=15 -m "not slow and not power" tests/guests

check-install: $(READY) ## machines: onto the disk, update, undo, power cuts
	$(PYTEST) --durations=15 -m "not slow and not power" tests/install

check-source: ## format, static analysis and unit tests
	$(BUILD) check-root make --no-print-directory -f tests/source.mk

check-slow: image needs-slow ## the checks that take longer than make check may
	$(PYTEST) -m slow tests

check-power: image needs-check ## power cuts at every moment, disks that fail, every kind of disk
	$(PYTEST) -m power -s tests

bench: image needs-check ## measure size, memory and speed (PEER=debian, as root: a Debian dom0 too; COLD=1: the cold build)
	$(PYTHON) tests/bench/bench.py

repro: ## build everything twice and compare every byte
	$(BUILD) repro

lock: ## take the newest sources the archive offers into image-builder/sources.lock
	$(BUILD) lock

clean: ## remove out/ (the package cache stays)
	rm -rf out

needs-run:
	@$(BUILD) install $(RUN_NEEDS)

needs-check:
	@$(BUILD) install $(CHECK_NEEDS)

needs-slow:
	@$(BUILD) install $(SLOW_NEEDS)

.PHONY: help image run check check-boot check-builder check-guests check-install check-source check-slow check-power bench repro lock clean needs-run needs-check needs-slow
