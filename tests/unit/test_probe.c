// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of the probe: disks are made as files, and what is found on them is compared.
#include <fcntl.h>
#include <libfdisk.h>
#include <sys/stat.h>
#include <unistd.h>
#include "lvm.h"
#include "peek.h"
#include "probe.h"
#include "smart.h"
#include "superblock.h"
#include "unit.h"

#define MIB 1048576u

/* A sparse file, partitioned by sfdisk's SCRIPT unless that is empty. */
static void make_disk(const char *name, unsigned mib, const char *script)
{
	unit_run("rm -f %s; truncate -s %uM %s", name, mib, name);
	if (*script)
		unit_run("printf '%s' | sfdisk %s", script, name);
}

static void put_bytes(const char *name, uint64_t at, const void *bytes, size_t size)
{
	int fd = open(unit_path(name), O_WRONLY | O_CREAT, 0600);

	assert_true(fd >= 0);
	assert_int_equal(pwrite(fd, bytes, size, (off_t)at), size);
	close(fd);
}

static void put_zeros(const char *name, uint64_t at, size_t size)
{
	void *zeros = calloc(1, size);

	put_bytes(name, at, zeros, size);
	free(zeros);
}

static struct disk *probe(struct machine *machine, const char *name)
{
	struct disk *disk;
	char *why = NULL;

	memset(machine, 0, sizeof(*machine));
	disk = disks_add(machine);
	assert_int_equal(probe_disk(unit_path(name), disk, &why), 0);
	assert_null(why);
	assert_false(disk->failing);
	return disk;
}

static void put16(uint8_t *at, unsigned value)
{
	at[0] = (uint8_t)value;
	at[1] = (uint8_t)(value >> 8);
}

/* As much of an NTFS as it takes to be known: a boot sector, and records 0 and 3 of its table. */
static void put_ntfs(const char *name, uint64_t at, unsigned sectors, unsigned flags)
{
	uint8_t sector[512] = {0xeb, 0x52, 0x90, 'N', 'T', 'F', 'S', ' ', ' ', ' ', ' '};
	uint8_t record[1024] = {'F', 'I', 'L', 'E'};

	put16(sector + 11, 512);
	sector[13] = 8;
	sector[21] = 0xf8;
	put16(sector + 40, sectors);
	sector[48] = 4;
	sector[56] = 2;
	sector[64] = 0xf6;
	sector[68] = 1;
	memset(sector + 72, 0x5a, 8);
	put16(sector + 510, 0xaa55);
	put_bytes(name, at, sector, sizeof(sector));

	/* Three fixups, then attributes: $VOLUME_INFORMATION and the end. */
	put16(record + 4, 48);
	put16(record + 6, 3);
	put16(record + 20, 56);
	put16(record + 22, 1);
	put16(record + 24, 56 + 40 + 8);
	put16(record + 28, 1024);
	put16(record + 48, 7);
	put16(record + 510, 7);
	put16(record + 1022, 7);
	record[56] = 0x70;
	record[60] = 40;
	record[72] = 12;
	record[76] = 24;
	record[56 + 24 + 8] = 3;
	put16(record + 56 + 24 + 10, flags);
	memset(record + 96, 0xff, 4);
	put_bytes(name, at + 4 * 4096, record, sizeof(record));
	put_bytes(name, at + 4 * 4096 + 3 * 1024, record, sizeof(record));
}

static const char gpt[] =
	"label: gpt\\n"
	"label-id: 0FC63DAF-0000-4772-8E79-3D69D8477DE4\\n"
	"start=1MiB,size=40MiB,type=U,uuid=A3DDC5D0-DBB6-3D46-B636-1D32165DA25A\\n"
	"size=16MiB,type=E3C9E316-0B5C-4DB8-817D-F92DF00215AE\\n"
	"size=8MiB,type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7\\n"
	"size=16MiB,type=L\\n";

static void make_gpt(void)
{
	make_disk("gpt", 128, gpt);
	unit_run("mkfs.vfat -F 32 -i 12345678 -n EFI --offset 2048 gpt 40960");
	unit_run(
		"mke2fs -q -F -t ext4 -O ^metadata_csum,^64bit -L root -U 0fc63daf-8483-4772-8e79-3d69d8477de4 -E offset=%u gpt 16M",
		65 * MIB);
	put_ntfs("gpt", 57 * (uint64_t)MIB, 8 * 2048 - 1, 0);
}

TEST(gpt_is_read)
{
	struct machine machine;
	const struct disk *disk;
	const struct part *parts;

	make_gpt();
	disk = probe(&machine, "gpt");
	parts = disk->parts;
	assert_string_equal(disk->name, "gpt");
	assert_int_equal(disk->size, 128 * MIB);
	assert_int_equal(disk->sector, 512);
	assert_int_equal(disk->table, TABLE_GPT);
	assert_string_equal(disk->table_uuid, "0fc63daf-0000-4772-8e79-3d69d8477de4");
	assert_in_range(disk->first, 34 * 512, MIB);
	assert_int_equal(disk->last % 512, 0);
	assert_in_range(disk->last, 127 * MIB - 1, 128 * MIB - 33 * 512);
	assert_int_equal(disk->gap_free, 0);
	assert_false(disk->boot_code);
	assert_int_equal(disk->part_count, 4);
	assert_string_equal(parts[0].name, "gpt1");
	assert_int_equal(parts[0].number, 1);
	assert_int_equal(parts[0].start, MIB);
	assert_int_equal(parts[0].size, 40 * MIB);
	assert_string_equal(parts[0].type, "c12a7328-f81f-11d2-ba4b-00a0c93ec93b");
	assert_string_equal(parts[0].uuid, "a3ddc5d0-dbb6-3d46-b636-1d32165da25a");
	assert_string_equal(parts[0].content, "vfat");
	assert_string_equal(parts[0].content_uuid, "1234-5678");
	assert_string_equal(parts[0].label, "EFI");
	assert_string_equal(parts[1].content, "");
	assert_string_equal(parts[2].content, "ntfs");
	assert_string_equal(parts[3].content, "ext4");
	assert_string_equal(parts[3].content_uuid, "0fc63daf-8483-4772-8e79-3d69d8477de4");
	assert_string_equal(parts[3].label, "root");
	for (size_t i = 0; i < disk->part_count; i++)
		assert_false(parts[i].dirty || parts[i].hibernated || parts[i].logical);
	disks_free(&machine);
}

