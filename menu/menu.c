// SPDX-License-Identifier: GPL-2.0-or-later
// The menu tree, one table per menu, and the walk through it.
#include "menu.h"
#include "ui.h"

#define ENTRIES_MAX 24
#define INDENT	    2

static const struct menu_entry main_entries[] = {
	{.title = N_("Status"), .help = N_("This host at a glance"), .closes = true},
	{.title = N_("Guests"),
		.help = N_("Create, start, stop and delete guests, open their consoles"),
		.run = guests_run,
		.submenu = &guest_menu},
	{.title = N_("Storage"),
		.help = N_("Where settings, guests and media are kept"),
		.submenu = &storage_menu},
	{.title = N_("Network"),
		.help = N_("Networks that guests can join, and the host's own address"),
		.submenu = &network_menu},
	{.title = N_("Install"),
		.help = N_("Write this system onto a disk, beside what is there"),
		.submenu = &install_menu},
	{.title = N_("System"),
		.help = N_("Root password, SSH, services"),
		.submenu = &system_menu},
	{.title = N_("Shell"), .help = N_("A command line on this host"), .run = shell_run},
	{.title = N_("Log"), .help = N_("What the host reports, as it happens"), .run = log_run},
	{.title = N_("Reboot"), .help = N_("Start this host anew"), .run = reboot_run},
	{.title = N_("Power off"), .help = N_("Switch this host off"), .run = poweroff_run},
	{.title = N_("Log out"),
		.help = N_("End this session"),
		.run = logout_run,
		.visible_if = when_logged_in},
	{0},
};

static const struct menu_entry guest_entries[] = {
	{.title = N_("Create"),
		.help = N_("Make a new guest"),
		.run = guest_create_run,
		.visible_if = when_no_guest,
		.closes = true},
	{.title = N_("Adopt"),
		.help = N_("Make a guest of the system that is on a disk"),
		.run = guest_adopt_run,
		.visible_if = when_no_guest,
		.closes = true},
	{.title = N_("Console"),
		.help = N_("Its console in this terminal; Ctrl-] leaves"),
		.run = guest_console_run,
		.visible_if = when_live},
	{.title = N_("Screen"),
		.help = N_("How to reach its screen from elsewhere; a picture of it"),
		.run = guest_display_run,
		.visible_if = when_screen},
	{.title = N_("Start"),
		.help = N_("Switch it on"),
		.run = guest_start_run,
		.visible_if = when_startable,
		.closes = true},
	{.title = N_("Start again"),
		.help = N_("Its device model has died: off and on"),
		.run = guest_start_run,
		.visible_if = when_broken,
		.closes = true},
	{.title = N_("Shut down"),
		.help = N_("Ask it to shut down"),
		.run = guest_stop_run,
		.visible_if = when_running,
		.closes = true},
	{.title = N_("Restart"),
		.help = N_("Ask it to reboot"),
		.run = guest_reboot_run,
		.visible_if = when_running,
		.closes = true},
	{.title = N_("Pause"),
		.help = N_("Freeze it"),
		.run = guest_pause_run,
		.visible_if = when_running,
		.closes = true},
	{.title = N_("Resume"),
		.help = N_("Let it go on"),
		.run = guest_resume_run,
		.visible_if = when_paused,
		.closes = true},
	{.title = N_("Force off"),
		.help = N_("Take its power away"),
		.run = guest_kill_run,
		.visible_if = when_live,
		.closes = true},
	{.title = N_("Settings"),
		.help = N_("Memory, processors, boot order, start with the host"),
		.run = guest_settings_run},
	{.title = N_("Devices"),
		.help = N_("Its disks, CDs and network cards: add, change, remove"),
		.run = guest_devices_run},
	{.title = N_("Details"), .help = N_("What it is made of"), .run = guest_show_run},
	{.title = N_("Clone"),
		.help = N_("Make another guest like it"),
		.run = guest_clone_run,
		.visible_if = when_off,
		.closes = true},
	{.title = N_("Make a template"),
		.help = N_("Keep it for guests to be made from it"),
		.run = guest_template_run,
		.visible_if = when_startable,
		.closes = true},
	{.title = N_("Make a guest"),
		.help = N_("No template any more: it can be started"),
		.run = guest_untemplate_run,
		.visible_if = when_template,
		.closes = true},
	{.title = N_("Delete"),
		.help = N_("Remove it, with its disks or without"),
		.run = guest_delete_run,
		.visible_if = when_off,
		.closes = true},
	{0},
};

