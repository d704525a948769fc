// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of json.c: escapes, nesting, and valid output whatever the values hold.
#include "json.h"
#include "unit.h"

TEST(strings_are_escaped)
{
	static const struct {
		const char *value, *json;
	} rows[] = {{"", "\"\""}, {"a/b", "\"a/b\""}, {"say \"no\\\"", "\"say \\\"no\\\\\\\"\""},
		{"\n\t\037\177", "\"\\u000a\\u0009\\u001f\\u007f\""}, {"\302\233", "\"\\u009b\""},
		{"ni\303\261o", "\"ni\303\261o\""}, {NULL, "null"},
		{"\377x\342\202", "\"\\ufffdx\\ufffd\\ufffd\""}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct json json = {.out = unit_open()};

		json_string(&json, NULL, rows[i].value);
		assert_string_equal(unit_close(json.out, NULL), rows[i].json);
	}
}

TEST(values_nest)
{
	struct json json = {.out = unit_open()};

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
	json_close(&json, '}');
	assert_string_equal(unit_close(json.out, NULL),
		"{\n  \"least\": -9223372036854775808,\n  \"yes\": true,\n  \"none\": [],\n  \"list\": [\n    \"a\",\n    {}\n  ]\n}\n");
}

/* Everything below one array, so that the other parser is asked once. */
TEST(output_is_valid_by_chance)
{
	struct json json = {.out = unit_open()};
	char open[8] = "[", key[24], value[48];
	unsigned depth = 1;

	json_open(&json, NULL, '[');
	for (unsigned i = 0; i < 20000; i++) {
		const char *name = open[depth - 1] == '{' ? key : NULL;

		unit_chance_text(key, sizeof(key));
		if (unit_chance(2)) {
			json_string(&json, name, unit_chance_text(value, sizeof(value)));
		} else if (unit_chance(2) && depth < sizeof(open)) {
			open[depth] = unit_chance(2) ? '{' : '[';
			json_open(&json, name, open[depth++]);
		} else if (depth > 1) {
			json_close(&json, open[--depth] == '{' ? '}' : ']');
		}
	}
	while (depth)
		json_close(&json, open[--depth] == '{' ? '}' : ']');
	assert_true(unit_json_is_valid(unit_close(json.out, NULL)));
}

RUN("json", T(strings_are_escaped), T(values_nest), T(output_is_valid_by_chance))
