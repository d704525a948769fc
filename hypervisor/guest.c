// SPDX-License-Identifier: GPL-2.0-or-later
// Guests: what there are, and what can be done with one.
#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <libvirt/virterror.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>
#include "domainxml.h"
#include "folder.h"
#include "guest.h"
#include "hostdev.h"
#include "image.h"
#include "internal.h"
#include "seed.h"
#include "sticks.h"
#include "tool.h"
#include "xenlog.h"
#include "xml.h"

#define POLL_MS 250

const char *posada_state_name(enum posada_state state)
{
	static const char *const names[POSADA_STATES] = {
		[POSADA_OFF] = "off",
		[POSADA_RUNNING] = "running",
		[POSADA_PAUSED] = "paused",
		[POSADA_STOPPING] = "stopping",
		[POSADA_CRASHED] = "crashed",
		[POSADA_NO_DEVICE_MODEL] = "no device model",
		[POSADA_TEMPLATE] = "template",
	};

	return names[state];
}

bool posada_state_is_live(enum posada_state state)
{
	return state != POSADA_OFF && state != POSADA_CRASHED && state != POSADA_TEMPLATE;
}

/* --- Reading ------------------------------------------------------------ */

static enum posada_state state_of(unsigned char libvirt_state)
{
	switch (libvirt_state) {
	case VIR_DOMAIN_SHUTOFF:
		return POSADA_OFF;
	case VIR_DOMAIN_PAUSED:
	case VIR_DOMAIN_PMSUSPENDED:
		return POSADA_PAUSED;
	case VIR_DOMAIN_SHUTDOWN:
		return POSADA_STOPPING;
	case VIR_DOMAIN_CRASHED:
		return POSADA_CRASHED;
	default:
		return POSADA_RUNNING;
	}
}

bool cmdline_serves_domid(const char *cmdline, size_t len, int domid)
{
	static const char flag[] = "-xen-domid";
	const char *end = cmdline + len, *arg, *next;
	char wanted[16];

	snprintf(wanted, sizeof(wanted), "%d", domid);
	for (arg = cmdline; arg < end; arg = next) {
		next = arg + strnlen(arg, (size_t)(end - arg)) + 1;
		if (next < end && !strcmp(arg, flag) &&
			!strncmp(next, wanted, (size_t)(end - next)) &&
			strnlen(next, (size_t)(end - next)) == strlen(wanted))
			return true;
	}
	return false;
}

static bool process_serves(const char *pid, int domid)
{
	char path[300], cmdline[4096];
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/proc/%s/cmdline", pid);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return false;
	len = read(fd, cmdline, sizeof(cmdline) - 1);
	close(fd);
	if (len <= 0)
		return false;
	cmdline[len] = '\0';
	return cmdline_serves_domid(cmdline, (size_t)len, domid);
}

/* Nobody reports the death of a device model, so look for its process. */
static bool has_device_model(int domid)
{
	DIR *proc = opendir("/proc");
	struct dirent *entry;
	bool found = false;

	if (!proc)
		return true;
	while (!found && (entry = readdir(proc)))
		if (isdigit((unsigned char)entry->d_name[0]))
			found = process_serves(entry->d_name, domid);
	closedir(proc);
	return found;
}

static bool needs_device_model(const struct posada_guest *guest)
{
	size_t i;

	if (guest->kind == POSADA_HVM)
		return true;
	for (i = 0; i < guest->disk_count; i++)
		if (!strcmp(guest->disks[i].format, "qcow2"))
			return true;
	return false;
}

/* A pool that is not attached knows no volumes, and its folder all the same. */
static char *path_in_folder(virStoragePoolPtr handle, const char *name)
{
	struct posada_pool pool;
	char *path = NULL;

	if (pool_describe(handle, &pool))
		return NULL;
	if (pool.path && asprintf(&path, "%s/%s", pool.path, name) < 0)
		path = NULL;
	posada_pool_free(&pool);
	return path;
}

/* What a definition names by its pool has a path like all others, or nobody would see who has it.
 */
