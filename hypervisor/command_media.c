// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the program posada on the media library.
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "commands.h"
#include "json.h"
#include "table.h"

static const char *const fault_names[] = {
	[POSADA_SOUND] = NULL,
	[POSADA_CUT_OFF] = "cut off",
	[POSADA_UNBOOTABLE] = "not bootable",
};

/* On a terminal a line that counts; a pipe gets nothing. */
static bool show_progress(void *opaque, uint64_t done, uint64_t total)
{
	unsigned *last = opaque, now = (unsigned)(total ? done * 100 / total : done >> 20);
	char size[32];

	if (now == *last || !isatty(STDERR_FILENO))
		return true;
	*last = now;
	if (total)
		fprintf(stderr, "\r%3u %% ", now);
	else
		fprintf(stderr, "\r%s ", posada_size_text(done, size, sizeof(size)));
	return true;
}

static void end_progress(void)
{
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
}

static const char *starts_on(const struct posada_media_file *file)
{
	if (file->type != POSADA_ISO)
		return "-";
	if (file->fault == POSADA_CUT_OFF)
		return _("is cut off");
	if (file->bios)
		return file->uefi ? "BIOS, UEFI" : "BIOS";
	return file->uefi ? "UEFI" : _("nothing");
}

static void json_media(const struct posada_media *media)
{
	struct json json = {.out = stdout};
	size_t i;

	json_open(&json, NULL, '[');
	for (i = 0; i < media->count; i++) {
		const struct posada_media_file *file = &media->items[i];

		json_open(&json, NULL, '{');
		json_string(&json, "name", file->name);
		json_string(&json, "path", file->path);
		json_string(&json, "type", posada_medium_name(file->type));
		json_number(&json, "bytes", (int64_t)file->bytes);
		json_string(&json, "source", file->source);
		json_string(&json, "sha256", *file->sha256 ? file->sha256 : NULL);
		json_bool(&json, "bios", file->bios);
		json_bool(&json, "uefi", file->uefi);
		json_string(&json, "fault", fault_names[file->fault]);
		json_close(&json, '}');
	}
	json_close(&json, ']');
}

static int print_media(const struct posada_media *media)
{
	struct table table = {.columns = 6};
	char size[32];
	size_t i;

	if (!media->count) {
		printf(_("There are no media. Copy ISO images and kernels into %s, download them with \"posada media add\", or plug in a stick with ISO images.\n"),
			POSADA_MEDIA);
		return EXIT_DONE;
	}
	table_row(&table, _("NAME"), _("TYPE"), _("SIZE"), _("STARTS"), _("SOURCE"), _("SHA256"));
	for (i = 0; i < media->count; i++) {
		const struct posada_media_file *file = &media->items[i];

		table_row(&table, file->name, _(posada_medium_name(file->type)),
			posada_size_text(file->bytes, size, sizeof(size)), starts_on(file),
			file->source ? file->source : _("library"),
			*file->sha256 ? file->sha256 : NULL);
	}
	return finish_table(&table);
}

int command_media_list(struct posada *handle, const struct args *args)
{
	struct posada_media media;
	struct posada_error err;
	int status = EXIT_DONE;
	size_t i;

	(void)handle;
	if (posada_media_list(&media, &err))
		return failed(&err);
	for (i = 0; i < media.count && args_get(args, "checksum"); i++) {
		unsigned last = 101;

		if (*media.items[i].sha256)
			continue;
		if (posada_media_sum(&media.items[i], show_progress, &last, &err))
			status = failed(&err);
		end_progress();
	}
	if (*media.left_out)
		fprintf(stderr,
			_("posada: %s: left out, for another stick has the same identity. Pull that one out to see what is on a copy.\n"),
			media.left_out);
	if (args_get(args, "json"))
		json_media(&media);
	else if (print_media(&media))
		status = EXIT_FAILED;
	posada_media_free(&media);
	return status;
}

int command_media_add(struct posada *handle, const struct args *args)
{
	unsigned last = 101;
	const struct posada_media_wish wish = {
		.name = args_get(args, "name"),
		.sha256 = args_get(args, "sha256"),
		.progress = show_progress,
		.opaque = &last,
	};
	struct posada_media_file file;
	struct posada_error err;
	char path[512], text[256];
	int ret;

	(void)handle;
	ret = posada_media_add(args->name, &wish, path, sizeof(path), &err);
	if (last != 101)
		end_progress();
	if (ret) {
		failed(&err);
		if (ret == -EEXIST || ret == -ENAMETOOLONG)
			fputs(_("posada: --name gives it another name.\n"), stderr);
		return EXIT_FAILED;
	}
	printf(_("%s is in the library.\n"), path);
	if (posada_media_is_unchecked(args->name, &wish))
		puts(_("The server's identity was not checked. Compare the SHA-256 that \"posada media list\" shows with the publisher's."));
	if (!posada_media_look(path, &file, NULL) && file.fault)
		printf("%s\n", posada_fault_text(&file, text, sizeof(text)));
	return EXIT_DONE;
}

int command_media_remove(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	if (posada_media_remove(handle, args->name, &err))
		return failed(&err);
	puts(_("It is removed."));
	return EXIT_DONE;
}

int command_media_check(struct posada *handle, const struct args *args)
{
	struct posada_error err;

	(void)args;
	return posada_media_check(handle, &err) ? failed(&err) : EXIT_DONE;
}
