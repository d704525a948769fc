/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Other programs, without a shell. */
#ifndef POSADA_TOOL_H
#define POSADA_TOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

/* A disk that does not answer makes LVM wait. Who looks waits for a moment; who changes something
 * as long as no LVM takes, for one that is ended leaves half of it. */
#define TOOL_LVM_LOOK	"timeout", "-s", "KILL", "20", "lvm"
#define TOOL_LVM_CHANGE "timeout", "-s", "KILL", "300", "lvm"

/*
 * Run a program, found by PATH, with no input; WORDS ends with NULL. What it prints goes into
 * OUTPUT, of SIZE bytes, as far as it fits and ended by a null byte, or nowhere when that is NULL;
 * what it complains of goes nowhere. Returns its exit status, or -errno when it could not be run,
 * -EINTR when a signal ended it.
 */
int tool_run(const char *const words[], char *output, size_t size);

/*
 * Start a program, found by PATH, with no input; WORDS ends with NULL. OUTPUT and ERRORS are the
 * file descriptors for what it prints and what it complains of, or -1 for nowhere. Returns 0 with
 * its PID, which the caller waits for, or -errno.
 */
int tool_start(const char *const words[], int output, int errors, pid_t *pid);

/* What WORDS do, for a person: "lvm" alone, or who ends it after a time, says little. */
const char *tool_name(const char *const words[]);

/* Has "timeout -s KILL" ended it, by what tool_run() says? */
bool tool_was_killed(int status);

#endif
