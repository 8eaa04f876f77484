/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The configuration: types, sources, heketi's rules for its variables. */
#include <config.h>

/* Not "config.h": from here that would be the one configure makes. */
#include "configuration.h"
#include "executor-config.h"

#include "tests/tap.h"

static const char file[] = "file heketi.json";
static const char line[] = "command line";

static enum err
set(struct config *c, const char *key, const char *value, enum config_type t,
    struct error *err)
{
	memset(err, 0, sizeof(*err));
	return config_set(c, key, value, t, file, err);
}

static void
test_defaults(void)
{
	struct config *c = config_new();
	struct error err = { 0 };

	is_int(config_check(c, &err), ERR_OK, "the defaults are sound");
	is_str(config_str(c, "glusterfs.executor"), "ssh", "heketi's executor");
	is_int(config_int(c, "glusterfs.max_bricks_per_volume"), 32,
	       "heketi's numbers");
	is_int(config_int(c, "lease_ttl_ms"), 10000, "our numbers");
	ok(config_bool(c, "rebalance_on_expansion") &&
	   !config_bool(c, "enable_tls"), "booleans");
	is_str(config_str(c, "store"), "", "no value is an empty string");
	is_str(config_str(c, "executors.local.any"), "", "also for plug-ins");
	ok(!config_is_set(c, "port") && !config_is_set(c, "executors.x.y"),
	   "defaults are not set by anybody");
	config_free(c);
	config_free(NULL);
}

static const struct {
	const char *key, *value;
	enum config_type type;
	const char *stored;	/* NULL: refused */
	const char *text;	/* what the error says */
} sets[] = {
	{ "port", "8081", CONFIG_STRING, "8081", NULL },
	{ "port", "8081", CONFIG_INT, "8081", NULL },
	{ "port", "true", CONFIG_BOOL, NULL, "'port' must be a string" },
	{ "port.number", "1", CONFIG_INT, NULL, "'port' must be a string" },
	{ "glusterfs.db", "x", CONFIG_STRING, "x", NULL },
	{ "glusterfs.db", "5", CONFIG_INT, NULL,
	  "'glusterfs.db' must be a string" },
	{ "glusterfs.db.0", "x", CONFIG_STRING, NULL,
	  "'glusterfs.db' must be a string" },
	{ "glusterfs", "x", CONFIG_STRING, NULL,
	  "'glusterfs' must be an object" },
	{ "glusterfs.sshexec", "false", CONFIG_BOOL, NULL,
	  "'glusterfs.sshexec' must be an object" },
	{ "jwt.admin", "x", CONFIG_STRING, NULL,
	  "'jwt.admin' must be an object" },
	{ "executors", "x", CONFIG_STRING, NULL,
	  "'executors' must be an object" },
	{ "executors.local", "x", CONFIG_STRING, NULL,
	  "'executors.local' must be an object" },
	{ "enable_tls", "true", CONFIG_BOOL, "true", NULL },
	{ "enable_tls", "true", CONFIG_STRING, NULL,
	  "'enable_tls' must be true or false" },
	{ "enable_tls", "1", CONFIG_INT, NULL,
	  "'enable_tls' must be true or false" },
	{ "glusterfs.max_inflight_operations", "20", CONFIG_INT, "20", NULL },
	{ "glusterfs.max_inflight_operations", "0", CONFIG_INT, "8", NULL },
	{ "glusterfs.max_volumes_per_cluster", "-1", CONFIG_INT, "-1", NULL },
	{ "glusterfs.max_volumes_per_cluster", "0", CONFIG_INT, "1000", NULL },
	{ "glusterfs.brick_max_size_gb", "9.5", CONFIG_STRING, NULL,
	  "'glusterfs.brick_max_size_gb' must be a whole number" },
	{ "glusterfs.brick_max_size_gb", "true", CONFIG_BOOL, NULL,
	  "'glusterfs.brick_max_size_gb' must be a whole number" },
	{ "glusterfs.brick_max_size_gb", "", CONFIG_STRING, NULL,
	  "'glusterfs.brick_max_size_gb' must be a whole number" },
	{ "glusterfs.brick_max_size_gb", "99999999999999999999", CONFIG_INT,
	  NULL, "'glusterfs.brick_max_size_gb' must be a whole number" },
	/* As in heketi's own sample file. */
	{ "glusterfs.sshexec.gluster_cli_timeout", "900", CONFIG_STRING, "900",
	  NULL },
	{ "glusterfs.kubeexec.xfs_sw", "16", CONFIG_STRING, "16", NULL },
	{ "glusterfs.sshexec.port", "2222", CONFIG_INT, "2222", NULL },
};

