// SPDX-License-Identifier: GPL-2.0-or-later
// Makes guests: every check first, then the volumes and the definition.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "copy.h"
#include "guest.h"
#include "image.h"
#include "internal.h"
#include "sticks.h"
#include "xml.h"

/* What a creation has made so far: all of it goes again when it fails. */
struct making {
	struct posada *handle;
	struct posada_guest_spec spec; /* with absolute paths */
	struct xml_host host;
	struct engine *engine;
	char *kernel, *initrd, *iso;
	struct posada_guests others;
	char *images[POSADA_DISKS_MAX];	       /* the files that were given */
	const char *formats[POSADA_DISKS_MAX]; /* theirs */
	char *disks[POSADA_DISKS_MAX];	       /* volumes that were made */
	struct copies copies;
};

int file_probe(struct posada *handle, const char *what, const char *path, enum image_type *type,
	char **absolute, struct posada_error *err)
{
	off_t size;
	int ret;
	char clean[256];

	/* Who opens a file on a server that is silent waits for it. */
	ret = pool_ready_for_path(handle, path, err);
	if (ret)
		return ret;
	sticks_need(path);
	ret = image_probe(path, type, &size);
	posada_text_clean(path, clean, sizeof(clean));
	if (!ret && *type == IMAGE_QCOW2_LINKED)
		return fail(err, -EPERM,
			_("The %s %s stands on another file (a backing file or a data file), which can be any of this host. If you trust it, make one image of it (qemu-img convert -O qcow2 %s NEW), and give that."),
			what, clean, clean);
	if (!ret) {
		*absolute = image_path(path);
		if (*absolute)
			return 0;
		ret = -errno;
	}
	if (ret == -ENOENT)
		return fail(err, ret,
			_("There is no %s %s. Correct the path, or put the file there (%s is the place for media)."),
			what, clean, POSADA_MEDIA);
	if (ret == -EISDIR || ret == -EINVAL)
		return fail(err, ret, _("The %s %s is not a file. Correct the path."), what, clean);
	return fail(err, ret,
		_("The %s %s cannot be read: %s. Make it readable, or choose another."), what,
		clean, strerror(-ret));
}

int disk_file_check(const char *path, enum image_type type, struct posada_error *err)
{
	char clean[256];

	if (type != IMAGE_FOREIGN && type != IMAGE_PACKED && type != IMAGE_CPIO)
		return 0;
	/* The disk of a guest may begin with anything. */
	if (image_is_block(path))
		return 0;
	posada_text_clean(path, clean, sizeof(clean));
	if (type == IMAGE_FOREIGN)
		return fail(err, -EINVAL,
			_("%s is a disk image of another program (VMDK, VHD, VHDX, VDI or QED), which a guest would take for an empty disk. Convert it: qemu-img convert -O raw %s NEW"),
			clean, clean);
	return fail(err, -EINVAL,
		_("%s is a packed file, which a guest would take for an empty disk. Unpack it first."),
		clean);
}

/* An image can be built without it. */
static int check_uefi(const struct making *making, struct posada_error *err)
{
	const char *file = kind_uefi(making->spec.kind);

	if (!making->spec.uefi || !strcmp(making->engine->name, "test") || !access(file, R_OK))
		return 0;
	return fail(err, -ENOENT,
		_("This host has no UEFI firmware for guests of kind %s (%s). Use --firmware bios, if the guest can start so."),
		posada_kind_name(making->spec.kind), file);
}

static int check_kernel(struct posada *handle, struct making *making, struct posada_error *err)
{
	enum image_type type;
	char clean[256];
	int ret;

	if (!making->spec.kernel)
		return 0;
	ret = file_probe(handle, _("kernel"), making->spec.kernel, &type, &making->kernel, err);
	if (ret)
		return ret;
	if (!image_is_kernel(type, making->spec.kind))
		return fail(err, -ENOEXEC,
			_("%s is no kernel that a guest of kind %s can start. Give a Linux kernel (bzImage, also called vmlinuz) or an ELF image."),
			posada_text_clean(making->kernel, clean, sizeof(clean)),
			posada_kind_name(making->spec.kind));
	making->spec.kernel = making->kernel;
	if (!making->spec.initrd)
		return 0;
	ret = file_probe(handle, _("initrd"), making->spec.initrd, &type, &making->initrd, err);
	making->spec.initrd = making->initrd;
	return ret;
}