static void find_volume(struct engine *engine, struct posada_disk *disk)
{
	const char *name = strchr(disk->volume, '/') + 1;
	char *pool_name = strndup(disk->volume, (size_t)(name - 1 - disk->volume));
	virStoragePoolPtr pool =
		pool_name ? virStoragePoolLookupByName(engine->conn, pool_name) : NULL;
	virStorageVolPtr volume = pool ? virStorageVolLookupByName(pool, name) : NULL;
	char *path = volume ? virStorageVolGetPath(volume) : NULL;

	if (!path && pool)
		path = path_in_folder(pool, name);
	disk->path = path;
	disk->seed = path && seed_is_path(path);
	if (volume)
		virStorageVolFree(volume);
	if (pool)
		virStoragePoolFree(pool);
	free(pool_name);
}

static void find_volumes(struct engine *engine, struct posada_guest *guest)
{
	for (size_t i = 0; i < guest->disk_count; i++)
		if (guest->disks[i].volume)
			find_volume(engine, &guest->disks[i]);
}

static int read_guest(struct engine *engine, virDomainPtr domain, struct posada_guest *guest)
{
	virDomainInfo info;
	char *xml;
	int ret;

	memset(guest, 0, sizeof(*guest));
	if (virDomainGetInfo(domain, &info))
		return -ENOENT;
	xml = virDomainGetXMLDesc(domain, 0);
	if (!xml)
		return -ENOENT;
	ret = xml_to_guest(xml, guest);
	free(xml);
	if (ret) {
		posada_guest_free(guest);
		return ret;
	}
	find_volumes(engine, guest);
	guest->engine = engine->name;
	/* Other programs may have started it all the same. */
	if (guest->state != POSADA_TEMPLATE || info.state != VIR_DOMAIN_SHUTOFF)
		guest->state = state_of(info.state);
	guest->vcpus = info.nrVirtCpu;
	guest->id = posada_state_is_live(guest->state) ? (int)virDomainGetID(domain) : -1;
	if (guest->state == POSADA_RUNNING && guest->id > 0 && !strcmp(engine->name, "xen") &&
		needs_device_model(guest) && !has_device_model(guest->id))
		guest->state = POSADA_NO_DEVICE_MODEL;
	return 0;
}

void posada_guest_free(struct posada_guest *guest)
{
	size_t i;

	for (i = 0; i < guest->disk_count; i++) {
		free(guest->disks[i].path);
		free(guest->disks[i].target);
		free(guest->disks[i].format);
		free(guest->disks[i].volume);
	}
	for (i = 0; i < guest->nic_count; i++) {
		free(guest->nics[i].mac);
		free(guest->nics[i].source);
	}
	for (i = 0; i < guest->hostdev_count; i++)
		free(guest->hostdevs[i]);
	free(guest->hostdevs);
	free(guest->disks);
	free(guest->nics);
	free(guest->name);
	free(guest->kernel);
	free(guest->initrd);
	free(guest->cmdline);
	memset(guest, 0, sizeof(*guest));
}

void posada_guests_free(struct posada_guests *guests)
{
	size_t i;

	for (i = 0; i < guests->count; i++)
		posada_guest_free(&guests->items[i]);
	free(guests->items);
	memset(guests, 0, sizeof(*guests));
}

/* Xen shows the host itself as a domain; it is no guest. */
static bool is_host_itself(struct engine *engine, virDomainPtr domain)
{
	return !strcmp(engine->name, "xen") && virDomainGetID(domain) == 0;
}

/* A guest that runs as its definition has it, which need not be what it runs with. */
static int read_definition(struct engine *engine, virDomainPtr domain, struct posada_guest *guest)
{
	char *xml = virDomainGetXMLDesc(domain, VIR_DOMAIN_XML_INACTIVE);
	int ret = -ENOENT;

	memset(guest, 0, sizeof(*guest));
	if (xml)
		ret = xml_to_guest(xml, guest);
	free(xml);
	if (ret)
		posada_guest_free(guest);
	find_volumes(engine, guest);
	guest->engine = engine->name;
	guest->id = -1;
	return ret;
}

