/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration table: every key there is, heketi's and ours, with its
 * type, default, bounds and environment variables.  Filled once at start-up by
 * the main thread, read by all afterwards; nothing is locked.
 */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include "configuration.h"
#include "configuration-hint.h"
#include "util/log.h"
#include "util/xalloc.h"

/* How an environment variable is read; heketi has a rule for each. */
enum env_rule {
	ENV_VALUE,	/* as the key's type; booleans as Go's ParseBool */
	ENV_NOT_EMPTY,	/* anything at all means true */
	ENV_YES_NO,	/* by the first letter: y 1 n 0, else not heard */
	ENV_TRUE,	/* the word "true" means true, else not heard */
};

enum flags {
	SECRET = 1 << 0,	/* never shown */
	ZERO_DEFAULT = 1 << 1,	/* 0 means the default, as in heketi */
	NUMBER_TOO = 1 << 2,	/* a string that may be given as a number */
	ENV_ONLY = 1 << 3,	/* heketi never heard it from the file */
};

struct key {
	const char *name;
	enum config_type type;
	const char *dflt;
	const char *env;
	enum env_rule rule;
	unsigned flags;
	int64_t min, max;	/* of integers */
	const char *help;
};

#define STR(name, dflt, env, flags, help) \
	{ name, CONFIG_STRING, dflt, env, ENV_VALUE, flags, 0, 0, help }
#define INT(name, dflt, env, flags, min, max, help) \
	{ name, CONFIG_INT, dflt, env, ENV_VALUE, flags, min, max, help }
#define BOOL(name, dflt, env, rule, flags, help) \
	{ name, CONFIG_BOOL, dflt, env, rule, flags, 0, 0, help }

#define DAY_S 86400
#define GIB_MAX (INT64_C(1) << 33)	/* in bytes it still fits 63 bits */
#define YEAR_S (366 * DAY_S)

/* What heketi's two ways to a node have in common. */
#define EXECUTOR_KEYS(x)						\
	STR(x ".fstab", "/etc/fstab", "HEKETI_FSTAB", 0,		\
	    "file on the nodes that gets a line for each brick"),	\
	STR(x ".mountopts", "rw,inode64,noatime,nouuid",		\
	    "HEKETI_MOUNT_OPTS", 0, "mount options of bricks"),		\
	BOOL(x ".sudo", "false", NULL, ENV_VALUE, 0,			\
	     "run commands through sudo"),				\
	INT(x ".snapshot_limit", "0", "HEKETI_SNAPSHOT_LIMIT", 0,	\
	    0, INT32_MAX, "snapshots of a volume; 0: gluster's own limit"), \
	BOOL(x ".rebalance_on_expansion", "true",			\
	     "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION", ENV_VALUE,	\
	     ENV_ONLY, "rebalance a volume that was expanded"),		\
	BOOL(x ".backup_lvm_metadata", "false", NULL, ENV_VALUE, 0,	\
	     "let LVM keep backups of its metadata on the nodes"),	\
	INT(x ".gluster_cli_timeout", "600",				\
	    "HEKETI_GLUSTER_CLI_TIMEOUT", ZERO_DEFAULT, 0, DAY_S,	\
	    "seconds that a gluster command may take"),			\
	STR(x ".pv_data_alignment", "256K", NULL, 0,			\
	    "pvcreate --dataalignment"),				\
	STR(x ".vg_physicalextentsize", "4M", NULL, 0,			\
	    "vgcreate --physicalextentsize"),				\
	STR(x ".lv_chunksize", "256K", NULL, 0, "lvcreate --chunksize"), \
	INT(x ".xfs_sw", "0", NULL, 0, 0, INT32_MAX, "mkfs.xfs -d sw"),	\
	INT(x ".xfs_su", "0", NULL, 0, 0, INT32_MAX, "mkfs.xfs -d su"),	\
	BOOL(x ".debug_umount_failures", "false",			\
	     "HEKETI_DEBUG_UMOUNT_FAILURES", ENV_VALUE, 0,		\
	     "log who uses a brick that can't be unmounted"),		\
	STR(x ".block_prealloc", "full",				\
	    "HEKETI_BLOCK_VOLUME_DEFAULT_PREALLOC", 0,			\
	    "how block volumes are allocated"),				\
	STR(x ".lvm_wrapper", "", "HEKETI_LVM_WRAPPER", 0,		\
	    "command put before LVM's, in containers")

