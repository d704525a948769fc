// SPDX-License-Identifier: GPL-2.0-or-later
// The guests: their list, and all that can be done with one of them.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "guests.h"
#include "menu.h"
#include "watch.h"

#define REFRESH_MS     1000
#define ROWS_NEW       2
#define STOP_TIMEOUT_S 60
#define STOP_POLL_MS   500

/* --- How they look ------------------------------------------------------ */

const char *guest_state_text(enum posada_state state)
{
	static const char *const texts[POSADA_STATES] = {
		[POSADA_OFF] = N_("off"),
		[POSADA_RUNNING] = N_("running"),
		[POSADA_PAUSED] = N_("paused"),
		[POSADA_STOPPING] = N_("stopping"),
		[POSADA_CRASHED] = N_("crashed"),
		[POSADA_NO_DEVICE_MODEL] = N_("no device model"),
		[POSADA_TEMPLATE] = N_("template"),
	};

	return _(texts[state]);
}

static void add_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *kind, const char *state, const char *memory, const char *cpus)
{
	char a[128], b[32], c[80], d[32];

	ui_add(lines, style, "%s %s %s %s %s", ui_cell(a, sizeof(a), name, 28),
		ui_cell(b, sizeof(b), kind, 5), ui_cell(c, sizeof(c), state, 20),
		ui_cell(d, sizeof(d), memory, 11), cpus);
}

void guest_heading(struct ui_lines *lines)
{
	add_columns(lines, UI_HEADING, _("Guest"), _("Kind"), _("State"), _("Memory"), _("CPUs"));
}

void guest_line(struct ui_lines *lines, const struct posada_guest *guest, enum ui_style style)
{
	char memory[32], vcpus[16];

	posada_size_text(guest->memory_kib * 1024, memory, sizeof(memory));
	snprintf(vcpus, sizeof(vcpus), "%u", guest->vcpus);
	add_columns(lines, style, guest->name, posada_kind_name(guest->kind),
		guest_state_text(guest->state), memory, vcpus);
}

/* --- The list ----------------------------------------------------------- */

static void fill(struct ui_lines *lines, void *opaque)
{
	const struct watch *watch = watch_lock();
	size_t i;

	(void)opaque;
	ui_add(lines, UI_ROW, "%s", _("Create a guest ..."));
	ui_add(lines, UI_ROW, "%s", _("Adopt the system on a disk ..."));
	ui_add(lines, UI_PLAIN, " ");
	if (!watch->guests_known)
		ui_add(lines, UI_WARNING, "%s",
			_("The guest manager does not answer yet. The guests are shown when it does; if that takes minutes, the log tells more."));
	if (watch->guests.count)
		guest_heading(lines);
	for (i = 0; i < watch->guests.count; i++)
		guest_line(lines, &watch->guests.items[i], UI_ROW);
	watch_unlock();
}

/* The first rows are for new guests; the others follow the watch's order. */
static bool choose(struct app *app, size_t row)
{
	const struct watch *watch = watch_lock();
	bool found = row >= ROWS_NEW && row - ROWS_NEW < watch->guests.count;

	*app->guest = '\0';
	if (found) {
		snprintf(app->guest, sizeof(app->guest), "%s",
			watch->guests.items[row - ROWS_NEW].name);
		app->state = watch->guests.items[row - ROWS_NEW].state;
		app->screen = watch->guests.items[row - ROWS_NEW].vnc_port != 0;
	}
	watch_unlock();
	return found;
}

void guests_run(struct app *app)
{
	const struct ui_page page = {
		.title = _("Guests"),
		.keys = _("<Enter> Choose   <Up>/<Down> Move   <Esc> Back"),
		.refresh_ms = REFRESH_MS,
		.fill = fill,
	};
	size_t row = 0;

	for (;;) {
		switch (ui_page_run(&page, &row)) {
		case UI_KEY_ENTER:
			if (choose(app, row))
				menu_run(&guest_menu, app);
			else if (!row)
				guest_create_run(app);
			else if (row == 1)
				guest_adopt_run(app);
			*app->guest = '\0';
			break;
		case UI_KEY_BACK:
		case 'q':
			return;
		default:
			break;
		}
	}
}

bool when_no_guest(const struct app *app)
{
	return !*app->guest;
}

