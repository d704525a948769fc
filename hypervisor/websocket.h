/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The server's half of a WebSocket (RFC 6455), as bytes: what a browser asks, and the frames it
 * sends. */
#ifndef POSADA_WEBSOCKET_H
#define POSADA_WEBSOCKET_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WEB_PATH 256
#define WEB_KEY	 64

/* What a browser asks for; nothing in it is to be trusted. */
struct web_request {
	char path[WEB_PATH]; /* begins with a slash; without what stands behind a question mark */
	char key[WEB_KEY];   /* of a WebSocket, or "" */
	bool binary;	     /* it wants to hear of the protocol "binary" */
};

/*
 * Reads the SIZE bytes of a request. Returns its length with its empty line, 0 when there is more
 * to come, -EINVAL when it is none that we answer.
 */
int web_request_parse(const char *text, size_t size, struct web_request *request);

/* Is this the path of a file below a folder, with plain letters alone and no way out? */
bool web_path_is_plain(const char *path);

#define WEB_HEADER_MAX 10

/* The header of a frame of SIZE bytes that goes to the browser; its length. */
size_t web_frame_header(uint8_t header[WEB_HEADER_MAX], size_t size);

/* Where a browser's frames are read to; all zero at first. */
struct web_reader {
	uint8_t header[14]; /* as far as it has come */
	size_t have;
	uint64_t left;	/* of the payload */
	unsigned phase; /* into the mask */
	bool inside;
};

/*
 * Turns SIZE bytes of frames into what they carry, in place. Returns how many bytes that is, -EPIPE
 * for the end, -EPROTO for what is no frame of a browser. Answers to pings are left out: no browser
 * asks.
 */
long web_read(struct web_reader *reader, uint8_t *data, size_t size);

#endif
