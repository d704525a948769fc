// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of kind.c: what kernels and disks ask for, and which kind is chosen for it.
#include <elf.h>
#include "kind.h"
#include "unit.h"

#define ALL	(1u << POSADA_PV | 1u << POSADA_PVH | 1u << POSADA_HVM | 1u << POSADA_QEMU)
#define NO_HELP (1u << POSADA_PV | 1u << POSADA_QEMU)

TEST(the_best_kind_is_chosen)
{
	static const struct {
		struct kind_facts facts;
		enum posada_kind kind;
		bool uefi;
		const char *why;
	} rows[] = {
		{{ALL, true, START_KERNEL, ENTRY_PV | ENTRY_PVH, false}, POSADA_PVH, false,
			"starts by PVH"},
		{{ALL, true, START_KERNEL, ENTRY_PV, false}, POSADA_PV, false, "PV only"},
		{{ALL, true, START_KERNEL, 0, false}, POSADA_QEMU, false, "no entry for Xen"},
		{{NO_HELP, true, START_KERNEL, ENTRY_PV | ENTRY_PVH, false}, POSADA_PV, false,
			"VT-x"},
		{{NO_HELP, true, START_KERNEL, ENTRY_PV, false}, POSADA_PV, false, "PV only"},
		{{ALL, true, START_ISO, 0, false}, POSADA_HVM, false, "whole PC"},
		{{ALL, true, START_ISO, 0, true}, POSADA_HVM, true,
			"ISO image starts by UEFI only"},
		{{NO_HELP, true, START_ISO, 0, false}, POSADA_QEMU, false, "VT-x"},
		{{NO_HELP, true, START_ISO, 0, true}, POSADA_QEMU, true, "VT-x"},
		{{1u << POSADA_QEMU, false, START_ISO, 0, true}, POSADA_QEMU, true, "without Xen"},
		{{ALL, true, START_NETWORK, 0, false}, POSADA_HVM, false, "whole PC"},
		{{NO_HELP, true, START_NETWORK, 0, false}, POSADA_QEMU, false, "VT-x"},
		{{ALL, true, START_DISK, 0, false}, POSADA_HVM, false, "whole PC"},
		{{ALL, true, START_DISK, 0, true}, POSADA_HVM, true, "UEFI only"},
		{{NO_HELP, true, START_DISK, 0, false}, POSADA_PV, false, "GRUB"},
		{{NO_HELP, true, START_DISK, 0, true}, POSADA_QEMU, true, "VT-x"},
		{{1u << POSADA_QEMU, false, START_KERNEL, ENTRY_PVH, false}, POSADA_QEMU, false,
			"without Xen"},
		{{1u << POSADA_QEMU, false, START_DISK, 0, true}, POSADA_QEMU, true, "without Xen"},
	};
	struct posada_choice choice;

	for (size_t i = 0; i < COUNT(rows); i++) {
		kind_decide(&rows[i].facts, &choice);
		if (choice.kind != rows[i].kind || choice.uefi != rows[i].uefi ||
			!strstr(choice.why, rows[i].why))
			fail_msg("row %zu: %s, %d: %s", i, posada_kind_name(choice.kind),
				choice.uefi, choice.why);
		assert_true(rows[i].facts.kinds & 1u << choice.kind);
	}
}

struct elf {
	Elf64_Ehdr head;
	Elf64_Phdr part;
	struct {
		Elf64_Nhdr head;
		char name[4];
		uint32_t value;
	} notes[2];
};

static unsigned entries_of(const struct elf *elf, size_t size)
{
	return kernel_entries(unit_write("kernel", elf, size), IMAGE_ELF);
}

TEST(kernels_tell_their_entries)
{
	struct elf elf = {
		.head = {.e_phoff = sizeof(Elf64_Ehdr), .e_phnum = 1},
		.part = {.p_type = PT_NOTE,
			.p_offset = offsetof(struct elf, notes),
			.p_filesz = sizeof(elf.notes)},
		.notes = {{{4, 4, 18}, "Xen", 1}, {{4, 4, 1}, "Xen", 1}},
	};
	unsigned char linux_head[1024] = {0};

	memcpy(elf.head.e_ident, ELFMAG, SELFMAG);
	elf.head.e_ident[EI_CLASS] = ELFCLASS64;
	assert_int_equal(entries_of(&elf, sizeof(elf)), ENTRY_PV | ENTRY_PVH);
	elf.notes[1].name[0] = 'G';
	assert_int_equal(entries_of(&elf, sizeof(elf)), ENTRY_PVH);
	/* What is cut or lies tells nothing, and hurts nobody. */
	for (size_t cut = 0; cut < offsetof(struct elf, notes[0].value); cut++)
		assert_int_equal(entries_of(&elf, cut), 0);
	elf.notes[0].head.n_namesz = UINT32_MAX;
	assert_int_equal(entries_of(&elf, sizeof(elf)), 0);
	elf.part.p_offset = UINT64_MAX;
	assert_int_equal(entries_of(&elf, sizeof(elf)), 0);
	elf.head.e_phoff = UINT64_MAX;
	elf.head.e_phnum = UINT16_MAX;
	assert_int_equal(entries_of(&elf, sizeof(elf)), 0);
	assert_int_equal(kernel_entries("/none", IMAGE_ELF), 0);

	linux_head[0x20e] = 0x80;
	strcpy((char *)linux_head + 0x280, "6.12.1 (builder)");
	assert_int_equal(
		kernel_entries(unit_write("linux", linux_head, sizeof(linux_head)), IMAGE_BZIMAGE),
		ENTRY_PV | ENTRY_PVH);
	strcpy((char *)linux_head + 0x280, "4.19.0");
	assert_int_equal(
		kernel_entries(unit_write("linux", linux_head, sizeof(linux_head)), IMAGE_BZIMAGE),
		ENTRY_PV);
	linux_head[0x20f] = 0xff;
	assert_int_equal(
		kernel_entries(unit_write("linux", linux_head, sizeof(linux_head)), IMAGE_BZIMAGE),
		ENTRY_PV);
}

TEST(disks_tell_their_firmware)
{
	static const unsigned char esp[] =
		"\x28\x73\x2a\xc1\x1f\xf8\xd2\x11\xba\x4b\x00\xa0\xc9\x3e\xc9\x3b";
	static const unsigned char loader[] =
		"\x48\x61\x68\x21\x49\x64\x6f\x6e\x74\x4e\x65\x65\x64\x45\x46\x49";
	unsigned char head[DISK_HEAD] = {0};
	bool bios, uefi;

	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_false(bios || uefi);
	memcpy(head + 510, "\x55\xaa", 2);
	head[450] = 0xef;
	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_true(!bios && uefi);
	head[0] = 0xfa;
	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_true(bios && uefi);
	memcpy(head + 512, "EFI PART", 8);
	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_false(bios || uefi);
	memcpy(head + 1024 + 128, esp, 16);
	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_true(!bios && uefi);
	memcpy(head + 1024 + 256, loader, 16);
	disk_firmware(head, sizeof(head), &bios, &uefi);
	assert_true(bios && uefi);
	disk_firmware(head, 100, &bios, &uefi);
	assert_false(bios || uefi);
}

RUN("kind", T(the_best_kind_is_chosen), T(kernels_tell_their_entries), T(disks_tell_their_firmware))
