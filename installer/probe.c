/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads a disk's table with libfdisk and what its partitions hold with libblkid; writes nothing. */
#include "probe.h"

#include <blkid.h>
#include <errno.h>
#include <fcntl.h>
#include <libfdisk.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>
#include "raw.h"
#include "superblock.h"
#include "text.h"

#define SECTOR_LEAST 512
#define SECTOR_MOST  4096
#define MIB	     ((uint64_t)1 << 20)

/* Of sector 0; a disk's signature and a table follow. */
#define BOOT_CODE     440
#define BOOT_TABLE    446
#define BOOT_SIGNED   510
#define DOS_ENTRY     16
#define DOS_ENTRIES   4
#define DOS_TYPE      4
#define DOS_TYPE_GPT  0xee
#define DOS_GAP_MOST  (16 * MIB)
#define GAP_PIECE     65536
#define GPT_LEAST     92
#define GPT_ENTRY     128
#define GPT_TABLE_MAX MIB
#define GPT_NAME      56

/* A device while it is looked at. */
struct device {
	const char *path;
	int fd;
	bool block;
	uint64_t size;
	unsigned sector;
};

static char *put_text(char *to, size_t size, const char *text)
{
	return posada_text_clean(text ? text : "", to, size);
}

static char *put_lower(char *to, size_t size, const char *text)
{
	put_text(to, size, text);
	for (char *at = to; *at; at++)
		if (*at >= 'A' && *at <= 'Z')
			*at = (char)(*at | 0x20);
	return to;
}

/* --- Bytes -------------------------------------------------------------- */

static int read_at(const struct device *device, uint64_t at, void *bytes, size_t size)
{
	if (at > device->size || size > device->size - at)
		return -ENXIO;
	for (char *to = bytes; size;) {
		ssize_t got = pread(device->fd, to, size, (off_t)at);

		if (got < 0 && errno == EINTR)
			continue;
		if (got <= 0)
			return got ? -errno : -EIO;
		to += got;
		at += (uint64_t)got;
		size -= (size_t)got;
	}
	return 0;
}

static void close_device(struct device *device)
{
	if (device->fd >= 0)
		close(device->fd);
	device->fd = -1;
}

/* An image file does not tell its sectors' size, but a GPT's first header begins at the second. */
static unsigned sector_of_file(const struct device *device)
{
	char magic[8];

	for (unsigned sector = SECTOR_LEAST; sector <= SECTOR_MOST; sector *= 2)
		if (!read_at(device, sector, magic, sizeof(magic)) &&
			!memcmp(magic, "EFI PART", sizeof(magic)))
			return sector;
	return SECTOR_LEAST;
}

static int open_device(const char *path, struct device *device)
{
	struct stat status;
	int sector = 0;

	*device = (struct device){.path = path};
	/* Whatever is there under that name, nobody waits for it. */
	device->fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
	if (device->fd < 0 || fstat(device->fd, &status))
		return -errno;
	device->block = S_ISBLK(status.st_mode);
	if (S_ISREG(status.st_mode)) {
		device->size = (uint64_t)status.st_size;
		device->sector = sector_of_file(device);
		return 0;
	}
	if (!device->block)
		return -ENOTBLK;
	if (ioctl(device->fd, BLKGETSIZE64, &device->size) || ioctl(device->fd, BLKSSZGET, &sector))
		return -errno;
	/* Partitions are written past this cache: what it holds of them may be old. */
	posix_fadvise(device->fd, 0, 0, POSIX_FADV_DONTNEED);
	device->sector = (unsigned)sector;
	if (sector < SECTOR_LEAST || (sector & (sector - 1)))
		return -EINVAL;
	return 0;
}

/* --- Contents ----------------------------------------------------------- */

