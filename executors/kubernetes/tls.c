/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The TLS context of an access, for WebSockets: libwebsockets takes one CA
 * certificate from memory only, and can't check one of an IPv6 address. (libcurl
 * is given the same texts and makes its own.)
 */
#include <arpa/inet.h>
#include <string.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>

#include "kubernetes.h"

static void
bio_release(BIO **b)
{
	BIO_free(*b);
}

static int
tls_fault(const struct access *a, const char *what, struct fault *f)
{
	char words[256] = "no PEM";
	unsigned long e = ERR_peek_last_error();

	if (e != 0)
		ERR_error_string_n(e, words, sizeof(words));
	ERR_clear_error();
	return fault_set(f, BRICKYARD_ERR_INVALID, "%s: %s can't be used: %s",
			 a->origin, what, words);
}

static int
add_ca(const struct access *a, struct fault *f)
{
	CLEANUP(bio_release) BIO *b = BIO_new_mem_buf(a->ca.s, (int)a->ca.len);
	X509_STORE *store = SSL_CTX_get_cert_store(a->ssl);
	size_t n = 0;
	X509 *x;

	while (b != NULL && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		(void)X509_STORE_add_cert(store, x);
		X509_free(x);
		n++;
	}
	if (n == 0)
		return tls_fault(a, "the CA's certificate", f);
	ERR_clear_error();	/* the end of it is one, too */
	return 0;
}

static int
use_chain(const struct access *a, struct fault *f)
{
	CLEANUP(bio_release) BIO *b = BIO_new_mem_buf(a->cert.s,
						      (int)a->cert.len);
	X509 *x = b != NULL ? PEM_read_bio_X509(b, NULL, NULL, NULL) : NULL;
	int ok;

	if (x == NULL)
		return tls_fault(a, "the client certificate", f);
	ok = SSL_CTX_use_certificate(a->ssl, x);
	X509_free(x);
	while (ok == 1 && (x = PEM_read_bio_X509(b, NULL, NULL, NULL)) != NULL) {
		ok = (int)SSL_CTX_add1_chain_cert(a->ssl, x);
		X509_free(x);
	}
	if (ok != 1)
		return tls_fault(a, "the client certificate", f);
	ERR_clear_error();
	return 0;
}

/* A key with a passphrase must not ask the terminal for it. */
static int
no_passphrase(char *buf, int size, int rwflag, void *arg)
{
	return -1;
}

static int
use_key(const struct access *a, struct fault *f)
{
	CLEANUP(bio_release) BIO *b = BIO_new_mem_buf(a->key.s, (int)a->key.len);
	EVP_PKEY *key = b != NULL ?
		PEM_read_bio_PrivateKey(b, NULL, no_passphrase, NULL) : NULL;
	int ok = key != NULL && SSL_CTX_use_PrivateKey(a->ssl, key) == 1 &&
		SSL_CTX_check_private_key(a->ssl) == 1;

	EVP_PKEY_free(key);
	return ok ? 0 : tls_fault(a, "the key of the client certificate", f);
}

/* Whom the certificate has to name. */
static int
expect_name(const struct access *a, struct fault *f)
{
	const char *name = a->server_name != NULL ? a->server_name : a->host;
	X509_VERIFY_PARAM *p = SSL_CTX_get0_param(a->ssl);
	unsigned char ip[16];
	int ok;

	X509_VERIFY_PARAM_set_hostflags(p, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
	if (inet_pton(AF_INET, name, ip) == 1 ||
	    inet_pton(AF_INET6, name, ip) == 1)
		ok = X509_VERIFY_PARAM_set1_ip_asc(p, name);
	else
		ok = X509_VERIFY_PARAM_set1_host(p, name, 0);
	return ok == 1 ? 0 : tls_fault(a, "the server's name", f);
}

int
tls_prepare(struct access *a, struct fault *f)
{
	ERR_clear_error();
	a->ssl = SSL_CTX_new(TLS_client_method());
	if (a->ssl == NULL)
		return fault_nomem(f);
	SSL_CTX_set_min_proto_version(a->ssl, TLS1_2_VERSION);
	SSL_CTX_set_verify(a->ssl, SSL_VERIFY_PEER, NULL);
	if (a->ca.len == 0 && SSL_CTX_set_default_verify_paths(a->ssl) != 1)
		return tls_fault(a, "the system's CA certificates", f);
	if (a->ca.len > 0 && add_ca(a, f) < 0)
		return -1;
	if ((a->cert.len > 0) != (a->key.len > 0))
		return fault_set(f, BRICKYARD_ERR_INVALID, "%s: a client "
				 "certificate needs its key, and a key its "
				 "certificate", a->origin);
	if (a->cert.len > 0 && (use_chain(a, f) < 0 || use_key(a, f) < 0))
		return -1;
	return expect_name(a, f);
}
