/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Each handshake gets copies of what is loaded at that moment, and GnuTLS frees
 * them, so nothing that is in use is ever taken away.  Lock: `lock` guards
 * `loaded`; nothing else is taken under it.
 */
#include <config.h>

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <gnutls/abstract.h>
#include <gnutls/gnutls.h>
#include <gnutls/x509.h>

#include "api/tls.h"
#include "util/log.h"
#include "util/xalloc.h"

#define PRIORITIES "NORMAL:-VERS-ALL:+VERS-TLS1.3:+VERS-TLS1.2"
#define KEY_ID_MAX 64
#define CHAIN_MAX 16

struct identity {
	gnutls_x509_crt_t *chain;
	unsigned n;
	gnutls_x509_privkey_t key;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct identity loaded;

static void
identity_release(struct identity *id)
{
	for (unsigned i = 0; i < id->n; i++)
		gnutls_x509_crt_deinit(id->chain[i]);
	gnutls_free(id->chain);
	if (id->key != NULL)
		gnutls_x509_privkey_deinit(id->key);
	memset(id, 0, sizeof(*id));
}

/* ---- reading ---- */

static void
release_datum(gnutls_datum_t *d)
{
	gnutls_free(d->data);
}

static enum err
read_chain(const char *file, struct identity *id, struct error *err)
{
	CLEANUP(release_datum) gnutls_datum_t pem = { NULL, 0 };
	int r = gnutls_load_file(file, &pem);

	if (r < 0)
		return fail(err, ERR_BADREQ, "cert_file %s: can't be read: %s",
			    file, gnutls_strerror(r));
	r = gnutls_x509_crt_list_import2(&id->chain, &id->n, &pem,
					 GNUTLS_X509_FMT_PEM,
					 GNUTLS_X509_CRT_LIST_SORT);
	if (r < 0)
		return fail(err, ERR_BADREQ, "cert_file %s: holds no certificate "
			    "in PEM, or not the whole chain: %s", file,
			    gnutls_strerror(r));
	if (id->n > CHAIN_MAX)
		return fail(err, ERR_BADREQ, "cert_file %s: %u certificates, "
			    "at most %d are sent", file, id->n, CHAIN_MAX);
	return ERR_OK;
}

static enum err
read_key(const char *file, struct identity *id, struct error *err)
{
	CLEANUP(release_datum) gnutls_datum_t pem = { NULL, 0 };
	int r = gnutls_load_file(file, &pem);

	if (r < 0)
		return fail(err, ERR_BADREQ, "key_file %s: can't be read: %s",
			    file, gnutls_strerror(r));
	r = gnutls_x509_privkey_init(&id->key);
	if (r == 0)
		r = gnutls_x509_privkey_import2(id->key, &pem,
						GNUTLS_X509_FMT_PEM, NULL, 0);
	gnutls_memset(pem.data, 0, pem.size);
	if (r < 0)
		return fail(err, ERR_BADREQ, "key_file %s: holds no private key "
			    "in PEM without a password: %s", file,
			    gnutls_strerror(r));
	return ERR_OK;
}

static bool
belong_together(const struct identity *id)
{
	unsigned char a[KEY_ID_MAX], b[KEY_ID_MAX];
	size_t na = sizeof(a), nb = sizeof(b);

	return gnutls_x509_crt_get_key_id(id->chain[0],
					  GNUTLS_KEYID_USE_SHA256, a, &na) == 0 &&
	       gnutls_x509_privkey_get_key_id(id->key, GNUTLS_KEYID_USE_SHA256,
					      b, &nb) == 0 &&
	       na == nb && memcmp(a, b, na) == 0;
}

/* Clients would tell, but not us. */
static void
warn_of_dates(const struct identity *id, const char *file)
{
	time_t now = time(NULL);

	if (gnutls_x509_crt_get_expiration_time(id->chain[0]) < now)
		log_warning("cert_file %s: the certificate has expired", file);
	else if (gnutls_x509_crt_get_activation_time(id->chain[0]) > now)
		log_warning("cert_file %s: the certificate is not valid yet",
			    file);
}

enum err
tls_load(const char *cert_file, const char *key_file, struct error *err)
{
	CLEANUP(identity_release) struct identity id = { 0 }, old;
	enum err r = read_chain(cert_file, &id, err);

	memset(&old, 0, sizeof(old));
	if (r == ERR_OK)
		r = read_key(key_file, &id, err);
	if (r == ERR_OK && !belong_together(&id))
		r = fail(err, ERR_BADREQ, "key_file %s: is not the key of the "
			 "first certificate in cert_file %s", key_file, cert_file);
	if (r != ERR_OK)
		return r;
	warn_of_dates(&id, cert_file);
	LOCK_FOR_SCOPE(&lock);
	old = loaded;
	loaded = id;
	memset(&id, 0, sizeof(id));
	return ERR_OK;
}

void
tls_unload(void)
{
	LOCK_FOR_SCOPE(&lock);

	identity_release(&loaded);
}

/* ---- handshakes ---- */

/* All or nothing; GnuTLS frees what it is given. */
static int
copy_chain(gnutls_pcert_st **ret)
{
	gnutls_pcert_st *v = gnutls_calloc(loaded.n, sizeof(*v));
	unsigned n = loaded.n;
	int r;

	if (v == NULL)
		return GNUTLS_E_MEMORY_ERROR;
	r = gnutls_pcert_import_x509_list(v, loaded.chain, &n, 0);
	if (r < 0)
		gnutls_free(v);
	else
		*ret = v;
	return r;
}

static int
copy_key(gnutls_privkey_t *ret)
{
	gnutls_privkey_t key;
	int r = gnutls_privkey_init(&key);

	if (r < 0)
		return r;
	r = gnutls_privkey_import_x509(key, loaded.key,
				       GNUTLS_PRIVKEY_IMPORT_COPY);
	if (r < 0)
		gnutls_privkey_deinit(key);
	else
		*ret = key;
	return r;
}

static int
on_handshake(gnutls_session_t session, const struct gnutls_cert_retr_st *info,
	     gnutls_pcert_st **ret_chain, unsigned *ret_n,
	     gnutls_ocsp_data_st **ocsp, unsigned *nocsp,
	     gnutls_privkey_t *ret_key, unsigned *flags)
{
	gnutls_privkey_t key;
	LOCK_FOR_SCOPE(&lock);

	if (loaded.n == 0 || copy_key(&key) < 0)
		return -1;
	if (copy_chain(ret_chain) < 0) {
		gnutls_privkey_deinit(key);
		return -1;
	}
	*ret_n = loaded.n;
	*ret_key = key;
	*ocsp = NULL;
	*nocsp = 0;
	*flags = GNUTLS_CERT_RETR_DEINIT_ALL;
	return 0;
}

struct MHD_OptionItem *
tls_options(void)
{
	static char priorities[] = PRIORITIES;
	static struct MHD_OptionItem items[] = {
		{ MHD_OPTION_HTTPS_PRIORITIES, 0, priorities },
		{ MHD_OPTION_HTTPS_CERT_CALLBACK2, 0, NULL },
		{ MHD_OPTION_END, 0, NULL },
	};
	gnutls_certificate_retrieve_function3 *fn = on_handshake;

	/* libmicrohttpd takes functions as data, as POSIX allows. */
	memcpy(&items[1].ptr_value, &fn, sizeof(fn));
	return items;
}
