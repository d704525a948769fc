// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of loader.c: both boot loaders get the same entries with the same options.
#include "loader.h"
#include "unit.h"

#define ENTRIES_MAX 8

static const struct loader_place place = {"1.2.3", "CDLABEL=POSADA", "/boot/posada", 5};

struct entry {
	char name[32], title[64], xen[256], linux[256], initramfs[64];
};

static char *written(const char *loader)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	assert_int_equal(loader_write(loader, &place, out), 0);
	assert_int_equal(fclose(out), 0);
	return text;
}

static void copy_until(char *to, size_t size, const char *from, const char *end)
{
	const char *stop = strstr(from, end);

	assert_non_null(stop);
	assert_true((size_t)(stop - from) < size);
	memcpy(to, from, (size_t)(stop - from));
	to[stop - from] = '\0';
}

#define UNTIL(field, from, end) copy_until(field, sizeof(field), from, end)

static size_t read_grub(char *text, struct entry *entries)
{
	size_t count = 0;

	for (char *at = text; (at = strstr(at, "menuentry '")); at++) {
		struct entry *entry = &entries[count++];

		assert_true(count <= ENTRIES_MAX);
		UNTIL(entry->title, at + 11, "'");
		UNTIL(entry->name, strstr(at, "--id ") + 5, " {");
		*strstr(at, "\n}\n") = '\0';
		if (strstr(at, "multiboot2 ")) {
			UNTIL(entry->xen, strstr(at, "multiboot2 ") + 11, "\n");
			UNTIL(entry->linux, strstr(at, "module2 ") + 8, "\n");
			strcpy(entry->initramfs, strstr(at, "--nounzip ") + 10);
		} else {
			UNTIL(entry->linux, strstr(at, "linux ") + 6, "\n");
			strcpy(entry->initramfs, strstr(at, "initrd ") + 7);
		}
		at += strlen(at);
	}
	return count;
}

static size_t read_syslinux(char *text, struct entry *entries)
{
	size_t count = 0;
	char *next;

	for (char *at = strstr(text, "\nLABEL "); at; at = next) {
		struct entry *entry = &entries[count++];

		next = strstr(at + 1, "\nLABEL ");
		if (next)
			*next++ = '\0', next--;
		UNTIL(entry->name, at + 7, "\n");
		(void)entry;
	}
	return count;
}

int main(void)
{
	(void)read_grub;
	(void)read_syslinux;
	(void)written;
	return 0;
}
