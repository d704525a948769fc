// SPDX-License-Identifier: GPL-2.0-or-later
// Makes guests from guests: clones, with a gauge while disks are copied, and templates.
#include <stdio.h>
#include "copying.h"
#include "guests.h"
#include "menu.h"
#include "name.h"
#include "seedpage.h"
#include "watch.h"

static void clone_guest(struct app *app, const char *name, const struct posada_seed *seed)
{
	struct copying copying;
	const struct posada_clone clone = {.from = app->guest,
		.name = name,
		.seed = seed,
		.progress = copying_progress,
		.opaque = &copying};
	struct posada_error err;
	int ret;

	snprintf(copying.text, sizeof(copying.text),
		_("Copying the disks of %s for %s.\nAny key asks whether to end that."), app->guest,
		name);
	ui_wait(_("Making the guest ..."));
	copying_begin(&copying, _("Clone"));
	ret = posada_guest_clone(app->host, &clone, &err);
	copying_end(&copying);
	watch_refresh();
	if (ret)
		ui_message(_("The guest was not made"), err.text);
}

void guest_clone_run(struct app *app)
{
	char name[POSADA_NAME_MAX + 1] = "";
	struct seed_page page = {0};
	struct posada_guest guest;
	struct posada_seed seed;
	struct posada_error err;
	bool has_card;

	if (posada_guest_show(app->host, app->guest, &guest, &err)) {
		ui_message(_("Clone"), err.text);
		return;
	}
	has_card = guest.nic_count != 0;
	posada_guest_free(&guest);
	while (name_ask_guest(app, _("Clone"), name, sizeof(name)))
		if (seed_page_run(_("Clone"), has_card, &page)) {
			clone_guest(app, name, seed_page_seed(&page, &seed));
			return;
		}
}

static void set_template(struct app *app, bool on)
{
	struct posada_error err;
	int ret;

	ui_wait(_("Changing the guest ..."));
	ret = posada_guest_template(app->host, app->guest, on, &err);
	watch_refresh();
	if (ret)
		ui_message(_("This did not work"), err.text);
}

void guest_template_run(struct app *app)
{
	if (ui_yes_no(app->guest,
		    _("Make this guest a template?\n\nIt is not started any more; \"Clone\" makes guests from it.")))
		set_template(app, true);
}

void guest_untemplate_run(struct app *app)
{
	set_template(app, false);
}

bool when_startable(const struct app *app)
{
	return when_off(app) && !when_template(app);
}

bool when_template(const struct app *app)
{
	return app->state == POSADA_TEMPLATE;
}
