/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks at the disks of this machine; opens nothing for writing. */
#ifndef POSADA_PROBE_H
#define POSADA_PROBE_H

#include "disks.h"

/*
 * Every function returns 0 or -errno; after an error WHY, when not NULL, receives what it was about
 * (the caller frees it).
 */

/*
 * Fill DISK with what the bytes of a block device or of an image file tell: sizes, table,
 * partitions and what is in them, as far as that is known without mounting. Its parts are freed
 * with the machine that it belongs to. A disk without a table whose bytes are a file system, or a
 * member of something, has one part with number 0 that is the whole disk. A table of a kind that we
 * do not know, one with partitions that overlap or are not on the disk, and a GPT of which not both
 * copies are good are TABLE_DAMAGED. A disk that cannot be read is failing.
 */
int probe_disk(const char *path, struct disk *disk, char **why);

/*
 * Fill PART (its content, content_uuid, label, dirty, hibernated) from the bytes of DEVICE between
 * its start and size. No content is not an error.
 */
int probe_content(const char *device, struct part *part);

/*
 * Fill MACHINE with all of its disks, what the kernel tells about them below SYS ("/sys"), what is
 * found in their file systems, and the volume groups. RAM disks, floppies, CD drives and network
 * disks are left out; so are loop devices, unless the environment has POSADA_PROBE_LOOP. After an
 * error it is empty.
 */
int probe_machine(struct machine *machine, const char *sys, char **why);

/*
 * The same for a MACHINE that has the disk or partition PATH alone, and nothing else; what uses it
 * is not told.
 */
int probe_one(struct machine *machine, const char *path);

#endif
