// SPDX-License-Identifier: GPL-2.0-or-later
// posada-screen: shows one guest's screen to one browser, over HTTPS, to whoever knows the token.
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <gnutls/crypto.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>
#include <grp.h>
#include <libintl.h>
#include <locale.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <syslog.h>
#include <time.h>
#include <unistd.h>
#include "posada.h"
#include "websocket.h"

#define _(text) dgettext(POSADA_DOMAIN, text)

#define FOLDER	   "/usr/share/novnc"
#define FIRST_PORT 6080
#define PORTS	   20
#define NOBODY	   65534

#define WAIT_S	     600 /* for the one viewer */
#define HELLO_S	     5	 /* a browser has until it has shown the token */
#define REQUEST_S    30	 /* and for our answer */
#define CHILDREN_MAX 32
#define OF_ONE_MAX   8 /* at once, from one address */
#define SOCKETS_SIZE 65536
#define POLL_MS	     500
#define REQUEST_MAX  8192
#define PIECE	     16384

#define TOKEN_BYTES 16
#define TOKEN	    (2 * TOKEN_BYTES + 1)
#define DAY	    86400

struct server {
	int vnc_port, listener, port;
	int sockets;	     /* /proc/net/tcp, out of reach once we are nobody */
	unsigned long inode; /* of the guest's own socket */
	char token[TOKEN], fingerprint[128];
	gnutls_certificate_credentials_t credentials;
	gnutls_priority_t priorities;
	atomic_bool *taken; /* shared with all children: somebody looks, or has looked */
};

/* --- TLS -------------------------------------------------------------------- */

/* A certificate that nobody has signed: its fingerprint tells that it is ours. */
static int make_certificate(struct server *server)
{
	unsigned char serial[8], print[32];
	size_t print_size = sizeof(print);
	gnutls_x509_privkey_t key = NULL;
	gnutls_x509_crt_t crt = NULL;
	time_t now = time(NULL);
	int ret = gnutls_x509_privkey_init(&key);

	if (ret >= 0)
		ret = gnutls_x509_crt_init(&crt);
	if (ret >= 0)
		ret = gnutls_x509_privkey_generate(
			key, GNUTLS_PK_ECDSA, GNUTLS_CURVE_TO_BITS(GNUTLS_ECC_CURVE_SECP256R1), 0);
	if (ret >= 0)
		ret = gnutls_rnd(GNUTLS_RND_NONCE, serial, sizeof(serial));
	if (ret < 0)
		goto out;
	serial[0] = (serial[0] & 0x7f) | 1;
	gnutls_x509_crt_set_version(crt, 3);
	gnutls_x509_crt_set_serial(crt, serial, sizeof(serial));
	gnutls_x509_crt_set_activation_time(crt, now - DAY);
	gnutls_x509_crt_set_expiration_time(crt, now + 7 * DAY);
	gnutls_x509_crt_set_dn_by_oid(crt, GNUTLS_OID_X520_COMMON_NAME, 0, "Posada", 6);
	gnutls_x509_crt_set_key(crt, key);
	ret = gnutls_x509_crt_sign2(crt, crt, key, GNUTLS_DIG_SHA256, 0);
	if (ret >= 0)
		ret = gnutls_x509_crt_get_fingerprint(crt, GNUTLS_DIG_SHA256, print, &print_size);
	if (ret >= 0)
		ret = gnutls_certificate_set_x509_key(server->credentials, &crt, 1, key);
	for (size_t i = 0; ret >= 0 && i < print_size; i++)
		sprintf(server->fingerprint + 3 * i, "%02X%s", print[i],
			i + 1 < print_size ? ":" : "");
out:
	gnutls_x509_crt_deinit(crt);
	gnutls_x509_privkey_deinit(key);
	return ret;
}