TEST(states_are_read)
{
	static const uint8_t used[] = {1, 0, 0, 0}, recover[] = {0x46}, swap[] = "S1SUSPEND";
	struct machine machine;
	const struct disk *disk;

	make_gpt();
	/* FAT32: the state in the boot sector; ext4: the feature "needs recovery". */
	put_bytes("gpt", MIB + 65, used, 1);
	put_bytes("gpt", 65 * (uint64_t)MIB + 1024 + 96, recover, 1);
	put_ntfs("gpt", 57 * (uint64_t)MIB, 8 * 2048 - 1, 1);
	put_bytes("gpt", 41 * (uint64_t)MIB + 4086, swap, 9);
	disk = probe(&machine, "gpt");
	assert_true(disk->parts[0].dirty);
	assert_string_equal(disk->parts[1].content, "swsuspend");
	assert_true(disk->parts[1].hibernated);
	assert_string_equal(disk->parts[2].content, "ntfs");
	assert_true(disk->parts[2].dirty);
	assert_true(disk->parts[3].dirty);
	disks_free(&machine);
}

static void put32be(uint8_t *at, uint32_t value)
{
	for (unsigned i = 0; i < 4; i++)
		at[i] = (uint8_t)(value >> 8 * (3 - i));
}

/* An XFS without anything in it: its log begins in the middle, and has 128 blocks. */
static void make_xfs(const char *name)
{
	static const uint8_t logs[] = {12, 9, 8, 4, 10, 0, 0, 25};
	uint8_t bytes[512] = "XFSB";

	make_disk(name, 4, "");
	put32be(bytes + 4, 4096);
	put32be(bytes + 12, 1024);
	put32be(bytes + 52, 512);
	put32be(bytes + 80, 1);
	put32be(bytes + 84, 1024);
	put32be(bytes + 88, 1);
	put32be(bytes + 96, 16);
	put32be(bytes + 100, 4 << 16 | 512);
	put32be(bytes + 104, 256 << 16 | 16);
	memcpy(bytes + 120, logs, sizeof(logs));
	put_bytes(name, 0, bytes, sizeof(bytes));
}

/* Write a record of the round CYCLE, whose block behind the header has FLAGS, as blocks NUMBER. */
static void put_log(const char *name, unsigned number, uint32_t cycle, uint8_t flags)
{
	uint8_t record[1024] = {0xfe, 0xed, 0xba, 0xbe};

	put32be(record + 4, cycle);
	put32be(record + 40, 1);
	put32be(record + 320, 32768);
	put32be(record + 512, cycle);
	record[512 + 9] = flags;
	put_bytes(name, 512 * 4096 + number * 512, record, sizeof(record));
}

static bool xfs_is_dirty(const char *name)
{
	struct part part = {.size = 4 * MIB};

	assert_int_equal(probe_content(unit_path(name), &part), 0);
	assert_string_equal(part.content, "xfs");
	assert_true(part.readable);
	return part.dirty;
}

TEST(logs_are_read)
{
	make_xfs("xfs");
	assert_true(xfs_is_dirty("xfs"));
	put_log("xfs", 0, 1, 0x20);
	assert_false(xfs_is_dirty("xfs"));
	/* Something is done, and then all of it is in its place. */
	put_log("xfs", 2, 1, 0);
	assert_true(xfs_is_dirty("xfs"));
	put_log("xfs", 4, 1, 0x20);
	assert_false(xfs_is_dirty("xfs"));
	/* The ring is full, and in its next round. */
	for (unsigned i = 6; i < 128; i += 2)
		put_log("xfs", i, 1, 0);
	assert_true(xfs_is_dirty("xfs"));
	put_log("xfs", 126, 1, 0x20);
	assert_false(xfs_is_dirty("xfs"));
	put_log("xfs", 0, 2, 0);
	assert_true(xfs_is_dirty("xfs"));
	put_log("xfs", 2, 2, 0x20);
	assert_false(xfs_is_dirty("xfs"));
}

