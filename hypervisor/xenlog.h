/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What Xen's library complains of in the log that libvirt keeps for it. */
#ifndef POSADA_XENLOG_H
#define POSADA_XENLOG_H

#include <stdbool.h>
#include <stddef.h>

#define XENLOG "/var/log/libvirt/libxl/libxl-driver.log"

/* The length of the log in bytes; 0 when there is none yet. */
long xenlog_end(const char *file);

/*
 * The first complaint that came into the log behind its first SINCE bytes, as a person reads it:
 * the first names the cause, those behind it what it led to. False when there is none.
 */
bool xenlog_complaint(const char *file, long since, char *text, size_t size);

#endif
