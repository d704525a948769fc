// SPDX-License-Identifier: GPL-2.0-or-later
// Networks for guests are made, changed and deleted.
#include <errno.h>
#include <fcntl.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <unistd.h>
#include "internal.h"
#include "network.h"
#include "network_xml.h"
#include "tool.h"

#define LOCK POSADA_RUN "/network.lock"

/* Where a NAT network looks for a range that is free: 10.122.N.1/24. */
#define FIRST_RANGE 0x0a7a0001u
#define RANGES	    256

#define CAUSE 256 /* what a script says */

/* One at a time reads and writes what networks there are; NULL is fine for closing. */
static int lock(struct posada_error *err)
{
	int fd = open(LOCK, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	int ret = 0;

	if (fd < 0 || flock(fd, LOCK_EX))
		ret = -errno;
	if (ret && fd >= 0)
		close(fd);
	return ret ? fail(err, ret, "%s: %s", LOCK, strerror(-ret)) : fd;
}

/* --- Addresses ----------------------------------------------------------- */

int network_parse(const char *text, struct net4 *net, struct posada_error *err)
{
	char clean[64];

	posada_text_clean(text, clean, sizeof(clean));
	if (!net4_parse(text, net))
		return fail(err, -EINVAL,
			_("\"%s\" is no address with the size of its network. Write it as 10.1.0.1/24."),
			clean);
	if (!net4_is_host(net))
		return fail(err, -EINVAL,
			_("This host cannot have the address %s: it is the first or the last of its network, or means something else. Write it as 10.1.0.1/24, with a network of /8 to /30."),
			clean);
	return 0;
}

static int see_free_of_host(const struct net4 *net, const char *skip, struct posada_error *err)
{
	char text[NET4_TEXT], other[NET4_TEXT];
	struct ifaddrs *all, *at;
	struct net4 own;
	int ret = 0;

	if (getifaddrs(&all))
		return 0;
	for (at = all; at && !ret; at = at->ifa_next)
		/* A network of guests is told by its own name, by the other half. */
		if (own_address(NULL, at, &own) && strcmp(at->ifa_name, "lo") != 0 &&
			strncmp(at->ifa_name, "virbr", 5) != 0 &&
			(!skip || strcmp(at->ifa_name, skip) != 0) && net4_overlap(net, &own))
			ret = fail(err, -EADDRINUSE,
				_("The network %s overlaps the one that this host is in with %s (%s). Choose another range."),
				net4_text(net, text), net4_text(&own, other), at->ifa_name);
	freeifaddrs(all);
	return ret;
}

int network_see_free(
	struct posada *handle, const struct net4 *net, const char *skip, struct posada_error *err)
{
	char text[NET4_TEXT], other[NET4_TEXT];
	struct posada_networks networks;
	int ret = see_free_of_host(net, skip, err);
	size_t i;

	if (ret)
		return ret;
	ret = posada_network_list(handle, &networks, err);
	if (ret)
		return ret;
	for (i = 0; i < networks.count && !ret; i++) {
		const struct posada_network *network = &networks.items[i];
		struct net4 own;

		if (!network->bridge && network->address && net4_parse(network->address, &own) &&
			(!skip || strcmp(network->name, skip) != 0) && net4_overlap(net, &own))
			ret = fail(err, -EADDRINUSE,
				_("The network %s overlaps the network %s, which is %s. Choose another range, or change that one first."),
				net4_text(net, text), network->name, net4_text(&own, other));
	}
	posada_networks_free(&networks);
	return ret;
}

static int choose_range(struct posada *handle, struct net4 *net, struct posada_error *err)
{
	int ret = -EADDRINUSE;
	unsigned i;

	for (i = 0; i < RANGES && ret == -EADDRINUSE; i++) {
		*net = (struct net4){FIRST_RANGE + (i << 8), 24};
		ret = network_see_free(handle, net, NULL, err);
	}
	return ret;
}

/* What the host has on the network is to be, from what it is and what is asked for. */
static int fill_own(struct posada *handle, const struct posada_network_spec *spec,
	enum posada_network_kind kind, struct network_own *own, struct posada_error *err)
{
	bool had = own->address;
	int ret = 0;

	if (spec->nic || spec->vlan >= 0)
		return fail(err, -EINVAL,
			_("Only a network of kind bridge has a card and a VLAN. Leave them out, or make a bridge."));
	if (spec->address && !strcmp(spec->address, "none")) {
		if (kind == POSADA_NAT || spec->dhcp == 1)
			return fail(err, -EINVAL,
				_("Without an address of its own, this host gives guests neither NAT nor DHCP. Give an address."));
		memset(own, 0, sizeof(*own));
		return 0;
	}
	if (spec->address) {
		ret = network_parse(spec->address, &own->net, err);
		if (!ret)
			ret = network_see_free(handle, &own->net, spec->name, err);
		own->address = true;
	} else if (!had && (kind == POSADA_NAT || spec->dhcp == 1)) {
		ret = choose_range(handle, &own->net, err);
		own->address = true;
	}
	own->dhcp = own->address && (spec->dhcp >= 0 ? spec->dhcp == 1 : own->dhcp || !had);
	return ret;
}

/* --- Of libvirt ---------------------------------------------------------- */

static int start_new(virNetworkPtr network, const char *name, struct posada_error *err)
{
	char what[128];

	if (!virNetworkSetAutostart(network, 1) && !virNetworkCreate(network))
		return 0;
	snprintf(what, sizeof(what), _("The network %s did not start"), name);
	return fail_libvirt(err, what, _("Choose another range, or read the log."));
}

static int create_libvirt(struct posada *handle, const struct posada_network_spec *spec,
	enum posada_network_kind kind, struct posada_error *err)
{
	struct network_own own = {0};
	virNetworkPtr network;
	virConnectPtr conn;
	char *xml;
	int ret = fill_own(handle, spec, kind, &own, err);

	if (!ret)
		ret = engine_any(handle, &conn, err);
	if (ret)
		return ret;
	if (network_to_xml(kind, spec->name, &own, &xml))
		return fail_memory(err);
	network = virNetworkDefineXML(conn, xml);
	free(xml);
	if (!network)
		return fail_libvirt(err, _("The network cannot be defined"),
			_("Change what the message names, and try again."));
	ret = start_new(network, spec->name, err);
	if (ret)
		virNetworkUndefine(network);
	virNetworkFree(network);
	return ret;
}

/* Its bridge goes and comes back, which would leave guests that run without a network. */
static int see_no_guest_runs(
	struct posada *handle, const struct posada_network *network, struct posada_error *err)
{
	struct posada_guests guests;
	int ret = guest_list_all(handle, &guests, err);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < guests.count && !ret; i++)
		if (posada_state_is_live(guests.items[i].state) &&
			guest_joins(&guests.items[i], network))
			ret = fail(err, -EBUSY,
				_("The guest %s is running on the network %s and would lose it. Stop it first."),
				guests.items[i].name, network->name);
	posada_guests_free(&guests);
	return ret;
}

