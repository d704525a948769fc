/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of guest.c that the unit tests look at. */
#ifndef POSADA_GUEST_H
#define POSADA_GUEST_H

#include <stdbool.h>
#include <stddef.h>

/* Is this, as /proc/PID/cmdline gives it, the QEMU that serves a Xen domain? */
bool cmdline_serves_domid(const char *cmdline, size_t len, int domid);

#endif
