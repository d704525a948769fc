// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of update.c: what is taken for an update, whose signature counts, and where it is found.
#include "update.h"
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>
#include "payload.h"
#include "unit.h"

static const char *const contents[UPDATE_FILES] = {"xen", "kernel", "root", "# Posada 2.0\nmenu"};

static char why[UPDATE_TEXT], signed_head[UPDATE_HEAD];

/* These stand in front of the C library's: what is on devices/NAME is the directory fs-NAME. */
int mount(const char *source, const char *target, const char *kind, unsigned long flags,
	const void *data)
{
	char name[64];

	(void)data;
	snprintf(name, sizeof(name), "fs-%s", strrchr(source, '/') + 1);
	assert_string_equal(kind, "vfat");
	assert_true(flags & MS_RDONLY);
	errno = ENOTBLK;
	if (access(unit_path(name), F_OK))
		return -1;
	return rmdir(target) || symlink(unit_path(name), target) ? -1 : 0;
}

int umount2(const char *target, int flags)
{
	assert_int_equal(flags, MNT_DETACH);
	return unlink(target) || mkdir(target, 0700) ? -1 : 0;
}

static gnutls_privkey_t make_key(const char *name)
{
	gnutls_privkey_t private;
	gnutls_pubkey_t public;
	gnutls_datum_t pem;

	assert_int_equal(gnutls_privkey_init(&private), 0);
	assert_int_equal(gnutls_privkey_generate(private, GNUTLS_PK_EDDSA_ED25519,
				 GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0),
		0);
	assert_int_equal(gnutls_pubkey_init(&public), 0);
	assert_int_equal(gnutls_pubkey_import_privkey(public, private, 0, 0), 0);
	assert_int_equal(gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &pem), 0);
	unit_write(name, pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_pubkey_deinit(public);
	return private;
}

static void put_hex(char *to, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sprintf(to + 2 * i, "%02x", bytes[i]);
}

/* What the builder writes in front of the signature. */
static size_t put_text(char *head, const char *machine)
{
	uint8_t hash[32];
	size_t used;

	memset(head, 0, UPDATE_HEAD);
	used = (size_t)sprintf(head, "posada-update 1\nversion 2.0\nmachine %s\n", machine);
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		gnutls_hash_fast(GNUTLS_DIG_SHA256, contents[i], strlen(contents[i]), hash);
		used += (size_t)sprintf(
			head + used, "%s %zu ", update_names[i], strlen(contents[i]));
		put_hex(head + used, hash, sizeof(hash));
		used += 64;
		head[used++] = '\n';
	}
	return used;
}

static void put_signature(char *head, size_t used, gnutls_privkey_t key)
{
	const gnutls_datum_t text = {(unsigned char *)head, (unsigned)used};
	gnutls_datum_t signature;

	assert_int_equal(
		gnutls_privkey_sign_data2(key, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signature), 0);
	assert_int_equal(signature.size, 64);
	strcpy(head + used, "signature ");
	put_hex(head + used + 10, signature.data, 64);
	strcat(head, "\n");
	gnutls_free(signature.data);
}

static void make_head(char *head, gnutls_privkey_t key)
{
	put_signature(head, put_text(head, "amd64"), key);
	memcpy(signed_head, head, sizeof(signed_head));
}

/* A whole update file; its size comes back. */
static size_t make_file(char *file, gnutls_privkey_t key)
{
	size_t used = UPDATE_HEAD;

	make_head(file, key);
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		strcpy(file + used, contents[i]);
		used += strlen(contents[i]);
	}
	return used;
}

static const char *text_of(const char *name)
{
	static char text[4096];
	FILE *file = fopen(unit_path(name), "rb");
	size_t got;

	assert_non_null(file);
	got = fread(text, 1, sizeof(text) - 1, file);
	fclose(file);
	text[got] = '\0';
	return text;
}

