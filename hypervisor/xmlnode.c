// SPDX-License-Identifier: GPL-2.0-or-later
// Walks XML that somebody else has written.
#include "xmlnode.h"

#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

xmlDocPtr xmlnode_parse(const char *xml)
{
	return xmlReadMemory(xml, (int)strlen(xml), "domain.xml", NULL,
		XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING);
}

xmlNodePtr xmlnode_next(xmlNodePtr node, const char *name)
{
	while (node && (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, name)))
		node = node->next;
	return node;
}

xmlNodePtr xmlnode_child(xmlNodePtr node, const char *name)
{
	return node ? xmlnode_next(node->children, name) : NULL;
}

void xmlnode_remove(xmlNodePtr node)
{
	xmlUnlinkNode(node);
	xmlFreeNode(node);
}

char *xmlnode_own(xmlChar *text)
{
	char *copy = text ? strdup((const char *)text) : NULL;

	xmlFree(text);
	return copy;
}

char *xmlnode_text(xmlDocPtr doc)
{
	xmlChar *text = NULL;
	int size;

	xmlDocDumpMemory(doc, &text, &size);
	return xmlnode_own(text);
}

char *xmlnode_piece(xmlDocPtr doc, xmlNodePtr node)
{
	xmlBufferPtr buffer = xmlBufferCreate();
	char *text = NULL;

	if (buffer && xmlNodeDump(buffer, doc, node, 0, 0) > 0)
		text = strdup((const char *)xmlBufferContent(buffer));
	xmlBufferFree(buffer);
	return text;
}
