/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data place: the file system on which settings, guests and media outlast a reboot. */
#ifndef POSADA_PLACE_H
#define POSADA_PLACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What a data place's file system (ext4) is called, and where it is mounted. */
#define PLACE_LABEL "posada-data"
#define PLACE_ROOT  "/data"

#define PLACE_TEXT 512
#define PLACES_MAX 16

struct place {
	char name[64];	 /* the kernel's: sda3, or group/volume */
	char uuid[40];	 /* of the file system: what it is known by */
	char device[80]; /* as it is opened */
	bool medium;	 /* on the disk that this host was started from */
};

struct places {
	struct place items[PLACES_MAX];
	size_t count;
};

/*
 * Every function returns 0 or -errno, and after an error WHY has the reason as whole sentences.
 */

/* All data places that this machine has. A logical volume that is one is activated. */
int place_list(struct places *places, char why[PLACE_TEXT]);

/*
 * Which one is meant: by NAME (sda3, /dev/sda3, group/volume, or the file system's UUID), or, when
 * that is NULL, the one there is; of several the one on the medium. -ENOENT: none; -ENOTUNIQ: more
 * than one could be meant. Pure.
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

/*
 * Take PLACE into use: what is in memory now and not on it is written to it first, and with
 * MEMORY_WINS also what is there already; then settings, definitions, media and volumes are its.
 * It is refused while a program has a file open that would be hidden. When it fails, everything is
 * as it was.
 */
int place_attach(const struct place *place, bool memory_wins, char why[PLACE_TEXT]);

/*
 * Copy everything that lasts from the place in use to PLACE, over what that has, and use PLACE from
 * then on; the old one keeps what it has. Guests whose disks are there are saved meanwhile, and go
 * on afterwards: that is a pause for them.
 */
int place_move(const struct place *place, char why[PLACE_TEXT]);

/*
 * Use the place called NAME, which was just made: with all that lasts, by whichever of the two
 * above fits.
 */
int place_use(const char *name, char why[PLACE_TEXT]);

/* Let go of it: what is on it stays there, what was in memory before is in use again. */
int place_detach(char why[PLACE_TEXT]);

/* Tells on the status page that there is no place and why; NULL: there is one. */
void place_notice(const char *why);

/*
 * Copy what FROM has and TO lacks, each file whole or not at all, with modes, links and holes;
 * files that are as old as SHIPPED (seconds, 0: none) are left out; with OVER files that are there
 * already are replaced. Returns 0 or -errno with the path in WHY.
 */
int place_copy(const char *from, const char *to, int64_t shipped, bool over, char why[PLACE_TEXT]);

/*
 * Has a pool, of which libvirt keeps the DEFINITIONS in that folder, its volumes in the place, but
 * not where they are copied with it? -EBUSY with WHY.
 */
int place_check_pools(const char *definitions, char why[PLACE_TEXT]);

#endif
