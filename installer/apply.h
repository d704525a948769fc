/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Carries out a plan on a real disk, and takes it back. */
#ifndef POSADA_APPLY_H
#define POSADA_APPLY_H

#include "plan.h"

#define APPLY_TEXT  512
#define APPLY_FILES 3

/* Where things are; what is NULL is as on a running system. */
struct apply_places {
	const char *devices;   /* /dev */
	const char *payload;   /* PAYLOAD_ROOT */
	const char *variables; /* EFI_VARIABLES */
	const char *mount;     /* where directories to mount on are made: /run/posada */
	const char *records;   /* where records have their copies: WORK_RECORDS, if it lasts */
};

struct apply_options {
	struct apply_places places;
	/* Told before each step, and while files are written; percent of the whole. May be NULL. */
	void (*progress)(void *opaque, const char *what, unsigned percent);
	void *opaque;
};

/* What was written and read back: the payload's files in the order of payload_names. */
struct apply_result {
	char sha256[APPLY_FILES][65];
	/* Of what was installed, one for each disk, or empty. */
	char identities[2][17];
	char note[APPLY_TEXT]; /* what the person should know, or empty */
};

/*
 * Carry out PLAN, which has no refusal. Nothing is written when the disk is in use or the plan
 * would be another one now. What is written is flushed, read back and compared before
 * anything is started from it; the step that makes the machine start it comes last. Returns 0 or
 * -errno; on error WHY tells which disk and step, and what was done is taken back, or WHY says
 * that it could not be.
 */
int apply_plan(const struct plan *plan, const struct apply_options *options,
	struct apply_result *result, char why[APPLY_TEXT]);

/* What was installed uses what is used now: have that known to it. */
void apply_introduce(const struct apply_result *result);

/*
 * The partition or logical volume on DISK of MACHINE that has our files, or the partition of which
 * only the copy of its record tells, or NULL; PLACES may be NULL.
 */
const struct part *apply_look(
	const struct machine *machine, const struct disk *disk, const struct apply_places *places);

/* The same; NULL, with the reason as a sentence in WHY, if the installation cannot be taken back.
 */
const struct part *apply_find(const struct machine *machine, const struct disk *disk,
	const struct apply_places *places, char why[APPLY_TEXT]);

/*
 * Take back the installation on PART of DISK, which apply_find found, by the record that it holds,
 * or, where that cannot be read whole, by its copy on the data place. What others have changed
 * since stays as it is. *EXACT tells whether what was there is as it was before: the same bytes in
 * the disk's table and boot code, no file of ours left, nor an entry in the firmware; if not, or if
 * the copy was used, WHY has that as sentences. Without any record, on a file system of others,
 * only what is surely ours goes. Returns 0 or -errno with WHY.
 */
int apply_undo(const char *disk, const struct part *part, const struct apply_options *options,
	bool *exact, char why[APPLY_TEXT]);

#endif
