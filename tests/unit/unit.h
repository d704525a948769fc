/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the unit tests share: cmocka, a directory for files, numbers by chance, a judge of JSON. */
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

/* Group fixtures: make a directory for files, and remove it with all that is in it. */
int unit_setup(void **state);
int unit_teardown(void **state);

/* A path in that directory; good until eight more were asked for. */
const char *unit_path(const char *name);

/* Writes a file there; returns its path. */
const char *unit_write(const char *name, const void *bytes, size_t size);

/* The whole of a stream as a string, which the caller frees. */
char *unit_read(FILE *file);

/* Below limit, the same row of numbers in every run. */
uint32_t unit_chance(uint32_t limit);

/* Fills bytes with a string of size - 1 bytes at most, of the kinds that parsers stumble over. */
void unit_chance_text(char *text, size_t size);

/* Is this one whole value of RFC 8259? */
bool unit_json_is_valid(const char *text);

#endif
