// SPDX-License-Identifier: GPL-2.0-or-later
// Pools of volumes: what there are, how they are, and what can be done with one.
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libvirt/virterror.h>
#include <linux/magic.h>
#include <netdb.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/statfs.h>
#include <unistd.h>
#include "image.h"
#include "internal.h"
#include "iscsi.h"
#include "pool.h"
#include "pool_login.h"
#include "tool.h"

/* A server that does not answer would keep libvirtd waiting as long as it keeps us: libvirt does
 * not attach such a pool by itself, and a file with the pool's name here says that nobody shall. */
#define DETACHED "/etc/posada/detached"

#define NFS_PORT    "2049"
#define PATIENCE_MS 5000

/* With less than this part of its room, and than these bytes, a pool of files counts as full: ext4
 * counts a fiftieth as free that it gives to nobody. */
#define FULL_PART  32
#define FULL_BYTES ((uint64_t)1 << 30)

#define SYS "/sys"

/* What is on a server, over the network. */
static bool is_remote(enum posada_pool_kind kind)
{
	return kind == POSADA_POOL_NFS || kind == POSADA_POOL_ISCSI;
}

/* Its file system is mounted on a folder that is there for nothing else. */
static bool has_folder(const struct posada_pool *pool)
{
	return pool->source && pool->path &&
	       !strncmp(pool->path, POSADA_POOLS "/", strlen(POSADA_POOLS "/"));
}

static int fail_missing(const struct posada_pool *pool, struct posada_error *err)
{
	return fail(err, -ENODEV,
		is_remote(pool->kind)
			? _("The pool %s is not there: %s does not answer. Look at the server and the network.")
			: _("The pool %s is not there: %s is not found. Connect its disk."),
		pool->name,
		pool->source ? pool->source
		: pool->path ? pool->path
			     : "-");
}

/* --- How it is ---------------------------------------------------------- */

/* Does the server take a connection? */
static bool server_answers(const char *server, const char *port)
{
	const struct addrinfo hints = {.ai_socktype = SOCK_STREAM};
	struct addrinfo *found, *at;
	bool answers = false;

	if (getaddrinfo(server, port, &hints, &found))
		return false;
	for (at = found; at && !answers; at = at->ai_next) {
		int fd = socket(at->ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		struct pollfd event = {.fd = fd, .events = POLLOUT};
		socklen_t size = sizeof(int);
		int failed = 1;

		if (fd < 0)
			continue;
		if (!connect(fd, at->ai_addr, at->ai_addrlen))
			answers = true;
		else if (errno == EINPROGRESS && poll(&event, 1, PATIENCE_MS) > 0)
			answers = !getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &size) && !failed;
		close(fd);
	}
	freeaddrinfo(found);
	return answers;
}

/* Who looks into a folder of a dead server waits for it, so another program does. */
static bool folder_answers(const char *path)
{
	const char *const words[] = {"timeout", "-s", "KILL", "5", "stat", "-f", path, NULL};

	return !tool_run(words, NULL, 0);
}

bool posada_group_exists(const char *name)
{
	const char *const words[] = {TOOL_LVM_LOOK, "vgs", "--noheadings", "--readonly", "-o",
		"vg_name", "--", name, NULL};

	return posada_name_is_legal(name) && !tool_run(words, NULL, 0);
}

int posada_group_name(const char *pool, char *group, size_t size)
{
	unsigned char bytes[4];

	if (!posada_name_is_legal(pool))
		return -EINVAL;
	if (getrandom(bytes, sizeof(bytes), 0) != sizeof(bytes))
		return -EIO;
	/* With what tells it from others it is as long as a legal name may be. */
	snprintf(group, size, "%.54s-%02x%02x%02x%02x", pool, bytes[0], bytes[1], bytes[2],
		bytes[3]);
	return 0;
}

/* 0, -ENODEV when a disk of it is not there, -EBUSY when some disk does not answer. */
static int see_group(const char *name)
{
	const char *const words[] = {TOOL_LVM_LOOK, "vgs", "--noheadings", "--readonly", "-o",
		"vg_missing_pv_count", "--", name, NULL};
	char output[64];
	int status = tool_run(words, output, sizeof(output));

	if (tool_was_killed(status))
		return -EBUSY;
	return !status && atoi(output) == 0 ? 0 : -ENODEV;
}

/* The session with its target; -ENOENT. */
static int find_session(const struct posada_pool *pool, struct iscsi_session *session)
{
	struct iscsi_target target;

	if (pool->kind != POSADA_POOL_ISCSI || !pool->source ||
		iscsi_target_parse(pool->source, &target))
		return -ENOENT;
	return iscsi_session_find(SYS, target.name, session);
}

