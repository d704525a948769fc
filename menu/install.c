// SPDX-License-Identifier: GPL-2.0-or-later
// Writes this system onto a disk, beside what is there, brings it up to date, and takes that back.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "apply.h"
#include "dataplace.h"
#include "disk.h"
#include "menu.h"
#include "payload.h"
#include "place.h"
#include "plan.h"
#include "terminal.h"
#include "ui.h"
#include "update.h"
#include "versions.h"

/* What is decided on the way to a plan. */
struct choice {
	struct machine machine;
	struct plan_wish wish;
	char start[PLAN_TITLE];
	struct plan plan;
};

static bool choose_layout(struct choice *choice, const struct disk *disk)
{
	const struct ui_item items[] = {
		[PLAN_ALONGSIDE] = {_("Beside"), _("Beside what is there; nothing of it is lost")},
		[PLAN_WHOLE] = {_("Whole disk"), _("Everything that is on this disk is lost")},
		[PLAN_STICK] = {_("Stick"),
			_("Another stick for any machine; everything on it is lost")},
	};
	/* Only what can be carried is offered the last one. */
	size_t count = ARRAY_SIZE(items) - !disks_is_stick(disk), chosen = 0;

	if (!ui_menu(_("Install"), _("How shall Posada be written?"), items, count, &chosen))
		return false;
	choice->wish.layout = (enum plan_layout)chosen;
	return true;
}

/* A disk that is Posada's as a whole may have a mirror. */
static bool choose_mirror(struct choice *choice, int disk)
{
	const struct disk *other = NULL;

	if (choice->wish.layout != PLAN_WHOLE)
		return true;
	if (!disk_choose_other(&choice->machine, disk, _("Install"),
		    _("Shall a second disk hold the same (RAID1), so that either may fail?"),
		    &other))
		return false;
	choice->wish.mirror = other ? other->name : NULL;
	return true;
}

/* Asked for once there is a plan that has more than Posada to start. */
static bool choose_boot(struct choice *choice)
{
	struct ui_field field = {.label = _("Seconds")};
	struct ui_item items[1 + PLAN_ORIGINS] = {{"Posada", _("This host, with its guests")}};
	const struct plan *plan = &choice->plan;
	size_t chosen = 0;
	unsigned seconds;
	char rest;

	for (size_t i = 0; i < plan->origin_count; i++)
		items[1 + i] = (struct ui_item){plan->origins[i].title, ""};
	if (plan->origin_count && !ui_menu(_("Install"), _("Which system shall start by itself?"),
					  items, 1 + plan->origin_count, &chosen))
		return false;
	/* The plan is made anew, and its titles with it. */
	snprintf(choice->start, sizeof(choice->start), "%s",
		chosen ? items[chosen].name : PLAN_START_POSADA);
	choice->wish.start = choice->start;
	snprintf(field.text, sizeof(field.text), "%u", choice->wish.timeout);
	for (;;) {
		if (!ui_form(_("Install"), _("How long shall the boot menu wait?"), &field, 1))
			return false;
		if (sscanf(field.text, "%u%c", &seconds, &rest) == 1 &&
			seconds >= PLAN_TIMEOUT_LEAST && seconds <= PLAN_TIMEOUT_MOST)
			break;
		ui_message(_("Install"), _("Give a whole number of seconds, from 1 to 3600."));
	}
	choice->wish.timeout = seconds;
	return true;
}

static bool accept(const struct choice *choice)
{
	char text[512], names[80];

	if (*choice->plan.mirror) {
		snprintf(names, sizeof(names), "%s %s", choice->plan.disk, choice->plan.mirror);
		snprintf(text, sizeof(text),
			_("Everything on %s and on %s will be lost. Type both names, %s, to go on."),
			choice->plan.disk, choice->plan.mirror, names);
		return disk_accept(
			&choice->plan, &choice->machine, _("Install: the plan"), text, names);
	}
	snprintf(text, sizeof(text),
		choice->wish.layout == PLAN_ALONGSIDE
			? _("Posada will be written to %s as the plan says. Type the disk's name, %s, to go on.")
			: _("Everything on %s will be lost. Type the disk's name, %s, to go on."),
		choice->plan.disk, choice->plan.disk);
	return disk_accept(
		&choice->plan, &choice->machine, _("Install: the plan"), text, choice->plan.disk);
}

static void what_next(const struct choice *choice, char *text, size_t size)
{
	struct place place;

	if (choice->wish.layout == PLAN_STICK)
		snprintf(text, size, "%s", _("This stick starts any PC, by BIOS or UEFI."));
	else if (place_current(&place))
		snprintf(text, size, "%s",
			_("Settings and guests still live in memory: make a data place (Storage, Make) to have them after the reboot."));
	else if (disks_on_medium(&choice->machine, place.name))
		snprintf(text, size,
			_("Settings and guests stay on the medium (%s). Leave it plugged in, or make a data place on another disk (Storage, Make): that copies them there."),
			place.name);
	else
		snprintf(text, size, "%s",
			_("Take the medium out and reboot to start from the disk."));
}

