// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of rfb.c and picture.c: a server that behaves, servers that lie, bytes by chance, and what
// is written.
#include <arpa/inet.h>
#include <sys/socket.h>
#include <unistd.h>
#include <zlib.h>
#include "picture.h"
#include "rfb.h"
#include "unit.h"

#define TIMEOUT_MS 10000

static struct posada_error err;

/* All that a server says, written at once: it fits into the socket. */
static int capture_within(
	const void *said, size_t size, unsigned timeout_ms, bool stays, struct picture *picture)
{
	int ends[2], ret;

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM, 0, ends), 0);
	assert_int_equal(write(ends[1], said, size), (ssize_t)size);
	if (!stays)
		shutdown(ends[1], SHUT_WR);
	ret = rfb_capture(ends[0], timeout_ms, picture, &err);
	close(ends[0]);
	close(ends[1]);
	return ret;
}

static int capture(const void *said, size_t size, struct picture *picture)
{
	return capture_within(said, size, TIMEOUT_MS, false, picture);
}

static void put16(FILE *out, unsigned number)
{
	putc((int)(number >> 8 & 255), out);
	putc((int)(number & 255), out);
}

static void put32(FILE *out, uint32_t number)
{
	put16(out, number >> 16);
	put16(out, number & 65535);
}

static FILE *begin(unsigned width, unsigned height, uint32_t name)
{
	FILE *out = unit_open();

	fputs("RFB 003.008\n", out);
	fwrite("\2\20\1", 1, 3, out); /* two kinds: TLS and none */
	put32(out, 0);
	put16(out, width);
	put16(out, height);
	for (int i = 0; i < 16; i++)
		putc(0, out);
	put32(out, name);
	return out;
}

/* A rectangle of one colour. */
static void put_rectangle(
	FILE *out, unsigned x, unsigned y, unsigned width, unsigned height, uint32_t colour)
{
	put16(out, x);
	put16(out, y);
	put16(out, width);
	put16(out, height);
	put32(out, 0);
	for (unsigned i = 0; i < width * height; i++) {
		putc((int)(colour & 255), out);
		putc((int)(colour >> 8 & 255), out);
		putc((int)(colour >> 16 & 255), out);
		putc(255, out);
	}
}

/* Two rows of three: red above, then green and blue, with all kinds of messages between. */
static const char *well_behaved(size_t *size)
{
	FILE *out = begin(3, 2, 4);

	fputs("name", out);
	putc(2, out); /* bell */
	fwrite("\3\0\0\0\0\0\0\5hello", 1, 13, out);
	fwrite("\1\0\0\0\0\1rrggbb", 1, 12, out);
	fwrite("\0\0\0\2", 1, 4, out);
	put_rectangle(out, 0, 0, 3, 1, 0xff0000);
	put_rectangle(out, 0, 1, 1, 1, 0x00ff00);
	fwrite("\0\0\0\2", 1, 4, out);
	put_rectangle(out, 0, 1, 0, 1, 0);
	put_rectangle(out, 1, 1, 2, 1, 0x0000ff);
	return unit_close(out, size);
}

static const uint8_t rgb[] = {255, 0, 0, 255, 0, 0, 255, 0, 0, 0, 255, 0, 0, 0, 255, 0, 0, 255};

TEST(a_screen_is_taken)
{
	struct picture picture;
	size_t size;
	const char *said = well_behaved(&size);

	if (capture(said, size, &picture))
		fail_msg("%s", err.text);
	assert_int_equal(picture.width, 3);
	assert_int_equal(picture.height, 2);
	assert_memory_equal(picture.rgb, rgb, sizeof(rgb));
	picture_free(&picture);
}

TEST(a_screen_that_ends_early_is_none)
{
	struct picture picture;
	size_t size;
	const char *said = well_behaved(&size);

	for (size_t i = 0; i < size; i++) {
		assert_int_equal(capture(said, i, &picture), -ECONNRESET);
		assert_null(picture.rgb);
	}
	/* And one that says nothing more is waited for no longer than was asked. */
	assert_int_equal(capture_within(said, size - 1, 50, true, &picture), -ETIMEDOUT);
	assert_int_equal(capture_within("", 0, 50, true, &picture), -ETIMEDOUT);
}

TEST(servers_that_lie_are_refused)
{
	static const struct {
		const char *said;
		size_t size;
	} rows[] = {
		{"RFB 003.003\n\0\0\0\1", 16}, {"HTTP/1.1 400", 12},
		{"RFB 003.008\n\1\2", 14},		      /* a password */
		{"RFB 003.008\n\0\0\0\0\3why", 19},	      /* no kinds at all */
		{"RFB 003.008\n\1\1\0\0\0\1\0\0\0\3why", 25}, /* refused */
	};
	static const struct {
		unsigned width, height;
	} sizes[] = {{0, 0}, {0, 5}, {5, 0}, {65535, 65535}, {4097, 4097}};
	static const struct {
		unsigned x, y, width, height;
	} outside[] = {{0, 0, 5, 1}, {1, 0, 4, 1}, {0, 3, 1, 2}, {65535, 0, 65535, 1},
		{0, 65535, 1, 1}, {4, 4, 65535, 65535}};
	struct picture picture;
	const char *said;
	size_t size;

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_int_equal(capture(rows[i].said, rows[i].size, &picture), -EPROTO);
	for (size_t i = 0; i < COUNT(sizes); i++) {
		said = unit_close(begin(sizes[i].width, sizes[i].height, 0), &size);
		assert_int_equal(capture(said, size, &picture), -EFBIG);
	}
	for (size_t i = 0; i < COUNT(outside); i++) {
		FILE *out = begin(4, 4, 0);

		fwrite("\0\0\0\1", 1, 4, out);
		put16(out, outside[i].x);
		put16(out, outside[i].y);
		put16(out, outside[i].width);
		put16(out, outside[i].height);
		put32(out, 0);
		said = unit_close(out, &size);
		assert_int_equal(capture(said, size, &picture), -EPROTO);
	}
	/* A name without an end, another encoding, an unknown message. */
	said = unit_close(begin(4, 4, UINT32_MAX), &size);
	assert_int_equal(capture(said, size, &picture), -ECONNRESET);
	FILE *out = begin(4, 4, 0);

	fwrite("\0\0\0\1\0\0\0\0\0\1\0\1\0\0\0\5", 1, 16, out);
	said = unit_close(out, &size);
	assert_int_equal(capture(said, size, &picture), -EPROTO);
	out = begin(4, 4, 0);
	putc(200, out);
	said = unit_close(out, &size);
	assert_int_equal(capture(said, size, &picture), -EPROTO);
}

