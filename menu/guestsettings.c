// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of one guest: a list of what there is, changed one at a time.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "ui.h"
#include "watch.h"

#define TEXT_SIZE 64

/* Asked for as text; false says that the text is none, and cure what would be. */
static bool take_number(const char *text, unsigned max, unsigned *number)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	value = strtoul(text, &end, 10);
	if (*end || value > max)
		return false;
	*number = (unsigned)value;
	return true;
}

static void memory_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	posada_size_text(settings->memory_kib * 1024, text, TEXT_SIZE);
}

/* As it can be typed back, without loss. */
static void memory_offer(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	bool whole = settings->memory_kib % 1024 == 0;

	snprintf(text, TEXT_SIZE, "%llu%c",
		(unsigned long long)(whole ? settings->memory_kib / 1024 : settings->memory_kib),
		whole ? 'M' : 'K');
}

static bool memory_take(const char *text, struct posada_settings *settings)
{
	uint64_t bytes;

	if (posada_size_parse(text, 'M', &bytes))
		return false;
	settings->memory_kib = bytes / 1024;
	return true;
}

static void vcpus_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "%u", settings->vcpus);
}

static bool vcpus_take(const char *text, struct posada_settings *settings)
{
	return take_number(text, POSADA_VCPUS_MAX, &settings->vcpus);
}

static void boot_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	posada_boot_text(settings, text, TEXT_SIZE);
}

static bool boot_take(const char *text, struct posada_settings *settings)
{
	return !posada_boot_parse(text, settings);
}

static void autostart_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	static const char *const texts[] = {[POSADA_START_NEVER] = N_("no"),
		[POSADA_START_CRASHED] = N_("when it ran and the host crashed"),
		[POSADA_START_ALWAYS] = N_("yes")};

	snprintf(text, TEXT_SIZE, "%s", _(texts[settings->autostart]));
}

static void autostart_turn(struct posada_settings *settings)
{
	settings->autostart = (settings->autostart + 1) % (POSADA_START_ALWAYS + 1);
}

static void order_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "%u", settings->order);
}

static bool order_take(const char *text, struct posada_settings *settings)
{
	return take_number(text, POSADA_ORDER_MAX, &settings->order);
}

static void delay_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "%u", settings->delay_s);
}

static bool delay_take(const char *text, struct posada_settings *settings)
{
	return take_number(text, POSADA_DELAY_MAX_S, &settings->delay_s);
}

static void crash_text(const struct posada_settings *settings, char text[TEXT_SIZE])
{
	snprintf(text, TEXT_SIZE, "%s",
		settings->crash_restart ? _("it starts again") : _("it stays off"));
}

static void crash_turn(struct posada_settings *settings)
{
	settings->crash_restart = !settings->crash_restart;
}

/* What turns has two values, or three; what takes is typed. */
static const struct setting {
	const char *name;
	const char *prompt;
	void (*text)(const struct posada_settings *settings, char text[TEXT_SIZE]);
	void (*offer)(const struct posada_settings *settings, char text[TEXT_SIZE]);
	bool (*take)(const char *text, struct posada_settings *settings);
	void (*turn)(struct posada_settings *settings);
	unsigned which;
} rows[] = {
	{N_("Memory"), N_("How much memory, such as 512M or 2G?"), memory_text, memory_offer,
		memory_take, NULL, POSADA_SET_MEMORY},
	{N_("Processors"), N_("How many processors, 1 to 128?"), vcpus_text, vcpus_text, vcpus_take,
		NULL, POSADA_SET_VCPUS},
	{N_("Boot order"),
		N_("What does it start from? disk, cd and network, with commas between."),
		boot_text, boot_text, boot_take, NULL, POSADA_SET_BOOT},
	{N_("Starts with the host"), NULL, autostart_text, NULL, NULL, autostart_turn,
		POSADA_SET_AUTOSTART},
	{N_("Order"),
		N_("Its place among those that start with the host: 1 is first, 0 after all numbers."),
		order_text, order_text, order_take, NULL, POSADA_SET_ORDER},
	{N_("Delay"), N_("How many seconds later does the next one start (0 to 3600)?"), delay_text,
		delay_text, delay_take, NULL, POSADA_SET_DELAY},
	{N_("When it crashes"), NULL, crash_text, NULL, NULL, crash_turn, POSADA_SET_CRASH},
};

static bool ask(const struct setting *row, struct posada_settings *settings)
{
	char text[TEXT_SIZE], wrong[TEXT_SIZE + 256];

	if (row->turn) {
		row->turn(settings);
		return true;
	}
	row->offer(settings, text);
	while (ui_input(_(row->name), _(row->prompt), text, sizeof(text))) {
		if (row->take(text, settings))
			return true;
		snprintf(wrong, sizeof(wrong), _("\"%s\" cannot be set. %s"), text, _(row->prompt));
		ui_message(_(row->name), wrong);
	}
	return false;
}

static void apply(
	struct app *app, const struct setting *row, const struct posada_settings *settings)
{
	struct posada_error err;
	unsigned later;
	char text[256];
	int ret;

	ui_wait(_("Setting it ..."));
	ret = posada_guest_set(app->host, app->guest, settings, row->which, &later, &err);
	watch_refresh();
	if (ret) {
		ui_message(_("This did not work"), err.text);
	} else if (later & row->which) {
		snprintf(text, sizeof(text), _("This takes effect when %s starts the next time."),
			app->guest);
		ui_message(_(row->name), text);
	}
}

void guest_settings_run(struct app *app)
{
	struct ui_item items[ARRAY_SIZE(rows)];
	char texts[ARRAY_SIZE(rows)][TEXT_SIZE];
	struct posada_settings settings;
	struct posada_error err;
	size_t selected = 0, i;

	for (;;) {
		if (posada_guest_settings(app->host, app->guest, &settings, &err)) {
			ui_message(_("This did not work"), err.text);
			return;
		}
		for (i = 0; i < ARRAY_SIZE(rows); i++) {
			rows[i].text(&settings, texts[i]);
			items[i].name = _(rows[i].name);
			items[i].text = texts[i];
		}
		if (!ui_menu(app->guest, _("Choose what to change."), items, ARRAY_SIZE(rows),
			    &selected))
			return;
		if (ask(&rows[selected], &settings))
			apply(app, &rows[selected], &settings);
	}
}
