/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The options of this executor: one table, in the order of enum opt.  Names
 * that heketi has too mean the same.
 */
#include <string.h>

#include "ssh.h"

const struct brickyard_option ssh_options[] = {
	[OPT_ACCEPTED_HOSTS_FILE] = { "accepted_hosts_file",
		BRICKYARD_OPT_STRING, 0, "/var/lib/brickyard/known_hosts",
		"where accept-new records the host keys of new nodes" },
	[OPT_AGENT] = { "agent", BRICKYARD_OPT_BOOL, 0, "false",
		"log in with the keys of an ssh-agent" },
	[OPT_AGENT_SOCKET] = { "agent_socket", BRICKYARD_OPT_STRING, 0, "",
		"the agent's socket; empty: $SSH_AUTH_SOCK" },
	[OPT_AUTH_TIMEOUT_S] = { "auth_timeout_s", BRICKYARD_OPT_UINT, 0, "15",
		"seconds that a login may take" },
	[OPT_CHANNELS_PER_NODE] = { "channels_per_node", BRICKYARD_OPT_UINT, 0,
		"16", "scripts at a time on a node; more wait" },
	[OPT_CHANNELS_PER_SESSION] = { "channels_per_session",
		BRICKYARD_OPT_UINT, 0, "8",
		"of these, over one connection (sshd's MaxSessions)" },
	[OPT_COMMAND_TIMEOUT_S] = { "command_timeout_s", BRICKYARD_OPT_UINT, 0,
		"0", "seconds that a script may take; 0: as the call allows" },
	[OPT_CONNECT_TIMEOUT_S] = { "connect_timeout_s", BRICKYARD_OPT_UINT, 0,
		"15", "seconds until a connection must be made" },
	[OPT_HOST_KEY_MODE] = { "host_key_mode", BRICKYARD_OPT_STRING, 0,
		"auto", "strict, accept-new, insecure; auto: strict when "
		"known_hosts is set, else accept-new" },
	[OPT_IDLE_S] = { "idle_s", BRICKYARD_OPT_UINT, 0, "300",
		"seconds until an unused connection is closed" },
	[OPT_KEEPALIVE_S] = { "keepalive_s", BRICKYARD_OPT_UINT, 0, "15",
		"seconds between keep-alive messages; after three times that "
		"without an answer a connection is given up; 0: none" },
	[OPT_KEYFILE] = { "keyfile", BRICKYARD_OPT_STRING, 0, "",
		"private key to log in with (ed25519, ecdsa or rsa)" },
	[OPT_KNOWN_HOSTS] = { "known_hosts", BRICKYARD_OPT_STRING, 0, "",
		"files with the nodes' host keys, separated by colons" },
	[OPT_PASSPHRASE_FILE] = { "passphrase_file", BRICKYARD_OPT_STRING, 0,
		"", "file whose first line is the passphrase of the key" },
	[OPT_PORT] = { "port", BRICKYARD_OPT_UINT, 0, "22",
		"port of sshd on the nodes" },
	[OPT_SEARCH_PATH] = { "search_path", BRICKYARD_OPT_STRING, 0,
		"/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
		"PATH of the scripts on the nodes" },
	[OPT_SUDO] = { "sudo", BRICKYARD_OPT_BOOL, 0, "false",
		"run scripts through sudo -n" },
	[OPT_USER] = { "user", BRICKYARD_OPT_STRING, 0, "heketi",
		"user to log in as" },
	[OPT_COUNT] = { NULL, 0, 0, NULL, NULL },
};

static const struct option_bounds bounds[] = {
	{ OPT_AUTH_TIMEOUT_S, 1, 3600 },
	{ OPT_CHANNELS_PER_NODE, 1, 1000 },
	{ OPT_CHANNELS_PER_SESSION, 1, 1000 },
	{ OPT_COMMAND_TIMEOUT_S, 0, 1000000 },
	{ OPT_CONNECT_TIMEOUT_S, 1, 3600 },
	{ OPT_IDLE_S, 1, 1000000 },
	{ OPT_KEEPALIVE_S, 0, 3600 },
	{ OPT_PORT, 1, 65535 },
};

static int
check_bounds(const struct brickyard_executor_instance *in, struct fault *f)
{
	char why[200];

	if (!options_bounded(ssh_options, in->opt, bounds, ARRAY_SIZE(bounds), why,
			     sizeof(why)))
		return fault_set(f, BRICKYARD_ERR_INVALID, "%s", why);
	return 0;
}

/* What goes into the command line that the user's login shell reads. */
static bool
is_plain(const char *s, const char *more)
{
	for (; *s != '\0'; s++)
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789"
			   "ABCDEFGHIJKLMNOPQRSTUVWXYZ_.-", *s) == NULL &&
		    strchr(more, *s) == NULL)
			return false;
	return true;
}

static int
check_words(const struct brickyard_executor_instance *in, struct fault *f)
{
	const char *user = in->opt[OPT_USER], *path = in->opt[OPT_SEARCH_PATH];

	if (user[0] == '\0' || user[0] == '-' || !is_plain(user, "@$\\+"))
		return fault_set(f, BRICKYARD_ERR_INVALID,
				 "option user: '%s' is not a user's name",
				 user);
	if (path[0] != '/' || !is_plain(path, "/:+"))
		return fault_set(f, BRICKYARD_ERR_INVALID,
				 "option search_path: '%s' is not a list of "
				 "absolute directories", path);
	if (in->opt[OPT_ACCEPTED_HOSTS_FILE][0] != '/')
		return fault_set(f, BRICKYARD_ERR_INVALID,
				 "option accepted_hosts_file: '%s' is not an "
				 "absolute path",
				 in->opt[OPT_ACCEPTED_HOSTS_FILE]);
	if (in->opt[OPT_KEYFILE][0] == '\0' && !opt_bool(in, OPT_AGENT))
		return fault_set(f, BRICKYARD_ERR_INVALID, "Missing ssh "
				 "private key file in configuration");
	return 0;
}

static int
find_mode(struct brickyard_executor_instance *in, struct fault *f)
{
	const char *mode = in->opt[OPT_HOST_KEY_MODE];

	if (strcmp(mode, "auto") == 0)
		in->mode = in->opt[OPT_KNOWN_HOSTS][0] != '\0' ?
			HOST_KEY_STRICT : HOST_KEY_ACCEPT_NEW;
	else if (strcmp(mode, "strict") == 0)
		in->mode = HOST_KEY_STRICT;
	else if (strcmp(mode, "accept-new") == 0)
		in->mode = HOST_KEY_ACCEPT_NEW;
	else if (strcmp(mode, "insecure") == 0)
		in->mode = HOST_KEY_INSECURE;
	else
		return fault_set(f, BRICKYARD_ERR_INVALID,
				 "option host_key_mode: '%s' is not strict, "
				 "accept-new, insecure or auto", mode);
	return 0;
}

int
options_read(struct brickyard_executor_instance *in,
	     const struct brickyard_kv *config, size_t n, struct fault *f)
{
	if (options_take(ssh_options, in->opt, config, n) < 0)
		return fault_nomem(f);
	if (check_bounds(in, f) < 0 || check_words(in, f) < 0)
		return -1;
	return find_mode(in, f);
}

void
options_free(struct brickyard_executor_instance *in)
{
	options_drop(ssh_options, in->opt);
}
