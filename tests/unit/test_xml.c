// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of xml.c: rules for a specification, domain XML of each kind, and reading it back.
#include "internal.h"
#include "unit.h"
#include "xml.h"

#define MIB 1024

static const struct posada_guest_spec pv = {
	.name = "web",
	.kind = POSADA_PV,
	.memory_kib = 256 * MIB,
	.vcpus = 2,
	.kernel = "/data/media/vmlinuz",
};

static const struct posada_guest_spec hvm = {
	.name = "old",
	.kind = POSADA_HVM,
	.memory_kib = 512 * MIB,
	.vcpus = 1,
	.iso = "/data/media/cd.iso",
};

static void kinds_have_names(void **state)
{
	enum posada_kind kind, again;

	(void)state;
	for (kind = 0; kind < POSADA_KINDS; kind++) {
		assert_int_equal(posada_kind_parse(posada_kind_name(kind), &again), 0);
		assert_int_equal(again, kind);
	}
	assert_int_equal(posada_kind_parse("PV", &again), -EINVAL);
	assert_int_equal(posada_kind_parse("", &again), -EINVAL);
	assert_string_equal(posada_kind_name(POSADA_KINDS), "?");
}

static void specifications_are_checked(void **state)
{
	static char long_text[2100];
	struct {
		struct posada_guest_spec spec;
		const char *says; /* NULL: nothing to say against it */
	} rows[] = {
		{pv, NULL},
		{hvm, NULL},
		{pv, "cannot be a guest's name"},
		{pv, "cannot be a guest's name"},
		{pv, "kind of guest is unknown"},
		{hvm, "not from a kernel"},
		{pv, "no CD drive"},
		{hvm, "without a kernel"},
		{pv, "has 1024 bytes"},
		{pv, NULL},
		{pv, "nothing to start from"},
		{hvm, "nothing to start from"},
		{pv, "too little"},
		{pv, "0 processors"},
		{pv, "129 processors"},
		{pv, "9 disks are too many"},
		{pv, "Disk 1 needs either"},
		{pv, "Disk 1 needs either"},
		{pv, "kernel command line holds a control character"},
		{pv, "kernel path holds a control character"},
		{pv, "network name holds a control character"},
		{pv, "path of disk 1 holds a control character"},
		{pv, NULL},
	};
	struct posada_error err;
	size_t i = 2;

	(void)state;
	memset(long_text, 'x', sizeof(long_text) - 1);
	rows[i++].spec.name = NULL;
	rows[i++].spec.name = "a\033[2J/b";
	rows[i++].spec.kind = POSADA_KINDS;
	rows[i++].spec.kernel = "/k";
	rows[i++].spec.iso = "/i";
	rows[i++].spec.initrd = "/r";
	rows[i++].spec.cmdline = long_text + sizeof(long_text) - 1025;
	rows[i++].spec.cmdline = long_text + sizeof(long_text) - 1024;
	rows[i++].spec.kernel = NULL;
	rows[i].spec.disk_count = 1;
	rows[i].spec.disks[0].bytes = 1;
	rows[i++].spec.iso = NULL;
	rows[i++].spec.memory_kib = 16 * MIB - 1;
	rows[i++].spec.vcpus = 0;
	rows[i++].spec.vcpus = POSADA_VCPUS_MAX + 1;
	rows[i++].spec.disk_count = POSADA_DISKS_MAX + 1;
	rows[i++].spec.disk_count = 1;
	rows[i].spec.disks[0].path = "/d";
	rows[i].spec.disks[0].bytes = 1;
	rows[i++].spec.disk_count = 1;
	rows[i++].spec.cmdline = "a\nb";
	rows[i++].spec.kernel = "/\377";
	rows[i++].spec.network = "br\0330";
	rows[i].spec.disks[0].path = "/\177";
	rows[i++].spec.disk_count = 1;
	rows[i].spec.disks[0].path = "/ni\303\261o";
	rows[i].spec.disk_count = 1;
	rows[i++].spec.kernel = NULL;
	assert_int_equal(i, COUNT(rows));
	for (i = 0; i < COUNT(rows); i++) {
		*err.text = '\0';
		assert_int_equal(spec_check(&rows[i].spec, &err), rows[i].says ? -EINVAL : 0);
		if (rows[i].says && (!strstr(err.text, rows[i].says) || strchr(err.text, '\033')))
			fail_msg("row %zu says: %s", i, err.text);
		assert_int_equal(spec_check(&rows[i].spec, NULL), rows[i].says ? -EINVAL : 0);
	}
}

