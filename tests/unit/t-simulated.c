/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The simulated nodes: every step twice, and all that they refuse. */
#include <config.h>

#include "tests/unit/simulated-host.h"

static struct brickyard_executor_instance *inst;
static struct dev sdb[4], sdc;

static int
no_answer(const char *part)
{
	return strstr(result.text, part) == NULL;
}

/* Free bytes of a device, as it says. */
static uint64_t
room(const struct brickyard_node *node, const struct dev *d)
{
	const char *at;

	if (INFO(inst, &forever, node, d) < 0)
		return 0;
	at = strstr(result.text, "free_bytes=");
	return at != NULL ? strtoull(at + 11, NULL, 10) : 0;
}

static void
test_table(void)
{
	const struct brickyard_option *o = sim->head.options;

	is_str(sim->head.name, "simulated", "the plug-in has its file's name");
	is_int(sim->head.thread_model, BRICKYARD_THREADS_PARALLEL,
	       "it may be called by any number of threads");
	is_int(sim->head.size, sizeof(*sim), "its table is whole");
	ok(sim->node_check && sim->peer_probe && sim->peer_detach &&
	   sim->device_prepare && sim->device_info && sim->device_teardown &&
	   sim->bricks_create && sim->bricks_destroy && sim->volume_create &&
	   sim->volume_expand && sim->volume_destroy && sim->volume_info,
	   "it has every step");
	while (o->key != NULL && strcmp(o->key, "device_size_gb") != 0)
		o++;
	is_str(o->default_value, "500", "a disk is as large as heketi's");
}

static void
test_options(void)
{
	static const char *const bad[][3] = {
		{ "device_size_gb", "much", "not a size" },
		{ "device_size_gb", "0", "not a size" },
		{ "disks", "/dev/sdb=big", "not a size" },
		{ "foreign", "/dev/sdb", "not said" },
		{ "latency_ms", "-1", "milliseconds" },
		{ "latency", "volume_make=1", "unknown step" },
		{ "latency", "volume_create", "milliseconds" },
		{ "faults", "volume_create", "no '='" },
		{ "faults", "volume_make=fail", "unknown step" },
		{ "faults", "volume_create=burn", "unknown action" },
		{ "faults", "volume_create#x=fail", "number" },
		{ "faults", "volume_create#0=fail", "number" },
		{ "faults", "volume_create@=fail", "no host" },
		{ "faults", "volume_create=hang:now", "no text" },
		{ "faults", "volume_create=exit-mid:x", "number" },
		{ "faults", "volume_create=down", "go together" },
		{ "faults", "glusterd@n1=fail", "go together" },
		{ "faults", "brick@n1=fail", "go together" },
		{ "faults", "heal_info=pending", "go together" },
		{ "faults", "heal@n1=pending:x", "number" },
		{ "heal_ms", "soon", "milliseconds" },
		{ "state_file", "/no/such/dir/file", "unable to open" },
	};

	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ok(open_sim(bad[i][0], bad[i][1], NULL) == NULL &&
		   strstr(error.text, bad[i][2]) != NULL,
		   "option %s=%s is refused: %s", bad[i][0], bad[i][1],
		   error.text);
	}
	inst = open_sim("faults", "", "latency", "node_check=0, volume_info=1",
			NULL);
	ok(inst != NULL, "empty ones are as good as none");
	sim->close(inst);
	sim->close(NULL);
}

static void
test_no_shell(void)
{
	FRESH;
	refused(sim->run(inst, &forever, &n1, "true", &result, &error),
		BRICKYARD_ERR_UNSUPPORTED, "simulated nodes have no shell",
		"there is no shell");
}

static void
test_peers(void)
{
	works(CHECK(inst, &forever, &n1), "a node is there");
	for (int twice = 0; twice < 2; twice++) {
		works(PROBE(inst, &forever, &n1, "n2"), "probe");
		works(PROBE(inst, &forever, &n1, "n3"), "probe another");
	}
	works(PROBE(inst, &forever, &n1, "n1"), "probe itself");
	works(PROBE(inst, &forever, &n4, "n5"), "another trusted pool");
	refused(PROBE(inst, &forever, &n1, "n4"), BRICKYARD_ERR_EXISTS,
		"n4 is either already part of another cluster",
		"a peer of others is refused");
	for (int twice = 0; twice < 2; twice++)
		works(DETACH(inst, &forever, &n4, "n5"), "detach");
	works(DETACH(inst, &forever, &n1, "n4"), "detach a peer of others");
	works(DETACH(inst, &forever, &n1, "nowhere"), "detach a stranger");
	refused(DETACH(inst, &forever, &n1, "n1"), BRICKYARD_ERR_PERMANENT,
		"n1 is localhost", "a node does not detach itself");
	works(DETACH(inst, &forever, &n4, "n4"), "unless there is nobody else");
	works(PROBE(inst, &forever, &n1, "n4"), "who is alone can be probed");
	works(DETACH(inst, &forever, &n1, "n4"), "and detached again");
}

