/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reads updates from wherever they are, and tells whether they may be trusted. */
#include "update.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/abstract.h>
#include <gnutls/crypto.h>
#include <inttypes.h>
#include <libintl.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "iso.h"
#include "loader.h"
#include "payload.h"
#include "tool.h"

#define _(text) gettext(text)

#define MACHINE "amd64"

/* FAT holds no file of 4 GiB. */
#define FILE_MOST UINT32_MAX

/* Whoever starts it is to know of what version it is. */
#define INITRAMFS 2

const char *const update_names[UPDATE_FILES] = {
	"xen.gz", "vmlinuz", "initramfs.img", "entries.cfg"};

/* --- The head ----------------------------------------------------------- */

/* The word at *TEXT, if it ends with END; *TEXT moves behind that. */
static int take_word(const char **text, char end, char *word, size_t size)
{
	const char *stop = strchr(*text, end);
	size_t length = stop ? (size_t)(stop - *text) : 0;

	if (!length || length >= size)
		return -EINVAL;
	for (size_t i = 0; i < length; i++)
		if (!isalnum((unsigned char)(*text)[i]) && !strchr(".+~-", (*text)[i]))
			return -EINVAL;
	memcpy(word, *text, length);
	word[length] = '\0';
	*text = stop + 1;
	return 0;
}

static int take_hex(const char **text, uint8_t *bytes, size_t size)
{
	static const char digits[] = "0123456789abcdef";

	for (size_t i = 0; i < 2 * size; i++, ++*text) {
		const char *digit = **text ? strchr(digits, **text) : NULL;

		if (!digit)
			return -EINVAL;
		bytes[i / 2] = (uint8_t)(bytes[i / 2] << 4 | (digit - digits));
	}
	return *(*text)++ == '\n' ? 0 : -EINVAL;
}

static int take_name(const char **text, const char *name, char end)
{
	size_t length = strlen(name);

	if (strncmp(*text, name, length) != 0 || (*text)[length] != end)
		return -EINVAL;
	*text += length + 1;
	return 0;
}

static int take_size(const char **text, uint64_t *size)
{
	char word[16], *rest;
	int ret = take_word(text, ' ', word, sizeof(word));

	if (ret || strspn(word, "0123456789") != strlen(word))
		return -EINVAL;
	*size = strtoull(word, &rest, 10);
	return *rest || !*size || *size > FILE_MOST ? -EINVAL : 0;
}

int update_parse(const char head[UPDATE_HEAD], struct update *update)
{
	char copy[UPDATE_HEAD + 1] = "", kind[16];
	const char *text = copy;
	int ret;

	memset(update, 0, sizeof(*update));
	memcpy(copy, head, UPDATE_HEAD);
	ret = take_name(&text, "posada-update", ' ');
	if (!ret)
		ret = take_word(&text, '\n', kind, sizeof(kind));
	if (!ret && strcmp(kind, "1") != 0)
		return -EPROTONOSUPPORT;
	if (!ret)
		ret = take_name(&text, "version", ' ');
	if (!ret)
		ret = take_word(&text, '\n', update->version, sizeof(update->version));
	if (!ret)
		ret = take_name(&text, "machine", ' ');
	if (!ret)
		ret = take_word(&text, '\n', update->machine, sizeof(update->machine));
	for (size_t i = 0; !ret && i < UPDATE_FILES; i++) {
		ret = take_name(&text, update_names[i], ' ');
		if (!ret)
			ret = take_size(&text, &update->files[i].size);
		if (!ret)
			ret = take_hex(
				&text, update->files[i].sha256, sizeof(update->files[i].sha256));
	}
	update->covered = (size_t)(text - copy);
	if (!ret)
		ret = take_name(&text, "signature", ' ');
	if (!ret)
		ret = take_hex(&text, update->signature, sizeof(update->signature));
	for (; !ret && text < copy + UPDATE_HEAD; text++)
		if (*text)
			ret = -EINVAL;
	return ret;
}

int update_verify(const char head[UPDATE_HEAD], const struct update *update, const char *key)
{
	const gnutls_datum_t pem = {(unsigned char *)key, (unsigned)strlen(key)};
	const gnutls_datum_t text = {(unsigned char *)head, (unsigned)update->covered};
	const gnutls_datum_t signature = {
		(unsigned char *)update->signature, sizeof(update->signature)};
	gnutls_pubkey_t public;
	int ret = 0;

	if (gnutls_pubkey_init(&public))
		return -ENOMEM;
	if (gnutls_pubkey_import(public, &pem, GNUTLS_X509_FMT_PEM) ||
		gnutls_pubkey_get_pk_algorithm(public, NULL) != GNUTLS_PK_EDDSA_ED25519)
		ret = -EINVAL;
	else if (gnutls_pubkey_verify_data2(
			 public, GNUTLS_SIGN_EDDSA_ED25519, 0, &text, &signature) < 0)
		ret = -EKEYREJECTED;
	gnutls_pubkey_deinit(public);
	return ret;
}

