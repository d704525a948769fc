// SPDX-License-Identifier: GPL-2.0-or-later
// Volumes of guests: in the pool that is always there, a directory kept by libvirt, and in others.
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "folder.h"
#include "image.h"
#include "internal.h"
#include "xml.h"
#include "xmlnode.h"

#define TRIES 3

/* A libvirt call on the pool that failed; cure has a %s for where the pool is. */
static int fail_pool(struct posada_error *err, const char *what, const char *cure)
{
	char text[256];

	snprintf(text, sizeof(text), cure, POSADA_VOLUMES);
	return fail_libvirt(err, what, text);
}

static int pool_define(virConnectPtr conn, virStoragePoolPtr *pool, struct posada_error *err)
{
	static const char xml[] = "<pool type='dir'><name>" DEFAULT_POOL
				  "</name><target><path>" POSADA_VOLUMES "</path></target></pool>";

	*pool = virStoragePoolDefineXML(conn, xml, 0);
	if (!*pool)
		return fail_libvirt(err, _("The pool of volumes cannot be made"),
			_("Look in the log for the reason."));
	virStoragePoolSetAutostart(*pool, 1);
	return 0;
}

/* The pool, made and started where that has not happened yet. */
static int pool_open(struct posada *handle, virStoragePoolPtr *pool, struct posada_error *err)
{
	virConnectPtr conn;
	int ret = engine_any(handle, &conn, err);

	if (ret)
		return ret;
	*pool = virStoragePoolLookupByName(conn, DEFAULT_POOL);
	if (!*pool) {
		ret = pool_define(conn, pool, err);
		if (ret)
			return ret;
	}
	if (virStoragePoolIsActive(*pool) != 1) {
		/* Fails where the directory exists, which is as good. */
		virStoragePoolBuild(*pool, 0);
		if (virStoragePoolCreate(*pool, 0)) {
			ret = fail_pool(err, _("The pool of volumes does not start"),
				_("See that %s is there and can be written."));
			virStoragePoolFree(*pool);
			*pool = NULL;
			return ret;
		}
	}
	virStoragePoolRefresh(*pool, 0);
	return 0;
}

static int check_room(virStoragePoolPtr pool, uint64_t bytes, struct posada_error *err)
{
	virStoragePoolInfo info;
	char want[32], have[32];

	/* A RAM file system without a limit reports no size at all. */
	if (virStoragePoolGetInfo(pool, &info) || !info.capacity || bytes <= info.available)
		return 0;
	return fail(err, -ENOSPC,
		_("%s more does not fit: the pool %s has %s left. Choose a smaller disk or another pool, or delete a guest with its disks."),
		posada_size_text(bytes, want, sizeof(want)), virStoragePoolGetName(pool),
		posada_size_text(info.available, have, sizeof(have)));
}

/*
 * Neither a tilde nor a plus, which a logical volume has in its place, is in a guest's name: no
 * guest's disk can be in another's way.
 */
static void volume_name(const char *guest, size_t nth, bool lvm, char *buf, size_t size)
{
	const char *end = lvm ? "" : ".img";

	if (nth)
		snprintf(buf, size, "%s%c%zu%s", guest, lvm ? '+' : '~', nth + 1, end);
	else
		snprintf(buf, size, "%s%s", guest, end);
}

static size_t next_free(virStoragePoolPtr pool, const char *guest, bool lvm)
{
	char name[POSADA_NAME_MAX + 32];
	virStorageVolPtr taken;
	size_t nth;

	for (nth = 0; nth < 999; nth++) {
		volume_name(guest, nth, lvm, name, sizeof(name));
		taken = virStorageVolLookupByName(pool, name);
		if (!taken)
			break;
		virStorageVolFree(taken);
	}
	return nth;
}

