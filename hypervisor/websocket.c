// SPDX-License-Identifier: GPL-2.0-or-later
// The server's half of a WebSocket (RFC 6455), as bytes.
#include "websocket.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#define LEAST_HEADER 6 /* two bytes and the mask */

enum opcode { MORE = 0, BINARY = 2, CLOSE = 8, PING = 9, PONG = 10 };

/* --- The request ----------------------------------------------------------- */

/* The value of a header line, or NULL when it is another; LENGTH is the line's. */
static const char *value_of(const char *line, size_t *length, const char *name)
{
	size_t skip = strlen(name);

	if (*length <= skip || strncasecmp(line, name, skip) != 0 || line[skip] != ':')
		return NULL;
	line += skip + 1;
	*length -= skip + 1;
	while (*length && (*line == ' ' || *line == '\t')) {
		line++;
		--*length;
	}
	return line;
}

static bool take_path(const char *line, size_t length, struct web_request *request)
{
	static const char verb[] = "GET /";
	const char *path = line + strlen(verb) - 1, *end;

	if (length < strlen(verb) || strncmp(line, verb, strlen(verb)) != 0)
		return false;
	end = memchr(path, ' ', length - (size_t)(path - line));
	if (!end || strncmp(end, " HTTP/1.1", 9) != 0)
		return false;
	if (memchr(path, '?', (size_t)(end - path)))
		end = memchr(path, '?', (size_t)(end - path));
	if (memchr(path, '\0', (size_t)(end - path)) ||
		(size_t)(end - path) >= sizeof(request->path))
		return false;
	snprintf(request->path, sizeof(request->path), "%.*s", (int)(end - path), path);
	return true;
}

static void take_header(const char *line, size_t length, struct web_request *request)
{
	size_t left = length;
	const char *value = value_of(line, &left, "Sec-WebSocket-Key");

	if (value && left < sizeof(request->key) && !memchr(value, '\0', left)) {
		snprintf(request->key, sizeof(request->key), "%.*s", (int)left, value);
		return;
	}
	left = length;
	value = value_of(line, &left, "Sec-WebSocket-Protocol");
	if (value && left >= strlen("binary") && !strncmp(value, "binary", strlen("binary")))
		request->binary = true;
}

int web_request_parse(const char *text, size_t size, struct web_request *request)
{
	const char *end = memmem(text, size, "\r\n\r\n", 4), *line = text;

	memset(request, 0, sizeof(*request));
	if (!end)
		return 0;
	while (line <= end) {
		const char *next = memmem(line, (size_t)(end + 2 - line), "\r\n", 2);
		size_t length = (size_t)(next - line);

		if (line == text && !take_path(line, length, request))
			return -EINVAL;
		if (line != text)
			take_header(line, length, request);
		line = next + 2;
	}
	return (int)(end + 4 - text);
}

bool web_path_is_plain(const char *path)
{
	static const char plain[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./";

	return *path && strspn(path, plain) == strlen(path) && *path != '/' && *path != '.' &&
	       !strstr(path, "/.") && !strstr(path, "//");
}

/* --- Frames ------------------------------------------------------------------ */

size_t web_frame_header(uint8_t header[WEB_HEADER_MAX], size_t size)
{
	size_t at = 2, bytes = size < 126 ? 0 : size < 65536 ? 2 : 8;

	header[0] = 0x80 | BINARY;
	header[1] = (uint8_t)(bytes ? (bytes == 2 ? 126 : 127) : size);
	while (bytes)
		header[at++] = (uint8_t)(size >> 8 * --bytes);
	return at;
}

static size_t header_size(const struct web_reader *reader)
{
	unsigned size = reader->have < 2 ? 0 : reader->header[1] & 127;

	return LEAST_HEADER + (size == 126 ? 2 : size == 127 ? 8 : 0);
}

/* The header is whole: what does it say? */
static int begin_payload(struct web_reader *reader)
{
	unsigned opcode = reader->header[0] & 15, bits = reader->header[0] & 0x70;
	bool control = opcode >= CLOSE;
	size_t i;

	reader->left = reader->header[1] & 127;
	if (control && reader->left > 125)
		return -EPROTO;
	if (reader->left >= 126) {
		reader->left = 0;
		for (i = 2; i < header_size(reader) - 4; i++)
			reader->left = reader->left << 8 | reader->header[i];
	}
	/* Nobody has agreed on extensions, and a browser masks all that it says. */
	if (bits || !(reader->header[1] & 0x80) || reader->left >> 63)
		return -EPROTO;
	if (opcode == CLOSE)
		return -EPIPE;
	if (opcode != MORE && opcode != BINARY && opcode != PING && opcode != PONG)
		return -EPROTO;
	reader->inside = true;
	reader->phase = 0;
	return 0;
}

long web_read(struct web_reader *reader, uint8_t *data, size_t size)
{
	size_t out = 0, i = 0;
	int ret;

	while (i < size || (reader->inside && !reader->left)) {
		if (!reader->inside) {
			reader->header[reader->have++] = data[i++];
			if (reader->have < header_size(reader))
				continue;
			ret = begin_payload(reader);
			if (ret)
				return ret;
		} else if (!reader->left) {
			reader->inside = false;
			reader->have = 0;
		} else {
			const uint8_t *mask = reader->header + header_size(reader) - 4;
			uint8_t byte = data[i++] ^ mask[reader->phase++ % 4];

			/* What a ping carries is no part of the stream. */
			if ((reader->header[0] & 15) < CLOSE)
				data[out++] = byte;
			reader->left--;
		}
	}
	return (long)out;
}
