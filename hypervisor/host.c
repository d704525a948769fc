// SPDX-License-Identifier: GPL-2.0-or-later
// The host: what the machine has, what runs it, and what is missing.
#include <arpa/inet.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/kvm.h>
#include <net/if.h>
#include <netinet/in.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <sys/utsname.h>
#include <time.h>
#include <unistd.h>
#include "host.h"
#include "internal.h"

#define VERSION_FILE "/usr/share/posada/VERSION"

/* libvirtd waits for what lasts. So long afterwards, one that has not answered yet is only
 * starting; so long after power-on at most. */
#define READY		POSADA_RUN "/place.ready"
#define STARTING_S	60
#define STARTING_MOST_S 300

bool host_is_dom0(void)
{
	char line[64];

	/* The file is there and empty in a guest. */
	if (!access("/proc/xen/capabilities", F_OK)) {
		read_line(line, sizeof(line), "/proc/xen/capabilities");
		return strstr(line, "control_d") != NULL;
	}
	return read_line(line, sizeof(line), "/sys/hypervisor/type") && !strcmp(line, "xen");
}

bool host_has_kvm(void)
{
	int fd = open("/dev/kvm", O_RDWR | O_CLOEXEC);
	bool usable;

	if (fd < 0)
		return false;
	usable = ioctl(fd, KVM_GET_API_VERSION, 0) == KVM_API_VERSION;
	close(fd);
	return usable;
}

bool host_has_hvm(void)
{
	char line[256];

	/* "xen-3.0-x86_64 hvm-3.0-x86_32 ..." */
	return !read_line(line, sizeof(line), "/sys/hypervisor/properties/capabilities") ||
	       strstr(line, "hvm-");
}

/* One "Name:  12345 kB" line of /proc/meminfo. */
static uint64_t meminfo_kib(const char *field)
{
	FILE *file = fopen("/proc/meminfo", "re");
	unsigned long long kib = 0;
	size_t len = strlen(field);
	char line[128];

	if (!file)
		return 0;
	while (fgets(line, sizeof(line), file))
		if (!strncmp(line, field, len) && line[len] == ':') {
			kib = strtoull(line + len + 1, NULL, 10);
			break;
		}
	fclose(file);
	return kib;
}

static void local_capacity(struct capacity *capacity)
{
	long cpus = sysconf(_SC_NPROCESSORS_ONLN);

	capacity->cpus = cpus > 0 ? (unsigned)cpus : 1;
	capacity->total_kib = meminfo_kib("MemTotal");
	capacity->free_kib = meminfo_kib("MemAvailable");
}

int host_capacity(struct posada *handle, struct engine *engine, struct capacity *capacity,
	struct posada_error *err)
{
	virNodeInfo node;
	int ret;

	/* All guests but Xen's live in our own memory, where caches count as free. */
	if (strcmp(engine->name, "xen") != 0) {
		local_capacity(capacity);
		return 0;
	}
	ret = engine_connect(handle, engine, err);
	if (ret)
		return ret;
	if (virNodeGetInfo(engine->conn, &node))
		return fail_libvirt(err, _("The hypervisor does not tell what the machine has"),
			_("Try again, or restart the host."));
	capacity->cpus = node.cpus;
	capacity->total_kib = node.memory;
	capacity->free_kib = virNodeGetFreeMemory(engine->conn) / 1024;
	return 0;
}

/* --- Lists -------------------------------------------------------------- */

/* Makes room for one more element and clears it; NULL when there is no memory. */
static void *grow(void **items, size_t *count, size_t size)
{
	char *grown = realloc(*items, (*count + 1) * size);

	if (!grown)
		return NULL;
	*items = grown;
	memset(grown + *count * size, 0, size);
	return grown + (*count)++ * size;
}

#define GROW(list, count) grow((void **)&(list), &(count), sizeof(*(list)))

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strcmp((*a)->d_name, (*b)->d_name);
}

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* Calls add for each entry of a directory, by name. No directory: nothing to add. */
static int each_entry(const char *dir,
	int (*add)(struct posada_host *host, const char *dir, const char *name),
	struct posada_host *host)
{
	struct dirent **entries;
	int count = scandir(dir, &entries, visible, by_name);
	int ret = 0, i;