static int redefine(virConnectPtr conn, virNetworkPtr network, const char *xml)
{
	virNetworkPtr changed = virNetworkDefineXML(conn, xml);
	int ret;

	if (!changed)
		return -EIO;
	if (virNetworkIsActive(network) == 1)
		virNetworkDestroy(network);
	ret = virNetworkCreate(changed) ? -EIO : 0;
	virNetworkFree(changed);
	return ret;
}

static int set_libvirt(struct posada *handle, const struct posada_network_spec *spec,
	const struct posada_network *now, struct posada_error *err)
{
	virNetworkPtr network = NULL;
	struct network_own own;
	char *old = NULL, *xml = NULL;
	virConnectPtr conn;
	int ret;

	network_own(now, &own);
	ret = fill_own(handle, spec, now->kind, &own, err);
	if (!ret)
		ret = see_no_guest_runs(handle, now, err);
	if (!ret)
		ret = engine_any(handle, &conn, err);
	if (ret)
		return ret;
	network = virNetworkLookupByName(conn, spec->name);
	old = network ? virNetworkGetXMLDesc(network, VIR_NETWORK_XML_INACTIVE) : NULL;
	if (!old) {
		ret = fail_libvirt(
			err, _("The network's definition cannot be read"), _("Try again."));
	} else if (network_xml_change(old, &own, &xml)) {
		ret = fail_memory(err);
	} else if (redefine(conn, network, xml)) {
		ret = fail_libvirt(err, _("The network cannot be changed, and is as it was"),
			_("Change what the message names, and try again."));
		redefine(conn, network, old);
	}
	free(xml);
	free(old);
	if (network)
		virNetworkFree(network);
	return ret;
}

