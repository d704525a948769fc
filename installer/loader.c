/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the configuration of GRUB and syslinux from one table of boot entries. */
#include "loader.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

struct loader_entry {
	const char *name;
	const char *title;
	const char *xen;   /* NULL: Linux alone, without Xen */
	const char *linux; /* "console=" named last is where /dev/console leads */
	bool open;	   /* the kernel is not locked down */
};

static const struct loader_entry entries[] = {
	{"posada", "Posada", "console=com1,vga loglvl=warning guest_loglvl=error",
		"console=hvc0 console=tty0 quiet", false},
	{"serial", "Posada on a serial console (COM1, 115200)",
		"console=com1 loglvl=warning guest_loglvl=error", "console=tty0 console=hvc0 quiet",
		false},
	{"verbose", "Posada with verbose logs",
		"console=com1,vga loglvl=all guest_loglvl=all sync_console",
		"console=hvc0 console=tty0 ignore_loglevel posada.verbose=1", false},
	/* QEMU passes a PCI device to an HVM guest through /dev/mem, which lockdown forbids. */
	{"devices", "Posada for PCI devices in HVM guests (kernel not locked down)",
		"console=com1,vga loglvl=warning guest_loglvl=error",
		"console=hvc0 console=tty0 quiet", true},
	{"plain", "Posada without Xen (plain QEMU/KVM guests)", NULL,
		"console=ttyS0,115200 console=tty0 quiet", false},
};

#define COUNT(array) (sizeof(array) / sizeof((array)[0]))

static void xen_options(const struct loader_entry *entry, FILE *out)
{
	fprintf(out,
		"dom0_mem=%dM,max:%dM dom0_max_vcpus=1-4 com1=115200,8n1 ucode=scan dom0-iommu=strict %s",
		LOADER_DOM0_MEMORY, LOADER_DOM0_MEMORY, entry->xen);
}

static void linux_options(
	const struct loader_entry *entry, const struct loader_place *place, FILE *out)
{
	fprintf(out, "%spanic=30 posada.medium=%s %s", entry->open ? "" : "lockdown=integrity ",
		place->medium, entry->linux);
}

/* A title is another system's own word for itself: nothing in it may end the quotes. */
static void grub_title(const char *title, FILE *out)
{
	for (; *title; title++)
		fputc(*title < 0x20 || *title > 0x7e || *title == '\'' ? '?' : *title, out);
}

/* The word of a path or identity that GRUB must take as it is. */
static void grub_word(const char *word, FILE *out)
{
	fputc('\'', out);
	grub_title(word, out);
	fputc('\'', out);
}

/*
 * GRUB cannot tell the firmware what to start next. Posada can: its kernel alone starts, and
 * restarts the machine (etc/init/boot).
 */
static void grub_next(
	const struct loader_origin *origin, const struct loader_place *place, FILE *out)
{
	const struct loader_place versions = {
		.medium = "$medium posada.slot=$2", .payload = LOADER_VERSIONS "/$2"};
	const struct loader_place *from = place->payload ? place : &versions;

	fprintf(out, "\tlinux ($posada)%s/vmlinuz ", from->payload);
	linux_options(&entries[COUNT(entries) - 1], from, out);
	fprintf(out, " posada.next=");
	grub_word(origin->next, out);
	fprintf(out, "\n\tinitrd ($posada)%s/initramfs.img\n}\n", from->payload);
}

static void grub_origin(const struct loader_origin *origin, size_t number,
	const struct loader_place *place, FILE *out)
{
	fprintf(out, "menuentry '");
	grub_title(origin->title, out);
	fprintf(out, "' --id origin%zu%s {\n", number, origin->next ? " \"$first\"" : "");
	if (origin->next) {
		grub_next(origin, place, out);
		return;
	}
	/* $root stays as it is, and each has a name of its own: what one entry has set is there
	 * still when it failed and another is chosen. */
	if (origin->loader) {
		fprintf(out, "\tsearch --no-floppy --fs-uuid --set=origin%zu ", number);
		grub_word(origin->uuid, out);
		fprintf(out, "\n\tchainloader ($origin%zu)", number);
		grub_word(origin->loader, out);
	} else {
		/* The sector finds its disk by the drive that it is started with: $disk, from
		 * GRUB's core. */
		fprintf(out, "\tset root=$disk\n\tchainloader ($posada)" LOADER_SECTOR);
	}
	fprintf(out, "\n}\n");
}

