// SPDX-License-Identifier: GPL-2.0-or-later
// Networks: the guests' own, and the host's place in its network.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "menu.h"
#include "name.h"
#include "ui.h"

#define REFRESH_MS  5000
#define SECOND_MS   1000
#define CARDS_MAX   32
#define CHOICES_MAX 64

/* The bridge that the host itself is on. */
#define HOST_BRIDGE "br0"

/* Those that can be made come first. */
static const char *const texts[POSADA_NETWORK_KINDS] = {
	[POSADA_NAT] = N_("Behind the host's address (NAT)"),
	[POSADA_ISOLATED] = N_("Among guests only"),
	[POSADA_BRIDGE] = N_("On a card of the host, or a VLAN of it"),
	[POSADA_ROUTED] = N_("Made by another program"),
};

const char *network_kind_text(enum posada_network_kind kind)
{
	return _(texts[kind]);
}

static void report(const struct posada_error *err)
{
	ui_message(_("This did not work"), err->text);
}

bool network_ask(struct app *app, const char *title, char *name, size_t size)
{
	struct ui_item items[CHOICES_MAX + 1];
	struct posada_networks networks;
	char names[CHOICES_MAX][64];
	size_t count = 0, selected = 0, i;
	bool answered;

	if (posada_network_list(app->host, &networks, NULL))
		memset(&networks, 0, sizeof(networks));
	for (i = 0; i < networks.count && count < CHOICES_MAX; i++) {
		if (!strcmp(networks.items[i].name, name))
			selected = count;
		items[count].name =
			posada_text_clean(networks.items[i].name, names[count], sizeof(names[0]));
		items[count++].text = network_kind_text(networks.items[i].kind);
	}
	items[count].name = _("none");
	items[count].text = _("Without a network card");
	answered = ui_menu(title, _("Which network does it join?"), items, count + 1, &selected);
	if (answered)
		snprintf(name, size, "%s", selected < count ? items[selected].name : "none");
	posada_networks_free(&networks);
	return answered;
}

/* --- The list ------------------------------------------------------------ */

static void add_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *kind, const char *state, const char *address, const char *card)
{
	char a[96], b[64], c[64], d[64];

	ui_add(lines, style, "%s %s %s %s %s", ui_cell(a, sizeof(a), name, 18),
		ui_cell(b, sizeof(b), kind, 10), ui_cell(c, sizeof(c), state, 10),
		ui_cell(d, sizeof(d), address, 19), card);
}

/* The networks as they were listed last: rows are counted in them. */
struct listing {
	struct app *app;
	struct posada_networks networks;
};

static void fill(struct ui_lines *lines, void *opaque)
{
	struct listing *listing = opaque;
	struct posada_error err;

	posada_networks_free(&listing->networks);
	if (posada_network_list(listing->app->host, &listing->networks, &err)) {
		ui_add(lines, UI_WARNING, "%s", err.text);
		return;
	}
	if (listing->networks.count)
		add_columns(lines, UI_HEADING, _("Network"), _("Kind"), _("State"), _("Address"),
			_("Card"));
	else
		ui_add(lines, UI_HEADING, "%s", _("There are no networks that guests could join."));
	for (size_t i = 0; i < listing->networks.count; i++) {
		const struct posada_network *network = &listing->networks.items[i];
		char card[64];

		if (network->vlan)
			snprintf(card, sizeof(card), _("%s, VLAN %u"),
				network->nic ? network->nic : "-", network->vlan);
		else
			snprintf(card, sizeof(card), "%s", network->nic ? network->nic : "-");
		add_columns(lines, UI_ROW, network->name,
			_(posada_network_kind_name(network->kind)),
			network->active ? _("active") : _("inactive"),
			network->address ? network->address : "-", card);
	}
}

static void describe(const struct posada_network *network, char *text, size_t size)
{
	int length = snprintf(text, size, _("Address:  %s\nDHCP:     %s\nBridge:   %s\nGuests:  "),
		network->address ? network->address : "-", network->dhcp ? _("yes") : _("no"),
		network->device ? network->device : "-");

	for (size_t i = 0; i < network->guest_count && length >= 0 && (size_t)length < size; i++)
		length += snprintf(text + length, size - (size_t)length, " %s", network->guests[i]);
}

