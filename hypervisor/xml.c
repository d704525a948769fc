// SPDX-License-Identifier: GPL-2.0-or-later
// Guest definitions as text: checks a specification, writes and reads domain XML.
#include <errno.h>
#include <libxml/xpath.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "seed.h"
#include "text.h"
#include "xml.h"
#include "xmlnode.h"

#define PV_LOADER	    "/usr/share/posada/boot/grub-x86_64-xen.bin"
#define PVH_LOADER	    "/usr/share/posada/boot/grub-i386-xen_pvh.bin"
#define SPARE_PORTS	    8
#define XEN_UEFI	    "/usr/share/ovmf/OVMF.fd"
#define QEMU_UEFI	    "/usr/share/ovmf/OVMF_CODE_4M.fd"
#define QEMU_UEFI_VARIABLES "/usr/share/ovmf/OVMF_VARS_4M.fd"
#define QEMU_PATH	    "/usr/bin/qemu-system-x86_64"

/* One row per kind: all that differs between them in words and numbers. */
static const struct kind {
	const char *name;
	const char *os;
	const char *machine;
	const char *loader; /* boots a disk where the kind has no firmware */
	const char *nic;    /* model of the network card, NULL where there is one only */
	unsigned least_mib;
	size_t cmdline_max;
	bool firmware;
	bool kernel;
} kinds[POSADA_KINDS] = {
	/* Xen hands a PV guest its command line in a fixed field of 1024 bytes. */
	[POSADA_PV] = {"pv", "linux", "xenpv", PV_LOADER, NULL, 16, 1023, false, true},
	[POSADA_PVH] = {"pvh", "xenpvh", "xenpvh", PVH_LOADER, NULL, 32, 2047, false, true},
	[POSADA_HVM] = {"hvm", "hvm", "xenfv", NULL, "e1000", 64, 0, true, false},
	[POSADA_QEMU] = {"qemu", "hvm", "q35", NULL, "virtio", 32, 2047, true, true},
};

const char *posada_kind_name(enum posada_kind kind)
{
	return kind < POSADA_KINDS ? kinds[kind].name : "?";
}

int posada_kind_parse(const char *word, enum posada_kind *kind)
{
	size_t i;

	for (i = 0; i < POSADA_KINDS; i++)
		if (!strcmp(word, kinds[i].name)) {
			*kind = (enum posada_kind)i;
			return 0;
		}
	return -EINVAL;
}

/* XML 1.0 knows no way to write a control character or broken UTF-8. */
static bool text_is_plain(const char *text)
{
	while (*text) {
		uint32_t point;
		size_t len = utf8_decode(text, &point);

		if (!len || point < 0x20 || point == 0x7f || point == 0xfffe || point == 0xffff)
			return false;
		text += len;
	}
	return true;
}

static int check_texts(const struct posada_guest_spec *spec, struct posada_error *err)
{
	const struct {
		const char *what;
		const char *text;
	} texts[] = {
		{_("kernel path"), spec->kernel},
		{_("initrd path"), spec->initrd},
		{_("kernel command line"), spec->cmdline},
		{_("ISO path"), spec->iso},
		{_("network name"), spec->network},
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(texts); i++)
		if (texts[i].text && !text_is_plain(texts[i].text))
			return fail(err, -EINVAL,
				_("The %s holds a control character or is not UTF-8. Type it again without."),
				texts[i].what);
	for (i = 0; i < spec->disk_count; i++)
		if (spec->disks[i].path && !text_is_plain(spec->disks[i].path))
			return fail(err, -EINVAL,
				_("The path of disk %zu holds a control character or is not UTF-8. Rename the file."),
				i + 1);
	return 0;
}

static bool has_disk_image(const struct posada_guest_spec *spec)
{
	size_t i;

	for (i = 0; i < spec->disk_count; i++)
		if (spec->disks[i].path)
			return true;
	return false;
}

