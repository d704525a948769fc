/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data place: the file system on which settings, guests and media outlast a reboot. */
#ifndef POSADA_PLACE_H
#define POSADA_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

/* What a data place's file system (ext4) is called, and where it is mounted. */
#define PLACE_LABEL "posada-data"
#define PLACE_ROOT  "/data"

/* What one is called from which everything has moved. */
#define PLACE_MOVED "posada-moved"

/* What one is called that may have a part of what was to move to it. */
#define PLACE_PARTIAL "posada-partial"

#define PLACE_TEXT 1024
#define PLACES_MAX 16

struct place {
	char name[64];	 /* the kernel's: sda3, or group/volume */
	char uuid[40];	 /* of the file system: what it is known by */
	char device[80]; /* as it is opened */
	bool medium;	 /* on the disk that this host was started from */
	bool known;	 /* this installation has used it before */
};

struct places {
	struct place items[PLACES_MAX];
	size_t count;
	bool strict; /* nobody has asked: only one that is known is used */
};

/*
 * Every function returns 0 or -errno, and after an error WHY has the reason as whole sentences.
 */

/* All data places that this machine has. A logical volume that is one is activated. */
int place_list(struct places *places, char why[PLACE_TEXT]);

/*
 * Which one is meant: by NAME (sda3, /dev/sda3, group/volume, or the file system's UUID), or, when
 * that is NULL, the one that is known, before one that is not, or else the one there is; of several
 * the one on the medium. A guest can call the file system on a disk of its own a place: where they
 * are STRICT, that is none. -ENOENT: none; -ENOTUNIQ: more than one could be meant; -EPERM: none
 * that is known. Pure.
 */
int place_choose(const struct places *places, const char *name, const struct place **place,
	char why[PLACE_TEXT]);

/*
 * Both of these: the one that NAME means, of all that this machine has. Logical volumes that are
 * places, but neither this one nor in use, are deactivated again.
 */
int place_find(const char *name, struct place *place, char why[PLACE_TEXT]);

/* The place that is in use now; -ENOENT when there is none. */
int place_current(struct place *place);

/* The installation with that IDENTITY (posada.medium) is one that has used the place that is in
 * use, or, as long as there is none, the one that is used next. */
void place_introduce(const char *identity);

/* How far a copy is, in bytes that take room. */
struct place_progress {
	/* Called often; false ends the work with -ECANCELED. */
	bool (*report)(void *opaque, uint64_t done, uint64_t total);
	void *opaque;
	uint64_t done, total;
};

/*
 * Take PLACE into use: what is in memory now and not on it is written to it first, but not what was
 * written to it before and is not there any more; with MEMORY_WINS the settings are written over
 * those that it has. Then settings, definitions, media and volumes are its. It is refused when it
 * has another guest, medium or volume by the name of one in memory, and while a program has a file
 * open that would be hidden. Guests whose disks are in memory are saved to it meanwhile, and go on
 * afterwards. When it fails, everything is as it was. PROGRESS may be NULL, here and below.
 */
int place_attach(const struct place *place, bool memory_wins, struct place_progress *progress,
	char why[PLACE_TEXT]);

/*
 * Copy everything that lasts from the place in use to PLACE, and use PLACE from then on; the old
 * one is put aside, of which WHY tells afterwards. It is refused when PLACE has files that would
 * become others. Plain guests that have nothing there but disks go on while these are copied; the
 * others are saved meanwhile, and go on afterwards: that is a pause for them. When the copying
 * fails, or is cancelled, the old one stays in use, and PLACE keeps what it had, but is called
 * PLACE_PARTIAL.
 */
int place_move(const struct place *place, struct place_progress *progress, char why[PLACE_TEXT]);

/*
 * Use the place called NAME, which was just made: with all that lasts, by whichever of the two
 * above fits. WHY may have sentences for the person also when this returns 0. When it fails while
 * another one is in use, it is called PLACE_PARTIAL.
 */
int place_use(const char *name, struct place_progress *progress, char why[PLACE_TEXT]);

/*
 * PLACE, which is not in use, keeps what it has, but is no place any more: it is called
 * PLACE_MOVED. WHY tells also when this returns 0 how to see what it has.
 */
int place_put_aside(const struct place *place, char why[PLACE_TEXT]);

/*
 * PLACE, which was just made, is not used instead of the one that is in use, for the reason RET and
 * WHY: unless it is called PLACE_PARTIAL already, it is from now on, and WHY has how to go on.
 * Returns RET.
 */
int place_leave(const struct place *place, int ret, char why[PLACE_TEXT]);

/* The folder outside of PLACE_ROOT that is kept on a place and has PATH in it, or NULL. Pure. */
const char *place_bound(const char *path);

/* Let go of it: what is on it stays there, what was in memory before is in use again. */
int place_detach(char why[PLACE_TEXT]);

/* Tells on the status page that there is no place and why; NULL: there is one. */
void place_notice(const char *why);

/* How a tree is copied; what is zero or NULL asks for nothing. */
struct place_copy {
	int64_t shipped;  /* seconds: files that are as old are left out; */
	FILE *copied;	  /* so are those that are as they were when they came onto this list; */
	FILE *noted;	  /* onto this one all come */
	FILE *made;	  /* onto this one, the paths that TO did not have: for place_undo() */
	bool over;	  /* files that are there already are replaced */
	const char *live; /* files that this list (its path) names are left to libvirt */
	bool dry;	  /* nothing is written */
	/* Dry: what to say, with -EEXIST, when another file of that name is there already: it gets
	 * the name of the place and (%.*s) of the file. Only of those at the top that are not
	 * hidden, unless it is to be deep. */
	const char *clash, *place;
	bool deep;
	uint64_t bytes; /* counts what is written, or would be */
	struct place_progress *progress;
};

/*
 * Copy what FROM has and TO lacks, each file whole or not at all, with modes, links and holes.
 * Returns 0 or -errno with the path in WHY.
 */
int place_copy(struct place_copy *copy, const char *from, const char *to, char why[PLACE_TEXT]);

/* Remove what copies have MADE. */
void place_undo(FILE *made);

/*
 * Has a pool, of which libvirt keeps the DEFINITIONS in that folder, its volumes in the place, but
 * not where they are copied with it? -EBUSY with WHY.
 */
int place_check_pools(const char *definitions, char why[PLACE_TEXT]);

#endif