static void carry_out(struct choice *choice)
{
	struct apply_result result = {0};
	unsigned last = UI_GAUGE_NONE;
	const struct apply_options options = {.progress = disk_progress, .opaque = &last};
	char why[APPLY_TEXT], text[2 * APPLY_TEXT + 512], names[80], next[256];
	int ret;

	terminal_hold();
	ret = apply_plan(&choice->plan, &options, &result, why);
	terminal_release();
	ui_gauge_end();
	if (ret) {
		snprintf(text, sizeof(text), _("Posada is not on %s: %s"), choice->plan.disk, why);
		ui_message(_("Install"), text);
		return;
	}
	apply_introduce(&result);
	/* What is set and made on the live system moves along, from its medium perhaps. */
	for (size_t i = 0; i < choice->plan.step_count; i++)
		if (choice->plan.steps[i].action == PLAN_FORMAT &&
			choice->plan.steps[i].role == PLAN_DATA)
			dataplace_use(choice->plan.steps[i].part);
	snprintf(names, sizeof(names), "%s%s%s", choice->plan.disk,
		*choice->plan.mirror ? ", " : "", choice->plan.mirror);
	what_next(choice, next, sizeof(next));
	snprintf(text, sizeof(text),
		_("Posada is on %s. What was written reads back as it was built (sha256):\n\n%s\n%.64s\n%s\n%.64s\n%s\n%.64s\n\n%s%s%s"),
		names, payload_names[0], result.sha256[0], payload_names[1], result.sha256[1],
		payload_names[2], result.sha256[2], next, *result.note ? "\n\n" : "", result.note);
	ui_message(_("Install"), text);
}

void install_run(struct app *app)
{
	struct choice *choice = calloc(1, sizeof(*choice));
	int disk;

	(void)app;
	if (!choice)
		return;
	if (!disk_probe(_("Install"), &choice->machine))
		goto out;
	disk = disk_choose(
		&choice->machine, _("Install"), _("Onto which disk? The others stay untouched."));
	if (disk < 0 || !choose_layout(choice, &choice->machine.disks[disk]) ||
		!choose_mirror(choice, disk))
		goto out;
	choice->wish.disk = choice->machine.disks[disk].name;
	choice->wish.timeout = PLAN_TIMEOUT;
	if (payload_size(PAYLOAD_ROOT, &choice->wish.payload, NULL)) {
		ui_message(_("Install"),
			_("The running system does not carry itself whole, so it cannot be written. Start it again from its medium."));
		goto out;
	}
	if (!plan_make(&choice->machine, &choice->wish, &choice->plan)) {
		if (!choose_boot(choice))
			goto out;
		plan_make(&choice->machine, &choice->wish, &choice->plan);
	}
	if (*choice->plan.refusal)
		ui_message(_("Install"), choice->plan.refusal);
	else if (accept(choice))
		carry_out(choice);
out:
	disks_free(&choice->machine);
	free(choice);
}

/* --- Update ------------------------------------------------------------- */

/* Where the new version is, and what disks there are; false when nobody says. */
static bool choose_update(struct machine *machine, char *where, size_t size)
{
	const struct part *target;
	const struct disk *disk;
	struct update_found found;
	struct versions_boot boot;
	const struct ui_item items[] = {
		{_("Stick"), _("A stick or CD with the new version is plugged in")},
		{_("File"), _("An update file or CD image, or the address of an update file")},
	};
	size_t chosen = 0;
	char text[APPLY_TEXT];

	if (!ui_menu(
		    _("Update"), _("Where is the new version?"), items, ARRAY_SIZE(items), &chosen))
		return false;
	if (chosen &&
		!ui_input(_("Update"), _("The file's path, or its address (http:// or https://):"),
			where, size))
		return false;
	if (!disk_probe(_("Update"), machine))
		return false;
	if (chosen)
		return true;
	versions_this_boot(&boot);
	target = versions_find(machine, NULL, &disk, text);
	if (update_find("/sys/class/block", "/dev", boot.medium, machine, target, &found)) {
		ui_message(_("Update"),
			_("No stick or CD with an update is plugged in. A stick that was made by an older version of Posada itself has none."));
		return false;
	}
	snprintf(where, size, "%s", found.path);
	snprintf(text, sizeof(text),
		found.own ? _("Version %s is on %s, which this host was started from. Take it?")
			  : _("Version %s is on %s. Take it?"),
		found.version, found.path);
	return ui_yes_no(_("Update"), text);
}