int iso_probe(struct posada *handle, const char *path, char **absolute, struct posada_error *err)
{
	struct posada_media_file file;
	enum image_type type;
	char clean[256], text[256];
	int ret = file_probe(handle, _("ISO image"), path, &type, absolute, err);

	if (ret)
		return ret;
	/* An ISO image for USB sticks too carries a boot sector, and is still one. */
	if (type != IMAGE_ISO)
		return fail(err, -EINVAL,
			_("%s is no ISO image (ISO 9660). Copy it again, or give it as a disk."),
			posada_text_clean(*absolute, clean, sizeof(clean)));
	ret = posada_media_look(*absolute, &file, err);
	if (!ret && file.fault == POSADA_CUT_OFF)
		ret = fail(err, -EINVAL, "%s: %s",
			posada_text_clean(*absolute, clean, sizeof(clean)),
			posada_fault_text(&file, text, sizeof(text)));
	return ret;
}

static int check_iso(struct posada *handle, struct making *making, struct posada_error *err)
{
	int ret;

	if (!making->spec.iso)
		return 0;
	ret = iso_probe(handle, making->spec.iso, &making->iso, err);
	making->spec.iso = making->iso;
	making->host.iso_block = !ret && image_is_block(making->iso);
	return ret;
}

/* Of an image that is copied: what the new volume shall have. */
static int check_copy(struct making *making, size_t nth, struct posada_error *err)
{
	struct posada_disk_spec *disk = &making->spec.disks[nth];
	const char *path = making->images[nth];
	const struct posada_guest *writer = guests_writer(&making->others, "", path);
	char clean[256], has[32], wanted[32];
	uint64_t bytes;
	int ret;

	posada_text_clean(path, clean, sizeof(clean));
	if (writer)
		return fail_live(writer->name, err);
	if (image_is_block(path) && image_is_taken(path))
		return fail(err, -EBUSY,
			_("The host itself uses %s, and a copy of what changes would be broken. Unmount it, or choose another."),
			clean);
	ret = copy_measure(path, making->formats[nth], &bytes);
	if (ret)
		return fail(err, ret,
			_("The disk %s cannot be read: %s. See that its storage is there."), clean,
			ret == -EINVAL ? _("it is no image of its format") : strerror(-ret));
	if (disk->bytes && disk->bytes < bytes)
		return fail(err, -EINVAL,
			_("The image %s has %s, which %s cannot hold. Give the new disk at least as much, or no size."),
			clean, posada_size_text(bytes, has, sizeof(has)),
			posada_size_text(disk->bytes, wanted, sizeof(wanted)));
	if (!disk->bytes)
		disk->bytes = bytes;
	making->copies.total += bytes;
	return 0;
}

/* Of an image that shall be the disk itself. */
static int check_image(
	struct posada *handle, struct making *making, size_t nth, struct posada_error *err)
{
	const char *path = making->images[nth];
	char clean[256];
	int ret = 0;

	/* A CD is read by many, and written by nobody. */
	if (!making->host.disks[nth].readonly)
		ret = disk_check(handle, &making->others, path, err);
	for (size_t i = 0; i < nth && !ret; i++)
		if (making->images[i] && !making->spec.disks[i].copy &&
			image_overlaps(making->images[i], path))
			ret = fail(err, -EINVAL, _("The disk %s was given twice. Give it once."),
				posada_text_clean(path, clean, sizeof(clean)));
	return ret;
}

