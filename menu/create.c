// SPDX-License-Identifier: GPL-2.0-or-later
// The short wizard that makes a guest: one question per step, Back goes one back.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "copying.h"
#include "guests.h"
#include "menu.h"
#include "name.h"
#include "seedpage.h"
#include "ui.h"
#include "watch.h"

#define CHOICES_MAX    64
#define PATH_SIZE      1024
#define DEFAULT_MEMORY "512M"
#define DEFAULT_DISK   "4G"
#define DEFAULT_BYTES  (UINT64_C(4) << 30)

enum source {
	FROM_KERNEL,
	FROM_ISO,
	FROM_DISK,
	FROM_NETWORK,
	SOURCES,
};

struct draft {
	struct app *app;
	char name[POSADA_NAME_MAX + 1];
	bool automatic; /* the kind is chosen for what it starts from */
	enum posada_kind kind;
	bool uefi;
	enum source source;
	char kernel[PATH_SIZE], initrd[PATH_SIZE], cmdline[1024];
	char iso[PATH_SIZE], disk[PATH_SIZE];
	bool copy; /* the guest gets a disk of its own with what DISK has */
	char memory[64], vcpus[64], new_disk[64];
	char network[64];
	char pool[POSADA_NAME_MAX + 1];
	const char *format; /* of a new disk that is a file, or NULL */
	struct seed_page seed;
};

static const char *const kind_texts[POSADA_KINDS] = {
	[POSADA_PV] = N_("Xen, paravirtual: runs on every processor"),
	[POSADA_PVH] = N_("Xen, paravirtual with hardware help: fast and small"),
	[POSADA_HVM] = N_("Xen, a whole PC: for any system, from an ISO image"),
	[POSADA_QEMU] = N_("Plain QEMU, a whole PC without Xen"),
};

static const char *const source_names[SOURCES] = {
	[FROM_KERNEL] = N_("Kernel"),
	[FROM_ISO] = N_("ISO image"),
	[FROM_DISK] = N_("Disk"),
	[FROM_NETWORK] = N_("Network"),
};

static const char *const source_texts[SOURCES] = {
	[FROM_KERNEL] = N_("A Linux kernel and its initrd"),
	[FROM_ISO] = N_("An installer or a live system on a CD"),
	[FROM_DISK] = N_("A disk image with a system and a boot loader"),
	[FROM_NETWORK] = N_("What a server on the network has for it (PXE)"),
};

static unsigned possible_sources(const struct draft *draft)
{
	static const unsigned sources[POSADA_KINDS] = {
		[POSADA_PV] = 1u << FROM_KERNEL | 1u << FROM_DISK,
		[POSADA_PVH] = 1u << FROM_KERNEL | 1u << FROM_DISK,
		[POSADA_HVM] = 1u << FROM_ISO | 1u << FROM_DISK | 1u << FROM_NETWORK,
		[POSADA_QEMU] = (1u << SOURCES) - 1,
	};

	return draft->automatic ? (1u << SOURCES) - 1 : sources[draft->kind];
}

/* --- Questions ---------------------------------------------------------- */

static bool ask_name(struct draft *draft)
{
	return name_ask_guest(draft->app, _("New guest"), draft->name, sizeof(draft->name));
}

static bool ask_kind(struct draft *draft)
{
	enum posada_kind kinds[POSADA_KINDS + 1];
	struct ui_item items[POSADA_KINDS + 1];
	unsigned possible = posada_kinds(draft->app->host);
	size_t count = 0, selected = 0, i;

	items[count].name = "auto";
	items[count++].text = _("What fits best to what it starts from");
	for (i = 0; i < POSADA_KINDS; i++) {
		if (!(possible & 1u << i))
			continue;
		if (!draft->automatic && draft->kind == (enum posada_kind)i)
			selected = count;
		kinds[count] = (enum posada_kind)i;
		items[count].name = posada_kind_name((enum posada_kind)i);
		items[count++].text = _(kind_texts[i]);
	}
	if (!ui_menu(_("New guest"), _("Which kind of guest?"), items, count, &selected))
		return false;
	draft->automatic = !selected;
	if (selected)
		draft->kind = kinds[selected];
	return true;
}

