// SPDX-License-Identifier: GPL-2.0-or-later
// Changes domain definitions, of which libvirt knows more than we do.
#include "domainxml.h"

#include <errno.h>
#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "seed.h"
#include "xmlnode.h"

struct document {
	xmlDocPtr doc;
	xmlXPathContextPtr context;
};

static void document_close(struct document *document)
{
	xmlXPathFreeContext(document->context);
	xmlFreeDoc(document->doc);
}

static int document_open(const char *xml, struct document *document)
{
	xmlNodePtr root;

	memset(document, 0, sizeof(*document));
	document->doc = xmlnode_parse(xml);
	root = document->doc ? xmlDocGetRootElement(document->doc) : NULL;
	if (!root || strcmp((const char *)root->name, "domain") != 0) {
		document_close(document);
		return -EINVAL;
	}
	document->context = xmlXPathNewContext(document->doc);
	if (document->context)
		return 0;
	document_close(document);
	return -ENOMEM;
}

static int document_text(const struct document *document, char **out)
{
	*out = xmlnode_text(document->doc);
	return *out ? 0 : -ENOMEM;
}

static char *attribute(xmlNodePtr node, const char *name)
{
	return node ? xmlnode_own(xmlGetNoNsProp(node, (const xmlChar *)name)) : NULL;
}

static void set_attribute(xmlNodePtr node, const char *name, const char *value)
{
	xmlSetProp(node, (const xmlChar *)name, (const xmlChar *)value);
}

static xmlXPathObjectPtr nodes_at(const struct document *document, const char *path, size_t *count)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)path, document->context);

	*count = found && found->nodesetval ? (size_t)found->nodesetval->nodeNr : 0;
	return found;
}

static int remove_all(const struct document *document, const char *path)
{
	size_t count, i;
	xmlXPathObjectPtr found = nodes_at(document, path, &count);

	if (!found)
		return -ENOMEM;
	for (i = count; i > 0; i--) {
		xmlnode_remove(found->nodesetval->nodeTab[i - 1]);
		found->nodesetval->nodeTab[i - 1] = NULL;
	}
	xmlXPathFreeObject(found);
	return 0;
}

/* --- Disks -------------------------------------------------------------- */

static int read_disk(xmlNodePtr node, struct domainxml_disk *disk)
{
	xmlNodePtr source = xmlnode_child(node, "source"), driver = xmlnode_child(node, "driver");
	char *device = attribute(node, "device");

	disk->path = attribute(source, "file");
	if (!disk->path)
		disk->path = attribute(source, "dev");
	disk->target = attribute(xmlnode_child(node, "target"), "dev");
	disk->format = attribute(driver, "type");
	if (!disk->format)
		disk->format = strdup("raw");
	disk->own = (!device || !strcmp(device, "disk")) && !xmlnode_child(node, "readonly") &&
		    !xmlnode_child(node, "shareable");
	disk->seed = disk->path && seed_is_path(disk->path);
	/* A server's own disk that a guest speaks SCSI to: a copy would be none. */
	if (device && !strcmp(device, "lun")) {
		disk->own = true;
		free(disk->path);
		disk->path = NULL;
	}
	free(device);
	return disk->format ? 0 : -ENOMEM;
}

int domainxml_disks(const char *xml, struct domainxml_disks *disks)
{
	struct document document;
	xmlXPathObjectPtr found;
	size_t count;
	int ret;

	memset(disks, 0, sizeof(*disks));
	ret = document_open(xml, &document);
	if (ret)
		return ret;
	found = nodes_at(&document, "/domain/devices/disk", &count);
	disks->items = calloc(count + 1, sizeof(*disks->items));
	if (!found || !disks->items)
		ret = -ENOMEM;
	for (; !ret && disks->count < count; disks->count++)
		ret = read_disk(
			found->nodesetval->nodeTab[disks->count], &disks->items[disks->count]);
	xmlXPathFreeObject(found);
	document_close(&document);
	return ret;
}

void domainxml_disks_free(struct domainxml_disks *disks)
{
	size_t i;

	for (i = 0; disks->items && i < disks->count; i++) {
		free(disks->items[i].path);
		free(disks->items[i].target);
		free(disks->items[i].format);
		free(disks->items[i].copy.path);
	}
	free(disks->items);
	memset(disks, 0, sizeof(*disks));
}

static int replace_disk(xmlNodePtr node, const struct domainxml_disk *disk)
{
	xmlNodePtr source = xmlnode_child(node, "source"), driver = xmlnode_child(node, "driver"),
		   backing;

	if (!source)
		return -EINVAL;
	set_attribute(node, "type", disk->copy.block ? "block" : "file");
	xmlUnsetProp(source, (const xmlChar *)"file");
	xmlUnsetProp(source, (const xmlChar *)"dev");
	set_attribute(source, disk->copy.block ? "dev" : "file", disk->copy.path);
	if (driver)
		set_attribute(driver, "type", disk->copy.format);
	/* A copy stands on its own. */
	backing = xmlnode_child(node, "backingStore");
	if (backing)
		xmlnode_remove(backing);
	return 0;
}

