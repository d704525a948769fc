/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The public interface of libposada: the host and its guests, over libvirt. */
#ifndef POSADA_H
#define POSADA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Every function that can fail returns 0 or a negative errno value, and on
 * failure leaves in *err one or two sentences for a person: what is wrong, and
 * what to do about it. The sentences go through gettext, domain "posada".
 * err may be NULL. Nothing here prints or exits. Memory is counted in KiB,
 * files in bytes, time in milliseconds. A handle serves one thread at a time.
 */

#define POSADA_MEDIA   "/data/media"
#define POSADA_VOLUMES "/data/volumes"
#define POSADA_POOLS   "/mnt/pools"	      /* where pools are mounted that have a file system */
#define POSADA_STICKS  "/mnt/media"	      /* where the file systems of sticks are mounted */
#define POSADA_ADOPTED "/dev/mapper/adopted-" /* devices that are there while their guest runs */
#define POSADA_LOG     "/var/log/messages"
#define POSADA_RUN     "/run/posada"
#define POSADA_DOMAIN  "posada"

#define POSADA_NAME_MAX	 63
#define POSADA_DISKS_MAX 8
#define POSADA_VCPUS_MAX 128

struct posada;

struct posada_error {
	char text[1024];
};

/* What a guest is to the engine that runs it. */
enum posada_kind {
	POSADA_PV,
	POSADA_PVH,
	POSADA_HVM,
	POSADA_QEMU,
	POSADA_KINDS,
};

enum posada_state {
	POSADA_OFF,
	POSADA_RUNNING,
	POSADA_PAUSED,
	POSADA_STOPPING,
	POSADA_CRASHED,
	POSADA_NO_DEVICE_MODEL, /* runs, but the QEMU that serves its devices has died */
	POSADA_TEMPLATE,	/* off, and kept for others to be made from it */
	POSADA_STATES,
};

/* "pv", "pvh", "hvm", "qemu"; the same words that posada_kind_parse() takes. */
const char *posada_kind_name(enum posada_kind kind);
int posada_kind_parse(const char *word, enum posada_kind *kind);

/* "off", "running", ...: English, for programs as much as for people. */
const char *posada_state_name(enum posada_state state);

/* Does a guest in this state hold memory and a domain id? */
bool posada_state_is_live(enum posada_state state);

/*
 * Makes a handle. Nothing is connected yet: every call below connects when it
 * needs to, and again after libvirtd was restarted, and waits up to patience_ms
 * for a libvirtd that does not answer yet; once in vain, it waits no more until
 * one has answered. The environment variable POSADA_URI
 * replaces the engines by one libvirt URI (tests use test:///default).
 */
int posada_open(struct posada **handle, unsigned patience_ms, struct posada_error *err);

/* NULL is fine. */
void posada_close(struct posada *handle);

/* The kinds that this host can run, as a set of bits 1 << kind. */
unsigned posada_kinds(struct posada *handle);

/* --- Guests ------------------------------------------------------------- */

struct posada_disk {
	char *path;   /* NULL for an empty drive */
	char *target; /* the guest's name of it: xvda, hda, vda, ... */
	char *format; /* raw, qcow2 */
	char *volume; /* POOL/NAME, where the definition has that in place of a path, or NULL */
	bool cdrom;
	bool seed;   /* see struct posada_seed */
	bool shared; /* several guests may run with it: nobody writes, or all know of each other */
};

struct posada_nic {
	char *mac;
	char *source; /* libvirt network or host bridge */
	bool bridge;  /* source is a bridge of the host */
};

