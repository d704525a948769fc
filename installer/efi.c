/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads and writes boot entries of UEFI firmware. */
#include "efi.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>
#include "text.h"

#define GLOBAL "8be4df61-93ca-11d2-aa0d-00e098032b8c"

/* Kept over a restart, and in reach of the firmware and of a system (UEFI 2.10, 8.2.1). */
#define ATTRIBUTES 7

#define LOAD_OPTION_ACTIVE 1
#define LOAD_OPTION_HIDDEN 8

#define VARIABLE_MAX 4096

/* Bytes written one after another, for as long as there is room. */
struct writer {
	uint8_t *at, *end;
	bool full;
};

static void put(struct writer *writer, uint64_t value, unsigned bytes)
{
	for (; bytes; bytes--, value >>= 8) {
		if (writer->at == writer->end) {
			writer->full = true;
			return;
		}
		*writer->at++ = (uint8_t)value;
	}
}

/* UCS-2 with its zero; paths have backslashes there. */
static int put_text(struct writer *writer, const char *text, bool path)
{
	for (; *text; text++) {
		if (*text < 0x20 || *text > 0x7e)
			return -EINVAL;
		put(writer, (uint64_t)(path && *text == '/' ? '\\' : *text), 2);
	}
	put(writer, 0, 2);
	return 0;
}

int efi_option(const char *title, const struct efi_file *file, uint8_t *option, size_t size)
{
	struct writer writer = {option, option + size, false};
	size_t named = 2 * (strlen(file->path) + 1);
	int ret;

	put(&writer, LOAD_OPTION_ACTIVE, 4);
	put(&writer, 42 + 4 + named + 4, 2);
	ret = put_text(&writer, title, false);
	/* A hard disk's partition (10.3.5.1), */
	put(&writer, 0x0104, 2);
	put(&writer, 42, 2);
	put(&writer, file->number, 4);
	put(&writer, file->start, 8);
	put(&writer, file->sectors, 8);
	for (unsigned i = 0; i < 16; i++)
		put(&writer, file->signature[i], 1);
	put(&writer, file->gpt ? 2 : 1, 1);
	put(&writer, file->gpt ? 2 : 1, 1);
	/* a file on it (10.3.5.4), and the end. */
	put(&writer, 0x0404, 2);
	put(&writer, 4 + named, 2);
	if (!ret)
		ret = put_text(&writer, file->path, true);
	put(&writer, 0xff7f, 2);
	put(&writer, 4, 2);
	if (ret)
		return ret;
	return writer.full ? -ENOSPC : (int)(writer.at - option);
}

int efi_guid(const char *text, uint8_t guid[16])
{
	static const uint8_t order[16] = {3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15};

	for (unsigned i = 0; i < 16; i++) {
		unsigned value = 0;

		if (i == 4 || i == 6 || i == 8 || i == 10)
			if (*text++ != '-')
				return -EINVAL;
		for (unsigned digit = 0; digit < 2; digit++, text++) {
			const char *digits = "0123456789abcdef";
			const char *at = *text ? strchr(digits, *text | 0x20) : NULL;

			if (!at)
				return -EINVAL;
			value = value << 4 | (unsigned)(at - digits);
		}
		guid[order[i]] = (uint8_t)value;
	}
	return *text ? -EINVAL : 0;
}

/* --- Variables ---------------------------------------------------------- */

static void variable_path(const char *directory, const char *name, char path[512])
{
	snprintf(path, 512, "%s/%s-" GLOBAL, directory, name);
}

/* The kernel guards variables against a slip of "rm" with this flag. */
static void unguard(const char *path)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC), flags;

	if (fd < 0)
		return;
	if (!ioctl(fd, FS_IOC_GETFLAGS, &flags) && flags & FS_IMMUTABLE_FL) {
		flags &= ~FS_IMMUTABLE_FL;
		ioctl(fd, FS_IOC_SETFLAGS, &flags);
	}
	close(fd);
}

/* The variable's bytes without its attributes; their number, or -errno. */
static int variable_read(const char *directory, const char *name, uint8_t *bytes, size_t size)
{
	uint8_t buffer[VARIABLE_MAX];
	char path[512];
	ssize_t got;
	int fd;

	variable_path(directory, name, path);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	got = read(fd, buffer, sizeof(buffer));
	if (got < 0)
		got = -errno;
	close(fd);
	if (got < 0)
		return (int)got;
	if (got < 4 || (size_t)got - 4 > size)
		return -EINVAL;
	memcpy(bytes, buffer + 4, (size_t)got - 4);
	return (int)got - 4;
}

static int variable_write(
	const char *directory, const char *name, const uint8_t *bytes, size_t size)
{
	uint8_t buffer[VARIABLE_MAX] = {ATTRIBUTES};
	char path[512];
	int fd, ret = 0;

	if (size + 4 > sizeof(buffer))
		return -ENOSPC;
	memcpy(buffer + 4, bytes, size);
	variable_path(directory, name, path);
	unguard(path);
	fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	/* The file system takes a variable in one write or not at all. */
	if (write(fd, buffer, size + 4) != (ssize_t)(size + 4))
		ret = errno ? -errno : -EIO;
	if (close(fd) && !ret)
		ret = -errno;
	return ret;
}