static const struct key keys[] = {
	/* ours */
	STR("store", "", "BRICKYARD_STORE", 0,
	    "where state is kept: sqlite:PATH or etcd:URL[,URL...]"),
	STR("store_options.prefix", "", NULL, 0,
	    "key prefix in the store"),
	STR("store_options.ca_file", "", NULL, 0,
	    "certificates that sign the store's"),
	STR("store_options.cert_file", "", NULL, 0,
	    "our certificate for the store"),
	STR("store_options.key_file", "", NULL, 0,
	    "the private key of that"),
	STR("store_options.user", "", "BRICKYARD_STORE_USER", 0,
	    "user name for the store"),
	STR("store_options.password", "", "BRICKYARD_STORE_PASSWORD", SECRET,
	    "password for the store"),
	INT("store_options.timeout_ms", "0", NULL, 0, 0, INT32_MAX,
	    "longest wait for the store's answer; 0: its own default"),
	STR("listen", "", "BRICKYARD_LISTEN", 0, "ADDR:PORT to serve on"),
	STR("plugin_path", "", "BRICKYARD_PLUGIN_PATH", 0,
	    "directories with plug-ins, separated by colons"),
	STR("loglevel", "", "BRICKYARD_LOGLEVEL", 0,
	    "none, critical, error, warning, notice, info or debug"),
	INT("queue_hold_ms", "5000", NULL, 0, 0, 600000,
	    "how long a poll of a running operation is held"),
	INT("result_retention_s", "3600", NULL, 0, 1, YEAR_S,
	    "how long the result of an operation can be asked for"),
	INT("running_operations", "64", NULL, 0, 1, 10000,
	    "operations at work at a time on one replica"),
	INT("node_concurrency", "4", NULL, 0, 0, 10000,
	    "steps at a time on one node, by one replica; 0: any number"),
	INT("step_timeout_s", "0", NULL, 0, 0, DAY_S,
	    "how long a step on a node may take; 0: as long as its kind may"),
	INT("step_grace_s", "10", NULL, 0, 1, 3600,
	    "how long after that an executor is waited for"),
	INT("queue_high_mark", "4096", NULL, 0, 1, 1000000,
	    "open operations, on all replicas, past which clients wait"),
	INT("request_threads", "16", NULL, 0, 1, 1024,
	    "threads that answer requests"),
	INT("lease_ttl_ms", "10000", NULL, 0, 1000, 600000,
	    "how long a silent replica counts as alive"),
	INT("shutdown_delay_ms", "-1", NULL, 0, -1, 600000,
	    "how long to serve on after SIGTERM while /readyz says no; "
	    "-1: 5000 with a shared store, else 0"),
	INT("heal_wait_s", "1800", NULL, 0, 0, 6000,
	    "how long removing a device or node waits for a heal to end"),
	BOOL("rebalance_on_expansion", "true",
	     "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION", ENV_VALUE, 0,
	     "rebalance a volume that was expanded"),

	/* heketi's top level */
	STR("port", "8080", "HEKETI_HTTP_PORT", NUMBER_TOO,
	    "port to serve on, on all addresses"),
	BOOL("use_auth", "false", NULL, ENV_VALUE, 0, "not used"),
	STR("jwt.admin.key", "", "HEKETI_ADMIN_KEY", SECRET,
	    "secret that the administrator's tokens are signed with"),
	STR("jwt.user.key", "", "HEKETI_USER_KEY", SECRET,
	    "secret that users' tokens are signed with"),
	INT("jwt.iat_leeway_seconds", "120", "HEKETI_JWT_IAT_LEEWAY_SECONDS",
	    0, 0, UINT32_MAX, "how far a token may come from the future"),
	BOOL("backup_db_to_kube_secret", "false",
	     "HEKETI_BACKUP_DB_TO_KUBE_SECRET", ENV_NOT_EMPTY, 0,
	     "keep a copy of the state in a Kubernetes secret"),
	STR("kube_db_secret_name", "heketi-db-backup",
	    "HEKETI_KUBE_DB_SECRET_NAME", 0, "name of that secret"),
	BOOL("enable_tls", "false", NULL, ENV_VALUE, 0, "serve HTTPS"),
	STR("cert_file", "", NULL, 0, "certificate for HTTPS, PEM"),
	STR("key_file", "", NULL, 0, "private key for HTTPS, PEM"),
	BOOL("profiling", "false", "HEKETI_PROFILING", ENV_NOT_EMPTY, 0,
	     "serve /debug/pprof/, to everybody"),
	STR("default_state", "normal", "HEKETI_DEFAULT_STATE", 0,
	    "normal, read-only or local-client"),
	INT("mock_device_size_gb", "500", "HEKETI_MOCK_DEVICE_SIZE_GB",
	    ZERO_DEFAULT, 0, GIB_MAX, "size of simulated devices"),

	/* heketi's glusterfs section */
	STR("glusterfs.db", "heketi.db", "HEKETI_DB_PATH", 0,
	    "file of the embedded store when no store is given"),
	BOOL("glusterfs.db_read_only", "false", NULL, ENV_VALUE, 0,
	     "change nothing in the store"),
	STR("glusterfs.executor", "ssh", "HEKETI_EXECUTOR", 0,
	    "plug-in that reaches the nodes"),
	STR("glusterfs.allocator", "", NULL, 0, "not used"),
	STR("glusterfs.loglevel", "", "HEKETI_GLUSTERAPP_LOGLEVEL", 0,
	    "heketi's name for loglevel"),
	INT("glusterfs.brick_max_size_gb", "4096", NULL, ZERO_DEFAULT,
	    0, GIB_MAX, "largest brick, GiB"),
	INT("glusterfs.brick_min_size_gb", "1", NULL, ZERO_DEFAULT,
	    0, GIB_MAX, "smallest brick, GiB"),
	INT("glusterfs.max_bricks_per_volume", "32", NULL, ZERO_DEFAULT,
	    0, 100000, "bricks that a volume may have"),
	INT("glusterfs.average_file_size_kb", "64", NULL, ZERO_DEFAULT,
	    0, INT64_C(1) << 40, "average file size for arbiter bricks, KiB"),
	STR("glusterfs.pre_request_volume_options", "",
	    "HEKETI_PRE_REQUEST_VOLUME_OPTIONS", 0,
	    "volume options put before those of the request"),
	STR("glusterfs.post_request_volume_options", "",
	    "HEKETI_POST_REQUEST_VOLUME_OPTIONS", 0,
	    "volume options put after those of the request"),
	STR("glusterfs.zone_checking", "none", "HEKETI_ZONE_CHECKING", 0,
	    "none, or strict: bricks of a set in different zones"),
	INT("glusterfs.max_volumes_per_cluster", "1000",
	    "HEKETI_GLUSTER_MAX_VOLUMES_PER_CLUSTER", ZERO_DEFAULT,
	    INT32_MIN, INT32_MAX, "volumes in a cluster; negative: any number"),
	BOOL("glusterfs.auto_create_block_hosting_volume", "false",
	     "HEKETI_AUTO_CREATE_BLOCK_HOSTING_VOLUME", ENV_VALUE, 0,
	     "make block hosting volumes when they are needed"),
	INT("glusterfs.block_hosting_volume_size", "1024",
	    "HEKETI_BLOCK_HOSTING_VOLUME_SIZE", ZERO_DEFAULT, 0, GIB_MAX,
	    "size of those, GiB"),
	STR("glusterfs.block_hosting_volume_options", "group gluster-block",
	    "HEKETI_BLOCK_HOSTING_VOLUME_OPTIONS", 0, "options of those"),
	BOOL("glusterfs.disable_monitor_gluster_nodes", "false",
	     "HEKETI_DISABLE_HEALTH_MONITOR", ENV_TRUE, 0,
	     "don't look whether nodes are alive"),
	INT("glusterfs.refresh_time_monitor_gluster_nodes", "120", NULL,
	    ZERO_DEFAULT, 0, UINT32_MAX, "seconds between two such looks"),
	INT("glusterfs.start_time_monitor_gluster_nodes", "10", NULL,
	    ZERO_DEFAULT, 0, UINT32_MAX, "seconds before the first"),
	INT("glusterfs.max_inflight_operations", "8",
	    "HEKETI_MAX_INFLIGHT_OPERATIONS", ZERO_DEFAULT, 0, UINT32_MAX,
	    "operations at a time on the whole installation"),
	BOOL("glusterfs.disable_background_cleaner", "false",
	     "HEKETI_DISABLE_BACKGROUND_CLEANER", ENV_TRUE, 0,
	     "don't clean up after failed operations"),
	INT("glusterfs.refresh_time_background_cleaner", "3600", NULL,
	    ZERO_DEFAULT, 0, UINT32_MAX, "seconds between two cleanings"),
	INT("glusterfs.start_time_background_cleaner", "60", NULL,
	    ZERO_DEFAULT, 0, UINT32_MAX, "seconds before the first"),
	INT("glusterfs.operation_retry_limits.volume_create", "4", NULL,
	    ZERO_DEFAULT, 0, 1000, "other places tried for a volume"),

	EXECUTOR_KEYS("glusterfs.sshexec"),
	STR("glusterfs.sshexec.keyfile", "", "HEKETI_SSH_KEYFILE", 0,
	    "private ssh key"),
	STR("glusterfs.sshexec.user", "heketi", "HEKETI_SSH_USER", 0,
	    "user on the nodes"),
	STR("glusterfs.sshexec.port", "22", "HEKETI_SSH_PORT", NUMBER_TOO,
	    "ssh port of the nodes"),
	STR("glusterfs.sshexec.known_hosts", "", "SSH_KNOWN_HOSTS", 0,
	    "files with the nodes' host keys, separated by colons"),

	EXECUTOR_KEYS("glusterfs.kubeexec"),
	STR("glusterfs.kubeexec.namespace", "", "HEKETI_KUBE_NAMESPACE", 0,
	    "namespace of the gluster pods"),
	BOOL("glusterfs.kubeexec.gluster_daemonset", "false",
	     "HEKETI_KUBE_GLUSTER_DAEMONSET", ENV_YES_NO, 0,
	     "the pods belong to a daemon set"),
	BOOL("glusterfs.kubeexec.use_pod_names", "false",
	     "HEKETI_KUBE_USE_POD_NAMES", ENV_YES_NO, 0,
	     "manage host names are names of pods"),
	INT("glusterfs.kubeexec.max_connections", "64", NULL, ZERO_DEFAULT,
	    INT32_MIN, INT32_MAX, "scripts in pods at a time; below 0: any "
	    "number"),
	BOOL("glusterfs.kubeexec.disable_timeout_prefix", "false", NULL,
	     ENV_VALUE, 0, "no timeout(1) before commands in pods"),
};

