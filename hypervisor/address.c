// SPDX-License-Identifier: GPL-2.0-or-later
// IPv4 addresses with the size of their network, as numbers.
#include "address.h"

#include <arpa/inet.h>
#include <stdio.h>
#include <string.h>

#define LARGEST	  8  /* bits of the largest network */
#define SMALLEST  30 /* and of the smallest */
#define RANGE_MAX 65535

static uint32_t mask(unsigned bits)
{
	return bits ? UINT32_MAX << (32 - bits) : 0;
}

bool ip4_parse(const char *text, uint32_t *address)
{
	struct in_addr in;

	if (inet_pton(AF_INET, text, &in) != 1)
		return false;
	*address = ntohl(in.s_addr);
	return true;
}

bool net4_parse(const char *text, struct net4 *net)
{
	const char *slash = strchr(text, '/');
	char address[16];

	if (!slash || (size_t)(slash - text) >= sizeof(address))
		return false;
	memcpy(address, text, (size_t)(slash - text));
	address[slash - text] = '\0';
	slash++;
	if (strspn(slash, "0123456789") != strlen(slash) || !*slash || strlen(slash) > 2 ||
		(slash[0] == '0' && slash[1]))
		return false;
	net->bits = (unsigned)(slash[1] ? (slash[0] - '0') * 10 + slash[1] - '0' : slash[0] - '0');
	return net->bits <= 32 && ip4_parse(address, &net->address);
}

bool ip4_list_is_right(const char *text)
{
	for (;;) {
		size_t length = strcspn(text, ",");
		char one[16];
		uint32_t address;

		if (length >= sizeof(one))
			return false;
		memcpy(one, text, length);
		one[length] = '\0';
		if (!ip4_parse(one, &address))
			return false;
		if (!text[length])
			return true;
		text += length + 1;
	}
}

char *ip4_text(uint32_t address, char buf[NET4_TEXT])
{
	const struct in_addr in = {.s_addr = htonl(address)};

	inet_ntop(AF_INET, &in, buf, NET4_TEXT);
	return buf;
}

char *net4_text(const struct net4 *net, char buf[NET4_TEXT])
{
	size_t length = strlen(ip4_text(net->address, buf));

	snprintf(buf + length, NET4_TEXT - length, "/%u", net->bits);
	return buf;
}

bool net4_is_host(const struct net4 *net)
{
	static const struct net4 others[] = {
		{0, 8}, {0x7f000000, 8}, {0xa9fe0000, 16}, {0xe0000000, 3}};
	uint32_t rest = net->address & ~mask(net->bits);

	if (net->bits < LARGEST || net->bits > SMALLEST || !rest || rest == ~mask(net->bits))
		return false;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		if (net4_has(&others[i], net->address))
			return false;
	return true;
}

bool net4_has(const struct net4 *net, uint32_t address)
{
	return !((net->address ^ address) & mask(net->bits));
}

bool net4_overlap(const struct net4 *a, const struct net4 *b)
{
	return net4_has(a->bits < b->bits ? a : b, a->bits < b->bits ? b->address : a->address);
}

bool net4_range(const struct net4 *net, uint32_t *first, uint32_t *last)
{
	uint32_t lowest = (net->address & mask(net->bits)) + 1;
	uint32_t highest = (net->address | ~mask(net->bits)) - 1;

	if (!net4_is_host(net))
		return false;
	if (highest - net->address >= net->address - lowest)
		lowest = net->address + 1;
	else
		highest = net->address - 1;
	if (highest - lowest >= RANGE_MAX)
		highest = lowest + RANGE_MAX - 1;
	*first = lowest;
	*last = highest;
	return lowest <= highest;
}

bool mac_is_right(const char *text)
{
	size_t i;

	for (i = 0; i < 17; i++)
		if (i % 3 == 2 ? text[i] != ':' : !text[i] || !strchr("0123456789abcdef", text[i]))
			return false;
	return !text[i];
}