/* Owns its strings and arrays: posada_guest_free(). */
struct posada_guest {
	char *name;
	char uuid[37];
	const char *engine; /* "xen", "qemu", "test"; static */
	enum posada_kind kind;
	enum posada_state state;
	int id; /* of the running domain, -1 when off */
	uint64_t memory_kib;
	unsigned vcpus;
	char *kernel; /* these three NULL where there is none */
	char *initrd;
	char *cmdline;
	const char *firmware; /* "bios", "uefi"; static; NULL where the kind has none */
	struct posada_disk *disks;
	size_t disk_count;
	struct posada_nic *nics;
	size_t nic_count;
	char **hostdevs; /* devices of the host: PCI 0000:03:00.0, USB 046d:c52b */
	size_t hostdev_count;
	int vnc_port; /* on 127.0.0.1; 0 when there is none now */
};

struct posada_guests {
	struct posada_guest *items;
	size_t count;
};

/*
 * A disk of a guest to be made: a file that exists; or the size of a new volume; or, with COPY, an
 * image, and a new volume that begins with what it has. For a guest that is there, no COPY.
 */
struct posada_disk_spec {
	const char *path;
	uint64_t bytes; /* of a copy: 0, or more than the image has */
	bool copy;
	const char *pool;   /* for a new volume; NULL: the one that is always there */
	const char *format; /* of a new volume: raw, qcow2; NULL: raw */
};

/*
 * What cloud-init shall do when the guest starts first. It is told by a small read-only disk that
 * lives and dies with the guest. NULL: left out.
 */
struct posada_seed {
	const char *user;     /* who may log in; else the image's own first user */
	const char *keys;     /* SSH public keys, one a line */
	const char *password; /* its hash, as "mkpasswd -m sha512" prints it */
	const char *hostname; /* else the guest's name */
	const char *address;  /* of the first card, 192.0.2.7/24 or 2001:db8::7/64; else by DHCP */
	const char *gateway;
	const char *dns; /* addresses, with commas between */
};

/* What to make; the caller owns everything in it. */
struct posada_guest_spec {
	const char *name; /* [A-Za-z0-9][A-Za-z0-9._-]{0,62} */
	enum posada_kind kind;
	uint64_t memory_kib;
	unsigned vcpus;
	const char *kernel; /* with kernel NULL a pv or pvh guest gets a boot loader */
	const char *initrd;
	const char *cmdline;
	const char *iso;
	struct posada_disk_spec disks[POSADA_DISKS_MAX];
	size_t disk_count;
	const char *network; /* libvirt network or host bridge; NULL or "none": no card */
	bool start;
	const struct posada_seed *seed; /* NULL: none */
	bool uefi;			/* the kinds with firmware: not a BIOS */
	bool pxe;			/* these: start from the network first */
	/* Called several times a second while images are copied; false ends that. NULL is fine. */
	bool (*progress)(void *opaque, unsigned percent);
	void *opaque;
};

/* All guests of all engines that answer, sorted by name; posada_guests_free(). */
int posada_guest_list(
	struct posada *handle, struct posada_guests *guests, struct posada_error *err);
void posada_guests_free(struct posada_guests *guests);

/* One guest; -ENOENT when there is none of that name; posada_guest_free(). */
int posada_guest_show(struct posada *handle, const char *name, struct posada_guest *guest,
	struct posada_error *err);
void posada_guest_free(struct posada_guest *guest);

/*
 * Checks the whole specification first, then makes the new volumes and the definition, and starts
 * the guest if asked. After a failure nothing of it is left; -ECANCELED when progress() ended it.
 */
int posada_guest_create(
	struct posada *handle, const struct posada_guest_spec *spec, struct posada_error *err);

/* The kind that is best for a specification, whose own is not looked at. */
struct posada_choice {
	enum posada_kind kind;
	bool uefi;
	const char *why; /* half a sentence; static */
};

/* Looks at what the guest would start from; fails when that cannot be read. */
int posada_kind_choose(struct posada *handle, const struct posada_guest_spec *spec,
	struct posada_choice *choice, struct posada_error *err);

/* Also starts a guest again whose device model has died. */
int posada_guest_start(struct posada *handle, const char *name, struct posada_error *err);

/*
 * Asks the guest to shut down and waits for it; -ETIMEDOUT when it still runs
 * after timeout_ms. With 0 it only asks.
 */