/* Values below these are kept as they are, for plug-ins. */
static const char *const kept[] = {
	"executors.", "volume_types.", "glusterfs.injectexec.",
};

/* Of two values, that of the higher source counts; of equals, the later. */
enum rank { RANK_NONE, RANK_FILE, RANK_ENVIRONMENT, RANK_COMMAND_LINE };

struct value {
	char *key;		/* of the kept ones; NULL: keys[i].name */
	char *text;		/* NULL: the default */
	char *source;
	enum rank rank;
};

struct config {
	struct value values[ARRAY_SIZE(keys)];
	struct values {
		struct value *v;
		size_t n, cap;
	} kept;
	struct strs warnings;
};

struct config *
config_new(void)
{
	return XNEW(struct config);
}

static void
value_release(struct value *v)
{
	free(v->key);
	free(v->text);
	free(v->source);
}

void
config_free(struct config *c)
{
	if (c == NULL)
		return;
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		value_release(&c->values[i]);
	for (size_t i = 0; i < c->kept.n; i++)
		value_release(&c->kept.v[i]);
	free(c->kept.v);
	strs_release(&c->warnings);
	free(c);
}

/* ---- keys ---- */

static bool
starts_with(const char *s, const char *prefix)
{
	return strncasecmp(s, prefix, strlen(prefix)) == 0;
}

