// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of answers.c: what is clear is taken, all else is refused.
#include "answers.h"
#include "unit.h"

static struct answers answers;
static char why[PLAN_TEXT];

static int read_text(const char *text)
{
	FILE *file = fmemopen((char *)text, strlen(text), "r");
	int ret;

	assert_non_null(file);
	ret = answers_read(file, &answers, why);
	assert_int_equal(!*why, !ret);
	fclose(file);
	return ret;
}

TEST(clear_answers_are_taken)
{
	assert_int_equal(
		read_text(
			"# one machine of a rack\n[install]\ndisk = sda\nserial=S1 ; by its label\nlayout = whole-disk\n"
			"start = origin\ntimeout = 1\n"),
		0);
	assert_string_equal(answers.disk, "sda");
	assert_string_equal(answers.serial, "S1");
	assert_int_equal(answers.wish.layout, PLAN_WHOLE);
	assert_string_equal(answers.start, "origin");
	assert_int_equal(answers.wish.timeout, 1);
	assert_int_equal(read_text("[install]\nserial = S1\nlayout = alongside\n"), 0);
	assert_int_equal(answers.wish.layout, PLAN_ALONGSIDE);
	assert_string_equal(answers.start, "");
	assert_string_equal(answers.mirror, "");
	assert_int_equal(
		read_text(
			"[install]\nserial = S1\nlayout = alongside\nstart = Debian GNU/Linux 13 (trixie)\n"),
		0);
	assert_string_equal(answers.start, "Debian GNU/Linux 13 (trixie)");
	assert_int_equal(read_text("[install]\ndisk = sda\nmirror = S2\nlayout = whole-disk\n"), 0);
	assert_string_equal(answers.mirror, "S2");
	assert_int_equal(read_text("[install]\nserial = S1\nlayout = stick\n"), 0);
	assert_int_equal(answers.wish.layout, PLAN_STICK);
	assert_int_equal(answers.wish.timeout, PLAN_TIMEOUT);
}

TEST(unclear_answers_are_refused)
{
	static const struct {
		const char *text, *says;
	} rows[] = {{"[install]\n", "name no disk"},
		{"[install]\nlayout = alongside\n", "name no disk"},
		{"[install]\ndisk = sda\n", "do not say how"},
		{"disk = sda\nlayout = alongside\n", "line 1"}, {"[other]\ndisk = sda\n", "line 2"},
		{"[install]\ndisk = sda\nlayout = beside\n", "line 3"},
		{"[install]\ndisk = sda\nlayout = data-place\n", "line 3"},
		{"[install]\ndisk = sda\ndisk = sdb\n", "line 3"},
		{"[install]\ndisk = sda\ndisc = sdb\n", "line 3"},
		{"[install]\nmirror =\n", "line 2"},
		{"[install]\nmirror = sda\nmirror = sdb\n", "line 3"},
		{"[install]\ndisk =\n", "line 2"}, {"[install]\ntimeout = 5 s\n", "line 2"},
		{"[install]\ntimeout = -1\n", "line 2"}, {"[install]\ntimeout = 0\n", "line 2"},
		{"[install]\ntimeout = 3601\n", "line 2"}, {"[install]\nstart =\n", "line 2"},
		{"[install]\ndisk = a-name-that-no-disk-of-any-kernel-ever-had\n", "line 2"},
		{"nonsense\n", "line 1"}};

	for (size_t i = 0; i < COUNT(rows); i++)
		if (read_text(rows[i].text) != -EINVAL || !strstr(why, rows[i].says))
			fail_msg("row %zu: %s", i, why);
}

TEST(one_disk_is_meant)
{
	struct disk disks[3] = {{.name = "sda", .serial = "S1"}, {.name = "sdb", .serial = "S2"},
		{.name = "sdc", .serial = "S2"}};
	const struct machine machine = {.disks = disks, .disk_count = 3};
	static const struct {
		const char *disk, *serial, *wanted;
	} rows[] = {{"sda", "", "sda"}, {"sda", "S1", "sda"}, {"", "S1", "sda"},
		{"sdb", "S2", "sdb"}, {"sda", "S2", NULL}, {"", "S2", NULL}, {"sdz", "", NULL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret;

		memset(&answers, 0, sizeof(answers));
		strcpy(answers.disk, rows[i].disk);
		strcpy(answers.serial, rows[i].serial);
		ret = answers_choose(&answers, &machine, why);
		assert_int_equal(ret, rows[i].wanted ? 0 : -ENODEV);
		if (rows[i].wanted)
			assert_string_equal(answers.wish.disk, rows[i].wanted);
		if (rows[i].wanted)
			assert_ptr_equal(answers.wish.start, answers.start);
	}
}

TEST(a_mirror_is_a_disk_by_name_or_serial)
{
	struct disk disks[3] = {{.name = "sda", .serial = "S1"}, {.name = "sdb", .serial = "S2"},
		{.name = "sdc", .serial = "S2"}};
	const struct machine machine = {.disks = disks, .disk_count = 3};
	static const struct {
		const char *mirror, *wanted, *says;
	} rows[] = {{"", NULL, ""}, {"sdb", "sdb", ""}, {"S1", "sda", ""},
		{"S2", NULL, "more than one disk"}, {"sdz", NULL, "no disk"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		int ret;

		memset(&answers, 0, sizeof(answers));
		*why = '\0';
		strcpy(answers.disk, "sda");
		strcpy(answers.mirror, rows[i].mirror);
		ret = answers_choose(&answers, &machine, why);
		assert_int_equal(ret, *rows[i].says ? -ENODEV : 0);
		assert_non_null(strstr(why, rows[i].says));
		if (rows[i].wanted)
			assert_string_equal(answers.wish.mirror, rows[i].wanted);
		else
			assert_null(answers.wish.mirror);
	}
}

RUN("answers", T(clear_answers_are_taken), T(unclear_answers_are_refused), T(one_disk_is_meant),
	T(a_mirror_is_a_disk_by_name_or_serial))