static void
test_devices(void)
{
	struct dev other, moved;
	struct brickyard_node unnamed = { sizeof(unnamed), "", "m-only", "" };

	for (int twice = 0; twice < 2; twice++) {
		works(PREPARE(inst, &forever, &n1, &sdb[0]), "prepare");
		is_str(result.text, "kind=block\ntotal_bytes=536870912000\n"
		       "free_bytes=536870912000\nextent_bytes=4194304\n",
		       "as heketi's mock: 524288000 KiB, all free, no UUID");
	}
	works(INFO(inst, &forever, &n1, &sdb[0]), "info");
	has_str(result.text, "total_bytes=536870912000\n", "says the same");
	refused(INFO(inst, &forever, &n2, &sdb[0]), BRICKYARD_ERR_NOTFOUND,
		sdb[0].vg, "a VG is on its node only");

	dev_init(&other, 77, "/dev/sdb");
	for (int twice = 0; twice < 2; twice++) {
		other.d.destroy_data = twice;
		refused(PREPARE(inst, &forever, &n1, &other),
			BRICKYARD_ERR_EXISTS,
			"Can't initialize physical volume \"/dev/sdb\" of"
			" volume group \"vg_0000", "another device's disk is"
			" refused, destroy_data %d", twice);
	}
	dev_init(&moved, 1, "/dev/sdq");
	refused(PREPARE(inst, &forever, &n1, &moved), BRICKYARD_ERR_EXISTS,
		"already exists", "one VG can't be on two disks");
	dev_init(&other, 78, "sdb");
	refused(PREPARE(inst, &forever, &n1, &other), BRICKYARD_ERR_NOTFOUND,
		"No device found for sdb", "a name must be a path");
	works(TEARDOWN(inst, &forever, &n1, dev_init(&other, 77, "/dev/sdb")),
	      "teardown of a device that is not there");
	is_int(room(&n1, &sdb[0]), 500 * GIB, "is none of its disk's");

	for (int twice = 0; twice < 2; twice++)
		works(TEARDOWN(inst, &forever, &n1, &sdb[0]), "teardown");
	refused(INFO(inst, &forever, &n1, &sdb[0]), BRICKYARD_ERR_NOTFOUND,
		"not found", "then it is gone");
	works(PREPARE(inst, &forever, &n1, &other), "and free for another");
	works(TEARDOWN(inst, &forever, &n1, &other), "(teardown)");

	dev_init(&other, 79, "/srv/bricks");
	works(PREPARE(inst, &forever, &n1, &other), "prepare a directory");
	has_str(result.text, "kind=directory\ntotal_bytes=536870912000\n",
		"it is one, and as large");
	works(TEARDOWN(inst, &forever, &n1, &other), "(teardown)");
	works(PREPARE(inst, &forever, &unnamed, &other),
	      "a node without storage host is known by the other");
	works(TEARDOWN(inst, &forever, &unnamed, &other), "(teardown)");
}

