// SPDX-License-Identifier: GPL-2.0-or-later
// The commands of the program posada: call libposada, print what it says.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "command_set.h"
#include "commands.h"
#include "json.h"
#include "table.h"

#define DEFAULT_STOP_SECONDS 60
#define MAX_STOP_SECONDS     86400

int failed(const struct posada_error *err)
{
	fprintf(stderr, "posada: %s\n", err->text);
	return EXIT_FAILED;
}

int finish_table(struct table *table)
{
	int ret = table_print(table, stdout);

	if (!ret)
		return EXIT_DONE;
	fprintf(stderr, _("posada: the table cannot be printed: %s.\n"), strerror(-ret));
	return EXIT_FAILED;
}

const char *yes_no(bool value)
{
	return value ? _("yes") : _("no");
}

/* --- Guests ------------------------------------------------------------- */

static void json_guest_brief(struct json *json, const struct posada_guest *guest)
{
	json_open(json, NULL, '{');
	json_string(json, "name", guest->name);
	json_string(json, "uuid", guest->uuid);
	json_string(json, "engine", guest->engine);
	json_string(json, "kind", posada_kind_name(guest->kind));
	json_string(json, "state", posada_state_name(guest->state));
	json_number(json, "id", guest->id);
	json_number(json, "memory_kib", (int64_t)guest->memory_kib);
	json_number(json, "vcpus", guest->vcpus);
}

static void json_guest(
	struct json *json, const struct posada_guest *guest, const struct posada_settings *settings)
{
	size_t i;

	json_guest_brief(json, guest);
	json_string(json, "firmware", guest->firmware);
	json_string(json, "kernel", guest->kernel);
	json_string(json, "initrd", guest->initrd);
	json_string(json, "cmdline", guest->cmdline);
	json_open(json, "disks", '[');
	for (i = 0; i < guest->disk_count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "path", guest->disks[i].path);
		json_string(json, "target", guest->disks[i].target);
		json_string(json, "format", guest->disks[i].format);
		json_bool(json, "cdrom", guest->disks[i].cdrom);
		json_bool(json, "seed", guest->disks[i].seed);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "nics", '[');
	for (i = 0; i < guest->nic_count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "mac", guest->nics[i].mac);
		json_string(
			json, guest->nics[i].bridge ? "bridge" : "network", guest->nics[i].source);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "host_devices", '[');
	for (i = 0; i < guest->hostdev_count; i++)
		json_string(json, NULL, guest->hostdevs[i]);
	json_close(json, ']');
	json_number(json, "vnc_port", guest->vnc_port);
	json_settings(json, settings);
	json_close(json, '}');
}

static void json_guests(struct json *json, const char *key, const struct posada_guests *guests)
{
	size_t i;

	json_open(json, key, '[');
	for (i = 0; i < guests->count; i++) {
		json_guest_brief(json, &guests->items[i]);
		json_close(json, '}');
	}
	json_close(json, ']');
}

static void add_guest_rows(struct table *table, const struct posada_guests *guests)
{
	size_t i;

	table_row(table, _("NAME"), _("KIND"), _("STATE"), _("MEMORY"), _("CPUS"));
	for (i = 0; i < guests->count; i++) {
		const struct posada_guest *guest = &guests->items[i];
		char memory[32], vcpus[16];

		posada_size_text(guest->memory_kib * 1024, memory, sizeof(memory));
		snprintf(vcpus, sizeof(vcpus), "%u", guest->vcpus);
		table_row(table, guest->name, posada_kind_name(guest->kind),
			_(posada_state_name(guest->state)), memory, vcpus);
	}
}