int volume_make(virStoragePoolPtr pool, const char *guest, size_t nth,
	const struct posada_disk_spec *disk, uint64_t room, char **path, struct posada_error *err)
{
	const char *format = disk->format ? disk->format : "raw";
	struct posada_pool about = {0};
	virStorageVolPtr volume;
	char name[POSADA_NAME_MAX + 32], xml[768];
	int ret = pool_describe(pool, &about);
	bool lvm = about.kind == POSADA_POOL_LVM, iscsi = about.kind == POSADA_POOL_ISCSI;

	*path = NULL;
	posada_pool_free(&about);
	if (ret)
		return fail_memory(err);
	if (iscsi)
		return fail(err, -EINVAL,
			_("The volumes of the pool %s are made on its server. Give the path of one as the disk (\"posada pool show %s\" has them), or make an LVM pool on it and use that."),
			virStoragePoolGetName(pool), virStoragePoolGetName(pool));
	if (strcmp(format, "raw") != 0 && (lvm || strcmp(format, "qcow2") != 0))
		return fail(err, -EINVAL,
			_("A volume of the pool %s cannot have that format. Logical volumes are raw, files are raw or qcow2."),
			virStoragePoolGetName(pool));
	ret = check_room(pool, lvm ? disk->bytes : room, err);
	if (ret)
		return ret;
	/* The name comes from a legal guest name, so nothing in it needs escaping. */
	volume_name(guest, nth == VOLUME_NEXT ? next_free(pool, guest, lvm) : nth, lvm, name,
		sizeof(name));
	snprintf(xml, sizeof(xml),
		"<volume><name>%s</name><capacity unit='bytes'>%llu</capacity><allocation unit='bytes'>%llu</allocation><target><format type='%s'/></target></volume>",
		name, (unsigned long long)disk->bytes, (unsigned long long)(lvm ? disk->bytes : 0),
		format);
	volume = virStorageVolCreateXML(pool, xml, 0);
	if (!volume)
		return fail_libvirt(err, _("The new volume cannot be made"),
			_("Delete a volume that is in the way, in Pools or with \"posada pool delete\", or choose another name for the guest."));
	*path = virStorageVolGetPath(volume);
	if (!*path) {
		virStorageVolDelete(volume, 0);
		ret = fail_memory(err);
	} else {
		folder_sync(*path);
	}
	virStorageVolFree(volume);
	return ret;
}

static int open_named(
	struct posada *handle, const char *name, virStoragePoolPtr *pool, struct posada_error *err)
{
	return strcmp(name, DEFAULT_POOL) != 0 ? pool_find(handle, name, pool, err)
					       : pool_open(handle, pool, err);
}

int volume_create(struct posada *handle, const char *guest, size_t nth,
	const struct posada_disk_spec *disk, char **path, struct posada_error *err)
{
	virStoragePoolPtr pool = NULL;
	int ret;

	*path = NULL;
	ret = open_named(handle, disk->pool ? disk->pool : DEFAULT_POOL, &pool, err);
	if (ret)
		return ret;
	ret = volume_make(pool, guest, nth, disk, disk->bytes, path, err);
	virStoragePoolFree(pool);
	return ret;
}

bool posada_volume_is_of(struct posada *handle, const char *guest, const char *path)
{
	static const char first[] = POSADA_VOLUMES "/";
	size_t len = strlen(guest);
	struct posada_pools pools;
	bool found = false;

	if (!strncmp(path, first, sizeof(first) - 1))
		return true;
	if (posada_pool_list(handle, &pools, NULL))
		return false;
	for (size_t i = 0; i < pools.count && !found; i++) {
		const char *name;

		/* A volume on a server is nobody's to delete here. */
		if (pools.items[i].kind == POSADA_POOL_ISCSI ||
			!pool_has_path(&pools.items[i], path))
			continue;
		name = path + strlen(pools.items[i].path) + 1;
		/* A group can have volumes that somebody else has made. */
		found = !strncmp(name, guest, len) &&
			(!name[len] || name[len] == '+' || name[len] == '~' ||
				!strcmp(name + len, ".img"));
	}
	posada_pools_free(&pools);
	return found;
}

/* Is what this volume has only what differs from the one at PATH? */
static bool stands_on(virStorageVolPtr volume, const char *path)
{
	char *xml = virStorageVolGetXMLDesc(volume, 0);
	xmlDocPtr doc = xml ? xmlnode_parse(xml) : NULL;
	xmlNodePtr base =
		xmlnode_child(xmlnode_child(xmlDocGetRootElement(doc), "backingStore"), "path");
	char *below = base ? xmlnode_own(xmlNodeGetContent(base)) : NULL;
	bool is = below && image_is_same(below, path);

	free(below);
	xmlFreeDoc(doc);
	free(xml);
	return is;
}

