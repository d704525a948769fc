// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of bootcode.c: what of sector 0 changes, and what is no boot code.
#include "bootcode.h"
#include "unit.h"

static void fill(uint8_t *bytes, size_t size, uint8_t first)
{
	for (size_t i = 0; i < size; i++)
		bytes[i] = (uint8_t)(first + i);
}

TEST(code_changes_and_the_table_stays)
{
	static const uint8_t core[8] = {0x08, 0x07, 0x06, 0x05, 0x04, 0x03, 0x02, 0x01};
	uint8_t boot[BOOTCODE_SECTOR], sector[BOOTCODE_SECTOR], before[BOOTCODE_SECTOR];

	fill(boot, sizeof(boot), 1);
	boot[0x64] = 0xff;
	boot[510] = 0x55;
	boot[511] = 0xaa;
	fill(sector, sizeof(sector), 128);
	memcpy(before, sector, sizeof(sector));
	assert_int_equal(bootcode_sector(sector, boot, sizeof(boot), 0x0102030405060708ull), 0);
	assert_memory_equal(sector, boot, 3);
	assert_memory_equal(sector + 3, before + 3, 0x5a - 3);
	assert_memory_equal(sector + 0x5c, core, 8);
	assert_true(bootcode_loads(sector) == 0x0102030405060708ull);
	assert_int_equal(sector[0x64], 0xff);
	assert_int_equal(sector[0x66], 0x90);
	assert_int_equal(sector[0x67], 0x90);
	assert_memory_equal(sector + 0x68, boot + 0x68, BOOTCODE_CODE - 0x68);
	assert_memory_equal(sector + BOOTCODE_CODE, before + BOOTCODE_CODE, 510 - BOOTCODE_CODE);
	assert_int_equal(sector[510] << 8 | sector[511], 0x55aa);

	memcpy(sector, before, sizeof(sector));
	assert_int_equal(bootcode_sector(sector, boot, 511, 1), -EINVAL);
	boot[0x64] = 0;
	assert_int_equal(bootcode_sector(sector, boot, sizeof(boot), 1), -EINVAL);
	assert_memory_equal(sector, before, sizeof(sector));
}

TEST(core_image_knows_where_it_is)
{
	uint8_t image[3 * BOOTCODE_SECTOR + 1] = {0};

	image[0x1fc] = 3;
	assert_int_equal(bootcode_core(image, sizeof(image), 0x1234), 0);
	assert_int_equal(image[0x1f4] | image[0x1f5] << 8, 0x1235);
	assert_int_equal(bootcode_core(image, sizeof(image) - 1, 1), -EINVAL);
	assert_int_equal(bootcode_core(image, BOOTCODE_SECTOR, 1), -EINVAL);
}

RUN("bootcode", T(code_changes_and_the_table_stays), T(core_image_knows_where_it_is))
