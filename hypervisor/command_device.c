// SPDX-License-Identifier: GPL-2.0-or-later
// "posada guest attach", "detach", "insert", "eject" and "devices": the devices of guests from the
// command line.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "commands.h"
#include "json.h"
#include "table.h"

static int needs_option(const char *options)
{
	fprintf(stderr, _("posada: say what: %s. --help tells more.\n"), options);
	return EXIT_USAGE;
}

static int attach_disk(struct posada *handle, const struct args *args, const char *value)
{
	struct posada_disk_spec spec = {
		.pool = args_get(args, "pool"), .format = args_get(args, "format")};
	char target[POSADA_TARGET_SIZE];
	struct posada_error err;
	int ret = posada_size_parse(value, 0, &spec.bytes);

	if (ret == -ERANGE)
		return wrong("disk", value, _("The size is zero or too large."));
	if (ret && (spec.pool || spec.format))
		return wrong("disk", value,
			_("Only a new volume has a pool and a format: give its size."));
	if (ret)
		spec.path = value;
	if (posada_guest_attach_disk(handle, args->name, &spec, target, &err))
		return failed(&err);
	printf(_("The guest %s has the disk %s.\n"), args->name, target);
	return EXIT_DONE;
}

static int attach_nic(struct posada *handle, const struct args *args, const char *value)
{
	struct posada_error err;

	if (posada_guest_attach_nic(handle, args->name, value, &err))
		return failed(&err);
	printf(_("The guest %s has a card in %s.\n"), args->name, value);
	return EXIT_DONE;
}

static int detach_disk(struct posada *handle, const struct args *args, const char *value)
{
	struct posada_error err;

	if (posada_guest_detach_disk(handle, args->name, value, &err))
		return failed(&err);
	printf(_("The disk %s is gone from %s. Its file stays.\n"), value, args->name);
	return EXIT_DONE;
}

static int detach_nic(struct posada *handle, const struct args *args, const char *value)
{
	struct posada_error err;

	if (posada_guest_detach_nic(handle, args->name, value, &err))
		return failed(&err);
	printf(_("The card %s is gone from %s.\n"), value, args->name);
	return EXIT_DONE;
}

static int attach_device(
	struct posada *handle, const struct args *args, const char *value, bool usb)
{
	struct posada_guest guest;
	struct posada_error err;

	if (posada_guest_attach_device(handle, args->name, value, usb, &err))
		return failed(&err);
	printf(_("The guest %s has the device %s.\n"), args->name, value);
	if (usb && !posada_guest_show(handle, args->name, &guest, &err)) {
		if (guest.kind == POSADA_PV || guest.kind == POSADA_PVH)
			puts(_("It sees it only with the driver xen-hcd in its kernel."));
		posada_guest_free(&guest);
	}
	return EXIT_DONE;
}

static int attach_pci(struct posada *handle, const struct args *args, const char *value)
{
	return attach_device(handle, args, value, false);
}

static int attach_usb(struct posada *handle, const struct args *args, const char *value)
{
	return attach_device(handle, args, value, true);
}

static int detach_device(
	struct posada *handle, const struct args *args, const char *value, bool usb)
{
	struct posada_error err;

	if (posada_guest_detach_device(handle, args->name, value, usb, &err))
		return failed(&err);
	printf(_("The device %s is the host's again.\n"), value);
	return EXIT_DONE;
}

static int detach_pci(struct posada *handle, const struct args *args, const char *value)
{
	return detach_device(handle, args, value, false);
}

static int detach_usb(struct posada *handle, const struct args *args, const char *value)
{
	return detach_device(handle, args, value, true);
}

struct verb {
	const char *option;
	int (*run)(struct posada *handle, const struct args *args, const char *value);
};

