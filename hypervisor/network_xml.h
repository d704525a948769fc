/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Definitions of networks as libvirt's network XML. */
#ifndef POSADA_NETWORK_XML_H
#define POSADA_NETWORK_XML_H

#include "address.h"
#include "posada.h"

/* The host's part of a network. */
struct network_own {
	bool address; /* has it one? */
	struct net4 net;
	bool dhcp;
};

/* A network of kind nat or isolated; *xml is the caller's. 0 or -ENOMEM. */
int network_to_xml(
	enum posada_network_kind kind, const char *name, const struct network_own *own, char **xml);

/* The same definition with another IPv4 address; all else stays. 0, -EINVAL or -ENOMEM. */
int network_xml_change(const char *old, const struct network_own *own, char **xml);

/* Reads kind, device, address and dhcp; posada_networks_free() also on failure. 0, -EINVAL or
 * -ENOMEM. */
int xml_to_network(const char *xml, struct posada_network *network);

/* As the host's part of it; without an address when it has none, or none that could be right. */
void network_own(const struct posada_network *network, struct network_own *own);

#endif
