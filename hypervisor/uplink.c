// SPDX-License-Identifier: GPL-2.0-or-later
// The host's own address: tried, kept when it is confirmed, and else as it was.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "internal.h"
#include "network.h"
#include "tool.h"
#include "uplink.h"

/* What init keeps of it: fields with a space between, "-" for none. */
#define NOW   POSADA_RUN "/network"
#define TRIAL POSADA_RUN "/network.trial"

#define SAID_MAX 512

/* --- What is ------------------------------------------------------------- */

static void take_field(char *to, size_t size, const char *from)
{
	snprintf(to, size, "%s", strcmp(from, "-") != 0 ? from : "");
}

bool uplink_parse(const char *line, struct posada_uplink *uplink, unsigned long *deadline)
{
	char address[32], gateway[32], dns[128], mac[32];
	int fields;

	/* One less than each array has. */
	fields = sscanf(line, "%31s %31s %127s %31s %lu", address, gateway, dns, mac, deadline);
	if (fields < 4)
		return false;
	if (fields < 5)
		*deadline = 0;
	take_field(uplink->address, sizeof(uplink->address), address);
	take_field(uplink->gateway, sizeof(uplink->gateway), gateway);
	take_field(uplink->dns, sizeof(uplink->dns), dns);
	take_field(uplink->nic, sizeof(uplink->nic), mac);
	return true;
}

int posada_uplink_show(struct posada_uplink *uplink, struct posada_error *err)
{
	char line[SAID_MAX], nic[NIC_NAME];
	unsigned long deadline;

	memset(uplink, 0, sizeof(*uplink));
	if (!read_line(line, sizeof(line), NOW) || !uplink_parse(line, uplink, &deadline))
		return fail(err, -ENOENT,
			_("This host has no network of its own: it has no network card, or is still starting."));
	if (card_name(uplink->nic, nic))
		snprintf(uplink->nic, sizeof(uplink->nic), "%s", nic);
	return 0;
}

unsigned posada_uplink_trial(void)
{
	struct posada_uplink uplink;
	char line[SAID_MAX], up[64];
	unsigned long deadline, seconds;

	if (!read_line(line, sizeof(line), TRIAL) || !uplink_parse(line, &uplink, &deadline) ||
		!read_line(up, sizeof(up), "/proc/uptime"))
		return 0;
	seconds = strtoul(up, NULL, 10);
	/* It goes back any moment now. */
	return deadline > seconds ? (unsigned)(deadline - seconds) : 1;
}

/* --- What is wanted ------------------------------------------------------- */

int uplink_check(const struct posada_uplink *wanted, struct net4 *net, struct posada_error *err)
{
	struct net4 gateway = {0, 32};
	char clean[128];
	int ret;

	if (!*wanted->address) {
		if (*wanted->gateway || *wanted->dns)
			return fail(err, -EINVAL,
				_("With DHCP the gateway and the name servers come by DHCP too. Leave them out, or give an address."));
		return 0;
	}
	ret = network_parse(wanted->address, net, err);
	if (ret)
		return ret;
	gateway.bits = net->bits;
	if (*wanted->gateway &&
		(!ip4_parse(wanted->gateway, &gateway.address) || !net4_is_host(&gateway) ||
			!net4_has(net, gateway.address) || gateway.address == net->address))
		return fail(err, -EINVAL,
			_("\"%s\" cannot be the gateway: it is another address of the network %s. Correct it, or leave it out."),
			posada_text_clean(wanted->gateway, clean, sizeof(clean)), wanted->address);
	if (*wanted->dns && !ip4_list_is_right(wanted->dns))
		return fail(err, -EINVAL,
			_("\"%s\" is no list of name servers. Write addresses with commas between, such as 192.0.2.1,192.0.2.2."),
			posada_text_clean(wanted->dns, clean, sizeof(clean)));
	return 0;
}

static int see_card_is_free(const char *nic, char mac[MAC_TEXT], struct posada_error *err)
{
	struct bridges bridges;
	char clean[64];
	size_t i;

	if (!card_mac(nic, mac))
		return fail(err, -ENODEV,
			_("There is no network card %s. \"posada status\" lists those there are."),
			posada_text_clean(nic, clean, sizeof(clean)));
	if (bridges_read(BRIDGES_FILE, &bridges))
		return 0;
	for (i = 0; i < bridges.count; i++)
		if (!bridges.items[i].vlan && !strcmp(bridges.items[i].mac, mac))
			return fail(err, -EBUSY,
				_("The network %s of guests has the card %s to itself. Choose another, or delete that network."),
				bridges.items[i].name, nic);
	return 0;
}

static const char *or_dash(const char *text)
{
	return *text ? text : "-";
}

/* Runs init's script; the first line that it says is the reason, or the note. */
static int tell_init(const char *const words[], char *note, size_t size, struct posada_error *err)
{
	char said[SAID_MAX], clean[SAID_MAX];
	int status = tool_run(words, said, sizeof(said));

	said[status < 0 ? 0 : strcspn(said, "\n")] = '\0';
	posada_text_clean(said, clean, sizeof(clean));
	if (note)
		snprintf(note, size, "%s", status || !*clean ? "" : _(clean));
	if (!status)
		return 0;
	return fail(err, -EIO, _("The host's network stays as it is: %s"),
		_(*clean ? clean : N_("see the log.")));
}

int posada_uplink_try(
	struct posada *handle, const struct posada_uplink *wanted, struct posada_error *err)
{
	struct posada_error ignored;
	char mac[MAC_TEXT] = "";
	struct net4 net;
	int ret = uplink_check(wanted, &net, err);

	if (!ret && *wanted->nic)
		ret = see_card_is_free(wanted->nic, mac, err);
	/* Without libvirtd there are no guests to be cut off, and the host may need its address the
	 * more. */
	if (!ret && *wanted->address &&
		network_see_free(handle, &net, HOST_BRIDGE, &ignored) == -EADDRINUSE)
		ret = fail(err, -EADDRINUSE, "%s", ignored.text);
	if (ret)
		return ret;
	return tell_init(
		(const char *const[]){NETWORK_SCRIPT, "try", or_dash(wanted->address),
			or_dash(wanted->gateway), or_dash(wanted->dns), or_dash(mac), NULL},
		NULL, 0, err);
}

int posada_uplink_confirm(char *note, size_t size, struct posada_error *err)
{
	if (!posada_uplink_trial())
		return fail(err, -ENOENT,
			_("Nothing is being tried: the host's network is as it was set last, or went back to that."));
	return tell_init((const char *const[]){NETWORK_SCRIPT, "confirm", NULL}, note, size, err);
}

int posada_network_reset(struct posada *handle, struct posada_error *err)
{
	static const struct posada_network_spec shipped = {
		.name = "default", .kind = "nat", .dhcp = -1, .vlan = -1};
	struct posada_networks network;
	int ret = network_find(handle, shipped.name, &network, err);

	posada_networks_free(&network);
	if (ret == -ENOENT)
		ret = posada_network_create(handle, &shipped, err);
	if (ret && ret != -ENOTCONN)
		return ret;
	return tell_init((const char *const[]){NETWORK_SCRIPT, "try", "-", "-", "-", "first", NULL},
		NULL, 0, err);
}
