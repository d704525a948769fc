// SPDX-License-Identifier: GPL-2.0-or-later
// Reads the volume descriptors and the boot catalog of an ISO image, which nobody has vouched for.
#include "iso9660.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#define SECTOR 2048
/* The first descriptor is in this sector; no image has more than these. */
#define FIRST	    16
#define DESCRIPTORS 64

/* Of a boot catalog: a sector of entries is more than any image has. */
#define ENTRY	      32
#define ENTRIES	      (SECTOR / ENTRY)
#define BOOTABLE      0x88
#define HEADER	      0x90
#define LAST_HEADER   0x91
#define PLATFORM_PC   0
#define PLATFORM_UEFI 0xef

static uint32_t le32(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint32_t le16(const unsigned char *at)
{
	return at[0] | (uint32_t)at[1] << 8;
}

static void add_platform(struct iso_about *about, unsigned platform)
{
	about->bios |= platform == PLATFORM_PC;
	about->uefi |= platform == PLATFORM_UEFI;
}

/* The first entry says what the catalog is for: its sum is 0, and it ends with 55 aa. */
static bool is_valid(const unsigned char *entry)
{
	uint32_t sum = 0;

	for (size_t i = 0; i < ENTRY; i += 2)
		sum += le16(entry + i);
	return entry[0] == 1 && entry[30] == 0x55 && entry[31] == 0xaa && !(sum & 0xffff);
}

static void read_catalog(iso_read read, void *opaque, uint32_t sector, struct iso_about *about)
{
	unsigned char catalog[SECTOR];
	unsigned platform;

	if (!read(opaque, (uint64_t)sector * SECTOR, catalog, sizeof(catalog)) ||
		!is_valid(catalog))
		return;
	platform = catalog[1];
	if (catalog[ENTRY] == BOOTABLE)
		add_platform(about, platform);
	/* Sections follow, each with a header. */
	for (size_t i = 2; i < ENTRIES; i++) {
		const unsigned char *entry = catalog + i * ENTRY;

		if (entry[0] == HEADER || entry[0] == LAST_HEADER)
			platform = entry[1];
		else if (entry[0] == BOOTABLE)
			add_platform(about, platform);
		else if (!entry[0])
			break;
	}
}

void iso_look(iso_read read, void *opaque, struct iso_about *about)
{
	static const char torito[] = "EL TORITO SPECIFICATION";
	unsigned char sector[SECTOR];

	memset(about, 0, sizeof(*about));
	for (uint64_t i = FIRST; i < FIRST + DESCRIPTORS; i++) {
		if (!read(opaque, i * SECTOR, sector, sizeof(sector)) ||
			memcmp(sector + 1, "CD001", 5) != 0 || sector[0] == 255)
			return;
		if (sector[0] == 1)
			about->bytes = (uint64_t)le32(sector + 80) * le16(sector + 128);
		else if (sector[0] == 0 && !memcmp(sector + 7, torito, sizeof(torito) - 1))
			read_catalog(read, opaque, le32(sector + 71), about);
	}
}

static bool read_fd(void *opaque, uint64_t offset, void *buf, size_t size)
{
	const int *fd = opaque;
	char *at = buf;

	while (size) {
		ssize_t got = pread(*fd, at, size, (off_t)offset);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return false;
		at += got;
		offset += (uint64_t)got;
		size -= (size_t)got;
	}
	return true;
}

void iso_look_fd(int fd, struct iso_about *about)
{
	iso_look(read_fd, &fd, about);
}
