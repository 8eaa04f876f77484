/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Every key of a heketi.json and every variable, with the default that heketi has
 * (heketi-behaviour 6.1, 6.2), one by one.
 */
#include <config.h>

#include "configuration.h"
#include "util/xalloc.h"

#include "tests/tap.h"

static const struct {
	const char *key, *dflt;
	const char *env;	/* NULL: none */
} heketis[] = {
	{ "port", "8080", "HEKETI_HTTP_PORT" },
	{ "use_auth", "false", NULL },
	{ "jwt.admin.key", "", "HEKETI_ADMIN_KEY" },
	{ "jwt.user.key", "", "HEKETI_USER_KEY" },
	{ "backup_db_to_kube_secret", "false",
	  "HEKETI_BACKUP_DB_TO_KUBE_SECRET" },
	{ "enable_tls", "false", NULL },
	{ "cert_file", "", NULL },
	{ "key_file", "", NULL },
	{ "profiling", "false", "HEKETI_PROFILING" },
	{ "default_state", "normal", "HEKETI_DEFAULT_STATE" },
	{ "kube_db_secret_name", "heketi-db-backup",
	  "HEKETI_KUBE_DB_SECRET_NAME" },
	{ "jwt.iat_leeway_seconds", "120", "HEKETI_JWT_IAT_LEEWAY_SECONDS" },
	{ "mock_device_size_gb", "500", "HEKETI_MOCK_DEVICE_SIZE_GB" },
	{ "glusterfs.db", "heketi.db", "HEKETI_DB_PATH" },
	{ "glusterfs.db_read_only", "false", NULL },
	{ "glusterfs.executor", "ssh", "HEKETI_EXECUTOR" },
	{ "glusterfs.allocator", "", NULL },
	{ "glusterfs.loglevel", "", "HEKETI_GLUSTERAPP_LOGLEVEL" },
	{ "glusterfs.brick_max_size_gb", "4096", NULL },
	{ "glusterfs.brick_min_size_gb", "1", NULL },
	{ "glusterfs.max_bricks_per_volume", "32", NULL },
	{ "glusterfs.average_file_size_kb", "64", NULL },
	{ "glusterfs.pre_request_volume_options", "",
	  "HEKETI_PRE_REQUEST_VOLUME_OPTIONS" },
	{ "glusterfs.post_request_volume_options", "",
	  "HEKETI_POST_REQUEST_VOLUME_OPTIONS" },
	{ "glusterfs.zone_checking", "none", "HEKETI_ZONE_CHECKING" },
	{ "glusterfs.max_volumes_per_cluster", "1000",
	  "HEKETI_GLUSTER_MAX_VOLUMES_PER_CLUSTER" },
	{ "glusterfs.auto_create_block_hosting_volume", "false",
	  "HEKETI_AUTO_CREATE_BLOCK_HOSTING_VOLUME" },
	{ "glusterfs.block_hosting_volume_size", "1024",
	  "HEKETI_BLOCK_HOSTING_VOLUME_SIZE" },
	{ "glusterfs.block_hosting_volume_options", "group gluster-block",
	  "HEKETI_BLOCK_HOSTING_VOLUME_OPTIONS" },
	{ "glusterfs.disable_monitor_gluster_nodes", "false",
	  "HEKETI_DISABLE_HEALTH_MONITOR" },
	{ "glusterfs.refresh_time_monitor_gluster_nodes", "120", NULL },
	{ "glusterfs.start_time_monitor_gluster_nodes", "10", NULL },
	{ "glusterfs.max_inflight_operations", "8",
	  "HEKETI_MAX_INFLIGHT_OPERATIONS" },
	{ "glusterfs.disable_background_cleaner", "false",
	  "HEKETI_DISABLE_BACKGROUND_CLEANER" },
	{ "glusterfs.refresh_time_background_cleaner", "3600", NULL },
	{ "glusterfs.start_time_background_cleaner", "60", NULL },
	{ "glusterfs.operation_retry_limits.volume_create", "4", NULL },
	{ "glusterfs.sshexec.fstab", "/etc/fstab", "HEKETI_FSTAB" },
	{ "glusterfs.sshexec.mountopts", "rw,inode64,noatime,nouuid",
	  "HEKETI_MOUNT_OPTS" },
	{ "glusterfs.sshexec.sudo", "false", NULL },
	{ "glusterfs.sshexec.snapshot_limit", "0", "HEKETI_SNAPSHOT_LIMIT" },
	{ "glusterfs.sshexec.rebalance_on_expansion", "true",
	  "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION" },
	{ "glusterfs.sshexec.backup_lvm_metadata", "false", NULL },
	{ "glusterfs.sshexec.gluster_cli_timeout", "600",
	  "HEKETI_GLUSTER_CLI_TIMEOUT" },
	{ "glusterfs.sshexec.pv_data_alignment", "256K", NULL },
	{ "glusterfs.sshexec.vg_physicalextentsize", "4M", NULL },
	{ "glusterfs.sshexec.lv_chunksize", "256K", NULL },
	{ "glusterfs.sshexec.xfs_sw", "0", NULL },
	{ "glusterfs.sshexec.xfs_su", "0", NULL },
	{ "glusterfs.sshexec.debug_umount_failures", "false",
	  "HEKETI_DEBUG_UMOUNT_FAILURES" },
	{ "glusterfs.sshexec.block_prealloc", "full",
	  "HEKETI_BLOCK_VOLUME_DEFAULT_PREALLOC" },
	{ "glusterfs.sshexec.lvm_wrapper", "", "HEKETI_LVM_WRAPPER" },
	{ "glusterfs.kubeexec.fstab", "/etc/fstab", "HEKETI_FSTAB" },
	{ "glusterfs.kubeexec.mountopts", "rw,inode64,noatime,nouuid",
	  "HEKETI_MOUNT_OPTS" },
	{ "glusterfs.kubeexec.sudo", "false", NULL },
	{ "glusterfs.kubeexec.snapshot_limit", "0", "HEKETI_SNAPSHOT_LIMIT" },
	{ "glusterfs.kubeexec.rebalance_on_expansion", "true",
	  "HEKETI_GLUSTERAPP_REBALANCE_ON_EXPANSION" },
	{ "glusterfs.kubeexec.backup_lvm_metadata", "false", NULL },
	{ "glusterfs.kubeexec.gluster_cli_timeout", "600",
	  "HEKETI_GLUSTER_CLI_TIMEOUT" },
	{ "glusterfs.kubeexec.pv_data_alignment", "256K", NULL },
	{ "glusterfs.kubeexec.vg_physicalextentsize", "4M", NULL },
	{ "glusterfs.kubeexec.lv_chunksize", "256K", NULL },
	{ "glusterfs.kubeexec.xfs_sw", "0", NULL },
	{ "glusterfs.kubeexec.xfs_su", "0", NULL },
	{ "glusterfs.kubeexec.debug_umount_failures", "false",
	  "HEKETI_DEBUG_UMOUNT_FAILURES" },
	{ "glusterfs.kubeexec.block_prealloc", "full",
	  "HEKETI_BLOCK_VOLUME_DEFAULT_PREALLOC" },
	{ "glusterfs.kubeexec.lvm_wrapper", "", "HEKETI_LVM_WRAPPER" },
	{ "glusterfs.sshexec.keyfile", "", "HEKETI_SSH_KEYFILE" },
	{ "glusterfs.sshexec.user", "heketi", "HEKETI_SSH_USER" },
	{ "glusterfs.sshexec.port", "22", "HEKETI_SSH_PORT" },
	{ "glusterfs.sshexec.known_hosts", "", "SSH_KNOWN_HOSTS" },
	{ "glusterfs.kubeexec.namespace", "", "HEKETI_KUBE_NAMESPACE" },
	{ "glusterfs.kubeexec.gluster_daemonset", "false",
	  "HEKETI_KUBE_GLUSTER_DAEMONSET" },
	{ "glusterfs.kubeexec.use_pod_names", "false",
	  "HEKETI_KUBE_USE_POD_NAMES" },
	{ "glusterfs.kubeexec.max_connections", "64", NULL },
	{ "glusterfs.kubeexec.disable_timeout_prefix", "false", NULL },
};

