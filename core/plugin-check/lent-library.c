/* SPDX-License-Identifier: GPL-2.0-or-later */
/* See lent.h: what the plug-in asks of the C library, made to fail.  Its calls go
 * through slots in its own object (the ELF gABI's global offset table), which the
 * linker has filled in; ours are put there.  Nobody else's calls change, so that
 * neither this program nor the libraries that the plug-in uses go short.
 */
#include <config.h>

#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <link.h>
#include <spawn.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <unistd.h>

#include "plugin-check/lent-library.h"

/* ---- in place of the C library's ---- */

#define STARVE(kind, code, value) do {					\
	if (lent_library_fails(kind)) {					\
		errno = (code);						\
		return value;						\
	}								\
} while (0)
#define NO_MEMORY STARVE(LENT_MEMORY, ENOMEM, NULL)
#define NO_FILE(value) STARVE(LENT_FILES, EMFILE, value)
#define NO_PROCESS(value) STARVE(LENT_PROCESSES, EAGAIN, value)

static void *
my_malloc(size_t size)
{
	NO_MEMORY;
	return malloc(size);
}

static void *
my_calloc(size_t n, size_t size)
{
	NO_MEMORY;
	return calloc(n, size);
}

static void *
my_realloc(void *p, size_t size)
{
	NO_MEMORY;
	return realloc(p, size);
}

static void *
my_reallocarray(void *p, size_t n, size_t size)
{
	NO_MEMORY;
	return reallocarray(p, n, size);
}

static char *
my_strdup(const char *s)
{
	NO_MEMORY;
	return strdup(s);
}

static char *
my_strndup(const char *s, size_t n)
{
	NO_MEMORY;
	return strndup(s, n);
}

static int
my_open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	NO_FILE(-1);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return open(path, flags, mode);
}

static int
my_openat(int dir, const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	NO_FILE(-1);
	if ((flags & (O_CREAT | O_TMPFILE)) != 0) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return openat(dir, path, flags, mode);
}

static FILE *
my_fopen(const char *path, const char *mode)
{
	NO_FILE(NULL);
	return fopen(path, mode);
}

static int
my_pipe(int fds[2])
{
	NO_FILE(-1);
	return pipe(fds);
}

static int
my_pipe2(int fds[2], int flags)
{
	NO_FILE(-1);
	return pipe2(fds, flags);
}

static int
my_socket(int domain, int type, int protocol)
{
	NO_FILE(-1);
	return socket(domain, type, protocol);
}

static int
my_socketpair(int domain, int type, int protocol, int fds[2])
{
	NO_FILE(-1);
	return socketpair(domain, type, protocol, fds);
}

static pid_t
my_fork(void)
{
	NO_PROCESS(-1);
	return fork();
}

/* These two, and pthread_create, give the error itself. */
static int
my_posix_spawn(pid_t *pid, const char *path,
	       const posix_spawn_file_actions_t *actions,
	       const posix_spawnattr_t *attr, char *const argv[],
	       char *const envp[])
{
	NO_PROCESS(EAGAIN);
	return posix_spawn(pid, path, actions, attr, argv, envp);
}

static int
my_posix_spawnp(pid_t *pid, const char *file,
		const posix_spawn_file_actions_t *actions,
		const posix_spawnattr_t *attr, char *const argv[],
		char *const envp[])
{
	NO_PROCESS(EAGAIN);
	return posix_spawnp(pid, file, actions, attr, argv, envp);
}

static int
my_pthread_create(pthread_t *thread, const pthread_attr_t *attr,
		  void *(*start)(void *), void *arg)
{
	NO_PROCESS(EAGAIN);
	return pthread_create(thread, attr, start, arg);
}

typedef void function(void);
#define MINE(name) { #name, (function *)my_##name }

static const struct replacement {
	const char *name;
	function *mine;
} replacements[] = {
	MINE(malloc), MINE(calloc), MINE(realloc), MINE(reallocarray),
	MINE(strdup), MINE(strndup),
	MINE(open), { "open64", (function *)my_open },
	MINE(openat), { "openat64", (function *)my_openat },
	MINE(fopen), { "fopen64", (function *)my_fopen },
	MINE(pipe), MINE(pipe2), MINE(socket), MINE(socketpair),
	MINE(fork), MINE(posix_spawn), MINE(posix_spawnp),
	MINE(pthread_create),
};

/* ---- the plug-in's slots ---- */

struct tables {
	const char *strings;
	const ElfW(Sym) *symbols;
	const ElfW(Rela) *plt, *others;
	size_t nplt, nothers;
};

/* What the dynamic section says; the linker may have added the base already. */
static const void *
place(const struct link_map *m, ElfW(Addr) value)
{
	return (const void *)(value < m->l_addr ? m->l_addr + value : value);
}

static bool
find_tables(const struct link_map *m, struct tables *ret)
{
	bool is_rela = true;

	memset(ret, 0, sizeof(*ret));
	for (const ElfW(Dyn) *d = m->l_ld; d->d_tag != DT_NULL; d++)
		switch (d->d_tag) {
		case DT_STRTAB: ret->strings = place(m, d->d_un.d_ptr); break;
		case DT_SYMTAB: ret->symbols = place(m, d->d_un.d_ptr); break;
		case DT_JMPREL: ret->plt = place(m, d->d_un.d_ptr); break;
		case DT_RELA: ret->others = place(m, d->d_un.d_ptr); break;
		case DT_PLTRELSZ:
			ret->nplt = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_RELASZ:
			ret->nothers = d->d_un.d_val / sizeof(ElfW(Rela));
			break;
		case DT_PLTREL: is_rela = d->d_un.d_val == DT_RELA; break;
		default: break;
		}
	return is_rela && ret->strings != NULL && ret->symbols != NULL;
}

static bool
write_slot(function **slot, function *value)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE);
	void *from = (void *)((uintptr_t)slot & ~(uintptr_t)(page - 1));

	/* Linked with -z now it is read-only. */
	if (mprotect(from, 2 * page, PROT_READ | PROT_WRITE) != 0 &&
	    mprotect(from, page, PROT_READ | PROT_WRITE) != 0)
		return false;
	*slot = value;
	return true;
}

static bool
replace(const struct link_map *m, const struct tables *t, const ElfW(Rela) *rela,
	size_t n)
{
	for (size_t i = 0; rela != NULL && i < n; i++) {
		size_t number = sizeof(void *) == 8 ?
				ELF64_R_SYM(rela[i].r_info) :
				ELF32_R_SYM(rela[i].r_info);
		const char *name = t->strings + t->symbols[number].st_name;
		function **slot = (function **)(m->l_addr + rela[i].r_offset);

		if (number == 0)
			continue;
		for (size_t k = 0; k < sizeof(replacements) /
				       sizeof(replacements[0]); k++)
			if (strcmp(name, replacements[k].name) == 0 &&
			    !write_slot(slot, replacements[k].mine))
				return false;
	}
	return true;
}

bool
lent_library(const struct plugin *p)
{
	struct link_map *m = NULL;
	struct tables t;

	if (dlinfo(p->dl, RTLD_DI_LINKMAP, &m) != 0 || !find_tables(m, &t))
		return false;
	return replace(m, &t, t.plt, t.nplt) &&
	       replace(m, &t, t.others, t.nothers);
}
