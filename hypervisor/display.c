// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's screen: how to reach it from elsewhere, and a picture of it.
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>
#include "internal.h"
#include "picture.h"
#include "rfb.h"
#include "tool.h"

#define TIMEOUT_MS 15000

static int find_port(struct posada *handle, const char *name, int *port, struct posada_error *err)
{
	struct posada_guest guest;
	int ret = posada_guest_show(handle, name, &guest, err);

	if (ret)
		return ret;
	*port = guest.vnc_port;
	if (!posada_state_is_live(guest.state))
		ret = fail(
			err, -ESRCH, _("The guest %s is not running. Start it first."), guest.name);
	else if (!*port)
		ret = fail(err, -ENODEV,
			_("The guest %s has no screen, only a console. Open that (\"posada guest console %s\")."),
			guest.name, guest.name);
	posada_guest_free(&guest);
	return ret;
}

/* What people type first: an address of IPv4, if there is one. */
static void choose_address(const struct posada_host *host, char *address, size_t size)
{
	size_t i, best = host->address_count;

	for (i = host->address_count; i-- > 0;)
		if (best == host->address_count || !strchr(host->addresses[i].text, ':'))
			best = i;
	if (best < host->address_count)
		snprintf(address, size, "%.*s", (int)strcspn(host->addresses[best].text, "/"),
			host->addresses[best].text);
}

int posada_guest_display(struct posada *handle, const char *name, struct posada_display *display,
	struct posada_error *err)
{
	struct posada_host host;
	int ret;

	memset(display, 0, sizeof(*display));
	ret = find_port(handle, name, &display->port, err);
	if (!ret)
		ret = posada_host_status(NULL, &host, err);
	if (ret)
		return ret;
	choose_address(&host, display->address, sizeof(display->address));
	display->ssh = !access(POSADA_RUN "/ssh.enabled", F_OK);
	posada_host_free(&host);
	return 0;
}

int posada_guest_web(
	struct posada *handle, const char *name, struct posada_web *web, struct posada_error *err)
{
	char said[256] = "", port[16], token[64];
	struct posada_display display;
	bool six;
	unsigned listens;
	int ret = posada_guest_display(handle, name, &display, err);

	if (ret)
		return ret;
	if (!*display.address)
		return fail(err, -ENETUNREACH,
			_("This host has no address that a browser could reach. Set one under Network."));
	snprintf(port, sizeof(port), "%d", display.port);
	ret = tool_run((const char *const[]){"posada-screen", port, NULL}, said, sizeof(said));
	said[strcspn(said, "\n")] = '\0';
	if (ret || sscanf(said, "%u %63s %127s", &listens, token, web->fingerprint) != 3)
		return fail(err, -EIO,
			_("The screen cannot be shown to a browser now: %s Reach it by SSH, or try again once others have closed theirs."),
			said);
	six = strchr(display.address, ':') != NULL;
	snprintf(web->address, sizeof(web->address), "https://%s%s%s:%u/%s", six ? "[" : "",
		display.address, six ? "]" : "", listens, token);
	return 0;
}

static int connect_to(int port, struct posada_error *err)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), ret;

	/* On the loopback a connection is there at once, or refused. */
	if (fd >= 0 && !connect(fd, (const struct sockaddr *)&address, sizeof(address)))
		return fd;
	ret = -errno;
	if (fd >= 0)
		close(fd);
	return fail(err, ret,
		_("The guest's screen on port %d cannot be reached: %s. If its device model has died, start the guest again."),
		port, strerror(-ret));
}

int posada_guest_screenshot(
	struct posada *handle, const char *name, const char *path, struct posada_error *err)
{
	enum picture_format format;
	struct picture picture;
	char clean[256];
	int port, fd, ret;

	posada_text_clean(path, clean, sizeof(clean));
	if (picture_format_of(path, &format))
		return fail(err, -EINVAL,
			_("%s ends neither in .png nor in .ppm, which says what it is to be. Give it another name."),
			clean);
	ret = find_port(handle, name, &port, err);
	if (ret)
		return ret;
	fd = connect_to(port, err);
	if (fd < 0)
		return fd;
	ret = rfb_capture(fd, TIMEOUT_MS, &picture, err);
	close(fd);
	if (ret)
		return ret;
	ret = picture_write(&picture, format, path);
	picture_free(&picture);
	return ret ? fail(err, ret, _("The picture cannot be written to %s: %s."), clean,
			     strerror(-ret))
		   : 0;
}