static void add_guest(
	struct engine *engine, virDomainPtr domain, struct posada_guests *guests, bool definitions)
{
	struct posada_guest *guest = &guests->items[guests->count];

	/* A guest that went away since it was listed is simply not there. */
	if (is_host_itself(engine, domain) || read_guest(engine, domain, guest))
		return;
	guests->count++;
	if (definitions && posada_state_is_live(guest->state) &&
		!read_definition(engine, domain, guest + 1))
		guests->count++;
}

static int add_guests(struct engine *engine, struct posada_guests *guests, bool definitions,
	struct posada_error *err)
{
	virDomainPtr *domains;
	struct posada_guest *items;
	int count = virConnectListAllDomains(engine->conn, &domains, 0);
	int ret = 0, i;

	if (count < 0)
		return fail_libvirt(
			err, _("The guests cannot be listed"), _("Try again, or read the log."));
	items = realloc(guests->items, (guests->count + 2 * (size_t)count + 1) * sizeof(*items));
	if (!items)
		ret = fail_memory(err);
	else
		guests->items = items;
	for (i = 0; i < count; i++) {
		if (!ret)
			add_guest(engine, domains[i], guests, definitions);
		virDomainFree(domains[i]);
	}
	free(domains);
	return ret;
}

static int by_name(const void *a, const void *b)
{
	return strcmp(
		((const struct posada_guest *)a)->name, ((const struct posada_guest *)b)->name);
}

static int list_guests(struct posada *handle, struct posada_guests *guests, bool for_certain,
	struct posada_error *err)
{
	bool reached = false;
	int ret = -ENOTCONN;
	size_t i;

	memset(guests, 0, sizeof(*guests));
	for (i = 0; i < handle->engine_count; i++) {
		ret = engine_connect(handle, &handle->engines[i], err);
		if (ret && for_certain)
			break;
		if (ret)
			continue;
		reached = true;
		ret = add_guests(&handle->engines[i], guests, for_certain, err);
		if (ret)
			break;
	}
	/* One engine that does not answer must not hide the guests of the other. */
	if (reached && !for_certain && ret == -ENOTCONN)
		ret = 0;
	if (ret)
		posada_guests_free(guests);
	else if (guests->count)
		qsort(guests->items, guests->count, sizeof(*guests->items), by_name);
	return ret;
}

int posada_guest_list(struct posada *handle, struct posada_guests *guests, struct posada_error *err)
{
	return list_guests(handle, guests, false, err);
}

int guest_list_all(struct posada *handle, struct posada_guests *guests, struct posada_error *err)
{
	return list_guests(handle, guests, true, err);
}

int guest_find(struct posada *handle, const char *name, virDomainPtr *domain,
	struct engine **engine, struct posada_error *err)
{
	char clean[POSADA_NAME_MAX + 1];
	int ret = 0;
	size_t i;

	for (i = 0; i < handle->engine_count; i++) {
		struct engine *at = &handle->engines[i];
		int missed = engine_connect(handle, at, err);

		if (missed) {
			ret = missed;
			continue;
		}
		*domain = virDomainLookupByName(at->conn, name);
		if (*domain && !is_host_itself(at, *domain)) {
			*engine = at;
			return 0;
		}
		if (*domain)
			virDomainFree(*domain);
	}
	*domain = NULL;
	/* It may be one of those of an engine that does not answer. */
	if (ret)
		return ret;
	return fail(err, -ENOENT,
		_("There is no guest named \"%s\". \"posada guest list\" shows those there are."),
		posada_text_clean(name, clean, sizeof(clean)));
}

int guest_check_saved(virDomainPtr domain, struct posada_error *err)
{
	if (virDomainHasManagedSaveImage(domain, 0) != 1)
		return 0;
	return fail(err, -EBUSY,
		_("The guest %s was saved while it ran. Start it and shut it down first."),
		virDomainGetName(domain));
}

void target_close(struct target *target)
{
	if (target->domain)
		virDomainFree(target->domain);
	posada_guest_free(&target->guest);
}

int target_open(
	struct posada *handle, const char *name, struct target *target, struct posada_error *err)
{
	int ret;

