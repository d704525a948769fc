/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the screens that write to a disk share: choosing it, and the plan that is read first. */
#ifndef POSADA_DISK_H
#define POSADA_DISK_H

#include <stdbool.h>
#include "plan.h"

/* Looks at all disks, and tells why when that fails; the caller frees the machine. */
bool disk_probe(const char *title, struct machine *machine);

/* Which disk? Its place in the machine, or -1 for none. */
int disk_choose(const struct machine *machine, const char *title, const char *prompt);

/*
 * May a second disk go with the one at that index? *OTHER is NULL when none is chosen, or there is
 * no other one. False: back.
 */
bool disk_choose_other(const struct machine *machine, int disk, const char *title,
	const char *prompt, const struct disk **other);

/* Shows TEXT, which is what will be done, and then asks for NAME to be typed, as PROMPT says. */
bool disk_confirm(char *text, const char *title, const char *prompt, const char *name);

/* Shows PLAN, and then asks for NAME to be typed, as PROMPT says. */
bool disk_accept(const struct plan *plan, const struct machine *machine, const char *title,
	const char *prompt, const char *name);

/* For struct apply_options; its opaque is the unsigned percentage shown last, at first
 * UI_GAUGE_NONE. */
void disk_progress(void *opaque, const char *what, unsigned percent);

#endif
