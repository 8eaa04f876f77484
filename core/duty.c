/* SPDX-License-Identifier: GPL-2.0-or-later */
/* One thread a duty.  It looks every second who has it, in memory, and takes it
 * when nobody does.  Lock: duty->lock guards stopping's wake-up only; nothing
 * else is taken under it.
 */
#include <config.h>

#include <stdlib.h>
#include <string.h>

#include "duty.h"
#include "util/clock.h"
#include "util/log.h"
#include "util/xalloc.h"

#define LOOK_MS 1000

struct duty {
	struct duty_rules rules;
	const struct engine_deps *deps;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	_Atomic bool stopping;
	bool ours;			/* the thread's own */
	int64_t next_ms;
};

bool
duty_is_over(const struct duty *d)
{
	struct store *s = mirror_store(d->deps->mirror);

	return d->stopping || clock_mono_ms() >= store_lease_deadline_ms(s);
}

static int
call_cancelled(const struct brickyard_call *call)
{
	return duty_is_over(((const struct duty_call *)call)->duty);
}

void
duty_call_init(struct duty_call *c, const struct duty *d, int timeout_s)
{
	*c = (struct duty_call){
		.call = {
			.size = sizeof(c->call),
			.deadline_ms = clock_mono_ms() + timeout_s * 1000LL,
			.cancelled = call_cancelled,
		},
		.duty = d,
	};
}

static bool
claim(struct duty *d)
{
	struct index_entry *e = index_new(RECORD_DUTY, d->rules.name,
					  d->deps->replica_id);
	TXN_SCOPE struct txn t = { 0 };
	struct error err;
	enum err r;

	txn_put_leased(&t, &e->r);
	record_unref(&e->r);
	r = txn_commit(&t, d->deps->mirror, &err);
	if (r != ERR_OK && r != ERR_CONFLICT)
		log_info("duty %s: %s, retrying", d->rules.name, err.text);
	return r == ERR_OK;
}

static bool
is_ours(struct duty *d)
{
	RECORD_SCOPE struct index_entry *e = (void *)mirror_get(
		d->deps->mirror, RECORD_DUTY, d->rules.name);
	bool ours;

	if (duty_is_over(d))
		return false;
	ours = e != NULL ? strcmp(e->value, d->deps->replica_id) == 0 :
			   claim(d);
	if (ours && !d->ours)
		log_info("duty %s is ours", d->rules.name);
	d->ours = ours;
	return ours;
}

static void
sleep_a_while(struct duty *d)
{
	int64_t until = clock_mono_ms() + LOOK_MS;
	LOCK_FOR_SCOPE(&d->lock);

	if (d->next_ms < until && d->ours)
		until = d->next_ms;
	while (!d->stopping && clock_mono_ms() < until)
		cond_wait_until(&d->wake, &d->lock, until);
}

static void *
run(void *arg)
{
	struct duty *d = arg;
	char name[16];	/* what the kernel takes */

	snprintf(name, sizeof(name), "duty-%s", d->rules.name);
	pthread_setname_np(pthread_self(), name);
	while (!d->stopping) {
		if (is_ours(d) && clock_mono_ms() >= d->next_ms) {
			d->rules.run(d, d->deps);
			d->next_ms = clock_mono_ms() + d->rules.every_ms;
		}
		sleep_a_while(d);
	}
	return NULL;
}

struct duty *
duty_start(const struct duty_rules *rules, const struct engine_deps *deps)
{
	struct duty *d = XNEW(struct duty);
	int r;

	d->rules = *rules;
	d->deps = deps;
	d->next_ms = clock_mono_ms() + rules->first_ms;
	pthread_mutex_init(&d->lock, NULL);
	cond_init_mono(&d->wake);
	r = pthread_create(&d->thread, NULL, run, d);
	assert(r == 0);
	(void)r;
	return d;
}

void
duty_cancel(struct duty *d)
{
	if (d == NULL)
		return;
	LOCK_FOR_SCOPE(&d->lock);
	d->stopping = true;
	pthread_cond_signal(&d->wake);
}

void
duty_stop(struct duty *d)
{
	if (d == NULL)
		return;
	duty_cancel(d);
	pthread_join(d->thread, NULL);
	pthread_mutex_destroy(&d->lock);
	pthread_cond_destroy(&d->wake);
	free(d);
}
