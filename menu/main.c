// SPDX-License-Identifier: GPL-2.0-or-later
// posada-menu: the host's own screen, on a console or in a login session.
#include <libintl.h>
#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "terminal.h"
#include "ui.h"
#include "watch.h"

/* How long an action waits for a libvirtd that is being restarted. */
#define PATIENCE_MS 3000

static int usage(FILE *out, int status)
{
	fputs(_("Usage: posada-menu [--dump]\n\n"
		"The menu of this host, on a terminal of 80 by 24 or more.\n\n"
		"  --dump  print the menu tree and end\n"),
		out);
	return status;
}

static void speak_the_users_language(void)
{
	setlocale(LC_ALL, "");
	bindtextdomain(POSADA_DOMAIN, POSADA_LOCALE_DIR);
	textdomain(POSADA_DOMAIN);
}

/* Keys that end a program elsewhere must not take the menu away. */
static void ignore_signals(void)
{
	/* A libvirtd that goes away while it is written to is an error, not the end. */
	signal(SIGPIPE, SIG_IGN);
	signal(SIGINT, SIG_IGN);
	signal(SIGQUIT, SIG_IGN);
	signal(SIGTSTP, SIG_IGN);
}

int main(int argc, char **argv)
{
	struct app app = {0};
	struct posada_error err;

	speak_the_users_language();
	if (argc == 2 && !strcmp(argv[1], "--dump")) {
		menu_dump(&main_menu, stdout, 0);
		return EXIT_SUCCESS;
	}
	if (argc == 2 && !strcmp(argv[1], "--help"))
		return usage(stdout, EXIT_SUCCESS);
	if (argc > 1)
		return usage(stderr, 2);
	if (!terminal_is_there()) {
		fputs(_("posada-menu: this is no terminal. Run it on a console or over SSH (ssh -t).\n"),
			stderr);
		return EXIT_FAILURE;
	}
	if (posada_open(&app.host, PATIENCE_MS, &err)) {
		fprintf(stderr, "posada-menu: %s\n", err.text);
		return EXIT_FAILURE;
	}
	ignore_signals();
	terminal_guard();
	watch_start();
	ui_open("Posada");
	for (;;)
		status_run(&app);
}
