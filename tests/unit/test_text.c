// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of text.c: sizes, names, and what a terminal is spared.
#include "text.h"
#include "unit.h"

#define MIB (UINT64_C(1) << 20)
#define TIB (UINT64_C(1) << 40)

static void sizes_are_read(void **state)
{
	static const struct {
		const char *text;
		char unit;
		int ret;
		uint64_t bytes;
	} rows[] = {
		{"512M", 0, 0, 512 * MIB},
		{"512m", 'K', 0, 512 * MIB},
		{"4G", 0, 0, 4096 * MIB},
		{"4 GiB", 0, 0, 4096 * MIB},
		{"4gb", 0, 0, 4096 * MIB},
		{"007M", 0, 0, 7 * MIB},
		{"7", 'M', 0, 7 * MIB},
		{"7", 'K', 0, 7168},
		{"8388607T", 0, 0, 8388607 * TIB},
		{"9007199254740991K", 0, 0, INT64_MAX - 1023},
		{"7", 0, -EINVAL, 0},
		{"", 'M', -EINVAL, 0},
		{"M", 'M', -EINVAL, 0},
		{"-1M", 'M', -EINVAL, 0},
		{"+1M", 'M', -EINVAL, 0},
		{" 1M", 'M', -EINVAL, 0},
		{"1M ", 'M', -EINVAL, 0},
		{"1  M", 'M', -EINVAL, 0},
		{"1.5G", 'M', -EINVAL, 0},
		{"1P", 'M', -EINVAL, 0},
		{"1MM", 'M', -EINVAL, 0},
		{"1B", 'M', -EINVAL, 0},
		{"0x10M", 'M', -EINVAL, 0},
		{"disk.img", 'M', -EINVAL, 0},
		{"0", 'M', -ERANGE, 0},
		{"0T", 'M', -ERANGE, 0},
		{"8388608T", 0, -ERANGE, 0},
		{"9223372036854775808", 'K', -ERANGE, 0},
		{"99999999999999999999999M", 0, -ERANGE, 0},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		uint64_t bytes = 0;

		if (posada_size_parse(rows[i].text, rows[i].unit, &bytes) != rows[i].ret ||
			bytes != rows[i].bytes)
			fail_msg("\"%s\" gave %llu", rows[i].text, (unsigned long long)bytes);
	}
}

static void sizes_are_written(void **state)
{
	static const struct {
		uint64_t bytes;
		const char *text;
	} rows[] = {
		{0, "0 B"},
		{1023, "1023 B"},
		{1024, "1 KiB"},
		{512 * MIB, "512 MiB"},
		{1024 * MIB - 1, "1023 MiB"},
		{1024 * MIB, "1.0 GiB"},
		{1536 * MIB, "1.5 GiB"},
		{TIB, "1.0 TiB"},
		{UINT64_MAX, "16383.9 PiB"},
	};
	char text[32];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			posada_size_text(rows[i].bytes, text, sizeof(text)), rows[i].text);
	assert_string_equal(posada_size_text(512 * MIB, text, 4), "512");
	for (unsigned i = 0; i < 10000; i++) {
		uint64_t bytes = (uint64_t)(1 + unit_chance(1023)) << 10 * (1 + unit_chance(2)),
			 again;

		posada_size_text(bytes, text, sizeof(text));
		assert_int_equal(posada_size_parse(text, 0, &again), 0);
		assert_int_equal(again, bytes);
	}
}

static void names_are_judged(void **state)
{
	static const char *const good[] = {"a", "7", "web-1", "A.b_c", "x..", "n-"};
	static const char *const bad[] = {
		"", ".", "-a", "_a", "..", "a b", "a/b", "a\n", "a'b", "a<b", "ni\303\261o", "a:b"};
	char name[POSADA_NAME_MAX + 2];

	(void)state;
	for (size_t i = 0; i < COUNT(good); i++)
		assert_true(posada_name_is_legal(good[i]));
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(posada_name_is_legal(bad[i]));
	assert_false(posada_name_is_legal(NULL));
	memset(name, 'a', sizeof(name));
	name[POSADA_NAME_MAX + 1] = '\0';
	assert_false(posada_name_is_legal(name));
	name[POSADA_NAME_MAX] = '\0';
	assert_true(posada_name_is_legal(name));
}

static void characters_are_decoded(void **state)
{
	char text[5] = "";
	uint32_t point, got;

	(void)state;
	for (point = 1; point <= 0x110000; point++) {
		bool valid = point <= 0x10ffff && (point < 0xd800 || point > 0xdfff);
		size_t len = point < 0x80 ? 1 : point < 0x800 ? 2 : point < 0x10000 ? 3 : 4;

		for (size_t i = len - 1; i > 0; i--)
			text[i] = (char)(0x80 | (point >> 6 * (len - 1 - i) & 0x3f));
		text[0] = (char)(len == 1 ? point
					  : (0xf00 >> len & 0xff) | point >> 6 * (len - 1));
		text[len] = '\0';
		if (utf8_decode(text, &got) != (valid ? len : 0) || (valid && got != point))
			fail_msg("U+%04X", point);
	}
	assert_int_equal(utf8_decode("", &got), 0);
}

static void foreign_text_is_cleaned(void **state)
{
	static const struct {
		const char *text;
		size_t size;
		const char *clean;
	} rows[] = {
		{"Posada", 64, "Posada"},
		{"\033[2J\a\r\n", 64, "?[2J???"},
		{"ni\303\261o \342\202\254 \360\237\217\250", 64,
			"ni\303\261o \342\202\254 \360\237\217\250"},
		{"\302\233" "31m", 64, "?31m"},			   /* CSI in one character */
		{"a\342\200\256b", 64, "a?b"},			   /* right to left from here */
		{"\357\273\277a\302\255", 64, "?a?"},		   /* marks that nobody sees */
		{"\300\200", 64, "??"},				   /* too long for what it is */
		{"\355\240\200", 64, "???"},			   /* half of a pair */
		{"\364\220\200\200", 64, "????"},		   /* beyond Unicode */
		{"\342\202", 64, "??"},				   /* cut off */
		{"\303\261\342\202\254", 5, "\303\261"},	   /* would be cut in two */
		{"\303\261\342\202\254", 6, "\303\261\342\202\254"},
		{"abc", 1, ""},
	};
	char clean[64];

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			posada_text_clean(rows[i].text, clean, rows[i].size), rows[i].clean);
	strcpy(clean, "x");
	posada_text_clean("abc", clean, 0);
	assert_string_equal(clean, "x");
}

static void clean_text_is_safe(void **state)
{
	char text[64], clean[64], again[64];

	(void)state;
	for (unsigned i = 0; i < 20000; i++) {
		size_t size = 1 + unit_chance(sizeof(clean));
		uint32_t point;
		size_t len;

		unit_chance_text(text, sizeof(text));
		posada_text_clean(text, clean, size);
		assert_true(strlen(clean) < size);
		for (const char *at = clean; *at; at += len) {
			len = utf8_decode(at, &point);
			assert_true(len && point >= 0x20 && (point < 0x7f || point > 0x9f));
		}
		assert_string_equal(posada_text_clean(clean, again, sizeof(again)), clean);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sizes_are_read),
		cmocka_unit_test(sizes_are_written),
		cmocka_unit_test(names_are_judged),
		cmocka_unit_test(characters_are_decoded),
		cmocka_unit_test(foreign_text_is_cleaned),
		cmocka_unit_test(clean_text_is_safe),
	};

	return cmocka_run_group_tests_name("text", tests, NULL, NULL);
}
