// SPDX-License-Identifier: GPL-2.0-or-later
// Columns of text that line up on a terminal, whatever the texts hold.
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "table.h"
#include "text.h"

static int add_cell(struct table *table, const char *text)
{
	size_t size;

	if (table->cells == table->room) {
		size_t room = table->room ? table->room * 2 : 64;
		char **cell = realloc(table->cell, room * sizeof(*cell));

		if (!cell)
			return -ENOMEM;
		table->cell = cell;
		table->room = room;
	}
	size = strlen(text) + 1;
	table->cell[table->cells] = malloc(size);
	if (!table->cell[table->cells])
		return -ENOMEM;
	posada_text_clean(text, table->cell[table->cells], size);
	table->cells++;
	return 0;
}

void table_row(struct table *table, ...)
{
	va_list args;
	unsigned i;

	va_start(args, table);
	for (i = 0; i < table->columns && !table->error; i++) {
		const char *text = va_arg(args, const char *);

		table->error = add_cell(table, text && *text ? text : "-");
	}
	va_end(args);
}

/* Characters, not bytes: each takes one column in what we print. */
static size_t width_of(const char *text)
{
	size_t width = 0;

	for (; *text; text++)
		if (((unsigned char)*text & 0xc0) != 0x80)
			width++;
	return width;
}

int table_print(struct table *table, FILE *out)
{
	size_t width[TABLE_COLUMNS_MAX] = {0};
	int ret = table->error;
	size_t i;

	for (i = 0; i < table->cells; i++) {
		size_t w = width_of(table->cell[i]);

		if (w > width[i % table->columns])
			width[i % table->columns] = w;
	}
	for (i = 0; i < table->cells && !ret; i++) {
		size_t column = i % table->columns;

		fputs(table->cell[i], out);
		if (column + 1 < table->columns)
			fprintf(out, "%*s", (int)(width[column] - width_of(table->cell[i]) + 2),
				"");
		else
			putc('\n', out);
	}
	for (i = 0; i < table->cells; i++)
		free(table->cell[i]);
	free(table->cell);
	table->cell = NULL;
	table->cells = table->room = 0;
	table->error = 0;
	return ret;
}