/* Is there what it is made of? */
static bool is_there(const struct posada_pool *pool)
{
	struct iscsi_target target;
	char server[256];
	struct stat st;

	if (pool->kind == POSADA_POOL_NFS)
		return pool->source && !pool_server(pool->source, server, sizeof(server)) &&
		       server_answers(server, NFS_PORT);
	if (pool->kind == POSADA_POOL_ISCSI)
		return pool->source && !iscsi_target_parse(pool->source, &target) &&
		       server_answers(target.server, target.port);
	if (pool->kind == POSADA_POOL_LVM)
		return pool->source && !see_group(pool->source);
	if (pool->kind == POSADA_POOL_DIRECTORY)
		return !stat(pool->source ? pool->source : pool->path, &st);
	return true;
}

static bool is_wanted(virStoragePoolPtr handle, const struct posada_pool *pool)
{
	char path[256];
	int autostart = 0;

	if (is_remote(pool->kind)) {
		snprintf(path, sizeof(path), DETACHED "/%s", pool->name);
		return access(path, F_OK) != 0;
	}
	return !virStoragePoolGetAutostart(handle, &autostart) && autostart;
}

static int want(virStoragePoolPtr handle, const struct posada_pool *pool, bool wanted)
{
	char path[256];
	int fd;

	if (!is_remote(pool->kind))
		return virStoragePoolSetAutostart(handle, wanted) ? -EIO : 0;
	snprintf(path, sizeof(path), DETACHED "/%s", pool->name);
	if (wanted)
		return unlink(path) && errno != ENOENT ? -errno : 0;
	mkdir("/etc/posada", 0755);
	mkdir(DETACHED, 0755);
	fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
	if (fd < 0)
		return -errno;
	return close(fd) ? -errno : 0;
}

int pool_describe(virStoragePoolPtr pool, struct posada_pool *out)
{
	char *xml = virStoragePoolGetXMLDesc(pool, 0);
	int ret = xml ? pool_from_xml(xml, out) : -ENOENT;

	free(xml);
	return ret;
}

bool pool_is_in_memory(const char *path)
{
	struct statfs about;

	return !statfs(path, &about) &&
	       (about.f_type == TMPFS_MAGIC || about.f_type == RAMFS_MAGIC ||
		       about.f_type == OVERLAYFS_SUPER_MAGIC);
}

bool pool_is_full(const struct posada_pool *pool)
{
	/* The room of a logical volume is its own from the beginning, and a server's is its own. */
	return pool->kind != POSADA_POOL_LVM && pool->kind != POSADA_POOL_ISCSI &&
	       pool->free_bytes < FULL_BYTES && pool->free_bytes < pool->bytes / FULL_PART;
}

/* Its state and sizes; what might make libvirtd wait is not asked. */
static void look(virStoragePoolPtr handle, struct posada_pool *pool)
{
	struct iscsi_session session;
	virStoragePoolInfo info;
	bool known = true;

	if (virStoragePoolIsActive(handle) != 1) {
		pool->state = is_wanted(handle, pool) ? POSADA_POOL_MISSING : POSADA_POOL_DETACHED;
		return;
	}
	if (pool->kind == POSADA_POOL_NFS && !folder_answers(pool->path)) {
		pool->state = POSADA_POOL_SILENT;
		return;
	}
	if (pool->kind == POSADA_POOL_ISCSI) {
		known = !find_session(pool, &session);
		if (known && !session.answers) {
			pool->state = POSADA_POOL_SILENT;
			return;
		}
	} else if (pool->kind == POSADA_POOL_LVM && pool->source) {
		int seen = see_group(pool->source);

		if (seen == -EBUSY) {
			pool->state = POSADA_POOL_SILENT;
			return;
		}
		known = !seen;
	} else if (pool->kind != POSADA_POOL_NFS && pool->source) {
		known = is_there(pool);
	}
	if (!known) {
		pool->state = POSADA_POOL_MISSING;
		return;
	}
	/* libvirt lets go of a pool that it cannot look into, but not of one in which another
	 * program makes a volume meanwhile; of a session only pool_find() asks for what is new. */
	if (pool->kind != POSADA_POOL_ISCSI && virStoragePoolRefresh(handle, 0) &&
		virStoragePoolIsActive(handle) != 1) {
		pool->state = is_wanted(handle, pool) ? POSADA_POOL_MISSING : POSADA_POOL_DETACHED;
		return;
	}
	if (virStoragePoolGetInfo(handle, &info)) {
		pool->state = POSADA_POOL_MISSING;
		return;
	}
	pool->bytes = info.capacity;
	pool->free_bytes = info.available;
	pool->state = pool_is_full(pool) ? POSADA_POOL_FULL : POSADA_POOL_READY;
}

