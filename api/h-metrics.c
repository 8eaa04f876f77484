/* SPDX-License-Identifier: GPL-2.0-or-later */
/* /metrics: heketi's, by its names and labels, and our own.  Runs on the slow
 * workers of the API; anybody may ask.  What it costs grows with nodes and devices,
 * which it names one by one, and not with volumes.
 */
#include <config.h>

#include <dirent.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "api/api-private.h"
#include "api/metrics.h"
#include "api/request.h"
#include "util/xalloc.h"

#define KIB_SHIFT 10
#define TYPE "text/plain; version=0.0.4; charset=utf-8"

/* ---- heketi's ---- */

static void
print_counts(struct buf *b, struct service *s)
{
	struct operation_counts c = { 0 };

	service_operation_counts(s, &c);
	metric_one(b, "heketi_operations_stale_count", "gauge",
		   "Pending operations whose replica is gone.", c.stale);
	metric_one(b, "heketi_operations_failed_count", "gauge",
		   "Pending operations whose undo failed.", c.failed);
	metric_one(b, "heketi_operations_new_count", "gauge",
		   "Pending operations that are worked on.", c.new_);
	metric_one(b, "heketi_operations_total_count", "gauge",
		   "Pending operations.", c.total);
	metric_one(b, "heketi_operations_inFlight_count", "gauge",
		   "Operations that take part in the throttle.", c.in_flight);
}

static void
print_clusters(struct buf *b, const struct topology_measures *t)
{
	static const struct {
		const char *name, *help;
		size_t offset;
	} metrics[] = {
		{ "heketi_volumes_count", "Volumes of the cluster.",
		  offsetof(struct cluster_measure, volumes) },
		{ "heketi_block_volumes_count",
		  "Block volumes of the cluster.",
		  offsetof(struct cluster_measure, blockvolumes) },
		{ "heketi_nodes_count", "Nodes of the cluster.",
		  offsetof(struct cluster_measure, nodes) },
	};

	metric_one(b, "heketi_cluster_count", "gauge", "Clusters.",
		   t->clusters.n);
	for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
		metric_head(b, metrics[m].name, "gauge", metrics[m].help);
		for (size_t i = 0; i < t->clusters.n; i++) {
			const struct cluster_measure *c = &t->clusters.v[i];
			const size_t *value = (const void *)
				((const char *)c + metrics[m].offset);

			buf_addf(b, "%s{cluster=\"%s\"} %zu\n", metrics[m].name,
				 c->id, *value);
		}
	}
}

static const char *
first(const struct strs *l)
{
	return l->n > 0 ? l->v[0] : "";
}

static void
print_nodes(struct buf *b, const struct topology_measures *t)
{
	metric_head(b, "heketi_device_count", "gauge",
		    "Devices of the node.");
	for (size_t i = 0; i < t->nodes.n; i++) {
		const struct node *n = t->nodes.v[i].node;
		CLEANUP(buf_release) struct buf labels = { 0 };

		metric_label(&labels, "cluster", n->cluster);
		metric_label(&labels, "hostname", first(&n->manage));
		metric_label(&labels, "storage_hostname", first(&n->storage));
		buf_addf(b, "heketi_device_count{%s} %zu\n", buf_str(&labels),
			 t->nodes.v[i].devices);
	}
}

static char *
device_labels(const struct topology_measures *t, const struct device_measure *m)
{
	const struct node *n = t->nodes.v[m->node].node;
	const struct device *d = m->device;
	struct buf b = { 0 };

	metric_label(&b, "cluster", n->cluster);
	metric_label(&b, "device", d->name);
	metric_label(&b, "hostname", first(&n->manage));
	metric_label(&b, "id", d->id);
	metric_label(&b, "pv_uuid", d->pv_uuid != NULL ? d->pv_uuid : "");
	metric_label(&b, "storage_hostname", first(&n->storage));
	return buf_steal(&b);
}

enum device_value { TOTAL, FREE, USED, BRICKS };

static uint64_t
device_value(const struct device_measure *m, enum device_value which)
{
	uint64_t total = m->device->total_bytes, used = m->device->used_bytes;

	switch (which) {
	case TOTAL:
		return total;
	case FREE:
		return used < total ? total - used : 0;
	case USED:
		return used;
	case BRICKS:
		break;
	}
	return m->bricks;
}

