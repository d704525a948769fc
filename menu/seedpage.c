// SPDX-License-Identifier: GPL-2.0-or-later
// Asks what cloud-init shall do when a guest starts first: who may log in, its name, its network.
#include "seedpage.h"

#include <stdio.h>
#include <string.h>
#include "ui.h"

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

const struct posada_seed *seed_page_seed(const struct seed_page *page, struct posada_seed *seed)
{
	*seed = (struct posada_seed){
		.user = or_null(page->user),
		.keys = or_null(page->keys),
		.hostname = or_null(page->host),
		.address = or_null(page->address),
		.gateway = or_null(page->gateway),
		.dns = or_null(page->dns),
	};
	return page->wanted ? seed : NULL;
}

static bool ask(const char *title, struct seed_page *page)
{
	struct ui_field fields[] = {
		{.label = _("User")},
		{.label = _("Host name")},
		{.label = _("Address")},
		{.label = _("Gateway")},
		{.label = _("DNS servers")},
	};
	char *const texts[] = {page->user, page->host, page->address, page->gateway, page->dns};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(fields); i++)
		snprintf(fields[i].text, sizeof(fields[i].text), "%s", texts[i]);
	if (!ui_form(title,
		    _("What is left empty is as the image has it, the host name that of the guest. Write the address as 192.0.2.7/24; empty: by DHCP."),
		    fields, ARRAY_SIZE(fields)))
		return false;
	for (i = 0; i < ARRAY_SIZE(fields); i++)
		snprintf(texts[i], sizeof(page->user), "%s", fields[i].text);
	return ui_input(title,
		_("Paste the SSH public key of who may log in: the line from a file such as id_ed25519.pub."),
		page->keys, sizeof(page->keys));
}

bool seed_page_run(const char *title, bool has_card, struct seed_page *page)
{
	struct posada_seed seed;
	struct posada_error err;
	int answer = ui_either(title,
		_("Images made for clouds have cloud-init, which can be told who may log in, the host name and the address. Shall it be told?"),
		_("No"), _("Yes"));

	if (answer < 0)
		return false;
	page->wanted = answer;
	while (page->wanted) {
		if (!ask(title, page))
			return false;
		if (!posada_seed_check(seed_page_seed(page, &seed), has_card, &err))
			break;
		ui_message(title, err.text);
	}
	return true;
}
