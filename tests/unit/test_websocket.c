// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of websocket.c: requests, paths and frames, as a browser sends them and as nobody should.
#include "unit.h"
#include "websocket.h"

static const char asked[] =
	"GET /t0ken/screen?a=b HTTP/1.1\r\nHost: inn\r\nsec-websocket-key:  dGhlIHNhbXBsZSBub25jZQ==\r\n"
	"Sec-WebSocket-Protocol: binary, base64\r\n\r\n";

static int parse(const char *text, struct web_request *request)
{
	return web_request_parse(text, strlen(text), request);
}

TEST(requests_are_read)
{
	static const char *const wrong[] = {"POST / HTTP/1.1\r\n\r\n", "GET  HTTP/1.1\r\n\r\n",
		"GET / HTTP/1.0\r\n\r\n", "GET /\r\n\r\n", "\r\n\r\n", "\r\n\r\n\r\n",
		"GET http://inn/ HTTP/1.1\r\n\r\n"};
	struct web_request request;
	char text[1024];

	assert_int_equal(parse(asked, &request), sizeof(asked) - 1);
	assert_string_equal(request.path, "/t0ken/screen");
	assert_string_equal(request.key, "dGhlIHNhbXBsZSBub25jZQ==");
	assert_true(request.binary);
	assert_int_equal(parse("GET /a HTTP/1.1\r\n\r\nmore", &request), 19);
	assert_true(!*request.key && !request.binary);
	for (size_t i = 0; i < sizeof(asked) - 1; i++)
		assert_int_equal(web_request_parse(asked, i, &request), 0);
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_int_equal(parse(wrong[i], &request), -EINVAL);
	/* A path and a key that are too long. */
	snprintf(text, sizeof(text), "GET /%0300d HTTP/1.1\r\n\r\n", 0);
	assert_int_equal(parse(text, &request), -EINVAL);
	snprintf(text, sizeof(text), "GET / HTTP/1.1\r\nSec-WebSocket-Key: %0300d\r\n\r\n", 0);
	assert_true(parse(text, &request) > 0 && !*request.key);
	for (unsigned i = 0; i < 20000; i++) {
		memcpy(text, asked, sizeof(asked));
		for (unsigned n = 1 + unit_chance(5); n > 0; n--)
			text[unit_chance(sizeof(asked) - 1)] = "\r\n :?/\0GA"[unit_chance(9)];
		web_request_parse(text, sizeof(asked) - 1, &request);
	}
}

TEST(paths_lead_nowhere_else)
{
	static const char *const right[] = {"vnc_lite.html", "core/rfb.js", "a.b-c/d_e.1"};
	static const char *const wrong[] = {"", "/etc/passwd", "../a", "a/../b", "a/.b", ".a",
		"a//b", "a%2e", "a b", "a\\b", "a\n"};

	for (size_t i = 0; i < COUNT(right); i++)
		assert_true(web_path_is_plain(right[i]));
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(web_path_is_plain(wrong[i]));
}

/* A frame as a browser sends it; its length. */
static size_t frame(uint8_t *out, unsigned first, const char *payload, size_t size)
{
	static const uint8_t mask[] = {0x37, 0xfa, 0x21, 0x3d};
	size_t at = web_frame_header(out, size);

	out[0] = (uint8_t)first;
	out[1] |= 0x80;
	memcpy(out + at, mask, 4);
	at += 4;
	for (size_t i = 0; i < size; i++)
		out[at++] = (uint8_t)payload[i] ^ mask[i % 4];
	return at;
}

TEST(frames_carry_a_stream)
{
	static uint8_t bytes[300000], whole[300000];
	static char big[70000];
	static const char medium[200] = "medium";
	size_t size = 0, out;

	memset(big, 'b', sizeof(big));
	size += frame(bytes + size, 0x82, "Hello", 5);
	size += frame(bytes + size, 0x02, medium, sizeof(medium));
	size += frame(bytes + size, 0x89, "ping", 4);
	size += frame(bytes + size, 0x80, "", 0);
	size += frame(bytes + size, 0x82, big, sizeof(big));
	size += frame(bytes + size, 0x82, "end", 3);
	/* However it comes apart. */
	for (size_t piece = 1; piece < 70300; piece = piece * 3 + 1) {
		struct web_reader reader = {0};

		out = 0;
		for (size_t i = 0; i < size; i += piece) {
			size_t length = size - i < piece ? size - i : piece;
			long got;

			memcpy(whole + out, bytes + i, length);
			got = web_read(&reader, whole + out, length);
			assert_true(got >= 0);
			out += (size_t)got;
		}
		assert_int_equal(out, 5 + sizeof(medium) + sizeof(big) + 3);
		assert_memory_equal(whole, "Hellomedium", 11);
		assert_memory_equal(whole + out - 5, "bbend", 5);
	}
}

TEST(what_no_browser_sends_ends_it)
{
	static const struct {
		const char *bytes;
		size_t size;
		long ret;
	} rows[] = {
		{"\x88\x80\0\0\0\0", 6, -EPIPE},		     /* close */
		{"\x82\x05Hello\0\0\0\0", 11, -EPROTO},		     /* without a mask */
		{"\x81\x80\0\0\0\0", 6, -EPROTO},		     /* text */
		{"\xc2\x80\0\0\0\0", 6, -EPROTO},		     /* an extension */
		{"\x83\x80\0\0\0\0", 6, -EPROTO},		     /* an unknown kind */
		{"\x89\xfe\0\x7e\0\0\0\0", 8, -EPROTO},		     /* a ping too large */
		{"\x82\xff\xff\0\0\0\0\0\0\0\0\0\0\0", 14, -EPROTO}, /* a length below zero */
		{"\x82\xff\x7f\xff\xff\xff\xff\xff\xff\xff\0\0\0\0a", 15, 1},
	};
	uint8_t bytes[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct web_reader reader = {0};

		memcpy(bytes, rows[i].bytes, rows[i].size);
		assert_int_equal(web_read(&reader, bytes, rows[i].size), rows[i].ret);
	}
	for (unsigned i = 0; i < 20000; i++) {
		struct web_reader reader = {0};
		size_t size = unit_chance(sizeof(bytes));
		long got;

		for (size_t n = 0; n < sizeof(bytes); n++)
			bytes[n] = (uint8_t)unit_chance(256);
		bytes[0] = unit_chance(2) ? 0x82 : bytes[0];
		bytes[1] |= 0x80;
		got = web_read(&reader, bytes, size);
		assert_true(got < 0 || (size_t)got <= size);
	}
}

TEST(headers_fit_their_frames)
{
	static const struct {
		size_t size, length;
		const char *header;
	} rows[] = {{0, 2, "\x82\0"}, {125, 2, "\x82\x7d"}, {126, 4, "\x82\x7e\0\x7e"},
		{65535, 4, "\x82\x7e\xff\xff"}, {65536, 10, "\x82\x7f\0\0\0\0\0\1\0\0"}};
	uint8_t header[WEB_HEADER_MAX];

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(web_frame_header(header, rows[i].size), rows[i].length);
		assert_memory_equal(header, rows[i].header, rows[i].length);
	}
}

RUN("websocket", T(requests_are_read), T(paths_lead_nowhere_else), T(frames_carry_a_stream),
	T(what_no_browser_sends_ends_it), T(headers_fit_their_frames))
