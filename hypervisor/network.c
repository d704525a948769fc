// SPDX-License-Identifier: GPL-2.0-or-later
// Networks that guests can join: libvirt's, and bridges of the host.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "internal.h"

static bool is_bridge(const char *name)
{
	char path[300];

	if (!*name || strchr(name, '/'))
		return false;
	snprintf(path, sizeof(path), "/sys/class/net/%s/bridge", name);
	return !access(path, F_OK);
}

/* The first IPv4 address of an interface of the host, or NULL. */
static char *address_of(const char *nic)
{
	struct ifaddrs *all, *at;
	char text[INET_ADDRSTRLEN];
	char *address = NULL;

	if (getifaddrs(&all))
		return NULL;
	for (at = all; at && !address; at = at->ifa_next) {
		if (!at->ifa_addr || at->ifa_addr->sa_family != AF_INET ||
			strcmp(at->ifa_name, nic))
			continue;
		inet_ntop(AF_INET,
			&((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr, text,
			sizeof(text));
		address = strdup(text);
	}
	freeifaddrs(all);
	return address;
}

static int add(struct posada_networks *networks, const char *name, const char *nic, bool bridge,
	bool active)
{
	struct posada_network *items, *item;

	items = realloc(networks->items, (networks->count + 1) * sizeof(*items));
	if (!items)
		return -ENOMEM;
	networks->items = items;
	item = &items[networks->count];
	item->name = strdup(name);
	if (!item->name)
		return -ENOMEM;
	item->bridge = bridge;
	item->active = active;
	item->address = nic ? address_of(nic) : NULL;
	networks->count++;
	return 0;
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
		char *nic = virNetworkGetBridgeName(found[i]);

		if (!ret)
			ret = add(networks, virNetworkGetName(found[i]), nic, false,
				virNetworkIsActive(found[i]) == 1);
		free(nic);
		virNetworkFree(found[i]);
	}
	free(found);
	return ret ? fail_memory(err) : 0;
}

/* libvirt names the bridges that it makes for its own networks virbrN. */
static int add_bridges(struct posada_networks *networks, struct posada_error *err)
{
	DIR *dir = opendir("/sys/class/net");
	struct dirent *entry;
	int ret = 0;

	if (!dir)
		return 0;
	while (!ret && (entry = readdir(dir)))
		if (is_bridge(entry->d_name) && strncmp(entry->d_name, "virbr", 5) != 0)
			ret = add(networks, entry->d_name, entry->d_name, true, true);
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

void posada_networks_free(struct posada_networks *networks)
{
	size_t i;

	for (i = 0; i < networks->count; i++) {
		free(networks->items[i].name);
		free(networks->items[i].address);
	}
	free(networks->items);
	memset(networks, 0, sizeof(*networks));
}

int network_resolve(struct posada *handle, const char *name, bool *bridge, struct posada_error *err)
{
	struct posada_networks networks;
	const struct posada_network *found = NULL;
	char clean[65];
	size_t i;
	int ret = posada_network_list(handle, &networks, err);

	if (ret)
		return ret;
	for (i = 0; i < networks.count && !found; i++)
		if (!strcmp(networks.items[i].name, name))
			found = &networks.items[i];
	posada_text_clean(name, clean, sizeof(clean));
	if (!found)
		ret = fail(err, -ENOENT,
			_("There is no network or bridge named %s on this host. Choose one of those that \"posada network list\" shows, or none."),
			clean);
	else if (!found->active)
		ret = fail(err, -ENETDOWN,
			_("The network %s is not running. Choose another, or read in the log why it did not start."),
			clean);
	else
		*bridge = found->bridge;
	posada_networks_free(&networks);
	return ret;
}
