/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The commands of the program posada, and what they are given. */
#ifndef POSADA_COMMANDS_H
#define POSADA_COMMANDS_H

#include <libintl.h>
#include "posada.h"

#define _(text)	 dgettext(POSADA_DOMAIN, text)
#define N_(text) text

#define OPTIONS_MAX 16
#define VALUES_MAX  32

enum exit_status {
	EXIT_DONE = 0,
	EXIT_FAILED = 1,
	EXIT_USAGE = 2,
};

struct option_entry {
	const char *name;
	const char *argument; /* what the value is called, NULL for a switch */
	const char *help;
};

/* What the command line holds beside the command's own words. */
struct args {
	const char *name; /* the guest, where the command takes one */
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
int command_guest_insert(struct posada *handle, const struct args *args);
int command_guest_eject(struct posada *handle, const struct args *args);
int command_guest_start(struct posada *handle, const struct args *args);
int command_guest_stop(struct posada *handle, const struct args *args);
int command_guest_kill(struct posada *handle, const struct args *args);
int command_guest_reboot(struct posada *handle, const struct args *args);
int command_guest_pause(struct posada *handle, const struct args *args);
int command_guest_resume(struct posada *handle, const struct args *args);
int command_guest_console(struct posada *handle, const struct args *args);
int command_guest_delete(struct posada *handle, const struct args *args);
int command_media_list(struct posada *handle, const struct args *args);
int command_network_list(struct posada *handle, const struct args *args);
int command_storage_list(struct posada *handle, const struct args *args);

#endif
