/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads the flags of file systems from their bytes, without mounting anything. */
#include "superblock.h"

#include <string.h>

static uint16_t get16(const uint8_t *at)
{
	return (uint16_t)(at[0] | at[1] << 8);
}

static uint32_t get32(const uint8_t *at)
{
	return get16(at) | (uint32_t)get16(at + 2) << 16;
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static uint32_t get32be(const uint8_t *at)
{
	return (uint32_t)at[0] << 24 | (uint32_t)at[1] << 16 | (uint32_t)at[2] << 8 | at[3];
}

/* --- ext2, ext3, ext4; Btrfs -------------------------------------------- */

#define EXT_STATE    58
#define EXT_VALID    1
#define EXT_ERRORS   2
#define EXT_INCOMPAT 96
#define EXT_RECOVER  4

/* The features that GRUB 2.12 reads, or may overlook: filetype, meta_bg, extent, 64bit, mmp,
 * flex_bg, metadata_csum_seed, encrypt (of folders that are not ours). */
#define EXT_KNOWN 0x123d2

bool superblock_ext_is_dirty(const uint8_t superblock[SUPERBLOCK_EXT_SIZE])
{
	uint16_t state = get16(superblock + EXT_STATE);

	return !(state & EXT_VALID) || (state & EXT_ERRORS) ||
	       (get32(superblock + EXT_INCOMPAT) & EXT_RECOVER);
}

bool superblock_ext_has_errors(const uint8_t superblock[SUPERBLOCK_EXT_SIZE])
{
	return get16(superblock + EXT_STATE) & EXT_ERRORS;
}

bool superblock_ext_is_readable(const uint8_t superblock[SUPERBLOCK_EXT_SIZE])
{
	return !(get32(superblock + EXT_INCOMPAT) & ~(uint32_t)EXT_KNOWN);
}

#define BTRFS_LOG_ROOT 96
#define BTRFS_DEVICES  136
#define BTRFS_INCOMPAT 188

/* All up to no_holes, and raid1c34; not metadata_uuid, zoned, and what came later. */
#define BTRFS_KNOWN 0xbff

bool superblock_btrfs_is_dirty(const uint8_t superblock[SUPERBLOCK_BTRFS_SIZE])
{
	return get64(superblock + BTRFS_LOG_ROOT) != 0;
}

bool superblock_btrfs_is_readable(const uint8_t superblock[SUPERBLOCK_BTRFS_SIZE])
{
	return get64(superblock + BTRFS_DEVICES) == 1 &&
	       !(get64(superblock + BTRFS_INCOMPAT) & ~(uint64_t)BTRFS_KNOWN);
}

/* --- XFS ---------------------------------------------------------------- */

#define XFS_BLOCK_SIZE	 4
#define XFS_LOG_START	 48
#define XFS_GROUP_BLOCKS 84
#define XFS_LOG_BLOCKS	 96
#define XFS_VERSION	 100
#define XFS_GROUP_SHIFT	 124
#define XFS_INCOMPAT	 216
#define XFS_LOG_MOST	 ((uint64_t)1 << 31)

/* ftype, spinodes, meta_uuid, bigtime, nrext64; not one that waits for a repair. */
#define XFS_KNOWN 0x2f

#define LOG_MAGIC      0xfeedbabe
#define LOG_CYCLE      4
#define LOG_OPERATIONS 40
#define LOG_SIZE       320
#define LOG_HEADED     32768 /* bytes of a record that one block of header is for */
#define LOG_FLAGS      9
#define LOG_UNMOUNT    0x20

bool superblock_xfs_log(
	const uint8_t superblock[SUPERBLOCK_SECTOR], uint64_t *start, uint64_t *size)
{
	uint64_t block = get32be(superblock + XFS_BLOCK_SIZE);
	uint64_t at = (uint64_t)get32be(superblock + XFS_LOG_START) << 32 |
		      get32be(superblock + XFS_LOG_START + 4);
	uint8_t shift = superblock[XFS_GROUP_SHIFT];

	if (!at || shift >= 32 || block < SUPERBLOCK_SECTOR || block > 65536 ||
		(at >> shift) > UINT32_MAX)
		return false;
	/* A block's number is its group's, and then its place there. */
	at = (at >> shift) * get32be(superblock + XFS_GROUP_BLOCKS) +
	     (at & (((uint64_t)1 << shift) - 1));
	*size = get32be(superblock + XFS_LOG_BLOCKS) * block;
	if (at > UINT64_MAX / 2 / block || *size < 2 * SUPERBLOCK_SECTOR || *size > XFS_LOG_MOST)
		return false;
	*start = at * block;
	return true;
}

uint32_t superblock_xfs_cycle(const uint8_t block[SUPERBLOCK_SECTOR])
{
	return get32be(superblock_xfs_is_header(block) ? block + LOG_CYCLE : block);
}

bool superblock_xfs_is_header(const uint8_t block[SUPERBLOCK_SECTOR])
{
	return get32be(block) == LOG_MAGIC;
}

unsigned superblock_xfs_record(const uint8_t block[SUPERBLOCK_SECTOR])
{
	uint32_t size = get32be(block + LOG_SIZE);

	if (!superblock_xfs_is_header(block) || get32be(block + LOG_OPERATIONS) != 1 ||
		size > SUPERBLOCK_XFS_RECORD * SUPERBLOCK_SECTOR)
		return 0;
	return size > LOG_HEADED ? (size + LOG_HEADED - 1) / LOG_HEADED : 1;
}

bool superblock_xfs_is_unmount(const uint8_t block[SUPERBLOCK_SECTOR])
{
	return block[LOG_FLAGS] & LOG_UNMOUNT;
}

bool superblock_xfs_is_readable(const uint8_t superblock[SUPERBLOCK_SECTOR])
{
	uint16_t version =
		(uint16_t)(superblock[XFS_VERSION] << 8 | superblock[XFS_VERSION + 1]) & 15;

	return version == 4 ||
	       (version == 5 && !(get32be(superblock + XFS_INCOMPAT) & ~(uint32_t)XFS_KNOWN));
}

/* --- FAT ---------------------------------------------------------------- */

#define FAT_SECTOR	11
#define FAT_CLUSTER	13
#define FAT_RESERVED	14
#define FAT_TABLES	16
#define FAT_ROOT	17
#define FAT_SECTORS16	19
#define FAT_LENGTH16	22
#define FAT_SECTORS32	32
#define FAT16_STATE	37
#define FAT32_STATE	65
#define FAT_STATE_DIRTY 1

/* With fewer clusters an entry has 12 bits, and none of them for us. */
#define FAT16_CLUSTERS 4085

/* The two highest bits of the second entry that are no cluster's: "clean", and "no errors". */
#define FAT16_CLEAN 0xc000
#define FAT32_CLEAN 0x0c000000

uint64_t superblock_fat_table(const uint8_t sector[SUPERBLOCK_SECTOR])
{
	return (uint64_t)get16(sector + FAT_RESERVED) * get16(sector + FAT_SECTOR);
}

static bool has_16_bits(const uint8_t *sector)
{
	uint32_t bytes = get16(sector + FAT_SECTOR), sectors = get16(sector + FAT_SECTORS16);
	uint32_t used = get16(sector + FAT_RESERVED) +
			(uint32_t)sector[FAT_TABLES] * get16(sector + FAT_LENGTH16);

	if (!bytes || !sector[FAT_CLUSTER])
		return false;
	if (!sectors)
		sectors = get32(sector + FAT_SECTORS32);
	used += (get16(sector + FAT_ROOT) * 32 + bytes - 1) / bytes;
	return sectors > used && (sectors - used) / sector[FAT_CLUSTER] >= FAT16_CLUSTERS;
}

bool superblock_fat_is_dirty(
	const uint8_t sector[SUPERBLOCK_SECTOR], const uint8_t table[SUPERBLOCK_FAT_SIZE])
{
	/* Linux marks the boot sector, Windows the table. */
	if (!get16(sector + FAT_LENGTH16))
		return (sector[FAT32_STATE] & FAT_STATE_DIRTY) ||
		       (get32(table + 4) & FAT32_CLEAN) != FAT32_CLEAN;
	if (sector[FAT16_STATE] & FAT_STATE_DIRTY)
		return true;
	return has_16_bits(sector) && (get16(table + 2) & FAT16_CLEAN) != FAT16_CLEAN;
}

/* --- NTFS --------------------------------------------------------------- */

#define NTFS_SECTOR	  11
#define NTFS_CLUSTER	  13
#define NTFS_MFT	  48
#define NTFS_RECORD_SIZE  64
#define NTFS_VOLUME	  3
#define NTFS_CLUSTERS_MAX ((uint64_t)1 << 40)

#define RECORD_FIXUPS	   4
#define RECORD_FIXUP_COUNT 6
#define RECORD_ATTRIBUTES  20
#define RECORD_LEAST	   48
#define FIXUP_BLOCK	   512

#define ATTRIBUTE_LENGTH   4
#define ATTRIBUTE_OUTSIDE  8
#define ATTRIBUTE_VALUE	   20
#define ATTRIBUTE_LEAST	   24
#define VOLUME_INFORMATION 0x70
#define VOLUME_FLAGS	   10
#define VOLUME_DIRTY	   1

uint64_t superblock_ntfs_volume(const uint8_t sector[SUPERBLOCK_SECTOR], size_t *size)
{
	uint64_t cluster = get16(sector + NTFS_SECTOR), mft = get64(sector + NTFS_MFT);
	uint8_t clusters = sector[NTFS_CLUSTER], record = sector[NTFS_RECORD_SIZE];

	/* Beyond 128 both are powers of two: their logarithm, below zero. */
	if (clusters > 0x80)
		cluster = clusters > 0xe0 ? cluster << (0x100 - clusters) : 0;
	else
		cluster *= clusters;
	if (record >= 0x80)
		*size = record > 0xe0 ? (size_t)1 << (0x100 - record) : 0;
	else
		*size = (size_t)(record * cluster);
	if (!cluster || *size < FIXUP_BLOCK || *size > SUPERBLOCK_NTFS_RECORD || !mft ||
		mft > NTFS_CLUSTERS_MAX || cluster > NTFS_CLUSTERS_MAX >> 20)
		return 0;
	return mft * cluster + NTFS_VOLUME * *size;
}

/* The last two bytes of each block stand elsewhere, so that a torn write is seen. */
static bool undo_fixups(uint8_t *record, size_t size)
{
	size_t at = get16(record + RECORD_FIXUPS), count = get16(record + RECORD_FIXUP_COUNT);

	if (!count || at + count * 2 > size || (count - 1) * FIXUP_BLOCK > size)
		return false;
	for (size_t i = 1; i < count; i++) {
		uint8_t *end = record + i * FIXUP_BLOCK - 2;

		if (memcmp(end, record + at, 2) != 0)
			return false;
		memcpy(end, record + at + i * 2, 2);
	}
	return true;
}

bool superblock_ntfs_is_dirty(uint8_t *record, size_t size)
{
	size_t at, length;

	if (size < RECORD_LEAST || memcmp(record, "FILE", 4) != 0 || !undo_fixups(record, size))
		return true;
	for (at = get16(record + RECORD_ATTRIBUTES); at + ATTRIBUTE_LEAST <= size; at += length) {
		length = get32(record + at + ATTRIBUTE_LENGTH);
		if (length < ATTRIBUTE_LEAST || length > size - at)
			break;
		if (get32(record + at) == VOLUME_INFORMATION) {
			size_t value = get16(record + at + ATTRIBUTE_VALUE) + (size_t)VOLUME_FLAGS;

			if (record[at + ATTRIBUTE_OUTSIDE] || value + 2 > length)
				break;
			return get16(record + at + value) & VOLUME_DIRTY;
		}
	}
	return true;
}
