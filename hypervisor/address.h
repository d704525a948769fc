/* SPDX-License-Identifier: GPL-2.0-or-later */
/* IPv4 addresses with the size of their network, as numbers. */
#ifndef POSADA_ADDRESS_H
#define POSADA_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define NET4_TEXT 20 /* 255.255.255.255/32 and its end */

/* An address within a network of 2^(32 - bits) addresses; in the host's byte order. */
struct net4 {
	uint32_t address;
	unsigned bits;
};

/* "192.0.2.7/24", and nothing before, behind or left out. */
bool net4_parse(const char *text, struct net4 *net);

/* "192.0.2.7" alone; several, with commas between. */
bool ip4_parse(const char *text, uint32_t *address);
bool ip4_list_is_right(const char *text);

/* Returns buf. */
char *net4_text(const struct net4 *net, char buf[NET4_TEXT]);
char *ip4_text(uint32_t address, char buf[NET4_TEXT]);

/*
 * Can a host have it: is the network of 4 addresses or more and not larger than a /8, and is this
 * neither its first nor its last, nor one of those that mean something else (0, 127, 169.254, 224
 * up)?
 */
bool net4_is_host(const struct net4 *net);

bool net4_has(const struct net4 *net, uint32_t address);
bool net4_overlap(const struct net4 *a, const struct net4 *b);

/* The larger row of addresses that are left beside the host's own, 65535 at most; false when there
 * is none. */
bool net4_range(const struct net4 *net, uint32_t *first, uint32_t *last);

/* Is this a hardware address of a card, "52:54:00:12:34:56", in lower case? */
bool mac_is_right(const char *text);

#endif
