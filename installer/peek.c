/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Mounts what must not change, looks at a few names in it, and lets go. */
#include "peek.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/mount.h>
#include <linux/openat2.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include "loop.h"
#include "text.h"

/* A file system that needs longer to be mounted is not looked into. */
#define PATIENCE_MS 15000
/* How long a process that was killed may take; one that hangs in the kernel stays. */
#define FAREWELL_MS 1000

#define OS_RELEASE_MAX 16384
#define PATH_SIZE      512
#define ENTRIES_MAX    4096

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

/* --- Names below a root ------------------------------------------------- */

/* Links are followed as if ROOT were "/", and not onto other file systems. */
static int open_below(int root, const char *path, int flags)
{
	struct open_how how = {
		.flags = (uint64_t)flags | O_CLOEXEC,
		.resolve = RESOLVE_IN_ROOT | RESOLVE_NO_MAGICLINKS | RESOLVE_NO_XDEV,
	};

	return (int)syscall(SYS_openat2, root, path, &how, sizeof(how));
}

/* Calls TAKE for each name of a directory until it returns true. */
static bool each_name(
	int root, const char *path, bool (*take)(void *data, const char *name), void *data)
{
	int fd = open_below(root, *path ? path : ".", O_RDONLY | O_DIRECTORY);
	DIR *directory = fd < 0 ? NULL : fdopendir(fd);
	const struct dirent *entry;
	unsigned count = 0;
	bool taken = false;

	if (!directory) {
		if (fd >= 0)
			close(fd);
		return false;
	}
	while (!taken && count++ < ENTRIES_MAX && (entry = readdir(directory)))
		if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0)
			taken = take(data, entry->d_name);
	closedir(directory);
	return taken;
}

struct match {
	const char *word;
	size_t length;
	char *found; /* has room for NAME_MAX bytes and a NUL */
};

static bool take_match(void *data, const char *name)
{
	const struct match *match = data;

	if (strlen(name) != match->length || strncasecmp(name, match->word, match->length) != 0)
		return false;
	memcpy(match->found, name, match->length + 1);
	return true;
}

/* Firmware and Windows do not care for capital letters: PATH as it is really written. */
static bool locate(int root, const char *path, char found[PATH_SIZE])
{
	char name[256];
	size_t used = 0;

	*found = '\0';
	while (*path) {
		struct match match = {path, strcspn(path, "/"), name};

		if (match.length >= sizeof(name) || used + match.length + 2 > PATH_SIZE ||
			!each_name(root, found, take_match, &match))
			return false;
		used += (size_t)snprintf(
			found + used, PATH_SIZE - used, "%s%s", used ? "/" : "", name);
		path += match.length;
		path += strspn(path, "/");
	}
	return true;
}

static bool has(int root, const char *path)
{
	char found[PATH_SIZE];

	return locate(root, path, found);
}

/* What a plain file begins with, with a NUL behind it; the bytes read, or -errno. */
static ssize_t read_start(int root, const char *path, char *bytes, size_t size)
{
	int fd = open_below(root, path, O_RDONLY | O_NONBLOCK | O_NOCTTY);
	struct stat status;
	ssize_t got = -1;

	bytes[0] = '\0';
	if (fd < 0)
		return -errno;
	if (!fstat(fd, &status) && S_ISREG(status.st_mode))
		got = read(fd, bytes, size - 1);
	close(fd);
	bytes[got > 0 ? got : 0] = '\0';
	return got;
}

/* --- Systems ------------------------------------------------------------ */

/* A value as a shell reads it: quotes go, and a backslash before what it guards. */
static void unquote(const char *text, char *value, size_t size)
{
	size_t used = 0;
	char quote = '\0';

	for (; *text && *text != '\n' && used + 1 < size; text++) {
		if (*text == quote) {
			quote = '\0';
			continue;
		}
		if (!quote && (*text == '"' || *text == '\'')) {
			quote = *text;
			continue;
		}
		if (*text == '\\' && quote != '\'' && text[1] && text[1] != '\n')
			text++;
		value[used++] = *text;
	}
	while (used && (value[used - 1] == ' ' || value[used - 1] == '\r'))
		used--;
	value[used] = '\0';
}

