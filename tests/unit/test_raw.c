// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of raw.c, on image files.
#include "raw.h"
#include "unit.h"

#define SIZE (3 * RAW_END)

static uint8_t disk[SIZE];

static const char *image(void)
{
	for (size_t i = 0; i < SIZE; i++)
		disk[i] = (uint8_t)unit_chance(256);
	return unit_write("disk", disk, SIZE);
}

TEST(bytes_arrive)
{
	const char *path = image();
	uint8_t found[1024];

	assert_int_equal(raw_write(path, disk, 512, 1024), 0);
	assert_int_equal(raw_read(path, found, 1024, 512), 0);
	assert_memory_equal(found, disk + 512, 512);
	assert_memory_equal(found + 512, disk, 512);
	assert_int_equal(raw_read(path, found, 1024, SIZE - 512), -EIO);
	assert_int_equal(raw_read(unit_path("none"), found, 1, 0), -ENOENT);
	assert_int_equal(raw_sector(path), 512);
}

TEST(ends_are_read)
{
	struct raw_ends *ends = malloc(sizeof(*ends));
	const char *path = image();

	assert_non_null(ends);
	assert_int_equal(raw_ends_read(path, ends), 0);
	assert_memory_equal(ends->head, disk, RAW_END);
	assert_memory_equal(ends->tail, disk + SIZE - RAW_END, RAW_END);
	assert_int_equal(raw_ends_read(unit_write("small", disk, 2 * RAW_END - 1), ends), -EINVAL);
	free(ends);
}

/* A sector that we did not change may have been changed by somebody else since. */
TEST(only_changed_sectors_are_restored)
{
	struct raw_ends *before = malloc(sizeof(*before)), *after = malloc(sizeof(*after));
	const char *path = image();
	uint8_t wanted[SIZE], found[SIZE];

	assert_true(before && after);
	assert_int_equal(raw_ends_read(path, before), 0);
	*after = *before;
	after->head[0] ^= 1;
	after->head[RAW_END - 1] ^= 1;
	after->tail[1024] ^= 1;
	for (size_t i = 0; i < SIZE; i++)
		disk[i] = (uint8_t)~disk[i];
	path = unit_write("disk", disk, SIZE);
	memcpy(wanted, disk, SIZE);
	memcpy(wanted, before->head, 512);
	memcpy(wanted + RAW_END - 512, before->head + RAW_END - 512, 512);
	memcpy(wanted + SIZE - RAW_END + 1024, before->tail + 1024, 512);
	assert_int_equal(raw_ends_restore(path, before, after), 0);
	assert_int_equal(raw_read(path, found, SIZE, 0), 0);
	assert_memory_equal(found, wanted, SIZE);
	free(before);
	free(after);
}

/* Only the whole mark of the very partition counts: what it leads to is written over a table. */
TEST(a_mark_is_known)
{
	struct raw_ends *ends = malloc(sizeof(*ends)), *found = malloc(sizeof(*found));
	uint8_t *mark = malloc(RAW_MARK);

	assert_true(ends && found && mark);
	assert_int_equal(raw_ends_read(image(), ends), 0);
	raw_mark_make(mark, 1 << 20, 1 << 30, ends);
	assert_true(raw_mark_read(mark, 1 << 20, 1 << 30, found));
	assert_memory_equal(found, ends, sizeof(*ends));
	assert_true(raw_mark_read(mark, 1 << 20, 1 << 30, NULL));
	assert_false(raw_mark_read(mark, 2 << 20, 1 << 30, NULL));
	assert_false(raw_mark_read(mark, 1 << 20, 1 << 29, NULL));
	for (unsigned i = 0; i < 200; i++) {
		size_t at = i % 2 ? unit_chance(RAW_MARK) : unit_chance(56);

		/* Between its head and the ends there is nothing. */
		if (at >= 56 && at < 4096)
			continue;
		mark[at] ^= 1;
		assert_false(raw_mark_read(mark, 1 << 20, 1 << 30, NULL));
		mark[at] ^= 1;
	}
	free(ends);
	free(found);
	free(mark);
}

RUN("raw", T(bytes_arrive), T(ends_are_read), T(only_changed_sectors_are_restored),
	T(a_mark_is_known))
