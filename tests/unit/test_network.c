// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of what is written about networks: libvirt's XML, and the file of bridges.
#include <unistd.h>
#include "bridges.h"
#include "host.h"
#include "network_xml.h"
#include "unit.h"
#include "uplink.h"

static struct network_own own(const char *text, bool dhcp)
{
	struct network_own made = {.address = true, .dhcp = dhcp};

	assert_true(net4_parse(text, &made.net));
	return made;
}

TEST(names_are_checked)
{
	static const char *const right[] = {"a", "Lab", "lan-20", "lan_20", "abcdefghijklm"};
	static const char *const wrong[] = {
		"", "1a", "-a", "a.b", "a b", "a/b", "../a", "a\n", "abcdefghijklmn", "\303\244"};

	assert_false(posada_network_name_is_legal(NULL));
	for (size_t i = 0; i < COUNT(right); i++)
		assert_true(posada_network_name_is_legal(right[i]));
	for (size_t i = 0; i < COUNT(wrong); i++)
		assert_false(posada_network_name_is_legal(wrong[i]));
}

TEST(definitions_come_back)
{
	static const struct {
		enum posada_network_kind kind;
		const char *address;
		bool dhcp;
		const char *has, *lacks;
	} rows[] = {
		{POSADA_NAT, "10.1.0.1/24", true, "<range start=\"10.1.0.2\" end=\"10.1.0.254\"/>",
			"xyz"},
		{POSADA_NAT, "10.1.0.1/16", false, "prefix=\"16\"", "<dhcp"},
		{POSADA_ISOLATED, "192.0.2.254/24", true,
			"<range start=\"192.0.2.1\" end=\"192.0.2.253\"/>", "<forward"},
		{POSADA_ISOLATED, NULL, false, "<bridge ", "<ip"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_network network = {0};
		struct network_own made = {0};
		char *xml;

		if (rows[i].address)
			made = own(rows[i].address, rows[i].dhcp);
		assert_int_equal(network_to_xml(rows[i].kind, "a<'&\">", &made, &xml), 0);
		assert_non_null(strstr(xml, "<name>a&lt;'&amp;\"&gt;</name>"));
		if (!strstr(xml, rows[i].has) || strstr(xml, rows[i].lacks))
			fail_msg("row %zu: %s", i, xml);
		assert_int_equal(xml_to_network(xml, &network), 0);
		assert_int_equal(network.kind, rows[i].kind);
		assert_int_equal(network.dhcp, rows[i].dhcp);
		if (rows[i].address)
			assert_string_equal(network.address, rows[i].address);
		else
			assert_null(network.address);
		free(network.address);
		free(network.device);
		free(xml);
	}
}

TEST(changes_leave_the_rest)
{
	static const char before[] =
		"<network><name>a</name><uuid>6695eb01-f6a4-8304-79aa-97f2502e193f</uuid><forward mode='nat'/>"
		"<bridge name='virbr7'/><mac address='52:54:00:00:00:01'/>"
		"<ip family='ipv6' address='2001:db8::1' prefix='64'/>"
		"<ip address='10.0.0.1' netmask='255.255.255.0'><dhcp><range start='10.0.0.2' end='10.0.0.9'/></dhcp></ip></network>";
	static const char *const stays[] = {
		"6695eb01-", "virbr7", "52:54:00:00:00:01", "2001:db8::1", "10.9.0.1"};
	struct network_own made = own("10.9.0.1/24", false);
	char *xml;

	assert_int_equal(network_xml_change(before, &made, &xml), 0);
	for (size_t i = 0; i < COUNT(stays); i++)
		assert_non_null(strstr(xml, stays[i]));
	assert_null(strstr(xml, "10.0.0."));
	free(xml);
	assert_int_equal(network_xml_change("<domain/>", &made, &xml), -EINVAL);
	assert_int_equal(network_xml_change("", &made, &xml), -EINVAL);
}

TEST(reservations_stay_where_they_fit)
{
	static const char before[] =
		"<network><ip address='10.0.0.1' prefix='24'><dhcp><range start='10.0.0.2' end='10.0.0.9'/>"
		"<host mac='52:54:00:00:00:02' ip='10.0.0.7'/><host name='old' ip='10.9.0.7'/>"
		"<bootp file='pxe.0'/></dhcp></ip></network>";
	struct network_own same = own("10.0.0.1/24", true), other = own("10.9.0.1/24", true);
	char *xml;

	assert_int_equal(network_xml_change(before, &same, &xml), 0);
	assert_true(strstr(xml, "10.0.0.7") && strstr(xml, "pxe.0") && !strstr(xml, "10.9.0.7"));
	assert_null(strstr(xml, "10.0.0.9"));
	free(xml);
	assert_int_equal(network_xml_change(before, &other, &xml), 0);
	assert_true(strstr(xml, "10.9.0.7") && strstr(xml, "pxe.0") && !strstr(xml, "10.0.0.7"));
	free(xml);
}

static void read_and_forget(const char *xml)
{
	struct posada_network network = {0};
	struct network_own found;

	xml_to_network(xml, &network);
	network_own(&network, &found);
	free(network.address);
	free(network.device);
}

TEST(foreign_definitions_are_read)
{
	static const struct {
		const char *xml;
		enum posada_network_kind kind;
		const char *address;
	} rows[] = {
		{"<network><forward/><ip address='10.0.0.1' netmask='255.255.0.0'/></network>",
			POSADA_NAT, "10.0.0.1/16"},
		{"<network><forward mode='bridge'/><bridge name='x'/></network>", POSADA_ROUTED,
			NULL},
		{"<network><forward mode='route'/><ip address='10.0.0.1'/></network>",
			POSADA_ROUTED, "10.0.0.1/0"},
		{"<network><ip address='10.0.0.1' prefix='4000000000'/></network>", POSADA_ISOLATED,
			NULL},
		{"<network><ip family='ipv6' address='::1' prefix='64'/></network>",
			POSADA_ISOLATED, NULL},
		{"<x/>", POSADA_ISOLATED, NULL},
	};
	char text[200];

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct posada_network network = {0};

		assert_int_equal(xml_to_network(rows[i].xml, &network), 0);
		assert_int_equal(network.kind, rows[i].kind);
		assert_true(!network.address == !rows[i].address);
		if (network.address)
			assert_string_equal(network.address, rows[i].address);
		free(network.address);
		free(network.device);
	}
	for (unsigned i = 0; i < 3000; i++) {
		const char *from = rows[unit_chance(COUNT(rows))].xml;
		size_t size = strlen(from) + 1;

		memcpy(text, from, size);
		for (unsigned n = unit_chance(4); n > 0; n--)
			text[unit_chance((uint32_t)size - 1)] = "<>/'& 19\0\377"[unit_chance(10)];
		read_and_forget(text);
	}
}

