/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds files in a CD image, and lets some name bytes that lie within another one. */
#include "iso.h"

#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include "payload.h"

#define BLOCK	    PAYLOAD_BLOCK
#define DESCRIPTORS 16 /* the block of the first volume descriptor */
#define CPIO_HEADER 110

/* A directory record (ECMA-119 9.1): where it lies, and what it tells. */
struct record {
	uint64_t at; /* bytes from the image's start */
	uint32_t block;
	uint32_t size;
};

static int read_at(FILE *file, uint64_t at, void *buffer, size_t size)
{
	if (fseeko(file, (off_t)at, SEEK_SET))
		return -errno;
	return fread(buffer, 1, size, file) == size ? 0 : -EINVAL;
}

static uint32_t little(const uint8_t *bytes)
{
	return bytes[0] | bytes[1] << 8 | bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

/* Numbers stand twice, the second time with the highest byte first (7.3.3). */
static void put_both(uint8_t *bytes, uint32_t value)
{
	for (unsigned int i = 0; i < 4; i++)
		bytes[i] = bytes[7 - i] = (uint8_t)(value >> 8 * i);
}

static struct record parse(uint64_t at, const uint8_t *bytes)
{
	return (struct record){at, little(bytes + 2), little(bytes + 10)};
}

/* Is this NAME? Joliet's names have two bytes a letter; a version or a last dot does not count. */
static bool is_named(const uint8_t *bytes, size_t length, const char *name)
{
	char text[256];
	size_t used = 0;

	for (size_t i = 0; i < length && bytes[i] != ';'; i++)
		if (bytes[i])
			text[used++] = (char)bytes[i];
	while (used && text[used - 1] == '.')
		used--;
	text[used] = 0;
	return !strcasecmp(text, name);
}

static int find(FILE *iso, struct record directory, const char *name, struct record *found)
{
	uint8_t block[BLOCK];

	for (uint32_t i = 0; i < directory.size / BLOCK; i++) {
		uint64_t start = (uint64_t)(directory.block + i) * BLOCK;
		int ret = read_at(iso, start, block, BLOCK);

		if (ret)
			return ret;
		/* No record goes over a block's end (6.8.1.1): a length of zero says go on there.
		 */
		for (size_t at = 0; at + 33 < BLOCK && block[at]; at += block[at]) {
			if (at + block[at] > BLOCK || 33u + block[at + 32] > block[at])
				return -EINVAL;
			if (!is_named(block + at + 33, block[at + 32], name))
				continue;
			*found = parse(start + at, block + at);
			return 0;
		}
	}
	return -ENOENT;
}

/* Where the bytes of the member NAME of a cpio archive lie. */
static int find_member(FILE *iso, struct record archive, const char *name, struct record *found)
{
	uint64_t start = (uint64_t)archive.block * BLOCK, at = 0;
	char header[CPIO_HEADER + 1] = "", path[64];
	unsigned int size, named;
	int ret;

	while (at + CPIO_HEADER + sizeof(path) <= archive.size) {
		ret = read_at(iso, start + at, header, CPIO_HEADER);
		if (!ret)
			ret = read_at(iso, start + at + CPIO_HEADER, path, sizeof(path));
		if (ret)
			return ret;
		/* magic, six numbers, the size; four more, the length of the name */
		if (sscanf(header, "070701%*48c%8x%*32c%8x", &size, &named) != 2)
			return -EINVAL;
		at = (at + CPIO_HEADER + named + 3) & ~3ull;
		if (strnlen(path, sizeof(path)) == strlen(name) &&
			!strncmp(path, name, strlen(name))) {
			if ((start + at) % BLOCK || at + size > archive.size)
				return -EINVAL;
			found->block = (uint32_t)((start + at) / BLOCK);
			found->size = size;
			return 0;
		}
		at = (at + size + 3) & ~3ull;
	}
	return -ENOENT;
}

static int share(FILE *iso, struct record folder, struct record archive, const char *name)
{
	struct record file, member;
	uint8_t numbers[16];
	char path[32];
	int ret;

	ret = find(iso, folder, name, &file);
	if (!ret && file.size)
		ret = -EINVAL;
	snprintf(path, sizeof(path), "payload/%s", name);
	if (!ret)
		ret = find_member(iso, archive, path, &member);
	if (ret)
		return ret;
	put_both(numbers, member.block);
	put_both(numbers + 8, member.size);
	if (fseeko(iso, (off_t)file.at + 2, SEEK_SET) ||
		fwrite(numbers, 1, sizeof(numbers), iso) != sizeof(numbers) || fflush(iso))
		return -EIO;
	return 0;
}

/* The tree that one volume descriptor begins. */
static int share_tree(FILE *iso, struct record root, const char **fault)
{
	static const char *const names[] = {"xen.gz", "vmlinuz"};
	struct record folder, archive;
	int ret;

	*fault = "/posada";
	ret = find(iso, root, "posada", &folder);
	if (!ret) {
		*fault = "initramfs.img";
		ret = find(iso, folder, *fault, &archive);
	}
	for (size_t i = 0; !ret && i < sizeof(names) / sizeof(names[0]); i++) {
		*fault = names[i];
		ret = share(iso, folder, archive, *fault);
	}
	return ret;
}

int iso_share(FILE *iso, char **why)
{
	const char *fault = "a volume descriptor";
	uint8_t block[BLOCK];
	int ret = 0;

	for (uint64_t i = DESCRIPTORS; !ret; i++) {
		ret = read_at(iso, i * BLOCK, block, BLOCK);
		if (!ret && memcmp(block + 1, "CD001", 5) != 0)
			ret = -EINVAL;
		if (ret || block[0] == 255)
			break;
		/* 1 is the volume itself, 2 the same with other names. */
		if (block[0] == 1 || block[0] == 2)
			ret = share_tree(iso, parse(0, block + 156), &fault);
	}
	if (ret && why)
		*why = strdup(fault);
	return ret;
}

int iso_find(FILE *iso, const char *name, uint64_t *at, uint64_t *size)
{
	struct record folder, file;
	uint8_t block[BLOCK];
	int ret = read_at(iso, (uint64_t)DESCRIPTORS * BLOCK, block, BLOCK);

	if (!ret && (block[0] != 1 || memcmp(block + 1, "CD001", 5) != 0))
		ret = -EINVAL;
	if (!ret)
		ret = find(iso, parse(0, block + 156), "posada", &folder);
	if (!ret)
		ret = find(iso, folder, name, &file);
	if (ret)
		return ret;
	*at = (uint64_t)file.block * BLOCK;
	*size = file.size;
	return 0;
}
