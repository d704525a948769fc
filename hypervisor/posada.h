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
	bool cdrom;
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
	struct posada_disk *disks;
	size_t disk_count;
	struct posada_nic *nics;
	size_t nic_count;
	int vnc_port; /* on 127.0.0.1; 0 when there is none now */
};

struct posada_guests {
	struct posada_guest *items;
	size_t count;
};

/* A disk of a guest to be made: a file that exists, or the size of a new volume. */
struct posada_disk_spec {
	const char *path;
	uint64_t bytes;
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
 * Checks the whole specification first, then makes the new volumes and the
 * definition, and starts the guest if asked. After a failure nothing of it is left.
 */
int posada_guest_create(
	struct posada *handle, const struct posada_guest_spec *spec, struct posada_error *err);

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
 * the first minute of a host that starts. With handle NULL libvirtd is not asked:
 * fast, but under Xen less is known.
 */
int posada_host_status(struct posada *handle, struct posada_host *host, struct posada_error *err);
void posada_host_free(struct posada_host *host);

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

/* The pool of volumes, a directory. */
struct posada_pool {
	char *name;
	char *path;
	char *place; /* the partition or volume that it is on, or NULL: it is in memory */
	uint64_t bytes;
	uint64_t free_bytes;
	struct posada_volume *volumes;
	size_t volume_count;
};

int posada_storage_list(struct posada *handle, struct posada_pool *pool, struct posada_error *err);
void posada_pool_free(struct posada_pool *pool);

/* --- Media -------------------------------------------------------------- */

enum posada_medium {
	POSADA_ISO,
	POSADA_KERNEL,
	POSADA_INITRD,
	POSADA_DISK,
	POSADA_OTHER,
};

struct posada_media_file {
	char *name;
	char *path;
	enum posada_medium type;
	uint64_t bytes;
};

struct posada_media {
	struct posada_media_file *items;
	size_t count;
};

const char *posada_medium_name(enum posada_medium type);

/* The files in POSADA_MEDIA, by content, sorted by name; none is not an error. */
int posada_media_list(struct posada_media *media, struct posada_error *err);
void posada_media_free(struct posada_media *media);

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
