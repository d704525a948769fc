/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files about networks share. */
#ifndef POSADA_NETWORK_H
#define POSADA_NETWORK_H

#include <ifaddrs.h>
#include "address.h"
#include "bridges.h"
#include "posada.h"

#define NIC_NAME 16
#define MAC_TEXT 18

/* The bridge that the host itself is on. */
#define HOST_BRIDGE "br0"

/* What init does to the host's interfaces. */
#define NETWORK_SCRIPT "/etc/init/network"

/* Has /sys this file of an interface? "device" is what a card has, "bridge" a bridge. */
bool interface_is(const char *name, const char *what);

/* The hardware address of a card of the host; false when it is none. */
bool card_mac(const char *nic, char mac[MAC_TEXT]);

/* The card with a hardware address; false when this host has none now. */
bool card_name(const char *mac, char nic[NIC_NAME]);

/* The card below a bridge; false when it has none. */
bool card_of_bridge(const char *bridge, char nic[NIC_NAME]);

/* Is this an IPv4 address of an interface (NULL: of any)? */
bool own_address(const char *interface, const struct ifaddrs *at, struct net4 *net);

/*
 * Does this network of addresses overlap one that the host is in, or gives to guests? Neither the
 * interface nor the network SKIP counts. 0, or -EADDRINUSE with a sentence.
 */
int network_see_free(
	struct posada *handle, const struct net4 *net, const char *skip, struct posada_error *err);

/* Does a guest's definition have this network? */
bool guest_joins(const struct posada_guest *guest, const struct posada_network *network);

/* One network by its name, as a list of one, without its guests. */
int network_find(struct posada *handle, const char *name, struct posada_networks *network,
	struct posada_error *err);

/* "10.1.0.1/24" as an address that this host can have; 0, or -EINVAL with a sentence. */
int network_parse(const char *text, struct net4 *net, struct posada_error *err);

#endif
