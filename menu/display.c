// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's screen: how to reach it from elsewhere, and a picture of it.
#include <stdio.h>
#include "menu.h"
#include "ui.h"

static void take_picture(struct app *app)
{
	char path[256], text[512];
	struct posada_error err;

	snprintf(path, sizeof(path), "/root/%.200s.png", app->guest);
	if (!ui_input(_("Screen"), _("Into which file? Its name ends in .png or .ppm."), path,
		    sizeof(path)))
		return;
	ui_wait(_("Looking at the screen ..."));
	if (posada_guest_screenshot(app->host, app->guest, path, &err)) {
		ui_message(_("This did not work"), err.text);
		return;
	}
	snprintf(text, sizeof(text), _("The screen is in %s."), path);
	ui_message(_("Screen"), text);
}

void guest_display_run(struct app *app)
{
	struct posada_display display;
	struct posada_error err;
	char text[1024];

	if (posada_guest_display(app->host, app->guest, &display, &err)) {
		ui_message(_("This did not work"), err.text);
		return;
	}
	snprintf(text, sizeof(text),
		_("The screen is VNC on this host's own loopback.\nOn your machine, leave this open:\n\n  ssh -N -L %d:127.0.0.1:%d root@%s\n\nand point a VNC viewer at 127.0.0.1:%d.%s"),
		display.port, display.port, *display.address ? display.address : _("HOST"),
		display.port,
		display.ssh ? ""
			    : _("\n\nSSH is off: set root's password or add a key under System."));
	if (ui_either(app->guest, text, _("OK"), _("Picture")) == 1)
		take_picture(app);
}