static void
test_disks(void)
{
	struct brickyard_executor_instance *mine = inst;
	struct dev b, c, d, z, w;

	inst = open_sim("disks", "/dev/sdb=100, /dev/sdz,n2:/dev/sdc=7,"
			"/dev/sdw", "foreign",
			"/dev/sdz=ext4,n1:/dev/sdw=mounted", "pv_uuid", "true",
			"device_size_gb", "50", NULL);
	dev_init(&b, 1, "/dev/sdb");
	dev_init(&c, 2, "/dev/sdc");
	dev_init(&d, 3, "/srv/d");
	dev_init(&z, 4, "/dev/sdz");
	dev_init(&w, 5, "/dev/sdw");
	works(PREPARE(inst, &forever, &n1, &b), "a disk that is configured");
	has_str(result.text, "total_bytes=107374182400\n", "has its size");
	has_str(result.text, "pv_uuid=", "and a UUID when that is wanted");
	is_int(strcspn(strstr(result.text, "pv_uuid=") + 8, "\n"), 38,
	       "of LVM's form");
	refused(PREPARE(inst, &forever, &n1, &c), BRICKYARD_ERR_NOTFOUND,
		"No device found for /dev/sdc", "another is not there");
	works(PREPARE(inst, &forever, &n2, &c), "but on the node it is for");
	has_str(result.text, "total_bytes=7516192768\n", "with its size");
	works(PREPARE(inst, &forever, &n1, &d), "directories are always there");
	has_str(result.text, "total_bytes=53687091200\n", "of the usual size");

	refused(PREPARE(inst, &forever, &n1, &z), BRICKYARD_ERR_EXISTS,
		"ext4 signature detected on /dev/sdz", "data of others stay");
	z.d.destroy_data = 1;
	works(PREPARE(inst, &forever, &n1, &z), "unless destroyed on request");
	works(TEARDOWN(inst, &forever, &n1, &z), "(teardown)");
	z.d.destroy_data = 0;
	works(PREPARE(inst, &forever, &n1, &z), "and then they are no more");
	w.d.destroy_data = 1;
	refused(PREPARE(inst, &forever, &n1, &w), BRICKYARD_ERR_EXISTS,
		"Mounted filesystem?", "a mounted disk is never taken");
	works(PREPARE(inst, &forever, &n2, &w), "it is not mounted elsewhere");
	sim->close(inst);

	setenv("HEKETI_MOCK_DEVICE_SIZE_GB", "3", 1);
	inst = open_sim("device_size_gb", "50", NULL);
	works(PREPARE(inst, &forever, &n1, &b), "heketi's variable");
	has_str(result.text, "total_bytes=3221225472\n", "has the last word");
	sim->close(inst);
	setenv("HEKETI_MOCK_DEVICE_SIZE_GB", "three", 1);
	inst = open_sim(NULL, NULL);
	has_str(logged, "ignoring", "unless it is none");
	sim->close(inst);
	unsetenv("HEKETI_MOCK_DEVICE_SIZE_GB");
	inst = mine;
}

static void
test_bricks(void)
{
	struct bri a, b, big;
	const uint64_t size = 10 * GIB + 1;	/* no multiple of an extent */
	uint64_t used = 10 * GIB + 4 * MIB + 8 * MIB;

	works(PREPARE(inst, &forever, &n1, &sdb[0]), "(prepare)");
	bri_init(&a, 1, &sdb[0], "n1", size);
	for (int twice = 0; twice < 2; twice++) {
		works(MAKE(inst, &forever, &n1, &a), "make a brick");
		is_int(room(&n1, &sdb[0]), 500 * GIB - used,
		       "it takes whole extents, once");
	}
	a.b.size_bytes += GIB;
	refused(MAKE(inst, &forever, &n1, &a), BRICKYARD_ERR_EXISTS,
		"already exists in volume group", "its LV has its size");
	a.b.size_bytes = size;
	a.b.thin_pool_bytes += GIB;
	refused(MAKE(inst, &forever, &n1, &a), BRICKYARD_ERR_EXISTS,
		"already exists in volume group", "its pool too");
	a.b.thin_pool_bytes = size;
	a.b.thin_pool = "tp_of_another_name";
	refused(MAKE(inst, &forever, &n1, &a), BRICKYARD_ERR_EXISTS, a.lv,
		"and its name");
	is_int(room(&n1, &sdb[0]), 500 * GIB - used, "nothing was taken");
	a.b.thin_pool = a.tp;

	refused(TEARDOWN(inst, &forever, &n1, &sdb[0]),
		BRICKYARD_ERR_PERMANENT, "still contains 2 logical volume(s)",
		"a device with bricks is not torn down");
	bri_init(&big, 2, &sdb[0], "n1", 490 * GIB);
	refused(MAKE(inst, &forever, &n1, &big), BRICKYARD_ERR_NOSPACE,
		"insufficient free space (125437 extents): 125442 required.",
		"what does not fit is refused");
	big.b.size_bytes = big.b.thin_pool_bytes = 125436 * 4 * MIB;
	refused(MAKE(inst, &forever, &n1, &big), BRICKYARD_ERR_NOSPACE,
		"125438 required", "by one extent, too");
	big.b.size_bytes = big.b.thin_pool_bytes = 125435 * 4 * MIB;
	works(MAKE(inst, &forever, &n1, &big), "what just fits is made");
	is_int(room(&n1, &sdb[0]), 0, "and fills it up");
	works(REMOVE(inst, &forever, &n1, &big), "remove it");

	bri_init(&b, 3, &sdb[0], "n1", 0);
	refused(MAKE(inst, &forever, &n1, &b), BRICKYARD_ERR_INVALID,
		"Invalid argument", "a brick has a size");
	bri_init(&b, 3, &sdb[0], "n1", 15 * MIB);
	refused(MAKE(inst, &forever, &n1, &b), BRICKYARD_ERR_INVALID,
		"too small", "XFS needs some room");
	works(REMOVE(inst, &forever, &n1, &b), "its leftovers can be removed");
	bri_init(&b, 3, &sdb[0], "n1", GIB);
	b.b.mount = a.mount;
	b.b.path = a.path;
	refused(MAKE(inst, &forever, &n1, &b), BRICKYARD_ERR_EXISTS,
		"already mounted or mount point busy",
		"a mount point is one's");
	b.b.mount = b.mount;
	b.b.path = "/elsewhere/brick";
	refused(MAKE(inst, &forever, &n1, &b), BRICKYARD_ERR_INVALID,
		"is not in", "a brick's path is on its file system");
	b.b.path = b.path;
	works(MAKE(inst, &forever, &n1, &b), "then it is made whole");
	works(REMOVE(inst, &forever, &n1, &b), "and removed");
	refused(MAKE(inst, &forever, &n1, bri_init(&b, 4, &sdb[1], "n1", GIB)),
		BRICKYARD_ERR_NOTFOUND, "Volume group", "no VG, no brick");
	works(REMOVE(inst, &forever, &n1, &b), "nor one to remove");

	for (int twice = 0; twice < 2; twice++)
		works(REMOVE(inst, &forever, &n1, &a), "remove the first");
	is_int(room(&n1, &sdb[0]), 500 * GIB, "all is free again");
	works(TEARDOWN(inst, &forever, &n1, &sdb[0]), "teardown");
}

