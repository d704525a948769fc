// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of group.c: which disks a volume group may have, and what is said before.
#include "group.h"
#include "unit.h"

static const char *const text =
	"machine\n"
	"disk name=sda size=10737418240 sector=512 table=gpt medium=yes model=Stick\n"
	"part name=sda1 number=1 start=1048576 size=1073741824 content=vfat\n"
	"part name=sda2 number=2 start=2147483648 size=1073741824\n"
	"disk name=sdb size=10737418240 sector=512 table=gpt serial=S2\n"
	"part name=sdb1 number=1 start=1048576 size=1073741824 content=ext4 label=old%20data "
	"system=Debian\n"
	"part name=sdb2 number=2 start=2147483648 size=1073741824 content=LVM2_member group=vg0\n"
	"disk name=sdc size=10737418240 sector=512 in_use=yes\n"
	"disk name=sdd size=10737418240 sector=512 failing=yes\n"
	"disk name=sde size=10737418240 sector=512 read_only=yes\n"
	"disk name=sdf size=1048576 sector=512\n"
	"disk name=sdg size=10737418240 sector=512 table=gpt\n"
	"part name=sdg1 number=1 start=1048576 size=1073741824 content=ext4 posada=yes\n"
	"part name=sdg2 number=2 start=2147483648 size=1073741824 mounted=/x\n"
	"part name=sdg3 number=3 start=4294967296 size=1073741824 type=0f\n"
	"disk name=sdh size=10737418240 sector=512 model=Empty\n"
	"disk name=sdi size=10737418240 sector=512 guest=inn\n"
	"disk name=sdj size=10737418240 sector=512 table=gpt\n"
	"part name=sdj1 number=1 start=1048576 size=1073741824 guest=inn\n"
	"part name=sdj2 number=2 start=2147483648 size=1073741824\n"
	"disk name=sdk size=10737418240 sector=512 table=gpt adopted=old\n"
	"part name=sdk1 number=1 start=1048576 size=1073741824\n"
	"group name=vg0 extent=4194304 free=0\n";

static struct machine machine;

static int read_machine(void **state __attribute__((unused)))
{
	FILE *in = fmemopen((void *)text, strlen(text), "r");
	unsigned line;
	int ret = disks_read(in, &machine, &line);

	fclose(in);
	if (ret)
		print_error("line %u: %d\n", line, ret);
	return ret;
}

static int free_machine(void **state __attribute__((unused)))
{
	disks_free(&machine);
	return 0;
}

TEST(disks_are_judged)
{
	static const struct {
		const char *name;
		int ret;
		const char *says;
	} rows[] = {{"sdh", 0, ""}, {"/dev/sdh", 0, ""}, {"sdb1", 0, ""}, {"sda2", 0, ""},
		{"sda", -EPERM, "started from"}, {"sdb", -EPERM, "group vg0"},
		{"sdb2", -EPERM, "group vg0"}, {"sdc", -EPERM, "in use"},
		{"sdd", -EPERM, "failing"}, {"sde", -EPERM, "only be read"},
		{"sdf", -EPERM, "too small"}, {"sdg", -EPERM, "Posada itself"},
		{"sdg2", -EPERM, "in use"}, {"sdg3", -EPERM, "extended"},
		{"sdi", -EPERM, "sdi is a disk of the guest inn."},
		{"sdj", -EPERM, "sdj1 is a disk of the guest inn."},
		{"sdj1", -EPERM, "sdj1 is a disk of the guest inn."}, {"sdj2", 0, ""},
		{"sdk", -EPERM, "adopted as the guest old"}, {"sdk1", -EPERM, "sdk1 would be lost"},
		{"sdz", -ENOENT, "sdz"}, {"", -ENOENT, "\"\""}, {"\033[0m", -ENOENT, "\"?[0m\""},
		{"../sdh", -ENOENT, "no disk"}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		struct group_target target;
		char why[GROUP_TEXT] = "";

		if (group_choose(&machine, rows[i].name, &target, why) != rows[i].ret ||
			!strstr(why, rows[i].says))
			fail_msg("row %zu: %s", i, why);
	}
}

TEST(what_is_lost_is_told)
{
	struct group_target target;
	char why[GROUP_TEXT];
	const char *said;
	FILE *out;

	assert_int_equal(group_choose(&machine, "sdb1", &target, why), 0);
	out = unit_open();
	assert_int_equal(group_print(&machine, &target, "fast", out), 0);
	said = unit_close(out, NULL);
	assert_non_null(strstr(said, "Is lost: sdb1  1.0 GiB  ext4  old data  Debian"));
	assert_null(strstr(said, "sdb2"));
	assert_non_null(strstr(said, "serial S2"));
	assert_non_null(strstr(said, "Stays as it is: sda ("));
	assert_int_equal(group_choose(&machine, "sdh", &target, why), 0);
	out = unit_open();
	assert_int_equal(group_print(&machine, &target, "fast", out), 0);
	assert_non_null(strstr(unit_close(out, NULL), "Nothing that is known"));
}

TEST(a_group_is_made_or_extended)
{
	char why[GROUP_TEXT] = "";

	assert_int_equal(group_check(&machine, "vg0", true, why), 0);
	assert_int_equal(group_check(&machine, "new", false, why), 0);
	/* All of its disks were pulled out: another one of its name would be made. */
	assert_int_equal(group_check(&machine, "away", true, why), -ENOENT);
	assert_non_null(strstr(why, "No disk has the volume group away"));
	assert_int_equal(group_check(&machine, "vg0", false, why), -EEXIST);
	assert_non_null(strstr(why, "vg0 already"));
}

static int lend(const char *disks, char why[GROUP_TEXT])
{
	FILE *in = fmemopen((void *)disks, strlen(disks), "r");
	struct machine lent;
	unsigned line;
	int ret;

	assert_int_equal(disks_read(in, &lent, &line), 0);
	fclose(in);
	*why = '\0';
	ret = group_check_lent(&lent, why);
	disks_free(&lent);
	return ret;
}

TEST(a_guest_gets_no_disk_that_this_host_needs)
{
	static const struct {
		const char *disks, *says;
	} rows[] = {{"disk name=sda size=9\n", NULL},
		{"disk name=sda size=9 medium=yes\n", "sda is what this host was started from"},
		{"disk name=sda size=9\npart name=sda1 content=vfat posada=yes\n"
		 "part name=sda2 content=ext4 label=posada-data\n",
			"sda2 holds a data place"},
		{"disk name=sda1 size=9\npart name=sda1 content=LVM2_member group=vg\n"
		 "group name=vg\nvolume name=vg/posada-data ours=yes\n",
			"sda1 holds a data place"},
		/* Another system's own group. */
		{"disk name=sda size=9\npart name=sda1 content=LVM2_member group=vg\n"
		 "group name=vg\nvolume name=vg/root\n"
		 "group name=other\nvolume name=other/posada-data\n",
			NULL}};

	for (size_t i = 0; i < COUNT(rows); i++) {
		char why[GROUP_TEXT];
		int ret = lend(rows[i].disks, why);

		if (ret != (rows[i].says ? -EPERM : 0) ||
			!strstr(why, rows[i].says ? rows[i].says : ""))
			fail_msg("row %zu: %d %s", i, ret, why);
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {T(disks_are_judged), T(what_is_lost_is_told),
		T(a_group_is_made_or_extended), T(a_guest_gets_no_disk_that_this_host_needs)};

	return cmocka_run_group_tests_name("group", tests, read_machine, free_machine);
}
