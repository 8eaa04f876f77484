/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Replies are heketi's, byte for byte. */
#include <config.h>

#include <string.h>

#include "api/encode.h"
#include "api/metrics.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define CLUSTER "c0000000000000000000000000000001"
#define NODE	"00000000000000000000000000000001"
#define DEVICE	"d0000000000000000000000000000001"
#define VOLUME	"f0000000000000000000000000000001"
#define BRICK1	"b0000000000000000000000000000001"
#define BRICK2	"b0000000000000000000000000000002"
#define GIB	(UINT64_C(1) << 30)

static struct buf out;
static struct jsonout j;

static struct jsonout *
fresh(void)
{
	buf_clear(&out);
	j = (struct jsonout){ .out = &out };
	return &j;
}

static void
test_strings(void)
{
	jsonout_str(fresh(), NULL, "a\"b\\c/d\n\r\t\b\f\x01\x7f");
	is_str(buf_str(&out), "\"a\\\"b\\\\c/d\\n\\r\\t\\u0008\\u000c\\u0001"
	       "\x7f\"", "control characters are escaped as Go does");
	jsonout_str(fresh(), NULL, "<a href='x'>&");
	is_str(buf_str(&out), "\"\\u003ca href='x'\\u003e\\u0026\"",
	       "so are the characters of html");
	jsonout_str(fresh(), NULL, "\xe2\x80\xa8\xe2\x80\xa9\xe2\x80\xaa\xc3\xa9"
		    "\xf0\x9f\x98\x80");
	is_str(buf_str(&out), "\"\\u2028\\u2029\xe2\x80\xaa\xc3\xa9"
	       "\xf0\x9f\x98\x80\"", "and line separators, nothing else");
	jsonout_str(fresh(), NULL, "a\xff\xc3(\xed\xa0\x80\xe2\x80");
	is_str(buf_str(&out), "\"a\\ufffd\\ufffd(\\ufffd\\ufffd\\ufffd"
	       "\\ufffd\\ufffd\"", "bytes that are no UTF-8 are replaced");
}

static void
test_indented(void)
{
	struct jsonout i = { .out = &out, .indent = 4 };
	struct strs none = { 0 };

	buf_clear(&out);
	jsonout_open(&i, NULL, '{');
	jsonout_str(&i, "a", "b");
	jsonout_open(&i, "empty", '{');
	jsonout_close(&i, '}');
	jsonout_strs(&i, "none", &none);
	jsonout_open(&i, "list", '[');
	jsonout_int(&i, NULL, 1);
	jsonout_open(&i, NULL, '{');
	jsonout_null(&i, "x");
	jsonout_close(&i, '}');
	jsonout_close(&i, ']');
	jsonout_close(&i, '}');
	is_str(buf_str(&out), "{\n    \"a\": \"b\",\n    \"empty\": {},\n"
	       "    \"none\": [],\n    \"list\": [\n        1,\n        {\n"
	       "            \"x\": null\n        }\n    ]\n}",
	       "indented as Go does");
	buf_clear(&out);
	i = (struct jsonout){ .out = &out, .indent = 20 };
	jsonout_open(&i, NULL, '[');
	jsonout_open(&i, NULL, '[');
	jsonout_int(&i, NULL, 7);
	jsonout_close(&i, ']');
	jsonout_close(&i, ']');
	is_int(strspn(strchr(buf_str(&out) + 3, '\n') + 1, " "), 40,
	       "however deep");
}

static void
test_metric_numbers(void)
{
	static const struct {
		uint64_t value;
		const char *text;
	} numbers[] = {
		{ 0, "0" }, { 1, "1" }, { 999999, "999999" },
		{ 1000000, "1e+06" }, { 1048576, "1.048576e+06" },
		{ 524288000, "5.24288e+08" },
		{ 536870912000, "5.36870912e+11" },
		{ UINT64_C(1) << 53, "9.007199254740992e+15" },
		{ UINT64_MAX, "1.8446744073709552e+19" },
	};

	for (size_t i = 0; i < ARRAY_SIZE(numbers); i++) {
		CLEANUP(buf_release) struct buf b = { 0 };

		metric_number(&b, numbers[i].value);
		is_str(buf_str(&b), numbers[i].text, "a number as heketi's "
		       "metrics have it");
	}
}

