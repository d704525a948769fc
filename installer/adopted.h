/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The device through which a system that is on a disk of this machine runs as a guest. */
#ifndef POSADA_ADOPTED_H
#define POSADA_ADOPTED_H

#include "adopt.h"
#include "apply.h"
#include "bootcode.h"

/*
 * A device is called POSADA_ADOPTED and the identity of the disk's table, and "-trial" follows
 * where nothing of the disk is written: a guest's definition tells all that is needed to make it
 * again.
 */
#define ADOPTED_NAME 128

struct adopted {
	struct adopt plan;
	bool has_code; /* the boot code that was there before Posada's */
	uint8_t code[BOOTCODE_CODE];
};

/*
 * Plan how DISK of MACHINE is adopted: the record of an installation on it is read for that, or the
 * copy of it. PLACES may be NULL. Returns 0, or -errno with the reason as a sentence in
 * adopted->plan.refusal.
 */
int adopted_plan(const struct machine *machine, const char *disk, bool trial,
	const struct apply_places *places, struct adopted *adopted);

/* The path of the device for a disk. */
void adopted_path(const struct disk *disk, bool trial, char path[ADOPTED_NAME]);

/*
 * Make the device PATH for GUEST, which may have it already unless somebody uses it; another
 * guest's is never taken away. Whatever has a partition of the disk's system in use is in the way,
 * and is kept off them as long as the device is there. What a trial writes goes to a file on the
 * data place, which has *ROOM bytes and is gone with the device; ROOM may be NULL. Returns 0 or
 * -errno with the reason as a sentence in WHY.
 */
int adopted_open(const char *path, const char *guest, uint64_t *room, char why[ADOPT_TEXT]);

/* Remove the device PATH of GUEST and what belongs to it; no device is no error. -EBUSY: it is in
 * use, or another guest's. */
int adopted_close(const char *path, const char *guest);

/* The same; what is still in use goes with its last user, and another guest's stays. */
int adopted_let_go(const char *path, const char *guest);

/* Give LVM back what it was kept off and no device has any more: before the disks are looked at.
 * 0 or -errno. */
int adopted_settle(void);

/*
 * Has a guest, of those whose definitions libvirt keeps in FOLDER, an adopted disk whose table has
 * that IDENTITY, for good or as a trial? GUEST is its name.
 */
bool adopted_is_claimed(const char *identity, const char *folder, char guest[64]);

/* The same for all folders in which libvirt keeps them. */
bool adopted_is_anyones(const char *identity, char guest[64]);

/* The same for the disk that the block device PATH is, or is a partition of. */
bool adopted_has_guest(const char *path, char guest[64]);

/* Is the block device PATH such a device, or is it, or a partition of it, part of an adopted disk
 * whose device is there? */
bool adopted_has(const char *path);

/*
 * A file that stands for a disk's ends: those of DEVICE, with Posada's partitions in its table as
 * what nobody mounts, and with the boot code that was there before; all between them is empty. The
 * caller closes it. Returns its descriptor or -errno.
 */
int adopted_private(const char *device, const struct adopted *adopted);

#endif
