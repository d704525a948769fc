/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes small ISO 9660 images, with long names by Rock Ridge. */
#ifndef POSADA_CDWRITER_H
#define POSADA_CDWRITER_H

#include <stddef.h>

#define CD_FILES_MAX 8

struct cd_file {
	const char *name;  /* what Rock Ridge tells: 64 bytes at most, no slash */
	const char *plain; /* what it is without that: "NAME.EXT;1", in the order of these names */
	const char *bytes;
	size_t size;
};

/*
 * An image with these files, which root alone may read, in its only folder; label has 32 bytes at
 * most. *image is the caller's. The same files make the same bytes. -EINVAL for more than fits.
 */
int cd_make(const char *label, const struct cd_file *files, size_t count, unsigned char **image,
	size_t *size);

#endif