static void
test_types(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(sets); i++) {
		struct config *c = config_new();
		struct error err;
		enum err e = set(c, sets[i].key, sets[i].value, sets[i].type,
				 &err);

		if (sets[i].stored != NULL) {
			is_int(e, ERR_OK, "%s: %s is taken", sets[i].key,
			       sets[i].value);
			is_str(config_str(c, sets[i].key), sets[i].stored,
			       "as it should");
			ok(config_is_set(c, sets[i].key), "it is set");
		} else {
			is_int(e, ERR_PARSE, "%s: %s is refused", sets[i].key,
			       sets[i].value);
			has_str(err.text, "Unable to parse configuration: "
				"file heketi.json: ", "in heketi's words");
			has_str(err.text, sets[i].text, "with the reason");
		}
		config_free(c);
	}
}

static void
test_unknown(void)
{
	static const char *const known_to_nobody[] = {
		"_port_comment", "glusterfs._sshexec_comment", "portal",
		"glusterfs.sshexec.unknown",
	};
	CLEANUP(buf_release) struct buf was = { 0 };
	CLEANUP(buf_release) struct buf is = { 0 };
	struct config *c = config_new();
	struct error err;

	config_print(c, &was);
	for (size_t i = 0; i < ARRAY_SIZE(known_to_nobody); i++)
		is_int(set(c, known_to_nobody[i], "x", CONFIG_STRING, &err),
		       ERR_OK, "%s is ignored", known_to_nobody[i]);
	config_print(c, &is);
	is_str(buf_str(&is), buf_str(&was), "and leaves no trace");
	config_free(c);
}

static const struct {
	const char *key;
	const char *text;	/* NULL: none */
} hints[] = {
	{ "_port_comment", NULL },
	{ "glusterfs._sshexec_comment", NULL },
	{ "glusterfs.excutor", "'glusterfs.excutor' is not known, ignoring; did "
	  "you mean 'glusterfs.executor'?" },
	{ "sshexec.keyfile", "did you mean 'glusterfs.sshexec.keyfile'?" },
	{ "executor", "did you mean 'glusterfs.executor'?" },
	{ "glusterfs.max_inflight_operation", "file heketi.json: "
	  "'glusterfs.max_inflight_operation' is not known, ignoring; did you "
	  "mean 'glusterfs.max_inflight_operations'?" },
	{ "nothing.like.it", "'nothing.like.it' is not known, ignoring" },
	{ "glusterfs.kubeexec.password", "nor had it in heketi" },
};

static void
test_hints(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(hints); i++) {
		struct config *c = config_new();
		const struct strs *w = config_warnings(c);
		struct error err;

		assert(set(c, hints[i].key, "x", CONFIG_STRING, &err) ==
		       ERR_OK);
		is_int(w->n, hints[i].text != NULL, "%s: warnings",
		       hints[i].key);
		if (hints[i].text != NULL)
			has_str(w->v[0], hints[i].text, "with a hint");
		config_free(c);
	}
}

static void
test_hints_have_an_end(void)
{
	struct config *c = config_new();
	struct error err;
	char key[32];

	for (int i = 0; i < 10000; i++) {
		snprintf(key, sizeof(key), "k%d.x", i);
		assert(set(c, key, "x", CONFIG_STRING, &err) == ERR_OK);
	}
	is_int(config_warnings(c)->n, 33, "not every unknown key is told");
	config_free(c);
}