int command_guest_list(struct posada *handle, const struct args *args)
{
	struct table table = {.columns = 5};
	struct json json = {.out = stdout};
	struct posada_guests guests;
	struct posada_error err;
	int status = EXIT_DONE;

	if (posada_guest_list(handle, &guests, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_guests(&json, NULL, &guests);
	} else if (!guests.count) {
		puts(_("There are no guests. \"posada guest create\" makes one."));
	} else {
		add_guest_rows(&table, &guests);
		status = finish_table(&table);
	}
	posada_guests_free(&guests);
	return status;
}

static int print_guest(const struct posada_guest *guest, const struct posada_settings *settings)
{
	struct table table = {.columns = 2};
	char memory[32], text[64], name[64];
	size_t i;

	table_row(&table, _("Name"), guest->name);
	table_row(&table, _("UUID"), guest->uuid);
	table_row(&table, _("Kind"), posada_kind_name(guest->kind));
	table_row(&table, _("State"), _(posada_state_name(guest->state)));
	if (guest->state == POSADA_NO_DEVICE_MODEL)
		table_row(&table, "",
			_("Its device model has died: \"posada guest start\" starts it again."));
	table_row(&table, _("Memory"),
		posada_size_text(guest->memory_kib * 1024, memory, sizeof(memory)));
	snprintf(text, sizeof(text), "%u", guest->vcpus);
	table_row(&table, _("Processors"), text);
	if (guest->firmware)
		table_row(&table, _("Firmware"), guest->firmware);
	if (guest->kernel)
		table_row(&table, _("Kernel"), guest->kernel);
	if (guest->initrd)
		table_row(&table, _("Initrd"), guest->initrd);
	if (guest->cmdline)
		table_row(&table, _("Command line"), guest->cmdline);
	for (i = 0; i < guest->disk_count; i++) {
		snprintf(name, sizeof(name), "%s %s",
			guest->disks[i].cdrom  ? _("CD")
			: guest->disks[i].seed ? _("Seed")
					       : _("Disk"),
			guest->disks[i].target ? guest->disks[i].target : "");
		table_row(&table, name, guest->disks[i].path);
	}
	for (i = 0; i < guest->nic_count; i++) {
		snprintf(text, sizeof(text), _("%.20s on %.32s"),
			guest->nics[i].mac ? guest->nics[i].mac : "?",
			guest->nics[i].source ? guest->nics[i].source : "?");
		table_row(&table, _("Network"), text);
	}
	for (i = 0; i < guest->hostdev_count; i++)
		table_row(&table, _("Device of the host"), guest->hostdevs[i]);
	if (guest->vnc_port) {
		snprintf(
			text, sizeof(text), _("VNC on 127.0.0.1:%d of this host"), guest->vnc_port);
		table_row(&table, _("Screen"), text);
	}
	add_settings_rows(&table, settings);
	return finish_table(&table);
}

int command_guest_show(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct posada_settings settings;
	struct posada_guest guest;
	struct posada_error err;
	int status = EXIT_DONE;

	if (posada_guest_settings(handle, args->name, &settings, &err) ||
		posada_guest_show(handle, args->name, &guest, &err))
		return failed(&err);
	if (args_get(args, "json"))
		json_guest(&json, &guest, &settings);
	else
		status = print_guest(&guest, &settings);
	posada_guest_free(&guest);
	return status;
}

int wrong(const char *option, const char *value, const char *cure)
{
	char clean[64];

	if (*value)
		fprintf(stderr, _("posada: \"%s\" is no value for --%s. %s\n"),
			posada_text_clean(value, clean, sizeof(clean)), option, cure);
	else
		fprintf(stderr, _("posada: --%s is missing, or empty. %s\n"), option, cure);
	return EXIT_USAGE;
}

bool parse_number(const char *text, unsigned max, unsigned *number)
{
	unsigned long value;
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	value = strtoul(text, &end, 10);
	if (errno || *end || value > max)
		return false;
	*number = (unsigned)value;
	return true;
}

/* A size makes a volume; whatever is no size is the path of a file. */
static int add_disk(struct posada_guest_spec *spec, const char *value)
{
	struct posada_disk_spec *disk = &spec->disks[spec->disk_count];
	int ret = posada_size_parse(value, 0, &disk->bytes);

	if (ret == -ERANGE)
		return wrong("disk", value, _("The size is zero or too large."));
	if (ret)
		disk->path = value;
	return EXIT_DONE;
}

static int add_copy(struct posada_guest_spec *spec, const char *value, const char *size)
{
	struct posada_disk_spec *disk = &spec->disks[spec->disk_count];

	if (size && posada_size_parse(size, 'G', &disk->bytes))
		return wrong("copy-size", size, _("Give a size such as 20G."));
	disk->path = value;
	disk->copy = true;
	return EXIT_DONE;
}

/* All disks, in the order in which they were given. */
static int fill_disks(struct posada_guest_spec *spec, const struct args *args)
{
	const char *size = args_get(args, "copy-size");
	int status = EXIT_DONE;

	for (size_t i = 0; i < args->count && !status; i++) {
		const char *option = args->values[i].option->name, *value = args->values[i].value;
		bool copy = !strcmp(option, "copy");

		if (!copy && strcmp(option, "disk") != 0)
			continue;
		if (spec->disk_count == POSADA_DISKS_MAX)
			return wrong(option, value, _("A guest has 8 disks at most."));
		status = copy ? add_copy(spec, value, size) : add_disk(spec, value);
		spec->disks[spec->disk_count].pool = args_get(args, "pool");
		spec->disks[spec->disk_count++].format = args_get(args, "format");
		size = copy ? NULL : size;
	}
	return size && !status ? wrong("copy-size", size, _("It goes with --copy.")) : status;
}

static bool is_auto(const struct args *args)
{
	const char *kind = args_get(args, "kind");

	return !kind || !strcmp(kind, "auto");
}

static int fill_spec(struct posada_guest_spec *spec, const struct args *args)
{
	const char *kind = args_get(args, "kind"), *firmware = args_get(args, "firmware");
	const char *memory = args_get(args, "memory");
	const char *vcpus = args_get(args, "vcpus");
	const char *network = args_get(args, "network"), *boot = args_get(args, "boot");
	uint64_t bytes = UINT64_C(512) << 20;

	memset(spec, 0, sizeof(*spec));
	spec->name = args->name;
	spec->vcpus = 1;
	if (!is_auto(args) && posada_kind_parse(kind, &spec->kind))
		return wrong("kind", kind, _("Give auto, pv, pvh, hvm or qemu."));
	spec->uefi = firmware && !strcmp(firmware, "uefi");
	if (firmware && !spec->uefi && strcmp(firmware, "bios") != 0)
		return wrong("firmware", firmware, _("Give bios or uefi."));
	spec->pxe = boot != NULL;
	if (boot && strcmp(boot, "network") != 0)
		return wrong("boot", boot,
			_("Give network; any other order is for \"posada guest set\"."));
	if (memory && posada_size_parse(memory, 'M', &bytes))
		return wrong("memory", memory, _("Give a size such as 512M or 2G."));
	if (vcpus && !parse_number(vcpus, POSADA_VCPUS_MAX, &spec->vcpus))
		return wrong("vcpus", vcpus, _("Give a number from 1 to 128."));
	spec->memory_kib = bytes / 1024;
	spec->kernel = args_get(args, "kernel");
	spec->initrd = args_get(args, "initrd");
	spec->cmdline = args_get(args, "cmdline");
	spec->iso = args_get(args, "iso");
	spec->network = network ? network : "default";
	spec->start = args_get(args, "start") != NULL;
	return fill_disks(spec, args);
}

int command_guest_create(struct posada *handle, const struct args *args)
{
	struct posada_choice choice = {0};
	struct posada_guest_spec spec;
	struct seed_args seed = {0};
	struct posada_media_file iso;
	struct posada_error err;
	char text[256], clean[256];
	unsigned shown;
	int status = fill_spec(&spec, args);

	if (!status)
		status = seed_from_args(args, &seed);
	if (status)
		return status;
	spec.seed = seed.given ? &seed.seed : NULL;
	if (is_auto(args)) {
		status = posada_kind_choose(handle, &spec, &choice, &err);
		spec.kind = choice.kind;
		if (!args_get(args, "firmware"))
			spec.uefi = choice.uefi;
	}
	if (args_get(args, "copy")) {
		spec.progress = copy_line_progress;
		spec.opaque = &shown;
		copy_line_begin(&shown);
	}
	if (!status)
		status = posada_guest_create(handle, &spec, &err);
	if (spec.progress)
		copy_line_end(&shown);
	free(seed.keys);
	if (status)
		return failed(&err);
	if (spec.iso && !posada_media_look(spec.iso, &iso, NULL) && iso.fault == POSADA_UNBOOTABLE)
		fprintf(stderr, "posada: %s: %s\n",
			posada_text_clean(spec.iso, clean, sizeof(clean)),
			posada_fault_text(&iso, text, sizeof(text)));
	printf(spec.start ? _("The guest %s is made and runs.\n") : _("The guest %s is made.\n"),
		args->name);
	if (choice.why)
		printf(_("Its kind is %s: %s.\n"), posada_kind_name(spec.kind), choice.why);
	if (spec.uefi && spec.kind == POSADA_HVM)
		puts(_("Under Xen, UEFI forgets what was set in it when the guest goes off: its disk needs the loader \\EFI\\BOOT\\BOOTX64.EFI."));
	return EXIT_DONE;
}

int command_simple(struct posada *handle, const struct args *args,
	int (*call)(struct posada *, const char *, struct posada_error *), const char *done)
{
	struct posada_error err;

	if (call(handle, args->name, &err))
		return failed(&err);
	printf(done, args->name);
	return EXIT_DONE;
}

int command_guest_start(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_guest_start, _("The guest %s runs.\n"));
}

