/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot code of a BIOS disk: sector 0, and GRUB's core image that it loads. */
#ifndef POSADA_BOOTCODE_H
#define POSADA_BOOTCODE_H

#include <stddef.h>
#include <stdint.h>

/* BIOS disks have sectors of this many bytes. */
#define BOOTCODE_SECTOR 512

/* What of sector 0 is code; a disk's signature and the partition table follow. */
#define BOOTCODE_CODE 440

/*
 * Put GRUB's boot code (boot.img, one sector) into SECTOR, the disk's sector 0, so that it loads a
 * core image that begins at sector CORE of the disk. The disk's signature and the partition table
 * stay. Returns 0, or -EINVAL when BOOT is no such code.
 */
int bootcode_sector(
	uint8_t sector[BOOTCODE_SECTOR], const uint8_t *boot, size_t size, uint64_t core);

/* The sector of the core image that GRUB's boot code in SECTOR loads. */
uint64_t bootcode_loads(const uint8_t sector[BOOTCODE_SECTOR]);

/*
 * Tell a core image of GRUB (core.img for i386-pc, with diskboot.img as its first sector) that it
 * lies in one piece from sector AT of the disk on. Returns 0, or -EINVAL when it is no such image.
 */
int bootcode_core(uint8_t *image, size_t size, uint64_t at);

#endif