TEST(heads_are_parsed)
{
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD], bad[UPDATE_HEAD];
	struct update update;

	make_head(head, key);
	assert_int_equal(update_parse(head, &update), 0);
	assert_string_equal(update.version, "2.0");
	assert_string_equal(update.machine, "amd64");
	for (size_t i = 0; i < UPDATE_FILES; i++)
		assert_int_equal(update.files[i].size, strlen(contents[i]));
	assert_memory_equal(head + update.covered, "signature ", 10);
	memcpy(bad, head, sizeof(bad));
	bad[14] = '2';
	assert_int_equal(update_parse(bad, &update), -EPROTONOSUPPORT);
	/* Every byte counts: another one is refused, or is not what was signed. */
	for (size_t i = 0; i < UPDATE_HEAD; i++) {
		int ret;

		memcpy(bad, head, sizeof(bad));
		bad[i] ^= 1;
		ret = update_parse(bad, &update);
		if (!ret)
			ret = update_verify(bad, &update, text_of("key"));
		assert_true(ret == -EINVAL || ret == -EKEYREJECTED || ret == -EPROTONOSUPPORT);
	}
	for (unsigned n = 0; n < 20000; n++) {
		memcpy(bad, head, sizeof(bad));
		for (unsigned i = unit_chance(6); i < 6; i++)
			bad[unit_chance(n % 2 ? 80 : UPDATE_HEAD)] =
				" \n/09af.-\0\xff%"[unit_chance(12)];
		if (!update_parse(bad, &update) && memcmp(bad, head, sizeof(bad)) != 0)
			assert_int_equal(
				update_verify(bad, &update, text_of("key")), -EKEYREJECTED);
		assert_true(strlen(update.version) < sizeof(update.version));
		assert_null(strpbrk(update.version, " /'$\n"));
	}
	gnutls_privkey_deinit(key);
}

TEST(signatures_count)
{
	gnutls_privkey_t key = make_key("key"), other = make_key("other");
	char head[UPDATE_HEAD];
	struct update update;

	make_head(head, key);
	assert_int_equal(update_parse(head, &update), 0);
	assert_int_equal(update_verify(head, &update, text_of("key")), 0);
	assert_int_equal(update_verify(head, &update, text_of("other")), -EKEYREJECTED);
	assert_int_equal(update_verify(head, &update, ""), -EINVAL);
	assert_int_equal(update_verify(head, &update, "-----BEGIN PUBLIC KEY-----\n"), -EINVAL);
	gnutls_privkey_deinit(key);
	gnutls_privkey_deinit(other);
}

TEST(versions_have_an_order)
{
	static const char *const rising[] = {
		"0.1.0", "0.1.1", "0.2.0", "0.9", "0.10.0", "1.0.0", "1.0.0-1", "10.0"};

	for (size_t i = 0; i < COUNT(rising); i++)
		for (size_t j = 0; j < COUNT(rising); j++)
			assert_int_equal(i < j, update_order(rising[i], rising[j]) < 0);
	assert_int_equal(update_order("1.2", "1.2"), 0);
}

/* Every file of the update at WHERE is what it should be, as often as it may be read. */
static void see_files(const char *where, bool again)
{
	struct update_source *source;
	size_t size;

	assert_int_equal(update_open(where, unit_path("key"), &source, why), 0);
	assert_string_equal(why, "");
	assert_string_equal(update_about(source)->version, "2.0");
	assert_int_equal(update_rereads(source), again);
	for (size_t n = 0; again && n < UPDATE_FILES; n++)
		assert_int_equal(update_copy(source, UPDATE_FILES - 1 - n, NULL), 0);
	for (size_t n = 0; n < UPDATE_FILES; n++) {
		FILE *out = unit_open();
		const char *bytes;

		assert_int_equal(update_copy(source, n, out), 0);
		bytes = unit_close(out, &size);
		assert_memory_equal(bytes, contents[n], strlen(contents[n]));
		if (strcmp(update_names[n], "initramfs.img") != 0) {
			assert_int_equal(size, strlen(contents[n]));
			continue;
		}
		/* Whoever starts it knows of which version it is. */
		assert_true(size > PAYLOAD_HEAD_END);
		assert_string_equal(bytes + size - PAYLOAD_HEAD_END, signed_head);
	}
	update_close(source);
}

static void refused(const char *where, int ret, const char *reason)
{
	struct update_source *source;

	assert_int_equal(update_open(where, unit_path("key"), &source, why), ret);
	assert_null(source);
	if (!strstr(why, reason))
		fail_msg("%s", why);
}

