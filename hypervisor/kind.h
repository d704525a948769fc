/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The parts of kind.c that the unit tests look at: what a medium asks for, and what is chosen for
 * it. */
#ifndef POSADA_KIND_H
#define POSADA_KIND_H

#include "image.h"
#include "posada.h"

/* The ways into a kernel under Xen. */
#define ENTRY_PV  (1u << 0)
#define ENTRY_PVH (1u << 1)

/* Which of them this kernel has; a file that cannot be read has none. */
unsigned kernel_entries(const char *path, enum image_type type);

/* A disk's first bytes: can a BIOS start from it, can UEFI? Neither, when it does not tell. */
#define DISK_HEAD (34 * 512)
void disk_firmware(const unsigned char *head, size_t len, bool *bios, bool *uefi);

enum start {
	START_KERNEL,
	START_ISO,
	START_DISK,
	START_NETWORK,
};

/* What the choice depends on. */
struct kind_facts {
	unsigned kinds; /* bits 1 << kind that this host runs */
	bool xen;
	enum start start;
	unsigned entries; /* of the kernel */
	bool uefi_only;	  /* the disk or ISO image has no boot code for a BIOS */
};

void kind_decide(const struct kind_facts *facts, struct posada_choice *choice);

#endif
