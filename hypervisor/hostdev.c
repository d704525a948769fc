// SPDX-License-Identifier: GPL-2.0-or-later
// Devices of the host that a guest gets for itself: what can be given, and what must not be.
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "host.h"
#include "hostdev.h"
#include "tool.h"
#include "xmlnode.h"

/* --- Text and XML ------------------------------------------------------- */

static bool is_hex(const char *text, size_t len)
{
	return strspn(text, "0123456789abcdefABCDEF") >= len;
}

int hostdev_parse(const char *text, bool usb, struct hostdev *device)
{
	size_t len = strlen(text);

	memset(device, 0, sizeof(*device));
	device->usb = usb;
	if (usb) {
		if (len != 9 || text[4] != ':' || !is_hex(text, 4) || !is_hex(text + 5, 4))
			return -EINVAL;
		device->vendor = (unsigned)strtoul(text, NULL, 16);
		device->product = (unsigned)strtoul(text + 5, NULL, 16);
		return 0;
	}
	if (len == 12 && is_hex(text, 4) && text[4] == ':') {
		device->domain = (unsigned)strtoul(text, NULL, 16);
		text += 5;
		len -= 5;
	}
	if (len != 7 || !is_hex(text, 2) || text[2] != ':' || !is_hex(text + 3, 2) ||
		text[5] != '.' || text[6] < '0' || text[6] > '7')
		return -EINVAL;
	device->bus = (unsigned)strtoul(text, NULL, 16);
	device->slot = (unsigned)strtoul(text + 3, NULL, 16);
	device->function = (unsigned)(text[6] - '0');
	return device->slot < 32 ? 0 : -EINVAL;
}

static void name_of(const struct hostdev *device, char *buf, size_t size)
{
	if (device->usb)
		snprintf(buf, size, "%04x:%04x", device->vendor, device->product);
	else
		snprintf(buf, size, "%04x:%02x:%02x.%u", device->domain, device->bus, device->slot,
			device->function);
}

char *hostdev_xml(const struct hostdev *device)
{
	char text[256];

	if (device->usb)
		snprintf(text, sizeof(text),
			"<hostdev mode='subsystem' type='usb'><source><vendor id='0x%04x'/><product id='0x%04x'/></source></hostdev>",
			device->vendor, device->product);
	else
		snprintf(text, sizeof(text),
			"<hostdev mode='subsystem' type='pci' managed='yes'><source><address domain='0x%04x' bus='0x%02x' slot='0x%02x' function='0x%x'/></source></hostdev>",
			device->domain, device->bus, device->slot, device->function);
	return strdup(text);
}

static bool has_number(xmlNodePtr node, const char *name, unsigned number)
{
	xmlChar *text = node ? xmlGetNoNsProp(node, (const xmlChar *)name) : NULL;
	bool same = text && strtoul((const char *)text, NULL, 0) == number;

	xmlFree(text);
	return same;
}

static bool is_device(xmlNodePtr node, const struct hostdev *device)
{
	xmlNodePtr source = xmlnode_child(node, "source"),
		   address = xmlnode_child(source, "address");

	if (device->usb)
		return has_number(xmlnode_child(source, "vendor"), "id", device->vendor) &&
		       has_number(xmlnode_child(source, "product"), "id", device->product);
	return !xmlnode_child(source, "vendor") && has_number(address, "domain", device->domain) &&
	       has_number(address, "bus", device->bus) &&
	       has_number(address, "slot", device->slot) &&
	       has_number(address, "function", device->function);
}

static xmlNodePtr find(xmlNodePtr devices, const struct hostdev *device)
{
	xmlNodePtr node;

	for (node = devices ? devices->children : NULL; node; node = node->next)
		if (node->type == XML_ELEMENT_NODE &&
			!strcmp((const char *)node->name, "hostdev") && is_device(node, device))
			break;
	return node;
}

char *hostdev_added(const char *domain, const struct hostdev *device)
{
	char *xml = hostdev_xml(device), *text = NULL;
	xmlDocPtr doc = xmlnode_parse(domain), piece = xml ? xmlnode_parse(xml) : NULL;
	xmlNodePtr devices = xmlnode_child(doc ? xmlDocGetRootElement(doc) : NULL, "devices"), node;

	node = devices && piece ? xmlDocCopyNode(xmlDocGetRootElement(piece), doc, 1) : NULL;
	if (node && xmlAddChild(devices, node))
		text = xmlnode_text(doc);
	xmlFreeDoc(piece);
	xmlFreeDoc(doc);
	free(xml);
	return text;
}