int command_guest_kill(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_guest_kill, _("The guest %s is off.\n"));
}

int command_guest_reboot(struct posada *handle, const struct args *args)
{
	return command_simple(
		handle, args, posada_guest_reboot, _("The guest %s was asked to reboot.\n"));
}

int command_guest_pause(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_guest_pause, _("The guest %s is paused.\n"));
}

int command_guest_resume(struct posada *handle, const struct args *args)
{
	return command_simple(handle, args, posada_guest_resume, _("The guest %s goes on.\n"));
}

bool take_timeout(const struct args *args, unsigned *seconds)
{
	const char *timeout = args_get(args, "timeout");

	*seconds = DEFAULT_STOP_SECONDS;
	if (!timeout || parse_number(timeout, MAX_STOP_SECONDS, seconds))
		return true;
	wrong("timeout", timeout, _("Give a number of seconds."));
	return false;
}

int command_guest_stop(struct posada *handle, const struct args *args)
{
	struct posada_error err;
	unsigned seconds;

	if (!take_timeout(args, &seconds))
		return EXIT_USAGE;
	if (posada_guest_stop(handle, args->name, seconds * 1000, &err))
		return failed(&err);
	printf(seconds ? _("The guest %s is off.\n") : _("The guest %s was asked to shut down.\n"),
		args->name);
	return EXIT_DONE;
}