int posada_guest_stop(
	struct posada *handle, const char *name, unsigned timeout_ms, struct posada_error *err);

/* Takes the power away. */
int posada_guest_kill(struct posada *handle, const char *name, struct posada_error *err);

int posada_guest_reboot(struct posada *handle, const char *name, struct posada_error *err);
int posada_guest_pause(struct posada *handle, const char *name, struct posada_error *err);
int posada_guest_resume(struct posada *handle, const char *name, struct posada_error *err);

/*
 * Joins the terminal on in_fd and out_fd with the guest's console until Ctrl-]
 * is pressed, the console ends (the guest went off), or a signal asks the program
 * to end. The terminal gets its settings back before that signal takes effect.
 * -EBUSY when another session holds the console; take_over ends that session.
 */
int posada_guest_console(struct posada *handle, const char *name, int in_fd, int out_fd,
	bool take_over, struct posada_error *err);

/* Removes the definition of a guest that is off, and with disks its volumes in the pool. */
int posada_guest_delete(
	struct posada *handle, const char *name, bool disks, struct posada_error *err);

/* --- Settings of a guest ------------------------------------------------ */

enum posada_boot {
	POSADA_BOOT_DISK,
	POSADA_BOOT_CD,
	POSADA_BOOT_NETWORK,
	POSADA_BOOTS,
};

#define POSADA_ORDER_MAX   999
#define POSADA_DELAY_MAX_S 3600

/* Does it start with the host? */
enum posada_start {
	POSADA_START_NEVER,
	POSADA_START_CRASHED, /* when it ran as the host went down without shutting it down */
	POSADA_START_ALWAYS,
};

struct posada_settings {
	uint64_t memory_kib;
	unsigned vcpus;
	enum posada_boot boot[POSADA_BOOTS]; /* what is tried first comes first */
	size_t boot_count; /* 0: the kind has no such order, or another program made one */
	enum posada_start autostart;
	unsigned order;	    /* 1 starts first; 0 after all that have a number */
	unsigned delay_s;   /* between its start and that of the next one */
	bool crash_restart; /* else it stays off after it has crashed */
};

/* "disk,cd,network", each at most once, into settings->boot; -EINVAL for anything else. */
int posada_boot_parse(const char *text, struct posada_settings *settings);

/* The same words; returns buf. */
char *posada_boot_text(const struct posada_settings *settings, char *buf, size_t size);

/* As they are from its next start on. */
int posada_guest_settings(struct posada *handle, const char *name, struct posada_settings *settings,
	struct posada_error *err);

/* Which of them are meant. */
#define POSADA_SET_MEMORY    (1u << 0)
#define POSADA_SET_VCPUS     (1u << 1)
#define POSADA_SET_BOOT	     (1u << 2)
#define POSADA_SET_AUTOSTART (1u << 3)
#define POSADA_SET_ORDER     (1u << 4)
#define POSADA_SET_DELAY     (1u << 5)
#define POSADA_SET_CRASH     (1u << 6)

/*
 * Checks the settings that WHICH means, writes them to the definition, and changes the
 * running guest too where its kind allows it; *later tells what waits for its next
 * start. All others stay as they are.
 */
int posada_guest_set(struct posada *handle, const char *name, const struct posada_settings *wanted,
	unsigned which, unsigned *later, struct posada_error *err);

/* --- The host's start and stop ------------------------------------------ */

/* What became of one guest: ret 0, or the sentence in err says why not. */
typedef void (*posada_report)(
	void *opaque, const char *name, int ret, const struct posada_error *err);

/*
 * Once the host has started: starts the guests that start with it and do not run, in their order
 * and with their delays. One that fails holds nobody up; returns what the
 * first of those failed with. It ends early when the host begins to stop.
 */
int posada_autostart(
	struct posada *handle, posada_report report, void *opaque, struct posada_error *err);