char *hostdev_removed(const char *domain, const struct hostdev *device)
{
	xmlDocPtr doc = xmlnode_parse(domain);
	xmlNodePtr node =
		find(xmlnode_child(doc ? xmlDocGetRootElement(doc) : NULL, "devices"), device);
	char *text = NULL;

	if (node) {
		xmlnode_remove(node);
		text = xmlnode_text(doc);
	}
	xmlFreeDoc(doc);
	return text;
}

/* --- The host's own ----------------------------------------------------- */

static bool usb_is(const char *dir, const struct hostdev *device)
{
	char vendor[16], product[16];

	return read_line(vendor, sizeof(vendor), "%s/idVendor", dir) &&
	       read_line(product, sizeof(product), "%s/idProduct", dir) &&
	       strtoul(vendor, NULL, 16) == device->vendor &&
	       strtoul(product, NULL, 16) == device->product;
}

unsigned hostdev_find(const char *sys, const struct hostdev *device, char *path, size_t size)
{
	char dir[PATH_MAX], name[32];
	struct dirent *entry;
	unsigned count = 0;
	DIR *all;

	if (!device->usb) {
		name_of(device, name, sizeof(name));
		snprintf(path, size, "%s/bus/pci/devices/%s", sys, name);
		return !access(path, F_OK);
	}
	snprintf(dir, sizeof(dir), "%s/bus/usb/devices", sys);
	all = opendir(dir);
	while (all && (entry = readdir(all))) {
		snprintf(dir, sizeof(dir), "%s/bus/usb/devices/%s", sys, entry->d_name);
		if (entry->d_name[0] == '.' || !usb_is(dir, device))
			continue;
		snprintf(path, size, "%s", dir);
		count++;
	}
	if (all)
		closedir(all);
	return count;
}

/* Does an entry of a class lie below the device, which is given by its real path? */
static bool lies_below(const char *entry, const char *device)
{
	char real[PATH_MAX];
	size_t len = strlen(device);

	return realpath(entry, real) && !strncmp(real, device, len) && real[len] == '/';
}

/* A card that is only below something else, a VLAN or a bond, has no master, but what is above. */
static bool is_joined(const char *net)
{
	char path[PATH_MAX + 8];
	struct dirent *entry;
	bool found;
	DIR *all;

	snprintf(path, sizeof(path), "%s/master", net);
	found = !access(path, F_OK);
	all = opendir(net);
	while (all && !found && (entry = readdir(all)))
		found = !strncmp(entry->d_name, "upper_", strlen("upper_"));
	if (all)
		closedir(all);
	return found;
}

/* Also one that nobody uses now: a guest can have that without what it hangs on. */
static bool is_disk(const char *block)
{
	char path[PATH_MAX + 16];

	snprintf(path, sizeof(path), "%s/partition", block);
	return access(path, F_OK) != 0;
}

const char *hostdev_in_way(const char *sys, const char *path, char *name, size_t size)
{
	static const struct {
		const char *class;
		bool (*counts)(const char *entry);
		const char *why;
	} rows[] = {
		{"block", is_disk,
			N_("The disk %s hangs on the device %s, with which it would be taken from this host. Give the guest the disk itself (\"posada guest attach\" with --disk /dev/disk/by-id/...).")},
		{"net", is_joined,
			N_("The host itself uses %s, which hangs on the device %s. Give the guest another one.")},
	};
	char device[PATH_MAX], dir[256], entry[PATH_MAX];
	bool used = false;
	size_t i;

	if (!realpath(path, device))
		return NULL;
	for (i = 0; i < ARRAY_SIZE(rows) && !used; i++) {
		struct dirent *at;
		DIR *all;

		snprintf(dir, sizeof(dir), "%s/class/%s", sys, rows[i].class);
		all = opendir(dir);
		while (all && !used && (at = readdir(all))) {
			if (at->d_name[0] == '.')
				continue;
			snprintf(entry, sizeof(entry), "%s/%s", dir, at->d_name);
			used = rows[i].counts(entry) && lies_below(entry, device);
			if (used)
				posada_text_clean(at->d_name, name, size);
		}
		if (all)
			closedir(all);
	}
	return used ? _(rows[i - 1].why) : NULL;
}

static bool has_entries(const char *dir)
{
	struct dirent *entry;
	DIR *all = opendir(dir);
	bool found = false;

	while (all && !found && (entry = readdir(all)))
		found = entry->d_name[0] != '.';
	if (all)
		closedir(all);
	return found;
}

/* Xen keeps the IOMMU to itself, and only the firmware's tables tell of it; Intel's gets its
 * name backwards then. */