int command_guest_console(struct posada *handle, const struct args *args)
{
	bool take_over = args_get(args, "take-over") != NULL;
	struct posada_error err;
	int ret;

	fprintf(stderr, _("The console of %s. Press Ctrl-] to leave it.\n"), args->name);
	ret = posada_guest_console(
		handle, args->name, STDIN_FILENO, STDOUT_FILENO, take_over, &err);
	if (!ret)
		return EXIT_DONE;
	failed(&err);
	if (ret == -EBUSY)
		fputs(_("posada: \"--take-over\" does that.\n"), stderr);
	return EXIT_FAILED;
}

int command_guest_delete(struct posada *handle, const struct args *args)
{
	bool disks = args_get(args, "disks") != NULL;
	struct posada_error err;

	if (posada_guest_delete(handle, args->name, disks, &err))
		return failed(&err);
	printf(disks ? _("The guest %s is deleted with its volumes.\n")
		     : _("The guest %s is deleted.\n"),
		args->name);
	return EXIT_DONE;
}

/* --- The host ----------------------------------------------------------- */

static void json_host(struct json *json, const struct posada_host *host)
{
	size_t i;

	json_string(json, "name", host->name);
	json_string(json, "version", host->version);
	json_string(json, "engine", host->engine);
	json_string(json, "hypervisor", host->hypervisor);
	json_string(json, "kernel", host->kernel);
	json_string(json, "cpu", host->cpu);
	json_number(json, "cpus", host->cpus);
	json_number(json, "memory_kib", (int64_t)host->memory_kib);
	json_number(json, "memory_free_kib", (int64_t)host->memory_free_kib);
	json_open(json, "addresses", '[');
	for (i = 0; i < host->address_count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "nic", host->addresses[i].nic);
		json_string(json, "address", host->addresses[i].text);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "nics", '[');
	for (i = 0; i < host->nic_count; i++) {
		const struct posada_port *nic = &host->nics[i];

		json_open(json, NULL, '{');
		json_string(json, "name", nic->name);
		json_string(json, "mac", nic->mac);
		json_string(json, "driver", nic->driver);
		json_bool(json, "link", nic->link);
		json_number(json, "speed_mbit", nic->speed);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "disks", '[');
	for (i = 0; i < host->disk_count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "name", host->disks[i].name);
		json_string(json, "model", host->disks[i].model);
		json_number(json, "bytes", (int64_t)host->disks[i].bytes);
		json_bool(json, "removable", host->disks[i].removable);
		json_close(json, '}');
	}
	json_close(json, ']');
	json_open(json, "notices", '[');
	for (i = 0; i < host->notice_count; i++)
		json_string(json, NULL, host->notices[i]);
	json_close(json, ']');
	json_bool(json, "reboot_needed", host->reboot_needed);
}

