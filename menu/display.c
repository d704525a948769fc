// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's screen: how to reach it from elsewhere, and a picture of it.
#include <stdio.h>
#include <string.h>
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

static void show_to_browser(struct app *app)
{
	struct posada_error err;
	struct posada_web web;
	char text[1024];

	if (posada_guest_web(app->host, app->guest, &web, &err)) {
		ui_message(_("This did not work"), err.text);
		return;
	}
	snprintf(text, sizeof(text),
		_("The screen waits ten minutes for one browser, at\n\n%s\n\nThe browser warns of a certificate that nobody signed. Its SHA-256 fingerprint is\n%.47s\n%s"),
		web.address, web.fingerprint,
		strlen(web.fingerprint) > 48 ? web.fingerprint + 48 : "");
	ui_message(_("Screen"), text);
}

static void show_ssh(struct app *app)
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
	ui_message(app->guest, text);
}

void guest_display_run(struct app *app)
{
	const struct ui_item items[] = {
		{_("SSH"), _("How a viewer elsewhere reaches it, by SSH")},
		{_("Browser"), _("Show it to one browser, by HTTPS")},
		{_("Picture"), _("Write what it shows now into a file")},
	};
	static void (*const runs[])(struct app *) = {show_ssh, show_to_browser, take_picture};
	size_t chosen = 0;

	if (ui_menu(app->guest, _("Choose how to see its screen."), items, ARRAY_SIZE(items),
		    &chosen))
		runs[chosen](app);
}
