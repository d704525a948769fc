/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Changes to a whole domain definition that leave alone what they do not know. */
#ifndef POSADA_DOMAINXML_H
#define POSADA_DOMAINXML_H

#include "posada.h"

/* A disk of a domain, in the order of xml_to_guest(). */
struct domainxml_disk {
	char *path; /* NULL: neither a file nor a device of this host */
	char *target;
	char *format;
	bool own;	/* this guest writes to it, and no other */
	bool seed;	/* see seed.h */
	uint64_t bytes; /* for who copies it */
	/* For domainxml_clone(): what the clone has in its place; path NULL: the same. */
	struct {
		char *path;
		const char *format;
		bool block;
	} copy;
};

struct domainxml_disks {
	struct domainxml_disk *items;
	size_t count;
};

/* -EINVAL when this is no domain; domainxml_disks_free() also on failure. */
int domainxml_disks(const char *xml, struct domainxml_disks *disks);
void domainxml_disks_free(struct domainxml_disks *disks);

/*
 * The definition of a clone: another name, no UUID, no hardware addresses and no variables of the
 * firmware, all of which libvirt makes anew; no mark of a template, no seed. *out is the caller's.
 */
int domainxml_clone(
	const char *xml, const char *name, const struct domainxml_disks *disks, char **out);

/* Where the variables of a domain's firmware lie; NULL without such a file; the caller's. */
char *domainxml_nvram(const char *xml);

/* Adds a seed as the last disk; *out is the caller's. */
int domainxml_add_seed(const char *xml, enum posada_kind kind, const char *path, char **out);

#endif