static void
test_images(void)
{
	struct dev d;
	struct bri a, b;

	works(PREPARE(inst, &forever, &n1, dev_init(&d, 9, "/srv/d")),
	      "(prepare)");
	bri_init(&a, 1, &d, "n1", 100 * GIB);
	a.b.thin_pool_bytes = a.b.metadata_bytes = 0;
	for (int twice = 0; twice < 2; twice++) {
		works(MAKE(inst, &forever, &n1, &a), "make a brick in it");
		is_int(room(&n1, &d), 400 * GIB, "the image takes its size");
	}
	a.b.size_bytes--;
	refused(MAKE(inst, &forever, &n1, &a), BRICKYARD_ERR_EXISTS,
		"with other sizes", "an image has its size");
	refused(MAKE(inst, &forever, &n1,
		     bri_init(&b, 2, &d, "n1", 401 * GIB)),
		BRICKYARD_ERR_NOSPACE, "No space left on device",
		"what does not fit is refused");
	for (int twice = 0; twice < 2; twice++)
		works(REMOVE(inst, &forever, &n1, &a), "remove");
	is_int(room(&n1, &d), 500 * GIB, "all is free again");
	works(TEARDOWN(inst, &forever, &n1, &d), "teardown");
}

/* A pool with two LVs, as after a clone, goes with the last of them. */
static void
test_shared_pool(void)
{
	struct bri a, b;

	works(PREPARE(inst, &forever, &n1, &sdb[0]), "(prepare)");
	bri_init(&a, 1, &sdb[0], "n1", GIB);
	bri_init(&b, 2, &sdb[0], "n1", GIB);
	b.b.thin_pool = a.tp;
	works(MAKE(inst, &forever, &n1, &a), "an LV and its pool");
	works(MAKE(inst, &forever, &n1, &b), "another one in that pool");
	is_int(room(&n1, &sdb[0]), 499 * GIB - 8 * MIB, "takes no space");
	works(REMOVE(inst, &forever, &n1, &a), "one goes");
	is_int(room(&n1, &sdb[0]), 499 * GIB - 8 * MIB, "the pool stays");
	b.b.thin_pool = b.tp;
	works(REMOVE(inst, &forever, &n1, &b),
	      "the other goes, believed to be in a pool of its own");
	is_int(room(&n1, &sdb[0]), 500 * GIB, "with the pool it was in");
	works(TEARDOWN(inst, &forever, &n1, &sdb[0]), "(teardown)");
}

/* ---- volumes ---- */

static struct bri bricks[12];		/* i on n(1 + i % 3) */

static void
make_bricks(unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < 3; i++)
		r |= PREPARE(inst, &forever, nodes[i], &sdb[i]);
	for (unsigned i = 0; i < n; i++) {
		bri_init(&bricks[i], 100 + i, &sdb[i % 3],
			 nodes[i % 3]->storage_host, GIB);
		r |= MAKE(inst, &forever, nodes[i % 3], &bricks[i]);
	}
	works(r, "(%u bricks)", n);
}

static void
remove_bricks(unsigned n)
{
	int r = 0;

	for (unsigned i = 0; i < n; i++)
		r |= REMOVE(inst, &forever, nodes[i % 3], &bricks[i]);
	for (unsigned i = 0; i < 3; i++) {
		r |= room(nodes[i], &sdb[i]) != 500 * GIB;
		r |= TEARDOWN(inst, &forever, nodes[i], &sdb[i]);
	}
	works(r, "the nodes are as before");
}