static bool has_iommu(const struct posada *handle)
{
	static const char *const tables[] = {"DMAR", "RMAD", "IVRS"};
	char path[64];
	size_t i;

	if (!handle->dom0)
		return has_entries("/sys/kernel/iommu_groups");
	for (i = 0; i < ARRAY_SIZE(tables); i++) {
		snprintf(path, sizeof(path), "/sys/firmware/acpi/tables/%s", tables[i]);
		if (!access(path, F_OK))
			return true;
	}
	return false;
}

static int check_pci(const struct posada *handle, enum posada_kind kind, struct posada_error *err)
{
	if (!has_iommu(handle))
		return fail(err, -ENOTSUP,
			_("This machine has no IOMMU (VT-d, AMD-Vi), or its firmware has switched it off: a guest with a PCI device could read and write all memory. Switch it on in the firmware's setup."));
	if (kind == POSADA_PVH || (kind == POSADA_QEMU && handle->dom0))
		return fail(err, -ENOTSUP,
			_("A guest of kind %s cannot get a PCI device on this host. Use the kind pv, or start the host without Xen for the kind qemu."),
			posada_kind_name(kind));
	if (kind == POSADA_HVM && host_is_locked_down())
		return fail(err, -ENOTSUP,
			_("The device model of an HVM guest would need the memory of the whole machine (/dev/mem), which the lockdown of this host forbids. Use the kind pv, or start the host by its boot entry for PCI devices in HVM guests."));
	return 0;
}

static int check_device(const struct hostdev *device, const char *name, struct posada_error *err)
{
	char path[PATH_MAX], used[64];
	unsigned count = hostdev_find("/sys", device, path, sizeof(path));
	const char *why;

	if (!count)
		return fail(err, -ENODEV,
			device->usb ? _("No USB device %s is plugged in.")
				    : _("This machine has no PCI device %s."),
			name);
	if (count > 1)
		return fail(err, -ENOTUNIQ,
			_("%u USB devices %s are plugged in, and nothing tells them apart. Pull the others out."),
			count, name);
	why = hostdev_in_way("/sys", path, used, sizeof(used));
	return why ? fail(err, -EBUSY, why, used, name) : 0;
}

/* --- A guest's ---------------------------------------------------------- */

static int define(const struct target *target, const char *xml, struct posada_error *err)
{
	virDomainPtr defined = virDomainDefineXML(target->engine->conn, xml);

	if (!defined)
		return fail_libvirt(err, _("The guest's definition cannot be changed"),
			_("Change what the message names, and try again."));
	virDomainFree(defined);
	return 0;
}

/* Xen starts no device model for a guest that runs without one, and a USB controller needs it. */
static const char *cure_of(const struct target *target, const struct hostdev *device, bool add)
{
	enum posada_kind kind = target->guest.kind;

	if (add && device->usb && (kind == POSADA_PV || kind == POSADA_PVH))
		return _(
			"Stop the guest, give it the device while it is off, and start it: one of kind pv or pvh gets its USB controller at its start.");
	return _("Stop the guest and try again, or read the log.");
}

/* Not every driver of libvirt writes each device into a definition itself, but all can define. */
static int change(const struct target *target, const struct hostdev *device, bool add,
	struct posada_error *err)
{
	int (*const call)(virDomainPtr, const char *, unsigned) =
		add ? virDomainAttachDeviceFlags : virDomainDetachDeviceFlags;
	char *then = virDomainGetXMLDesc(
		target->domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	char *without = then ? hostdev_removed(then, device) : NULL;
	char *xml = add && then ? hostdev_added(without ? without : then, device) : NULL;
	char *piece = hostdev_xml(device);
	int ret = 0;

	if (!then || !piece || (add && !xml))
		ret = fail_memory(err);
	else if (posada_state_is_live(target->guest.state) &&
		 call(target->domain, piece, VIR_DOMAIN_AFFECT_LIVE))
		ret = fail_libvirt(err,
			add ? _("The device cannot be given to the guest")
			    : _("The device cannot be taken from the guest"),
			cure_of(target, device, add));
	else if (add || without)
		ret = define(target, add ? xml : without, err);
	free(then);
	free(without);
	free(xml);
	free(piece);
	return ret;
}

static int open_device(const char *text, bool usb, struct hostdev *device, char *name, size_t size,
	struct posada_error *err)
{
	if (!hostdev_parse(text, usb, device)) {
		name_of(device, name, size);
		return 0;
	}
	posada_text_clean(text, name, size);
	return fail(err, -EINVAL,
		usb ? _("\"%s\" names no USB device. Give vendor and product, such as 046d:c52b (\"posada guest devices\" lists them).")
		    : _("\"%s\" names no PCI device. Give its address, such as 0000:03:00.0 (\"posada guest devices\" lists them)."),
		name);
}

int hostdev_check(struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	size_t i;
	int ret = 0;

	for (i = 0; i < guest->hostdev_count && !ret; i++) {
		const char *name = guest->hostdevs[i];
		struct hostdev device;

		if (!hostdev_parse(name, true, &device)) {
			ret = check_device(&device, name, err);
		} else if (!hostdev_parse(name, false, &device)) {
			ret = check_pci(handle, guest->kind, err);
			if (!ret)
				ret = check_device(&device, name, err);
		}
	}
	return ret;
}

int posada_guest_attach_device(struct posada *handle, const char *guest, const char *text, bool usb,
	struct posada_error *err)
{
	struct hostdev device;
	struct target target;
	char name[64];
	int ret = open_device(text, usb, &device, name, sizeof(name), err);

