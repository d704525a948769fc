// SPDX-License-Identifier: GPL-2.0-or-later
// Draws boxes with libdialog and pages with curses beneath it, all in one look.
#define _XOPEN_SOURCE_EXTENDED 1
#include <ctype.h>
#include <dialog.h>
#include <poll.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <term.h>
#include <time.h>
#include <unistd.h>
#include <wchar.h>
/* curses and libdialog claim plain words. */
#undef lines
#undef columns
#undef _
#include "posada.h"
#include "ui.h"

#undef _
#define _(text) gettext(text)

/*
 * A slow serial line delivers the bytes of one arrow key far apart; taken for the
 * Escape key, the first of them would close the box.
 */
#define ESCAPE_WAIT_MS 500

/* So many empty reads in no time mean that the terminal is gone. */
#define EMPTY_READS_MAX 50

/* Wide enough to read, and at home on 80 columns. */
#define BOX_COLUMNS  68
#define TEXT_COLUMNS (BOX_COLUMNS - 4)
#define FRAME_LINES  2
#define BUTTON_LINES 2
/* A gauge keeps the height that it had first. */
#define GAUGE_LINES 4

#define ESCAPE 0x1b

#define INDENT 2

static const char *screen_title;
static void *gauge;
static char *gauge_text; /* what it shows now, NULL when it is hidden */

/* libdialog takes strings that it does not change, as char *. */
static char *loose(const char *text)
{
	return (char *)(uintptr_t)text;
}

/* --- The terminal ------------------------------------------------------- */

static void choose_terminal(void)
{
	int status;

	/* A TERM that nobody knows must not leave the host without a menu. */
	if (setupterm(NULL, STDOUT_FILENO, &status) != OK)
		setenv("TERM", "vt100", 1);
	else
		del_curterm(cur_term);
}

void ui_open(const char *title)
{
	screen_title = title;
	choose_terminal();
	dialog_state.no_mouse = TRUE;
	init_dialog(stdin, stdout);
	/* Under a box it shows what another box, of long ago, has there. */
	dialog_state.use_shadow = FALSE;
	if (!getenv("ESCDELAY"))
		set_escdelay(ESCAPE_WAIT_MS);
	keypad(stdscr, TRUE);
	curs_set(0);
}

void ui_close(void)
{
	end_dialog();
}

void ui_suspend(void)
{
	curs_set(1);
	def_prog_mode();
	endwin();
	/* endwin() leaves the cursor at the bottom, and curses' picture on the screen. */
	if (clear_screen)
		putp(clear_screen);
	fflush(stdout);
}

void ui_resume(void)
{
	reset_prog_mode();
	flushinp();
	clearok(curscr, TRUE);
	clear();
	refresh();
	curs_set(0);
}

/* --- Text ---------------------------------------------------------------- */

static unsigned columns_of(wchar_t c)
{
	int width = wcwidth(c);

	return width > 0 ? (unsigned)width : 0;
}

/* How many bytes of text fit into so many columns, and how many columns they take. */
static size_t fit(const char *text, unsigned columns, unsigned *taken)
{
	mbstate_t state = {0};
	size_t at = 0;

	*taken = 0;
	while (text[at]) {
		wchar_t c;
		size_t len = mbrtowc(&c, text + at, strlen(text + at), &state);
		unsigned width;

		if (len == (size_t)-1 || len == (size_t)-2) {
			memset(&state, 0, sizeof(state));
			len = 1;
			width = 1;
		} else {
			width = columns_of(c);
		}
		if (*taken + width > columns)
			break;
		*taken += width;
		at += len;
	}
	return at;
}

/* Where to break a line that is too wide: after a space, or else where it must be. */
static size_t break_at(const char *text, size_t most)
{
	size_t at;

	for (at = most; at > most / 2; at--)
		if (text[at] == ' ')
			return at;
	return most;
}

/*
 * Breaks text into lines of so many columns and counts them: libdialog finds the
 * height of a box only when it may choose the width as well. The caller's.
 */
static char *wrap(const char *text, unsigned columns, int *count)
{
	char *wrapped = malloc(2 * strlen(text) + 2);
	char *to = wrapped;

	*count = 1;
	if (!wrapped)
		return NULL;
	while (*text) {
		size_t paragraph = strcspn(text, "\n");
		unsigned taken;
		size_t len = fit(text, columns, &taken);

		if (len >= paragraph)
			len = paragraph;
		else
			len = break_at(text, len ? len : 1);
		memcpy(to, text, len);
		to += len;
		text += len;
		if (len == paragraph && !*text)
			break;
		text += *text == '\n' ? 1 : strspn(text, " ");
		*to++ = '\n';
		++*count;
	}
	*to = '\0';
	return wrapped;
}

