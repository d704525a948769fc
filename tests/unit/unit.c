// SPDX-License-Identifier: GPL-2.0-or-later
// What the unit tests share.
#include <ftw.h>
#include <unistd.h>
#include "unit.h"

static char directory[64];

int unit_setup(void **state)
{
	(void)state;
	strcpy(directory, "/tmp/posada-unit-XXXXXX");
	return mkdtemp(directory) ? 0 : -1;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *at)
{
	(void)st;
	(void)type;
	(void)at;
	return remove(path);
}

int unit_teardown(void **state)
{
	(void)state;
	return nftw(directory, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

const char *unit_path(const char *name)
{
	static char paths[8][256];
	static unsigned turn;
	char *path = paths[turn++ % COUNT(paths)];

	snprintf(path, sizeof(paths[0]), "%s/%s", directory, name);
	return path;
}

const char *unit_write(const char *name, const void *bytes, size_t size)
{
	const char *path = unit_path(name);
	FILE *file = fopen(path, "w");

	assert_non_null(file);
	assert_int_equal(fwrite(bytes, 1, size, file), size);
	assert_int_equal(fclose(file), 0);
	return path;
}

char *unit_read(FILE *file)
{
	char *text = NULL, part[4096];
	size_t size, got;
	FILE *out = open_memstream(&text, &size);

	assert_non_null(out);
	while ((got = fread(part, 1, sizeof(part), file)))
		fwrite(part, 1, got, out);
	assert_int_equal(fclose(out), 0);
	return text;
}

uint32_t unit_chance(uint32_t limit)
{
	static uint32_t x = 2463534242;

	/* Marsaglia's xorshift. */
	x ^= x << 13;
	x ^= x >> 17;
	x ^= x << 5;
	return x % limit;
}

void unit_chance_text(char *text, size_t size)
{
	static const char *const pieces[] = {"a", "Z", "0", " ", "\"", "\\", "'", "<", "&", "]]>",
		"\n", "\r", "\t", "\033", "\177", "\302\233", "\303\261", "\342\200\256",
		"\342\202", "\355\240\200", "\360\237\217\250", "\300\200", "\377", "\001"};
	size_t len = 0, wanted = unit_chance((uint32_t)size);

	while (len < wanted) {
		const char *piece = pieces[unit_chance(COUNT(pieces))];

		if (len + strlen(piece) >= size)
			break;
		memcpy(text + len, piece, strlen(piece));
		len += strlen(piece);
	}
	text[len] = '\0';
}

/* --- JSON: each function returns what follows the value, or NULL --------- */

static const char *skip_space(const char *at)
{
	return at + strspn(at, " \t\r\n");
}

static const char *json_string_end(const char *at)
{
	for (at++; *at != '"'; at++) {
		if ((unsigned char)*at < 0x20)
			return NULL;
		if (*at != '\\')
			continue;
		if (*++at == 'u') {
			if (strspn(at + 1, "0123456789abcdefABCDEF") < 4)
				return NULL;
			at += 4;
		} else if (!*at || !strchr("\"\\/bfnrt", *at)) {
			return NULL;
		}
	}
	return at + 1;
}

static const char *json_value_end(const char *at)
{
	static const char *const words[] = {"true", "false", "null"};
	char close = *at == '{' ? '}' : ']';
	bool object = *at == '{';

	for (size_t i = 0; i < COUNT(words); i++)
		if (!strncmp(at, words[i], strlen(words[i])))
			return at + strlen(words[i]);
	if (*at == '"')
		return json_string_end(at);
	if (*at != '{' && *at != '[') {
		size_t sign = *at == '-', digits = strspn(at + sign, "0123456789");

		return !digits || (at[sign] == '0' && digits > 1) ? NULL : at + sign + digits;
	}
	at = skip_space(at + 1);
	if (*at == close)
		return at + 1;
	for (;;) {
		if (object) {
			at = *at == '"' ? json_string_end(at) : NULL;
			at = at ? skip_space(at) : NULL;
			if (!at || *at != ':')
				return NULL;
			at = skip_space(at + 1);
		}
		at = json_value_end(at);
		at = at ? skip_space(at) : NULL;
		if (!at || (*at != ',' && *at != close))
			return NULL;
		if (*at == close)
			return at + 1;
		at = skip_space(at + 1);
	}
}

bool unit_json_is_valid(const char *text)
{
	const char *end = json_value_end(skip_space(text));

	return end && !*skip_space(end);
}
