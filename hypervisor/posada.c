// SPDX-License-Identifier: GPL-2.0-or-later
// posada: the command-line face of libposada, as one table of commands.
#include <errno.h>
#include <locale.h>
#include <stdbool.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "commands.h"

/* libvirtd may still be starting, or be on its way back. */
#define PATIENCE_MS 5000

static const struct option_entry no_options[] = {{0}};

static const struct option_entry print_options[] = {
	{"json", NULL, N_("print JSON for programs")},
	{0},
};

static const struct option_entry create_options[] = {
	{"kind", N_("KIND"), N_("pv, pvh, hvm, qemu, or auto: what fits best (auto)")},
	{"firmware", N_("bios|uefi"), N_("of the kinds hvm and qemu (bios, or what auto finds)")},
	{"memory", N_("SIZE"), N_("such as 512M or 2G (512M)")},
	{"vcpus", N_("NUMBER"), N_("processors (1)")},
	{"kernel", N_("FILE"), N_("start this kernel")},
	{"initrd", N_("FILE"), N_("with this initrd")},
	{"cmdline", N_("TEXT"), N_("and this command line")},
	{"disk", N_("FILE|SIZE"), N_("a disk that exists, or a new volume; can be repeated")},
	{"copy", N_("FILE"), N_("a new volume, copied from this disk image; can be repeated")},
	{"copy-size", N_("SIZE"), N_("how large the first copy is (as large as its image)")},
	{"pool", N_("NAME"), N_("the pool that new volumes are made in (default)")},
	{"format", N_("FORMAT"), N_("of new volumes that are files: raw or qcow2 (raw)")},
	{"iso", N_("FILE"), N_("an ISO image in the CD drive")},
	{"boot", "network", N_("start from the network (PXE) before disk and CD: hvm and qemu")},
	{"network", N_("NAME"), N_("default, a bridge such as br0, or none (default)")},
	{"start", NULL, N_("start it at once")},
	SEED_OPTIONS,
	{0},
};

static const struct option_entry set_options[] = {
	{"memory", N_("SIZE"), N_("such as 512M or 2G")},
	{"vcpus", N_("NUMBER"), N_("processors")},
	{"boot", N_("LIST"), N_("what it starts from, in order: disk,cd,network")},
	{"autostart", N_("on|off|crashed"),
		N_("start it with the host; crashed: when it ran and the host crashed")},
	{"order", N_("NUMBER"), N_("its place among those: 1 is first, 0 after all numbers")},
	{"delay", N_("SECONDS"), N_("wait so long before the next one starts")},
	{"on-crash", N_("off|restart"), N_("what becomes of it when it crashes")},
	{0},
};

static const struct option_entry attach_options[] = {
	{"disk", N_("FILE|SIZE"), N_("a disk that exists, or a new volume")},
	{"pool", N_("NAME"), N_("the pool that a new volume is made in (default)")},
	{"format", N_("FORMAT"), N_("of a new volume that is a file: raw or qcow2 (raw)")},
	{"nic", N_("NETWORK"), N_("a network card in a network or at a bridge")},
	{"pci", N_("ADDRESS"),
		N_("a PCI device of the host, such as 0000:03:00.0 (\"guest devices\")")},
	{"usb", N_("VENDOR:PRODUCT"),
		N_("a USB device of the host, such as 046d:c52b (\"guest devices\")")},
	{0},
};

static const struct option_entry detach_options[] = {
	{"disk", N_("TARGET"), N_("what the guest calls it, such as xvdb; its volume stays")},
	{"nic", N_("MAC"), N_("the card's address")},
	{"pci", N_("ADDRESS"), N_("give a PCI device back to the host")},
	{"usb", N_("VENDOR:PRODUCT"), N_("give a USB device back to the host")},
	{0},
};

static const struct option_entry insert_options[] = {
	{"iso", N_("FILE"),
		N_("the ISO image (needed): a system, or the Xen Project's PV drivers for Windows")},
	{0},
};

static const struct option_entry stop_options[] = {
	{"timeout", N_("SECONDS"), N_("how long to wait for it (60)")},
	{0},
};

static const struct option_entry console_options[] = {
	{"take-over", NULL, N_("end the session that has the console now")},
	{0},
};

static const struct option_entry display_options[] = {
	{"web", NULL, N_("show it to one browser, at an address that is told")},
	{"json", NULL, N_("print JSON for programs")},
	{0},
};