static void delete(struct app *app, const struct posada_network *network)
{
	struct posada_error err;
	char typed[64] = "", text[256];

	snprintf(text, sizeof(text), _("Type the name of the network, %s, to delete it."),
		network->name);
	if (!ui_input(_("Delete"), text, typed, sizeof(typed)))
		return;
	if (strcmp(typed, network->name) != 0)
		ui_message(
			_("Delete"), _("That is not the network's name, so nothing was deleted."));
	else if (posada_network_delete(app->host, network->name, &err))
		report(&err);
}

static void change(struct app *app, const struct posada_network *now);

static void show_one(struct app *app, const char *name)
{
	struct posada_networks network;
	struct posada_error err;
	const struct ui_item items[] = {
		{_("Change"), _("Its address and DHCP, or its card and VLAN")},
		{_("Delete"), _("No guest may have it")}};
	size_t chosen = 0;
	char text[1024];

	if (posada_network_show(app->host, name, &network, &err)) {
		report(&err);
		return;
	}
	describe(&network.items[0], text, sizeof(text));
	if (ui_menu(name, text, items, ARRAY_SIZE(items), &chosen)) {
		if (chosen)
			delete (app, &network.items[0]);
		else
			change(app, &network.items[0]);
	}
	posada_networks_free(&network);
}

void network_list_run(struct app *app)
{
	struct listing listing = {.app = app};
	const struct ui_page page = {
		.title = _("Networks"),
		.keys = _("<Enter> Choose   <Up>/<Down> Move   <Esc> Back"),
		.refresh_ms = REFRESH_MS,
		.fill = fill,
		.opaque = &listing,
	};
	size_t row = 0;
	int key;

	do {
		key = ui_page_run(&page, &row);
		if (key == UI_KEY_ENTER && row < listing.networks.count) {
			char name[256];

			snprintf(name, sizeof(name), "%s", listing.networks.items[row].name);
			show_one(app, name);
		}
	} while (key != UI_KEY_BACK && key != 'q');
	posada_networks_free(&listing.networks);
}

/* --- A new one ------------------------------------------------------------ */

/* One of the host's cards; with FIRST also none of them, which leaves NIC empty. */
static bool ask_card(const char *title, const char *first, char nic[32])
{
	struct ui_item items[CARDS_MAX + 1];
	char lines[CARDS_MAX][96];
	struct posada_host host;
	struct posada_error err;
	size_t count = 0, chosen = 0, offset = first ? 1 : 0;
	bool answered;

	if (posada_host_status(NULL, &host, &err)) {
		report(&err);
		return false;
	}
	if (first)
		items[0] = (struct ui_item){_("As it is"), first};
	for (; count < host.nic_count && count < CARDS_MAX; count++) {
		const struct posada_port *card = &host.nics[count];

		snprintf(lines[count], sizeof(lines[count]), "%s %s, %s", card->mac, card->driver,
			card->link ? _("link") : _("no link"));
		items[count + offset] = (struct ui_item){card->name, lines[count]};
		if (!strcmp(card->name, nic))
			chosen = count + offset;
	}
	answered =
		count && ui_menu(title, _("Which network card?"), items, count + offset, &chosen);
	if (answered)
		snprintf(nic, 32, "%s", chosen < offset ? "" : items[chosen].name);
	else if (!count)
		ui_message(title,
			_("This host has no network card. Connect one; if one is there, the log tells whether its driver is missing."));
	posada_host_free(&host);
	return answered;
}

static bool ask_dhcp(const char *title, const struct posada_network *now, int *dhcp)
{
	const struct ui_item items[] = {{_("DHCP"), _("Guests get their addresses from this host")},
		{_("No DHCP"), _("Guests have addresses of their own")}};
	size_t chosen = now && now->address && !now->dhcp ? 1 : 0;

	if (!ui_menu(title, _("Where do guests get their addresses from?"), items,
		    ARRAY_SIZE(items), &chosen))
		return false;
	*dhcp = !chosen;
	return true;
}