static int check_boot(
	const struct posada_guest_spec *spec, const struct kind *kind, struct posada_error *err)
{
	size_t cmdline = spec->cmdline ? strlen(spec->cmdline) : 0;

	if (spec->kernel && !kind->kernel)
		return fail(err, -EINVAL,
			_("A guest of kind %s starts from an ISO image or a disk, not from a kernel. Leave the kernel out, or choose the kind pv or pvh."),
			kind->name);
	if (spec->iso && !kind->firmware)
		return fail(err, -EINVAL,
			_("A guest of kind %s has no CD drive to start an ISO image from. Choose the kind hvm or qemu, or give a kernel."),
			kind->name);
	if (spec->uefi && (!kind->firmware || spec->kernel))
		return fail(err, -EINVAL,
			_("UEFI was asked for, and a guest of kind %s that starts from a kernel or by a loader of ours has no firmware. Choose the kind hvm or qemu with an ISO image or a disk, or leave UEFI out."),
			kind->name);
	if (!spec->kernel && (spec->initrd || cmdline))
		return fail(err, -EINVAL,
			_("An initrd or a kernel command line was given without a kernel. Give the kernel too, or leave them out."));
	if (cmdline > kind->cmdline_max)
		return fail(err, -EINVAL,
			_("The kernel command line has %zu bytes, and a guest of kind %s takes %zu. Shorten it."),
			cmdline, kind->name, kind->cmdline_max);
	if (spec->pxe && (!kind->firmware || spec->kernel))
		return fail(err, -EINVAL,
			_("A guest of kind %s that starts from a kernel or by a loader of ours does not start from the network. Choose the kind hvm or qemu, without a kernel."),
			kind->name);
	if (spec->pxe && (!spec->network || !strcmp(spec->network, "none")))
		return fail(err, -EINVAL,
			_("The guest has no network card to start from. Let it join a network."));
	if (!spec->kernel && !spec->iso && !spec->pxe && !has_disk_image(spec))
		return fail(err, -EINVAL,
			kind->firmware
				? _("The guest has nothing to start from. Give an ISO image or a disk that holds a system, or let it start from the network.")
				: _("The guest has nothing to start from. Give a kernel, or a disk that holds a system."));
	return 0;
}

bool kind_has_firmware(enum posada_kind kind)
{
	return kinds[kind].firmware;
}

const char *kind_uefi(enum posada_kind kind)
{
	return kind == POSADA_QEMU ? QEMU_UEFI : XEN_UEFI;
}

int kind_check_sizes(
	enum posada_kind kind, uint64_t memory_kib, unsigned vcpus, struct posada_error *err)
{
	char size[32];

	if (memory_kib < kinds[kind].least_mib * UINT64_C(1024))
		return fail(err, -EINVAL,
			_("%s of memory is too little: a guest of kind %s needs %u MiB at least. Give it more."),
			posada_size_text(memory_kib * 1024, size, sizeof(size)), kinds[kind].name,
			kinds[kind].least_mib);
	if (!vcpus || vcpus > POSADA_VCPUS_MAX)
		return fail(err, -EINVAL,
			_("%u processors cannot be given to a guest. Give it 1 to %d."), vcpus,
			POSADA_VCPUS_MAX);
	return 0;
}

int spec_check(const struct posada_guest_spec *spec, struct posada_error *err)
{
	char name[POSADA_NAME_MAX + 8];
	const struct kind *kind;
	size_t i;
	int ret;

	if (!posada_name_is_legal(spec->name))
		return fail(err, -EINVAL,
			_("\"%s\" cannot be a guest's name. Use 1 to %d letters, digits, dots, dashes and underscores, and begin with a letter or a digit."),
			posada_text_clean(spec->name ? spec->name : "", name, sizeof(name)),
			POSADA_NAME_MAX);
	if ((unsigned)spec->kind >= POSADA_KINDS)
		return fail(
			err, -EINVAL, _("The kind of guest is unknown. Use pv, pvh, hvm or qemu."));
	if (spec->disk_count > POSADA_DISKS_MAX)
		return fail(err, -EINVAL,
			_("%zu disks are too many for a guest. Give it %d at most."),
			spec->disk_count, POSADA_DISKS_MAX);
	kind = &kinds[spec->kind];
	ret = check_texts(spec, err);
	if (!ret)
		ret = check_boot(spec, kind, err);
	if (!ret)
		ret = kind_check_sizes(spec->kind, spec->memory_kib, spec->vcpus, err);
	if (ret)
		return ret;
	for (i = 0; i < spec->disk_count; i++)
		if (spec->disks[i].copy ? !spec->disks[i].path
					: !spec->disks[i].path == !spec->disks[i].bytes)
			return fail(err, -EINVAL,
				_("Disk %zu needs either a file or a size. Give one of the two."),
				i + 1);
	return 0;
}