/* --- Lists -------------------------------------------------------------- */

static int by_name(const void *a, const void *b)
{
	const struct posada_pool *one = a, *other = b;
	bool first = !strcmp(one->name, DEFAULT_POOL);

	if (first || !strcmp(other->name, DEFAULT_POOL))
		return first ? -1 : 1;
	return strcmp(one->name, other->name);
}

/*
 * Calls VISIT for each pool as it is defined, until one fails. What VISIT takes of a pool, it
 * leaves none of there.
 */
static int each_pool(struct posada *handle,
	int (*visit)(virStoragePoolPtr found, struct posada_pool *pool, void *opaque,
		struct posada_error *err),
	void *opaque, struct posada_error *err)
{
	virStoragePoolPtr *found;
	virConnectPtr conn;
	int count, i, ret = engine_any(handle, &conn, err);

	if (ret)
		return ret;
	count = virConnectListAllStoragePools(conn, &found, 0);
	if (count < 0)
		return fail_libvirt(
			err, _("The pools cannot be listed"), _("Try again, or read the log."));
	for (i = 0; i < count; i++) {
		struct posada_pool pool = {0};

		/* One that went away since it was listed is simply not there. */
		if (!ret && !pool_describe(found[i], &pool))
			ret = visit(found[i], &pool, opaque, err);
		posada_pool_free(&pool);
		virStoragePoolFree(found[i]);
	}
	free(found);
	return ret;
}

static int add(
	virStoragePoolPtr found, struct posada_pool *pool, void *opaque, struct posada_error *err)
{
	struct posada_pools *pools = opaque;
	struct posada_pool *items =
		reallocarray(pools->items, pools->count + 1, sizeof(*pools->items));

	if (!items)
		return fail_memory(err);
	look(found, pool);
	pools->items = items;
	items[pools->count++] = *pool;
	memset(pool, 0, sizeof(*pool));
	return 0;
}

int posada_pool_list(struct posada *handle, struct posada_pools *pools, struct posada_error *err)
{
	int ret;

	memset(pools, 0, sizeof(*pools));
	ret = each_pool(handle, add, pools, err);
	if (ret)
		posada_pools_free(pools);
	else if (pools->count)
		qsort(pools->items, pools->count, sizeof(*pools->items), by_name);
	return ret;
}

void posada_pools_free(struct posada_pools *pools)
{
	size_t i;

	for (i = 0; i < pools->count; i++)
		posada_pool_free(&pools->items[i]);
	free(pools->items);
	memset(pools, 0, sizeof(*pools));
}

/* --- One of them -------------------------------------------------------- */

/* A pool and what it is, for the functions below that act on one. */
struct target {
	virStoragePoolPtr handle;
	struct posada_pool pool;
};

static void target_close(struct target *target)
{
	if (target->handle)
		virStoragePoolFree(target->handle);
	posada_pool_free(&target->pool);
}

static int target_open(
	struct posada *handle, const char *name, struct target *target, struct posada_error *err)
{
	char clean[POSADA_NAME_MAX + 1];
	virConnectPtr conn;
	int ret;

	memset(target, 0, sizeof(*target));
	ret = engine_any(handle, &conn, err);
	if (ret)
		return ret;
	target->handle = virStoragePoolLookupByName(conn, name);
	if (!target->handle)
		return fail(err, -ENOENT,
			_("There is no pool named \"%s\". \"posada pool list\" shows those there are."),
			posada_text_clean(name, clean, sizeof(clean)));
	if (!pool_describe(target->handle, &target->pool))
		return 0;
	ret = fail_libvirt(err, _("The pool's definition cannot be read"), _("Try again."));
	target_close(target);
	return ret;
}

static int check_there(const struct posada_pool *pool, struct posada_error *err)
{
	if (pool->state == POSADA_POOL_DETACHED)
		return fail(err, -ENODEV,
			_("The pool %s is detached. Attach it first (\"posada pool attach %s\")."),
			pool->name, pool->name);
	return pool->state > POSADA_POOL_FULL ? fail_missing(pool, err) : 0;
}

