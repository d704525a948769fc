/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The boot entries that UEFI firmware keeps, through efivarfs. */
#ifndef POSADA_EFI_H
#define POSADA_EFI_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Where the kernel shows the firmware's variables. */
#define EFI_VARIABLES "/sys/firmware/efi/efivars"

#define EFI_ENTRIES 64

/* A loader on a partition, as an entry names it. */
struct efi_file {
	unsigned number; /* of the partition */
	uint64_t start;	 /* in sectors */
	uint64_t sectors;
	bool gpt;
	uint8_t signature[16]; /* GPT: the partition's GUID as it stands in the table; DOS: 4 bytes
				  of the disk's */
	const char *path;      /* with slashes: /EFI/posada/grubx64.efi */
};

/* BootOrder: the entries' numbers, first first. */
struct efi_order {
	uint16_t entries[EFI_ENTRIES];
	size_t count;
};

/*
 * Write a load option (UEFI 2.10, 3.1.3) with that title and file. Returns its bytes, or -ENOSPC
 * when SIZE is too small; -EINVAL for a title or path that is no plain ASCII.
 */
int efi_option(const char *title, const struct efi_file *file, uint8_t *option, size_t size);

/* "xxxxxxxx-xxxx-…" into the sixteen bytes of a table (the first three fields little endian). 0 or
 * -EINVAL. */
int efi_guid(const char *text, uint8_t guid[16]);

/*
 * Add an entry below DIRECTORY (EFI_VARIABLES) and put it first in the order. *NUMBER receives its
 * number. An entry with the same bytes is used again. Returns 0 or -errno; after an error the order
 * is as it was, and no entry of ours is left.
 */
int efi_add(const char *directory, const uint8_t *option, size_t size, uint16_t *number);

/* Remove the entry with these bytes, if there is one, from the order and the variables. 0 or
 * -errno. */
int efi_remove(const char *directory, const uint8_t *option, size_t size);

/* Read the order; none is an empty one. 0 or -errno. */
int efi_order(const char *directory, struct efi_order *order);

#endif