int update_order(const char *one, const char *other)
{
	return strverscmp(one, other);
}

/* --- Where it is -------------------------------------------------------- */

struct update_source {
	struct update update;
	char head[UPDATE_HEAD];
	char directory[PATH_MAX]; /* the files lie in it, each by itself; else empty */
	int root;		  /* the topmost one of the file system with it, or -1 */
	FILE *file;		  /* they lie in this one */
	uint64_t at[UPDATE_FILES];
	pid_t child; /* what fetches it, or 0 */
	int said;    /* the child's words */
	bool (*goes_on)(void *opaque, uint64_t done, uint64_t total);
};

static int fail(char why[UPDATE_TEXT], int ret, const char *format, const char *where)
{
	snprintf(why, UPDATE_TEXT, format, where);
	return ret;
}

static bool is_address(const char *where)
{
	return !strncmp(where, "http://", 7) || !strncmp(where, "https://", 8);
}

static int fetch(struct update_source *source, const char *address)
{
	const char *const words[] = {"wget", "-q", "-T", "30", "-O", "-", address, NULL};
	int ends[2], ret;

	source->said = memfd_create("said", MFD_CLOEXEC);
	if (source->said < 0 || pipe2(ends, O_CLOEXEC))
		return -errno;
	ret = tool_start(words, ends[1], source->said, &source->child);
	close(ends[1]);
	if (ret)
		source->child = 0;
	else
		source->file = fdopen(ends[0], "rb");
	if (!source->file)
		close(ends[0]);
	return ret || source->file ? ret : -ENOMEM;
}

/* The child's last line, without its end. */
static void last_words(const struct update_source *source, char *text, size_t size)
{
	ssize_t got = pread(source->said, text, size - 1, 0);
	char *line;

	text[got > 0 ? got : 0] = '\0';
	for (got = got > 0 ? got : 0; got && isspace((unsigned char)text[got - 1]); got--)
		text[got - 1] = '\0';
	line = strrchr(text, '\n');
	if (line)
		memmove(text, line + 1, strlen(line));
}

static FILE *open_file(const struct update_source *source, const char *name)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/%s", source->directory, name);
	return fopen(path, "rbe");
}

/* The head in a directory that has a whole version, or NULL. */
static FILE *open_head(const struct update_source *source)
{
	FILE *file = open_file(source, update_names[UPDATE_FILES - 1]);

	if (!file)
		return NULL;
	fclose(file);
	file = open_file(source, UPDATE_NAME);
	if (file || errno != ENOENT)
		return file;
	file = open_file(source, update_names[INITRAMFS]);
	if (file && fseeko(file, -(off_t)PAYLOAD_HEAD_END, SEEK_END))
		rewind(file);
	return file;
}

static int read_head(struct update_source *source)
{
	FILE *file = *source->directory ? open_head(source) : source->file;
	uint64_t at, size;
	int ret = 0;

	if (!file)
		return errno == ENOENT ? -EINVAL : -errno;
	if (fread(source->head, 1, UPDATE_HEAD, file) != UPDATE_HEAD)
		ret = ferror(file) ? -EIO : -EINVAL;
	if (file != source->file)
		fclose(file);
	if (*source->directory || source->child)
		return ret;
	/* A file that is no update may be a CD with one. */
	if (!ret && strncmp(source->head, "posada-update ", 14) != 0) {
		ret = iso_find(source->file, UPDATE_NAME, &at, &size);
		if (!ret &&
			(size != UPDATE_HEAD || fseeko(source->file, (off_t)at, SEEK_SET) ||
				fread(source->head, 1, UPDATE_HEAD, source->file) != UPDATE_HEAD))
			ret = -EINVAL;
		for (size_t i = 0; !ret && i < UPDATE_FILES; i++)
			ret = iso_find(source->file, update_names[i], &source->at[i], &size);
	}
	return ret == -ENOENT ? -EINVAL : ret;
}

static void choose_slot(struct update_source *source, char slot)
{
	snprintf(source->directory, sizeof(source->directory),
		"/proc/self/fd/%d" LOADER_VERSIONS "/%c", source->root, slot);
}