/*
 * What the kind asks for, which is NOW until it is changed, or NULL for a new network; false: they
 * changed their mind.
 */
static bool ask_details(const char *title, const struct posada_network *now,
	struct posada_network_spec *spec, struct ui_field *field, char nic[32])
{
	bool bridge = !strcmp(spec->kind, "bridge");
	const char *prompt =
		now ? _("This host's address on it, such as 10.1.0.1/24; empty: none, which only an isolated network can do with.")
		: strcmp(spec->kind, "isolated") != 0
			? _("This host's address on it, such as 10.1.0.1/24; empty: one is chosen.")
			: _("This host's address on it, such as 10.1.0.1/24; empty: it has none, and guests no DHCP.");

	field->label = _("Address");
	if (bridge) {
		if (!ask_card(title, NULL, nic))
			return false;
		spec->nic = nic;
		field->label = _("VLAN");
		prompt = _("A VLAN of that card, 1 to 4094; empty: what comes without a tag.");
	}
	if (!ui_form(title, prompt, field, 1))
		return false;
	if (bridge)
		spec->vlan = !*field->text	     ? (now ? 0 : -1)
			     : atol(field->text) > 0 ? atol(field->text)
						     : 65536;
	else
		spec->address = *field->text ? field->text : now ? "none" : NULL;
	return bridge || !*field->text || ask_dhcp(title, now, &spec->dhcp);
}

void network_create_run(struct app *app)
{
	struct posada_network_spec spec = {.dhcp = -1, .vlan = -1};
	struct ui_item items[POSADA_ROUTED];
	struct ui_field field = {0};
	struct posada_error err;
	char name[64] = "", nic[32] = "";
	size_t chosen = 0;

	if (!name_ask_network(app, _("New network"), name, sizeof(name)))
		return;
	for (size_t i = 0; i < ARRAY_SIZE(items); i++)
		items[i] = (struct ui_item){posada_network_kind_name(i), _(texts[i])};
	if (!ui_menu(_("New network"), _("Which kind of network?"), items, ARRAY_SIZE(items),
		    &chosen))
		return;
	spec.name = name;
	spec.kind = items[chosen].name;
	if (!ask_details(_("New network"), NULL, &spec, &field, nic))
		return;
	ui_wait(_("Making the network ..."));
	if (posada_network_create(app->host, &spec, &err))
		report(&err);
	else
		network_list_run(app);
}

static void change(struct app *app, const struct posada_network *now)
{
	struct posada_network_spec spec = {.name = now->name,
		.kind = posada_network_kind_name(now->kind),
		.dhcp = -1,
		.vlan = -1};
	struct ui_field field = {0};
	struct posada_error err;
	char nic[32] = "";

	if (now->bridge && !strcmp(now->name, HOST_BRIDGE)) {
		network_host_run(app);
		return;
	}
	snprintf(nic, sizeof(nic), "%s", now->nic ? now->nic : "");
	if (now->vlan)
		snprintf(field.text, sizeof(field.text), "%u", now->vlan);
	else if (now->address)
		snprintf(field.text, sizeof(field.text), "%s", now->address);
	/* What another program has made in its own way is refused, with the reason. */
	if (now->kind != POSADA_ROUTED && !ask_details(now->name, now, &spec, &field, nic))
		return;
	ui_wait(_("Changing the network ..."));
	if (posada_network_set(app->host, &spec, &err))
		report(&err);
}

/* --- The host's own -------------------------------------------------------- */

bool when_network_tried(const struct app *app)
{
	(void)app;
	return posada_uplink_trial() > 0;
}

