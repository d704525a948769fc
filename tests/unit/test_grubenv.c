// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of grubenv.c: GRUB's own blocks are understood, ours are as GRUB wants them.
#include "grubenv.h"
#include <sys/stat.h>
#include <unistd.h>
#include "unit.h"

/* A block as grub-editenv makes it: the lines, and the rest filled. */
static const char *block_of(const char *lines)
{
	static char block[GRUBENV_SIZE + 1];

	memset(block, '#', GRUBENV_SIZE);
	memcpy(block, lines, strlen(lines));
	return block;
}

#define HEAD "# GRUB Environment Block\n"

TEST(blocks_are_read)
{
	static const struct {
		const char *lines;
		int ret;
		struct grubenv env;
	} rows[] = {
		{HEAD, 0, {0}},
		{HEAD "slot=a\n", 0, {.slot = 'a'}},
		{HEAD "slot=b\ntrial=\ntried=a\n", 0, {.slot = 'b', .tried = 'a'}},
		{HEAD "saved_entry=x\ntrial=b\nslot=a\n", 0, {.slot = 'a', .trial = 'b'}},
		{HEAD "# WARNING: do not edit\nslot=a\n", 0, {0}},
		{HEAD "slot=c\ntrial=ab\ntried\n=b\n", 0, {0}},
		{HEAD "\nslot=b\n", 0, {.slot = 'b'}},
		{"# GRUB Environment block\nslot=a\n", -EINVAL, {0}},
		{"", -EINVAL, {0}},
	};
	struct grubenv env;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(grubenv_parse(block_of(rows[i].lines), &env), rows[i].ret);
		assert_memory_equal(&env, &rows[i].env, sizeof(env));
	}
	/* A line without an end. */
	assert_int_equal(grubenv_parse(block_of(HEAD "slot=a"), &env), -EINVAL);
	for (unsigned n = 0; n < 20000; n++) {
		char text[GRUBENV_SIZE];

		memcpy(text, block_of(HEAD "slot=a\ntrial=b\n"), sizeof(text));
		for (unsigned i = 0; i < 8; i++)
			text[strlen(HEAD) + unit_chance(n % 2 ? 40 : GRUBENV_SIZE - 25)] =
				"\n=ab#slotriaed\0\xff"[unit_chance(15)];
		assert_in_range(-grubenv_parse(text, &env), 0, EINVAL);
		assert_true(!env.slot || env.slot == 'a' || env.slot == 'b');
		assert_true(!env.trial || env.trial == 'a' || env.trial == 'b');
	}
}

TEST(blocks_are_written)
{
	const struct grubenv wanted = {.slot = 'b', .trial = 'a'};
	char block[GRUBENV_SIZE], other[GRUBENV_SIZE];
	struct grubenv env;

	grubenv_format(&wanted, block);
	assert_memory_equal(block, block_of(HEAD "slot=b\ntrial=a\ntried=\n"), GRUBENV_SIZE);
	assert_int_equal(grubenv_parse(block, &env), 0);
	assert_memory_equal(&env, &wanted, sizeof(env));
	/* What a power cut could tear apart is the same in all of them. */
	grubenv_format(&(struct grubenv){.tried = 'a'}, other);
	assert_memory_equal(block + 512, other + 512, GRUBENV_SIZE - 512);
}

TEST(files_keep_their_place)
{
	const char *path = unit_path("grubenv");
	struct stat before, after;
	struct grubenv env;

	assert_int_equal(grubenv_read(path, &env), -ENOENT);
	assert_int_equal(grubenv_write(path, &(struct grubenv){.slot = 'a'}), 0);
	assert_int_equal(stat(path, &before), 0);
	assert_int_equal(before.st_size, GRUBENV_SIZE);
	assert_int_equal(grubenv_write(path, &(struct grubenv){.slot = 'a', .trial = 'b'}), 0);
	assert_int_equal(stat(path, &after), 0);
	assert_int_equal(before.st_ino, after.st_ino);
	assert_int_equal(grubenv_read(path, &env), 0);
	assert_int_equal(env.trial, 'b');
	/* One that GRUB would not write to is replaced. */
	for (off_t size = 0; size < 3000; size += 700) {
		assert_int_equal(truncate(path, size), 0);
		assert_int_equal(grubenv_read(path, &env), -EINVAL);
		assert_int_equal(grubenv_write(path, &(struct grubenv){.slot = 'b'}), 0);
		assert_int_equal(grubenv_read(path, &env), 0);
		assert_int_equal(env.slot, 'b');
	}
	assert_int_equal(grubenv_write(unit_path("no/grubenv"), &(struct grubenv){0}), -ENOENT);
}

RUN("grubenv", T(blocks_are_read), T(blocks_are_written), T(files_keep_their_place))