static const struct option_entry screenshot_options[] = {
	{WORD, N_("FILE"), N_("where the picture goes: its name ends in .png or .ppm")},
	{0},
};

static const struct option_entry delete_options[] = {
	{"disks", NULL, N_("also its volumes")},
	{0},
};

static const struct option_entry network_create_options[] = {
	{"kind", N_("KIND"), N_("nat, isolated or bridge (needed)")},
	{"address", N_("A/N"), N_("nat, isolated: this host's own, such as 10.1.0.1/24")},
	{"dhcp", N_("on|off"), N_("nat, isolated: addresses for guests (on)")},
	{"nic", N_("CARD"), N_("bridge: the card it is on (the host's own)")},
	{"vlan", N_("ID"), N_("bridge: a VLAN of that card, 1 to 4094")},
	{0},
};

static const struct option_entry network_set_options[] = {
	{"address", N_("A/N"), N_("this host's own on it; none")},
	{"dhcp", N_("[on|off]"), N_("addresses for guests; host: this host's own by DHCP")},
	{"nic", N_("CARD"), N_("the card that a bridge, or the host, is on")},
	{"vlan", N_("ID"), N_("bridge: a VLAN of that card, 1 to 4094; 0 for none")},
	{"gateway", N_("ADDRESS"), N_("host: the way out")},
	{"dns", N_("LIST"), N_("host: name servers, with commas between")},
	{0},
};

static const struct option_entry clone_options[] = {
	{WORD, N_("NEW"), N_("the name of the guest that is made")},
	SEED_OPTIONS,
	{0},
};

static const struct option_entry template_options[] = {
	{WORD, N_("on|off"), N_("a template is not started, only cloned")},
	{0},
};

static const struct option_entry pool_create_options[] = {
	{"kind", N_("KIND"), N_("directory, lvm, nfs or iscsi (needed)")},
	{"source", N_("WHAT"),
		N_("a folder or a device with a file system; a volume group, or a disk that becomes one and loses what it holds; SERVER:/PATH; SERVER[:PORT]/TARGET (needed)")},
	{"user", N_("NAME"), N_("what a target asks for (CHAP)")},
	{"password-file", N_("FILE"), N_("the password is its first line")},
	{"confirm", N_("DISK"), N_("answers what would be asked")},
	{0},
};

static const struct option_entry pool_grow_options[] = {
	{"disk", N_("DISK"), N_("the disk or partition, which loses what it holds (needed)")},
	{"confirm", N_("DISK"), N_("answers what would be asked")},
	{0},
};

static const struct option_entry pool_delete_options[] = {
	{WORD, N_("VOLUME"), N_("as \"posada pool show\" calls it; what is in it is lost")},
	{"confirm", N_("VOLUME"), N_("answers what would be asked")},
	{0},
};

static const struct option_entry media_list_options[] = {
	{"checksum", NULL, N_("read those whose checksum is not known, which takes time")},
	{"json", NULL, N_("print JSON for programs")},
	{0},
};

static const struct option_entry media_add_options[] = {
	{"name", N_("NAME"), N_("what it is called in the library (as where it comes from)")},
	{"sha256", N_("HEX"),
		N_("the checksum that it must have, or it is not kept; a server's identity is not checked")},
	{0},
};

/* What stands behind a command's words; false is nothing. */
enum takes { A_NAME = true, A_FILE };