void xml_escape(FILE *out, const char *text)
{
	for (; *text; text++) {
		switch (*text) {
		case '&':
			fputs("&amp;", out);
			break;
		case '<':
			fputs("&lt;", out);
			break;
		case '>':
			fputs("&gt;", out);
			break;
		case '"':
			fputs("&quot;", out);
			break;
		case '\'':
			fputs("&apos;", out);
			break;
		case '\t':
		case '\n':
		case '\r':
			/* A parser would turn them into spaces inside an attribute. */
			fprintf(out, "&#%d;", *text);
			break;
		default:
			putc(*text, out);
		}
	}
}

/* "%s" in the format takes a string and escapes it; nothing else is understood. */
static void put(FILE *out, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	for (; *format; format++) {
		if (format[0] == '%' && format[1] == 's') {
			xml_escape(out, va_arg(args, const char *));
			format++;
		} else {
			putc(*format, out);
		}
	}
	va_end(args);
}

static void put_boot(FILE *out, const struct posada_guest_spec *spec, const struct xml_host *host)
{
	const struct kind *kind = &kinds[spec->kind];
	const char *kernel = spec->kernel ? spec->kernel : kind->loader;

	put(out, "  <os>\n    <type arch='x86_64' machine='%s'>%s</type>\n", kind->machine,
		kind->os);
	if (kernel)
		put(out, "    <kernel>%s</kernel>\n", kernel);
	if (spec->initrd)
		put(out, "    <initrd>%s</initrd>\n", spec->initrd);
	if (spec->cmdline && *spec->cmdline)
		put(out, "    <cmdline>%s</cmdline>\n", spec->cmdline);
	/* Under Xen what it remembers lives in its memory alone. */
	if (spec->uefi && spec->kind == POSADA_HVM)
		put(out, "    <loader readonly='yes' type='pflash'>%s</loader>\n", XEN_UEFI);
	else if (spec->uefi)
		put(out,
			"    <loader readonly='yes' type='pflash'>%s</loader>\n    <nvram template='%s'/>\n",
			QEMU_UEFI, QEMU_UEFI_VARIABLES);
	if (spec->pxe)
		put(out, "    <boot dev='network'/>\n");
	if (!kernel) {
		put(out, "    <boot dev='%s'/>\n", host->disk_first ? "hd" : "cdrom");
		put(out, "    <boot dev='%s'/>\n", host->disk_first ? "cdrom" : "hd");
	}
	put(out, "  </os>\n");
}

static void put_cpu(FILE *out, const struct posada_guest_spec *spec, const struct xml_host *host)
{
	/* What Windows asks a hypervisor for; others look for Xen, and find that as well. */
	if (spec->kind == POSADA_HVM)
		put(out,
			"  <features><acpi/><apic/><hyperv mode='custom'><relaxed state='on'/><vapic state='on'/><vpindex state='on'/><synic state='on'/><stimer state='on'/><frequencies state='on'/></hyperv></features>\n");
	else if (spec->kind != POSADA_PV)
		put(out, "  <features><acpi/><apic/></features>\n");
	/* Plain QEMU's own default is a processor that today's systems refuse. */
	if (!strcmp(host->type, "kvm"))
		put(out, "  <cpu mode='host-passthrough'/>\n");
	else if (!strcmp(host->type, "qemu"))
		put(out, "  <cpu mode='maximum'/>\n");
}

const char *cd_target(enum posada_kind kind)
{
	return kind == POSADA_HVM ? "hdc" : "sda";
}

const char *target_bus(const char *target)
{
	static const struct {
		const char *prefix, *bus;
	} buses[] = {{"xvd", "xen"}, {"hd", "ide"}, {"vd", "virtio"}, {"sd", "sata"}};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(buses); i++)
		if (!strncmp(target, buses[i].prefix, strlen(buses[i].prefix)))
			return buses[i].bus;
	return "xen";
}

void xml_put_disk(FILE *out, enum posada_kind kind, const char *target, const struct xml_disk *disk)
{
	put(out, "    <disk type='%s' device='%s'>\n", disk->block ? "block" : "file",
		disk->cdrom ? "cdrom" : "disk");
	/* QEMU is named where it must do the work; raw files under Xen go through the kernel. By
	 * itself it ignores what a guest gives back. */
	if (kind == POSADA_QEMU || disk->cdrom || strcmp(disk->format, "raw") != 0)
		put(out,
			kind == POSADA_QEMU && !disk->cdrom
				? "      <driver name='qemu' type='%s' discard='unmap'/>\n"
				: "      <driver name='qemu' type='%s'/>\n",
			disk->format);
	if (disk->path)
		put(out, "      <source %s='%s'/>\n", disk->block ? "dev" : "file", disk->path);
	put(out, "      <target dev='%s' bus='%s'/>\n", target, target_bus(target));
	put(out, disk->readonly ? "      <readonly/>\n    </disk>\n" : "    </disk>\n");
}