/* ARGUMENTS are words that the entry gets when the menu is made, $2 and on. */
static void grub_entry(const struct loader_entry *entry, const struct loader_place *place,
	const char *title, const char *id, const char *arguments, FILE *out)
{
	fprintf(out, "menuentry '%s' --id %s%s {\n", title, id, arguments);
	fprintf(out, "\techo 'Loading Posada %s ...'\n", place->version);
	if (entry->xen) {
		fprintf(out, "\tmultiboot2 ($posada)%s/xen.gz ", place->payload);
		xen_options(entry, out);
		fprintf(out, "\n\tmodule2 ($posada)%s/vmlinuz ", place->payload);
		linux_options(entry, place, out);
		fprintf(out, "\n\tmodule2 --nounzip ($posada)%s/initramfs.img\n}\n",
			place->payload);
	} else {
		fprintf(out, "\tlinux ($posada)%s/vmlinuz ", place->payload);
		linux_options(entry, place, out);
		fprintf(out, "\n\tinitrd ($posada)%s/initramfs.img\n}\n", place->payload);
	}
}

/*
 * What a version brings with it: its entries when it is the one that starts, or one entry when it
 * is the one before. A first try is told so.
 */
static void entries_write(const char *version, FILE *out)
{
	const struct loader_place place = {.version = version,
		.medium = "$medium posada.slot=$2 $3",
		.payload = LOADER_VERSIONS "/$2"};
	static const char arguments[] = " \"$slot\" \"$trial_option\"";
	char title[96];

	fprintf(out, LOADER_ENTRIES_HEAD "%s\n", version);
	fprintf(out,
		"set trial_option=\n"
		"if [ \"$tried\" = \"$slot\" ]; then\n"
		"\tset trial_option=posada.trial=1\n"
		"fi\n"
		"if [ -z \"$previous\" ]; then\n"
		"set count=%zu\n",
		COUNT(entries));
	for (size_t i = 0; i < COUNT(entries); i++)
		grub_entry(&entries[i], &place, entries[i].title, entries[i].name, arguments, out);
	snprintf(title, sizeof(title), "Posada %s (previous)", version);
	fprintf(out, "else\n");
	grub_entry(&entries[0], &place, title, "previous", arguments, out);
	fprintf(out, "fi\n");
}

/*
 * Which of two versions starts. A try is marked as tried before it begins, and only if that stands
 * on the disk: whatever happens then, the next start is that of the version before.
 */
static void grub_choose(const struct loader_place *place, FILE *out)
{
	fprintf(out, "set medium=%s\n", place->medium);
	fputs("set slot=\n"
	      "set trial=\n"
	      "set tried=\n"
	      "set previous=\n"
	      "if [ -f ($posada)" LOADER_ENVIRONMENT " ]; then\n"
	      "\tload_env --file ($posada)" LOADER_ENVIRONMENT " slot trial\n"
	      "fi\n"
	      "if [ \"$slot\" != b ]; then set slot=a; fi\n"
	      "if [ \"$trial\" = a -o \"$trial\" = b ]; then\n"
	      "\tset tried=$trial\n"
	      "\tset trial=\n"
	      "\tif save_env --file ($posada)" LOADER_ENVIRONMENT " trial tried; then\n"
	      "\t\tset trial=unknown\n"
	      "\t\tload_env --file ($posada)" LOADER_ENVIRONMENT " trial\n"
	      "\telse\n"
	      "\t\tset trial=unknown\n"
	      "\tfi\n"
	      "\tif [ -z \"$trial\" -a -f ($posada)" LOADER_VERSIONS "/$tried/" LOADER_ENTRIES
	      " ]; then\n"
	      "\t\tset slot=$tried\n"
	      "\telse\n"
	      "\t\tset tried=\n"
	      "\tfi\n"
	      "fi\n"
	      "set other=b\n"
	      "if [ \"$slot\" = b ]; then set other=a; fi\n"
	      "if [ ! -f ($posada)" LOADER_VERSIONS "/$slot/" LOADER_ENTRIES " ]; then\n"
	      "\tset missing=$slot\n"
	      "\tset slot=$other\n"
	      "\tset other=$missing\n"
	      "fi\n",
		out);
}