TEST(files_are_opened)
{
	gnutls_privkey_t key = make_key("key"), other = make_key("other");
	static char file[4096];
	size_t size = make_file(file, key);
	struct update_source *source;

	see_files(unit_write("update", file, size), true);
	refused(unit_path("none"), -ENOENT, "cannot be read: No such file");
	refused(unit_write("short", file, UPDATE_HEAD - 1), -EINVAL, "is no update of Posada");
	refused(unit_write("empty", "", 0), -EINVAL, "is no update of Posada");
	/* What is cut off or changed behind the head is seen when it is read. */
	for (size_t left = UPDATE_HEAD; left < size; left++) {
		int ret = 0;

		assert_int_equal(
			update_open(unit_write("cut", file, left), unit_path("key"), &source, why),
			0);
		for (size_t n = 0; !ret && n < UPDATE_FILES; n++)
			ret = update_copy(source, n, NULL);
		assert_int_equal(ret, -EBADMSG);
		update_close(source);
	}
	file[UPDATE_HEAD] ^= 1;
	assert_int_equal(
		update_open(unit_write("changed", file, size), unit_path("key"), &source, why), 0);
	assert_int_equal(update_copy(source, 0, NULL), -EBADMSG);
	assert_int_equal(update_copy(source, 1, NULL), 0);
	update_close(source);
	make_file(file, other);
	refused(unit_write("update", file, size), -EKEYREJECTED, "is not signed by those");
	put_signature(file, put_text(file, "arm64"), key);
	refused(unit_write("update", file, size), -ENOEXEC, "another kind of machine");
	make_file(file, key);
	file[14] = '2';
	refused(unit_write("update", file, size), -EPROTONOSUPPORT, "in between");
	make_file(file, key);
	unit_write("key", "", 0);
	refused(unit_write("update", file, size), -ENOKEY, "is not there");
	gnutls_privkey_deinit(key);
	gnutls_privkey_deinit(other);
}

/* What a running system writes: the head is behind the initramfs. */
static void put_carrying(const char *folder, const char head[UPDATE_HEAD])
{
	char name[64];
	FILE *file;

	for (size_t i = 0; i < UPDATE_FILES; i++) {
		snprintf(name, sizeof(name), "%s/%s", folder, update_names[i]);
		unit_write(name, contents[i], strlen(contents[i]));
	}
	snprintf(name, sizeof(name), "%s/initramfs.img", folder);
	file = fopen(unit_path(name), "ab");
	assert_int_equal(payload_carry(head, strlen("root"), file), 0);
	fclose(file);
}

TEST(directories_are_opened)
{
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD], name[64];

	make_head(head, key);
	unit_write("tree/update", head, sizeof(head));
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		snprintf(name, sizeof(name), "tree/%s", update_names[i]);
		unit_write(name, contents[i], strlen(contents[i]));
	}
	see_files(unit_path("tree"), true);
	unlink(unit_path("tree/update"));
	refused(unit_path("tree"), -EINVAL, "is no update of Posada");
	/* What a running system has written has it behind the initramfs. */
	put_carrying("tree", head);
	see_files(unit_path("tree"), true);
	unlink(unit_path("tree/entries.cfg"));
	refused(unit_path("tree"), -EINVAL, "is no update of Posada");
	gnutls_privkey_deinit(key);
}

/* Of two versions on a stick the newer one that is whole. */
TEST(installations_are_opened)
{
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD], older[UPDATE_HEAD];

	unit_write("devices/sde1", "", 0);
	refused(unit_path("devices/sde1"), -EINVAL, "is no update of Posada");
	mkdir(unit_path("fs-sde1"), 0700);
	refused(unit_path("devices/sde1"), -EINVAL, "is no update of Posada");
	make_head(head, key);
	memcpy(older, head, sizeof(older));
	memcpy(strstr(older, "version ") + 8, "1.9", 3);
	put_carrying("fs-sde1/posada/a", older);
	refused(unit_path("devices/sde1"), -EKEYREJECTED, "is not signed by those");
	put_carrying("fs-sde1/posada/b", head);
	see_files(unit_path("devices/sde1"), true);
	unit_run("cd fs-sde1/posada && mv a x && mv b a && mv x b");
	see_files(unit_path("devices/sde1"), true);
	unit_run("rm fs-sde1/posada/a/entries.cfg");
	refused(unit_path("devices/sde1"), -EKEYREJECTED, "is not signed by those");
	unit_run("rm -r fs-sde1");
	gnutls_privkey_deinit(key);
}

/* A CD image of the least kind: one directory in another, one block for each file. */
#define BLOCK PAYLOAD_BLOCK

