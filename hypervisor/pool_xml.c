// SPDX-License-Identifier: GPL-2.0-or-later
// Checks what pools shall be made of, and translates them to and from libvirt's XML.
#include <errno.h>
#include <libxml/xpath.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "iscsi.h"
#include "pool.h"
#include "pool_login.h"
#include "xml.h"
#include "xmlnode.h"

#define BY_UUID "/dev/disk/by-uuid/"

/* By libvirt's name of its type; the first of a kind is what we make. */
static const struct {
	const char *type;
	enum posada_pool_kind kind;
} types[] = {
	{"dir", POSADA_POOL_DIRECTORY},
	{"fs", POSADA_POOL_DIRECTORY},
	{"logical", POSADA_POOL_LVM},
	{"netfs", POSADA_POOL_NFS},
	{"iscsi", POSADA_POOL_ISCSI},
};

static const char *const kind_names[POSADA_POOL_KINDS] = {
	[POSADA_POOL_DIRECTORY] = "directory",
	[POSADA_POOL_LVM] = "lvm",
	[POSADA_POOL_NFS] = "nfs",
	[POSADA_POOL_ISCSI] = "iscsi",
	[POSADA_POOL_OTHER] = "other",
};

const char *posada_pool_kind_name(enum posada_pool_kind kind)
{
	return kind_names[kind];
}

int posada_pool_kind_parse(const char *word, enum posada_pool_kind *kind)
{
	for (size_t i = 0; i < POSADA_POOL_OTHER; i++)
		if (!strcmp(word, kind_names[i])) {
			*kind = (enum posada_pool_kind)i;
			return 0;
		}
	return -EINVAL;
}

const char *posada_pool_state_name(enum posada_pool_state state)
{
	static const char *const names[POSADA_POOL_STATES] = {
		[POSADA_POOL_READY] = N_("ready"),
		[POSADA_POOL_FULL] = N_("almost full"),
		[POSADA_POOL_DETACHED] = N_("detached"),
		[POSADA_POOL_MISSING] = N_("missing"),
		[POSADA_POOL_SILENT] = N_("not answering"),
	};

	return names[state];
}

/* --- Rules -------------------------------------------------------------- */

/* A path that is one: absolute, without . and .., and nothing in it that a terminal obeys. */
static bool is_path(const char *text)
{
	char clean[1024];

	return *text == '/' && strlen(text) < sizeof(clean) &&
	       !strcmp(posada_text_clean(text, clean, sizeof(clean)), text) &&
	       !strstr(text, "/../") && !strstr(text, "/./") && !strstr(text, "//") &&
	       (strlen(text) < 3 || strcmp(text + strlen(text) - 3, "/..") != 0);
}

