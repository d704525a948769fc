/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes sectors of a disk or of an image file, past every file system. */
#ifndef POSADA_RAW_H
#define POSADA_RAW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What of a disk's ends is kept: both copies of any partition table, and the boot code. */
#define RAW_END ((size_t)32 << 10)

/* The two ends of a disk, where its tables are. */
struct raw_ends {
	uint8_t head[RAW_END];
	uint8_t tail[RAW_END];
};

/* Every function returns 0 or -errno, and reads what the disk says, not what memory still knows. */

int raw_read(const char *device, void *bytes, size_t size, uint64_t at);

/* Write, flush, read back and compare; -EIO when that is not what was written. */
int raw_write(const char *device, const void *bytes, size_t size, uint64_t at);

/* -EINVAL when the disk is too small to have two ends. */
int raw_ends_read(const char *device, struct raw_ends *ends);

/*
 * Write the sectors of BEFORE that differ in AFTER, and no other: the disk's tail is flushed before
 * its head is touched, so that one of a table's two copies is whole whenever the power goes.
 */
int raw_ends_restore(
	const char *device, const struct raw_ends *before, const struct raw_ends *after);

/*
 * What the last bytes of a partition that is being made keep until it can hold a record of its own:
 * where it lies, and the disk's ends without it.
 */
#define RAW_MARK ((size_t)4096 + 2 * RAW_END)

void raw_mark_make(
	uint8_t mark[RAW_MARK], uint64_t start, uint64_t size, const struct raw_ends *ends);

/* Whether MARK is whole, and of the partition that lies there; ENDS may be NULL. */
bool raw_mark_read(
	const uint8_t mark[RAW_MARK], uint64_t start, uint64_t size, struct raw_ends *ends);

/* A sum that goes on from that of the bytes BEFORE; it begins with RAW_SUM. */
#define RAW_SUM 0xcbf29ce484222325
uint64_t raw_sum(const void *bytes, size_t size, uint64_t before);

/* Bytes of a logical sector; 512 for what is no device. */
unsigned raw_sector(const char *device);

#endif
