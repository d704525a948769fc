// SPDX-License-Identifier: GPL-2.0-or-later
// Reboot, also into another system, and power off, with what runs shown before.
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "efi.h"
#include "menu.h"
#include "terminal.h"
#include "ui.h"
#include "watch.h"

/* init ends the menu long before that, once it has begun. */
#define WAIT_MS 300000

static void running_text(char *buf, size_t size)
{
	const struct watch *watch = watch_lock();
	bool any = false;
	size_t len = 0, i;

	*buf = '\0';
	for (i = 0; i < watch->guests.count && len + 1 < size; i++) {
		char name[64];

		if (!posada_state_is_live(watch->guests.items[i].state))
			continue;
		posada_text_clean(watch->guests.items[i].name, name, sizeof(name));
		len += (size_t)snprintf(buf + len, size - len, "%s%s",
			any ? ", " : _("\n\nThese guests run and are shut down first: "), name);
		any = true;
	}
	if (!any)
		snprintf(buf, size, "%s",
			watch->guests_known ? _("\n\nNo guest runs.")
					    : _("\n\nWhether guests run is not known."));
	watch_unlock();
}

static bool agreed(const char *title, const char *question)
{
	char text[1536], running[1024];

	running_text(running, sizeof(running));
	snprintf(text, sizeof(text), "%s%s", question, running);
	return ui_yes_no(title, text);
}

/* Does the host leave? If not, the reason has been told. */
static bool leave(const char *title, const char *doing, const char *path)
{
	char text[512], program[32], output[256];
	char *const argv[] = {program, NULL};
	int ret;

	ui_wait(doing);
	snprintf(program, sizeof(program), "%s", path);
	ret = program_run(argv, NULL, output, sizeof(output));
	if (!ret) {
		ui_key_within(WAIT_MS);
		return true;
	}
	snprintf(text, sizeof(text), _("%s failed: %s. Open the shell and run \"%s -f\"."), path,
		ret < 0 ? strerror(-ret) : output, path);
	ui_message(title, text);
	return false;
}

void reboot_run(struct app *app)
{
	(void)app;
	if (agreed(_("Reboot"), _("Reboot this host?")))
		leave(_("Reboot"), _("This host reboots ..."), "/sbin/reboot");
}

/* --- What the firmware knows --------------------------------------------- */

bool when_uefi(const struct app *app)
{
	(void)app;
	return !access(EFI_VARIABLES, R_OK);
}

/* Which of them? NULL: none. */
static const struct efi_entry *choose_entry(const struct efi_entries *entries)
{
	const struct efi_entry *offered[EFI_ENTRIES];
	struct ui_item items[EFI_ENTRIES];
	size_t count = 0, chosen = 0;

	for (size_t i = 0; i < entries->count; i++) {
		const struct efi_entry *entry = &entries->items[i];

		if (!entry->offered || !*entry->title)
			continue;
		items[count] = (struct ui_item){entry->title, entry->path};
		offered[count++] = entry;
	}
	if (!count) {
		ui_message(_("Start another"),
			_("The firmware of this host has no entry for another system. Reboot, and choose one in the boot menu, if it is there."));
		return NULL;
	}
	if (!ui_menu(_("Start another"), _("What shall this host start next, once?"), items, count,
		    &chosen))
		return NULL;
	return offered[chosen];
}

void start_other_run(struct app *app)
{
	struct efi_entries entries;
	const struct efi_entry *entry = NULL;
	char text[256];
	int ret = efi_list(EFI_VARIABLES, &entries);

	(void)app;
	if (!ret) {
		entry = choose_entry(&entries);
		if (!entry)
			return;
		snprintf(
			text, sizeof(text), _("Reboot this host into \"%s\", once?"), entry->title);
		if (!agreed(_("Start another"), text))
			return;
		ret = efi_set_next(EFI_VARIABLES, entry->number);
	}
	if (!ret) {
		/* What is not done now would surprise somebody at a later start. */
		if (!leave(_("Start another"), _("This host reboots ..."), "/sbin/reboot"))
			efi_set_next(EFI_VARIABLES, -1);
		return;
	}
	snprintf(text, sizeof(text), _("The firmware cannot be told what to start: %s."),
		strerror(-ret));
	ui_message(_("Start another"), text);
}

void poweroff_run(struct app *app)
{
	(void)app;
	if (agreed(_("Power off"), _("Switch this host off?")))
		leave(_("Power off"), _("This host switches itself off ..."), "/sbin/poweroff");
}