char *peek_os_release(const char *text, char *name, size_t size)
{
	static const char *const keys[] = {"PRETTY_NAME=", "NAME="};
	char value[256];

	*name = '\0';
	for (size_t i = 0; i < COUNT(keys) && !*name; i++)
		for (const char *line = text; line && *line; line = strchr(line, '\n')) {
			line += *line == '\n';
			if (strncmp(line, keys[i], strlen(keys[i])) != 0)
				continue;
			unquote(line + strlen(keys[i]), value, sizeof(value));
			posada_text_clean(value, name, size);
			break;
		}
	return name;
}

/* Where the root of a Linux may lie in a file system: subvolumes of Btrfs have their own. */
static void look_for_linux(int root, struct part *part)
{
	static const char *const roots[] = {
		"", "@/", "@rootfs/", "root/", "@/.snapshots/1/snapshot/"};
	static const char *const files[] = {"etc/os-release", "usr/lib/os-release"};
	bool subvolumes = !strcmp(part->content, "btrfs");
	char path[64], *text = malloc(OS_RELEASE_MAX);

	for (size_t i = 0; text && i < (subvolumes ? COUNT(roots) : 1); i++)
		for (size_t j = 0; j < COUNT(files) && !*part->system; j++) {
			snprintf(path, sizeof(path), "%s%s", roots[i], files[j]);
			if (read_start(root, path, text, OS_RELEASE_MAX) > 0)
				peek_os_release(text, part->system, sizeof(part->system));
		}
	free(text);
}

static void look_for_windows(int root, struct part *part)
{
	static const char *const asleep[] = {"hibr", "rstr"};
	char path[PATH_SIZE], start[5];

	if (has(root, "Windows/System32") || has(root, "bootmgr"))
		snprintf(part->system, sizeof(part->system), "Windows");
	/* "Fast startup" leaves the same file behind as a machine that was put to sleep. */
	if (!locate(root, "hiberfil.sys", path))
		return;
	read_start(root, path, start, sizeof(start));
	for (size_t i = 0; i < COUNT(asleep); i++)
		part->hibernated |= !strcasecmp(start, asleep[i]);
}

/* --- The EFI system partition ------------------------------------------- */

static const struct {
	const char *folder, *system;
} vendors[] = {
	{"almalinux", "AlmaLinux"},
	{"arch", "Arch Linux"},
	{"centos", "CentOS"},
	{"debian", "Debian GNU/Linux"},
	{"fedora", "Fedora Linux"},
	{"opensuse", "openSUSE"},
	{"proxmox", "Proxmox VE"},
	{"redhat", "Red Hat Enterprise Linux"},
	{"rocky", "Rocky Linux"},
	{"sles", "SUSE Linux Enterprise Server"},
	{"systemd", "Linux"},
	{"ubuntu", "Ubuntu"},
};

static bool take_any(void *data, const char *name)
{
	(void)data;
	return *name != '.';
}

/* A kernel, with or without a loader around it. */
static bool take_kernel(void *data, const char *name)
{
	size_t length = strlen(name);

	(void)data;
	return !strncasecmp(name, "vmlinuz", 7) || !strncasecmp(name, "kernel-", 7) ||
	       (length > 4 && strcasestr(name, "linux") && !strcasecmp(name + length - 4, ".efi"));
}

/* Boot entries of systemd's, images of its own, and what is in the topmost folder. */
static bool has_kernels(int root)
{
	static const struct {
		const char *folder;
		bool (*take)(void *data, const char *name);
	} rows[] = {{"loader/entries", take_any}, {"EFI/Linux", take_any}, {"", take_kernel}};
	char path[PATH_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++)
		if (locate(root, rows[i].folder, path) && each_name(root, path, rows[i].take, NULL))
			return true;
	return false;
}