/* Other programs make volumes that hold only what differs from another. */
static int see_nothing_stands_on(virStoragePoolPtr pool, const char *path, struct posada_error *err)
{
	virStorageVolPtr *volumes = NULL;
	char clean[256], other[256];
	int ret = 0, count = virStoragePoolListAllVolumes(pool, &volumes, 0);

	if (count < 0)
		return fail_libvirt(err, _("The volumes cannot be listed"),
			_("See that the pool is there and can be read."));
	posada_text_clean(path, clean, sizeof(clean));
	for (int i = 0; i < count; i++) {
		if (!ret && stands_on(volumes[i], path))
			ret = fail(err, -EBUSY,
				_("The volume %s stands on %s, and is lost once that is changed or deleted. Delete it first."),
				posada_text_clean(
					virStorageVolGetName(volumes[i]), other, sizeof(other)),
				clean);
		virStorageVolFree(volumes[i]);
	}
	free(volumes);
	return ret;
}

int volume_stands_alone(struct posada *handle, const char *path, struct posada_error *err)
{
	struct posada_pools pools;
	virStoragePoolPtr found;
	int ret = posada_pool_list(handle, &pools, err);

	for (size_t i = 0; i < pools.count && !ret; i++) {
		/* Where all volumes are devices none has a file behind it. */
		if (pools.items[i].state > POSADA_POOL_FULL ||
			pools.items[i].kind == POSADA_POOL_LVM ||
			pools.items[i].kind == POSADA_POOL_ISCSI)
			continue;
		ret = open_named(handle, pools.items[i].name, &found, err);
		if (!ret) {
			ret = see_nothing_stands_on(found, path, err);
			virStoragePoolFree(found);
		}
	}
	posada_pools_free(&pools);
	return ret;
}

int volume_check(struct posada *handle, const char *path, struct posada_error *err)
{
	struct posada_pools pools;
	int ret = posada_pool_list(handle, &pools, err);

	for (size_t i = 0; i < pools.count && !ret; i++)
		if (pools.items[i].state > POSADA_POOL_FULL && pool_has_path(&pools.items[i], path))
			ret = fail(err, -ENODEV,
				_("The pool %s is not there, so the disks in it cannot be deleted. Attach it, or delete the guest without its disks."),
				pools.items[i].name);
	posada_pools_free(&pools);
	return ret ? ret : volume_stands_alone(handle, path, err);
}

/*
 * libvirt deletes a file on NFS as the owner that it has there. Where the server names its owners,
 * and we cannot tell who that is, it is nobody, who may not; root may, if the server lets it.
 */
static bool unlink_denied(virStorageVolPtr volume, const char *path)
{
	virErrorPtr error = virGetLastError();
	virStoragePoolPtr pool;
	struct stat file;

	if (!error || error->code != VIR_ERR_SYSTEM_ERROR || error->int1 != EACCES)
		return false;
	if (lstat(path, &file) || !S_ISREG(file.st_mode) || unlink(path))
		return false;
	pool = virStoragePoolLookupByVolume(volume);
	if (pool) {
		virStoragePoolRefresh(pool, 0);
		virStoragePoolFree(pool);
	}
	return true;
}

/* Xen's back end lets go of a device a moment after its guest has ended; LVM waits 5 s for that. */
static bool delete_unused(virStorageVolPtr volume, const char *path)
{
	for (int tries = 1; virStorageVolDelete(volume, 0); tries++) {
		if (unlink_denied(volume, path))
			return true;
		if (tries == TRIES || !image_is_block(path))
			return false;
		usleep(250000);
	}
	return true;
}

/* It stays gone when the power goes, or its disk is pulled out. */
static int remove_volume(virStorageVolPtr volume, const char *path, struct posada_error *err)
{
	char clean[256], what[320];

	if (!delete_unused(volume, path)) {
		snprintf(what, sizeof(what), _("The volume %s cannot be deleted"),
			posada_text_clean(path, clean, sizeof(clean)));
		return fail_libvirt(err, what, _("Remove it by hand in its pool."));
	}
	folder_sync(path);
	return 0;
}