	if (count < 0)
		return errno == ENOMEM ? -ENOMEM : 0;
	for (i = 0; i < count; i++) {
		if (!ret)
			ret = add(host, dir, entries[i]->d_name);
		free(entries[i]);
	}
	free(entries);
	return ret;
}

static bool exists(const char *format, ...) __attribute__((format(printf, 1, 2)));

static bool exists(const char *format, ...)
{
	char path[512];
	va_list args;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	return !access(path, F_OK);
}

/* The last part of a symbolic link: how sysfs names a driver. */
static void link_name(char *buf, size_t size, const char *dir, const char *name)
{
	char path[512], target[512];
	const char *last;
	ssize_t len;

	*buf = '\0';
	snprintf(path, sizeof(path), "%s/%s/device/driver", dir, name);
	len = readlink(path, target, sizeof(target) - 1);
	if (len <= 0)
		return;
	target[len] = '\0';
	last = strrchr(target, '/');
	snprintf(buf, size, "%.*s", (int)size - 1, last ? last + 1 : target);
}

bool nic_is_card(const char *dir, const char *name)
{
	char path[512], target[512];
	ssize_t len;

	/* A card of the machine has a device below it; bridges and taps have none. */
	if (!exists("%s/%s/device", dir, name))
		return false;
	/* So has the host's end of a Xen guest's card. */
	snprintf(path, sizeof(path), "%s/%s/device/subsystem", dir, name);
	len = readlink(path, target, sizeof(target) - 1);
	target[len > 0 ? len : 0] = '\0';
	return !strstr(target, "/xen-backend");
}

static int add_nic(struct posada_host *host, const char *dir, const char *name)
{
	struct posada_port *nic;
	char line[64];

	if (!nic_is_card(dir, name))
		return 0;
	nic = GROW(host->nics, host->nic_count);
	if (!nic)
		return -ENOMEM;
	posada_text_clean(name, nic->name, sizeof(nic->name));
	read_line(line, sizeof(line), "%s/%s/address", dir, name);
	posada_text_clean(line, nic->mac, sizeof(nic->mac));
	link_name(nic->driver, sizeof(nic->driver), dir, name);
	nic->link = read_line(line, sizeof(line), "%s/%s/carrier", dir, name) && line[0] == '1';
	if (read_line(line, sizeof(line), "%s/%s/speed", dir, name) && strtol(line, NULL, 10) > 0)
		nic->speed = (unsigned)strtol(line, NULL, 10);
	return 0;
}

static void trim_end(char *text)
{
	size_t len = strlen(text);

	while (len && text[len - 1] == ' ')
		text[--len] = '\0';
}

static int add_disk(struct posada_host *host, const char *dir, const char *name)
{
	static const char *const no_disks[] = {
		"loop", "ram", "zram", "sr", "fd", "nbd", "dm-", "md"};
	struct posada_drive *disk;
	char line[128];
	uint64_t bytes;
	size_t i;

	for (i = 0; i < ARRAY_SIZE(no_disks); i++)
		if (!strncmp(name, no_disks[i], strlen(no_disks[i])))
			return 0;
	if (!exists("%s/%s/device", dir, name))
		return 0;
	if (read_line(line, sizeof(line), "%s/%s/hidden", dir, name) && line[0] == '1')
		return 0;
	/* sysfs counts in sectors of 512 bytes whatever the drive's own are. */
	read_line(line, sizeof(line), "%s/%s/size", dir, name);
	bytes = strtoull(line, NULL, 10) * 512;
	if (!bytes)
		return 0;
	disk = GROW(host->disks, host->disk_count);
	if (!disk)
		return -ENOMEM;
	disk->bytes = bytes;
	posada_text_clean(name, disk->name, sizeof(disk->name));
	read_line(line, sizeof(line), "%s/%s/device/model", dir, name);
	trim_end(line);
	posada_text_clean(line, disk->model, sizeof(disk->model));
	disk->removable =
		read_line(line, sizeof(line), "%s/%s/removable", dir, name) && line[0] == '1';
	return 0;
}

