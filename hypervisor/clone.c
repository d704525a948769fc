// SPDX-License-Identifier: GPL-2.0-or-later
// Guests made from guests: clones with disks of their own, and the templates that are kept for
// them.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "copy.h"
#include "domainxml.h"
#include "guest.h"
#include "tool.h"
#include "xml.h"

/* What a cloning has made so far: all of it goes again when it fails. */
struct cloning {
	struct posada *handle;
	const struct posada_clone *clone;
	struct engine *engine;
	char *xml;
	struct posada_guest source;
	struct domainxml_disks disks;
	struct copies copies;
};

static void cloning_close(struct cloning *cloning, bool failed, struct posada_error *err)
{
	size_t i;

	for (i = 0; i < cloning->disks.count && failed; i++)
		if (cloning->disks.items[i].copy.path)
			volume_unmake(cloning->handle, cloning->disks.items[i].copy.path, err);
	domainxml_disks_free(&cloning->disks);
	posada_guest_free(&cloning->source);
	free(cloning->xml);
}

/* --- Looking ------------------------------------------------------------ */

static int check_names(struct cloning *cloning, struct posada_error *err)
{
	const char *name = cloning->clone->name;
	char clean[POSADA_NAME_MAX + 8];
	struct posada_guest other;
	int ret;

	if (!posada_name_is_legal(name))
		return fail(err, -EINVAL,
			_("\"%s\" cannot be a guest's name. Use 1 to %d letters, digits, dots, dashes and underscores, and begin with a letter or a digit."),
			posada_text_clean(name ? name : "", clean, sizeof(clean)), POSADA_NAME_MAX);
	ret = posada_guest_show(cloning->handle, name, &other, err);
	if (!ret) {
		posada_guest_free(&other);
		return fail(err, -EEXIST,
			_("There is a guest named %s already. Choose another name, or delete that guest first."),
			name);
	}
	return ret == -ENOENT ? 0 : ret;
}

/* The definition of the source, if it is off. */
static int read_source(struct cloning *cloning, struct posada_error *err)
{
	const char *name = cloning->clone->from;
	virDomainPtr domain;
	int ret = guest_find(cloning->handle, name, &domain, &cloning->engine, err);

	if (ret)
		return ret;
	if (virDomainIsActive(domain) == 1) {
		ret = fail_live(name, err);
		goto out;
	}
	ret = guest_check_saved(domain, err);
	if (ret)
		goto out;
	cloning->xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (!cloning->xml || xml_to_guest(cloning->xml, &cloning->source) ||
		domainxml_disks(cloning->xml, &cloning->disks))
		ret = fail_libvirt(
			err, _("The guest's definition cannot be read"), _("Try again."));
	else if (cloning->clone->seed)
		ret = posada_seed_check(cloning->clone->seed, cloning->source.nic_count != 0, err);
out:
	virDomainFree(domain);
	return ret;
}

static int measure(struct cloning *cloning, struct posada_error *err)
{
	char clean[256];
	size_t i;

	for (i = 0; i < cloning->disks.count; i++) {
		struct domainxml_disk *disk = &cloning->disks.items[i];
		int ret;

		if (!disk->own)
			continue;
		if (!disk->path)
			return fail(err, -ENOTSUP,
				_("The disk %s of the guest is neither a file nor a device of this host, so it cannot be copied. Take it out of the guest first."),
				posada_text_clean(
					disk->target ? disk->target : "?", clean, sizeof(clean)));
		if (!strncmp(disk->path, POSADA_ADOPTED, strlen(POSADA_ADOPTED)))
			return fail(err, -ENOTSUP,
				_("%s is the system that was on this machine, on the disks that it has natively: it cannot be cloned."),
				cloning->clone->from);
		/* Who reads from a server that is silent waits for it. */
		ret = pool_ready_for_path(cloning->handle, disk->path, err);
		if (ret)
			return ret;
		ret = copy_measure(disk->path, disk->format, &disk->bytes);
		if (ret)
			return fail(err, ret,
				_("The disk %s cannot be read: %s. See that its storage is there."),
				posada_text_clean(disk->path, clean, sizeof(clean)),
				ret == -EINVAL ? _("it is no image of its format")
					       : strerror(-ret));
		cloning->copies.total += disk->bytes;
	}
	return 0;
}

