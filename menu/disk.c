// SPDX-License-Identifier: GPL-2.0-or-later
// Lets a disk be chosen and a plan be read before anything is written.
#include "disk.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "posada.h"
#include "probe.h"
#include "ui.h"

#define DISKS_MAX 32

struct text {
	char *buf;
	size_t size, used;
};

static void add_system(struct text *text, const char *system)
{
	if (*system && text->used < text->size)
		text->used += (size_t)snprintf(
			text->buf + text->used, text->size - text->used, "  [%s]", system);
}

static bool has_group(const struct disk *disk, const struct group *group)
{
	for (size_t i = 0; i < disk->part_count; i++)
		if (!strcmp(disk->parts[i].group, group->name))
			return true;
	return false;
}

static void describe(const struct machine *machine, const struct disk *disk, char *buf, size_t size)
{
	struct text text = {buf, size, 0};
	char bytes[32];

	text.used = (size_t)snprintf(buf, size, "%s  %s  %s",
		posada_size_text(disk->size, bytes, sizeof(bytes)),
		*disk->model ? disk->model : "-", *disk->serial ? disk->serial : "");
	if (disk->medium && text.used < size)
		text.used += (size_t)snprintf(
			buf + text.used, size - text.used, "  %s", _("(started from it)"));
	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];

		add_system(&text, part->posada ? "Posada" : part->system);
		for (size_t j = 0; j < PART_MORE; j++)
			add_system(&text, part->more[j].name);
	}
	for (size_t i = 0; i < machine->group_count; i++)
		for (size_t j = 0; j < machine->groups[i].volume_count; j++)
			if (has_group(disk, &machine->groups[i]))
				add_system(&text, machine->groups[i].volumes[j].posada
							  ? "Posada"
							  : machine->groups[i].volumes[j].system);
}

int disk_choose(const struct machine *machine, const char *title, const char *prompt)
{
	struct ui_item items[DISKS_MAX];
	char texts[DISKS_MAX][256];
	size_t count = machine->disk_count < DISKS_MAX ? machine->disk_count : DISKS_MAX,
	       chosen = 0;

	if (!count) {
		ui_message(title,
			_("This machine has no disk that could be written. Connect one and try again."));
		return -1;
	}
	for (size_t i = 0; i < count; i++) {
		describe(machine, &machine->disks[i], texts[i], sizeof(texts[i]));
		items[i] = (struct ui_item){machine->disks[i].name, texts[i]};
	}
	return ui_menu(title, prompt, items, count, &chosen) ? (int)chosen : -1;
}

bool disk_choose_other(const struct machine *machine, int disk, const char *title,
	const char *prompt, const struct disk **other)
{
	struct ui_item items[DISKS_MAX] = {{_("None"), _("one disk only")}};
	const struct disk *disks[DISKS_MAX] = {NULL};
	char texts[DISKS_MAX][256];
	size_t count = 1, chosen = 0;

	*other = NULL;
	for (size_t i = 0; i < machine->disk_count && count < DISKS_MAX; i++) {
		if (i == (size_t)disk || machine->disks[i].medium)
			continue;
		disks[count] = &machine->disks[i];
		describe(machine, disks[count], texts[count], sizeof(texts[count]));
		items[count] = (struct ui_item){disks[count]->name, texts[count]};
		count++;
	}
	if (count > 1 && !ui_menu(title, prompt, items, count, &chosen))
		return false;
	*other = disks[chosen];
	return true;
}

bool disk_probe(const char *title, struct machine *machine)
{
	char *why = NULL, text[512];
	int ret;

	ui_wait(_("Looking at the disks, without writing…"));
	ret = probe_machine(machine, "/sys", &why);
	if (ret) {
		snprintf(text, sizeof(text), _("The disks could not be looked at: %s: %s."),
			why ? why : "", strerror(-ret));
		ui_message(title, text);
	}
	free(why);
	return !ret;
}

static void fill_text(struct ui_lines *lines, void *opaque)
{
	const char *at = opaque;

	while (*at) {
		size_t length = strcspn(at, "\n");

		ui_add(lines, UI_PLAIN, "%.*s", (int)length, at);
		at += length + (at[length] == '\n');
	}
}

bool disk_confirm(char *text, const char *title, const char *prompt, const char *name)
{
	const struct ui_page page = {
		.title = title,
		.keys = _("<Up>/<Down> Move   <Enter> Go on   <Esc> Back, nothing is written"),
		.fill = fill_text,
		.opaque = text,
	};
	char typed[64] = "";
	int key;

	do {
		key = ui_page_run(&page, NULL);
		if (key == UI_KEY_BACK || key == 'q')
			return false;
	} while (key != UI_KEY_ENTER);
	if (!ui_input(title, prompt, typed, sizeof(typed)))
		return false;
	if (!strcmp(typed, name))
		return true;
	ui_message(title, _("That is not the name, so nothing was written."));
	return false;
}

bool disk_accept(const struct plan *plan, const struct machine *machine, const char *title,
	const char *prompt, const char *name)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);
	bool accepted = false;

	if (!out)
		return false;
	plan_print(plan, machine, out);
	if (!fclose(out))
		accepted = disk_confirm(text, title, prompt, name);
	free(text);
	return accepted;
}

void disk_progress(void *opaque, const char *what, unsigned percent)
{
	unsigned *last = opaque;

	/* Drawing takes longer than writing a block. */
	if (percent == *last)
		return;
	*last = percent;
	ui_gauge(_("At work"), what, percent);
}