static void fill_trial(struct ui_lines *lines, void *opaque)
{
	unsigned seconds = posada_uplink_trial();
	struct posada_host host;

	(void)opaque;
	if (!seconds) {
		ui_add(lines, UI_WARNING, "%s",
			_("Nobody kept the change: this host's network is as it was before."));
		return;
	}
	ui_add(lines, UI_PLAIN,
		_("This host's network is changed. In %u seconds it is as it was before, unless you keep it."),
		seconds);
	ui_add(lines, UI_PLAIN, " ");
	if (posada_host_status(NULL, &host, NULL))
		return;
	for (size_t i = 0; i < host.address_count; i++)
		ui_add(lines, UI_PLAIN, _("Address  %s on %s"), host.addresses[i].text,
			host.addresses[i].nic);
	if (!host.address_count)
		ui_add(lines, UI_PLAIN, "%s", _("There is no address yet."));
	posada_host_free(&host);
}

void network_keep_run(struct app *app)
{
	const struct ui_page page = {
		.title = _("Keep this network?"),
		.keys = _("<K> Keep it   <Esc> Leave it to go back"),
		.refresh_ms = SECOND_MS,
		.fill = fill_trial,
	};
	struct posada_error err;
	char note[256];
	int key;

	(void)app;
	do {
		key = ui_page_run(&page, NULL);
		if (key == UI_KEY_BACK || key == 'q')
			return;
	} while (key != 'k');
	if (posada_uplink_confirm(note, sizeof(note), &err))
		report(&err);
	else
		ui_message(_("Network"),
			*note ? note : _("Kept: this host's network is so from now on."));
}

static void try(struct app *app, const struct posada_uplink *wanted)
{
	struct posada_error err;

	ui_wait(_("Changing this host's network ..."));
	if (posada_uplink_try(app->host, wanted, &err))
		report(&err);
	else
		network_keep_run(app);
}

void network_host_run(struct app *app)
{
	static const struct ui_item ways[] = {
		{N_("DHCP"), N_("The address comes from the network")},
		{N_("Fixed"), N_("An address of your choice")},
	};
	struct ui_item items[] = {
		{_(ways[0].name), _(ways[0].text)}, {_(ways[1].name), _(ways[1].text)}};
	struct ui_field fields[] = {
		{.label = _("Address")}, {.label = _("Gateway")}, {.label = _("Name servers")}};
	struct posada_uplink wanted;
	struct posada_error err;
	size_t chosen;

	if (posada_uplink_show(&wanted, &err)) {
		report(&err);
		return;
	}
	if (strlen(wanted.dns) >= sizeof(fields[2].text)) {
		ui_message(_("Host address"),
			_("There are more name servers than fit here. In the shell: posada network set host"));
		return;
	}
	chosen = *wanted.address ? 1 : 0;
	if (!ui_menu(_("Host address"), _("How does this host get its address?"), items,
		    ARRAY_SIZE(items), &chosen))
		return;
	snprintf(fields[0].text, sizeof(fields[0].text), "%s", wanted.address);
	snprintf(fields[1].text, sizeof(fields[1].text), "%s", wanted.gateway);
	snprintf(fields[2].text, sizeof(fields[2].text), "%.63s", wanted.dns);
	memset(&wanted, 0, sizeof(wanted));
	if (chosen &&
		!ui_form(_("Host address"),
			_("Such as 192.0.2.7/24 and 192.0.2.1; name servers with commas between."),
			fields, ARRAY_SIZE(fields)))
		return;
	if (!ask_card(_("Host address"), _("the card that it uses now"), wanted.nic))
		return;
	if (chosen) {
		snprintf(wanted.address, sizeof(wanted.address), "%.31s", fields[0].text);
		snprintf(wanted.gateway, sizeof(wanted.gateway), "%.31s", fields[1].text);
		snprintf(wanted.dns, sizeof(wanted.dns), "%s", fields[2].text);
		if (!*wanted.address) {
			ui_message(_("Host address"),
				_("No address was given, so nothing was changed."));
			return;
		}
	}
	try(app, &wanted);
}

void network_reset_run(struct app *app)
{
	struct posada_error err;

	if (!ui_yes_no(_("Reset"),
		    _("Shall this host get its address by DHCP, on the first card with a link? The networks of guests stay.")))
		return;
	ui_wait(_("Changing this host's network ..."));
	if (posada_network_reset(app->host, &err))
		report(&err);
	else
		network_keep_run(app);
}
