# SPDX-License-Identifier: GPL-2.0-or-later
# Checks of the source, run in the check root: format, static analysis, unit tests.
C       = $(wildcard hypervisor/*.[ch] menu/*.[ch] installer/*.[ch] tests/unit/*.[ch])
BUILDER = image-builder/build image-builder/assemble $(wildcard image-builder/*.sh image-builder/toolchain/make-package)
INIT    = initramfs/init $(wildcard initramfs/etc/init/* initramfs/etc/service/*/run initramfs/etc/service/*/finish initramfs/etc/service/*/check) initramfs/etc/dhcp

all: format cppcheck shellcheck unit

format:
	clang-format --dry-run --Werror $(C)

cppcheck:
	cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr --error-exitcode=1 \
		--check-level=exhaustive --suppress=missingIncludeSystem -D_GNU_SOURCE $(filter %.c,$(C))

# SC2046, SC2086: words are split on purpose where lists are kept in strings.
shellcheck:
	shellcheck --shell=bash --severity=warning --exclude=SC1090,SC1091,SC2034,SC2046,SC2086,SC2154 $(BUILDER)
	shellcheck --shell=busybox --severity=warning --exclude=SC1090,SC1091,SC2034,SC2086,SC2154 $(INIT)

unit:
	$(MAKE) -C tests/unit O=/checkout/out/obj/unit check

.PHONY: all format cppcheck shellcheck unit