/*
 * Shuts down all guests that run, those last that start first. Guests with
 * the same order go together; what still runs after timeout_ms is forced off,
 * and all together get five times that at most.
 */
int posada_stop_all(struct posada *handle, unsigned timeout_ms, posada_report report, void *opaque,
	struct posada_error *err);

/* --- Devices of a guest ------------------------------------------------- */

/* All of these change the definition, and the guest too where it runs. */

#define POSADA_TARGET_SIZE 8

/* A file that exists or a new volume; target is what the guest calls it. */
int posada_guest_attach_disk(struct posada *handle, const char *name,
	const struct posada_disk_spec *spec, char target[POSADA_TARGET_SIZE],
	struct posada_error *err);

/* The disk's file or volume stays. */
int posada_guest_detach_disk(
	struct posada *handle, const char *name, const char *target, struct posada_error *err);

/* A card in a libvirt network or at a host bridge. */
int posada_guest_attach_nic(
	struct posada *handle, const char *name, const char *network, struct posada_error *err);
int posada_guest_detach_nic(
	struct posada *handle, const char *name, const char *mac, struct posada_error *err);

/* A device of the host that a guest could get. */
struct posada_hostdev {
	char name[16];	/* as it is given: PCI 0000:03:00.0, USB 046d:c52b */
	char text[128]; /* what it is, for people */
	char host[64];	/* a disk or card that hangs on it, so it stays; or empty */
	char *guest;	/* who has it now or, if nobody has, when it starts; or NULL */
};

struct posada_hostdevs {
	struct posada_hostdev *items;
	size_t count;
};

/*
 * The USB devices but hubs, or the PCI devices but what only the platform itself has a use for, in
 * the order of their places. posada_hostdevs_free().
 */
int posada_hostdev_list(
	struct posada *handle, bool usb, struct posada_hostdevs *list, struct posada_error *err);
void posada_hostdevs_free(struct posada_hostdevs *list);

/* A device of the host, by its PCI address or its USB vendor and product. */
int posada_guest_attach_device(struct posada *handle, const char *name, const char *device,
	bool usb, struct posada_error *err);
int posada_guest_detach_device(struct posada *handle, const char *name, const char *device,
	bool usb, struct posada_error *err);

/* The CD in its first drive; a guest that is off gets a drive if it has none. */
int posada_guest_insert(
	struct posada *handle, const char *name, const char *iso, struct posada_error *err);
int posada_guest_eject(struct posada *handle, const char *name, struct posada_error *err);

/* Can a guest be told this, one with a network card or without? -EINVAL and why not. */
int posada_seed_check(const struct posada_seed *seed, bool has_card, struct posada_error *err);

/* --- Clones and templates ----------------------------------------------- */

/* What shall be made from what; the caller owns everything in it. */
struct posada_clone {
	const char *from;
	const char *name;
	const struct posada_seed *seed; /* NULL: none, not that of the other guest either */
	/* Called several times a second while disks are copied; false ends that. NULL is fine. */
	bool (*progress)(void *opaque, unsigned percent);
	void *opaque;
};

/*
 * Makes a guest like one that is off, with copies of its disks (but for those that it only
 * reads), and its own UUID and hardware addresses. After a failure nothing of it is left;
 * -ECANCELED when progress() ended it.
 */
int posada_guest_clone(
	struct posada *handle, const struct posada_clone *clone, struct posada_error *err);

/* Makes a guest that is off a template, or a guest again; no error when it is that already. */
int posada_guest_template(
	struct posada *handle, const char *name, bool on, struct posada_error *err);
/* --- A guest's screen ---------------------------------------------------- */

/* Where a viewer finds it: VNC, on this host's loopback alone, so through an SSH tunnel. */
struct posada_display {
	int port;
	char address[64]; /* of this host, "" when it has none */
	bool ssh;	  /* can people log in by SSH now? */
};

/* -ENODEV for a guest without a screen, -ESRCH for one that is off. */
int posada_guest_display(struct posada *handle, const char *name, struct posada_display *display,
	struct posada_error *err);

