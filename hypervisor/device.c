// SPDX-License-Identifier: GPL-2.0-or-later
// Disks, network cards and CDs that come to a guest and go from it, while it runs or is off.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>
#include <unistd.h>
#include "device.h"
#include "guest.h"
#include "tool.h"
#include "xml.h"
#include "xmlnode.h"

/* --- Devices as XML ----------------------------------------------------- */

static bool is_called(xmlNodePtr device, const char *id)
{
	static const struct {
		const char *element, *attribute;
	} names[] = {{"target", "dev"}, {"mac", "address"}};
	bool found = false;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names) && !found; i++) {
		xmlNodePtr node = xmlnode_child(device, names[i].element);
		xmlChar *text =
			node ? xmlGetNoNsProp(node, (const xmlChar *)names[i].attribute) : NULL;

		found = text && !strcasecmp((const char *)text, id);
		xmlFree(text);
	}
	return found;
}

char *device_xml(const char *domain, const char *element, const char *id)
{
	xmlDocPtr doc = xmlnode_parse(domain);
	xmlNodePtr node = xmlnode_child(
		xmlnode_child(doc ? xmlDocGetRootElement(doc) : NULL, "devices"), element);
	char *text = NULL;

	while (node && !is_called(node, id))
		node = xmlnode_next(node->next, element);
	if (node)
		text = xmlnode_piece(doc, node);
	xmlFreeDoc(doc);
	return text;
}

char *cd_xml(const char *drive, const char *path)
{
	xmlDocPtr doc = xmlnode_parse(drive);
	xmlNodePtr disk = doc ? xmlDocGetRootElement(doc) : NULL, source;
	char *text = NULL;

	if (!disk)
		goto out;
	source = xmlnode_child(disk, "source");
	if (source)
		xmlnode_remove(source);
	xmlSetProp(disk, (const xmlChar *)"type",
		(const xmlChar *)(path && image_is_block(path) ? "block" : "file"));
	if (path) {
		source = xmlNewChild(disk, NULL, (const xmlChar *)"source", NULL);
		if (!source || !xmlNewProp(source,
				       (const xmlChar *)(image_is_block(path) ? "dev" : "file"),
				       (const xmlChar *)path))
			goto out;
	}
	text = xmlnode_piece(doc, disk);
out:
	xmlFreeDoc(doc);
	return text;
}

/* --- A guest's ---------------------------------------------------------- */

/* The guest as it is now and as it will be: what is in one of the two need not be in the other. */
struct subject {
	struct target now;
	struct posada_guest then;
	bool live;
	char *xml, *then_xml;
};

static void subject_close(struct subject *subject)
{
	target_close(&subject->now);
	posada_guest_free(&subject->then);
	free(subject->xml);
	free(subject->then_xml);
}

static int subject_open(
	struct posada *handle, const char *name, struct subject *subject, struct posada_error *err)
{
	int ret;

