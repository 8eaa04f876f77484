/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Host keys.  libssh parses the lines (names, patterns, hashed names); the
 * walk over any number of files is ours, because people have to be told which
 * file and line says otherwise, and because a key of another type than the
 * recorded one is no new key but a suspicious one.
 *
 * New keys are appended under flock(2), after another look: other threads and
 * other processes do the same with the file.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "ssh.h"

#define FILE_MAX (16 * 1024 * 1024)

enum found { FOUND_NOTHING, FOUND_OTHER, FOUND_KEY, FOUND_REVOKED };

struct search {
	const char *name;		/* of the host, as files have it */
	ssh_key key;			/* NULL: only collect types */
	enum found found;
	char where[512];		/* FILE:LINE of what was found */
	unsigned types;			/* of the host's keys, by algorithms[] */
};

/* Best first; ssh-rsa keys sign with sha2. */
static const struct {
	enum ssh_keytypes_e type;
	const char *names;
} algorithms[] = {
	{ SSH_KEYTYPE_ED25519, "ssh-ed25519" },
	{ SSH_KEYTYPE_ECDSA_P256, "ecdsa-sha2-nistp256" },
	{ SSH_KEYTYPE_ECDSA_P384, "ecdsa-sha2-nistp384" },
	{ SSH_KEYTYPE_ECDSA_P521, "ecdsa-sha2-nistp521" },
	{ SSH_KEYTYPE_RSA, "rsa-sha2-512,rsa-sha2-256" },
};

static void
note_type(struct search *s, ssh_key key)
{
	for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
		if (ssh_key_type(key) == algorithms[i].type)
			s->types |= 1u << i;
}

/* libssh takes no notice of exceptions: is the host one of the line's !PATTERNs? */
static bool
is_excepted(const char *name, const char *line)
{
	const char *end = line + strcspn(line, " ");
	bool yes = false;
	size_t n;

	for (const char *p = line; p < end && !yes; p += n + 1) {
		struct ssh_knownhosts_entry *e = NULL;
		char *one;

		n = strcspn(p, ", ");
		if (*p != '!')
			continue;
		if (asprintf(&one, "%.*s%s", (int)n - 1, p + 1, end) < 0)
			return true;
		yes = ssh_known_hosts_parse_line(name, one, &e) == SSH_OK;
		ssh_knownhosts_entry_free(e);
		free(one);
	}
	return yes;
}

static void
search_line(struct search *s, char *line, const char *file, size_t number)
{
	static const char revoked[] = "@revoked";
	struct ssh_knownhosts_entry *e = NULL;
	enum found found = FOUND_OTHER;

	/* OpenSSH separates fields by either, libssh by spaces only. */
	for (char *tab = line; (tab = strchr(tab, '\t')) != NULL; )
		*tab = ' ';
	line += strspn(line, " ");
	if (strncmp(line, revoked, sizeof(revoked) - 1) == 0) {
		found = FOUND_REVOKED;
		line += sizeof(revoked) - 1;
		line += strspn(line, " ");
	} else if (*line == '@' || *line == '#' || *line == '\0') {
		return;		/* authorities: libssh can't check those */
	}
	if (is_excepted(s->name, line) ||
	    ssh_known_hosts_parse_line(s->name, line, &e) != SSH_OK)
		return;
	if (found != FOUND_REVOKED)
		note_type(s, e->publickey);
	if (s->key != NULL &&
	    ssh_key_cmp(e->publickey, s->key, SSH_KEY_CMP_PUBLIC) == 0)
		found = found == FOUND_REVOKED ? found : FOUND_KEY;
	else if (found == FOUND_REVOKED)
		found = FOUND_NOTHING;
	if (found > s->found) {
		s->found = found;
		snprintf(s->where, sizeof(s->where), "%s:%zu", file, number);
	}
	ssh_knownhosts_entry_free(e);
}

static void
search_text(struct search *s, char *text, const char *file)
{
	size_t number = 0;
	char *nl;

	for (char *line = text; line != NULL; line = nl) {
		nl = strchr(line, '\n');
		if (nl != NULL)
			*nl++ = '\0';
		line[strcspn(line, "\r")] = '\0';
		search_line(s, line, file, ++number);
	}
}

