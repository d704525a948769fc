/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The host as it was seen last: asked for in the background, so no screen ever hangs. */
#ifndef POSADA_WATCH_H
#define POSADA_WATCH_H

#include "posada.h"

struct watch {
	struct posada_host host;
	struct posada_guests guests;
	bool guests_known; /* false until libvirtd has answered, and when it fails */
	unsigned age_s;	   /* how long ago this was true; 0 while the host is starting */
};

void watch_start(void);

/* Asks anew at once, and waits for the answer, but not for ever: after an action. */
void watch_refresh(void);

/* The latest; the pointer is good until watch_unlock(). */
const struct watch *watch_lock(void);
void watch_unlock(void);

#endif
