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
};

/* What guest.c has found out on top of the specification. */
struct xml_host {
	const char *type; /* domain type: xen, kvm, qemu, test */
	bool bridge;	  /* spec->network is a host bridge */
	bool disk_first;  /* try the disk before the CD */
	struct xml_disk disks[POSADA_DISKS_MAX];
};

/*
 * Everything that can be said about a specification without looking at the host:
 * name, texts, and whether kind, boot source, memory and counts go together.
 */
int spec_check(const struct posada_guest_spec *spec, struct posada_error *err);

/* Writes text as XML character data (XML 1.0, 2.4), also safe in an attribute. */
void xml_escape(FILE *out, const char *text);

/* The domain XML of a checked specification; *xml is the caller's. */
int xml_from_spec(const struct posada_guest_spec *spec, const struct xml_host *host, char **xml);

/* Fills everything of a guest that its XML tells, as if it were off; posada_guest_free() also on
 * failure. */
int xml_to_guest(const char *xml, struct posada_guest *guest);

#endif