/* What it is, how it is called, and what for (BLKID_USAGE_…). */
static int ask_blkid(const struct device *device, uint64_t start, uint64_t size, struct part *part,
	char table[16], int *usage)
{
	blkid_probe probe = blkid_new_probe();
	const char *value;
	int ret = 0, found;

	if (!probe)
		return -ENOMEM;
	if (blkid_probe_set_device(probe, device->fd, (blkid_loff_t)start, (blkid_loff_t)size)) {
		ret = -EIO;
		goto out;
	}
	if (!device->block)
		blkid_probe_set_sectorsize(probe, device->sector);
	blkid_probe_enable_superblocks(probe, 1);
	blkid_probe_set_superblocks_flags(probe,
		BLKID_SUBLKS_TYPE | BLKID_SUBLKS_LABEL | BLKID_SUBLKS_UUID | BLKID_SUBLKS_USAGE);
	if (table)
		blkid_probe_enable_partitions(probe, 1);
	found = blkid_do_safeprobe(probe);
	if (found == -2)
		put_text(part->content, sizeof(part->content), "ambivalent");
	else if (found < 0)
		ret = -EIO;
	if (found)
		goto out;
	if (!blkid_probe_lookup_value(probe, "TYPE", &value, NULL))
		put_text(part->content, sizeof(part->content), value);
	if (!blkid_probe_lookup_value(probe, "UUID", &value, NULL))
		put_text(part->content_uuid, sizeof(part->content_uuid), value);
	if (!blkid_probe_lookup_value(probe, "LABEL", &value, NULL))
		put_text(part->label, sizeof(part->label), value);
	if (usage && !blkid_probe_lookup_value(probe, "USAGE", &value, NULL) &&
		!strcmp(value, "raid"))
		*usage = BLKID_USAGE_RAID;
	if (table && !blkid_probe_lookup_value(probe, "PTTYPE", &value, NULL))
		put_text(table, 16, value);
out:
	blkid_free_probe(probe);
	return ret;
}

/* What cannot be read is no clean file system. */
static bool ntfs_is_dirty(const struct device *device, uint64_t start)
{
	uint8_t sector[SUPERBLOCK_SECTOR], *record = NULL;
	bool dirty = true;
	uint64_t at = 0;
	size_t size;

	if (!read_at(device, start, sector, sizeof(sector)))
		at = superblock_ntfs_volume(sector, &size);
	if (at)
		record = malloc(size);
	if (record && !read_at(device, start + at, record, size))
		dirty = superblock_ntfs_is_dirty(record, size);
	free(record);
	return dirty;
}

static bool fat_is_dirty(const struct device *device, uint64_t start)
{
	uint8_t sector[SUPERBLOCK_SECTOR], table[SUPERBLOCK_FAT_SIZE];

	return read_at(device, start, sector, sizeof(sector)) ||
	       read_at(device, start + superblock_fat_table(sector), table, sizeof(table)) ||
	       superblock_fat_is_dirty(sector, table);
}

static bool ext_is_dirty(const struct device *device, uint64_t start)
{
	uint8_t bytes[SUPERBLOCK_EXT_SIZE];

	return read_at(device, start + SUPERBLOCK_EXT_AT, bytes, sizeof(bytes)) ||
	       superblock_ext_is_dirty(bytes);
}

static bool btrfs_is_dirty(const struct device *device, uint64_t start)
{
	uint8_t bytes[SUPERBLOCK_BTRFS_SIZE];

	return read_at(device, start + SUPERBLOCK_BTRFS_AT, bytes, sizeof(bytes)) ||
	       superblock_btrfs_is_dirty(bytes);
}

static int read_block(const struct device *device, uint64_t start, uint64_t number,
	uint8_t block[SUPERBLOCK_SECTOR])
{
	return read_at(device, start + number * SUPERBLOCK_SECTOR, block, SUPERBLOCK_SECTOR);
}

/*
 * The last record must be the one that is written when all is in its place. A log that has just
 * come round, so that the record lies across its end, counts as dirty.
 */
