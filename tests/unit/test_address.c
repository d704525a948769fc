// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of address.c: what is an address, which networks overlap, which addresses are left for
// guests.
#include "address.h"
#include "unit.h"

TEST(addresses_are_read_whole)
{
	static const char *const right[] = {
		"0.0.0.0/0", "10.1.0.1/24", "192.168.122.1/8", "255.255.255.255/32"};
	static const char *const wrong[] = {"", "/", "10.1.0.1", "10.1.0.1/", "10.1.0/24",
		"10.1.0.1/33", "10.1.0.1/024", "10.1.0.1/2a", "10.1.0.1/-1", "10.1.0.1/+1",
		" 10.1.0.1/24", "10.1.0.1/24 ", "10.1.0.256/24", "010.1.0.1/24", "10.1.0.1/24/8",
		"10.1.0.1.10.1.0.1.1/24", "::1/64", "10.1.0.1/100"};
	char text[NET4_TEXT];
	struct net4 net;

	for (size_t i = 0; i < COUNT(right); i++) {
		assert_true(net4_parse(right[i], &net));
		assert_string_equal(net4_text(&net, text), right[i]);
	}
	for (size_t i = 0; i < COUNT(wrong); i++)
		if (net4_parse(wrong[i], &net))
			fail_msg("\"%s\" is taken", wrong[i]);
	for (unsigned i = 0; i < 20000; i++) {
		char chance[24];

		unit_chance_text(chance, sizeof(chance));
		if (net4_parse(chance, &net))
			assert_string_equal(net4_text(&net, text), chance);
		ip4_list_is_right(chance);
		mac_is_right(chance);
	}
}

TEST(lists_and_cards)
{
	assert_true(ip4_list_is_right("1.1.1.1"));
	assert_true(ip4_list_is_right("1.1.1.1,9.9.9.9"));
	assert_false(ip4_list_is_right(""));
	assert_false(ip4_list_is_right("1.1.1.1,"));
	assert_false(ip4_list_is_right(",1.1.1.1"));
	assert_false(ip4_list_is_right("1.1.1.1 9.9.9.9"));
	assert_true(mac_is_right("52:54:00:12:34:5f"));
	assert_false(mac_is_right("52:54:00:12:34:5F"));
	assert_false(mac_is_right("52:54:00:12:34:5"));
	assert_false(mac_is_right("52:54:00:12:34:567"));
	assert_false(mac_is_right("52-54-00-12-34-56"));
}

TEST(hosts_have_addresses)
{
	static const char *const hosts[] = {"10.0.0.1/8", "10.1.0.1/24", "192.0.2.2/30",
		"10.255.255.254/8", "223.255.255.1/24"};
	static const char *const none[] = {"10.1.0.0/24", "10.1.0.255/24", "10.1.0.1/31",
		"10.1.0.1/32", "10.1.0.1/7", "127.0.0.1/8", "127.1.0.1/24", "169.254.1.1/24",
		"224.0.0.1/24", "240.1.1.1/24", "0.1.1.1/24"};
	struct net4 net;

	for (size_t i = 0; i < COUNT(hosts); i++)
		if (!net4_parse(hosts[i], &net) || !net4_is_host(&net))
			fail_msg("%s is no host", hosts[i]);
	for (size_t i = 0; i < COUNT(none); i++)
		if (!net4_parse(none[i], &net) || net4_is_host(&net))
			fail_msg("%s is a host", none[i]);
}

TEST(overlaps_are_seen)
{
	static const struct {
		const char *a, *b;
		bool overlap;
	} rows[] = {
		{"10.1.0.1/24", "10.1.0.200/24", true},
		{"10.1.0.1/24", "10.1.1.1/24", false},
		{"10.1.0.1/24", "10.200.0.1/8", true},
		{"10.1.0.1/25", "10.1.0.129/25", false},
		{"10.1.0.1/25", "10.1.0.129/24", true},
		{"192.0.2.1/24", "0.0.0.0/0", true},
		{"255.255.255.255/32", "255.255.255.255/32", true},
		{"255.255.255.255/32", "127.255.255.255/1", false},
	};
	struct net4 a, b;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(net4_parse(rows[i].a, &a) && net4_parse(rows[i].b, &b));
		assert_int_equal(net4_overlap(&a, &b), rows[i].overlap);
		assert_int_equal(net4_overlap(&b, &a), rows[i].overlap);
	}
}

TEST(guests_get_what_is_left)
{
	static const struct {
		const char *own, *first, *last;
	} rows[] = {
		{"10.1.0.1/24", "10.1.0.2", "10.1.0.254"},
		{"10.1.0.254/24", "10.1.0.1", "10.1.0.253"},
		{"10.1.0.100/24", "10.1.0.101", "10.1.0.254"},
		{"10.1.0.200/24", "10.1.0.1", "10.1.0.199"},
		{"10.1.0.1/30", "10.1.0.2", "10.1.0.2"},
		{"10.1.0.2/30", "10.1.0.1", "10.1.0.1"},
		{"10.0.0.1/8", "10.0.0.2", "10.1.0.0"},
	};
	char text[NET4_TEXT];
	uint32_t first, last;
	struct net4 net;

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_true(net4_parse(rows[i].own, &net) && net4_range(&net, &first, &last));
		assert_string_equal(ip4_text(first, text), rows[i].first);
		assert_string_equal(ip4_text(last, text), rows[i].last);
	}
	for (unsigned i = 0; i < 20000; i++) {
		net = (struct net4){unit_chance(UINT32_MAX), unit_chance(33)};
		if (!net4_range(&net, &first, &last))
			continue;
		assert_true(first <= last && last - first < 65535);
		assert_true(net.address < first || net.address > last);
		assert_true(net4_has(&net, first - 1) && net4_has(&net, last + 1));
	}
}

RUN("address", T(addresses_are_read_whole), T(lists_and_cards), T(hosts_have_addresses),
	T(overlaps_are_seen), T(guests_get_what_is_left))