static void
print_devices(struct buf *b, const struct topology_measures *t)
{
	static const struct {
		const char *name, *help;
		enum device_value value;
		int shift;
	} metrics[] = {
		{ "heketi_device_size", "Size of the device in KiB.", TOTAL,
		  KIB_SHIFT },
		{ "heketi_device_free",
		  "Free space of the device in KiB.", FREE,
		  KIB_SHIFT },
		{ "heketi_device_used", "Used space of the device in KiB.",
		  USED, KIB_SHIFT },
		{ "heketi_device_size_bytes",
		  "Size of the device.", TOTAL, 0 },
		{ "heketi_device_free_bytes",
		  "Free space of the device.",
		  FREE, 0 },
		{ "heketi_device_used_bytes",
		  "Used space of the device.", USED, 0 },
		{ "heketi_device_brick_count", "Bricks on the device.",
		  BRICKS, 0 },
	};
	CLEANUP(strs_release) struct strs labels = { 0 };

	for (size_t i = 0; i < t->devices.n; i++)
		*VEC_PUSH(&labels) = device_labels(t, &t->devices.v[i]);
	for (size_t m = 0; m < ARRAY_SIZE(metrics); m++) {
		metric_head(b, metrics[m].name, "gauge", metrics[m].help);
		for (size_t i = 0; i < t->devices.n; i++) {
			buf_addf(b, "%s{%s} ", metrics[m].name, labels.v[i]);
			metric_number(b, device_value(&t->devices.v[i],
					metrics[m].value) >> metrics[m].shift);
			buf_adds(b, "\n");
		}
	}
}

/* heketi_up is 0 where it can't tell how things are. */
static void
print_heketi(struct buf *b, struct service *s)
{
	CLEANUP(topology_measures_release) struct topology_measures t = { 0 };
	struct error err;
	bool up = s != NULL && service_sync(s, &err) == ERR_OK;

	metric_one(b, "heketi_up", "gauge", "Can this replica tell how things are?", up);
	if (!up)
		return;
	service_measure_topology(s, &t);
	print_counts(b, s);
	print_clusters(b, &t);
	print_nodes(b, &t);
	print_devices(b, &t);
}

/* ---- ours: of the service ---- */

static void
print_operations(struct buf *b, const struct measures *m)
{
	static const char *const statuses[] = {
		[MEASURED_RUNNING] = "running",
		[MEASURED_UNDOING] = "undoing",
		[MEASURED_STUCK] = "stuck",
	};

	metric_head(b, "brickyard_operations", "gauge",
		    "Operations of all replicas that are not over.");
	for (int kind = 0; kind < OP_KINDS; kind++)
		for (int i = 0; i < MEASURED_STATUSES; i++)
			buf_addf(b, "brickyard_operations{kind=\"%s\","
				 "status=\"%s\"} %zu\n",
				 op_kind_name((enum op_kind)kind), statuses[i],
				 m->operations[kind][i]);
}

/* The counters of the engine, each as a metric of its own. */
static void
print_figures(struct buf *b, struct service *s)
{
	struct figure l[SERVICE_FIGURES_MAX];
	size_t n = service_figures(s, l);

	for (size_t i = 0; i < n; i++) {
		bool gauge = strcmp(l[i].name, "running") == 0 ||
			     strcmp(l[i].name, "waiting") == 0 ||
			     strcmp(l[i].name, "running_peak") == 0;
		CLEANUP_FREE char *name =
			xasprintf("brickyard_engine_%s%s", l[i].name,
				  gauge ? "" : "_total");

		metric_one(b, name, gauge ? "gauge" : "counter",
			   "Of this replica's engine; see brickyardd(8).",
			   l[i].value);
	}
}