static void
test_case(void)
{
	CLEANUP(kvs_release) struct kvs inject = { 0 };
	struct config *c = config_new();
	struct error err;

	assert(set(c, "GlusterFS.Executor", "mock", CONFIG_STRING, &err) ==
	       ERR_OK);
	is_str(config_str(c, "glusterfs.executor"), "mock",
	       "names are in any case, as in Go");
	ok(set(c, "GLUSTERFS.DB", "1", CONFIG_INT, &err) == ERR_PARSE &&
	   config_warnings(c)->n == 0, "for wrong types, too");
	assert(set(c, "glusterfs.injectexec.Commands.0.Cmd", "x",
		   CONFIG_STRING, &err) == ERR_OK);
	config_section(c, "glusterfs.injectexec.", &inject);
	is_str(kvs_get(&inject, "commands.0.cmd"), "x",
	       "also of what is kept for the injector");
	ok(set(c, "glusterfs.injectexec", "x", CONFIG_STRING, &err) ==
	   ERR_PARSE, "which is an object");
	assert(set(c, "executors.x.Key", "v", CONFIG_STRING, &err) == ERR_OK);
	is_str(config_str(c, "executors.x.Key"), "v",
	       "options of plug-ins are as they are");
	is_str(config_str(c, "executors.x.key"), "", "and as they are not");
	config_free(c);
}

/* ---- sources ---- */

static void
test_precedence(void)
{
	struct config *c = config_new();
	struct error err;

	assert(config_set(c, "listen", "a:1", CONFIG_STRING, line, &err) ==
	       ERR_OK);
	setenv("BRICKYARD_LISTEN", "b:1", 1);
	setenv("HEKETI_EXECUTOR", "mock", 1);
	setenv("HEKETI_DB_PATH", "", 1);
	assert(config_read_environment(c, &err) == ERR_OK);
	assert(set(c, "listen", "c:1", CONFIG_STRING, &err) == ERR_OK);
	assert(set(c, "glusterfs.executor", "kubernetes", CONFIG_STRING,
		   &err) == ERR_OK);
	assert(set(c, "glusterfs.db", "one", CONFIG_STRING, &err) == ERR_OK);
	assert(set(c, "glusterfs.db", "two", CONFIG_STRING, &err) == ERR_OK);
	is_str(config_str(c, "listen"), "a:1",
	       "the command line comes before all, whoever is read first");
	is_str(config_str(c, "glusterfs.executor"), "mock",
	       "the environment before the file");
	is_str(config_str(c, "glusterfs.db"), "two",
	       "an empty variable says nothing; of one source the later counts");
	ok(set(c, "glusterfs.executor", "1", CONFIG_INT, &err) != ERR_OK,
	   "a wrong type is one even where the value does not count");
	unsetenv("BRICKYARD_LISTEN");
	unsetenv("HEKETI_EXECUTOR");
	unsetenv("HEKETI_DB_PATH");
	config_free(c);
}

static const struct {
	const char *env, *value, *key;
	const char *stored;	/* NULL: refused */
} envs[] = {
	{ "HEKETI_ADMIN_KEY", "s", "jwt.admin.key", "s" },
	{ "HEKETI_USER_KEY", "s", "jwt.user.key", "s" },
	{ "HEKETI_HTTP_PORT", "99", "port", "99" },
	{ "HEKETI_JWT_IAT_LEEWAY_SECONDS", "5", "jwt.iat_leeway_seconds", "5" },
	{ "HEKETI_JWT_IAT_LEEWAY_SECONDS", "5s", "jwt.iat_leeway_seconds",
	  NULL },
	{ "HEKETI_PROFILING", "false", "profiling", "true" },
	{ "HEKETI_BACKUP_DB_TO_KUBE_SECRET", "no", "backup_db_to_kube_secret",
	  "true" },
	{ "HEKETI_AUTO_CREATE_BLOCK_HOSTING_VOLUME", "T",
	  "glusterfs.auto_create_block_hosting_volume", "true" },
	{ "HEKETI_AUTO_CREATE_BLOCK_HOSTING_VOLUME", "yes",
	  "glusterfs.auto_create_block_hosting_volume", NULL },
	{ "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION", "0",
	  "rebalance_on_expansion", "false" },
	{ "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION", "0",
	  "glusterfs.sshexec.rebalance_on_expansion", "false" },
	{ "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION", "0",
	  "glusterfs.kubeexec.rebalance_on_expansion", "false" },
	{ "HEKETI_KUBE_GLUSTER_DAEMONSET", "Yes",
	  "glusterfs.kubeexec.gluster_daemonset", "true" },
	{ "HEKETI_KUBE_GLUSTER_DAEMONSET", "1",
	  "glusterfs.kubeexec.gluster_daemonset", "true" },
	{ "HEKETI_KUBE_USE_POD_NAMES", "n",
	  "glusterfs.kubeexec.use_pod_names", "false" },
	{ "HEKETI_KUBE_USE_POD_NAMES", "true",
	  "glusterfs.kubeexec.use_pod_names", "" },
	{ "HEKETI_DISABLE_HEALTH_MONITOR", "true",
	  "glusterfs.disable_monitor_gluster_nodes", "true" },
	{ "HEKETI_DISABLE_HEALTH_MONITOR", "1",
	  "glusterfs.disable_monitor_gluster_nodes", "" },
	{ "HEKETI_DISABLE_BACKGROUND_CLEANER", "TRUE",
	  "glusterfs.disable_background_cleaner", "" },
	{ "HEKETI_MAX_INFLIGHT_OPERATIONS", "3",
	  "glusterfs.max_inflight_operations", "3" },
	{ "HEKETI_FSTAB", "/f", "glusterfs.kubeexec.fstab", "/f" },
	{ "HEKETI_SNAPSHOT_LIMIT", "9", "glusterfs.sshexec.snapshot_limit",
	  "9" },
	{ "SSH_KNOWN_HOSTS", "/k", "glusterfs.sshexec.known_hosts", "/k" },
	{ "BRICKYARD_STORE", "etcd:x", "store", "etcd:x" },
	{ "BRICKYARD_PLUGIN_PATH", "/p", "plugin_path", "/p" },
};