static const struct command {
	const char *noun;
	const char *verb;    /* NULL where the noun is the whole command */
	unsigned takes_name; /* or another of enum takes */
	const char *help;
	int (*run)(struct posada *handle, const struct args *args);
	const struct option_entry *options;
} commands[] = {
	{"status", NULL, false, N_("the host: engine, cpu, memory, network, disks, guests"),
		command_status, print_options},
	{"guest", "list", false, N_("all guests"), command_guest_list, print_options},
	{"guest", "show", true, N_("one guest in full"), command_guest_show, print_options},
	{"guest", "create", true, N_("make a guest"), command_guest_create, create_options},
	{"guest", "set", true, N_("change its memory, processors, boot order, autostart"),
		command_guest_set, set_options},
	{"guest", "attach", true, N_("give it a disk or a network card, while it runs or is off"),
		command_guest_attach, attach_options},
	{"guest", "detach", true, N_("take one away"), command_guest_detach, detach_options},
	{"guest", "devices", false, N_("what this host has that a guest could be given"),
		command_guest_devices, print_options},
	{"guest", "insert", true, N_("put a CD into its drive"), command_guest_insert,
		insert_options},
	{"guest", "eject", true, N_("take the CD out"), command_guest_eject, no_options},
	{"guest", "start", true, N_("switch it on"), command_guest_start, no_options},
	{"guest", "stop", true, N_("ask it to shut down, and wait"), command_guest_stop,
		stop_options},
	{"guest", "autostart", false, N_("start those that start with the host, in their order"),
		command_guest_autostart, no_options},
	{"guest", "stopall", false, N_("shut down all that run, as the host does when it stops"),
		command_guest_stopall, stop_options},
	{"guest", "kill", true, N_("take its power away"), command_guest_kill, no_options},
	{"guest", "reboot", true, N_("ask it to reboot"), command_guest_reboot, no_options},
	{"guest", "pause", true, N_("freeze it"), command_guest_pause, no_options},
	{"guest", "resume", true, N_("let a frozen guest go on"), command_guest_resume, no_options},
	{"guest", "console", true, N_("its console in this terminal; Ctrl-] leaves"),
		command_guest_console, console_options},
	{"guest", "display", true, N_("how to reach its screen from elsewhere"),
		command_guest_display, display_options},
	{"guest", "screenshot", true, N_("a picture of its screen"), command_guest_screenshot,
		screenshot_options},
	{"guest", "delete", true, N_("remove a guest that is off"), command_guest_delete,
		delete_options},
	{"guest", "clone", true, N_("make another guest like one that is off"), command_guest_clone,
		clone_options},
	{"guest", "template", true, N_("keep a guest for others to be made from it"),
		command_guest_template, template_options},
	{"media", "list", false, N_("images and kernels that guests can start from"),
		command_media_list, media_list_options},
	{"media", "add", A_FILE, N_("put a file or a download into the library"), command_media_add,
		media_add_options},
	{"media", "remove", true, N_("delete one from the library"), command_media_remove,
		no_options},
	{"media", "check", false, N_("tell which guest lacks an image, and let go of sticks"),
		command_media_check, no_options},
	{"network", "list", false, N_("networks that guests can join"), command_network_list,
		print_options},
	{"network", "show", true, N_("one network, and the guests that have it"),
		command_network_show, print_options},
	{"network", "create", true, N_("make a network for guests"), command_network_create,
		network_create_options},
	{"network", "set", true, N_("change it; with the name host: this host's own address"),
		command_network_set, network_set_options},
	{"network", "confirm", false, N_("keep the host's address that is being tried"),
		command_network_confirm, no_options},
	{"network", "reset", false, N_("the host's address by DHCP, on the first card with a link"),
		command_network_reset, no_options},
	{"network", "delete", true, N_("remove one that no guest has"), command_network_delete,
		no_options},
	{"storage", "list", false, N_("the volumes of the guests"), command_storage_list,
		print_options},
	{"pool", "list", false, N_("where volumes can be made: pools, their room and state"),
		command_pool_list, print_options},
	{"pool", "show", true, N_("one pool and its volumes"), command_pool_show, print_options},
	{"pool", "create", true, N_("make a pool"), command_pool_create, pool_create_options},
	{"pool", "grow", true, N_("give an LVM pool one disk more"), command_pool_grow,
		pool_grow_options},
	{"pool", "delete", true, N_("delete a volume in it that no guest has"), command_pool_delete,
		pool_delete_options},
	{"pool", "attach", true, N_("use it again, also after a reboot"), command_pool_attach,
		no_options},
	{"pool", "detach", true, N_("let go of it; what is in it stays there"), command_pool_detach,
		no_options},
	{"pool", "forget", true, N_("the host knows it no more; what is in it stays there"),
		command_pool_forget, no_options},
	{"pool", "check", false, N_("attach those that are back, and tell what is wrong"),
		command_pool_check, no_options},
};

/* What needs nothing of libvirt are programs of their own. */
static const struct {
	const char *noun;
	const char *verb; /* NULL: all of them */
	const char *program, *help;
} programs[] = {
	{"guest", "adopt", "posada-adopt",
		N_("make a guest of the system that is on a disk, without a copy")},
	{"storage", "create", "posada-storage", N_("make a data place, where what lasts is kept")},
	{"storage", "attach", "posada-storage", N_("use the data place that is there")},
	{"storage", "move", "posada-storage", N_("copy everything to another, and use that")},
	{"storage", "detach", "posada-storage", N_("let go of it")},
	{"storage", "group", "posada-storage", N_("give a disk to a volume group")},
	{"storage", "repair", "posada-storage", N_("take a disk into a mirror that has lost one")},
	{"config", NULL, "posada-config", N_("the settings of this host")},
	{"install", NULL, "posada-install", N_("this machine's disks, and Posada on one of them")},
	{"payload", NULL, "posada-payload", N_("the files that this system started from")},
};