static void
test_metrics(void)
{
	struct histogram h = { .sum_us = 0 };
	CLEANUP(buf_release) struct buf labels = { 0 };

	metric_label(&labels, "a", "x\"y\\z\n");
	metric_label(&labels, "b", "");
	is_str(buf_str(&labels), "a=\"x\\\"y\\\\z\\n\",b=\"\"",
	       "labels are quoted");
	histogram_add(&h, 1000);
	histogram_add(&h, 1001);
	histogram_add(&h, 90000000);
	histogram_add(&h, -1);
	buf_clear(&out);
	metric_histogram(&out, "m", "l=\"1\"", &h);
	ok(strstr(buf_str(&out), "m_bucket{l=\"1\",le=\"0.001\"} 2\n"
		  "m_bucket{l=\"1\",le=\"0.0025\"} 3\n") != NULL,
	   "buckets add up, bounds included");
	ok(strstr(buf_str(&out), "le=\"60\"} 3\n"
		  "m_bucket{l=\"1\",le=\"+Inf\"} 4\n"
		  "m_sum{l=\"1\"} 90.002001\nm_count{l=\"1\"} 4\n") != NULL,
	   "to all, and their sum");
	is_int(histogram_count(&h), 4, "which is the count");
}

static void
expect_float(double value, const char *want)
{
	jsonout_float32(fresh(), NULL, value);
	is_str(buf_str(&out), want, "float32 %s", want);
}

static void
test_floats(void)
{
	expect_float(0, "0");
	expect_float(1, "1");
	expect_float(1.5, "1.5");
	expect_float(1.25, "1.25");
	expect_float(100, "100");
	expect_float((double)0.1f, "0.1");
	expect_float((double)1.1f, "1.1");
	expect_float((double)99.99f, "99.99");
	expect_float((double)16777216.0f, "16777216");
	expect_float((double)1e10f, "10000000000");
	expect_float((double)1e-6f, "0.000001");
	expect_float((double)1e-7f, "1e-7");
	expect_float((double)1e21f, "1e+21");
	expect_float((double)3.4028235e38f, "3.4028235e+38");
	expect_float(-2.5, "-2.5");
}

static void
test_cluster(void)
{
	RECORD_SCOPE struct cluster *c = cluster_new(CLUSTER);
	CLEANUP(strs_release) struct strs nodes = { 0 };
	CLEANUP(strs_release) struct strs none = { 0 };

	c->file = true;
	encode_cluster(fresh(), c, &none, &none, &none);
	is_str(buf_str(&out), "{\"id\":\"" CLUSTER "\",\"nodes\":[],"
	       "\"volumes\":[],\"block\":false,\"file\":true,"
	       "\"blockvolumes\":[]}", "an empty cluster");
	strs_add(&nodes, NODE);
	strs_add(&nodes, "x");
	encode_cluster(fresh(), c, &nodes, &none, &nodes);
	is_str(buf_str(&out), "{\"id\":\"" CLUSTER "\",\"nodes\":[\"" NODE
	       "\",\"x\"],\"volumes\":[],\"block\":false,\"file\":true,"
	       "\"blockvolumes\":[\"" NODE "\",\"x\"]}", "a cluster with nodes");
	encode_list(fresh(), "clusters", &none);
	is_str(buf_str(&out), "{\"clusters\":[]}", "an empty list");
}

static struct device *
make_device(void)
{
	struct device *d = device_new(DEVICE);

	snprintf(d->node, sizeof(d->node), "%s", NODE);
	d->name = xstrdup("/dev/sdb");
	d->total_bytes = 500 * GIB;
	d->used_bytes = 3 * GIB;
	return d;
}

static void
set_brick(struct brick *b, const char *id, const char *path)
{
	snprintf(b->id, sizeof(b->id), "%s", id);
	snprintf(b->device, sizeof(b->device), "%s", DEVICE);
	snprintf(b->node, sizeof(b->node), "%s", NODE);
	b->path = xstrdup(path);
	b->size_bytes = GIB;
}

