/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What file systems say about themselves in their first bytes: were they unmounted cleanly, and
 * have they only what GRUB knows? */
#ifndef POSADA_SUPERBLOCK_H
#define POSADA_SUPERBLOCK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* All of it pure: bytes in, an answer out, whatever the bytes are. */

#define SUPERBLOCK_SECTOR 512

/* ext2, ext3, ext4: the superblock lies 1024 bytes behind the start. */
#define SUPERBLOCK_EXT_AT   1024
#define SUPERBLOCK_EXT_SIZE 1024
bool superblock_ext_is_dirty(const uint8_t superblock[SUPERBLOCK_EXT_SIZE]);
bool superblock_ext_has_errors(const uint8_t superblock[SUPERBLOCK_EXT_SIZE]);
bool superblock_ext_is_readable(const uint8_t superblock[SUPERBLOCK_EXT_SIZE]);

/* Btrfs: a log of what was not yet written where it belongs. */
#define SUPERBLOCK_BTRFS_AT   65536
#define SUPERBLOCK_BTRFS_SIZE 512
bool superblock_btrfs_is_dirty(const uint8_t superblock[SUPERBLOCK_BTRFS_SIZE]);
/* On more than one device it is not, for nobody says that the firmware sees them all. */
bool superblock_btrfs_is_readable(const uint8_t superblock[SUPERBLOCK_BTRFS_SIZE]);

/*
 * XFS: what it has not yet written where it belongs is in its log, blocks of SUPERBLOCK_SECTOR
 * bytes in a ring. superblock_xfs_log finds the log, in bytes from the file system's start; false
 * when it is elsewhere or makes no sense. superblock_xfs_cycle is the number of the round in which
 * a block was written. When all is in its place, the last record has one block that says so:
 * superblock_xfs_record tells how many blocks behind its header that must be, 0 when BLOCK is no
 * header of such a record, and superblock_xfs_is_unmount whether a block is the one.
 */
bool superblock_xfs_log(
	const uint8_t superblock[SUPERBLOCK_SECTOR], uint64_t *start, uint64_t *size);
uint32_t superblock_xfs_cycle(const uint8_t block[SUPERBLOCK_SECTOR]);
#define SUPERBLOCK_XFS_RECORD 1024 /* blocks that it can have, with its header */
bool superblock_xfs_is_header(const uint8_t block[SUPERBLOCK_SECTOR]);
unsigned superblock_xfs_record(const uint8_t block[SUPERBLOCK_SECTOR]);
bool superblock_xfs_is_unmount(const uint8_t block[SUPERBLOCK_SECTOR]);
bool superblock_xfs_is_readable(const uint8_t superblock[SUPERBLOCK_SECTOR]);

/* FAT: the boot sector, and the first entries of the table, which begins at this byte. */
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
