// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of xml.c: rules for a specification, domain XML of each kind, and reading it back.
#include "internal.h"
#include "unit.h"
#include "xml.h"

#define SPEC(k, mib, cpus, ...)                                                                    \
	{.kind = POSADA_##k, .memory_kib = (mib) * 1024, .vcpus = cpus, __VA_ARGS__}
#define DISK(...) .disk_count = 1, .disks = {{__VA_ARGS__}}

TEST(kinds_have_names)
{
	enum posada_kind kind, again;

	for (kind = 0; kind < POSADA_KINDS; kind++) {
		assert_int_equal(posada_kind_parse(posada_kind_name(kind), &again), 0);
		assert_int_equal(again, kind);
	}
	assert_int_equal(posada_kind_parse("PV", &again), -EINVAL);
	assert_string_equal(posada_kind_name(POSADA_KINDS), "?");
}

TEST(specifications_are_checked)
{
	static char fits[1024], long_text[1025];
	static const struct {
		struct posada_guest_spec spec;
		const char *says; /* NULL: nothing against it */
	} rows[] = {
		{SPEC(PV, 16, 1, .kernel = "/k", .cmdline = fits), NULL},
		{SPEC(HVM, 64, 128, .iso = "/i"), NULL},
		{SPEC(PVH, 32, 1, DISK("/\303\261", 0)), NULL},
		{SPEC(PV, 16, 1, .kernel = "/k", .name = "a\033[2J/b"), "cannot be a guest's name"},
		{SPEC(KINDS, 16, 1, .kernel = "/k"), "kind of guest is unknown"},
		{SPEC(HVM, 64, 1, .kernel = "/k"), "not from a kernel"},
		{SPEC(PV, 16, 1, .iso = "/i"), "no CD drive"},
		{SPEC(PV, 64, 1, .kernel = "/k", .uefi = true), "leave UEFI out"},
		{SPEC(QEMU, 64, 1, .kernel = "/k", .uefi = true), "leave UEFI out"},
		{SPEC(HVM, 64, 1, .iso = "/i", .initrd = "/r"), "without a kernel"},
		{SPEC(PV, 16, 1, .kernel = "/k", .cmdline = long_text), "has 1024 bytes"},
		{SPEC(PV, 16, 1, .kernel = NULL), "Give a kernel, or"},
		{SPEC(QEMU, 32, 1, DISK(NULL, 1)), "Give an ISO"},
		{SPEC(QEMU, 32, 1, DISK(NULL, 1), .network = "lan", .pxe = true), NULL},
		{SPEC(HVM, 64, 1, .network = "lan", .pxe = true, .uefi = true), NULL},
		{SPEC(HVM, 64, 1, .network = "none", .pxe = true), "no network card"},
		{SPEC(HVM, 64, 1, .iso = "/i", .pxe = true), "no network card"},
		{SPEC(PV, 16, 1, .network = "lan", .pxe = true), "Choose the kind hvm"},
		{SPEC(PVH, 32, 1, DISK("/d", 0), .network = "lan", .pxe = true),
			"Choose the kind hvm"},
		{SPEC(QEMU, 32, 1, .kernel = "/k", .network = "lan", .pxe = true),
			"without a kernel"},
		{SPEC(PV, 15, 1, .kernel = "/k"), "too little"},
		{SPEC(PV, 16, 0, .kernel = "/k"), "0 processors"},
		{SPEC(PV, 16, 129, .kernel = "/k"), "129 processors"},
		{SPEC(PV, 16, 1, .kernel = "/k", .disk_count = 9), "9 disks are too many"},
		{SPEC(PV, 16, 1, .kernel = "/k", .disk_count = 1), "Disk 1 needs either"},
		{SPEC(PV, 16, 1, DISK("/d", 1)), "Disk 1 needs either"},
		{SPEC(PV, 16, 1, DISK("/\177", 0)), "path of disk 1 holds"},
		{SPEC(PV, 16, 1, .kernel = "/\377"), "kernel path holds"},
		{SPEC(PV, 16, 1, .kernel = "/k", .cmdline = "a\nb"), "command line holds"},
		{SPEC(PV, 16, 1, .kernel = "/k", .network = "\033"), "network name holds"},
	};
	struct posada_error err;

	memset(fits, 'x', sizeof(fits) - 1);
	memset(long_text, 'x', sizeof(long_text) - 1);
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_guest_spec spec = rows[i].spec;

		spec.name = spec.name ? spec.name : "a";
		assert_int_equal(spec_check(&spec, &err), rows[i].says ? -EINVAL : 0);
		assert_int_equal(spec_check(&spec, NULL), rows[i].says ? -EINVAL : 0);
		if (rows[i].says && (!strstr(err.text, rows[i].says) || strchr(err.text, '\033')))
			fail_msg("row %zu says: %s", i, err.text);
	}
}