static bool ask_source(struct draft *draft)
{
	enum source sources[SOURCES];
	struct ui_item items[SOURCES];
	size_t count = 0, selected = 0, i;

	for (i = 0; i < SOURCES; i++) {
		if (!(possible_sources(draft) & 1u << i))
			continue;
		if (draft->source == (enum source)i)
			selected = count;
		sources[count] = (enum source)i;
		items[count].name = _(source_names[i]);
		items[count++].text = _(source_texts[i]);
	}
	if (!ui_menu(_("New guest"), _("What does it start from?"), items, count, &selected))
		return false;
	draft->source = sources[selected];
	/* What has a system needs no empty disk besides, and a copy is as large as its image. */
	if (draft->source == FROM_DISK && !strcmp(draft->new_disk, DEFAULT_DISK))
		*draft->new_disk = '\0';
	return true;
}

/*
 * Offers the media of a type, and a line to type a path in. With none_text one
 * can also do without, which leaves path empty.
 */
static bool ask_file(
	const char *prompt, enum posada_medium type, const char *none_text, char path[PATH_SIZE])
{
	struct ui_item items[CHOICES_MAX + 2];
	size_t files[CHOICES_MAX];
	struct posada_media media;
	char names[CHOICES_MAX][64], texts[CHOICES_MAX][256];
	char size[32], fault[192];
	size_t count = 0, selected = 0, i;
	bool answered;

	if (posada_media_list(&media, NULL))
		memset(&media, 0, sizeof(media));
	for (i = 0; i < media.count && count < CHOICES_MAX; i++) {
		if (media.items[i].type != type)
			continue;
		if (!strcmp(media.items[i].path, path))
			selected = count;
		files[count] = i;
		items[count].name =
			posada_text_clean(media.items[i].name, names[count], sizeof(names[0]));
		posada_size_text(media.items[i].bytes, size, sizeof(size));
		if (!posada_fault_text(&media.items[i], fault, sizeof(fault)))
			posada_text_clean(media.items[i].source ? media.items[i].source : "", fault,
				sizeof(fault));
		snprintf(texts[count], sizeof(texts[0]), "%s  %s", size, fault);
		items[count].text = texts[count];
		count++;
	}
	items[count].name = _("Other");
	items[count].text = _("Type the path of a file");
	items[count + 1].name = _("None");
	items[count + 1].text = none_text;
	answered = ui_menu(_("New guest"), prompt, items, count + (none_text ? 2 : 1), &selected);
	if (answered && selected < count)
		snprintf(path, PATH_SIZE, "%s", media.items[files[selected]].path);
	else if (answered && selected == count)
		answered = ui_input(_("New guest"), prompt, path, PATH_SIZE);
	else if (answered)
		*path = '\0';
	posada_media_free(&media);
	return answered;
}

static bool ask_copy(struct draft *draft)
{
	const struct ui_item items[] = {
		{_("Copy"), _("A disk of its own, copied from the image, which stays as it is")},
		{_("Image"), _("The image itself: the guest writes to it")},
	};
	size_t selected = !draft->copy;

	if (!ui_menu(_("New guest"), _("Which disk does the guest get?"), items, ARRAY_SIZE(items),
		    &selected))
		return false;
	draft->copy = selected == 0;
	return true;
}

static bool ask_firmware(struct draft *draft)
{
	const struct ui_item items[] = {
		{"BIOS", _("For every system that starts from a boot sector")},
		{"UEFI", _("For systems that start by it only; it forgets its settings under Xen")},
	};
	size_t selected = draft->uefi;

	if (draft->automatic || (draft->kind != POSADA_HVM && draft->kind != POSADA_QEMU))
		return true;
	if (!ui_menu(_("New guest"), _("Which firmware?"), items, ARRAY_SIZE(items), &selected))
		return false;
	draft->uefi = selected == 1;
	return true;
}

static bool ask_boot(struct draft *draft)
{
	switch (draft->source) {
	case FROM_KERNEL:
		return ask_file(_("Which kernel?"), POSADA_KERNEL, NULL, draft->kernel) &&
		       ask_file(_("Which initrd?"), POSADA_INITRD, _("Start without an initrd"),
			       draft->initrd) &&
		       ui_input(_("New guest"), _("The kernel's command line (may be empty)."),
			       draft->cmdline, sizeof(draft->cmdline));
	case FROM_ISO:
		return ask_file(_("Which ISO image?"), POSADA_ISO, NULL, draft->iso) &&
		       ask_firmware(draft);
	case FROM_NETWORK:
		return ask_firmware(draft);
	default:
		/* GRUB 2.12 for Xen unpacks neither; elsewhere the kernel does it itself. */
		return ask_file(
			       draft->kind == POSADA_PV && !draft->automatic
				       ? _("Which disk image? As PV, no kernel starts that is packed with zstd or LZ4, such as Debian 13's: take PVH for it.")
				       : _("Which disk image?"),
			       POSADA_DISK, NULL, draft->disk) &&
		       ask_copy(draft) && ask_firmware(draft);
	}
}

