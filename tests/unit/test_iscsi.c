// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of iSCSI: what can be a target, and the sessions that the kernel shows.
#include "iscsi.h"
#include "unit.h"

TEST(targets_are_read)
{
	static const struct {
		const char *source, *server, *port, *name;
	} good[] = {
		{"server/iqn.2020-01.org.example", "server", "3260", "iqn.2020-01.org.example"},
		{"10.0.2.2:860/iqn.2000-01.com.Example:NAS.a-1", "10.0.2.2", "860",
			"iqn.2000-01.com.Example:NAS.a-1"},
		{"s:65535/eui.02004567A425678D", "s", "65535", "eui.02004567A425678D"},
		{"s/naa.52004567BA64678D", "s", "3260", "naa.52004567BA64678D"},
		{"s/naa.62004567BA64678D0123456789ABCDEF", "s", "3260",
			"naa.62004567BA64678D0123456789ABCDEF"},
	};
	static const char *const bad[] = {"", "server", "server:", "server/",
		"/iqn.2020-01.org.example", "-server/iqn.2020-01.org.example",
		"ser ver/iqn.2020-01.org.example", "::1/iqn.2020-01.org.example",
		"s:/iqn.2020-01.org.example", "s:0/iqn.2020-01.org.example",
		"s:065/iqn.2020-01.org.example", "s:65536/iqn.2020-01.org.example",
		"s:326000/iqn.2020-01.org.example", "s:3260x/iqn.2020-01.org.example",
		"s:-1/iqn.2020-01.org.example", "s/iqn.20-01.org.example",
		"s/iqn.2020-21.org.example", "s/iqn.2020-01.", "s/iqn.2020-01.:a",
		"s/iqn.2020-01.org.example:a_b", "s/iqn.2020-01.org.example:a b",
		"s/iqn.2020-01.org.example:a/b", "s/iqn.2020-01.org.example:a\033",
		"s/eui.02004567A425678", "s/eui.02004567A425678X", "s/naa.52004567BA64678D0",
		"s/disks"};
	char long_source[512] = "s/iqn.2020-01.org.example:";
	struct iscsi_target target;

	for (size_t i = 0; i < COUNT(good); i++) {
		if (iscsi_target_parse(good[i].source, &target))
			fail_msg("row %zu: %s", i, good[i].source);
		assert_string_equal(target.server, good[i].server);
		assert_string_equal(target.port, good[i].port);
		assert_string_equal(target.name, good[i].name);
	}
	for (size_t i = 0; i < COUNT(bad); i++)
		if (iscsi_target_parse(bad[i], &target) != -EINVAL)
			fail_msg("row %zu: %s", i, bad[i]);
	/* 223 bytes are the most that a name may have. */
	memset(long_source + 26, 'a', 199);
	assert_int_equal(iscsi_target_parse(long_source, &target), 0);
	assert_int_equal(strlen(target.name), 223);
	long_source[225] = 'a';
	assert_int_equal(iscsi_target_parse(long_source, &target), -EINVAL);
}

static void put(const char *session, const char *file, const char *text)
{
	char name[128];

	snprintf(name, sizeof(name), "sys/class/iscsi_session/%s/%s", session, file);
	unit_write(name, text, strlen(text));
}

TEST(sessions_are_found)
{
	struct iscsi_session session;
	char sys[256];

	snprintf(sys, sizeof(sys), "%s", unit_path("sys"));
	assert_int_equal(iscsi_session_find(sys, "iqn.2020-01.org.example:a", &session), -ENOENT);
	put("session1", "targetname", "iqn.2020-01.org.example:ab\n");
	put("session1", "state", "LOGGED_IN\n");
	put("session12", "targetname", "iqn.2020-01.org.example:a\n");
	put("session12", "state", "FAILED\n");
	assert_int_equal(iscsi_session_find(sys, "iqn.2020-01.org.example:a", &session), 0);
	assert_string_equal(session.id, "session12");
	assert_false(session.answers);
	assert_int_equal(iscsi_session_find(sys, "iqn.2020-01.org.example:ab", &session), 0);
	assert_string_equal(session.id, "session1");
	assert_true(session.answers);
	assert_int_equal(iscsi_session_find(sys, "iqn.2020-01.org.example", &session), -ENOENT);
}

TEST(volumes_that_are_held_are_found)
{
	struct iscsi_session first = {.id = "session1"}, second = {.id = "session12"};
	char sys[256], device[64];

	snprintf(sys, sizeof(sys), "%s", unit_path("sys"));
	unit_run("mkdir -p sys/devices/host1/session1/block/sda/holders sys/class/block");
	unit_run("mkdir -p sys/devices/host2/session12/block/sdb/sdb1/holders");
	unit_run("ln -s ../../devices/host1/session1/block/sda sys/class/block/sda");
	unit_run("ln -s ../../devices/host2/session12/block/sdb sys/class/block/sdb");
	unit_run("ln -s ../../devices/host2/session12/block/sdb/sdb1 sys/class/block/sdb1");
	assert_int_equal(iscsi_session_held(sys, &first, device, sizeof(device)), -ENOENT);
	assert_int_equal(iscsi_session_held(sys, &second, device, sizeof(device)), -ENOENT);
	unit_run("touch sys/devices/host2/session12/block/sdb/sdb1/holders/dm-0");
	assert_int_equal(iscsi_session_held(sys, &first, device, sizeof(device)), -ENOENT);
	assert_int_equal(iscsi_session_held(sys, &second, device, sizeof(device)), 0);
	assert_string_equal(device, "sdb1");
	/* Only what is a device can be one of a session. */
	assert_false(iscsi_session_has(sys, &second, "/dev/null"));
	assert_false(iscsi_session_has(sys, &second, "/none"));
	assert_false(iscsi_session_has(sys, &second, sys));
}

RUN("iscsi", T(targets_are_read), T(sessions_are_found), T(volumes_that_are_held_are_found))
