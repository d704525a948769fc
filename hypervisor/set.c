// SPDX-License-Identifier: GPL-2.0-or-later
// The settings of a guest: read from its definition, written to it, and made true at once where
// that can be.
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "folder.h"
#include "guest.h"
#include "internal.h"
#include "set.h"
#include "xml.h"
#include "xmlnode.h"

/* libvirt keeps whatever stands in <metadata>, one element for each namespace. */
#define AUTOSTART_URI "urn:posada:autostart"

static const struct {
	const char *word, *dev;
} boots[POSADA_BOOTS] = {
	[POSADA_BOOT_DISK] = {"disk", "hd"},
	[POSADA_BOOT_CD] = {"cd", "cdrom"},
	[POSADA_BOOT_NETWORK] = {"network", "network"},
};

int posada_boot_parse(const char *text, struct posada_settings *settings)
{
	size_t count = 0;

	for (;;) {
		size_t len = strcspn(text, ","), i, j;

		for (i = 0; i < POSADA_BOOTS; i++)
			if (strlen(boots[i].word) == len && !strncmp(boots[i].word, text, len))
				break;
		for (j = 0; j < count; j++)
			if (settings->boot[j] == (enum posada_boot)i)
				return -EINVAL;
		if (i == POSADA_BOOTS)
			return -EINVAL;
		settings->boot[count++] = (enum posada_boot)i;
		if (!text[len])
			break;
		text += len + 1;
	}
	settings->boot_count = count;
	return 0;
}

char *posada_boot_text(const struct posada_settings *settings, char *buf, size_t size)
{
	size_t len = 0, i;

	*buf = '\0';
	for (i = 0; i < settings->boot_count && len < size; i++)
		len += (size_t)snprintf(
			buf + len, size - len, "%s%s", i ? "," : "", boots[settings->boot[i]].word);
	return buf;
}

/* --- The definition ----------------------------------------------------- */

static xmlNodePtr child_made(xmlNodePtr node, const char *name)
{
	xmlNodePtr found = xmlnode_child(node, name);

	return found ? found : xmlNewChild(node, NULL, (const xmlChar *)name, NULL);
}

static void remove_children(xmlNodePtr node, const char *name)
{
	xmlNodePtr found;

	while ((found = xmlnode_child(node, name)))
		xmlnode_remove(found);
}

static unsigned long long number_of(xmlNodePtr node)
{
	xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
	unsigned long long number = text ? strtoull((const char *)text, NULL, 10) : 0;

	xmlFree(text);
	return number;
}

static bool has_text(xmlNodePtr node, const char *wanted)
{
	xmlChar *text = node ? xmlNodeGetContent(node) : NULL;
	bool same = text && !strcmp((const char *)text, wanted);

	xmlFree(text);
	return same;
}

/* -1 when no element is made. */
static int number_put(xmlNodePtr domain, const char *name, uint64_t number)
{
	xmlNodePtr node = child_made(domain, name);
	char text[24];

	if (!node)
		return -1;
	snprintf(text, sizeof(text), "%llu", (unsigned long long)number);
	xmlNodeSetContent(node, (const xmlChar *)text);
	return 0;
}

static unsigned attribute(xmlNodePtr node, const char *name, unsigned max)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
	unsigned long number = text ? strtoul((const char *)text, NULL, 10) : 0;

	xmlFree(text);
	return number > max ? max : (unsigned)number;
}

static bool has_attribute(xmlNodePtr node, const char *name, const char *value)
{
	xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
	bool has = text && !strcmp((const char *)text, value);

	xmlFree(text);
	return has;
}

static xmlNodePtr autostart_of(xmlNodePtr metadata)
{
	xmlNodePtr node;

	for (node = metadata ? metadata->children : NULL; node; node = node->next)
		if (node->ns && !strcmp((const char *)node->ns->href, AUTOSTART_URI))
			break;
	return node;
}

