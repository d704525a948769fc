// SPDX-License-Identifier: GPL-2.0-or-later
// A look at a screen over RFB 3.8 (RFC 6143), which is what VNC speaks.
#include "rfb.h"

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>
#include "internal.h"

#define VERSION	    "RFB 003.008\n"
#define VERSION_LEN 12
#define NO_PASSWORD 1
#define RAW	    0
#define PIXEL	    4 /* bytes on the wire */

enum message { UPDATE, COLOURS, BELL, CUT_TEXT };

struct session {
	int fd;
	int64_t deadline_ms;
	struct picture *picture;
	uint8_t *seen; /* a bit for each pixel that has come */
	size_t left;   /* pixels that have not */
	uint8_t *row;  /* room for one, as it comes */
};

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

/* --- Bytes ---------------------------------------------------------------- */

static int wait_for(struct session *session, short events)
{
	struct pollfd poll_fd = {.fd = session->fd, .events = events};
	int64_t left = session->deadline_ms - now_ms();
	int ret;

	if (left <= 0)
		return -ETIMEDOUT;
	ret = poll(&poll_fd, 1, (int)left);
	if (ret < 0)
		return errno == EINTR ? 0 : -errno;
	return ret ? 0 : -ETIMEDOUT;
}

static int take(struct session *session, void *data, size_t size)
{
	uint8_t *at = data;
	int ret;

	while (size) {
		ssize_t got;

		ret = wait_for(session, POLLIN);
		if (ret)
			return ret;
		got = recv(session->fd, at, size, MSG_DONTWAIT);
		if (!got)
			return -ECONNRESET;
		if (got < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (got > 0) {
			at += got;
			size -= (size_t)got;
		}
	}
	return 0;
}

static int skip(struct session *session, uint64_t size)
{
	uint8_t rest[4096];
	int ret = 0;

	while (size && !ret) {
		size_t piece = size < sizeof(rest) ? (size_t)size : sizeof(rest);

		ret = take(session, rest, piece);
		size -= piece;
	}
	return ret;
}

static int give(struct session *session, const void *data, size_t size)
{
	const uint8_t *at = data;
	int ret;

	while (size) {
		ssize_t sent;

		ret = wait_for(session, POLLOUT);
		if (ret)
			return ret;
		sent = send(session->fd, at, size, MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent < 0 && errno != EAGAIN && errno != EINTR)
			return -errno;
		if (sent > 0) {
			at += sent;
			size -= (size_t)sent;
		}
	}
	return 0;
}

static unsigned number16(const uint8_t *at)
{
	return (unsigned)at[0] << 8 | at[1];
}

static uint32_t number32(const uint8_t *at)
{
	return (uint32_t)number16(at) << 16 | number16(at + 2);
}

/* --- The beginning --------------------------------------------------------- */

static int agree(struct session *session)
{
	uint8_t version[VERSION_LEN], count, kinds[255], result[4];
	static const uint8_t no_password = NO_PASSWORD;
	int ret = take(session, version, sizeof(version));

	if (ret)
		return ret;
	if (memcmp(version, VERSION, sizeof(version)) != 0)
		return -EPROTO;
	ret = give(session, VERSION, VERSION_LEN);
	if (!ret)
		ret = take(session, &count, 1);
	if (!ret)
		ret = take(session, kinds, count);
	if (ret)
		return ret;
	if (!memchr(kinds, NO_PASSWORD, count))
		return -EPROTO;
	ret = give(session, &no_password, 1);
	if (!ret)
		ret = take(session, result, sizeof(result));
	return ret ? ret : number32(result) ? -EPROTO : 0;
}

/* Learns the size of the screen, and asks for all of it in the one form that we read. */
static int begin(struct session *session)
{
	static const uint8_t together = 1;
	/* 32 bits a pixel, 24 of them used, the lowest byte first; red, green, blue of 255 at 16,
	 * 8, 0. */
	static const uint8_t format[] = {
		0, 0, 0, 0, 32, 24, 0, 1, 0, 255, 0, 255, 0, 255, 16, 8, 0, 0, 0, 0};
	static const uint8_t encodings[] = {2, 0, 0, 1, 0, 0, 0, RAW};
	uint8_t init[24], request[10] = {3};
	int ret = give(session, &together, 1);

	if (!ret)
		ret = take(session, init, sizeof(init));
	if (ret)
		return ret;
	session->picture->width = number16(init);
	session->picture->height = number16(init + 2);
	memcpy(request + 6, init, 4);
	ret = skip(session, number32(init + 20));
	if (!ret)
		ret = give(session, format, sizeof(format));
	if (!ret)
		ret = give(session, encodings, sizeof(encodings));
	return ret ? ret : give(session, request, sizeof(request));
}

static int make_room(struct session *session)
{
	size_t width = session->picture->width, pixels = width * session->picture->height;

	if (!pixels || pixels > RFB_PIXELS_MAX)
		return -EFBIG;
	session->picture->rgb = calloc(pixels, 3);
	session->seen = calloc(pixels / 8 + 1, 1);
	session->row = malloc(width * PIXEL);
	session->left = pixels;
	return session->picture->rgb && session->seen && session->row ? 0 : -ENOMEM;
}

/* --- The picture ------------------------------------------------------------ */

static void keep_pixel(struct session *session, size_t at, const uint8_t *pixel)
{
	uint8_t *rgb = session->picture->rgb + at * 3;

	rgb[0] = pixel[2];
	rgb[1] = pixel[1];
	rgb[2] = pixel[0];
	if (session->seen[at / 8] & 1u << at % 8)
		return;
	session->seen[at / 8] |= (uint8_t)(1u << at % 8);
	session->left--;
}

static int take_rectangle(struct session *session)
{
	const struct picture *picture = session->picture;
	uint8_t header[12];
	unsigned x, y, width, height, row, column;
	int ret = take(session, header, sizeof(header));

	if (ret)
		return ret;
	x = number16(header);
	y = number16(header + 2);
	width = number16(header + 4);
	height = number16(header + 6);
	if (number32(header + 8) != RAW || x + width > picture->width ||
		y + height > picture->height)
		return -EPROTO;
	for (row = 0; row < height && width && !ret; row++) {
		ret = take(session, session->row, (size_t)width * PIXEL);
		for (column = 0; column < width && !ret; column++)
			keep_pixel(session, (size_t)(y + row) * picture->width + x + column,
				session->row + (size_t)column * PIXEL);
	}
	return ret;
}

static int take_update(struct session *session)
{
	uint8_t header[3];
	unsigned count;
	int ret = take(session, header, sizeof(header));

	for (count = ret ? 0 : number16(header + 1); count && !ret; count--)
		ret = take_rectangle(session);
	return ret;
}

static int take_message(struct session *session)
{
	uint8_t kind, header[7];
	int ret = take(session, &kind, 1);

	if (ret)
		return ret;
	switch (kind) {
	case UPDATE:
		return take_update(session);
	case COLOURS:
		ret = take(session, header, 5);
		return ret ? ret : skip(session, number16(header + 3) * UINT64_C(6));
	case BELL:
		return 0;
	case CUT_TEXT:
		ret = take(session, header, 7);
		return ret ? ret : skip(session, number32(header + 3));
	default:
		return -EPROTO;
	}
}

static int fail_rfb(int ret, struct posada_error *err)
{
	switch (ret) {
	case -ETIMEDOUT:
		return fail(err, ret,
			_("The screen did not answer in time. Try again; if it stays, start the guest again."));
	case -EFBIG:
		return fail(err, ret,
			_("The screen is empty, or larger than 16 million pixels. Set another resolution in the guest."));
	case -EPROTO:
		return fail(err, ret,
			_("The screen does not speak RFB 3.8 as it should, or wants a password. Look at it with a VNC viewer."));
	case -ENOMEM:
		return fail_memory(err);
	default:
		return fail(err, ret,
			_("The connection to the screen broke: %s. See that the guest runs, and try again."),
			strerror(-ret));
	}
}

int rfb_capture(int fd, unsigned timeout_ms, struct picture *picture, struct posada_error *err)
{
	struct session session = {
		.fd = fd, .deadline_ms = now_ms() + timeout_ms, .picture = picture};
	int ret;

	memset(picture, 0, sizeof(*picture));
	ret = agree(&session);
	if (!ret)
		ret = begin(&session);
	if (!ret)
		ret = make_room(&session);
	while (!ret && session.left)
		ret = take_message(&session);
	free(session.seen);
	free(session.row);
	if (!ret)
		return 0;
	picture_free(picture);
	return fail_rfb(ret, err);
}