static void
print_store(struct buf *b, const struct measures *m)
{
	const struct mirror_stats *s = m->store;

	metric_head(b, "brickyard_store_commit_duration_seconds", "histogram",
		    "Commits of this replica, until its mirror shows them.");
	metric_histogram(b, "brickyard_store_commit_duration_seconds", "",
			 &s->commits);
	metric_one(b, "brickyard_store_commit_conflicts_total", "counter",
		   "Commits that somebody else was faster at.",
		   atomic_load(&s->conflicts));
	metric_one(b, "brickyard_store_commit_failures_total", "counter",
		   "Commits that failed otherwise.", atomic_load(&s->failures));
	metric_head(b, "brickyard_mirror_sync_duration_seconds", "histogram",
		    "How long reads waited for the mirror to be up to date.");
	metric_histogram(b, "brickyard_mirror_sync_duration_seconds", "",
			 &s->syncs);
	metric_one(b, "brickyard_mirror_sync_failures_total", "counter",
		   "Reads that the store did not let be up to date.",
		   atomic_load(&s->sync_failures));
	metric_one(b, "brickyard_mirror_revision", "gauge",
		   "Revision of the store that the mirror has reached.",
		   (uint64_t)m->revision);
	metric_one(b, "brickyard_store_unreadable_documents", "gauge",
		   "Documents in the store that can't be read.", m->unreadable);
	metric_head(b, "brickyard_store_records", "gauge",
		    "Records in the store, by kind.");
	for (int kind = 0; kind < RECORD_KINDS; kind++) {
		const char *p = record_prefix((enum record_kind)kind);

		buf_addf(b, "brickyard_store_records{kind=\"%.*s\"} %zu\n",
			 (int)strcspn(p, "/"), p, m->records[kind]);
	}
}

static void
print_replica(struct buf *b, const struct measures *m)
{
	metric_one(b, "brickyard_lease_held", "gauge",
		   "Does this replica have its lease?", m->has_lease);
	metric_float(b, "brickyard_lease_remaining_seconds", "gauge",
		     "For so long the lease is certainly alive.",
		     (double)m->lease_left_ms / 1000);
	metric_head(b, "brickyard_duty_held", "gauge",
		    "Duties that this replica has.");
	for (size_t i = 0; i < m->duties.n; i++)
		buf_addf(b, "brickyard_duty_held{duty=\"%s\"} 1\n",
			 m->duties.v[i]);
}

static void
print_steps(struct buf *b, const struct step_stats *s)
{
	size_t n = atomic_load(&s->n);

	metric_head(b, "brickyard_executor_step_duration_seconds", "histogram",
		    "Steps on nodes, by this replica.");
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_release) struct buf labels = { 0 };

		metric_label(&labels, "step", s->v[i].step);
		metric_histogram(b, "brickyard_executor_step_duration_seconds",
				 buf_str(&labels), &s->v[i].took);
	}
	metric_head(b, "brickyard_executor_step_failures_total", "counter",
		    "Steps on nodes that failed.");
	for (size_t i = 0; i < n; i++)
		buf_addf(b, "brickyard_executor_step_failures_total{step=\"%s\"}"
			 " %" PRIu64 "\n", s->v[i].step,
			 atomic_load(&s->v[i].failed));
}

static const char *
kind_word(uint32_t kind)
{
	return kind == BRICKYARD_KIND_EXECUTOR ? "executor" :
	       kind == BRICKYARD_KIND_VOLUME_TYPE ? "volume-type" : "unknown";
}

static void
print_plugins(struct buf *b, struct service *s)
{
	size_t n = 0;
	const struct plugin *const *l = plugin_list(service_plugins(s), &n);

	metric_head(b, "brickyard_plugin_loaded", "gauge",
		    "Plug-ins that were found: 1, or 0 and why not.");
	for (size_t i = 0; i < n; i++) {
		CLEANUP(buf_release) struct buf labels = { 0 };

		metric_label(&labels, "name", l[i]->name);
		metric_label(&labels, "kind", kind_word(l[i]->kind));
		metric_label(&labels, "path", l[i]->path);
		metric_label(&labels, "reason", l[i]->refused != NULL ?
			     l[i]->refused : "");
		buf_addf(b, "brickyard_plugin_loaded{%s} %d\n",
			 buf_str(&labels), l[i]->refused == NULL);
	}
}

/* By the name of the type that answers to it; "none", "" are distribute's. */
static void
print_types(struct buf *b, struct service *s)
{
	CLEANUP(kvs_release) struct kvs asked = { 0 };

	service_volume_types(s, &asked);
	metric_head(b, "brickyard_volumes", "gauge",
		    "Volumes by volume type, and whether that is loaded.");
	for (size_t i = 0; i < asked.n; i++) {
		CLEANUP(buf_release) struct buf labels = { 0 };
		const struct plugin *p = plugin_for_request(
			service_plugins(s), asked.v[i].key);

		metric_label(&labels, "asked", asked.v[i].key);
		metric_label(&labels, "type", p != NULL ? p->name : "");
		buf_addf(b, "brickyard_volumes{%s} %s\n", buf_str(&labels),
			 asked.v[i].value);
	}
}