static void
test_environment(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++) {
		struct config *c = config_new();
		struct error err = { 0 };
		enum err e;

		setenv(envs[i].env, envs[i].value, 1);
		e = config_read_environment(c, &err);
		unsetenv(envs[i].env);
		if (envs[i].stored == NULL) {
			CLEANUP_FREE char *why = strs_join(config_warnings(c),
							   "\n");

			ok(e == ERR_OK && !config_is_set(c, envs[i].key),
			   "%s=%s is passed over, as heketi does", envs[i].env,
			   envs[i].value);
			has_str(why, envs[i].env, "with a warning");
		} else if (envs[i].stored[0] == '\0') {
			ok(e == ERR_OK && !config_is_set(c, envs[i].key),
			   "%s=%s is not heard", envs[i].env, envs[i].value);
		} else {
			is_int(e, ERR_OK, "%s=%s is read", envs[i].env,
			       envs[i].value);
			is_str(config_str(c, envs[i].key), envs[i].stored,
			       "for %s", envs[i].key);
		}
		config_free(c);
	}
}

static void
test_env_only(void)
{
	struct config *c = config_new();
	struct error err;

	is_int(set(c, "glusterfs.sshexec.rebalance_on_expansion", "false",
		   CONFIG_BOOL, &err), ERR_OK, "rebalance in the file");
	ok(config_bool(c, "glusterfs.sshexec.rebalance_on_expansion"),
	   "is not heard, as in heketi");
	ok(set(c, "glusterfs.sshexec.rebalance_on_expansion", "x",
	       CONFIG_STRING, &err) != ERR_OK, "but must have its type");
	config_free(c);
}

static void
test_command_line(void)
{
	struct config *c = config_new();
	struct error err;

	is_int(config_set(c, "enable_tls", "true", CONFIG_STRING, line, &err),
	       ERR_OK, "the command line has only strings");
	ok(config_bool(c, "enable_tls"), "for all types");
	is_int(config_set(c, "enable_tls", "on", CONFIG_STRING, line, &err),
	       ERR_PARSE, "which must be right, too");
	config_free(c);
}

/* ---- sections, checks, printing ---- */

static void
test_sections(void)
{
	CLEANUP(kvs_release) struct kvs local = { 0 };
	CLEANUP(kvs_release) struct kvs store = { 0 };
	struct config *c = config_new();
	struct error err;

	assert(set(c, "executors.local.state_dir", "/s", CONFIG_STRING,
		   &err) == ERR_OK);
	assert(set(c, "executors.local.limit", "5", CONFIG_INT, &err) ==
	       ERR_OK);
	assert(set(c, "executors.local.limit", "6", CONFIG_INT, &err) ==
	       ERR_OK);
	assert(set(c, "executors.local2.limit", "7", CONFIG_INT, &err) ==
	       ERR_OK);
	assert(set(c, "store_options.prefix", "/p/", CONFIG_STRING, &err) ==
	       ERR_OK);
	config_section(c, "executors.local.", &local);
	is_int(local.n, 2, "a plug-in's section holds its values only");
	is_str(kvs_get(&local, "limit"), "6", "the later of equals");
	is_str(config_str(c, "executors.local2.limit"), "7",
	       "they can be read one by one");
	ok(config_is_set(c, "executors.local2.limit"), "and are set");
	config_section(c, "store_options.", &store);
	ok(store.n == 1 && strcmp(kvs_get(&store, "prefix"), "/p/") == 0,
	   "a section of ours holds what was set");
	config_free(c);
}

