/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes partition tables, with libfdisk. */
#ifndef POSADA_DISKLABEL_H
#define POSADA_DISKLABEL_H

#include <stdbool.h>
#include <stdint.h>

/* A partition to make; sizes in bytes, whole sectors. */
struct disklabel_part {
	unsigned number; /* from 1 */
	uint64_t start, size;
	const char *type; /* GPT: a GUID; DOS: two hexadecimal digits */
	const char *name; /* GPT: what the table calls it */
};

/*
 * What identifies a partition to firmware and to a system, as libfdisk writes it: GPT: the
 * partition's GUID in lower case; DOS: the disk's identity, eight hexadecimal digits.
 */
struct disklabel_identity {
	bool gpt;
	char text[40];
};

/* Write a new GPT without partitions over whatever DEVICE has. 0 or -errno. */
int disklabel_new(const char *device);

/*
 * Add a partition to the table of DEVICE, without moving any other, and tell the kernel. Returns 0,
 * -EBUSY when the kernel cannot take it now, -EEXIST when the number or the room is taken, or
 * -errno.
 */
int disklabel_add(const char *device, const struct disklabel_part *part);

/* Remove a partition from the table of DEVICE, if it begins at START. 0, -ENOENT, or -errno. */
int disklabel_remove(const char *device, unsigned number, uint64_t start);

/* What a partition is called, by the kind of its table. */
struct disklabel_types {
	const char *gpt, *dos;
};

/* Change what the table of DEVICE says is in a partition, if it begins at START; nothing starts
 * from it then. 0, -ENOENT, or -errno. */
int disklabel_retype(
	const char *device, unsigned number, uint64_t start, const struct disklabel_types *types);

/* Tell the kernel that the partition with that number is gone. 0, -ENOENT, -EBUSY, or -errno. */
int disklabel_forget(const char *device, unsigned number);

/* The partition of a GPT that is called NAME and has that SIZE, in bytes. 0, -ENOENT, or -errno. */
int disklabel_find(
	const char *device, const char *name, uint64_t size, unsigned *number, uint64_t *start);

int disklabel_identify(const char *device, unsigned number, struct disklabel_identity *identity);

#endif
