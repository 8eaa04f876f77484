/* SPDX-License-Identifier: BSD-2-Clause */
/* brickyard/common.h - what both kinds of plug-in share: executor.h (ways to
 * reach a node) and volume-type.h (geometry of volumes) include it.
 *
 * A plug-in is one shared object that exports one function,
 * brickyard_plugin_init, made by BRICKYARD_EXECUTOR_REGISTER or
 * BRICKYARD_VOLUME_TYPE_REGISTER.  It has no undefined symbols of the host:
 * all services come through struct brickyard_host, so link with -Wl,-z,defs.
 *
 * Rules of the boundary
 *   - Structs start with their size and only ever grow at the end.  The host
 *     copies a descriptor and zero-fills what the plug-in did not know of;
 *     before reading a member newer than the major version, a plug-in asks
 *     BRICKYARD_HAS(ptr, member).
 *   - Nothing allocated on one side is freed on the other.  Pointers in
 *     arguments are lent for the call only; results are given by calling the
 *     host's result functions, which copy.
 *   - Strings are UTF-8 and NUL-terminated.  Sizes are bytes, uint64_t.
 *   - A callback returns 0, or -1 after one call of host->fail().
 *   - No signals, no exit(), no stdout, no change of cwd or umask.
 *
 * ABI history
 *   1.0  2026-11-20  first version
 *   1.1  2026-11-21  executors: node_probe, heal_info, brick_replace, volume_clone,
 *                    block_*, node_examine, device_forget;
 *                    volume types: geometry.max_sets
 *   1.2  2026-11-21  executors: device.destroy_pv; results of device_prepare with
 *                    BRICKYARD_ERR_EXISTS, more of node_examine
 */
#ifndef BRICKYARD_COMMON_H
#define BRICKYARD_COMMON_H

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define BRICKYARD_MAGIC		0x42724b79u	/* "BrKy" */
#define BRICKYARD_ABI_MAJOR	1u
#define BRICKYARD_ABI_MINOR	2u

#define BRICKYARD_KIND_EXECUTOR		1u
#define BRICKYARD_KIND_VOLUME_TYPE	2u

#if defined(__GNUC__)
#define BRICKYARD_PRINTF(f, a) __attribute__((__format__(__printf__, f, a)))
#define BRICKYARD_PUBLIC __attribute__((__visibility__("default")))
#else
#define BRICKYARD_PRINTF(f, a)
#define BRICKYARD_PUBLIC
#endif

/* Does the struct at p (which starts with its size) reach to member m? */
#define BRICKYARD_HAS(p, m) \
	((p)->size >= (size_t)((const char *)(&(p)->m + 1) - (const char *)(p)))

/* Opaque, the host's, lent for the duration of one call. */
struct brickyard_error;
struct brickyard_result;

/* What went wrong, for host->fail(). The host decides by it what to do next. */
#define BRICKYARD_ERR_PERMANENT	  1	/* will fail again in the same way */
#define BRICKYARD_ERR_TRANSIENT	  2	/* worth another try in a moment */
#define BRICKYARD_ERR_UNREACHABLE 3	/* the node did not answer */
#define BRICKYARD_ERR_TIMEOUT	  4	/* the call's deadline passed */
#define BRICKYARD_ERR_CANCELLED	  5	/* the call was cancelled */
#define BRICKYARD_ERR_FENCED	  6	/* a higher epoch was seen: nothing done */
#define BRICKYARD_ERR_NOTFOUND	  7	/* the object is not there */
#define BRICKYARD_ERR_EXISTS	  8	/* in the way: somebody else's object */
#define BRICKYARD_ERR_NOSPACE	  9	/* the node has no room */
#define BRICKYARD_ERR_INVALID	 10	/* bad argument or bad request */
#define BRICKYARD_ERR_UNSUPPORTED 11	/* this plug-in can't do it */

/* host->log() levels. */
#define BRICKYARD_LOG_ERROR	3
#define BRICKYARD_LOG_WARNING	4
#define BRICKYARD_LOG_NOTICE	5
#define BRICKYARD_LOG_INFO	6
#define BRICKYARD_LOG_DEBUG	7