/* The same in a browser, of anybody who has the address, once and within ten minutes. */
struct posada_web {
	char address[160];     /* https://192.0.2.7:6080/TOKEN */
	char fingerprint[128]; /* SHA-256 of the certificate, which nobody has signed */
};

int posada_guest_web(
	struct posada *handle, const char *name, struct posada_web *web, struct posada_error *err);

/* A picture of it as it is now, in a file whose name ends in .png or .ppm. */
int posada_guest_screenshot(
	struct posada *handle, const char *name, const char *path, struct posada_error *err);

/* --- The host ----------------------------------------------------------- */

struct posada_address {
	char nic[16];
	char text[64]; /* 192.0.2.7/24, 2001:db8::7/64 (RFC 5952) */
};

struct posada_port {
	char name[16];
	char mac[24];
	char driver[32];
	bool link;
	unsigned speed; /* Mbit/s, 0 when unknown */
};

struct posada_drive {
	char name[32]; /* sda, nvme0n1 */
	char model[64];
	uint64_t bytes;
	bool removable;
};

/* Owns its arrays: posada_host_free(). */
struct posada_host {
	char name[65];
	char version[64];    /* Posada's */
	char engine[8];	     /* "xen", "kvm", "plain" (emulation only) */
	char hypervisor[64]; /* "Xen 4.20.3", or the kernel where there is no Xen */
	char kernel[65];
	char cpu[64];
	unsigned cpus;
	uint64_t memory_kib;	  /* of the machine; 0 when not known yet */
	uint64_t memory_free_kib; /* left for guests */
	struct posada_address *addresses;
	size_t address_count;
	struct posada_port *nics;
	size_t nic_count;
	struct posada_drive *disks;
	size_t disk_count;
	char **notices; /* one line each, what is missing or broken */
	size_t notice_count;
	bool reboot_needed; /* xenstored has died: only a reboot brings it back */
};

/*
 * Answers even when libvirtd does not; that is one of the notices then, but for
 * a host that starts. With handle NULL libvirtd is not asked: fast, but under Xen
 * less is known.
 */
int posada_host_status(struct posada *handle, struct posada_host *host, struct posada_error *err);
void posada_host_free(struct posada_host *host);

/* Was this host switched on so lately that libvirtd may not be up yet? */
bool posada_host_is_starting(void);

/* --- Networks ----------------------------------------------------------- */

enum posada_network_kind {
	POSADA_NAT,	 /* behind the host's address */
	POSADA_ISOLATED, /* among guests, and with the host if that has an address on it */
	POSADA_BRIDGE,	 /* on a card of the host, or on a VLAN of it */
	POSADA_ROUTED,	 /* what else libvirt has, made by others */
	POSADA_NETWORK_KINDS,
};

struct posada_network {
	char *name;
	enum posada_network_kind kind;
	bool bridge; /* a bridge of the host, not a libvirt network */
	bool active;
	char *address; /* the host's own on it, 192.0.2.1/24, or NULL */
	bool dhcp;     /* guests get theirs from this host */
	char *device;  /* the bridge that carries it, or NULL */
	char *nic;     /* the card below a bridge, or NULL */
	unsigned vlan; /* 0: none */
	char **guests; /* whose definition has it; only posada_network_show() tells */
	size_t guest_count;
};

struct posada_networks {
	struct posada_network *items;
	size_t count;
};

/* "nat", "isolated", "bridge", "routed". */
const char *posada_network_kind_name(enum posada_network_kind kind);

/* libvirt's networks and the bridges of the host that guests can join; posada_networks_free(). */
int posada_network_list(
	struct posada *handle, struct posada_networks *networks, struct posada_error *err);
void posada_networks_free(struct posada_networks *networks);

/* One of them, with its guests, as a list of one; -ENOENT when there is none of that name. */
int posada_network_show(struct posada *handle, const char *name, struct posada_networks *network,
	struct posada_error *err);