/* "executors.NAME.OPTION", or "executors.NAME" that ought to be an object. */
static bool
is_kept(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (starts_with(key, kept[i]))
			return true;
	return false;
}

static bool
names_an_option(const char *kept_key)
{
	return strchr(strchr(kept_key, '.') + 1, '.') != NULL;
}

/* NULL: not in the table. */
static const struct key *
find_key(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (strcasecmp(keys[i].name, name) == 0)
			return &keys[i];
	return NULL;
}

/* Does `longer` lie below `shorter` ("a.b" below "a")? */
static bool
is_below(const char *longer, const char *shorter)
{
	return starts_with(longer, shorter) && longer[strlen(shorter)] == '.';
}

/* A value stands where others are expected below it. */
static bool
is_section(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (is_below(keys[i].name, name))
			return true;
	for (size_t i = 0; i < ARRAY_SIZE(kept); i++)
		if (is_below(kept[i], name))
			return true;
	return false;
}

/* The key that a longer one is below of: it should have been a value. */
static const struct key *
find_above(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (is_below(name, keys[i].name))
			return &keys[i];
	return NULL;
}

/* ---- values ---- */

static enum rank
rank_of(const char *source)
{
	if (starts_with(source, "command line"))
		return RANK_COMMAND_LINE;
	if (starts_with(source, "environment"))
		return RANK_ENVIRONMENT;
	return RANK_FILE;
}