bool when_live(const struct app *app)
{
	return posada_state_is_live(app->state);
}

bool when_screen(const struct app *app)
{
	return when_live(app) && app->screen;
}

bool when_running(const struct app *app)
{
	return app->state == POSADA_RUNNING;
}

bool when_paused(const struct app *app)
{
	return app->state == POSADA_PAUSED;
}

bool when_off(const struct app *app)
{
	return !posada_state_is_live(app->state);
}

bool when_broken(const struct app *app)
{
	return app->state == POSADA_NO_DEVICE_MODEL;
}

/* --- What can be done with one ------------------------------------------ */

static void report(const struct posada_error *err)
{
	ui_message(_("This did not work"), err->text);
}

/* One call that takes a moment and says only when it fails. */
static void act(struct app *app, const char *doing,
	int (*call)(struct posada *, const char *, struct posada_error *))
{
	struct posada_error err;
	char text[512];
	int ret;

	snprintf(text, sizeof(text), doing, app->guest);
	ui_wait(text);
	ret = call(app->host, app->guest, &err);
	watch_refresh();
	if (ret)
		report(&err);
}

static bool sure(const struct app *app, const char *question)
{
	char text[768];

	snprintf(text, sizeof(text), question, app->guest);
	return ui_yes_no(app->guest, text);
}

void guest_start_run(struct app *app)
{
	act(app, _("Starting %s ..."), posada_guest_start);
}

void guest_kill_run(struct app *app)
{
	if (sure(app,
		    _("Take the power of %s away?\n\nWhat it has not written to its disks yet is lost.")))
		act(app, _("Forcing %s off ..."), posada_guest_kill);
}

void guest_reboot_run(struct app *app)
{
	act(app, _("Asking %s to reboot ..."), posada_guest_reboot);
}

void guest_pause_run(struct app *app)
{
	act(app, _("Pausing %s ..."), posada_guest_pause);
}

void guest_resume_run(struct app *app)
{
	act(app, _("Resuming %s ..."), posada_guest_resume);
}

static bool is_off(struct app *app)
{
	struct posada_guest guest;
	bool off;

	if (posada_guest_show(app->host, app->guest, &guest, NULL))
		return false;
	off = !posada_state_is_live(guest.state);
	posada_guest_free(&guest);
	return off;
}

void guest_stop_run(struct app *app)
{
	struct posada_error err;
	unsigned waited = 0;
	bool off, left = false;
	char text[512];

	if (posada_guest_stop(app->host, app->guest, 0, &err)) {
		report(&err);
		return;
	}
	snprintf(text, sizeof(text),
		_("%s was asked to shut down.\nAny key stops waiting, not the guest."), app->guest);
	for (;;) {
		off = is_off(app);
		if (off || left || waited >= STOP_TIMEOUT_S * 1000)
			break;
		ui_gauge(_("Shut down"), text, waited / (STOP_TIMEOUT_S * 10));
		left = ui_key_within(STOP_POLL_MS);
		waited += STOP_POLL_MS;
	}
	ui_gauge_end();
	watch_refresh();
	if (off || left)
		return;
	snprintf(text, sizeof(text),
		_("%s still runs after %d seconds. Shut it down on its console, or force it off."),
		app->guest, STOP_TIMEOUT_S);
	ui_message(_("Shut down"), text);
}

