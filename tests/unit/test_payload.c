// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of payload.c: the bytes of a cpio archive, their alignment, and what is refused.
#include <sys/stat.h>
#include <unistd.h>
#include "payload.h"
#include "unit.h"

/* Archives a list of what lies in our directory. */
static int make(const char *list, const char **bytes, size_t *size, char **why)
{
	FILE *contents = fmemopen((char *)list, strlen(list), "r"), *out = unit_open();
	int ret;

	assert_non_null(contents);
	*why = NULL;
	ret = payload_archive(unit_path("."), contents, out, why);
	fclose(contents);
	*bytes = unit_close(out, size);
	return ret;
}

TEST(bytes_are_these)
{
	/* As "cpio -o -H newc" writes it, with these inode numbers, owners and times. */
	static const char wanted[] =
		"07070100000001000041ED0000000000000000000000020000000000000000000000000000000000000000000000000000000400000000dev\0\0\0"
		"07070100000002000021800000000000000000000000010000000000000000000000000000000000000005000000010000000C00000000dev/console\0\0\0"
		"07070100000003000081ED000000000000000000000001000000000000000A000000000000000000000000000000000000000500000000init\0\0#!/bin/sh\n\0\0"
		"07070100000004000081A40000000000000000000000010000000000000000000000000000000000000000000000000000000600000000empty\0"
		"07070100000005000000000000000000000000000000010000000000000000000000000000000000000000000000000000000B00000000TRAILER!!!\0\0\0\0";
	const char *bytes;
	size_t size;
	char *why;

	unit_write("init", "#!/bin/sh\n", 10);
	unit_write("empty", "", 0);
	assert_int_equal(
		make("dir /dev 755\nnode /dev/console 600 5 1\nfile /init 755\nfile empty 644\n",
			&bytes, &size, &why),
		0);
	assert_null(why);
	assert_int_equal(size, sizeof(wanted) - 1);
	assert_memory_equal(bytes, wanted, size);
}

static size_t field(const char *header, unsigned nth)
{
	char hex[9] = "";

	memcpy(hex, header + 6 + 8 * nth, 8);
	assert_int_equal(strspn(hex, "0123456789ABCDEF"), 8);
	return strtoul(hex, NULL, 16);
}

TEST(every_size_is_aligned)
{
	char list[4096] = "", name[16], *why;
	size_t size, at = 0;
	const char *bytes;

	for (unsigned i = 0; i < 64; i++) {
		snprintf(name, sizeof(name), "%.*s-%02u", (int)(i % 8), "xxxxxxx", i);
		unit_write(name, "abcdefg", i / 8);
		sprintf(list + strlen(list), "file /%s 644\n", name);
	}
	assert_int_equal(make(list, &bytes, &size, &why), 0);
	for (unsigned i = 0; i <= 64; i++) {
		const char *header = bytes + at;
		size_t body = (at + 110 + field(header, 11) + 3) & ~3ul;

		assert_memory_equal(header, "070701", 6);
		assert_int_equal(field(header, 0), i + 1);
		snprintf(name, sizeof(name), "%.*s-%02u", (int)(i % 8), "xxxxxxx", i);
		assert_string_equal(header + 110, i < 64 ? name : "TRAILER!!!");
		assert_int_equal(field(header, 6), i < 64 ? i / 8 : 0);
		assert_memory_equal(bytes + body, "abcdefg", field(header, 6));
		at = (body + field(header, 6) + 3) & ~3ul;
	}
	assert_int_equal(at, size);
}

TEST(bad_lists_are_refused)
{
	static const struct {
		const char *line;
		int ret;
		const char *why;
	} rows[] = {{"file /none 644", -ENOENT, "/none"}, {"file /folder 644", -EINVAL, "/folder"},
		{"file /big 644", -EFBIG, "/big"}, {"link /init 777", -EINVAL, "/init"},
		{"file /init", -EINVAL, "/init"}, {"file /init rw", -EINVAL, "/init"},
		{"file /init 644 1 2", -EINVAL, "/init"}, {"dir /dev 755 1 2", -EINVAL, "/dev"},
		{"node /dev/null 666", -EINVAL, "/dev/null"}, {"file", -EINVAL, "file"},
		{"node /dev/null 666 1", -EINVAL, "/dev/null"}, {"", -EINVAL, ""}};
	static char list[8000];
	const char *bytes;
	size_t size;
	char *why;

	mkdir(unit_path("folder"), 0700);
	assert_int_equal(truncate(unit_write("big", "", 0), (off_t)UINT32_MAX + 1), 0);
	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(list, sizeof(list), "dir /dev 755\n%s\ndir /never 755\n", rows[i].line);
		assert_int_equal(make(list, &bytes, &size, &why), rows[i].ret);
		assert_string_equal(why, rows[i].why);
		assert_null(memmem(bytes, size, "never", 5));
		assert_null(memmem(bytes, size, "TRAILER", 7));
		free(why);
	}
	snprintf(list, sizeof(list), "dir /%05000d 755\n", 0);
	assert_int_equal(make(list, &bytes, &size, &why), -EINVAL);
	free(why);
	for (unsigned i = 0; i < 2000; i++) {
		strcpy(list, "dir /dev 755\nnode /dev/console 600 5 1\nfile /init 755\n");
		for (unsigned n = 1 + unit_chance(4); n > 0; n--)
			list[unit_chance(50)] = " \n/dfx70-%"[unit_chance(10)];
		assert_true(make(list, &bytes, &size, &why) <= 0);
		free(why);
	}
}