static bool xfs_is_dirty(const struct device *device, uint64_t start)
{
	uint8_t block[SUPERBLOCK_SECTOR];
	uint64_t log, size, low = 0, high, end;
	uint32_t cycle;
	unsigned word;

	if (read_block(device, start, 0, block) || !superblock_xfs_log(block, &log, &size) ||
		read_block(device, start + log, 0, block))
		return true;
	cycle = superblock_xfs_cycle(block);
	/* The rounds' number is another behind the last record: halve until that is found. */
	for (high = size / SUPERBLOCK_SECTOR; high - low > 1;) {
		uint64_t middle = (low + high) / 2;

		if (read_block(device, start + log, middle, block))
			return true;
		if (superblock_xfs_cycle(block) == cycle)
			low = middle;
		else
			high = middle;
	}
	for (end = high; high && end - high < SUPERBLOCK_XFS_RECORD;) {
		if (read_block(device, start + log, --high, block))
			return true;
		if (superblock_xfs_is_header(block))
			break;
	}
	word = superblock_xfs_record(block);
	return !word || high + word >= end || read_block(device, start + log, high + word, block) ||
	       !superblock_xfs_is_unmount(block);
}

static bool ext_is_readable(const struct device *device, uint64_t start)
{
	uint8_t bytes[SUPERBLOCK_EXT_SIZE];

	return !read_at(device, start + SUPERBLOCK_EXT_AT, bytes, sizeof(bytes)) &&
	       superblock_ext_is_readable(bytes);
}

static bool btrfs_is_readable(const struct device *device, uint64_t start)
{
	uint8_t bytes[SUPERBLOCK_BTRFS_SIZE];

	return !read_at(device, start + SUPERBLOCK_BTRFS_AT, bytes, sizeof(bytes)) &&
	       superblock_btrfs_is_readable(bytes);
}

static bool xfs_is_readable(const struct device *device, uint64_t start)
{
	uint8_t bytes[SUPERBLOCK_SECTOR];

	return !read_at(device, start, bytes, sizeof(bytes)) && superblock_xfs_is_readable(bytes);
}

static bool fat_is_readable(const struct device *device, uint64_t start)
{
	(void)device;
	(void)start;
	return true;
}

static void fill_state(const struct device *device, struct part *part)
{
	static const struct {
		const char *content;
		bool (*is_dirty)(const struct device *device, uint64_t start);
		bool (*is_readable)(const struct device *device, uint64_t start);
	} states[] = {{"ext2", ext_is_dirty, NULL}, {"ext3", ext_is_dirty, NULL},
		{"ext4", ext_is_dirty, ext_is_readable}, {"xfs", xfs_is_dirty, xfs_is_readable},
		{"btrfs", btrfs_is_dirty, btrfs_is_readable},
		{"vfat", fat_is_dirty, fat_is_readable}, {"ntfs", ntfs_is_dirty, NULL}};

	for (size_t i = 0; i < sizeof(states) / sizeof(states[0]); i++)
		if (!strcmp(part->content, states[i].content)) {
			part->dirty = states[i].is_dirty(device, part->start);
			part->readable =
				states[i].is_readable && states[i].is_readable(device, part->start);
		}
	part->hibernated = !strcmp(part->content, "swsuspend");
}

/* A partition that we were making when the power went: nothing is in it, or our file system. */
static bool is_half_made(const struct device *device, const struct part *part)
{
	uint8_t *mark = NULL;
	bool found = false;

	if (part->size < RAW_MARK ||
		(*part->content && (strcmp(part->content, "vfat") != 0 ||
					   (*part->label && strcmp(part->label, "POSADA") != 0))))
		return false;
	mark = malloc(RAW_MARK);
	if (mark && !read_at(device, part->start + part->size - RAW_MARK, mark, RAW_MARK))
		found = raw_mark_read(mark, part->start, part->size, NULL);
	free(mark);
	return found;
}

static int fill_content(const struct device *device, struct part *part)
{
	int ret = ask_blkid(device, part->start, part->size, part, NULL, NULL);

	if (!ret) {
		fill_state(device, part);
		part->posada = part->unfinished = part->number && is_half_made(device, part);
	}
	return ret;
}

int probe_content(const char *path, struct part *part)
{
	struct device device;
	int ret = open_device(path, &device);

	if (!ret && (part->start > device.size || part->size > device.size - part->start))
		ret = -ENXIO;
	if (!ret)
		ret = fill_content(&device, part);
	close_device(&device);
	return ret;
}