TEST(dos_is_read)
{
	static const char script[] = "label: dos\\nlabel-id: 0xABCD1234\\n"
				     "d1: start=2048,size=8MiB,type=7,bootable\\n"
				     "d2: size=20MiB,type=f\\nd3: start=60000,size=8MiB,type=c\\n"
				     "d5: size=4MiB,type=83\\nd6: size=4MiB,type=8e\\n";
	struct machine machine;
	const struct disk *disk;

	make_disk("dos1", 64, script);
	disk = probe(&machine, "dos1");
	assert_int_equal(disk->table, TABLE_DOS);
	assert_string_equal(disk->table_uuid, "abcd1234");
	assert_int_equal(disk->first, 0);
	assert_int_equal(disk->last, disk->size);
	assert_int_equal(disk->gap_free, 512);
	assert_false(disk->boot_code);
	assert_int_equal(disk->part_count, 5);
	assert_string_equal(disk->parts[0].name, "dos1p1");
	assert_string_equal(disk->parts[0].type, "07");
	assert_string_equal(disk->parts[0].uuid, "abcd1234-01");
	assert_true(disk->parts[0].active);
	assert_string_equal(disk->parts[1].type, "0f");
	assert_false(disk->parts[1].logical || disk->parts[1].active);
	assert_int_equal(disk->parts[2].number, 5);
	assert_true(disk->parts[2].logical && disk->parts[3].logical);
	assert_string_equal(disk->parts[3].type, "8e");
	assert_string_equal(disk->parts[4].type, "0c");
	assert_int_equal(disk->parts[4].number, 3);
	disks_free(&machine);

	/* A core image in the gap, and boot code that loads it. */
	put_bytes("dos1", 0, "\xeb\x63", 2);
	put_bytes("dos1", 512, "\x52", 1);
	put_bytes("dos1", 70 * 512 + 511, "\x01", 1);
	disk = probe(&machine, "dos1");
	assert_true(disk->boot_code);
	assert_string_equal(disk->boot_loader, "");
	assert_int_equal(disk->gap_free, 71 * 512);
	disks_free(&machine);
	put_bytes("dos1", 0x163, "Invalid partition table", 23);
	disk = probe(&machine, "dos1");
	assert_string_equal(disk->boot_loader, "Windows");
	disks_free(&machine);
	put_bytes("dos1", 0x180, "GRUB \0Geom", 11);
	disk = probe(&machine, "dos1");
	assert_string_equal(disk->boot_loader, "GRUB");
	disks_free(&machine);
	put_bytes("dos1", MIB - 1, "\x01", 1);
	disk = probe(&machine, "dos1");
	assert_int_equal(disk->gap_free, 0);
	disks_free(&machine);
}

TEST(disks_without_table_are_read)
{
	struct machine machine;
	const struct disk *disk;

	make_disk("empty", 16, "");
	disk = probe(&machine, "empty");
	assert_int_equal(disk->table, TABLE_NONE);
	assert_int_equal(disk->part_count, 0);
	assert_int_equal(disk->last, disk->size);
	disks_free(&machine);

	unit_run("mke2fs -q -F -t ext4 empty");
	disk = probe(&machine, "empty");
	assert_int_equal(disk->table, TABLE_NONE);
	assert_int_equal(disk->part_count, 1);
	assert_int_equal(disk->parts[0].number, 0);
	assert_int_equal(disk->parts[0].size, disk->size);
	assert_string_equal(disk->parts[0].name, "empty");
	assert_string_equal(disk->parts[0].content, "ext4");
	disks_free(&machine);

	make_disk("empty", 16, "");
	unit_run("mkfs.vfat empty");
	disk = probe(&machine, "empty");
	assert_int_equal(disk->table, TABLE_NONE);
	assert_string_equal(disk->parts[0].content, "vfat");
	assert_false(disk->parts[0].dirty);
	disks_free(&machine);

	make_disk("empty", 0, "");
	disk = probe(&machine, "empty");
	assert_int_equal(disk->size, 0);
	disks_free(&machine);
}

TEST(a_disk_that_grew_is_whole)
{
	struct machine machine;
	const struct disk *disk;

	/* As an image that was written to a larger disk: both copies are good, one not at the end.
	 */
	make_gpt();
	unit_run("truncate -s 256M gpt");
	disk = probe(&machine, "gpt");
	assert_int_equal(disk->table, TABLE_GPT);
	assert_int_equal(disk->part_count, 4);
	assert_in_range(disk->last, 127 * MIB - 1, 256 * MIB);
	disks_free(&machine);
}

TEST(damage_is_seen)
{
	static const struct {
		uint64_t at;
		size_t size;
		size_t parts;
	} rows[] = {
		{512, 512, 4},		      /* the first header */
		{128 * MIB - 512, 512, 4},    /* the second */
		{1024 + 56, 1, 4},	      /* a name in the first entries */
		{128 * MIB - 33 * 512, 1, 4}, /* the second entries */
		{0, 512, 0},		      /* the protective table */
	};
	static const char beyond[] = "label: dos\\nstart=2048,size=8MiB\\n";
	struct machine machine;
	const struct disk *disk;

	for (size_t i = 0; i < COUNT(rows); i++) {
		make_gpt();
		if (rows[i].size > 1)
			put_zeros("gpt", rows[i].at, rows[i].size);
		else
			put_bytes("gpt", rows[i].at, "\xff", 1);
		disk = probe(&machine, "gpt");
		assert_int_equal(disk->table, TABLE_DAMAGED);
		assert_int_equal(disk->part_count, rows[i].parts);
		disks_free(&machine);
	}
	make_gpt();
	put_zeros("gpt", 512, 33 * 512);
	put_zeros("gpt", 128 * MIB - 33 * 512, 33 * 512);
	disk = probe(&machine, "gpt");
	assert_int_equal(disk->table, TABLE_DAMAGED);
	disks_free(&machine);

	make_disk("dos", 16, beyond);
	unit_run("truncate -s 5M dos");
	disk = probe(&machine, "dos");
	assert_int_equal(disk->table, TABLE_DAMAGED);
	assert_int_equal(disk->parts[0].size, 4 * MIB);
	disks_free(&machine);

	make_disk("dos", 16, beyond);
	put_bytes("dos", 446 + 16, "\0\0\0\0\x83\0\0\0\0\x10\0\0\0\x10\0", 16);
	disk = probe(&machine, "dos");
	assert_int_equal(disk->part_count, 2);
	assert_int_equal(disk->table, TABLE_DAMAGED);
	disks_free(&machine);
}