static void
print_mode(struct buf *b, struct service *s)
{
	static const enum admin_mode modes[] = {
		MODE_NORMAL, MODE_READ_ONLY, MODE_LOCAL_CLIENT
	};
	enum admin_mode now = service_admin_mode(s);

	metric_head(b, "brickyard_admin_mode", "gauge",
		    "The mode that counts for all replicas is 1.");
	for (size_t i = 0; i < ARRAY_SIZE(modes); i++)
		buf_addf(b, "brickyard_admin_mode{mode=\"%s\"} %d\n",
			 admin_mode_name(modes[i]), modes[i] == now);
}

static void
print_service(struct buf *b, struct service *s)
{
	CLEANUP(measures_release) struct measures m = { 0 };

	service_measure(s, &m);
	print_operations(b, &m);
	print_figures(b, s);
	print_store(b, &m);
	print_replica(b, &m);
	if (m.steps != NULL)
		print_steps(b, m.steps);
	print_plugins(b, s);
	print_types(b, s);
	print_mode(b, s);
}

/* ---- ours: of the process ---- */

static void
print_memory(struct buf *b)
{
	unsigned long long size = 0, resident = 0;
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct rlimit l = { 0, 0 };
	FILE *f = fopen("/proc/self/statm", "re");

	if (f != NULL && fscanf(f, "%llu %llu", &size, &resident) != 2)
		size = resident = 0;
	if (f != NULL)
		fclose(f);
	getrlimit(RLIMIT_AS, &l);
	metric_one(b, "process_resident_memory_bytes", "gauge",
		   "Memory in use.", resident * page);
	metric_one(b, "process_virtual_memory_bytes", "gauge",
		   "Address space in use.", size * page);
	metric_one(b, "process_virtual_memory_max_bytes", "gauge",
		   "Address space that there may be.", (uint64_t)l.rlim_cur);
}

static uint64_t
open_files(void)
{
	DIR *d = opendir("/proc/self/fd");
	uint64_t n = 0;

	if (d == NULL)
		return 0;
	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n > 3 ? n - 3 : 0;	/* ".", ".." and the look itself */
}

static void
print_process(struct buf *b, const struct api_measures *m)
{
	struct rusage u = { .ru_nsignals = 0 };
	struct rlimit l = { 0, 0 };

	getrusage(RUSAGE_SELF, &u);
	getrlimit(RLIMIT_NOFILE, &l);
	metric_float(b, "process_cpu_seconds_total", "counter",
		     "Processor time spent.",
		     (double)(u.ru_utime.tv_sec + u.ru_stime.tv_sec) +
		     (double)(u.ru_utime.tv_usec + u.ru_stime.tv_usec) / 1e6);
	print_memory(b);
	metric_one(b, "process_open_fds", "gauge", "Files that are open.",
		   open_files());
	metric_one(b, "process_max_fds", "gauge", "Files that may be open.",
		   (uint64_t)l.rlim_cur);
	metric_one(b, "process_start_time_seconds", "gauge",
		   "When it was started, since 1970.", (uint64_t)m->started_s);
}

static void
print_api(struct buf *b, struct api *api)
{
	struct api_measures m = { 0 };

	api_measure(api, &m);
	metric_head(b, "brickyard_build_info", "gauge", "What runs here.");
	buf_addf(b, "brickyard_build_info{version=\"%s\"} 1\n",
		 PACKAGE_VERSION);
	metric_one(b, "brickyard_http_requests_held", "gauge",
		   "Polls that are held until their operation ends.", m.held);
	metric_one(b, "brickyard_http_requests_waiting", "gauge",
		   "Requests that wait for a worker.", m.waiting);
	metric_one(b, "brickyard_http_requests_busy", "gauge",
		   "Requests that are read but not answered.", m.busy);
	meter_print(m.meter, b);
	print_process(b, &m);
}

void
h_metrics(struct request *r)
{
	CLEANUP(buf_release) struct buf b = { 0 };

	print_heketi(&b, r->service);
	if (r->service != NULL)
		print_service(&b, r->service);
	print_api(&b, r->api);
	reply_bytes(r, 200, TYPE, &b);
}