static int variable_remove(const char *directory, const char *name)
{
	char path[512];

	variable_path(directory, name, path);
	unguard(path);
	return unlink(path) && errno != ENOENT ? -errno : 0;
}

static void entry_name(uint16_t number, char name[9])
{
	snprintf(name, 9, "Boot%04X", number);
}

int efi_order(const char *directory, struct efi_order *order)
{
	uint8_t bytes[2 * EFI_ENTRIES];
	int got = variable_read(directory, "BootOrder", bytes, sizeof(bytes));

	order->count = 0;
	if (got == -ENOENT)
		return 0;
	if (got < 0)
		return got;
	for (; order->count < (size_t)got / 2; order->count++)
		order->entries[order->count] =
			(uint16_t)(bytes[2 * order->count] | bytes[2 * order->count + 1] << 8);
	return 0;
}

static int order_write(const char *directory, const struct efi_order *order)
{
	uint8_t bytes[2 * EFI_ENTRIES];

	if (!order->count)
		return variable_remove(directory, "BootOrder");
	for (size_t i = 0; i < order->count; i++) {
		bytes[2 * i] = (uint8_t)order->entries[i];
		bytes[2 * i + 1] = (uint8_t)(order->entries[i] >> 8);
	}
	return variable_write(directory, "BootOrder", bytes, 2 * order->count);
}

static void order_drop(struct efi_order *order, uint16_t number)
{
	size_t kept = 0;

	for (size_t i = 0; i < order->count; i++)
		if (order->entries[i] != number)
			order->entries[kept++] = order->entries[i];
	order->count = kept;
}

static bool is_same(const char *directory, uint16_t number, const uint8_t *option, size_t size)
{
	uint8_t bytes[VARIABLE_MAX];
	char name[9];

	entry_name(number, name);
	return variable_read(directory, name, bytes, sizeof(bytes)) == (int)size &&
	       !memcmp(bytes, option, size);
}

/* An entry with these bytes, or else the first number that no entry has. */
static int choose_number(
	const char *directory, const uint8_t *option, size_t size, uint16_t *number, bool *there)
{
	char name[9], path[512];
	int unused = -1;

	*there = false;
	for (unsigned i = 0; i < 0x100; i++) {
		entry_name((uint16_t)i, name);
		variable_path(directory, name, path);
		if (access(path, F_OK)) {
			if (unused < 0)
				unused = (int)i;
		} else if (is_same(directory, (uint16_t)i, option, size)) {
			*number = (uint16_t)i;
			*there = true;
			return 0;
		}
	}
	*number = (uint16_t)unused;
	return unused < 0 ? -ENOSPC : 0;
}

int efi_add(const char *directory, const uint8_t *option, size_t size, uint16_t *number)
{
	struct efi_order order;
	char name[9];
	bool there;
	int ret = efi_order(directory, &order);

	if (!ret)
		ret = choose_number(directory, option, size, number, &there);
	if (ret)
		return ret;
	order_drop(&order, *number);
	if (order.count == EFI_ENTRIES)
		return -ENOSPC;
	entry_name(*number, name);
	if (!there)
		ret = variable_write(directory, name, option, size);
	if (!ret) {
		memmove(order.entries + 1, order.entries, order.count * sizeof(order.entries[0]));
		order.entries[0] = *number;
		order.count++;
		ret = order_write(directory, &order);
	}
	if (ret && !there)
		variable_remove(directory, name);
	return ret;
}

int efi_drop(const char *directory, uint16_t number)
{
	struct efi_order order;
	char name[9];
	int ret = efi_order(directory, &order);

	if (ret)
		return ret;
	order_drop(&order, number);
	ret = order_write(directory, &order);
	entry_name(number, name);
	return ret ? ret : variable_remove(directory, name);
}

/* --- What entries say --------------------------------------------------- */

static unsigned get16(const uint8_t *at)
{
	return at[0] | (unsigned)at[1] << 8;
}

/* Appends UCS-2 until its zero as UTF-8; a path gets slashes. Returns the bytes read. */
static size_t take_text(const uint8_t *from, size_t bytes, bool path, char *to, size_t size)
{
	size_t used = strlen(to), at = 0;

	for (; bytes - at >= 2; at += 2) {
		unsigned c = get16(from + at);
		char utf8[4] = "";

		if (!c)
			return at + 2;
		if (path && c == '\\')
			c = '/';
		if (c < 0x20 || (c >= 0xd800 && c < 0xe000))
			c = '?';
		if (c < 0x80)
			snprintf(utf8, sizeof(utf8), "%c", (char)c);
		else if (c < 0x800)
			snprintf(utf8, sizeof(utf8), "%c%c", (char)(0xc0 | c >> 6),
				(char)(0x80 | (c & 0x3f)));
		else
			snprintf(utf8, sizeof(utf8), "%c%c%c", (char)(0xe0 | c >> 12),
				(char)(0x80 | (c >> 6 & 0x3f)), (char)(0x80 | (c & 0x3f)));
		if (used + strlen(utf8) < size)
			used += (size_t)snprintf(to + used, size - used, "%s", utf8);
	}
	return at;
}