/* --- GPT: are both copies good? ----------------------------------------- */

static uint32_t get32(const uint8_t *at)
{
	return at[0] | at[1] << 8 | at[2] << 16 | (uint32_t)at[3] << 24;
}

static uint64_t get64(const uint8_t *at)
{
	return get32(at) | (uint64_t)get32(at + 4) << 32;
}

static uint32_t crc32(const uint8_t *bytes, size_t size)
{
	uint32_t crc = UINT32_MAX;

	while (size--) {
		crc ^= *bytes++;
		for (int bit = 0; bit < 8; bit++)
			crc = crc >> 1 ^ (crc & 1 ? 0xedb88320 : 0);
	}
	return ~crc;
}

struct gpt {
	uint64_t other; /* the sector of the other copy */
	uint32_t crc;	/* of the entries */
};

/* libfdisk mends a bad copy in memory and does not tell, so that we look ourselves. */
static bool gpt_is_good(const struct device *device, uint64_t sector, struct gpt *gpt)
{
	uint8_t header[SECTOR_MOST], *entries = NULL;
	uint64_t sectors = device->size / device->sector, table;
	uint32_t length, crc, size;
	bool good = false;

	if (device->sector > sizeof(header) || sector >= sectors ||
		read_at(device, sector * device->sector, header, device->sector) ||
		memcmp(header, "EFI PART", 8) != 0)
		return false;
	length = get32(header + 12);
	crc = get32(header + 16);
	if (length < GPT_LEAST || length > device->sector)
		return false;
	memset(header + 16, 0, 4);
	if (crc32(header, length) != crc || get64(header + 24) != sector ||
		get64(header + 40) > get64(header + 48) || get64(header + 48) >= sectors)
		return false;
	gpt->other = get64(header + 32);
	gpt->crc = get32(header + 88);
	table = get64(header + 72);
	size = get32(header + 84);
	if (size < GPT_ENTRY || size > GPT_TABLE_MAX || table >= sectors || !get32(header + 80) ||
		get32(header + 80) > GPT_TABLE_MAX / size)
		return false;
	size *= get32(header + 80);
	entries = malloc(size);
	if (entries && !read_at(device, table * device->sector, entries, size))
		good = crc32(entries, size) == gpt->crc;
	free(entries);
	return good;
}

/* The entries that a copy's header leads to, whether their sum is right or not; NULL: none. */
static uint8_t *read_entries(
	const struct device *device, uint64_t sector, uint8_t header[GPT_LEAST])
{
	uint64_t size;
	uint8_t *entries = NULL;

	if (read_at(device, sector * device->sector, header, GPT_LEAST) ||
		memcmp(header, "EFI PART", 8) != 0 || get32(header + 84) != GPT_ENTRY)
		return NULL;
	size = (uint64_t)get32(header + 80) * GPT_ENTRY;
	if (size && size <= GPT_TABLE_MAX)
		entries = malloc(size);
	if (entries && read_at(device, get64(header + 72) * device->sector, entries, size)) {
		free(entries);
		entries = NULL;
	}
	return entries;
}

static bool is_ours(const uint8_t *entry)
{
	static const char name[] = "P\0o\0s\0a\0d\0a";

	return !memcmp(entry + GPT_NAME, name, sizeof(name) - 1);
}

/*
 * Power that went while we changed the table leaves one copy as it was, or between: all that the
 * two do not agree on is a partition of ours. Whoever writes the table next mends that.
 */
