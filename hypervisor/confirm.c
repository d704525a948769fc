/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks for the name of what is lost or written. */
#include "confirm.h"

#include <libintl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "posada.h"

#define _(text) gettext(text)

bool confirm_name(const char *program, const char *name, const char *given)
{
	char line[512], clean[256];

	if (!given && !isatty(STDIN_FILENO)) {
		fprintf(stderr,
			_("%s: nothing was changed, for there is no terminal to ask at. Use --confirm.\n"),
			program);
		return false;
	}
	if (!given) {
		printf(_("Type the name, %s, to go on: "),
			posada_text_clean(name, clean, sizeof(clean)));
		fflush(stdout);
		if (!fgets(line, sizeof(line), stdin))
			*line = '\0';
		line[strcspn(line, "\n")] = '\0';
		given = line;
	}
	if (!strcmp(given, name))
		return true;
	fprintf(stderr, _("%s: that is not the name, so nothing was changed.\n"), program);
	return false;
}