#define COMMANDS (sizeof(commands) / sizeof(commands[0]))
#define PROGRAMS (sizeof(programs) / sizeof(programs[0]))

const char *args_get(const struct args *args, const char *option)
{
	size_t i;

	for (i = args->count; i > 0; i--)
		if (!strcmp(args->values[i - 1].option->name, option))
			return args->values[i - 1].value;
	return NULL;
}

/* It stands first among the options. */
static const struct option_entry *word_of(const struct command *command)
{
	const struct option_entry *first = command->options;

	return first->name && !*first->name ? first : NULL;
}

/* --- Help, made from the table ------------------------------------------ */

static void print_synopsis(FILE *out, const struct command *command)
{
	const struct option_entry *word = word_of(command), *first = command->options + !!word;

	fprintf(out, "posada %s%s%s%s%s%s%s", command->noun, command->verb ? " " : "",
		command->verb ? command->verb : "",
		command->takes_name == A_FILE ? _(" FILE|ADDRESS")
		: command->takes_name	      ? _(" NAME")
					      : "",
		word ? " " : "", word ? _(word->argument) : "",
		first->name ? _(" [OPTION]...") : "");
}

/* noun NULL lists everything. */
static void print_help(FILE *out, const char *noun)
{
	size_t i;

	fprintf(out, _("Usage: posada %s\n\n"), noun ? noun : _("COMMAND"));
	for (i = 0; i < COMMANDS; i++) {
		const struct command *at = &commands[i];

		if (noun && strcmp(noun, at->noun) != 0)
			continue;
		fprintf(out, "  %-8s%-11s%s\n", at->noun, at->verb ? at->verb : "", _(at->help));
	}
	for (i = 0; i < PROGRAMS; i++)
		if (!noun || !strcmp(noun, programs[i].noun))
			fprintf(out, "  %-8s%-11s%s\n", programs[i].noun,
				programs[i].verb ? programs[i].verb : "", _(programs[i].help));
	fputs(_("\n\"--help\" after a command tells its options.\n"
		"Exit status: 0 done, 1 failed, 2 wrong usage.\n"),
		out);
}

static void print_command_help(FILE *out, const struct command *command)
{
	const struct option_entry *option;

	fputs(_("Usage: "), out);
	print_synopsis(out, command);
	fprintf(out, "\n\n%s.\n", _(command->help));
	if (command->options[0].name)
		putc('\n', out);
	for (option = command->options; option->name; option++) {
		int width = fprintf(out, "  %s%s%s%s", *option->name ? "--" : "", option->name,
			*option->name && option->argument ? " " : "",
			option->argument ? _(option->argument) : "");

		fprintf(out, "%*s%s\n", width < 22 ? 22 - width : 1, "", _(option->help));
	}
}

/* --- The command line --------------------------------------------------- */

static int usage(const struct command *command, const char *what, const char *word)
{
	char clean[64];

	fprintf(stderr, "posada: %s%s%s\n%s", what, word ? ": " : "",
		word ? posada_text_clean(word, clean, sizeof(clean)) : "", _("Usage: "));
	print_synopsis(stderr, command);
	fputs(_("; --help tells more.\n"), stderr);
	return EXIT_USAGE;
}

static bool is_help(const char *word)
{
	return !strcmp(word, "--help") || !strcmp(word, "-h") || !strcmp(word, "help");
}

/* "--name value" and "--name=value"; returns how many words it took, 0 for neither. */
static int take_option(const struct command *command, char **words, struct args *args)
{
	size_t len = strcspn(words[0] + 2, "=");
	const char *value = words[0][2 + len] ? words[0] + 3 + len : NULL;
	const struct option_entry *option;
	int taken = 1;

	for (option = command->options; option->name; option++)
		if (len && strlen(option->name) == len && !strncmp(option->name, words[0] + 2, len))
			break;
	if (!option->name || args->count == VALUES_MAX || (value && !option->argument))
		return 0;
	/* "[...]": the value can be left out. */
	if (option->argument && *option->argument == '[' && !value &&
		(!words[1] || !strncmp(words[1], "--", 2))) {
		value = "";
	} else if (option->argument && !value) {
		value = words[1];
		taken = 2;
		if (!value)
			return 0;
	}
	args->values[args->count].option = option;
	args->values[args->count++].value = value ? value : "";
	return taken;
}

