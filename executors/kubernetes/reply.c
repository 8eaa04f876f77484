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

/* "waiting: CrashLoopBackOff: back-off 5m0s restarting ...", "terminated: Error:
 * exit code 1"; empty: nothing is said.
 */
static void
read_state(const json_t *state, char *ret, size_t size)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)state, key, value) {
		const char *reason = str_at(value, "reason");
		const char *message = str_at(value, "message");
		const json_t *code = json_object_get(value, "exitCode");
		char s[600], number[40] = "";

		if (json_is_integer(code))
			snprintf(number, sizeof(number), ": exit code %d",
				 (int)json_integer_value(code));
		snprintf(s, sizeof(s), "%s%s%s%s%s%s", key,
			 reason[0] != '\0' ? ": " : "", reason, number,
			 message[0] != '\0' ? ": " : "", message);
		copy_words(ret, size, s);
		return;
	}
}

static void
read_container(const json_t *status, struct container *c)
{
	const json_t *state = json_object_get(status, "state");

	c->is_running = json_object_get(state, "running") != NULL;
	read_state(state, c->state, sizeof(c->state));
	read_state(json_object_get(status, "lastState"), c->before,
		   sizeof(c->before));
}

/* Those before the containers: the one that holds them up. */
static void
read_init(const json_t *status, struct pod *p)
{
	json_t *list = json_object_get(status, "initContainerStatuses"), *s;
	char state[500];
	size_t i;

	json_array_foreach(list, i, s) {
		const json_t *now = json_object_get(s, "state");
		const json_t *end = json_object_get(now, "terminated");

		if (json_is_true(json_object_get(s, "ready")) || (end != NULL &&
		    json_integer_value(json_object_get(end, "exitCode")) == 0))
			continue;
		state[0] = '\0';
		read_state(now, state, sizeof(state));
		if (state[0] == '\0')
			continue;
		snprintf(p->init, sizeof(p->init), "init container %.63s: %s",
			 str_at(s, "name"), state);
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
				read_container(s, &p->containers[c]);
}

static void
read_ready(const json_t *condition, struct pod *p)
{
	const char *since = str_at(condition, "lastTransitionTime");

	copy_words(p->not_ready_since, sizeof(p->not_ready_since),
		   since[0] != '\0' ? since : "some time");
	p->is_lost = str_at(condition, "reason")[0] == '\0' &&
		strcmp(p->phase, "Running") == 0;
}

/* "Unschedulable: 0/3 nodes are available", if it says so. */
static void
read_why(const json_t *status, struct pod *p)
{
	json_t *list = json_object_get(status, "conditions"), *c;
	const char *reason = str_at(status, "reason");
	const char *message = str_at(status, "message");
	bool has_words = reason[0] != '\0' || message[0] != '\0';
	char s[600];
	size_t i;

	json_array_foreach(list, i, c) {
		/* That it is to be disrupted is true when it is bad. */
		bool is_bad = strcmp(str_at(c, "status"), strcmp(
			str_at(c, "type"), "DisruptionTarget") == 0 ?
			"True" : "False") == 0;

		if (is_bad && strcmp(str_at(c, "type"), "Ready") == 0)
			read_ready(c, p);
		if (!is_bad || has_words)
			continue;
		reason = str_at(c, "reason");
		message = str_at(c, "message");
		has_words = reason[0] != '\0' || message[0] != '\0';
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
	read_init(status, p);
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

/* A server that does not get through to a kubelet names what it asked: a URL with
 * the whole command, behind which the reason would be lost.
 */
static void
copy_without_url(char *ret, size_t size, const char *s)
{
	const char *at = strstr(s, "Post \"http");
	const char *end = at != NULL ? strstr(at, "\": ") : NULL;
	CLEANUP_TEXT struct text t = { 0 };

	if (end != NULL) {
		text_add(&t, s, (size_t)(at - s));
		text_addf(&t, "%s", end + strlen("\": "));
		s = text_str(&t);
	}
	copy_words(ret, size, s);
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
	copy_without_url(ret->message, sizeof(ret->message),
			 str_at(j, "message"));
	return 0;
}