/* A value that is not the default and that each type of key takes. */
static const char *
other_value(const char *dflt)
{
	if (strcmp(dflt, "false") == 0)
		return "true";
	if (strcmp(dflt, "true") == 0)
		return "false";
	return "77";
}

/* What each variable hears for that. */
static const char *
spoken(const char *value)
{
	return strcmp(value, "77") == 0 ? "77" : value[0] == 't' ? "true" : "f";
}

/* Those want a value of their own type. */
static bool
is_number_or_bool(const char *dflt)
{
	return strcmp(dflt, "true") == 0 || strcmp(dflt, "false") == 0 ||
	       (dflt[0] != '\0' && strspn(dflt, "0123456789") == strlen(dflt));
}

/* Of a file, where a value has a type of its own. */
static void
test_wrong_types(const char *key, const char *dflt)
{
	static const char *const values[] = {
		[CONFIG_STRING] = "true", [CONFIG_INT] = "1",
		[CONFIG_BOOL] = "true",
	};
	static const char *const words[] = {
		[CONFIG_STRING] = "a string", [CONFIG_INT] = "a whole number",
		[CONFIG_BOOL] = "true or false",
	};
	enum config_type own = !is_number_or_bool(dflt) ? CONFIG_STRING :
			       dflt[0] >= '0' && dflt[0] <= '9' ? CONFIG_INT :
								  CONFIG_BOOL;
	bool is_port = strcmp(key, "port") == 0 ||
		       strcmp(key, "glusterfs.sshexec.port") == 0;

	if (is_port)
		own = CONFIG_STRING;
	for (int type = CONFIG_STRING; type <= CONFIG_BOOL; type++) {
		CLEANUP_FREE char *want = xasprintf("Unable to parse "
			"configuration: file: '%s' must be %s", key, words[own]);
		struct error err = { 0 };
		struct config *c;

		if (type == (int)own || (is_port && type == CONFIG_INT))
			continue;
		c = config_new();
		if (ok(config_set(c, key, values[type],
				  (enum config_type)type, "file", &err) ==
		       ERR_PARSE, "%s: %s is refused", key, words[type]))
			is_str(err.text, want, "and named");
		is_str(config_str(c, key), dflt, "the default stays");
		config_free(c);
	}
}