	memset(target, 0, sizeof(*target));
	ret = guest_find(handle, name, &target->domain, &target->engine, err);
	if (ret)
		return ret;
	if (!read_guest(target->engine, target->domain, &target->guest))
		return 0;
	ret = fail_libvirt(err, _("The guest's definition cannot be read"), _("Try again."));
	target_close(target);
	return ret;
}

int posada_guest_show(struct posada *handle, const char *name, struct posada_guest *guest,
	struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	*guest = target.guest;
	virDomainFree(target.domain);
	return 0;
}

/* --- Acting ------------------------------------------------------------- */

static int fail_off(const struct target *target, struct posada_error *err)
{
	return fail(
		err, -ESRCH, _("The guest %s is not running. Start it first."), target->guest.name);
}

/* What a guest takes beside its own memory: under Xen page tables and the like, as libxl reckons.
 */
static uint64_t overhead_kib(const struct engine *engine, uint64_t memory_kib, unsigned vcpus)
{
	/* QEMU's own code, its caches and the threads of its processors. */
	if (!strcmp(engine->name, "qemu"))
		return 64 * 1024 + 1024 * (uint64_t)vcpus;
	if (strcmp(engine->name, "xen") != 0)
		return 0;
	return 1024 * (uint64_t)vcpus + memory_kib / 128;
}

int guest_check_memory(struct posada *handle, struct engine *engine, uint64_t memory_kib,
	unsigned vcpus, uint64_t reclaimable_kib, struct posada_error *err)
{
	struct capacity capacity;
	char want[32], have[32], lack[32];
	uint64_t free_kib, want_kib;
	int ret = host_capacity(handle, engine, &capacity, err);

	if (ret)
		return ret;
	if (vcpus > capacity.cpus)
		return fail(err, -EINVAL,
			_("The guest would have %u processors, and this host has %u. Give it fewer."),
			vcpus, capacity.cpus);
	free_kib = capacity.free_kib + reclaimable_kib;
	want_kib = memory_kib + overhead_kib(engine, memory_kib, vcpus);
	if (memory_kib <= free_kib && want_kib <= free_kib)
		return 0;
	/* Whoever gives it less by what is said to be missing comes out even. */
	want_kib = (want_kib + 1023) & ~(uint64_t)1023;
	free_kib &= ~(uint64_t)1023;
	if (handle->dom0 && strcmp(engine->name, "xen") != 0)
		return fail(err, -ENOMEM,
			_("Under Xen a guest of kind qemu lives in dom0's own memory, which does not grow: it takes %s, and %s are left there, so %s are missing. Choose the kind hvm, give it less, or start the host without Xen."),
			posada_size_text(want_kib * 1024, want, sizeof(want)),
			posada_size_text(free_kib * 1024, have, sizeof(have)),
			posada_size_text((want_kib - free_kib) * 1024, lack, sizeof(lack)));
	return fail(err, -ENOMEM,
		_("The guest takes %s of memory, with what is needed to run it, and this host has %s free. Give it less, or stop another guest."),
		posada_size_text(want_kib * 1024, want, sizeof(want)),
		posada_size_text(free_kib * 1024, have, sizeof(have)));
}

int fail_live(const char *name, struct posada_error *err)
{
	return fail(err, -EBUSY,
		_("The guest %s is running, and a copy of disks that change would be broken. Stop it first."),
		name);
}

int fail_copy(const char *name, int ret, const char *why, struct posada_error *err)
{
	if (ret == -ECANCELED)
		return fail(err, ret, _("The copying was ended; nothing of %s is left."), name);
	return fail(err, ret,
		_("A disk cannot be copied: %s. See that its storage is whole and has room, and try again."),
		why);
}

static int fail_running(const struct target *target, struct posada_error *err)
{
	return fail(err, -EALREADY,
		_("The guest %s is running already. Open its console, or stop it first."),
		target->guest.name);
}