static void
test_volume(void)
{
	struct vol v, same;
	char want[2048];
	unsigned i;

	make_bricks(9);
	vol_init(&v, 1, 3);
	for (i = 0; i < 6; i++)
		vol_add(&v, &bricks[i]);
	v.options[v.v.noptions++] = "";
	v.options[v.v.noptions++] = " performance.io-cache  off";
	v.options[v.v.noptions++] = "performance.io-cache on";
	for (int twice = 0; twice < 2; twice++)
		works(CREATE(inst, &forever, &n1, &v), "create a volume");
	works(VINFO(inst, &forever, &n3, "vol_1"), "any peer knows it");
	i = (unsigned)snprintf(want, sizeof(want),
			       "status=started\ntype=Distributed-Replicate\n");
	ok(strncmp(result.text, want, i) == 0, "it is started, of its type");
	for (i = 0, want[0] = '\0'; i < 6; i++)
		sprintf(want + strlen(want), "--\nhost=n%u\npath=%s\n",
			1 + i % 3, bricks[i].path);
	is_str(strstr(result.text, "--\n"), want, "with its bricks in order");

	refused(REMOVE(inst, &forever, &n1, &bricks[0]),
		BRICKYARD_ERR_PERMANENT, "target is busy",
		"a brick in use is not removed");
	refused(DETACH(inst, &forever, &n1, "n2"), BRICKYARD_ERR_PERMANENT,
		"hosts one or more bricks", "nor a host of one detached");
	works(PROBE(inst, &forever, &n1, "n4"), "(a peer without bricks)");
	works(DETACH(inst, &forever, &n1, "n4"), "can leave");
	refused(PROBE(inst, &forever, &n4, "n1"), BRICKYARD_ERR_EXISTS,
		"having volumes", "a node with volumes is not to be had");

	vol_init(&same, 1, 3);
	for (i = 0; i < 3; i++)
		vol_add(&same, &bricks[6 + i]);
	refused(CREATE(inst, &forever, &n1, &same), BRICKYARD_ERR_EXISTS,
		"Volume vol_1 already exists", "a name with other bricks");
	vol_init(&same, 2, 3);
	strcpy(same.name, "vol_1");
	for (i = 0; i < 6; i++)
		vol_add(&same, &bricks[i]);
	refused(CREATE(inst, &forever, &n2, &same), BRICKYARD_ERR_EXISTS,
		"Volume vol_1 already exists", "or another id is taken");
	refused(EXPAND(inst, &forever, &n1, &same, 0), BRICKYARD_ERR_EXISTS,
		"already exists", "and not to be expanded by it");

	for (i = 6; i < 9; i++)
		vol_add(&v, &bricks[i]);
	for (int twice = 0; twice < 2; twice++)
		works(EXPAND(inst, &forever, &n2, &v, 1), "expand it");
	works(VINFO(inst, &forever, &n1, "vol_1"), "info");
	sprintf(want, "--\nhost=n3\npath=%s\n", bricks[8].path);
	ok(strlen(strstr(result.text, want)) == strlen(want),
	   "the new bricks are last, once");

	for (int twice = 0; twice < 2; twice++)
		works(DESTROY(inst, &forever, &n3, "vol_1"), "destroy it");
	refused(VINFO(inst, &forever, &n1, "vol_1"), BRICKYARD_ERR_NOTFOUND,
		"Volume vol_1 does not exist", "it is gone");
	refused(EXPAND(inst, &forever, &n1, &v, 0), BRICKYARD_ERR_NOTFOUND,
		"Volume vol_1 does not exist", "and can't be expanded");
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_EXISTS,
		"is already part of a volume", "its bricks are spent");
	works(REMOVE(inst, &forever, &n1, &bricks[0]) |
	      REMOVE(inst, &forever, &n2, &bricks[1]) |
	      REMOVE(inst, &forever, &n3, &bricks[2]) |
	      MAKE(inst, &forever, &n1, &bricks[0]) |
	      MAKE(inst, &forever, &n2, &bricks[1]) |
	      MAKE(inst, &forever, &n3, &bricks[2]), "(new ones)");
	v.v.nbricks = 3;
	works(CREATE(inst, &forever, &n1, &v), "with new ones it goes");
	works(DESTROY(inst, &forever, &n1, "vol_1"), "(destroy)");
	remove_bricks(9);
}

