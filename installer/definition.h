/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What guests' definitions, as libvirt writes them, tell of files and devices. */
#ifndef POSADA_DEFINITION_H
#define POSADA_DEFINITION_H

#include <limits.h>
#include <stdbool.h>
#include <stddef.h>

/* None is ever as long. */
#define DEFINITION_MAX ((size_t)4 << 20)

/* Where libvirt keeps them. */
extern const char *const definition_folders[2];

/* Whatever in it is a path, "<source dev='/dev/sda'/>": the next one from *AT on. */
bool definition_next_path(const char **at, char path[PATH_MAX]);

/* The guest's name, cut off where it does not fit; empty when there is none. */
void definition_name(const char *definition, char *name, size_t size);

/*
 * Calls VISIT with each path in each file NAME.xml of FOLDER, and the name of the guest that it
 * defines, until that is not 0; returns that, 0 or -ENOMEM. What cannot be read is left out.
 */
int definition_each(const char *folder,
	int (*visit)(void *opaque, const char *guest, const char *path), void *opaque);

#endif
