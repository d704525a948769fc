// SPDX-License-Identifier: GPL-2.0-or-later
// What this host has that a guest could get for itself, and who has it now.
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "hostdev.h"

#define USB_HUB 0x09

/*
 * The base class and subclass of a PCI device (PCI Code and ID Assignment); 0xff: any other. No
 * text: bridges, the platform's own parts, and counters, of which a large machine has dozens.
 */
static const struct {
	unsigned char base, sub;
	const char *text;
} pci_classes[] = {
	{0x01, 0x00, N_("SCSI controller")},
	{0x01, 0x04, N_("RAID controller")},
	{0x01, 0x06, N_("SATA controller")},
	{0x01, 0x07, N_("SAS controller")},
	{0x01, 0x08, N_("NVMe disk")},
	{0x01, 0xff, N_("disk controller")},
	{0x02, 0x00, N_("Ethernet card")},
	{0x02, 0x07, N_("InfiniBand card")},
	{0x02, 0xff, N_("network card")},
	{0x03, 0xff, N_("graphics card")},
	{0x04, 0x03, N_("sound card")},
	{0x04, 0xff, N_("multimedia device")},
	{0x05, 0xff, N_("memory controller")},
	{0x06, 0xff, NULL},
	{0x07, 0xff, N_("serial or other port")},
	{0x08, 0xff, NULL},
	{0x0b, 0xff, N_("coprocessor")},
	{0x0c, 0x03, N_("USB controller")},
	{0x0c, 0x04, N_("Fibre Channel card")},
	{0x0d, 0xff, N_("radio")},
	{0x10, 0xff, N_("encryption device")},
	{0x11, 0x01, NULL},
	{0x11, 0xff, N_("signal processor")},
	{0x12, 0xff, N_("accelerator")},
};

static const char *pci_class_text(unsigned class)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(pci_classes); i++)
		if (pci_classes[i].base == class >> 16 &&
			(pci_classes[i].sub == 0xff || pci_classes[i].sub == (class >> 8 & 0xff)))
			return pci_classes[i].text ? _(pci_classes[i].text) : NULL;
	return _("device");
}

static unsigned read_hex(const char *dir, const char *file)
{
	char text[32];

	return read_line(text, sizeof(text), "%s/%s", dir, file) ? (unsigned)strtoul(text, NULL, 16)
								 : 0;
}

static bool describe_pci(const char *dir, const char *name, struct posada_hostdev *device)
{
	char path[PATH_MAX], driver[PATH_MAX];
	const char *kind = pci_class_text(read_hex(dir, "class"));
	struct hostdev given;
	ssize_t length;

	/* What lies behind an Intel VMD has a name that cannot be given. */
	if (!kind || hostdev_parse(name, false, &given))
		return false;
	snprintf(device->name, sizeof(device->name), "%.15s", name);
	snprintf(path, sizeof(path), "%s/driver", dir);
	length = readlink(path, driver, sizeof(driver) - 1);
	driver[length < 0 ? 0 : length] = '\0';
	snprintf(device->text, sizeof(device->text), "%s %04x:%04x%s%.32s", kind,
		read_hex(dir, "vendor"), read_hex(dir, "device"), *driver ? ", " : "",
		strrchr(driver, '/') ? strrchr(driver, '/') + 1 : driver);
	return true;
}

/* What a USB device says of itself is anybody's text. */
static bool describe_usb(const char *dir, const char *name, struct posada_hostdev *device)
{
	char maker[64], product[64], text[sizeof(device->text)];

	(void)name;
	/* Interfaces stand beside the devices, and have no vendor. */
	if (!read_line(text, sizeof(text), "%s/idVendor", dir) ||
		read_hex(dir, "bDeviceClass") == USB_HUB)
		return false;
	snprintf(device->name, sizeof(device->name), "%04x:%04x", read_hex(dir, "idVendor"),
		read_hex(dir, "idProduct"));
	read_line(maker, sizeof(maker), "%s/manufacturer", dir);
	read_line(product, sizeof(product), "%s/product", dir);
	/* Many a product begins with its maker's name. */
	if (!strncmp(product, maker, strlen(maker)))
		*maker = '\0';
	snprintf(text, sizeof(text), "%s%s%s", maker, *maker && *product ? " " : "", product);
	posada_text_clean(*text ? text : _("USB device"), device->text, sizeof(device->text));
	return true;
}

static int is_entry(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

int hostdev_list(const char *sys, bool usb, struct posada_hostdevs *list)
{
	struct dirent **names = NULL;
	char dir[PATH_MAX];
	int count, i, ret = 0;

	memset(list, 0, sizeof(*list));
	snprintf(dir, sizeof(dir), "%s/bus/%s/devices", sys, usb ? "usb" : "pci");
	count = scandir(dir, &names, is_entry, alphasort);
	/* A machine without such a bus has none of its devices. */
	if (count < 0)
		return errno == ENOENT ? 0 : -errno;
	list->items = calloc((size_t)count + 1, sizeof(*list->items));
	if (!list->items)
		ret = -ENOMEM;
	for (i = 0; i < count; i++) {
		struct posada_hostdev *device = ret ? NULL : &list->items[list->count];

		snprintf(dir, sizeof(dir), "%s/bus/%s/devices/%s", sys, usb ? "usb" : "pci",
			names[i]->d_name);
		if (device && (usb ? describe_usb : describe_pci)(dir, names[i]->d_name, device)) {
			hostdev_in_way(sys, dir, device->host, sizeof(device->host));
			list->count++;
		}
		free(names[i]);
	}
	free(names);
	return ret;
}

int hostdev_note_guest(struct posada_hostdevs *list, const struct posada_guest *guest)
{
	size_t i, j;

	for (i = 0; i < list->count; i++)
		for (j = 0; j < guest->hostdev_count; j++) {
			struct posada_hostdev *device = &list->items[i];

			if (strcmp(device->name, guest->hostdevs[j]) != 0 ||
				(device->guest && !posada_state_is_live(guest->state)))
				continue;
			free(device->guest);
			device->guest = strdup(guest->name);
			if (!device->guest)
				return -ENOMEM;
		}
	return 0;
}

int posada_hostdev_list(
	struct posada *handle, bool usb, struct posada_hostdevs *list, struct posada_error *err)
{
	struct posada_guests guests = {0};
	int ret = hostdev_list("/sys", usb, list);
	size_t i;

	if (ret && ret != -ENOMEM)
		return fail(err, ret, _("The devices of this host cannot be read: %s. Try again."),
			strerror(-ret));
	if (!ret)
		ret = posada_guest_list(handle, &guests, err);
	else
		fail_memory(err);
	for (i = 0; i < guests.count && !ret; i++)
		if (hostdev_note_guest(list, &guests.items[i]))
			ret = fail_memory(err);
	posada_guests_free(&guests);
	if (ret)
		posada_hostdevs_free(list);
	return ret;
}

void posada_hostdevs_free(struct posada_hostdevs *list)
{
	for (size_t i = 0; i < list->count; i++)
		free(list->items[i].guest);
	free(list->items);
	memset(list, 0, sizeof(*list));
}