/* SAID is where Xen's log ended before the start. */
static int fail_start(const struct target *target, long said, struct posada_error *err)
{
	const struct posada_guest *guest = &target->guest;
	char what[256], why[512];

	if (!strcmp(target->engine->name, "xen") &&
		xenlog_complaint(XENLOG, said, why, sizeof(why)))
		return fail(err, -EIO,
			_("The guest %s did not start: %s. The folder /var/log/libvirt may tell more; change the guest, or try again."),
			guest->name, why);
	snprintf(what, sizeof(what), _("The guest %s did not start"), guest->name);
	return fail_libvirt(err, what,
		_("Look for the reason in the log and in the folder /var/log/libvirt, and change the guest."));
}

static int start_domain(struct target *target, struct posada_error *err)
{
	const struct posada_guest *guest = &target->guest;
	long said = xenlog_end(XENLOG);
	size_t i;
	int ret;

	if (guest->kernel)
		sticks_need(guest->kernel);
	if (guest->initrd)
		sticks_need(guest->initrd);
	for (i = 0; i < guest->disk_count; i++)
		if (guest->disks[i].path)
			sticks_need(guest->disks[i].path);
	if (!virDomainCreate(target->domain))
		return 0;
	ret = fail_start(target, said, err);
	/* Somebody else was faster: another person, or libvirt after a crash. To ask forgets the
	 * error. */
	if (virDomainIsActive(target->domain) == 1)
		ret = fail_running(target, err);
	return ret;
}

static int destroy_domain(struct target *target, struct posada_error *err)
{
	char what[256];

	if (!virDomainDestroy(target->domain))
		return 0;
	snprintf(what, sizeof(what), _("The guest %s cannot be forced off"), target->guest.name);
	return fail_libvirt(err, what, _("Try again; if it stays, reboot the host."));
}

static bool writes_to(const struct posada_guest *guest, const char *path)
{
	for (size_t i = 0; i < guest->disk_count; i++)
		if (guest->disks[i].path && !guest->disks[i].shared &&
			image_overlaps(guest->disks[i].path, path))
			return true;
	return false;
}

/* A pool knows its volumes, of other files the file system knows; what is adopted is there once
 * libvirt's hook has made it, which refuses for itself. */
static bool is_there(struct posada *handle, const char *path)
{
	virStorageVolPtr volume;
	virConnectPtr conn;

	if (!access(path, F_OK) || !strncmp(path, POSADA_ADOPTED, strlen(POSADA_ADOPTED)))
		return true;
	volume = engine_any(handle, &conn, NULL) ? NULL : virStorageVolLookupByPath(conn, path);
	if (volume)
		virStorageVolFree(volume);
	return volume != NULL;
}

/* Who looks at a file on a server that is silent waits for it, so the pool is asked first. */
int guest_see_disks(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	int ret = 0;

	for (size_t i = 0; !ret && i < guest->disk_count; i++) {
		const char *path = guest->disks[i].path;

		if (!path)
			continue;
		ret = pool_ready_for_path(handle, path, err);
		if (!ret)
			sticks_need(path);
		if (!ret && !is_there(handle, path))
			ret = fail(err, -ENOENT,
				_("The disk %s of the guest %s is not there. Connect what it is on, or take it away from the guest."),
				path, guest->name);
	}
	return ret;
}

const struct posada_guest *guests_writer(
	const struct posada_guests *guests, const char *but, const char *path)
{
	for (size_t i = 0; i < guests->count; i++) {
		const struct posada_guest *guest = &guests->items[i];

		if (posada_state_is_live(guest->state) && strcmp(guest->uuid, but) != 0 &&
			writes_to(guest, path))
			return guest;
	}
	return NULL;
}

/* Other programs may define two guests with one disk, and one of them may run. */
static int see_nobody_writes(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	struct posada_guests others;
	int ret = posada_guest_list(handle, &others, err);
	char clean[256];

	for (size_t i = 0; i < guest->disk_count && !ret; i++) {
		const struct posada_disk *disk = &guest->disks[i];
		const struct posada_guest *other =
			disk->path && !disk->shared
				? guests_writer(&others, guest->uuid, disk->path)
				: NULL;

		if (other)
			ret = fail(err, -EBUSY,
				_("The guest %s runs with the disk %s, and two would destroy it. Shut that guest down, or take the disk from one of them."),
				other->name, posada_text_clean(disk->path, clean, sizeof(clean)));
	}
	posada_guests_free(&others);
	return ret;
}

