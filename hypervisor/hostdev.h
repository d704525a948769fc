/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What other files and the unit tests use of hostdev.c: devices of the host as text, as XML, and in
 * sysfs. */
#ifndef POSADA_HOSTDEV_H
#define POSADA_HOSTDEV_H

#include <stdbool.h>
#include <stddef.h>
#include "posada.h"

/* A PCI device by its place, or a USB device by what it is. */
struct hostdev {
	bool usb;
	unsigned domain, bus, slot, function;
	unsigned vendor, product;
};

/* "0000:03:00.0" or "03:00.0"; "046d:c52b". -EINVAL for anything else. */
int hostdev_parse(const char *text, bool usb, struct hostdev *device);

/* The same domain with this device, or without it; NULL when it was not there. The caller's. */
char *hostdev_added(const char *domain, const struct hostdev *device);
char *hostdev_removed(const char *domain, const struct hostdev *device);

/* One device as XML; the caller's. */
char *hostdev_xml(const struct hostdev *device);

/*
 * Looks below sys, usually /sys: how many devices fit, where the last of them
 * is, and what of the host hangs on it: a disk, or a card in a bridge. Its name comes with a
 * sentence that takes that name and the device's, both strings; NULL: nothing.
 */
unsigned hostdev_find(const char *sys, const struct hostdev *device, char *path, size_t size);
const char *hostdev_in_way(const char *sys, const char *path, char *name, size_t size);

/* The same below sys, without the guests; -ENOMEM, -EACCES, ... posada_hostdevs_free(). */
int hostdev_list(const char *sys, bool usb, struct posada_hostdevs *list);

/* Which of them this guest has; one that runs comes before others. -ENOMEM. */
int hostdev_note_guest(struct posada_hostdevs *list, const struct posada_guest *guest);

/*
 * Before a guest starts: what was right when it got its devices of the host need not be so any
 * more. -ENODEV, -EBUSY, -ENOTSUP, ... with the reason.
 */
int hostdev_check(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err);

/*
 * After a guest is gone: what it had of the host's PCI devices is the host's again, but for those
 * that another guest runs with. -EIO when Xen keeps one.
 */
int hostdev_give_back(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err);

#endif
