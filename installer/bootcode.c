/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Fits GRUB's boot code to the disk it is written to. */
#include "bootcode.h"

#include <errno.h>
#include <string.h>

/* Where boot.img keeps what an installer sets (GRUB's include/grub/i386/pc/boot.h). */
#define BOOT_PARAMETERS	    0x03 /* the parameter block of a file system that begins here */
#define BOOT_PARAMETERS_END 0x5a
#define BOOT_CORE	    0x5c
#define BOOT_DRIVE	    0x64
#define BOOT_DRIVE_CHECK    0x66
#define BOOT_SIGNATURE	    510

/* diskboot.img ends in the list of pieces: first sector, number of sectors, segment to load to. */
#define CORE_START 0x1f4
#define CORE_COUNT 0x1fc

static void put_little(uint8_t *bytes, uint64_t value, unsigned count)
{
	for (unsigned i = 0; i < count; i++)
		bytes[i] = (uint8_t)(value >> 8 * i);
}

int bootcode_sector(
	uint8_t sector[BOOTCODE_SECTOR], const uint8_t *boot, size_t size, uint64_t core)
{
	uint8_t made[BOOTCODE_CODE];

	if (size != BOOTCODE_SECTOR || boot[BOOT_SIGNATURE] != 0x55 ||
		boot[BOOT_SIGNATURE + 1] != 0xaa || boot[BOOT_DRIVE] != 0xff)
		return -EINVAL;
	memcpy(made, boot, sizeof(made));
	memcpy(made + BOOT_PARAMETERS, sector + BOOT_PARAMETERS,
		BOOT_PARAMETERS_END - BOOT_PARAMETERS);
	put_little(made + BOOT_CORE, core, 8);
	/* Two no-operations in place of a jump: some BIOSes pass no drive, and a disk is never a
	 * floppy. */
	memset(made + BOOT_DRIVE_CHECK, 0x90, 2);
	memcpy(sector, made, sizeof(made));
	sector[BOOT_SIGNATURE] = 0x55;
	sector[BOOT_SIGNATURE + 1] = 0xaa;
	return 0;
}

uint64_t bootcode_loads(const uint8_t sector[BOOTCODE_SECTOR])
{
	uint64_t core = 0;

	for (unsigned i = 8; i; i--)
		core = core << 8 | sector[BOOT_CORE + i - 1];
	return core;
}

int bootcode_core(uint8_t *image, size_t size, uint64_t at)
{
	size_t sectors = (size + BOOTCODE_SECTOR - 1) / BOOTCODE_SECTOR;

	/* grub-mkimage has counted the sectors behind the first, and they are one piece. */
	if (sectors < 2 || image[CORE_COUNT] + ((size_t)image[CORE_COUNT + 1] << 8) != sectors - 1)
		return -EINVAL;
	put_little(image + CORE_START, at + 1, 8);
	return 0;
}
