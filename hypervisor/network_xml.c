// SPDX-License-Identifier: GPL-2.0-or-later
// Definitions of networks as libvirt's network XML.
#include "network_xml.h"

#include <errno.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "xml.h"
#include "xmlnode.h"

#define OWN "/network/ip[not(@family) or @family='ipv4'][1]"

/* What an expression is as a string, "" for nothing; the caller's, NULL without memory. */
static char *text_of(xmlXPathContextPtr context, const char *expression)
{
	char whole[128], *copy;
	xmlXPathObjectPtr found;

	snprintf(whole, sizeof(whole), "string(%s)", expression);
	found = xmlXPathEvalExpression((const xmlChar *)whole, context);
	copy = found && found->stringval ? strdup((const char *)found->stringval) : NULL;
	xmlXPathFreeObject(found);
	return copy;
}

/* --- Writing ------------------------------------------------------------ */

static void put(xmlNodePtr node, const char *name, const char *value)
{
	xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)value);
}

/* What another program wants of DHCP stays: reservations, where they are in the network still. */
static void keep_dhcp(xmlNodePtr from, xmlNodePtr to, const struct net4 *net)
{
	xmlNodePtr node = from ? from->children : NULL, next;

	for (; node; node = next) {
		char *ip = xmlnode_own(xmlGetNoNsProp(node, (const xmlChar *)"ip"));
		uint32_t address;

		next = node->next;
		if (node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, "range") &&
			(!ip || (ip4_parse(ip, &address) && net4_has(net, address)))) {
			xmlUnlinkNode(node);
			xmlAddChild(to, node);
		}
		free(ip);
	}
}

static void add_own(xmlNodePtr root, const struct network_own *own, xmlNodePtr old)
{
	char text[NET4_TEXT];
	uint32_t first, last;
	xmlNodePtr ip, dhcp, range;

	if (!own->address)
		return;
	ip = xmlNewChild(root, NULL, (const xmlChar *)"ip", NULL);
	put(ip, "address", ip4_text(own->net.address, text));
	snprintf(text, sizeof(text), "%u", own->net.bits);
	put(ip, "prefix", text);
	if (!own->dhcp || !net4_range(&own->net, &first, &last))
		return;
	dhcp = xmlNewChild(ip, NULL, (const xmlChar *)"dhcp", NULL);
	range = xmlNewChild(dhcp, NULL, (const xmlChar *)"range", NULL);
	put(range, "start", ip4_text(first, text));
	put(range, "end", ip4_text(last, text));
	keep_dhcp(xmlnode_child(old, "dhcp"), dhcp, &own->net);
}

/* Takes it out; xmlFreeNode(). */
static xmlNodePtr take_own(xmlXPathContextPtr context)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)OWN, context);
	xmlNodePtr node = NULL;

	if (found && found->nodesetval && found->nodesetval->nodeNr) {
		node = found->nodesetval->nodeTab[0];
		xmlUnlinkNode(node);
	}
	xmlXPathFreeObject(found);
	return node;
}

int network_xml_change(const char *old, const struct network_own *own, char **xml)
{
	xmlXPathContextPtr context = NULL;
	xmlNodePtr root, gone = NULL;
	xmlDocPtr doc = xmlnode_parse(old);
	int ret = -EINVAL;

	*xml = NULL;
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!root || strcmp((const char *)root->name, "network") != 0)
		goto out;
	ret = -ENOMEM;
	context = xmlXPathNewContext(doc);
	if (!context)
		goto out;
	gone = take_own(context);
	add_own(root, own, gone);
	*xml = xmlnode_text(doc);
	ret = *xml ? 0 : -ENOMEM;
out:
	xmlFreeNode(gone);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return ret;
}

int network_to_xml(
	enum posada_network_kind kind, const char *name, const struct network_own *own, char **xml)
{
	char *base = NULL;
	size_t size;
	FILE *out = open_memstream(&base, &size);
	int ret;

	*xml = NULL;
	if (!out)
		return -ENOMEM;
	fputs("<network>\n  <name>", out);
	xml_escape(out, name);
	fputs("</name>\n", out);
	if (kind == POSADA_NAT)
		fputs("  <forward mode='nat'/>\n", out);
	fputs("  <bridge stp='on' delay='0'/>\n</network>\n", out);
	if (fclose(out)) {
		free(base);
		return -ENOMEM;
	}
	ret = network_xml_change(base, own, xml);
	free(base);
	return ret;
}

/* --- Reading ------------------------------------------------------------ */

static unsigned bits_of(const char *prefix, const char *netmask)
{
	uint32_t mask;

	if (*prefix)
		return (unsigned)strtoul(prefix, NULL, 10);
	return ip4_parse(netmask, &mask) ? (unsigned)__builtin_popcount(mask) : 0;
}

int xml_to_network(const char *xml, struct posada_network *network)
{
	static const char *const paths[] = {"/network/forward/@mode", "/network/bridge/@name",
		OWN "/@address", OWN "/@prefix", OWN "/@netmask", "count(" OWN "/dhcp)",
		"count(/network/forward)"};
	enum { MODE, DEVICE, ADDRESS, PREFIX, NETMASK, DHCP, FORWARDS, TEXTS };
	char *texts[TEXTS] = {NULL}, own[NET4_TEXT];
	xmlXPathContextPtr context = NULL;
	xmlDocPtr doc = xmlnode_parse(xml);
	struct net4 net;
	int ret = -EINVAL;
	size_t i;

	if (!doc)
		return -EINVAL;
	context = xmlXPathNewContext(doc);
	for (i = 0; i < TEXTS; i++) {
		texts[i] = context ? text_of(context, paths[i]) : NULL;
		if (!texts[i]) {
			ret = -ENOMEM;
			goto out;
		}
	}
	if (*texts[FORWARDS] == '0')
		network->kind = POSADA_ISOLATED;
	else if (!*texts[MODE] || !strcmp(texts[MODE], "nat"))
		network->kind = POSADA_NAT;
	else
		network->kind = POSADA_ROUTED;
	network->dhcp = *texts[DHCP] != '0';
	ret = 0;
	if (*texts[DEVICE]) {
		network->device = strdup(texts[DEVICE]);
		ret = network->device ? 0 : -ENOMEM;
	}
	if (!ret && ip4_parse(texts[ADDRESS], &net.address)) {
		net.bits = bits_of(texts[PREFIX], texts[NETMASK]);
		if (net.bits <= 32) {
			network->address = strdup(net4_text(&net, own));
			ret = network->address ? 0 : -ENOMEM;
		}
	}
out:
	for (i = 0; i < TEXTS; i++)
		free(texts[i]);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return ret;
}

void network_own(const struct posada_network *network, struct network_own *own)
{
	memset(own, 0, sizeof(*own));
	own->address = network->address && net4_parse(network->address, &own->net);
	own->dhcp = network->dhcp;
}
