// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of table.c: columns line up, whatever the cells hold.
#include "table.h"
#include "unit.h"

static const char *printed(struct table *table)
{
	FILE *out = unit_open();

	assert_int_equal(table_print(table, out), 0);
	assert_int_equal(table->cells, 0);
	return unit_close(out, NULL);
}

TEST(columns_line_up)
{
	struct table table = {.columns = 3};

	table_row(&table, "NAME", "KIND", "STATE");
	table_row(&table, "ni\303\261o", NULL, "");
	table_row(&table, "a-long-name", "pvh", "off\033[2J\n");
	assert_string_equal(printed(&table),
		"NAME         KIND  STATE\nni\303\261o         -     -\na-long-name  pvh   off?[2J?\n");
}

TEST(tables_grow_and_empty)
{
	struct table table = {.columns = 2};
	unsigned lines = 0;
	char cell[32];

	assert_string_equal(printed(&table), "");
	for (unsigned i = 0; i < 1000; i++)
		table_row(&table, unit_chance_text(cell, sizeof(cell)), "end");
	for (const char *at = printed(&table); (at = strstr(at, "  end\n")); at++)
		lines++;
	assert_int_equal(lines, 1000);
}

RUN("table", T(columns_line_up), T(tables_grow_and_empty))