/* --- Boxes -------------------------------------------------------------- */

/* Every box begins on an empty screen with nothing left of the one before. */
static void begin(const char *ok, const char *cancel)
{
	dlg_clr_result();
	memset(&dialog_vars, 0, sizeof(dialog_vars));
	dialog_vars.default_button = -1;
	dialog_vars.backtitle = loose(screen_title);
	dialog_vars.ok_label = loose(ok);
	dialog_vars.yes_label = loose(ok);
	dialog_vars.exit_label = loose(ok);
	dialog_vars.cancel_label = loose(cancel);
	dialog_vars.no_label = loose(cancel);
	/* Text is shown as it is: a name with a backslash in it is no command. */
	dialog_vars.cr_wrap = TRUE;
	dialog_vars.nocollapse = TRUE;
	dialog_vars.no_nl_expand = TRUE;
	dlg_clear();
	dlg_put_backtitle();
	refresh();
}

/* extra: what stands in the box beside its text and its frame. */
static int box_height(int lines, int extra)
{
	int height = FRAME_LINES + lines + extra;

	return height < LINES - 3 ? height : LINES - 3;
}

void ui_message(const char *title, const char *text)
{
	int lines;
	char *wrapped = wrap(text, TEXT_COLUMNS, &lines);

	begin(_("OK"), _("Back"));
	if (wrapped)
		dialog_msgbox(title, wrapped, box_height(lines, BUTTON_LINES), BOX_COLUMNS, 1);
	free(wrapped);
}

static int ask(const char *title, const char *text)
{
	int result = DLG_EXIT_ESC, lines;
	char *wrapped = wrap(text, TEXT_COLUMNS, &lines);

	if (wrapped)
		result = dialog_yesno(title, wrapped, box_height(lines, BUTTON_LINES), BOX_COLUMNS);
	free(wrapped);
	return result;
}

bool ui_yes_no(const char *title, const char *text)
{
	begin(_("Yes"), _("No"));
	dialog_vars.default_button = DLG_EXIT_CANCEL;
	return ask(title, text) == DLG_EXIT_OK;
}

int ui_either(const char *title, const char *text, const char *first, const char *second)
{
	begin(first, _("Back"));
	dialog_vars.extra_button = TRUE;
	dialog_vars.extra_label = loose(second);
	switch (ask(title, text)) {
	case DLG_EXIT_OK:
		return 0;
	case DLG_EXIT_EXTRA:
		return 1;
	default:
		return -1;
	}
}

void ui_wait(const char *text)
{
	int lines;
	char *wrapped = wrap(text, TEXT_COLUMNS, &lines);

	begin("", "");
	if (wrapped)
		dialog_msgbox("", wrapped, box_height(lines, 0), BOX_COLUMNS, 0);
	free(wrapped);
	refresh();
}

bool ui_menu(const char *title, const char *prompt, const struct ui_item *items, size_t count,
	size_t *selected)
{
	DIALOG_LISTITEM *list = calloc(count, sizeof(*list));
	int current = (int)*selected;
	int result = DLG_EXIT_ESC;
	size_t i;

	if (!list)
		return false;
	for (i = 0; i < count; i++) {
		list[i].name = loose(items[i].name);
		list[i].text = loose(items[i].text);
		list[i].help = dlg_strempty();
	}
	begin(_("Select"), _("Back"));
	if (*selected < count)
		dialog_vars.default_item = loose(items[*selected].name);
	result = dlg_menu(title, prompt, 0, 0, 0, (int)count, list, &current, dlg_dummy_menutext);
	free(list);
	if (result != DLG_EXIT_OK || current < 0 || (size_t)current >= count)
		return false;
	*selected = (size_t)current;
	return true;
}