int host_scan(struct posada_host *host, const char *sys)
{
	char dir[256];
	int ret;

	snprintf(dir, sizeof(dir), "%s/class/net", sys);
	ret = each_entry(dir, add_nic, host);
	if (ret)
		return ret;
	snprintf(dir, sizeof(dir), "%s/block", sys);
	return each_entry(dir, add_disk, host);
}

static unsigned prefix_length(const unsigned char *mask, size_t len)
{
	unsigned bits = 0;
	size_t i;

	for (i = 0; i < len; i++)
		bits += (unsigned)__builtin_popcount(mask[i]);
	return bits;
}

static int add_address(struct posada_host *host, const struct ifaddrs *at)
{
	struct posada_address *address;
	char text[INET6_ADDRSTRLEN];
	const void *addr, *mask;
	size_t len;

	if (!at->ifa_addr || !at->ifa_netmask || (at->ifa_flags & IFF_LOOPBACK))
		return 0;
	/* What guests see of the host is no address to reach it at. */
	if (!strncmp(at->ifa_name, "virbr", 5))
		return 0;
	if (at->ifa_addr->sa_family == AF_INET) {
		addr = &((const struct sockaddr_in *)(const void *)at->ifa_addr)->sin_addr;
		mask = &((const struct sockaddr_in *)(const void *)at->ifa_netmask)->sin_addr;
		len = 4;
	} else if (at->ifa_addr->sa_family == AF_INET6) {
		const struct sockaddr_in6 *in6 = (const void *)at->ifa_addr;

		if (IN6_IS_ADDR_LINKLOCAL(&in6->sin6_addr))
			return 0;
		addr = &in6->sin6_addr;
		mask = &((const struct sockaddr_in6 *)(const void *)at->ifa_netmask)->sin6_addr;
		len = 16;
	} else {
		return 0;
	}
	address = GROW(host->addresses, host->address_count);
	if (!address)
		return -ENOMEM;
	inet_ntop(at->ifa_addr->sa_family, addr, text, sizeof(text));
	snprintf(address->text, sizeof(address->text), "%s/%u", text, prefix_length(mask, len));
	posada_text_clean(at->ifa_name, address->nic, sizeof(address->nic));
	return 0;
}

static int add_addresses(struct posada_host *host)
{
	struct ifaddrs *all, *at;
	int ret = 0;

	if (getifaddrs(&all))
		return 0;
	for (at = all; at && !ret; at = at->ifa_next)
		ret = add_address(host, at);
	freeifaddrs(all);
	return ret;
}

static int add_notice(struct posada_host *host, const char *text)
{
	size_t size = strlen(text) + 1;
	char **notice = GROW(host->notices, host->notice_count);

	if (!notice)
		return -ENOMEM;
	*notice = malloc(size);
	if (!*notice) {
		host->notice_count--;
		return -ENOMEM;
	}
	posada_text_clean(text, *notice, size);
	return 0;
}

static int add_notice_file(struct posada_host *host, const char *dir, const char *name)
{
	char path[512], text[1024];

	snprintf(path, sizeof(path), "%s/%s", dir, name);
	return notice_get(path, text, sizeof(text)) ? add_notice(host, text) : 0;
}

const char *host_loss(const char *run)
{
	if (!exists("%s/dead/xenstored", run))
		return NULL;
	return _(
		"xenstored has died: guests go on, but none can be started, stopped or shown. Shut them down from inside, then reboot this host.");
}

int host_notices(struct posada_host *host, const char *run)
{
	const char *loss = host_loss(run);
	char dir[256];
	int ret;

	host->reboot_needed = loss != NULL;
	if (loss) {
		ret = add_notice(host, loss);
		if (ret)
			return ret;
	}
	snprintf(dir, sizeof(dir), "%s/notices", run);
	return each_entry(dir, add_notice_file, host);
}

bool host_is_locked_down(void)
{
	char line[128];

	return read_line(line, sizeof(line), "/sys/kernel/security/lockdown") &&
	       !strstr(line, "[none]");
}

/* --- Status ------------------------------------------------------------- */

