// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of definition.c: paths and names are found in what libvirt writes, and in anything else.
#include "definition.h"
#include "unit.h"

static const char inn[] =
	"<!--\nWARNING: virsh edit a&amp;b\n-->\n<domain type='xen'>\n  <name>a&amp;b\033</name>\n"
	"<disk type='block' device='disk'><driver name='phy'/><source dev='/dev/disk/by-id/it&apos;s'/>"
	"<target dev='hda'/></disk><console tty='/dev/pts/3'/></domain>\n";

static char seen[4096];

static int note(void *opaque, const char *guest, const char *path)
{
	size_t used = strlen(seen);

	snprintf(seen + used, sizeof(seen) - used, "%s %s;", guest, path);
	return *(int *)opaque;
}

static const char *all(int ret)
{
	int got;

	*seen = '\0';
	got = definition_each(unit_path("guests"), note, &ret);
	assert_int_equal(got, *seen ? ret : 0);
	return seen;
}

TEST(guests_have_paths)
{
	char *large = malloc(DEFINITION_MAX + 9);

	assert_non_null(large);
	assert_string_equal(all(0), "");
	unit_write("guests/inn.xml", inn, strlen(inn));
	unit_write("guests/inn.xml.new", inn, strlen(inn));
	unit_run("mkdir guests/networks.xml; mkfifo guests/fifo.xml; ln -s /none guests/link.xml");
	assert_string_equal(all(0), "a&b? /dev/disk/by-id/it's;a&b? /dev/pts/3;");
	assert_string_equal(all(-EIO), "a&b? /dev/disk/by-id/it's;");
	/* What nobody wrote for us. */
	memset(large, 'x', DEFINITION_MAX + 9);
	memcpy(large, "<name>", 6);
	memcpy(large + 7000, " a='/y", 6);
	unit_write("guests/inn.xml", large, DEFINITION_MAX + 9);
	assert_int_equal(strlen(all(0)), sizeof(seen) - 1);
	free(large);
	unit_write("guests/inn.xml", "='/", 3);
	assert_string_equal(all(0), " /;");
	unit_write("guests/inn.xml", "", 0);
	assert_string_equal(all(0), "");
}

RUN("definition", T(guests_have_paths))
