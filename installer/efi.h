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

/* An entry of the firmware's boot menu. */
struct efi_entry {
	uint16_t number;
	bool offered; /* active, and not hidden from people */
	char title[96];
	char part[40];	/* UUID of the partition with its loader, as in struct part; or empty */
	char path[128]; /* that loader, with slashes; or empty */
};

/* All of them, those in BootOrder first. */
struct efi_entries {
	struct efi_entry items[EFI_ENTRIES];
	size_t count;
	int current; /* number of the one that was started; -1: not known */
	int next;    /* number of the one that starts next, whatever the order; -1: none */
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

/*
 * Remove every entry for the file that this one names, whatever the firmware has made of its other
 * bytes, from the order and the variables. 0, also when there is none, or -errno; -ENOENT: nothing
 * is known of the firmware, as on a system that it has started as a BIOS.
 */
int efi_remove(const char *directory, const uint8_t *option, size_t size);

/* Remove the entry with that number. 0 or -errno. */
int efi_drop(const char *directory, uint16_t number);

/* Read the entries; what is none is left out. No entry at all is no error. 0 or -errno. */
int efi_list(const char *directory, struct efi_entries *entries);

/*
 * The entry that NAME means: its title, its number ("0004" or "Boot0004"), or PARTITION:PATH of its
 * loader; upper and lower case are the same. NULL: there is none.
 */
const struct efi_entry *efi_find(const struct efi_entries *entries, const char *name);

/* Have the firmware start the entry NUMBER at the next start, once; -1: as the order says. 0 or
 * -errno. */
int efi_set_next(const char *directory, int number);

/* Read the order; none is an empty one. 0 or -errno. */
int efi_order(const char *directory, struct efi_order *order);

#endif