/* That it was saved around a change of the data place, and did not go on. */
static void notice_drop(const struct posada_guest *guest)
{
	char notice[64];

	snprintf(notice, sizeof(notice), "held-%s", guest->uuid);
	notice_put(notice, NULL);
}

int posada_guest_start(struct posada *handle, const char *name, struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	if (target.guest.state == POSADA_TEMPLATE)
		ret = fail(err, -EPERM,
			_("%s is a template, which is not started itself. Make a guest from it (\"posada guest clone %s NAME\") and start that."),
			target.guest.name, target.guest.name);
	else if (target.guest.state == POSADA_NO_DEVICE_MODEL)
		ret = destroy_domain(&target, err);
	else if (posada_state_is_live(target.guest.state))
		ret = fail_running(&target, err);
	else
		ret = guest_check_memory(
			handle, target.engine, target.guest.memory_kib, target.guest.vcpus, 0, err);
	if (!ret)
		ret = guest_see_disks(handle, &target.guest, err);
	if (!ret)
		ret = see_nobody_writes(handle, &target.guest, err);
	if (!ret)
		ret = hostdev_check(handle, &target.guest, err);
	for (size_t i = 0; !ret && i < target.guest.nic_count; i++)
		if (target.guest.nics[i].source && !target.guest.nics[i].bridge)
			ret = network_wake(handle, target.guest.nics[i].source, err);
	if (!ret)
		ret = start_domain(&target, err);
	if (!ret)
		notice_drop(&target.guest);
	target_close(&target);
	if (!ret)
		autostart_settle(handle);
	return ret;
}

static int wait_until_off(
	const struct target *target, unsigned timeout_ms, struct posada_error *err)
{
	const struct timespec pause = {.tv_nsec = POLL_MS * 1000000L};
	unsigned waited;

	for (waited = 0; waited < timeout_ms; waited += POLL_MS) {
		if (virDomainIsActive(target->domain) != 1)
			return 0;
		nanosleep(&pause, NULL);
	}
	if (virDomainIsActive(target->domain) != 1)
		return 0;
	return fail(err, -ETIMEDOUT,
		_("The guest %s was asked to shut down and still runs after %u seconds. Wait longer, shut it down on its console, or force it off (\"posada guest kill %s\")."),
		target->guest.name, timeout_ms / 1000, target->guest.name);
}

int posada_guest_stop(
	struct posada *handle, const char *name, unsigned timeout_ms, struct posada_error *err)
{
	struct target target;
	char what[256];
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	if (!posada_state_is_live(target.guest.state)) {
		ret = fail_off(&target, err);
	} else if (target.guest.state == POSADA_PAUSED) {
		ret = fail(err, -EAGAIN,
			_("The guest %s is paused and cannot shut down. Resume it first, or force it off."),
			target.guest.name);
	} else if (target.guest.state != POSADA_STOPPING && virDomainShutdown(target.domain)) {
		snprintf(what, sizeof(what), _("The guest %s cannot be asked to shut down"),
			target.guest.name);
		ret = fail_libvirt(err, what, _("Shut it down on its console, or force it off."));
	} else if (timeout_ms) {
		ret = wait_until_off(&target, timeout_ms, err);
	}
	target_close(&target);
	return ret;
}

int posada_guest_kill(struct posada *handle, const char *name, struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	ret = posada_state_is_live(target.guest.state) ? destroy_domain(&target, err)
						       : fail_off(&target, err);
	target_close(&target);
	return ret;
}

static int reboot_domain(virDomainPtr domain)
{
	return virDomainReboot(domain, 0);
}

/* For what is one call on a guest that runs. */
static int act(struct posada *handle, const char *name, int (*call)(virDomainPtr), const char *what,
	const char *cure, struct posada_error *err)
{
	struct target target;
	int ret = target_open(handle, name, &target, err);

	if (ret)
		return ret;
	if (!posada_state_is_live(target.guest.state))
		ret = fail_off(&target, err);
	else if (call(target.domain))
		ret = fail_libvirt(err, what, cure);
	target_close(&target);
	return ret;
}