TEST(bridges_last)
{
	struct bridges bridges = {{{"lan", "52:54:00:00:00:01", 0},
					  {"lan20", "52:54:00:00:00:01", 20}},
			       2},
		       again;
	const char *file = unit_path("folder/bridges");

	assert_int_equal(bridges_read(file, &again), 0);
	assert_int_equal(again.count, 0);
	assert_int_equal(bridges_write(file, &bridges), 0);
	assert_int_equal(bridges_read(file, &again), 0);
	assert_int_equal(again.count, 2);
	assert_string_equal(again.items[1].name, "lan20");
	assert_string_equal(again.items[1].mac, "52:54:00:00:00:01");
	assert_int_equal(again.items[1].vlan, 20);
	assert_ptr_equal(bridges_find(&again, "lan"), &again.items[0]);
	bridges_drop(&again, "lan");
	bridges_drop(&again, "other");
	assert_int_equal(again.count, 1);
	assert_null(bridges_find(&again, "lan"));
	assert_non_null(bridges_find(&again, "lan20"));
	/* What was written is whole, or what was before. */
	assert_int_equal(bridges_write("/proc/none/bridges", &bridges), -ENOENT);
}

TEST(what_is_no_bridge_is_left_out)
{
	static const char text[] =
		"# made by hand\nlan 52:54:00:00:00:01 0\nlan 52:54:00:00:00:02 0\n"
		"a;reboot 52:54:00:00:00:03 1\nx 52:54:00:00:00:03 4095\nx 52:54:00:00:00:03 -1\n"
		"x 52-54-00-00-00-03 1\nx 52:54:00:00:00:03 1 more\nlonglonglonglong 52:54:00:00:00:03 1\n"
		"y 52:54:00:00:00:04 4094\nz 52:54:00:00:00:05 1";
	char chance[200];
	struct bridges bridges;

	assert_int_equal(bridges_read(unit_write("by-hand", text, sizeof(text) - 1), &bridges), 0);
	assert_int_equal(bridges.count, 2);
	assert_string_equal(bridges.items[0].mac, "52:54:00:00:00:01");
	assert_string_equal(bridges.items[1].name, "y");
	for (unsigned i = 0; i < 500; i++) {
		unit_chance_text(chance, sizeof(chance));
		assert_int_equal(
			bridges_read(unit_write("chance", chance, strlen(chance)), &bridges), 0);
	}
	/* More than there is room for. */
	FILE *many = unit_open();
	size_t size;

	for (unsigned i = 0; i < 100; i++)
		fprintf(many, "b%u 52:54:00:00:00:01 %u\n", i, i + 1);
	const char *all = unit_close(many, &size);

	assert_int_equal(bridges_read(unit_write("many", all, size), &bridges), 0);
	assert_int_equal(bridges.count, BRIDGES_MAX);
}

