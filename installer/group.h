/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A volume group for guests' disks: made on a disk, and given another one. */
#ifndef POSADA_GROUP_H
#define POSADA_GROUP_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "disks.h"

#define GROUP_TEXT 512

/* The disk or partition that a group shall have, and what it was when it was looked at. */
struct group_target {
	char name[64]; /* the kernel's */
	char disk[32]; /* of the disk that it is, or is on */
	char serial[64];
	char table_uuid[40];
	uint64_t size;
	bool partition;
};

/*
 * May the disk or partition NAME ("sdb", "sdb1", also below /dev/) become part of a volume group,
 * losing what it holds? -ENOENT: there is none; -EPERM: no, and WHY. Pure.
 */
int group_choose(const struct machine *machine, const char *name, struct group_target *target,
	char why[GROUP_TEXT]);

/* What will be made and what is lost by it, for people; 0 or -EIO. */
int group_print(const struct machine *machine, const struct group_target *target, const char *group,
	FILE *out);

/*
 * Is there a group of that name to EXTEND, or none, so that one can be made? -ENOENT or -EEXIST
 * with WHY. Pure.
 */
int group_check(
	const struct machine *machine, const char *group, bool extend, char why[GROUP_TEXT]);

/*
 * Give TARGET to the volume group GROUP, which is to be made, or to EXTEND; what the target holds
 * is lost. Both are looked at once more before: -ESTALE when the target has changed since, -ENODEV
 * when a disk of the group is missing. Returns 0 or -errno with WHY.
 */
int group_take(
	const struct group_target *target, const char *group, bool extend, char why[GROUP_TEXT]);

/*
 * May a guest have the disks of MACHINE for itself, by what is on them? -EPERM: no, and WHY: this
 * host was started from one, or a data place is on it. Pure.
 */
int group_check_lent(const struct machine *machine, char why[GROUP_TEXT]);

#endif
