// SPDX-License-Identifier: GPL-2.0-or-later
// Which kind of guest is best for what it starts from, on this host, and why.
#include <elf.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "guest.h"
#include "kind.h"

/* Xen's public/elfnote.h. */
#define NOTE_ENTRY	  1
#define NOTE_PHYS32_ENTRY 18

#define NOTES_MAX 65536

/* Since then a Linux that is built for guests starts by PVH as well. */
#define LINUX_WITH_PVH 5

/* --- Kernels ------------------------------------------------------------ */

static unsigned entries_of_notes(const unsigned char *notes, size_t len)
{
	unsigned entries = 0;
	size_t at = 0;

	while (len - at >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr note;
		size_t name, rest;

		memcpy(&note, notes + at, sizeof(note));
		name = at + sizeof(note);
		rest = len - name;
		if (note.n_namesz > rest || note.n_descsz > rest)
			break;
		if (note.n_namesz == 4 && !memcmp(notes + name, "Xen", 4)) {
			entries |= note.n_type == NOTE_ENTRY ? ENTRY_PV : 0;
			entries |= note.n_type == NOTE_PHYS32_ENTRY ? ENTRY_PVH : 0;
		}
		at = name + ((note.n_namesz + 3u) & ~3u) + ((note.n_descsz + 3u) & ~3u);
		if (at > len)
			break;
	}
	return entries;
}

static unsigned entries_at(int fd, uint64_t offset, uint64_t size)
{
	unsigned char *notes = malloc(NOTES_MAX);
	unsigned entries = 0;
	ssize_t got;

	if (!notes)
		return 0;
	got = pread(fd, notes, size < NOTES_MAX ? (size_t)size : NOTES_MAX, (off_t)offset);
	if (got > 0)
		entries = entries_of_notes(notes, (size_t)got);
	free(notes);
	return entries;
}

/* Both classes of ELF: a loader for PVH has 32 bits. */
static unsigned entries_of_elf(int fd)
{
	unsigned entries = 0, count, i;
	uint64_t table, size;
	union {
		unsigned char ident[EI_NIDENT];
		Elf64_Ehdr wide;
		Elf32_Ehdr narrow;
	} head;
	bool wide;

	if (pread(fd, &head, sizeof(head), 0) != (ssize_t)sizeof(head))
		return 0;
	wide = head.ident[EI_CLASS] == ELFCLASS64;
	table = wide ? head.wide.e_phoff : head.narrow.e_phoff;
	count = wide ? head.wide.e_phnum : head.narrow.e_phnum;
	size = wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr);
	for (i = 0; i < count && table <= INT64_MAX / 2; i++) {
		union {
			Elf64_Phdr wide;
			Elf32_Phdr narrow;
		} part;

		if (pread(fd, &part, (size_t)size, (off_t)(table + i * size)) != (ssize_t)size)
			break;
		if (wide && part.wide.p_type == PT_NOTE)
			entries |= entries_at(fd, part.wide.p_offset, part.wide.p_filesz);
		else if (!wide && part.narrow.p_type == PT_NOTE)
			entries |= entries_at(fd, part.narrow.p_offset, part.narrow.p_filesz);
	}
	return entries;
}

/* A bzImage hides its notes in what it has packed, but its header tells its version. */
static unsigned entries_of_linux(int fd)
{
	unsigned char head[32768];
	ssize_t got = pread(fd, head, sizeof(head) - 1, 0);
	size_t at;

	if (got < 0x210)
		return ENTRY_PV;
	head[got] = '\0';
	at = 0x200 + (head[0x20e] | (size_t)head[0x20f] << 8);
	if (at == 0x200 || at >= (size_t)got ||
		strtoul((const char *)head + at, NULL, 10) < LINUX_WITH_PVH)
		return ENTRY_PV;
	return ENTRY_PV | ENTRY_PVH;
}

