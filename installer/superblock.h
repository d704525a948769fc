/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What file systems say about themselves in their first bytes: were they unmounted cleanly? */
#ifndef POSADA_SUPERBLOCK_H
#define POSADA_SUPERBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it pure: bytes in, an answer out, whatever the bytes are. */

/* ext2, ext3, ext4: the superblock lies 1024 bytes behind the start. */
#define SUPERBLOCK_EXT_AT   1024
#define SUPERBLOCK_EXT_SIZE 1024
bool superblock_ext_is_dirty(const uint8_t superblock[SUPERBLOCK_EXT_SIZE]);

/* Btrfs: a log of what was not yet written where it belongs. */
#define SUPERBLOCK_BTRFS_AT   65536
#define SUPERBLOCK_BTRFS_SIZE 512
bool superblock_btrfs_is_dirty(const uint8_t superblock[SUPERBLOCK_BTRFS_SIZE]);

/* FAT: the boot sector, and the first entries of the table, which begins at this byte. */
#define SUPERBLOCK_SECTOR   512
#define SUPERBLOCK_FAT_SIZE 8
uint64_t superblock_fat_table(const uint8_t sector[SUPERBLOCK_SECTOR]);
bool superblock_fat_is_dirty(
	const uint8_t sector[SUPERBLOCK_SECTOR], const uint8_t table[SUPERBLOCK_FAT_SIZE]);

/*
 * NTFS: where its record $Volume begins, and its SIZE; 0 when the boot sector makes no sense. The
 * record is changed by the look at it; one that is broken is no clean volume's.
 */
#define SUPERBLOCK_NTFS_RECORD 65536
uint64_t superblock_ntfs_volume(const uint8_t sector[SUPERBLOCK_SECTOR], size_t *size);
bool superblock_ntfs_is_dirty(uint8_t *record, size_t size);

#endif
