/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Runs the verbs of a program, and prints its help. */
#include "program.h"

#include <locale.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>

static void help(const struct program *program, FILE *out)
{
	fprintf(out, _("Usage: %s COMMAND\n\n"), program->name);
	for (size_t i = 0; i < program->count; i++)
		if (program->verbs[i].help)
			fprintf(out, "  %s%s%s\n        %s\n", program->verbs[i].name,
				*program->verbs[i].options ? " " : "", program->verbs[i].options,
				_(program->verbs[i].help));
	fputc('\n', out);
	program->explain(out);
	fputs(_("Exit status: 0 done, 1 failed, 2 wrong usage.\n"), out);
}

int program_usage(const struct program *program)
{
	help(program, stderr);
	return USAGE;
}

static const int ends[] = {SIGHUP, SIGINT, SIGTERM};

static void block_ends(void)
{
	struct sigaction now;
	sigset_t set;

	sigemptyset(&set);
	/* One that is ignored (nohup) stays so: blocked, it would be noted. */
	for (size_t i = 0; i < COUNT(ends); i++)
		if (!sigaction(ends[i], NULL, &now) && now.sa_handler != SIG_IGN)
			sigaddset(&set, ends[i]);
	sigprocmask(SIG_BLOCK, &set, NULL);
}

void program_begin_writing(void)
{
	puts(_("It is done to its end now; Ctrl-C does not stop it."));
	fflush(stdout);
	/* Whoever reads what is printed may go, too. */
	signal(SIGPIPE, SIG_IGN);
	block_ends();
}

void program_begin_cancellable(void)
{
	puts(_("Ctrl-C cancels it."));
	fflush(stdout);
	signal(SIGPIPE, SIG_IGN);
	block_ends();
}

void program_begin_copying(void)
{
	puts(_("Guests whose disks are copied may pause until that is done. Ctrl-C cancels it."));
	fflush(stdout);
	block_ends();
}

bool program_goes_on(void *opaque, uint64_t done, uint64_t total)
{
	bool ended = false;
	sigset_t set;

	(void)opaque;
	(void)done;
	(void)total;
	sigpending(&set);
	for (size_t i = 0; i < COUNT(ends); i++)
		ended |= sigismember(&set, ends[i]) == 1;
	return !ended;
}

void program_progress(void *opaque, const char *what, unsigned percent)
{
	const char **last = opaque;

	(void)percent;
	if (*last != what)
		printf("%s\n", what);
	fflush(stdout);
	*last = what;
}

int program_run(const struct program *program, int argc, char **argv)
{
	const struct verb *verb = NULL;
	bool asked = false;
	int status = DONE;

	setlocale(LC_ALL, "");
	textdomain("posada");
	for (int i = 1; i < argc; i++)
		asked |= !strcmp(argv[i], "--help") || !strcmp(argv[i], "-h");
	for (size_t i = 0; i < program->count && argc > 1 && !verb; i++)
		if (program->verbs[i].run && !strcmp(argv[1], program->verbs[i].name))
			verb = &program->verbs[i];
	if (asked)
		help(program, stdout);
	else
		status = verb ? verb->run(argv + 2) : program_usage(program);
	/* What filled the buffer before now has failed unnoticed. */
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, _("%s: the output could not be written.\n"), program->name);
		return FAILED;
	}
	return status;
}