static bool
parse_int(const char *s, int64_t *ret)
{
	const char *digits = s[0] == '-' ? s + 1 : s;
	intmax_t n;

	if (digits[0] == '\0' || digits[strspn(digits, "0123456789")] != '\0')
		return false;
	errno = 0;
	n = strtoimax(s, NULL, 10);
	if (errno != 0 || n < INT64_MIN || n > INT64_MAX)
		return false;
	*ret = n;
	return true;
}

/* As Go's strconv.ParseBool. */
static bool
parse_bool(const char *s, bool *ret)
{
	static const char *const words[2][6] = {
		{ "0", "f", "F", "false", "False", "FALSE" },
		{ "1", "t", "T", "true", "True", "TRUE" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(words); i++) {
		for (size_t j = 0; j < ARRAY_SIZE(words[i]); j++) {
			if (strcmp(s, words[i][j]) == 0) {
				*ret = i == 1;
				return true;
			}
		}
	}
	return false;
}

static const char *const type_words[] = {
	[CONFIG_STRING] = "a string",
	[CONFIG_INT] = "a whole number",
	[CONFIG_BOOL] = "true or false",
};

static enum err
wrong_type(const struct key *k, const char *source, struct error *err)
{
	return fail(err, ERR_PARSE, "Unable to parse configuration: %s: '%s' "
		    "must be %s", source, k->name, type_words[k->type]);
}

/* What is stored for a value of a key, or NULL: the wrong type.  *note tells
 * of what was forgiven.  A file says what its types are; the environment and
 * the command line have nothing but strings.  Caller frees.
 */
static char *
accept(const struct key *k, const char *value, enum config_type type,
       enum rank rank, const char **note)
{
	int64_t n = 0;
	bool yes = false;

	switch (k->type) {
	case CONFIG_STRING:
		if (type == CONFIG_STRING)
			return xstrdup(value);
		if (type == CONFIG_INT && (k->flags & NUMBER_TOO) != 0 &&
		    parse_int(value, &n)) {
			*note = ", given as a number";
			return xstrdup(value);
		}
		return NULL;
	case CONFIG_INT:
		if (type == CONFIG_BOOL || !parse_int(value, &n))
			return NULL;
		/* heketi's own sample has strings for three of its numbers. */
		if (type == CONFIG_STRING && rank == RANK_FILE)
			*note = ", given as a string";
		if (n == 0 && (k->flags & ZERO_DEFAULT) != 0) {
			*note = ", 0 is the default";
			return xstrdup(k->dflt);
		}
		return xasprintf("%" PRId64, n);
	case CONFIG_BOOL:
		if (type == CONFIG_INT || !parse_bool(value, &yes) ||
		    (type == CONFIG_STRING && rank == RANK_FILE))
			return NULL;
		return xstrdup(yes ? "true" : "false");
	}
	return NULL;
}

/* Takes text over. */
static void
store(struct value *v, char *text, const char *source, const char *note,
      enum rank rank)
{
	if (rank < v->rank) {
		free(text);
		return;
	}
	free(v->text);
	free(v->source);
	v->text = text;
	v->source = xasprintf("%s%s", source, note);
	v->rank = rank;
}

/* heketi's are in any case, plug-ins' are as they are. */
static bool
same_kept(const char *a, const char *b)
{
	return starts_with(a, "glusterfs.") ? strcasecmp(a, b) == 0 :
					      strcmp(a, b) == 0;
}

static void
lower(char *s)
{
	for (; *s != '\0'; s++)
		*s = (char)tolower((unsigned char)*s);
}

static void
keep(struct config *c, const char *key, const char *value, const char *source)
{
	struct value *v = NULL;

	for (size_t i = 0; i < c->kept.n && v == NULL; i++)
		if (same_kept(c->kept.v[i].key, key))
			v = &c->kept.v[i];
	if (v == NULL) {
		v = VEC_PUSH(&c->kept);
		*v = (struct value) { .key = xstrdup(key) };
		if (starts_with(key, "glusterfs."))
			lower(v->key);
	}
	store(v, xstrdup(value), source, "", rank_of(source));
}

static void
note_unknown(struct config *c, const char *key, const char *source)
{
	const char *names[ARRAY_SIZE(keys)];

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		names[i] = keys[i].name;
	config_hint(key, source, names, ARRAY_SIZE(keys), &c->warnings);
}

const struct strs *
config_warnings(const struct config *c)
{
	return &c->warnings;
}

enum err
config_set(struct config *c, const char *key, const char *value,
	   enum config_type type, const char *source, struct error *err)
{
	const struct key *k = find_key(key);
	enum rank rank = rank_of(source);
	const char *note = "";
	char *text;

	if (is_kept(key) && names_an_option(key)) {
		keep(c, key, value, source);
		return ERR_OK;
	}
	if (k == NULL && (is_kept(key) || is_section(key)))
		return fail(err, ERR_PARSE, "Unable to parse configuration: "
			    "%s: '%s' must be an object", source, key);
	if (k == NULL) {
		k = find_above(key);
		if (k != NULL)
			return wrong_type(k, source, err);
		note_unknown(c, key, source);
		return ERR_OK;
	}
	text = accept(k, value, type, rank, &note);
	if (text == NULL)
		return wrong_type(k, source, err);
	/* An empty word where there is a default is as good as none, as in heketi. */
	if ((text[0] == '\0' && k->dflt[0] != '\0') ||
	    (rank == RANK_FILE && (k->flags & ENV_ONLY) != 0))
		free(text);
	else
		store(&c->values[k - keys], text, source, note, rank);
	return ERR_OK;
}

/* ---- environment ---- */

/* What a variable says, or NULL: nothing that heketi would hear. */
static const char *
env_value(const struct key *k)
{
	const char *s = getenv(k->env);
	int first;

	if (s == NULL || s[0] == '\0')
		return NULL;
	first = tolower((unsigned char)s[0]);
	switch (k->rule) {
	case ENV_VALUE:
		return s;
	case ENV_NOT_EMPTY:
		return "true";
	case ENV_YES_NO:
		if (first == 'y' || first == '1')
			return "true";
		return first == 'n' || first == '0' ? "false" : NULL;
	case ENV_TRUE:
		return strcmp(s, "true") == 0 ? s : NULL;
	}
	return NULL;
}

/* Numbers in heketi's variables that can't be: heketi goes on without them. */
static bool
ignores_number(struct config *c, const struct key *k, const char *value)
{
	int64_t n = 0;

	if (k->type != CONFIG_INT || !starts_with(k->env, "HEKETI_") ||
	    !parse_int(value, &n) || (n >= k->min && n <= k->max) ||
	    (n == 0 && (k->flags & ZERO_DEFAULT) != 0))
		return false;
	*VEC_PUSH(&c->warnings) = xasprintf("environment %s must be %" PRId64
		" to %" PRId64 ", not %s, ignoring", k->env, k->min, k->max,
		value);
	return true;
}

enum err
config_read_environment(struct config *c, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		CLEANUP_FREE char *source = NULL;
		const char *value;
		enum err e;

		value = keys[i].env != NULL ? env_value(&keys[i]) : NULL;
		if (value == NULL || ignores_number(c, &keys[i], value))
			continue;
		source = xasprintf("environment %s", keys[i].env);
		e = config_set(c, keys[i].name, value, CONFIG_STRING, source,
			       err);
		/* heketi goes on without one that it can't read. */
		if (e == ERR_PARSE && starts_with(keys[i].env, "HEKETI_"))
			*VEC_PUSH(&c->warnings) = xasprintf("%s must be %s, "
				"not '%s', ignoring", source,
				type_words[keys[i].type], value);
		else if (e != ERR_OK)
			return e;
	}
	return ERR_OK;
}

