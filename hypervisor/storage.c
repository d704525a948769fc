// SPDX-License-Identifier: GPL-2.0-or-later
// The pool of guest volumes: a directory, kept by libvirt.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include "internal.h"
#include "xml.h"

/* libvirt's tools look for a pool of this name first. */
#define POOL "default"

/* A libvirt call on the pool that failed; cure has a %s for where the pool is. */
static int fail_pool(struct posada_error *err, const char *what, const char *cure)
{
	char text[256];

	snprintf(text, sizeof(text), cure, POSADA_VOLUMES);
	return fail_libvirt(err, what, text);
}

static int pool_define(virConnectPtr conn, virStoragePoolPtr *pool, struct posada_error *err)
{
	static const char xml[] = "<pool type='dir'><name>" POOL
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
	*pool = virStoragePoolLookupByName(conn, POOL);
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
		_("A volume of %s does not fit: the pool %s has %s left. Choose a smaller disk, or delete a guest with its disks."),
		posada_size_text(bytes, want, sizeof(want)), POSADA_VOLUMES,
		posada_size_text(info.available, have, sizeof(have)));
}

int volume_create(struct posada *handle, const char *name, uint64_t bytes, char **path,
	struct posada_error *err)
{
	virStoragePoolPtr pool = NULL;
	virStorageVolPtr volume = NULL;
	char xml[512];
	int ret;

	*path = NULL;
	ret = pool_open(handle, &pool, err);
	if (ret)
		return ret;
	ret = check_room(pool, bytes, err);
	if (ret)
		goto out;
	/* name comes from a legal guest name, so nothing in it needs escaping. */
	snprintf(xml, sizeof(xml),
		"<volume><name>%s</name><capacity unit='bytes'>%llu</capacity><allocation>0</allocation><target><format type='raw'/></target></volume>",
		name, (unsigned long long)bytes);
	volume = virStorageVolCreateXML(pool, xml, 0);
	if (!volume) {
		ret = fail_libvirt(err, _("The new volume cannot be made"),
			_("Delete what is in the way, or choose another name for the guest."));
		goto out;
	}
	*path = virStorageVolGetPath(volume);
	if (!*path) {
		virStorageVolDelete(volume, 0);
		ret = fail_memory(err);
	}
out:
	if (volume)
		virStorageVolFree(volume);
	virStoragePoolFree(pool);
	return ret;
}

int volume_delete(struct posada *handle, const char *path, struct posada_error *err)
{
	virStorageVolPtr volume;
	virConnectPtr conn;
	int ret = engine_any(handle, &conn, err);

	if (ret)
		return ret;
	volume = virStorageVolLookupByPath(conn, path);
	if (!volume)
		return 0;
	if (virStorageVolDelete(volume, 0))
		ret = fail_pool(
			err, _("A volume cannot be deleted"), _("Remove its file by hand in %s."));
	virStorageVolFree(volume);
	return ret;
}

/* Who has the volume? The answer is for people to read: the first guest found will do. */
static char *owner_of(const struct posada_guests *guests, const char *path)
{
	size_t i, j;

	for (i = 0; i < guests->count; i++)
		for (j = 0; j < guests->items[i].disk_count; j++) {
			const char *disk = guests->items[i].disks[j].path;

			if (disk && !strcmp(disk, path))
				return strdup(guests->items[i].name);
		}
	return NULL;
}

static int add_volume(
	struct posada_pool *out, virStorageVolPtr volume, const struct posada_guests *guests)
{
	struct posada_volume *entry = &out->volumes[out->volume_count];
	virStorageVolInfo info;
	const char *name = virStorageVolGetName(volume);

	/* It can have gone since it was listed. */
	if (!name || virStorageVolGetInfo(volume, &info))
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

int posada_storage_list(struct posada *handle, struct posada_pool *out, struct posada_error *err)
{
	struct posada_guests guests = {0};
	virStoragePoolPtr pool = NULL;
	virStorageVolPtr *volumes = NULL;
	virStoragePoolInfo info;
	int ret, count = 0, i;

	memset(out, 0, sizeof(*out));
	ret = pool_open(handle, &pool, err);
	if (ret)
		return ret;
	ret = posada_guest_list(handle, &guests, err);
	if (ret)
		goto out;
	count = virStoragePoolListAllVolumes(pool, &volumes, 0);
	if (count < 0 || virStoragePoolGetInfo(pool, &info)) {
		ret = fail_pool(err, _("The volumes cannot be listed"),
			_("See that %s is there and can be read."));
		goto out;
	}
	out->name = strdup(POOL);
	out->path = strdup(POSADA_VOLUMES);
	out->place = place_name();
	out->bytes = info.capacity;
	out->free_bytes = info.available;
	out->volumes = calloc((size_t)count + 1, sizeof(*out->volumes));
	if (!out->name || !out->path || !out->volumes)
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
	virStoragePoolFree(pool);
	if (ret)
		posada_pool_free(out);
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
	free(pool->path);
	free(pool->place);
	memset(pool, 0, sizeof(*pool));
}
