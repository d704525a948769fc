/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the screens draw with; dialog.c implements it, and only it knows libdialog. */
#ifndef POSADA_UI_H
#define POSADA_UI_H

#include <libintl.h>
#include <stdbool.h>
#include <stddef.h>

#define _(text)	 gettext(text)
#define N_(text) text

#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))

/* Takes the terminal; title stands at the top of every screen. Exits without one. */
void ui_open(const char *title);
void ui_close(void);

/* Hands the terminal to another program, and takes it back with the screen whole. */
void ui_suspend(void);
void ui_resume(void);

/* --- Boxes: text may hold newlines; all return only when answered -------- */

void ui_message(const char *title, const char *text);
bool ui_yes_no(const char *title, const char *text);

/* A question with two ways to say yes: 0 for the first, 1 for the second, -1 for neither. */
int ui_either(const char *title, const char *text, const char *first, const char *second);

/* Shows text and returns at once: for what takes a moment. */
void ui_wait(const char *text);

struct ui_item {
	const char *name;
	const char *text;
};

/* selected is where the bar stands first, and then what was chosen. */
bool ui_menu(const char *title, const char *prompt, const struct ui_item *items, size_t count,
	size_t *selected);

/* buf holds what is offered, and then what was typed. */
bool ui_input(const char *title, const char *prompt, char *buf, size_t size);
bool ui_password(const char *title, const char *prompt, char *buf, size_t size);

struct ui_field {
	const char *label;
	char text[64];
};

bool ui_form(const char *title, const char *prompt, struct ui_field *fields, size_t count);

/* A bar for work that takes long; the same one is shown again until ui_gauge_end(). */
void ui_gauge(const char *title, const char *text, unsigned percent);
void ui_gauge_end(void);

/* Was a key pressed within this time? */
bool ui_key_within(unsigned ms);

/* A gauge that a key asks QUESTION of; false: yes, the work shall end. SHOWN is what it shows, at
 * first UI_GAUGE_NONE, as it is whenever there is none. */
#define UI_GAUGE_NONE 101
bool ui_gauge_goes_on(const char *title, const char *text, unsigned percent, unsigned *shown,
	const char *question);

/* --- Pages: the whole screen, filled again and again --------------------- */

enum ui_style {
	UI_PLAIN,
	UI_HEADING,
	UI_WARNING,
	UI_ROW, /* can be selected */
};

struct ui_lines;

/* Adds a line, wrapped where it is wider than the screen (a row is cut instead). */
__attribute__((format(printf, 3, 4))) void ui_add(
	struct ui_lines *lines, enum ui_style style, const char *format, ...);

struct ui_page {
	const char *title;
	const char *keys; /* the line at the bottom */
	unsigned refresh_ms;
	bool follow; /* begin at the end, and stay there as lines are added */
	void (*fill)(struct ui_lines *lines, void *opaque);
	void *opaque;
};

enum ui_key {
	UI_KEY_ENTER = -1,
	UI_KEY_BACK = -2,
	UI_KEY_MENU = -3,
};

/*
 * Shows a page until a key is pressed that it does not use itself: an ui_key, or
 * a letter in lower case. selected counts the rows; NULL where there are none.
 */
int ui_page_run(const struct ui_page *page, size_t *selected);

/* Copies text, cleaned, into exactly so many columns; returns buf. */
char *ui_cell(char *buf, size_t size, const char *text, unsigned columns);

#endif