TEST(each_kind_gets_its_xml)
{
	static const struct {
		enum posada_kind kind;
		const char *type, *kernel, *iso;
		bool bridge, disk_first;
		const char *has[9], *lacks[4];
	} rows[] = {
		{POSADA_PV, "xen", "/k", NULL, false, false,
			{"<domain type='xen'>", "machine='xenpv'>linux<", "<kernel>/k</kernel>",
				"<initrd>/r</initrd>", "<cmdline>quiet</cmdline>",
				"<target dev='xvda' bus='xen'/>", "<source network='lan'/>",
				"<target type='xen' port='0'/>"},
			{"<emulator>", "<boot ", "<graphics", "<features>"}},
		{POSADA_PV, "xen", NULL, NULL, true, false,
			{"<kernel>/usr/share/posada/boot/grub-x86_64-xen.bin</kernel>",
				"<source bridge='lan'/>"},
			{"<initrd>", "<cmdline>", "<boot "}},
		{POSADA_PVH, "xen", NULL, NULL, false, false,
			{"machine='xenpvh'>xenpvh<", "grub-i386-xen_pvh.bin</kernel>"},
			{"<emulator>", "<graphics"}},
		{POSADA_HVM, "xen", NULL, "/cd", false, false,
			{"machine='xenfv'>hvm<", "<emulator>", "cdrom'/>\n    <boot dev='hd'/>",
				"<target dev='hdc' bus='ide'/>", "<target dev='hdd' bus='ide'/>",
				"<target dev='xvde' bus='xen'/>", "<model type='e1000'/>",
				"listen='127.0.0.1'"},
			{"<kernel>", "<cpu ", "discard"}},
		{POSADA_QEMU, "kvm", NULL, "/dev/sr0", false, true,
			{"machine='q35'>hvm<", "<boot dev='hd'/>\n    <boot dev='cdrom'/>",
				"<cpu mode='host-passthrough'/>",
				"<target dev='vdd' bus='virtio'/>",
				"<driver name='qemu' type='raw' discard='unmap'/>\n      <source dev='/dev/sdz'/>",
				"<driver name='qemu' type='raw'/>\n      <source dev='/dev/sr0'/>",
				"<target dev='sda' bus='sata'/>", "<model type='virtio'/>"},
			{"xen"}},
		{POSADA_QEMU, "qemu", "/k", NULL, false, false,
			{"<cpu mode='maximum'/>", "<kernel>/k</kernel>"}, {"<boot "}},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const struct posada_guest_spec spec = {.name = "g",
			.kind = rows[i].kind,
			.memory_kib = 65536,
			.vcpus = 3,
			.kernel = rows[i].kernel,
			.initrd = rows[i].kernel ? "/r" : NULL,
			.cmdline = rows[i].kernel ? "quiet" : NULL,
			.iso = rows[i].iso,
			.disk_count = 4,
			.network = "lan"};
		const struct xml_host host = {rows[i].type, rows[i].bridge, rows[i].disk_first,
			{{.path = "/0", .format = "raw"}, {.path = "/1", .format = "qcow2"},
				{.path = "/dev/sdz", .format = "raw", .block = true},
				{.path = "/3", .format = "raw"}},
			rows[i].iso && !strncmp(rows[i].iso, "/dev/", 5)};
		struct posada_guest guest = {0};
		char *xml;

		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		for (const char *const *has = rows[i].has; *has; has++)
			if (!strstr(xml, *has))
				fail_msg("row %zu lacks %s:\n%s", i, *has, xml);
		for (size_t n = 0; n < COUNT(rows[i].lacks) && rows[i].lacks[n]; n++)
			if (strstr(xml, rows[i].lacks[n]))
				fail_msg("row %zu has %s:\n%s", i, rows[i].lacks[n], xml);
		assert_int_equal(xml_to_guest(xml, &guest), 0);
		assert_string_equal(guest.name, "g");
		assert_int_equal(guest.kind, rows[i].kind);
		assert_int_equal(guest.disk_count, 4 + !!rows[i].iso);
		assert_string_equal(guest.disks[1].format, "qcow2");
		assert_string_equal(guest.disks[2].path, "/dev/sdz");
		for (size_t n = 0; n < guest.disk_count; n++)
			assert_int_equal(guest.disks[n].cdrom, n == 4);
		assert_string_equal(guest.nics[0].source, "lan");
		assert_int_equal(guest.nics[0].bridge, rows[i].bridge);
		posada_guest_free(&guest);
		free(xml);
	}
}

TEST(uefi_is_another_firmware)
{
	static const struct {
		enum posada_kind kind;
		const char *has;
	} rows[] = {
		{POSADA_HVM,
			"<loader readonly='yes' type='pflash'>/usr/share/ovmf/OVMF.fd</loader>"},
		{POSADA_QEMU, "<nvram template='/usr/share/ovmf/OVMF_VARS_4M.fd'/>"},
	};
	const struct xml_host host = {.type = "xen"};
	struct posada_guest guest = {0};
	char *xml;

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_guest_spec spec = {.name = "g",
			.kind = rows[i].kind,
			.memory_kib = 65536,
			.vcpus = 1,
			.iso = "/i"};

		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		assert_null(strstr(xml, "pflash"));
		assert_int_equal(
			!strstr(xml, "<hyperv mode='custom'>"), rows[i].kind != POSADA_HVM);
		free(xml);
		spec.uefi = true;
		assert_int_equal(spec_check(&spec, NULL), 0);
		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		assert_non_null(strstr(xml, rows[i].has));
		assert_int_equal(xml_to_guest(xml, &guest), 0);
		assert_string_equal(guest.firmware, "uefi");
		posada_guest_free(&guest);
		free(xml);
	}
}

