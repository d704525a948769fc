// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of versions.c on an image file. What it mounts is a directory of the test, so that nobody
// needs to be root.
#include "versions.h"
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "origin.h"
#include "unit.h"

static char why[APPLY_TEXT];
static unsigned mounts;
static uint64_t room;
static gnutls_privkey_t private;

/* These stand in front of the C library's. */
int mount(const char *source, const char *target, const char *kind, unsigned long flags,
	const void *data)
{
	const char *fs = strstr(source, "/twin") ? "fs-twin" : "fs";

	(void)data;
	assert_string_equal(kind, "vfat");
	assert_true(flags & MS_NOSYMFOLLOW);
	mounts += !(flags & MS_RDONLY);
	mkdir(unit_path(fs), 0700);
	return rmdir(target) || symlink(unit_path(fs), target) ? -1 : 0;
}

int umount(const char *target)
{
	return unlink(target) || mkdir(target, 0700) ? -1 : 0;
}

int statvfs(const char *path, struct statvfs *status)
{
	(void)path;
	*status = (struct statvfs){.f_bavail = room, .f_frsize = 1};
	return 0;
}

/* The disk keeps another byte than it was given, of the file that has this many. */
static off_t spoilt;

int fsync(int fd)
{
	struct stat status;

	assert_int_equal(fstat(fd, &status), 0);
	return spoilt && status.st_size == spoilt && pwrite(fd, "?", 1, 0) != 1 ? -1 : 0;
}

/* How often the disk had what was said when none of the first slot's files was there. */
static unsigned emptied;

int syncfs(int fd)
{
	bool empty = true;
	char name[64];

	(void)fd;
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		snprintf(name, sizeof(name), "fs/posada/a/%s", update_names[i]);
		empty &= access(unit_path(name), F_OK) != 0;
	}
	emptied += empty;
	return 0;
}

static struct part part = {.name = "disk1", .number = 1};
/* The other disk of a mirror, when there is one. */
static const struct part twin_part = {.name = "twin1", .number = 1};
static struct versions_twin twin;

static void fill(struct apply_options *options, char texts[2][256])
{
	strcpy(texts[0], unit_path("dev"));
	strcpy(texts[1], unit_path("mount"));
	*options = (struct apply_options){.places = {.devices = texts[0], .mount = texts[1]}};
}

static void make_key(void)
{
	gnutls_pubkey_t public;
	gnutls_datum_t pem;

	if (private)
		return;
	gnutls_privkey_init(&private);
	gnutls_privkey_generate(private, GNUTLS_PK_EDDSA_ED25519,
		GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_ED25519), 0);
	gnutls_pubkey_init(&public);
	gnutls_pubkey_import_privkey(public, private, 0, 0);
	gnutls_pubkey_export2(public, GNUTLS_X509_FMT_PEM, &pem);
	unit_write("key", pem.data, pem.size);
	gnutls_free(pem.data);
	gnutls_pubkey_deinit(public);
}

static size_t put_hex(char *to, const uint8_t *bytes, size_t size)
{
	for (size_t i = 0; i < size; i++)
		sprintf(to + 2 * i, "%02x", bytes[i]);
	return 2 * size;
}

