/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Texts that more than one command prints. */
#include <config.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli/fmt.h"
#include "cli/go-words.h"
#include "util/buf.h"

enum { SECOND_THOUGHTS_S = 10 };

json_t *
json_at(const json_t *j, const char *path)
{
	while (j != NULL) {
		size_t n = strcspn(path, ".");
		char name[64];

		snprintf(name, sizeof(name), "%.*s", (int)n, path);
		j = json_object_get(j, name);
		if (path[n] == '\0')
			break;
		path += n + 1;
	}
	return (json_t *)j;
}

const char *
json_str_at(const json_t *j, const char *path)
{
	const char *s = json_string_value(json_at(j, path));

	return s != NULL ? s : "";
}

int64_t
json_int_at(const json_t *j, const char *path)
{
	return json_integer_value(json_at(j, path));
}

bool
json_bool_at(const json_t *j, const char *path)
{
	return json_is_true(json_at(j, path));
}

const char *
json_str_nth(const json_t *array, size_t i)
{
	const char *s = json_string_value(json_array_get(array, i));

	return s != NULL ? s : "";
}

void
json_sorted_keys(const json_t *object, struct strs *ret)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
		strs_add(ret, key);
	strs_sort(ret);
}

/* These can only be inside strings, where Go writes them as escapes. */
static const char *
escape_of(char c)
{
	return c == '<' ? "\\u003c" : c == '>' ? "\\u003e" :
	       c == '&' ? "\\u0026" : NULL;
}

char *
json_text(const json_t *j, size_t flags)
{
	/* Fifteen digits: a decimal of the server's comes out as it came in. */
	CLEANUP_FREE char *s = json_dumps(j, flags | JSON_ENCODE_ANY |
						JSON_REAL_PRECISION(15));
	struct buf b = { 0 };

	for (const char *p = s != NULL ? s : ""; *p != '\0';) {
		size_t n = strcspn(p, "<>&");

		buf_add(&b, p, n);
		p += n;
		if (*p != '\0')
			buf_adds(&b, escape_of(*p++));
	}
	return buf_steal(&b);
}

void
print_json(const json_t *j)
{
	CLEANUP_FREE char *s = json_text(j, JSON_COMPACT);

	fputs(s, stdout);
}

json_t *
split_words(const char *s)
{
	CLEANUP(strs_release) struct strs words = { 0 };
	json_t *list;

	if (s[0] == '\0')
		return NULL;
	list = json_array();
	strs_split(&words, s, ',');
	for (size_t i = 0; i < words.n; i++)
		json_array_append_new(list, json_string(words.v[i]));
	return list;
}

const char *
yes_no(bool b)
{
	return b ? "true" : "false";
}

const char *
state_word(const json_t *object)
{
	const char *s = json_str_at(object, "state");

	return strcmp(s, "failed") == 0 ? "removed" : s;
}

int64_t
kib_to_gib(const json_t *object, const char *path)
{
	return json_int_at(object, path) / (1024 * 1024);
}

void
print_joined(const json_t *array, const char *separator)
{
	json_t *v;
	size_t i;

	json_array_foreach(array, i, v) {
		const char *s = json_string_value(v);

		printf("%s%s", i > 0 ? separator : "", s != NULL ? s : "");
	}
}

void
print_tags(const json_t *object)
{
	const json_t *tags = json_at(object, "tags");
	CLEANUP(strs_release) struct strs keys = { 0 };

	if (json_object_size(tags) == 0)
		return;
	puts("Tags:");
	json_sorted_keys(tags, &keys);
	for (size_t i = 0; i < keys.n; i++)
		printf("  %s: %s\n", keys.v[i],
		       json_string_value(json_object_get(tags, keys.v[i])));
}

void
print_node(const json_t *n)
{
	printf("Node Id: %s\n", json_str_at(n, "id"));
	printf("State: %s\n", state_word(n));
	printf("Cluster Id: %s\n", json_str_at(n, "cluster"));
	printf("Zone: %lld\n", (long long)json_int_at(n, "zone"));
	printf("Management Hostname: %s\n",
	       json_str_nth(json_at(n, "hostnames.manage"), 0));
	printf("Storage Hostname: %s\n",
	       json_str_nth(json_at(n, "hostnames.storage"), 0));
	print_tags(n);
}