static int check_disk(
	struct posada *handle, struct making *making, size_t nth, struct posada_error *err)
{
	const struct posada_disk_spec *spec = &making->spec.disks[nth];
	struct xml_disk *disk = &making->host.disks[nth];
	enum image_type type;
	char clean[256];
	int ret = file_probe(handle, _("disk image"), spec->path, &type, &making->images[nth], err);

	if (!ret)
		ret = disk_file_check(making->images[nth], type, err);
	if (ret)
		return ret;
	/* A disk with a system on it and an ISO image: the ISO was asked for now. */
	making->host.disk_first = false;
	if (type == IMAGE_ISO && kind_has_firmware(making->spec.kind) &&
		!image_is_block(making->images[nth]))
		return fail(err, -EINVAL,
			_("%s is an ISO image: give it as a CD (--iso). As a disk the guest would write to it."),
			posada_text_clean(making->images[nth], clean, sizeof(clean)));
	making->formats[nth] = type == IMAGE_QCOW2 ? "qcow2" : "raw";
	if (spec->copy)
		return check_copy(making, nth, err);
	disk->path = making->images[nth];
	disk->format = making->formats[nth];
	disk->block = image_is_block(disk->path);
	disk->readonly = type == IMAGE_ISO && !kind_has_firmware(making->spec.kind);
	return check_image(handle, making, nth, err);
}

static int check_disks(struct posada *handle, struct making *making, struct posada_error *err)
{
	int ret = 0;

	making->host.disk_first = true;
	for (size_t i = 0; i < making->spec.disk_count && !ret; i++) {
		making->host.disks[i].format = "raw";
		if (making->spec.disks[i].path)
			ret = check_disk(handle, making, i, err);
	}
	return ret;
}

static int check_name(const struct making *making, struct posada_error *err)
{
	const char *name = making->spec.name;

	for (size_t i = 0; i < making->others.count; i++)
		if (!strcmp(making->others.items[i].name, name))
			return fail(err, -EEXIST,
				_("There is a guest named %s already. Choose another name, or delete that guest first."),
				name);
	return 0;
}

/* A guest that is only defined may count on the memory of those that run now. */
static int check_memory(struct posada *handle, struct making *making, struct posada_error *err)
{
	const struct posada_guest_spec *spec = &making->spec;
	uint64_t reclaimable = 0;

	for (size_t i = 0; i < making->others.count && !spec->start; i++) {
		const struct posada_guest *other = &making->others.items[i];

		if (posada_state_is_live(other->state) && other->engine == making->engine->name)
			reclaimable += other->memory_kib;
	}
	return guest_check_memory(
		handle, making->engine, spec->memory_kib, spec->vcpus, reclaimable, err);
}

static const char *domain_type(const struct engine *engine, const struct posada *handle)
{
	if (strcmp(engine->name, "qemu") != 0)
		return engine->name;
	return !handle->dom0 && host_has_kvm() ? "kvm" : "qemu";
}

/* All checks, so that nothing is made for a guest that cannot be. */
static int check(struct posada *handle, struct making *making, struct posada_error *err)
{
	const struct posada_guest_spec *spec = &making->spec;
	bool card = spec->network && strcmp(spec->network, "none") != 0;
	int ret = spec_check(spec, err);

	if (!ret && spec->seed)
		ret = posada_seed_check(spec->seed, card, err);
	if (!ret)
		ret = engine_for_kind(handle, spec->kind, &making->engine, err);
	if (!ret)
		ret = guest_list_all(handle, &making->others, err);
	if (!ret)
		ret = check_name(making, err);
	if (!ret)
		ret = check_uefi(making, err);
	if (!ret)
		ret = check_kernel(handle, making, err);
	if (!ret)
		ret = check_iso(handle, making, err);
	if (!ret)
		ret = check_disks(handle, making, err);
	if (!ret)
		ret = check_memory(handle, making, err);
	if (!ret && card)
		ret = network_resolve(handle, spec->network, &making->host.bridge, err);
	return ret;
}

/* --- Copying ------------------------------------------------------------ */