static const struct menu_entry storage_entries[] = {
	{.title = N_("Volumes"),
		.help = N_("The disks of the guests; delete what no guest has"),
		.run = storage_run},
	{.title = N_("Pools"),
		.help = N_("More room for disks: other disks, volume groups, servers"),
		.run = pools_run,
		.submenu = &pool_menu},
	{.title = N_("Media"),
		.help = N_("ISO images and kernels: the library, and plugged sticks"),
		.run = media_run,
		.submenu = &medium_menu},
	{.title = N_("Make"),
		.help = N_("A data place: what is set and made outlasts a reboot"),
		.run = place_create_run},
	{.title = N_("Attach"),
		.help = N_("Use a data place that a disk has"),
		.run = place_attach_run,
		.visible_if = when_no_place},
	{.title = N_("Detach"),
		.help = N_("Let go of the data place, to take its disk out"),
		.run = place_detach_run,
		.visible_if = when_place},
	{0},
};

static const struct menu_entry network_entries[] = {
	{.title = N_("Networks"),
		.help = N_("Those that guests can join: see, change and delete"),
		.run = network_list_run},
	{.title = N_("Create"), .help = N_("Make a network for guests"), .run = network_create_run},
	{.title = N_("Host address"),
		.help = N_("This host's own, tried for a minute before it is kept"),
		.run = network_host_run},
	{.title = N_("Keep"),
		.help = N_("Keep the host's network that is being tried"),
		.run = network_keep_run,
		.visible_if = when_network_tried},
	{.title = N_("Reset"),
		.help = N_("The host's address by DHCP, on the first card with a link"),
		.run = network_reset_run},
	{0},
};

static const struct menu_entry pool_entries[] = {
	{.title = N_("Create"),
		.help = N_("Make a new pool"),
		.run = pool_create_run,
		.visible_if = when_no_item,
		.closes = true},
	{.title = N_("Volumes"),
		.help = N_("What is in it; delete what no guest has"),
		.run = pool_show_run},
	{.title = N_("Grow"),
		.help = N_("Give it one disk more, which loses what it holds"),
		.run = pool_grow_run,
		.visible_if = when_pool_grows,
		.closes = true},
	{.title = N_("Attach"),
		.help = N_("Use it again, also after a reboot"),
		.run = pool_attach_run,
		.visible_if = when_pool_away,
		.closes = true},
	{.title = N_("Detach"),
		.help = N_("Let go of it; what is in it stays there"),
		.run = pool_detach_run,
		.visible_if = when_pool_used,
		.closes = true},
	{.title = N_("Forget"),
		.help = N_("This host knows it no more; what is in it stays there"),
		.run = pool_forget_run,
		.visible_if = when_pool_goes,
		.closes = true},
	{0},
};

static const struct menu_entry medium_entries[] = {
	{.title = N_("Add"),
		.help = N_("Download one, or copy it from a stick"),
		.run = medium_add_run,
		.visible_if = when_no_item,
		.closes = true},
	{.title = N_("Details"), .help = N_("What it is"), .run = medium_show_run},
	{.title = N_("Checksum"),
		.help = N_("Read all of it for its SHA-256"),
		.run = medium_sum_run,
		.visible_if = when_unsummed,
		.closes = true},
	{.title = N_("Remove"),
		.help = N_("Delete it from the library"),
		.run = medium_remove_run,
		.visible_if = when_in_library,
		.closes = true},
	{0},
};