char *disk_target(enum posada_kind kind, bool live, size_t nth, char *buf, size_t size)
{
	/* The third IDE drive of an HVM guest is the CD, and a fifth does not exist. */
	static const struct {
		const char *prefix, *letters;
	} naming[POSADA_KINDS] = {
		[POSADA_PV] = {"xvd", "abcdefghijklmnop"},
		[POSADA_PVH] = {"xvd", "abcdefghijklmnop"},
		[POSADA_HVM] = {"hd", "abdefghijklmnop"},
		[POSADA_QEMU] = {"vd", "abcdefghijklmnop"},
	};
	bool own;

	/* IDE drives cannot be plugged in: what runs takes Xen's own, by its drivers. */
	if (live && kind == POSADA_HVM)
		nth += 3;
	own = kind == POSADA_HVM && nth > 2;
	if (nth >= strlen(naming[kind].letters))
		return NULL;
	snprintf(buf, size, "%s%c", own ? "xvd" : naming[kind].prefix, naming[kind].letters[nth]);
	return buf;
}

void xml_put_nic(FILE *out, const char *network, bool bridge, const char *model)
{
	put(out,
		bridge ? "    <interface type='bridge'>\n      <source bridge='%s'/>\n"
		       : "    <interface type='network'>\n      <source network='%s'/>\n",
		network);
	if (model)
		put(out, "      <model type='%s'/>\n", model);
	put(out, "    </interface>\n");
}

const char *nic_model(enum posada_kind kind)
{
	return kinds[kind].nic;
}

static void put_devices(
	FILE *out, const struct posada_guest_spec *spec, const struct xml_host *host)
{
	const struct kind *kind = &kinds[spec->kind];
	const struct xml_disk cd = {.path = spec->iso,
		.format = "raw",
		.block = host->iso_block,
		.cdrom = true,
		.readonly = true};
	char target[8];
	size_t i;

	put(out, "  <devices>\n");
	if (kind->firmware && strcmp(host->type, "test") != 0)
		put(out, "    <emulator>%s</emulator>\n", QEMU_PATH);
	/* Each port takes one disk or card while the guest runs. */
	if (spec->kind == POSADA_QEMU)
		put(out, "    <controller type='pci' index='0' model='pcie-root'/>\n");
	for (i = 0; spec->kind == POSADA_QEMU && i < SPARE_PORTS; i++)
		put(out, "    <controller type='pci' model='pcie-root-port'/>\n");
	for (i = 0; i < spec->disk_count; i++)
		xml_put_disk(out, spec->kind,
			disk_target(spec->kind, false, i, target, sizeof(target)), &host->disks[i]);
	if (spec->iso)
		xml_put_disk(out, spec->kind, cd_target(spec->kind), &cd);
	if (spec->network && strcmp(spec->network, "none") != 0)
		xml_put_nic(out, spec->network, host->bridge, kind->nic);
	if (kind->firmware) {
		put(out, "    <serial type='pty'><target port='0'/></serial>\n");
		put(out, "    <console type='pty'><target type='serial' port='0'/></console>\n");
		put(out,
			"    <graphics type='vnc' port='-1' autoport='yes' listen='127.0.0.1'/>\n");
		put(out, "    <video><model type='vga'/></video>\n");
		/* A mouse that only tells how far it went is not where the viewer's is. */
		put(out, "    <input type='tablet' bus='usb'/>\n");
	} else {
		put(out, "    <console type='pty'><target type='xen' port='0'/></console>\n");
	}
	put(out, "  </devices>\n");
}

int xml_from_spec(const struct posada_guest_spec *spec, const struct xml_host *host, char **xml)
{
	size_t size;
	FILE *out;

	*xml = NULL;
	out = open_memstream(xml, &size);
	if (!out)
		return -ENOMEM;
	put(out, "<domain type='%s'>\n  <name>%s</name>\n", host->type, spec->name);
	fprintf(out, "  <memory unit='KiB'>%llu</memory>\n  <vcpu>%u</vcpu>\n",
		(unsigned long long)spec->memory_kib, spec->vcpus);
	put_boot(out, spec, host);
	put_cpu(out, spec, host);
	put(out, "  <clock offset='utc'/>\n");
	put(out, "  <on_poweroff>destroy</on_poweroff>\n");
	put(out, "  <on_reboot>restart</on_reboot>\n");
	put(out, "  <on_crash>destroy</on_crash>\n");
	put_devices(out, spec, host);
	put(out, "</domain>\n");
	if (fclose(out)) {
		free(*xml);
		*xml = NULL;
		return -ENOMEM;
	}
	return 0;
}