static bool input(const char *title, const char *prompt, char *buf, size_t size, int password)
{
	int result = DLG_EXIT_ESC, lines;
	char *wrapped = wrap(prompt, TEXT_COLUMNS, &lines);

	begin(_("OK"), _("Back"));
	dialog_vars.insecure = TRUE;
	dialog_vars.max_input = (int)size - 1;
	curs_set(1);
	if (wrapped)
		result = dialog_inputbox(title, wrapped,
			box_height(lines, BUTTON_LINES + FRAME_LINES + 1), BOX_COLUMNS, buf,
			password);
	free(wrapped);
	curs_set(0);
	if (result == DLG_EXIT_OK)
		snprintf(buf, size, "%s", dialog_vars.input_result ? dialog_vars.input_result : "");
	if (password && dialog_vars.input_result)
		memset(dialog_vars.input_result, 0, strlen(dialog_vars.input_result));
	return result == DLG_EXIT_OK;
}

bool ui_input(const char *title, const char *prompt, char *buf, size_t size)
{
	return input(title, prompt, buf, size, 0);
}

bool ui_password(const char *title, const char *prompt, char *buf, size_t size)
{
	*buf = '\0';
	return input(title, prompt, buf, size, 1);
}

bool ui_form(const char *title, const char *prompt, struct ui_field *fields, size_t count)
{
	DIALOG_FORMITEM *items = calloc(count, sizeof(*items));
	int current = 0, widest = 0, result = DLG_EXIT_ESC, lines;
	char *wrapped = wrap(prompt, TEXT_COLUMNS, &lines);
	size_t i;

	if (!items || !wrapped) {
		free(items);
		free(wrapped);
		return false;
	}
	for (i = 0; i < count; i++)
		if (dlg_count_columns(fields[i].label) > widest)
			widest = dlg_count_columns(fields[i].label);
	for (i = 0; i < count; i++) {
		items[i].name = loose(fields[i].label);
		items[i].name_len = dlg_count_columns(fields[i].label);
		items[i].name_y = items[i].text_y = (int)i;
		items[i].text = dlg_strclone(fields[i].text);
		items[i].text_free = TRUE;
		items[i].text_x = widest + 2;
		items[i].text_flen = 20;
		items[i].text_ilen = (int)sizeof(fields[i].text) - 1;
		items[i].help = dlg_strempty();
	}
	begin(_("OK"), _("Back"));
	curs_set(1);
	result =
		dlg_form(title, wrapped, box_height(lines, BUTTON_LINES + FRAME_LINES + (int)count),
			BOX_COLUMNS, (int)count, (int)count, items, &current);
	free(wrapped);
	curs_set(0);
	for (i = 0; i < count; i++) {
		if (result == DLG_EXIT_OK)
			snprintf(fields[i].text, sizeof(fields[i].text), "%s", items[i].text);
		if (items[i].text_free)
			free(items[i].text);
	}
	free(items);
	return result == DLG_EXIT_OK;
}

/*
 * libdialog 1.3 reads a gauge after freeing it when one is let go, so there is
 * one for the life of the program.
 */
void ui_gauge(const char *title, const char *text, unsigned percent)
{
	static char *wrapped;
	int lines, height = box_height(GAUGE_LINES, FRAME_LINES + 1);

	if (!gauge_text || strcmp(gauge_text, text) != 0) {
		free(gauge_text);
		free(wrapped);
		gauge_text = strdup(text);
		wrapped = wrap(text, TEXT_COLUMNS, &lines);
		if (!gauge_text || !wrapped)
			return;
		begin("", "");
		gauge = gauge ? dlg_reallocate_gauge(
					gauge, title, wrapped, height, BOX_COLUMNS, (int)percent)
			      : dlg_allocate_gauge(
					title, wrapped, height, BOX_COLUMNS, (int)percent);
	}
	dlg_update_gauge(gauge, (int)percent);
}

void ui_gauge_end(void)
{
	free(gauge_text);
	gauge_text = NULL;
	dlg_clear();
	refresh();
}

bool ui_key_within(unsigned ms)
{
	/* Who reads a key from a window has it drawn, over a gauge that is there; a pad never is.
	 */
	static WINDOW *pad;
	int key;

	if (!pad)
		pad = newpad(1, 1);
	if (!pad)
		return false;
	keypad(pad, TRUE);
	wtimeout(pad, (int)ms);
	key = wgetch(pad);
	return key != ERR && key != KEY_RESIZE;
}

