/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-config: reads and changes the settings of this host. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "json.h"
#include "place.h"
#include "program.h"
#include "settings.h"
#include "tool.h"

/* Makes the host be as the settings say. */
#define APPLY "/etc/init/settings"

#define VALUES_MAX 16

static int run_get(char **words);
static int run_set(char **words);
static int run_save(char **words);

static const struct verb verbs[] = {
	{"get", "[KEY] [--json]", N_("what is set"), run_get},
	{"set", "KEY VALUE [KEY VALUE]...", N_("set it, and make the host be so"), run_set},
	{"save", "", N_("keep what is set on the data place that is there, over what it has"),
		run_save},
};

static void explain(FILE *out)
{
	fputs(_("Without a data place, settings live in memory and are gone at power-off.\n\n"),
		out);
	for (const struct setting *at = settings; at->key; at++)
		fprintf(out, "  %-17s%s: %s\n", at->key, _(at->help), _(at->wants));
	fputc('\n', out);
}

static const struct program program = {"posada config", verbs, COUNT(verbs), explain};

static int failed(const char *why)
{
	fprintf(stderr, "posada config: %s\n", why);
	return FAILED;
}

static int unknown(const char *key)
{
	fprintf(stderr,
		_("posada config: there is no setting \"%s\"; --help lists those there are.\n"),
		key);
	return USAGE;
}

static int show_all(bool as_json)
{
	struct json json = {.out = stdout};
	char value[SETTINGS_VALUE], why[SETTINGS_TEXT];
	int status = DONE;

	if (as_json)
		json_open(&json, NULL, '{');
	for (const struct setting *at = settings; at->key; at++) {
		if (settings_get(SETTINGS_FILE, at, value, why))
			status = failed(why);
		if (at->secret)
			snprintf(value, sizeof(value), "%s", *value ? "***" : "");
		if (as_json)
			json_string(&json, at->key, value);
		else
			printf("%s = %s\n", at->key, value);
	}
	if (as_json)
		json_close(&json, '}');
	return status;
}

static int run_get(char **words)
{
	char value[SETTINGS_VALUE], why[SETTINGS_TEXT];
	const struct setting *setting;

	if (!words[0])
		return show_all(false);
	if (words[0] && !strcmp(words[0], "--json") && !words[1])
		return show_all(true);
	if (words[1])
		return program_usage(&program);
	setting = settings_find(words[0]);
	if (!setting)
		return unknown(words[0]);
	if (settings_get(SETTINGS_FILE, setting, value, why))
		return failed(why);
	puts(value);
	return DONE;
}

static int run_set(char **words)
{
	struct setting_value values[VALUES_MAX];
	size_t count = 0;
	struct place place;
	char why[SETTINGS_TEXT];

	for (; words[0] && words[1] && count < VALUES_MAX; words += 2) {
		values[count].setting = settings_find(words[0]);
		values[count].value = words[1];
		if (!values[count++].setting)
			return unknown(words[0]);
	}
	if (words[0] || !count)
		return program_usage(&program);
	if (settings_set_all(SETTINGS_FILE, values, count, why))
		return failed(why);
	if (tool_run((const char *const[]){APPLY, NULL}, NULL, 0))
		return failed(_("it is set, but this host did not take it: see the log."));
	if (place_current(&place))
		puts(_("Set, in memory: there is no data place, so it is gone at power-off."));
	return DONE;
}

static int run_save(char **words)
{
	struct place_progress progress = {.report = program_goes_on};
	struct place place, current;
	char why[PLACE_TEXT];

	if (words[0])
		return program_usage(&program);
	if (!place_current(&current)) {
		printf(_("Settings are on %s already: each is written there when it is set.\n"),
			current.name);
		return DONE;
	}
	if (place_find(NULL, &place, why))
		return failed(why);
	program_begin_copying();
	if (place_attach(&place, true, &progress, why))
		return failed(why);
	printf(_("Saved: %s is the data place of this host now.\n"), place.name);
	return DONE;
}

int main(int argc, char **argv)
{
	return program_run(&program, argc, argv);
}