static void each_kind_gets_its_xml(void **state)
{
	static const struct {
		enum posada_kind kind;
		const char *type;
		bool boots_disk, iso, bridge, disk_first;
		const char *has[8];
		const char *lacks[4];
	} rows[] = {
		{POSADA_PV, "xen", false, false, false, false,
			{"<domain type='xen'>", "machine='xenpv'>linux<", "<kernel>/k</kernel>",
				"<initrd>/r</initrd>", "<cmdline>quiet</cmdline>",
				"<target dev='xvda' bus='xen'/>", "<source network='default'/>",
				"<target type='xen' port='0'/>"},
			{"<emulator>", "<boot ", "<graphics", "<features>"}},
		{POSADA_PV, "xen", true, false, true, false,
			{"<kernel>/usr/share/posada/boot/grub-x86_64-xen.bin</kernel>",
				"<source bridge='default'/>"},
			{"<initrd>", "<cmdline>", "<boot "}},
		{POSADA_PVH, "xen", true, false, false, false,
			{"machine='xenpvh'>xenpvh<", "grub-i386-xen_pvh.bin</kernel>",
				"<target dev='xvdb' bus='xen'/>"},
			{"<emulator>", "<graphics"}},
		{POSADA_HVM, "xen", true, true, false, false,
			{"machine='xenfv'>hvm<", "<emulator>",
				"<boot dev='cdrom'/>\n    <boot dev='hd'/>",
				"<target dev='hdc' bus='ide'/>", "<target dev='hdd' bus='ide'/>",
				"<target dev='xvde' bus='xen'/>", "<model type='e1000'/>",
				"listen='127.0.0.1'"},
			{"<kernel>", "<cpu "}},
		{POSADA_QEMU, "kvm", true, true, false, true,
			{"machine='q35'>hvm<", "<boot dev='hd'/>\n    <boot dev='cdrom'/>",
				"<cpu mode='host-passthrough'/>",
				"<driver name='qemu' type='raw'/>",
				"<target dev='vdd' bus='virtio'/>",
				"<target dev='sda' bus='sata'/>", "<model type='virtio'/>",
				"<source dev='/dev/sdz'/>"},
			{"xen"}},
		{POSADA_QEMU, "qemu", false, false, false, false,
			{"<cpu mode='maximum'/>", "<kernel>/k</kernel>"}, {"<boot "}},
		{POSADA_QEMU, "test", true, false, false, false, {"<domain type='test'>"},
			{"<emulator>", "<cpu "}},
	};

	(void)state;
	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_guest_spec spec = {
			.name = "g",
			.kind = rows[i].kind,
			.memory_kib = 64 * MIB,
			.vcpus = 3,
			.kernel = rows[i].boots_disk ? NULL : "/k",
			.initrd = rows[i].boots_disk ? NULL : "/r",
			.cmdline = rows[i].boots_disk ? NULL : "quiet",
			.iso = rows[i].iso ? "/cd.iso" : NULL,
			.disk_count = 4,
			.network = "default",
		};
		const struct xml_host host = {
			.type = rows[i].type,
			.bridge = rows[i].bridge,
			.disk_first = rows[i].disk_first,
			.disks = {{"/0", "raw", false}, {"/1", "qcow2", false},
				{"/dev/sdz", "raw", true}, {"/3", "raw", false}},
		};
		struct posada_guest guest = {0};
		char *xml;

		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		for (size_t n = 0; n < COUNT(rows[i].has) && rows[i].has[n]; n++)
			if (!strstr(xml, rows[i].has[n]))
				fail_msg("row %zu lacks %s:\n%s", i, rows[i].has[n], xml);
		for (size_t n = 0; n < COUNT(rows[i].lacks) && rows[i].lacks[n]; n++)
			if (strstr(xml, rows[i].lacks[n]))
				fail_msg("row %zu has %s:\n%s", i, rows[i].lacks[n], xml);
		assert_int_equal(xml_to_guest(xml, &guest), 0);
		assert_string_equal(guest.name, "g");
		assert_int_equal(guest.kind, rows[i].kind);
		assert_int_equal(guest.disk_count, 4 + rows[i].iso);
		assert_string_equal(guest.disks[1].format, "qcow2");
		assert_string_equal(guest.disks[2].path, "/dev/sdz");
		if (rows[i].iso)
			assert_true(guest.disks[4].cdrom);
		for (size_t n = 0; n < guest.disk_count * guest.disk_count; n++)
			if (n / guest.disk_count != n % guest.disk_count)
				assert_string_not_equal(guest.disks[n / guest.disk_count].target,
					guest.disks[n % guest.disk_count].target);
		assert_int_equal(guest.nic_count, 1);
		assert_string_equal(guest.nics[0].source, "default");
		assert_int_equal(guest.nics[0].bridge, rows[i].bridge);
		posada_guest_free(&guest);
		free(xml);
	}
}