static void read_boot(xmlNodePtr os, struct posada_settings *settings)
{
	xmlNodePtr node;

	for (node = os->children; node; node = node->next) {
		xmlChar *dev;
		size_t i;

		if (node->type != XML_ELEMENT_NODE || strcmp((const char *)node->name, "boot"))
			continue;
		dev = xmlGetNoNsProp(node, (const xmlChar *)"dev");
		for (i = 0; dev && i < POSADA_BOOTS; i++)
			if (!strcmp((const char *)dev, boots[i].dev) &&
				settings->boot_count < POSADA_BOOTS)
				settings->boot[settings->boot_count++] = (enum posada_boot)i;
		xmlFree(dev);
	}
}

int settings_from_xml(const char *xml, struct posada_settings *settings)
{
	xmlDocPtr doc = xmlnode_parse(xml);
	xmlNodePtr domain = doc ? xmlDocGetRootElement(doc) : NULL, autostart;

	memset(settings, 0, sizeof(*settings));
	if (!domain || !xmlnode_child(domain, "os")) {
		xmlFreeDoc(doc);
		return -EINVAL;
	}
	settings->memory_kib = number_of(xmlnode_child(domain, "memory"));
	settings->vcpus = (unsigned)number_of(xmlnode_child(domain, "vcpu"));
	read_boot(xmlnode_child(domain, "os"), settings);
	settings->crash_restart = has_text(xmlnode_child(domain, "on_crash"), "restart");
	autostart = autostart_of(xmlnode_child(domain, "metadata"));
	if (autostart) {
		settings->order = attribute(autostart, "order", POSADA_ORDER_MAX);
		settings->delay_s = attribute(autostart, "delay", POSADA_DELAY_MAX_S);
		if (has_attribute(autostart, "crashed", "yes"))
			settings->autostart = POSADA_START_CRASHED;
	}
	xmlFreeDoc(doc);
	return 0;
}

static int put_vcpus(xmlNodePtr domain, unsigned vcpus)
{
	/* What says how many of them are plugged in fits another number. */
	remove_children(domain, "vcpus");
	if (number_put(domain, "vcpu", vcpus))
		return -1;
	xmlUnsetProp(xmlnode_child(domain, "vcpu"), (const xmlChar *)"current");
	return 0;
}

static int put_memory(xmlNodePtr domain, uint64_t kib)
{
	static const char *const names[] = {"memory", "currentMemory"};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(names); i++) {
		if (number_put(domain, names[i], kib))
			return -1;
		xmlSetProp(xmlnode_child(domain, names[i]), (const xmlChar *)"unit",
			(const xmlChar *)"KiB");
	}
	return 0;
}

static int put_boot(xmlNodePtr domain, const struct posada_settings *settings)
{
	xmlNodePtr os = xmlnode_child(domain, "os"), device = xmlnode_child(domain, "devices");
	size_t i;

	/* An order among the devices themselves and this one exclude each other. */
	for (device = device ? device->children : NULL; device; device = device->next)
		remove_children(device, "boot");
	remove_children(os, "boot");
	for (i = 0; i < settings->boot_count; i++) {
		xmlNodePtr boot = xmlNewChild(os, NULL, (const xmlChar *)"boot", NULL);

		if (!boot || !xmlNewProp(boot, (const xmlChar *)"dev",
				     (const xmlChar *)boots[settings->boot[i]].dev))
			return -1;
	}
	return 0;
}

static int put_autostart(xmlNodePtr domain, const struct posada_settings *settings)
{
	xmlNodePtr metadata = child_made(domain, "metadata"), node;
	bool crashed = settings->autostart == POSADA_START_CRASHED;
	char order[16], delay[16];
	xmlNsPtr ns;

	node = autostart_of(metadata);
	if (node)
		xmlnode_remove(node);
	if (!settings->order && !settings->delay_s && !crashed)
		return 0;
	node = xmlNewChild(metadata, NULL, (const xmlChar *)"autostart", NULL);
	ns = node ? xmlNewNs(node, (const xmlChar *)AUTOSTART_URI, (const xmlChar *)"posada")
		  : NULL;
	if (!ns)
		return -1;
	xmlSetNs(node, ns);
	snprintf(order, sizeof(order), "%u", settings->order);
	snprintf(delay, sizeof(delay), "%u", settings->delay_s);
	return xmlNewProp(node, (const xmlChar *)"order", (const xmlChar *)order) &&
			       xmlNewProp(node, (const xmlChar *)"delay", (const xmlChar *)delay) &&
			       (!crashed || xmlNewProp(node, (const xmlChar *)"crashed",
						    (const xmlChar *)"yes"))
		       ? 0
		       : -1;
}

