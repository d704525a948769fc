/* SPDX-License-Identifier: GPL-2.0-or-later */
/* File systems on sticks, mounted read only while somebody needs them. */
#ifndef POSADA_STICKS_H
#define POSADA_STICKS_H

#include <stdbool.h>
#include <stddef.h>

struct stick {
	char device[64]; /* the kernel's: sdb1 */
	char uuid[40];
	char label[64];
	const char *type;    /* as the kernel calls the file system; static */
	const char *options; /* that it is mounted with; static */
	bool mounted;	     /* on the folder that is named by its UUID */
};

/*
 * Reads what "blkid -o export" prints of a device. False when that is no file system that images
 * are read from, or has no UUID to be known by. Pure.
 */
bool stick_parse(const char *text, struct stick *stick);

/* Of sticks with the same UUID, which would be in each other's place, one counts: that which is
 * mounted, or the first. Pure. */
bool stick_counts(const struct stick *sticks, size_t count, size_t which);

/* Calls VISIT with each stick that is plugged in, mounted on FOLDER for as long as that takes, or
 * longer where it was mounted before; NULL: it does not count. Ends with its first result that is
 * not 0. */
int sticks_each(
	int (*visit)(void *opaque, const struct stick *stick, const char *folder), void *opaque);

/* Mounts what PATH is on, if that is a stick. */
void sticks_need(const char *path);

/* Lets go of sticks that are gone, and of those that NEEDED does not say it wants. */
void sticks_tidy(bool (*needed)(void *opaque, const char *folder), void *opaque);

#endif
