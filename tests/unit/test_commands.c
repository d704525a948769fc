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
		{"guest create x --firmware coreboot", EXIT_USAGE, "for --firmware"},
		{"guest create x --boot disk", EXIT_USAGE, "\"disk\" is no value for --boot"},
		{"guest create x --boot network --kind pv", EXIT_FAILED, "Choose the kind hvm"},
		{"guest create x --boot network --memory 64M", EXIT_DONE, "Its kind is hvm"},
		{"guest create x --kernel /none", EXIT_FAILED, "no kernel /none."},
		{"guest create x", EXIT_FAILED, "nothing to start from"},
		{"guest create x --kind zen", EXIT_USAGE, "\"zen\" is no value for --kind"},
		{"guest create x --kind pv --memory lots", EXIT_USAGE, "for --memory"},
		{"guest create x --kind pv --vcpus 0x1", EXIT_USAGE, "for --vcpus"},
		{"guest create x --kind pv --disk 0G", EXIT_USAGE, "for --disk"},
		{"guest create x --kind pv --copy /none", EXIT_FAILED, "no disk image /none."},
		{"guest create x --copy /none --copy-size much", EXIT_USAGE, "for --copy-size"},
		{"guest create x --disk 1G --copy-size 1G", EXIT_USAGE, "It goes with --copy."},
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
		{"guest create x --kernel /proc/self/exe --memory 64M", EXIT_DONE,
			"Its kind is qemu: the kernel has no entry for Xen"},
		{"guest create x --kind pv --kernel /proc/self/exe --memory 64M --disk 1G --start",
			EXIT_DONE, "The guest x is made and runs.\n"},
		{"guest attach test", EXIT_USAGE, "--disk, --nic, --pci, --usb"},
		{"guest attach test --disk 0G", EXIT_USAGE, "zero or too large"},
		{"guest attach test --disk /none", EXIT_FAILED, "no disk image /none."},
		{"guest detach test --disk xvdz", EXIT_FAILED, "no device \"xvdz\""},
		{"guest insert test", EXIT_USAGE, "--iso"},
		{"guest eject nobody", EXIT_FAILED, "no guest named"},
		{"guest create s --kind pv --kernel /proc/self/exe --memory 64M --seed-user a",
			EXIT_FAILED, "Nobody could log in as a."},
		{"guest create s --kind pv --kernel /proc/self/exe --memory 64M --seed-key /proc",
			EXIT_USAGE, "is no value for --seed-key"},
		{"guest create s --kind pv --kernel /proc/self/exe --memory 64M --seed-key a",
			EXIT_FAILED, "no whole public key"},
		/* There is no folder for it, and so the guest goes again. */
		{"guest create s --kind pv --kernel /proc/self/exe --memory 64M --seed-host a",
			EXIT_FAILED, "cannot be written to /data/volumes/s~seed.iso"},
		{"guest show s", EXIT_FAILED, "There is no guest"},
		{"guest autostart", EXIT_DONE, ""},
		{"guest stopall --timeout soon", EXIT_USAGE, "for --timeout"},
		{"guest stopall", EXIT_DONE, "The guest test is off.\n"},
		{"guest show nobody", EXIT_FAILED, "There is no guest named \"nobody\"."},
		{"guest show test", EXIT_DONE, "2.0 GiB"},
		{"guest show test", EXIT_DONE, "Boot order"},
		{"guest set test", EXIT_USAGE, "nothing was given to set"},
		{"guest set test --boot floppy", EXIT_USAGE, "disk, cd and network"},
		{"guest set test --autostart maybe", EXIT_USAGE, "Give on, off or crashed."},
		{"guest set test --order 1000", EXIT_USAGE, "from 1 to 999"},
		{"guest set test --delay x", EXIT_USAGE, "3600 at most"},
		{"guest set test --on-crash burn", EXIT_USAGE, "off or restart"},
		{"guest set test --memory 1M", EXIT_FAILED, "too little"},
		{"guest set test --memory 4096G", EXIT_FAILED, "4.0 TiB"},
		{"guest set test --boot network,disk --memory 1G", EXIT_DONE,
			"The boot order: from its next start on.\n"},
		{"guest start test", EXIT_FAILED, "is running already"},
		{"guest stop test --timeout=1", EXIT_DONE, "The guest test is off.\n"},
		{"guest delete test", EXIT_FAILED, "is running"},
		{"guest display test", EXIT_FAILED, "has no screen"},
		{"guest display nobody", EXIT_FAILED, "no guest named"},
		{"guest screenshot test", EXIT_USAGE, "this word is missing: FILE"},
		{"guest screenshot test a.png b.png", EXIT_USAGE, "one too many: b.png"},
		{"guest screenshot test a.gif", EXIT_FAILED, "neither in .png nor in .ppm"},
		{"guest screenshot test a.png", EXIT_FAILED, "has no screen"},
		{"guest list", EXIT_DONE, "NAME  KIND"},
		{"guest clone test", EXIT_USAGE, "this word is missing: NEW"},
		{"guest clone test a b", EXIT_USAGE, "one too many: b"},
		{"guest clone test a --=b", EXIT_USAGE, "unknown or lacks its value"},
		{"guest clone --help", EXIT_DONE, "\n  NEW "},
		{"guest clone nobody a", EXIT_FAILED, "no guest named \"nobody\""},
		{"guest template test maybe", EXIT_USAGE, "\"on\" or \"off\""},
		{"storage list", EXIT_DONE, POSADA_VOLUMES " (memory): "},
		{"network list", EXIT_DONE, "default  nat"},
		{"network show default", EXIT_DONE, "192.168.122.1/24"},
		{"network show", EXIT_USAGE, "the name is missing"},
		{"network create lab --kind nat", EXIT_DONE, "The network lab is made.\n"},
		{"network create lab --kind isolated", EXIT_DONE, "The network lab is made.\n"},
		{"network create lab", EXIT_USAGE, "--kind is missing, or empty. Give nat"},
		{"network create lab --kind zen", EXIT_FAILED, "nat, isolated or bridge"},
		{"network create default --kind nat", EXIT_FAILED, "named default already"},
		{"network create lo --kind nat", EXIT_FAILED, "means something else"},
		{"network create vnet0 --kind nat", EXIT_FAILED, "begin with vnet"},
		{"network create a.b --kind nat", EXIT_FAILED, "cannot be a network's name"},
		{"network create lab --kind nat --address 192.168.0.1/16", EXIT_FAILED,
			"overlaps the network default"},
		{"network create lab --kind nat --address 10.1.0.0/24", EXIT_FAILED,
			"cannot have the address 10.1.0.0/24"},
		{"network create lab --kind nat --address 10.1.0.1", EXIT_FAILED,
			"Write it as 10.1.0.1/24"},
		{"network create lab --kind nat --address none", EXIT_FAILED, "neither NAT"},
		{"network create lab --kind nat --vlan 5", EXIT_FAILED, "kind bridge has a card"},
		{"network create lab --kind bridge --vlan 0", EXIT_USAGE, "from 1 to 4094"},
		{"network create lab --kind nat --dhcp maybe", EXIT_USAGE, "Give on or off"},
		{"network set default --address 10.1.0.1/24", EXIT_FAILED, "Stop it first"},
		{"network set none --dhcp on", EXIT_FAILED, "no network or bridge named none"},
		{"network delete default", EXIT_FAILED, "The guest test uses"},
		{"network set default --dhcp", EXIT_FAILED, "Stop it first"},
		{"network set default --gateway 10.1.0.1", EXIT_USAGE, "Only the host's own"},
		{"network set host", EXIT_USAGE, "either an address"},
		{"network set host --dhcp --address 10.1.0.1/24", EXIT_USAGE, "either an address"},
		{"network set host --address 10.1.0.1/24 --vlan 2", EXIT_USAGE, "for --vlan"},
		{"network set host --address 10.1.0.1/24 --nic none", EXIT_FAILED,
			"no network card none"},
		{"network set host --address 192.168.122.9/24", EXIT_FAILED,
			"overlaps the network default"},
		{"network confirm", EXIT_FAILED, "Nothing is being tried"},
		{"pool list", EXIT_DONE, "default-pool  directory"},
		{"pool show none", EXIT_FAILED, "no pool named \"none\""},
		{"pool detach", EXIT_USAGE, "the name is missing"},
		{"pool detach default-pool", EXIT_DONE, "The pool default-pool is detached.\n"},
		{"pool delete default-pool", EXIT_USAGE, "this word is missing: VOLUME"},
		{"pool delete default-pool x --confirm y", EXIT_FAILED, "not the name"},
		{"pool delete default-pool x --confirm x", EXIT_FAILED, "no volume named \"x\""},
		{"pool create x --kind zfs", EXIT_USAGE, "for --kind"},
		{"pool create x --kind lvm", EXIT_USAGE, "--source is missing, or empty"},
		{"pool create ../x --kind lvm --source sdb", EXIT_FAILED, "be a pool's name"},
		{"pool grow default-pool --disk sdb", EXIT_FAILED, "is no LVM pool"},
		{"guest create x --kind pv --kernel /proc/self/exe --memory 64M --disk 1G --pool y",
			EXIT_FAILED, "no pool named \"y\""},
		{"media add", EXIT_USAGE, "posada media add FILE|ADDRESS"},
		{"media add /", EXIT_FAILED, "--name gives it another name"},
		{"media remove ../x", EXIT_FAILED, "no medium named \"../x\""},
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
		"storage list", "network list", "network show default", "media list", "pool list"};
	const char *out, *err;
	FILE *node = unit_open();
	char file[300];
	size_t size;

	/* More than one buffer of output, and names that nobody but us would refuse. */
	fputs("<node><network><name>default</name><bridge name='virbr0'/></network>", node);
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