/* ---- reading ---- */

/* The effective value; asking for a key that can't be is a bug. */
static const char *
text_of(const struct config *c, const char *name)
{
	const struct key *k = find_key(name);

	if (k != NULL && c->values[k - keys].text != NULL)
		return c->values[k - keys].text;
	if (k != NULL)
		return k->dflt;
	for (size_t i = 0; i < c->kept.n; i++)
		if (strcmp(c->kept.v[i].key, name) == 0)
			return c->kept.v[i].text;
	if (!is_kept(name)) {
		fprintf(stderr, "brickyard: no configuration key '%s'\n", name);
		abort();
	}
	return "";
}

const char *
config_str(const struct config *c, const char *key)
{
	return text_of(c, key);
}

int64_t
config_int(const struct config *c, const char *key)
{
	int64_t n = 0;

	(void)parse_int(text_of(c, key), &n);
	return n;
}

int
config_bool(const struct config *c, const char *key)
{
	bool yes = false;

	(void)parse_bool(text_of(c, key), &yes);
	return yes;
}

int
config_is_set(const struct config *c, const char *key)
{
	const struct key *k = find_key(key);

	if (k != NULL)
		return c->values[k - keys].text != NULL;
	for (size_t i = 0; i < c->kept.n; i++)
		if (strcmp(c->kept.v[i].key, key) == 0)
			return 1;
	return 0;
}