static int delete_libvirt(struct posada *handle, const char *name, struct posada_error *err)
{
	virNetworkPtr network;
	virConnectPtr conn;
	int ret = engine_any(handle, &conn, err);

	if (ret)
		return ret;
	network = virNetworkLookupByName(conn, name);
	if (!network || (virNetworkIsActive(network) == 1 && virNetworkDestroy(network)) ||
		(virNetworkIsPersistent(network) == 1 && virNetworkUndefine(network)))
		ret = fail_libvirt(
			err, _("The network cannot be deleted"), _("Try again, or read the log."));
	if (network)
		virNetworkFree(network);
	return ret;
}

/* --- Bridges -------------------------------------------------------------- */

/* What the host does with its bridge NAME; the script tells why it cannot. */
static int tell_init(const char *verb, const char *name, struct posada_error *err)
{
	char output[CAUSE], clean[CAUSE];
	int status = tool_run(
		(const char *const[]){NETWORK_SCRIPT, verb, name, NULL}, output, sizeof(output));

	if (!status)
		return 0;
	output[status < 0 ? 0 : strcspn(output, "\n")] = '\0';
	return fail(err, -EIO, _("The bridge %s cannot be set up: %s"), name,
		*output ? posada_text_clean(output, clean, sizeof(clean)) : _("see the log."));
}

static int keep(const struct bridges *bridges, struct posada_error *err)
{
	int ret = bridges_write(BRIDGES_FILE, bridges);

	return ret ? fail(err, ret, _("%s cannot be written: %s. Nothing was changed."),
			     BRIDGES_FILE, strerror(-ret))
		   : 0;
}

/* Writes what is to be and does it; what was before is there again when that fails. */
static int keep_and_do(const struct bridges *bridges, const struct bridges *before,
	const char *name, struct posada_error *err)
{
	int ret = keep(bridges, err);

	if (ret)
		return ret;
	ret = tell_init("bridge", name, err);
	if (!ret)
		return 0;
	if (!bridges_write(BRIDGES_FILE, before))
		tell_init("bridge", name, NULL);
	return ret;
}

/* nic: the name of its card, as it is told to people. */
static int see_card_is_free(const struct bridge *wanted, const char *nic,
	const struct bridges *bridges, struct posada_error *err)
{
	char own[NIC_NAME], mac[MAC_TEXT];
	struct posada_uplink before;
	size_t i;
	bool taken;

	taken = card_of_bridge(HOST_BRIDGE, own) && card_mac(own, mac) && !strcmp(mac, wanted->mac);
	/* While another is tried for the host, the one before may be needed again. */
	if (posada_uplink_trial() && !posada_uplink_show(&before, NULL) &&
		card_mac(before.nic, mac))
		taken = taken || !strcmp(mac, wanted->mac);
	if (!wanted->vlan && taken)
		return fail(err, -EBUSY,
			_("The card %s carries the host's own network: let guests join %s, or give a VLAN or another card."),
			nic, HOST_BRIDGE);
	for (i = 0; i < bridges->count; i++) {
		const struct bridge *other = &bridges->items[i];

		if (!strcmp(other->name, wanted->name) || strcmp(other->mac, wanted->mac) != 0 ||
			other->vlan != wanted->vlan)
			continue;
		if (wanted->vlan)
			return fail(err, -EBUSY,
				_("The network %s has VLAN %u of the card %s already. Let guests join that."),
				other->name, other->vlan, nic);
		return fail(err, -EBUSY,
			_("The network %s has the card %s already. Let guests join that, or give a VLAN."),
			other->name, nic);
	}
	return 0;
}

