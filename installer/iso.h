/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A CD image: where its files are, and how some share bytes. */
#ifndef POSADA_ISO_H
#define POSADA_ISO_H

#include <stdint.h>
#include <stdio.h>

/*
 * In the folder /posada of an ISO 9660 image (ECMA-119), make xen.gz and vmlinuz, which are empty
 * files there, name the bytes that the cpio archive initramfs.img of that folder holds of them, so
 * that the image need not carry them twice; in the tree with Joliet names as well. ISO is open for
 * reading and writing. Returns 0 or -errno: -ENOENT when one of the three is missing, -EINVAL when
 * the image or the archive is not what it should be; WHY, when not NULL, then receives what is at
 * fault (the caller frees it).
 */
int iso_share(FILE *iso, char **why);

/*
 * Where the bytes of /posada/NAME lie in an image. Returns 0 or -errno: -ENOENT when there is no
 * such file, -EINVAL when this is no image.
 */
int iso_find(FILE *iso, const char *name, uint64_t *at, uint64_t *size);

#endif
