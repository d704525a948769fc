/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What makes a change of names last. */
#ifndef POSADA_FOLDER_H
#define POSADA_FOLDER_H

/* A rename of FILE, or that it is gone, lasts once its directory is on the disk: 0 or -errno. */
int folder_sync(const char *file);

/* Links and removals among the guests' definitions last then; libvirt sees to files only. */
void folder_sync_definitions(void);

#endif