int posada_pool_grows(const struct posada_pool *pool, struct posada_error *err)
{
	if (pool->kind != POSADA_POOL_LVM || !pool->source)
		return fail(err, -EINVAL,
			_("The pool %s is no LVM pool. Make a pool of its own on the disk."),
			pool->name);
	return check_there(pool, err);
}

int pool_find(
	struct posada *handle, const char *name, virStoragePoolPtr *pool, struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	*pool = NULL;
	if (ret)
		return ret;
	look(target.handle, &target.pool);
	ret = check_there(&target.pool, err);
	if (!ret && target.pool.kind == POSADA_POOL_ISCSI &&
		virStoragePoolRefresh(target.handle, 0))
		ret = fail_missing(&target.pool, err);
	if (!ret) {
		*pool = target.handle;
		target.handle = NULL;
	}
	target_close(&target);
	return ret;
}

bool pool_has_path(const struct posada_pool *pool, const char *path)
{
	size_t len = pool->path ? strlen(pool->path) : 0;
	struct iscsi_session session;
	struct iscsi_target target;

	if (pool->kind == POSADA_POOL_ISCSI)
		return (pool->source && !iscsi_target_parse(pool->source, &target) &&
			       iscsi_path_is_of(path, target.name)) ||
		       (!find_session(pool, &session) && iscsi_session_has(SYS, &session, path));
	return len && !strncmp(path, pool->path, len) && path[len] == '/';
}

static int see_ready(
	virStoragePoolPtr found, struct posada_pool *pool, void *opaque, struct posada_error *err)
{
	const char *const *path = opaque;

	if (!pool_has_path(pool, *path))
		return 0;
	look(found, pool);
	return check_there(pool, err);
}

int pool_ready_for_path(struct posada *handle, const char *path, struct posada_error *err)
{
	return each_pool(handle, see_ready, &path, err);
}

/* Is PATH, as LVM tells of its disks line by line ("/dev/sdb1 group"), one that GROUP is on? */
static bool group_is_on(const char *report, const char *group, const char *path)
{
	char disk[PATH_MAX], name[128];

	for (; report; report = strchr(report, '\n')) {
		report += strspn(report, "\n");
		if (sscanf(report, "%4095s %127s", disk, name) == 2 && !strcmp(name, group) &&
			image_overlaps(disk, path))
			return true;
	}
	return false;
}

static bool lies_on(const struct posada_pool *pool, const char *report, const char *path)
{
	if (!pool->source)
		return false;
	return pool->kind == POSADA_POOL_LVM ? group_is_on(report, pool->source, path)
					     : image_overlaps(pool->source, path);
}

/* A disk that a guest may get, and what LVM tells of its own. */
struct wanted {
	const char *path;
	char clean[256], report[16384];
};

static int see_apart(
	virStoragePoolPtr found, struct posada_pool *pool, void *opaque, struct posada_error *err)
{
	const struct wanted *wanted = opaque;

	(void)found;
	if (!lies_on(pool, wanted->report, wanted->path))
		return 0;
	return fail(err, -EBUSY,
		_("The pool %s (%s) is on %s, and a guest would overwrite all disks in it. Choose another disk; or, if the pool is not needed any more, forget it first (\"posada pool forget %s\")."),
		pool->name, pool->source, wanted->clean, pool->name);
}

/* What LVM tells of its disks; -EBUSY when it does not answer. */
static int ask_lvm(struct wanted *wanted, struct posada_error *err)
{
	const char *const words[] = {
		TOOL_LVM_LOOK, "pvs", "--noheadings", "--readonly", "-o", "pv_name,vg_name", NULL};

	if (!tool_was_killed(tool_run(words, wanted->report, sizeof(wanted->report))))
		return 0;
	return fail(err, -EBUSY,
		_("LVM does not answer, so it cannot be told whether a pool is on %s. Look at the disks of this host, and try again."),
		wanted->clean);
}

int pool_check_disk(struct posada *handle, const char *path, struct posada_error *err)
{
	struct wanted wanted = {.path = path};
	int ret;

	posada_text_clean(path, wanted.clean, sizeof(wanted.clean));
	ret = ask_lvm(&wanted, err);
	return ret ? ret : each_pool(handle, see_apart, &wanted, err);
}

/* Who has a disk in it, or NULL: the first guest found that is live, or any. */
static char *user_of(const struct posada_guests *guests, const struct posada_pool *pool, bool live)
{
	for (size_t i = 0; i < guests->count; i++) {
		const struct posada_guest *guest = &guests->items[i];

		if (live && !posada_state_is_live(guest->state))
			continue;
		for (size_t j = 0; j < guest->disk_count; j++) {
			const char *path = guest->disks[j].path;

			if (path && pool_has_path(pool, path))
				return strdup(guest->name);
		}
	}
	return NULL;
}

