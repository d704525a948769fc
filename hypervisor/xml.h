/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Guest definitions as text: rules for a specification, and libvirt's domain XML. */
#ifndef POSADA_XML_H
#define POSADA_XML_H

#include <stdio.h>
#include "posada.h"

struct xml_disk {
	const char *path;
	const char *format; /* raw, qcow2 */
	bool block;	    /* a block device, not a file */
	bool cdrom;	    /* path NULL: the drive is empty */
	bool readonly;
};

/* What guest.c has found out on top of the specification. */
struct xml_host {
	const char *type; /* domain type: xen, kvm, qemu, test */
	bool bridge;	  /* spec->network is a host bridge */
	bool disk_first;  /* try the disk before the CD */
	struct xml_disk disks[POSADA_DISKS_MAX];
	bool iso_block; /* spec->iso is a device */
};

/*
 * Everything that can be said about a specification without looking at the host:
 * name, texts, and whether kind, boot source, memory and counts go together.
 */
int spec_check(const struct posada_guest_spec *spec, struct posada_error *err);

/* Does it start like a PC, from what its firmware finds? */
bool kind_has_firmware(enum posada_kind kind);

/* The file that a guest with UEFI starts from. */
const char *kind_uefi(enum posada_kind kind);

/* Can a guest of this kind have so much memory and so many processors, on any host? */
int kind_check_sizes(
	enum posada_kind kind, uint64_t memory_kib, unsigned vcpus, struct posada_error *err);

/* Writes text as XML character data (XML 1.0, 2.4), also safe in an attribute. */
void xml_escape(FILE *out, const char *text);

/*
 * What a guest calls its disk number nth, counted from 0, in buf of 8 bytes;
 * NULL when it can have no more. live: it is plugged into a guest that runs.
 */
char *disk_target(enum posada_kind kind, bool live, size_t nth, char *buf, size_t size);

/* The same for its CD drive. */
const char *cd_target(enum posada_kind kind);

/* The bus of a disk that is called so. */
const char *target_bus(const char *target);

/* The model of a card that the kind emulates, or NULL. */
const char *nic_model(enum posada_kind kind);

/* One device as XML. */
void xml_put_disk(
	FILE *out, enum posada_kind kind, const char *target, const struct xml_disk *disk);
void xml_put_nic(FILE *out, const char *network, bool bridge, const char *model);

/* The domain XML of a checked specification; *xml is the caller's. */
int xml_from_spec(const struct posada_guest_spec *spec, const struct xml_host *host, char **xml);

/* Fills everything of a guest that its XML tells, as if it were off; posada_guest_free() also on
 * failure. */
int xml_to_guest(const char *xml, struct posada_guest *guest);

#endif