static bool gpt_is_half_ours(const struct device *device)
{
	uint64_t last = device->size / device->sector - 1;
	uint8_t headers[2][GPT_LEAST], *first, *second;
	static const uint8_t unused[GPT_ENTRY];
	struct gpt gpt;
	bool ours;

	first = read_entries(device, 1, headers[0]);
	second = read_entries(device, last, headers[1]);
	/* From the first usable sector to the number of entries, but for where these are. */
	ours = first && second && !memcmp(headers[0] + 40, headers[1] + 40, 32) &&
	       get32(headers[0] + 80) == get32(headers[1] + 80) &&
	       (gpt_is_good(device, 1, &gpt) || gpt_is_good(device, last, &gpt));
	for (size_t at = 0; ours && at < (size_t)get32(headers[0] + 80) * GPT_ENTRY;
		at += GPT_ENTRY) {
		bool empty = !memcmp(first + at, unused, GPT_ENTRY) ||
			     !memcmp(second + at, unused, GPT_ENTRY);

		ours = !memcmp(first + at, second + at, GPT_ENTRY) ||
		       (empty && (is_ours(first + at) || is_ours(second + at)));
	}
	free(first);
	free(second);
	return ours;
}

enum gpt_state { GPT_ABSENT, GPT_GOOD, GPT_BAD };

static enum gpt_state look_for_gpt(const struct device *device, const uint8_t *sector0)
{
	uint64_t last = device->size / device->sector - 1;
	bool is_signed = sector0[BOOT_SIGNED] == 0x55 && sector0[BOOT_SIGNED + 1] == 0xaa;
	bool protective = false;
	struct gpt first, second;

	for (unsigned i = 0; i < DOS_ENTRIES && is_signed; i++)
		protective |= sector0[BOOT_TABLE + i * DOS_ENTRY + DOS_TYPE] == DOS_TYPE_GPT;
	/* Somebody's DOS table over an old GPT is a DOS table; nothing over one is an accident. */
	if (!protective)
		return !is_signed && (gpt_is_good(device, 1, &first) ||
					     gpt_is_good(device, last, &second))
			       ? GPT_BAD
			       : GPT_ABSENT;
	if (gpt_is_good(device, 1, &first) && gpt_is_good(device, first.other, &second) &&
		second.other == 1 && first.crc == second.crc)
		return GPT_GOOD;
	return gpt_is_half_ours(device) ? GPT_GOOD : GPT_BAD;
}

/* --- The table ---------------------------------------------------------- */

static int add_part(struct disk *disk, struct fdisk_partition *partition)
{
	struct fdisk_parttype *type = fdisk_partition_get_type(partition);
	uint64_t sectors = disk->size / disk->sector, start, size;
	struct part *part;

	if (!fdisk_partition_has_start(partition) || !fdisk_partition_has_size(partition) ||
		!fdisk_partition_has_partno(partition))
		return 0;
	start = fdisk_partition_get_start(partition);
	size = fdisk_partition_get_size(partition);
	if (!size)
		return 0;
	if (start >= sectors || size > sectors - start) {
		disk->table = TABLE_DAMAGED;
		if (start >= sectors)
			return 0;
		size = sectors - start;
	}
	part = disks_add_part(disk);
	if (!part)
		return -ENOMEM;
	part->number = (unsigned)fdisk_partition_get_partno(partition) + 1;
	disks_part_name(disk->name, part->number, part->name);
	part->start = start * disk->sector;
	part->size = size * disk->sector;
	/* A DOS table identifies a partition by the disk and the number, as the kernel does. */
	if (disk->table == TABLE_DOS)
		snprintf(part->uuid, sizeof(part->uuid), "%.32s-%02x", disk->table_uuid,
			part->number & 0xff);
	else
		put_lower(part->uuid, sizeof(part->uuid), fdisk_partition_get_uuid(partition));
	if (type && fdisk_parttype_get_string(type))
		put_lower(part->type, sizeof(part->type), fdisk_parttype_get_string(type));
	else if (type)
		snprintf(part->type, sizeof(part->type), "%02x", fdisk_parttype_get_code(type));
	part->active = fdisk_partition_is_bootable(partition);
	part->logical = fdisk_partition_is_nested(partition);
	return 0;
}

static int by_start(const void *a, const void *b)
{
	const struct part *one = a, *other = b;

	if (one->start != other->start)
		return one->start < other->start ? -1 : 1;
	/* The extended partition comes before what is in it. */
	return one->logical != other->logical
		       ? one->logical - other->logical
		       : (one->number > other->number) - (one->number < other->number);
}

