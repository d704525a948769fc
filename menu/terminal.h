/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The terminal under the menu, and programs that get it for a while. */
#ifndef POSADA_TERMINAL_H
#define POSADA_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

bool terminal_is_there(void);

/* Ends the program as soon as the terminal is gone, whatever it is doing then, unless that is held.
 */
void terminal_guard(void);

/*
 * Between these two the program goes on without its terminal: a connection that breaks must not
 * leave a disk half written, or guests that nobody wakes.
 */
void terminal_hold(void);
void terminal_release(void);

/* Nobody is there any more: what can be cancelled is, for nobody can ask for it. */
bool terminal_is_gone(void);

/* Runs a program on the terminal, below a line of text; its exit status, or -errno. */
int terminal_run(const char *text, char *const argv[]);

/*
 * Runs a program without the terminal, feeds it input (NULL for none) and keeps
 * the start of what it prints, both streams, in output; its exit status, or -errno.
 */
int program_run(char *const argv[], const char *input, char *output, size_t size);

#endif
