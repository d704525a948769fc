/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The bridges that people have made, in a file that init reads: "NAME CARD VLAN", one a line. */
#ifndef POSADA_BRIDGES_H
#define POSADA_BRIDGES_H

#include <stddef.h>

#define BRIDGES_FILE "/etc/posada/bridges"
#define BRIDGES_MAX  64

#define BRIDGE_NAME 14 /* with its end: "NAME.v", the port of a VLAN, is an interface too */
#define VLAN_MAX    4094

struct bridge {
	char name[BRIDGE_NAME];
	char mac[18];  /* of the card: its name may change with the next start */
	unsigned vlan; /* 0: all that comes without a tag */
};

struct bridges {
	struct bridge items[BRIDGES_MAX];
	size_t count;
};

/* Lines that are none are left out; no file is no bridge. 0 or -errno. */
int bridges_read(const char *file, struct bridges *bridges);

/* Atomically. 0 or -errno. */
int bridges_write(const char *file, const struct bridges *bridges);

/* NULL when there is none of that name. */
struct bridge *bridges_find(struct bridges *bridges, const char *name);

void bridges_drop(struct bridges *bridges, const char *name);

#endif