static int print_host(const struct posada_host *host)
{
	struct table table = {.columns = 2};
	char text[128], size[32], free_size[32];
	size_t i;

	table_row(&table, _("Host"), host->name);
	table_row(&table, _("Posada"), host->version);
	snprintf(text, sizeof(text), _("%s (engine %s)"), host->hypervisor, host->engine);
	table_row(&table, _("Hypervisor"), text);
	table_row(&table, _("Kernel"), host->kernel);
	snprintf(text, sizeof(text), "%u x %s", host->cpus, host->cpu);
	table_row(&table, _("Processors"), text);
	snprintf(text, sizeof(text), _("%s, %s free for guests"),
		posada_size_text(host->memory_kib * 1024, size, sizeof(size)),
		posada_size_text(host->memory_free_kib * 1024, free_size, sizeof(free_size)));
	table_row(&table, _("Memory"), host->memory_kib ? text : _("not known yet"));
	for (i = 0; i < host->address_count; i++) {
		snprintf(text, sizeof(text), _("%s on %s"), host->addresses[i].text,
			host->addresses[i].nic);
		table_row(&table, _("Address"), text);
	}
	for (i = 0; i < host->nic_count; i++) {
		const struct posada_port *nic = &host->nics[i];

		snprintf(text, sizeof(text), "%s %s %s, %s", nic->name, nic->mac, nic->driver,
			nic->link ? _("link") : _("no link"));
		table_row(&table, _("Network card"), text);
	}
	for (i = 0; i < host->disk_count; i++) {
		snprintf(text, sizeof(text), "%s %s %s", host->disks[i].name,
			posada_size_text(host->disks[i].bytes, size, sizeof(size)),
			host->disks[i].model);
		table_row(&table, _("Disk"), text);
	}
	for (i = 0; i < host->notice_count; i++)
		table_row(&table, _("Notice"), host->notices[i]);
	return finish_table(&table);
}

