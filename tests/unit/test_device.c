// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of device.c: devices found in a definition, CDs changed in it, names of disks, refusals.
#include "device.h"
#include "internal.h"
#include "unit.h"
#include "xml.h"

static const char domain[] =
	"<domain><name>g</name><devices>"
	"<disk type='file' device='disk'><source file='/a'/><target dev='xvda' bus='xen'/></disk>"
	"<disk type='file' device='cdrom'><driver name='qemu' type='raw'/><source file='/i'/>"
	"<target dev='hdc' bus='ide'/><readonly/></disk>"
	"<interface type='network'><mac address='52:54:00:AA:bb:01'/><source network='lan'/></interface>"
	"</devices></domain>";

static struct posada *host;
static struct posada_error err;

static int begin(void **state __attribute__((unused)))
{
	setenv("POSADA_URI", "test:///default", 1);
	return posada_open(&host, 0, &err);
}

static int end(void **state __attribute__((unused)))
{
	posada_close(host);
	return 0;
}

TEST(devices_are_found)
{
	char *xml = device_xml(domain, "disk", "xvda");

	assert_string_equal(xml, "<disk type=\"file\" device=\"disk\"><source file=\"/a\"/><target "
				 "dev=\"xvda\" bus=\"xen\"/></disk>");
	free(xml);
	xml = device_xml(domain, "interface", "52:54:00:aa:BB:01");
	assert_non_null(strstr(xml, "lan"));
	free(xml);
	assert_null(device_xml(domain, "disk", "xvdb"));
	assert_null(device_xml(domain, "interface", "xvda"));
	assert_null(device_xml(domain, "disk", ""));
	assert_null(device_xml("<domain/>", "disk", "xvda"));
	assert_null(device_xml("no", "disk", "xvda"));
}

TEST(cds_are_changed)
{
	char *drive = device_xml(domain, "disk", "hdc"), *empty, *full;

	empty = cd_xml(drive, NULL);
	assert_null(strstr(empty, "source"));
	assert_non_null(strstr(empty, "dev=\"hdc\""));
	full = cd_xml(empty, "/b&c'd");
	assert_non_null(strstr(full, "<source file=\"/b&amp;c'd\"/>"));
	free(drive);
	free(empty);
	free(full);
}

TEST(disks_have_names)
{
	static const struct {
		enum posada_kind kind;
		bool live;
		size_t nth;
		const char *name;
	} rows[] = {
		{POSADA_PV, true, 0, "xvda"},
		{POSADA_PVH, false, 15, "xvdp"},
		{POSADA_PV, false, 16, NULL},
		{POSADA_HVM, false, 2, "hdd"},
		{POSADA_HVM, false, 3, "xvde"},
		{POSADA_HVM, true, 0, "xvde"},
		{POSADA_HVM, true, 12, NULL},
		{POSADA_QEMU, true, 1, "vdb"},
	};
	char name[POSADA_TARGET_SIZE];

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *given =
			disk_target(rows[i].kind, rows[i].live, rows[i].nth, name, sizeof(name));

		assert_int_equal(!given, !rows[i].name);
		if (given)
			assert_string_equal(given, rows[i].name);
	}
	assert_string_equal(target_bus("hdc"), "ide");
	assert_string_equal(target_bus("sda"), "sata");
	assert_string_equal(target_bus("xvda"), "xen");
}

TEST(what_is_not_there_is_refused)
{
	const struct posada_disk_spec none = {.path = "/none"}, large = {.bytes = 1ull << 60};
	char target[POSADA_TARGET_SIZE];

	assert_int_equal(posada_guest_attach_disk(host, "nobody", &none, target, &err), -ENOENT);
	assert_int_equal(posada_guest_attach_disk(host, "test", &none, target, &err), -ENOENT);
	assert_non_null(strstr(err.text, "no disk image /none."));
	assert_int_equal(posada_guest_attach_disk(host, "test", &large, target, &err), -ENOSPC);
	assert_int_equal(posada_guest_attach_nic(host, "test", "moon", &err), -ENOENT);
	assert_int_equal(posada_guest_detach_disk(host, "test", "\033xvda", &err), -ENOENT);
	assert_string_equal(err.text,
		"test has no device \"?xvda\". \"posada guest show test\" shows those there are.");
	assert_int_equal(posada_guest_detach_nic(host, "test", "", NULL), -ENOENT);
	assert_int_equal(posada_guest_insert(host, "test", "/none", &err), -ENOENT);
	assert_int_equal(posada_guest_insert(host, "test", "/proc/self/exe", &err), -EINVAL);
	assert_int_equal(posada_guest_eject(host, "test", &err), -ENODEV);
}

/* The same image that no guest is made with. */
TEST(a_cd_that_is_cut_off_is_refused)
{
	static unsigned char image[17 * 2048];
	unsigned char *volume = image + 16 * 2048;

	memcpy(volume, "\1CD001\1", 7);
	volume[81] = 1;	 /* 256 sectors */
	volume[129] = 8; /* of 2048 bytes */
	assert_int_equal(
		posada_guest_insert(host, "test", unit_write("cut", image, sizeof(image)), &err),
		-EINVAL);
	assert_non_null(strstr(err.text, "cut: "));
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, begin, end)

RUN("device", T(devices_are_found), T(cds_are_changed), T(disks_have_names),
	LIVE(what_is_not_there_is_refused), LIVE(a_cd_that_is_cut_off_is_refused))
