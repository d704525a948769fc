// SPDX-License-Identifier: GPL-2.0-or-later
// The end of the host's log, growing as it does.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "ui.h"

#define REFRESH_MS 1000
#define TAIL_BYTES (48 * 1024)

static void fill(struct ui_lines *lines, void *opaque)
{
	FILE *file = fopen(POSADA_LOG, "re");
	char line[1024];

	(void)opaque;
	if (!file) {
		ui_add(lines, UI_WARNING,
			_("%s cannot be read: %s. See whether the service syslogd runs."),
			POSADA_LOG, strerror(errno));
		return;
	}
	/* The first line found in the middle of the file is only a part of one. */
	if (!fseek(file, -TAIL_BYTES, SEEK_END) && !fgets(line, sizeof(line), file))
		line[0] = '\0';
	while (fgets(line, sizeof(line), file)) {
		line[strcspn(line, "\n")] = '\0';
		ui_add(lines, UI_PLAIN, "%s", line);
	}
	fclose(file);
}

void log_run(struct app *app)
{
	const struct ui_page page = {
		.title = _("Log"),
		.keys = _("<Up>/<Down>/<PgUp>/<PgDn> Move   <End> Follow   <Esc> Back"),
		.refresh_ms = REFRESH_MS,
		.follow = true,
		.fill = fill,
	};
	int key;

	(void)app;
	do {
		key = ui_page_run(&page, NULL);
	} while (key != UI_KEY_BACK && key != 'q');
}
