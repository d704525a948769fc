/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What an ISO image says about itself: how long it is, and what can start from it. */
#ifndef POSADA_ISO9660_H
#define POSADA_ISO9660_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct iso_about {
	uint64_t bytes; /* that the image must have at least; 0 when it does not say */
	bool bios;	/* a PC's old firmware starts it as a CD */
	bool uefi;	/* UEFI does */
};

/* Reads SIZE bytes at an offset; false when there are not so many. */
typedef bool (*iso_read)(void *opaque, uint64_t offset, void *buf, size_t size);

/*
 * Follows the volume descriptors (ECMA-119) and the boot catalog (El Torito 1.0). What is damaged
 * or is not there says nothing. Pure.
 */
void iso_look(iso_read read, void *opaque, struct iso_about *about);

/* The same of an open file. */
void iso_look_fd(int fd, struct iso_about *about);

#endif