static int fill_bridge(struct bridge *bridge, const struct posada_network_spec *spec,
	const struct bridges *bridges, struct posada_error *err)
{
	char nic[NIC_NAME], clean[64];

	if (spec->address || spec->dhcp >= 0)
		return fail(err, -EINVAL,
			_("Guests on a bridge get their addresses from the network that the card is in. Leave the address and DHCP out."));
	if (spec->vlan > VLAN_MAX)
		return fail(err, -EINVAL, _("A VLAN has a number from 1 to %d, and %ld is none."),
			VLAN_MAX, spec->vlan);
	if (spec->vlan >= 0)
		bridge->vlan = (unsigned)spec->vlan;
	if (spec->nic && !card_mac(spec->nic, bridge->mac))
		return fail(err, -ENODEV,
			_("There is no network card %s. \"posada status\" lists those there are."),
			posada_text_clean(spec->nic, clean, sizeof(clean)));
	if (!*bridge->mac && (!card_of_bridge(HOST_BRIDGE, nic) || !card_mac(nic, bridge->mac)))
		return fail(err, -ENODEV,
			_("Say which card the bridge is on: \"posada status\" lists those there are."));
	return see_card_is_free(
		bridge, card_name(bridge->mac, nic) ? nic : bridge->mac, bridges, err);
}

static int create_bridge(const struct posada_network_spec *spec, struct posada_error *err)
{
	struct bridges bridges, before;
	struct bridge bridge = {0};
	int ret, fd = lock(err);

	if (fd < 0)
		return fd;
	ret = bridges_read(BRIDGES_FILE, &bridges);
	if (ret) {
		fail(err, ret, "%s: %s", BRIDGES_FILE, strerror(-ret));
		goto out;
	}
	before = bridges;
	if (bridges.count == BRIDGES_MAX) {
		ret = fail(err, -ENOSPC, _("There are %d bridges, and no more can be made."),
			BRIDGES_MAX);
		goto out;
	}
	snprintf(bridge.name, sizeof(bridge.name), "%s", spec->name);
	ret = fill_bridge(&bridge, spec, &bridges, err);
	if (ret)
		goto out;
	bridges.items[bridges.count++] = bridge;
	ret = keep_and_do(&bridges, &before, bridge.name, err);
out:
	close(fd);
	return ret;
}

static int set_bridge(const struct posada_network_spec *spec, struct posada_error *err)
{
	struct bridges bridges, before;
	struct bridge *bridge;
	int ret, fd = lock(err);

	if (fd < 0)
		return fd;
	ret = bridges_read(BRIDGES_FILE, &bridges);
	before = bridges;
	bridge = ret ? NULL : bridges_find(&bridges, spec->name);
	if (!bridge)
		ret = fail(err, -EPERM,
			!strcmp(spec->name, HOST_BRIDGE)
				? _("%s is the host's own network: change it as \"posada network set host\".")
				: _("The bridge %s was not made by \"posada network create\", and is left alone."),
			spec->name);
	else
		ret = fill_bridge(bridge, spec, &bridges, err);
	if (!ret)
		ret = keep_and_do(&bridges, &before, spec->name, err);
	close(fd);
	return ret;
}

static int delete_bridge(const char *name, struct posada_error *err)
{
	struct bridges bridges;
	int ret, fd = lock(err);

	if (fd < 0)
		return fd;
	ret = bridges_read(BRIDGES_FILE, &bridges);
	if (ret || !bridges_find(&bridges, name)) {
		ret = fail(err, -EPERM,
			!strcmp(name, HOST_BRIDGE)
				? _("%s is the host's own network and cannot be deleted.")
				: _("The bridge %s was not made by \"posada network create\", and is left alone."),
			name);
	} else {
		bridges_drop(&bridges, name);
		ret = keep(&bridges, err);
	}
	if (!ret)
		ret = tell_init("bridge", name, err);
	close(fd);
	return ret;
}