/* An update file: its files' bytes are their names, its entries tell the version. */
static const char *put_update(const char *version, size_t cut)
{
	char file[4096] = "", entries[64];
	const char *contents[UPDATE_FILES];
	size_t used, all = UPDATE_HEAD;
	gnutls_datum_t text, signature;
	uint8_t hash[32];

	make_key();
	snprintf(entries, sizeof(entries), "# Posada %s\n", version);
	used = (size_t)sprintf(file, "posada-update 1\nversion %s\nmachine amd64\n", version);
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		contents[i] = i + 1 < UPDATE_FILES ? update_names[i] : entries;
		gnutls_hash_fast(GNUTLS_DIG_SHA256, contents[i], strlen(contents[i]), hash);
		used += (size_t)sprintf(
			file + used, "%s %zu ", update_names[i], strlen(contents[i]));
		used += put_hex(file + used, hash, sizeof(hash));
		file[used++] = '\n';
	}
	text = (gnutls_datum_t){(unsigned char *)file, (unsigned)used};
	gnutls_privkey_sign_data2(private, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signature);
	used += (size_t)sprintf(file + used, "signature ");
	used += put_hex(file + used, signature.data, signature.size);
	strcpy(file + used, "\n");
	gnutls_free(signature.data);
	for (size_t i = 0; i < UPDATE_FILES; i++) {
		strcpy(file + all, contents[i]);
		all += strlen(contents[i]);
	}
	return unit_write("update", file, all - cut);
}

/* The installation of one version, as apply_plan leaves it. */
static void install(const char *version)
{
	char text[64], command[300];

	snprintf(command, sizeof(command), "rm -rf '%s' '%s'", unit_path("fs"), unit_path("mount"));
	assert_int_equal(system(command), 0);
	unit_write("dev/disk", "", 0);
	unit_write("dev/disk1", "", 0);
	snprintf(text, sizeof(text), "# Posada %s\nmenuentry\n", version);
	unit_write("fs/posada/a/entries.cfg", text, strlen(text));
	unit_write("fs/posada/a/xen.gz", "old", 3);
	assert_int_equal(
		grubenv_write(unit_path("fs/posada/grubenv"), &(struct grubenv){.slot = 'a'}), 0);
	room = 100 << 20;
	mounts = 0;
}

/* The slot that this host was started from. */
static char runs;

static int update(const char *where, bool older)
{
	struct update_source *source;
	struct apply_options options;
	char texts[2][256];
	int ret;

	fill(&options, texts);
	if (update_open(where, unit_path("key"), &source, why))
		fail_msg("%s", why);
	ret = versions_update("disk", &part, &twin, source, older, runs, &options, why);
	update_close(source);
	return ret;
}

static int confirm(char slot)
{
	struct apply_options options;
	char texts[2][256];

	fill(&options, texts);
	return versions_confirm("disk", &part, &twin, slot, &options, why);
}

/* What GRUB does with a try. */
static char start_from(const char *path)
{
	struct grubenv env;

	assert_int_equal(grubenv_read(unit_path(path), &env), 0);
	if (!env.trial)
		return env.slot;
	env.tried = env.trial;
	env.trial = 0;
	assert_int_equal(grubenv_write(unit_path(path), &env), 0);
	return env.tried;
}

static char start(void)
{
	return start_from("fs/posada/grubenv");
}

static const char *states_of(const char *disk, const struct part *where)
{
	static char texts_of_both[2][256];
	char *text = texts_of_both[where == &twin_part];
	struct apply_options options;
	struct versions versions;
	char texts[2][256];

	fill(&options, texts);
	assert_int_equal(versions_read(disk, where, &options, &versions, why), 0);
	snprintf(text, 256, "%s %s %s %s%s", versions.slots[0].version,
		version_states[versions.slots[0].state], versions.slots[1].version,
		version_states[versions.slots[1].state], versions.env_damaged ? " damaged" : "");
	return text;
}

static const char *states(void)
{
	return states_of("disk", &part);
}

static bool there(const char *name)
{
	return !access(unit_path(name), F_OK);
}

