// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of confirm.c: nothing but the name is a yes.
#include "confirm.h"
#include "unit.h"

TEST(only_the_name_confirms)
{
	assert_true(confirm_name("posada storage", "sda", "sda"));
	assert_false(confirm_name("posada storage", "sda", "sdb"));
	assert_false(confirm_name("posada storage", "sda", "sda1"));
	assert_false(confirm_name("posada storage", "sda", ""));
}

TEST(nobody_is_asked_without_a_terminal)
{
	const char *path = unit_write("typed", "sda\n", 4);

	assert_non_null(freopen(path, "r", stdin));
	assert_false(confirm_name("posada storage", "sda", NULL));
}

RUN("confirm", T(only_the_name_confirms), T(nobody_is_asked_without_a_terminal))
