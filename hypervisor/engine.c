// SPDX-License-Identifier: GPL-2.0-or-later
// The handle: which engines this host has, the connections to them, and error sentences.
#include <errno.h>
#include <libvirt/virterror.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include "internal.h"
#include "text.h"

#define XEN_KINDS   (1u << POSADA_PV | 1u << POSADA_PVH | 1u << POSADA_HVM)
#define PLAIN_KINDS (1u << POSADA_QEMU)

#define RETRY_MS 250

int fail(struct posada_error *err, int code, const char *format, ...)
{
	va_list args;

	if (err) {
		va_start(args, format);
		vsnprintf(err->text, sizeof(err->text), format, args);
		va_end(args);
	}
	return code;
}

int fail_memory(struct posada_error *err)
{
	return fail(err, -ENOMEM,
		_("This host ran out of memory for its own work. Stop a guest and try again."));
}

int fail_libvirt(struct posada_error *err, const char *what, const char *cure)
{
	/* What a hook of ours says tells all, and stands behind how it was called. */
	static const char hook[] = "posada guest adopt: ";
	const char *message = virGetLastErrorMessage(), *reason = strstr(message, hook);
	char text[1024], words[512], *at;

	snprintf(text, sizeof(text), "%s", reason ? reason + strlen(hook) : message);
	while ((at = strchr(text, '\n')))
		*at = ' ';
	/* What another program said often ends with a full stop of its own. */
	for (at = text + strlen(text); at > text && strchr(reason ? " " : " .", at[-1]); at--)
		at[-1] = '\0';
	posada_text_clean(text, words, sizeof(words));
	if (reason)
		return fail(err, -EIO, "%s: %s", what, words);
	return fail(err, -EIO, "%s: %s. %s", what, words, cure);
}

/* libvirt prints every error to stderr unless told otherwise: over a menu's screen. */
static void keep_quiet(void *opaque, virErrorPtr error)
{
	(void)opaque;
	(void)error;
}

static void prepare_libvirt(void)
{
	virInitialize();
	virSetErrorFunc(NULL, keep_quiet);
	/* The console's stream needs an event loop, and it must exist before any connection. */
	virEventRegisterDefaultImpl();
}

static int add_engine(struct posada *handle, const char *name, const char *uri, unsigned kinds)
{
	struct engine *engine = &handle->engines[handle->engine_count];

	engine->uri = strdup(uri);
	if (!engine->uri)
		return -ENOMEM;
	engine->name = name;
	engine->kinds = kinds;
	handle->engine_count++;
	return 0;
}

static int add_engine_for_tests(struct posada *handle, const char *uri)
{
	if (!strncmp(uri, "test", 4))
		return add_engine(handle, "test", uri, XEN_KINDS | PLAIN_KINDS);
	if (!strncmp(uri, "xen", 3))
		return add_engine(handle, "xen", uri, XEN_KINDS);
	return add_engine(handle, "qemu", uri, PLAIN_KINDS);
}

int posada_open(struct posada **out, unsigned patience_ms, struct posada_error *err)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;
	const char *uri = getenv("POSADA_URI");
	struct posada *handle = calloc(1, sizeof(*handle));
	int ret = 0;

	if (!handle)
		return fail_memory(err);
	pthread_once(&once, prepare_libvirt);
	handle->patience_ms = handle->patience_left_ms = patience_ms;
	handle->dom0 = host_is_dom0();
	handle->running = "/etc/posada/running";
	if (uri && *uri) {
		ret = add_engine_for_tests(handle, uri);
	} else {
		if (handle->dom0)
			ret = add_engine(handle, "xen", "xen:///system",
				host_has_hvm() ? XEN_KINDS : 1u << POSADA_PV);
		if (!ret)
			ret = add_engine(handle, "qemu", "qemu:///system", PLAIN_KINDS);
	}
	if (ret) {
		posada_close(handle);
		return fail_memory(err);
	}
	*out = handle;
	return 0;
}

static void disconnect(struct engine *engine)
{
	if (engine->conn)
		virConnectClose(engine->conn);
	engine->conn = NULL;
}

void posada_close(struct posada *handle)
{
	size_t i;

	if (!handle)
		return;
	for (i = 0; i < handle->engine_count; i++) {
		disconnect(&handle->engines[i]);
		free(handle->engines[i].uri);
	}
	free(handle);
}

unsigned posada_kinds(struct posada *handle)
{
	unsigned kinds = 0;
	size_t i;

	for (i = 0; i < handle->engine_count; i++)
		kinds |= handle->engines[i].kinds;
	return kinds;
}

static int64_t now_ms(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

int engine_connect(struct posada *handle, struct engine *engine, struct posada_error *err)
{
	int64_t start = now_ms();
	const struct timespec pause = {.tv_nsec = RETRY_MS * 1000000L};
	const char *loss = strcmp(engine->name, "xen") != 0 ? NULL : host_loss(POSADA_RUN);
	unsigned long version;

	if (loss) {
		disconnect(engine);
		return fail(err, -ENOTCONN, "%s", loss);
	}
	/* A restarted libvirtd leaves a dead socket, which only a question brings to light. */
	if (engine->conn && !virConnectGetLibVersion(engine->conn, &version))
		return 0;
	disconnect(engine);
	for (;;) {
		engine->conn = virConnectOpen(engine->uri);
		if (engine->conn) {
			handle->patience_left_ms = handle->patience_ms;
			handle->answered = true;
			return 0;
		}
		if (now_ms() - start >= handle->patience_left_ms)
			break;
		nanosleep(&pause, NULL);
	}
	/* One wait is enough: the next engine is served by the same libvirtd. */
	handle->patience_left_ms = 0;
	fail_libvirt(err, _("The guest manager libvirtd does not answer"),
		_("It is still starting, or is restarted by itself: wait some seconds and try again, or read the log."));
	return -ENOTCONN;
}

int engine_any(struct posada *handle, virConnectPtr *conn, struct posada_error *err)
{
	int ret = -ENOTCONN;
	size_t i;

	for (i = 0; i < handle->engine_count && ret; i++) {
		ret = engine_connect(handle, &handle->engines[i], err);
		*conn = handle->engines[i].conn;
	}
	return ret;
}

int engine_for_kind(struct posada *handle, enum posada_kind kind, struct engine **engine,
	struct posada_error *err)
{
	size_t i;

	for (i = 0; i < handle->engine_count; i++)
		if (handle->engines[i].kinds & 1u << kind) {
			*engine = &handle->engines[i];
			return engine_connect(handle, *engine, err);
		}
	if (handle->dom0)
		return fail(err, -ENOTSUP,
			_("A guest of kind %s needs a processor with virtualization (VT-x, AMD-V), and this one has none, or the firmware has switched it off. Switch it on in the firmware's setup, or choose the kind pv or qemu."),
			posada_kind_name(kind));
	return fail(err, -ENOTSUP,
		_("This host was started without Xen, so it cannot run a guest of kind %s. Choose the kind qemu, or restart the host with Xen."),
		posada_kind_name(kind));
}

bool read_line(char *buf, size_t size, const char *format, ...)
{
	char path[512];
	va_list args;
	FILE *file;
	bool ok;

	va_start(args, format);
	vsnprintf(path, sizeof(path), format, args);
	va_end(args);
	*buf = '\0';
	file = fopen(path, "re");
	if (!file)
		return false;
	ok = fgets(buf, (int)size, file) != NULL;
	fclose(file);
	buf[strcspn(buf, "\n")] = '\0';
	return ok;
}