static const struct {
	const char *key, *value, *key2, *value2;
	const char *text;	/* NULL: sound */
} checks[] = {
	{ "port", "0", NULL, NULL, NULL },
	{ "port", "65536", NULL, NULL, "'port' is '65536', not a port" },
	{ "port", "http", NULL, NULL, "'port' is 'http', not a port" },
	{ "glusterfs.sshexec.port", "ssh", NULL, NULL, "not a port number" },
	{ "glusterfs.sshexec.port", "ssh", "glusterfs.executor", "inject/ssh",
	  "not a port number" },
	{ "glusterfs.sshexec.port", "ssh", "glusterfs.executor", "mock", NULL },
	{ "default_state", "read-only", NULL, NULL, NULL },
	{ "default_state", "off", NULL, NULL,
	  "unable to set admin state: unknown admin state name: off" },
	{ "loglevel", "debug", NULL, NULL, NULL },
	{ "loglevel", "loud", NULL, NULL, "'loglevel' is 'loud'" },
	{ "glusterfs.loglevel", "loud", NULL, NULL, NULL },
	{ "glusterfs.executor", "", NULL, NULL, NULL },
	{ "lease_ttl_ms", "999", NULL, NULL,
	  "command line: 'lease_ttl_ms' (how long a silent replica counts as "
	  "alive) is 999, not 1000 to 600000" },
	{ "running_operations", "0", NULL, NULL, "is 0, not 1 to 10000" },
	{ "glusterfs.brick_min_size_gb", "-1", NULL, NULL, "is -1, not 0 to" },
	{ "glusterfs.brick_min_size_gb", "5", "glusterfs.brick_max_size_gb",
	  "4", "the smallest brick" },
	{ "enable_tls", "true", NULL, NULL, "'enable_tls' needs" },
	{ "enable_tls", "true", "cert_file", "c", "'enable_tls' needs" },
	{ "cert_file", "c", "key_file", "k", NULL },
	{ "store_options.cert_file", "c", NULL, NULL, "need each other" },
	{ "store_options.cert_file", "c", "store_options.key_file", "k", NULL },
};

static void
test_checks(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(checks); i++) {
		struct config *c = config_new();
		struct error err = { 0 };

		assert(config_set(c, checks[i].key, checks[i].value,
				  CONFIG_STRING, line, &err) == ERR_OK);
		if (checks[i].key2 != NULL)
			assert(config_set(c, checks[i].key2, checks[i].value2,
					  CONFIG_STRING, line, &err) == ERR_OK);
		if (checks[i].text == NULL) {
			is_int(config_check(c, &err), ERR_OK, "%s=%s is sound",
			       checks[i].key, checks[i].value);
		} else {
			ok(config_check(c, &err) != ERR_OK, "%s=%s is not",
			   checks[i].key, checks[i].value);
			has_str(err.text, checks[i].text, "with the reason");
		}
		config_free(c);
	}
}

static void
test_print(void)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	struct config *c = config_new();
	struct error err;

	assert(set(c, "jwt.admin.key", "hush", CONFIG_STRING, &err) == ERR_OK);
	assert(set(c, "glusterfs.sshexec.xfs_sw", "4", CONFIG_STRING, &err) ==
	       ERR_OK);
	assert(set(c, "glusterfs.brick_min_size_gb", "0", CONFIG_INT, &err) ==
	       ERR_OK);
	assert(set(c, "executors.x.password", "hush", CONFIG_STRING, &err) ==
	       ERR_OK);
	assert(set(c, "executors.x.keyfile", "/k", CONFIG_STRING, &err) ==
	       ERR_OK);
	setenv("BRICKYARD_STORE", "sqlite:a", 1);
	assert(config_read_environment(c, &err) == ERR_OK);
	unsetenv("BRICKYARD_STORE");
	config_print(c, &b);
	has_str(buf_str(&b), "\nport = 8080    (default)\n", "defaults");
	has_str(buf_str(&b), "store = sqlite:a    (environment "
		"BRICKYARD_STORE)\n", "sources");
	has_str(buf_str(&b), "\njwt.admin.key = ***    (file heketi.json)\n",
		"secrets are not shown");
	has_str(buf_str(&b), "\njwt.user.key =     (default)\n",
		"but that there is none is");
	has_str(buf_str(&b), "\nexecutors.x.password = ***    (",
		"nor what sounds like one");
	has_str(buf_str(&b), "\nexecutors.x.keyfile = /k    (",
		"a file name is none");
	ok(strstr(buf_str(&b), "hush") == NULL, "really");
	has_str(buf_str(&b), "xfs_sw = 4    (file heketi.json, given as a "
		"string)\n", "what was forgiven is told");
	has_str(buf_str(&b), "brick_min_size_gb = 1    (file heketi.json, 0 is "
		"the default)\n", "and what it was taken for");
	config_free(c);
}

