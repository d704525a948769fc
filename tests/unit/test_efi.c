// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of efi.c: the bytes of a boot entry, and the order of entries, in a directory of files.
#include <errno.h>
#include <unistd.h>
#include "efi.h"
#include "unit.h"

#define GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static const struct efi_file file = {.number = 3,
	.start = 0x800,
	.sectors = 0x100000,
	.gpt = true,
	.signature = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16},
	.path = "/EFI/a"};

TEST(option_has_these_bytes)
{
	/* Attributes, length, title, disk (type, length, number, start, size, GUID, GPT, GUID),
	 * file, end. */
	static const uint8_t wanted[] = {1, 0, 0, 0, 64, 0, 'P', 0, 0, 0, 4, 1, 42, 0, 3, 0, 0, 0,
		0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0x10, 0, 0, 0, 0, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10,
		11, 12, 13, 14, 15, 16, 2, 2, 4, 4, 18, 0, '\\', 0, 'E', 0, 'F', 0, 'I', 0, '\\', 0,
		'a', 0, 0, 0, 0x7f, 0xff, 4, 0};
	uint8_t option[512];

	assert_int_equal(efi_option("P", &file, option, sizeof(option)), sizeof(wanted));
	assert_memory_equal(option, wanted, sizeof(wanted));
	for (size_t size = 0; size < sizeof(wanted); size++)
		assert_int_equal(efi_option("P", &file, option, size), -ENOSPC);
	assert_int_equal(efi_option("\303\261", &file, option, sizeof(option)), -EINVAL);
}

TEST(guids_are_read)
{
	static const uint8_t wanted[16] = {0x28, 0x73, 0x2a, 0xc1, 0x1f, 0xf8, 0xd2, 0x11, 0xba,
		0x4b, 0, 0xa0, 0xc9, 0x3e, 0xc9, 0x3b};
	static const char text[] = "c12a7328-f81f-11d2-ba4b-00a0C93EC93B";
	uint8_t guid[16];
	char bad[64];

	assert_int_equal(efi_guid(text, guid), 0);
	assert_memory_equal(guid, wanted, 16);
	for (size_t i = 0; i < strlen(text); i++) {
		strcpy(bad, text);
		bad[i] = '_';
		assert_int_equal(efi_guid(bad, guid), -EINVAL);
		bad[i] = '\0';
		assert_int_equal(efi_guid(bad, guid), -EINVAL);
	}
	strcpy(bad, text);
	strcat(bad, "0");
	assert_int_equal(efi_guid(bad, guid), -EINVAL);
}

static void put(const char *name, const void *bytes, size_t size)
{
	uint8_t variable[512] = {7};
	char path[128];

	memcpy(variable + 4, bytes, size);
	snprintf(path, sizeof(path), "efi/%s" GLOBAL, name);
	unit_write(path, variable, size + 4);
}

static void see_order(const uint16_t *wanted, size_t count)
{
	struct efi_order order;

	assert_int_equal(efi_order(unit_path("efi"), &order), 0);
	assert_int_equal(order.count, count);
	assert_memory_equal(order.entries, wanted, count * 2);
}

TEST(entries_come_and_go)
{
	static const uint16_t before[] = {2, 0}, with[] = {1, 2, 0}, changed[] = {0, 1},
			      left[] = {0};
	struct efi_file another = file;
	uint8_t ours[512], other[512];
	size_t size = (size_t)efi_option("Posada", &file, ours, sizeof(ours)), other_size;
	uint16_t number;

	another.signature[0]++;
	other_size = (size_t)efi_option("Posada", &another, other, sizeof(other));
	put("BootOrder", before, sizeof(before));
	put("Boot0000", "zero", 4);
	put("Boot0002", "two", 3);
	assert_int_equal(efi_add(unit_path("efi"), ours, size, &number), 0);
	assert_int_equal(number, 1);
	see_order(with, 3);
	/* A second time changes nothing. */
	assert_int_equal(efi_add(unit_path("efi"), ours, size, &number), 0);
	assert_int_equal(number, 1);
	see_order(with, 3);
	assert_int_equal(efi_remove(unit_path("efi"), other, other_size), 0);
	see_order(with, 3);
	assert_int_equal(efi_remove(unit_path("efi"), ours, size), 0);
	see_order(before, 2);
	assert_int_equal(access(unit_path("efi/Boot0001" GLOBAL), F_OK), -1);
	assert_int_equal(access(unit_path("efi/Boot0002" GLOBAL), F_OK), 0);
	/* What others have changed since stays. */
	assert_int_equal(efi_add(unit_path("efi"), ours, size, &number), 0);
	put("BootOrder", changed, sizeof(changed));
	assert_int_equal(efi_remove(unit_path("efi"), ours, size), 0);
	see_order(left, 1);
	/* Nor do other bytes of ours keep it there: what some firmware adds at its end. */
	assert_int_equal(efi_add(unit_path("efi"), ours, size, &number), 0);
	memcpy(ours + size, "RC", 2);
	put("Boot0001", ours, size + 2);
	assert_int_equal(efi_remove(unit_path("efi"), ours, size), 0);
	see_order(left, 1);
	assert_int_equal(access(unit_path("efi/Boot0001" GLOBAL), F_OK), -1);
}

