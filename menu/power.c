// SPDX-License-Identifier: GPL-2.0-or-later
// Reboot and power off, with what runs shown before.
#include <stdio.h>
#include <string.h>
#include "menu.h"
#include "terminal.h"
#include "ui.h"
#include "watch.h"

/* init ends the menu long before that, once it has begun. */
#define WAIT_MS 300000

static void running_text(char *buf, size_t size)
{
	const struct watch *watch = watch_lock();
	bool any = false;
	size_t len = 0, i;

	*buf = '\0';
	for (i = 0; i < watch->guests.count && len + 1 < size; i++) {
		char name[64];

		if (!posada_state_is_live(watch->guests.items[i].state))
			continue;
		posada_text_clean(watch->guests.items[i].name, name, sizeof(name));
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
			any ? ", " : _("\n\nThese guests run and are shut down first: "), name);
		any = true;
	}
	if (!any)
		snprintf(buf, size, "%s",
			watch->guests_known ? _("\n\nNo guest runs.")
					    : _("\n\nWhether guests run is not known."));
	watch_unlock();
}

static void leave(const char *title, const char *question, const char *doing, const char *path)
{
	char text[1536], running[1024], program[32], output[256];
	char *const argv[] = {program, NULL};
	int ret;

	running_text(running, sizeof(running));
	snprintf(text, sizeof(text), "%s%s", question, running);
	if (!ui_yes_no(title, text))
		return;
	ui_wait(doing);
	snprintf(program, sizeof(program), "%s", path);
	ret = program_run(argv, NULL, output, sizeof(output));
	if (!ret) {
		ui_key_within(WAIT_MS);
		return;
	}
	snprintf(text, sizeof(text), _("%s failed: %s. Open the shell and run \"%s -f\"."), path,
		ret < 0 ? strerror(-ret) : output, path);
	ui_message(title, text);
}

void reboot_run(struct app *app)
{
	(void)app;
	leave(_("Reboot"), _("Reboot this host?"), _("This host reboots ..."), "/sbin/reboot");
}

void poweroff_run(struct app *app)
{
	(void)app;
	leave(_("Power off"), _("Switch this host off?"), _("This host switches itself off ..."),
		"/sbin/poweroff");
}