/* A network to be made or changed; the caller owns the texts. NULL, and -1 for the last two, means:
 * as it is, or as it suits the kind. */
struct posada_network_spec {
	const char *name;    /* [A-Za-z][A-Za-z0-9_-]{0,12} */
	const char *kind;    /* nat, isolated or bridge; of no meaning for a change */
	const char *address; /* the host's own: nat and isolated only; "none" for isolated */
	const char *nic; /* bridge: a card of the host; NULL: the one that the host itself uses */
	int dhcp;	 /* nat and isolated with an address: on or off */
	long vlan;	 /* bridge: 1 to 4094, 0 for none */
};

/* Makes it, and has it start with the host from now on. What it would collide with is told. */
int posada_network_create(
	struct posada *handle, const struct posada_network_spec *spec, struct posada_error *err);

/* -EBUSY while guests that run would lose their network. */
int posada_network_set(
	struct posada *handle, const struct posada_network_spec *spec, struct posada_error *err);

/* -EBUSY while a guest's definition has it. */
int posada_network_delete(struct posada *handle, const char *name, struct posada_error *err);

bool posada_network_name_is_legal(const char *name);

/* The host's own place in its network, as text; "" for what there is not. */
struct posada_uplink {
	char address[32]; /* 192.0.2.7/24, "": by DHCP */
	char gateway[32];
	char dns[128]; /* with commas between */
	char nic[32];  /* the card */
};

/* How it is now; with DHCP all but the card is empty. -ENOENT when the host has no network. */
int posada_uplink_show(struct posada_uplink *uplink, struct posada_error *err);

/*
 * Tries another, at once, for POSADA_TRIAL_SECONDS: then all is as it was before, by itself and
 * whatever becomes of the caller, unless posada_uplink_confirm() is called. An empty nic leaves the
 * card as it is.
 */
#define POSADA_TRIAL_SECONDS 60
int posada_uplink_try(
	struct posada *handle, const struct posada_uplink *wanted, struct posada_error *err);

/* Keeps what is being tried, also after a reboot; -ENOENT when nothing is. Says in NOTE, of SIZE
 * bytes, when it lives in memory alone. */
int posada_uplink_confirm(char *note, size_t size, struct posada_error *err);

/* The seconds that are left of a trial; 0 when nothing is being tried. */
unsigned posada_uplink_trial(void);

/* Tries DHCP on the first card with a link, and has the network "default" there for guests again.
 */
int posada_network_reset(struct posada *handle, struct posada_error *err);

/* --- Storage ------------------------------------------------------------ */

struct posada_volume {
	char *name;
	char *path;
	uint64_t bytes;	     /* as the guest sees it */
	uint64_t used_bytes; /* as it takes room */
	char *guest;	     /* who has it, or NULL */
};

/* Where the volumes of a pool are. */
enum posada_pool_kind {
	POSADA_POOL_DIRECTORY, /* files in a folder, or in a file system that is mounted for it */
	POSADA_POOL_LVM,       /* logical volumes of a volume group */
	POSADA_POOL_NFS,       /* files on a server */
	POSADA_POOL_ISCSI,     /* volumes that a server makes and deletes, not we */
	POSADA_POOL_OTHER,     /* made by other programs of libvirt */
	POSADA_POOL_KINDS,
};

enum posada_pool_state {
	POSADA_POOL_READY,
	POSADA_POOL_FULL,     /* guests that write to it get errors */
	POSADA_POOL_DETACHED, /* by somebody, and until they attach it again */
	POSADA_POOL_MISSING,  /* its disk or server is not there */
	POSADA_POOL_SILENT,   /* its server does not answer */
	POSADA_POOL_STATES,
};

/* "directory", "lvm", ...; the same words that posada_pool_kind_parse() takes. */
const char *posada_pool_kind_name(enum posada_pool_kind kind);
int posada_pool_kind_parse(const char *word, enum posada_pool_kind *kind);

