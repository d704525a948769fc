// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of set.c: settings in a definition, and what becomes of them in a guest that runs or is
// off.
#include "internal.h"
#include "set.h"
#include "unit.h"

#define DOMAIN(inside)                                                                             \
	"<domain type='test'><name>g</name><memory unit='KiB'>65536</memory>"                      \
	"<currentMemory unit='KiB'>65536</currentMemory>" inside "</domain>"

static const char full[] = DOMAIN(
	"<metadata><x:y xmlns:x='urn:other'>kept</x:y><a:autostart xmlns:a='urn:posada:autostart' "
	"order='7' delay='30'/></metadata><vcpu placement='static' current='1'>2</vcpu>"
	"<vcpus><vcpu id='0' enabled='yes'/></vcpus><os><type>hvm</type><boot dev='cdrom'/>"
	"<boot dev='fd'/><boot dev='hd'/></os><on_crash>restart</on_crash>"
	"<devices><disk><boot order='1'/></disk></devices>");

#define ALL (~0u)

static struct posada *host;
static struct posada_error err;

static int begin(void **state __attribute__((unused)))
{
	setenv("POSADA_URI", "test:///default", 1);
	return posada_open(&host, 0, &err);
}

static int end(void **state __attribute__((unused)))
{
	posada_close(host);
	return 0;
}

TEST(boot_orders_are_words)
{
	static const char *const bad[] = {"", ",", "disk,", "disk,disk", "hd", "disk cd", "Disk",
		"disk,cd,network,disk", "cdx"};
	struct posada_settings settings = {0};
	char text[64];

	assert_int_equal(posada_boot_parse("network,disk,cd", &settings), 0);
	assert_int_equal(settings.boot_count, 3);
	assert_int_equal(settings.boot[0], POSADA_BOOT_NETWORK);
	assert_string_equal(posada_boot_text(&settings, text, sizeof(text)), "network,disk,cd");
	for (size_t i = 0; i < COUNT(bad); i++)
		assert_int_equal(posada_boot_parse(bad[i], &settings), -EINVAL);
}

TEST(settings_are_read)
{
	struct posada_settings settings;

	assert_int_equal(settings_from_xml(full, &settings), 0);
	assert_int_equal(settings.memory_kib, 65536);
	assert_int_equal(settings.vcpus, 2);
	assert_int_equal(settings.boot_count, 2);
	assert_int_equal(settings.boot[0], POSADA_BOOT_CD);
	assert_int_equal(settings.boot[1], POSADA_BOOT_DISK);
	assert_int_equal(settings.order, 7);
	assert_int_equal(settings.delay_s, 30);
	assert_true(settings.crash_restart);
	assert_int_equal(settings_from_xml("<domain/>", &settings), -EINVAL);
	assert_int_equal(settings_from_xml("no", &settings), -EINVAL);
	/* What another program wrote there is not believed. */
	assert_int_equal(
		settings_from_xml(DOMAIN("<os/><metadata><autostart xmlns='urn:posada:autostart' "
					 "order='-1' delay='99999999999'/></metadata>"),
			&settings),
		0);
	assert_int_equal(settings.order, POSADA_ORDER_MAX);
	assert_int_equal(settings.delay_s, POSADA_DELAY_MAX_S);
}

/* What was not set stays as it is, and nothing is said about it. */
TEST(settings_are_written)
{
	struct posada_settings settings, again;
	char *xml, *second;

	assert_int_equal(settings_from_xml(full, &settings), 0);
	assert_int_equal(settings_to_xml(full, &settings, &xml), 0);
	assert_non_null(strstr(xml, "current=\"1\""));
	assert_non_null(strstr(xml, "<boot order=\"1\"/>"));
	free(xml);
	settings.memory_kib = 131072;
	settings.vcpus = 4;
	settings.order = 2;
	settings.crash_restart = false;
	assert_int_equal(posada_boot_parse("network", &settings), 0);
	assert_int_equal(settings_to_xml(full, &settings, &xml), 0);
	assert_int_equal(settings_from_xml(xml, &again), 0);
	assert_int_equal(again.memory_kib, 131072);
	assert_int_equal(again.vcpus, 4);
	assert_int_equal(again.boot_count, 1);
	assert_int_equal(again.order, 2);
	assert_int_equal(again.delay_s, 30);
	assert_false(again.crash_restart);
	assert_non_null(strstr(xml, "<currentMemory unit=\"KiB\">131072<"));
	assert_non_null(strstr(xml, "kept"));
	assert_null(strstr(xml, "<vcpus>"));
	assert_null(strstr(xml, "current=\"1\""));
	assert_null(strstr(xml, "order=\"1\""));
	settings.order = settings.delay_s = 0;
	assert_int_equal(settings_to_xml(xml, &settings, &second), 0);
	assert_null(strstr(second, "urn:posada"));
	free(second);
	free(xml);
}

