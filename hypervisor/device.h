/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The part of device.c that the unit tests look at: one device within a definition. */
#ifndef POSADA_DEVICE_H
#define POSADA_DEVICE_H

/*
 * The element of a domain's disk with the target ID, or of its card with the
 * address ID; NULL when it has none. The caller's.
 */
char *device_xml(const char *domain, const char *element, const char *id);

/* A CD drive's element with this file in it, or with none where path is NULL; the caller's. */
char *cd_xml(const char *drive, const char *path);

#endif
