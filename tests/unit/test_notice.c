// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of notice.c: sentences with their words in them.
#include "internal.h"
#include "unit.h"

TEST(words_come_into_their_sentences)
{
	static const struct {
		const char *file, *text;
	} cases[] = {{"No disk was found.\n", "No disk was found."},
		{"The guest %s is on %s.\nweb\n/data\n", "The guest web is on /data."},
		{"The guest %s is on %s.\nweb\n", "The guest web is on ."},
		{"%s%s\na\nb\nc\n", "ab"},
		{"100 % is %n, %d and %s\n%s\n", "100 % is %n, %d and %s"}, {"no end", "no end"}};
	char text[64];

	for (size_t i = 0; i < COUNT(cases); i++) {
		const char *path = unit_write("notice", cases[i].file, strlen(cases[i].file));

		assert_true(notice_get(path, text, sizeof(text)));
		assert_string_equal(text, cases[i].text);
	}
	assert_false(notice_get(unit_path("none"), text, sizeof(text)));
	assert_false(notice_get(unit_write("notice", "", 0), text, sizeof(text)));
	/* What is too long is cut off. */
	assert_true(notice_get(unit_write("notice", "%s%s\nabcdef\nghi\n", 16), text, 8));
	assert_string_equal(text, "abcdefg");
	assert_true(notice_get(unit_write("notice", "%s%s\nabcdefgh\nghi\n", 18), text, 8));
	assert_string_equal(text, "abcdefg");
}

RUN("notice", T(words_come_into_their_sentences))
