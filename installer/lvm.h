/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks LVM for the volume groups of this machine. */
#ifndef POSADA_LVM_H
#define POSADA_LVM_H

#include "disks.h"

/*
 * Add the groups and their volumes to MACHINE, and tell each of its partitions (by name) which
 * group it belongs to. Nothing is activated. A volume's start is 0 and its name GROUP/VOLUME.
 * Without LVM there are no groups. Returns 0 or -ENOMEM.
 */
int lvm_list(struct machine *machine);

/* Where the device of a volume is while it is active: /dev/mapper/…; -ENAMETOOLONG. */
int lvm_device(const struct part *volume, char *path, size_t size);

#endif
