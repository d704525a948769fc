// SPDX-License-Identifier: GPL-2.0-or-later
// Definitions of networks as libvirt's network XML.
#include "network_xml.h"

#include <errno.h>
#include <libxml/parser.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "xml.h"

#define OWN "/network/ip[not(@family) or @family='ipv4'][1]"

static xmlDocPtr parse(const char *xml)
{
	return xmlReadMemory(xml, (int)strlen(xml), "network.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

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

static void add_own(xmlNodePtr root, const struct network_own *own)
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
}

static void drop_own(xmlXPathContextPtr context)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)OWN, context);

	if (found && found->nodesetval && found->nodesetval->nodeNr) {
		xmlNodePtr node = found->nodesetval->nodeTab[0];

		xmlUnlinkNode(node);
		xmlFreeNode(node);
		found->nodesetval->nodeTab[0] = NULL;
	}
	xmlXPathFreeObject(found);
}

int network_xml_change(const char *old, const struct network_own *own, char **xml)
{
	xmlXPathContextPtr context = NULL;
	xmlChar *text = NULL;
	xmlNodePtr root;
	xmlDocPtr doc = parse(old);
	int ret = -EINVAL, size;

	*xml = NULL;
	root = doc ? xmlDocGetRootElement(doc) : NULL;
	if (!root || strcmp((const char *)root->name, "network") != 0)
		goto out;
	ret = -ENOMEM;
	context = xmlXPathNewContext(doc);
	if (!context)
		goto out;
	drop_own(context);
	add_own(root, own);
	xmlDocDumpMemory(doc, &text, &size);
	*xml = text ? strdup((const char *)text) : NULL;
	ret = *xml ? 0 : -ENOMEM;
out:
	xmlFree(text);
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
	xmlDocPtr doc = parse(xml);
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