static bool same_boot(const struct posada_settings *a, const struct posada_settings *b)
{
	return a->boot_count == b->boot_count &&
	       !memcmp(a->boot, b->boot, a->boot_count * sizeof(a->boot[0]));
}

int settings_to_xml(const char *xml, const struct posada_settings *settings, char **out)
{
	struct posada_settings old;
	xmlNodePtr domain, crash;
	xmlDocPtr doc;
	int ret = settings_from_xml(xml, &old);

	*out = NULL;
	if (ret)
		return ret;
	ret = -ENOMEM;
	doc = xmlnode_parse(xml);
	if (!doc)
		return ret;
	domain = xmlDocGetRootElement(doc);
	if (settings->memory_kib != old.memory_kib && put_memory(domain, settings->memory_kib))
		goto out;
	if (settings->vcpus != old.vcpus && put_vcpus(domain, settings->vcpus))
		goto out;
	if (!same_boot(settings, &old) && put_boot(domain, settings))
		goto out;
	if (settings->crash_restart != old.crash_restart) {
		crash = child_made(domain, "on_crash");
		if (!crash)
			goto out;
		xmlNodeSetContent(
			crash, (const xmlChar *)(settings->crash_restart ? "restart" : "destroy"));
	}
	if ((settings->order != old.order || settings->delay_s != old.delay_s ||
		    (settings->autostart == POSADA_START_CRASHED) !=
			    (old.autostart == POSADA_START_CRASHED)) &&
		put_autostart(domain, settings))
		goto out;
	*out = xmlnode_text(doc);
	if (*out)
		ret = 0;
out:
	xmlFreeDoc(doc);
	return ret;
}

/* --- A guest's ---------------------------------------------------------- */

/* The guest as it is now, and what it is from its next start on. */
struct subject {
	struct target now;
	struct posada_settings settings;
	char *xml;
};

static void subject_close(struct subject *subject)
{
	target_close(&subject->now);
	free(subject->xml);
}

static int subject_open(
	struct posada *handle, const char *name, struct subject *subject, struct posada_error *err)
{
	int autostart = 0, ret = target_open(handle, name, &subject->now, err);

	if (ret)
		return ret;
	subject->xml = virDomainGetXMLDesc(
		subject->now.domain, VIR_DOMAIN_XML_INACTIVE | VIR_DOMAIN_XML_SECURE);
	if (!subject->xml || settings_from_xml(subject->xml, &subject->settings)) {
		ret = fail_libvirt(
			err, _("The guest's definition cannot be read"), _("Try again."));
		subject_close(subject);
		return ret;
	}
	virDomainGetAutostart(subject->now.domain, &autostart);
	if (autostart)
		subject->settings.autostart = POSADA_START_ALWAYS;
	return 0;
}

int posada_guest_settings(struct posada *handle, const char *name, struct posada_settings *settings,
	struct posada_error *err)
{
	struct subject subject;
	int ret = subject_open(handle, name, &subject, err);

	if (ret)
		return ret;
	*settings = subject.settings;
	subject_close(&subject);
	return 0;
}