struct vendor {
	char folder[256];
	char loader[PATH_SIZE];
};

struct esp {
	int root;
	char efi[PATH_SIZE];		  /* how the folder EFI is written */
	struct vendor vendors[PART_MORE]; /* the first ones by name; there may be Windows, too */
	size_t vendor_count;
	bool ours, kernels;
};

/* A directory has no order. */
static void keep_vendor(struct esp *esp, const char *folder, const char *loader)
{
	struct vendor *kept = esp->vendors;
	size_t at = esp->vendor_count;

	while (at && strcmp(folder, kept[at - 1].folder) < 0)
		at--;
	if (at == COUNT(esp->vendors))
		return;
	if (esp->vendor_count < COUNT(esp->vendors))
		esp->vendor_count++;
	memmove(&kept[at + 1], &kept[at], (esp->vendor_count - at - 1) * sizeof(*kept));
	snprintf(kept[at].folder, sizeof(kept[at].folder), "%s", folder);
	snprintf(kept[at].loader, sizeof(kept[at].loader), "%s", loader);
}

static bool take_vendor(void *data, const char *name)
{
	static const char *const loaders[] = {"shimx64.efi", "grubx64.efi", "systemd-bootx64.efi"};
	char path[PATH_SIZE], found[PATH_SIZE];
	struct esp *esp = data;

	if (!strcasecmp(name, "posada"))
		esp->ours = true;
	else if (snprintf(path, sizeof(path), "%s/%s", esp->efi, name) < (int)sizeof(path))
		esp->kernels |= each_name(esp->root, path, take_kernel, NULL);
	if (!strcasecmp(name, "posada") || !strcasecmp(name, "BOOT") ||
		!strcasecmp(name, "Microsoft"))
		return false;
	for (size_t i = 0; i < COUNT(loaders); i++) {
		int length = snprintf(path, sizeof(path), "%s/%s/%s", esp->efi, name, loaders[i]);

		if (length >= (int)sizeof(path) || !locate(esp->root, path, found))
			continue;
		keep_vendor(esp, name, found);
		break;
	}
	return false;
}

static void add_loader(struct part *part, const char *path, const char *name)
{
	char *loader = part->loader, *system = part->system;

	for (size_t i = 0; *loader && i < PART_MORE; i++) {
		loader = part->more[i].loader;
		system = part->more[i].name;
	}
	/* A path that does not fit would name another file. */
	if (*loader || strlen(path) + 2 > sizeof(part->loader))
		return;
	snprintf(loader, sizeof(part->loader), "/%.*s", (int)sizeof(part->loader) - 2, path);
	posada_text_clean(name, system, sizeof(part->system));
}

static void look_for_loaders(int root, struct part *part)
{
	struct esp esp = {.root = root};
	char path[PATH_SIZE];

	if (!locate(root, "EFI", esp.efi))
		return;
	each_name(root, esp.efi, take_vendor, &esp);
	part->kernels = esp.kernels || has_kernels(root);
	part->fallback = locate(root, "EFI/BOOT/BOOTX64.EFI", path);
	for (size_t i = 0; i < esp.vendor_count; i++) {
		const char *system = esp.vendors[i].folder;

		for (size_t j = 0; j < COUNT(vendors); j++)
			if (!strcasecmp(system, vendors[j].folder))
				system = vendors[j].system;
		add_loader(part, esp.vendors[i].loader, system);
	}
	if (locate(root, "EFI/Microsoft/Boot/bootmgfw.efi", path))
		add_loader(part, path, "Windows");
	if (!*part->loader && !esp.ours && locate(root, "EFI/BOOT/BOOTX64.EFI", path))
		add_loader(part, path, "");
}

/* --- A tree ------------------------------------------------------------- */

static bool is_there(int root, const char *path)
{
	int fd = open_below(root, path, O_PATH | O_NOFOLLOW);

	if (fd < 0)
		return false;
	close(fd);
	return true;
}

