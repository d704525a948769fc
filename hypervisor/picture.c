// SPDX-License-Identifier: GPL-2.0-or-later
// A picture as a file: PNG (RFC 2083) or PPM.
#include "picture.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <zlib.h>

#define PIECE 16384

void picture_free(struct picture *picture)
{
	free(picture->rgb);
	memset(picture, 0, sizeof(*picture));
}

int picture_format_of(const char *path, enum picture_format *format)
{
	static const char *const ends[] = {[PICTURE_PNG] = ".png", [PICTURE_PPM] = ".ppm"};
	size_t length = strlen(path);

	for (size_t i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		if (length > strlen(ends[i]) && !strcmp(path + length - strlen(ends[i]), ends[i])) {
			*format = (enum picture_format)i;
			return 0;
		}
	return -EINVAL;
}

/* --- PNG ------------------------------------------------------------------ */

static void put_chunk(FILE *out, const char *type, const uint8_t *data, size_t size)
{
	uint32_t length = htonl((uint32_t)size);
	uLong sum = crc32(crc32(0, (const Bytef *)type, 4), data, (uInt)size);
	uint32_t check = htonl((uint32_t)sum);

	fwrite(&length, sizeof(length), 1, out);
	fwrite(type, 4, 1, out);
	fwrite(data, 1, size, out);
	fwrite(&check, sizeof(check), 1, out);
}

struct packer {
	FILE *out;
	z_stream stream;
	uint8_t packed[PIECE];
};

/* Gives zlib some bytes, and writes what comes out; with LAST all of it. */
static int pack(struct packer *packer, const uint8_t *data, size_t size, bool last)
{
	static const Bytef none[1];
	z_stream *stream = &packer->stream;
	int ret;

	/* zlib only reads what is behind this pointer. */
	stream->next_in = (Bytef *)(uintptr_t)(data ? data : none);
	stream->avail_in = (uInt)size;
	do {
		stream->next_out = packer->packed;
		stream->avail_out = sizeof(packer->packed);
		ret = deflate(stream, last ? Z_FINISH : Z_NO_FLUSH);
		if (ret == Z_STREAM_ERROR)
			return -EIO;
		if (stream->avail_out < sizeof(packer->packed))
			put_chunk(packer->out, "IDAT", packer->packed,
				sizeof(packer->packed) - stream->avail_out);
	} while (!stream->avail_out || (last && ret != Z_STREAM_END));
	return 0;
}

static int put_png(FILE *out, const struct picture *picture)
{
	static const uint8_t signature[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n'};
	static const uint8_t plain[] = {0};
	/* 8 bits, red green blue, and the only ways there are to pack, filter and order. */
	uint8_t header[13] = {[8] = 8, [9] = 2};
	uint32_t width = htonl(picture->width), height = htonl(picture->height);
	size_t row = (size_t)picture->width * 3;
	struct packer packer = {.out = out};
	int ret = 0;

	memcpy(header, &width, sizeof(width));
	memcpy(header + 4, &height, sizeof(height));
	fwrite(signature, 1, sizeof(signature), out);
	put_chunk(out, "IHDR", header, sizeof(header));
	if (deflateInit(&packer.stream, Z_DEFAULT_COMPRESSION) != Z_OK)
		return -ENOMEM;
	for (unsigned y = 0; y < picture->height && !ret; y++) {
		ret = pack(&packer, plain, sizeof(plain), false);
		if (!ret)
			ret = pack(&packer, picture->rgb + y * row, row, false);
	}
	if (!ret)
		ret = pack(&packer, NULL, 0, true);
	deflateEnd(&packer.stream);
	put_chunk(out, "IEND", plain, 0);
	return ret;
}

/* --- PPM ------------------------------------------------------------------ */

static int put_ppm(FILE *out, const struct picture *picture)
{
	fprintf(out, "P6\n%u %u\n255\n", picture->width, picture->height);
	fwrite(picture->rgb, 3, (size_t)picture->width * picture->height, out);
	return 0;
}

int picture_write(const struct picture *picture, enum picture_format format, const char *path)
{
	static int (*const put[])(FILE *, const struct picture *) = {
		[PICTURE_PNG] = put_png, [PICTURE_PPM] = put_ppm};
	char part[PATH_MAX];
	FILE *out;
	int fd, ret;

	if (snprintf(part, sizeof(part), "%s.new", path) >= (int)sizeof(part))
		return -ENAMETOOLONG;
	fd = open(part, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0644);
	if (fd < 0)
		return -errno;
	out = fdopen(fd, "w");
	if (!out) {
		ret = -errno;
		close(fd);
		unlink(part);
		return ret;
	}
	errno = 0;
	ret = put[format](out, picture);
	if (!ret && (fflush(out) || ferror(out)))
		ret = errno ? -errno : -EIO;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && rename(part, path))
		ret = -errno;
	if (ret)
		unlink(part);
	return ret;
}