static void hostile_texts_come_back_whole(void **state)
{
	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		char text[3][64];
		struct posada_guest_spec spec = pv;
		const struct xml_host host = {.type = "xen", .disks = {{text[2], "raw", false}}};
		struct posada_guest guest = {0};
		char *xml;

		for (size_t n = 0; n < COUNT(text); n++)
			unit_chance_text(text[n], sizeof(text[n]));
		spec.kernel = text[0];
		spec.cmdline = text[1];
		spec.network = text[2];
		spec.disks[0].path = text[2];
		spec.disk_count = 1;
		if (spec_check(&spec, NULL) || !*text[2] || !strcmp(text[2], "none"))
			continue;
		assert_int_equal(xml_from_spec(&spec, &host, &xml), 0);
		assert_int_equal(xml_to_guest(xml, &guest), 0);
		assert_string_equal(guest.kernel, text[0]);
		if (*text[1])
			assert_string_equal(guest.cmdline, text[1]);
		assert_string_equal(guest.disks[0].path, text[2]);
		assert_string_equal(guest.nics[0].source, text[2]);
		assert_int_equal(guest.disk_count + guest.nic_count, 2);
		posada_guest_free(&guest);
		free(xml);
	}
}

static const char foreign[] =
	"<domain type='xen' id='4'><name>a &amp; b</name>"
	"<uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid>"
	"<os><type machine='xenfv'>hvm</type></os><devices>"
	"<disk type='block' device='disk'><source dev='/dev/vg/a'/><target dev='hda'/></disk>"
	"<disk type='file' device='cdrom'><target dev='hdc'/></disk>"
	"<interface type='bridge'><mac address='00:16:3e:01:02:03'/><source bridge='br0'/></interface>"
	"<interface type='user'/><graphics type='spice' port='1'/>"
	"<graphics type='vnc' port='5901'/></devices></domain>";

static void foreign_definitions_are_read(void **state)
{
	static const char *const bad[] = {"", "<", "text", "<domain/>", "<domain type='xen'>",
		"<domain><name>a</name><os><type>hvm</type></os></domain>",
		"<domain type='xen'><os><type>hvm</type></os></domain>",
		"<domain type='xen'><name>a</name></domain>",
		"<other type='xen'><name>a</name><os><type>hvm</type></os></other>"};
	static const char entity[] =
		"<!DOCTYPE domain [<!ENTITY x SYSTEM 'file:///etc/passwd'>]>"
		"<domain type='xen'><name>&x;</name><os><type>linux</type></os></domain>";
	struct posada_guest guest = {0};

	(void)state;
	assert_int_equal(xml_to_guest(foreign, &guest), 0);
	assert_string_equal(guest.name, "a & b");
	assert_string_equal(guest.uuid, "6695eb01-f6a4-8304-79aa-97f2502e193f");
	assert_int_equal(guest.kind, POSADA_HVM);
	assert_int_equal(guest.vnc_port, 5901);
	assert_null(guest.kernel);
	assert_string_equal(guest.disks[0].path, "/dev/vg/a");
	assert_string_equal(guest.disks[0].format, "raw");
	assert_null(guest.disks[1].path);
	assert_true(guest.disks[1].cdrom);
	assert_string_equal(guest.nics[0].mac, "00:16:3e:01:02:03");
	assert_true(guest.nics[0].bridge);
	assert_null(guest.nics[1].source);
	posada_guest_free(&guest);
	for (size_t i = 0; i < COUNT(bad); i++) {
		assert_int_equal(xml_to_guest(bad[i], &guest), -EINVAL);
		posada_guest_free(&guest);
	}
	if (!xml_to_guest(entity, &guest))
		assert_null(strstr(guest.name, "root"));
	posada_guest_free(&guest);
}

static void broken_definitions_do_no_harm(void **state)
{
	char xml[sizeof(foreign)];
	struct posada_guest guest = {0};

	(void)state;
	for (unsigned i = 0; i < 3000; i++) {
		memcpy(xml, foreign, sizeof(xml));
		for (unsigned n = unit_chance(4); n > 0; n--)
			xml[unit_chance(sizeof(xml) - 1)] = "<>/'& a\0\377"[unit_chance(9)];
		xml_to_guest(xml, &guest);
		posada_guest_free(&guest);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(kinds_have_names),
		cmocka_unit_test(specifications_are_checked),
		cmocka_unit_test(each_kind_gets_its_xml),
		cmocka_unit_test(hostile_texts_come_back_whole),
		cmocka_unit_test(foreign_definitions_are_read),
		cmocka_unit_test(broken_definitions_do_no_harm),
	};

	return cmocka_run_group_tests_name("xml", tests, NULL, NULL);
}
