// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of json.c: escapes, nesting, and valid output whatever the values hold.
#include "json.h"
#include "unit.h"

static char *text;
static size_t size;

static struct json start(void)
{
	struct json json = {.out = open_memstream(&text, &size)};

	assert_non_null(json.out);
	return json;
}

static const char *end(struct json *json)
{
	assert_int_equal(fclose(json->out), 0);
	return text;
}

static void strings_are_escaped(void **state)
{
	static const struct {
		const char *value, *json;
	} rows[] = {
		{"", "\"\""},
		{"a/b", "\"a/b\""},
		{"say \"no\\\"", "\"say \\\"no\\\\\\\"\""},
		{"\n\t\001\177", "\"\\u000a\\u0009\\u0001\\u007f\""},
		{"\302\233", "\"\\u009b\""},
		{"ni\303\261o", "\"ni\303\261o\""},
		{"\377x\342\202", "\"\\ufffdx\\ufffd\\ufffd\""},
		{NULL, "null"},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json json = start();

		json_string(&json, NULL, rows[i].value);
		assert_string_equal(end(&json), rows[i].json);
		free(text);
	}
}

static void values_nest(void **state)
{
	struct json json = start();

	(void)state;
	json_open(&json, NULL, '{');
	json_number(&json, "least", INT64_MIN);
	json_bool(&json, "yes", true);
	json_open(&json, "none", '[');
	json_close(&json, ']');
	json_open(&json, "list", '[');
	json_string(&json, NULL, "a");
	json_open(&json, NULL, '{');
	json_close(&json, '}');
	json_close(&json, ']');
	json_bool(&json, "no", false);
	json_close(&json, '}');
	assert_string_equal(end(&json),
		"{\n  \"least\": -9223372036854775808,\n  \"yes\": true,\n  \"none\": [],\n"
		"  \"list\": [\n    \"a\",\n    {}\n  ],\n  \"no\": false\n}\n");
	free(text);
}

static void output_is_valid_by_chance(void **state)
{
	char key[24], value[48];

	(void)state;
	for (unsigned i = 0; i < 2000; i++) {
		struct json json = start();
		char open[8];
		unsigned depth = 0;

		json_open(&json, NULL, open[depth++] = '{');
		for (unsigned step = unit_chance(30); step > 0; step--) {
			const char *name = open[depth - 1] == '{' ? key : NULL;

			unit_chance_text(key, sizeof(key));
			unit_chance_text(value, sizeof(value));
			if (unit_chance(3)) {
				json_string(&json, name, value);
			} else if (unit_chance(2) && depth < sizeof(open)) {
				open[depth] = unit_chance(2) ? '{' : '[';
				json_open(&json, name, open[depth++]);
			} else if (depth > 1) {
				json_close(&json, open[--depth] == '{' ? '}' : ']');
			}
		}
		while (depth)
			json_close(&json, open[--depth] == '{' ? '}' : ']');
		if (!unit_json_is_valid(end(&json)))
			fail_msg("%s", text);
		free(text);
	}
}

static void the_judge_is_strict(void **state)
{
	static const char *const bad[] = {"", "{", "[1,]", "{\"a\" 1}", "{a: 1}", "\"a\nb\"",
		"\"\\x\"", "\"\\u12\"", "[1 2]", "{} {}", "01", "-", "nul", "[1}", "\"open"};

	(void)state;
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_false(unit_json_is_valid(bad[i]));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(strings_are_escaped),
		cmocka_unit_test(values_nest),
		cmocka_unit_test(output_is_valid_by_chance),
		cmocka_unit_test(the_judge_is_strict),
	};

	return cmocka_run_group_tests_name("json", tests, NULL, NULL);
}
