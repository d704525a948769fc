// SPDX-License-Identifier: GPL-2.0-or-later
// Puts files into the media library and takes them out, and keeps their checksums.
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include "fetch.h"
#include "image.h"
#include "internal.h"
#include "media.h"
#include "sticks.h"

/* In the library's folder, where no medium's name begins with a dot. */
#define SUMS	 ".checksums"
#define SUMS_NEW ".checksums.new"

#define PIECE ((size_t)1 << 20)

#define SHA256_TEXT 64

/* --- Checksums ---------------------------------------------------------- */

/* A line: what it is, then of which size and time, then the name. */
static bool parse_sum(char *line, char sum[65], uint64_t *bytes, char stamp[48], char **name)
{
	int at = 0;

	line[strcspn(line, "\n")] = '\0';
	if (sscanf(line, "%64[0-9a-f] %" SCNu64 " %47[0-9.] %n", sum, bytes, stamp, &at) < 3 ||
		!at || strlen(sum) != SHA256_TEXT)
		return false;
	*name = line + at;
	return media_name_is_legal(*name);
}

static void stamp_of(const struct stat *st, char stamp[48])
{
	snprintf(stamp, 48, "%lld.%09ld", (long long)st->st_mtim.tv_sec, st->st_mtim.tv_nsec);
}

static FILE *open_sums(const char *folder)
{
	char path[4096];

	snprintf(path, sizeof(path), "%s/" SUMS, folder);
	return fopen(path, "re");
}

void media_sums_fill(const char *folder, struct posada_media *media)
{
	char line[512], sum[65], stamp[48], now[48], *name;
	FILE *file = open_sums(folder);
	struct stat st;
	uint64_t bytes;

	while (file && fgets(line, sizeof(line), file)) {
		if (!parse_sum(line, sum, &bytes, stamp, &name))
			continue;
		for (size_t i = 0; i < media->count; i++) {
			struct posada_media_file *at = &media->items[i];

			if (at->source || strcmp(at->name, name) != 0 || at->bytes != bytes ||
				lstat(at->path, &st))
				continue;
			stamp_of(&st, now);
			if (!strcmp(now, stamp))
				memcpy(at->sha256, sum, sizeof(at->sha256));
		}
	}
	if (file)
		fclose(file);
}

/* Those of files that are still there, but for one name. */
static void copy_sums(const char *folder, int dir, const char *but, FILE *out)
{
	char line[512], whole[512], sum[65], stamp[48], *name;
	FILE *file = open_sums(folder);
	uint64_t bytes;

	while (file && fgets(line, sizeof(line), file)) {
		memcpy(whole, line, sizeof(whole));
		if (parse_sum(line, sum, &bytes, stamp, &name) && strcmp(name, but) != 0 &&
			!faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW))
			fputs(whole, out);
	}
	if (file)
		fclose(file);
}

int media_sums_note(const char *folder, const char *name, const char sha256[65])
{
	int dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC), fd = -1, ret = 0;
	FILE *out = NULL;
	struct stat st;
	char stamp[48];

	if (dir < 0)
		return -errno;
	if (flock(dir, LOCK_EX) || fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW)) {
		ret = -errno;
		goto out;
	}
	fd = openat(dir, SUMS_NEW, O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC, 0644);
	out = fd < 0 ? NULL : fdopen(fd, "w");
	if (!out) {
		ret = -errno;
		goto out;
	}
	fd = -1;
	copy_sums(folder, dir, name, out);
	stamp_of(&st, stamp);
	fprintf(out, "%s %" PRIu64 " %s %s\n", sha256, (uint64_t)st.st_size, stamp, name);
	if (fflush(out) || fsync(fileno(out)))
		ret = -errno;
	if (fclose(out) && !ret)
		ret = -errno;
	if (!ret && renameat(dir, SUMS_NEW, dir, SUMS))
		ret = -errno;
	if (ret)
		unlinkat(dir, SUMS_NEW, 0);
out:
	if (fd >= 0)
		close(fd);
	close(dir);
	return ret;
}

static void finish_sum(gnutls_hash_hd_t hash, char text[65])
{
	unsigned char sum[SHA256_TEXT / 2];

	gnutls_hash_deinit(hash, sum);
	for (size_t i = 0; i < sizeof(sum); i++)
		snprintf(text + 2 * i, 3, "%02x", sum[i]);
}