static const char *
option(const struct config *c, const char *executor, const char *key)
{
	static const struct brickyard_option options[] = {
		{ "user", BRICKYARD_OPT_STRING, 0, NULL, "" },
		{ "port", BRICKYARD_OPT_STRING, 0, NULL, "" },
		{ "sudo", BRICKYARD_OPT_BOOL, 0, NULL, "" },
		{ "known_hosts", BRICKYARD_OPT_STRING, 0, NULL, "" },
		{ "any_option", BRICKYARD_OPT_BOOL, 0, NULL, "" },
		{ NULL, 0, 0, NULL, NULL },
	};
	struct plugin p = { .name = (char *)executor };
	static char value[64];
	struct kvs k = { 0 };

	p.executor.head.options = options;
	executor_config_options(c, &p, NULL, &k);
	snprintf(value, sizeof(value), "%s", kvs_get(&k, key) != NULL ?
		 kvs_get(&k, key) : "(none)");
	kvs_release(&k);
	return value;
}

static void
test_executor(void)
{
	struct config *c = config_new();
	struct error err;

	is_str(executor_config_name(c), "ssh", "heketi's executor is ours");
	assert(set(c, "glusterfs.executor", "", CONFIG_STRING, &err) == ERR_OK);
	is_str(executor_config_name(c), "ssh", "an empty one is it, too");
	assert(set(c, "glusterfs.executor", "mock", CONFIG_STRING, &err) ==
	       ERR_OK);
	is_str(executor_config_name(c), "simulated", "mock is simulated");
	is_str(option(c, "simulated", "any_option"), "true",
	       "mock takes any volume option");
	is_str(option(c, "ssh", "user"), "(none)",
	       "what is not set is left to the plug-in's default");
	assert(set(c, "glusterfs.sshexec.user", "u", CONFIG_STRING, &err) ==
	       ERR_OK && set(c, "glusterfs.sshexec.sudo", "true", CONFIG_BOOL,
			     &err) == ERR_OK);
	assert(setenv("HEKETI_SSH_PORT", "2222", 1) == 0 &&
	       setenv("SSH_KNOWN_HOSTS", "/k:/l", 1) == 0 &&
	       config_read_environment(c, &err) == ERR_OK);
	is_str(option(c, "ssh", "user"), "u", "sshexec's user is ssh's");
	is_str(option(c, "ssh", "sudo"), "true", "its sudo, too");
	is_str(option(c, "ssh", "port"), "2222", "heketi's variables");
	is_str(option(c, "ssh", "known_hosts"), "/k:/l", "and OpenSSH's");
	is_str(option(c, "local", "user"), "(none)", "not another executor's");
	assert(set(c, "executors.ssh.user", "v", CONFIG_STRING, &err) ==
	       ERR_OK);
	is_str(option(c, "ssh", "user"), "v", "executors.ssh goes before it");
	config_free(c);
	unsetenv("HEKETI_SSH_PORT");
	unsetenv("SSH_KNOWN_HOSTS");
}

/* Nothing of the caller's environment may show. */
static void
clear_environment(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(envs); i++)
		unsetenv(envs[i].env);
}

int
main(void)
{
	clear_environment();
	test_defaults();
	test_types();
	test_unknown();
	test_hints();
	test_hints_have_an_end();
	test_case();
	test_precedence();
	test_environment();
	test_env_only();
	test_command_line();
	test_sections();
	test_checks();
	test_print();
	test_executor();
	return tap_done();
}