/*
 * The entries of the one that starts, and behind them the other one, which starts when the first
 * cannot be loaded: GRUB wants to know that one by its number.
 */
static void grub_versions(FILE *out)
{
	fputs("source ($posada)" LOADER_VERSIONS "/$slot/" LOADER_ENTRIES "\n"
	      "set first=$slot\n"
	      "set previous=1\n"
	      "set slot=$other\n"
	      "if [ -f ($posada)" LOADER_VERSIONS "/$slot/" LOADER_ENTRIES " ]; then\n"
	      "\tset fallback=$count\n"
	      "\tsource ($posada)" LOADER_VERSIONS "/$slot/" LOADER_ENTRIES "\n"
	      "fi\n",
		out);
}

static void grub_write(const struct loader_place *place, FILE *out)
{
	char first[32];

	snprintf(first, sizeof(first), "origin%zu", place->first);
	if (place->marker)
		fprintf(out, "search --no-floppy --file --set=root %s\n", place->marker);
	fprintf(out, "set posada=$root\n");
	/* The serial line may not be there, and the firmware may already send the screen to it. */
	fprintf(out,
		"if serial --unit=0 --speed=115200; then\n"
		"\tterminal_input --append serial\n"
		"\tif [ \"$grub_platform\" != efi ]; then terminal_output --append serial; fi\n"
		"fi\n"
		"set color_normal=light-gray/blue\n"
		"set color_highlight=blue/light-gray\n"
		"set menu_color_normal=light-gray/blue\n"
		"set menu_color_highlight=blue/light-gray\n"
		"set default=%s\n"
		"set timeout=%d\n",
		place->first ? first : entries[0].name, place->timeout);
	if (!place->payload) {
		grub_choose(place, out);
		/* A try is what was asked for, whatever starts by itself otherwise. */
		fprintf(out, "if [ \"$tried\" ]; then set default=%s; fi\n", entries[0].name);
		grub_versions(out);
	}
	for (size_t i = 0; place->payload && i < COUNT(entries); i++)
		grub_entry(&entries[i], place, entries[i].title, entries[i].name, "", out);
	for (size_t i = 0; i < place->origin_count; i++)
		grub_origin(&place->origins[i], i + 1, place, out);
}

static void syslinux_write(const struct loader_place *place, FILE *out)
{
	fprintf(out,
		"SERIAL 0 115200\n"
		"UI menu.c32\n"
		"MENU TITLE Posada %s\n"
		"MENU COLOR SCREEN 37;44\n"
		"MENU COLOR BORDER 37;44\n"
		"MENU COLOR TITLE 1;37;44\n"
		"MENU COLOR UNSEL 37;44\n"
		"MENU COLOR SEL 7;37;44\n"
		"MENU COLOR TABMSG 37;44\n"
		"MENU COLOR TIMEOUT_MSG 37;44\n"
		"MENU COLOR TIMEOUT 1;37;44\n"
		"TIMEOUT %d\n"
		"DEFAULT %s\n",
		place->version, place->timeout * 10, entries[0].name);
	for (size_t i = 0; i < COUNT(entries); i++) {
		const struct loader_entry *entry = &entries[i];

		fprintf(out, "LABEL %s\n\tMENU LABEL %s\n", entry->name, entry->title);
		if (entry->xen) {
			fprintf(out, "\tKERNEL mboot.c32\n\tAPPEND %s/xen.gz ", place->payload);
			xen_options(entry, out);
			fprintf(out, " --- %s/vmlinuz ", place->payload);
			linux_options(entry, place, out);
			fprintf(out, " --- %s/initramfs.img\n", place->payload);
		} else {
			fprintf(out, "\tLINUX %s/vmlinuz\n\tINITRD %s/initramfs.img\n\tAPPEND ",
				place->payload, place->payload);
			linux_options(entry, place, out);
			fprintf(out, "\n");
		}
	}
}

int loader_write(const char *loader, const struct loader_place *place, FILE *out)
{
	if (!strcmp(loader, "grub"))
		grub_write(place, out);
	else if (!strcmp(loader, "syslinux"))
		syslinux_write(place, out);
	else if (!strcmp(loader, "entries"))
		entries_write(place->version, out);
	else
		return -EINVAL;
	return fflush(out) || ferror(out) ? -EIO : 0;
}
