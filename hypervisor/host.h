/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of host.c that read a directory given by the caller, for the unit tests. */
#ifndef POSADA_HOST_H
#define POSADA_HOST_H

#include "posada.h"

/* Adds the network cards and disks found below sys, usually /sys; 0 or -ENOMEM. */
int host_scan(struct posada_host *host, const char *sys);

/* The kernel protects itself from root; false where it cannot tell. */
bool host_is_locked_down(void);

/* Adds the notices found below run, usually POSADA_RUN; 0 or -ENOMEM. */
int host_notices(struct posada_host *host, const char *run);

/* Is this interface, in DIR (/sys/class/net), a network card of the machine? */
bool nic_is_card(const char *dir, const char *name);

#endif