/* "ready", "almost full", ...: English, for programs as much as for people. */
const char *posada_pool_state_name(enum posada_pool_state state);

/* A pool of volumes. */
struct posada_pool {
	char *name;
	enum posada_pool_kind kind;
	enum posada_pool_state state;
	char *source; /* the device, volume group, SERVER:/PATH or SERVER:PORT/TARGET that it is
			 made of, or NULL */
	char *path;   /* the folder that its volumes are seen in */
	char *place;  /* of the first pool: the partition or volume that it is on, or NULL: it is in
			 memory */
	uint64_t bytes; /* these two 0 when it is not in use */
	uint64_t free_bytes;
	struct posada_volume *volumes;
	size_t volume_count;
};

struct posada_pools {
	struct posada_pool *items;
	size_t count;
};

/* The pool that is always there, and its volumes; posada_pool_free(). */
int posada_storage_list(struct posada *handle, struct posada_pool *pool, struct posada_error *err);
void posada_pool_free(struct posada_pool *pool);

/* All pools, without their volumes, the one that is always there first, then by name. */
int posada_pool_list(struct posada *handle, struct posada_pools *pools, struct posada_error *err);
void posada_pools_free(struct posada_pools *pools);

/* One pool, with its volumes while it is in use; -ENOENT; posada_pool_free(). */
int posada_pool_show(struct posada *handle, const char *name, struct posada_pool *pool,
	struct posada_error *err);

/* Is it a volume in a pool, made for the guest of that name? It goes when the guest is deleted with
 * its disks. */
bool posada_volume_is_of(struct posada *handle, const char *guest, const char *path);

/* Deletes a volume that nobody has: -EBUSY tells who does, -ENOENT that there is none. */
int posada_volume_delete(
	struct posada *handle, const char *pool, const char *volume, struct posada_error *err);

/* Is there a volume group of that name? */
bool posada_group_exists(const char *name);

/* Can the pool, as it was shown, be given one disk more? -EINVAL, or -ENODEV while it is not there.
 */
int posada_pool_grows(const struct posada_pool *pool, struct posada_error *err);

/*
 * What a volume group is called that is made for a pool: a group is known by its name, so that one
 * of ours has one that no other disk's has. -EINVAL when the pool's name is not legal.
 */
int posada_group_name(const char *pool, char *group, size_t size);

/*
 * A pool to be made. The source: of a directory, a folder, or a device with a file system (ext4,
 * XFS, Btrfs), which is known by its UUID from then on; of lvm, a volume group; of nfs,
 * SERVER:/PATH; of iscsi, SERVER[:PORT]/TARGET.
 */
struct posada_pool_spec {
	const char *name; /* as legal as a guest's */
	enum posada_pool_kind kind;
	const char *source;
	const char *user, *password; /* what a target asks for (CHAP), or NULL */
};

/* Takes what is there into use, and writes nothing to it; after a failure there is no such pool. */
int posada_pool_create(
	struct posada *handle, const struct posada_pool_spec *spec, struct posada_error *err);

/* Use it again, now and after every reboot. -ENODEV when its disk or server is not there. */
int posada_pool_attach(struct posada *handle, const char *name, struct posada_error *err);

/* Let go of it until it is attached again; -EBUSY while a guest that runs has a disk in it. */
int posada_pool_detach(struct posada *handle, const char *name, struct posada_error *err);

/* The pool is unknown then, and what is in it stays; -EBUSY while a guest has a disk in it. */
int posada_pool_forget(struct posada *handle, const char *name, struct posada_error *err);

/*
 * Looks at every pool: one that is back is attached again, and what is wrong with one is told on
 * the status page until it is right.
 */
int posada_pool_check(struct posada *handle, struct posada_error *err);

/* --- Media -------------------------------------------------------------- */

enum posada_medium {
	POSADA_ISO,
	POSADA_KERNEL,
	POSADA_INITRD,
	POSADA_DISK,
	POSADA_OTHER,
};

