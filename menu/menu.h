/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The menu as data, and what its entries work on. */
#ifndef POSADA_MENU_H
#define POSADA_MENU_H

#include <stdbool.h>
#include <stdio.h>
#include "posada.h"

struct app {
	struct posada *host;
	char guest[256];	 /* the guest that was chosen, "" for none */
	enum posada_state state; /* its state when it was chosen */
	bool screen;		 /* has it one? */
	char item[256];		 /* the pool or medium that was chosen, "" for none */
	enum posada_pool_kind pool_kind;
	enum posada_pool_state pool_state;
	const struct posada_media_file *medium;
};

struct menu;

struct menu_entry {
	const char *title;
	const char *help;
	void (*run)(struct app *app);
	/* Without run it is walked here; with run it tells --dump what run leads to. */
	const struct menu *submenu;
	bool (*visible_if)(const struct app *app);
	bool closes; /* the menu is done when the entry is */
};

/* entries end with one that has no title. */
struct menu {
	const char *title;
	const char *prompt;
	const struct menu_entry *entries;
};

extern const struct menu main_menu;
extern const struct menu guest_menu;
extern const struct menu storage_menu;
extern const struct menu network_menu;
extern const struct menu pool_menu;
extern const struct menu medium_menu;
extern const struct menu install_menu;
extern const struct menu system_menu;

/* Walks a menu until Back, or until an entry that closes it has run. */
void menu_run(const struct menu *menu, struct app *app);

/* The tree as indented text. */
void menu_dump(const struct menu *menu, FILE *out, unsigned depth);

/* The screens, one per file. */
void status_run(struct app *app);
void guests_run(struct app *app);
void storage_run(struct app *app);
void pools_run(struct app *app);

/*
 * Which pool shall a new disk be in, and in which format, where it is a file? Asked only where
 * there is a choice; name and *format, which is static, are what was chosen before, and stay empty
 * and NULL without pools. False when the person leaves.
 */
bool pool_ask(struct app *app, const char *title, char *name, size_t size, const char **format);
void pool_create_run(struct app *app);
void pool_show_run(struct app *app);
void pool_grow_run(struct app *app);
void pool_attach_run(struct app *app);
void pool_detach_run(struct app *app);
void pool_forget_run(struct app *app);
void media_run(struct app *app);
void medium_add_run(struct app *app);
void medium_show_run(struct app *app);
void medium_sum_run(struct app *app);
void medium_remove_run(struct app *app);
void place_create_run(struct app *app);
void place_attach_run(struct app *app);
void place_detach_run(struct app *app);
/* Which network shall a new guest join, or "none"? NAME is what was chosen before; false: back. */
bool network_ask(struct app *app, const char *title, char *name, size_t size);
void network_list_run(struct app *app);
void network_create_run(struct app *app);
void network_host_run(struct app *app);
void network_keep_run(struct app *app);
void network_reset_run(struct app *app);
void services_run(struct app *app);
void shell_run(struct app *app);
void log_run(struct app *app);
void install_run(struct app *app);
void update_run(struct app *app);
void uninstall_run(struct app *app);
void reboot_run(struct app *app);
void start_other_run(struct app *app);
bool when_uefi(const struct app *app);
void poweroff_run(struct app *app);
void logout_run(struct app *app);
void password_run(struct app *app);
void ssh_key_run(struct app *app);
void ssh_enable_run(struct app *app);
void ssh_disable_run(struct app *app);
void guest_create_run(struct app *app);
void guest_adopt_run(struct app *app);
void guest_console_run(struct app *app);
void guest_display_run(struct app *app);
void guest_start_run(struct app *app);
void guest_stop_run(struct app *app);
void guest_kill_run(struct app *app);
void guest_reboot_run(struct app *app);
void guest_pause_run(struct app *app);
void guest_resume_run(struct app *app);
void guest_show_run(struct app *app);
void guest_delete_run(struct app *app);
void guest_settings_run(struct app *app);
void guest_devices_run(struct app *app);

/* What a guest on such a network is connected to. */
const char *network_kind_text(enum posada_network_kind kind);
void guest_clone_run(struct app *app);
void guest_template_run(struct app *app);
void guest_untemplate_run(struct app *app);

/* When entries are worth showing. */
bool when_no_guest(const struct app *app);
bool when_live(const struct app *app);
bool when_screen(const struct app *app);
bool when_running(const struct app *app);
bool when_paused(const struct app *app);
bool when_off(const struct app *app);
bool when_broken(const struct app *app);
bool when_startable(const struct app *app);
bool when_template(const struct app *app);
bool when_no_item(const struct app *app);
bool when_pool_grows(const struct app *app);
bool when_pool_away(const struct app *app);
bool when_pool_used(const struct app *app);
bool when_pool_goes(const struct app *app);
bool when_unsummed(const struct app *app);
bool when_in_library(const struct app *app);
bool when_place(const struct app *app);
bool when_no_place(const struct app *app);
bool when_network_tried(const struct app *app);
bool when_ssh_on(const struct app *app);
bool when_ssh_off(const struct app *app);
bool when_logged_in(const struct app *app);

#endif
