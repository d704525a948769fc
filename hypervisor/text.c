// SPDX-License-Identifier: GPL-2.0-or-later
// Sizes, names and foreign strings: what people type and what a terminal may show.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "text.h"

static bool is_alnum(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

bool posada_name_is_legal(const char *name)
{
	size_t i;

	if (!name || !is_alnum(name[0]))
		return false;
	for (i = 1; name[i]; i++) {
		if (i >= POSADA_NAME_MAX)
			return false;
		if (!is_alnum(name[i]) && !strchr("._-", name[i]))
			return false;
	}
	return true;
}

static int unit_shift(char unit)
{
	static const char units[] = "KMGT";
	const char *at;

	if (unit >= 'a' && unit <= 'z')
		unit -= 'a' - 'A';
	at = unit ? strchr(units, unit) : NULL;
	return at ? 10 * (int)(at - units + 1) : -1;
}

int posada_size_parse(const char *text, char default_unit, uint64_t *bytes)
{
	uint64_t value = 0;
	int shift;

	if (*text < '0' || *text > '9')
		return -EINVAL;
	for (; *text >= '0' && *text <= '9'; text++) {
		unsigned digit = *text - '0';

		if (value > ((uint64_t)INT64_MAX - digit) / 10)
			return -ERANGE;
		value = value * 10 + digit;
	}
	if (*text == ' ')
		text++;
	shift = unit_shift(*text ? *text++ : default_unit);
	if (shift < 0)
		return -EINVAL;
	if (*text == 'i')
		text++;
	if (*text == 'B' || *text == 'b')
		text++;
	if (*text)
		return -EINVAL;
	/* libvirt and off_t count in signed 64 bits. */
	if (!value || value > (uint64_t)INT64_MAX >> shift)
		return -ERANGE;
	*bytes = value << shift;
	return 0;
}

char *posada_size_text(uint64_t bytes, char *buf, size_t size)
{
	static const char *const units[] = {"B", "KiB", "MiB", "GiB", "TiB", "PiB"};
	size_t unit = 0;
	uint64_t whole = bytes, rest = 0;

	while (whole >= 1024 && unit + 1 < sizeof(units) / sizeof(units[0])) {
		rest = whole & 1023;
		whole >>= 10;
		unit++;
	}
	/* A tenth is worth reading from GiB up, where a whole unit is a lot. */
	if (unit >= 3)
		snprintf(buf, size, "%llu.%llu %s", (unsigned long long)whole,
			(unsigned long long)(rest * 10 / 1024), units[unit]);
	else
		snprintf(buf, size, "%llu %s", (unsigned long long)whole, units[unit]);
	return buf;
}

size_t utf8_decode(const char *text, uint32_t *point)
{
	const unsigned char *s = (const unsigned char *)text;
	static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
	size_t len, i;

	if (s[0] < 0x80) {
		*point = s[0];
		return s[0] ? 1 : 0;
	}
	if (s[0] >= 0xc2 && s[0] <= 0xdf)
		len = 2;
	else if (s[0] >= 0xe0 && s[0] <= 0xef)
		len = 3;
	else if (s[0] >= 0xf0 && s[0] <= 0xf4)
		len = 4;
	else
		return 0;
	*point = s[0] & (0xff >> (len + 1));
	for (i = 1; i < len; i++) {
		if ((s[i] & 0xc0) != 0x80)
			return 0;
		*point = *point << 6 | (s[i] & 0x3f);
	}
	if (*point < least[len] || *point > 0x10ffff || (*point >= 0xd800 && *point <= 0xdfff))
		return 0;
	return len;
}

/* Control characters, and those that change how the rest of a line reads. */
static bool is_unsafe(uint32_t point)
{
	static const struct {
		uint32_t first, last;
	} ranges[] = {
		{0x00, 0x1f},
		{0x7f, 0x9f},
		{0xad, 0xad},
		{0x61c, 0x61c},
		{0x200b, 0x200f},
		{0x2028, 0x202e},
		{0x2060, 0x206f},
		{0xfeff, 0xfeff},
		{0xfff0, 0xfffb},
		{0xe0000, 0xe0fff},
	};
	size_t i;

	for (i = 0; i < sizeof(ranges) / sizeof(ranges[0]); i++)
		if (point >= ranges[i].first && point <= ranges[i].last)
			return true;
	return false;
}

char *posada_text_clean(const char *text, char *buf, size_t size)
{
	size_t at = 0;

	while (*text) {
		uint32_t point;
		size_t len = utf8_decode(text, &point);
		bool safe = len && !is_unsafe(point);
		size_t room = safe ? len : 1;

		if (at + room + 1 > size)
			break;
		if (safe)
			memcpy(buf + at, text, len);
		else
			buf[at] = '?';
		at += room;
		text += len ? len : 1;
	}
	if (size)
		buf[at] = '\0';
	return buf;
}