static bool take_version(void *data, const char *name)
{
	char path[PATH_SIZE];

	return snprintf(path, sizeof(path), "posada/%s/xen.gz", name) < (int)sizeof(path) &&
	       is_there(*(const int *)data, path);
}

void peek_tree(int root, const char *medium, struct part *part, bool *is_medium)
{
	char path[PATH_SIZE], pair[sizeof(part->mirror)];
	struct statvfs room;

	if (!fstatvfs(root, &room))
		part->room = (uint64_t)room.f_bavail * room.f_frsize;
	/* One that was broken off has what undo needs before it has anything that starts, and loses
	 * it last; the probe may have seen a mark of it. */
	if (is_there(root, "posada/undo") && !is_there(root, "posada/grub.cfg"))
		part->unfinished = true;
	part->posada = part->unfinished || has(root, "posada/xen.gz") ||
		       is_there(root, "posada/undo") ||
		       each_name(root, "posada", take_version, &root);
	if (read_start(root, "posada/mirror", pair, sizeof(pair)) > 0) {
		pair[strcspn(pair, "\n")] = '\0';
		posada_text_clean(pair, part->mirror, sizeof(part->mirror));
	}
	*is_medium = false;
	if (medium && *medium && !strchr(medium, '/') &&
		snprintf(path, sizeof(path), "posada/%s", medium) < (int)sizeof(path))
		*is_medium = is_there(root, path);
	if (!strcmp(part->content, "vfat"))
		look_for_loaders(root, part);
	else if (!strcmp(part->content, "ntfs"))
		look_for_windows(root, part);
	else if (strcmp(part->content, "iso9660") != 0)
		look_for_linux(root, part);
}

/* --- Mounting ----------------------------------------------------------- */

/* What a broken file system asks for ("errors=panic" in its superblock) is not for it to decide. */
static const struct {
	const char *content, *driver;
	const char *flags[3]; /* without a value */
	struct {
		const char *key, *value;
	} options[2];
} drivers[] = {
	{"ext2", "ext4", {"ro", "noload"}, {{"errors", "continue"}}},
	{"ext3", "ext4", {"ro", "noload"}, {{"errors", "continue"}}},
	{"ext4", "ext4", {"ro", "noload"}, {{"errors", "continue"}}},
	{"xfs", "xfs", {"ro", "norecovery", "nouuid"}, {{NULL, NULL}}},
	/* Its topmost folder, whichever subvolume its system mounts: GRUB begins there too. */
	{"btrfs", "btrfs", {"ro"}, {{"rescue", "nologreplay"}, {"subvolid", "5"}}},
	{"vfat", "vfat", {"ro"}, {{"utf8", "1"}}},
	{"ntfs", "ntfs3", {"ro"}, {{"iocharset", "utf8"}}},
	{"iso9660", "iso9660", {"ro"}, {{NULL, NULL}}},
};

static int find_driver(const char *content)
{
	for (size_t i = 0; i < COUNT(drivers); i++)
		if (!strcmp(content, drivers[i].content))
			return (int)i;
	return -ENOTSUP;
}

bool peek_knows(const char *content)
{
	return find_driver(content) >= 0;
}

static int configure(int context, unsigned command, const char *key, const char *value)
{
	return syscall(SYS_fsconfig, context, command, key, value, 0) ? -errno : 0;
}

/* A mount that no place in any tree shows; its root, or -errno. */
static int mount_apart(const char *source, int driver)
{
	int context = (int)syscall(SYS_fsopen, drivers[driver].driver, FSOPEN_CLOEXEC);
	int root = -1, ret;

	if (context < 0)
		return -errno;
	ret = configure(context, FSCONFIG_SET_STRING, "source", source);
	for (size_t i = 0; i < COUNT(drivers[driver].flags) && drivers[driver].flags[i]; i++)
		if (!ret)
			ret = configure(context, FSCONFIG_SET_FLAG, drivers[driver].flags[i], NULL);
	for (size_t i = 0; i < COUNT(drivers[driver].options); i++)
		if (!ret && drivers[driver].options[i].key)
			ret = configure(context, FSCONFIG_SET_STRING,
				drivers[driver].options[i].key, drivers[driver].options[i].value);
	if (!ret)
		ret = configure(context, FSCONFIG_CMD_CREATE, NULL, NULL);
	if (!ret) {
		root = (int)syscall(SYS_fsmount, context, FSMOUNT_CLOEXEC,
			MOUNT_ATTR_RDONLY | MOUNT_ATTR_NOSUID | MOUNT_ATTR_NODEV |
				MOUNT_ATTR_NOEXEC);
		ret = root < 0 ? -errno : root;
	}
	close(context);
	return ret;
}