static void
test_types(void)
{
	static const struct {
		const char *words[5];
		unsigned set, n;
		const char *type;
	} good[] = {
		{ { NULL }, 1, 1, "type=Distribute\n" },
		{ { NULL }, 1, 3, "type=Distribute\n" },
		{ { "replica", "3" }, 3, 3, "type=Replicate\n" },
		{ { "replica", "3", "arbiter", "1" }, 3, 3,
		  "type=Replicate\n" },
		{ { "replica", "2", "arbiter", "1" }, 3, 3,
		  "type=Replicate\n" },
		{ { "disperse-data", "2", "redundancy", "1" }, 3, 3,
		  "type=Disperse\n" },
		{ { "disperse", "3", "redundancy", "1" }, 3, 3,
		  "type=Disperse\n" },
		{ { "replica", "2", "transport", "tcp" }, 2, 2,
		  "type=Replicate\n" },
	};
	static const struct {
		const char *words[5];
		unsigned set, n;
		const char *why;
	} bad[] = {
		{ { "replica", "3" }, 3, 2, "not a multiple of replica" },
		{ { "replica", "2" }, 3, 3, "not a multiple of replica" },
		{ { "disperse", "4" }, 3, 3, "not a multiple of disperse" },
		{ { NULL }, 1, 0, "not a multiple" },
		{ { "replica" }, 3, 3, "wrong count after 'replica'" },
		{ { "replica", "x" }, 3, 3, "wrong count after 'replica'" },
		{ { "replica", "3", "force" }, 3, 3, "brick type: force" },
		{ { "replica", "3", "arbiter", "2" }, 3, 3, "arbiter count" },
		{ { "replica", "3", "disperse", "3" }, 3, 3, "not supported" },
	};
	struct vol v;
	size_t i;

	for (i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		make_bricks(3);
		vol_init(&v, 1, good[i].set);
		v.v.words = good[i].words;
		for (v.v.nwords = 0; good[i].words[v.v.nwords] != NULL;)
			v.v.nwords++;
		while (v.v.nbricks < good[i].n)
			vol_add(&v, &bricks[v.v.nbricks]);
		works(CREATE(inst, &forever, &n1, &v), "create of sets of %u",
		      good[i].set);
		works(VINFO(inst, &forever, &n1, "vol_1"), "info");
		has_str(result.text, good[i].type, "its type");
		works(DESTROY(inst, &forever, &n1, "vol_1"), "(destroy)");
		remove_bricks(3);
	}
	make_bricks(3);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		vol_init(&v, 1, bad[i].set);
		v.v.words = bad[i].words;
		for (v.v.nwords = 0; bad[i].words[v.v.nwords] != NULL;)
			v.v.nwords++;
		while (v.v.nbricks < bad[i].n)
			vol_add(&v, &bricks[v.v.nbricks]);
		refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_INVALID,
			bad[i].why, "words that gluster refuses: %s",
			bad[i].why);
	}
	remove_bricks(3);
}