int volume_delete(struct posada *handle, const char *path, struct posada_error *err)
{
	virStorageVolPtr volume;
	virConnectPtr conn;
	char clean[256];
	int ret = engine_any(handle, &conn, err);

	if (!ret)
		ret = pool_ready_for_path(handle, path, err);
	if (ret)
		return ret;
	volume = virStorageVolLookupByPath(conn, path);
	if (!volume && virGetLastErrorCode() == VIR_ERR_NO_STORAGE_VOL && access(path, F_OK) &&
		errno == ENOENT)
		return 0;
	if (!volume)
		return fail(err, -EIO,
			_("The volume %s cannot be deleted, for no pool knows it. Remove it by hand."),
			posada_text_clean(path, clean, sizeof(clean)));
	ret = remove_volume(volume, path, err);
	virStorageVolFree(volume);
	return ret;
}

/* Who has the volume? The answer is for people to read: the first guest found will do. */
static char *owner_of(const struct posada_guests *guests, const char *path)
{
	size_t i, j;

	for (i = 0; i < guests->count; i++) {
		const struct posada_guest *guest = &guests->items[i];
		bool has = (guest->kernel && image_is_same(guest->kernel, path)) ||
			   (guest->initrd && image_is_same(guest->initrd, path));

		for (j = 0; j < guest->disk_count && !has; j++)
			has = guest->disks[j].path && image_overlaps(guest->disks[j].path, path);
		if (has)
			return strdup(guest->name);
	}
	return NULL;
}

/* -EBUSY when somebody has it: a guest, another volume, or this host. */
static int check_unused(struct posada *handle, const char *path, struct posada_error *err)
{
	struct posada_guests guests;
	char *owner, clean[256];
	int ret = guest_list_all(handle, &guests, err);

	if (ret)
		return ret;
	owner = owner_of(&guests, path);
	posada_guests_free(&guests);
	posada_text_clean(path, clean, sizeof(clean));
	if (owner)
		ret = fail(err, -EBUSY,
			_("The guest %s has the volume %s. Delete the guest or take the volume from it first."),
			owner, clean);
	else if (image_is_taken(path))
		ret = fail(err, -EBUSY, _("The host itself uses the volume %s. Unmount it first."),
			clean);
	free(owner);
	return ret ? ret : volume_stands_alone(handle, path, err);
}

int posada_volume_delete(
	struct posada *handle, const char *pool, const char *volume, struct posada_error *err)
{
	struct posada_pool about = {0};
	virStoragePoolPtr found = NULL;
	virStorageVolPtr gone = NULL;
	char *path = NULL, clean[256];
	int ret = open_named(handle, pool, &found, err);

	if (ret)
		return ret;
	if (pool_describe(found, &about)) {
		ret = fail_memory(err);
		goto out;
	}
	if (about.kind == POSADA_POOL_ISCSI) {
		ret = fail(err, -EPERM,
			_("The volumes of the pool %s are made on its server. Delete it there."),
			pool);
		goto out;
	}
	gone = virStorageVolLookupByName(found, volume);
	if (!gone) {
		ret = fail(err, -ENOENT,
			_("The pool %s has no volume named \"%s\". \"posada pool show %s\" has those there are."),
			pool, posada_text_clean(volume, clean, sizeof(clean)), pool);
		goto out;
	}
	path = virStorageVolGetPath(gone);
	ret = path ? check_unused(handle, path, err) : fail_memory(err);
	if (!ret)
		ret = remove_volume(gone, path, err);
out:
	free(path);
	if (gone)
		virStorageVolFree(gone);
	posada_pool_free(&about);
	virStoragePoolFree(found);
	return ret;
}

static int add_volume(
	struct posada_pool *out, virStorageVolPtr volume, const struct posada_guests *guests)
{
	struct posada_volume *entry = &out->volumes[out->volume_count];
	virStorageVolInfo info;
	const char *name = virStorageVolGetName(volume);

