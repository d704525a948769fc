// SPDX-License-Identifier: GPL-2.0-or-later
// Networks that guests can join: libvirt's, and bridges of the host.
#include "network.h"

#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "host.h"
#include "internal.h"
#include "network_xml.h"

/* libvirt names the bridges that it makes for its own networks virbrN. */
#define OF_LIBVIRT "virbr"

const char *posada_network_kind_name(enum posada_network_kind kind)
{
	static const char *const names[POSADA_NETWORK_KINDS] = {
		[POSADA_NAT] = N_("nat"),
		[POSADA_ISOLATED] = N_("isolated"),
		[POSADA_BRIDGE] = N_("bridge"),
		[POSADA_ROUTED] = N_("routed"),
	};

	return names[kind];
}

bool posada_network_name_is_legal(const char *name)
{
	static const char letters[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ";
	static const char all[] =
		"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";

	return name && *name && strchr(letters, *name) && strlen(name) < BRIDGE_NAME &&
	       strspn(name, all) == strlen(name);
}

/* --- The host's interfaces ---------------------------------------------- */

bool interface_is(const char *name, const char *what)
{
	char path[300];

	if (!*name || strchr(name, '/') || *name == '.')
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%s/%s", name, what);
	return !access(path, F_OK);
}

bool card_mac(const char *nic, char mac[MAC_TEXT])
{
	return interface_is(nic, "device") && nic_is_card("/sys/class/net", nic) &&
	       read_line(mac, MAC_TEXT, "/sys/class/net/%s/address", nic) && mac_is_right(mac);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* The first card in a directory of interfaces, with this address if one is given. */
static bool find_card(const char *directory, const char *mac, char nic[NIC_NAME])
{
	struct dirent **entries;
	int count = scandir(directory, &entries, visible, alphasort);
	bool found = false;
	char own[MAC_TEXT];

	for (int i = 0; i < count; i++) {
		if (!found && strlen(entries[i]->d_name) < NIC_NAME &&
			card_mac(entries[i]->d_name, own) && (!mac || !strcmp(own, mac))) {
			snprintf(nic, NIC_NAME, "%.15s", entries[i]->d_name);
			found = true;
		}
		free(entries[i]);
	}
	if (count >= 0)
		free(entries);
	return found;
}

bool card_name(const char *mac, char nic[NIC_NAME])
{
	return find_card("/sys/class/net", mac, nic);
}

bool card_of_bridge(const char *bridge, char nic[NIC_NAME])
{
	char path[300];

	snprintf(path, sizeof(path), "/sys/class/net/%s/brif", bridge);
	return find_card(path, NULL, nic);
}

bool own_address(const char *interface, const struct ifaddrs *at, struct net4 *net)
{
	const struct sockaddr_in *address, *mask;

	if (!at->ifa_addr || !at->ifa_netmask || at->ifa_addr->sa_family != AF_INET ||
		(interface && strcmp(at->ifa_name, interface) != 0))
		return false;
	address = (const void *)at->ifa_addr;
	mask = (const void *)at->ifa_netmask;
	net->address = ntohl(address->sin_addr.s_addr);
	net->bits = (unsigned)__builtin_popcount(mask->sin_addr.s_addr);
	return true;
}

/* The first IPv4 address of an interface of the host, or NULL. */
static char *address_of(const char *nic)
{
	struct ifaddrs *all, *at;
	char text[NET4_TEXT];
	char *address = NULL;
	struct net4 net;

	if (getifaddrs(&all))
		return NULL;
	for (at = all; at && !address; at = at->ifa_next)
		if (own_address(nic, at, &net))
			address = strdup(net4_text(&net, text));
	freeifaddrs(all);
	return address;
}

/* --- The list ------------------------------------------------------------ */

/* One more, cleared, with its name; NULL without memory. */
static struct posada_network *add(struct posada_networks *networks, const char *name)
{
	struct posada_network *items, *item;

	items = realloc(networks->items, (networks->count + 1) * sizeof(*items));
	if (!items)
		return NULL;
	networks->items = items;
	item = &items[networks->count];
	memset(item, 0, sizeof(*item));
	item->name = strdup(name);
	if (!item->name)
		return NULL;
	networks->count++;
	return item;
}

static int add_one(struct posada_networks *networks, virNetworkPtr found)
{
	struct posada_network *network = add(networks, virNetworkGetName(found));
	char *xml = network ? virNetworkGetXMLDesc(found, 0) : NULL;
	int ret = -ENOMEM;

	if (xml) {
		network->active = virNetworkIsActive(found) == 1;
		ret = xml_to_network(xml, network);
	}
	free(xml);
	return ret;
}

static int add_libvirt(
	struct posada_networks *networks, virConnectPtr conn, struct posada_error *err)
{
	virNetworkPtr *found;
	int count = virConnectListAllNetworks(conn, &found, 0);
	int ret = 0, i;

	if (count < 0)
		return fail_libvirt(
			err, _("The networks cannot be listed"), _("Try again, or read the log."));
	for (i = 0; i < count; i++) {
		if (!ret)
			ret = add_one(networks, found[i]);
		virNetworkFree(found[i]);
	}
	free(found);
	return ret ? fail_memory(err) : 0;
}

/* A bridge with what the file of bridges says of it, if it is there. */
static int add_bridge(struct posada_networks *networks, const char *name, const struct bridge *made)
{
	struct posada_network *network = add(networks, name);
	char nic[NIC_NAME];

	if (!network)
		return -ENOMEM;
	network->kind = POSADA_BRIDGE;
	network->bridge = true;
	network->device = strdup(name);
	network->active = interface_is(name, "bridge");
	network->address = address_of(name);
	network->vlan = made ? made->vlan : 0;
	if (made ? card_name(made->mac, nic) : card_of_bridge(name, nic))
		network->nic = strdup(nic);
	return network->device ? 0 : -ENOMEM;
}

static bool has_device(const struct posada_networks *networks, const char *device)
{
	size_t i;

	for (i = 0; i < networks->count; i++)
		if (networks->items[i].device && !strcmp(networks->items[i].device, device))
			return true;
	return false;
}

static int add_bridges(struct posada_networks *networks, struct posada_error *err)
{
	DIR *dir = opendir("/sys/class/net");
	struct bridges bridges;
	struct dirent *entry;
	int ret = 0;
	size_t i;

	if (bridges_read(BRIDGES_FILE, &bridges))
		bridges.count = 0;
	for (i = 0; i < bridges.count && !ret; i++)
		ret = add_bridge(networks, bridges.items[i].name, &bridges.items[i]);
	while (dir && !ret && (entry = readdir(dir)))
		if (interface_is(entry->d_name, "bridge") &&
			strncmp(entry->d_name, OF_LIBVIRT, strlen(OF_LIBVIRT)) != 0 &&
			!has_device(networks, entry->d_name))
			ret = add_bridge(networks, entry->d_name, NULL);
	if (dir)
		closedir(dir);
	return ret ? fail_memory(err) : 0;
}

static int by_name(const void *a, const void *b)
{
	const struct posada_network *left = a, *right = b;

	if (left->bridge != right->bridge)
		return left->bridge - right->bridge;
	return strcmp(left->name, right->name);
}

int posada_network_list(
	struct posada *handle, struct posada_networks *networks, struct posada_error *err)
{
	virConnectPtr conn;
	int ret;

	memset(networks, 0, sizeof(*networks));
	ret = engine_any(handle, &conn, err);
	if (!ret)
		ret = add_libvirt(networks, conn, err);
	if (!ret)
		ret = add_bridges(networks, err);
	if (ret)
		posada_networks_free(networks);
	else if (networks->count)
		qsort(networks->items, networks->count, sizeof(*networks->items), by_name);
	return ret;
}

static void free_network(struct posada_network *network)
{
	size_t i;

	for (i = 0; i < network->guest_count; i++)
		free(network->guests[i]);
	free(network->guests);
	free(network->name);
	free(network->address);
	free(network->device);
	free(network->nic);
}

void posada_networks_free(struct posada_networks *networks)
{
	size_t i;

	for (i = 0; i < networks->count; i++)
		free_network(&networks->items[i]);
	free(networks->items);
	memset(networks, 0, sizeof(*networks));
}

/* --- One of them --------------------------------------------------------- */

bool guest_joins(const struct posada_guest *guest, const struct posada_network *network)
{
	size_t i;

	for (i = 0; i < guest->nic_count; i++) {
		const struct posada_nic *nic = &guest->nics[i];
		const char *name = nic->bridge ? network->device : network->name;

		if (nic->source && name && (nic->bridge || !network->bridge) &&
			!strcmp(nic->source, name))
			return true;
	}
	return false;
}

static int add_guests(
	struct posada *handle, struct posada_network *network, struct posada_error *err)
{
	struct posada_guests guests;
	int ret = posada_guest_list(handle, &guests, err);
	size_t i;

	if (ret)
		return ret;
	network->guests = calloc(guests.count + 1, sizeof(*network->guests));
	if (!network->guests)
		ret = fail_memory(err);
	for (i = 0; i < guests.count && !ret; i++) {
		if (!guest_joins(&guests.items[i], network))
			continue;
		network->guests[network->guest_count] = strdup(guests.items[i].name);
		if (network->guests[network->guest_count])
			network->guest_count++;
		else
			ret = fail_memory(err);
	}
	posada_guests_free(&guests);
	return ret;
}

static int fail_none(const char *name, struct posada_error *err)
{
	char clean[65];

	return fail(err, -ENOENT,
		_("There is no network or bridge named %s on this host. Choose one of those that \"posada network list\" shows, or none."),
		posada_text_clean(name, clean, sizeof(clean)));
}

int network_find(struct posada *handle, const char *name, struct posada_networks *network,
	struct posada_error *err)
{
	size_t i;
	int ret = posada_network_list(handle, network, err);

	if (ret)
		return ret;
	for (i = 0; i < network->count; i++) {
		struct posada_network first = network->items[0];

		if (strcmp(network->items[i].name, name) != 0)
			continue;
		network->items[0] = network->items[i];
		network->items[i] = first;
		while (network->count > 1)
			free_network(&network->items[--network->count]);
		return 0;
	}
	posada_networks_free(network);
	return fail_none(name, err);
}

int posada_network_show(struct posada *handle, const char *name, struct posada_networks *network,
	struct posada_error *err)
{
	int ret = network_find(handle, name, network, err);

	if (ret)
		return ret;
	ret = add_guests(handle, &network->items[0], err);
	if (ret)
		posada_networks_free(network);
	return ret;
}

int network_wake(struct posada *handle, const char *name, struct posada_error *err)
{
	virNetworkPtr network;
	virConnectPtr conn;
	char what[256], clean[128];
	int ret = engine_any(handle, &conn, err);

	if (ret)
		return ret;
	network = virNetworkLookupByName(conn, name);
	if (!network)
		return fail_none(name, err);
	if (virNetworkIsActive(network) != 1 && virNetworkCreate(network)) {
		snprintf(what, sizeof(what), _("The network %s is down and does not start"),
			posada_text_clean(name, clean, sizeof(clean)));
		ret = fail_libvirt(err, what,
			_("Give it another address, or give the guest another network."));
	}
	virNetworkFree(network);
	return ret;
}

int network_resolve(struct posada *handle, const char *name, bool *bridge, struct posada_error *err)
{
	struct posada_networks network;
	int ret = network_find(handle, name, &network, err);

	if (ret)
		return ret;
	*bridge = network.items[0].bridge;
	if (!*bridge)
		ret = network_wake(handle, name, err);
	else if (!network.items[0].active)
		ret = fail(err, -ENETDOWN,
			_("The network %s is not running. Choose another, or read in the log why it did not start."),
			network.items[0].name);
	posada_networks_free(&network);
	return ret;
}
