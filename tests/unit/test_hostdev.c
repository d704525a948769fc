// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of hostdev.c: names of devices, definitions with and without them, and what the host needs
// itself.
#include <unistd.h>
#include "hostdev.h"
#include "internal.h"
#include "unit.h"
#include "xml.h"

static const char domain[] = "<domain type='xen'><name>g</name><os><type>hvm</type></os><devices>"
			     "<emulator>/q</emulator></devices></domain>";

TEST(names_are_read)
{
	static const struct {
		const char *text;
		bool usb;
		int ret;
	} rows[] = {
		{"0000:03:00.0", false, 0},
		{"03:1f.7", false, 0},
		{"03:20.0", false, -EINVAL},
		{"03:00.8", false, -EINVAL},
		{"03:00", false, -EINVAL},
		{"000003:00.0", false, -EINVAL},
		{"0000:03:00.0/", false, -EINVAL},
		{"../../../..", false, -EINVAL},
		{"", false, -EINVAL},
		{"046d:C52b", true, 0},
		{"046d:c52", true, -EINVAL},
		{"046d-c52b", true, -EINVAL},
		{"046g:c52b", true, -EINVAL},
		{"", true, -EINVAL},
	};
	struct hostdev device;

	for (size_t i = 0; i < COUNT(rows); i++)
		if (hostdev_parse(rows[i].text, rows[i].usb, &device) != rows[i].ret)
			fail_msg("%s", rows[i].text);
	assert_int_equal(hostdev_parse("0001:ab:1f.7", false, &device), 0);
	assert_int_equal(device.domain, 1);
	assert_int_equal(device.bus, 0xab);
	assert_int_equal(device.slot, 0x1f);
	assert_int_equal(device.function, 7);
}

TEST(definitions_change)
{
	static const char *const names[] = {"0000:03:00.1", "046d:c52b"};
	struct posada_guest guest = {0};
	struct hostdev device[2];
	char *one, *both, *rest, *none;

	for (size_t i = 0; i < 2; i++)
		assert_int_equal(hostdev_parse(names[i], i, &device[i]), 0);
	one = hostdev_added(domain, &device[0]);
	both = hostdev_added(one, &device[1]);
	assert_int_equal(xml_to_guest(both, &guest), 0);
	assert_int_equal(guest.hostdev_count, 2);
	for (size_t i = 0; i < 2; i++)
		assert_string_equal(guest.hostdevs[i], names[i]);
	posada_guest_free(&guest);
	rest = hostdev_removed(both, &device[0]);
	assert_null(strstr(rest, "pci"));
	assert_non_null(strstr(rest, "0xc52b"));
	assert_null(hostdev_removed(rest, &device[0]));
	none = hostdev_removed(rest, &device[1]);
	assert_null(strstr(none, "hostdev"));
	assert_null(hostdev_added("no", &device[0]));
	assert_null(hostdev_removed("no", &device[0]));
	free(one);
	free(both);
	free(rest);
	free(none);
}

/* Of two guests that were given the same device the one that runs has it. */
static void the_owner_is_named(struct posada_hostdevs *list)
{
	char device[] = "0000:03:00.1", names[][8] = {"bar", "cellar", "attic"};
	char *devices[] = {device};
	struct posada_guest guest = {.hostdevs = devices, .hostdev_count = 1};
	size_t i;

	assert_null(list->items[1].guest);
	for (i = 0; i < 3; i++) {
		guest.name = names[i];
		guest.state = i == 1 ? POSADA_RUNNING : POSADA_OFF;
		assert_int_equal(hostdev_note_guest(list, &guest), 0);
		assert_string_equal(list->items[1].guest, names[i ? 1 : 0]);
	}
	assert_null(list->items[0].guest);
}

/* With what hangs on them, under names for people; bridges and hubs are nobody's. */
static void all_are_listed(const char *sys)
{
	struct posada_hostdevs list;
	char target[512];

	unit_write("sys/devices/pci0/0000:03:00.0/class", "0x020000\n", 9);
	unit_write("sys/devices/pci0/0000:03:00.0/vendor", "0x8086\n", 7);
	unit_write("sys/devices/pci0/0000:03:00.0/device", "0x100e\n", 7);
	assert_int_equal(symlink("../../../bus/pci/drivers/e1000",
				 unit_path("sys/devices/pci0/0000:03:00.0/driver")),
		0);
	unit_write("sys/devices/pci0/0000:01:00.0/class", "0x060400\n", 9);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:01:00.0", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/pci/devices/0000:01:00.0")), 0);
	/* A counter, and what lies behind an Intel VMD. */
	unit_write("sys/devices/pci0/0000:3f:00.0/class", "0x110100\n", 9);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:3f:00.0", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/pci/devices/0000:3f:00.0")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.1", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/pci/devices/10000:e1:00.0")), 0);
	assert_int_equal(unlink(unit_path("sys/bus/pci/devices/none")), 0);
	assert_int_equal(hostdev_list(sys, false, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "0000:03:00.0");
	assert_string_equal(list.items[0].text, "Ethernet card 8086:100e, e1000");
	assert_string_equal(list.items[0].host, "eth0");
	assert_string_equal(list.items[1].name, "0000:03:00.1");
	assert_string_equal(list.items[1].host, "");
	the_owner_is_named(&list);
	posada_hostdevs_free(&list);

	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-1/manufacturer", "Log\033tech\n", 9);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-1/product", "Log\033tech Receiver\n", 18);
	unit_write("sys/bus/usb/devices/usb1/idVendor", "1d6b\n", 5);
	unit_write("sys/bus/usb/devices/usb1/bDeviceClass", "09\n", 3);
	assert_int_equal(hostdev_list(sys, true, &list), 0);
	assert_int_equal(list.count, 2);
	assert_string_equal(list.items[0].name, "046d:c52b");
	assert_string_equal(list.items[0].text, "Log?tech Receiver");
	assert_string_equal(list.items[1].name, "0781:5567");
	assert_string_equal(list.items[1].host, "sda");
	posada_hostdevs_free(&list);
	assert_int_equal(hostdev_list("/nowhere", true, &list), 0);
	assert_int_equal(list.count, 0);
}

