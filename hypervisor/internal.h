/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of libposada share with each other and with nobody else. */
#ifndef POSADA_INTERNAL_H
#define POSADA_INTERNAL_H

#include <libintl.h>
#include <libvirt/libvirt.h>
#include "posada.h"

#define _(text)	 dgettext(POSADA_DOMAIN, text)
#define N_(text) text

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Where a domain's definition says that it is a template. */
#define TEMPLATE_URI "urn:posada:template"

/* libvirt's tools look for a pool of this name first; it is always there. */
#define DEFAULT_POOL "default"

struct engine {
	const char *name;
	char *uri;
	unsigned kinds; /* bits 1 << posada_kind that it can run */
	virConnectPtr conn;
};

struct posada {
	struct engine engines[2];
	size_t engine_count;
	bool dom0;
	bool answered; /* libvirtd, at least once */
	unsigned patience_ms, patience_left_ms;
	/* A folder in a place that lasts, with a file for each guest that runs, which libvirt's
	 * hook keeps: what is there when the host starts ran when it went down. */
	const char *running;
};

/* Writes the sentence and returns code, so that a caller can "return fail(...)". */
__attribute__((format(printf, 3, 4))) int fail(
	struct posada_error *err, int code, const char *format, ...);

/* The same for a libvirt call: "what: libvirt's own words. cure" */
int fail_libvirt(struct posada_error *err, const char *what, const char *cure);

int fail_memory(struct posada_error *err);

/* Connects, or makes sure that the connection still works. */
int engine_connect(struct posada *handle, struct engine *engine, struct posada_error *err);

/* What to tell a person if the one program has died without which Xen's guests cannot be managed,
 * or NULL; run is POSADA_RUN. */
const char *host_loss(const char *run);

/* The first engine that answers: for what all of them share (networks, storage). */
int engine_any(struct posada *handle, virConnectPtr *conn, struct posada_error *err);

/* The engine that runs a kind, or why this host cannot. */
int engine_for_kind(struct posada *handle, enum posada_kind kind, struct engine **engine,
	struct posada_error *err);

/* Are we the control domain of a Xen host? Can QEMU use hardware virtualization? */
bool host_is_dom0(void);
bool host_has_kvm(void);

/* Can Xen use hardware virtualization? */
bool host_has_hvm(void);

/* KiB that a new guest could get now, and KiB of the machine, and its processors. */
struct capacity {
	uint64_t free_kib;
	uint64_t total_kib;
	unsigned cpus;
};
int host_capacity(struct posada *handle, struct engine *engine, struct capacity *capacity,
	struct posada_error *err);

/* Finds a guest's domain on any engine; virDomainFree() and nothing else. */
int guest_find(struct posada *handle, const char *name, virDomainPtr *domain,
	struct engine **engine, struct posada_error *err);

/*
 * For who protects what guests have: all of them for certain, so an engine that does not answer is
 * an error; and those that run once more, off and with what their definitions give them from their
 * next start on.
 */
int guest_list_all(struct posada *handle, struct posada_guests *guests, struct posada_error *err);

/* Is all there that its drives have, also what is on sticks? Else which is not, and why. */
int guest_see_disks(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err);

/* -EBUSY for a guest that libvirt has saved while it ran: what it will go on with is not in its
 * definition, and its disks fit that alone. */
int guest_check_saved(virDomainPtr domain, struct posada_error *err);

/* A guest that is about to be: its XML, and what belongs to it beside. */
struct definition {
	const char *name;
	const char *xml;
	enum posada_kind kind;
	const struct posada_seed *seed; /* checked, or NULL */
	bool start;
};

/* After a failure nothing of it is left. */
int guest_define(
	struct engine *engine, const struct definition *definition, struct posada_error *err);

/* Starts a network of libvirt that is down; 0 as well when it runs. */
int network_wake(struct posada *handle, const char *name, struct posada_error *err);

/* Is name a libvirt network, which is started, or a bridge, so that a guest can join it now? */
int network_resolve(
	struct posada *handle, const char *name, bool *bridge, struct posada_error *err);

/*
 * Makes the new volume of a disk of a guest, sparse where it is a file: the nth from 0, or the
 * first that is free. *path is the caller's.
 */
#define VOLUME_NEXT ((size_t)-1)
int volume_create(struct posada *handle, const char *guest, size_t nth,
	const struct posada_disk_spec *disk, char **path, struct posada_error *err);

/* The same in a pool that is open; room is what it will soon need of the pool, in bytes. */
int volume_make(virStoragePoolPtr pool, const char *guest, size_t nth,
	const struct posada_disk_spec *disk, uint64_t room, char **path, struct posada_error *err);
int volume_delete(struct posada *handle, const char *path, struct posada_error *err);

/* -ENODEV when the pool that the volume is in cannot be looked at, so that it cannot be deleted. */
int volume_check(struct posada *handle, const char *path, struct posada_error *err);

/* Does no volume of a pool hold only what differs from the file at PATH? -EBUSY. */
int volume_stands_alone(struct posada *handle, const char *path, struct posada_error *err);

/* What a pool is, without its sizes and volumes; posada_pool_free() also on failure. */
int pool_describe(virStoragePoolPtr pool, struct posada_pool *out);

/* Is it the path of something in the pool, be it there now or not? */
bool pool_has_path(const struct posada_pool *pool, const char *path);

/* -EBUSY when the disk or partition PATH holds a pool, be that attached or not. */
int pool_check_disk(struct posada *handle, const char *path, struct posada_error *err);

/* A pool that is in use, with what is in it known anew; virStoragePoolFree(). */
int pool_find(
	struct posada *handle, const char *name, virStoragePoolPtr *pool, struct posada_error *err);

/* Starts those that should have started with the host, and whose disks have come since. */
void autostart_late(struct posada *handle);

/*
 * Is the pool in use that PATH lies in? It is looked at first, so that libvirtd does not wait for a
 * server that is silent, and what is in it is known anew. Also 0 when no pool has it; -ENODEV.
 */
int pool_ready_for_path(struct posada *handle, const char *path, struct posada_error *err);

/* Tells a text of one line on the status page, in place of what NAME told there; NULL: nothing any
 * more. */
void notice_put(const char *name, const char *text);

/*
 * What the file at PATH tells, in the person's language: its first line, with the lines behind it
 * in place of each "%s". False: nothing.
 */
bool notice_get(const char *path, char *text, size_t size);

/* Reads one line of a small file, without its end; false when it cannot. */
bool read_line(char *buf, size_t size, const char *format, ...)
	__attribute__((format(printf, 3, 4)));

#endif