static void
test_key(size_t i)
{
	const char *key = heketis[i].key;
	const char *want = other_value(heketis[i].dflt);
	struct config *c = config_new();
	struct error err = { 0 };
	enum err e;

	is_str(config_str(c, key), heketis[i].dflt, "%s has its default", key);
	e = config_set(c, key, "", CONFIG_STRING, "file", &err);
	ok((e == ERR_OK || is_number_or_bool(heketis[i].dflt)) &&
	   strcmp(config_str(c, key), heketis[i].dflt) == 0,
	   "also when it is empty");
	e = config_set(c, key, want, CONFIG_STRING, "command line", &err);
	ok(e == ERR_OK && strcmp(config_str(c, key), want) == 0 &&
	   config_warnings(c)->n == 0, "and can be set");
	config_free(c);
	if (heketis[i].env == NULL)
		return;
	c = config_new();
	/* "y" is what the two of Kubernetes hear. */
	setenv(heketis[i].env, strstr(key, "kubeexec.gluster_d") != NULL ||
	       strstr(key, "kubeexec.use_pod") != NULL ? "y" : spoken(want), 1);
	e = config_read_environment(c, &err);
	unsetenv(heketis[i].env);
	is_int(e, ERR_OK, "%s is heard", heketis[i].env);
	is_str(config_str(c, key), want, "for it");
	config_free(c);
}

int
main(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(heketis); i++)
		if (heketis[i].env != NULL)
			unsetenv(heketis[i].env);
	for (size_t i = 0; i < ARRAY_SIZE(heketis); i++) {
		test_wrong_types(heketis[i].key, heketis[i].dflt);
		test_key(i);
	}
	return tap_done();
}
