/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whoever means what cannot be taken back gives the name of what it is done to. */
#ifndef POSADA_CONFIRM_H
#define POSADA_CONFIRM_H

#include <stdbool.h>

/*
 * Is NAME what GIVEN says, or, when that is NULL, what is typed now? If not, it is told on stderr,
 * in the name of PROGRAM.
 */
bool confirm_name(const char *program, const char *name, const char *given);

#endif