/* --- Putting in --------------------------------------------------------- */

static int write_all(int fd, const unsigned char *at, size_t size)
{
	while (size) {
		ssize_t put = write(fd, at, size);

		if (put < 0 && errno == EINTR)
			continue;
		if (put < 0)
			return -errno;
		at += put;
		size -= (size_t)put;
	}
	return 0;
}

/* One file on its way. */
struct copy {
	struct fetch fetch;
	const struct posada_media_wish *wish;
	gnutls_hash_hd_t hash;
	int out; /* -1: it is only read */
	uint64_t done;
	char sha256[65];
};

static int check_room(const struct copy *copy, struct posada_error *err)
{
	struct statvfs room;
	char want[32], have[32];
	uint64_t bytes;

	if (copy->out < 0 || fstatvfs(copy->out, &room))
		return 0;
	bytes = (uint64_t)room.f_bavail * room.f_frsize;
	if (copy->fetch.total <= copy->done || copy->fetch.total - copy->done <= bytes)
		return 0;
	return fail(err, -ENOSPC,
		_("It does not fit: it has %s, and %s are free where media are kept. Remove what is not needed."),
		posada_size_text(copy->fetch.total, want, sizeof(want)),
		posada_size_text(bytes, have, sizeof(have)));
}

/* Everything that comes, through the checksum, into the file. */
static int take_all(struct copy *copy, struct posada_error *err)
{
	unsigned char *piece = malloc(PIECE);
	uint64_t checked = 0;
	int ret = piece ? 0 : fail_memory(err);
	ssize_t got = 1;

	while (!ret && got) {
		got = fetch_read(&copy->fetch, piece, PIECE);
		if (got < 0 && got != -EAGAIN) {
			ret = fail(err, (int)got, _("It cannot be read: %s."), strerror((int)-got));
			break;
		}
		if (copy->fetch.total != checked) {
			checked = copy->fetch.total;
			ret = check_room(copy, err);
		}
		if (!ret && got > 0) {
			gnutls_hash(copy->hash, piece, (size_t)got);
			copy->done += (uint64_t)got;
			ret = copy->out < 0 ? 0 : write_all(copy->out, piece, (size_t)got);
			if (ret)
				fail(err, ret, _("It cannot be written: %s."), strerror(-ret));
		}
		if (!ret && copy->wish->progress &&
			!copy->wish->progress(copy->wish->opaque, copy->done, copy->fetch.total))
			ret = fail(err, -ECANCELED, _("Cancelled: nothing was kept."));
	}
	free(piece);
	return ret;
}

/* Reads all of FROM; what must not be is told. */
static int run(struct copy *copy, const char *from, struct posada_error *err)
{
	int ret = fetch_open(&copy->fetch, from, err), closed;

	if (ret)
		return ret;
	if (gnutls_hash_init(&copy->hash, GNUTLS_DIG_SHA256)) {
		fetch_close(&copy->fetch, false, NULL);
		return fail_memory(err);
	}
	ret = take_all(copy, err);
	finish_sum(copy->hash, copy->sha256);
	closed = fetch_close(&copy->fetch, !ret, ret ? NULL : err);
	if (ret || closed)
		return ret ? ret : closed;
	if (copy->fetch.total && copy->done != copy->fetch.total)
		return fail(
			err, -EIO, _("The transfer ended too early. Nothing was kept; try again."));
	if (copy->wish->sha256 && strcasecmp(copy->wish->sha256, copy->sha256) != 0)
		return fail(err, -EBADMSG,
			_("It is not what was expected: its SHA-256 is %s. Nothing was kept."),
			copy->sha256);
	return 0;
}

static int check_wish(const char *from, const struct posada_media_wish *wish, char name[256],
	struct posada_error *err)
{
	char clean[256];

	if (wish->name)
		snprintf(name, 256, "%s", wish->name);
	else if (!fetch_name(from, name, 256))
		*name = '\0';
	if (!media_name_is_legal(name))
		return fail(err, -ENAMETOOLONG,
			_("\"%s\" cannot be a name in the library: it is empty or too long, begins with a dot, or has letters that it must not have. Give another name."),
			posada_text_clean(name, clean, sizeof(clean)));
	if (wish->sha256 && (strlen(wish->sha256) != SHA256_TEXT ||
				    wish->sha256[strspn(wish->sha256, "0123456789abcdefABCDEF")]))
		return fail(err, -EINVAL,
			_("\"%s\" is no SHA-256 checksum: that has 64 hexadecimal digits."),
			posada_text_clean(wish->sha256, clean, sizeof(clean)));
	return 0;
}