static int check_unused(
	struct posada *handle, const struct posada_pool *pool, bool live, struct posada_error *err)
{
	struct posada_guests guests;
	char *user;
	int ret;

	if (!strcmp(pool->name, DEFAULT_POOL))
		return fail(err, -EPERM,
			_("The pool %s belongs to the data place: \"posada storage detach\" lets go of that."),
			pool->name);
	ret = guest_list_all(handle, &guests, err);
	if (ret)
		return ret;
	user = user_of(&guests, pool, live);
	if (user)
		ret = fail(err, -EBUSY,
			live ? _("The guest %s runs and has a disk in the pool %s. Shut it down first.")
			     : _("The guest %s has a disk in the pool %s. Delete the guest first, or only detach the pool."),
			user, pool->name);
	free(user);
	posada_guests_free(&guests);
	return ret;
}

/* On the status page; NULL: nothing is wrong any more. A name that is no name of ours tells
 * nothing. */
static void tell(const struct posada_pool *pool, const char *format)
{
	char notice[128], text[1024];

	if (!posada_name_is_legal(pool->name))
		return;
	snprintf(notice, sizeof(notice), "pool-%s", pool->name);
	if (format)
		snprintf(text, sizeof(text), format, pool->name);
	notice_put(notice, format ? text : NULL);
}

/* --- Attaching ---------------------------------------------------------- */

static int start(virStoragePoolPtr handle, const struct posada_pool *pool, struct posada_error *err)
{
	char what[256];

	if (!is_there(pool))
		return fail_missing(pool, err);
	/* Where there is one it fails, which is as good. */
	if (has_folder(pool)) {
		mkdir(POSADA_POOLS, 0755);
		mkdir(pool->path, 0755);
	}
	if (!virStoragePoolCreate(handle, 0))
		return 0;
	snprintf(what, sizeof(what), _("The pool %s cannot be attached"), pool->name);
	return fail_libvirt(err, what, _("Look at its disk or server, and try again."));
}

int posada_pool_attach(struct posada *handle, const char *name, struct posada_error *err)
{
	struct target target;
	bool active;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	/* Another program may have started it, but not for good. */
	active = virStoragePoolIsActive(target.handle) == 1;
	if (active && is_wanted(target.handle, &target.pool))
		ret = fail(err, -EALREADY, _("The pool %s is attached already."), name);
	else if (!active)
		ret = start(target.handle, &target.pool, err);
	if (!ret && want(target.handle, &target.pool, true))
		ret = fail(err, -EIO,
			_("The pool %s is attached, but will not be after a reboot: that cannot be noted."),
			name);
	target_close(&target);
	return ret;
}

/* Is the data place a volume of the same group? LVM would not let go of that. */
static bool holds_place(const struct posada_pool *pool)
{
	size_t len = pool->source ? strlen(pool->source) : 0;
	char place[128];

	return pool->kind == POSADA_POOL_LVM && len &&
	       read_line(place, sizeof(place), POSADA_RUN "/place") &&
	       !strncmp(place, pool->source, len) && place[len] == '/';
}

static int stop(virStoragePoolPtr handle, const struct posada_pool *pool, struct posada_error *err)
{
	struct iscsi_session session;
	char what[256], device[64];

	if (virStoragePoolIsActive(handle) != 1)
		return 0;
	if (!find_session(pool, &session) &&
		!iscsi_session_held(SYS, &session, device, sizeof(device)))
		return fail(err, -EBUSY,
			_("The pool %s cannot be let go of: LVM uses %s, which is in it. Detach the pool that is made of that first."),
			pool->name, device);
	if (holds_place(pool))
		return fail(err, -EBUSY,
			_("The pool %s cannot be let go of: the data place is in the volume group %s too. Detach that first (\"posada storage detach\")."),
			pool->name, pool->source);
	/* libvirtd would wait for the server of what is mounted. */
	if (pool->kind == POSADA_POOL_NFS && !folder_answers(pool->path))
		umount2(pool->path, MNT_FORCE | MNT_DETACH | UMOUNT_NOFOLLOW);
	if (!virStoragePoolDestroy(handle))
		return 0;
	snprintf(what, sizeof(what), _("The pool %s cannot be detached"), pool->name);
	return fail_libvirt(err, what, _("End the programs that use its files, then try again."));
}

