// SPDX-License-Identifier: GPL-2.0-or-later
// Terminals inside the menu: a guest's console, and a shell on the host.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "menu.h"
#include "terminal.h"
#include "ui.h"
#include "watch.h"

static int open_console(struct app *app, bool take_over, struct posada_error *err)
{
	int ret;

	ui_suspend();
	printf(_("The console of %s. Press Ctrl-] to return to the menu.\r\n"), app->guest);
	fflush(stdout);
	ret = posada_guest_console(
		app->host, app->guest, STDIN_FILENO, STDOUT_FILENO, take_over, err);
	ui_resume();
	return ret;
}

void guest_console_run(struct app *app)
{
	struct posada_error err;
	int ret = open_console(app, false, &err);

	if (ret == -EBUSY) {
		if (!ui_yes_no(app->guest,
			    _("Another session has this console open.\n\nTake it over and end that session?")))
			return;
		ret = open_console(app, true, &err);
	}
	watch_refresh();
	if (ret)
		ui_message(_("This did not work"), err.text);
}

void shell_run(struct app *app)
{
	static char shell[] = "/bin/sh", login[] = "-l";
	char *const argv[] = {shell, login, NULL};
	char text[256];
	int ret;

	(void)app;
	ret = terminal_run(_("A shell on this host. \"exit\" returns to the menu."), argv);
	if (ret >= 0)
		return;
	snprintf(text, sizeof(text), _("The shell cannot be started: %s. Reboot the host."),
		strerror(-ret));
	ui_message(_("Shell"), text);
}

bool when_logged_in(const struct app *app)
{
	(void)app;
	/* On the host's own consoles the menu would only come back. */
	return getenv("SSH_CONNECTION") || getenv("SSH_TTY");
}

void logout_run(struct app *app)
{
	ui_close();
	posada_close(app->host);
	exit(EXIT_SUCCESS);
}
