// SPDX-License-Identifier: GPL-2.0-or-later
// The commands that make guests from guests: clone and template.
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "commands.h"

#define NOT_SHOWN 101 /* percent */

static volatile sig_atomic_t ended;

static void end(int number)
{
	(void)number;
	ended = 1;
}

void copy_line_begin(unsigned *shown)
{
	static const int signals[] = {SIGINT, SIGTERM, SIGHUP};
	const struct sigaction action = {.sa_handler = end};
	size_t i;

	for (i = 0; i < sizeof(signals) / sizeof(signals[0]); i++)
		sigaction(signals[i], &action, NULL);
	*shown = NOT_SHOWN;
}

bool copy_line_progress(void *opaque, unsigned percent)
{
	unsigned *shown = opaque;

	if (percent != *shown && isatty(STDERR_FILENO)) {
		fprintf(stderr, _("\rCopying: %u%% (Ctrl-C ends it)"), percent);
		*shown = percent;
	}
	return !ended;
}

void copy_line_end(const unsigned *shown)
{
	if (*shown != NOT_SHOWN)
		putc('\n', stderr);
}

int command_guest_clone(struct posada *handle, const struct args *args)
{
	unsigned shown;
	struct posada_clone clone = {.from = args->name,
		.name = args_get(args, WORD),
		.progress = copy_line_progress,
		.opaque = &shown};
	struct seed_args seed;
	struct posada_error err;
	int ret = seed_from_args(args, &seed);

	if (ret)
		return ret;
	clone.seed = seed.given ? &seed.seed : NULL;
	copy_line_begin(&shown);
	ret = posada_guest_clone(handle, &clone, &err);
	free(seed.keys);
	copy_line_end(&shown);
	if (ret)
		return failed(&err);
	printf(_("The guest %s is made from %s.\n"), clone.name, clone.from);
	return EXIT_DONE;
}

int command_guest_template(struct posada *handle, const struct args *args)
{
	const char *word = args_get(args, WORD);
	bool on = !strcmp(word, "on");
	struct posada_error err;

	if (!on && strcmp(word, "off") != 0) {
		fputs(_("posada: a template is switched \"on\" or \"off\".\n"), stderr);
		return EXIT_USAGE;
	}
	if (posada_guest_template(handle, args->name, on, &err))
		return failed(&err);
	if (on)
		printf(_("%s is a template now. \"posada guest clone %s NAME\" makes a guest from it.\n"),
			args->name, args->name);
	else
		printf(_("%s is a guest again.\n"), args->name);
	return EXIT_DONE;
}