/* A file that is not there holds nothing. */
static int
search_file(struct search *s, const char *file, struct fault *f)
{
	CLEANUP_FREE char *text = NULL;
	struct stat st;
	size_t len;

	if (stat(file, &st) < 0 && errno == ENOENT)
		return 0;
	if (st.st_size > FILE_MAX)
		errno = EFBIG;
	else
		text = slurp(file, (size_t)st.st_size + 4096, &len);
	if (text == NULL)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "ssh known hosts "
				 "%s: can't be read: %s", file,
				 strerror(errno));
	search_text(s, text, file);
	return 0;
}

static bool
takes_accepted(const struct brickyard_executor_instance *in)
{
	return in->mode == HOST_KEY_ACCEPT_NEW ||
	       opt_str(in, OPT_KNOWN_HOSTS)[0] == '\0';
}

static int
search_all(struct search *s, const struct brickyard_executor_instance *in,
	   struct fault *f)
{
	const char *list = opt_str(in, OPT_KNOWN_HOSTS);
	char path[4096];

	while (*list != '\0') {
		size_t n = strcspn(list, ":");

		snprintf(path, sizeof(path), "%.*s", (int)n, list);
		if (n > 0 && n < sizeof(path) && search_file(s, path, f) < 0)
			return -1;
		list += n + (list[n] == ':');
	}
	if (takes_accepted(in))
		return search_file(s, opt_str(in, OPT_ACCEPTED_HOSTS_FILE), f);
	return 0;
}

char *
hosts_algorithms(const struct brickyard_executor_instance *in,
		 const struct node *n)
{
	struct search s = { .name = n->name }, bare = { .name = n->host };
	struct fault ignored = { 0 };
	char *all = calloc(1, 512);

	if (all == NULL)
		return NULL;
	/* What can't be read is said by hosts_check(). */
	if (in->mode != HOST_KEY_INSECURE)
		(void)search_all(&s, in, &ignored);
	if (in->mode != HOST_KEY_INSECURE && s.types == 0)
		(void)search_all(&bare, in, &ignored);
	s.types |= bare.types;
	for (int known = 1; known >= 0; known--)
		for (size_t i = 0; i < ARRAY_SIZE(algorithms); i++)
			if ((int)(s.types >> i & 1) == known) {
				strcat(all, all[0] != '\0' ? "," : "");
				strcat(all, algorithms[i].names);
			}
	return all;
}

/* ---- recording ---- */

static int
make_parents(const char *path)
{
	CLEANUP_FREE char *dir = strdup(path);

	if (dir == NULL)
		return -1;
	for (char *p = dir + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
		*p = '\0';
		if (mkdir(dir, 0755) < 0 && errno != EEXIST)
			return -1;
	}
	return 0;
}

/* Is it still what has this name? */
static bool
is_current(int fd, const char *path)
{
	struct stat a, b;

	return fstat(fd, &a) == 0 && stat(path, &b) == 0 &&
	       a.st_ino == b.st_ino && a.st_dev == b.st_dev;
}

/* Opened and locked; somebody may put another file there meanwhile. */
static int
open_accepted(const char *path)
{
	for (;;) {
		int fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC,
			      0644);
		int e;

		if (fd < 0)
			return -1;
		e = flock(fd, LOCK_EX) == 0 ? 0 : errno;
		if (e == 0 && is_current(fd, path))
			return fd;
		close(fd);
		if (e != 0 && e != EINTR) {
			errno = e;
			return -1;
		}
	}
}

int
hosts_prepare(const struct brickyard_executor_instance *in, struct fault *f)
{
	const char *path = opt_str(in, OPT_ACCEPTED_HOSTS_FILE);
	CLEANUP_CLOSE int fd = -1;

	if (in->mode != HOST_KEY_ACCEPT_NEW)
		return 0;
	if (make_parents(path) == 0)
		fd = open(path, O_RDWR | O_APPEND | O_CREAT | O_CLOEXEC, 0644);
	if (fd >= 0)
		return 0;
	return fault_set(f, BRICKYARD_ERR_INVALID, "host keys of new nodes "
			 "can't be recorded in %s: %s; set accepted_hosts_file "
			 "to a file that can be written, or known_hosts to "
			 "those that hold the nodes' keys", path,
			 strerror(errno));
}

static bool
ends_in_a_line(int fd)
{
	off_t end = lseek(fd, 0, SEEK_END);
	char c;

	return end <= 0 || (pread(fd, &c, 1, end - 1) == 1 && c == '\n');
}