	/* It can have gone since it was listed; a folder in a pool is nobody's disk. */
	if (!name || virStorageVolGetInfo(volume, &info) || info.type == VIR_STORAGE_VOL_DIR)
		return 0;
	entry->path = virStorageVolGetPath(volume);
	entry->name = strdup(name);
	entry->bytes = info.capacity;
	entry->used_bytes = info.allocation;
	out->volume_count++;
	if (!entry->path || !entry->name)
		return -ENOMEM;
	entry->guest = owner_of(guests, entry->path);
	return 0;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct posada_volume *)a)->name, ((const struct posada_volume *)b)->name);
}

/* The installer's side writes there what it has taken into use. */
static char *place_name(void)
{
	FILE *file = fopen(POSADA_RUN "/place", "re");
	char name[64] = "";

	if (!file)
		return NULL;
	if (fscanf(file, "%63s", name) != 1)
		*name = '\0';
	fclose(file);
	return *name ? strdup(name) : NULL;
}

/* Fills the sizes and the volumes of a pool that is in use. */
static int fill_pool(struct posada *handle, virStoragePoolPtr pool, struct posada_pool *out,
	struct posada_error *err)
{
	struct posada_guests guests = {0};
	virStorageVolPtr *volumes = NULL;
	virStoragePoolInfo info;
	int ret, count = 0, i;

	ret = posada_guest_list(handle, &guests, err);
	if (ret)
		return ret;
	count = virStoragePoolListAllVolumes(pool, &volumes, 0);
	if (count < 0 || virStoragePoolGetInfo(pool, &info)) {
		ret = fail_libvirt(err, _("The volumes cannot be listed"),
			_("See that the pool is there and can be read."));
		goto out;
	}
	out->bytes = info.capacity;
	out->free_bytes = info.available;
	out->volumes = calloc((size_t)count + 1, sizeof(*out->volumes));
	if (!out->volumes)
		ret = fail_memory(err);
	for (i = 0; i < count && !ret; i++)
		if (add_volume(out, volumes[i], &guests))
			ret = fail_memory(err);
	if (!ret)
		qsort(out->volumes, out->volume_count, sizeof(*out->volumes), by_name);
out:
	for (i = 0; i < count; i++)
		virStorageVolFree(volumes[i]);
	free(volumes);
	posada_guests_free(&guests);
	return ret;
}

int posada_pool_show(
	struct posada *handle, const char *name, struct posada_pool *out, struct posada_error *err)
{
	bool first = !strcmp(name, DEFAULT_POOL);
	virStoragePoolPtr pool = NULL;
	struct posada_pools pools;
	size_t i;
	int ret;

	memset(out, 0, sizeof(*out));
	ret = first ? pool_open(handle, &pool, err) : 0;
	if (!ret)
		ret = posada_pool_list(handle, &pools, err);
	if (ret)
		goto out;
	for (i = 0; i < pools.count && !out->name; i++)
		if (!strcmp(pools.items[i].name, name)) {
			*out = pools.items[i];
			memset(&pools.items[i], 0, sizeof(pools.items[i]));
		}
	posada_pools_free(&pools);
	if (!out->name || (!first && out->state <= POSADA_POOL_FULL))
		ret = pool_find(handle, name, &pool, err);
	if (!ret && pool)
		ret = fill_pool(handle, pool, out, err);
out:
	if (pool)
		virStoragePoolFree(pool);
	if (ret)
		posada_pool_free(out);
	return ret;
}

int posada_storage_list(struct posada *handle, struct posada_pool *out, struct posada_error *err)
{
	int ret = posada_pool_show(handle, DEFAULT_POOL, out, err);

	if (!ret)
		out->place = place_name();
	return ret;
}

void posada_pool_free(struct posada_pool *pool)
{
	size_t i;

	for (i = 0; i < pool->volume_count; i++) {
		free(pool->volumes[i].name);
		free(pool->volumes[i].path);
		free(pool->volumes[i].guest);
	}
	free(pool->volumes);
	free(pool->name);
	free(pool->source);
	free(pool->path);
	free(pool->place);
	memset(pool, 0, sizeof(*pool));
}