/* What is wrong with one. */
enum posada_fault {
	POSADA_SOUND,
	POSADA_CUT_OFF,	   /* shorter than it says that it is */
	POSADA_UNBOOTABLE, /* an ISO image that no guest can start from */
};

struct posada_media_file {
	char *name;
	char *path;
	char *source; /* the stick that it is on, or NULL: the library */
	enum posada_medium type;
	enum posada_fault fault;
	uint64_t bytes;
	uint64_t wanted_bytes; /* of one that is cut off: what it should have */
	bool bios, uefi;       /* an ISO image: what can start it */
	char sha256[65];       /* in hexadecimal, or empty when it is not known */
};

struct posada_media {
	struct posada_media_file *items;
	size_t count;
	char left_out[128]; /* sticks that have the same UUID as one that counts: "sdc1, sdd1" */
};

const char *posada_medium_name(enum posada_medium type);

/*
 * The files in POSADA_MEDIA and the ISO images on sticks that are plugged in, told by content,
 * sorted by name; none is not an error. File systems of sticks are mounted for it, read only.
 */
int posada_media_list(struct posada_media *media, struct posada_error *err);
void posada_media_free(struct posada_media *media);

/* What a file is; its name, path and source stay NULL, so nothing needs to be freed. */
int posada_media_look(const char *path, struct posada_media_file *file, struct posada_error *err);

/* One sentence on what is wrong with it, or NULL; in buf, as far as it fits. */
const char *posada_fault_text(const struct posada_media_file *file, char *buf, size_t size);

/* How far it is; total is 0 when that is not known. False ends the work, with -ECANCELED. */
typedef bool (*posada_progress)(void *opaque, uint64_t done, uint64_t total);

struct posada_media_wish {
	const char *name;	  /* in the library; NULL: as it is called where it comes from */
	const char *sha256;	  /* what it must have, in hexadecimal, or NULL */
	posada_progress progress; /* or NULL */
	void *opaque;
};

/* Does only the server's word say that what comes FROM there is what was wanted? Who it is has
 * nobody checked. */
bool posada_media_is_unchecked(const char *from, const struct posada_media_wish *wish);

/*
 * Puts a file, given by its path or its address (http://, https://), into the library, once it is
 * whole and on the disk: until then, and after a failure, there is nothing of it. -EEXIST when
 * there is one of that name, -ENAMETOOLONG when that cannot be a name: another one may do. PATH,
 * which may be NULL, receives where it is then.
 */
int posada_media_add(const char *from, const struct posada_media_wish *wish, char *path,
	size_t size, struct posada_error *err);

/* Deletes a file of the library; -EBUSY when a guest has it. */
int posada_media_remove(struct posada *handle, const char *name, struct posada_error *err);

/* Reads a file of a list for its checksum, and notes that for the library. */
int posada_media_sum(struct posada_media_file *file, posada_progress progress, void *opaque,
	struct posada_error *err);

/* Looks at what is plugged in, and tells on the status page which guest lacks an image. */
int posada_media_check(struct posada *handle, struct posada_error *err);

/* --- Text --------------------------------------------------------------- */

/* Is this a name that a guest may have? */
bool posada_name_is_legal(const char *name);

/*
 * "512M", "4G", "4 GiB": a whole number and a unit of 1024, K to T, in either case.
 * A number without a unit counts in default_unit ('K' to 'T'), or is refused
 * with -EINVAL when that is 0. -ERANGE when it does not fit, or is zero.
 */
int posada_size_parse(const char *text, char default_unit, uint64_t *bytes);

/* "512 MiB", "4.0 GiB"; returns buf. */
char *posada_size_text(uint64_t bytes, char *buf, size_t size);

/*
 * Copies text that came from outside, so that it is safe on a terminal: control
 * characters, broken UTF-8 and characters that reorder a line become '?', and
 * what does not fit in size bytes is cut between two characters. Returns buf.
 */
char *posada_text_clean(const char *text, char *buf, size_t size);

#endif