static int run(const struct command *command, char **words)
{
	const struct option_entry *word = word_of(command);
	struct posada *handle;
	struct posada_error err;
	struct args args = {0};
	int status;

	while (*words) {
		int taken = 1;

		if (!strcmp(*words, "--help") || !strcmp(*words, "-h")) {
			print_command_help(stdout, command);
			return EXIT_DONE;
		}
		if (!strncmp(*words, "--", 2)) {
			taken = take_option(command, words, &args);
			if (!taken)
				return usage(command,
					_("this option is unknown or lacks its value"), *words);
		} else if (command->takes_name && !args.name) {
			args.name = *words;
		} else if (word && args.count < VALUES_MAX && !args_get(&args, WORD)) {
			args.values[args.count].option = word;
			args.values[args.count++].value = *words;
		} else {
			return usage(command, _("this word is one too many"), *words);
		}
		words += taken;
	}
	if (command->takes_name && !args.name)
		return usage(command,
			command->takes_name == A_FILE ? _("the file or its address is missing")
			: strcmp(command->noun, "guest") != 0 ? _("the name is missing")
							      : _("the guest's name is missing"),
			NULL);
	if (word && !args_get(&args, WORD))
		return usage(command, _("this word is missing"), _(word->argument));

	if (posada_open(&handle, PATIENCE_MS, &err)) {
		fprintf(stderr, "posada: %s\n", err.text);
		return EXIT_FAILED;
	}
	status = command->run(handle, &args);
	posada_close(handle);
	return status;
}

static int unknown(const char *word, const char *noun)
{
	char clean[64];

	fprintf(stderr, _("posada: \"%s\" is no %s command. These there are:\n\n"),
		posada_text_clean(word, clean, sizeof(clean)), noun ? noun : "posada");
	print_help(stderr, noun);
	return EXIT_USAGE;
}

static int dispatch(char **words)
{
	const char *noun = words[0];
	bool known = false;
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		const struct command *at = &commands[i];

		if (strcmp(noun, at->noun) != 0)
			continue;
		known = true;
		if (!at->verb)
			return run(at, words + 1);
		if (words[1] && !strcmp(words[1], at->verb))
			return run(at, words + 2);
	}
	if (!known)
		return unknown(noun, NULL);
	if (words[1] && !is_help(words[1]))
		return unknown(words[1], noun);
	print_help(words[1] ? stdout : stderr, noun);
	return words[1] ? EXIT_DONE : EXIT_USAGE;
}

static const char *find_program(const char *noun, const char *verb)
{
	size_t i;

	for (i = 0; i < PROGRAMS; i++)
		if (!strcmp(noun, programs[i].noun) &&
			(!programs[i].verb || (verb && !strcmp(verb, programs[i].verb))))
			return programs[i].program;
	return NULL;
}

static int run_program(const char *program, char **words)
{
	words[0] = (char *)program;
	execvp(program, words);
	fprintf(stderr, _("posada: %s cannot be started: %s. It belongs to the Posada image.\n"),
		program, strerror(errno));
	return EXIT_FAILED;
}

int main(int argc, char **argv)
{
	const char *program;
	int status;

	setlocale(LC_ALL, "");
	bindtextdomain(POSADA_DOMAIN, POSADA_LOCALE_DIR);
	if (argc < 2) {
		print_help(stderr, NULL);
		return EXIT_USAGE;
	}
	program = find_program(argv[1], argv[2]);
	if (program)
		return run_program(program, argv + 1);
	/* A libvirtd, or a reader of our output, that goes away is an error that is told. */
	signal(SIGPIPE, SIG_IGN);
	if (is_help(argv[1])) {
		print_help(stdout, NULL);
		status = EXIT_DONE;
	} else {
		status = dispatch(argv + 1);
	}
	/* What filled the buffer before now has failed unnoticed. */
	if (fflush(stdout) || ferror(stdout)) {
		fputs(_("posada: the output could not be written.\n"), stderr);
		return EXIT_FAILED;
	}
	return status;
}