static void
test_volume_refusals(void)
{
	struct bri fourth, unmade;
	struct vol v;

	make_bricks(6);
	works(PREPARE(inst, &forever, &n4, &sdb[3]), "(a node of no pool)");
	bri_init(&fourth, 200, &sdb[3], "n4", GIB);
	works(MAKE(inst, &forever, &n4, &fourth), "(with a brick)");

	vol_init(&v, 1, 3);
	vol_add(&v, &bricks[0]);
	vol_add(&v, &bricks[1]);
	vol_add(&v, &fourth);
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"Host n4 is not in 'Peer in Cluster' state",
		"no peer, no brick");
	fourth.ref.host = "nowhere";
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"Host nowhere is not in 'Peer", "a stranger is no peer");
	v.refs[2] = &bricks[3].ref;
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"present on the same server", "two of a set on one host");
	bri_init(&unmade, 201, &sdb[2], "n3", GIB);
	v.refs[2] = &unmade.ref;
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"root partition", "a path with nothing mounted");
	unmade.ref.path = bricks[2].mount;
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_PERMANENT,
		"is a mount point", "a mount point itself");
	v.refs[2] = &bricks[2].ref;
	strcpy(v.name, "vol.1");
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_INVALID,
		"should not contain \".\"", "a name with a dot");
	v.name[0] = '\0';
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_INVALID,
		"empty", "or none");
	strcpy(v.name, "vol_1");
	refused(VINFO(inst, &forever, &n1, "vol_1"), BRICKYARD_ERR_NOTFOUND,
		"does not exist", "of all that, nothing remains");

	v.v.noptions = 1;
	v.options[0] = "nonsense.option on";
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_INVALID,
		"option : nonsense.option does not exist", "a bad option");
	works(VINFO(inst, &forever, &n1, "vol_1"), "comes too late");
	has_str(result.text, "status=created\n", "the volume is half made");
	works(EXPAND(inst, &forever, &n1, &v, 1), "expanding by nothing works");
	has_str(logged, "needs to be started", "a rebalance failing is logged");
	v.options[0] = "performance.readdir-ahead";
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_INVALID,
		"has no value", "an option without value");
	v.options[0] = "user.heketi.id something";
	works(CREATE(inst, &forever, &n1, &v), "a good one finishes it");
	works(VINFO(inst, &forever, &n1, "vol_1"), "and");
	has_str(result.text, "status=started\n", "started");

	v.v.nbricks = 0;
	v.v.nwords = 0;
	vol_add(&v, &bricks[3]);
	vol_add(&v, &bricks[4]);
	refused(EXPAND(inst, &forever, &n1, &v, 0), BRICKYARD_ERR_INVALID,
		"not a multiple", "expand by part of a set");
	vol_add(&v, &bricks[2]);
	refused(EXPAND(inst, &forever, &n1, &v, 0), BRICKYARD_ERR_EXISTS,
		"only 1 of the 3 bricks", "or with a brick that it has");
	v.refs[2] = &bricks[5].ref;
	works(EXPAND(inst, &forever, &n1, &v, 1), "expand by new ones only");
	works(VINFO(inst, &forever, &n1, "vol_1"), "info");
	has_str(result.text, bricks[5].path, "they are added");
	has_str(result.text, bricks[0].path, "to those it had");
	works(DESTROY(inst, &forever, &n1, "vol_1"), "(destroy)");

	fourth.ref.host = "n4";
	vol_init(&v, 1, 1);
	vol_add(&v, &fourth);
	works(CREATE(inst, &forever, &n4, &v), "one node makes a volume alone");
	refused(PROBE(inst, &forever, &n1, "n4"), BRICKYARD_ERR_EXISTS,
		"having volumes", "and is not to be had then");
	works(DESTROY(inst, &forever, &n4, v.name), "(destroy)");
	works(REMOVE(inst, &forever, &n4, &fourth), "(remove)");
	works(TEARDOWN(inst, &forever, &n4, &sdb[3]), "(teardown)");
	remove_bricks(6);
}

/* With sets_per_command 2, five sets take three commands: all get there. */
static void
test_chunks(void)
{
	struct vol v;
	int n = 0;

	make_bricks(12);
	vol_init(&v, 1, 1);
	v.v.sets_per_command = 2;
	for (int i = 0; i < 5; i++)
		vol_add(&v, &bricks[i]);
	works(CREATE(inst, &forever, &n1, &v), "create in several commands");
	while (v.v.nbricks < 12)
		vol_add(&v, &bricks[v.v.nbricks]);
	works(EXPAND(inst, &forever, &n1, &v, 0), "expand in several");
	works(VINFO(inst, &forever, &n1, "vol_1"), "info");
	for (const char *c = result.text; (c = strstr(c, "--\n")); c++)
		n++;
	is_int(n, 12, "all bricks are in it");
	v.v.nbricks = 5;
	refused(CREATE(inst, &forever, &n1, &v), BRICKYARD_ERR_EXISTS,
		"already exists", "one with more bricks is another volume");
	works(DESTROY(inst, &forever, &n1, "vol_1"), "(destroy)");
	remove_bricks(12);
}

/* bricks_destroy goes on with the others and tells of the first. */
static void
test_destroy_goes_on(void)
{
	const struct brickyard_brick *all[4];
	struct vol v;

	make_bricks(12);
	vol_init(&v, 1, 1);
	vol_add(&v, &bricks[0]);
	vol_add(&v, &bricks[6]);
	works(CREATE(inst, &forever, &n1, &v), "(create)");
	for (unsigned i = 0; i < 4; i++)
		all[i] = &bricks[3 * i].b;
	FRESH;
	refused(sim->bricks_destroy(inst, &forever, &n1, all, 4, &error),
		BRICKYARD_ERR_PERMANENT, "2 of 4 bricks: umount: ",
		"two of four bricks are in use");
	has_str(error.text, bricks[0].mount, "the first is named");
	is_int(room(&n1, &sdb[0]), 498 * GIB - 16 * MIB, "the others are gone");
	works(DESTROY(inst, &forever, &n1, "vol_1"), "(destroy)");
	FRESH;
	works(sim->bricks_destroy(inst, &forever, &n1, all, 4, &error),
	      "then all go");
	remove_bricks(12);
}

/* ---- fences ---- */

static struct brickyard_call
fenced_call(const char *op, uint64_t epoch)
{
	struct brickyard_call call = forever;

	call.operation_id = op;
	call.epoch = epoch;
	return call;
}

