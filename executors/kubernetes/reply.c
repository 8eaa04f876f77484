/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the API server says, in JSON: pods, and Status objects.  The only file of
 * this executor that knows JSON.
 */
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "kubernetes.h"

static void
json_release(json_t **j)
{
	json_decref(*j);
}

static json_t *
load(const struct text *t)
{
	return json_loadb(text_str(t), t->len, JSON_ALLOW_NUL, NULL);
}

static const char *
str_at(const json_t *j, const char *key)
{
	const char *s = json_string_value(json_object_get(j, key));

	return s != NULL ? s : "";
}

/* ---- pods ---- */

/* "waiting: CrashLoopBackOff: back-off 5m0s restarting ..." */
static void
read_state(const json_t *state, struct container *c)
{
	const char *key, *reason, *message;
	json_t *value;

	c->is_running = json_object_get(state, "running") != NULL;
	json_object_foreach((json_t *)state, key, value) {
		char s[600];

		reason = str_at(value, "reason");
		message = str_at(value, "message");
		snprintf(s, sizeof(s), "%s%s%s%s%s", key,
			 reason[0] != '\0' ? ": " : "", reason,
			 message[0] != '\0' ? ": " : "", message);
		copy_words(c->why_not, sizeof(c->why_not), s);
		return;
	}
}

static void
read_states(const json_t *status, struct pod *p)
{
	json_t *list = json_object_get(status, "containerStatuses"), *s;
	size_t i;

	json_array_foreach(list, i, s)
		for (size_t c = 0; c < p->ncontainers; c++)
			if (strcmp(p->containers[c].name,
				   str_at(s, "name")) == 0)
				read_state(json_object_get(s, "state"),
					   &p->containers[c]);
}

/* "Unschedulable: 0/3 nodes are available", if it says so. */
static void
read_why(const json_t *status, struct pod *p)
{
	json_t *list = json_object_get(status, "conditions"), *c;
	const char *reason = str_at(status, "reason");
	const char *message = str_at(status, "message");
	char s[600];
	size_t i;

	json_array_foreach(list, i, c) {
		if (reason[0] != '\0' || message[0] != '\0')
			break;
		if (strcmp(str_at(c, "status"), "False") == 0) {
			reason = str_at(c, "reason");
			message = str_at(c, "message");
		}
	}
	snprintf(s, sizeof(s), "%s%s%s", reason,
		 reason[0] != '\0' && message[0] != '\0' ? ": " : "", message);
	copy_words(p->why, sizeof(p->why), s);
}

static void
read_pod(const json_t *j, struct pod *p)
{
	const json_t *meta = json_object_get(j, "metadata");
	const json_t *spec = json_object_get(j, "spec");
	const json_t *status = json_object_get(j, "status");
	json_t *c;
	size_t i;

	memset(p, 0, sizeof(*p));
	snprintf(p->name, sizeof(p->name), "%s", str_at(meta, "name"));
	snprintf(p->node, sizeof(p->node), "%s", str_at(spec, "nodeName"));
	snprintf(p->phase, sizeof(p->phase), "%s", str_at(status, "phase"));
	p->is_dying = str_at(meta, "deletionTimestamp")[0] != '\0';
	json_array_foreach(json_object_get(spec, "containers"), i, c) {
		if (i == CONTAINERS_MAX)
			break;
		snprintf(p->containers[i].name, sizeof(p->containers[i].name),
			 "%s", str_at(c, "name"));
		p->ncontainers = i + 1;
	}
	read_states(status, p);
	read_why(status, p);
}

int
reply_pods(const struct text *t, struct pod **ret, size_t *ret_n,
	   struct fault *f)
{
	CLEANUP(json_release) json_t *j = load(t);
	const json_t *items = json_object_get(j, "items");
	const char *kind = str_at(j, "kind");
	bool is_list = strcmp(kind, "PodList") == 0;
	size_t n = is_list ? json_array_size(items) : 1;
	struct pod *p;

	if (!is_list && strcmp(kind, "Pod") != 0)
		return fault_set(f, BRICKYARD_ERR_PERMANENT, "the API server's "
				 "answer is no pod and no list of pods: is it "
				 "one?");
	p = calloc(n + 1, sizeof(*p));
	if (p == NULL)
		return fault_nomem(f);
	for (size_t i = 0; i < n; i++)
		read_pod(is_list ? json_array_get(items, i) : j, &p[i]);
	*ret = p;
	*ret_n = n;
	return 0;
}

/* ---- Status ---- */

void
reply_message(const struct text *t, char *ret, size_t size)
{
	CLEANUP(json_release) json_t *j = load(t);
	const char *s = str_at(j, "message");

	copy_words(ret, size, s[0] != '\0' ? s : text_str(t));
}

static void
read_causes(const json_t *details, struct exec_status *ret)
{
	json_t *c;
	size_t i;

	json_array_foreach(json_object_get(details, "causes"), i, c) {
		if (strcmp(str_at(c, "reason"), "ExitCode") != 0)
			continue;
		ret->code = (unsigned)strtoul(str_at(c, "message"), NULL, 10);
		ret->has_code = true;
	}
}

int
reply_exec_status(const struct text *t, struct exec_status *ret)
{
	CLEANUP(json_release) json_t *j = load(t);
	const char *status = str_at(j, "status");

	memset(ret, 0, sizeof(*ret));
	if (status[0] == '\0')
		return -1;
	ret->is_success = strcmp(status, "Success") == 0;
	ret->has_code = ret->is_success;
	if (!ret->is_success)
		read_causes(json_object_get(j, "details"), ret);
	copy_words(ret->message, sizeof(ret->message), str_at(j, "message"));
	return 0;
}