static int make_secrets(struct server *server)
{
	unsigned char random[TOKEN_BYTES];
	int ret = gnutls_certificate_allocate_credentials(&server->credentials);

	if (ret >= 0)
		ret = gnutls_priority_init(&server->priorities,
			"SECURE192:SECURE128:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2", NULL);
	if (ret >= 0)
		ret = make_certificate(server);
	if (ret >= 0)
		ret = gnutls_rnd(GNUTLS_RND_KEY, random, sizeof(random));
	for (size_t i = 0; ret >= 0 && i < sizeof(random); i++)
		sprintf(server->token + 2 * i, "%02x", random[i]);
	return ret;
}

static bool give(gnutls_session_t session, const void *data, size_t size)
{
	const char *at = data;

	while (size) {
		ssize_t sent = gnutls_record_send(session, at, size);

		if (sent == GNUTLS_E_INTERRUPTED || sent == GNUTLS_E_AGAIN)
			continue;
		if (sent <= 0)
			return false;
		at += sent;
		size -= (size_t)sent;
	}
	return true;
}

static ssize_t take(gnutls_session_t session, void *data, size_t size)
{
	ssize_t got;

	do
		got = gnutls_record_recv(session, data, size);
	while (got == GNUTLS_E_INTERRUPTED || got == GNUTLS_E_AGAIN);
	return got;
}

/* --- The screen -------------------------------------------------------------- */

