// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of menu.c: the tables are whole, and walking them shows and calls what they say.
#include "menu.h"
#include "ui.h"
#include "unit.h"

static bool visible;
static unsigned calls;

static void screen(struct app *app __attribute__((unused)))
{
	calls++;
}

static bool when(const struct app *app __attribute__((unused)))
{
	return visible;
}

/* All screens and conditions are these two here. */
#define S __attribute__((alias("screen")))
#define W __attribute__((alias("when")))
__typeof__(screen) guests_run S, storage_run S, network_list_run S, network_create_run S,
	network_host_run S, network_keep_run S, network_reset_run S, services_run S, shell_run S,
	log_run S, reboot_run S, poweroff_run S, logout_run S, password_run S, ssh_key_run S,
	ssh_enable_run S, ssh_disable_run S, guest_create_run S, guest_console_run S,
	guest_start_run S, guest_stop_run S, guest_kill_run S, guest_reboot_run S,
	guest_pause_run S, guest_resume_run S, guest_show_run S, guest_delete_run S,
	guest_settings_run S, guest_devices_run S, install_run S, update_run S, uninstall_run S,
	place_create_run S, place_attach_run S, place_detach_run S, start_other_run S,
	guest_adopt_run S, guest_display_run S, guest_clone_run S, guest_template_run S,
	guest_untemplate_run S, pools_run S, pool_create_run S, pool_show_run S, pool_grow_run S,
	pool_attach_run S, pool_detach_run S, pool_forget_run S, media_run S, medium_add_run S,
	medium_show_run S, medium_sum_run S, medium_remove_run S;
__typeof__(when) when_no_guest W, when_live W, when_screen W, when_running W, when_paused W,
	when_off W, when_broken W, when_ssh_on W, when_ssh_off W, when_logged_in W, when_place W,
	when_no_place W, when_uefi W, when_network_tried W, when_startable W, when_template W,
	when_no_item W, when_pool_grows W, when_pool_away W, when_pool_used W, when_pool_goes W,
	when_unsummed W, when_in_library W;

/* Chooses the entry of each name in turn, and leaves when there are no more. */
static const char *const *choices;
static size_t shown;

bool ui_menu(const char *title, const char *prompt, const struct ui_item *items, size_t count,
	size_t *selected)
{
	size_t widest = 0;

	assert_true(*title && *prompt);
	for (size_t i = 0; i < count; i++)
		widest = strlen(items[i].name) > widest ? strlen(items[i].name) : widest;
	/* Beside it are two columns, and a list in a terminal of 80 has room for 72. */
	for (size_t i = 0; i < count; i++)
		assert_in_range(widest + 2 + strlen(items[i].text), 0, 72);
	shown = count;
	for (*selected = 0; *choices && *selected < count; ++*selected)
		if (!strcmp(items[*selected].name, *choices))
			return choices++;
	assert_null(*choices);
	return false;
}

static size_t check_menu(const struct menu *menu, unsigned depth)
{
	const struct menu_entry *entry, *other;
	size_t count = 0;

	assert_true(depth < 4 && *menu->title && *menu->prompt);
	for (entry = menu->entries; entry->title; entry++) {
		assert_true(*entry->title && *entry->help);
		/* What does nothing at least leads back. */
		assert_true(entry->run || entry->submenu || entry->closes);
		for (other = menu->entries; other != entry; other++)
			assert_string_not_equal(other->title, entry->title);
		count += 1 + (entry->submenu ? check_menu(entry->submenu, depth + 1) : 0);
	}
	/* menu_run() shows 24 at most. */
	assert_in_range(entry - menu->entries, 1, 24);
	return count;
}

TEST(tables_are_whole_and_dumped)
{
	FILE *out = unit_open();
	size_t lines = 0;
	const char *text;

	menu_dump(&main_menu, out, 0);
	text = unit_close(out, NULL);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, check_menu(&main_menu, 0));
	assert_non_null(strstr(text, "\nGuests: "));
	assert_non_null(strstr(text, "\n  Delete: "));
}

TEST(walk_follows_the_tables)
{
	static const char *const away[] = {NULL}, *const deep[] = {"System", "SSH key", NULL};
	static const char *const closing[] = {"Details", "Delete", "Start", NULL};
	struct app app = {0};
	size_t all;

	choices = away;
	visible = true;
	menu_run(&guest_menu, &app);
	all = shown;
	visible = false;
	menu_run(&guest_menu, &app);
	assert_true(shown >= 1 && shown < all);
	visible = true;
	choices = deep;
	menu_run(&main_menu, &app);
	assert_true(calls == 1 && !*choices);
	choices = closing;
	menu_run(&guest_menu, &app);
	assert_int_equal(calls, 3);
	assert_string_equal(*choices, "Start");
}

RUN("menu", T(tables_are_whole_and_dumped), T(walk_follows_the_tables))