static void show_update_progress(void *opaque, const char *what, unsigned percent)
{
	unsigned *last = opaque;

	if (percent == *last)
		return;
	*last = percent;
	ui_gauge(_("Update"), what, percent);
}

static void write_update(const struct machine *machine, const struct disk *disk,
	const struct part *part, struct update_source *source, bool older, char *text, size_t size)
{
	unsigned last = UI_GAUGE_NONE;
	const struct apply_options options = {.progress = show_update_progress, .opaque = &last};
	struct versions_twin twin;
	struct versions_boot boot;
	char why[APPLY_TEXT];
	int ret;

	versions_this_boot(&boot);
	versions_find_twin(machine, part, &twin);
	terminal_hold();
	ret = versions_update(disk->name, part, &twin, source, older, disk->medium ? boot.slot : 0,
		&options, why);
	terminal_release();
	ui_gauge_end();
	if (ret)
		snprintf(text, size, _("The new version was not written: %s."), why);
	else
		snprintf(text, size,
			_("Version %s is on %s. Reboot to try it. If it does not come up, the version before it starts again by itself."),
			update_about(source)->version, part->name);
}

/* Is this a step back, and not meant? */
static bool is_unwanted(
	const struct disk *disk, const struct part *part, const struct update *update, bool *older)
{
	const struct apply_options options = {0};
	struct versions versions;
	char why[APPLY_TEXT], text[256];

	if (versions_read(disk->name, part, &options, &versions, why))
		return false;
	*older = update_order(update->version, versions.slots[versions.env.slot - 'a'].version) < 0;
	snprintf(text, sizeof(text),
		_("Version %.32s is older than %.64s, which is there. Go back to it?"),
		update->version, versions.slots[versions.env.slot - 'a'].version);
	return *older && !ui_yes_no(_("Update"), text);
}

void update_run(struct app *app)
{
	char where[256] = "", text[APPLY_TEXT + 256];
	struct update_source *source = NULL;
	struct machine machine = {0};
	const struct disk *disk;
	const struct part *part;
	bool older = false;
	int chosen;

	(void)app;
	if (!choose_update(&machine, where, sizeof(where)))
		goto out;
	ui_wait(_("Looking at the update…"));
	if (update_open(where, UPDATE_KEY, &source, text)) {
		strcat(text, ".");
		ui_message(_("Update"), text);
		goto out;
	}
	part = versions_find(&machine, NULL, &disk, text);
	if (!part && !disk) {
		/* Started from elsewhere: which installation is meant? */
		chosen = disk_choose(&machine, _("Update"),
			_("Which disk's Posada shall be brought up to date?"));
		if (chosen < 0)
			goto out;
		part = versions_find(&machine, machine.disks[chosen].name, &disk, text);
	}
	if (part) {
		if (is_unwanted(disk, part, update_about(source), &older))
			goto out;
		write_update(&machine, disk, part, source, older, text, sizeof(text));
	}
	ui_message(_("Update"), text);
out:
	disks_free(&machine);
	update_close(source);
}

/* --- Undo --------------------------------------------------------------- */

static void take_back(const struct disk *disk, const struct part *part)
{
	const struct apply_options options = {0};
	char why[APPLY_TEXT], text[APPLY_TEXT + 128];
	bool exact;
	int ret;

	ui_wait(_("Taking Posada off the disk…"));
	terminal_hold();
	ret = apply_undo(disk->name, part, &options, &exact, why);
	terminal_release();
	if (ret)
		snprintf(text, sizeof(text), _("The installation was not taken back: %s."), why);
	else
		snprintf(text, sizeof(text),
			exact ? _("Posada is off %s, which starts as it did before. %s")
			      : _("Posada is off %s. %s"),
			disk->name, why);
	ui_message(_("Undo"), text);
}

void uninstall_run(struct app *app)
{
	struct machine machine = {0};
	const struct part *part;
	char typed[64] = "", text[APPLY_TEXT];
	int disk;

	(void)app;
	if (!disk_probe(_("Undo"), &machine))
		goto out;
	disk = disk_choose(&machine, _("Undo"), _("Off which disk shall Posada be taken?"));
	if (disk < 0)
		goto out;
	part = apply_find(&machine, &machine.disks[disk], NULL, text);
	if (!part) {
		ui_message(_("Undo"), text);
		goto out;
	}
	snprintf(text, sizeof(text),
		_("Posada on %s will be removed, and the system that was there starts by itself again. Type the disk's name, %s, to go on."),
		part->name, machine.disks[disk].name);
	if (!ui_input(_("Undo"), text, typed, sizeof(typed)))
		goto out;
	if (!strcmp(typed, machine.disks[disk].name))
		take_back(&machine.disks[disk], part);
	else
		ui_message(_("Undo"), _("That is not the disk's name, so nothing was changed."));
out:
	disks_free(&machine);
}
