/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The sector 0 that the system beside Posada had, from which a BIOS still starts it. */
#ifndef POSADA_ORIGIN_H
#define POSADA_ORIGIN_H

#include "apply.h"

/*
 * Code in sector 0 may look for its partition in the table behind it (Windows' does), and the boot
 * menu starts a copy of that sector: give the copy on our PART of DISK the disk's signature and
 * table as they are now. *CHANGED tells whether they were others; where there is no copy nothing is
 * done. Returns 0 or -errno with WHY.
 */
int origin_refresh(const char *disk, const struct part *part, const struct apply_options *options,
	bool *changed, char why[APPLY_TEXT]);

#endif