static bool parts_overlap(const struct disk *disk)
{
	uint64_t end[2] = {0};

	for (size_t i = 0; i < disk->part_count; i++) {
		const struct part *part = &disk->parts[i];

		if (part->start < end[part->logical])
			return true;
		end[part->logical] = part->start + part->size;
	}
	return false;
}

static void fill_usable(struct disk *disk, struct fdisk_context *context)
{
	char *uuid = NULL;

	if (!fdisk_get_disklabel_id(context, &uuid) && uuid)
		put_lower(disk->table_uuid, sizeof(disk->table_uuid),
			uuid + (strncmp(uuid, "0x", 2) ? 0 : 2));
	free(uuid);
	if (fdisk_is_label(context, GPT)) {
		uint64_t sectors = disk->size / disk->sector, last = fdisk_get_last_lba(context);

		disk->first = fdisk_get_first_lba(context) * disk->sector;
		disk->last = (last < sectors ? last + 1 : sectors) * disk->sector;
	}
}

/* The partitions, when libfdisk takes the table for one of this KIND. */
static int read_partitions(
	const struct device *device, struct disk *disk, enum fdisk_labeltype kind)
{
	struct fdisk_context *context = fdisk_new_context();
	struct fdisk_partition *partition;
	struct fdisk_table *table = NULL;
	struct fdisk_iter *iter = NULL;
	struct fdisk_label *label;
	int ret = -ENOMEM;

	if (!context)
		return -ENOMEM;
	fdisk_disable_dialogs(context, 1);
	if (!device->block)
		fdisk_save_user_sector_size(context, device->sector, device->sector);
	ret = fdisk_assign_device(context, device->path, 1);
	if (ret)
		goto out;
	label = fdisk_get_label(context, NULL);
	if (!fdisk_has_label(context) || fdisk_label_get_type(label) != (int)kind) {
		disk->table = TABLE_DAMAGED;
		goto out;
	}
	fill_usable(disk, context);
	ret = fdisk_get_partitions(context, &table);
	if (ret)
		goto out;
	iter = fdisk_new_iter(FDISK_ITER_FORWARD);
	if (!iter)
		ret = -ENOMEM;
	while (!ret && !fdisk_table_next_partition(table, iter, &partition))
		ret = add_part(disk, partition);
out:
	/* What libfdisk cannot make sense of must not hide the other disks. */
	if (ret && ret != -ENOMEM && ret != -EIO) {
		disk->table = TABLE_DAMAGED;
		ret = 0;
	}
	fdisk_free_iter(iter);
	fdisk_unref_table(table);
	fdisk_unref_context(context);
	return ret;
}

/*
 * Where the zero sectors begin that reach up to the first partition. Read in large pieces: one
 * sector at a time took longer than all the rest of the disk.
 */
static uint64_t find_gap(const struct device *device, const struct disk *disk)
{
	uint64_t end = disk->part_count ? disk->parts[0].start : MIB, from, at;
	uint8_t piece[GAP_PIECE], zero[SECTOR_MOST] = {0};

	if (end > disk->size)
		end = disk->size;
	end -= end % disk->sector;
	from = end > DOS_GAP_MOST ? end - DOS_GAP_MOST : disk->sector;
	if (disk->sector > sizeof(zero))
		return 0;
	for (at = end; at > from;) {
		size_t size = at - from < sizeof(piece) ? (size_t)(at - from) : sizeof(piece);
		size_t left = size;

		if (read_at(device, at - size, piece, size))
			break;
		while (left && !memcmp(piece + left - disk->sector, zero, disk->sector))
			left -= disk->sector;
		at -= size - left;
		if (left)
			break;
	}
	return at < end ? at : 0;
}

/* The disk's bytes are one content: a file system without a table, or a member of an array. */
static int add_whole(struct disk *disk, const struct part *whole)
{
	struct part *part = disks_add_part(disk);

	if (!part)
		return -ENOMEM;
	*part = *whole;
	snprintf(part->name, sizeof(part->name), "%s", disk->name);
	return 0;
}

