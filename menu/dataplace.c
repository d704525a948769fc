// SPDX-License-Identifier: GPL-2.0-or-later
// The data place: made, taken into use, and let go of.
#include "dataplace.h"

#include <stdio.h>
#include <string.h>
#include "apply.h"
#include "disk.h"
#include "menu.h"
#include "place.h"
#include "plan.h"
#include "terminal.h"
#include "ui.h"

#define PARTS_MAX 64

bool when_place(const struct app *app)
{
	struct place place;

	(void)app;
	return !place_current(&place);
}

bool when_no_place(const struct app *app)
{
	return !when_place(app);
}

struct copying {
	const char *text;
	unsigned shown;
};

static bool show_copying(void *opaque, uint64_t done, uint64_t total)
{
	struct copying *copying = opaque;
	unsigned percent = done < total ? (unsigned)(done * 100 / total) : total ? 100 : 0;

	if (terminal_is_gone())
		return false;
	if (ui_gauge_goes_on(_("Data place"), copying->text, percent, &copying->shown,
		    _("End the copying? Everything stays where it is, and the new data place is not used.")))
		return true;
	ui_wait(_("Removing what was copied…"));
	return false;
}

void dataplace_use(const char *name)
{
	struct copying copying = {.shown = UI_GAUGE_NONE};
	struct place_progress progress = {.report = show_copying, .opaque = &copying};
	char why[PLACE_TEXT], text[2 * PLACE_TEXT];
	struct place current;
	bool moves = !place_current(&current);
	int ret;

	copying.text =
		moves ? _("Copying everything to the new data place; guests may pause meanwhile.\nAny key cancels.")
		      : _("Taking the data place into use; guests may pause meanwhile.\nAny key cancels.");
	ui_wait(moves ? _("Guests may pause until everything is copied to the new data place…")
		      : _("Guests may pause until the data place is in use…"));
	/* What was typed before does not cancel it. */
	while (ui_key_within(0))
		;
	terminal_hold();
	ret = place_use(name, &progress, why);
	terminal_release();
	ui_gauge_end();
	snprintf(text, sizeof(text),
		_("%s is the data place of this host now. Settings, guests and media are written there the moment they change."),
		name);
	if (!ret && *why)
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n\n%s", why);
	ui_message(_("Data place"), ret ? why : text);
}

/* --- Making one --------------------------------------------------------- */

/* Where on DISK? */
static bool choose_where(const struct disk *disk, struct plan_wish *wish)
{
	struct ui_item items[PARTS_MAX + 2] = {
		{_("Free room"), _("what no partition has; nothing is lost")},
		{_("Whole disk"), _("everything that is on this disk is lost")},
	};
	char texts[PARTS_MAX][256], size[32];
	size_t count = 2, chosen = 0, parts = 0;

	for (size_t i = 0; i < disk->part_count && parts < PARTS_MAX && !disk->medium; i++) {
		const struct part *part = &disk->parts[i];

		if (!part->number || disks_is_container(part))
			continue;
		if (*part->group)
			snprintf(texts[parts], sizeof(texts[parts]),
				_("volume group, %s free; nothing is lost"),
				posada_size_text(part->room, size, sizeof(size)));
		else
			snprintf(texts[parts], sizeof(texts[parts]),
				_("%s %s %s: what is on it is lost"),
				posada_size_text(part->size, size, sizeof(size)),
				*part->content ? part->content : "-", part->system);
		items[count++] =
			(struct ui_item){*part->group ? part->group : part->name, texts[parts++]};
	}
	/* Of the medium only the rest is free to be taken. */
	if (disk->medium)
		count = 1;
	if (!ui_menu(_("Data place"), _("Where on this disk?"), items, count, &chosen))
		return false;
	wish->whole = chosen == 1;
	wish->part = chosen > 1 ? items[chosen].name : NULL;
	return true;
}

static void carry_out(const struct plan *plan)
{
	struct apply_result result;
	unsigned last = UI_GAUGE_NONE;
	const struct apply_options options = {.progress = disk_progress, .opaque = &last};
	char why[APPLY_TEXT];
	int ret;

	terminal_hold();
	ret = apply_plan(plan, &options, &result, why);
	terminal_release();
	ui_gauge_end();
	if (ret)
		ui_message(_("Data place"), why);
	else
		dataplace_use(plan_find(plan, PLAN_FORMAT)->part);
}

void place_create_run(struct app *app)
{
	struct plan_wish wish = {.layout = PLAN_PLACE};
	struct machine machine = {0};
	char text[512];
	const char *name;
	struct plan plan;
	int disk;

	(void)app;
	if (!disk_probe(_("Data place"), &machine))
		return;
	disk = disk_choose(&machine, _("Data place"),
		_("On which disk shall settings, guests and media be kept?"));
	if (disk < 0 || !choose_where(&machine.disks[disk], &wish))
		goto out;
	wish.disk = machine.disks[disk].name;
	if (plan_make(&machine, &wish, &plan)) {
		ui_message(_("Data place"), plan.refusal);
		goto out;
	}
	name = wish.part ? wish.part : wish.disk;
	snprintf(text, sizeof(text),
		plan_find(&plan, PLAN_VOLUME)
			? _("A volume will be made in the group %s; nothing is lost. Type its name, %s, to go on.")
		: wish.part || wish.whole
			? _("Everything on %s will be lost. Type its name, %s, to go on.")
			: _("A partition will be made on %s. Type its name, %s, to go on."),
		name, name);
	if (disk_accept(&plan, &machine, _("Data place: the plan"), text, name))
		carry_out(&plan);
out:
	disks_free(&machine);
}

/* --- Using it ----------------------------------------------------------- */

void place_attach_run(struct app *app)
{
	struct ui_item items[PLACES_MAX];
	struct places places;
	char why[PLACE_TEXT];
	size_t chosen = 0;

	(void)app;
	ui_wait(_("Looking for data places…"));
	if (place_list(&places, why)) {
		ui_message(_("Data place"), why);
		return;
	}
	if (!places.count) {
		ui_message(_("Data place"),
			_("No disk of this machine has a data place. Make one first."));
		return;
	}
	for (size_t i = 0; i < places.count; i++)
		items[i] = (struct ui_item){places.items[i].name, places.items[i].uuid};
	if (ui_menu(_("Data place"), _("Which one shall this host use?"), items, places.count,
		    &chosen))
		dataplace_use(places.items[chosen].name);
}

void place_detach_run(struct app *app)
{
	char why[PLACE_TEXT];
	int ret;

	(void)app;
	if (!ui_yes_no(_("Data place"),
		    _("Let go of the data place? Its guests cannot be seen until it is used again; what changes meanwhile lives in memory.")))
		return;
	ui_wait(_("Letting go of the data place…"));
	terminal_hold();
	ret = place_detach(why);
	terminal_release();
	if (ret)
		ui_message(_("Data place"), why);
	else
		ui_message(_("Data place"), _("Detached. The disk can be taken out."));
}
