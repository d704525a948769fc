// SPDX-License-Identifier: GPL-2.0-or-later
// The media library: its list, putting one in with a gauge, and what can be done with one.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include "menu.h"
#include "ui.h"

/* --- The list ----------------------------------------------------------- */

static const char *remark(const struct posada_media_file *file)
{
	if (file->fault == POSADA_CUT_OFF)
		return _("is cut off");
	if (file->fault == POSADA_UNBOOTABLE)
		return _("does not start");
	return file->source ? file->source : _("library");
}

static void add_columns(struct ui_lines *lines, enum ui_style style, const char *name,
	const char *type, const char *size, const char *rest)
{
	char a[160], b[48], c[48];

	ui_add(lines, style, "%s %s %s %s", ui_cell(a, sizeof(a), name, 36),
		ui_cell(b, sizeof(b), type, 8), ui_cell(c, sizeof(c), size, 11), rest);
}

static void fill(struct ui_lines *lines, void *opaque)
{
	const struct posada_media *media = opaque;
	char size[32], clean[160];

	ui_add(lines, UI_ROW, "%s", _("Download or copy one ..."));
	ui_add(lines, UI_PLAIN, " ");
	if (media->count)
		add_columns(lines, UI_HEADING, _("Medium"), _("Type"), _("Size"), _("Where"));
	else
		ui_add(lines, UI_HEADING, "%s",
			_("There are no media. Add one, or plug in a stick with ISO images and press r."));
	for (size_t i = 0; i < media->count; i++) {
		const struct posada_media_file *file = &media->items[i];

		add_columns(lines, UI_ROW, file->name, _(posada_medium_name(file->type)),
			posada_size_text(file->bytes, size, sizeof(size)),
			posada_text_clean(remark(file), clean, sizeof(clean)));
	}
	if (*media->left_out)
		ui_add(lines, UI_PLAIN, _("Left out, as copies of another stick: %s"),
			media->left_out);
}

static void load(struct posada_media *media)
{
	struct posada_error err;

	ui_wait(_("Looking at the library and at sticks ..."));
	posada_media_free(media);
	if (posada_media_list(media, &err))
		ui_message(_("Media"), err.text);
}

void media_run(struct app *app)
{
	struct posada_media media = {0};
	const struct ui_page page = {
		.title = _("Media"),
		.keys = _("<Enter> Choose   <Up>/<Down> Move   <r> Look again   <Esc> Back"),
		.fill = fill,
		.opaque = &media,
	};
	size_t row = 0;
	int key;

	load(&media);
	do {
		key = ui_page_run(&page, &row);
		if (key == UI_KEY_ENTER && row && row <= media.count) {
			app->medium = &media.items[row - 1];
			posada_text_clean(app->medium->name, app->item, sizeof(app->item));
			menu_run(&medium_menu, app);
			*app->item = '\0';
			app->medium = NULL;
		} else if (key == UI_KEY_ENTER && !row) {
			medium_add_run(app);
		}
		if (key == UI_KEY_ENTER || key == 'r')
			load(&media);
	} while (key != UI_KEY_BACK && key != 'q');
	posada_media_free(&media);
}

bool when_unsummed(const struct app *app)
{
	return app->medium && !*app->medium->sha256;
}

bool when_in_library(const struct app *app)
{
	return app->medium && !app->medium->source;
}

/* --- Work with a gauge -------------------------------------------------- */

struct gauge {
	const char *title, *doing;
	unsigned last;
};

static bool show_progress(void *opaque, uint64_t done, uint64_t total)
{
	struct gauge *gauge = opaque;
	/* Where the end is not known the bar stays empty, and the figure grows. */
	unsigned now = (unsigned)(total ? done * 100 / total : done >> 20);
	char text[512], size[32], whole[32];

	if (now != gauge->last) {
		gauge->last = now;
		posada_size_text(done, size, sizeof(size));
		if (total)
			snprintf(text, sizeof(text), _("%s\n%s of %s. Any key cancels."),
				gauge->doing, size, posada_size_text(total, whole, sizeof(whole)));
		else
			snprintf(text, sizeof(text), _("%s\n%s so far. Any key cancels."),
				gauge->doing, size);
		ui_gauge(gauge->title, text, total && now < 100 ? now : total ? 100 : 0);
	}
	return !ui_key_within(0);
}