	memset(subject, 0, sizeof(*subject));
	ret = target_open(handle, name, &subject->now, err);
	if (ret)
		return ret;
	subject->live = posada_state_is_live(subject->now.guest.state);
	/* What was saved comes back with the devices that it had. */
	ret = subject->live ? 0 : guest_check_saved(subject->now.domain, err);
	if (ret) {
		target_close(&subject->now);
		return ret;
	}
	subject->xml = virDomainGetXMLDesc(subject->now.domain, VIR_DOMAIN_XML_SECURE);
	subject->then_xml = virDomainGetXMLDesc(
		subject->now.domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (subject->xml && subject->then_xml && !xml_to_guest(subject->then_xml, &subject->then))
		return 0;
	ret = fail_libvirt(err, _("The guest's definition cannot be read"), _("Try again."));
	subject_close(subject);
	return ret;
}

static int attach(const struct subject *subject, const char *xml, const char *what,
	const char *cure, struct posada_error *err)
{
	unsigned flags = VIR_DOMAIN_AFFECT_CONFIG | (subject->live ? VIR_DOMAIN_AFFECT_LIVE : 0);

	if (!virDomainAttachDeviceFlags(subject->now.domain, xml, flags))
		return 0;
	return fail_libvirt(err, what, cure);
}

/* xvdb and hdb are the same drive to Xen. */
static bool has_letter(const struct posada_guest *guest, const char *target)
{
	size_t i;

	for (i = 0; i < guest->disk_count; i++) {
		const char *at = guest->disks[i].target;

		if (at && !strcmp(at + strcspn(at, "d"), target + strcspn(target, "d")))
			return true;
	}
	return false;
}

static char *free_target(const struct subject *subject, char *buf, size_t size)
{
	size_t i;

	for (i = 0; disk_target(subject->now.guest.kind, subject->live, i, buf, size); i++)
		if (!has_letter(&subject->now.guest, buf) && !has_letter(&subject->then, buf))
			return buf;
	return NULL;
}

static int check_file(struct posada *handle, const char *given, struct xml_disk *disk,
	char **absolute, struct posada_error *err)
{
	struct posada_guests others;
	enum image_type type;
	int ret = file_probe(handle, _("disk image"), given, &type, absolute, err);

	if (ret)
		return ret;
	disk->path = *absolute;
	disk->block = image_is_block(*absolute);
	/* A CD is read by many, and written by nobody. */
	disk->readonly = type == IMAGE_ISO;
	if (type == IMAGE_QCOW2)
		disk->format = "qcow2";
	ret = disk_file_check(*absolute, type, err);
	if (!ret)
		ret = guest_list_all(handle, &others, err);
	if (ret)
		return ret;
	if (!disk->readonly)
		ret = disk_check(handle, &others, *absolute, err);
	posada_guests_free(&others);
	return ret;
}

/* libvirt asks its hook when a guest starts, and not when one that runs gets a disk. */
static int check_adopted(const char *path, struct posada_error *err)
{
	char clean[256];

	if (!image_is_block(path) ||
		!tool_run((const char *const[]){"posada-adopt", "hook", "check", path, NULL}, NULL,
			0))
		return 0;
	return fail(err, -EBUSY,
		_("%s belongs to a system that was adopted and runs as a guest, and two would destroy it. Stop that guest first."),
		posada_text_clean(path, clean, sizeof(clean)));
}

int posada_guest_attach_disk(struct posada *handle, const char *name,
	const struct posada_disk_spec *spec, char target[POSADA_TARGET_SIZE],
	struct posada_error *err)
{
	struct xml_disk disk = {.format = "raw"};
	struct subject subject;
	char what[256];
	char *path = NULL, *xml = NULL;
	size_t size;
	FILE *out;
	int ret = subject_open(handle, name, &subject, err);

	if (ret)
		return ret;
	snprintf(what, sizeof(what), _("The disk cannot be given to %s"), subject.now.guest.name);
	if (!free_target(&subject, target, POSADA_TARGET_SIZE)) {
		ret = fail(err, -ENOSPC,
			_("%s has as many disks as it can have. Take one away first."),
			subject.now.guest.name);
		goto out;
	}
	if (spec->path) {
		ret = check_file(handle, spec->path, &disk, &path, err);
		if (!ret && subject.live)
			ret = check_adopted(path, err);
	} else {
		ret = volume_create(handle, subject.now.guest.name, VOLUME_NEXT, spec, &path, err);
		disk.path = path;
		disk.block = path && image_is_block(path);
		if (spec->format)
			disk.format = spec->format;
	}
	if (ret)
		goto out;
	out = open_memstream(&xml, &size);
	if (out) {
		xml_put_disk(out, subject.now.guest.kind, target, &disk);
		ret = fclose(out) ? fail_memory(err) : 0;
	} else {
		ret = fail_memory(err);
	}
	if (!ret)
		ret = attach(&subject, xml, what,
			_("Stop the guest and try again: some systems take no disk while they run."),
			err);
	/* It may have come to the guest all the same, and only not into its definition. */
	if (ret && !spec->path && path)
		volume_unmake(handle, path, err);
out:
	free(path);
	free(xml);
	subject_close(&subject);
	return ret;
}

int posada_guest_attach_nic(
	struct posada *handle, const char *name, const char *network, struct posada_error *err)
{
	struct subject subject;
	bool bridge = false;
	char *xml = NULL;
	char what[256];
	const char *model;
	size_t size;
	FILE *out;
	int ret = network_resolve(handle, network, &bridge, err);