static int fail_there(const char *name, struct posada_error *err)
{
	return fail(err, -EEXIST,
		_("There is a medium named %s already. Remove it first, or give another name."),
		name);
}

/* A file without a name gets one once it is whole: whatever happens before, nothing is left. */
static int keep(int dir, const struct copy *copy, const char *name, struct posada_error *err)
{
	char path[64];

	if (fchmod(copy->out, 0644) || fsync(copy->out))
		return fail(err, -errno, _("It cannot be written: %s."), strerror(errno));
	snprintf(path, sizeof(path), "/proc/self/fd/%d", copy->out);
	if (linkat(AT_FDCWD, path, dir, name, AT_SYMLINK_FOLLOW))
		return errno == EEXIST
			       ? fail_there(name, err)
			       : fail(err, -errno, _("It cannot be kept: %s."), strerror(errno));
	fsync(dir);
	return 0;
}

int media_store(const char *folder, const char *from, const struct posada_media_wish *wish,
	char *path, size_t size, struct posada_error *err)
{
	struct copy copy = {.wish = wish, .out = -1};
	char name[256];
	int dir = -1, ret;

	ret = check_wish(from, wish, name, err);
	if (ret)
		return ret;
	dir = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (dir >= 0 && !faccessat(dir, name, F_OK, AT_SYMLINK_NOFOLLOW)) {
		ret = fail_there(name, err);
		goto out;
	}
	copy.out = dir < 0 ? -1 : open(folder, O_TMPFILE | O_WRONLY | O_CLOEXEC, 0600);
	if (copy.out < 0) {
		ret = fail(err, -errno, _("Nothing can be written in %s: %s."), folder,
			strerror(errno));
		goto out;
	}
	sticks_need(from);
	ret = run(&copy, from, err);
	if (!ret)
		ret = keep(dir, &copy, name, err);
	if (ret)
		goto out;
	/* One that cannot be noted is reckoned again when somebody asks. */
	media_sums_note(folder, name, copy.sha256);
	if (path)
		snprintf(path, size, "%s/%s", folder, name);
out:
	if (copy.out >= 0)
		close(copy.out);
	if (dir >= 0)
		close(dir);
	return ret;
}

/* wget verifies no certificates. */
bool posada_media_is_unchecked(const char *from, const struct posada_media_wish *wish)
{
	return fetch_is_address(from) && !wish->sha256;
}

int posada_media_add(const char *from, const struct posada_media_wish *wish, char *path,
	size_t size, struct posada_error *err)
{
	return media_store(POSADA_MEDIA, from, wish, path, size, err);
}

int posada_media_sum(struct posada_media_file *file, posada_progress progress, void *opaque,
	struct posada_error *err)
{
	const struct posada_media_wish wish = {.progress = progress, .opaque = opaque};
	struct copy copy = {.wish = &wish, .out = -1};
	int ret;

	sticks_need(file->path);
	ret = run(&copy, file->path, err);
	if (ret)
		return ret;
	memcpy(file->sha256, copy.sha256, sizeof(file->sha256));
	if (!file->source)
		media_sums_note(POSADA_MEDIA, file->name, copy.sha256);
	return 0;
}

/* --- Who has it --------------------------------------------------------- */

/* What a guest reads: its disks, its kernel, its initrd; each can be NULL. */
static size_t file_count(const struct posada_guest *guest)
{
	return guest->disk_count + 2;
}

static const char *file_of(const struct posada_guest *guest, size_t nth)
{
	if (nth < guest->disk_count)
		return guest->disks[nth].path;
	return nth == guest->disk_count ? guest->kernel : guest->initrd;
}

static bool guest_has(const struct posada_guest *guest, const char *path)
{
	bool found = false;

	for (size_t i = 0; i < file_count(guest) && !found; i++)
		found = file_of(guest, i) && image_is_same(file_of(guest, i), path);
	return found;
}

