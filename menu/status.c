// SPDX-License-Identifier: GPL-2.0-or-later
// The status page, which is the first thing that a person sees.
#include <stdio.h>
#include "menu.h"
#include "guests.h"
#include "ui.h"
#include "watch.h"

#define REFRESH_MS    1000
#define SILENCE_S     15
#define LABEL_COLUMNS 14

static void add_fact(struct ui_lines *lines, const char *label, const char *text)
{
	char cell[64];

	ui_add(lines, UI_PLAIN, "%s%s", ui_cell(cell, sizeof(cell), label, LABEL_COLUMNS), text);
}

static void add_host(struct ui_lines *lines, const struct posada_host *host)
{
	char text[192], total[32], rest[32];
	size_t i;

	add_fact(lines, _("Host"), host->name);
	snprintf(text, sizeof(text), "Posada %s", host->version);
	add_fact(lines, _("Version"), text);
	snprintf(text, sizeof(text), "%s", host->hypervisor);
	add_fact(lines, _("Hypervisor"), text);
	snprintf(text, sizeof(text), "%u x %s", host->cpus, host->cpu);
	add_fact(lines, _("Processor"), text);
	snprintf(text, sizeof(text), _("%s, %s free for guests"),
		posada_size_text(host->memory_kib * 1024, total, sizeof(total)),
		posada_size_text(host->memory_free_kib * 1024, rest, sizeof(rest)));
	add_fact(lines, _("Memory"), host->memory_kib ? text : _("not known yet"));
	for (i = 0; i < host->address_count; i++) {
		snprintf(text, sizeof(text), "%s (%s)", host->addresses[i].text,
			host->addresses[i].nic);
		add_fact(lines, i ? "" : _("Address"), text);
	}
	if (!host->address_count)
		add_fact(lines, _("Address"), _("none yet"));
}

static void add_notices(struct ui_lines *lines, const struct watch *watch)
{
	const struct posada_host *host = &watch->host;
	bool silent = watch->age_s > SILENCE_S;
	size_t i;

	if (host->notice_count || silent)
		ui_add(lines, UI_PLAIN, " ");
	for (i = 0; i < host->notice_count; i++)
		ui_add(lines, UI_WARNING, "! %s", host->notices[i]);
	if (silent)
		ui_add(lines, UI_WARNING,
			_("! The guest manager has not answered for %u seconds; what you see is that old."),
			watch->age_s);
}

static void add_guests(struct ui_lines *lines, const struct watch *watch)
{
	size_t i;

	ui_add(lines, UI_PLAIN, " ");
	if (!watch->guests_known) {
		ui_add(lines, UI_HEADING, "%s", _("Guests: waiting for the guest manager ..."));
		return;
	}
	if (!watch->guests.count) {
		ui_add(lines, UI_HEADING, "%s", _("There are no guests yet."));
		return;
	}
	guest_heading(lines);
	for (i = 0; i < watch->guests.count; i++) {
		const struct posada_guest *guest = &watch->guests.items[i];
		bool lost = guest->state == POSADA_NO_DEVICE_MODEL;

		guest_line(lines, guest, lost ? UI_WARNING : UI_PLAIN);
		if (lost)
			ui_add(lines, UI_WARNING,
				_("! %s has lost its devices: Guests, %s, \"Start again\"."),
				guest->name, guest->name);
	}
}

static void fill(struct ui_lines *lines, void *opaque)
{
	const struct watch *watch = watch_lock();

	(void)opaque;
	add_host(lines, &watch->host);
	add_notices(lines, watch);
	add_guests(lines, watch);
	watch_unlock();
}

static bool reboot_is_needed(void)
{
	bool needed = watch_lock()->host.reboot_needed;

	watch_unlock();
	return needed;
}

void status_run(struct app *app)
{
	struct ui_page page = {
		.title = _("Status"),
		.refresh_ms = REFRESH_MS,
		.fill = fill,
	};

	page.keys = reboot_is_needed() ? _("<F2> or <Enter> Menu   <R> Reboot this host")
				       : _("<F2> or <Enter> Menu");
	*app->guest = '\0';
	switch (ui_page_run(&page, NULL)) {
	case UI_KEY_ENTER:
	case UI_KEY_MENU:
	case 'm':
		menu_run(&main_menu, app);
		break;
	case 'r':
		if (reboot_is_needed())
			reboot_run(app);
		break;
	default:
		break;
	}
}
