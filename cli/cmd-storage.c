/* SPDX-License-Identifier: GPL-2.0-or-later */
/* brickyard setup-openshift-heketi-storage: a volume for heketi's database, and
 * a file of objects with which Kubernetes copies the database there.  Installers
 * of heketi call it; Brickyard itself keeps its state elsewhere.
 */
#include <config.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "cli/cli.h"
#include "cli/fmt.h"
#include "cli/storage-list.h"
#include "cli/topology-tree.h"

#define VOLUME_NAME "heketidbstorage"

enum { VOLUME_GIB = 2 };

static const char default_options[] =
	"performance.stat-prefetch off,performance.write-behind off,"
	"performance.open-behind off,performance.quick-read off,"
	"performance.strict-o-direct on,performance.read-ahead off,"
	"performance.io-cache off,performance.readdir-ahead off,"
	"user.heketi.dbstoragelevel 1";

static enum err
check_durability(const char *type, struct error *err)
{
	if (strcmp(type, "none") == 0 || strcmp(type, "replicate") == 0)
		return ERR_OK;
	if (strcmp(type, "disperse") == 0)
		return fail(err, ERR_BADREQ, "Durability %s is not supported"
			    " for heketi database storage", type);
	return fail(err, ERR_BADREQ, "%s is not a valid durability type", type);
}

static enum err
check_absent(struct cli *cli, struct error *err)
{
	json_auto_t *t = NULL;
	json_t *c, *v;
	size_t i, k;
	enum err e = topology_fetch(cli, TOPOLOGY_VOLUMES, &t, err);

	if (e != ERR_OK)
		return e;
	json_array_foreach(json_at(t, "clusters"), i, c)
		json_array_foreach(json_at(c, "volumes"), k, v)
			if (strcmp(json_str_at(v, "name"), VOLUME_NAME) == 0)
				return fail(err, ERR_EXISTS, "Volume %s already"
					    " exists", VOLUME_NAME);
	return ERR_OK;
}

static json_t *
volume_options(const struct args *a)
{
	CLEANUP(buf_release) struct buf b = { 0 };
	const char *own = args_str(a, "gluster-volume-options");
	const char *more = args_str(a, "append-volume-options");

	buf_adds(&b, own[0] != '\0' ? own : default_options);
	if (own[0] != '\0')
		buf_adds(&b, ",user.heketi.dbstoragelevel custom");
	if (more[0] != '\0')
		buf_addf(&b, ",%s", more);
	return split_words(buf_str(&b));
}

static enum err
create_volume(struct cli *cli, json_t **ret, struct error *err)
{
	const char *type = args_str(&cli->args, "durability");
	int64_t replica = args_int(&cli->args, "replica");
	bool has_replica = strcmp(type, "replicate") == 0 && replica != 0;
	json_t *body = json_pack(
		"{s:i, s:s, s:{s:s, s:{s:o*}, s:{}}, s:o, s:{s:b, s:i}}",
		"size", VOLUME_GIB, "name", VOLUME_NAME, "durability", "type",
		type, "replicate", "replica",
		has_replica ? json_integer(replica) : NULL, "disperse",
		"glustervolumeoptions", volume_options(&cli->args), "snapshot",
		"enable", 0, "factor", 0);

	return cli_call(cli, "POST", "volumes", NULL, NULL, body, ret, err);
}

/* For the owner's eyes only: the database has passwords of block volumes. */
static enum err
save(const char *file, const json_t *list, struct error *err)
{
	CLEANUP_FREE char *text = json_text(list, JSON_INDENT(2));
	int fd = open(file, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
	FILE *f = fd >= 0 ? fdopen(fd, "w") : NULL;
	int bad;

	if (f == NULL)
		return fail(err, ERR_INTERNAL, "open %s: %m", file);
	bad = fputs(text, f) < 0;
	bad |= fclose(f) != 0;
	if (bad)
		return fail(err, ERR_INTERNAL, "write %s: %m", file);
	return ERR_OK;
}

static enum err
write_list(struct cli *cli, const json_t *volume, struct error *err)
{
	const struct storage_job job = {
		.image = args_str(&cli->args, "image"),
		.selector = args_str(&cli->args, "node-selector"),
	};
	const char *file = args_str(&cli->args, "listfile");
	CLEANUP(buf_release) struct buf db = { 0 };
	json_auto_t *list = NULL;
	struct error why;

	if (cli_fetch(cli, "backup", NULL, "db", &db, &why) != ERR_OK)
		return fail(err, ERR_REFUSED, "ERROR: %s\nUnable to get"
			    " database from Heketi server", why.text);
	list = storage_list(volume, &db, &job);
	printf("Saving %s\n", file);
	return save(file, list, err);
}

enum err
cmd_setup_storage(struct cli *cli, struct error *err)
{
	json_auto_t *volume = NULL;
	struct error ignored;
	enum err e = check_durability(args_str(&cli->args, "durability"), err);

	if (e == ERR_OK)
		e = check_absent(cli, err);
	if (e == ERR_OK)
		e = create_volume(cli, &volume, err);
	if (e != ERR_OK)
		return e;
	e = write_list(cli, volume, err);
	if (e != ERR_OK) {
		fputs("Cleaning up\n", stderr);
		(void)!cli_call(cli, "DELETE", "volumes",
				json_str_at(volume, "id"), NULL, NULL, NULL,
				&ignored);
	}
	return e;
}
