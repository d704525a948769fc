// SPDX-License-Identifier: GPL-2.0-or-later
// "posada guest autostart" and "stopall": what the host does with its guests when it starts and
// stops.
#include <stdio.h>
#include "commands.h"

struct outcome {
	const char *done;
	int status;
};

static void report(void *opaque, const char *name, int ret, const struct posada_error *err)
{
	struct outcome *outcome = opaque;

	if (ret)
		outcome->status = failed(err);
	else
		printf(outcome->done, name);
	/* Who reads the log wants to know now. */
	fflush(stdout);
}

int command_guest_autostart(struct posada *handle, const struct args *args)
{
	struct outcome outcome = {_("The guest %s runs.\n"), EXIT_DONE};
	struct posada_error err;

	(void)args;
	/* What failed with a guest was reported with it. */
	if (posada_autostart(handle, report, &outcome, &err) && !outcome.status)
		return failed(&err);
	return outcome.status;
}

int command_guest_stopall(struct posada *handle, const struct args *args)
{
	struct outcome outcome = {_("The guest %s is off.\n"), EXIT_DONE};
	struct posada_error err;
	unsigned seconds;

	if (!take_timeout(args, &seconds))
		return EXIT_USAGE;
	if (posada_stop_all(handle, seconds * 1000, report, &outcome, &err))
		return failed(&err);
	return outcome.status;
}
