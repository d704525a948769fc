/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Answers to an installation that asks nobody, from an INI file. */
#ifndef POSADA_ANSWERS_H
#define POSADA_ANSWERS_H

#include <stdio.h>
#include "disks.h"
#include "plan.h"

/*
 * The section [install] of the file:
 *
 *	disk = sda			the disk's name, or
 *	serial = S1X2			its serial number, or both, which must agree
 *	mirror = sdb			a second disk that holds the same, by name or serial number
 *	layout = alongside|whole-disk|stick
 *	start = posada|origin|NAME	which starts by itself; posada when it is not said, and the
 *					first other system, or that of the name, as plan.h has it
 *	timeout = 5			seconds that the boot menu waits, from 1 to 3600
 */
struct answers {
	char disk[32];
	char serial[64];
	char mirror[64];
	char start[PLAN_TITLE];
	struct plan_wish wish; /* its words are set by answers_choose */
	bool layout_known;
};

/*
 * Read FILE. Returns 0, -EINVAL for what is unknown, wrong or missing, with the reason in WHY, or
 * -EIO.
 */
int answers_read(FILE *file, struct answers *answers, char why[PLAN_TEXT]);

/*
 * Find the one disk of MACHINE that is meant, and the one that shall mirror it if there shall be
 * one, and point the wish at their names, which MACHINE keeps, and at what starts by itself.
 * Returns 0, or -ENODEV with the reason in WHY when there is none or more than one.
 */
int answers_choose(struct answers *answers, const struct machine *machine, char why[PLAN_TEXT]);

#endif