static int read_table(const struct device *device, struct disk *disk, const uint8_t *sector0)
{
	struct part whole = {.size = disk->size};
	char kind[16] = "";
	enum gpt_state gpt;
	int usage = 0, ret;

	ret = ask_blkid(device, 0, disk->size, &whole, kind, &usage);
	if (ret)
		return ret;
	gpt = look_for_gpt(device, sector0);
	if (gpt != GPT_ABSENT)
		disk->table = gpt == GPT_GOOD ? TABLE_GPT : TABLE_DAMAGED;
	else if (!strcmp(kind, "dos"))
		disk->table = TABLE_DOS;
	else if (*kind && !*whole.content)
		disk->table = TABLE_DAMAGED;

	/* Partitions seen on a member of an array are the array's. */
	if (usage != BLKID_USAGE_RAID) {
		if (gpt != GPT_ABSENT)
			ret = read_partitions(device, disk, FDISK_DISKLABEL_GPT);
		else if (disk->table == TABLE_DOS)
			ret = read_partitions(device, disk, FDISK_DISKLABEL_DOS);
	}
	if (ret)
		return ret;
	if (disk->part_count)
		qsort(disk->parts, disk->part_count, sizeof(*disk->parts), by_start);
	/* Images of CDs that boot from sticks have partitions inside of partitions. */
	if (strcmp(whole.content, "iso9660") != 0 && parts_overlap(disk))
		disk->table = TABLE_DAMAGED;
	for (size_t i = 0; i < disk->part_count && !ret; i++)
		if (!disks_is_container(&disk->parts[i]))
			ret = fill_content(device, &disk->parts[i]);
	if (!ret && !disk->part_count && *whole.content && gpt == GPT_ABSENT) {
		disk->table = TABLE_NONE;
		fill_state(device, &whole);
		ret = add_whole(disk, &whole);
	} else if (!ret && usage == BLKID_USAGE_RAID) {
		ret = add_whole(disk, &whole);
	}
	if (!ret && disk->table == TABLE_DOS)
		disk->gap_free = find_gap(device, disk);
	return ret;
}

static void fill_boot_code(struct disk *disk, const uint8_t *sector0)
{
	/* What it would complain with. */
	static const struct {
		const char *words, *loader;
	} rows[] = {{"GRUB ", "GRUB"}, {"Operating system load error", "Syslinux"},
		{"Invalid partition table", "Windows"}, {"LILO", "LILO"}};

	if (sector0[BOOT_SIGNED] != 0x55 || sector0[BOOT_SIGNED + 1] != 0xaa)
		return;
	for (size_t i = 0; i < BOOT_CODE; i++)
		disk->boot_code |= sector0[i] != 0;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]) && !*disk->boot_loader; i++)
		if (memmem(sector0, BOOT_CODE, rows[i].words, strlen(rows[i].words)))
			put_text(disk->boot_loader, sizeof(disk->boot_loader), rows[i].loader);
}

int probe_disk(const char *path, struct disk *disk, char **why)
{
	uint8_t sector0[SECTOR_LEAST];
	struct device device;
	int ret, read_only = 0;

	ret = open_device(path, &device);
	if (ret)
		goto out;
	if (!*disk->name)
		put_text(disk->name, sizeof(disk->name),
			strrchr(path, '/') ? strrchr(path, '/') + 1 : path);
	disk->size = disk->last = device.size;
	disk->sector = device.sector;
	if (device.block && !ioctl(device.fd, BLKROGET, &read_only))
		disk->read_only = read_only != 0;
	if (device.size < device.sector)
		goto out;
	ret = read_at(&device, 0, sector0, sizeof(sector0));
	if (!ret) {
		fill_boot_code(disk, sector0);
		ret = read_table(&device, disk, sector0);
	}
	if (ret == -EIO || ret == -ENXIO) {
		/* It is shown nevertheless, as what it is. */
		disk->failing = true;
		ret = 0;
	}
out:
	close_device(&device);
	if (ret && why)
		*why = strdup(path);
	return ret;
}