/* Power that goes while we add or remove our partition. */
TEST(half_a_change_of_ours_is_no_damage)
{
	static const struct {
		const char *old; /* what the old table still has: first sector, number of sectors */
		const char *name;
		enum disks_table table;
		size_t parts;
	} rows[] = {
		{"0 34", "Posada", TABLE_GPT, 4},	    /* only the second copy is new */
		{"1 1", "Posada", TABLE_GPT, 5},	    /* and the first entries */
		{"262111 33", "Posada", TABLE_GPT, 5},	    /* only the first copy is new */
		{"262111 32", "Posada-data", TABLE_GPT, 5}, /* and the second header */
		{"0 34", "Data", TABLE_DAMAGED, 4},	    /* what is not ours, we do not touch */
		{"262111 33", "Data", TABLE_DAMAGED, 5},
	};
	struct machine machine;
	const struct disk *disk;
	unsigned from, count;

	for (size_t i = 0; i < COUNT(rows); i++) {
		make_gpt();
		unit_run("cp gpt old");
		unit_run("echo 'size=4MiB,name=%s' | sfdisk -q -a gpt", rows[i].name);
		assert_int_equal(sscanf(rows[i].old, "%u %u", &from, &count), 2);
		unit_run(
			"dd if=old of=gpt bs=512 skip=%u seek=%u count=%u conv=notrunc status=none",
			from, from, count);
		disk = probe(&machine, "gpt");
		assert_int_equal(disk->table, rows[i].table);
		assert_int_equal(disk->part_count, rows[i].parts);
		disks_free(&machine);
	}
}

/* A GPT with sectors of 4096 bytes, which sfdisk does not make in a file. */
static void make_large_sectors(void)
{
	struct fdisk_context *context = fdisk_new_context();
	struct fdisk_partition *partition = fdisk_new_partition();

	make_disk("large", 64, "");
	fdisk_disable_dialogs(context, 1);
	fdisk_save_user_sector_size(context, 4096, 4096);
	assert_int_equal(fdisk_assign_device(context, unit_path("large"), 0), 0);
	assert_int_equal(fdisk_create_disklabel(context, "gpt"), 0);
	fdisk_partition_set_partno(partition, 2);
	fdisk_partition_set_start(partition, 1024);
	fdisk_partition_set_size(partition, 4096);
	assert_int_equal(fdisk_add_partition(context, partition, NULL), 0);
	assert_int_equal(fdisk_write_disklabel(context), 0);
	fdisk_unref_partition(partition);
	fdisk_unref_context(context);
}

TEST(large_sectors_are_read)
{
	struct machine machine;
	const struct disk *disk;

	make_large_sectors();
	unit_run("mkfs.vfat -S 4096 --offset 1024 large 16384");
	disk = probe(&machine, "large");
	assert_int_equal(disk->sector, 4096);
	assert_int_equal(disk->table, TABLE_GPT);
	assert_int_equal(disk->part_count, 1);
	assert_int_equal(disk->parts[0].number, 3);
	assert_int_equal(disk->parts[0].start, 4 * MIB);
	assert_int_equal(disk->parts[0].size, 16 * MIB);
	assert_int_equal(disk->last % 4096, 0);
	disks_free(&machine);
}

TEST(what_is_no_disk_is_refused)
{
	struct disk disk = {0};
	char *why = NULL;

	assert_int_equal(probe_disk(unit_path("none"), &disk, &why), -ENOENT);
	assert_non_null(strstr(why, "/none"));
	free(why);
	assert_int_equal(probe_disk(unit_path("."), &disk, NULL), -ENOTBLK);
	assert_int_equal(mkfifo(unit_path("pipe"), 0600), 0);
	assert_int_equal(probe_disk(unit_path("pipe"), &disk, NULL), -ENOTBLK);
	assert_int_equal(probe_disk("/dev/null", &disk, NULL), -ENOTBLK);
}

/* Bytes of other disks, bytes by chance, and bytes that were right but for a few. */
static void spoil(uint8_t *bytes, size_t size, unsigned round)
{
	static const uint64_t numbers[] = {0, 1, 0x7f, 0xffff, 0x7fffffff, UINT32_MAX, UINT64_MAX};

	if (round % 8 == 0)
		for (size_t i = 0; i < size; i++)
			bytes[i] = (uint8_t)unit_chance(256);
	for (unsigned n = 1 + unit_chance(40); n > 0; n--) {
		size_t at = unit_chance(unit_chance(2) ? 2048 : (uint32_t)size - 8);

		if (unit_chance(2))
			memcpy(bytes + at, &numbers[unit_chance(COUNT(numbers))],
				(size_t)1 << unit_chance(4));
		else
			bytes[at] = (uint8_t)unit_chance(256);
	}
	if (round % 3)
		put16(bytes + 510, 0xaa55);
}

TEST(hostile_bytes_do_no_harm)
{
	static const char script[] =
		"label: dos\\nd1: start=1,size=2,type=83\\n"
		"d2: start=3,size=100,type=5\\nd5: start=5,size=2\\nd6: start=9,size=20\\n";
	static uint8_t good[4][65536], bytes[65536];
	const char *names[] = {"gpt", "dos", "file", "ntfs"};

	make_disk("gpt", 2, "label: gpt\\nsize=1MiB,start=64\\n");
	make_disk("dos", 2, script);
	make_disk("file", 2, "");
	unit_run("mke2fs -q -F -t ext4 file");
	make_disk("ntfs", 2, "");
	put_ntfs("ntfs", 0, 4095, 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		int fd = open(unit_path(names[i]), O_RDONLY);

		assert_int_equal(read(fd, good[i], sizeof(good[i])), sizeof(good[i]));
		close(fd);
	}
	for (unsigned round = 0; round < 800; round++) {
		const char *name = names[round % COUNT(names)];
		struct machine machine = {0};
		struct disk *disk = disks_add(&machine);

		memcpy(bytes, good[round % COUNT(names)], sizeof(bytes));
		spoil(bytes, sizeof(bytes), round);
		put_bytes(name, 0, bytes, sizeof(bytes));
		assert_int_equal(probe_disk(unit_path(name), disk, NULL), 0);
		for (size_t i = 0; i < disk->part_count; i++) {
			assert_in_range(disk->parts[i].start, 0, disk->size);
			assert_in_range(disk->parts[i].size, 0, disk->size - disk->parts[i].start);
		}
		disks_free(&machine);
	}
}