unsigned kernel_entries(const char *path, enum image_type type)
{
	unsigned entries = 0;
	int fd = open(path, O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		return 0;
	switch (type) {
	case IMAGE_ELF:
		entries = entries_of_elf(fd);
		break;
	case IMAGE_BZIMAGE:
		entries = entries_of_linux(fd);
		break;
	case IMAGE_ELF_GZIP:
		entries = ENTRY_PV;
		break;
	default:
		break;
	}
	close(fd);
	return entries;
}

/* --- Disks -------------------------------------------------------------- */

void disk_firmware(const unsigned char *head, size_t len, bool *bios, bool *uefi)
{
	/* As they lie in a GPT: the ESP, and the partition of a loader for a BIOS. */
	static const unsigned char esp[16] =
		"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
	static const unsigned char loader[16] =
		"\x48\x61\x68\x21\x49\x64\x6f\x6e\x74\x4e\x65\x65\x64\x45\x46\x49";
	bool code = false, gpt;
	size_t i;

	*bios = *uefi = false;
	if (len < 1024 || head[510] != 0x55 || head[511] != 0xaa)
		return;
	for (i = 0; i < 440; i++)
		code |= head[i] != 0;
	gpt = !memcmp(head + 512, "EFI PART", 8);
	if (!gpt) {
		*bios = code;
		for (i = 446; i < 510; i += 16)
			*uefi |= head[i + 4] == 0xef;
		return;
	}
	for (i = 1024; i + 128 <= len && i < DISK_HEAD; i += 128) {
		*uefi |= !memcmp(head + i, esp, sizeof(esp));
		*bios |= code && !memcmp(head + i, loader, sizeof(loader));
	}
}

/* What is in another format than raw is left to the BIOS, from which all ready-made images start.
 */
static bool is_uefi_only(const char *path)
{
	unsigned char head[DISK_HEAD];
	bool bios = false, uefi = false;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return false;
	got = pread(fd, head, sizeof(head), 0);
	close(fd);
	if (got > 0)
		disk_firmware(head, (size_t)got, &bios, &uefi);
	return uefi && !bios;
}

/* --- The choice --------------------------------------------------------- */

static void choose(struct posada_choice *choice, enum posada_kind kind, const char *why)
{
	choice->kind = kind;
	choice->why = why;
}

static void decide_kernel(const struct kind_facts *facts, struct posada_choice *choice)
{
	bool helped = facts->kinds & 1u << POSADA_PVH;

	if (!facts->entries)
		choose(choice, POSADA_QEMU,
			_("the kernel has no entry for Xen, so QEMU emulates a PC for it"));
	else if (helped && facts->entries & ENTRY_PVH)
		choose(choice, POSADA_PVH,
			_("the kernel starts by PVH, and the processor helps with it"));
	else if (helped || !(facts->entries & ENTRY_PVH))
		choose(choice, POSADA_PV, _("the kernel starts by PV only"));
	else
		choose(choice, POSADA_PV,
			_("the processor has no virtualization (VT-x, AMD-V), or the firmware has switched it off"));
}

static void decide_pc(const struct kind_facts *facts, struct posada_choice *choice)
{
	bool helped = facts->kinds & 1u << POSADA_HVM;

	choice->uefi = facts->uefi_only;
	if (helped)
		choose(choice, POSADA_HVM,
			!choice->uefi		    ? _("what it starts from wants a whole PC")
			: facts->start == START_ISO ? _("the ISO image starts by UEFI only")
						    : _("the disk starts by UEFI only"));
	else if (facts->start != START_DISK || choice->uefi)
		choose(choice, POSADA_QEMU,
			_("what it starts from wants a whole PC, and the processor has no virtualization (VT-x, AMD-V), or the firmware has switched it off"));
	else
		choose(choice, POSADA_PV,
			_("the processor has no virtualization (VT-x, AMD-V), or the firmware has switched it off; a disk with GRUB's configuration starts so"));
}

void kind_decide(const struct kind_facts *facts, struct posada_choice *choice)
{
	memset(choice, 0, sizeof(*choice));
	if (!facts->xen) {
		choice->uefi = facts->uefi_only;
		choose(choice, POSADA_QEMU, _("this host was started without Xen"));
	} else if (facts->start == START_KERNEL) {
		decide_kernel(facts, choice);
	} else {
		decide_pc(facts, choice);
	}
}

static const char *first_disk(const struct posada_guest_spec *spec)
{
	size_t i;

	for (i = 0; i < spec->disk_count; i++)
		if (spec->disks[i].path)
			return spec->disks[i].path;
	return NULL;
}

int posada_kind_choose(struct posada *handle, const struct posada_guest_spec *spec,
	struct posada_choice *choice, struct posada_error *err)
{
	struct kind_facts facts = {.kinds = posada_kinds(handle)};
	const char *disk = first_disk(spec);
	struct posada_media_file iso = {0};
	enum image_type type;
	char *path = NULL;
	int ret = 0;

	facts.xen = facts.kinds & 1u << POSADA_PV;
	if (spec->kernel) {
		facts.start = START_KERNEL;
		ret = file_probe(handle, _("kernel"), spec->kernel, &type, &path, err);
		if (!ret)
			facts.entries = kernel_entries(path, type);
	} else if (spec->iso) {
		facts.start = START_ISO;
		ret = iso_probe(handle, spec->iso, &path, err);
		if (!ret)
			ret = posada_media_look(path, &iso, err);
		facts.uefi_only = iso.uefi && !iso.bios;
	} else if (spec->pxe) {
		facts.start = START_NETWORK;
	} else {
		facts.start = START_DISK;
		if (disk)
			ret = file_probe(handle, _("disk image"), disk, &type, &path, err);
		facts.uefi_only = disk && !ret && is_uefi_only(path);
	}
	free(path);
	if (!ret)
		kind_decide(&facts, choice);
	return ret;
}
