/* SPDX-License-Identifier: GPL-2.0-or-later */
/* GRUB's environment block: what the boot loader is told about the two versions on a disk, and what
 * it tells. */
#ifndef POSADA_GRUBENV_H
#define POSADA_GRUBENV_H

/* GRUB wants exactly so many bytes, and writes them where they are. */
#define GRUBENV_SIZE 1024

/* Versions are called 'a' and 'b'; 0 is none of them. */
struct grubenv {
	char slot;  /* the one that starts */
	char trial; /* the one to be tried at the next start */
	char tried; /* the one that was tried, and has not been found good since */
};

/* -EINVAL when these bytes are no environment block. What is not known is 0. */
int grubenv_parse(const char block[GRUBENV_SIZE], struct grubenv *env);

/* All that can differ between two blocks is in the first 512 bytes: one sector, one write. */
void grubenv_format(const struct grubenv *env, char block[GRUBENV_SIZE]);

/*
 * Read the file at PATH; or write it: the bytes of one that is there are replaced where they lie,
 * flushed, and read back. 0 or -errno; -EINVAL when what is there is no environment block, and
 * -EIO when something else is read than was written.
 */
int grubenv_read(const char *path, struct grubenv *env);
int grubenv_write(const char *path, const struct grubenv *env);

#endif