TEST(payload_is_written)
{
	static const char *const stored[] = {"xen\0gz", "linux."};
	const char *root = unit_path("."), *bytes;
	uint64_t sum, wanted = 0;
	char *why, *copy;
	size_t size;

	for (const char *const *name = payload_names; *name; name++) {
		assert_int_equal(payload_write(root, *name, stdout, &why), -ENOENT);
		assert_non_null(strstr(why, "/payload/"));
		free(why);
	}
	unit_write("init", "#!/bin/sh\n", 10);
	unit_write("payload/contents", "file /init 755\n", 15);
	unit_write("payload/xen.gz", stored[0], 6);
	unit_write("payload/vmlinuz", stored[1], 6);
	for (size_t i = 0; payload_names[i]; i++) {
		FILE *full = fopen("/dev/full", "w"), *out = unit_open();

		assert_int_equal(payload_write(root, payload_names[i], out, NULL), 0);
		bytes = unit_close(out, &size);
		if (i < COUNT(stored)) {
			assert_int_equal(size, 6);
			assert_memory_equal(bytes, stored[i], 6);
		} else {
			copy = memcpy(malloc(size), bytes, size);
			assert_int_equal(make("file /init 755\n", &bytes, &size, &why), 0);
			assert_memory_equal(bytes, copy, size);
			free(copy);
		}
		assert_true(payload_write(root, payload_names[i], full, NULL) < 0);
		fclose(full);
		wanted += size;
	}
	assert_int_equal(payload_size(root, &sum, NULL), 0);
	assert_int_equal(sum, wanted);
	assert_int_equal(payload_size(unit_path("none"), &sum, NULL), -ENOENT);
	assert_int_equal(payload_write(root, "../init", stdout, NULL), -ENOENT);
	assert_int_equal(payload_write(root, "contents", stdout, NULL), -ENOENT);
}

/* Behind an initramfs, where its maker looks for it and the kernel unpacks it. */
TEST(the_head_goes_along)
{
	const char *root = unit_path("."), *bytes;
	char head[UPDATE_HEAD] = "posada-update 1\n", plain[4096];
	size_t size, whole;
	FILE *out;
	char *why;

	unit_write("init", "#!/bin/sh\n", 10);
	unit_write("payload/contents", "file /init 755\n", 15);
	assert_int_equal(make("file /init 755\n", &bytes, &size, &why), 0);
	memcpy(plain, bytes, size);
	unit_write("payload/update", head, sizeof(head));
	out = unit_open();
	assert_int_equal(payload_write(root, "initramfs.img", out, NULL), 0);
	bytes = unit_close(out, &whole);
	assert_memory_equal(bytes, plain, size);
	assert_memory_equal(bytes + whole - PAYLOAD_HEAD_END, head, sizeof(head));
	assert_memory_equal(bytes + size, "070701", 6);
	assert_string_equal(bytes + size + 110, "payload/update");
	memcpy(plain, bytes + size, whole - size);
	/* The same when the initramfs has any other size, at a multiple of 4. */
	for (uint64_t at = 97; at <= 100; at++) {
		size_t used, zeros = (size_t)(100 - at);

		out = unit_open();
		assert_int_equal(payload_carry(head, at, out), 0);
		bytes = unit_close(out, &used);
		assert_int_equal(used, zeros + whole - size);
		assert_memory_equal(bytes, "\0\0\0", zeros);
		assert_memory_equal(bytes + zeros, plain, whole - size);
	}
	out = fopen("/dev/full", "w");
	assert_true(payload_carry(head, 0, out) < 0);
	fclose(out);
}

RUN("payload", T(bytes_are_these), T(every_size_is_aligned), T(bad_lists_are_refused),
	T(payload_is_written), T(the_head_goes_along))