struct brickyard_kv {
	const char *key;
	const char *value;
};

/* Services lent by the host from brickyard_plugin_init() until the process
 * ends.  Every function may be called from any thread.
 */
struct brickyard_host {
	size_t size;
	uint32_t abi_major, abi_minor;	/* the host's */

	/* One line of log.  The host adds the plug-in's name. */
	void (*log)(int level, const char *fmt, ...) BRICKYARD_PRINTF(2, 3);

	/* Say why the call fails: BRICKYARD_ERR_*, and a sentence "subject:
	 * what happened: why" with the tool's own words where there are any.
	 * The last call before the return counts; the text is cut at 4 KiB.
	 */
	void (*fail)(struct brickyard_error *, int err_class,
		     const char *fmt, ...) BRICKYARD_PRINTF(3, 4);

	/* A result is a list of records, each a list of key/value pairs.  There
	 * is one record from the start; result_next() begins another.  The
	 * host caps a result at 1 MiB: past it, values are dropped and the
	 * call is treated as failed.
	 */
	void (*result_next)(struct brickyard_result *);
	void (*result_str)(struct brickyard_result *, const char *key,
			   const char *value);
	void (*result_u64)(struct brickyard_result *, const char *key,
			   uint64_t value);
};

/* One configuration option that a plug-in understands.  The host checks
 * values against the type, gives defaults, redacts secrets and prints help.
 */
#define BRICKYARD_OPT_STRING	1u
#define BRICKYARD_OPT_UINT	2u	/* decimal, fits uint64_t */
#define BRICKYARD_OPT_BOOL	3u	/* "true" or "false" */

#define BRICKYARD_OPT_SECRET	(1u << 0)
#define BRICKYARD_OPT_REQUIRED	(1u << 1)

struct brickyard_option {
	const char *key;
	uint32_t type;
	uint32_t flags;
	const char *default_value;	/* NULL: none */
	const char *help;		/* one line */
};

/* The first members of every descriptor.  magic, size and the ABI version are
 * set by the register macros.
 */
struct brickyard_plugin_head {
	uint32_t magic;			/* BRICKYARD_MAGIC */
	uint32_t kind;			/* BRICKYARD_KIND_* */
	size_t size;			/* of the whole descriptor */
	uint32_t abi_major, abi_minor;	/* of the headers it was built with */
	const char *name;		/* [a-z][a-z0-9-]*, equal to the file's
					 * name without .so */
	const char *version;
	const char *description;	/* one line */
	const char *license;		/* SPDX */
	const char *author;		/* or URL; may be NULL */
	/* Options, ended by one with key NULL; NULL: no options. */
	const struct brickyard_option *options;
	uint32_t thread_model;		/* BRICKYARD_THREADS_* */
};

/* Which calls the host may make at the same time.  Serial is the default. */
#define BRICKYARD_THREADS_SERIAL	0u	/* one call at a time */
#define BRICKYARD_THREADS_PER_NODE	1u	/* one call per node at a time */
#define BRICKYARD_THREADS_PARALLEL	2u	/* any number */

typedef const struct brickyard_plugin_head *
brickyard_plugin_init_fn(const struct brickyard_host *);

BRICKYARD_PUBLIC const struct brickyard_plugin_head *
brickyard_plugin_init(const struct brickyard_host *);

#define BRICKYARD_REGISTER_(plugin, kind_, hostvar)			\
	const struct brickyard_plugin_head *				\
	brickyard_plugin_init(const struct brickyard_host *host_)	\
	{								\
		(hostvar) = host_;					\
		(plugin).head.magic = BRICKYARD_MAGIC;			\
		(plugin).head.kind = (kind_);				\
		(plugin).head.size = sizeof(plugin);			\
		(plugin).head.abi_major = BRICKYARD_ABI_MAJOR;		\
		(plugin).head.abi_minor = BRICKYARD_ABI_MINOR;		\
		return &(plugin).head;					\
	}

#ifdef __cplusplus
}
#endif

#endif /* BRICKYARD_COMMON_H */
