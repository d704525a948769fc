// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the program posada about a guest's screen.
#include <stdio.h>
#include "commands.h"
#include "json.h"

static int show_web(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct posada_error err;
	struct posada_web web;

	if (posada_guest_web(handle, args->name, &web, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_open(&json, NULL, '{');
		json_string(&json, "type", "web");
		json_string(&json, "address", web.address);
		json_string(&json, "fingerprint", web.fingerprint);
		json_close(&json, '}');
		return EXIT_DONE;
	}
	printf(_("The screen of %s waits ten minutes for one browser, at\n\n  %s\n\nThe browser warns of a certificate that nobody signed. Its SHA-256 fingerprint is\n  %s\n"),
		args->name, web.address, web.fingerprint);
	return EXIT_DONE;
}

int command_guest_display(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct posada_display display;
	struct posada_error err;

	if (args_get(args, "web"))
		return show_web(handle, args);
	if (posada_guest_display(handle, args->name, &display, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_open(&json, NULL, '{');
		json_string(&json, "type", "vnc");
		json_number(&json, "port", display.port);
		json_string(&json, "host", *display.address ? display.address : NULL);
		json_bool(&json, "ssh", display.ssh);
		json_close(&json, '}');
		return EXIT_DONE;
	}
	printf(_("The screen of %s is VNC on this host's own loopback. On your machine, leave this open:\n\n  ssh -N -L %d:127.0.0.1:%d root@%s\n\nand point a VNC viewer at 127.0.0.1:%d.\n"),
		args->name, display.port, display.port,
		*display.address ? display.address : _("HOST"), display.port);
	if (!*display.address)
		puts(_("This host has no address yet: see \"posada status\"."));
	if (!display.ssh)
		puts(_("SSH is off: set root's password or add a key in the menu, under System."));
	return EXIT_DONE;
}

int command_guest_screenshot(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	if (posada_guest_screenshot(handle, args->name, args_get(args, WORD), &err))
		return failed(&err);
	printf(_("The screen of %s is in %s.\n"), args->name, args_get(args, WORD));
	return EXIT_DONE;
}