/* --- All kinds ------------------------------------------------------------ */

/* Names that mean something else, and beginnings that the kernel, Xen or libvirt give to
 * interfaces. */
static int check_name(struct posada *handle, const char *name, struct posada_error *err)
{
	static const char *const words[] = {"host", "none", "all", "lo", HOST_BRIDGE};
	static const char *const beginnings[] = {"vif", "vnet", "virbr", "tap"};
	struct posada_networks network;
	char clean[64];
	size_t i;

	posada_text_clean(name ? name : "", clean, sizeof(clean));
	if (!posada_network_name_is_legal(name))
		return fail(err, -EINVAL,
			_("\"%s\" cannot be a network's name. Use 1 to %d letters, digits, dashes and underscores, and begin with a letter."),
			clean, BRIDGE_NAME - 1);
	for (i = 0; i < ARRAY_SIZE(words); i++)
		if (!strcmp(name, words[i]))
			return fail(err, -EINVAL,
				_("The name %s means something else on this host. Choose another."),
				clean);
	for (i = 0; i < ARRAY_SIZE(beginnings); i++)
		if (!strncmp(name, beginnings[i], strlen(beginnings[i])))
			return fail(err, -EINVAL,
				_("Names that begin with %s are for the host's own interfaces. Choose another."),
				beginnings[i]);
	if (interface_is(name, "ifindex"))
		return fail(err, -EEXIST,
			_("This host has an interface named %s already. Choose another name."),
			clean);
	if (network_find(handle, name, &network, NULL))
		return 0;
	posada_networks_free(&network);
	return fail(err, -EEXIST,
		_("There is a network named %s already. Choose another name, or delete that one first."),
		clean);
}

int posada_network_create(
	struct posada *handle, const struct posada_network_spec *spec, struct posada_error *err)
{
	static const enum posada_network_kind made[] = {POSADA_NAT, POSADA_ISOLATED, POSADA_BRIDGE};
	size_t i;
	int ret = check_name(handle, spec->name, err);

	if (ret)
		return ret;
	for (i = 0; i < ARRAY_SIZE(made); i++)
		if (spec->kind && !strcmp(spec->kind, posada_network_kind_name(made[i])))
			return made[i] == POSADA_BRIDGE
				       ? create_bridge(spec, err)
				       : create_libvirt(handle, spec, made[i], err);
	return fail(
		err, -EINVAL, _("The kind of network is unknown. Use nat, isolated or bridge."));
}

int posada_network_set(
	struct posada *handle, const struct posada_network_spec *spec, struct posada_error *err)
{
	struct posada_networks network;
	int ret = network_find(handle, spec->name, &network, err);

	if (ret)
		return ret;
	if (network.items[0].bridge)
		ret = set_bridge(spec, err);
	else if (network.items[0].kind == POSADA_ROUTED)
		ret = fail(err, -EPERM,
			_("The network %s was made by another program, in a way that Posada has no words for. Change it with virsh."),
			network.items[0].name);
	else
		ret = set_libvirt(handle, spec, &network.items[0], err);
	posada_networks_free(&network);
	return ret;
}

int posada_network_delete(struct posada *handle, const char *name, struct posada_error *err)
{
	struct posada_networks network;
	struct posada_guests guests;
	int ret = network_find(handle, name, &network, err);

	if (ret)
		return ret;
	/* Also by what a guest that runs has from its next start on. */
	ret = guest_list_all(handle, &guests, err);
	for (size_t i = 0; i < guests.count && !ret; i++)
		if (guest_joins(&guests.items[i], &network.items[0]))
			ret = fail(err, -EBUSY,
				_("The guest %s uses the network %s. Give it another, or delete it, before you delete the network."),
				guests.items[i].name, network.items[0].name);
	posada_guests_free(&guests);
	if (!ret)
		ret = network.items[0].bridge ? delete_bridge(name, err)
					      : delete_libvirt(handle, name, err);
	posada_networks_free(&network);
	return ret;
}
