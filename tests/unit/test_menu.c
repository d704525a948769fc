// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of menu.c: the tables are whole, and walking them shows and calls what they say.
#include "menu.h"
#include "ui.h"
#include "unit.h"

static const char *called;
static bool visible;

#define SCREEN(name)                  \
	void name(struct app *app)    \
	{                             \
		(void)app;            \
		called = #name;       \
	}
#define WHEN(name)                       \
	bool name(const struct app *app) \
	{                                \
		(void)app;               \
		return visible;          \
	}

SCREEN(guests_run)
SCREEN(storage_run)
SCREEN(network_run)
SCREEN(services_run)
SCREEN(shell_run)
SCREEN(log_run)
SCREEN(reboot_run)
SCREEN(poweroff_run)
SCREEN(logout_run)
SCREEN(password_run)
SCREEN(ssh_key_run)
SCREEN(ssh_enable_run)
SCREEN(ssh_disable_run)
SCREEN(guest_create_run)
SCREEN(guest_console_run)
SCREEN(guest_start_run)
SCREEN(guest_stop_run)
SCREEN(guest_kill_run)
SCREEN(guest_reboot_run)
SCREEN(guest_pause_run)
SCREEN(guest_resume_run)
SCREEN(guest_show_run)
SCREEN(guest_delete_run)
WHEN(when_no_guest)
WHEN(when_live)
WHEN(when_running)
WHEN(when_paused)
WHEN(when_off)
WHEN(when_broken)
WHEN(when_ssh_on)
WHEN(when_ssh_off)
WHEN(when_logged_in)

/* Chooses the entry of each name in turn, and leaves when there are no more. */
static const char *const *choices;
static size_t shown;

bool ui_menu(const char *title, const char *prompt, const struct ui_item *items, size_t count,
	size_t *selected)
{
	assert_true(*title && *prompt);
	shown = count;
	if (!*choices)
		return false;
	for (*selected = 0; *selected < count; ++*selected)
		if (!strcmp(items[*selected].name, *choices)) {
			choices++;
			return true;
		}
	fail_msg("%s is not in %s", *choices, title);
	return false;
}

static void check_menu(const struct menu *menu, unsigned depth)
{
	const struct menu_entry *entry, *other;

	assert_true(depth < 4);
	assert_true(menu->title && *menu->title && menu->prompt && *menu->prompt);
	for (entry = menu->entries; entry->title; entry++) {
		assert_true(*entry->title && entry->help && *entry->help);
		/* What does nothing at least leads back. */
		assert_true(entry->run || entry->submenu || entry->closes);
		for (other = menu->entries; other != entry; other++)
			assert_string_not_equal(other->title, entry->title);
		if (entry->submenu)
			check_menu(entry->submenu, depth + 1);
	}
	/* menu_run() shows 16 at most. */
	assert_in_range(entry - menu->entries, 1, 16);
}

static void tables_are_whole(void **state)
{
	(void)state;
	check_menu(&main_menu, 0);
}

static void walk_follows_the_tables(void **state)
{
	static const char *const away[] = {NULL};
	static const char *const deep[] = {"System", "SSH key", NULL};
	static const char *const closing[] = {"Status", "Log", NULL};
	static const char *const delete[] = {"Details", "Delete", "Start", NULL};
	struct app app = {0};
	size_t all;

	(void)state;
	visible = true;
	choices = away;
	menu_run(&guest_menu, &app);
	all = shown;
	visible = false;
	menu_run(&guest_menu, &app);
	assert_true(shown >= 1 && shown < all);
	visible = true;
	choices = deep;
	menu_run(&main_menu, &app);
	assert_string_equal(called, "ssh_key_run");
	assert_null(*choices);
	choices = closing;
	menu_run(&main_menu, &app);
	assert_string_equal(*choices, "Log");
	choices = delete;
	menu_run(&guest_menu, &app);
	assert_string_equal(called, "guest_delete_run");
	assert_string_equal(*choices, "Start");
}

static size_t count_entries(const struct menu *menu)
{
	size_t count = 0;

	for (const struct menu_entry *entry = menu->entries; entry->title; entry++)
		count += 1 + (entry->submenu ? count_entries(entry->submenu) : 0);
	return count;
}

static void dump_shows_the_tree(void **state)
{
	char *text = NULL;
	size_t size, lines = 0;
	FILE *out = open_memstream(&text, &size);

	(void)state;
	menu_dump(&main_menu, out, 0);
	assert_int_equal(fclose(out), 0);
	for (const char *at = text; (at = strchr(at, '\n')); at++)
		lines++;
	assert_int_equal(lines, count_entries(&main_menu));
	assert_non_null(strstr(text, "\nGuests: "));
	assert_non_null(strstr(text, "\n  Delete: "));
	assert_non_null(strstr(text, "\nSystem: Root password, SSH, services\n  Password: "));
	free(text);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(tables_are_whole),
		cmocka_unit_test(walk_follows_the_tables),
		cmocka_unit_test(dump_shows_the_tree),
	};

	return cmocka_run_group_tests_name("menu", tests, NULL, NULL);
}