	if (!ret)
		ret = subject_open(handle, name, &subject, err);
	if (ret)
		return ret;
	snprintf(what, sizeof(what), _("The network card cannot be given to %s"),
		subject.now.guest.name);
	/* An emulated card cannot be plugged into Xen's PC: the guest's Xen drivers take this one.
	 */
	model = subject.live && subject.now.guest.kind == POSADA_HVM
			? "netfront"
			: nic_model(subject.now.guest.kind);
	out = open_memstream(&xml, &size);
	if (out) {
		xml_put_nic(out, network, bridge, model);
		ret = fclose(out) ? fail_memory(err) : 0;
	} else {
		ret = fail_memory(err);
	}
	if (!ret)
		ret = attach(&subject, xml, what, _("Stop the guest and try again."), err);
	free(xml);
	subject_close(&subject);
	return ret;
}

/* libvirt waits for a whole PC to let go of it, for five seconds, and is content then. */
static int see_gone(const struct subject *subject, const char *element, const char *id,
	const char *cure, struct posada_error *err)
{
	const struct timespec pause = {.tv_nsec = 500000000};
	char clean[64];
	bool there = true;

	for (int i = 0; i < 10 && there; i++) {
		char *xml = virDomainGetXMLDesc(subject->now.domain, 0);
		char *device = xml ? device_xml(xml, element, id) : NULL;

		there = device != NULL;
		free(device);
		free(xml);
		if (there)
			nanosleep(&pause, NULL);
	}
	if (!there)
		return 0;
	return fail(err, -EBUSY, _("%s has not let go of %s: it has it until it is stopped. %s"),
		subject->now.guest.name, posada_text_clean(id, clean, sizeof(clean)), cure);
}

/* Takes a device out of what runs, out of the definition, or out of both: wherever it is. */
static int detach(struct posada *handle, const char *name, const char *element, const char *id,
	const char *cure, struct posada_error *err)
{
	struct subject subject;
	char *now, *then;
	char clean[64], what[256];
	unsigned flags;
	int ret = subject_open(handle, name, &subject, err);

	if (ret)
		return ret;
	posada_text_clean(id, clean, sizeof(clean));
	now = subject.live ? device_xml(subject.xml, element, id) : NULL;
	then = device_xml(subject.then_xml, element, id);
	flags = (now ? VIR_DOMAIN_AFFECT_LIVE : 0) | (then ? VIR_DOMAIN_AFFECT_CONFIG : 0);
	snprintf(
		what, sizeof(what), _("%s cannot be taken from %s"), clean, subject.now.guest.name);
	if (!flags)
		ret = fail(err, -ENOENT,
			_("%s has no device \"%s\". \"posada guest show %s\" shows those there are."),
			subject.now.guest.name, clean, subject.now.guest.name);
	else if (virDomainDetachDeviceFlags(subject.now.domain, then ? then : now, flags))
		ret = fail_libvirt(err, what, cure);
	else if (now)
		ret = see_gone(&subject, element, id, cure, err);
	if (!ret)
		seed_drop(handle, subject.now.guest.name);
	free(now);
	free(then);
	subject_close(&subject);
	return ret;
}

int posada_guest_detach_disk(
	struct posada *handle, const char *name, const char *target, struct posada_error *err)
{
	return detach(handle, name, "disk", target,
		_("Unmount it within the guest first, or stop the guest."), err);
}

int posada_guest_detach_nic(
	struct posada *handle, const char *name, const char *mac, struct posada_error *err)
{
	return detach(handle, name, "interface", mac, _("Stop the guest and try again."), err);
}

/* --- CDs ---------------------------------------------------------------- */

static const char *first_drive(const struct posada_guest *guest)
{
	size_t i;

	for (i = 0; i < guest->disk_count; i++)
		if (guest->disks[i].cdrom && guest->disks[i].target)
			return guest->disks[i].target;
	return NULL;
}

/* A guest that is off gets the drive together with its first CD. */
static int add_drive(const struct subject *subject, const char *path, struct posada_error *err)
{
	const struct xml_disk cd = {.path = path,
		.format = "raw",
		.block = image_is_block(path),
		.cdrom = true,
		.readonly = true};
	enum posada_kind kind = subject->now.guest.kind;
	char *xml = NULL;
	size_t size;
	FILE *out;
	int ret;

	if (!kind_has_firmware(kind))
		return fail(err, -ENODEV,
			_("A guest of kind %s has no CD drive. Give it the image as a disk (\"posada guest attach %s --disk FILE\")."),
			posada_kind_name(kind), subject->now.guest.name);
	if (subject->live)
		return fail(err, -ENODEV,
			_("%s has no CD drive, and gets none while it runs. Stop it and try again."),
			subject->now.guest.name);
	out = open_memstream(&xml, &size);
	if (!out)
		return fail_memory(err);
	xml_put_disk(out, kind, cd_target(kind), &cd);
	ret = fclose(out) ? fail_memory(err)
			  : attach(subject, xml, _("The guest cannot be given a CD drive"),
				    _("Try again, or read the log."), err);
	free(xml);
	return ret;
}

static int change_cd(const struct subject *subject, const char *drive, const char *path,
	struct posada_error *err)
{
	char *now = subject->live ? device_xml(subject->xml, "disk", drive) : NULL;
	char *then = device_xml(subject->then_xml, "disk", drive);
	char *xml = cd_xml(then ? then : now, path);
	unsigned flags = (now ? VIR_DOMAIN_AFFECT_LIVE : 0) | (then ? VIR_DOMAIN_AFFECT_CONFIG : 0);
	int ret = 0;

