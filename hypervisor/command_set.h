/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How the settings of a guest are printed. */
#ifndef POSADA_COMMAND_SET_H
#define POSADA_COMMAND_SET_H

#include "json.h"
#include "posada.h"
#include "table.h"

void json_settings(struct json *json, const struct posada_settings *settings);
void add_settings_rows(struct table *table, const struct posada_settings *settings);

#endif
