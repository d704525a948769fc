/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of guest.c that other files of libposada and the unit tests use. */
#ifndef POSADA_GUEST_H
#define POSADA_GUEST_H

#include <stdbool.h>
#include <stddef.h>
#include "image.h"
#include "internal.h"

/* A guest's domain and what it is now. */
struct target {
	struct engine *engine;
	virDomainPtr domain;
	struct posada_guest guest;
};

/* target_close() only after a success. */
int target_open(
	struct posada *handle, const char *name, struct target *target, struct posada_error *err);
void target_close(struct target *target);

/* What a file that a person named is, and its full path, which is the caller's; what is "ISO image"
 * and so on. -ENODEV when it lies in a pool that is not there. */
int file_probe(struct posada *handle, const char *what, const char *path, enum image_type *type,
	char **absolute, struct posada_error *err);

/* The same for an ISO image that a guest shall get: -EINVAL when it is none, or not whole. Free
 * *absolute also on failure. */
int iso_probe(struct posada *handle, const char *path, char **absolute, struct posada_error *err);

/* Does one of these guests have this file as a disk? */
bool guests_use(const struct posada_guests *guests, const char *path);

/* The one of these guests, but for that with the UUID BUT, that runs and may write to this file; or
 * NULL. */
const struct posada_guest *guests_writer(
	const struct posada_guests *guests, const char *but, const char *path);

/* That nothing can be copied because the guest NAME runs; why the copying for NAME ended. */
int fail_live(const char *name, struct posada_error *err);
int fail_copy(const char *name, int ret, const char *why, struct posada_error *err);

/* Is there so much memory, and are there so many processors, for one guest more? RECLAIMABLE_KIB:
 * what others have that need not run with it. -ENOMEM, -EINVAL. */
int guest_check_memory(struct posada *handle, struct engine *engine, uint64_t memory_kib,
	unsigned vcpus, uint64_t reclaimable_kib, struct posada_error *err);

/* -EINVAL when a guest that is given this file of TYPE would take it for an empty disk, and write
 * over it. */
int disk_file_check(const char *path, enum image_type type, struct posada_error *err);

/* -EBUSY when a guest, a pool or this host has it, be it in use now or not, so that no guest may be
 * given it. */
int disk_check(struct posada *handle, const struct posada_guests *others, const char *path,
	struct posada_error *err);

/* Deletes a volume that was made for nothing, unless a guest has it; what is left is told behind
 * why, in ERR. */
void volume_unmake(struct posada *handle, const char *path, struct posada_error *err);

/* Removes the seed of the guest of that name, which may hold a password, unless a guest has it. */
void seed_drop(struct posada *handle, const char *name);

/* Takes back what the status page says of guests that did not start with the host, once there is no
 * such guest any more. */
void autostart_settle(struct posada *handle);

/* Is this, as /proc/PID/cmdline gives it, the QEMU that serves a Xen domain? */
bool cmdline_serves_domid(const char *cmdline, size_t len, int domid);

#endif
