// SPDX-License-Identifier: GPL-2.0-or-later
// The services, which are only shown.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "terminal.h"
#include "ui.h"

#define REFRESH_MS  5000
#define SERVICE_DIR "/run/service"

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* supervise/stat is runsv's own report: "run", "down", "run, want down", ... */
static void add_service(struct ui_lines *lines, const char *name)
{
	char path[512], line[64] = "", a[64];
	FILE *file;

	snprintf(path, sizeof(path), SERVICE_DIR "/%s/supervise/stat", name);
	file = fopen(path, "re");
	if (file) {
		if (fgets(line, sizeof(line), file))
			line[strcspn(line, "\n")] = '\0';
		fclose(file);
	}
	ui_add(lines, UI_PLAIN, "%s %s", ui_cell(a, sizeof(a), name, 24),
		*line ? line : _("unknown"));
}

static void fill_services(struct ui_lines *lines, void *opaque)
{
	struct dirent **entries;
	int count = scandir(SERVICE_DIR, &entries, visible, alphasort);
	char a[64];
	int i;

	(void)opaque;
	if (count < 0) {
		ui_add(lines, UI_WARNING, "%s",
			_("No service is supervised on this host. Reboot it; if that does not help, write its medium anew."));
		return;
	}
	ui_add(lines, UI_HEADING, "%s %s", ui_cell(a, sizeof(a), _("Service"), 24), _("State"));
	for (i = 0; i < count; i++) {
		add_service(lines, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
}

void services_run(struct app *app)
{
	const struct ui_page page = {
		.title = _("Services"),
		.keys = _("<Enter> or <Esc> Back"),
		.refresh_ms = REFRESH_MS,
		.fill = fill_services,
	};
	int key;

	(void)app;
	do {
		key = ui_page_run(&page, NULL);
	} while (key != UI_KEY_BACK && key != UI_KEY_ENTER && key != 'q');
}