/* --- Superblocks -------------------------------------------------------- */

TEST(superblocks_tell)
{
	uint8_t bytes[1024] = {0}, table[8] = {0xf8, 0xff, 0xff, 0x0f, 0xff, 0xff, 0xff, 0x0f};
	size_t size;

	assert_true(superblock_ext_is_dirty(bytes));
	put16(bytes + 58, 1);
	assert_false(superblock_ext_is_dirty(bytes));
	assert_false(superblock_ext_has_errors(bytes));
	put16(bytes + 58, 3);
	assert_true(superblock_ext_is_dirty(bytes));
	assert_true(superblock_ext_has_errors(bytes));
	put16(bytes + 58, 1);
	put16(bytes + 96, 0x2c6);
	assert_true(superblock_ext_is_dirty(bytes));
	/* As mke2fs makes them, and with small files in their inodes. */
	put16(bytes + 96, 0x22c2);
	assert_true(superblock_ext_is_readable(bytes));
	put16(bytes + 96, 0x82c2);
	assert_false(superblock_ext_is_readable(bytes));

	memset(bytes, 0, sizeof(bytes));
	assert_false(superblock_btrfs_is_dirty(bytes));
	bytes[103] = 1;
	assert_true(superblock_btrfs_is_dirty(bytes));
	bytes[136] = 1;
	put16(bytes + 188, 0x361);
	assert_true(superblock_btrfs_is_readable(bytes));
	bytes[136] = 2;
	assert_false(superblock_btrfs_is_readable(bytes));
	bytes[136] = 1;
	put16(bytes + 188, 0x1361);
	assert_false(superblock_btrfs_is_readable(bytes));

	memset(bytes, 0, sizeof(bytes));
	bytes[101] = 0xb5;
	bytes[219] = 0x2b;
	assert_true(superblock_xfs_is_readable(bytes));
	bytes[219] = 0x40;
	assert_false(superblock_xfs_is_readable(bytes));

	/* FAT32, then FAT16 with 20000 clusters, then FAT12. */
	memset(bytes, 0, sizeof(bytes));
	put16(bytes + 11, 512);
	bytes[13] = 1;
	put16(bytes + 14, 32);
	assert_int_equal(superblock_fat_table(bytes), 16384);
	assert_false(superblock_fat_is_dirty(bytes, table));
	table[7] = 0x07;
	assert_true(superblock_fat_is_dirty(bytes, table));
	table[7] = 0x0f;
	bytes[65] = 1;
	assert_true(superblock_fat_is_dirty(bytes, table));
	bytes[16] = 2;
	put16(bytes + 19, 20200);
	put16(bytes + 22, 80);
	put16(table + 2, 0xffff);
	assert_false(superblock_fat_is_dirty(bytes, table));
	put16(table + 2, 0x7fff);
	assert_true(superblock_fat_is_dirty(bytes, table));
	put16(bytes + 19, 2000);
	assert_false(superblock_fat_is_dirty(bytes, table));
	bytes[37] = 1;
	assert_true(superblock_fat_is_dirty(bytes, table));

	memset(bytes, 0, sizeof(bytes));
	assert_int_equal(superblock_ntfs_volume(bytes, &size), 0);
	put16(bytes + 11, 4096);
	bytes[13] = 0xff;
	bytes[48] = 10;
	bytes[64] = 1;
	assert_int_equal(superblock_ntfs_volume(bytes, &size), 10 * 8192 + 3 * 8192);
	assert_int_equal(size, 8192);
	memset(bytes, 0, sizeof(bytes));
	assert_true(superblock_ntfs_is_dirty(bytes, sizeof(bytes)));
}

TEST(superblocks_are_safe_by_chance)
{
	uint8_t *bytes = malloc(1024);

	for (unsigned round = 0; round < 20000; round++) {
		size_t size;

		for (size_t i = 0; i < 1024; i++)
			bytes[i] = (uint8_t)unit_chance(unit_chance(2) ? 256 : 4);
		superblock_ext_is_dirty(bytes);
		superblock_fat_is_dirty(bytes, bytes + 1016);
		if (superblock_ntfs_volume(bytes, &size))
			assert_in_range(size, 512, SUPERBLOCK_NTFS_RECORD);
		memcpy(bytes, "FILE", 4);
		put16(bytes + 4, 48);
		put16(bytes + 6, unit_chance(5));
		memcpy(bytes + 510, bytes + 48, 2);
		memcpy(bytes + 1022, bytes + 48, 2);
		superblock_ntfs_is_dirty(bytes, 1024);
	}
	free(bytes);
}

/* --- File systems ------------------------------------------------------- */

static void peek(const char *folder, const char *content, struct part *part, bool *is_medium)
{
	int root = open(unit_path(folder), O_RDONLY | O_DIRECTORY);

	assert_true(root >= 0);
	memset(part, 0, sizeof(*part));
	strcpy(part->content, content);
	peek_tree(root, "0123-abcd", part, is_medium);
	close(root);
}

static void put(const char *path, const char *text)
{
	unit_write(path, text, strlen(text));
}

TEST(os_release_is_read)
{
	static const struct {
		const char *text, *name;
	} rows[] = {
		{"PRETTY_NAME=\"Debian GNU/Linux 13 (trixie)\"\n", "Debian GNU/Linux 13 (trixie)"},
		{"NAME='Void'\nID=void", "Void"}, {"ID=x\nPRETTY_NAME=Alpine\r\n", "Alpine"},
		{"NAME=a\nPRETTY_NAME=b\n", "b"}, {"XPRETTY_NAME=a", ""}, {"", ""},
		{"PRETTY_NAME=\"a \\\"b\\\" \\$c\"", "a \"b\" $c"}, {"PRETTY_NAME='a\\b'", "a\\b"},
		{"PRETTY_NAME=\033[31mred\n", "?[31mred"}, {"PRETTY_NAME=\"a\\", "a\\"},
		{"PRETTY_NAME=\"no end\nNAME=x", "no end"}, {"PRETTY_NAME=\nNAME=x", "x"}};
	char name[32];

	for (size_t i = 0; i < COUNT(rows); i++)
		assert_string_equal(
			peek_os_release(rows[i].text, name, sizeof(name)), rows[i].name);
	assert_string_equal(peek_os_release("NAME=abc", name, 3), "ab");
}

