// SPDX-License-Identifier: GPL-2.0-or-later
// Writes JSON to a stream, valid whatever bytes the values hold.
#include "json.h"
#include "text.h"

static void put_text(FILE *out, const char *text)
{
	putc('"', out);
	while (*text) {
		uint32_t point;
		size_t len = utf8_decode(text, &point);

		if (!len) {
			/* The replacement character: JSON must be UTF-8. */
			fputs("\\ufffd", out);
			text++;
			continue;
		}
		if (point == '"' || point == '\\')
			fprintf(out, "\\%c", (int)point);
		else if (point < 0x20 || (point >= 0x7f && point < 0xa0))
			fprintf(out, "\\u%04x", (unsigned)point);
		else
			fwrite(text, 1, len, out);
		text += len;
	}
	putc('"', out);
}

static void start_value(struct json *json, const char *key)
{
	if (json->depth)
		fprintf(json->out, "%s\n%*s", json->filled ? "," : "", (int)json->depth * 2, "");
	if (key) {
		put_text(json->out, key);
		fputs(": ", json->out);
	}
	json->filled = true;
}

void json_open(struct json *json, const char *key, char bracket)
{
	start_value(json, key);
	putc(bracket, json->out);
	json->depth++;
	json->filled = false;
}

void json_close(struct json *json, char bracket)
{
	json->depth--;
	if (json->filled)
		fprintf(json->out, "\n%*s", (int)json->depth * 2, "");
	putc(bracket, json->out);
	json->filled = true;
	if (!json->depth)
		putc('\n', json->out);
}

void json_string(struct json *json, const char *key, const char *value)
{
	start_value(json, key);
	if (value)
		put_text(json->out, value);
	else
		fputs("null", json->out);
}

void json_number(struct json *json, const char *key, int64_t value)
{
	start_value(json, key);
	fprintf(json->out, "%lld", (long long)value);
}

void json_bool(struct json *json, const char *key, bool value)
{
	start_value(json, key);
	fputs(value ? "true" : "false", json->out);
}
