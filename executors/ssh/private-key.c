/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The private key that we log in with.  It is read once, and again when its
 * file has changed: secrets that an orchestrator mounts are rotated under us.
 * Sessions get copies.  A lock of its own guards what is kept: to decrypt a key
 * takes a while.
 */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>

#include "ssh.h"

#define PASSPHRASE_MAX 4096

void
key_forget(struct brickyard_executor_instance *in)
{
	ssh_key_free(in->key);
	in->key = NULL;
}

static void
burn(char **s)
{
	if (*s != NULL)
		explicit_bzero(*s, strlen(*s));
	free(*s);
}

/* "" when none is configured. */
static int
read_passphrase(const struct brickyard_executor_instance *in, char **ret,
		struct fault *f)
{
	const char *path = opt_str(in, OPT_PASSPHRASE_FILE);
	size_t len = 0;

	*ret = path[0] == '\0' ? strdup("") : slurp(path, PASSPHRASE_MAX, &len);
	if (*ret == NULL)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "passphrase file "
				 "%s: can't be read: %s", path,
				 strerror(errno));
	(*ret)[strcspn(*ret, "\r\n")] = '\0';
	return 0;
}

/* libssh asks here instead of a terminal. */
static int
no_answer(const char *prompt, char *buf, size_t len, int echo, int verify,
	  void *userdata)
{
	*(bool *)userdata = true;
	return -1;
}

static int
key_load(const struct brickyard_executor_instance *in, ssh_key *ret,
	 struct fault *f)
{
	const char *path = opt_str(in, OPT_KEYFILE);
	const char *how = "it is no private key that can be used "
		"(ed25519, ecdsa or rsa, unencrypted or with passphrase_file)";
	CLEANUP(burn) char *passphrase = NULL;
	bool asked = false;

	if (read_passphrase(in, &passphrase, f) < 0)
		return -1;
	if (ssh_pki_import_privkey_file(path, passphrase[0] != '\0' ?
					passphrase : NULL, no_answer, &asked,
					ret) == SSH_OK)
		return 0;
	if (asked)
		how = "it is encrypted: name the file with its passphrase in "
			"passphrase_file, or use an agent";
	else if (passphrase[0] != '\0')
		how = "the passphrase in passphrase_file doesn't fit, or it is "
			"no private key";
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "ssh private key %s: %s",
			 path, how);
}

/* With the lock held.  *open_mode: of a new file that everybody may read. */
static int
key_refresh(struct brickyard_executor_instance *in, mode_t *open_mode,
	    struct fault *f)
{
	const char *path = opt_str(in, OPT_KEYFILE);
	ssh_key key = NULL;
	struct stat st;
	int64_t stamp[4];

	if (stat(path, &st) < 0)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "ssh private key "
				 "%s: can't be read: %s", path,
				 strerror(errno));
	stamp[0] = (int64_t)st.st_ino;
	stamp[1] = (int64_t)st.st_size;
	stamp[2] = (int64_t)st.st_mtim.tv_sec;
	stamp[3] = (int64_t)st.st_mtim.tv_nsec;
	if (in->key != NULL && memcmp(stamp, in->key_stamp, sizeof(stamp)) == 0)
		return 0;
	if (access(path, R_OK) < 0)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "ssh private key "
				 "%s: can't be read: %s", path,
				 strerror(errno));
	if (key_load(in, &key, f) < 0)
		return -1;
	if ((st.st_mode & 0007) != 0)
		*open_mode = st.st_mode & 07777;
	key_forget(in);
	in->key = key;
	memcpy(in->key_stamp, stamp, sizeof(stamp));
	return 0;
}

int
key_get(struct brickyard_executor_instance *in, ssh_key *ret, struct fault *f)
{
	mode_t open_mode = 0;
	int r;

	pthread_mutex_lock(&in->key_lock);
	r = key_refresh(in, &open_mode, f);
	if (r == 0) {
		*ret = ssh_key_dup(in->key);
		if (*ret == NULL)
			r = fault_nomem(f);
	}
	pthread_mutex_unlock(&in->key_lock);
	if (open_mode != 0)
		ssh_host->log(BRICKYARD_LOG_WARNING, "ssh private key %s: "
			      "everybody on this machine may read it (mode "
			      "%04o); chmod 600", opt_str(in, OPT_KEYFILE),
			      (unsigned)open_mode);
	return r;
}
