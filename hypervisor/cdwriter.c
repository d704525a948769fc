// SPDX-License-Identifier: GPL-2.0-or-later
// Writes ISO 9660 (ECMA-119) with the Rock Ridge entries (IEEE P1282) that give files their names.
#include "cdwriter.h"

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define SECTOR	  2048
#define NAME_MOST 64
#define FILE_MOST (64 * 1024)

/* Where things are, in sectors; the first sixteen belong to whoever boots. */
enum {
	PRIMARY = 16,
	TERMINATOR,
	PATHS_LITTLE,
	PATHS_BIG,
	ROOT,
	FILES,
};

#define MODE_FOLDER 0040500
#define MODE_FILE   0100400

static void put_little(unsigned char *at, uint32_t value, size_t bytes)
{
	for (; bytes; bytes--, value >>= 8)
		*at++ = (unsigned char)value;
}

static void put_big(unsigned char *at, uint32_t value, size_t bytes)
{
	for (; bytes; value >>= 8)
		at[--bytes] = (unsigned char)value;
}

/* Numbers stand there in both orders. */
static void put_both(unsigned char *at, uint32_t value, size_t bytes)
{
	put_little(at, value, bytes);
	put_big(at + bytes, value, bytes);
}

static size_t sectors(size_t bytes)
{
	return (bytes + SECTOR - 1) / SECTOR;
}

/* 9.1: a directory record without its system use field; returns its length. */
static size_t put_record(unsigned char *at, const char *name, size_t name_len, uint32_t sector,
	uint32_t size, bool folder)
{
	size_t len = 33 + name_len + !(name_len & 1);

	at[0] = (unsigned char)len;
	put_both(at + 2, sector, 4);
	put_both(at + 10, size, 4);
	/* The 1st of January 1980, which every system takes for a date. */
	at[18] = 80;
	at[19] = at[20] = 1;
	at[25] = folder ? 2 : 0;
	put_both(at + 28, 1, 2);
	at[32] = (unsigned char)name_len;
	memcpy(at + 33, name, name_len);
	return len;
}

/* A system use entry of so many bytes at the end of a record; returns where its own bytes begin. */
static unsigned char *put_entry(unsigned char *record, const char *signature, size_t bytes)
{
	unsigned char *at = record + record[0];

	memcpy(at, signature, 2);
	at[2] = (unsigned char)(4 + bytes);
	at[3] = 1;
	record[0] = (unsigned char)(record[0] + 4 + bytes);
	return at + 4;
}

static void put_mode(unsigned char *record, uint32_t mode, uint32_t links)
{
	unsigned char *at = put_entry(record, "PX", 32);

	put_both(at, mode, 4);
	put_both(at + 8, links, 4);
}

/* A record has an even length, and does not begin in one sector and end in the next. */
static size_t finish_record(unsigned char *record)
{
	record[0] = (unsigned char)(record[0] + (record[0] & 1));
	return record[0];
}

static size_t put_folder(unsigned char *at, const char *name)
{
	static const char extension[] = "RRIP_1991A";
	size_t id = sizeof(extension) - 1;
	unsigned char *entry;

	put_record(at, name, 1, ROOT, SECTOR, true);
	if (!*name) {
		entry = put_entry(at, "SP", 3);
		entry[0] = 0xbe;
		entry[1] = 0xef;
	}
	put_mode(at, MODE_FOLDER, 2);
	if (!*name) {
		entry = put_entry(at, "ER", 4 + id);
		entry[0] = (unsigned char)id;
		entry[3] = 1;
		memcpy(entry + 4, extension, id);
	}
	return finish_record(at);
}

static size_t put_file(unsigned char *at, const struct cd_file *file, uint32_t sector)
{
	size_t len = strlen(file->name);

	put_record(at, file->plain, strlen(file->plain), sector, (uint32_t)file->size, false);
	put_mode(at, MODE_FILE, 1);
	memcpy(put_entry(at, "NM", 1 + len) + 1, file->name, len);
	return finish_record(at);
}

/* 8.4: the primary volume descriptor. */
static void put_primary(unsigned char *at, const char *label, size_t total)
{
	size_t i;

	memcpy(at, "\1CD001\1", 7);
	memset(at + 8, ' ', 64);
	memcpy(at + 40, label, strlen(label));
	put_both(at + 80, (uint32_t)total, 4);
	put_both(at + 120, 1, 2);
	put_both(at + 124, 1, 2);
	put_both(at + 128, SECTOR, 2);
	put_both(at + 132, 10, 4);
	put_little(at + 140, PATHS_LITTLE, 4);
	put_big(at + 148, PATHS_BIG, 4);
	put_record(at + 156, "", 1, ROOT, SECTOR, true);
	memset(at + 190, ' ', 813 - 190);
	/* Four dates that are not told: digits that are zeros, and a zone. */
	for (i = 0; i < 4; i++)
		memset(at + 813 + i * 17, '0', 16);
	at[881] = 1;
}

/* 9.4: the only row of a path table, the root. */
static void put_paths(unsigned char *at, void (*put)(unsigned char *, uint32_t, size_t))
{
	at[0] = 1;
	put(at + 2, ROOT, 4);
	put(at + 6, 1, 2);
}

int cd_make(const char *label, const struct cd_file *files, size_t count, unsigned char **image,
	size_t *size)
{
	size_t total = FILES, at = FILES, i;
	unsigned char *bytes, *record;

	if (strlen(label) > 32 || count > CD_FILES_MAX)
		return -EINVAL;
	for (i = 0; i < count; i++) {
		if (files[i].size > FILE_MOST || strlen(files[i].name) > NAME_MOST ||
			strlen(files[i].plain) > 14)
			return -EINVAL;
		total += sectors(files[i].size);
	}
	/* Devices of 4096 bytes a sector show no part of one. */
	total += total & 1;
	bytes = calloc(total, SECTOR);
	if (!bytes)
		return -ENOMEM;
	put_primary(bytes + PRIMARY * SECTOR, label, total);
	memcpy(bytes + TERMINATOR * SECTOR, "\377CD001\1", 7);
	put_paths(bytes + PATHS_LITTLE * SECTOR, put_little);
	put_paths(bytes + PATHS_BIG * SECTOR, put_big);
	record = bytes + ROOT * SECTOR;
	record += put_folder(record, "");
	record += put_folder(record, "\1");
	for (i = 0; i < count; i++) {
		record += put_file(record, &files[i], (uint32_t)at);
		memcpy(bytes + at * SECTOR, files[i].bytes, files[i].size);
		at += sectors(files[i].size);
	}
	*image = bytes;
	*size = total * SECTOR;
	return 0;
}