/* What was given, in that order, up to the first that fails. */
static int each(struct posada *handle, const struct args *args, const struct verb *verbs,
	size_t count, const char *options)
{
	int status = EXIT_DONE;
	size_t i, j;

	if (!args->count)
		return needs_option(options);
	for (i = 0; i < args->count && !status; i++)
		for (j = 0; j < count; j++)
			if (!strcmp(args->values[i].option->name, verbs[j].option))
				status = verbs[j].run(handle, args, args->values[i].value);
	return status;
}

int command_guest_attach(struct posada *handle, const struct args *args)
{
	static const struct verb verbs[] = {{"disk", attach_disk}, {"nic", attach_nic},
		{"pci", attach_pci}, {"usb", attach_usb}};

	return each(handle, args, verbs, sizeof(verbs) / sizeof(verbs[0]),
		"--disk, --nic, --pci, --usb");
}

int command_guest_detach(struct posada *handle, const struct args *args)
{
	static const struct verb verbs[] = {{"disk", detach_disk}, {"nic", detach_nic},
		{"pci", detach_pci}, {"usb", detach_usb}};

	return each(handle, args, verbs, sizeof(verbs) / sizeof(verbs[0]),
		"--disk, --nic, --pci, --usb");
}

enum bus { PCI, USB, BUSES };

static void json_devices(struct posada_hostdevs lists[BUSES])
{
	static const char *const names[] = {[PCI] = "pci", [USB] = "usb"};
	struct json json = {.out = stdout};
	size_t i;
	int bus;

	json_open(&json, NULL, '[');
	for (bus = 0; bus < BUSES; bus++)
		for (i = 0; i < lists[bus].count; i++) {
			const struct posada_hostdev *device = &lists[bus].items[i];

			json_open(&json, NULL, '{');
			json_string(&json, "bus", names[bus]);
			json_string(&json, "name", device->name);
			json_string(&json, "text", device->text);
			json_string(&json, "host", *device->host ? device->host : NULL);
			json_string(&json, "guest", device->guest);
			json_close(&json, '}');
		}
	json_close(&json, ']');
}

static int print_devices(struct posada_hostdevs lists[BUSES])
{
	static const char *const options[] = {[PCI] = "--pci", [USB] = "--usb"};
	struct table table = {.columns = 4};
	char who[128];
	size_t i;
	int bus;

	table_row(&table, _("OPTION"), _("NAME"), _("USED BY"), _("DEVICE"));
	for (bus = 0; bus < BUSES; bus++)
		for (i = 0; i < lists[bus].count; i++) {
			const struct posada_hostdev *device = &lists[bus].items[i];

			snprintf(who, sizeof(who), _("this host (%s)"), device->host);
			table_row(&table, options[bus], device->name,
				*device->host ? who : device->guest, device->text);
		}
	return finish_table(&table);
}

int command_guest_devices(struct posada *handle, const struct args *args)
{
	struct posada_hostdevs lists[BUSES] = {0};
	int bus, status = EXIT_DONE;
	struct posada_error err;

	for (bus = 0; bus < BUSES && !status; bus++)
		if (posada_hostdev_list(handle, bus == USB, &lists[bus], &err))
			status = failed(&err);
	if (!status && args_get(args, "json"))
		json_devices(lists);
	else if (!status)
		status = print_devices(lists);
	for (bus = 0; bus < BUSES; bus++)
		posada_hostdevs_free(&lists[bus]);
	return status;
}

int command_guest_insert(struct posada *handle, const struct args *args)
{
	const char *iso = args_get(args, "iso");
	struct posada_error err;

	if (!iso)
		return needs_option("--iso");
	if (posada_guest_insert(handle, args->name, iso, &err))
		return failed(&err);
	printf(_("The CD is in the drive of %s.\n"), args->name);
	return EXIT_DONE;
}

int command_guest_eject(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	if (posada_guest_eject(handle, args->name, &err))
		return failed(&err);
	printf(_("The drive of %s is empty.\n"), args->name);
	return EXIT_DONE;
}