static int check_host(struct posada *handle, const struct subject *subject,
	const struct posada_settings *wanted, struct posada_error *err)
{
	struct capacity capacity;
	char want[32], have[32];
	int ret = host_capacity(handle, subject->now.engine, &capacity, err);

	if (ret)
		return ret;
	if (wanted->vcpus > subject->settings.vcpus && wanted->vcpus > capacity.cpus)
		return fail(err, -EINVAL,
			_("The guest would have %u processors, and this host has %u. Give it fewer."),
			wanted->vcpus, capacity.cpus);
	if (wanted->memory_kib > subject->settings.memory_kib &&
		wanted->memory_kib > capacity.total_kib)
		return fail(err, -ENOMEM,
			_("The guest would have %s of memory, and this host has %s in all. Give it less."),
			posada_size_text(wanted->memory_kib * 1024, want, sizeof(want)),
			posada_size_text(capacity.total_kib * 1024, have, sizeof(have)));
	return 0;
}

static int check_wanted(struct posada *handle, const struct subject *subject,
	const struct posada_settings *wanted, struct posada_error *err)
{
	int ret = kind_check_sizes(subject->now.guest.kind, wanted->memory_kib, wanted->vcpus, err);

	if (!ret)
		ret = check_host(handle, subject, wanted, err);
	if (ret)
		return ret;
	if (!same_boot(wanted, &subject->settings) &&
		(!kind_has_firmware(subject->now.guest.kind) || subject->now.guest.kernel))
		return fail(err, -EINVAL,
			_("The guest %s has no boot order: it starts from its kernel, or from the loader on its first disk. Leave the order out."),
			subject->now.guest.name);
	if (wanted->order > POSADA_ORDER_MAX || wanted->delay_s > POSADA_DELAY_MAX_S)
		return fail(err, -EINVAL,
			_("The order goes from 1 to %d and the delay to %d seconds. Give smaller numbers."),
			POSADA_ORDER_MAX, POSADA_DELAY_MAX_S);
	if (wanted->autostart && !subject->settings.autostart &&
		subject->now.guest.state == POSADA_TEMPLATE)
		return fail(err, -EPERM,
			_("%s is a template, which does not start with the host. Make a guest from it, and set that."),
			subject->now.guest.name);
	if (virDomainIsPersistent(subject->now.domain) != 1)
		return fail(err, -EINVAL,
			_("The guest %s has no definition that lasts: another program started it so. Define it there first."),
			subject->now.guest.name);
	return 0;
}

static int fail_now(const struct subject *subject, const char *what, struct posada_error *err)
{
	char text[256];

	snprintf(text, sizeof(text), what, subject->now.guest.name);
	return fail_libvirt(
		err, text, _("It is set for the next start; stop the guest and start it again."));
}

/* Only what the guest started with can be lent out and taken back while it runs. */
static int balloon(struct posada *handle, const struct subject *subject,
	const struct posada_settings *wanted, unsigned *later, struct posada_error *err)
{
	struct capacity capacity;
	virDomainInfo info;
	char want[32], have[32];
	uint64_t more;
	int ret;

	if (virDomainGetInfo(subject->now.domain, &info) || wanted->memory_kib > info.maxMem) {
		*later |= POSADA_SET_MEMORY;
		return 0;
	}
	ret = host_capacity(handle, subject->now.engine, &capacity, err);
	if (ret)
		return ret;
	more = wanted->memory_kib > info.memory ? wanted->memory_kib - info.memory : 0;
	if (more > capacity.free_kib)
		return fail(err, -ENOMEM,
			_("The guest is to get %s more at once, and this host has %s free. It is set for the next start; stop another guest and try again."),
			posada_size_text(more * 1024, want, sizeof(want)),
			posada_size_text(capacity.free_kib * 1024, have, sizeof(have)));
	if (virDomainSetMemoryFlags(
		    subject->now.domain, (unsigned long)wanted->memory_kib, VIR_DOMAIN_AFFECT_LIVE))
		return fail_now(
			subject, _("The memory of %s cannot be changed while it runs"), err);
	return 0;
}