static int connect_screen(int port)
{
	const struct sockaddr_in address = {.sin_family = AF_INET,
		.sin_port = htons((uint16_t)port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && connect(fd, (const struct sockaddr *)&address, sizeof(address))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

/* The socket that listens on this port now, by its inode; 0 when there is none. See
 * proc_pid_net(5), /proc/net/tcp. */
static unsigned long listener_of(int sockets, int port)
{
	enum { LISTENS = 0x0A };
	static char text[SOCKETS_SIZE];
	size_t size = 0;
	ssize_t got;

	while ((got = pread(sockets, text + size, sizeof(text) - 1 - size, (off_t)size)) > 0)
		size += (size_t)got;
	text[size] = '\0';
	for (char *line = strchr(text, '\n'); line; line = strchr(line + 1, '\n')) {
		unsigned long inode;
		unsigned at, state;

		if (sscanf(line + 1, " %*u: %*8x:%x %*x:%*x %x %*s %*s %*s %*s %*s %lu", &at,
			    &state, &inode) == 3 &&
			at == (unsigned)port && state == LISTENS)
			return inode;
	}
	return 0;
}

/* The guest's screen; another guest may have got its port since. */
static int open_screen(const struct server *server)
{
	int fd = connect_screen(server->vnc_port);

	if (fd >= 0 && listener_of(server->sockets, server->vnc_port) != server->inode) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool to_browser(gnutls_session_t session, int screen)
{
	uint8_t data[WEB_HEADER_MAX + PIECE], header[WEB_HEADER_MAX];
	ssize_t got = recv(screen, data + WEB_HEADER_MAX, PIECE, 0);
	size_t size;

	if (got <= 0)
		return got < 0 && errno == EINTR;
	size = web_frame_header(header, (size_t)got);
	memcpy(data + WEB_HEADER_MAX - size, header, size);
	return give(session, data + WEB_HEADER_MAX - size, size + (size_t)got);
}

static bool to_screen(gnutls_session_t session, int screen, struct web_reader *reader)
{
	uint8_t data[PIECE], *at = data;
	ssize_t got = take(session, data, sizeof(data));
	long left = got > 0 ? web_read(reader, data, (size_t)got) : -1;

	while (left > 0) {
		ssize_t sent = send(screen, at, (size_t)left, MSG_NOSIGNAL);

		if (sent < 0 && errno != EINTR)
			return false;
		if (sent > 0) {
			at += sent;
			left -= sent;
		}
	}
	return !left;
}

static void relay(gnutls_session_t session, int browser, int screen)
{
	struct pollfd fds[] = {{.fd = browser, .events = POLLIN}, {.fd = screen, .events = POLLIN}};
	struct web_reader reader = {0};
	bool goes_on = true;

	while (goes_on) {
		bool pending = gnutls_record_check_pending(session) > 0;

		fds[0].revents = fds[1].revents = 0;
		if (poll(fds, 2, pending ? 0 : -1) < 0 && errno != EINTR)
			return;
		if (fds[1].revents)
			goes_on = to_browser(session, screen);
		if (goes_on && (pending || fds[0].revents))
			goes_on = to_screen(session, screen, &reader);
	}
}

/* What a browser must see to believe that it speaks to a WebSocket (RFC 6455, 4.2.2). */
static bool accept_key(const char *key, char text[64])
{
	char whole[WEB_KEY + 64];
	unsigned char digest[20];
	const gnutls_datum_t hashed = {digest, sizeof(digest)};
	gnutls_datum_t encoded;

	snprintf(whole, sizeof(whole), "%s258EAFA5-E914-47DA-95CA-C5AB0DC85B11", key);
	if (gnutls_hash_fast(GNUTLS_DIG_SHA1, whole, strlen(whole), digest) < 0 ||
		gnutls_base64_encode2(&hashed, &encoded) < 0)
		return false;
	snprintf(text, 64, "%.*s", (int)encoded.size, encoded.data);
	gnutls_free(encoded.data);
	return true;
}

/* --- Answers ------------------------------------------------------------------ */

static void answer(gnutls_session_t session, const char *status, const char *header, size_t size)
{
	char text[1024];

	snprintf(text, sizeof(text),
		"HTTP/1.1 %s\r\n%sContent-Length: %zu\r\nConnection: close\r\nCache-Control: no-store\r\n"
		"Referrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\n\r\n",
		status, header, size);
	give(session, text, strlen(text));
}

static const char *type_of(const char *path)
{
	static const char *const types[][2] = {
		{".html", "text/html; charset=utf-8"},
		{".js", "text/javascript; charset=utf-8"},
		{".css", "text/css"},
		{".svg", "image/svg+xml"},
		{".png", "image/png"},
		{".json", "application/json"},
	};
	const char *end = strrchr(path, '.');

	for (size_t i = 0; end && i < sizeof(types) / sizeof(types[0]); i++)
		if (!strcmp(end, types[i][0]))
			return types[i][1];
	return "application/octet-stream";
}

/* Our folder is the root by now, and holds files alone that anyone may read. */
static void answer_file(gnutls_session_t session, const char *path)
{
	int fd = web_path_is_plain(path) ? open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW) : -1;
	char header[128], data[PIECE];
	struct stat status;
	ssize_t got;

	if (fd < 0 || fstat(fd, &status) || !S_ISREG(status.st_mode)) {
		answer(session, "404 Not Found", "", 0);
	} else {
		snprintf(header, sizeof(header), "Content-Type: %s\r\n", type_of(path));
		answer(session, "200 OK", header, (size_t)status.st_size);
		while ((got = read(fd, data, sizeof(data))) > 0 && give(session, data, (size_t)got))
			;
	}
	if (fd >= 0)
		close(fd);
}

static void answer_screen(const struct server *server, gnutls_session_t session, int browser,
	const struct web_request *request)
{
	char text[256], accepted[64];
	int screen = open_screen(server);

	if (screen < 0 || !accept_key(request->key, accepted)) {
		answer(session, "502 Bad Gateway", "", 0);
	} else if (atomic_exchange(server->taken, true)) {
		answer(session, "403 Forbidden", "", 0);
	} else {
		alarm(0);
		syslog(LOG_NOTICE, "a browser shows the screen on port %d", server->vnc_port);
		snprintf(text, sizeof(text),
			"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
			"Sec-WebSocket-Accept: %s\r\n%s\r\n",
			accepted, request->binary ? "Sec-WebSocket-Protocol: binary\r\n" : "");
		if (give(session, text, strlen(text)))
			relay(session, browser, screen);
	}
	if (screen >= 0)
		close(screen);
}

/* "/TOKEN" and what is behind it, or NULL; how much of it is right takes no other time. */
static const char *behind_token(const struct server *server, const char *path)
{
	size_t length = strlen(server->token);

	if (strlen(path) < length + 1 || gnutls_memcmp(path + 1, server->token, length) != 0 ||
		(path[length + 1] && path[length + 1] != '/'))
		return NULL;
	return path[length + 1] ? path + length + 2 : "";
}

static void answer_request(const struct server *server, gnutls_session_t session, int browser,
	const struct web_request *request)
{
	const char *path = behind_token(server, request->path);
	char header[256];

	if (path)
		alarm(REQUEST_S);
	if (!path) {
		answer(session, "403 Forbidden", "", 0);
	} else if (!*path) {
		snprintf(header, sizeof(header),
			"Location: /%s/vnc_lite.html?path=%s/screen&scale=true\r\n", server->token,
			server->token);
		answer(session, "302 Found", header, 0);
	} else if (!strcmp(path, "screen") && *request->key) {
		answer_screen(server, session, browser, request);
	} else {
		answer_file(session, path);
	}
}

/* One connection, in a process of its own. */
static void serve(const struct server *server, int browser)
{
	char text[REQUEST_MAX];
	struct web_request request;
	gnutls_session_t session;
	size_t size = 0;
	int length = 0, on = 1, ret;

	alarm(HELLO_S);
	setsockopt(browser, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof(on));
	if (gnutls_init(&session, GNUTLS_SERVER) < 0)
		return;
	gnutls_priority_set(session, server->priorities);
	gnutls_credentials_set(session, GNUTLS_CRD_CERTIFICATE, server->credentials);
	gnutls_transport_set_int(session, browser);
	do
		ret = gnutls_handshake(session);
	while (ret < 0 && !gnutls_error_is_fatal(ret));
	while (!ret && !length && size < sizeof(text)) {
		ssize_t got = take(session, text + size, sizeof(text) - size);

		if (got <= 0)
			break;
		size += (size_t)got;
		length = web_request_parse(text, size, &request);
	}
	if (length > 0)
		answer_request(server, session, browser, &request);
	else if (!ret)
		answer(session, "400 Bad Request", "", 0);
	gnutls_bye(session, GNUTLS_SHUT_WR);
	gnutls_deinit(session);
}

/* --- The server ------------------------------------------------------------------ */

static int listen_at(int port)
{
	const struct sockaddr_in6 all = {
		.sin6_family = AF_INET6, .sin6_port = htons((uint16_t)port)};
	const struct sockaddr_in all4 = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};
	const struct sockaddr *address = (const void *)&all;
	socklen_t size = sizeof(all);
	int on = 1, off = 0, fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	if (fd >= 0) {
		setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off));
	} else {
		fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		address = (const void *)&all4;
		size = sizeof(all4);
	}
	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (fd >= 0 && (bind(fd, address, size) || listen(fd, CHILDREN_MAX))) {
		close(fd);
		fd = -1;
	}
	return fd;
}

