// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of autostart.c over libvirt's test driver: who starts, who stops, in which order.
#include "internal.h"
#include "unit.h"
#include <unistd.h>

#define GUEST(name, order)                                                                         \
	"<domain type='test'><name>" name "</name><metadata><a:autostart "                         \
	"xmlns:a='urn:posada:autostart' order='" order "' delay='0'/></metadata>"                  \
	"<memory>65536</memory><os><type>hvm</type></os></domain>"

static struct posada *host;
static struct posada_error err;
static char said[256];

static int begin(void **state __attribute__((unused)))
{
	static const char node[] = "<node>" GUEST("a", "0") GUEST("b", "9") GUEST("c", "1")
		GUEST("d", "9") GUEST("e", "2") "</node>";
	char uri[300];

	snprintf(uri, sizeof(uri), "test://%s", unit_write("node.xml", node, sizeof(node) - 1));
	setenv("POSADA_URI", uri, 1);
	*said = '\0';
	return posada_open(&host, 0, &err);
}

static int end(void **state __attribute__((unused)))
{
	posada_close(host);
	return 0;
}

static void report(void *opaque, const char *name, int ret, const struct posada_error *why)
{
	assert_ptr_equal(opaque, &said);
	assert_int_equal(!ret, !*why->text);
	snprintf(said + strlen(said), sizeof(said) - strlen(said), "%s%s ", name, ret ? "!" : "");
}

/* The test driver's guests run at first, and shut down at once. */
TEST(all_stop_in_turn)
{
	assert_int_equal(posada_guest_pause(host, "d", &err), 0);
	assert_int_equal(posada_stop_all(host, 1000, report, &said, &err), 0);
	assert_string_equal(said, "a b d e c ");
	*said = '\0';
	assert_int_equal(posada_stop_all(host, 1000, report, &said, &err), 0);
	assert_string_equal(said, "");
}

TEST(those_that_were_asked_for_start_in_turn)
{
	static const char *const names[] = {"a", "b", "c", "d"};
	struct posada_settings settings;
	unsigned later;

	assert_int_equal(posada_stop_all(host, 1000, report, &said, &err), 0);
	for (size_t i = 0; i < COUNT(names); i++) {
		assert_int_equal(posada_guest_settings(host, names[i], &settings, &err), 0);
		settings.autostart = POSADA_START_ALWAYS;
		if (posada_guest_set(host, names[i], &settings, POSADA_SET_AUTOSTART, &later, &err))
			fail_msg("%s", err.text);
	}
	/* One is there already. */
	assert_int_equal(posada_guest_start(host, "b", &err), 0);
	*said = '\0';
	assert_int_equal(posada_autostart(host, report, &said, &err), 0);
	assert_string_equal(said, "c d a ");
}

static void ask_for(const char *name, enum posada_start start)
{
	struct posada_settings settings = {.autostart = start};
	unsigned later;

	assert_int_equal(
		posada_guest_set(host, name, &settings, POSADA_SET_AUTOSTART, &later, &err), 0);
}

static bool noted(const char *name)
{
	char path[64];

	snprintf(path, sizeof(path), "running/%s", name);
	return !access(unit_path(path), F_OK);
}

TEST(those_that_ran_start_after_a_crash)
{
	assert_int_equal(posada_stop_all(host, 1000, report, &said, &err), 0);
	host->running = unit_path("running");
	ask_for("a", POSADA_START_CRASHED);
	ask_for("b", POSADA_START_CRASHED);
	ask_for("c", POSADA_START_ALWAYS);
	/* The crash came while these ran. */
	unit_write("running/a", "", 0);
	unit_write("running/d", "", 0);
	*said = '\0';
	assert_int_equal(posada_autostart(host, report, &said, &err), 0);
	assert_string_equal(said, "c a ");
	/* Nobody has asked for this one: it is off, and nobody is to think of it when it is asked
	 * for. */
	assert_false(noted("d"));
	assert_int_equal(posada_stop_all(host, 1000, report, &said, &err), 0);
	unlink(unit_path("running/a"));
	*said = '\0';
	assert_int_equal(posada_autostart(host, report, &said, &err), 0);
	assert_string_equal(said, "c ");
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, begin, end)

RUN("autostart", LIVE(all_stop_in_turn), LIVE(those_that_were_asked_for_start_in_turn),
	LIVE(those_that_ran_start_after_a_crash))
