// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of settings.c: what is set is read again, what a person wrote stays, what is wrong is told.
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>
#include "settings.h"
#include "unit.h"

static char value[SETTINGS_VALUE], why[SETTINGS_TEXT];

static int set(const char *file, const char *key, const char *to)
{
	return settings_set(file, settings_find(key), to, why);
}

static const char *get(const char *file, const char *key)
{
	assert_int_equal(settings_get(file, settings_find(key), value, why), 0);
	return value;
}

static void see_text(const char *file, const char *wanted)
{
	char text[4096] = "";
	FILE *in = fopen(file, "r");

	assert_non_null(in);
	text[fread(text, 1, sizeof(text) - 1, in)] = '\0';
	fclose(in);
	assert_string_equal(text, wanted);
}

TEST(what_is_not_set_is_initial)
{
	assert_string_equal(get(unit_path("none.conf"), "host.name"), "posada");
	assert_string_equal(get(unit_path("none.conf"), "ssh.enabled"), "no");
	assert_null(settings_find("host"));
	assert_null(settings_find("host.nam"));
}

TEST(what_is_set_is_read_again)
{
	const char *file = unit_path("folder/posada.conf");
	struct stat status;

	assert_int_equal(set(file, "host.name", "inn"), 0);
	assert_int_equal(set(file, "ssh.enabled", "yes"), 0);
	assert_int_equal(set(file, "ssh.password", "$6$salt$hash.of/a.password"), 0);
	assert_int_equal(set(file, "host.name", "inn-2"), 0);
	assert_string_equal(get(file, "host.name"), "inn-2");
	assert_string_equal(get(file, "ssh.password"), "$6$salt$hash.of/a.password");
	see_text(file,
		"[host]\nname = inn-2\n\n[ssh]\nenabled = yes\npassword = $6$salt$hash.of/a.password\n");
	/* A password's hash is in it. */
	assert_int_equal(stat(file, &status), 0);
	assert_int_equal(status.st_mode & 077, 0);
}

TEST(several_are_set_as_one)
{
	const char *file = unit_path("several/posada.conf");
	struct setting_value values[] = {{settings_find("network.address"), "192.0.2.7/24"},
		{settings_find("network.gateway"), "192.0.2.1"},
		{settings_find("network.dns"), "1.1.1.1,9.9.9.9"},
		{settings_find("network.card"), "52:54:00:12:34:56"}};

	assert_int_equal(set(file, "host.name", "inn"), 0);
	assert_int_equal(settings_set_all(file, values, COUNT(values), why), 0);
	see_text(file,
		"[host]\nname = inn\n\n[network]\naddress = 192.0.2.7/24\ngateway = 192.0.2.1\ndns = 1.1.1.1,9.9.9.9\ncard = 52:54:00:12:34:56\n");
	/* One that is wrong keeps the others from being set. */
	values[0].value = "";
	values[3].value = "eth0";
	assert_int_equal(settings_set_all(file, values, COUNT(values), why), -EINVAL);
	assert_non_null(strstr(why, "network.card must be"));
	assert_string_equal(get(file, "network.address"), "192.0.2.7/24");
	values[3].value = "";
	assert_int_equal(settings_set_all(file, values, COUNT(values), why), 0);
	assert_string_equal(get(file, "network.address"), "");
	assert_string_equal(get(file, "network.gateway"), "192.0.2.1");
	for (size_t i = 0; i < 4; i++)
		assert_int_equal(
			settings_set(file, values[i].setting, i ? "nothing" : "192.0.2.0/24", why),
			-EINVAL);
}

TEST(two_at_once_lose_nothing)
{
	static const char *const keys[] = {"host.name", "network.gateway"};
	static const char *const values[2][2] = {{"a", "b"}, {"192.0.2.1", "192.0.2.2"}};
	const char *file = unit_path("both/posada.conf");
	int status;

	assert_int_equal(set(file, "network.dns", "1.1.1.1"), 0);
	for (int who = 0; who < 2; who++)
		if (!fork()) {
			int failed = 0;

			for (int i = 0; i < 200; i++)
				failed |= set(file, keys[who], values[who][i % 2]);
			_exit(failed ? 1 : 0);
		}
	for (int who = 0; who < 2; who++) {
		assert_true(wait(&status) > 0);
		assert_int_equal(status, 0);
	}
	assert_string_equal(get(file, "host.name"), "b");
	assert_string_equal(get(file, "network.gateway"), "192.0.2.2");
	assert_string_equal(get(file, "network.dns"), "1.1.1.1");
}

TEST(what_people_wrote_stays)
{
	static const char before[] =
		"# the inn\n[host]\n  name: old ; of the house\nname = older\n\n[other]\nname = x\n[ssh]\n# none";
	const char *file = unit_write("own.conf", before, strlen(before));

	assert_int_equal(set(file, "host.name", "new"), 0);
	assert_int_equal(set(file, "ssh.enabled", "yes"), 0);
	see_text(file,
		"# the inn\n[host]\nname = new\n\n[other]\nname = x\n[ssh]\n# none\nenabled = yes\n");
	assert_string_equal(get(file, "host.name"), "new");
	/* A section that is there gets its new line, also when another follows. */
	file = unit_write("two.conf", "[host]\n[ssh]\n", 13);
	assert_int_equal(set(file, "host.name", "a"), 0);
	see_text(file, "[host]\nname = a\n[ssh]\n");
}

TEST(what_is_wrong_is_refused)
{
	static const struct {
		const char *key, *to;
	} rows[] = {{"host.name", ""}, {"host.name", "-a"}, {"host.name", "a-"},
		{"host.name", "a.b"}, {"host.name", "a b"}, {"host.name", "a\n[ssh]"},
		{"host.name", "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
		{"ssh.enabled", "on"}, {"ssh.password", "secret"},
		{"ssh.password", "$6$a\n$aaaaaaaaaaaaaaaaa"}};
	static const char wrong[] = "[host]\nname = a b\n", broken[] = "[host\nname\n";
	const char *file = unit_write("good.conf", "[host]\nname = good\n", 19);

	for (size_t i = 0; i < COUNT(rows); i++) {
		assert_int_equal(set(file, rows[i].key, rows[i].to), -EINVAL);
		assert_true(*why);
	}
	see_text(file, "[host]\nname = good\n");
	file = unit_write("wrong.conf", wrong, strlen(wrong));
	assert_int_equal(settings_get(file, settings_find("host.name"), value, why), -EINVAL);
	assert_string_equal(value, "posada");
	assert_non_null(strstr(why, "host.name"));
	file = unit_write("broken.conf", broken, strlen(broken));
	assert_int_equal(settings_get(file, settings_find("host.name"), value, why), -EINVAL);
	assert_non_null(strstr(why, "line 1"));
}

/* Whatever the file is, what is set is read again or an error is told. */
TEST(files_by_chance)
{
	char text[512];

	for (int i = 0; i < 300; i++) {
		const char *file;

		unit_chance_text(text, sizeof(text));
		file = unit_write("chance.conf", text, strlen(text));
		settings_get(file, settings_find("host.name"), value, why);
		assert_int_equal(set(file, "host.name", "inn"), 0);
		if (!settings_get(file, settings_find("host.name"), value, why))
			assert_string_equal(value, "inn");
		else
			assert_true(*why);
	}
}

RUN("settings", T(what_is_not_set_is_initial), T(what_is_set_is_read_again),
	T(several_are_set_as_one), T(two_at_once_lose_nothing), T(what_people_wrote_stays),
	T(what_is_wrong_is_refused), T(files_by_chance))