/* A hard disk's partition (10.3.5.1), called as the kernel does. */
static void take_part(const uint8_t *node, char part[40])
{
	const uint8_t *id = node + 24;

	if (node[41] == 2)
		snprintf(part, 40,
			"%02x%02x%02x%02x-%02x%02x-%02x%02x-%02x%02x-%02x%02x%02x%02x%02x%02x",
			id[3], id[2], id[1], id[0], id[5], id[4], id[7], id[6], id[8], id[9],
			id[10], id[11], id[12], id[13], id[14], id[15]);
	else if (node[41] == 1)
		snprintf(part, 40, "%02x%02x%02x%02x-%02x", id[3], id[2], id[1], id[0], node[4]);
}

/* A load option, whose bytes may be anything. */
static int parse_option(const uint8_t *bytes, size_t size, struct efi_entry *entry)
{
	char title[sizeof(entry->title)] = "";
	size_t at, end;

	if (size < 6)
		return -EINVAL;
	entry->offered = (bytes[0] & LOAD_OPTION_ACTIVE) && !(bytes[0] & LOAD_OPTION_HIDDEN);
	at = 6 + take_text(bytes + 6, size - 6, false, title, sizeof(title));
	posada_text_clean(title, entry->title, sizeof(entry->title));
	end = size - at < get16(bytes + 4) ? size : at + get16(bytes + 4);
	while (end - at >= 4) {
		const uint8_t *node = bytes + at;
		size_t length = get16(node + 2);

		if (node[0] == 0x7f || length < 4 || length > end - at)
			break;
		if (node[0] == 4 && node[1] == 1 && length >= 42)
			take_part(node, entry->part);
		else if (node[0] == 4 && node[1] == 4)
			take_text(node + 4, length - 4, true, entry->path, sizeof(entry->path));
		at += length;
	}
	return 0;
}

static void add_entry(const char *directory, uint16_t number, struct efi_entries *entries)
{
	struct efi_entry *entry = &entries->items[entries->count];
	uint8_t bytes[VARIABLE_MAX];
	char name[9];
	int got;

	for (size_t i = 0; i < entries->count; i++)
		if (entries->items[i].number == number)
			return;
	if (entries->count == EFI_ENTRIES)
		return;
	*entry = (struct efi_entry){.number = number};
	entry_name(number, name);
	got = variable_read(directory, name, bytes, sizeof(bytes));
	if (got > 0 && !parse_option(bytes, (size_t)got, entry))
		entries->count++;
}

static int read_number(const char *directory, const char *name)
{
	uint8_t bytes[2];

	return variable_read(directory, name, bytes, sizeof(bytes)) == 2 ? (int)get16(bytes) : -1;
}

int efi_list(const char *directory, struct efi_entries *entries)
{
	char name[9], path[512];
	struct efi_order order;
	int ret;

	memset(entries, 0, sizeof(*entries));
	ret = efi_order(directory, &order);
	if (ret)
		return ret;
	for (size_t i = 0; i < order.count; i++)
		add_entry(directory, order.entries[i], entries);
	for (unsigned i = 0; i < 0x100; i++) {
		entry_name((uint16_t)i, name);
		variable_path(directory, name, path);
		if (!access(path, F_OK))
			add_entry(directory, (uint16_t)i, entries);
	}
	entries->current = read_number(directory, "BootCurrent");
	entries->next = read_number(directory, "BootNext");
	return 0;
}

int efi_remove(const char *directory, const uint8_t *option, size_t size)
{
	struct efi_entry ours = {0};
	struct efi_entries entries;
	int ret = parse_option(option, size, &ours);

	if (!ret)
		ret = efi_list(directory, &entries);
	/* Firmware that starts a system by UEFI says which entry that was. */
	if (!ret && !entries.count && entries.current < 0)
		ret = -ENOENT;
	for (size_t i = 0; !ret && i < entries.count; i++)
		if (!strcasecmp(entries.items[i].part, ours.part) &&
			!strcasecmp(entries.items[i].path, ours.path))
			ret = efi_drop(directory, entries.items[i].number);
	return ret;
}

const struct efi_entry *efi_find(const struct efi_entries *entries, const char *name)
{
	for (size_t i = 0; i < entries->count; i++) {
		const struct efi_entry *entry = &entries->items[i];
		char number[9], loader[sizeof(entry->part) + sizeof(entry->path)];

		entry_name(entry->number, number);
		snprintf(loader, sizeof(loader), "%s:%s", entry->part, entry->path);
		if (!strcasecmp(name, number) || !strcasecmp(name, number + 4) ||
			!strcasecmp(name, entry->title) ||
			(*entry->path && !strcasecmp(name, loader)))
			return entry;
	}
	return NULL;
}

int efi_set_next(const char *directory, int number)
{
	const uint8_t bytes[2] = {(uint8_t)number, (uint8_t)(number >> 8)};

	return number < 0 ? variable_remove(directory, "BootNext")
			  : variable_write(directory, "BootNext", bytes, sizeof(bytes));
}
