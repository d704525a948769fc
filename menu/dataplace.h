/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The data place, for the screens that make one on their way. */
#ifndef POSADA_DATAPLACE_H
#define POSADA_DATAPLACE_H

/* Takes the data place of that name into use, with everything that lasts, and tells how it went. */
void dataplace_use(const char *name);

#endif