TEST(a_running_guest_is_set)
{
	struct posada_settings settings;
	struct posada_guest guest;
	unsigned later;

	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	assert_int_equal(settings.autostart, POSADA_START_NEVER);
	settings.autostart = POSADA_START_ALWAYS;
	settings.order = 3;
	settings.delay_s = 5;
	settings.memory_kib = 4 << 20;
	if (posada_guest_set(host, "test", &settings, ALL, &later, &err))
		fail_msg("%s", err.text);
	/* Within what it started with, at once. */
	assert_int_equal(later, 0);
	assert_int_equal(posada_guest_show(host, "test", &guest, &err), 0);
	assert_int_equal(guest.memory_kib, 4 << 20);
	posada_guest_free(&guest);
	settings.vcpus = 1;
	settings.crash_restart = true;
	settings.boot_count = 2;
	settings.boot[0] = POSADA_BOOT_NETWORK;
	settings.boot[1] = POSADA_BOOT_DISK;
	assert_int_equal(posada_guest_set(host, "test", &settings, ALL, &later, &err), 0);
	assert_int_equal(later, POSADA_SET_VCPUS | POSADA_SET_BOOT | POSADA_SET_CRASH);
	memset(&settings, 0, sizeof(settings));
	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	assert_int_equal(settings.autostart, POSADA_START_ALWAYS);
	assert_true(settings.crash_restart);
	assert_int_equal(settings.vcpus, 1);
	assert_int_equal(settings.order, 3);
	assert_int_equal(settings.delay_s, 5);
	assert_int_equal(settings.boot_count, 2);
	/* One of them takes the place of the other, and nothing else goes with it. */
	settings.autostart = POSADA_START_CRASHED;
	assert_int_equal(
		posada_guest_set(host, "test", &settings, POSADA_SET_AUTOSTART, &later, &err), 0);
	memset(&settings, 0, sizeof(settings));
	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	assert_int_equal(settings.autostart, POSADA_START_CRASHED);
	assert_int_equal(settings.order, 3);
	settings.autostart = POSADA_START_NEVER;
	assert_int_equal(
		posada_guest_set(host, "test", &settings, POSADA_SET_AUTOSTART, &later, &err), 0);
	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	assert_int_equal(settings.autostart, POSADA_START_NEVER);
}

/* What was lent out of a guest that runs is not taken back by a change of something else. */
TEST(only_what_is_meant_is_set)
{
	struct posada_settings settings;
	struct posada_guest guest;
	virDomainPtr domain;
	unsigned later;

	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	settings.memory_kib = 4 << 20;
	assert_int_equal(
		posada_guest_set(host, "test", &settings, POSADA_SET_MEMORY, &later, &err), 0);
	domain = virDomainLookupByName(host->engines[0].conn, "test");
	assert_int_equal(virDomainSetMemoryFlags(domain, 2 << 20, VIR_DOMAIN_AFFECT_LIVE), 0);
	virDomainFree(domain);
	memset(&settings, 0, sizeof(settings));
	settings.order = 9;
	assert_int_equal(
		posada_guest_set(host, "test", &settings, POSADA_SET_ORDER, &later, &err), 0);
	assert_int_equal(later, 0);
	assert_int_equal(posada_guest_show(host, "test", &guest, &err), 0);
	assert_int_equal(guest.memory_kib, 2 << 20);
	posada_guest_free(&guest);
	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	assert_int_equal(settings.memory_kib, 4 << 20);
	assert_int_equal(settings.order, 9);
}

TEST(bad_settings_are_refused)
{
	struct posada_settings settings = {0}, wrong;
	unsigned later;

	assert_int_equal(posada_guest_set(host, "nobody", &settings, ALL, &later, &err), -ENOENT);
	assert_int_equal(posada_guest_settings(host, "test", &settings, &err), 0);
	wrong = settings;
	wrong.vcpus = 0;
	assert_int_equal(posada_guest_set(host, "test", &wrong, ALL, &later, &err), -EINVAL);
	wrong = settings;
	wrong.memory_kib = 1ull << 40;
	assert_int_equal(posada_guest_set(host, "test", &wrong, ALL, &later, &err), -ENOMEM);
	assert_non_null(strstr(err.text, "1.0 PiB"));
	wrong = settings;
	wrong.delay_s = POSADA_DELAY_MAX_S + 1;
	assert_int_equal(posada_guest_set(host, "test", &wrong, ALL, &later, NULL), -EINVAL);
}

#define LIVE(name) cmocka_unit_test_setup_teardown(name, begin, end)

RUN("set", T(boot_orders_are_words), T(settings_are_read), T(settings_are_written),
	LIVE(a_running_guest_is_set), LIVE(only_what_is_meant_is_set),
	LIVE(bad_settings_are_refused))
