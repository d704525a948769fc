// SPDX-License-Identifier: GPL-2.0-or-later
// What is read out of the log of Xen's library.
#include "unit.h"
#include "xenlog.h"

#define WHEN "2026-11-22 21:33:53.117+0000: "

static void append(const char *file, const char *text)
{
	FILE *log = fopen(file, "a");

	assert_non_null(log);
	fputs(text, log);
	fclose(log);
}

TEST(the_first_complaint_counts)
{
	const char *file = unit_path("xenlog");
	char text[128];
	long since;

	append(file, WHEN "libxl: libxl_exec.c:117:libxl_report_child_exitstatus: an old one\n");
	since = xenlog_end(file);
	assert_false(xenlog_complaint(file, since, text, sizeof(text)));
	append(file, "{\n    \"type\": \"pv\"\n}\n" WHEN "no line of the library: at all\n");
	assert_false(xenlog_complaint(file, since, text, sizeof(text)));
	append(file, WHEN
		"libxl: libxl_exec.c:117:libxl_report_child_exitstatus: "
		"/etc/xen/scripts/vif-bridge online [1284] exited with error status 1\n" WHEN
		"libxl: libxl_create.c:1980:domcreate_attach_devices: Domain 1:unable to add vif devices\n");
	assert_true(xenlog_complaint(file, since, text, sizeof(text)));
	assert_string_equal(
		text, "/etc/xen/scripts/vif-bridge online [1284] exited with error status 1");
	since = xenlog_end(file);
	append(file,
		WHEN "libxl: libxl_create.c:1980:f: Domain 12:unable\tto add\033 vif devices\n");
	assert_true(xenlog_complaint(file, since, text, sizeof(text)));
	assert_null(strchr(text, '\033'));
	assert_memory_equal(text, "unable", 6);
	since = xenlog_end(file);
	append(file, WHEN "xc: panic: xg_dom_bzimageloader.c:726: xc_dom_probe_bzimage_kernel: "
			  "payload length overflow: Invalid kernel\n");
	assert_true(xenlog_complaint(file, since, text, sizeof(text)));
	assert_string_equal(text, "payload length overflow: Invalid kernel");
	since = xenlog_end(file);
	append(file, WHEN "libxl: cut");
	assert_true(xenlog_complaint(file, since, text, sizeof(text)));
	assert_string_equal(text, "cut");
	since = xenlog_end(file);
	append(file, WHEN "libxl: \n");
	assert_false(xenlog_complaint(file, since, text, sizeof(text)));
	remove(file);
	assert_false(xenlog_complaint(file, 0, text, sizeof(text)));
	assert_int_equal(xenlog_end(file), 0);
}

RUN("xenlog", T(the_first_complaint_counts))