static struct volume *
make_volume(void)
{
	struct volume *v = volume_new(VOLUME);
	struct brick *b = volume_grow(v, 2);

	snprintf(v->cluster, sizeof(v->cluster), "%s", CLUSTER);
	v->name = xstrdup("vol");
	v->size_bytes = GIB;
	v->type = xstrdup("");
	v->snapshot_factor = 1;
	set_brick(&b[0], BRICK2, "/p2");
	set_brick(&b[1], BRICK1, "/p1");
	return v;
}

#define BRICK(id, path) "{\"id\":\"" id "\",\"path\":\"" path "\",\"device\":\"" \
	DEVICE "\",\"node\":\"" NODE "\",\"volume\":\"" VOLUME \
	"\",\"size\":1048576}"
#define STORAGE "\"storage\":{\"total\":524288000,\"free\":521142272," \
	"\"used\":3145728}"
#define DEVICE_HEAD "{\"name\":\"/dev/sdb\"," STORAGE ",\"id\":\"" DEVICE "\","

static void
test_device(void)
{
	RECORD_SCOPE struct device *d = make_device();
	RECORD_SCOPE struct volume *v = make_volume();
	struct brick_on_device on = { .volume = v, .brick = &v->bricks[1] };
	struct device_view view = { .device = d };

	encode_device(fresh(), &view);
	is_str(buf_str(&out), DEVICE_HEAD "\"state\":\"online\",\"bricks\":[]}",
	       "a bare device");
	kvs_set(&d->tags, "b", "<2>");
	kvs_set(&d->tags, "a", "1");
	strs_add(&d->paths, "/dev/disk/by-id/x");
	d->pv_uuid = xstrdup("u-u");
	d->state = STATE_FAILED;
	view.bricks = &on;
	view.nbricks = 1;
	encode_device(fresh(), &view);
	is_str(buf_str(&out), "{\"name\":\"/dev/sdb\",\"tags\":{\"a\":\"1\","
	       "\"b\":\"\\u003c2\\u003e\"}," STORAGE ",\"id\":\"" DEVICE "\","
	       "\"paths\":[\"/dev/disk/by-id/x\"],\"pv_uuid\":\"u-u\","
	       "\"state\":\"failed\",\"bricks\":[" BRICK(BRICK1, "/p1") "]}",
	       "a device with everything");
	d->total_bytes = GIB;
	encode_device(fresh(), &view);
	has_str(buf_str(&out), "\"free\":0,", "one that shrank has none free");
}

static void
test_node(void)
{
	RECORD_SCOPE struct node *n = node_new(NODE);
	RECORD_SCOPE struct device *d = make_device();
	struct device_view view = { .device = d };

	snprintf(n->cluster, sizeof(n->cluster), "%s", CLUSTER);
	n->zone = 2;
	strs_add(&n->manage, "m");
	strs_add(&n->storage, "s");
	encode_node(fresh(), n, NULL, 0);
	is_str(buf_str(&out), "{\"zone\":2,\"hostnames\":{\"manage\":[\"m\"],"
	       "\"storage\":[\"s\"]},\"cluster\":\"" CLUSTER "\",\"id\":\"" NODE
	       "\",\"state\":\"online\",\"devices\":[]}", "a bare node");
	kvs_set(&n->tags, "rack", "1");
	n->state = STATE_OFFLINE;
	encode_node(fresh(), n, &view, 1);
	is_str(buf_str(&out), "{\"zone\":2,\"hostnames\":{\"manage\":[\"m\"],"
	       "\"storage\":[\"s\"]},\"cluster\":\"" CLUSTER "\",\"tags\":"
	       "{\"rack\":\"1\"},\"id\":\"" NODE "\",\"state\":\"offline\","
	       "\"devices\":[" DEVICE_HEAD "\"state\":\"online\",\"bricks\":[]}"
	       "]}", "a node with everything");
}

#define MOUNT(hosts, device, backup) "\"mount\":{\"glusterfs\":{\"hosts\":" \
	hosts ",\"device\":\"" device "\",\"options\":{" \
	"\"backup-volfile-servers\":\"" backup "\"}}},\"blockinfo\":{"
