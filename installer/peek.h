/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Looks into file systems without changing them: what system is there, and how much room. */
#ifndef POSADA_PEEK_H
#define POSADA_PEEK_H

#include "disks.h"

/*
 * Look at the tree below the directory ROOT, which holds what part->content says, and fill room,
 * system, loader, fallback, hibernated and posada. *IS_MEDIUM tells whether it has the file
 * /posada/MEDIUM. Nothing outside of ROOT is opened, whatever links are in it.
 */
void peek_tree(int root, const char *medium, struct part *part, bool *is_medium);

/*
 * The same for a file system that is on DEVICE (from part->start, part->size bytes), or that this
 * host has mounted at part->mounted. Done by a process of its own through a loop device that cannot
 * be written, so that neither a driver nor a file system that hangs does harm. Returns 0, -ENOTSUP
 * when it is no file system to look into, -ETIME, or what the kernel said; then PART is as it was.
 */
int peek_part(const char *device, const char *medium, struct part *part, bool *is_medium);

/* Is that content ("ext4") a file system that can be looked into? */
bool peek_knows(const char *content);

/* The name of a system out of its os-release (the text of the file); empty when there is none. */
char *peek_os_release(const char *text, char *name, size_t size);

#endif