static void
test_fences(void)
{
	const char *op = "0123456789abcdef0123456789abcdef";
	const char *another = "f123456789abcdef0123456789abcdef";
	struct brickyard_call one = fenced_call(op, 1),
		two = fenced_call(op, 2), other = fenced_call(another, 1);
	struct bri a;

	works(PREPARE(inst, &forever, &n1, &sdb[0]), "(prepare)");
	bri_init(&a, 1, &sdb[0], "n1", GIB);
	works(MAKE(inst, &one, &n1, &a), "epoch 1");
	works(REMOVE(inst, &two, &n1, &a), "epoch 2");
	refused(MAKE(inst, &one, &n1, &a), BRICKYARD_ERR_FENCED, "it is 2",
		"epoch 1 is past");
	is_int(room(&n1, &sdb[0]), 500 * GIB, "and nothing was done");
	works(MAKE(inst, &two, &n1, &a), "epoch 2 again");
	works(REMOVE(inst, &other, &n1, &a), "another operation, epoch 1");
	works(INFO(inst, &one, &n1, &sdb[0]), "a look is not fenced");
	refused(TEARDOWN(inst, &one, &n1, &sdb[0]), BRICKYARD_ERR_FENCED,
		op, "a teardown is");
	works(PREPARE(inst, &one, &n2, &sdb[1]), "each node has its own");
	works(TEARDOWN(inst, &one, &n2, &sdb[1]), "(teardown)");

	two.epoch = 3;
	a.b.size_bytes = 0;
	refused(MAKE(inst, &two, &n1, &a), BRICKYARD_ERR_INVALID, "size",
		"a refused step, epoch 3");
	a.b.size_bytes = GIB;
	two.epoch = 2;
	refused(MAKE(inst, &two, &n1, &a), BRICKYARD_ERR_FENCED, "it is 3",
		"is remembered, too");
	refused(CREATE(inst, &one, &n1, &(struct vol){ .v.name = "v" }),
		BRICKYARD_ERR_INVALID, "multiple", "nonsense is seen earlier");
	refused(PROBE(inst, &one, &n1, "n2"), BRICKYARD_ERR_FENCED, "fenced",
		"peers are fenced");
	refused(DETACH(inst, &one, &n1, "n2"), BRICKYARD_ERR_FENCED, "fenced",
		"both ways");
	refused(PREPARE(inst, &one, &n1, &sdc), BRICKYARD_ERR_FENCED, "fenced",
		"and devices");
	refused(REMOVE(inst, &one, &n1, &a), BRICKYARD_ERR_FENCED, "fenced",
		"and bricks");
	refused(DESTROY(inst, &one, &n1, "v"), BRICKYARD_ERR_FENCED, "fenced",
		"and volumes");
	works(TEARDOWN(inst, &forever, &n1, &sdb[0]), "(teardown)");
}

static void
test_fenced_volume(void)
{
	const char *op = "a123456789abcdef0123456789abcdef";
	struct brickyard_call one = fenced_call(op, 1),
		two = fenced_call(op, 2);
	struct vol v;

	make_bricks(6);
	vol_init(&v, 1, 3);
	for (int i = 0; i < 3; i++)
		vol_add(&v, &bricks[i]);
	works(CREATE(inst, &two, &n1, &v), "(create at epoch 2)");
	for (int i = 3; i < 6; i++)
		vol_add(&v, &bricks[i]);
	refused(CREATE(inst, &one, &n1, &v), BRICKYARD_ERR_FENCED, "fenced",
		"a volume's creation is fenced");
	refused(EXPAND(inst, &one, &n1, &v, 0), BRICKYARD_ERR_FENCED, "fenced",
		"and its expansion");
	works(VINFO(inst, &one, &n1, "vol_1"), "not so the question");
	ok(no_answer(bricks[3].path), "nothing was added");
	works(DESTROY(inst, &two, &n1, "vol_1"), "(destroy)");
	remove_bricks(6);
}

int
main(void)
{
	load_plugin();
	for (unsigned i = 0; i < 4; i++)
		dev_init(&sdb[i], 1 + i, "/dev/sdb");
	dev_init(&sdc, 10, "/dev/sdc");
	test_table();
	test_options();
	inst = open_sim(NULL, NULL);
	test_no_shell();
	test_peers();
	test_devices();
	test_disks();
	test_bricks();
	test_images();
	test_shared_pool();
	test_volume();
	test_types();
	test_volume_refusals();
	test_chunks();
	test_destroy_goes_on();
	test_fences();
	test_fenced_volume();
	sim->close(inst);
	return tap_done();
}