static uint8_t *put_record(uint8_t *at, const char *name, uint32_t block, uint32_t size)
{
	for (unsigned i = 0; i < 4; i++) {
		at[2 + i] = (uint8_t)(block >> 8 * i);
		at[10 + i] = (uint8_t)(size >> 8 * i);
	}
	at[32] = (uint8_t)strlen(name);
	memcpy(at + 33, name, strlen(name));
	at[0] = (uint8_t)((34 + strlen(name)) & ~1ul);
	return at + at[0];
}

/* It is known by the name of an empty file. */
static void put_image(uint8_t image[32 * BLOCK], const char head[UPDATE_HEAD], const char *medium)
{
	static const char *const names[] = {
		"XEN.GZ;1", "VMLINUZ.;1", "INITRAMFS.IMG;1", "ENTRIES.CFG;1"};
	uint8_t *at = image + 18 * BLOCK;

	memset(image, 0, 32 * BLOCK);
	image[16 * BLOCK] = 1;
	memcpy(image + 16 * BLOCK + 1, "CD001", 5);
	put_record(image + 16 * BLOCK + 156, "", 17, BLOCK);
	put_record(image + 17 * BLOCK, "POSADA", 18, BLOCK);
	at = put_record(at, "UPDATE.;1", 19, UPDATE_HEAD);
	memcpy(image + 19 * BLOCK, head, UPDATE_HEAD);
	for (unsigned i = 0; i < UPDATE_FILES; i++) {
		at = put_record(at, names[i], 20 + i, (uint32_t)strlen(contents[i]));
		strcpy((char *)image + (20 + i) * BLOCK, contents[i]);
	}
	put_record(at, medium, 31, 0);
}

TEST(images_are_opened)
{
	static uint8_t image[32 * BLOCK];
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD];

	make_head(head, key);
	put_image(image, head, "0123ABCD.;1");
	see_files(unit_write("image", image, sizeof(image)), true);
	refused(unit_write("image", image, 19 * BLOCK), -EINVAL, "is no update of Posada");
	for (unsigned n = 0; n < 500; n++) {
		static uint8_t bad[sizeof(image)];
		struct update_source *source;

		memcpy(bad, image, sizeof(image));
		for (unsigned i = 0; i < 4; i++)
			bad[(16 + unit_chance(3)) * BLOCK + unit_chance(300)] =
				(uint8_t)unit_chance(256);
		if (!update_open(
			    unit_write("image", bad, sizeof(bad)), unit_path("key"), &source, why))
			update_close(source);
	}
	gnutls_privkey_deinit(key);
}

/* A device with that version on it; MEDIUM: a CD image. */
static void put_device(const char *name, const char *version, const char *medium)
{
	static uint8_t image[32 * BLOCK];
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD], path[64];

	make_head(head, key);
	memcpy(strstr(head, "version ") + 8, version, 3);
	put_image(image, head, medium ? medium : "");
	snprintf(path, sizeof(path), "devices/%s", name);
	if (medium)
		unit_write(path, image, sizeof(image));
	else
		unit_write(path, head, sizeof(head));
	snprintf(path, sizeof(path), "names/%s", name);
	unit_write(path, "", 0);
	gnutls_privkey_deinit(key);
}

/* An installation on each: a stick, a disk that is built in, and what the host runs from. */
static struct part parts[] = {{.name = "sde1", .content = "vfat", .posada = true},
	{.name = "sdf1", .content = "vfat", .posada = true},
	{.name = "sdg1", .content = "vfat", .posada = true}};
static struct disk disks[] = {
	{.name = "sde", .transport = "usb", .parts = &parts[0], .part_count = 1},
	{.name = "sdf", .transport = "sata", .parts = &parts[1], .part_count = 1},
	{.name = "sdg", .removable = true, .medium = true, .parts = &parts[2], .part_count = 1}};
static const struct machine machine = {.disks = disks, .disk_count = COUNT(disks)};
static const struct part *target;

static void see_found(const char *device, const char *version, bool own)
{
	struct update_found found;

	assert_int_equal(update_find(unit_path("names"), unit_path("devices"), "0123abcd", &machine,
				 target, &found),
		0);
	assert_string_equal(strrchr(found.path, '/') + 1, device);
	assert_string_equal(found.version, version);
	assert_int_equal(found.own, own);
}