TEST(roots_are_looked_into)
{
	struct part part;
	bool is_medium;

	put("debian/usr/lib/os-release", "PRETTY_NAME=\"Debian\"\n");
	mkdir(unit_path("debian/etc"), 0700);
	assert_int_equal(symlink("/usr/lib/os-release", unit_path("debian/etc/os-release")), 0);
	put("debian/posada/0123-abcd", "");
	peek("debian", "ext4", &part, &is_medium);
	assert_string_equal(part.system, "Debian");
	assert_true(part.room > 0);
	assert_true(is_medium);
	assert_false(part.posada);
	put("debian/posada/1/xen.gz", "");
	peek("debian", "xfs", &part, &is_medium);
	assert_true(part.posada);
	assert_string_equal(part.mirror, "");
	put("debian/posada/mirror", "89ab\nand more\n");
	peek("debian", "vfat", &part, &is_medium);
	assert_string_equal(part.mirror, "89ab");

	assert_false(part.unfinished);

	/* One that was broken off has only what takes it back, or the beginnings of that. */
	put("broken/posada/undo/head.before.new", "");
	peek("broken", "vfat", &part, &is_medium);
	assert_true(part.posada && part.unfinished);
	put("broken/posada/a/xen.gz", "");
	peek("broken", "vfat", &part, &is_medium);
	assert_true(part.posada && part.unfinished);
	put("broken/posada/grub.cfg", "");
	peek("broken", "vfat", &part, &is_medium);
	assert_true(part.posada && !part.unfinished);

	/* Nothing outside is read, and no pipe is waited for. */
	put("os-release", "PRETTY_NAME=outside\n");
	put("lure/posada/x", "");
	mkdir(unit_path("lure/etc"), 0700);
	assert_int_equal(symlink("../../os-release", unit_path("lure/etc/os-release")), 0);
	assert_int_equal(symlink("../../debian/posada/1", unit_path("lure/posada/1")), 0);
	put("lure/usr/lib/none", "");
	assert_int_equal(mkfifo(unit_path("lure/usr/lib/os-release"), 0600), 0);
	peek("lure", "ext4", &part, &is_medium);
	assert_string_equal(part.system, "");
	assert_false(is_medium || part.posada);

	put("btrfs/@/etc/os-release", "PRETTY_NAME=Ubuntu\n");
	peek("btrfs", "ext4", &part, &is_medium);
	assert_string_equal(part.system, "");
	peek("btrfs", "btrfs", &part, &is_medium);
	assert_string_equal(part.system, "Ubuntu");
}

TEST(a_process_looks_and_tells)
{
	struct part part = {.content = "ext4"};
	bool is_medium;

	put("mounted/etc/os-release", "NAME=Mounted\n");
	put("mounted/posada/here", "");
	snprintf(part.mounted, sizeof(part.mounted), "%s", unit_path("mounted"));
	assert_int_equal(peek_part("/dev/null", "here", &part, &is_medium), 0);
	assert_string_equal(part.system, "Mounted");
	assert_true(is_medium);
	assert_int_equal(peek_part("/dev/null", "there", &part, &is_medium), 0);
	assert_false(is_medium);

	/* What cannot be mounted stays as it was. */
	memset(&part, 0, sizeof(part));
	strcpy(part.content, "swap");
	assert_int_equal(peek_part("/dev/null", "", &part, &is_medium), -ENOTSUP);
	strcpy(part.content, "xfs");
	assert_true(peek_part(unit_path("none"), NULL, &part, &is_medium) < 0);
	assert_int_equal(part.room, 0);
}

TEST(windows_is_known)
{
	struct part part;
	bool is_medium;

	put("c/windows/System32/x", "");
	peek("c", "ntfs", &part, &is_medium);
	assert_string_equal(part.system, "Windows");
	assert_false(part.hibernated);
	put("c/HIBERFIL.SYS", "HIBR and more");
	peek("c", "ntfs", &part, &is_medium);
	assert_true(part.hibernated);
	put("c/HIBERFIL.SYS", "wake and more");
	peek("c", "ntfs", &part, &is_medium);
	assert_false(part.hibernated);
}