static const struct menu_entry install_entries[] = {
	{.title = N_("Onto a disk"),
		.help = N_("Plan first; nothing is written before you say so"),
		.run = install_run,
		.closes = true},
	{.title = N_("Update"),
		.help = N_("A new version beside the one on the disk, with a way back"),
		.run = update_run,
		.closes = true},
	{.title = N_("Undo"),
		.help = N_("Take Posada off a disk; what was there starts as before"),
		.run = uninstall_run,
		.closes = true},
	{0},
};

static const struct menu_entry system_entries[] = {
	{.title = N_("Password"),
		.help = N_("Set root's password, which allows SSH"),
		.run = password_run},
	{.title = N_("SSH key"),
		.help = N_("Add a public key, which allows SSH"),
		.run = ssh_key_run},
	{.title = N_("SSH on"),
		.help = N_("Let people log in from the network"),
		.run = ssh_enable_run,
		.visible_if = when_ssh_off},
	{.title = N_("SSH off"),
		.help = N_("Let nobody log in from the network"),
		.run = ssh_disable_run,
		.visible_if = when_ssh_on},
	{.title = N_("Services"), .help = N_("What runs on this host"), .run = services_run},
	{.title = N_("Start another"),
		.help = N_("Reboot into something else that the firmware knows, once"),
		.run = start_other_run,
		.visible_if = when_uefi},
	{0},
};

const struct menu main_menu = {N_("Posada"), N_("Choose what to do."), main_entries};
const struct menu guest_menu = {
	N_("Guest"), N_("Choose what to do with this guest."), guest_entries};
const struct menu storage_menu = {
	N_("Storage"), N_("Choose what to do with what is kept."), storage_entries};
const struct menu network_menu = {
	N_("Network"), N_("Choose what to do with networks."), network_entries};
const struct menu pool_menu = {N_("Pool"), N_("Choose what to do with this pool."), pool_entries};
const struct menu medium_menu = {
	N_("Medium"), N_("Choose what to do with this medium."), medium_entries};
const struct menu install_menu = {
	N_("Install"), N_("Choose what to do with a disk of this machine."), install_entries};
const struct menu system_menu = {N_("System"), N_("Choose what to set or to see."), system_entries};

static bool is_visible(const struct menu_entry *entry, const struct app *app)
{
	return !entry->visible_if || entry->visible_if(app);
}

static size_t visible_entries(const struct menu *menu, const struct app *app,
	const struct menu_entry **entries, struct ui_item *items)
{
	const struct menu_entry *entry;
	size_t count = 0;

	for (entry = menu->entries; entry->title && count < ENTRIES_MAX; entry++) {
		if (!is_visible(entry, app))
			continue;
		entries[count] = entry;
		items[count].name = _(entry->title);
		items[count].text = _(entry->help);
		count++;
	}
	return count;
}

void menu_run(const struct menu *menu, struct app *app)
{
	const struct menu_entry *entries[ENTRIES_MAX], *chosen;
	struct ui_item items[ENTRIES_MAX];
	const char *title = *app->guest ? app->guest : *app->item ? app->item : _(menu->title);
	size_t selected = 0;

	do {
		size_t count = visible_entries(menu, app, entries, items);

		if (!ui_menu(title, _(menu->prompt), items, count, &selected))
			return;
		chosen = entries[selected];
		if (chosen->run)
			chosen->run(app);
		else if (chosen->submenu)
			menu_run(chosen->submenu, app);
	} while (!chosen->closes);
}

void menu_dump(const struct menu *menu, FILE *out, unsigned depth)
{
	const struct menu_entry *entry;

	for (entry = menu->entries; entry->title; entry++) {
		fprintf(out, "%*s%s: %s\n", (int)depth * INDENT, "", _(entry->title),
			_(entry->help));
		if (entry->submenu)
			menu_dump(entry->submenu, out, depth + 1);
	}
}