	if (!xml)
		ret = fail_memory(err);
	else if (virDomainUpdateDeviceFlags(subject->now.domain, xml, flags))
		ret = fail_libvirt(err, _("The CD cannot be changed"),
			_("Eject it within the guest first, or stop the guest."));
	free(now);
	free(then);
	free(xml);
	return ret;
}

int posada_guest_insert(
	struct posada *handle, const char *name, const char *iso, struct posada_error *err)
{
	struct subject subject;
	const char *drive;
	char *path = NULL;
	int ret = iso_probe(handle, iso, &path, err);

	if (!ret)
		ret = subject_open(handle, name, &subject, err);
	if (!ret) {
		drive = first_drive(subject.live ? &subject.now.guest : &subject.then);
		ret = drive ? change_cd(&subject, drive, path, err)
			    : add_drive(&subject, path, err);
		subject_close(&subject);
	}
	free(path);
	return ret;
}

int posada_guest_eject(struct posada *handle, const char *name, struct posada_error *err)
{
	struct subject subject;
	const char *drive;
	int ret = subject_open(handle, name, &subject, err);

	if (ret)
		return ret;
	drive = first_drive(subject.live ? &subject.now.guest : &subject.then);
	ret = drive ? change_cd(&subject, drive, NULL, err)
		    : fail(err, -ENODEV, _("%s has no CD drive."), subject.now.guest.name);
	subject_close(&subject);
	return ret;
}
