/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of the media library share with each other and with the unit tests. */
#ifndef POSADA_MEDIA_H
#define POSADA_MEDIA_H

#include "posada.h"

/* A name that a file of the library may have: no hidden one, no path, nothing that a terminal
 * obeys.
 */
bool media_name_is_legal(const char *name);

/*
 * Adds the files in FOLDER, sorted by name; with only_iso those whose name says that they are ISO
 * images, also in its folders. source is where they are from, NULL: the library. Links are not
 * followed. 0 or -ENOMEM.
 */
int media_scan(struct posada_media *media, const char *folder, const char *source, bool only_iso);

/* Adds what is on sticks that are plugged in; 0 or -ENOMEM. */
int media_scan_sticks(struct posada_media *media);

/* The same as posada_media_add(), into FOLDER. */
int media_store(const char *folder, const char *from, const struct posada_media_wish *wish,
	char *path, size_t size, struct posada_error *err);

/*
 * The checksums that are known of the files in FOLDER, which stand in one file of it, each with
 * the size and the time of what it is of: whatever has changed since has none.
 */
void media_sums_fill(const char *folder, struct posada_media *media);
int media_sums_note(const char *folder, const char *name, const char sha256[65]);

#endif