int posada_media_remove(struct posada *handle, const char *name, struct posada_error *err)
{
	char path[512], clean[256];
	struct posada_guests guests;
	struct stat st;
	int ret = 0;

	snprintf(path, sizeof(path), POSADA_MEDIA "/%s", name);
	if (!*name || *name == '.' || strchr(name, '/') || lstat(path, &st) || S_ISDIR(st.st_mode))
		return fail(err, -ENOENT,
			_("There is no medium named \"%s\" in the library. \"posada media list\" shows those there are; one on a stick stays there."),
			posada_text_clean(name, clean, sizeof(clean)));
	ret = guest_list_all(handle, &guests, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < guests.count && !ret; i++)
		if (guest_has(&guests.items[i], path))
			ret = fail(err, -EBUSY,
				_("The guest %s has %s. Eject it there, or delete the guest first."),
				guests.items[i].name,
				posada_text_clean(name, clean, sizeof(clean)));
	posada_guests_free(&guests);
	if (!ret)
		ret = volume_stands_alone(handle, path, err);
	if (!ret && unlink(path))
		ret = fail(err, -errno, _("%s cannot be removed: %s."), path, strerror(errno));
	return ret;
}

/* --- Sticks ------------------------------------------------------------- */

static int scan_stick(void *opaque, const struct stick *stick, const char *folder)
{
	struct posada_media *media = opaque;
	size_t used = strlen(media->left_out);
	char source[160];

	if (!folder) {
		snprintf(media->left_out + used, sizeof(media->left_out) - used, "%s%s",
			used ? ", " : "", stick->device);
		return 0;
	}
	snprintf(source, sizeof(source), "%s %s", stick->device,
		*stick->label ? stick->label : stick->uuid);
	return media_scan(media, folder, source, true);
}

int media_scan_sticks(struct posada_media *media)
{
	return sticks_each(scan_stick, media);
}

/* Does a guest have a file below this folder? */
static bool is_needed(void *opaque, const char *folder)
{
	const struct posada_guests *guests = opaque;
	size_t len = strlen(folder);

	for (size_t i = 0; i < guests->count; i++)
		for (size_t j = 0; j < file_count(&guests->items[i]); j++) {
			const char *path = file_of(&guests->items[i], j);

			if (path && !strncmp(path, folder, len) && path[len] == '/')
				return true;
		}
	return false;
}

static void tell(const struct posada_guest *guest, const char *path)
{
	char notice[128], text[1024], clean[512];

	if (!posada_name_is_legal(guest->name))
		return;
	snprintf(notice, sizeof(notice), "medium-%s", guest->name);
	if (path)
		snprintf(text, sizeof(text),
			_("The guest %s has the image %s, which is not there: plug in what it is on, or take it from the guest."),
			guest->name, posada_text_clean(path, clean, sizeof(clean)));
	notice_put(notice, path ? text : NULL);
}

/* What it lacks, or NULL. */
static const char *missing(const struct posada_guest *guest)
{
	static const char *const folders[] = {POSADA_STICKS "/", POSADA_MEDIA "/"};

	for (size_t i = 0; i < file_count(guest); i++)
		for (size_t j = 0; j < ARRAY_SIZE(folders); j++) {
			const char *path = file_of(guest, i);

			if (!path || strncmp(path, folders[j], strlen(folders[j])) != 0)
				continue;
			sticks_need(path);
			if (access(path, F_OK))
				return path;
		}
	return NULL;
}

/* What was told of guests that are not there any more. */
static void forget(const struct posada_guests *guests)
{
	static const char folder[] = POSADA_RUN "/notices", prefix[] = "medium-";
	DIR *notices = opendir(folder);
	struct dirent *entry;

	while (notices && (entry = readdir(notices))) {
		const char *name = entry->d_name + sizeof(prefix) - 1;
		bool found = false;

		if (strncmp(entry->d_name, prefix, sizeof(prefix) - 1) != 0)
			continue;
		for (size_t i = 0; i < guests->count && !found; i++)
			found = !strcmp(guests->items[i].name, name);
		if (!found)
			unlinkat(dirfd(notices), entry->d_name, 0);
	}
	if (notices)
		closedir(notices);
}

int posada_media_check(struct posada *handle, struct posada_error *err)
{
	struct posada_guests guests;
	int ret = posada_guest_list(handle, &guests, err);

	if (ret)
		return ret;
	sticks_tidy(is_needed, &guests);
	forget(&guests);
	for (size_t i = 0; i < guests.count; i++)
		tell(&guests.items[i], missing(&guests.items[i]));
	posada_guests_free(&guests);
	return 0;
}
