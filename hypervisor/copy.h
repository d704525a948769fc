/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Copies the content of disk images. */
#ifndef POSADA_COPY_H
#define POSADA_COPY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct copy {
	const char *from, *from_format; /* raw or qcow2, with the images that it stands on */
	const char *to, *to_format;	/* exists, and is as large as the other is to a guest */
	bool to_is_empty;		/* it reads as zeros throughout */
	/* Called several times a second; false ends the work. */
	bool (*progress)(void *opaque, unsigned percent);
	void *opaque;
};

/*
 * Copies what a guest would read; what is empty stays empty where the target allows that. Done
 * is what has reached the disk. -ECANCELED when progress() said so, -EIO with the last words of
 * the program that copies in why otherwise.
 */
int copy_image(const struct copy *copy, char *why, size_t size);

/* How large an image is to a guest; -errno, -EINVAL for what is no image of that format. */
int copy_measure(const char *path, const char *format, uint64_t *bytes);

#endif