/* --- Volumes ------------------------------------------------------------ */

/* Is it one that a server has made, as it makes all of its pool? */
static bool is_on_target(virStorageVolPtr volume)
{
	virStoragePoolPtr pool = virStoragePoolLookupByVolume(volume);
	struct posada_pool about = {0};
	bool is;

	is = pool && !pool_describe(pool, &about) && about.kind == POSADA_POOL_ISCSI;
	posada_pool_free(&about);
	if (pool)
		virStoragePoolFree(pool);
	return is;
}

/* In the pool of the disk that is copied, and of its kind; what no pool has, or none can have more
 * of, comes into the first. */
static int volume_like(
	struct cloning *cloning, size_t nth, struct domainxml_disk *disk, struct posada_error *err)
{
	struct posada_disk_spec spec = {.bytes = disk->bytes};
	virStoragePoolPtr pool = NULL;
	virStorageVolPtr model;
	virStorageVolInfo info;
	virConnectPtr conn;
	int ret = engine_any(cloning->handle, &conn, err);

	if (ret)
		return ret;
	disk->copy.format = "raw";
	model = virStorageVolLookupByPath(conn, disk->path);
	if (model && is_on_target(model)) {
		virStorageVolFree(model);
		model = NULL;
	}
	if (!model)
		return volume_create(
			cloning->handle, cloning->clone->name, nth, &spec, &disk->copy.path, err);
	pool = virStoragePoolLookupByVolume(model);
	if (!pool || virStorageVolGetInfo(model, &info)) {
		ret = fail_libvirt(
			err, _("The pool of a disk cannot be looked at"), _("Try again."));
	} else {
		disk->copy.block = info.type == VIR_STORAGE_VOL_BLOCK;
		disk->copy.format = disk->format;
		if (!disk->copy.block)
			spec.format = disk->format;
		/* A file takes its room when it is written, and no more than the first takes. */
		ret = volume_make(pool, cloning->clone->name, nth, &spec, info.allocation,
			&disk->copy.path, err);
	}
	if (pool)
		virStoragePoolFree(pool);
	virStorageVolFree(model);
	return ret;
}

/* --- Copying ------------------------------------------------------------ */

static bool source_has_started(void *source)
{
	struct cloning *cloning = source;
	struct posada_guest guest;
	bool live;

	/* A libvirtd that does not answer starts nothing either. */
	if (posada_guest_show(cloning->handle, cloning->clone->from, &guest, NULL))
		return false;
	live = posada_state_is_live(guest.state);
	posada_guest_free(&guest);
	return live;
}

static int copy_disk(
	struct cloning *cloning, size_t nth, struct domainxml_disk *disk, struct posada_error *err)
{
	char why[256];
	struct copy copy = {.from = disk->path, .from_format = disk->format};
	int ret = volume_like(cloning, nth, disk, err);

	if (ret)
		return ret;
	copy.to = disk->copy.path;
	copy.to_format = disk->copy.format;
	copy.to_is_empty = !disk->copy.block;
	ret = copy_next(&cloning->copies, &copy, disk->bytes, why, sizeof(why));
	return ret == -EBUSY ? fail_live(cloning->clone->from, err)
	       : ret	     ? fail_copy(cloning->clone->name, ret, why, err)
			     : 0;
}