TEST(the_network_comes_first)
{
	static const enum posada_kind kinds[] = {POSADA_HVM, POSADA_QEMU};
	const struct xml_host host = {.type = "xen", .disk_first = true};
	struct posada_guest_spec spec = {
		.name = "g", .memory_kib = 65536, .vcpus = 1, .network = "lan", .pxe = true};
	char *xml;

	for (size_t i = 0; i < COUNT(kinds); i++) {
		spec.kind = kinds[i];
		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		assert_non_null(strstr(xml,
			"<boot dev='network'/>\n    <boot dev='hd'/>\n    <boot dev='cdrom'/>"));
		free(xml);
	}
}

TEST(hostile_texts_come_back_whole)
{
	unsigned whole = 0;

	for (unsigned i = 0; i < 5000; i++) {
		char a[9], b[9], c[9];
		const struct posada_guest_spec spec = SPEC(PV, 64, 1, .name = "g", .kernel = a,
			.cmdline = b, .network = c, DISK(c, 0));
		const struct xml_host host = {.type = "xen", .disks = {{c, "raw", false}}};
		struct posada_guest guest = {0};
		char *xml;

		unit_chance_text(a, sizeof(a)), unit_chance_text(b, sizeof(b));
		if (!*unit_chance_text(c, sizeof(c)) || spec_check(&spec, NULL))
			continue;
		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		assert_int_equal(xml_to_guest(xml, &guest), 0);
		assert_string_equal(guest.kernel, a);
		assert_string_equal(guest.cmdline ? guest.cmdline : "", b);
		assert_string_equal(guest.disks[0].path, c);
		assert_string_equal(guest.nics[0].source, c);
		posada_guest_free(&guest);
		free(xml);
		whole++;
	}
	assert_true(whole > 50);
}

TEST(foreign_definitions_are_read)
{
	static const char foreign[] =
		"<domain type='xen' id='4'><name>a &amp; b</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
		"<os><type machine='xenfv'>hvm</type></os><devices>"
		"<disk type='block' device='disk'><source dev='/dev/vg/a'/><target dev='hda'/></disk>"
		"<disk type='file' device='cdrom'><target dev='hdc'/></disk>"
		"<interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/></interface>"
		"<interface type='user'/><graphics type='spice' port='1'/>"
		"<graphics type='vnc' port='5901'/></devices></domain>";
	static const char *const bad[] = {"", "<", "text", "<domain/>", "<domain type='xen'>",
		"<domain><name>a</name><os><type>hvm</type></os></domain>",
		"<domain type='xen'><os><type>hvm</type></os></domain>",
		"<domain type='xen'><name>a</name></domain>",
		"<x type='xen'><name>a</name><os><type>hvm</type></os></x>"};
	static const char entity[] =
		"<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]><domain type='xen'><name>&x;</name><os><type>linux</type></os></domain>";
	struct posada_guest guest = {0};
	char xml[sizeof(foreign)];

	assert_int_equal(xml_to_guest(foreign, &guest), 0);
	assert_string_equal(guest.name, "a & b");
	assert_string_equal(guest.uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
	assert_true(guest.kind == POSADA_HVM && guest.vnc_port == 5901 && !guest.kernel);
	assert_string_equal(guest.firmware, "bios");
	assert_string_equal(guest.disks[0].path, "/dev/vg/a");
	assert_string_equal(guest.disks[0].format, "raw");
	assert_true(!guest.disks[1].path && guest.disks[1].cdrom);
	assert_string_equal(guest.nics[0].mac, "00:16:3e:01:02:03");
	assert_true(guest.nics[0].bridge && !guest.nics[1].source);
	posada_guest_free(&guest);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(xml_to_guest(bad[i], &guest), -EINVAL);
		posada_guest_free(&guest);
	}
	if (!xml_to_guest(entity, &guest))
		assert_null(strstr(guest.name, "root"));
	posada_guest_free(&guest);
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(xml, foreign, sizeof(xml));
		for (unsigned n = unit_chance(4); n > 0; n--)
			xml[unit_chance(sizeof(xml) - 1)] = "<>/'& a\0\377"[unit_chance(9)];
		xml_to_guest(xml, &guest);
		posada_guest_free(&guest);
	}
}

RUN("xml", T(kinds_have_names), T(specifications_are_checked), T(each_kind_gets_its_xml),
	T(uefi_is_another_firmware), T(the_network_comes_first), T(hostile_texts_come_back_whole),
	T(foreign_definitions_are_read))
