/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes JSON (RFC 8259), indented, to a stream. */
#ifndef POSADA_JSON_H
#define POSADA_JSON_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

struct json {
	FILE *out;
	unsigned depth;
	bool filled; /* something stands before us at this depth */
};

/* key is NULL inside an array and at the top. */
void json_open(struct json *json, const char *key, char bracket);
void json_close(struct json *json, char bracket);
void json_string(struct json *json, const char *key, const char *value); /* NULL gives null */
void json_number(struct json *json, const char *key, int64_t value);
void json_bool(struct json *json, const char *key, bool value);

#endif
