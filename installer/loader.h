/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot loader is told: one table of entries, written in each loader's own language. */
#ifndef POSADA_LOADER_H
#define POSADA_LOADER_H

#include <stdio.h>

/*
 * dom0's memory in MiB, as every entry with Xen sets it. It holds the payload that the system
 * carries and what a guest's management needs; guests' memory is Xen's.
 */
#define LOADER_DOM0_MEMORY 384

struct loader_place {
	const char *version; /* shown in the menu's title */
	const char *medium;  /* how the system finds its medium again; a word without spaces */
	const char *payload; /* directory of the payload as the loader names it */
	int timeout;	     /* seconds until the first entry starts by itself */
};

/*
 * Write the configuration of a boot loader, "grub" (GRUB 2, multiboot2) or "syslinux"
 * (isolinux and pxelinux, menu.c32 and mboot.c32), for a payload at PLACE. Returns 0, -EINVAL
 * for another loader's name, or -errno of the writing.
 */
int loader_write(const char *loader, const struct loader_place *place, FILE *out);

#endif