/* Xen tells a paravirtual guest to take processors off the line; a whole PC cannot be told. */
static int plug_vcpus(const struct subject *subject, const struct posada_settings *wanted,
	unsigned *later, struct posada_error *err)
{
	bool can = subject->now.guest.kind == POSADA_PV || subject->now.guest.kind == POSADA_PVH;
	int most = can ? virDomainGetVcpusFlags(subject->now.domain,
				 VIR_DOMAIN_VCPU_LIVE | VIR_DOMAIN_VCPU_MAXIMUM)
		       : 0;

	if (most < 0 || wanted->vcpus > (unsigned)most) {
		*later |= POSADA_SET_VCPUS;
		return 0;
	}
	if (virDomainSetVcpusFlags(subject->now.domain, wanted->vcpus, VIR_DOMAIN_VCPU_LIVE))
		return fail_now(
			subject, _("The processors of %s cannot be changed while it runs"), err);
	return 0;
}

static int apply_now(struct posada *handle, const struct subject *subject,
	const struct posada_settings *wanted, unsigned which, unsigned *later,
	struct posada_error *err)
{
	int ret = 0;

	if (!posada_state_is_live(subject->now.guest.state))
		return 0;
	if (!same_boot(wanted, &subject->settings))
		*later |= POSADA_SET_BOOT;
	if (wanted->crash_restart != subject->settings.crash_restart)
		*later |= POSADA_SET_CRASH;
	if (which & POSADA_SET_MEMORY && wanted->memory_kib != subject->now.guest.memory_kib)
		ret = balloon(handle, subject, wanted, later, err);
	if (!ret && which & POSADA_SET_VCPUS && wanted->vcpus != subject->now.guest.vcpus)
		ret = plug_vcpus(subject, wanted, later, err);
	return ret;
}

static int define(const struct subject *subject, const struct posada_settings *wanted,
	struct posada_error *err)
{
	bool always = wanted->autostart == POSADA_START_ALWAYS;
	virDomainPtr defined;
	char *xml;

	if (settings_to_xml(subject->xml, wanted, &xml))
		return fail_memory(err);
	defined = virDomainDefineXML(subject->now.engine->conn, xml);
	free(xml);
	if (!defined)
		return fail_libvirt(err, _("The guest's definition cannot be changed"),
			_("Change what the message names, and try again."));
	virDomainFree(defined);
	if (always == (subject->settings.autostart == POSADA_START_ALWAYS))
		return 0;
	if (virDomainSetAutostart(subject->now.domain, always))
		return fail_libvirt(err, _("Whether the guest starts with the host cannot be set"),
			_("Try again, or read the log."));
	folder_sync_definitions();
	return 0;
}

/* What is meant, and of the rest what there is: it can have changed since the caller looked. */
static void take(
	struct posada_settings *settings, const struct posada_settings *wanted, unsigned which)
{
	if (which & POSADA_SET_MEMORY)
		settings->memory_kib = wanted->memory_kib;
	if (which & POSADA_SET_VCPUS)
		settings->vcpus = wanted->vcpus;
	if (which & POSADA_SET_BOOT) {
		memcpy(settings->boot, wanted->boot, sizeof(settings->boot));
		settings->boot_count = wanted->boot_count;
	}
	if (which & POSADA_SET_AUTOSTART)
		settings->autostart = wanted->autostart;
	if (which & POSADA_SET_ORDER)
		settings->order = wanted->order;
	if (which & POSADA_SET_DELAY)
		settings->delay_s = wanted->delay_s;
	if (which & POSADA_SET_CRASH)
		settings->crash_restart = wanted->crash_restart;
}

int posada_guest_set(struct posada *handle, const char *name, const struct posada_settings *wanted,
	unsigned which, unsigned *later, struct posada_error *err)
{
	struct posada_settings settings;
	struct subject subject;
	int ret = subject_open(handle, name, &subject, err);

	*later = 0;
	if (ret)
		return ret;
	settings = subject.settings;
	take(&settings, wanted, which);
	ret = guest_check_saved(subject.now.domain, err);
	if (!ret)
		ret = check_wanted(handle, &subject, &settings, err);
	if (!ret)
		ret = define(&subject, &settings, err);
	if (!ret)
		ret = apply_now(handle, &subject, &settings, which, later, err);
	subject_close(&subject);
	if (!ret)
		autostart_settle(handle);
	return ret;
}
