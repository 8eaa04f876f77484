/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The object itself: does the host take it, what does it export, is it where
 * only root can change it, and are its options of use to an operator?
 */
#include <config.h>

#include <elf.h>
#include <libgen.h>
#include <limits.h>
#include <link.h>
#include <string.h>
#include <sys/stat.h>

#include "plugin-check/check.h"
#include "util/xalloc.h"

#define INIT_SYMBOL "brickyard_plugin_init"

/* ---- exported symbols, from the file ---- */

struct image {
	char *bytes;
	size_t size;
};

static bool
read_image(const char *path, struct image *ret)
{
	CLEANUP_FCLOSE FILE *f = fopen(path, "re");
	struct stat st;

	if (f == NULL || fstat(fileno(f), &st) != 0 || st.st_size <= 0)
		return false;
	ret->size = (size_t)st.st_size;
	ret->bytes = xcalloc(1, ret->size + 1);
	return fread(ret->bytes, 1, ret->size, f) == ret->size;
}

static const void *
at(const struct image *i, uint64_t offset, uint64_t size)
{
	if (offset > i->size || size > i->size - offset)
		return NULL;
	return i->bytes + offset;
}

static const ElfW(Shdr) *
section(const struct image *i, uint32_t n)
{
	const ElfW(Ehdr) *e = at(i, 0, sizeof(*e));

	if (e == NULL || memcmp(e->e_ident, ELFMAG, SELFMAG) != 0 ||
	    e->e_shentsize != sizeof(ElfW(Shdr)) || n >= e->e_shnum)
		return NULL;
	return at(i, e->e_shoff + (uint64_t)n * e->e_shentsize,
		  e->e_shentsize);
}

static void
add_symbols(const struct image *i, const ElfW(Shdr) *s, struct strs *ret)
{
	const ElfW(Shdr) *names = section(i, s->sh_link);
	size_t n = s->sh_size / sizeof(ElfW(Sym));
	const ElfW(Sym) *sym = at(i, s->sh_offset, s->sh_size);

	for (size_t k = 0; sym != NULL && names != NULL && k < n; k++) {
		unsigned bind = ELF64_ST_BIND(sym[k].st_info);
		const char *name = at(i, names->sh_offset + sym[k].st_name, 1);

		if (bind != STB_LOCAL && name != NULL &&
		    sym[k].st_shndx != SHN_UNDEF &&
		    ELF64_ST_VISIBILITY(sym[k].st_other) == STV_DEFAULT)
			strs_add(ret, name);
	}
}

static void
exported(const char *path, struct strs *ret)
{
	struct image i = { NULL, 0 };
	const ElfW(Shdr) *s;

	if (read_image(path, &i))
		for (uint32_t n = 0; (s = section(&i, n)) != NULL; n++)
			if (s->sh_type == SHT_DYNSYM)
				add_symbols(&i, s, ret);
	free(i.bytes);
}

static void
check_symbols(const char *path)
{
	CLEANUP(strs_release) struct strs names = { 0 };
	CLEANUP_FREE char *list = NULL;

	exported(path, &names);
	/* The linker's own. */
	for (size_t k = 0; k < names.n;)
		if (strcmp(names.v[k], "_init") == 0 ||
		    strcmp(names.v[k], "_fini") == 0 ||
		    strcmp(names.v[k], "__bss_start") == 0 ||
		    strcmp(names.v[k], "_edata") == 0 ||
		    strcmp(names.v[k], "_end") == 0) {
			free(names.v[k]);
			names.v[k] = names.v[--names.n];
		} else {
			k++;
		}
	strs_sort(&names);
	list = strs_join(&names, ", ");
	check_ok(strs_has(&names, INIT_SYMBOL), "exports " INIT_SYMBOL,
		 "it exports: %s", list);
	check_ok(names.n <= 1, "exports nothing else", "it exports: %s; build "
		 "with -fvisibility=hidden", list);
}

/* ---- where it lies ---- */

static void
check_place(const char *path)
{
	CLEANUP_FREE char *real = realpath(path, NULL);
	struct stat st;

	for (int i = 0; real != NULL && i < 2; i++) {
		const char *p = i == 0 ? real : dirname(real);

		if (stat(p, &st) != 0)
			continue;
		if (st.st_uid != 0 || (st.st_mode & (S_IWGRP | S_IWOTH)) != 0)
			check_skip("is where only root can change it",
				   "'%s' belongs to user %ju, mode %04o: install "
				   "it before the service is to load it", p,
				   (uintmax_t)st.st_uid,
				   (unsigned)st.st_mode & 07777);
		else
			check_ok(true, "is where only root can change it", "-");
	}
}

void
check_object(struct subject *s)
{
	const struct plugin *p = s->plugin;

	check_begin("can be loaded");
	if (!check_ok(p->refused == NULL, "the host takes it", "%s",
		      p->refused != NULL ? p->refused : ""))
		return;
	check_symbols(s->args->file);
	check_place(s->args->file);
}

/* ---- options ---- */

static void
check_option(const struct brickyard_option *o)
{
	CLEANUP_FREE char *helped = xasprintf("option '%s' has a line of help",
					      o->key);
	CLEANUP_FREE char *secret = xasprintf("option '%s' looks like a secret, "
					      "and is marked as one", o->key);
	static const char *const words[] = { "password", "secret", "token" };

	check_ok(o->help != NULL && o->help[0] != '\0' &&
		 strchr(o->help, '\n') == NULL, helped, "it has %s",
		 o->help == NULL || o->help[0] == '\0' ? "none" : "more");
	for (size_t i = 0; i < ARRAY_SIZE(words); i++)
		if (strstr(o->key, words[i]) != NULL &&
		    strstr(o->key, "file") == NULL)
			check_ok((o->flags & BRICKYARD_OPT_SECRET) != 0, secret,
				 "set BRICKYARD_OPT_SECRET");
}

void
check_options(struct subject *s)
{
	const struct brickyard_plugin_head *head =
		s->plugin->kind == BRICKYARD_KIND_EXECUTOR ?
		&s->plugin->executor.head : &s->plugin->volume_type.head;
	CLEANUP_FREE char *why = plugin_schema_fault(head->options);

	check_ok(why == NULL, "the options are well formed", "%s",
		 why != NULL ? why : "");
	check_ok(head->description[0] != '\0' &&
		 strchr(head->description, '\n') == NULL,
		 "the description is one line", "'%s'", head->description);
	for (const struct brickyard_option *o = head->options;
	     o != NULL && o->key != NULL; o++)
		check_option(o);
}
