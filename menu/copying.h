/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The gauge while disks are copied for a new guest; a key asks whether to end that. */
#ifndef POSADA_MENU_COPYING_H
#define POSADA_MENU_COPYING_H

#include <stdbool.h>

struct copying {
	const char *title;
	char text[512];
	unsigned shown;
};

/* For who is cut off meanwhile, too: nothing half made is left. */
void copying_begin(struct copying *copying, const char *title);
void copying_end(const struct copying *copying);

/* As the library calls it, with a struct copying. */
bool copying_progress(void *opaque, unsigned percent);

#endif