static void fill_cpu(struct posada_host *host)
{
	FILE *file = fopen("/proc/cpuinfo", "re");
	char line[256];

	if (!file)
		return;
	while (fgets(line, sizeof(line), file)) {
		const char *colon = strchr(line, ':');

		if (!colon || strncmp(line, "model name", 10))
			continue;
		line[strcspn(line, "\n")] = '\0';
		posada_text_clean(colon + 2, host->cpu, sizeof(host->cpu));
		break;
	}
	fclose(file);
}

static void fill_names(bool dom0, struct posada_host *host)
{
	char major[16], minor[16], extra[24], line[64];
	struct utsname uts;

	if (!uname(&uts)) {
		posada_text_clean(uts.nodename, host->name, sizeof(host->name));
		posada_text_clean(uts.release, host->kernel, sizeof(host->kernel));
	}
	if (!read_line(line, sizeof(line), VERSION_FILE))
		snprintf(line, sizeof(line), "?");
	posada_text_clean(line, host->version, sizeof(host->version));
	if (!dom0) {
		snprintf(
			host->engine, sizeof(host->engine), "%s", host_has_kvm() ? "kvm" : "plain");
		snprintf(host->hypervisor, sizeof(host->hypervisor), "Linux %.*s",
			(int)sizeof(host->hypervisor) - 8, host->kernel);
		return;
	}
	snprintf(host->engine, sizeof(host->engine), "xen");
	if (read_line(major, sizeof(major), "/sys/hypervisor/version/major") &&
		read_line(minor, sizeof(minor), "/sys/hypervisor/version/minor")) {
		read_line(extra, sizeof(extra), "/sys/hypervisor/version/extra");
		snprintf(host->hypervisor, sizeof(host->hypervisor), "Xen %s.%s%s", major, minor,
			extra);
	} else {
		snprintf(host->hypervisor, sizeof(host->hypervisor), "Xen");
	}
}

bool posada_host_is_starting(void)
{
	struct timespec up, now;
	struct stat ready;

	if (clock_gettime(CLOCK_BOOTTIME, &up) || up.tv_sec >= STARTING_MOST_S)
		return false;
	return stat(READY, &ready) || clock_gettime(CLOCK_REALTIME, &now) ||
	       now.tv_sec - ready.st_mtim.tv_sec < STARTING_S;
}

static int fill_capacity(struct posada *handle, bool dom0, struct posada_host *host)
{
	struct capacity capacity;
	struct posada_error err;
	int ret = 0;

	local_capacity(&capacity);
	/* Under Xen our own memory says nothing about the machine's. */
	if (dom0)
		capacity.total_kib = capacity.free_kib = 0;
	/* The first engine is the one that owns the machine; a lost xenstored has its notice. */
	if (handle && !host->reboot_needed &&
		(engine_connect(handle, &handle->engines[0], &err) ||
			host_capacity(handle, &handle->engines[0], &capacity, &err)))
		ret = !handle->answered && posada_host_is_starting() ? 0
								     : add_notice(host, err.text);
	host->cpus = capacity.cpus;
	host->memory_kib = capacity.total_kib;
	host->memory_free_kib = capacity.free_kib;
	return ret;
}

int posada_host_status(struct posada *handle, struct posada_host *host, struct posada_error *err)
{
	bool dom0 = handle ? handle->dom0 : host_is_dom0();
	int ret;

	memset(host, 0, sizeof(*host));
	fill_names(dom0, host);
	fill_cpu(host);
	ret = host_notices(host, POSADA_RUN);
	if (!ret && dom0 && !host_is_locked_down())
		ret = add_notice(host,
			_("The kernel is not locked down: whoever is root on this host can change it while it runs. Only a PCI device in an HVM guest needs this; reboot with the entry \"Posada\" when there is none."));
	if (!ret)
		ret = fill_capacity(handle, dom0, host);
	if (!ret)
		ret = host_scan(host, "/sys");
	if (!ret)
		ret = add_addresses(host);
	if (!ret)
		return 0;
	posada_host_free(host);
	return fail_memory(err);
}

void posada_host_free(struct posada_host *host)
{
	size_t i;

	for (i = 0; i < host->notice_count; i++)
		free(host->notices[i]);
	free(host->notices);
	free(host->addresses);
	free(host->nics);
	free(host->disks);
	memset(host, 0, sizeof(*host));
}
