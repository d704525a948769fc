/* SPDX-License-Identifier: GPL-2.0-or-later */
/* An update: one version of the payload, signed, in a file, on a medium or behind an address. */
#ifndef POSADA_UPDATE_H
#define POSADA_UPDATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include "disks.h"

/*
 * An update begins with UPDATE_HEAD bytes: these lines, one blank between their words, and zeros
 * behind them. The signature (Ed25519, 128 digits) is that of the bytes in front of its line.
 *
 *	posada-update 1
 *	version VERSION
 *	machine amd64
 *	NAME BYTES SHA256		(one line for each of update_names)
 *	signature HEX
 *
 * In an update file the files follow, in that order and with nothing between them. A CD has the
 * head as /posada/update beside them, and so has a directory, or it is behind the initramfs there
 * (payload.h): so it is in what a system has written that was itself started from such a one.
 */
#define UPDATE_HEAD  1024
#define UPDATE_FILES 4
#define UPDATE_NAME  "update"

/* The public key that the running system trusts. */
#define UPDATE_KEY "/usr/share/posada/update.pub"

#define UPDATE_TEXT 512

/* The names, as they lie in a version's folder: the payload, then the boot entries, without which
 * it is no version. */
extern const char *const update_names[UPDATE_FILES];

struct update {
	char version[32];
	char machine[16];
	struct {
		uint64_t size;
		uint8_t sha256[32];
	} files[UPDATE_FILES];
	uint8_t signature[64];
	size_t covered; /* bytes that it is the signature of */
};

/* -EINVAL: no head, or a damaged one. -EPROTONOSUPPORT: of another kind than this one. */
int update_parse(const char head[UPDATE_HEAD], struct update *update);

/*
 * Was a parsed HEAD signed with the key whose public half is KEY (PEM)? 0, -EKEYREJECTED, or
 * -EINVAL when that is no such key.
 */
int update_verify(const char head[UPDATE_HEAD], const struct update *update, const char *key);

/* Less than, equal to or greater than 0, as version ONE is older than OTHER, the same or newer. */
int update_order(const char *one, const char *other);

/* Where an update is read from. */
struct update_source;

/*
 * Open WHERE: an update file, a CD image, a medium's device, the partition of an installation, a
 * directory, or an address (http:// or https://), which is read as it comes. Its head is read and
 * is good: signed with the key in the file KEY, and for this kind of machine. Returns 0 or -errno
 * with WHY; update_close ends it.
 */
int update_open(
	const char *where, const char *key, struct update_source **source, char why[UPDATE_TEXT]);
void update_close(struct update_source *source);

/* An update that is on a device. */
struct update_found {
	char path[128];
	char version[32];
	bool own; /* this host was started from it */
};

/*
 * Of the devices that have a name in the directory NAMES ("/sys/class/block") and are below DEVICES
 * ("/dev") the one with the newest update; that which this host was started from, which is known
 * by MEDIUM (posada.medium), only when there is no other. Of installations those on the sticks of
 * MACHINE count, but for TARGET, which may be NULL. Returns 0, or -ENOENT: none.
 */
int update_find(const char *names, const char *devices, const char *medium,
	const struct machine *machine, const struct part *target, struct update_found *found);

const struct update *update_about(const struct update_source *source);

/* Can a file be read more than once? What comes from an address cannot: only in order, and once. */
bool update_rereads(const struct update_source *source);

/* Ask GOES_ON, as of a struct place_progress, again and again while it is copied. */
void update_watch(
	struct update_source *source, bool (*goes_on)(void *opaque, uint64_t done, uint64_t total));

/*
 * Copy the file NUMBER of update_names to OUT, which may be NULL; behind the initramfs comes the
 * head, so that a system that is started from it carries that on. Returns 0 or -errno; -EBADMSG
 * when the bytes end too early or are not those that were signed; -ECANCELED when it was watched,
 * and does not go on.
 */
int update_copy(struct update_source *source, size_t number, FILE *out);

#endif