void
config_section(const struct config *c, const char *prefix, struct kvs *ret)
{
	size_t n = strlen(prefix);

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (starts_with(keys[i].name, prefix) &&
		    c->values[i].text != NULL)
			kvs_set(ret, keys[i].name + n, c->values[i].text);
	for (size_t i = 0; i < c->kept.n; i++)
		if (starts_with(c->kept.v[i].key, prefix))
			kvs_set(ret, c->kept.v[i].key + n, c->kept.v[i].text);
}

/* ---- looking it over ---- */

static const char *
source_of(const struct config *c, const char *name)
{
	const struct value *v = &c->values[find_key(name) - keys];

	return v->source != NULL ? v->source : "default";
}

static enum err
check_ranges(const struct config *c, struct error *err)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		const struct key *k = &keys[i];
		int64_t n;

		if (k->type != CONFIG_INT)
			continue;
		n = config_int(c, k->name);
		if (n < k->min || n > k->max)
			return fail(err, ERR_BADREQ, "%s: '%s' (%s) is %"
				    PRId64 ", not %" PRId64 " to %" PRId64,
				    source_of(c, k->name), k->name, k->help, n,
				    k->min, k->max);
	}
	return ERR_OK;
}

static enum err
check_port(const struct config *c, const char *key, struct error *err)
{
	int64_t n;

	if (parse_int(config_str(c, key), &n) && n >= 0 && n <= 65535)
		return ERR_OK;
	return fail(err, ERR_BADREQ, "%s: '%s' is '%s', not a port number",
		    source_of(c, key), key, config_str(c, key));
}