bool ui_gauge_goes_on(const char *title, const char *text, unsigned percent, unsigned *shown,
	const char *question)
{
	/* Drawing takes longer than most pieces of the work. */
	if (percent != *shown)
		ui_gauge(title, text, percent);
	*shown = percent;
	if (!ui_key_within(0))
		return true;
	ui_gauge_end();
	*shown = UI_GAUGE_NONE;
	return !ui_yes_no(title, question);
}

/* --- Pages -------------------------------------------------------------- */

struct line {
	enum ui_style style;
	char *text;
};

struct ui_lines {
	struct line *items;
	size_t count, room;
	size_t rows;
	unsigned columns;
};

char *ui_cell(char *buf, size_t size, const char *text, unsigned columns)
{
	char clean[512];
	unsigned taken;
	size_t len;

	posada_text_clean(text, clean, sizeof(clean));
	len = fit(clean, columns, &taken);
	snprintf(buf, size, "%.*s%*s", (int)len, clean, (int)(columns - taken), "");
	return buf;
}

static void add_line(struct ui_lines *lines, enum ui_style style, const char *text, size_t len)
{
	if (lines->count == lines->room) {
		size_t room = lines->room ? lines->room * 2 : 64;
		struct line *items = realloc(lines->items, room * sizeof(*items));

		if (!items)
			return;
		lines->items = items;
		lines->room = room;
	}
	lines->items[lines->count].text = strndup(text, len);
	lines->items[lines->count].style = style;
	if (lines->items[lines->count].text)
		lines->count++;
}

void ui_add(struct ui_lines *lines, enum ui_style style, const char *format, ...)
{
	char raw[2048], text[2048];
	const char *at = text;
	va_list args;

	va_start(args, format);
	vsnprintf(raw, sizeof(raw), format, args);
	va_end(args);
	posada_text_clean(raw, text, sizeof(text));
	if (style == UI_ROW)
		lines->rows++;
	for (;;) {
		unsigned taken;
		size_t len = fit(at, lines->columns, &taken);

		if (!at[len] || style == UI_ROW || !len) {
			add_line(lines, style, at, len);
			return;
		}
		len = break_at(at, len);
		add_line(lines, style, at, len);
		at += len;
		at += strspn(at, " ");
	}
}

static void free_lines(struct ui_lines *lines)
{
	size_t i;

	for (i = 0; i < lines->count; i++)
		free(lines->items[i].text);
	free(lines->items);
	memset(lines, 0, sizeof(*lines));
}

/* White on blue, the bars the other way round; without colours reverse and bold. */
static attr_t body_attr(void)
{
	return has_colors() ? dlg_color_pair(COLOR_WHITE, COLOR_BLUE) : A_NORMAL;
}

static attr_t bar_attr(void)
{
	return has_colors() ? dlg_color_pair(COLOR_BLUE, COLOR_WHITE) : A_REVERSE;
}

static attr_t style_attr(enum ui_style style)
{
	switch (style) {
	case UI_HEADING:
		return body_attr() | A_BOLD;
	case UI_WARNING:
		return (has_colors() ? dlg_color_pair(COLOR_YELLOW, COLOR_BLUE) : A_NORMAL) |
		       A_BOLD;
	default:
		return body_attr();
	}
}

static void draw_text(int y, int x, attr_t attr, const char *text, unsigned columns)
{
	char cell[1024];

	ui_cell(cell, sizeof(cell), text, columns);
	attrset((int)attr);
	mvaddstr(y, x, cell);
}

static void draw_bar(int y, const char *left, const char *right)
{
	unsigned columns = (unsigned)COLS;
	unsigned left_columns, right_columns;

	fit(left, columns, &left_columns);
	fit(right, columns, &right_columns);
	draw_text(y, 0, bar_attr(), "", columns);
	draw_text(y, 1, bar_attr(), left, left_columns < columns - 1 ? left_columns : columns - 1);
	if (left_columns + right_columns + 4 < columns)
		draw_text(y, (int)(columns - right_columns - 1), bar_attr(), right, right_columns);
}

struct view {
	size_t top;
	size_t selected;
	bool at_end;
};

/* What can be seen between the bars at the top and at the bottom. */
static size_t view_height(void)
{
	return LINES > 4 ? (size_t)LINES - 4 : 1;
}

