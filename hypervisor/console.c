// SPDX-License-Identifier: GPL-2.0-or-later
// A guest's console on the terminal of the person who asks for it.
#include <errno.h>
#include <libvirt/virterror.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/signalfd.h>
#include <termios.h>
#include <unistd.h>
#include "internal.h"

#define LEAVE_KEY 0x1d /* Ctrl-] */

/*
 * What a guest may have left behind: colours, line-drawing characters, a scroll
 * region, application keys, a hidden cursor, mouse reports, bracketed paste.
 */
#define TERMINAL_RESET                                                                             \
	"\033[m\017\033(B\033[r\033[?1l\033>\033[?7h\033[?25h\033[?1000l\033[?1002l\033[?1006l\033[?2004l\033[999;1H\r\n"

struct session {
	virStreamPtr stream;
	int in_fd, out_fd;
	int in_watch;
	bool over;
	bool peer_gone;
	char pending[4096]; /* typed, and not yet taken by the stream */
	size_t pending_len;
};

static bool write_all(int fd, const char *data, size_t len)
{
	while (len) {
		ssize_t done = write(fd, data, len);

		if (done < 0 && errno == EINTR)
			continue;
		if (done < 0)
			return false;
		data += done;
		len -= (size_t)done;
	}
	return true;
}

static void receive(struct session *session)
{
	char data[4096];
	int len = virStreamRecv(session->stream, data, sizeof(data));

	if (len == -2)
		return;
	if (len <= 0) {
		session->over = session->peer_gone = true;
		return;
	}
	if (!write_all(session->out_fd, data, (size_t)len))
		session->over = true;
}

static void send_pending(struct session *session)
{
	int sent = virStreamSend(session->stream, session->pending, session->pending_len);

	if (sent == -2)
		return;
	if (sent < 0) {
		session->over = session->peer_gone = true;
		return;
	}
	session->pending_len -= (size_t)sent;
	memmove(session->pending, session->pending + sent, session->pending_len);
}

/* Asks for what is possible now: a full buffer waits for the guest to read. */
static void update_watches(struct session *session)
{
	bool full = session->pending_len == sizeof(session->pending);

	virStreamEventUpdateCallback(session->stream,
		VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP |
			(session->pending_len ? VIR_STREAM_EVENT_WRITABLE : 0));
	virEventUpdateHandle(session->in_watch,
		VIR_EVENT_HANDLE_HANGUP | (full ? 0 : VIR_EVENT_HANDLE_READABLE));
}

static void on_stream(virStreamPtr stream, int events, void *opaque)
{
	struct session *session = opaque;

	(void)stream;
	if (session->over)
		return;
	if (events & VIR_STREAM_EVENT_READABLE)
		receive(session);
	else if (events & (VIR_STREAM_EVENT_ERROR | VIR_STREAM_EVENT_HANGUP))
		session->over = session->peer_gone = true;
	if (!session->over && (events & VIR_STREAM_EVENT_WRITABLE) && session->pending_len)
		send_pending(session);
	if (!session->over)
		update_watches(session);
}

static void on_input(int watch, int fd, int events, void *opaque)
{
	struct session *session = opaque;
	char *at = session->pending + session->pending_len;
	char *leave;
	ssize_t len;

	(void)watch;
	if (session->over)
		return;
	if (!(events & VIR_EVENT_HANDLE_READABLE)) {
		session->over = true;
		return;
	}
	len = read(fd, at, sizeof(session->pending) - session->pending_len);
	if (len < 0 && (errno == EINTR || errno == EAGAIN))
		return;
	leave = len > 0 ? memchr(at, LEAVE_KEY, (size_t)len) : NULL;
	if (len <= 0) {
		session->over = true;
		return;
	}
	session->pending_len += leave ? (size_t)(leave - at) : (size_t)len;
	if (!leave) {
		update_watches(session);
		return;
	}
	/* What stood before the key still goes, if the guest takes it at once. */
	if (session->pending_len)
		send_pending(session);
	session->over = true;
}

static void on_signal(int watch, int fd, int events, void *opaque)
{
	(void)watch;
	(void)fd;
	(void)events;
	((struct session *)opaque)->over = true;
}