static int open_root(const char *device, const struct part *part, int driver)
{
	char path[LOOP_NAME];
	int backing, loop, root;

	if (*part->mounted) {
		root = open(part->mounted, O_RDONLY | O_DIRECTORY | O_CLOEXEC | O_NONBLOCK);
		return root < 0 ? -errno : root;
	}
	backing = open(device, O_RDONLY | O_CLOEXEC);
	if (backing < 0)
		return -errno;
	loop = loop_open(backing, part->start, part->size, true, path);
	close(backing);
	if (loop < 0)
		return loop;
	root = mount_apart(path, driver);
	/* The mount keeps it from now on. */
	close(loop);
	return root;
}

/* --- A process for each look -------------------------------------------- */

struct answer {
	int ret;
	bool is_medium;
	struct part part;
};

_Static_assert(sizeof(struct answer) <= 4096, "a pipe takes it in one piece");

static void look(const char *device, const char *medium, const struct part *part, int to)
{
	struct answer answer = {.part = *part};
	int driver = find_driver(part->content), root;

	root = driver < 0 ? driver : open_root(device, part, driver);
	if (root < 0)
		answer.ret = root;
	else
		peek_tree(root, medium, &answer.part, &answer.is_medium);
	/* If nobody reads it any more, nobody misses it. */
	_exit(write(to, &answer, sizeof(answer)) == (ssize_t)sizeof(answer) ? 0 : 1);
}

static int receive(int from, struct answer *answer)
{
	struct pollfd event = {.fd = from, .events = POLLIN};
	struct timespec start, now;
	int left = PATIENCE_MS, ready;

	clock_gettime(CLOCK_MONOTONIC, &start);
	do {
		ready = poll(&event, 1, left);
		clock_gettime(CLOCK_MONOTONIC, &now);
		left = PATIENCE_MS - (int)((now.tv_sec - start.tv_sec) * 1000 +
					     (now.tv_nsec - start.tv_nsec) / 1000000);
	} while (ready < 0 && errno == EINTR && left > 0);
	if (ready <= 0)
		return -ETIME;
	return read(from, answer, sizeof(*answer)) == (ssize_t)sizeof(*answer) ? 0 : -EIO;
}

static void end(pid_t child)
{
	const struct timespec pause = {.tv_nsec = 10000000};

	kill(child, SIGKILL);
	for (int waited = 0; waited < FAREWELL_MS; waited += 10) {
		if (waitpid(child, NULL, WNOHANG))
			return;
		nanosleep(&pause, NULL);
	}
}

int peek_part(const char *device, const char *medium, struct part *part, bool *is_medium)
{
	struct answer answer;
	int pipes[2], ret;
	pid_t child;

	*is_medium = false;
	if (find_driver(part->content) < 0)
		return -ENOTSUP;
	if (pipe2(pipes, O_CLOEXEC))
		return -errno;
	child = fork();
	if (!child) {
		close(pipes[0]);
		look(device, medium, part, pipes[1]);
	}
	ret = child < 0 ? -errno : 0;
	close(pipes[1]);
	if (!ret) {
		ret = receive(pipes[0], &answer);
		end(child);
	}
	close(pipes[0]);
	if (!ret)
		ret = answer.ret;
	if (!ret) {
		*part = answer.part;
		*is_medium = answer.is_medium;
	}
	return ret;
}
