/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How guests look in a list, wherever there is one. */
#ifndef POSADA_GUESTS_H
#define POSADA_GUESTS_H

#include "posada.h"
#include "ui.h"

/* The state in the person's language. */
const char *guest_state_text(enum posada_state state);

void guest_heading(struct ui_lines *lines);
void guest_line(struct ui_lines *lines, const struct posada_guest *guest, enum ui_style style);

#endif
