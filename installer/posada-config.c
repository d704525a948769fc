/* SPDX-License-Identifier: GPL-2.0-or-later */
/* posada-config: reads and changes the settings of this host. */
#include <errno.h>
#include <libintl.h>
#include <locale.h>
#include <stdio.h>
#include <string.h>
#include "json.h"
#include "place.h"
#include "settings.h"
#include "tool.h"

#define _(text) gettext(text)

/* Makes the host be as the settings say. */
#define APPLY "/etc/init/settings"

#define VALUES_MAX 16

enum { DONE = 0, FAILED = 1, USAGE = 2 };

static int usage(FILE *out, int status)
{
	fputs(_("Usage: posada config get [KEY] [--json]\n"
		"       posada config set KEY VALUE [KEY VALUE]...\n"
		"       posada config save\n\n"
		"Without a data place, settings live in memory and are gone at power-off; save writes them\n"
		"to the place that is there, over what it has, and uses it from then on.\n\n"),
		out);
	for (const struct setting *at = settings; at->key; at++)
		fprintf(out, "  %-17s%s: %s\n", at->key, _(at->help), _(at->wants));
	fputs(_("\nExit status: 0 done, 1 failed, 2 wrong usage.\n"), out);
	return status;
}

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
		return usage(stderr, USAGE);
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
		return usage(stderr, USAGE);
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
	const struct place *place;
	struct places places;
	struct place current;
	char why[PLACE_TEXT];

	if (words[0])
		return usage(stderr, USAGE);
	if (!place_current(&current)) {
		printf(_("Settings are on %s already: each is written there when it is set.\n"),
			current.name);
		return DONE;
	}
	if (place_list(&places, why) || place_choose(&places, NULL, &place, why) ||
		place_attach(place, true, why))
		return failed(why);
	printf(_("Saved: %s is the data place of this host now.\n"), place->name);
	return DONE;
}

int main(int argc, char **argv)
{
	static const struct {
		const char *name;
		int (*run)(char **words);
	} verbs[] = {{"get", run_get}, {"set", run_set}, {"save", run_save}};
	int status = -1;

	setlocale(LC_ALL, "");
	textdomain("posada");
	for (int i = 1; i < argc; i++)
		if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h"))
			return usage(stdout, DONE);
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]) && argc > 1; i++)
		if (!strcmp(argv[1], verbs[i].name))
			status = verbs[i].run(argv + 2);
	if (status < 0)
		return usage(stderr, USAGE);
	if (fflush(stdout) || ferror(stdout))
		return failed(_("the output could not be written."));
	return status;
}