static enum err
check_words(const struct config *c, struct error *err)
{
	static const char *const states[] = {
		"normal", "read-only", "local-client",
	};
	const char *state = config_str(c, "default_state");
	const char *level = config_str(c, "loglevel");
	enum log_level ignored;
	bool known = false;

	for (size_t i = 0; i < ARRAY_SIZE(states); i++)
		known = known || strcmp(state, states[i]) == 0;
	if (!known)
		return fail(err, ERR_BADREQ, "unable to set admin state: "
			    "unknown admin state name: %s", state);
	/* heketi takes any word for its own loglevel, so that one passes. */
	if (level[0] != '\0' && !log_level_parse(level, &ignored))
		return fail(err, ERR_BADREQ, "%s: 'loglevel' is '%s', which is "
			    "none of them", source_of(c, "loglevel"), level);
	return ERR_OK;
}

static enum err
check_together(const struct config *c, struct error *err)
{
	int64_t min = config_int(c, "glusterfs.brick_min_size_gb");
	int64_t max = config_int(c, "glusterfs.brick_max_size_gb");

	if (min > max)
		return fail(err, ERR_BADREQ, "the smallest brick "
			    "(glusterfs.brick_min_size_gb, %" PRId64 ") is "
			    "larger than the largest one "
			    "(glusterfs.brick_max_size_gb, %" PRId64 ")",
			    min, max);
	if (config_bool(c, "enable_tls") &&
	    (config_str(c, "cert_file")[0] == '\0' ||
	     config_str(c, "key_file")[0] == '\0'))
		return fail(err, ERR_BADREQ, "'enable_tls' needs 'cert_file' "
			    "and 'key_file'");
	if ((config_str(c, "store_options.cert_file")[0] == '\0') !=
	    (config_str(c, "store_options.key_file")[0] == '\0'))
		return fail(err, ERR_BADREQ, "'store_options.cert_file' and "
			    "'store_options.key_file' need each other");
	return ERR_OK;
}

enum err
config_check(const struct config *c, struct error *err)
{
	enum err e = check_ranges(c, err);

	if (e == ERR_OK)
		e = check_port(c, "port", err);
	if (e == ERR_OK)
		e = check_port(c, "glusterfs.sshexec.port", err);
	if (e == ERR_OK)
		e = check_words(c, err);
	return e == ERR_OK ? check_together(c, err) : e;
}

/* ---- showing it ---- */

/* Only the plug-in knows which of its options are secret, and it may not be
 * loaded, so anything that sounds like one is not shown.
 */
static bool
sounds_secret(const char *key)
{
	static const char *const words[] = {
		"password", "passphrase", "secret", "token",
	};
	size_t n = strlen(key);

	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(key, words[i]) != NULL)
			return true;
	return n >= 3 && strcmp(key + n - 3, "key") == 0;
}

static void
print_value(struct buf *b, const char *key, const struct value *v,
	    const char *dflt, bool secret)
{
	const char *text = v->text != NULL ? v->text : dflt;

	buf_addf(b, "%s = %s    (%s)\n", key,
		 secret && text[0] != '\0' ? "***" : text,
		 v->source != NULL ? v->source : "default");
}

void
config_print(const struct config *c, struct buf *b)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		print_value(b, keys[i].name, &c->values[i], keys[i].dflt,
			    (keys[i].flags & SECRET) != 0);
	for (size_t i = 0; i < c->kept.n; i++)
		print_value(b, c->kept.v[i].key, &c->kept.v[i], "",
			    sounds_secret(c->kept.v[i].key));
}
