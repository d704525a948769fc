// SPDX-License-Identifier: GPL-2.0-or-later
// The disks, CDs and network cards of one guest: what it has, what it gets, what goes.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "ui.h"
#include "watch.h"

#define ROWS_MAX  64
#define PATH_SIZE 1024

static void done(int ret, const struct posada_error *err)
{
	watch_refresh();
	if (ret)
		ui_message(_("This did not work"), err->text);
}

static void add_disk(struct app *app)
{
	struct posada_disk_spec spec = {0};
	char text[PATH_SIZE] = "", target[POSADA_TARGET_SIZE], pool[POSADA_NAME_MAX + 1] = "";
	struct posada_error err;
	int ret;

	do {
		if (!ui_input(_("New disk"),
			    _("How large is the new disk, such as 10G? Or the path of one that exists."),
			    text, sizeof(text)))
			return;
		ret = posada_size_parse(text, 'G', &spec.bytes);
	} while (ret == -ERANGE || !*text);
	if (ret)
		spec.path = text;
	else if (!pool_ask(app, _("New disk"), pool, sizeof(pool), &spec.format))
		return;
	if (*pool)
		spec.pool = pool;
	ui_wait(_("Giving it the disk ..."));
	done(posada_guest_attach_disk(app->host, app->guest, &spec, target, &err), &err);
}

static void add_nic(struct app *app)
{
	struct ui_item items[ROWS_MAX];
	struct posada_networks networks;
	struct posada_error err;
	size_t selected = 0, i;

	if (posada_network_list(app->host, &networks, &err)) {
		ui_message(_("This did not work"), err.text);
		return;
	}
	for (i = 0; i < networks.count && i < ROWS_MAX; i++) {
		items[i].name = networks.items[i].name;
		items[i].text = networks.items[i].bridge ? _("bridge") : _("network");
	}
	if (!i)
		ui_message(_("New network card"),
			_("There are no networks that guests could join. Make one first (Network, Create)."));
	else if (ui_menu(_("New network card"), _("Which network does it join?"), items, i,
			 &selected)) {
		ui_wait(_("Giving it the card ..."));
		done(posada_guest_attach_nic(
			     app->host, app->guest, networks.items[selected].name, &err),
			&err);
	}
	posada_networks_free(&networks);
}

/* An image of the media library, or a path that is typed. */
static bool choose_iso(char path[PATH_SIZE])
{
	struct ui_item items[ROWS_MAX + 1];
	char names[ROWS_MAX][64], texts[ROWS_MAX][256], size[32], fault[192];
	struct posada_media media;
	size_t files[ROWS_MAX], count = 0, selected = 0, i;
	bool chosen;

	if (posada_media_list(&media, NULL))
		memset(&media, 0, sizeof(media));
	for (i = 0; i < media.count && count < ROWS_MAX; i++) {
		if (media.items[i].type != POSADA_ISO)
			continue;
		files[count] = i;
		items[count].name =
			posada_text_clean(media.items[i].name, names[count], sizeof(names[0]));
		if (!posada_fault_text(&media.items[i], fault, sizeof(fault)))
			*fault = '\0';
		snprintf(texts[count], sizeof(texts[0]), "%s  %s",
			posada_size_text(media.items[i].bytes, size, sizeof(size)), fault);
		items[count].text = texts[count];
		count++;
	}
	items[count].name = _("Other");
	items[count].text = _("Type the path of a file");
	chosen = ui_menu(_("CD"),
		_("Which ISO image? Windows has quicker disks and networks with the Xen Project's\nWindows PV drivers: once it is installed, insert their ISO and run its setup."),
		items, count + 1, &selected);
	*path = '\0';
	if (chosen && selected < count)
		snprintf(path, PATH_SIZE, "%s", media.items[files[selected]].path);
	else if (chosen)
		chosen = ui_input(_("CD"), _("Which ISO image?"), path, PATH_SIZE);
	posada_media_free(&media);
	return chosen && *path;
}