TEST(own_addresses_are_checked)
{
	static const struct {
		struct posada_uplink wanted;
		const char *says;
	} rows[] = {
		{{.address = ""}, NULL},
		{{.address = "192.0.2.7/24"}, NULL},
		{{.address = "192.0.2.7/24", .gateway = "192.0.2.1", .dns = "1.1.1.1,9.9.9.9"},
			NULL},
		{{.gateway = "192.0.2.1"}, "With DHCP"},
		{{.dns = "192.0.2.1"}, "With DHCP"},
		{{.address = "192.0.2.7"}, "no address with the size"},
		{{.address = "192.0.2.0/24"}, "cannot have the address"},
		{{.address = "192.0.2.7/24", .gateway = "192.0.3.1"}, "cannot be the gateway"},
		{{.address = "192.0.2.7/24", .gateway = "192.0.2.7"}, "cannot be the gateway"},
		{{.address = "192.0.2.7/24", .gateway = "192.0.2.255"}, "cannot be the gateway"},
		{{.address = "192.0.2.7/24", .gateway = "-; reboot"}, "cannot be the gateway"},
		{{.address = "192.0.2.7/24", .dns = "1.1.1.1 9.9.9.9"}, "no list of name servers"},
		{{.address = "192.0.2.7/24", .dns = "\033[2J"}, "\"?[2J\" is no list"},
	};
	struct posada_error err;
	struct net4 net;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(
			uplink_check(&rows[i].wanted, &net, &err), rows[i].says ? -EINVAL : 0);
		if (rows[i].says && !strstr(err.text, rows[i].says))
			fail_msg("row %zu: %s", i, err.text);
	}
}

TEST(what_init_keeps_is_read)
{
	struct posada_uplink uplink;
	unsigned long deadline;
	char line[300];

	assert_true(uplink_parse(
		"192.0.2.7/24 192.0.2.1 1.1.1.1,9.9.9.9 52:54:00:00:00:01", &uplink, &deadline));
	assert_string_equal(uplink.address, "192.0.2.7/24");
	assert_string_equal(uplink.dns, "1.1.1.1,9.9.9.9");
	assert_int_equal(deadline, 0);
	assert_true(uplink_parse("- - - first 1234", &uplink, &deadline));
	assert_true(!*uplink.address && !*uplink.gateway && !*uplink.dns);
	assert_int_equal(deadline, 1234);
	assert_false(uplink_parse("", &uplink, &deadline));
	assert_false(uplink_parse("- - -", &uplink, &deadline));
	for (unsigned i = 0; i < 5000; i++)
		uplink_parse(unit_chance_text(line, sizeof(line)), &uplink, &deadline);
}

TEST(guests_cards_are_no_cards)
{
	static const struct {
		const char *name, *bus;
		bool card;
	} rows[] = {{"eth0", "pci", true}, {"enX0", "xen", true}, {"vif1.0", "xen-backend", false}};
	char path[300], bus[64];

	for (size_t i = 0; i < COUNT(rows); i++) {
		snprintf(path, sizeof(path), "net/%s/device/uevent", rows[i].name);
		unit_write(path, "", 0);
		snprintf(path, sizeof(path), "%s/net/%s/device/subsystem", unit_path(""),
			rows[i].name);
		snprintf(bus, sizeof(bus), "../../../../bus/%s", rows[i].bus);
		assert_int_equal(symlink(bus, path), 0);
		assert_int_equal(nic_is_card(unit_path("net"), rows[i].name), rows[i].card);
	}
	unit_write("net/br0/address", "", 0);
	assert_false(nic_is_card(unit_path("net"), "br0"));
}

RUN("network", T(names_are_checked), T(definitions_come_back), T(changes_leave_the_rest),
	T(reservations_stay_where_they_fit), T(foreign_definitions_are_read), T(bridges_last),
	T(what_is_no_bridge_is_left_out), T(own_addresses_are_checked), T(what_init_keeps_is_read),
	T(guests_cards_are_no_cards))