int posada_guest_reboot(struct posada *handle, const char *name, struct posada_error *err)
{
	return act(handle, name, reboot_domain, _("The guest cannot be asked to reboot"),
		_("Reboot it on its console, or stop it and start it."), err);
}

int posada_guest_pause(struct posada *handle, const char *name, struct posada_error *err)
{
	return act(handle, name, virDomainSuspend, _("The guest cannot be paused"),
		_("See in which state it is."), err);
}

int posada_guest_resume(struct posada *handle, const char *name, struct posada_error *err)
{
	return act(handle, name, virDomainResume, _("The guest cannot go on"),
		_("See in which state it is."), err);
}

static int undefine(virDomainPtr domain)
{
	/* Each driver knows some of these and refuses the call over the others. */
	static const unsigned flags[] = {
		VIR_DOMAIN_UNDEFINE_MANAGED_SAVE | VIR_DOMAIN_UNDEFINE_SNAPSHOTS_METADATA |
			VIR_DOMAIN_UNDEFINE_NVRAM,
		VIR_DOMAIN_UNDEFINE_MANAGED_SAVE,
		0,
	};
	size_t i;

	for (i = 0; i < ARRAY_SIZE(flags); i++)
		if (!virDomainUndefineFlags(domain, flags[i])) {
			folder_sync_definitions();
			return 0;
		}
	return -1;
}

bool guests_use(const struct posada_guests *guests, const char *path)
{
	size_t i, j;

	for (i = 0; i < guests->count; i++)
		for (j = 0; j < guests->items[i].disk_count; j++) {
			const char *disk = guests->items[i].disks[j].path;

			if (disk && image_overlaps(disk, path))
				return true;
		}
	return false;
}

/* Nothing holds the medium once the host has started, nor a data place that it does not use. What
 * looks into disks knows nothing of libvirt. */
static int check_own(const char *path, struct posada_error *err)
{
	const char *const words[] = {
		"timeout", "-s", "KILL", "60", "posada-storage", "check", path, NULL};
	char said[512], clean[512];
	int ret = tool_run(words, said, sizeof(said));

	if (ret == 1) {
		said[strcspn(said, "\n")] = '\0';
		return fail(err, -EBUSY, "%s", posada_text_clean(said, clean, sizeof(clean)));
	}
	if (!tool_was_killed(ret))
		return 0;
	return fail(err, -EBUSY,
		_("%s does not answer, so it cannot be told what is on it. Look at the disk, or choose another."),
		posada_text_clean(path, clean, sizeof(clean)));
}

int disk_check(struct posada *handle, const struct posada_guests *others, const char *path,
	struct posada_error *err)
{
	char clean[256];
	int ret;

	if (guests_use(others, path))
		return fail(err, -EBUSY,
			_("The disk %s belongs to a guest already, and two would destroy it. Copy it, or choose another."),
			posada_text_clean(path, clean, sizeof(clean)));
	if (!image_is_block(path))
		return volume_stands_alone(handle, path, err);
	ret = pool_check_disk(handle, path, err);
	if (ret)
		return ret;
	if (image_is_taken(path))
		return fail(err, -EBUSY,
			_("The host itself uses %s, and two would destroy it. Unmount it, or choose another."),
			posada_text_clean(path, clean, sizeof(clean)));
	return check_own(path, err);
}

static bool goes_along(
	struct posada *handle, const struct posada_guest *guest, const struct posada_disk *disk)
{
	return disk->path && !disk->cdrom && !disk->seed &&
	       posada_volume_is_of(handle, guest->name, disk->path);
}

static int check_volumes(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	int ret = 0;

	for (size_t i = 0; i < guest->disk_count && !ret; i++)
		if (goes_along(handle, guest, &guest->disks[i]))
			ret = volume_check(handle, guest->disks[i].path, err);
	return ret;
}

/* Only what is in our pool, and only what no other guest has. */
static int delete_volumes(
	struct posada *handle, const struct posada_guest *guest, struct posada_error *err)
{
	struct posada_guests others;
	int ret = guest_list_all(handle, &others, err);
	size_t i;