TEST(bytes_by_chance)
{
	static char bytes[1024];
	struct picture picture;
	size_t size, whole;
	const char *said = well_behaved(&whole);

	assert_true(whole <= sizeof(bytes));
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(bytes, said, whole);
		size = whole - unit_chance(4);
		/* The greeting is left as it is, or nothing behind it would be read. */
		for (unsigned n = 1 + unit_chance(4); n > 0; n--)
			bytes[12 + unit_chance((uint32_t)whole - 12)] = (char)unit_chance(256);
		if (!capture(bytes, size, &picture))
			picture_free(&picture);
		else
			assert_null(picture.rgb);
	}
}

/* --- Files ------------------------------------------------------------------ */

static uint8_t *file_of(const char *path, size_t *size)
{
	static uint8_t bytes[1 << 20];
	FILE *in = fopen(path, "r");

	assert_non_null(in);
	*size = fread(bytes, 1, sizeof(bytes), in);
	fclose(in);
	return bytes;
}

TEST(names_tell_the_format)
{
	enum picture_format format;

	assert_int_equal(picture_format_of("a.png", &format), 0);
	assert_int_equal(format, PICTURE_PNG);
	assert_int_equal(picture_format_of("/tmp/a.b.ppm", &format), 0);
	assert_int_equal(format, PICTURE_PPM);
	assert_int_equal(picture_format_of(".png", &format), -EINVAL);
	assert_int_equal(picture_format_of("a.gif", &format), -EINVAL);
	assert_int_equal(picture_format_of("", &format), -EINVAL);
}

TEST(ppm_is_plain)
{
	const struct picture picture = {3, 2, (uint8_t *)(uintptr_t)rgb};
	const char *path = unit_path("a.ppm");
	uint8_t *bytes;
	size_t size;

	assert_int_equal(picture_write(&picture, PICTURE_PPM, path), 0);
	bytes = file_of(path, &size);
	assert_int_equal(size, 11 + sizeof(rgb));
	assert_memory_equal(bytes, "P6\n3 2\n255\n", 11);
	assert_memory_equal(bytes + 11, rgb, sizeof(rgb));
	assert_int_equal(picture_write(&picture, PICTURE_PPM, unit_path("none/a.ppm")), -ENOENT);
	assert_int_equal(picture_write(&picture, PICTURE_PPM, "/dev/full/a.ppm"), -ENOTDIR);
}

/* Every chunk is whole, and the data unpacks to what it was: noise, which makes several of them. */
TEST(png_is_whole)
{
	const unsigned width = 301, height = 251;
	size_t row = width * 3 + 1, size, at = 8, packed_size = 0;
	static uint8_t packed[1 << 20], unpacked[301 * 251 * 3 + 251];
	struct picture picture = {width, height, malloc(width * height * 3)};
	uLongf length = sizeof(unpacked);
	const char *path = unit_path("a.png");
	unsigned chunks = 0;
	uint8_t *bytes;

	for (size_t i = 0; i < width * height * 3; i++)
		picture.rgb[i] = (uint8_t)unit_chance(256);
	assert_int_equal(picture_write(&picture, PICTURE_PNG, path), 0);
	bytes = file_of(path, &size);
	assert_memory_equal(
		bytes, "\211PNG\r\n\032\n\0\0\0\15IHDR\0\0\1\55\0\0\0\373\10\2\0\0\0", 29);
	while (at < size) {
		uint32_t part, sum;

		assert_true(size - at >= 12);
		memcpy(&part, bytes + at, 4);
		part = ntohl(part);
		assert_true(part <= size - at - 12);
		memcpy(&sum, bytes + at + 8 + part, 4);
		assert_int_equal(ntohl(sum), crc32(0, bytes + at + 4, part + 4));
		if (!memcmp(bytes + at + 4, "IDAT", 4)) {
			memcpy(packed + packed_size, bytes + at + 8, part);
			packed_size += part;
			chunks++;
		}
		at += part + 12;
	}
	assert_true(at == size && chunks > 1);
	assert_memory_equal(bytes + size - 8, "IEND", 4);
	assert_int_equal(uncompress(unpacked, &length, packed, packed_size), Z_OK);
	assert_int_equal(length, sizeof(unpacked));
	for (unsigned y = 0; y < height; y++) {
		assert_int_equal(unpacked[y * row], 0);
		assert_memory_equal(unpacked + y * row + 1, picture.rgb + y * (row - 1), row - 1);
	}
	picture_free(&picture);
}

RUN("rfb", T(a_screen_is_taken), T(a_screen_that_ends_early_is_none),
	T(servers_that_lie_are_refused), T(bytes_by_chance), T(names_tell_the_format),
	T(ppm_is_plain), T(png_is_whole))