/* Not every source asks more: a step that asks nothing could not be gone back over. */
static bool ask_source_and_boot(struct draft *draft)
{
	while (ask_source(draft))
		if (ask_boot(draft))
			return true;
	return false;
}

static bool is_copied(const struct draft *draft)
{
	return draft->source == FROM_DISK && draft->copy;
}

static bool has_new_disk(const struct draft *draft)
{
	return *draft->new_disk || is_copied(draft);
}

static bool ask_sizes(struct draft *draft)
{
	bool copied = is_copied(draft);
	struct ui_field fields[] = {
		{.label = _("Memory")},
		{.label = _("Processors")},
		{.label = copied ? _("Its disk") : _("New disk")},
	};
	uint64_t bytes;

	snprintf(fields[0].text, sizeof(fields[0].text), "%s", draft->memory);
	snprintf(fields[1].text, sizeof(fields[1].text), "%s", draft->vcpus);
	snprintf(fields[2].text, sizeof(fields[2].text), "%s", draft->new_disk);
	while (ui_form(_("New guest"),
		copied ? _("How large? Write sizes as 512M or 4G; a disk as large as the image: leave it empty.")
		       : _("How large? Write sizes as 512M or 4G; no new disk: leave it empty."),
		fields, ARRAY_SIZE(fields))) {
		const char *wrong = NULL;

		snprintf(draft->memory, sizeof(draft->memory), "%s", fields[0].text);
		snprintf(draft->vcpus, sizeof(draft->vcpus), "%s", fields[1].text);
		snprintf(draft->new_disk, sizeof(draft->new_disk), "%s", fields[2].text);
		if (posada_size_parse(draft->memory, 'M', &bytes))
			wrong = _("The memory is no size. Write it as 512M or 2G.");
		else if (atoi(draft->vcpus) < 1 || atoi(draft->vcpus) > POSADA_VCPUS_MAX)
			wrong = _("The number of processors is no number from 1 up.");
		else if (*draft->new_disk && posada_size_parse(draft->new_disk, 'G', &bytes))
			wrong = _("The disk is no size. Write it as 4G, or leave it empty.");
		if (wrong)
			ui_message(_("New guest"), wrong);
		else if (!has_new_disk(draft) || pool_ask(draft->app, _("New guest"), draft->pool,
							 sizeof(draft->pool), &draft->format))
			return true;
	}
	return false;
}

/* Only what was made for clouds asks for a seed, and that comes as a disk. */
static bool ask_network_and_seed(struct draft *draft)
{
	while (network_ask(draft->app, _("New guest"), draft->network, sizeof(draft->network)))
		if (draft->source != FROM_DISK ||
			seed_page_run(
				_("New guest"), strcmp(draft->network, "none") != 0, &draft->seed))
			return true;
	return false;
}

/* --- Making it ---------------------------------------------------------- */

static const char *or_null(const char *text)
{
	return *text ? text : NULL;
}

static void to_spec(const struct draft *draft, struct posada_guest_spec *spec)
{
	uint64_t bytes = 0;

	memset(spec, 0, sizeof(*spec));
	spec->name = draft->name;
	spec->kind = draft->kind;
	spec->uefi = draft->uefi && draft->source != FROM_KERNEL &&
		     (draft->kind == POSADA_HVM || draft->kind == POSADA_QEMU);
	if (!posada_size_parse(draft->memory, 'M', &bytes))
		spec->memory_kib = bytes / 1024;
	spec->vcpus = (unsigned)atoi(draft->vcpus);
	spec->network = draft->network;
	if (draft->source == FROM_KERNEL) {
		spec->kernel = or_null(draft->kernel);
		spec->initrd = or_null(draft->initrd);
		spec->cmdline = or_null(draft->cmdline);
	} else if (draft->source == FROM_ISO) {
		spec->iso = or_null(draft->iso);
	} else if (draft->source == FROM_NETWORK) {
		spec->pxe = true;
	} else if (*draft->disk && !draft->copy) {
		spec->disks[spec->disk_count++].path = draft->disk;
	}
	bytes = 0;
	if (*draft->new_disk)
		posada_size_parse(draft->new_disk, 'G', &bytes);
	if (has_new_disk(draft))
		spec->disks[spec->disk_count++] =
			(struct posada_disk_spec){.path = is_copied(draft) ? draft->disk : NULL,
				.copy = is_copied(draft),
				.bytes = bytes,
				.pool = or_null(draft->pool),
				.format = draft->format};
}

