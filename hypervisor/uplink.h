/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What can be said about the host's own address without looking at the host. */
#ifndef POSADA_UPLINK_H
#define POSADA_UPLINK_H

#include "address.h"
#include "posada.h"

/* One line of init's, "ADDRESS GATEWAY DNS MAC [DEADLINE]"; the deadline is 0 where it has none. */
bool uplink_parse(const char *line, struct posada_uplink *uplink, unsigned long *deadline);

/* Does it go together? Gives the address as a number; 0, or -EINVAL with a sentence. */
int uplink_check(const struct posada_uplink *wanted, struct net4 *net, struct posada_error *err);

#endif
