/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The settings of the host, in one INI file that people may edit. */
#ifndef POSADA_SETTINGS_H
#define POSADA_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

#define SETTINGS_FILE  "/etc/posada/posada.conf"
#define SETTINGS_VALUE 256
#define SETTINGS_TEXT  512

/* One setting: "host.name" is "name" in the section "[host]". */
struct setting {
	const char *key;
	const char *initial; /* its value until one is set */
	const char *help;
	const char *wants; /* what is right for it, as the end of a sentence */
	bool secret;	   /* not shown unless asked for by name */
	bool (*is_right)(const char *value);
};

/* All there are, ended by one without a key. */
extern const struct setting settings[];

/* NULL when there is none of that name. */
const struct setting *settings_find(const char *key);

/*
 * The value of a setting as FILE has it, or its initial one. Returns 0, -errno of the reading, or
 * -EINVAL with the reason in WHY when FILE is no INI file or the value is wrong; VALUE is the
 * initial one then.
 */
int settings_get(const char *file, const struct setting *setting, char value[SETTINGS_VALUE],
	char why[SETTINGS_TEXT]);

struct setting_value {
	const struct setting *setting;
	const char *value;
};

/*
 * Set it, atomically; whatever else FILE has, comments too, stays. Returns 0, -EINVAL when VALUE is
 * wrong, or -errno, with WHY.
 */
int settings_set(const char *file, const struct setting *setting, const char *value,
	char why[SETTINGS_TEXT]);

/* The same for several: all of them, or none. */
int settings_set_all(const char *file, const struct setting_value *values, size_t count,
	char why[SETTINGS_TEXT]);

#endif
