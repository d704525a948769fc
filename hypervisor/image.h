/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a file is, told by its first bytes and not by its name. */
#ifndef POSADA_IMAGE_H
#define POSADA_IMAGE_H

#include <sys/types.h>
#include "posada.h"

enum image_type {
	IMAGE_UNKNOWN,
	IMAGE_BZIMAGE, /* Linux boot protocol header, "HdrS" at 0x202 */
	IMAGE_ELF,
	IMAGE_ELF_GZIP,
	IMAGE_ISO, /* ISO 9660, "CD001" in its first volume descriptor */
	IMAGE_QCOW2,
	IMAGE_QCOW2_LINKED, /* with another file behind it, or its data in one: whichever it names
			     */
	IMAGE_CPIO,	    /* plain or compressed by something that initramfs images use */
	IMAGE_PACKED,	    /* by gzip, and none of the above */
	IMAGE_FOREIGN,	/* a disk of VMware, VirtualBox, Hyper-V or another, and not a raw one */
	IMAGE_BOOTABLE, /* a boot sector: 55 aa at 510 */
};

/* How much of a file's beginning image_type_of() wants to see. */
#define IMAGE_HEAD (32768 + 6)

enum image_type image_type_of(const unsigned char *head, size_t len);

/* Reads the head of a file; -errno when it cannot, -EISDIR or -EINVAL for no file. */
int image_probe(const char *path, enum image_type *type, off_t *size);

/* Is this path a block device? */
bool image_is_block(const char *path);

/*
 * The full path of a file that is there, as a guest's definition shall have it; the caller's. The
 * kernel counts disks anew at every start, so a disk gets a name that lasts, where it has one.
 */
char *image_path(const char *path);

/* Are these two paths of one file or disk? */
bool image_is_same(const char *one, const char *other);

/* The same, or one is a disk and the other a partition of it. */
bool image_overlaps(const char *one, const char *other);

/* Is this a disk or a partition that this host itself uses: mounted, or part of something else? */
bool image_is_taken(const char *path);

/* Can a guest of this kind be started from a kernel of this type? */
bool image_is_kernel(enum image_type type, enum posada_kind kind);

#endif
