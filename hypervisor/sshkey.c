// SPDX-License-Identifier: GPL-2.0-or-later
// Tells whether a pasted line is a whole SSH public key.
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include "sshkey.h"

#define BLOB_MAX 4096

/* How many fields follow the type in each kind of key. */
static const struct {
	const char *type;
	unsigned fields;
} types[] = {
	{"ssh-ed25519", 1},
	{"ssh-rsa", 2},
	{"ecdsa-sha2-nistp256", 2},
	{"ecdsa-sha2-nistp384", 2},
	{"ecdsa-sha2-nistp521", 2},
	{"sk-ssh-ed25519@openssh.com", 2},
	{"sk-ecdsa-sha2-nistp256@openssh.com", 3},
};

static int base64_value(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	const char *at = c ? strchr(digits, c) : NULL;

	return at ? (int)(at - digits) : -1;
}

/* RFC 4648; 0 when it is not valid or does not fit. */
static size_t base64_decode(const char *text, size_t len, unsigned char *out, size_t size)
{
	uint32_t bits = 0;
	size_t at = 0, i;

	if (!len || len % 4)
		return 0;
	while (len && text[len - 1] == '=')
		len--;
	if (len % 4 == 1)
		return 0;
	for (i = 0; i < len; i++) {
		int value = base64_value(text[i]);

		if (value < 0 || at == size)
			return 0;
		bits = bits << 6 | (uint32_t)value;
		if (i % 4)
			out[at++] = (unsigned char)(bits >> (6 - i % 4 * 2));
	}
	return at;
}

/* Steps over one length and what it counts; 0 when that ends beyond the blob. */
static size_t next_field(const unsigned char *blob, size_t len, size_t at)
{
	size_t field;

	if (len - at < 4)
		return 0;
	field = (size_t)blob[at] << 24 | (size_t)blob[at + 1] << 16 | (size_t)blob[at + 2] << 8 |
		blob[at + 3];
	at += 4;
	return field && field <= len - at ? at + field : 0;
}

bool sshkey_is_whole(const char *line)
{
	unsigned char blob[BLOB_MAX];
	size_t type_len = strcspn(line, " ");
	size_t blob_len, at, i;
	const char *base64;
	unsigned field;

	for (at = 0; line[at]; at++)
		if ((unsigned char)line[at] < ' ' || line[at] == 0x7f)
			return false;
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (strlen(types[i].type) == type_len && !strncmp(line, types[i].type, type_len))
			break;
	if (i == sizeof(types) / sizeof(types[0]) || !line[type_len])
		return false;
	base64 = line + type_len + 1;
	blob_len = base64_decode(base64, strcspn(base64, " "), blob, sizeof(blob));
	if (!blob_len)
		return false;
	at = next_field(blob, blob_len, 0);
	if (at != type_len + 4 || memcmp(blob + 4, line, type_len) != 0)
		return false;
	for (field = 0; field < types[i].fields && at; field++)
		at = next_field(blob, blob_len, at);
	return at == blob_len;
}