static void set_raw(int fd, const struct termios *saved)
{
	struct termios raw = *saved;

	raw.c_iflag &=
		~(tcflag_t)(BRKINT | ICRNL | IGNBRK | IGNCR | INLCR | ISTRIP | IXON | PARMRK);
	raw.c_oflag &= ~(tcflag_t)OPOST;
	raw.c_lflag &= ~(tcflag_t)(ECHO | ECHONL | ICANON | IEXTEN | ISIG);
	raw.c_cc[VMIN] = 1;
	raw.c_cc[VTIME] = 0;
	tcsetattr(fd, TCSAFLUSH, &raw);
}

static int open_stream(struct posada *handle, const char *name, bool take_over,
	virStreamPtr *stream, struct posada_error *err)
{
	virDomainPtr domain;
	struct engine *engine;
	int ret = guest_find(handle, name, &domain, &engine, err);

	if (ret)
		return ret;
	*stream = NULL;
	if (virDomainIsActive(domain) != 1) {
		ret = fail(err, -ESRCH, _("The guest %s is not running. Start it first."),
			virDomainGetName(domain));
		goto out;
	}
	*stream = virStreamNew(engine->conn, VIR_STREAM_NONBLOCK);
	if (!*stream) {
		ret = fail_memory(err);
		goto out;
	}
	if (!virDomainOpenConsole(domain, NULL, *stream, take_over ? VIR_DOMAIN_CONSOLE_FORCE : 0))
		goto out;
	/* libvirt has no code of its own for a console that somebody else holds. */
	if (virGetLastErrorCode() == VIR_ERR_OPERATION_FAILED && !take_over)
		ret = fail(err, -EBUSY,
			_("The console of %s is open in another session. Leave it there with Ctrl-], or take it over."),
			virDomainGetName(domain));
	else
		ret = fail_libvirt(err, _("The guest's console cannot be opened"),
			_("See that the guest runs, and try again."));
	virStreamFree(*stream);
	*stream = NULL;
out:
	virDomainFree(domain);
	return ret;
}

int posada_guest_console(struct posada *handle, const char *name, int in_fd, int out_fd,
	bool take_over, struct posada_error *err)
{
	struct session session = {.in_fd = in_fd, .out_fd = out_fd, .in_watch = -1};
	bool terminal = isatty(in_fd);
	int signal_fd, signal_watch = -1;
	struct termios saved;
	sigset_t ends, mask;
	int ret;

	ret = open_stream(handle, name, take_over, &session.stream, err);
	if (ret)
		return ret;

	/*
	 * The signals that end us are only looked at, never taken: they strike when
	 * the mask goes back, and by then the terminal has its settings again.
	 */
	sigemptyset(&ends);
	sigaddset(&ends, SIGHUP);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGQUIT);
	sigaddset(&ends, SIGTERM);
	sigprocmask(SIG_BLOCK, &ends, &mask);
	signal_fd = signalfd(-1, &ends, SFD_CLOEXEC | SFD_NONBLOCK);
	if (signal_fd < 0) {
		ret = fail(err, -errno,
			_("This host ran out of open files. Close something and try again."));
		goto out;
	}
	if (terminal && tcgetattr(in_fd, &saved))
		terminal = false;
	if (terminal)
		set_raw(in_fd, &saved);

	signal_watch =
		virEventAddHandle(signal_fd, VIR_EVENT_HANDLE_READABLE, on_signal, &session, NULL);
	session.in_watch = virEventAddHandle(in_fd,
		VIR_EVENT_HANDLE_READABLE | VIR_EVENT_HANDLE_HANGUP, on_input, &session, NULL);
	if (signal_watch < 0 || session.in_watch < 0 ||
		virStreamEventAddCallback(session.stream,
			VIR_STREAM_EVENT_READABLE | VIR_STREAM_EVENT_ERROR |
				VIR_STREAM_EVENT_HANGUP,
			on_stream, &session, NULL)) {
		ret = fail_libvirt(
			err, _("The guest's console cannot be followed"), _("Try again."));
		session.over = true;
	}
	while (!session.over)
		if (virEventRunDefaultImpl() < 0)
			break;

	virStreamEventRemoveCallback(session.stream);
	if (session.in_watch >= 0)
		virEventRemoveHandle(session.in_watch);
	if (signal_watch >= 0)
		virEventRemoveHandle(signal_watch);
	if (terminal) {
		write_all(out_fd, TERMINAL_RESET, sizeof(TERMINAL_RESET) - 1);
		tcsetattr(in_fd, TCSAFLUSH, &saved);
	}
	close(signal_fd);
out:
	if (session.peer_gone)
		virStreamAbort(session.stream);
	else
		virStreamFinish(session.stream);
	virStreamFree(session.stream);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	return ret;
}
