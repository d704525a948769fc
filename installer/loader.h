/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a boot loader is told: one table of entries, written in each loader's own language. */
#ifndef POSADA_LOADER_H
#define POSADA_LOADER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/*
 * dom0's memory in MiB, as every entry with Xen sets it. It holds the payload that the system
 * carries and what a guest's management needs; guests' memory is Xen's.
 */
#define LOADER_DOM0_MEMORY 384

/* A system that is there beside Posada. */
struct loader_origin {
	const char *title;
	const char *uuid;   /* UEFI: of the file system that its loader is on */
	const char *loader; /* UEFI: its path; NULL: the boot sector kept at LOADER_SECTOR */
	const char *next;   /* UEFI: what "posada install next" takes, without blanks, when none but
			       the firmware may start it; else NULL */
};

/* Where the boot sector of the system beside Posada is kept, in the file system with the payload.
 */
#define LOADER_SECTOR "/posada/origin.mbr"

/* On a disk whose loader can write to the file system of the payload there are two versions of it,
 * LOADER_VERSIONS/a and /b; the environment block tells which one starts. */
#define LOADER_VERSIONS	   "/posada"
#define LOADER_ENTRIES	   "entries.cfg"
#define LOADER_ENVIRONMENT "/posada/grubenv"

/* How the entries of a version begin; the version follows, to the end of the line. */
#define LOADER_ENTRIES_HEAD "# Posada "

struct loader_place {
	const char *version; /* shown in the menu's title */
	const char *medium;  /* how the system finds its medium again; a word without spaces */
	const char *payload; /* directory of the payload as the loader names it; NULL: there are
				two, with the entries of each */
	int timeout;	     /* seconds until the default entry starts by itself */
	const char *marker;  /* GRUB: a file that only the payload's own file system has, or NULL */
	const struct loader_origin *origins;
	size_t origin_count;
	size_t first; /* which of them is the default, counted from 1; 0: Posada */
};

/*
 * Write the configuration of a boot loader, "grub" (GRUB 2, multiboot2) or "syslinux"
 * (isolinux and pxelinux, menu.c32 and mboot.c32), for a payload at PLACE; or "entries", what a
 * version brings with it for the configuration of a disk with two of them: that takes nothing but
 * the version from PLACE. Returns 0, -EINVAL for another loader's name, or -errno of the writing.
 */
int loader_write(const char *loader, const struct loader_place *place, FILE *out);

#endif
