/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The unwinder's question to the C library, "which loaded object holds this address?". */
#define _GNU_SOURCE
#include <link.h>
#include <stddef.h>
#include <stdint.h>

struct dl_find_object {
	unsigned long long flags;
	void *map_start;
	void *map_end;
	struct link_map *link_map;
	void *eh_frame;
	unsigned long long reserved[7];
};

struct search {
	uintptr_t address;
	struct dl_find_object *result;
};

static int look(struct dl_phdr_info *info, size_t size, void *data)
{
	struct search *search = data;
	uintptr_t low = UINTPTR_MAX, high = 0;
	void *eh_frame = NULL;

	(void)size;
	for (int i = 0; i < info->dlpi_phnum; i++) {
		const ElfW(Phdr) *part = &info->dlpi_phdr[i];
		uintptr_t start = info->dlpi_addr + part->p_vaddr;

		if (part->p_type == PT_GNU_EH_FRAME)
			eh_frame = (void *)start;
		if (part->p_type != PT_LOAD)
			continue;
		if (start < low)
			low = start;
		if (start + part->p_memsz > high)
			high = start + part->p_memsz;
	}
	if (search->address < low || search->address >= high || !eh_frame)
		return 0;
	search->result->flags = 0;
	search->result->map_start = (void *)low;
	search->result->map_end = (void *)high;
	search->result->link_map = NULL;
	search->result->eh_frame = eh_frame;
	return 1;
}

int _dl_find_object(void *address, struct dl_find_object *result)
{
	struct search search = {(uintptr_t)address, result};

	return dl_iterate_phdr(look, &search) ? 0 : -1;
}
