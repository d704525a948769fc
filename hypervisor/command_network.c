// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the program posada about networks.
#include <stdio.h>
#include <string.h>
#include "commands.h"
#include "json.h"
#include "table.h"

#define VLAN_LAST 9999 /* what is no VLAN but a number is refused by the library, with a reason */

/* --- Printing ------------------------------------------------------------ */

static void json_network(struct json *json, const struct posada_network *network)
{
	json_open(json, NULL, '{');
	json_string(json, "name", network->name);
	json_string(json, "kind", posada_network_kind_name(network->kind));
	json_bool(json, "active", network->active);
	json_string(json, "address", network->address);
	json_bool(json, "dhcp", network->dhcp);
	json_string(json, "device", network->device);
	json_string(json, "nic", network->nic);
	json_number(json, "vlan", network->vlan);
}

int command_network_list(struct posada *handle, const struct args *args)
{
	struct table table = {.columns = 6};
	struct json json = {.out = stdout};
	struct posada_networks networks;
	struct posada_error err;
	int status = EXIT_DONE;
	size_t i;

	if (posada_network_list(handle, &networks, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_open(&json, NULL, '[');
		for (i = 0; i < networks.count; i++) {
			json_network(&json, &networks.items[i]);
			json_close(&json, '}');
		}
		json_close(&json, ']');
	} else if (!networks.count) {
		puts(_("There are no networks that guests could join."));
	} else {
		table_row(&table, _("NAME"), _("KIND"), _("ACTIVE"), _("ADDRESS"), _("CARD"),
			_("VLAN"));
		for (i = 0; i < networks.count; i++) {
			const struct posada_network *network = &networks.items[i];
			char vlan[16];

			snprintf(vlan, sizeof(vlan), "%u", network->vlan);
			table_row(&table, network->name, _(posada_network_kind_name(network->kind)),
				yes_no(network->active), network->address, network->nic,
				network->vlan ? vlan : NULL);
		}
		status = finish_table(&table);
	}
	posada_networks_free(&networks);
	return status;
}

static int print_network(const struct posada_network *network)
{
	struct table table = {.columns = 2};
	char vlan[16];
	size_t i;

	table_row(&table, _("Name"), network->name);
	table_row(&table, _("Kind"), _(posada_network_kind_name(network->kind)));
	table_row(&table, _("Active"), yes_no(network->active));
	table_row(&table, _("Address"), network->address);
	if (!network->bridge)
		table_row(&table, _("DHCP"), yes_no(network->dhcp));
	table_row(&table, _("Bridge"), network->device);
	if (network->bridge)
		table_row(&table, _("Card"), network->nic);
	if (network->vlan) {
		snprintf(vlan, sizeof(vlan), "%u", network->vlan);
		table_row(&table, _("VLAN"), vlan);
	}
	for (i = 0; i < network->guest_count; i++)
		table_row(&table, _("Guest"), network->guests[i]);
	return finish_table(&table);
}

int command_network_show(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct posada_networks network;
	struct posada_error err;
	int status = EXIT_DONE;
	size_t i;

	if (posada_network_show(handle, args->name, &network, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_network(&json, &network.items[0]);
		json_open(&json, "guests", '[');
		for (i = 0; i < network.items[0].guest_count; i++)
			json_string(&json, NULL, network.items[0].guests[i]);
		json_close(&json, ']');
		json_close(&json, '}');
	} else {
		status = print_network(&network.items[0]);
	}
	posada_networks_free(&network);
	return status;
}

/* --- Changing ------------------------------------------------------------ */

static int fill_spec(struct posada_network_spec *spec, const struct args *args)
{
	const char *dhcp = args_get(args, "dhcp");
	const char *vlan = args_get(args, "vlan");
	unsigned number;

	*spec = (struct posada_network_spec){.name = args->name,
		.kind = args_get(args, "kind"),
		.address = args_get(args, "address"),
		.nic = args_get(args, "nic"),
		.dhcp = -1,
		.vlan = -1};
	if (dhcp && *dhcp && strcmp(dhcp, "on") != 0 && strcmp(dhcp, "off") != 0)
		return wrong("dhcp", dhcp, _("Give on or off."));
	if (dhcp)
		spec->dhcp = strcmp(dhcp, "off") != 0;
	if (vlan && (!parse_number(vlan, VLAN_LAST, &number) || (spec->kind && !number)))
		return wrong("vlan", vlan, _("Give a number from 1 to 4094."));
	if (vlan)
		spec->vlan = (long)number;
	return EXIT_DONE;
}

int command_network_create(struct posada *handle, const struct args *args)
{
	struct posada_network_spec spec;
	struct posada_error err;
	int status = fill_spec(&spec, args);

	if (status)
		return status;
	if (!spec.kind)
		return wrong("kind", "", _("Give nat, isolated or bridge."));
	if (posada_network_create(handle, &spec, &err))
		return failed(&err);
	printf(_("The network %s is made.\n"), args->name);
	return EXIT_DONE;
}

static void print_trial(const char *address)
{
	printf(_("This host's address is %s now, and goes back to what it was in %d seconds unless you confirm it:\n  posada network confirm\n"),
		*address ? address : _("by DHCP"), POSADA_TRIAL_SECONDS);
}

static int set_host(struct posada *handle, const struct args *args)
{
	struct posada_uplink wanted = {0};
	const struct {
		const char *option;
		char *field;
		size_t size;
	} fields[] = {
		{"address", wanted.address, sizeof(wanted.address)},
		{"gateway", wanted.gateway, sizeof(wanted.gateway)},
		{"dns", wanted.dns, sizeof(wanted.dns)},
		{"nic", wanted.nic, sizeof(wanted.nic)},
	};
	const char *dhcp = args_get(args, "dhcp");
	struct posada_error err;
	size_t i;

	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		const char *value = args_get(args, fields[i].option);

		if (value && (!*value || strlen(value) >= fields[i].size))
			return wrong(fields[i].option, value, _("It is empty, or too long."));
		if (value)
			snprintf(fields[i].field, fields[i].size, "%s", value);
	}
	if (dhcp && *dhcp && strcmp(dhcp, "on") != 0)
		return wrong("dhcp", dhcp, _("To do without, give the host an address."));
	if (!dhcp == !*wanted.address)
		return wrong("address", wanted.address,
			_("Give this host either an address, such as 192.0.2.7/24, or --dhcp."));
	if (args_get(args, "vlan"))
		return wrong("vlan", args_get(args, "vlan"), _("Only a bridge has one."));
	if (posada_uplink_try(handle, &wanted, &err))
		return failed(&err);
	print_trial(wanted.address);
	return EXIT_DONE;
}

int command_network_confirm(struct posada *handle, const struct args *args)
{
	struct posada_error err;
	char note[256];

	(void)handle;
	(void)args;
	if (posada_uplink_confirm(note, sizeof(note), &err))
		return failed(&err);
	puts(_("Kept."));
	if (*note)
		puts(note);
	return EXIT_DONE;
}

int command_network_reset(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	(void)args;
	if (posada_network_reset(handle, &err))
		return failed(&err);
	print_trial("");
	return EXIT_DONE;
}

int command_network_set(struct posada *handle, const struct args *args)
{
	struct posada_network_spec spec;
	struct posada_error err;
	int status;

	if (!strcmp(args->name, "host"))
		return set_host(handle, args);
	if (args_get(args, "gateway") || args_get(args, "dns"))
		return wrong(args_get(args, "gateway") ? "gateway" : "dns", args->name,
			_("Only the host's own address has one."));
	status = fill_spec(&spec, args);
	if (status)
		return status;
	if (posada_network_set(handle, &spec, &err))
		return failed(&err);
	printf(_("The network %s is changed.\n"), args->name);
	return EXIT_DONE;
}

int command_network_delete(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	if (posada_network_delete(handle, args->name, &err))
		return failed(&err);
	printf(_("The network %s is deleted.\n"), args->name);
	return EXIT_DONE;
}
