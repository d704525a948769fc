// SPDX-License-Identifier: GPL-2.0-or-later
// Makes a guest of the system that is on a disk: which, for good or not, how large, and on which
// network.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "adopted.h"
#include "disk.h"
#include "menu.h"
#include "ui.h"
#include "watch.h"

#define DEFAULT_MEMORY "2G"

struct draft {
	struct app *app;
	struct adopted adopted;
	char path[ADOPTED_NAME];
	bool trial;
	char name[POSADA_NAME_MAX + 1];
	uint64_t memory;
	unsigned vcpus;
	char network[64];
};

/* Which disk, and whether it can be done; what cannot is told why. */
static bool choose_system(struct draft *draft, const struct machine *machine)
{
	const struct ui_item items[] = {
		{_("For good"), _("What the guest writes is there when it starts natively")},
		{_("Trial"), _("What it writes is gone when it is switched off or restarted")},
	};
	size_t chosen = 0;
	int disk = disk_choose(machine, _("Adopt"), _("Which disk's system shall be a guest?"));

	if (disk < 0)
		return false;
	ui_wait(_("Looking at the system…"));
	/* What stands in a trial's way stands in the other's. */
	if (adopted_plan(machine, machine->disks[disk].name, true, NULL, &draft->adopted)) {
		ui_message(_("Adopt"), draft->adopted.plan.refusal);
		return false;
	}
	if (!ui_menu(_("Adopt"), draft->adopted.plan.system, items, ARRAY_SIZE(items), &chosen))
		return false;
	draft->trial = chosen == 1;
	if (adopted_plan(machine, machine->disks[disk].name, draft->trial, NULL, &draft->adopted)) {
		ui_message(_("Adopt"), draft->adopted.plan.refusal);
		return false;
	}
	if (*draft->adopted.plan.note)
		ui_message(_("Adopt"), draft->adopted.plan.note);
	adopted_path(&machine->disks[disk], draft->trial, draft->path);
	adopt_name(&draft->adopted.plan, draft->trial, draft->name);
	return true;
}

static bool ask_sizes(struct draft *draft)
{
	struct ui_field fields[] = {{.label = _("Name")},
		{.label = _("Memory"), .text = DEFAULT_MEMORY},
		{.label = _("Processors"), .text = "1"}};

	snprintf(fields[0].text, sizeof(fields[0].text), "%s", draft->name);
	while (ui_form(_("Adopt"), _("What is the guest called, and how large is it?"), fields,
		ARRAY_SIZE(fields))) {
		const char *wrong = NULL;

		draft->vcpus = (unsigned)atoi(fields[2].text);
		if (!posada_name_is_legal(fields[0].text))
			wrong = _(
				"Use letters, digits, dots, dashes and underscores, and begin with a letter or a digit.");
		else if (posada_size_parse(fields[1].text, 'M', &draft->memory))
			wrong = _("The memory is no size. Write it as 512M or 2G.");
		else if (draft->vcpus < 1 || draft->vcpus > POSADA_VCPUS_MAX)
			wrong = _("The number of processors is no number from 1 up.");
		if (!wrong) {
			snprintf(draft->name, sizeof(draft->name), "%s", fields[0].text);
			return true;
		}
		ui_message(_("Adopt"), wrong);
	}
	return false;
}

static void make(struct draft *draft)
{
	const struct posada_guest_spec spec = {
		.name = draft->name,
		.kind = posada_kinds(draft->app->host) & 1u << POSADA_HVM ? POSADA_HVM
									  : POSADA_QEMU,
		.memory_kib = draft->memory / 1024,
		.vcpus = draft->vcpus,
		.disks = {{.path = draft->path}},
		.disk_count = 1,
		.network = draft->network,
		.uefi = draft->adopted.plan.uefi,
	};
	char why[ADOPT_TEXT], text[512];
	struct posada_error err;
	int ret;

	ui_wait(_("Making the guest ..."));
	if (adopted_open(draft->path, draft->name, NULL, why)) {
		ui_message(_("The guest was not made"), why);
		return;
	}
	ret = posada_guest_create(draft->app->host, &spec, &err);
	/* It is there again when the guest starts. */
	adopted_close(draft->path, draft->name);
	watch_refresh();
	snprintf(text, sizeof(text),
		_("%s is the guest %s now. Start it from the list. Shut it down before the system is started natively; deleting the guest leaves the system as it is."),
		draft->adopted.plan.system, draft->name);
	ui_message(ret ? _("The guest was not made") : _("Adopt"), ret ? err.text : text);
}

void guest_adopt_run(struct app *app)
{
	struct draft *draft = calloc(1, sizeof(*draft));
	struct machine machine = {0};

	if (!draft)
		return;
	draft->app = app;
	snprintf(draft->network, sizeof(draft->network), "default");
	adopted_settle();
	if (disk_probe(_("Adopt"), &machine) && choose_system(draft, &machine) &&
		ask_sizes(draft) &&
		network_ask(app, _("Adopt"), draft->network, sizeof(draft->network)))
		make(draft);
	disks_free(&machine);
	free(draft);
}