int posada_pool_detach(struct posada *handle, const char *name, struct posada_error *err)
{
	struct target target;
	bool wanted;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	wanted = is_wanted(target.handle, &target.pool);
	ret = check_unused(handle, &target.pool, true, err);
	/* First: whoever watches the pools would attach it again. */
	if (!ret && wanted && want(target.handle, &target.pool, false))
		ret = fail(err, -EIO,
			_("The pool %s is not detached: it would be attached again after a reboot, for that cannot be noted."),
			name);
	else if (!ret)
		ret = stop(target.handle, &target.pool, err);
	if (ret && wanted)
		want(target.handle, &target.pool, true);
	target_close(&target);
	return ret;
}

/* What a target was told of this host is in two places. */
static void forget_login(virConnectPtr conn, const char *name, const char *source)
{
	struct iscsi_target target;

	if (iscsi_target_parse(source, &target))
		return;
	tool_run((const char *const[]){"iscsiadm", "-m", "node", "-T", target.name, "-o", "delete",
			 NULL},
		NULL, 0);
	pool_password_forget(conn, name);
}

int posada_pool_forget(struct posada *handle, const char *name, struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	ret = check_unused(handle, &target.pool, false, err);
	if (!ret)
		ret = stop(target.handle, &target.pool, err);
	if (!ret && virStoragePoolUndefine(target.handle))
		ret = fail_libvirt(err, _("The pool's definition cannot be removed"),
			_("Try again, or read the log."));
	if (!ret) {
		tell(&target.pool, NULL);
		want(target.handle, &target.pool, true);
		if (target.pool.kind == POSADA_POOL_ISCSI && target.pool.source)
			forget_login(
				virStoragePoolGetConnect(target.handle), name, target.pool.source);
		/* It is empty now. */
		if (has_folder(&target.pool))
			rmdir(target.pool.path);
	}
	target_close(&target);
	return ret;
}

/* --- Making ------------------------------------------------------------- */

/* The UUID of the file system on a device, and whether it is one that guests' disks can be in. */
static int find_uuid(const char *device, char uuid[64], struct posada_error *err)
{
	const char *words[] = {"blkid", "-o", "value", "-s", "TYPE", device, NULL};
	static const char *const good[] = {"ext4", "xfs", "btrfs"};
	char type[64] = "";
	bool known = false;

	tool_run(words, type, sizeof(type));
	type[strcspn(type, "\n")] = '\0';
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		known |= !strcmp(type, good[i]);
	if (!known)
		return fail(err, -EINVAL,
			_("%s has no file system that guests' disks can be in (ext4, XFS or Btrfs). Make one there, or make an LVM pool on the disk."),
			device);
	words[4] = "UUID";
	if (tool_run(words, uuid, 64))
		*uuid = '\0';
	uuid[strcspn(uuid, "\n")] = '\0';
	if (!*uuid)
		return fail(err, -EINVAL, _("The file system on %s has no UUID to be known by."),
			device);
	return 0;
}

/* Is one of two folders within the other, or the same? */
static bool overlap(const char *one, const char *other)
{
	size_t a = strlen(one), b = strlen(other), least = a < b ? a : b;

	return !strncmp(one, other, least) &&
	       (a == b || least == 1 || (a > b ? one : other)[least] == '/');
}

static int check_folder(
	const struct posada_pools *pools, const char *path, struct posada_error *err)
{
	static const char *const never[] = {"/proc", "/sys", "/dev", "/run", "/etc"};
	struct stat st;
	size_t i;

	if (stat(path, &st) || !S_ISDIR(st.st_mode))
		return fail(err, -ENOENT, _("There is no folder %s. Make it, or correct the path."),
			path);
	for (i = 0; i < ARRAY_SIZE(never); i++)
		if (overlap(path, never[i]))
			return fail(err, -EINVAL,
				_("%s belongs to the system. Choose another folder."), path);
	/* Without a data place all of this host is in memory, which the status page tells. */
	if (pool_is_in_memory(path) && !access(POSADA_RUN "/place", F_OK))
		return fail(err, -EINVAL,
			_("%s is in this host's memory, and would be gone at power-off. Choose a folder in /data, or a disk."),
			path);
	for (i = 0; i < pools->count; i++)
		if (pools->items[i].path && overlap(path, pools->items[i].path))
			return fail(err, -EEXIST,
				_("The pool %s has %s already. Choose another folder."),
				pools->items[i].name, pools->items[i].path);
	return 0;
}

