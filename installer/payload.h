/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The payload: the three files that every carrier of Posada boots, made again from what the system
 * carries. */
#ifndef POSADA_PAYLOAD_H
#define POSADA_PAYLOAD_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include "update.h"

/* Where a running system keeps the files it was booted from (the initramfs, read only). */
#define PAYLOAD_ROOT "/run/payload"

/* A block of a CD, in bytes: what begins at one can be a file of the CD by itself. */
#define PAYLOAD_BLOCK 2048

/*
 * Write a cpio archive ("newc", as in the kernel's initramfs buffer format document) of the
 * files that CONTENTS lists, one a line, in that order:
 *
 *	dir PATH MODE
 *	file PATH MODE
 *	block PATH MODE			(a file whose bytes begin at a multiple of PAYLOAD_BLOCK)
 *	node PATH MODE MAJOR MINOR	(a character device)
 *
 * PATH is taken below ROOT and stands in the archive without its leading slash. Owners are 0,
 * times are 0 and inode numbers count up, so equal files give equal bytes. Returns 0 or -errno;
 * on error WHY, when not NULL, receives the path at fault (the caller frees it).
 */
int payload_archive(const char *root, FILE *contents, FILE *archive, char **why);

/*
 * Write one file of the payload, "xen.gz", "vmlinuz" or "initramfs.img", from the files
 * below ROOT (PAYLOAD_ROOT on a running system) to OUT; the last one with the head that ROOT
 * has, if it has one. Returns 0 or -errno, -ENOENT for any other name; WHY as above.
 */
int payload_write(const char *root, const char *name, FILE *out, char **why);

/*
 * An initramfs cannot hold the head of an update (update.h), which has its sum. So that a running
 * system has that nevertheless, it is behind the initramfs, in the same file: an archive of its own
 * with nothing but PAYLOAD_ROOT/payload/update. The head begins PAYLOAD_HEAD_END bytes before the
 * file's end.
 */
#define PAYLOAD_HEAD_END (UPDATE_HEAD + 124)

/* Write that archive to OUT, behind an initramfs of that SIZE. Returns 0 or -errno. */
int payload_carry(const char head[UPDATE_HEAD], uint64_t size, FILE *out);

/* The version of the running system, "?" when it does not tell. */
void payload_version(char version[64]);

/* How many bytes all the files of the payload have. Returns 0 or -errno; WHY as above. */
int payload_size(const char *root, uint64_t *bytes, char **why);

/* The names that payload_write knows, in boot order, ended by NULL. */
extern const char *const payload_names[];

#endif
