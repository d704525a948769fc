// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of text.c: sizes, names, and what a terminal is spared.
#include "text.h"
#include "unit.h"

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

TEST(sizes_are_read)
{
	static const struct {
		const char *text;
		char unit;
		uint64_t bytes;
	} good[] = {{"512M", 0, 512 * MIB}, {"512m", 'K', 512 * MIB}, {"4G", 0, 4096 * MIB},
		{"4 GiB", 0, 4096 * MIB}, {"4gb", 0, 4096 * MIB}, {"007M", 0, 7 * MIB},
		{"7", 'M', 7 * MIB}, {"7", 'K', 7168}, {"8388607T", 0, 8388607 * TIB},
		{"9007199254740991K", 0, INT64_MAX - 1023}};
	static const char *const bad[] = {"", "M", "-1M", "+1M", " 1M", "1M ", "1  M", "1.5G", "1P",
		"1MM", "1B", "0x10M", "disk.img"};
	static const char *const far[] = {
		"0", "0T", "8388608T", "9223372036854775808", "99999999999999999999999M"};
	uint64_t bytes;

	for (size_t i = 0; i < COUNT(good); i++) {
		assert_int_equal(posada_size_parse(good[i].text, good[i].unit, &bytes), 0);
		assert_int_equal(bytes, good[i].bytes);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(posada_size_parse(bad[i], 'M', &bytes), -EINVAL);
	for (size_t i = 0; i < COUNT(far); i++)
		assert_int_equal(posada_size_parse(far[i], 'M', &bytes), -ERANGE);
	assert_int_equal(posada_size_parse("7", 0, &bytes), -EINVAL);
}

TEST(sizes_are_written)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {{0, "0 B"}, {1023, "1023 B"}, {1024, "1 KiB"}, {1024 * MIB - 1, "1023 MiB"},
		{1024 * MIB, "1.0 GiB"}, {1536 * MIB, "1.5 GiB"}, {TIB, "1.0 TiB"},
		{UINT64_MAX, "16383.9 PiB"}};
	char text[32];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(posada_size_text(rows[i].bytes, text, 32), rows[i].text);
	assert_string_equal(posada_size_text(512 * MIB, text, 4), "512");
}

TEST(names_are_judged)
{
	static const char *const good[] = {"a", "7", "web-1", "A.b_c", "x..", "n-"};
	static const char *const bad[] = {"", ".", "-a", "_a", "..", "a b", "a/b", "a\n", "a'b",
		"a<b", "ni\303\261o", "a:b", NULL};
	char name[POSADA_NAME_MAX + 2] = "";

	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(posada_name_is_legal(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(posada_name_is_legal(bad[i]));
	memset(name, 'a', POSADA_NAME_MAX);
	assert_true(posada_name_is_legal(name));
	name[POSADA_NAME_MAX] = 'a';
	assert_false(posada_name_is_legal(name));
}

TEST(foreign_text_is_cleaned)
{
	static const struct {
		const char *text, *clean;
		size_t size;
	} rows[] = {
		{"\033[2J\a\r\n", "?[2J???", 64},
		{"ni\303\261o \360\237\217\250", "ni\303\261o \360\237\217\250", 64},
		{"\302\2331m", "?1m", 64},	      /* CSI in one character */
		{"a\342\200\256b", "a?b", 64},	      /* right to left from here */
		{"\357\273\277a\302\255", "?a?", 64}, /* marks that nobody sees */
		{"\300\200", "??", 64},		      /* longer than it needs to be */
		{"\355\240\200", "???", 64},	      /* half of a pair */
		{"\364\220\200\200", "????", 64},     /* beyond Unicode */
		{"\342\202", "??", 64},		      /* cut off */
		{"\303\261\342\202\254", "\303\261", 5},
		{"\303\261\342\202\254", "\303\261\342\202\254", 6},
		{"abc", "", 1},
	};
	char text[64], clean[64] = "x", again[64];

	posada_text_clean("abc", clean, 0);
	assert_string_equal(clean, "x");
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			posada_text_clean(rows[i].text, clean, rows[i].size), rows[i].clean);
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = 1 + unit_chance(sizeof(clean)), len;
		uint32_t point;

		posada_text_clean(unit_chance_text(text, sizeof(text)), clean, size);
		assert_true(strlen(clean) < size);
		for (const char *at = clean; *at; at += len) {
			len = utf8_decode(at, &point);
			assert_true(len && point >= 0x20 && (point < 0x7f || point > 0x9f));
		}
		assert_string_equal(posada_text_clean(clean, again, sizeof(again)), clean);
	}
}

RUN("text", T(sizes_are_read), T(sizes_are_written), T(names_are_judged),
	T(foreign_text_is_cleaned))