/* The newer one of the versions that an installation on DEVICE has. Its file system is seen by this
 * process alone, and goes with it. */
static int open_installed(struct update_source *source, const char *device)
{
	char place[] = "/tmp/update.XXXXXX", slot = 0;
	struct update update, newest = {0};

	if (!mkdtemp(place))
		return -errno;
	if (!mount(device, place, "vfat", MS_RDONLY | MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL)) {
		source->root = open(place, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
		umount2(place, MNT_DETACH);
	}
	rmdir(place);
	for (char at = 'a'; source->root >= 0 && at <= 'b'; at++) {
		choose_slot(source, at);
		if (read_head(source) || update_parse(source->head, &update) ||
			update_order(update.version, newest.version) <= 0)
			continue;
		newest = update;
		slot = at;
	}
	if (!slot)
		return -EINVAL;
	choose_slot(source, slot);
	return read_head(source);
}

static int read_key(const char *path, char *key, size_t size)
{
	FILE *file = fopen(path, "rbe");
	size_t got = file ? fread(key, 1, size - 1, file) : 0;

	key[got] = '\0';
	if (file)
		fclose(file);
	return got ? 0 : -ENOENT;
}

/* Whether the head is one that this system may take. */
static int trust(
	struct update_source *source, const char *where, const char *path, char why[UPDATE_TEXT])
{
	char key[4096], text[256];
	uint64_t at = UPDATE_HEAD;
	int ret = update_parse(source->head, &source->update);

	if (ret == -EPROTONOSUPPORT)
		return fail(why, ret,
			_("%s is an update of a kind that this version does not know. Update to a version in between first"),
			where);
	if (ret)
		return fail(why, ret, _("%s is no update of Posada, or is damaged"), where);
	if (read_key(path, key, sizeof(key)))
		return fail(why, -ENOKEY,
			_("the key that updates are checked with is not there (%s)"), path);
	ret = update_verify(source->head, &source->update, key);
	if (ret == -EKEYREJECTED)
		return fail(why, ret,
			_("%s is not signed by those who made this system, or was changed. Nothing was written"),
			where);
	if (ret)
		return fail(
			why, ret, _("the key that updates are checked with is damaged (%s)"), path);
	if (strcmp(source->update.machine, MACHINE) != 0) {
		snprintf(text, sizeof(text), "%.200s (%s)", where, source->update.machine);
		return fail(why, -ENOEXEC, _("%s is for another kind of machine"), text);
	}
	/* In an update file one lies behind the other. */
	for (size_t i = 0; i < UPDATE_FILES && !source->at[i]; i++) {
		source->at[i] = at;
		at += source->update.files[i].size;
	}
	return 0;
}

int update_open(
	const char *where, const char *key, struct update_source **source, char why[UPDATE_TEXT])
{
	struct update_source *opened = calloc(1, sizeof(*opened));
	char text[UPDATE_TEXT];
	struct stat status;
	int ret = 0;

	*source = NULL;
	*why = '\0';
	if (!opened)
		return fail(why, -ENOMEM, "%s", strerror(ENOMEM));
	opened->said = opened->root = -1;
	if (is_address(where)) {
		ret = fetch(opened, where);
	} else if (!stat(where, &status) && S_ISDIR(status.st_mode)) {
		snprintf(opened->directory, sizeof(opened->directory), "%s", where);
	} else {
		opened->file = fopen(where, "rbe");
		if (!opened->file)
			ret = -errno;
	}
	if (!ret)
		ret = read_head(opened);
	if (ret && opened->file && !opened->child && !open_installed(opened, where))
		ret = 0;
	if (ret && opened->child) {
		/* It has said why, and ends by itself when it is not read from. */
		fclose(opened->file);
		opened->file = NULL;
		waitpid(opened->child, NULL, 0);
		opened->child = 0;
		last_words(opened, text, sizeof(text));
		if (*text)
			fail(why, ret, "%s", text);
	}
	if (ret && ret != -EINVAL && !*why) {
		snprintf(text, sizeof(text), _("%.300s cannot be read: %s"), where, strerror(-ret));
		fail(why, ret, "%s", text);
	}
	/* What is no update as a whole is none by its first bytes. */
	if (ret == -EINVAL && !*why)
		*opened->head = '\0';
	if (!*why)
		ret = trust(opened, where, key, why);
	if (ret) {
		update_close(opened);
		return ret;
	}
	*source = opened;
	return 0;
}

void update_close(struct update_source *source)
{
	if (!source)
		return;
	if (source->child) {
		kill(source->child, SIGTERM);
		waitpid(source->child, NULL, 0);
	}
	if (source->file)
		fclose(source->file);
	if (source->said >= 0)
		close(source->said);
	if (source->root >= 0)
		close(source->root);
	free(source);
}

/* A disk and its first partition may begin with the same bytes: the disk is meant. */
static bool is_better(const struct update_found *one, const struct update_found *than)
{
	int order = update_order(one->version, than->version);

	if (one->own != than->own)
		return than->own;
	return order ? order > 0 : strcmp(one->path, than->path) < 0;
}

/* The stick that has an installation on its partition NAME, which is not TARGET; or NULL. */
static const struct disk *find_stick(
	const struct machine *machine, const struct part *target, const char *name)
{
	for (size_t i = 0; i < machine->disk_count; i++)
		for (size_t j = 0; j < machine->disks[i].part_count; j++) {
			const struct part *part = &machine->disks[i].parts[j];

			if (!strcmp(part->name, name))
				return disks_is_stick(&machine->disks[i]) && part->posada &&
						       !strcmp(part->content, "vfat") &&
						       part != target
					       ? &machine->disks[i]
					       : NULL;
		}
	return NULL;
}

int update_find(const char *names, const char *devices, const char *medium,
	const struct machine *machine, const struct part *target, struct update_found *found)
{
	const struct disk *stick;
	struct update_source *source = calloc(1, sizeof(*source));
	const struct dirent *entry;
	struct update_found at;
	DIR *dir = opendir(names);
	uint64_t where, size;
	int ret = -ENOENT;

	if (!dir || !source)
		ret = source ? -errno : -ENOMEM;
	while (dir && source && (entry = readdir(dir))) {
		if (*entry->d_name == '.' || !strncmp(entry->d_name, "loop", 4) ||
			snprintf(at.path, sizeof(at.path), "%s/%s", devices, entry->d_name) >=
				(int)sizeof(at.path))
			continue;
		memset(source, 0, sizeof(*source));
		source->root = -1;
		source->file = fopen(at.path, "rbe");
		if (!source->file)
			continue;
		stick = find_stick(machine, target, entry->d_name);
		if (!(stick ? open_installed(source, at.path) : read_head(source)) &&
			!update_parse(source->head, &source->update)) {
			memcpy(at.version, source->update.version, sizeof(at.version));
			at.own = stick ? stick->medium
				       : *medium && !iso_find(source->file, medium, &where, &size);
			if (ret || is_better(&at, found))
				*found = at;
			ret = 0;
		}
		fclose(source->file);
		if (source->root >= 0)
			close(source->root);
	}
	if (dir)
		closedir(dir);
	free(source);
	return ret;
}

const struct update *update_about(const struct update_source *source)
{
	return &source->update;
}

bool update_rereads(const struct update_source *source)
{
	return !source->child;
}

/* --- Its files ---------------------------------------------------------- */

void update_watch(
	struct update_source *source, bool (*goes_on)(void *opaque, uint64_t done, uint64_t total))
{
	source->goes_on = goes_on;
}

int update_copy(struct update_source *source, size_t number, FILE *out)
{
	uint64_t left = source->update.files[number].size;
	uint8_t buffer[65536], hash[32];
	gnutls_hash_hd_t state;
	FILE *file = source->file;
	size_t got;
	int ret = 0;

	if (*source->directory) {
		file = open_file(source, update_names[number]);
		if (!file)
			return -errno;
	} else if (!source->child && fseeko(file, (off_t)source->at[number], SEEK_SET)) {
		return -errno;
	}
	if (gnutls_hash_init(&state, GNUTLS_DIG_SHA256)) {
		ret = -ENOMEM;
		goto out;
	}
	for (; !ret && left; left -= got) {
		got = fread(buffer, 1, left < sizeof(buffer) ? left : sizeof(buffer), file);
		/* Whoever ends it may have ended the child, too. */
		if (source->goes_on && !source->goes_on(NULL, 0, 0))
			ret = -ECANCELED;
		else if (!got)
			ret = ferror(file) && errno ? -errno : -EBADMSG;
		gnutls_hash(state, buffer, got);
		if (out && fwrite(buffer, 1, got, out) != got)
			ret = errno ? -errno : -EIO;
	}
	gnutls_hash_deinit(state, hash);
	if (!ret && memcmp(hash, source->update.files[number].sha256, sizeof(hash)) != 0)
		ret = -EBADMSG;
	if (!ret && out && number == INITRAMFS)
		ret = payload_carry(source->head, source->update.files[number].size, out);
out:
	if (file != source->file)
		fclose(file);
	return ret;
}