	if (ret)
		return ret;
	for (i = 0; i < guest->disk_count; i++) {
		const struct posada_disk *disk = &guest->disks[i];

		if (!ret && goes_along(handle, guest, disk) && !guests_use(&others, disk->path))
			ret = volume_delete(handle, disk->path, err);
	}
	posada_guests_free(&others);
	return ret;
}

/* It says what one guest shall do, but clones that other programs have made can share it. */
void seed_drop(struct posada *handle, const char *name)
{
	struct posada_guests guests;
	char path[PATH_MAX];

	seed_path(name, path, sizeof(path));
	if (access(path, F_OK) || guest_list_all(handle, &guests, NULL))
		return;
	if (!guests_use(&guests, path))
		unlink(path);
	posada_guests_free(&guests);
}

int posada_guest_delete(
	struct posada *handle, const char *name, bool disks, struct posada_error *err)
{
	struct posada_error kept;
	struct target target;
	int ret = target_open(handle, name, &target, err), back;

	if (ret)
		return ret;
	if (posada_state_is_live(target.guest.state))
		ret = fail(err, -EBUSY, _("The guest %s is running. Stop it before you delete it."),
			target.guest.name);
	else if (disks)
		ret = check_volumes(handle, &target.guest, err);
	if (!ret && undefine(target.domain))
		ret = fail_libvirt(err, _("The guest's definition cannot be removed"),
			_("Try again, or read the log."));
	if (ret)
		goto out;
	seed_drop(handle, target.guest.name);
	notice_drop(&target.guest);
	autostart_settle(handle);
	back = hostdev_give_back(handle, &target.guest, &kept);
	if (disks)
		ret = delete_volumes(handle, &target.guest, err);
	/* A disk that is left matters more than a device that is. */
	if (!ret && back) {
		*err = kept;
		ret = back;
	}
out:
	target_close(&target);
	return ret;
}

/* --- Defining ------------------------------------------------------------ */

int guest_define(
	struct engine *engine, const struct definition *definition, struct posada_error *err)
{
	struct target target = {.engine = engine};
	char path[PATH_MAX], *seeded = NULL;
	int ret = 0;

	seed_path(definition->name, path, sizeof(path));
	if (definition->seed)
		ret = domainxml_add_seed(definition->xml, definition->kind, path, &seeded);
	if (ret) {
		ret = fail_memory(err);
		goto out;
	}
	target.domain = virDomainDefineXML(engine->conn, seeded ? seeded : definition->xml);
	if (!target.domain) {
		ret = fail_libvirt(err, _("The guest cannot be defined"),
			_("Change what the message names, and try again."));
		goto out;
	}
	if (read_guest(engine, target.domain, &target.guest))
		ret = fail_libvirt(
			err, _("The guest's definition cannot be read"), _("Try again."));
	/* The seed names what libvirt has given the guest, so it comes after the definition. */
	if (!ret && definition->seed)
		ret = seed_write(path, definition->seed, &target.guest, err);
	if (!ret && definition->start)
		ret = start_domain(&target, err);
	/* It runs, whoever has started it. */
	if (ret == -EALREADY)
		ret = 0;
	if (ret) {
		undefine(target.domain);
		if (definition->seed)
			unlink(path);
	}
out:
	free(seeded);
	target_close(&target);
	return ret;
}

void volume_unmake(struct posada *handle, const char *path, struct posada_error *err)
{
	size_t len = err ? strlen(err->text) : 0;
	struct posada_guests guests = {0};
	struct posada_error left;
	int ret = guest_list_all(handle, &guests, NULL);

	/* What could not be taken back has it still, and may run. */
	if (ret || guests_use(&guests, path))
		ret = fail(&left, -EBUSY,
			_("The disk %s is left: see whether the guest is there all the same."),
			path);
	else
		ret = volume_delete(handle, path, &left);
	posada_guests_free(&guests);
	if (ret && err)
		snprintf(err->text + len, sizeof(err->text) - len, " %s", left.text);
}