int command_status(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct table table = {.columns = 5};
	struct posada_guests guests = {0};
	struct posada_host host;
	struct posada_error err;
	int status = EXIT_DONE;

	if (posada_host_status(handle, &host, &err))
		return failed(&err);
	/* Without libvirtd the host's own part is still worth showing; a notice tells why it
	 * failed. */
	if (posada_guest_list(handle, &guests, &err))
		status = EXIT_FAILED;
	if (args_get(args, "json")) {
		json_open(&json, NULL, '{');
		json_host(&json, &host);
		json_guests(&json, "guests", &guests);
		json_close(&json, '}');
	} else {
		if (print_host(&host))
			status = EXIT_FAILED;
		if (guests.count) {
			putchar('\n');
			add_guest_rows(&table, &guests);
			if (finish_table(&table))
				status = EXIT_FAILED;
		}
	}
	posada_guests_free(&guests);
	posada_host_free(&host);
	return status;
}

/* --- Storage ------------------------------------------------------------- */

int print_volumes(const struct posada_pool *pool)
{
	struct table table = {.columns = 4};
	char size[32], used[32];
	size_t i;

	if (!pool->volume_count)
		return EXIT_DONE;
	putchar('\n');
	table_row(&table, _("VOLUME"), _("SIZE"), _("USED"), _("GUEST"));
	for (i = 0; i < pool->volume_count; i++) {
		const struct posada_volume *volume = &pool->volumes[i];

		/* A server's volume is given to a guest by its path. */
		table_row(&table, pool->kind == POSADA_POOL_ISCSI ? volume->path : volume->name,
			posada_size_text(volume->bytes, size, sizeof(size)),
			posada_size_text(volume->used_bytes, used, sizeof(used)), volume->guest);
	}
	return finish_table(&table);
}

static int print_pool(const struct posada_pool *pool)
{
	char size[32], rest[32];

	printf(_("%s (%s): %s, %s free\n"), pool->path, pool->place ? pool->place : _("memory"),
		posada_size_text(pool->bytes, size, sizeof(size)),
		posada_size_text(pool->free_bytes, rest, sizeof(rest)));
	return print_volumes(pool);
}

void json_volumes(struct json *json, const struct posada_pool *pool)
{
	size_t i;

	json_open(json, "volumes", '[');
	for (i = 0; i < pool->volume_count; i++) {
		json_open(json, NULL, '{');
		json_string(json, "name", pool->volumes[i].name);
		json_string(json, "path", pool->volumes[i].path);
		json_number(json, "bytes", (int64_t)pool->volumes[i].bytes);
		json_number(json, "used_bytes", (int64_t)pool->volumes[i].used_bytes);
		json_string(json, "guest", pool->volumes[i].guest);
		json_close(json, '}');
	}
	json_close(json, ']');
}

int command_storage_list(struct posada *handle, const struct args *args)
{
	struct json json = {.out = stdout};
	struct posada_pool pool;
	struct posada_error err;
	int status = EXIT_DONE;

	if (posada_storage_list(handle, &pool, &err))
		return failed(&err);
	if (args_get(args, "json")) {
		json_open(&json, NULL, '{');
		json_string(&json, "name", pool.name);
		json_string(&json, "path", pool.path);
		json_string(&json, "place", pool.place);
		json_number(&json, "bytes", (int64_t)pool.bytes);
		json_number(&json, "free_bytes", (int64_t)pool.free_bytes);
		json_volumes(&json, &pool);
		json_close(&json, '}');
	} else {
		status = print_pool(&pool);
	}
	posada_pool_free(&pool);
	return status;
}
