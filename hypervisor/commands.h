/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the program posada, and what they are given. */
#ifndef POSADA_COMMANDS_H
#define POSADA_COMMANDS_H

#include <libintl.h>
#include "posada.h"

#define _(text)	 dgettext(POSADA_DOMAIN, text)
#define N_(text) text

#define VALUES_MAX 32

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

/* The name of an option that is none, but a word that must follow the guest's name. */
#define WORD ""

struct option_entry {
	const char *name;
	const char *argument; /* what the value is called, NULL for a switch */
	const char *help;
};

/* What the command line holds beside the command's own words. */
struct args {
	const char *name; /* the guest, or whatever the command takes */
	struct {
		const struct option_entry *option;
		const char *value;
	} values[VALUES_MAX];
	size_t count;
};

/* The value given last, or NULL; "" for a switch that was given. */
const char *args_get(const struct args *args, const char *option);

/* How long a guest has to shut down, unless --timeout says otherwise; false: that is no time. */
bool take_timeout(const struct args *args, unsigned *seconds);

/* Say what went wrong, and return the exit status of that. */
int failed(const struct posada_error *err);
int wrong(const char *option, const char *value, const char *cure);

/* A decimal number from 0 to max, and nothing else. */
bool parse_number(const char *text, unsigned max, unsigned *number);

/* Prints and empties a table; an exit status, with the reason said. */
struct table;
int finish_table(struct table *table);

const char *yes_no(bool value);

/* The options that make a seed, which create and clone share. */
#define SEED_OPTIONS                                                                               \
	{"seed-user", N_("NAME"), N_("for cloud-init: who may log in")},                           \
		{"seed-key", N_("KEY"),                                                            \
			N_("an SSH public key, or a file of them; can be repeated")},              \
		{"seed-password", N_("HASH"), N_("as \"mkpasswd -m sha512\" prints it")},          \
		{"seed-host", N_("NAME"), N_("the host name (the guest's name)")},                 \
		{"seed-address", N_("A/N"),                                                        \
			N_("of the first card, such as 192.0.2.7/24 (by DHCP)")},                  \
		{"seed-gateway", N_("A"), N_("the way out of that network")},                      \
	{                                                                                          \
		"seed-dns", N_("A,A"), N_("its name servers")                                      \
	}

/* A seed from them; the texts are the command line's, but for keys, which is the caller's. */
struct seed_args {
	struct posada_seed seed;
	bool given; /* any of them was */
	char *keys;
};
int seed_from_args(const struct args *args, struct seed_args *seed);

/*
 * The line on a terminal that says how far a copying is, in percent: while it is there, what would
 * end the program ends the copying, so that nothing half made is left. SHOWN is the opaque.
 */
void copy_line_begin(unsigned *shown);
bool copy_line_progress(void *opaque, unsigned percent);
void copy_line_end(const unsigned *shown);

/* The volumes of a pool, in JSON (as members of what is open) and for people. */
struct json;
void json_volumes(struct json *json, const struct posada_pool *pool);
int print_volumes(const struct posada_pool *pool);

/* For commands that do one thing to what is named, and report it in one line, DONE. */
int command_simple(struct posada *handle, const struct args *args,
	int (*call)(struct posada *, const char *, struct posada_error *), const char *done);

/* Each returns an exit status, and has said on stderr what went wrong. */
int command_status(struct posada *handle, const struct args *args);
int command_guest_list(struct posada *handle, const struct args *args);
int command_guest_show(struct posada *handle, const struct args *args);
int command_guest_create(struct posada *handle, const struct args *args);
int command_guest_set(struct posada *handle, const struct args *args);
int command_guest_autostart(struct posada *handle, const struct args *args);
int command_guest_stopall(struct posada *handle, const struct args *args);
int command_guest_attach(struct posada *handle, const struct args *args);
int command_guest_detach(struct posada *handle, const struct args *args);
int command_guest_devices(struct posada *handle, const struct args *args);
int command_guest_insert(struct posada *handle, const struct args *args);
int command_guest_eject(struct posada *handle, const struct args *args);
int command_guest_start(struct posada *handle, const struct args *args);
int command_guest_stop(struct posada *handle, const struct args *args);
int command_guest_kill(struct posada *handle, const struct args *args);
int command_guest_reboot(struct posada *handle, const struct args *args);
int command_guest_pause(struct posada *handle, const struct args *args);
int command_guest_resume(struct posada *handle, const struct args *args);
int command_guest_console(struct posada *handle, const struct args *args);
int command_guest_display(struct posada *handle, const struct args *args);
int command_guest_screenshot(struct posada *handle, const struct args *args);
int command_guest_delete(struct posada *handle, const struct args *args);
int command_guest_clone(struct posada *handle, const struct args *args);
int command_guest_template(struct posada *handle, const struct args *args);
int command_media_list(struct posada *handle, const struct args *args);
int command_media_add(struct posada *handle, const struct args *args);
int command_media_remove(struct posada *handle, const struct args *args);
int command_media_check(struct posada *handle, const struct args *args);
int command_network_list(struct posada *handle, const struct args *args);
int command_network_show(struct posada *handle, const struct args *args);
int command_network_create(struct posada *handle, const struct args *args);
int command_network_set(struct posada *handle, const struct args *args);
int command_network_delete(struct posada *handle, const struct args *args);
int command_network_reset(struct posada *handle, const struct args *args);
int command_network_confirm(struct posada *handle, const struct args *args);
int command_storage_list(struct posada *handle, const struct args *args);
int command_pool_list(struct posada *handle, const struct args *args);
int command_pool_show(struct posada *handle, const struct args *args);
int command_pool_create(struct posada *handle, const struct args *args);
int command_pool_grow(struct posada *handle, const struct args *args);
int command_pool_attach(struct posada *handle, const struct args *args);
int command_pool_detach(struct posada *handle, const struct args *args);
int command_pool_delete(struct posada *handle, const struct args *args);
int command_pool_forget(struct posada *handle, const struct args *args);
int command_pool_check(struct posada *handle, const struct args *args);

#endif
