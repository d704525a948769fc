/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of set.c that the unit tests look at: settings and domain XML. */
#ifndef POSADA_SET_H
#define POSADA_SET_H

#include "posada.h"

/* All but POSADA_START_ALWAYS, which libvirt keeps elsewhere; -EINVAL when this is no domain. */
int settings_from_xml(const char *xml, struct posada_settings *settings);

/* The same domain with these settings, and all else as it was; *out is the caller's. */
int settings_to_xml(const char *xml, const struct posada_settings *settings, char **out);

#endif