static void change_cd(struct app *app, const struct posada_disk *drive)
{
	struct posada_error err;
	char path[PATH_SIZE];
	int answer = 0;

	if (drive->path)
		answer = ui_either(_("CD"), drive->path, _("Another"), _("Eject"));
	if (answer == 1) {
		ui_wait(_("Ejecting the CD ..."));
		done(posada_guest_eject(app->host, app->guest, &err), &err);
	} else if (!answer && choose_iso(path)) {
		ui_wait(_("Inserting the CD ..."));
		done(posada_guest_insert(app->host, app->guest, path, &err), &err);
	}
}

static void take_disk(struct app *app, const struct posada_disk *disk)
{
	struct posada_error err;
	char text[512];

	snprintf(text, sizeof(text),
		_("Take the disk %s away from %s? Unmount it there first. Its file stays:\n\n%.200s"),
		disk->target, app->guest, disk->path ? disk->path : "-");
	if (!ui_yes_no(disk->target, text))
		return;
	ui_wait(_("Taking the disk away ..."));
	done(posada_guest_detach_disk(app->host, app->guest, disk->target, &err), &err);
}

static void take_nic(struct app *app, const struct posada_nic *nic)
{
	struct posada_error err;
	char text[512];

	snprintf(text, sizeof(text), _("Take the network card %s away from %s?"), nic->mac,
		app->guest);
	if (!ui_yes_no(nic->mac, text))
		return;
	ui_wait(_("Taking the card away ..."));
	done(posada_guest_detach_nic(app->host, app->guest, nic->mac, &err), &err);
}

static void give_device(struct app *app, bool usb, const char *name)
{
	struct posada_error err;

	ui_wait(_("Giving it the device ..."));
	done(posada_guest_attach_device(app->host, app->guest, name, usb, &err), &err);
}

static void choose_device(struct app *app, bool usb, const struct posada_hostdevs *list)
{
	struct ui_item *items = calloc(list->count, sizeof(*items));
	char(*texts)[256] = calloc(list->count, sizeof(*texts));
	char text[512];
	size_t i, selected = 0;

	for (i = 0; items && texts && i < list->count; i++) {
		const struct posada_hostdev *device = &list->items[i];

		if (*device->host)
			snprintf(text, sizeof(text), _("%s  (this host: %s)"), device->text,
				device->host);
		else if (device->guest)
			snprintf(text, sizeof(text), _("%s  (given to %s)"), device->text,
				device->guest);
		else
			snprintf(text, sizeof(text), "%s", device->text);
		items[i].name = device->name;
		items[i].text = posada_text_clean(text, texts[i], sizeof(texts[0]));
	}
	if (i &&
		ui_menu(_("Device of the host"),
			usb ? _("Which USB device does the guest get? One of kind pv or pvh gets it\nwhile it is off, and sees it only with the driver xen-hcd in its kernel.")
			    : _("Which PCI device does the guest get? It is the host's again when you\ntake it away from the guest, not when the guest is off."),
			items, i, &selected))
		give_device(app, usb, list->items[selected].name);
	free(items);
	free(texts);
}

static void add_device(struct app *app, bool usb)
{
	struct posada_hostdevs list;
	struct posada_error err;

	if (posada_hostdev_list(app->host, usb, &list, &err)) {
		ui_message(_("This did not work"), err.text);
		return;
	}
	if (list.count)
		choose_device(app, usb, &list);
	else
		ui_message(_("Device of the host"),
			usb ? _("No USB device is plugged in.")
			    : _("This machine has no PCI device that could be given."));
	posada_hostdevs_free(&list);
}

static void add_usb(struct app *app)
{
	add_device(app, true);
}

static void add_pci(struct app *app)
{
	add_device(app, false);
}

/* Only a USB device's name is so short. */
static bool is_usb(const char *device)
{
	return strlen(device) == sizeof("046d:c52b") - 1;
}

