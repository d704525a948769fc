/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Elements of XML that somebody else has written, read and changed in place. */
#ifndef POSADA_XMLNODE_H
#define POSADA_XMLNODE_H

#include <libxml/tree.h>

/* NULL for what is no XML; xmlFreeDoc(). */
xmlDocPtr xmlnode_parse(const char *xml);

/* The element itself or the first after it of that name; NULL when there is none. */
xmlNodePtr xmlnode_next(xmlNodePtr node, const char *name);

/* The first element of that name within; NULL stays NULL. */
xmlNodePtr xmlnode_child(xmlNodePtr node, const char *name);

void xmlnode_remove(xmlNodePtr node);

/* The whole document, and one element of it, as text; NULL without memory; the caller's. */
char *xmlnode_text(xmlDocPtr doc);
char *xmlnode_piece(xmlDocPtr doc, xmlNodePtr node);

/* Takes over what libxml2 has allocated; NULL stays NULL; the caller's. */
char *xmlnode_own(xmlChar *text);

#endif