#define BRICKS "\"bricks\":[" BRICK(BRICK1, "/p1") "," BRICK(BRICK2, "/p2") "]"

static void
test_volume(void)
{
	RECORD_SCOPE struct volume *v = make_volume();
	CLEANUP(strs_release) struct strs hosts = { 0 };
	CLEANUP(strs_release) struct strs hosted = { 0 };

	strs_add(&hosts, "s1");
	encode_volume(fresh(), v, &hosts, &hosted);
	is_str(buf_str(&out), "{\"size\":1,\"name\":\"vol\",\"durability\":{"
	       "\"type\":\"none\",\"replicate\":{},\"disperse\":{}},\"snapshot\""
	       ":{\"enable\":false,\"factor\":1},\"id\":\"" VOLUME "\","
	       "\"cluster\":\"" CLUSTER "\","
	       MOUNT("[\"s1\"]", "s1:vol", "") "}," BRICKS "}",
	       "a plain volume, its bricks by id");
	free(v->type);
	v->type = xstrdup("replicate");
	kvs_set(&v->params, "disperse.redundancy", "2");
	kvs_set(&v->params, "disperse.data", "4");
	kvs_set(&v->params, "replicate.replica", "3");
	v->gid = 7;
	v->block = v->snapshot_enable = true;
	v->block_free_bytes = 2 * GIB;
	v->block_reserved_bytes = GIB;
	v->restriction = RESTRICTION_LOCKED;
	strs_add(&hosted, "b1");
	strs_add(&hosted, "b2");
	v->snapshot_factor = 1.5;
	strs_add(&v->options, "");
	strs_add(&v->options, "a b");
	strs_add(&v->options, "");
	strs_add(&hosts, "s2");
	strs_add(&hosts, "s3");
	encode_volume(fresh(), v, &hosts, &hosted);
	is_str(buf_str(&out), "{\"size\":1,\"name\":\"vol\",\"durability\":{"
	       "\"type\":\"replicate\",\"replicate\":{\"replica\":3},"
	       "\"disperse\":{\"data\":4,\"redundancy\":2}},\"gid\":7,"
	       "\"glustervolumeoptions\":[\"\",\"a b\",\"\"],\"block\":true,"
	       "\"snapshot\":{\"enable\":true,\"factor\":1.5},\"id\":\"" VOLUME
	       "\",\"cluster\":\"" CLUSTER "\","
	       MOUNT("[\"s1\",\"s2\",\"s3\"]", "s1:vol", "s2,s3")
	       "\"freesize\":2,\"reservedsize\":1,\"blockvolume\":[\"b1\","
	       "\"b2\"],\"restriction\":\"locked\"}," BRICKS
	       "}", "a volume with everything");
}

static void
test_blockvolume(void)
{
	RECORD_SCOPE struct blockvolume *b = blockvolume_new(VOLUME);

	b->name = xstrdup("blk");
	b->size_bytes = 3 * GIB;
	encode_blockvolume(fresh(), b);
	is_str(buf_str(&out), "{\"size\":3,\"name\":\"blk\",\"id\":\"" VOLUME
	       "\",\"blockvolume\":{\"hosts\":[],\"iqn\":\"\",\"lun\":0,"
	       "\"username\":\"\",\"password\":\"\"},\"usablesize\":3}",
	       "a bare block volume is wholly usable");
	snprintf(b->cluster, sizeof(b->cluster), "%s", CLUSTER);
	snprintf(b->hosting, sizeof(b->hosting), "%s", DEVICE);
	b->hacount = 2;
	b->usable_bytes = 2 * GIB;
	b->auth = true;
	strs_add(&b->hosts, "s1");
	strs_add(&b->hosts, "s2");
	b->iqn = xstrdup("iqn.x");
	b->username = xstrdup("u");
	b->password = xstrdup("p");
	encode_blockvolume(fresh(), b);
	is_str(buf_str(&out), "{\"size\":3,\"name\":\"blk\",\"hacount\":2,"
	       "\"id\":\"" VOLUME "\",\"blockvolume\":{\"hosts\":[\"s1\","
	       "\"s2\"],\"iqn\":\"iqn.x\",\"lun\":0,\"username\":\"u\","
	       "\"password\":\"p\"},\"cluster\":\"" CLUSTER "\","
	       "\"blockhostingvolume\":\"" DEVICE "\",\"usablesize\":2}",
	       "a block volume with everything");
}

