/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The programs posada-*: their verbs, their help and their exit status. */
#ifndef POSADA_PROGRAM_H
#define POSADA_PROGRAM_H

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define _(text)	 gettext(text)
#define N_(text) text

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

enum { DONE = 0, FAILED = 1, USAGE = 2 };

struct verb {
	const char *name;
	const char *options; /* as the help shows them */
	const char *help;    /* NULL: no verb for people */
	/* Gets what follows the verb; returns an exit status. NULL: another program's verb. */
	int (*run)(char **words);
};

struct program {
	const char *name; /* as people call it: "posada storage" */
	const struct verb *verbs;
	size_t count;
	void (*explain)(FILE *out); /* prints what follows the verbs in the help */
};

/* Runs the verb that was asked for, or prints the help; returns the exit status. */
int program_run(const struct program *program, int argc, char **argv);

/* The help on stderr, for words that make no sense; returns USAGE. */
int program_usage(const struct program *program);

/*
 * Announces that a disk is written to: neither Ctrl-C nor the end of the connection leaves it, or
 * what this program runs, half way.
 */
void program_begin_writing(void);

/* Announces that it can be cancelled, where program_goes_on() is asked. */
void program_begin_cancellable(void);

/*
 * Announces that guests may pause. What would end this program, and those that it runs, is from now
 * on only looked at, by program_goes_on(): the report() of a place_progress that has it cancel the
 * work.
 */
void program_begin_copying(void);
bool program_goes_on(void *opaque, uint64_t done, uint64_t total);

/* For struct apply_options: prints WHAT once; its opaque is the const char * printed last, at first
 * NULL. */
void program_progress(void *opaque, const char *what, unsigned percent);

#endif