/* The server echoes what was asked for.  A volume that was made without saying
 * how many replicas has two.
 */
int64_t
volume_replica(const json_t *v)
{
	int64_t n = json_int_at(v, "durability.replicate.replica");

	return n > 0 ? n : 2;
}

/* The last one that was given counts. */
static bool
has_arbiter(const json_t *v)
{
	static const char option[] = "user.heketi.arbiter ";
	size_t n = sizeof(option) - 1;
	bool yes = false;
	json_t *e;
	size_t i;

	json_array_foreach(json_at(v, "glustervolumeoptions"), i, e) {
		const char *s = json_string_value(e);

		if (s != NULL && strncmp(s, option, n) == 0 &&
		    !go_parse_bool(s + n, &yes))
			yes = false;
	}
	return yes;
}

int64_t
volume_sets(const json_t *v)
{
	const char *type = json_str_at(v, "durability.type");
	int64_t bricks = (int64_t)json_array_size(json_at(v, "bricks"));
	int64_t per_set = 1;

	/* Two copies and an arbiter are three bricks. */
	if (strcmp(type, "replicate") == 0)
		per_set = volume_replica(v) == 2 && has_arbiter(v) ? 3 :
			  volume_replica(v);
	else if (strcmp(type, "disperse") == 0)
		per_set = json_int_at(v, "durability.disperse.data") +
			  json_int_at(v, "durability.disperse.redundancy");
	return per_set > 0 ? bricks / per_set : 0;
}

void
print_mount_options(const json_t *v)
{
	const json_t *options = json_at(v, "mount.glusterfs.options");
	CLEANUP(strs_release) struct strs keys = { 0 };

	json_sorted_keys(options, &keys);
	for (size_t i = 0; i < keys.n; i++) {
		const char *s = json_string_value(
			json_object_get(options, keys.v[i]));

		printf("%s=%s", keys.v[i], s != NULL ? s : "");
	}
}

static const char *
restriction_word(const json_t *v)
{
	const char *s = json_str_at(v, "blockinfo.restriction");

	return s[0] != '\0' ? s : "(none)";
}

static void
print_durability(const json_t *v)
{
	const char *type = json_str_at(v, "durability.type");

	printf("Durability Type: %s\n", type);
	printf("Distribute Count: %lld\n", (long long)volume_sets(v));
	if (strcmp(type, "replicate") == 0)
		printf("Replica Count: %lld\n", (long long)volume_replica(v));
	if (strcmp(type, "disperse") != 0)
		return;
	printf("Disperse Data Count: %lld\n",
	       (long long)json_int_at(v, "durability.disperse.data"));
	printf("Disperse Redundancy Count: %lld\n",
	       (long long)json_int_at(v, "durability.disperse.redundancy"));
}

void
print_volume(const json_t *v)
{
	printf("Name: %s\n", json_str_at(v, "name"));
	printf("Size: %lld\n", (long long)json_int_at(v, "size"));
	printf("Volume Id: %s\n", json_str_at(v, "id"));
	printf("Cluster Id: %s\n", json_str_at(v, "cluster"));
	printf("Mount: %s\n", json_str_at(v, "mount.glusterfs.device"));
	printf("Mount Options: ");
	print_mount_options(v);
	printf("\nBlock: %s\n", yes_no(json_bool_at(v, "block")));
	printf("Free Size: %lld\n",
	       (long long)json_int_at(v, "blockinfo.freesize"));
	printf("Reserved Size: %lld\n",
	       (long long)json_int_at(v, "blockinfo.reservedsize"));
	printf("Block Hosting Restriction: %s\n", restriction_word(v));
	printf("Block Volumes: [");
	print_joined(json_at(v, "blockinfo.blockvolume"), " ");
	puts("]");
	print_durability(v);
	/* heketi-cli's empty line after it, too */
	if (json_bool_at(v, "snapshot.enable"))
		printf("Snapshot Factor: %.2f\n\n",
		       json_number_value(json_at(v, "snapshot.factor")));
}

void
think_twice_about_healing(void)
{
	puts("Skipping the heal check may be dangerous and increase the risk"
	     " of data loss.\n"
	     " Press CTRL-C within 10 seconds to cancel this action.");
	fflush(stdout);
	sleep(SECOND_THOUGHTS_S);
}
