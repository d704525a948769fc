/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The name of what is about to be made. */
#ifndef POSADA_NAME_H
#define POSADA_NAME_H

#include "menu.h"

/* They ask until the name is legal and free; false: the person changed their mind. */
bool name_ask_guest(struct app *app, const char *title, char *name, size_t size);
bool name_ask_pool(struct app *app, const char *title, char *name, size_t size);
bool name_ask_network(struct app *app, const char *title, char *name, size_t size);

#endif