/* Does a guest write now to what is copied? */
static bool images_change(void *source)
{
	struct making *making = source;
	struct posada_guests guests;
	bool found = false;

	/* A libvirtd that does not answer starts nothing either. */
	if (posada_guest_list(making->handle, &guests, NULL))
		return false;
	for (size_t i = 0; i < making->spec.disk_count && !found; i++)
		found = making->spec.disks[i].copy && guests_writer(&guests, "", making->images[i]);
	posada_guests_free(&guests);
	return found;
}

static int copy_disk(struct making *making, size_t nth, struct posada_error *err)
{
	const char *from = making->images[nth];
	const struct xml_disk *disk = &making->host.disks[nth];
	struct copy copy = {.from = from,
		.from_format = making->formats[nth],
		.to = disk->path,
		.to_format = disk->format,
		.to_is_empty = !disk->block};
	char why[256], clean[256];
	uint64_t bytes;
	int ret = copy_measure(from, copy.from_format, &bytes);

	/* It was looked at when all was checked, and may be another by now. */
	if (!ret && bytes > making->spec.disks[nth].bytes)
		ret = -EBUSY;
	if (!ret)
		ret = copy_next(&making->copies, &copy, bytes, why, sizeof(why));
	else
		snprintf(why, sizeof(why), "%s", strerror(-ret));
	if (ret == -EBUSY)
		return fail(err, ret,
			_("The image %s was changed while it was copied, so nothing was made. Stop the guest that has it, and try again."),
			posada_text_clean(from, clean, sizeof(clean)));
	return ret ? fail_copy(making->spec.name, ret, why, err) : 0;
}

/* --- All of it ---------------------------------------------------------- */

static int make_volume(struct making *making, size_t nth, struct posada_error *err)
{
	const struct posada_disk_spec *spec = &making->spec.disks[nth];
	struct xml_disk *disk = &making->host.disks[nth];
	int ret = volume_create(
		making->handle, making->spec.name, nth, spec, &making->disks[nth], err);

	if (ret)
		return ret;
	disk->path = making->disks[nth];
	disk->block = image_is_block(disk->path);
	if (spec->format)
		disk->format = spec->format;
	return spec->copy ? copy_disk(making, nth, err) : 0;
}

static int make_volumes(struct making *making, struct posada_error *err)
{
	int ret = 0;

	making->copies.progress = making->spec.progress;
	making->copies.opaque = making->spec.opaque;
	making->copies.changes = images_change;
	making->copies.source = making;
	for (size_t i = 0; i < making->spec.disk_count && !ret; i++)
		if (!making->spec.disks[i].path || making->spec.disks[i].copy)
			ret = make_volume(making, i, err);
	return ret;
}

static int make_domain(struct making *making, struct posada_error *err)
{
	struct definition definition = {.name = making->spec.name,
		.kind = making->spec.kind,
		.seed = making->spec.seed,
		.start = making->spec.start};
	char *xml;
	int ret;

	making->host.type = domain_type(making->engine, making->handle);
	if (xml_from_spec(&making->spec, &making->host, &xml))
		return fail_memory(err);
	definition.xml = xml;
	/* The connection may have gone while much was copied, and come back. */
	ret = engine_connect(making->handle, making->engine, err);
	if (!ret)
		ret = guest_define(making->engine, &definition, err);
	free(xml);
	return ret;
}

int posada_guest_create(
	struct posada *handle, const struct posada_guest_spec *spec, struct posada_error *err)
{
	struct making making = {.handle = handle, .spec = *spec};
	int ret = check(handle, &making, err);

	if (!ret)
		ret = make_volumes(&making, err);
	if (!ret)
		ret = make_domain(&making, err);
	for (size_t i = 0; i < POSADA_DISKS_MAX; i++) {
		if (ret && making.disks[i])
			volume_unmake(handle, making.disks[i], err);
		free(making.disks[i]);
		free(making.images[i]);
	}
	posada_guests_free(&making.others);
	free(making.kernel);
	free(making.initrd);
	free(making.iso);
	return ret;
}