size_t pool_host_length(const char *text)
{
	static const char letters[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789.-_";

	return *text == '-' ? 0 : strspn(text, letters);
}

int pool_server(const char *source, char *server, size_t size)
{
	size_t len = pool_host_length(source);

	/* Whoever mounts looks for the first colon: a bare IPv6 address cannot be. */
	if (!len || len >= size || strncmp(source + len, ":/", 2) != 0)
		return -EINVAL;
	snprintf(server, size, "%.*s", (int)len, source);
	return 0;
}

/* Of SERVER:/PATH */
static const char *server_path(const char *source)
{
	return strstr(source, ":/") + 1;
}

/* What is kept in a line of a file, and given to a program as a word. */
static bool is_login(const char *text)
{
	size_t len = 0;

	while (text[len] > ' ' && text[len] < 0x7f)
		len++;
	return len && len < 256 && !text[len];
}

static int check_login(const struct posada_pool_spec *spec, struct posada_error *err)
{
	if (!spec->user && !spec->password)
		return 0;
	if (spec->kind != POSADA_POOL_ISCSI)
		return fail(err, -EINVAL, _("Only an iSCSI pool has a user and a password."));
	if (!spec->user || !spec->password)
		return fail(err, -EINVAL, _("Give the user and the password, or neither."));
	if (!is_login(spec->user) || !is_login(spec->password))
		return fail(err, -EINVAL,
			_("A user and a password for iSCSI are 1 to 255 letters of ASCII, without spaces."));
	return 0;
}

int pool_spec_check(const struct posada_pool_spec *spec, struct posada_error *err)
{
	char clean[256], server[256];
	struct iscsi_target target;
	int ret;

	if (!posada_name_is_legal(spec->name))
		return fail(err, -EINVAL,
			_("\"%s\" cannot be a pool's name. Use letters, digits, dots, dashes and underscores, and begin with a letter or a digit."),
			posada_text_clean(spec->name, clean, sizeof(clean)));
	ret = check_login(spec, err);
	if (ret)
		return ret;
	switch (spec->kind) {
	case POSADA_POOL_DIRECTORY:
		if (is_path(spec->source))
			return 0;
		return fail(err, -EINVAL,
			_("A directory pool is in a folder or on a device, such as /data/more or /dev/sdb1, and \"%s\" is neither."),
			posada_text_clean(spec->source, clean, sizeof(clean)));
	case POSADA_POOL_LVM:
		if (posada_name_is_legal(spec->source))
			return 0;
		return fail(err, -EINVAL, _("\"%s\" cannot be the name of a volume group."),
			posada_text_clean(spec->source, clean, sizeof(clean)));
	case POSADA_POOL_NFS:
		if (!pool_server(spec->source, server, sizeof(server)) &&
			is_path(server_path(spec->source)))
			return 0;
		return fail(err, -EINVAL,
			_("An NFS pool is on a server, as in server:/path, and \"%s\" is none."),
			posada_text_clean(spec->source, clean, sizeof(clean)));
	case POSADA_POOL_ISCSI:
		if (!iscsi_target_parse(spec->source, &target))
			return 0;
		return fail(err, -EINVAL,
			_("An iSCSI pool is a target of a server, as in server/iqn.2020-01.org.example:disks or server:3260/..., and \"%s\" is none."),
			posada_text_clean(spec->source, clean, sizeof(clean)));
	default:
		return fail(err, -EINVAL, _("A pool of that kind cannot be made here."));
	}
}

/* --- Writing ------------------------------------------------------------ */

__attribute__((format(printf, 3, 4))) static void put(
	FILE *out, const char *text, const char *before, ...)
{
	va_list args;

	va_start(args, before);
	vfprintf(out, before, args);
	va_end(args);
	xml_escape(out, text);
}

static void put_source(
	FILE *out, const struct posada_pool_spec *spec, const struct pool_source *source)
{
	struct iscsi_target target = {0};
	char server[256] = "";

	fputs("<source>", out);
	switch (spec->kind) {
	case POSADA_POOL_DIRECTORY:
		if (source->uuid) {
			put(out, source->uuid, "<device path='" BY_UUID);
			fputs("'/><format type='auto'/>", out);
		}
		break;
	case POSADA_POOL_LVM:
		put(out, spec->source, "<name>");
		fputs("</name><format type='lvm2'/>", out);
		break;
	case POSADA_POOL_ISCSI:
		/* Nothing in a target's name needs escaping. */
		iscsi_target_parse(spec->source, &target);
		fprintf(out, "<host name='%s' port='%s'/><device path='%s'/>", target.server,
			target.port, target.name);
		if (spec->user) {
			put(out, spec->user, "<auth type='chap' username='");
			fprintf(out, "'><secret usage='" POOL_SECRET "'/></auth>", spec->name);
		}
		break;
	default:
		pool_server(spec->source, server, sizeof(server));
		put(out, server, "<host name='");
		put(out, server_path(spec->source), "'/><dir path='");
		put(out, source->version, "'/><format type='nfs'/><protocol ver='");
		fputs("'/>", out);
		break;
	}
	fputs("</source>", out);
}

int pool_to_xml(const struct posada_pool_spec *spec, const struct pool_source *source, char **xml)
{
	static const char *const pool_types[POSADA_POOL_KINDS] = {
		[POSADA_POOL_LVM] = "logical",
		[POSADA_POOL_NFS] = "netfs",
		[POSADA_POOL_ISCSI] = "iscsi",
	};
	const char *type = pool_types[spec->kind];
	size_t size;
	FILE *out;

	*xml = NULL;
	if (spec->kind == POSADA_POOL_DIRECTORY)
		type = source->uuid ? "fs" : "dir";
	out = open_memstream(xml, &size);
	if (!out)
		return -ENOMEM;
	fprintf(out, "<pool type='%s'", type);
	/* Version 3 would ask for a program that keeps locks, and no two hosts share a volume. */
	if (spec->kind == POSADA_POOL_NFS && *source->version == '3')
		fputs(" xmlns:fs='http://libvirt.org/schemas/storagepool/fs/1.0'><fs:mount_opts><fs:option name='nolock'/></fs:mount_opts",
			out);
	fprintf(out, "><name>%s</name>", spec->name);
	put_source(out, spec, source);
	if (spec->kind == POSADA_POOL_LVM)
		put(out, spec->source, "<target><path>/dev/");
	else if (spec->kind == POSADA_POOL_DIRECTORY && !source->uuid)
		put(out, spec->source, "<target><path>");
	else if (spec->kind == POSADA_POOL_ISCSI)
		fputs("<target><path>" ISCSI_BY_PATH, out);
	else
		put(out, spec->name, "<target><path>" POSADA_POOLS "/");
	fputs("</path></target></pool>", out);
	if (fclose(out)) {
		free(*xml);
		*xml = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* --- Reading ------------------------------------------------------------ */

/* What an XPath expression says, or NULL when that is nothing; the caller's. */
static char *text_of(xmlXPathContextPtr context, const char *expression)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)expression, context);
	char *text = NULL;

	if (found && found->stringval && *found->stringval)
		text = strdup((const char *)found->stringval);
	xmlXPathFreeObject(found);
	return text;
}

int pool_from_xml(const char *xml, struct posada_pool *pool)
{
	/* What a pool is made of: the first of these that it has. */
	static const char *const sources[] = {
		"string(concat(/pool[@type='iscsi']/source/host/@name, substring(':', 1 div boolean(/pool[@type='iscsi']/source/host/@port)), /pool[@type='iscsi']/source/host/@port, substring('/', 1 div boolean(/pool[@type='iscsi'])), /pool[@type='iscsi']/source/device/@path))",
		"string(/pool/source/device/@path)",
		"string(concat(/pool/source/host/@name, substring(':', 1 div boolean(/pool/source/host)), /pool/source/dir/@path))",
		"string(/pool/source/name)",
	};
	xmlXPathContextPtr context = NULL;
	char *type = NULL;
	int ret = -EINVAL;
	xmlDocPtr doc;

	doc = xmlnode_parse(xml);
	if (!doc)
		return -EINVAL;
	context = xmlXPathNewContext(doc);
	if (!context)
		goto out;
	type = text_of(context, "string(/pool/@type)");
	pool->name = text_of(context, "string(/pool/name)");
	if (!type || !pool->name)
		goto out;
	pool->kind = POSADA_POOL_OTHER;
	for (size_t i = 0; i < ARRAY_SIZE(types); i++)
		if (!strcmp(type, types[i].type))
			pool->kind = types[i].kind;
	for (size_t i = 0; i < ARRAY_SIZE(sources) && !pool->source; i++)
		pool->source = text_of(context, sources[i]);
	pool->path = text_of(context, "string(/pool/target/path)");
	ret = 0;
out:
	free(type);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return ret;
}