/* libvirt knows a session by its target's name alone. */
static bool is_same(const struct posada_pool *pool, const char *source)
{
	struct iscsi_target one, other;

	if (pool->kind != POSADA_POOL_ISCSI)
		return !strcmp(pool->source, source);
	return !iscsi_target_parse(pool->source, &one) && !iscsi_target_parse(source, &other) &&
	       !strcmp(one.name, other.name);
}

static int check_taken(const struct posada_pools *pools, const struct posada_pool_spec *spec,
	struct posada_error *err)
{
	for (size_t i = 0; i < pools->count; i++) {
		const struct posada_pool *at = &pools->items[i];

		if (!strcmp(at->name, spec->name))
			return fail(err, -EEXIST,
				_("There is a pool named %s already. Choose another name."),
				spec->name);
		if (at->kind == spec->kind && at->source && is_same(at, spec->source))
			return fail(err, -EEXIST, _("%s is the pool %s already."), spec->source,
				at->name);
	}
	return 0;
}

/* Defines and starts it; after a failure it is gone. */
static int make(virConnectPtr conn, const struct posada_pool_spec *spec,
	const struct pool_source *source, struct posada_error *err)
{
	struct posada_pool about = {0};
	virStoragePoolPtr pool;
	char *xml;
	int ret;

	if (pool_to_xml(spec, source, &xml))
		return fail_memory(err);
	pool = virStoragePoolDefineXML(conn, xml, 0);
	free(xml);
	if (!pool)
		return fail_libvirt(err, _("The pool cannot be made"),
			_("Change what the message names, and try again."));
	ret = pool_describe(pool, &about) ? fail_memory(err) : start(pool, &about, err);
	if (!ret && want(pool, &about, true)) {
		ret = fail(err, -EIO, _("It cannot be noted that the pool %s lasts."), spec->name);
		virStoragePoolDestroy(pool);
	}
	if (ret) {
		virStoragePoolUndefine(pool);
		if (has_folder(&about))
			rmdir(about.path);
	}
	posada_pool_free(&about);
	virStoragePoolFree(pool);
	return ret;
}

static int make_directory(virConnectPtr conn, const struct posada_pools *pools,
	const struct posada_pool_spec *spec, struct posada_error *err)
{
	struct posada_pool_spec real = *spec;
	struct pool_source source = {0};
	char uuid[64], by_uuid[128];
	struct stat st;
	int ret;

	if (!stat(spec->source, &st) && S_ISBLK(st.st_mode)) {
		ret = find_uuid(spec->source, uuid, err);
		if (ret)
			return ret;
		snprintf(by_uuid, sizeof(by_uuid), "/dev/disk/by-uuid/%s", uuid);
		source.uuid = uuid;
		real.source = by_uuid;
		ret = check_taken(pools, &real, err);
		return ret ? ret : make(conn, &real, &source, err);
	}
	real.source = realpath(spec->source, NULL);
	if (!real.source)
		return fail(err, -ENOENT, _("There is no folder %s. Make it, or correct the path."),
			spec->source);
	ret = pool_spec_check(&real, err);
	if (!ret)
		ret = check_folder(pools, real.source, err);
	if (!ret)
		ret = make(conn, &real, &source, err);
	free((char *)real.source);
	return ret;
}

static int make_group(virConnectPtr conn, const struct posada_pools *pools,
	const struct posada_pool_spec *spec, struct posada_error *err)
{
	const struct pool_source source = {0};

	(void)pools;
	if (!posada_group_exists(spec->source))
		return fail(err, -ENOENT, _("There is no volume group %s."), spec->source);
	return make(conn, spec, &source, err);
}

static int make_nfs(virConnectPtr conn, const struct posada_pools *pools,
	const struct posada_pool_spec *spec, struct posada_error *err)
{
	/* Of 4.2, servers such as NFS-Ganesha 4.3 answer READ_PLUS with errors and wrong bytes. */
	static const char *const versions[] = {"4.1", "4.0", "3"};
	int ret = -ENODEV;

	(void)pools;
	/* The newest that the server has; one that is not there has none. */
	for (size_t i = 0; i < ARRAY_SIZE(versions) && (ret == -EIO || !i); i++)
		ret = make(conn, spec, &(struct pool_source){.version = versions[i]}, err);
	return ret;
}

static int make_iscsi(virConnectPtr conn, const struct posada_pools *pools,
	const struct posada_pool_spec *spec, struct posada_error *err)
{
	const struct pool_source source = {0};
	int ret = 0;

	(void)pools;
	if (spec->password)
		ret = pool_password_keep(conn, spec->name, spec->password, err);
	if (ret)
		return ret;
	ret = make(conn, spec, &source, err);
	if (ret)
		forget_login(conn, spec->name, spec->source);
	return ret;
}