static void take_device(struct app *app, const char *device)
{
	struct posada_error err;
	char text[256];

	snprintf(text, sizeof(text), _("Take the device %s away from %s, back to the host?"),
		device, app->guest);
	if (!ui_yes_no(device, text))
		return;
	ui_wait(_("Taking the device away ..."));
	done(posada_guest_detach_device(app->host, app->guest, device, is_usb(device), &err), &err);
}

static const struct {
	const char *name, *text;
	void (*run)(struct app *app);
} additions[] = {
	{N_("Add a disk"), N_("A new volume, or a file that exists"), add_disk},
	{N_("Add a card"), N_("A network card"), add_nic},
	{N_("Give USB"), N_("A USB device of the host"), add_usb},
	{N_("Give PCI"), N_("A PCI device of the host, which needs an IOMMU"), add_pci},
};

struct rows {
	struct ui_item items[ROWS_MAX];
	char names[ROWS_MAX][32], texts[ROWS_MAX][256];
	size_t count;
};

/* The words can be those of another program. */
static void add_row(struct rows *rows, const char *name, const char *text)
{
	size_t at = rows->count;

	if (at == ROWS_MAX)
		return;
	rows->items[at].name = posada_text_clean(name, rows->names[at], sizeof(rows->names[0]));
	rows->items[at].text = posada_text_clean(text, rows->texts[at], sizeof(rows->texts[0]));
	rows->count++;
}

/* A device of the host by what it is, like in the list from which it was given. */
static void add_hostdev(struct rows *rows, struct app *app, const char *name)
{
	/* Of PCI the list has not all that can be given by its number. */
	const char *text =
		is_usb(name) ? _("USB device that is not plugged in") : _("PCI device of the host");
	struct posada_hostdevs list = {NULL, 0};
	struct posada_error err;
	size_t i;

	if (posada_hostdev_list(app->host, is_usb(name), &list, &err))
		text = err.text;
	for (i = 0; i < list.count; i++)
		if (!strcmp(list.items[i].name, name))
			text = list.items[i].text;
	add_row(rows, name, text);
	posada_hostdevs_free(&list);
}

static void fill(struct rows *rows, struct app *app, const struct posada_guest *guest)
{
	size_t i;

	rows->count = 0;
	for (i = 0; i < ARRAY_SIZE(additions); i++)
		add_row(rows, _(additions[i].name), _(additions[i].text));
	for (i = 0; i < guest->disk_count; i++)
		add_row(rows, guest->disks[i].target ? guest->disks[i].target : "?",
			guest->disks[i].path ? guest->disks[i].path : _("empty drive"));
	for (i = 0; i < guest->nic_count; i++)
		add_row(rows, guest->nics[i].mac ? guest->nics[i].mac : "?",
			guest->nics[i].source ? guest->nics[i].source : "-");
	for (i = 0; i < guest->hostdev_count; i++)
		add_hostdev(rows, app, guest->hostdevs[i]);
}

static void act(struct app *app, const struct posada_guest *guest, size_t row)
{
	if (row < ARRAY_SIZE(additions)) {
		additions[row].run(app);
		return;
	}
	row -= ARRAY_SIZE(additions);
	if (row >= guest->disk_count + guest->nic_count)
		take_device(app, guest->hostdevs[row - guest->disk_count - guest->nic_count]);
	else if (row >= guest->disk_count)
		take_nic(app, &guest->nics[row - guest->disk_count]);
	else if (guest->disks[row].cdrom)
		change_cd(app, &guest->disks[row]);
	else
		take_disk(app, &guest->disks[row]);
}

void guest_devices_run(struct app *app)
{
	struct posada_guest guest;
	struct posada_error err;
	struct rows rows;
	size_t selected = 0;
	bool chosen;

	do {
		if (posada_guest_show(app->host, app->guest, &guest, &err)) {
			ui_message(_("This did not work"), err.text);
			return;
		}
		fill(&rows, app, &guest);
		if (selected >= rows.count)
			selected = 0;
		chosen = ui_menu(app->guest, _("Choose what to add, to change or to take away."),
			rows.items, rows.count, &selected);
		if (chosen)
			act(app, &guest, selected);
		posada_guest_free(&guest);
	} while (chosen);
}
