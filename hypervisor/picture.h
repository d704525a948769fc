/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A picture in memory, and as a file. */
#ifndef POSADA_PICTURE_H
#define POSADA_PICTURE_H

#include <stdint.h>

/* Row after row from the top, red, green and blue a byte each; picture_free(). */
struct picture {
	unsigned width, height;
	uint8_t *rgb;
};

void picture_free(struct picture *picture);

enum picture_format {
	PICTURE_PNG,
	PICTURE_PPM,
};

/* By the end of the file's name; -EINVAL for any other. */
int picture_format_of(const char *path, enum picture_format *format);

/* The file is there whole, or as it was before. 0 or -errno. */
int picture_write(const struct picture *picture, enum picture_format format, const char *path);

#endif
