/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unit tests share: cmocka, a directory for files, captured output, chance. */
#ifndef POSADA_UNIT_H
#define POSADA_UNIT_H

#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

#define TEST(name) static void name(void **state __attribute__((unused)))
#define T(name)	   cmocka_unit_test(name)

/* The tests of a file, with a directory for their files. */
#define RUN(title, ...)                                                                            \
	int main(void)                                                                             \
	{                                                                                          \
		const struct CMUnitTest tests[] = {__VA_ARGS__};                                   \
		return cmocka_run_group_tests_name(title, tests, unit_setup, unit_teardown);       \
	}

int unit_setup(void **state);
int unit_teardown(void **state);

/* A path in that directory; good until eight more were asked for. */
const char *unit_path(const char *name);

/* Writes a file there, and the folders that it needs; returns its path. */
const char *unit_write(const char *name, const void *bytes, size_t size);

/* A stream, and what was written to it, with a NUL at its end; good until the next is opened. */
FILE *unit_open(void);
const char *unit_close(FILE *stream, size_t *size);

/* Runs a shell command in that directory, quietly; the test fails with it. */
void unit_run(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Below limit; the same row of numbers in every run. */
uint32_t unit_chance(uint32_t limit);

/* Fills text with pieces that parsers stumble over; returns text. */
char *unit_chance_text(char *text, size_t size);

/* Does another JSON parser take it? */
bool unit_json_is_valid(const char *text);

#endif
