// SPDX-License-Identifier: GPL-2.0-or-later
// Who may log in from the network: root's password, public keys, and SSH on or off.
#include <errno.h>
#include <fcntl.h>
#include <shadow.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "menu.h"
#include "settings.h"
#include "sshkey.h"
#include "terminal.h"
#include "ui.h"

#define SSH_DIR	    "/root/.ssh"
#define SSH_KEYS    SSH_DIR "/authorized_keys"
#define SSH_ENABLED POSADA_RUN "/ssh.enabled"
#define SSH_SERVICE "/run/service/sshd"

#define PASSWORD_LEAST 8
#define PASSWORD_MAX   128
#define KEY_MAX_LENGTH 2048

bool when_ssh_on(const struct app *app)
{
	(void)app;
	return !access(SSH_ENABLED, F_OK);
}

bool when_ssh_off(const struct app *app)
{
	return !when_ssh_on(app);
}

/* BusyBox has it in one of these, with its init system or without. */
static int sv(const char *verb)
{
	char path[32], action[16], service[] = SSH_SERVICE, output[256];
	char *const argv[] = {path, action, service, NULL};
	static const char *const places[] = {"/usr/bin/sv", "/bin/sv", "/sbin/sv", "/usr/sbin/sv"};
	int ret = -ENOENT;
	size_t i;

	snprintf(action, sizeof(action), "%s", verb);
	for (i = 0; i < ARRAY_SIZE(places) && ret == -ENOENT; i++) {
		snprintf(path, sizeof(path), "%s", places[i]);
		ret = program_run(argv, NULL, output, sizeof(output));
	}
	return ret;
}

/* Whether it is to be so after a reboot too; where nothing lasts, the host says so elsewhere. */
static bool keep(const char *key, const char *value)
{
	char why[SETTINGS_TEXT];

	return !settings_set(SETTINGS_FILE, settings_find(key), value, why);
}

static bool switch_on(void)
{
	int fd = open(SSH_ENABLED, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return false;
	close(fd);
	return keep("ssh.enabled", "yes") && !sv("up");
}

static void enable(const char *title, const char *done)
{
	char text[512];

	if (switch_on())
		snprintf(text, sizeof(text), "%s", done);
	else
		snprintf(text, sizeof(text), "%s\n\n%s", done,
			_("But SSH did not start. Look at the services and in the log."));
	ui_message(title, text);
}

/* --- Password ----------------------------------------------------------- */

/* As a hash, which is what the system keeps. */
static int keep_password(void)
{
	const struct spwd *entry = getspnam("root");

	return entry && keep("ssh.password", entry->sp_pwdp) ? 0 : -EIO;
}

static int set_password(const char *password)
{
	static const char *const places[] = {
		"/usr/sbin/chpasswd", "/sbin/chpasswd", "/usr/bin/chpasswd", "/bin/chpasswd"};
	char path[32], line[PASSWORD_MAX + 16], output[256];
	char method[] = "-c", sha512[] = "sha512";
	char *const argv[] = {path, method, sha512, NULL};
	int ret = -ENOENT;
	size_t i;

	snprintf(line, sizeof(line), "root:%s\n", password);
	for (i = 0; i < ARRAY_SIZE(places) && ret == -ENOENT; i++) {
		snprintf(path, sizeof(path), "%s", places[i]);
		ret = program_run(argv, line, output, sizeof(output));
	}
	explicit_bzero(line, sizeof(line));
	return ret ? ret : keep_password();
}

void password_run(struct app *app)
{
	char first[PASSWORD_MAX], second[PASSWORD_MAX];

	(void)app;
	if (!ui_password(_("Password"), _("A new password for root, of 8 characters or more."),
		    first, sizeof(first)))
		return;
	if (strlen(first) < PASSWORD_LEAST)
		ui_message(_("Password"),
			_("The password is too short, so nothing was changed. Choose one of 8 characters or more."));
	else if (!ui_password(
			 _("Password"), _("The same again, to be sure."), second, sizeof(second)))
		; /* changed their mind */
	else if (strcmp(first, second) != 0)
		ui_message(_("Password"),
			_("The two are not the same, so nothing was changed. Try again."));
	else if (set_password(first))
		ui_message(_("Password"),
			_("The password could not be set. Look in the log for the reason."));
	else
		enable(_("Password"),
			_("The password is set, and root can log in by SSH with it."));
	explicit_bzero(first, sizeof(first));
	explicit_bzero(second, sizeof(second));
}

/* --- Keys --------------------------------------------------------------- */

static int append_key(const char *key)
{
	int fd, ret = 0;
	FILE *file;

	if (mkdir(SSH_DIR, 0700) && errno != EEXIST)
		return -errno;
	fd = open(SSH_KEYS, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0600);
	if (fd < 0)
		return -errno;
	file = fdopen(fd, "a");
	if (!file) {
		ret = -errno;
		close(fd);
		return ret;
	}
	/* sshd ignores the file when others could write to it. */
	if (chmod(SSH_DIR, 0700) || fchmod(fd, 0600))
		ret = -errno;
	fprintf(file, "%s\n", key);
	if (fflush(file) || fsync(fd))
		ret = -errno;
	if (fclose(file) && !ret)
		ret = -errno;
	return ret;
}

static void trim(char *text)
{
	size_t len = strlen(text);
	size_t skip = strspn(text, " \t");

	while (len > skip && strchr(" \t\r\n", text[len - 1]))
		len--;
	memmove(text, text + skip, len - skip);
	text[len - skip] = '\0';
}

void ssh_key_run(struct app *app)
{
	char key[KEY_MAX_LENGTH] = "", text[256];
	int ret;

	(void)app;
	if (!ui_input(_("SSH key"),
		    _("Paste one public key: the line from a file such as id_ed25519.pub."), key,
		    sizeof(key)))
		return;
	trim(key);
	if (!sshkey_is_whole(key)) {
		ui_message(_("SSH key"),
			_("This is not a whole public key, so nothing was changed. It begins with ssh-ed25519, ssh-rsa or ecdsa-sha2-, and is one line."));
		return;
	}
	ret = append_key(key);
	if (!ret) {
		enable(_("SSH key"),
			_("The key is added, and its owner can log in by SSH as root."));
		return;
	}
	snprintf(text, sizeof(text),
		_("The key could not be written to %s: %s. Open the shell and see why."), SSH_KEYS,
		strerror(-ret));
	ui_message(_("SSH key"), text);
}

/* --- On and off --------------------------------------------------------- */

static bool has_credentials(void)
{
	const struct spwd *entry = getspnam("root");
	struct stat st;

	return (!stat(SSH_KEYS, &st) && st.st_size > 0) || (entry && *entry->sp_pwdp == '$');
}

void ssh_enable_run(struct app *app)
{
	(void)app;
	if (has_credentials())
		enable(_("SSH"), _("SSH is on."));
	else
		ui_message(_("SSH"),
			_("Nobody could log in yet. Set root's password or add a key first; that switches SSH on."));
}

void ssh_disable_run(struct app *app)
{
	(void)app;
	unlink(SSH_ENABLED);
	if (sv("down") || !keep("ssh.enabled", "no"))
		ui_message(_("SSH"),
			_("SSH could not be stopped. Look at the services and in the log."));
	else
		ui_message(_("SSH"), _("SSH is off. Sessions that are open stay open."));
}
