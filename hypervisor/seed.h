/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The seed of a guest: a small read-only disk that tells cloud-init what the first boot shall do.
 */
#ifndef POSADA_SEED_H
#define POSADA_SEED_H

#include <stdio.h>
#include "posada.h"

/* Where the seed of a guest of this name is kept; returns buf. */
char *seed_path(const char *name, char *buf, size_t size);

/* Is a disk with this path a seed of ours? */
bool seed_is_path(const char *path);

/* Writes the seed for a guest that is defined, of which UUID, name and first card count. */
int seed_write(const char *path, const struct posada_seed *seed, const struct posada_guest *guest,
	struct posada_error *err);

/* The files of a seed that was checked; the last only where it has an address. */
void seed_put_meta(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest);
void seed_put_user(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest);
void seed_put_network(FILE *out, const struct posada_seed *seed, const struct posada_guest *guest);

#endif