static int copy_disks(struct cloning *cloning, struct posada_error *err)
{
	const struct posada_clone *clone = cloning->clone;
	size_t nth = 0, i;
	int ret = 0;

	cloning->copies.progress = clone->progress;
	cloning->copies.opaque = clone->opaque;
	cloning->copies.changes = source_has_started;
	cloning->copies.source = cloning;
	for (i = 0; i < cloning->disks.count && !ret; i++)
		if (cloning->disks.items[i].own)
			ret = copy_disk(cloning, nth++, &cloning->disks.items[i], err);
	return ret;
}

static int define(struct cloning *cloning, struct posada_error *err)
{
	struct definition definition = {.name = cloning->clone->name,
		.kind = cloning->source.kind,
		.seed = cloning->clone->seed};
	char *xml;
	int ret;

	if (domainxml_clone(cloning->xml, cloning->clone->name, &cloning->disks, &xml))
		return fail_memory(err);
	definition.xml = xml;
	/* The connection may have gone meanwhile, and come back. */
	ret = engine_connect(cloning->handle, cloning->engine, err);
	if (!ret)
		ret = guest_define(cloning->engine, &definition, err);
	free(xml);
	return ret;
}

/* What the firmware knows of loaders goes along; without it the clone might not start. */
static int copy_variables(struct cloning *cloning, struct posada_error *err)
{
	char *from = domainxml_nvram(cloning->xml), *to = NULL, *xml = NULL;
	struct target target;
	int ret = 0;

	/* One that has not started yet has none. */
	if (!from || access(from, F_OK))
		goto out;
	ret = target_open(cloning->handle, cloning->clone->name, &target, err);
	if (ret)
		goto out; /* the guest stays, and with it its disks */
	xml = virDomainGetXMLDesc(target.domain, VIR_DOMAIN_XML_INACTIVE);
	to = xml ? domainxml_nvram(xml) : NULL;
	if (to && tool_run((const char *const[]){"cp", "-p", from, to, NULL}, NULL, 0)) {
		ret = fail(err, -EIO,
			_("The variables of the guest's firmware cannot be copied to %s. See that there is room, and try again."),
			to);
		virDomainUndefineFlags(target.domain, VIR_DOMAIN_UNDEFINE_NVRAM);
		seed_drop(cloning->handle, cloning->clone->name);
	}
	target_close(&target);
out:
	free(from);
	free(to);
	free(xml);
	return ret;
}

int posada_guest_clone(
	struct posada *handle, const struct posada_clone *clone, struct posada_error *err)
{
	struct cloning cloning = {.handle = handle, .clone = clone};
	int ret;

	ret = check_names(&cloning, err);
	if (!ret)
		ret = read_source(&cloning, err);
	if (!ret)
		ret = measure(&cloning, err);
	if (!ret)
		ret = copy_disks(&cloning, err);
	if (!ret)
		ret = define(&cloning, err);
	if (!ret)
		ret = copy_variables(&cloning, err);
	cloning_close(&cloning, ret != 0, err);
	return ret;
}

/* --- Templates ---------------------------------------------------------- */

int posada_guest_template(
	struct posada *handle, const char *name, bool on, struct posada_error *err)
{
	struct engine *engine;
	virDomainPtr domain;
	int ret = guest_find(handle, name, &domain, &engine, err);

	if (ret)
		return ret;
	if (virDomainIsActive(domain) == 1) {
		ret = fail(err, -EBUSY,
			_("The guest %s is running. Stop it before you make it a template."),
			virDomainGetName(domain));
	} else if (on && (ret = guest_check_saved(domain, err))) {
		goto out;
	} else if (virDomainSetMetadata(domain, VIR_DOMAIN_METADATA_ELEMENT,
			   on ? "<template/>" : NULL, on ? "posada" : NULL, TEMPLATE_URI,
			   VIR_DOMAIN_AFFECT_CONFIG)) {
		ret = fail_libvirt(
			err, _("The guest's definition cannot be changed"), _("Try again."));
	} else if (on) {
		/* libvirt would not ask us; not every driver can start guests by itself. */
		virDomainSetAutostart(domain, 0);
	}
out:
	virDomainFree(domain);
	return ret;
}