	if (!ret)
		ret = target_open(handle, guest, &target, err);
	if (ret)
		return ret;
	if (!posada_state_is_live(target.guest.state))
		ret = guest_check_saved(target.domain, err);
	if (!ret && !usb)
		ret = check_pci(handle, target.guest.kind, err);
	if (!ret)
		ret = check_device(&device, name, err);
	if (!ret)
		ret = change(&target, &device, true, err);
	target_close(&target);
	return ret;
}

static bool pciback_has(const char *name)
{
	char path[PATH_MAX], driver[PATH_MAX];
	ssize_t length;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", name);
	length = readlink(path, driver, sizeof(driver) - 1);
	if (length < 0)
		return false;
	driver[length] = '\0';
	return !strcmp(strrchr(driver, '/') ? strrchr(driver, '/') : driver, "/pciback");
}

static void tell_kernel(const char *file, const char *name)
{
	FILE *out = fopen(file, "we");

	if (!out)
		return;
	fputs(name, out);
	fclose(out);
}

/* Nothing may take it from under a guest that runs with it; if nobody can tell, one does. */
static bool is_in_use(struct posada *handle, const char *name)
{
	struct posada_guests guests = {0};
	struct posada_error err;
	bool used = posada_guest_list(handle, &guests, &err) != 0;

	for (size_t i = 0; i < guests.count; i++)
		for (size_t j = 0; j < guests.items[i].hostdev_count; j++)
			used |= posada_state_is_live(guests.items[i].state) &&
				!strcmp(guests.items[i].hostdevs[j], name);
	posada_guests_free(&guests);
	return used;
}

/*
 * Xen keeps what a guest had from all memory until it is told whose it is now, and pciback keeps it
 * for the guest's next start. xl fails for a device that no guest ever had; what counts is who has
 * it in the end.
 */
static int give_back(struct posada *handle, const char *name, struct posada_error *err)
{
	if (!pciback_has(name) || is_in_use(handle, name))
		return 0;
	tool_run((const char *const[]){"xl", "pci-assignable-remove", name, NULL}, NULL, 0);
	if (pciback_has(name)) {
		tell_kernel("/sys/bus/pci/drivers/pciback/remove_slot", name);
		tell_kernel("/sys/bus/pci/drivers/pciback/unbind", name);
	}
	tell_kernel("/sys/bus/pci/drivers_probe", name);
	return pciback_has(name)
		       ? fail(err, -EIO,
				 _("The guest gets the device %s no more, but Xen does not give it back: the host has it again once it was restarted."),
				 name)
		       : 0;
}

int hostdev_give_back(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < guest->hostdev_count && !ret; i++)
		ret = give_back(handle, guest->hostdevs[i], err);
	return ret;
}

int posada_guest_detach_device(struct posada *handle, const char *guest, const char *text, bool usb,
	struct posada_error *err)
{
	struct hostdev device;
	struct target target;
	char name[64];
	size_t i;
	int ret = open_device(text, usb, &device, name, sizeof(name), err);

	if (!ret)
		ret = target_open(handle, guest, &target, err);
	if (ret)
		return ret;
	for (i = 0; i < target.guest.hostdev_count; i++)
		if (!strcmp(target.guest.hostdevs[i], name))
			break;
	if (i == target.guest.hostdev_count)
		ret = fail(err, -ENOENT,
			_("%s has no device \"%s\". \"posada guest show %s\" shows those there are."),
			target.guest.name, name, target.guest.name);
	else
		ret = change(&target, &device, false, err);
	if (!ret && !usb)
		ret = give_back(handle, name, err);
	target_close(&target);
	return ret;
}