static bool open_listener(struct server *server)
{
	server->listener = -1;
	for (int i = 0; i < PORTS && server->listener < 0; i++) {
		server->port = FIRST_PORT + i;
		server->listener = listen_at(server->port);
	}
	return server->listener >= 0;
}

/* What faces the network sees our files alone, and is nobody. */
static bool let_go(void)
{
	openlog("posada-screen", LOG_NDELAY, LOG_DAEMON);
	if (chdir(FOLDER))
		return false;
	if (getuid())
		return true;
	return !chroot(".") && !setgroups(0, NULL) && !setgid(NOBODY) && !setuid(NOBODY) &&
	       !prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
}

struct child {
	pid_t pid; /* 0: none */
	struct sockaddr_in6 peer;
};

/* A place for a connection from this address, or NULL when there are too many. */
static struct child *place_for(struct child *children, const struct sockaddr_in6 *peer)
{
	struct child *place = NULL;
	int of_one = 0;

	for (struct child *child = children; child < children + CHILDREN_MAX; child++) {
		if (child->pid && waitpid(child->pid, NULL, WNOHANG))
			child->pid = 0;
		if (!child->pid)
			place = child;
		else if (!memcmp(&child->peer.sin6_addr, &peer->sin6_addr, sizeof(peer->sin6_addr)))
			of_one++;
	}
	return of_one < OF_ONE_MAX ? place : NULL;
}