TEST(firmware_without_variables)
{
	uint8_t ours[512];
	size_t size = (size_t)efi_option("Posada", &file, ours, sizeof(ours));
	uint16_t number;

	assert_true(efi_add(unit_path("none"), ours, size, &number) < 0);
	assert_int_equal(efi_remove(unit_path("none"), ours, size), -ENOENT);
}

/* What an entry says, in the bytes that others wrote. */
TEST(entries_are_read)
{
	static const uint16_t order[] = {7, 2}, one[] = {2}, gone[] = {9};
	struct efi_file windows = file;
	struct efi_entries entries;
	uint8_t option[512];
	int size;

	windows.path = "/EFI/Microsoft/Boot/bootmgfw.efi";
	size = efi_option("Windows Boot Manager", &windows, option, sizeof(option));
	assert_true(size > 0);
	put("Boot0007", option, (size_t)size);
	windows.gpt = false;
	size = efi_option("BIOS's table", &windows, option, sizeof(option));
	put("Boot0002", option, (size_t)size);
	/* A name in two letters that are not ASCII, hidden from people, without a file. */
	put("Boot0000", "\11\0\0\0\4\0\361\0\104\145\0\0\177\377\4", 16);
	put("Boot0003", "short", 5);
	put("BootOrder", order, sizeof(order));
	put("BootCurrent", one, sizeof(one));
	assert_int_equal(efi_list(unit_path("efi"), &entries), 0);
	assert_int_equal(entries.count, 3);
	assert_int_equal(entries.current, 2);
	assert_int_equal(entries.next, -1);
	assert_int_equal(entries.items[0].number, 7);
	assert_true(entries.items[0].offered);
	assert_string_equal(entries.items[0].title, "Windows Boot Manager");
	assert_string_equal(entries.items[0].part, "04030201-0605-0807-090a-0b0c0d0e0f10");
	assert_string_equal(entries.items[0].path, "/EFI/Microsoft/Boot/bootmgfw.efi");
	assert_string_equal(entries.items[1].part, "04030201-03");
	assert_string_equal(entries.items[2].title, "\303\261\346\225\204");
	assert_false(entries.items[2].offered);
	assert_string_equal(entries.items[2].path, "");
	/* However a person calls it, and as the boot menu does. */
	assert_int_equal(efi_find(&entries, "windows boot manager")->number, 7);
	assert_int_equal(efi_find(&entries, "boot0007")->number, 7);
	assert_int_equal(efi_find(&entries, "0002")->number, 2);
	assert_int_equal(
		efi_find(&entries,
			"04030201-0605-0807-090A-0B0C0D0E0F10:/efi/microsoft/boot/bootmgfw.efi")
			->number,
		7);
	assert_null(efi_find(&entries, "04030201-0605-0807-090A-0B0C0D0E0F10:/EFI/a"));
	assert_null(efi_find(&entries, ""));
	assert_null(efi_find(&entries, ":"));
	/* What starts next, once. */
	assert_int_equal(efi_set_next(unit_path("efi"), 0x1234), 0);
	assert_int_equal(efi_list(unit_path("efi"), &entries), 0);
	assert_int_equal(entries.next, 0x1234);
	assert_int_equal(efi_set_next(unit_path("efi"), -1), 0);
	assert_int_equal(efi_set_next(unit_path("efi"), -1), 0);
	put("BootOrder", gone, sizeof(gone));
	assert_int_equal(efi_list(unit_path("efi"), &entries), 0);
	assert_int_equal(entries.next, -1);
	assert_int_equal(entries.count, 3);
}

/* Whatever the firmware keeps there does no harm. */
TEST(hostile_entries_do_no_harm)
{
	struct efi_entries entries;
	uint8_t option[400];
	int size;

	for (unsigned round = 0; round < 3000; round++) {
		size = efi_option("Posada", &file, option, sizeof(option));
		for (unsigned i = unit_chance(8); i; i--)
			option[unit_chance((unsigned)size)] = (uint8_t)unit_chance(256);
		put("Boot0007", option, unit_chance((unsigned)size + 1));
		assert_int_equal(efi_list(unit_path("efi"), &entries), 0);
		for (size_t i = 0; i < entries.count; i++)
			assert_true(memchr(entries.items[i].title, '\0', 96) &&
				    memchr(entries.items[i].path, '\0', 128));
	}
}

RUN("efi", T(entries_are_read), T(hostile_entries_do_no_harm), T(option_has_these_bytes),
	T(guids_are_read), T(entries_come_and_go), T(firmware_without_variables))