static void
test_params(void)
{
	RECORD_SCOPE struct volume *v = make_volume();
	CLEANUP(strs_release) struct strs hosts = { 0 };
	CLEANUP(strs_release) struct strs hosted = { 0 };

	kvs_set(&v->params, "mine.width", "12");
	kvs_set(&v->params, "other.x", "y");
	kvs_set(&v->params, "mine.fast", "true");
	kvs_set(&v->params, "mine.code", "007");
	kvs_set(&v->params, "mine.neg", "-1");
	encode_volume(fresh(), v, &hosts, &hosted);
	has_str(buf_str(&out), "\"replicate\":{},\"disperse\":{},\"mine\":{"
		"\"width\":12,\"fast\":true,\"code\":\"007\",\"neg\":-1},"
		"\"other\":{\"x\":\"y\"}},\"snapshot\"",
		"parameters of other types are echoed");
	has_str(buf_str(&out), MOUNT("[]", ":vol", ""),
		"a cluster without nodes does no harm");
}

static void
test_operations(void)
{
	RECORD_SCOPE struct operation *op = operation_new(VOLUME);
	struct operation_counts c = { 5, 3, 0, 2, 1 };

	encode_operation_counts(fresh(), &c);
	is_str(buf_str(&out), "{\"total\":5,\"in_flight\":3,\"stale\":0,"
	       "\"failed\":2,\"new\":1}", "counts of operations");
	op->kind = OP_VOLUME_CREATE;
	op->status = OP_FAILED;
	op->stage = 2;
	op->epoch = 3;
	op->created_ms = 1600000000123;
	op->ended_ms = 1600000001000;
	op->error_code = ERR_EXEC;
	op->error = xstrdup("it\nbroke");
	snprintf(op->target, sizeof(op->target), "%s", DEVICE);
	encode_operation(fresh(), op);
	is_str(buf_str(&out), "{\"id\":\"" VOLUME "\",\"kind\":\"create-volume\","
	       "\"status\":\"failed\",\"stage\":2,\"attempt\":0,\"owner\":\"\","
	       "\"epoch\":3,\"target\":\"" DEVICE "\",\"cluster\":\"\","
	       "\"created\":\"2020-09-13T12:26:40.123Z\",\"updated\":null,"
	       "\"ended\":\"2020-09-13T12:26:41.000Z\",\"error\":{\"code\":"
	       "\"executor\",\"message\":\"it\\nbroke\"}}",
	       "an operation of ours");
}

static void
test_plugins(void)
{
	struct plugin p = {
		.path = (char *)(uintptr_t)"/x/a.so",
		.name = (char *)(uintptr_t)"a",
		.kind = BRICKYARD_KIND_EXECUTOR,
	};

	p.executor.head.version = "1";
	p.executor.head.description = "does";
	encode_plugin(fresh(), &p);
	is_str(buf_str(&out), "{\"name\":\"a\",\"kind\":\"executor\",\"path\":"
	       "\"/x/a.so\",\"loaded\":true,\"version\":\"1\",\"description\":"
	       "\"does\"}", "a loaded plug-in");
	p.kind = 0;
	p.refused = (char *)(uintptr_t)"no";
	encode_plugin(fresh(), &p);
	is_str(buf_str(&out), "{\"name\":\"a\",\"kind\":\"unknown\",\"path\":"
	       "\"/x/a.so\",\"loaded\":false,\"reason\":\"no\"}",
	       "a refused one");
}

int
main(void)
{
	test_strings();
	test_indented();
	test_metrics();
	test_metric_numbers();
	test_floats();
	test_cluster();
	test_device();
	test_node();
	test_volume();
	test_blockvolume();
	test_params();
	test_operations();
	test_plugins();
	buf_release(&out);
	return tap_done();
}