/* What a guest writes to as a disk, this host must not write to as a file system or a group. */
static int see_no_guest(
	struct posada *handle, const struct posada_pool_spec *spec, struct posada_error *err)
{
	const struct posada_pool pool = {.kind = spec->kind, .source = (char *)spec->source};
	struct posada_guests guests;
	struct wanted wanted = {0};
	int ret = 0;

	if (spec->kind != POSADA_POOL_LVM && spec->kind != POSADA_POOL_DIRECTORY)
		return 0;
	posada_text_clean(spec->source, wanted.clean, sizeof(wanted.clean));
	if (spec->kind == POSADA_POOL_LVM)
		ret = ask_lvm(&wanted, err);
	if (!ret)
		ret = guest_list_all(handle, &guests, err);
	if (ret)
		return ret;
	for (size_t i = 0; i < guests.count; i++)
		for (size_t j = 0; j < guests.items[i].disk_count; j++) {
			const char *path = guests.items[i].disks[j].path;

			if (!ret && path && image_is_block(path) &&
				lies_on(&pool, wanted.report, path))
				ret = fail(err, -EBUSY,
					_("%s is on a disk of the guest %s, and two would destroy it. Take the disk from the guest first, or choose another."),
					wanted.clean, guests.items[i].name);
		}
	posada_guests_free(&guests);
	return ret;
}

int posada_pool_create(
	struct posada *handle, const struct posada_pool_spec *spec, struct posada_error *err)
{
	static int (*const makers[POSADA_POOL_KINDS])(virConnectPtr conn,
		const struct posada_pools *pools, const struct posada_pool_spec *spec,
		struct posada_error *err) = {
		[POSADA_POOL_DIRECTORY] = make_directory,
		[POSADA_POOL_LVM] = make_group,
		[POSADA_POOL_NFS] = make_nfs,
		[POSADA_POOL_ISCSI] = make_iscsi,
	};
	struct posada_pools pools = {0};
	virConnectPtr conn;
	int ret = pool_spec_check(spec, err);

	if (ret)
		return ret;
	ret = engine_any(handle, &conn, err);
	if (!ret)
		ret = posada_pool_list(handle, &pools, err);
	if (!ret)
		ret = check_taken(&pools, spec, err);
	if (!ret)
		ret = see_no_guest(handle, spec, err);
	if (!ret)
		ret = makers[spec->kind](conn, &pools, spec, err);
	posada_pools_free(&pools);
	return ret;
}

/* --- Watching ----------------------------------------------------------- */

/* What the status page shall say of it, or NULL. */
static const char *complaint(const struct posada_pool *pool)
{
	switch (pool->state) {
	case POSADA_POOL_FULL:
		return _(
			"The pool %s is almost full: guests that write to it get errors when nothing is left. Delete what is not needed, or give it more room.");
	case POSADA_POOL_MISSING:
		return _(
			"The pool %s is not there: guests with disks in it cannot start, and those that run get errors. Connect its disk or its server.");
	case POSADA_POOL_SILENT:
		if (pool->kind == POSADA_POOL_ISCSI)
			return _(
				"The server of the pool %s does not answer: guests that use it wait for two minutes, and then get errors.");
		if (pool->kind == POSADA_POOL_LVM)
			return _(
				"A disk of this host does not answer, so the pool %s cannot be looked at: guests that use that disk wait.");
		return _(
			"The server of the pool %s does not answer: guests that write to it wait until it does.");
	default:
		return NULL;
	}
}

static int check(
	virStoragePoolPtr handle, struct posada_pool *pool, void *opaque, struct posada_error *err)
{
	(void)opaque;
	(void)err;
	look(handle, pool);
	/* A file system whose disk was pulled out is let go of, so that it can come back. */
	if (pool->state == POSADA_POOL_MISSING && virStoragePoolIsActive(handle) == 1)
		virStoragePoolDestroy(handle);
	if (pool->state == POSADA_POOL_MISSING && virStoragePoolIsActive(handle) != 1 &&
		is_wanted(handle, pool) && !start(handle, pool, NULL))
		look(handle, pool);
	tell(pool, complaint(pool));
	return 0;
}

int posada_pool_check(struct posada *handle, struct posada_error *err)
{
	int ret = each_pool(handle, check, NULL, err);

	if (!ret)
		autostart_late(handle);
	return ret;
}