TEST(what_the_host_uses_is_known)
{
	struct hostdev device;
	char sys[256], path[512], name[64], target[512];

	snprintf(sys, sizeof(sys), "%s", unit_path("sys"));
	unit_write("sys/devices/pci0/0000:03:00.0/net/eth0/master", "", 0);
	unit_write("sys/devices/pci0/0000:03:00.1/net/eth1/address", "", 0);
	unit_write("sys/devices/pci0/0000:03:00.2/net/eth2/upper_eth2.5", "", 0);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-1/idVendor", "046d\n", 5);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-1/idProduct", "c52b\n", 5);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-2/idVendor", "0781\n", 5);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-2/idProduct", "5567\n", 5);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-2/block/sda/size", "1\n", 2);
	unit_write("sys/devices/pci0/0000:04:00.0/usb1/1-2/block/sda/sda1/partition", "1\n", 2);
	unit_write("sys/bus/pci/devices/none", "", 0);
	unit_write("sys/bus/usb/devices/none", "", 0);
	unit_write("sys/class/net/none", "", 0);
	unit_write("sys/class/block/none", "", 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.0", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/pci/devices/0000:03:00.0")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.1", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/pci/devices/0000:03:00.1")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.0/net/eth0", sys);
	assert_int_equal(symlink(target, unit_path("sys/class/net/eth0")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.1/net/eth1", sys);
	assert_int_equal(symlink(target, unit_path("sys/class/net/eth1")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:03:00.2/net/eth2", sys);
	assert_int_equal(symlink(target, unit_path("sys/class/net/eth2")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:04:00.0/usb1/1-1", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/usb/devices/1-1")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:04:00.0/usb1/1-2", sys);
	assert_int_equal(symlink(target, unit_path("sys/bus/usb/devices/1-2")), 0);
	snprintf(target, sizeof(target), "%s/devices/pci0/0000:04:00.0/usb1/1-2/block/sda", sys);
	assert_int_equal(symlink(target, unit_path("sys/class/block/sda")), 0);
	strcat(target, "/sda1");
	assert_int_equal(symlink(target, unit_path("sys/class/block/sda1")), 0);

	assert_int_equal(hostdev_parse("0000:05:00.0", false, &device), 0);
	assert_int_equal(hostdev_find(sys, &device, path, sizeof(path)), 0);
	/* A card in the host's bridge, and one that nobody uses. */
	assert_int_equal(hostdev_parse("03:00.0", false, &device), 0);
	assert_int_equal(hostdev_find(sys, &device, path, sizeof(path)), 1);
	assert_non_null(hostdev_in_way(sys, path, name, sizeof(name)));
	assert_string_equal(name, "eth0");
	assert_int_equal(hostdev_parse("03:00.1", false, &device), 0);
	assert_int_equal(hostdev_find(sys, &device, path, sizeof(path)), 1);
	assert_null(hostdev_in_way(sys, path, name, sizeof(name)));
	/* One that only carries VLANs. */
	snprintf(path, sizeof(path), "%s/devices/pci0/0000:03:00.2", sys);
	assert_non_null(hostdev_in_way(sys, path, name, sizeof(name)));
	assert_string_equal(name, "eth2");
	/* A mouse, and a stick. */
	assert_int_equal(hostdev_parse("046d:c52b", true, &device), 0);
	assert_int_equal(hostdev_find(sys, &device, path, sizeof(path)), 1);
	assert_null(hostdev_in_way(sys, path, name, sizeof(name)));
	assert_int_equal(hostdev_parse("0781:5567", true, &device), 0);
	assert_int_equal(hostdev_find(sys, &device, path, sizeof(path)), 1);
	assert_non_null(strstr(hostdev_in_way(sys, path, name, sizeof(name)), "the disk itself"));
	assert_string_equal(name, "sda");
	all_are_listed(sys);
}

TEST(what_is_wrong_is_refused)
{
	struct posada_error err;
	struct posada *host;

	setenv("POSADA_URI", "test:///default", 1);
	assert_int_equal(posada_open(&host, 0, &err), 0);
	assert_int_equal(posada_guest_attach_device(host, "test", "x\033", false, &err), -EINVAL);
	assert_non_null(strstr(err.text, "\"x?\" names no PCI device"));
	assert_int_equal(posada_guest_attach_device(host, "test", "x", true, &err), -EINVAL);
	assert_int_equal(
		posada_guest_attach_device(host, "nobody", "0000:0000", true, &err), -ENOENT);
	assert_int_equal(
		posada_guest_attach_device(host, "test", "0000:0000", true, &err), -ENODEV);
	assert_int_equal(
		posada_guest_detach_device(host, "test", "0000:0000", true, &err), -ENOENT);
	posada_close(host);
}

RUN("hostdev", T(names_are_read), T(definitions_change), T(what_the_host_uses_is_known),
	T(what_is_wrong_is_refused))
