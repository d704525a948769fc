// SPDX-License-Identifier: GPL-2.0-or-later
// Pages that only show: storage, services.
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "terminal.h"
#include "ui.h"

#define REFRESH_MS  5000
#define SERVICE_DIR "/run/service"

static void show(const char *title, unsigned refresh_ms,
	void (*fill)(struct ui_lines *lines, void *opaque), struct app *app)
{
	const struct ui_page page = {
		.title = title,
		.keys = _("<Enter> or <Esc> Back"),
		.refresh_ms = refresh_ms,
		.fill = fill,
		.opaque = app,
	};
	int key;

	do {
		key = ui_page_run(&page, NULL);
	} while (key != UI_KEY_BACK && key != UI_KEY_ENTER && key != 'q');
}

static void add_volume_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *size, const char *used, const char *guest)
{
	char a[160], b[32], c[32];

	ui_add(lines, style, "%s %s %s %s", ui_cell(a, sizeof(a), name, 34),
		ui_cell(b, sizeof(b), size, 11), ui_cell(c, sizeof(c), used, 11), guest);
}

static void fill_storage(struct ui_lines *lines, void *opaque)
{
	struct app *app = opaque;
	struct posada_pool pool;
	struct posada_error err;
	char size[32], rest[32];
	size_t i;

	if (posada_storage_list(app->host, &pool, &err)) {
		ui_add(lines, UI_WARNING, "%s", err.text);
		return;
	}
	ui_add(lines, UI_PLAIN,
		pool.place ? _("Data place %s: %s, %s free.")
			   : _("In %s, and gone at power-off: %s, %s free."),
		pool.place ? pool.place : _("memory"),
		posada_size_text(pool.bytes, size, sizeof(size)),
		posada_size_text(pool.free_bytes, rest, sizeof(rest)));
	ui_add(lines, UI_PLAIN, " ");
	if (pool.volume_count)
		add_volume_columns(
			lines, UI_HEADING, _("Volume"), _("Size"), _("Used"), _("Guest"));
	else
		ui_add(lines, UI_HEADING, "%s", _("There are no volumes yet."));
	for (i = 0; i < pool.volume_count; i++) {
		const struct posada_volume *volume = &pool.volumes[i];

		add_volume_columns(lines, UI_PLAIN, volume->name,
			posada_size_text(volume->bytes, size, sizeof(size)),
			posada_size_text(volume->used_bytes, rest, sizeof(rest)),
			volume->guest ? volume->guest : "-");
	}
	posada_pool_free(&pool);
}

void storage_run(struct app *app)
{
	show(_("Storage"), REFRESH_MS, fill_storage, app);
}

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
			_("No service is supervised on this host. Reboot it; if that does not help, write it again."));
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
	show(_("Services"), REFRESH_MS, fill_services, app);
}