char *domainxml_nvram(const char *xml)
{
	struct document document;
	xmlXPathObjectPtr found;
	char *path = NULL;
	size_t count;

	if (document_open(xml, &document))
		return NULL;
	found = nodes_at(
		&document, "/domain/os/nvram[not(source)] | /domain/os/nvram/source/@file", &count);
	if (count)
		path = xmlnode_own(xmlNodeGetContent(found->nodesetval->nodeTab[0]));
	xmlXPathFreeObject(found);
	document_close(&document);
	if (path && *path == '/')
		return path;
	free(path);
	return NULL;
}

/* --- Clones ------------------------------------------------------------- */

/* The variables of the firmware are one guest's; where they came from stays. */
static void forget_nvram(const struct document *document)
{
	size_t count;
	xmlXPathObjectPtr found = nodes_at(document, "/domain/os/nvram", &count);

	if (count) {
		xmlUnsetProp(found->nodesetval->nodeTab[0], (const xmlChar *)"type");
		xmlNodeSetContent(found->nodesetval->nodeTab[0], NULL);
	}
	xmlXPathFreeObject(found);
}

/* A legal name holds nothing that XML would have to escape. */
static int set_name(const struct document *document, const char *name)
{
	xmlNodePtr node = xmlnode_child(xmlDocGetRootElement(document->doc), "name");

	if (!node)
		return -EINVAL;
	xmlNodeSetContent(node, (const xmlChar *)name);
	return 0;
}

int domainxml_clone(
	const char *xml, const char *name, const struct domainxml_disks *disks, char **out)
{
	static const char *const once[] = {
		"/domain/uuid",
		"/domain/genid",
		"/domain/metadata/*[namespace-uri()='" TEMPLATE_URI "']",
		"/domain/devices/interface/mac",
		"/domain/devices/interface/target",
	};
	struct document document;
	xmlXPathObjectPtr found;
	size_t count, i;
	int ret;

	*out = NULL;
	ret = document_open(xml, &document);
	if (ret)
		return ret;
	ret = set_name(&document, name);
	for (i = 0; i < ARRAY_SIZE(once) && !ret; i++)
		ret = remove_all(&document, once[i]);
	forget_nvram(&document);
	found = nodes_at(&document, "/domain/devices/disk", &count);
	if (!ret && count != disks->count)
		ret = -EINVAL;
	for (i = 0; i < count && !ret; i++) {
		xmlNodePtr *node = &found->nodesetval->nodeTab[i];

		if (disks->items[i].copy.path) {
			ret = replace_disk(*node, &disks->items[i]);
		} else if (disks->items[i].seed) {
			xmlnode_remove(*node);
			*node = NULL;
		}
	}
	xmlXPathFreeObject(found);
	if (!ret)
		ret = document_text(&document, out);
	document_close(&document);
	return ret;
}

/* --- Seeds -------------------------------------------------------------- */

static xmlNodePtr add_child(xmlNodePtr node, const char *name)
{
	return xmlNewChild(node, NULL, (const xmlChar *)name, NULL);
}

/* A letter that no disk of ours comes to, and the last whose number every guest understands. */
static void fill_seed(xmlNodePtr disk, enum posada_kind kind, const char *path)
{
	bool plain = kind == POSADA_QEMU;
	xmlNodePtr node;

	set_attribute(disk, "type", "file");
	set_attribute(disk, "device", "disk");
	if (plain) {
		node = add_child(disk, "driver");
		set_attribute(node, "name", "qemu");
		set_attribute(node, "type", "raw");
	}
	set_attribute(add_child(disk, "source"), "file", path);
	node = add_child(disk, "target");
	set_attribute(node, "dev", plain ? "vdp" : "xvdp");
	set_attribute(node, "bus", plain ? "virtio" : "xen");
	add_child(disk, "readonly");
}

int domainxml_add_seed(const char *xml, enum posada_kind kind, const char *path, char **out)
{
	struct document document;
	xmlNodePtr devices, disk;
	int ret;

	*out = NULL;
	ret = document_open(xml, &document);
	if (ret)
		return ret;
	devices = xmlnode_child(xmlDocGetRootElement(document.doc), "devices");
	disk = devices ? add_child(devices, "disk") : NULL;
	if (disk)
		fill_seed(disk, kind, path);
	ret = disk ? document_text(&document, out) : -EINVAL;
	document_close(&document);
	return ret;
}
