// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of table.c: columns line up, whatever the cells hold.
#include "table.h"
#include "unit.h"

static char *print(struct table *table)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(table_print(table, out), 0);
	assert_int_equal(fclose(out), 0);
	assert_int_equal(table->cells, 0);
	return text;
}

static void columns_line_up(void **state)
{
	struct table table = {.columns = 3};
	char *text;

	(void)state;
	table_row(&table, "NAME", "KIND", "STATE");
	table_row(&table, "ni\303\261o", NULL, "");
	table_row(&table, "a-long-name", "pvh", "off\033[2J\n");
	text = print(&table);
	assert_string_equal(text, "NAME         KIND  STATE\n"
				  "ni\303\261o         -     -\n"
				  "a-long-name  pvh   off?[2J?\n");
	free(text);
}

static void tables_grow_and_empty(void **state)
{
	struct table table = {.columns = 2};
	char *text = print(&table), *at;
	unsigned lines = 0;

	(void)state;
	assert_string_equal(text, "");
	free(text);
	for (unsigned i = 0; i < 1000; i++) {
		char cell[32];

		unit_chance_text(cell, sizeof(cell));
		table_row(&table, cell, "end");
	}
	text = print(&table);
	for (at = text; (at = strstr(at, "  end\n")); at++)
		lines++;
	assert_int_equal(lines, 1000);
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(columns_line_up),
		cmocka_unit_test(tables_grow_and_empty),
	};

	return cmocka_run_group_tests_name("table", tests, NULL, NULL);
}