void medium_add_run(struct app *app)
{
	char from[1024] = "", sum[80] = "", name[256] = "", path[512], text[1024], clean[512];
	struct gauge gauge = {_("Add a medium"), text, 101};
	struct posada_media_wish wish = {.progress = show_progress, .opaque = &gauge};
	struct posada_media_file file;
	struct posada_error err;
	int ret;

	(void)app;
	if (!ui_input(_("Add a medium"),
		    _("The address of an image (http:// or https://), or the path of a file:"),
		    from, sizeof(from)) ||
		!*from ||
		!ui_input(_("Add a medium"),
			_("The SHA-256 checksum that it must have. It may be empty, but a server's identity is not checked:"),
			sum, sizeof(sum)))
		return;
	wish.sha256 = *sum ? sum : NULL;
	snprintf(text, sizeof(text), "%s", posada_text_clean(from, clean, sizeof(clean)));
	do {
		gauge.last = UI_GAUGE_NONE;
		ui_gauge(gauge.title, text, 0);
		ret = posada_media_add(from, &wish, path, sizeof(path), &err);
		ui_gauge_end();
		/* Another name may do. */
		wish.name = name;
	} while ((ret == -EEXIST || ret == -ENAMETOOLONG) &&
		 ui_input(_("Add a medium"), err.text, name, sizeof(name)));
	if (ret == -EEXIST || ret == -ENAMETOOLONG)
		return;
	if (ret) {
		ui_message(_("Add a medium"), err.text);
		return;
	}
	snprintf(text, sizeof(text), _("%s is in the library."), path);
	if (posada_media_is_unchecked(from, &wish))
		snprintf(text + strlen(text), sizeof(text) - strlen(text), "\n%s",
			_("The server's identity was not checked. Compare its SHA-256 with the publisher's."));
	if (!posada_media_look(path, &file, NULL) && file.fault) {
		size_t used = strlen(text);

		text[used++] = '\n';
		posada_fault_text(&file, text + used, sizeof(text) - used);
	}
	ui_message(_("Add a medium"), text);
}

void medium_sum_run(struct app *app)
{
	struct posada_media_file file = *app->medium;
	struct gauge gauge = {app->item, _("Reading it ..."), 101};
	struct posada_error err;
	int ret;

	ui_gauge(gauge.title, gauge.doing, 0);
	ret = posada_media_sum(&file, show_progress, &gauge, &err);
	ui_gauge_end();
	ui_message(app->item, ret ? err.text : file.sha256);
}

/* --- What can be done with one ------------------------------------------ */

static void fill_details(struct ui_lines *lines, void *opaque)
{
	const struct posada_media_file *file = opaque;
	char size[32], text[256], clean[512];

	ui_add(lines, UI_PLAIN, _("Path          %s"),
		posada_text_clean(file->path, clean, sizeof(clean)));
	ui_add(lines, UI_PLAIN, _("Where         %s"), file->source ? file->source : _("library"));
	ui_add(lines, UI_PLAIN, _("Type          %s"), _(posada_medium_name(file->type)));
	ui_add(lines, UI_PLAIN, _("Size          %s"),
		posada_size_text(file->bytes, size, sizeof(size)));
	if (file->type == POSADA_ISO)
		ui_add(lines, UI_PLAIN, _("Starts with   %s"),
			file->bios && file->uefi ? "BIOS, UEFI"
			: file->bios		 ? "BIOS"
			: file->uefi		 ? "UEFI"
						 : _("nothing"));
	ui_add(lines, UI_PLAIN, _("SHA-256       %s"), *file->sha256 ? file->sha256 : "-");
	if (posada_fault_text(file, text, sizeof(text)))
		ui_add(lines, UI_WARNING, "! %s", text);
}

void medium_show_run(struct app *app)
{
	const struct ui_page page = {
		.title = app->item,
		.keys = _("<Enter> or <Esc> Back"),
		.fill = fill_details,
		.opaque = (void *)app->medium,
	};
	int key;

	do {
		key = ui_page_run(&page, NULL);
	} while (key != UI_KEY_BACK && key != UI_KEY_ENTER && key != 'q');
}

void medium_remove_run(struct app *app)
{
	struct posada_error err;

	if (!ui_yes_no(app->item, _("Delete this medium from the library?")))
		return;
	if (posada_media_remove(app->host, app->medium->name, &err))
		ui_message(app->item, err.text);
}
