/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Columns of text that line up on a terminal. */
#ifndef POSADA_TABLE_H
#define POSADA_TABLE_H

#include <stdio.h>

#define TABLE_COLUMNS_MAX 8

struct table {
	unsigned columns;
	size_t cells, room;
	char **cell;
	int error;
};

/* Adds one row of as many strings as there are columns; NULL shows as "-". */
void table_row(struct table *table, ...);

/* Prints and empties the table; 0 or -errno (also of an earlier table_row). */
int table_print(struct table *table, FILE *out);

#endif