/* --- Reading ------------------------------------------------------------ */

/* A string at an XPath below node, or NULL; the caller's. */
static char *text_at(xmlXPathContextPtr context, xmlNodePtr node, const char *path)
{
	xmlXPathObjectPtr found;
	char *copy = NULL;

	context->node = node;
	found = xmlXPathEvalExpression((const xmlChar *)path, context);
	if (found && found->nodesetval && found->nodesetval->nodeNr) {
		xmlChar *text = xmlNodeGetContent(found->nodesetval->nodeTab[0]);

		if (text)
			copy = strdup((const char *)text);
		xmlFree(text);
	}
	xmlXPathFreeObject(found);
	return copy;
}

static xmlXPathObjectPtr nodes_at(xmlXPathContextPtr context, const char *path, size_t *count)
{
	xmlXPathObjectPtr found = xmlXPathEvalExpression((const xmlChar *)path, context);

	*count = found && found->nodesetval ? (size_t)found->nodesetval->nodeNr : 0;
	return found;
}

static enum posada_kind kind_of(const char *type, const char *os, const char *machine)
{
	if (!strcmp(os, "xenpvh"))
		return POSADA_PVH;
	if (!strcmp(os, "linux") || !strcmp(os, "xen"))
		return POSADA_PV;
	if (!strcmp(type, "xen") || !strncmp(machine, "xen", 3))
		return POSADA_HVM;
	return POSADA_QEMU;
}

/* Other programs name a pool and a volume in place of a path. */
static char *volume_at(xmlXPathContextPtr context, xmlNodePtr node)
{
	char *pool = text_at(context, node, "source/@pool");
	char *name = text_at(context, node, "source/@volume"), *both = NULL;

	if (pool && name && asprintf(&both, "%s/%s", pool, name) < 0)
		both = NULL;
	free(pool);
	free(name);
	return both;
}

static int read_disks(xmlXPathContextPtr context, struct posada_guest *guest)
{
	size_t count, i;
	xmlXPathObjectPtr found = nodes_at(context, "/domain/devices/disk", &count);
	int ret = 0;

	guest->disks = calloc(count + 1, sizeof(*guest->disks));
	if (!guest->disks) {
		ret = -ENOMEM;
		goto out;
	}
	guest->disk_count = count;
	for (i = 0; i < count; i++) {
		xmlNodePtr node = found->nodesetval->nodeTab[i];
		struct posada_disk *disk = &guest->disks[i];
		char *device = text_at(context, node, "@device");
		char *shared = text_at(context, node, "readonly | shareable");

		disk->path = text_at(context, node, "source/@file | source/@dev | source/@name");
		disk->target = text_at(context, node, "target/@dev");
		disk->format = text_at(context, node, "driver/@type");
		disk->cdrom = device && !strcmp(device, "cdrom");
		disk->seed = disk->path && seed_is_path(disk->path);
		disk->volume = disk->path ? NULL : volume_at(context, node);
		disk->shared = disk->cdrom || shared;
		free(device);
		free(shared);
		if (!disk->format)
			disk->format = strdup("raw");
		if (!disk->format)
			ret = -ENOMEM;
	}
out:
	xmlXPathFreeObject(found);
	return ret;
}

static int read_nics(xmlXPathContextPtr context, struct posada_guest *guest)
{
	size_t count, i;
	xmlXPathObjectPtr found = nodes_at(context, "/domain/devices/interface", &count);
	int ret = 0;

	guest->nics = calloc(count + 1, sizeof(*guest->nics));
	if (!guest->nics) {
		ret = -ENOMEM;
		goto out;
	}
	guest->nic_count = count;
	for (i = 0; i < count; i++) {
		xmlNodePtr node = found->nodesetval->nodeTab[i];
		char *type = text_at(context, node, "@type");

		guest->nics[i].bridge = type && !strcmp(type, "bridge");
		guest->nics[i].mac = text_at(context, node, "mac/@address");
		guest->nics[i].source = text_at(context, node,
			guest->nics[i].bridge ? "source/@bridge" : "source/@network");
		free(type);
	}
out:
	xmlXPathFreeObject(found);
	return ret;
}

