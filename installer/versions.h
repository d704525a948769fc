/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Two versions side by side on a disk: which there are, a new one in place of the idle one, and
 * whether it stays. */
#ifndef POSADA_VERSIONS_H
#define POSADA_VERSIONS_H

#include "apply.h"
#include "grubenv.h"
#include "update.h"

#define VERSIONS 2

enum version_state {
	VERSION_NONE,  /* no version is there, or not a whole one */
	VERSION_GOOD,  /* it starts */
	VERSION_OTHER, /* it is there and can be chosen in the boot menu */
	VERSION_NEXT,  /* it will be tried at the next start */
	VERSION_TRIED, /* it was tried, and has not been found good: it did not come up, or is just
			  coming up */
	VERSION_STATES
};

/* How they are called by programs. */
extern const char *const version_states[VERSION_STATES];

struct versions {
	struct grubenv env;
	bool env_damaged; /* or missing */
	struct {
		enum version_state state;
		char version[64];
	} slots[VERSIONS]; /* a, b */
};

/* How this host was started, from the kernel's command line: its slot, 0 when it has none, and what
 * its medium is known by. */
struct versions_boot {
	char slot;
	bool trial;
	char medium[64];
};

void versions_boot(const char *command_line, struct versions_boot *boot);
void versions_this_boot(struct versions_boot *boot);

/*
 * Our partition on the disk NAME of MACHINE, or, when NAME is NULL, on the disk that this host was
 * started from, if there can be two versions on it; else NULL, with the reason as a sentence in
 * WHY.
 */
const struct part *versions_find(const struct machine *machine, const char *name,
	const struct disk **disk, char why[APPLY_TEXT]);

/* Our partition on the other disk of a mirror. */
struct versions_twin {
	const char *disk;
	const struct part *part; /* NULL: there is none, or it is missing */
};

void versions_find_twin(
	const struct machine *machine, const struct part *part, struct versions_twin *twin);

/* What is there on PART of DISK; nothing is written. 0 or -errno with WHY. */
int versions_read(const char *disk, const struct part *part, const struct apply_options *options,
	struct versions *versions, char why[APPLY_TEXT]);

/*
 * Write the update SOURCE into the idle one of two versions, read it back, and have it tried at the
 * next start. RUNS is the slot that this host was started from, if that is on this disk, else 0: it
 * is never the idle one, unless it is only being tried. Nothing is written when it is older than
 * what is there (unless OLDER), has no room, or, where it can be read twice, is not what was
 * signed. Returns 0 or -errno with WHY; then the version that was good starts as before. Of a
 * mirror, TWIN gets it first, or, from what can be read once, second; one that is missing or cannot
 * be written is told on the status page, and stops nothing.
 */
int versions_update(const char *disk, const struct part *part, const struct versions_twin *twin,
	struct update_source *source, bool older, char runs, const struct apply_options *options,
	char why[APPLY_TEXT]);

/*
 * The version in SLOT, which is being tried, is good: from now on it starts. -EINVAL when that is
 * not the one that is being tried. TWIN as above.
 */
int versions_confirm(const char *disk, const struct part *part, const struct versions_twin *twin,
	char slot, const struct apply_options *options, char why[APPLY_TEXT]);

/*
 * See that both disks of a mirror hold the same versions, and have the boot loader of TWIN know
 * what that of PART knows. Where the versions are others, or another one is good, that is told on
 * the status page, and no more is done, unless COPY: then TWIN gets those of PART, and it is an
 * error when that cannot be. Returns 0 or -errno with WHY.
 */
int versions_level(const char *disk, const struct part *part, const struct versions_twin *twin,
	bool copy, const struct apply_options *options, char why[APPLY_TEXT]);

#endif
