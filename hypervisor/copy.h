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

/* Several images, one after the other, with one gauge for them all. */
struct copies {
	bool (*progress)(void *opaque, unsigned percent); /* as above, or NULL */
	void *opaque;
	/* Asked now and then, and at the end: has somebody begun to write to what is copied? */
	bool (*changes)(void *source);
	void *source;
	uint64_t total;		/* bytes, as guests see them */
	uint64_t done, current; /* the rest begins as zero, and is copy.c's own */
	unsigned ticks;
	bool changed;
};

/*
 * Copies the next one, of BYTES; copy.progress is not the caller's. As copy_image(), and -EBUSY
 * when changes() said so.
 */
int copy_next(struct copies *copies, struct copy *copy, uint64_t bytes, char *why, size_t size);

/* How large an image is to a guest; -errno, -EINVAL for what is no image of that format. */
int copy_measure(const char *path, const char *format, uint64_t *bytes);

#endif