static time_t seconds(void)
{
	struct timespec now = {0};

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec;
}

static void run(const struct server *server)
{
	struct pollfd poll_fd = {.fd = server->listener, .events = POLLIN};
	struct child children[CHILDREN_MAX] = {0};
	time_t end = seconds() + WAIT_S;

	while (!atomic_load(server->taken) && seconds() < end) {
		struct sockaddr_in6 peer = {0};
		socklen_t size = sizeof(peer);
		struct child *child;
		int browser;

		if (poll(&poll_fd, 1, POLL_MS) <= 0)
			continue;
		browser = accept4(server->listener, (struct sockaddr *)&peer, &size, SOCK_CLOEXEC);
		if (browser < 0)
			continue;
		child = place_for(children, &peer);
		if (child)
			child->pid = fork();
		if (child && !child->pid) {
			close(server->listener);
			serve(server, browser);
			_exit(EXIT_SUCCESS);
		}
		if (child && child->pid < 0)
			child->pid = 0;
		if (child)
			child->peer = peer;
		close(browser);
	}
	close(server->listener);
	while (wait(NULL) > 0 || errno == EINTR)
		;
}

/* Who has started this reads the reason in the place of the address. */
static int failed(const char *why)
{
	puts(why);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	struct server server = {0};
	int null;

	setlocale(LC_ALL, "");
	server.vnc_port = argc == 2 ? atoi(argv[1]) : 0;
	if (server.vnc_port <= 0 || server.vnc_port > 65535) {
		fputs(_("Usage: posada-screen PORT\n\nShows the VNC server on this port of the loopback to one browser. It is\nstarted by \"posada guest display NAME --web\".\n"),
			argc == 2 && !strcmp(argv[1], "--help") ? stdout : stderr);
		return argc == 2 && !strcmp(argv[1], "--help") ? EXIT_SUCCESS : 2;
	}
	signal(SIGPIPE, SIG_IGN);
	server.taken = mmap(NULL, sizeof(*server.taken), PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (server.taken == MAP_FAILED)
		return failed(strerror(errno));
	atomic_init(server.taken, false);
	if (make_secrets(&server) < 0)
		return failed(_("no certificate can be made."));
	server.sockets = open("/proc/net/tcp", O_RDONLY | O_CLOEXEC);
	server.inode = listener_of(server.sockets, server.vnc_port);
	if (!server.inode)
		return failed(_("nothing shows a screen on that port."));
	if (!open_listener(&server))
		return failed(_("the ports 6080 to 6099 are all in use."));
	null = open("/dev/null", O_RDWR | O_CLOEXEC);
	if (null < 0 || !let_go())
		return failed(strerror(errno));
	printf("%d %s %s\n", server.port, server.token, server.fingerprint);
	if (fflush(stdout) || ferror(stdout))
		return failed(strerror(errno));
	switch (fork()) {
	case 0:
		break;
	case -1:
		return failed(strerror(errno));
	default:
		return EXIT_SUCCESS;
	}
	setsid();
	dup2(null, STDIN_FILENO);
	dup2(null, STDOUT_FILENO);
	dup2(null, STDERR_FILENO);
	run(&server);
	return EXIT_SUCCESS;
}