TEST(loaders_are_found)
{
	struct part part;
	bool is_medium;

	mkdir(unit_path("esp"), 0700);
	peek("esp", "vfat", &part, &is_medium);
	assert_string_equal(part.loader, "");
	put("esp/efi/boot/bootx64.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_true(part.fallback);
	assert_string_equal(part.loader, "/efi/boot/bootx64.efi");
	assert_string_equal(part.system, "");
	put("esp/efi/Posada/grubx64.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_true(part.fallback);
	assert_string_equal(part.loader, "");
	put("esp/efi/Microsoft/Boot/bootmgfw.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_string_equal(part.loader, "/efi/Microsoft/Boot/bootmgfw.efi");
	assert_string_equal(part.system, "Windows");
	put("esp/efi/homebrew/grubx64.efi", "");
	put("esp/efi/debian/grubx64.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_string_equal(part.loader, "/efi/debian/grubx64.efi");
	assert_string_equal(part.system, "Debian GNU/Linux");
	assert_string_equal(part.more[0].name, "homebrew");
	assert_string_equal(part.more[0].loader, "/efi/homebrew/grubx64.efi");
	assert_string_equal(part.more[1].name, "Windows");
	assert_string_equal(part.more[1].loader, "/efi/Microsoft/Boot/bootmgfw.efi");
	assert_string_equal(part.more[2].loader, "");
	/* Windows has its place, however many others there are. */
	put("esp/efi/ubuntu/grubx64.efi", "");
	put("esp/efi/arch/grubx64.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_string_equal(part.system, "Arch Linux");
	assert_string_equal(part.more[0].name, "Debian GNU/Linux");
	assert_string_equal(part.more[1].name, "homebrew");
	assert_string_equal(part.more[2].name, "Windows");
	unlink(unit_path("esp/efi/arch/grubx64.efi"));
	put("esp/efi/debian/shimx64.efi", "");
	peek("esp", "vfat", &part, &is_medium);
	assert_string_equal(part.loader, "/efi/debian/shimx64.efi");
}

TEST(kernels_in_an_esp_are_found)
{
	static const struct {
		const char *path;
		bool kernels;
	} rows[] = {{"EFI/Linux/debian.efi", true}, {"EFI/arch/vmlinuz-linux", true},
		{"loader/entries/one.conf", true}, {"vmlinuz-linux", true},
		{"arch-linux.efi", true}, {"EFI/posada/vmlinuz", false},
		{"posada/a/vmlinuz", false}, {"loader/loader.conf", false},
		{"EFI/debian/grubx64.efi", false}};
	struct part part;
	bool is_medium;
	char name[16], file[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(name, sizeof(name), "esp%zu", i);
		snprintf(file, sizeof(file), "%s/EFI/debian/shimx64.efi", name);
		put(file, "");
		snprintf(file, sizeof(file), "%s/%s", name, rows[i].path);
		put(file, "");
		peek(name, "vfat", &part, &is_medium);
		if (part.kernels != rows[i].kernels)
			fail_msg("%s", rows[i].path);
	}
}

TEST(health_is_told)
{
	uint8_t log[SMART_NVME_LOG] = {0}, sense[SMART_ATA_SENSE] = {0};

	assert_false(smart_nvme_fails(log));
	log[0] = 0x02;
	assert_false(smart_nvme_fails(log));
	log[0] = 0x06;
	assert_true(smart_nvme_fails(log));

	/* "SMART RETURN STATUS", once as a descriptor and once in fixed places: good, then bad. */
	sense[0] = 0x72;
	sense[8] = 0x09;
	sense[17] = 0x4f;
	sense[19] = 0xc2;
	assert_false(smart_ata_fails(sense));
	sense[17] = 0xf4;
	sense[19] = 0x2c;
	assert_true(smart_ata_fails(sense));
	sense[0] = 0xf0;
	assert_false(smart_ata_fails(sense));
	sense[10] = 0xf4;
	sense[11] = 0x2c;
	assert_true(smart_ata_fails(sense));
	assert_false(smart_is_failing(unit_path("none"), "nvme"));
	assert_false(smart_is_failing("/dev/null", "sata"));
	assert_false(smart_is_failing("/dev/null", "usb"));
}

/* --- The machine -------------------------------------------------------- */

TEST(kernel_tells_facts)
{
	struct machine machine;
	char *why = NULL;

	put("sys/block/posada-a/size", "2048\n");
	put("sys/block/posada-a/ro", "1\n");
	put("sys/block/posada-a/removable", "1\n");
	put("sys/block/posada-a/queue/logical_block_size", "4096\n");
	put("sys/block/posada-a/device/model", "Disk \033 of mine   \n");
	put("sys/block/posada-a/device/serial", " 123 \n");
	put("sys/block/posada-a/holders/dm-0", "");
	put("sys/block/posada-b/size", "4096\n");
	put("sys/block/posada-b/posada-b1/partition", "1\n");
	put("sys/block/posada-b/posada-b1/holders/md0", "");
	put("sys/block/posada-c/size", "0\n");
	put("sys/block/posada-d/size", "8\n");
	put("sys/block/posada-d/hidden", "1\n");
	put("sys/block/posada!e/size", "8\n");
	put("sys/block/sr0/size", "8\n");
	put("sys/block/zram0/size", "8\n");
	put("sys/block/loop0/size", "8\n");
	put("sys/block/dm-0/size", "8\n");
	put("sys/block/posada-f/size", "8\n");
	put("sys/block/posada-f/dev", "240:17\n");
	put("sys/block/posada-g/size", "8\n");
	put("sys/block/posada-g/dev", "240:18\n");
	put("sys/bus/xen-backend/devices/vbd-1-51712/physical_device", "f0:11\n");
	put("sys/bus/xen-backend/devices/vif-1-0/physical_device", "f0:12\n");
	put("sys/firmware/efi/efivars/BootOrder-x", "");
	unit_write("sys/firmware/efi/efivars/SecureBoot-8be4df61-93ca-11d2-aa0d-00e098032b8c",
		"\6\0\0\0\1", 5);
	unsetenv("POSADA_PROBE_LOOP");
	assert_int_equal(probe_machine(&machine, unit_path("sys"), &why), 0);
	assert_true(machine.uefi && machine.secure_boot && machine.nvram);
	assert_int_equal(machine.disk_count, 5);
	assert_string_equal(machine.disks[0].name, "posada/e");
	assert_string_equal(machine.disks[1].name, "posada-a");
	assert_string_equal(machine.disks[1].model, "Disk ? of mine");
	assert_string_equal(machine.disks[1].serial, "123");
	assert_int_equal(machine.disks[1].size, MIB);
	assert_int_equal(machine.disks[1].sector, 4096);
	assert_true(machine.disks[1].read_only && machine.disks[1].removable);
	assert_true(machine.disks[1].in_use && machine.disks[1].failing);
	assert_false(machine.disks[2].read_only || machine.disks[2].removable);
	assert_true(machine.disks[2].in_use);
	/* A guest has it. */
	assert_true(machine.disks[3].in_use);
	assert_false(machine.disks[4].in_use);
	disks_free(&machine);

	assert_int_equal(probe_machine(&machine, unit_path("nowhere"), &why), -ENOENT);
	assert_non_null(strstr(why, "nowhere/block"));
	free(why);
}

TEST(groups_are_listed)
{
	static const char script[] =
		"#!/bin/sh\n"
		"case $1 in\n"
		"vgs) echo '  vg0|4194304|1048576|wz--n-'; echo '  old|4194304|99|wz-pn-'; echo bad;;\n"
		"lvs) echo '  vg0|ro-ot|8388608|uuid-1|a,not-posada'; echo '  none|x|1|u|';\n"
		"echo '  vg0|a|b|c|d|e'; echo '  vg0|posada|4194304|uuid-2|a,posada'; echo '  vg0|two|8388608|uuid-3|';;\n"
		"pvs) echo '  /dev/null|vg0|ro-ot|1048576|2|2|linear'; echo '  /dev/null|vg0||1048576|4|3|free';\n"
		"echo '  /dev/null|vg0|two|1048576|7|1|linear'; echo '  /dev/null|vg0|two|1048576|9|1|linear';\n"
		"echo '  /dev/null|vg0|posada|1048576|99|1|linear'; echo '  /dev/null|vg0||1048576|8|1|free';\n"
		"echo '  [unknown]|old|||0|9|free';;\n"
		"esac\n";
	const char *path = getenv("PATH");
	struct machine machine = {0};
	struct disk *disk = disks_add(&machine);
	struct part *part = disks_add_part(disk);
	char device[64], old[4096];

	snprintf(old, sizeof(old), "%s", path ? path : "/usr/bin:/bin");
	strcpy(part->name, "null");
	part->size = 64 * MIB;
	chmod(unit_write("bin/lvm", script, strlen(script)), 0700);
	setenv("PATH", unit_path("bin"), 1);
	/* It is asked when there is something to ask for. */
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 0);
	strcpy(part->content, "LVM2_member");
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 2);
	assert_string_equal(machine.groups[0].name, "vg0");
	assert_int_equal(machine.groups[0].extent, 4194304);
	assert_int_equal(machine.groups[0].free, 1048576);
	assert_int_equal(machine.groups[1].free, 0);
	assert_int_equal(machine.groups[0].volume_count, 3);
	assert_string_equal(machine.groups[0].volumes[0].name, "vg0/ro-ot");
	assert_string_equal(machine.groups[0].volumes[0].uuid, "uuid-1");
	assert_int_equal(machine.groups[0].volumes[0].size, 8388608);
	assert_string_equal(part->group, "vg0");
	/* The largest free piece; where a volume is that is in one piece and on the partition; a
	 * tag. */
	assert_int_equal(part->room, 3 * 4194304);
	assert_string_equal(machine.groups[0].volumes[0].on, "null");
	assert_int_equal(machine.groups[0].volumes[0].start, MIB + 2 * 4194304);
	assert_false(machine.groups[0].volumes[0].ours || machine.groups[0].volumes[0].posada);
	assert_true(machine.groups[0].volumes[1].ours && machine.groups[0].volumes[1].posada);
	assert_string_equal(machine.groups[0].volumes[1].on, "");
	assert_string_equal(machine.groups[0].volumes[2].on, "");
	assert_int_equal(lvm_device(machine.groups[0].volumes[0].name, device, sizeof(device)), 0);
	assert_string_equal(device, "/dev/mapper/vg0-ro--ot");
	assert_int_equal(lvm_device(machine.groups[0].volumes[0].name, device, 20), -ENAMETOOLONG);
	disks_free(&machine);

	/* One that fails, and none. */
	strcpy(disks_add_part(disks_add(&machine))->content, "LVM2_member");
	put("bin/lvm", "#!/bin/sh\necho '  a|1|1|wz--n-'; exit 5\n");
	assert_int_equal(lvm_list(&machine), 0);
	/* One that fails half way tells nothing: what it has not told of would look free. */
	put("bin/lvm", "#!/bin/sh\ncase $1 in vgs) echo '  a|1|1|wz--n-';; lvs) exit 5;; esac\n");
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 0);
	part = &machine.disks[0].parts[0];
	strcpy(part->name, "null");
	put("bin/lvm",
		"#!/bin/sh\ncase $1 in vgs) echo '  a|1|1|wz--n-';; pvs) echo '  /dev/null|a||0|0|9|free'; exit 5;; esac\n");
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 0);
	assert_string_equal(part->group, "");
	assert_int_equal(part->room, 0);
	put("bin/lvm",
		"#!/bin/sh\ncase $1 in vgs) echo '  a|1|1|wz--n-';; lvs) printf 'a|%080d|1|u|\n' 1;; esac\n");
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 0);
	unlink(unit_path("bin/lvm"));
	assert_int_equal(lvm_list(&machine), 0);
	assert_int_equal(machine.group_count, 0);
	disks_free(&machine);
	setenv("PATH", old, 1);
}

RUN("probe", T(gpt_is_read), T(states_are_read), T(logs_are_read), T(dos_is_read),
	T(disks_without_table_are_read), T(a_disk_that_grew_is_whole), T(damage_is_seen),
	T(half_a_change_of_ours_is_no_damage), T(large_sectors_are_read),
	T(what_is_no_disk_is_refused), T(hostile_bytes_do_no_harm), T(superblocks_tell),
	T(superblocks_are_safe_by_chance), T(os_release_is_read), T(roots_are_looked_into),
	T(a_process_looks_and_tells), T(windows_is_known), T(loaders_are_found),
	T(kernels_in_an_esp_are_found), T(health_is_told), T(kernel_tells_facts),
	T(groups_are_listed))