TEST(the_newest_stick_is_found)
{
	struct update_found found;

	unit_write("names/sda", "", 0);
	unit_write("devices/sda", "nothing", 7);
	assert_int_equal(
		update_find(unit_path("none"), unit_path("devices"), "", &machine, NULL, &found),
		-ENOENT);
	/* What this host was started from is better than nothing, */
	put_device("sr0", "9.9", "0123ABCD.;1");
	see_found("sr0", "9.9", true);
	/* and worse than whatever somebody has plugged in. */
	put_device("sdc1", "0.9", "FFFFABCD.;1");
	see_found("sdc1", "0.9", false);
	put_device("sdc", "0.9", "FFFFABCD.;1");
	see_found("sdc", "0.9", false);
	put_device("sdb", "1.0", NULL);
	see_found("sdb", "1.0", false);
	put_device("sdd", "0.8", NULL);
	see_found("sdb", "1.0", false);
}

static void put_installation(const char *name, const char *version)
{
	gnutls_privkey_t key = make_key("key");
	char head[UPDATE_HEAD], path[64];

	make_head(head, key);
	memcpy(strstr(head, "version ") + 8, version, 3);
	snprintf(path, sizeof(path), "devices/%s", name);
	unit_write(path, "", 0);
	snprintf(path, sizeof(path), "names/%s", name);
	unit_write(path, "", 0);
	snprintf(path, sizeof(path), "fs-%s/posada/a", name);
	put_carrying(path, head);
	gnutls_privkey_deinit(key);
}

/* What Posada has written itself is as good, on what travels; a disk of the machine is none. */
TEST(a_stick_that_posada_made_is_found)
{
	struct update_found found;

	unit_run("rm -rf names devices");
	put_installation("sdf1", "3.0");
	assert_int_equal(update_find(unit_path("names"), unit_path("devices"), "0123abcd", &machine,
				 NULL, &found),
		-ENOENT);
	put_installation("sdg1", "2.0");
	see_found("sdg1", "2.0", true);
	put_installation("sde1", "1.0");
	see_found("sde1", "1.0", false);
	put_device("sda", "0.9", "FFFFABCD.;1");
	see_found("sde1", "1.0", false);
	put_device("sda", "1.1", "FFFFABCD.;1");
	see_found("sda", "1.1", false);
	/* What is to be brought up to date is not taken for what does it. */
	unit_run("rm names/sda");
	target = &parts[0];
	see_found("sdg1", "2.0", true);
	target = NULL;
}

/* A wget of ours: it sends a file, slowly, or says what went wrong. */
static void put_wget(const char *script)
{
	static char path[4096];

	chmod(unit_write("bin/wget", script, strlen(script)), 0755);
	if (!*path) {
		snprintf(path, sizeof(path), "%s:%s", unit_path("bin"), getenv("PATH"));
		setenv("PATH", path, 1);
	}
}

TEST(addresses_are_opened)
{
	gnutls_privkey_t key = make_key("key");
	static char file[4096], script[1024];
	size_t size = make_file(file, key);
	struct update_source *source;

	snprintf(script, sizeof(script), "#!/bin/sh\n[ \"$6\" = http://host/f ] && cat '%s'\n",
		unit_write("update", file, size));
	put_wget(script);
	see_files("http://host/f", false);
	/* It breaks off. */
	unit_write("update", file, size - 1);
	assert_int_equal(update_open("http://host/f", unit_path("key"), &source, why), 0);
	for (size_t n = 0; n < UPDATE_FILES; n++)
		assert_int_equal(update_copy(source, n, NULL), n + 1 < UPDATE_FILES ? 0 : -EBADMSG);
	update_close(source);
	put_wget("#!/bin/sh\necho one >&2; echo 'wget: 404 Not Found' >&2; exit 1\n");
	refused("https://host/f", -EINVAL, "wget: 404 Not Found");
	assert_null(strstr(why, "one"));
	put_wget("#!/bin/sh\nexit 1\n");
	refused("http://host/f", -EINVAL, "http://host/f is no update");
	/* One that goes on and on is ended. */
	snprintf(script, sizeof(script), "#!/bin/sh\ncat '%s'; exec cat /dev/zero\n",
		unit_path("update"));
	put_wget(script);
	assert_int_equal(update_open("http://host/f", unit_path("key"), &source, why), 0);
	update_close(source);
	gnutls_privkey_deinit(key);
}

RUN("update", T(heads_are_parsed), T(signatures_count), T(versions_have_an_order),
	T(files_are_opened), T(directories_are_opened), T(images_are_opened),
	T(installations_are_opened), T(the_newest_stick_is_found),
	T(a_stick_that_posada_made_is_found), T(addresses_are_opened))
