// SPDX-License-Identifier: GPL-2.0-or-later
// Tests of the program posada over libvirt's test driver: exit statuses, messages, JSON.
#include <sys/wait.h>
#include "commands.h"
#include "unit.h"

static const char *uri = "test:///default";

/* Runs it with the shell's words; out and err are good until the next run. */
static int run(const char *words, const char **out, const char **err)
{
	static char error[4096];
	char command[1024], part[4096];
	FILE *program, *captured = unit_open();
	size_t got;
	int status;

	snprintf(command, sizeof(command), "POSADA_URI=%s %s %s 2>%s", uri, PROGRAM, words,
		unit_path("stderr"));
	program = popen(command, "r");
	assert_non_null(program);
	while ((got = fread(part, 1, sizeof(part), program)))
		fwrite(part, 1, got, captured);
	status = pclose(program);
	*out = unit_close(captured, NULL);
	program = fopen(unit_path("stderr"), "r");
	assert_non_null(program);
	error[fread(error, 1, sizeof(error) - 1, program)] = '\0';
	fclose(program);
	*err = error;
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* What is done speaks on stdout, what is not on stderr, and only there. */
TEST(statuses_and_messages_fit)
{
	static const struct {
		const char *words;
		int status;
		const char *says;
	} rows[] = {
		{"", EXIT_USAGE, "Usage: posada COMMAND"},
		{"--help", EXIT_DONE, "  payload   "},
		{"--help", EXIT_DONE, "  install   "},
		{"bogus", EXIT_USAGE, "\"bogus\" is no posada command"},
		{"\"$(printf '\\033')[2J\"", EXIT_USAGE, "\"?[2J\" is no posada"},
		{"guest", EXIT_USAGE, "Usage: posada guest"},
		{"guest bogus", EXIT_USAGE, "\"bogus\" is no guest command"},
		{"guest create --help", EXIT_DONE, "--disk FILE|SIZE"},
		{"guest list more", EXIT_USAGE, "one too many: more"},
		{"guest list --bogus", EXIT_USAGE, "unknown or lacks its value: --bogus"},
		{"guest show", EXIT_USAGE, "the guest's name is missing"},
		{"guest stop test --timeout", EXIT_USAGE, "lacks its value"},
		{"guest stop test --timeout soon", EXIT_USAGE,
			"\"soon\" is no value for --timeout"},
		{"guest create x", EXIT_USAGE, "\"\" is no value for --kind"},
		{"guest create x --kind zen", EXIT_USAGE, "\"zen\" is no value for --kind"},
		{"guest create x --kind pv --memory lots", EXIT_USAGE, "for --memory"},
		{"guest create x --kind pv --vcpus 0x1", EXIT_USAGE, "for --vcpus"},
		{"guest create x --kind pv --disk 0G", EXIT_USAGE, "for --disk"},
		{"guest create x --kind pv $(printf -- ' --disk 1G%.0s' 1 2 3 4 5 6 7 8 9)",
			EXIT_USAGE, "8 disks at most"},
		{"guest create a/b --kind pv --kernel /none", EXIT_FAILED,
			"cannot be a guest's name"},
		{"guest create x --kind pv --kernel /none", EXIT_FAILED, "no kernel /none."},
		{"guest create x --kind pv --kernel=/proc/self/exe --memory 4096G", EXIT_FAILED,
			"4.0 TiB"},
		{"guest create x --kind pvh --disk /none", EXIT_FAILED,
			"There is no disk image /none."},
		{"guest create test --kind pv --kernel /proc/self/exe", EXIT_FAILED,
			"named test already"},
		{"guest create x --kind pv --kernel /proc/self/exe --memory 64M --disk 1G --start",
			EXIT_DONE, "The guest x is made and runs.\n"},
		{"guest show nobody", EXIT_FAILED, "There is no guest named \"nobody\"."},
		{"guest show test", EXIT_DONE, "8.0 GiB"},
		{"guest start test", EXIT_FAILED, "is running already"},
		{"guest stop test --timeout=1", EXIT_DONE, "The guest test is off.\n"},
		{"guest delete test", EXIT_FAILED, "is running"},
		{"guest list", EXIT_DONE, "NAME  KIND"},
		{"storage list", EXIT_DONE, POSADA_VOLUMES " (memory): "},
		{"pool list", EXIT_DONE, "default-pool  directory"},
		{"pool show none", EXIT_FAILED, "no pool named \"none\""},
		{"pool detach", EXIT_USAGE, "the name is missing"},
		{"pool detach default-pool", EXIT_DONE, "The pool default-pool is detached.\n"},
		{"pool create x --kind zfs", EXIT_USAGE, "for --kind"},
		{"pool create x --kind lvm", EXIT_USAGE, "for --source"},
		{"pool create ../x --kind lvm --source sdb", EXIT_FAILED, "be a pool's name"},
		{"pool grow default-pool --disk sdb", EXIT_FAILED, "is no LVM pool"},
		{"guest create x --kind pv --kernel /proc/self/exe --memory 64M --disk 1G --pool y",
			EXIT_FAILED, "no pool named \"y\""},
		{"media add", EXIT_USAGE, "posada media add FILE|ADDRESS"},
		{"media add /", EXIT_FAILED, "cannot be a name"},
		{"media remove ../x", EXIT_FAILED, "no medium named \"../x\""},
		{"network list", EXIT_DONE, "default  network"},
		{"status", EXIT_DONE, "Hypervisor"},
		{"status --help >/dev/full", EXIT_FAILED, "could not be written"},
		{"status >/dev/full", EXIT_FAILED, "could not be written"},
	};

	for (size_t i = 0; i < COUNT(rows); i++) {
		const char *out, *err;
		int status = run(rows[i].words, &out, &err);

		if (status != rows[i].status || !strstr(status ? err : out, rows[i].says) ||
			*(status ? out : err) || strchr(err, '\033'))
			fail_msg("posada %s: %d\n%s%s", rows[i].words, status, out, err);
	}
}

TEST(json_is_valid)
{
	static const char *const words[] = {"status", "guest list", "guest show 'g\"\\1'",
		"storage list", "network list", "media list", "pool list"};
	const char *out, *err;
	FILE *node = unit_open();
	char file[300];
	size_t size;

	/* More than one buffer of output, and names that nobody but us would refuse. */
	fputs("<node>", node);
	for (unsigned i = 0; i < 200; i++)
		fprintf(node,
			"<domain type='test'><name>g&quot;\\%u</name><memory>%u</memory><os><type>hvm</type></os></domain>",
			i, 1024 + i);
	fputs("</node>", node);
	out = unit_close(node, &size);
	snprintf(file, sizeof(file), "test://%s", unit_write("node.xml", out, size));
	uri = file;
	for (size_t i = 0; i < COUNT(words); i++) {
		char command[64];

		snprintf(command, sizeof(command), "%s --json", words[i]);
		if (run(command, &out, &err) || *err || !unit_json_is_valid(out))
			fail_msg("posada %s: %s%s", command, out, err);
	}
	assert_int_equal(run("guest list --json >/dev/full", &out, &err), EXIT_FAILED);
}

RUN("commands", T(statuses_and_messages_fit), T(json_is_valid))