static const char *boot_path(const struct draft *draft)
{
	switch (draft->source) {
	case FROM_KERNEL:
		return draft->kernel;
	case FROM_ISO:
		return draft->iso;
	case FROM_NETWORK:
		return _("the network");
	default:
		return draft->disk;
	}
}

static bool confirm_and_make(struct draft *draft)
{
	struct posada_choice choice = {.why = ""};
	struct posada_guest_spec spec;
	struct copying copying;
	struct posada_seed seed;
	struct posada_error err;
	char text[2560];
	int answer, ret;

	to_spec(draft, &spec);
	if (draft->automatic) {
		if (posada_kind_choose(draft->app->host, &spec, &choice, &err)) {
			ui_message(_("The guest was not made"), err.text);
			return false;
		}
		spec.kind = choice.kind;
		spec.uefi = choice.uefi;
	}
	snprintf(text, sizeof(text),
		_("Name:        %s\nKind:        %s%s%s%s\nStarts from: %s%s\nMemory:      %s\nProcessors:  %s\nNew disk:    %s%s%s\nNetwork:     %s%s"),
		draft->name, posada_kind_name(spec.kind), spec.uefi ? _(" with UEFI") : "",
		*choice.why ? ": " : "", choice.why, is_copied(draft) ? _("a copy of ") : "",
		boot_path(draft), draft->memory, draft->vcpus,
		*draft->new_disk   ? draft->new_disk
		: is_copied(draft) ? _("as large as the image")
				   : _("none"),
		has_new_disk(draft) && draft->format ? ", " : "",
		has_new_disk(draft) && draft->format ? draft->format : "", draft->network,
		draft->source == FROM_DISK && !draft->copy
			? _("\n\nThe image itself is the guest's disk from now on, and the guest writes to it.")
			: "");
	answer = ui_either(_("New guest"), text, _("Create and start"), _("Create"));
	if (answer < 0)
		return false;
	if (draft->source == FROM_DISK)
		spec.seed = seed_page_seed(&draft->seed, &seed);
	spec.start = answer == 0;
	spec.progress = copying_progress;
	spec.opaque = &copying;
	snprintf(copying.text, sizeof(copying.text),
		_("Copying %s for %s.\nAny key asks whether to end that."), draft->disk,
		draft->name);
	ui_wait(spec.start ? _("Making and starting the guest ...") : _("Making the guest ..."));
	copying_begin(&copying, _("New guest"));
	ret = posada_guest_create(draft->app->host, &spec, &err);
	copying_end(&copying);
	watch_refresh();
	if (!ret)
		return true;
	ui_message(_("The guest was not made"), err.text);
	return false;
}

/* Each says whether it was answered; what comes after the last one is a guest. */
static bool (*const steps[])(struct draft *draft) = {
	ask_name,
	ask_kind,
	ask_source_and_boot,
	ask_sizes,
	ask_network_and_seed,
	confirm_and_make,
};

static void propose_name(struct draft *draft)
{
	unsigned number;

	for (number = 1; number < 1000; number++) {
		struct posada_guest guest;

		snprintf(draft->name, sizeof(draft->name), "guest%u", number);
		if (posada_guest_show(draft->app->host, draft->name, &guest, NULL))
			return;
		posada_guest_free(&guest);
	}
}

/* A live host without a disk has no room for more than a toy. */
static bool has_room(struct app *app)
{
	struct posada_pool pool;
	bool room;

	if (posada_storage_list(app->host, &pool, NULL))
		return false;
	room = pool.free_bytes > DEFAULT_BYTES;
	posada_pool_free(&pool);
	return room;
}

void guest_create_run(struct app *app)
{
	struct draft draft = {
		.app = app,
		.automatic = true,
		.copy = true,
		.memory = DEFAULT_MEMORY,
		.vcpus = "1",
		.network = "default",
	};
	size_t step = 0;

	if (has_room(app))
		snprintf(draft.new_disk, sizeof(draft.new_disk), "%s", DEFAULT_DISK);
	propose_name(&draft);
	while (step < ARRAY_SIZE(steps)) {
		if (steps[step](&draft))
			step++;
		else if (step)
			step--;
		else
			return;
	}
}