/* One write of whole lines, and on the disk before it counts. */
static int
append_key(int fd, const struct node *n, ssh_key key)
{
	char *b64 = NULL, *line = NULL;
	int len = -1;
	bool done;

	if (ssh_pki_export_pubkey_base64(key, &b64) == SSH_OK)
		len = asprintf(&line, "%s%s %s %s\n",
			       ends_in_a_line(fd) ? "" : "\n", n->name,
			       ssh_key_type_to_char(ssh_key_type(key)), b64);
	ssh_string_free_char(b64);
	if (len < 0) {
		errno = ENOMEM;
		return -1;
	}
	done = write(fd, line, (size_t)len) == len && fsync(fd) == 0;
	free(line);
	return done ? 0 : -1;
}

static void
fingerprint(ssh_key key, char *ret, size_t size)
{
	unsigned char *hash = NULL;
	size_t len = 0;
	char *s = NULL;

	if (ssh_get_publickey_hash(key, SSH_PUBLICKEY_HASH_SHA256, &hash,
				   &len) == 0)
		s = ssh_get_fingerprint_hash(SSH_PUBLICKEY_HASH_SHA256, hash,
					     len);
	snprintf(ret, size, "%s %s", ssh_key_type_to_char(ssh_key_type(key)),
		 s != NULL ? s : "?");
	ssh_string_free_char(s);
	ssh_clean_pubkey_hash(&hash);
}

static int
verdict(const struct node *n, const struct search *s, struct fault *f)
{
	char print[256];

	fingerprint(s->key, print, sizeof(print));
	if (s->found == FOUND_REVOKED)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: refused: its "
				 "host key (%s) is marked as revoked in %s",
				 n->target, print, s->where);
	if (s->found == FOUND_OTHER)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: refused: its "
				 "host key has changed: it is now %s, and %s "
				 "has another one: if the node was installed "
				 "anew, remove that line, else somebody may be "
				 "between us and the node", n->target, print,
				 s->where);
	return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: refused: its host "
			 "key (%s) is not known: no line for %s in %s; add it "
			 "with ssh-keyscan after comparing the fingerprint, or "
			 "set host_key_mode to accept-new", n->target, print,
			 n->name, opt_str(n->in, takes_accepted(n->in) ?
					  OPT_ACCEPTED_HOSTS_FILE :
					  OPT_KNOWN_HOSTS));
}

static int
accept_new(const struct brickyard_executor_instance *in, const struct node *n,
	   ssh_key key, struct fault *f)
{
	const char *path = opt_str(in, OPT_ACCEPTED_HOSTS_FILE);
	CLEANUP_CLOSE int fd = open_accepted(path);
	struct search again = { .name = n->name, .key = key };
	char print[256];

	/* Another thread or replica may have recorded one meanwhile. */
	if (fd >= 0 && search_file(&again, path, f) < 0)
		return -1;
	if (again.found == FOUND_KEY)
		return 0;
	if (again.found != FOUND_NOTHING)
		return verdict(n, &again, f);
	if (fd < 0 || append_key(fd, n, key) < 0)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "%s: its host key "
				 "is new and can't be recorded in %s: %s",
				 n->target, path, strerror(errno));
	fingerprint(key, print, sizeof(print));
	ssh_host->log(BRICKYARD_LOG_NOTICE, "%s: host key %s accepted, as the "
		      "first one seen, and recorded in %s", n->target, print,
		      path);
	return 0;
}

int
hosts_check(const struct brickyard_executor_instance *in, const struct node *n,
	    ssh_key key, struct fault *f)
{
	struct search s = { .name = n->name, .key = key };

	if (in->mode == HOST_KEY_INSECURE)
		return 0;
	if (search_all(&s, in, f) < 0)
		return -1;
	/* As OpenSSH: a line without a port is good for all ports. */
	if (s.found == FOUND_NOTHING && strcmp(n->name, n->host) != 0) {
		struct search bare = { .name = n->host, .key = key };

		if (search_all(&bare, in, f) < 0)
			return -1;
		if (bare.found == FOUND_KEY || bare.found == FOUND_REVOKED)
			s = bare;
	}
	if (s.found == FOUND_KEY)
		return 0;
	if (s.found == FOUND_NOTHING && in->mode == HOST_KEY_ACCEPT_NEW)
		return accept_new(in, n, key, f);
	return verdict(n, &s, f);
}
