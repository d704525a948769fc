/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Asks LVM for the volume groups of this machine. */
#ifndef POSADA_LVM_H
#define POSADA_LVM_H

#include "disks.h"

/* What a volume of ours is tagged with, from the moment that it is there. */
#define LVM_TAG "posada"
/* One that holds data is no installation, and stays when that goes. */
#define LVM_DATA_TAG "posada-data"

/*
 * Add the groups and their volumes to MACHINE, and tell each of its partitions (by name) which
 * group it belongs to and what room is left there. Nothing is activated. A volume's name is
 * GROUP/VOLUME; one that is all in one piece has where that is. Without LVM, or when no partition
 * is a member of a group, there are no groups. Returns 0 or -ENOMEM.
 */
int lvm_list(struct machine *machine);

/* Where the device of the volume GROUP/VOLUME is while it is active: /dev/mapper/…;
 * -ENAMETOOLONG. */
int lvm_device(const char *volume, char *path, size_t size);

#endif