TEST(an_update_is_tried_and_stays)
{
	install("1.0");
	assert_string_equal(states(), "1.0 good  none");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.1 next");
	assert_true(there("fs/posada/b/xen.gz") && there("fs/posada/b/initramfs.img"));
	assert_int_equal(confirm('b'), -EINVAL);
	assert_int_equal(start(), 'b');
	assert_string_equal(states(), "1.0 good 1.1 tried");
	assert_int_equal(confirm('a'), -EINVAL);
	assert_int_equal(confirm(0), -EINVAL);
	assert_int_equal(confirm('b'), 0);
	assert_string_equal(states(), "1.0 other 1.1 good");
	assert_int_equal(start(), 'b');
	/* The next one takes the place of the first, when that is gone from the disk. */
	emptied = 0;
	assert_int_equal(update(put_update("1.2", 0), false), 0);
	assert_int_equal(emptied, 1);
	assert_string_equal(states(), "1.2 next 1.1 good");
	assert_int_equal(start(), 'a');
	assert_int_equal(start(), 'b');
	assert_string_equal(states(), "1.2 tried 1.1 good");
	/* The same again. */
	assert_int_equal(update(put_update("1.2", 0), false), 0);
	assert_string_equal(states(), "1.2 next 1.1 good");
}

TEST(what_a_host_runs_from_is_not_written_over)
{
	install("1.0");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_int_equal(start(), 'b');
	assert_int_equal(confirm('b'), 0);
	/* 1.1 came up, but is not liked: somebody has chosen 1.0 in the boot menu. */
	runs = 'a';
	assert_int_equal(update(put_update("1.2", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.2 next");
	assert_int_equal(start(), 'b');
	assert_int_equal(start(), 'a');
	/* One that was only tried is no way back. */
	runs = 'b';
	assert_int_equal(update(put_update("1.3", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.3 next");
	runs = 0;
}

TEST(a_version_controls_no_terminal)
{
	install("1\033[2J.0");
	assert_string_equal(states(), "1?[2J.0 good  none");
}

TEST(what_is_refused_changes_nothing)
{
	struct update_source *source;

	install("1.10");
	assert_int_equal(update(put_update("1.9", 0), false), -EPERM);
	assert_non_null(strstr(why, "is version 1.9, and disk1 has 1.10, which is newer"));
	for (size_t cut = 1; cut < 20; cut++) {
		assert_int_equal(update(put_update("1.11", cut), false), -EBADMSG);
		assert_non_null(strstr(why, "is cut off or damaged"));
	}
	room = 1 << 20;
	assert_int_equal(update(put_update("1.11", 0), false), -ENOSPC);
	assert_non_null(strstr(why, "has room for 1 MiB, and the update needs 2 MiB"));
	assert_int_equal(mounts, 0);
	assert_string_equal(states(), "1.10 good  none");
	room <<= 1;
	assert_int_equal(update(put_update("1.9", 0), true), 0);
	assert_string_equal(states(), "1.10 good 1.9 next");
	assert_int_equal(
		update_open(put_update("1.9", 0), unit_path("none"), &source, why), -ENOKEY);
}

/* What a disk has made of them is seen, wherever they came from. */
TEST(what_reads_back_otherwise_is_no_version)
{
	install("1.0");
	spoilt = (off_t)strlen("vmlinuz");
	assert_int_equal(update(put_update("1.1", 0), false), -EIO);
	assert_non_null(strstr(why, "writing /posada/b/vmlinuz on disk1 failed"));
	assert_string_equal(states(), "1.0 good  none");
	spoilt = 0;
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.1 next");
}

/* The version that is started knows its own head, and so can be the next one's source. */
TEST(what_was_updated_is_an_update)
{
	struct update_source *source;

	install("1.0");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_int_equal(update_open(unit_path("fs/posada/b"), unit_path("key"), &source, why), 0);
	assert_string_equal(update_about(source)->version, "1.1");
	for (size_t i = 0; i < UPDATE_FILES; i++)
		assert_int_equal(update_copy(source, i, NULL), 0);
	update_close(source);
}

/* From an address the bytes are known to be wrong only when they are written. */
TEST(what_breaks_off_is_no_version)
{
	char script[512], path[4096];

	install("1.0");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_int_equal(start(), 'b');
	assert_int_equal(confirm('b'), 0);
	snprintf(script, sizeof(script), "#!/bin/sh\ncat '%s'\n", unit_path("update"));
	chmod(unit_write("bin/wget", script, strlen(script)), 0755);
	snprintf(path, sizeof(path), "%s:%s", unit_path("bin"), getenv("PATH"));
	setenv("PATH", path, 1);
	put_update("1.2", 1);
	assert_int_equal(update("http://host/update", false), -EBADMSG);
	assert_string_equal(states(), " none 1.1 good");
	assert_int_equal(start(), 'b');
	/* Nor is what a power cut left, which is in nobody's way. */
	unit_write("fs/posada/a/initramfs.img.new", "half", 4);
	put_update("1.2", 0);
	assert_int_equal(update("http://host/update", false), 0);
	assert_string_equal(states(), "1.2 next 1.1 good");
	assert_false(there("fs/posada/a/initramfs.img.new"));
}

/* So many pieces are read before somebody cancels. */
static unsigned pieces;

static bool goes_on(void *opaque, uint64_t done, uint64_t total)
{
	(void)opaque;
	(void)done;
	(void)total;
	return pieces-- > 0;
}

TEST(what_is_cancelled_is_no_version)
{
	for (unsigned i = 0; i < 2 * UPDATE_FILES; i++) {
		struct update_source *source;
		struct apply_options options;
		char texts[2][256];

		install("1.0");
		fill(&options, texts);
		assert_int_equal(
			update_open(put_update("1.1", 0), unit_path("key"), &source, why), 0);
		pieces = i;
		update_watch(source, goes_on);
		assert_int_equal(
			versions_update("disk", &part, &twin, source, false, 0, &options, why),
			-ECANCELED);
		assert_non_null(strstr(why, "cancelled: what started"));
		update_close(source);
		assert_string_equal(states(), "1.0 good  none");
		assert_int_equal(start(), 'a');
		/* Nothing stays mounted. */
		unit_run("test -z \"$(ls mount)\"");
	}
}

TEST(a_lost_environment_is_made_again)
{
	install("1.0");
	unlink(unit_path("fs/posada/grubenv"));
	assert_string_equal(states(), "1.0 good  none damaged");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.1 next");
	unit_write("fs/posada/grubenv", "rubbish", 7);
	assert_string_equal(states(), "1.0 good 1.1 other damaged");
	/* The one that is not whole is not the one to keep. */
	unlink(unit_path("fs/posada/a/entries.cfg"));
	assert_string_equal(states(), " none 1.1 good damaged");
	assert_int_equal(update(put_update("1.2", 0), false), 0);
	assert_string_equal(states(), "1.2 next 1.1 good");
	unlink(unit_path("fs/posada/a/entries.cfg"));
	unlink(unit_path("fs/posada/b/entries.cfg"));
	assert_int_equal(update(put_update("1.2", 0), false), -ENOENT);
	assert_non_null(strstr(why, "no version of Posada that is whole"));
}

/* --- A mirror ----------------------------------------------------------- */

static void install_mirror(const char *version)
{
	install(version);
	unit_run("rm -rf fs-twin && cp -a fs fs-twin && mkdir -p mount/notices");
	unit_write("dev/twin", "", 0);
	unit_write("dev/twin1", "", 0);
	strcpy(part.mirror, "pair");
	twin = (struct versions_twin){"twin", &twin_part};
}

static void forget_mirror(void)
{
	*part.mirror = '\0';
	twin = (struct versions_twin){0};
}

static bool noticed(const char *text)
{
	FILE *file = fopen(unit_path("mount/notices/mirror"), "r");
	char line[1024] = "";

	if (file) {
		assert_non_null(fgets(line, sizeof(line), file));
		fclose(file);
	}
	return *text ? strstr(line, text) != NULL : !file;
}

static void see_both(const char *wanted)
{
	assert_string_equal(states(), wanted);
	assert_string_equal(states_of("twin", &twin_part), wanted);
}

static int level(bool copy)
{
	struct apply_options options;
	char texts[2][256];

	fill(&options, texts);
	return versions_level("disk", &part, &twin, copy, &options, why);
}

TEST(both_disks_are_kept_in_step)
{
	install_mirror("1.0");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	see_both("1.0 good 1.1 next");
	unit_run("diff -r fs fs-twin");
	/* GRUB writes on the disk that it came from; the host tells the other. */
	assert_int_equal(start(), 'b');
	assert_string_equal(states_of("twin", &twin_part), "1.0 good 1.1 next");
	assert_int_equal(level(false), 0);
	see_both("1.0 good 1.1 tried");
	assert_int_equal(confirm('b'), 0);
	see_both("1.0 other 1.1 good");
	assert_true(noticed(""));
	/* The other way round, from an address. */
	unit_run("mkdir -p bin; printf '#!/bin/sh\ncat %s\n' >bin/wget; chmod 755 bin/wget",
		unit_path("update"));
	put_update("1.2", 0);
	assert_int_equal(update("http://host/update", false), 0);
	see_both("1.2 next 1.1 good");
	unit_run("diff -r fs fs-twin");
	assert_int_equal(start_from("fs-twin/posada/grubenv"), 'a');
	assert_int_equal(start_from("fs-twin/posada/grubenv"), 'b');
	forget_mirror();
}

TEST(a_lost_disk_stops_nothing)
{
	install_mirror("1.0");
	twin = (struct versions_twin){0};
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_string_equal(states(), "1.0 good 1.1 next");
	assert_true(noticed("is missing"));
	assert_int_equal(start(), 'b');
	assert_int_equal(confirm('b'), 0);
	/* It comes back as it was: nothing is done to it but what somebody asks for. */
	twin = (struct versions_twin){"twin", &twin_part};
	assert_int_equal(level(false), 0);
	assert_true(noticed("hold different versions"));
	assert_string_equal(states_of("twin", &twin_part), "1.0 good  none");
	assert_int_equal(update(put_update("1.2", 0), false), 0);
	assert_string_equal(states_of("twin", &twin_part), "1.0 good  none");
	assert_true(noticed("hold different versions"));
	assert_int_equal(level(true), 0);
	see_both("1.2 next 1.1 good");
	unit_run("diff -r fs fs-twin");
	assert_true(noticed(""));
	/* One that cannot be opened. */
	unit_run("rm dev/twin");
	assert_int_equal(update(put_update("1.3", 0), false), 0);
	assert_string_equal(states(), "1.3 next 1.1 good");
	assert_true(noticed("goes on with disk1 alone"));
	forget_mirror();
}

TEST(what_cannot_be_copied_is_told)
{
	install_mirror("1.0");
	assert_int_equal(level(true), 0);
	unit_run("rm dev/twin");
	assert_int_equal(level(false), 0);
	assert_true(noticed("goes on with disk1 alone"));
	assert_int_equal(level(true), -EIO);
	assert_non_null(strstr(why, "cannot be opened"));
	/* A disk that starts loses its version last: here the other one cannot be written. */
	unit_write("dev/twin", "", 0);
	assert_int_equal(update(put_update("2.0", 0), false), 0);
	assert_int_equal(start(), 'b');
	assert_int_equal(confirm('b'), 0);
	assert_int_equal(update(put_update("2.1", 0), false), 0);
	see_both("2.1 next 2.0 good");
	unit_run("rm -r fs-twin/posada/a fs-twin/posada/b");
	unit_write("fs-twin/posada/a/entries.cfg", "# Posada 1.0\n", 13);
	unit_write("fs-twin/posada/b", "", 0);
	assert_int_equal(
		grubenv_write(unit_path("fs-twin/posada/grubenv"), &(struct grubenv){.slot = 'a'}),
		0);
	assert_int_not_equal(level(true), 0);
	assert_string_equal(states_of("twin", &twin_part), "1.0 good  none");
	unit_run("rm fs-twin/posada/b");
	assert_int_equal(level(true), 0);
	see_both("2.1 next 2.0 good");
	forget_mirror();
}

/* The one that starts first may be the one that has missed something. */
TEST(nobody_guesses_which_disk_is_right)
{
	install_mirror("1.0");
	assert_int_equal(update(put_update("1.1", 0), false), 0);
	assert_int_equal(start_from("fs-twin/posada/grubenv"), 'b');
	assert_int_equal(
		grubenv_write(unit_path("fs-twin/posada/grubenv"), &(struct grubenv){.slot = 'b'}),
		0);
	assert_int_equal(level(false), 0);
	assert_true(noticed("the first starts 1.0, the other 1.1."));
	assert_string_equal(states(), "1.0 good 1.1 next");
	assert_string_equal(states_of("twin", &twin_part), "1.0 other 1.1 good");
	assert_int_equal(level(true), 0);
	see_both("1.0 good 1.1 next");
	assert_true(noticed(""));
	forget_mirror();
}

TEST(a_disk_that_fails_keeps_no_address_from_being_used)
{
	install_mirror("1.0");
	unit_run("mkdir -p bin; printf '#!/bin/sh\ncat %s\n' >bin/wget; chmod 755 bin/wget",
		unit_path("update"));
	unit_write("fs-twin/posada/b", "", 0);
	put_update("1.1", 0);
	assert_int_equal(update("http://host/update", false), 0);
	assert_string_equal(states(), "1.0 good 1.1 next");
	assert_string_equal(states_of("twin", &twin_part), "1.0 good  none");
	assert_true(noticed("goes on with disk1 alone"));
	forget_mirror();
}

/* What the code of the system beside Posada looks at is the table behind it. */
TEST(the_origin_gets_the_table_of_its_disk)
{
	const struct part ours = {.name = "disk1", .number = 1, .content = "vfat"};
	uint8_t disk[1024], kept[512];
	struct apply_options options;
	char texts[2][256];
	bool changed;
	uint8_t got[1024];
	FILE *file;

	fill(&options, texts);
	install("1");
	memset(disk, 'p', sizeof(disk));
	unit_write("dev/disk", disk, sizeof(disk));
	/* Where nothing of it is kept, nothing is written. */
	assert_int_equal(origin_refresh("disk", &ours, &options, &changed, why), 0);
	assert_false(changed);
	assert_false(there("fs/posada/origin.mbr"));
	memset(kept, 'o', sizeof(kept));
	unit_write("fs/posada/origin.mbr", kept, sizeof(kept));
	mounts = 0;
	assert_int_equal(origin_refresh("disk", &ours, &options, &changed, why), 0);
	assert_true(changed);
	assert_int_equal(mounts, 1);
	memset(kept + 440, 'p', sizeof(kept) - 440);
	file = fopen(unit_path("fs/posada/origin.mbr"), "r");
	assert_non_null(file);
	assert_int_equal(fread(got, 1, sizeof(got), file), sizeof(kept));
	fclose(file);
	assert_memory_equal(got, kept, sizeof(kept));
	/* As it is now it stays; only looked at. */
	assert_int_equal(origin_refresh("disk", &ours, &options, &changed, why), 0);
	assert_false(changed);
	assert_int_equal(mounts, 1);
	/* What is no sector is left alone. */
	unit_write("fs/posada/origin.mbr", kept, 100);
	assert_int_equal(origin_refresh("disk", &ours, &options, &changed, why), 0);
	assert_false(changed);
}

TEST(boots_are_told_apart)
{
	static const struct {
		const char *line;
		struct versions_boot boot;
	} rows[] = {{"panic=30 posada.medium=12 quiet", {.medium = "12"}},
		{"posada.slot=a quiet", {.slot = 'a'}},
		{"posada.medium=1 posada.slot=b posada.trial=1 quiet", {'b', true, "1"}},
		{"posada.slot=c posada.trial=1", {0}}, {"posada.slot=", {0}}};
	struct versions_boot boot;

	for (size_t i = 0; i < COUNT(rows); i++) {
		versions_boot(rows[i].line, &boot);
		assert_int_equal(boot.slot, rows[i].boot.slot);
		assert_int_equal(boot.trial, rows[i].boot.trial);
		assert_string_equal(boot.medium, rows[i].boot.medium);
	}
}

TEST(installations_are_found)
{
	struct part parts[2] = {{.name = "sda1", .content = "ext4"}, {.name = "sda2", .number = 2}};
	struct disk disks[2] = {{.name = "sda", .parts = parts, .part_count = 2}, {.name = "sdb"}};
	const struct machine machine = {.disks = disks, .disk_count = 2};
	const struct disk *disk;

	assert_null(versions_find(&machine, NULL, &disk, why));
	assert_null(disk);
	assert_non_null(strstr(why, "--disk"));
	assert_null(versions_find(&machine, "sdc", &disk, why));
	assert_string_equal(why, "There is no disk sdc.");
	assert_null(versions_find(&machine, "sda", &disk, why));
	assert_string_equal(why, "There is no installation of Posada on sda.");
	parts[0].posada = disks[0].medium = true;
	assert_null(versions_find(&machine, NULL, &disk, why));
	assert_non_null(strstr(why, "sda1 is an installation without a way back"));
	parts[1].posada = true;
	strcpy(parts[1].content, "vfat");
	assert_ptr_equal(versions_find(&machine, NULL, &disk, why), &parts[1]);
	assert_ptr_equal(disk, &disks[0]);
}

/* A CD's image on a stick is started from, but brought up to date it cannot be. */
TEST(a_live_stick_is_no_installation)
{
	struct part stick = {.name = "sda1", .number = 1, .content = "iso9660", .posada = true};
	struct part member = {.name = "sdb1", .number = 1, .content = "LVM2_member", .group = "vg"};
	struct part volume = {.name = "vg/posada", .on = "sdb1", .content = "vfat", .posada = true};
	struct disk disks[] = {{.name = "sda", .medium = true, .parts = &stick, .part_count = 1},
		{.name = "sdb", .parts = &member, .part_count = 1}};
	struct group group = {.name = "vg", .volumes = &volume, .volume_count = 1};
	struct machine machine = {
		.disks = disks, .disk_count = 2, .groups = &group, .group_count = 1};
	const struct disk *disk;

	assert_null(versions_find(&machine, NULL, &disk, why));
	assert_null(disk);
	assert_non_null(strstr(why, "--disk"));
	assert_null(versions_find(&machine, "sda", &disk, why));
	assert_string_equal(why, "There is no installation of Posada on sda.");
	/* GRUB cannot write to a volume, whatever is in it. */
	assert_null(versions_find(&machine, "sdb", &disk, why));
	assert_non_null(strstr(why, "vg/posada is an installation without a way back"));
	disks[0].medium = false;
	disks[1].medium = true;
	assert_null(versions_find(&machine, NULL, &disk, why));
	assert_ptr_equal(disk, &disks[1]);
}

RUN("versions", T(an_update_is_tried_and_stays), T(what_a_host_runs_from_is_not_written_over),
	T(a_version_controls_no_terminal), T(what_is_refused_changes_nothing),
	T(what_reads_back_otherwise_is_no_version), T(what_was_updated_is_an_update),
	T(what_breaks_off_is_no_version), T(what_is_cancelled_is_no_version),
	T(a_lost_environment_is_made_again), T(both_disks_are_kept_in_step),
	T(a_lost_disk_stops_nothing), T(what_cannot_be_copied_is_told),
	T(nobody_guesses_which_disk_is_right),
	T(a_disk_that_fails_keeps_no_address_from_being_used),
	T(the_origin_gets_the_table_of_its_disk), T(boots_are_told_apart),
	T(installations_are_found), T(a_live_stick_is_no_installation))