static void keep_in_view(struct view *view, const struct ui_lines *lines)
{
	size_t height = view_height();
	size_t last = lines->count > height ? lines->count - height : 0;
	size_t i, row = 0;

	if (view->selected >= lines->rows)
		view->selected = lines->rows ? lines->rows - 1 : 0;
	if (view->at_end || view->top > last)
		view->top = last;
	for (i = 0; i < lines->count; i++) {
		if (lines->items[i].style != UI_ROW || row++ != view->selected)
			continue;
		if (i < view->top)
			view->top = i;
		if (i >= view->top + height)
			view->top = i - height + 1;
	}
}

static void draw_page(const struct ui_page *page, const struct ui_lines *lines, struct view *view)
{
	size_t height = view_height();
	size_t i, row = 0;
	char more[32] = "";

	keep_in_view(view, lines);
	bkgdset((chtype)' ' | body_attr());
	erase();
	if (lines->count > height)
		snprintf(more, sizeof(more), "%zu-%zu/%zu", view->top + 1,
			view->top + height < lines->count ? view->top + height : lines->count,
			lines->count);
	draw_bar(0, page->title, screen_title);
	for (i = 0; i < lines->count; i++) {
		const struct line *line = &lines->items[i];
		bool chosen = line->style == UI_ROW && row++ == view->selected;

		if (i < view->top || i >= view->top + height)
			continue;
		draw_text((int)(i - view->top) + 2, INDENT,
			chosen ? bar_attr() | A_BOLD : style_attr(line->style), line->text,
			lines->columns);
	}
	draw_bar(LINES - 1, page->keys, more);
	refresh();
}

static void move_to_end(struct view *view, const struct ui_lines *lines)
{
	view->selected = lines->rows ? lines->rows - 1 : 0;
	view->top = lines->count;
}

/* Returns true for a key that the page uses itself. */
static bool move_view(struct view *view, const struct ui_lines *lines, bool follow, int key)
{
	size_t height = view_height();
	size_t step = key == KEY_NPAGE || key == KEY_PPAGE ? height : 1;
	size_t last = lines->count > height ? lines->count - height : 0;
	size_t *at = lines->rows ? &view->selected : &view->top;

	switch (key) {
	case KEY_UP:
	case KEY_PPAGE:
		*at -= *at < step ? *at : step;
		if (lines->rows && !view->selected)
			view->top = 0;
		break;
	case KEY_DOWN:
	case KEY_NPAGE:
		*at += step;
		break;
	case KEY_HOME:
		*at = view->top = 0;
		break;
	case KEY_END:
		move_to_end(view, lines);
		break;
	case KEY_RESIZE:
		break;
	default:
		return false;
	}
	if (view->top > last)
		view->top = last;
	view->at_end = follow && view->top == last;
	return true;
}

static int meaning_of(int key)
{
	switch (key) {
	case '\n':
	case '\r':
	case KEY_ENTER:
		return UI_KEY_ENTER;
	case ESCAPE:
	case KEY_LEFT:
	case KEY_BACKSPACE:
		return UI_KEY_BACK;
	case KEY_F(2):
		return UI_KEY_MENU;
	default:
		return key > ' ' && key < 0x7f ? tolower(key) : 0;
	}
}

int ui_page_run(const struct ui_page *page, size_t *selected)
{
	struct view view = {.selected = selected ? *selected : 0, .at_end = page->follow};
	struct ui_lines lines = {0};
	unsigned empty_reads = 0;
	int meaning = 0;

	curs_set(0);
	while (!meaning) {
		struct timespec before, after;
		int key;

		free_lines(&lines);
		lines.columns = COLS > 2 * INDENT ? (unsigned)COLS - 2 * INDENT : 1;
		page->fill(&lines, page->opaque);
		draw_page(page, &lines, &view);

		clock_gettime(CLOCK_MONOTONIC, &before);
		wtimeout(stdscr, page->refresh_ms ? (int)page->refresh_ms : -1);
		key = wgetch(stdscr);
		clock_gettime(CLOCK_MONOTONIC, &after);
		if (key == ERR) {
			bool at_once = after.tv_sec - before.tv_sec < 1;

			empty_reads = at_once ? empty_reads + 1 : 0;
			if (empty_reads > EMPTY_READS_MAX) {
				ui_close();
				exit(EXIT_SUCCESS);
			}
			continue;
		}
		empty_reads = 0;
		if (!move_view(&view, &lines, page->follow, key))
			meaning = meaning_of(key);
	}
	wtimeout(stdscr, -1);
	free_lines(&lines);
	if (selected)
		*selected = view.selected;
	return meaning;
}
