// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of domainxml.c: what a clone keeps of a definition, and what it must not.
#include "domainxml.h"
#include "unit.h"
#include "xml.h"

#define HEAD                                                                                       \
	"<domain type='xen'><name>old</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"     \
	"<genid>43dc0cf8-809b-4adb-9bea-a9abb5f3d90e</genid><metadata>"                            \
	"<p:template xmlns:p='urn:posada:template'/><x:keep xmlns:x='urn:x'/></metadata>"
#define OS                                                                                         \
	"<os><type machine='xenfv'>hvm</type><loader>/ovmf</loader>"                               \
	"<nvram type='file' template='/vars'><source file='/old.vars'/></nvram></os>"
#define DISKS                                                                                      \
	"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"                       \
	"<source file='/v/old.qcow2'/><backingStore type='file'><source file='/base'/>"            \
	"</backingStore><target dev='hda'/></disk>"                                                \
	"<disk type='block'><source dev='/dev/vg/old'/><target dev='hdb'/></disk>"                 \
	"<disk type='file' device='cdrom'><source file='/cd.iso'/><target dev='hdc'/></disk>"      \
	"<disk type='file'><source file='/v/read'/><target dev='hdd'/><readonly/></disk>"          \
	"<disk type='file'><source file='/v/both'/><target dev='xvde'/><shareable/></disk>"        \
	"<disk type='network'><source protocol='nbd' name='n'/><target dev='xvdf'/></disk>"
#define NIC                                                                                        \
	"<interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/>"        \
	"<target dev='vif1.0'/></interface>"

static const char whole[] = HEAD OS "<devices>" DISKS NIC "</devices></domain>";

TEST(disks_are_told_apart)
{
	static const struct {
		const char *path, *target, *format;
		bool own;
	} rows[] = {
		{"/v/old.qcow2", "hda", "qcow2", true},
		{"/dev/vg/old", "hdb", "raw", true},
		{"/cd.iso", "hdc", "raw", false},
		{"/v/read", "hdd", "raw", false},
		{"/v/both", "xvde", "raw", false},
		{NULL, "xvdf", "raw", true},
	};
	struct domainxml_disks disks;

	assert_int_equal(domainxml_disks(whole, &disks), 0);
	assert_int_equal(disks.count, COUNT(rows));
	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_string_equal(
			disks.items[i].path ? disks.items[i].path : "", rows[i].path ?: "");
		assert_string_equal(disks.items[i].target, rows[i].target);
		assert_string_equal(disks.items[i].format, rows[i].format);
		assert_int_equal(disks.items[i].own, rows[i].own);
	}
	domainxml_disks_free(&disks);
}

TEST(clones_are_guests_of_their_own)
{
	static const char *const lacks[] = {"<uuid", "<genid", "urn:posada:template", "<mac ",
		"vif1.0", "old.vars", "/v/old.qcow2", "/dev/vg/old", "backingStore", "/base"};
	static const char *const has[] = {"<name>new</name>", "urn:x", "template=\"/vars\"",
		"/ovmf", "/cd.iso", "/v/read", "/v/both", "bridge=\"br0\"",
		"type=\"block\" device=\"disk\"", "dev=\"/dev/vg/new\"",
		"<source file=\"/v/a&lt;&quot;&amp;.img\"/>"};
	struct domainxml_disks disks;
	struct posada_guest guest = {0};
	char *xml;

	assert_int_equal(domainxml_disks(whole, &disks), 0);
	disks.items[0].copy.path = strdup("/dev/vg/new");
	disks.items[0].copy.format = "qcow2";
	disks.items[0].copy.block = true;
	disks.items[1].copy.path = strdup("/v/a<\"&.img");
	disks.items[1].copy.format = "raw";
	assert_int_equal(domainxml_clone(whole, "new", &disks, &xml), 0);
	for (size_t i = 0; i < COUNT(lacks); i++)
		if (strstr(xml, lacks[i]))
			fail_msg("has %s: %s", lacks[i], xml);
	for (size_t i = 0; i < COUNT(has); i++)
		if (!strstr(xml, has[i]))
			fail_msg("lacks %s: %s", has[i], xml);
	assert_int_equal(xml_to_guest(whole, &guest), 0);
	assert_int_equal(guest.state, POSADA_TEMPLATE);
	posada_guest_free(&guest);
	assert_int_equal(xml_to_guest(xml, &guest), 0);
	assert_int_equal(guest.state, POSADA_OFF);
	assert_string_equal(guest.disks[0].path, "/dev/vg/new");
	assert_string_equal(guest.disks[1].path, "/v/a<\"&.img");
	posada_guest_free(&guest);
	free(xml);
	domainxml_disks_free(&disks);
}

TEST(what_is_no_domain_is_refused)
{
	static const char *const bad[] = {
		"", "<", "text", "<pool/>", "<domain>", "<domain/>", "<domain></domain>"};
	struct domainxml_disks none = {0}, disks;
	char changed[sizeof(whole)], *xml;

	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(domainxml_clone(bad[i], "new", &none, &xml), -EINVAL);
	/* Disks that are not those of the definition. */
	assert_int_equal(domainxml_clone(whole, "new", &none, &xml), -EINVAL);
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(changed, whole, sizeof(whole));
		for (unsigned n = unit_chance(4); n > 0; n--)
			changed[unit_chance(sizeof(changed) - 1)] = "<>/'& a\0\377"[unit_chance(9)];
		if (!domainxml_disks(changed, &disks)) {
			if (!domainxml_clone(changed, "new", &disks, &xml))
				free(xml);
		}
		domainxml_disks_free(&disks);
	}
}

TEST(variables_of_the_firmware_are_found)
{
	char *path = domainxml_nvram(whole);

	assert_string_equal(path, "/old.vars");
	free(path);
	path = domainxml_nvram("<domain><os><nvram template='/t'>/a.fd</nvram></os></domain>");
	assert_string_equal(path, "/a.fd");
	free(path);
	assert_null(domainxml_nvram("<domain><os><nvram template='/t'/></os></domain>"));
	assert_null(domainxml_nvram("<domain><os/></domain>"));
	assert_null(domainxml_nvram("<x/>"));
}

RUN("domainxml", T(disks_are_told_apart), T(clones_are_guests_of_their_own),
	T(what_is_no_domain_is_refused), T(variables_of_the_firmware_are_found))
