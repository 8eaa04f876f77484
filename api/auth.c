/* SPDX-License-Identifier: GPL-2.0-or-later */
/* JWT as heketi checks it, in its order and with its texts: signing method,
 * issuer, times, signature, qsh, role; a wrong signature's text takes the place
 * of those about times.  OpenSSL does the hashing; the rest is small enough to
 * be exact here, and libjwt's texts are not heketi's.
 * Pure functions of their arguments; any thread.
 */
#include <config.h>

#include <inttypes.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <jansson.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "api/auth.h"
#include "api/gojson.h"
#include "api/gosyntax.h"
#include "api/gotext.h"
#include "util/buf.h"
#include "util/strs.h"
#include "util/xalloc.h"

struct claims {
	char *iss, *qsh, *aud, *jti, *sub;
	int64_t exp, iat, nbf;
};

#define CLAIM(name, type) \
	{ #name, GOJSON_##type, offsetof(struct claims, name), NULL }

static const struct gojson_field standard_fields[] = {
	CLAIM(aud, STRING),
	CLAIM(exp, INT),
	CLAIM(jti, STRING),
	CLAIM(iat, INT),
	CLAIM(iss, STRING),
	CLAIM(nbf, INT),
	CLAIM(sub, STRING),
	GOJSON_END
};

static const struct gojson_field qsh_fields[] = {
	CLAIM(qsh, STRING),
	GOJSON_END
};

struct token {
	struct strs parts;	/* as sent: header, claims, signature */
	char *alg;		/* NULL: not a string, or absent */
	struct claims claims;
};

static void
token_release(struct token *t)
{
	strs_release(&t->parts);
	free(t->alg);
	gojson_release(standard_fields, &t->claims);
	gojson_release(qsh_fields, &t->claims);
}

enum err
auth_init(struct auth *a, const char *admin_key, const char *user_key,
	  int64_t iat_leeway_s, struct error *err)
{
	if (*admin_key == '\0' || *user_key == '\0')
		return fail(err, ERR_BADREQ,
			    "Missing JWT information in config file");
	a->admin_key = xstrdup(admin_key);
	a->user_key = xstrdup(user_key);
	a->iat_leeway_s = iat_leeway_s;
	return ERR_OK;
}

static void
free_key(char *key)
{
	if (key != NULL)
		OPENSSL_cleanse(key, strlen(key));
	free(key);
}

void
auth_release(struct auth *a)
{
	free_key(a->admin_key);
	free_key(a->user_key);
	memset(a, 0, sizeof(*a));
}

static int
base64url_digit(char c)
{
	static const char digits[] =
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789-_";
	const char *p = c != '\0' ? strchr(digits, c) : NULL;

	return p != NULL ? (int)(p - digits) : -1;
}

/* Padding may be there or not. */
static enum err
base64url_decode(const char *s, struct buf *ret, struct error *err)
{
	size_t len = strlen(s), end = len;
	uint32_t bits = 0;

	while (end > 0 && s[end - 1] == '=' && len - end < 2)
		end--;
	if (end < len && len % 4 != 0)
		return fail(err, ERR_AUTH, "illegal base64 data at input byte "
			    "%zu", end);
	for (size_t i = 0; i < end; i++) {
		int d = base64url_digit(s[i]);

		if (d < 0)
			return fail(err, ERR_AUTH, "illegal base64 data at "
				    "input byte %zu", i);
		bits = bits << 6 | (uint32_t)d;
		if (i % 4 != 0) {
			unsigned char byte = (unsigned char)
				(bits >> (6 - 2 * (i % 4)));

			buf_add(ret, &byte, 1);
		}
	}
	if (end % 4 == 1)
		return fail(err, ERR_AUTH, "illegal base64 data at input byte "
			    "%zu", end - 1);
	return ERR_OK;
}

/* What Go's decoder of streams, which reads no further than the first value,
 * calls an end that came too early.
 */
static const char *
stream_words(const char *why, const char *text)
{
	if (strcmp(why, "unexpected end of JSON input") != 0)
		return why;
	return text[strspn(text, " \t\r\n")] == '\0' ? "EOF" :
							 "unexpected EOF";
}

/* *ret is NULL on failure, else a new reference. */
static enum err
parse_part(const char *part, bool stream, json_t **ret, struct error *err)
{
	CLEANUP(buf_release) struct buf text = { 0 }, tame = { 0 }, why = { 0 };
	size_t flags = JSON_DECODE_ANY | (stream ? JSON_DISABLE_EOF_CHECK : 0);
	json_error_t je;

	*ret = NULL;
	if (base64url_decode(part, &text, err) != ERR_OK)
		return ERR_AUTH;
	*ret = json_loadb(buf_str(&text), text.len, flags, &je);
	if (*ret == NULL &&
	    !gosyntax_fault(buf_str(&text), text.len, &why)) {
		gotext_tame(text.s, text.len, &tame);
		*ret = json_loadb(tame.s, tame.len, flags, &je);
	}
	if (*ret == NULL)
		return fail(err, ERR_AUTH, "%s", why.len == 0 ? je.text :
			    stream ? stream_words(why.s, buf_str(&text)) : why.s);
	return ERR_OK;
}

static enum err
parse_header(const char *part, struct token *t, struct error *err)
{
	static const struct gojson_field none[] = { GOJSON_END };
	json_auto_t *v = NULL;

	if (parse_part(part, false, &v, err) != ERR_OK ||
	    gojson_decode_value(v, "map[string]interface {}", none, NULL,
				err) != ERR_OK)
		return ERR_AUTH;
	t->alg = xstrdup(json_string_value(json_object_get(v, "alg")));
	return ERR_OK;
}

/* As Go does, only the first value is read, whatever may follow it. */
static enum err
parse_claims(const char *part, struct token *t, struct error *err)
{
	json_auto_t *v = NULL;

	if (parse_part(part, true, &v, err) != ERR_OK ||
	    gojson_decode_value(v, "middleware.HeketiJwtClaims", qsh_fields,
				&t->claims, err) != ERR_OK ||
	    gojson_decode_value(v, "middleware.HeketiJwtClaims.StandardClaims",
				standard_fields, &t->claims, err) != ERR_OK)
		return ERR_AUTH;
	return ERR_OK;
}

static enum err
parse_token(const char *text, struct token *t, struct error *err)
{
	strs_split(&t->parts, text, '.');
	if (t->parts.n != 3)
		return fail(err, ERR_AUTH,
			    "token contains an invalid number of segments");
	if (parse_header(t->parts.v[0], t, err) != ERR_OK)
		return ERR_AUTH;
	return parse_claims(t->parts.v[1], t, err);
}

static enum err
check_method(const char *alg, const EVP_MD **ret, struct error *err)
{
	static const char *const others[] = {
		"RS256", "RS384", "RS512", "ES256", "ES384", "ES512",
		"PS256", "PS384", "PS512", "EdDSA", "none",
	};

	if (alg == NULL)
		return fail(err, ERR_AUTH,
			    "signing method (alg) is unspecified.");
	if (strcmp(alg, "HS256") == 0)
		*ret = EVP_sha256();
	else if (strcmp(alg, "HS384") == 0)
		*ret = EVP_sha384();
	else if (strcmp(alg, "HS512") == 0)
		*ret = EVP_sha512();
	else
		*ret = NULL;
	for (size_t i = 0; *ret == NULL && i < ARRAY_SIZE(others); i++)
		if (strcmp(alg, others[i]) == 0)
			return fail(err, ERR_AUTH, "Unexpected signing method: "
				    "%s", alg);
	if (*ret == NULL)
		return fail(err, ERR_AUTH,
			    "signing method (alg) is unavailable.");
	return ERR_OK;
}

static enum err
find_key(const struct auth *a, const char *iss, const char **ret,
	 struct error *err)
{
	if (iss == NULL || *iss == '\0')
		return fail(err, ERR_AUTH, "Token missing iss claim");
	if (strcmp(iss, "admin") == 0)
		*ret = a->admin_key;
	else if (strcmp(iss, "user") == 0)
		*ret = a->user_key;
	else
		return fail(err, ERR_AUTH, "Unknown user");
	return ERR_OK;
}

/* Whole seconds as Go's Duration prints them; it holds 292 years at most. */
static void
duration_text(int64_t now, int64_t since, char *text, size_t size)
{
	int64_t s;

	if (__builtin_sub_overflow(now, since, &s) ||
	    s > INT64_MAX / 1000000000) {
		snprintf(text, size, "2562047h47m16.854775807s");
		return;
	}
	if (s >= 3600)
		snprintf(text, size, "%" PRId64 "h%dm%ds", s / 3600,
			 (int)(s / 60 % 60), (int)(s % 60));
	else if (s >= 60)
		snprintf(text, size, "%dm%ds", (int)(s / 60), (int)(s % 60));
	else
		snprintf(text, size, "%ds", (int)s);
}

/* Of several, the last one's text counts. */
static enum err
check_times(const struct auth *a, const struct claims *c, int64_t now,
	    struct error *err)
{
	enum err r = ERR_OK;
	int64_t earliest;
	char late[64];

	if (now > c->exp) {
		duration_text(now, c->exp, late, sizeof(late));
		r = fail(err, ERR_AUTH, "Token is expired by %s", late);
	}
	if (__builtin_sub_overflow(c->iat, a->iat_leeway_s, &earliest))
		earliest = INT64_MIN;
	if (now < earliest)
		r = fail(err, ERR_AUTH, "Token used before issued "
			 "(client and server clocks may differ)");
	if (c->nbf != 0 && now < c->nbf)
		r = fail(err, ERR_AUTH, "token is not valid yet");
	return r;
}

static enum err
check_signature(const struct token *t, const EVP_MD *md, const char *key,
		struct error *err)
{
	CLEANUP(buf_release) struct buf given = { 0 };
	CLEANUP_FREE char *text = NULL;
	unsigned char mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;

	if (base64url_decode(t->parts.v[2], &given, err) != ERR_OK)
		return ERR_AUTH;
	text = xasprintf("%s.%s", t->parts.v[0], t->parts.v[1]);
	if (HMAC(md, key, (int)strlen(key), (const unsigned char *)text,
		 strlen(text), mac, &len) == NULL ||
	    given.len != len || CRYPTO_memcmp(given.s, mac, len) != 0)
		return fail(err, ERR_AUTH, "signature is invalid "
			    "(client and server secrets may not match)");
	return ERR_OK;
}

static enum err
check_token(const struct auth *a, const struct token *t, int64_t now,
	    struct error *err)
{
	const char *key = NULL;
	const EVP_MD *md = NULL;
	enum err times;

	if (check_method(t->alg, &md, err) != ERR_OK ||
	    find_key(a, t->claims.iss, &key, err) != ERR_OK)
		return ERR_AUTH;
	times = check_times(a, &t->claims, now, err);
	if (check_signature(t, md, key, err) != ERR_OK)
		return ERR_AUTH;
	return times;
}

static bool
qsh_is_right(const char *qsh, const char *method, const char *path)
{
	CLEANUP_FREE char *text = xasprintf("%s&%s", method, path);
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char hex[2 * sizeof(hash) + 1];

	SHA256((const unsigned char *)text, strlen(text), hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		snprintf(hex + 2 * i, 3, "%02x", hash[i]);
	return qsh != NULL && strcmp(qsh, hex) == 0;
}

/* "bearer TOKEN", exactly two words.  *ret: caller frees; NULL: no header. */
static enum err
token_of_header(const char *header, char **ret, struct error *err)
{
	static const char space[] = " \t\n\v\f\r";
	const char *scheme, *token, *rest;
	size_t nscheme, ntoken;

	*ret = NULL;
	if (header == NULL || *header == '\0')
		return ERR_OK;
	scheme = header + strspn(header, space);
	nscheme = strcspn(scheme, space);
	token = scheme + nscheme + strspn(scheme + nscheme, space);
	ntoken = strcspn(token, space);
	rest = token + ntoken;
	if (ntoken == 0 || rest[strspn(rest, space)] != '\0' || nscheme != 6 ||
	    strncasecmp(scheme, "bearer", 6) != 0)
		return fail(err, ERR_BADREQ, "Authorization header format must "
			    "be Bearer {token}");
	*ret = xstrndup(token, ntoken);
	return ERR_OK;
}

static enum err
check_claims_of_request(const struct claims *c, const struct auth_request *r,
			struct error *err)
{
	if (!qsh_is_right(c->qsh, r->method, r->path))
		return fail(err, ERR_AUTH, "Invalid qsh claim in token");
	if (strcmp(c->iss, "user") == 0 && strcmp(r->path, "/volumes") != 0)
		return fail(err, ERR_AUTH, "Administrator access required");
	return ERR_OK;
}

enum err
auth_check(const struct auth *a, const struct auth_request *r,
	   struct error *err)
{
	CLEANUP(token_release) struct token t = { .parts = { 0 } };
	CLEANUP_FREE char *text = NULL;
	struct error why = { .code = ERR_OK };

	if (token_of_header(r->header, &text, err) != ERR_OK)
		return ERR_BADREQ;
	if (text == NULL)
		return fail(err, ERR_AUTH,
			    "Required authorization token not found");
	if (parse_token(text, &t, &why) != ERR_OK ||
	    check_token(a, &t, r->now_s, &why) != ERR_OK)
		return fail(err, ERR_AUTH, "Invalid JWT token: %s", why.text);
	return check_claims_of_request(&t.claims, r, err);
}