static unsigned number_at(xmlXPathContextPtr context, xmlNodePtr node, const char *path)
{
	char *text = text_at(context, node, path);
	unsigned number = text ? (unsigned)strtoul(text, NULL, 0) : 0;

	free(text);
	return number;
}

static int read_hostdevs(xmlXPathContextPtr context, struct posada_guest *guest)
{
	size_t count, i;
	xmlXPathObjectPtr found =
		nodes_at(context, "/domain/devices/hostdev[@type='pci' or @type='usb']", &count);
	int ret = 0;

	guest->hostdevs = calloc(count + 1, sizeof(*guest->hostdevs));
	if (!guest->hostdevs)
		ret = -ENOMEM;
	for (i = 0; i < count && !ret; i++) {
		xmlNodePtr node = found->nodesetval->nodeTab[i];
		unsigned vendor = number_at(context, node, "source/vendor/@id");
		char text[64];

		if (vendor)
			snprintf(text, sizeof(text), "%04x:%04x", vendor,
				number_at(context, node, "source/product/@id"));
		else
			snprintf(text, sizeof(text), "%04x:%02x:%02x.%u",
				number_at(context, node, "source/address/@domain"),
				number_at(context, node, "source/address/@bus"),
				number_at(context, node, "source/address/@slot"),
				number_at(context, node, "source/address/@function"));
		guest->hostdevs[i] = strdup(text);
		if (guest->hostdevs[i])
			guest->hostdev_count++;
		else
			ret = -ENOMEM;
	}
	xmlXPathFreeObject(found);
	return ret;
}

int xml_to_guest(const char *xml, struct posada_guest *guest)
{
	xmlXPathContextPtr context = NULL;
	char *type = NULL, *os = NULL, *machine = NULL, *port = NULL, *uuid = NULL, *memory = NULL,
	     *mark = NULL, *loader = NULL;
	xmlNodePtr root;
	xmlDocPtr doc;
	int ret = -EINVAL;

	doc = xmlnode_parse(xml);
	if (!doc)
		return -EINVAL;
	root = xmlDocGetRootElement(doc);
	context = xmlXPathNewContext(doc);
	if (!context || !root)
		goto out;
	guest->name = text_at(context, root, "/domain/name");
	type = text_at(context, root, "/domain/@type");
	os = text_at(context, root, "/domain/os/type");
	machine = text_at(context, root, "/domain/os/type/@machine");
	uuid = text_at(context, root, "/domain/uuid");
	/* What it has now: a part of what it started with can be lent out. libvirt writes KiB. */
	memory = text_at(
		context, root, "/domain/currentMemory | /domain[not(currentMemory)]/memory");
	mark = text_at(context, root,
		"/domain/metadata/*[local-name()='template'][namespace-uri()='" TEMPLATE_URI "']");
	if (!guest->name || !type || !os)
		goto out;
	if (memory)
		guest->memory_kib = strtoull(memory, NULL, 10);
	guest->kind = kind_of(type, os, machine ? machine : "");
	guest->state = mark ? POSADA_TEMPLATE : POSADA_OFF;
	guest->kernel = text_at(context, root, "/domain/os/kernel");
	guest->initrd = text_at(context, root, "/domain/os/initrd");
	guest->cmdline = text_at(context, root, "/domain/os/cmdline");
	loader = text_at(context, root,
		"/domain/os/loader[@type='pflash']/@type | /domain/os[@firmware='efi']/@firmware");
	if (kinds[guest->kind].firmware)
		guest->firmware = loader ? "uefi" : "bios";
	if (uuid)
		snprintf(guest->uuid, sizeof(guest->uuid), "%s", uuid);
	port = text_at(context, root, "/domain/devices/graphics[@type='vnc']/@port");
	if (port && atoi(port) > 0)
		guest->vnc_port = atoi(port);
	ret = read_disks(context, guest);
	if (!ret)
		ret = read_nics(context, guest);
	if (!ret)
		ret = read_hostdevs(context, guest);
out:
	free(type);
	free(os);
	free(machine);
	free(port);
	free(uuid);
	free(memory);
	free(mark);
	free(loader);
	xmlXPathFreeContext(context);
	xmlFreeDoc(doc);
	return ret;
}
