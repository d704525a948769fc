// SPDX-License-Identifier: GPL-2.0-or-later
// "posada guest set": the settings of one guest from the command line.
#include <stdio.h>
#include <string.h>
#include "command_set.h"
#include "commands.h"

static const char *const start_words[] = {[POSADA_START_NEVER] = "off",
	[POSADA_START_CRASHED] = "crashed",
	[POSADA_START_ALWAYS] = "on"};

void json_settings(struct json *json, const struct posada_settings *settings)
{
	char boot[64];

	json_open(json, "settings", '{');
	json_number(json, "memory_kib", (int64_t)settings->memory_kib);
	json_number(json, "vcpus", settings->vcpus);
	json_string(json, "boot", posada_boot_text(settings, boot, sizeof(boot)));
	json_string(json, "autostart", start_words[settings->autostart]);
	json_number(json, "order", settings->order);
	json_number(json, "delay_s", settings->delay_s);
	json_string(json, "on_crash", settings->crash_restart ? "restart" : "off");
	json_close(json, '}');
}

void add_settings_rows(struct table *table, const struct posada_settings *settings)
{
	char text[128];

	if (settings->boot_count)
		table_row(table, _("Boot order"), posada_boot_text(settings, text, sizeof(text)));
	snprintf(text, sizeof(text),
		settings->autostart == POSADA_START_ALWAYS
			? _("yes, order %u, then %u seconds of delay")
			: _("when it ran and the host crashed, order %u, then %u seconds of delay"),
		settings->order, settings->delay_s);
	table_row(table, _("Starts with the host"), settings->autostart ? text : _("no"));
	table_row(table, _("When it crashes"), settings->crash_restart ? _("restart") : _("off"));
}

static int take_word(const struct args *args, const char *option, const char *no, const char *yes,
	const char *cure, bool *value)
{
	const char *word = args_get(args, option);

	if (!word)
		return EXIT_DONE;
	*value = !strcmp(word, yes);
	return *value || !strcmp(word, no) ? EXIT_DONE : wrong(option, word, cure);
}

static int take_number(const struct args *args, const char *option, unsigned max, const char *cure,
	unsigned *value)
{
	const char *word = args_get(args, option);

	return !word || parse_number(word, max, value) ? EXIT_DONE : wrong(option, word, cure);
}

static int take_start(const struct args *args, enum posada_start *start)
{
	const char *word = args_get(args, "autostart");
	int i;

	if (!word)
		return EXIT_DONE;
	for (i = POSADA_START_NEVER; i <= POSADA_START_ALWAYS; i++)
		if (!strcmp(word, start_words[i])) {
			*start = (enum posada_start)i;
			return EXIT_DONE;
		}
	return wrong("autostart", word, _("Give on, off or crashed."));
}

static int take_texts(const struct args *args, struct posada_settings *settings)
{
	const char *memory = args_get(args, "memory"), *boot = args_get(args, "boot");
	uint64_t bytes;

	if (memory && posada_size_parse(memory, 'M', &bytes))
		return wrong("memory", memory, _("Give a size such as 512M or 2G."));
	if (memory)
		settings->memory_kib = bytes / 1024;
	if (boot && posada_boot_parse(boot, settings))
		return wrong("boot", boot,
			_("Give disk, cd and network, or some of them, with commas between."));
	return EXIT_DONE;
}

static int take_settings(const struct args *args, struct posada_settings *settings)
{
	int status = take_texts(args, settings);

	if (!status)
		status = take_number(args, "vcpus", POSADA_VCPUS_MAX,
			_("Give a number from 1 to 128."), &settings->vcpus);
	if (!status)
		status = take_start(args, &settings->autostart);
	if (!status)
		status = take_number(args, "order", POSADA_ORDER_MAX,
			_("Give a number from 1 to 999, or 0 for none."), &settings->order);
	if (!status)
		status = take_number(args, "delay", POSADA_DELAY_MAX_S,
			_("Give a number of seconds, 3600 at most."), &settings->delay_s);
	if (!status)
		status = take_word(args, "on-crash", "off", "restart", _("Give off or restart."),
			&settings->crash_restart);
	return status;
}

static unsigned which_settings(const struct args *args)
{
	static const struct {
		const char *option;
		unsigned bit;
	} rows[] = {
		{"memory", POSADA_SET_MEMORY},
		{"vcpus", POSADA_SET_VCPUS},
		{"boot", POSADA_SET_BOOT},
		{"autostart", POSADA_SET_AUTOSTART},
		{"order", POSADA_SET_ORDER},
		{"delay", POSADA_SET_DELAY},
		{"on-crash", POSADA_SET_CRASH},
	};
	unsigned which = 0;
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (args_get(args, rows[i].option))
			which |= rows[i].bit;
	return which;
}

static void print_later(unsigned later)
{
	static const struct {
		unsigned bit;
		const char *what;
	} rows[] = {
		{POSADA_SET_MEMORY, N_("The memory")},
		{POSADA_SET_VCPUS, N_("The number of processors")},
		{POSADA_SET_BOOT, N_("The boot order")},
		{POSADA_SET_CRASH, N_("What becomes of it when it crashes")},
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		if (later & rows[i].bit)
			printf(_("%s: from its next start on.\n"), _(rows[i].what));
}

int command_guest_set(struct posada *handle, const struct args *args)
{
	struct posada_settings settings = {0};
	struct posada_error err;
	unsigned later;
	int status;

	if (!args->count) {
		fputs(_("posada: nothing was given to set; --help tells what there is.\n"), stderr);
		return EXIT_USAGE;
	}
	status = take_settings(args, &settings);
	if (status)
		return status;
	if (posada_guest_set(handle, args->name, &settings, which_settings(args), &later, &err))
		return failed(&err);
	printf(_("The guest %s is set.\n"), args->name);
	print_later(later);
	return EXIT_DONE;
}