static void fill_details(struct ui_lines *lines, void *opaque)
{
	const struct posada_guest *guest = opaque;
	char memory[32];
	size_t i;

	ui_add(lines, UI_PLAIN, _("Kind          %s"), posada_kind_name(guest->kind));
	ui_add(lines, UI_PLAIN, _("State         %s"), guest_state_text(guest->state));
	ui_add(lines, UI_PLAIN, _("Memory        %s"),
		posada_size_text(guest->memory_kib * 1024, memory, sizeof(memory)));
	ui_add(lines, UI_PLAIN, _("Processors    %u"), guest->vcpus);
	ui_add(lines, UI_PLAIN, _("UUID          %s"), guest->uuid);
	if (guest->firmware)
		ui_add(lines, UI_PLAIN, _("Firmware      %s"), guest->firmware);
	if (guest->kernel)
		ui_add(lines, UI_PLAIN, _("Kernel        %s"), guest->kernel);
	if (guest->initrd)
		ui_add(lines, UI_PLAIN, _("Initrd        %s"), guest->initrd);
	if (guest->cmdline)
		ui_add(lines, UI_PLAIN, _("Command line  %s"), guest->cmdline);
	for (i = 0; i < guest->disk_count; i++)
		ui_add(lines, UI_PLAIN,
			guest->disks[i].cdrom  ? _("CD            %s")
			: guest->disks[i].seed ? _("Seed          %s")
					       : _("Disk          %s"),
			guest->disks[i].path ? guest->disks[i].path : "-");
	for (i = 0; i < guest->nic_count; i++)
		ui_add(lines, UI_PLAIN, _("Network       %s, %s"),
			guest->nics[i].source ? guest->nics[i].source : "-",
			guest->nics[i].mac ? guest->nics[i].mac : "-");
	if (guest->vnc_port)
		ui_add(lines, UI_PLAIN, _("Screen        VNC on 127.0.0.1:%d of this host"),
			guest->vnc_port);
}

void guest_show_run(struct app *app)
{
	struct posada_guest guest;
	struct posada_error err;
	const struct ui_page page = {
		.title = app->guest,
		.keys = _("<Enter> or <Esc> Back"),
		.fill = fill_details,
		.opaque = &guest,
	};

	if (posada_guest_show(app->host, app->guest, &guest, &err)) {
		report(&err);
		return;
	}
	for (;;) {
		int key = ui_page_run(&page, NULL);

		if (key == UI_KEY_ENTER || key == UI_KEY_BACK || key == 'q')
			break;
	}
	posada_guest_free(&guest);
}

/* Not a CD, a seed, or what is no volume of ours: a device of the host, an adopted disk. */
static bool goes_along(
	struct app *app, const struct posada_guest *guest, const struct posada_disk *disk)
{
	return disk->path && !disk->cdrom && !disk->seed &&
	       posada_volume_is_of(app->host, guest->name, disk->path);
}

/* What goes, before anything goes; without the disks: what stays. */
static void deletion_text(
	struct app *app, const struct posada_guest *guest, bool disks, char *buf, size_t size)
{
	int len = snprintf(buf, size,
		disks ? _("The guest %s and these volumes are deleted:\n\n")
		      : _("The definition of the guest %s is deleted. Its disks stay:\n\n"),
		guest->name);
	size_t i;

	for (i = 0; i < guest->disk_count && len >= 0 && (size_t)len < size; i++) {
		const struct posada_disk *disk = &guest->disks[i];

		if (disks ? goes_along(app, guest, disk)
			  : disk->path && !disk->cdrom && !disk->seed)
			len += snprintf(buf + len, size - (size_t)len, "  %s\n", disk->path);
	}
	if (len >= 0 && (size_t)len < size)
		snprintf(buf + len, size - (size_t)len, _("\nType the guest's name to confirm."));
}

static bool has_volumes(struct app *app, const struct posada_guest *guest)
{
	size_t i;

	for (i = 0; i < guest->disk_count; i++)
		if (goes_along(app, guest, &guest->disks[i]))
			return true;
	return false;
}

void guest_delete_run(struct app *app)
{
	struct posada_guest guest;
	struct posada_error err;
	char typed[256] = "", text[1024];
	int disks = 0, ret;

	if (posada_guest_show(app->host, app->guest, &guest, &err)) {
		report(&err);
		return;
	}
	if (has_volumes(app, &guest))
		disks = ui_either(app->guest,
			_("Delete this guest with its volumes, or keep them?"),
			_("Keep the volumes"), _("Delete all"));
	if (disks >= 0) {
		deletion_text(app, &guest, disks, text, sizeof(text));
		if (ui_input(_("Delete"), text, typed, sizeof(typed))) {
			if (strcmp(typed, app->guest) != 0) {
				ui_message(_("Delete"),
					_("That is not the guest's name, so nothing was deleted."));
			} else {
				ui_wait(_("Deleting ..."));
				ret = posada_guest_delete(app->host, app->guest, disks, &err);
				watch_refresh();
				if (ret)
					report(&err);
			}
		}
	}
	posada_guest_free(&guest);
}
