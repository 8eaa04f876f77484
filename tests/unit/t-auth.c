/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Tokens are accepted and refused as heketi does it, with its texts. */
#include <config.h>

#include <stdbool.h>

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <openssl/sha.h>

#include "api/auth.h"
#include "util/buf.h"
#include "util/xalloc.h"

#include "tests/tap.h"

#define NOW 1600000000

static struct auth auth;

static char *
base64url(const void *p, size_t len, bool padded)
{
	CLEANUP_FREE char *s = xcalloc(1, len * 2 + 8);

	EVP_EncodeBlock((unsigned char *)s, p, (int)len);
	for (char *c = s; *c != '\0'; c++) {
		if (*c == '+')
			*c = '-';
		else if (*c == '/')
			*c = '_';
		else if (*c == '=' && !padded)
			*c = '\0';
	}
	return xstrdup(s);
}

static char *
qsh_of(const char *text)
{
	unsigned char hash[SHA256_DIGEST_LENGTH];
	char *hex = xcalloc(1, 2 * sizeof(hash) + 1);

	SHA256((const unsigned char *)text, strlen(text), hash);
	for (size_t i = 0; i < sizeof(hash); i++)
		sprintf(hex + 2 * i, "%02x", hash[i]);
	return hex;
}

struct make {
	const char *header, *claims, *key;
	const EVP_MD *md;
	bool padded;
};

static char *
make_token(const struct make *m)
{
	CLEANUP_FREE char *h = base64url(m->header, strlen(m->header),
					 m->padded);
	CLEANUP_FREE char *c = base64url(m->claims, strlen(m->claims),
					 m->padded);
	CLEANUP_FREE char *text = xasprintf("%s.%s", h, c);
	unsigned char mac[EVP_MAX_MD_SIZE];
	CLEANUP_FREE char *s = NULL;
	unsigned len = 0;

	HMAC(m->md, m->key, (int)strlen(m->key), (const unsigned char *)text,
	     strlen(text), mac, &len);
	s = base64url(mac, len, m->padded);
	return xasprintf("%s.%s", text, s);
}

/* Text of the refusal, "" when let in; status in *ret. */
static const char *
try(const char *header, const char *method, const char *path, unsigned *ret)
{
	static struct error err;
	struct auth_request q = {
		.header = header, .method = method, .path = path, .now_s = NOW,
	};
	enum err r;

	err.text[0] = '\0';
	r = auth_check(&auth, &q, &err);
	*ret = err_http(r);
	return err.text;
}

static const struct {
	const char *header;
	unsigned status;
	const char *text;
} headers[] = {
	{ NULL, 401, "Required authorization token not found" },
	{ "", 401, "Required authorization token not found" },
#define FORM "Authorization header format must be Bearer {token}"
	{ "bearer", 400, FORM },
	{ "bearer ", 400, FORM },
	{ "x", 400, FORM },
	{ "basic abc", 400, FORM },
	{ "bearer a b", 400, FORM },
	{ "bearerx a", 400, FORM },
	{ "   ", 400, FORM },
#define BAD "Invalid JWT token: "
#define SEGMENTS BAD "token contains an invalid number of segments"
	{ "bearer abc", 401, SEGMENTS },
	{ "BEARER\ta.b", 401, SEGMENTS },
	{ "bearer a.b.c.d", 401, SEGMENTS },
	{ "bearer ..", 401, BAD "unexpected end of JSON input" },
	{ "bearer !.b.c", 401, BAD "illegal base64 data at input byte 0" },
	{ "bearer e30.e.c", 401, BAD "illegal base64 data at input byte 0" },
	{ "bearer e30.e30ab.c", 401, BAD "illegal base64 data at input byte 4" },
	{ "bearer e30.e30.", 401, BAD "signing method (alg) is unspecified." },
	{ "bearer bnVsbA.e30.", 401,
	  BAD "signing method (alg) is unspecified." },
};

static void
test_headers(void)
{
	for (size_t i = 0; i < ARRAY_SIZE(headers); i++) {
		const char *h = headers[i].header;
		unsigned status = 0;
		const char *text = try(h, "GET", "/clusters", &status);

		is_str(text, headers[i].text, "header '%s'", h ? h : "(none)");
		is_int(status, headers[i].status, "with its status");
	}
}

#define HS256 "{\"alg\":\"HS256\",\"typ\":\"JWT\"}"
#define ADMIN "\"iss\":\"admin\""
#define EXP ",\"exp\":1600000300"
#define QSH ",\"qsh\":\"%s\""
#define SECRETS " (client and server secrets may not match)"
#define CLOCKS " (client and server clocks may differ)"

static const struct {
	const char *name, *header, *claims, *key, *text;
} tokens[] = {
	{ "a good token", HS256, "{" ADMIN EXP QSH "}", "A", "" },
	{ "a token until now", HS256, "{" ADMIN QSH ",\"exp\":1600000000}", "A",
	  "" },
	{ "other claims", HS256, "{" ADMIN EXP QSH ",\"aud\":\"a\","
	  "\"sub\":\"s\",\"jti\":\"j\",\"x\":[1]}", "A", "" },
	{ "claims in other case", HS256, "{\"ISS\":\"admin\"" EXP QSH "}", "A",
	  "" },
	{ "words after the claims", HS256, "{" ADMIN EXP QSH "} more", "A",
	  "" },
	{ "no claims", HS256, "{}", "A", BAD "Token missing iss claim" },
	{ "null for claims", HS256, "null", "A",
	  BAD "Token missing iss claim" },
	{ "broken claims", HS256, "{\"exp\":1,", "A", BAD "" },
	{ "an empty issuer", HS256, "{\"iss\":\"\"" EXP QSH "}", "A",
	  BAD "Token missing iss claim" },
	{ "an unknown issuer", HS256, "{\"iss\":\"root\"" EXP QSH "}", "A",
	  BAD "Unknown user" },
	{ "an issuer that is no string", HS256, "{\"iss\":7}", "A",
	  BAD "json: cannot unmarshal number into Go struct field "
	  "HeketiJwtClaims.StandardClaims.iss of type string" },
	{ "an expiry that is no integer", HS256, "{" ADMIN ",\"exp\":\"1\"}",
	  "A", BAD "json: cannot unmarshal string into Go struct field "
	  "HeketiJwtClaims.StandardClaims.exp of type int64" },
	{ "a hash that is no string", HS256, "{" ADMIN EXP ",\"qsh\":5}", "A",
	  BAD "json: cannot unmarshal number into Go struct field "
	  "HeketiJwtClaims.qsh of type string" },
	{ "half the claims", HS256, "{\"iss\":", "A", BAD "unexpected EOF" },
	{ "blanks for claims", HS256, " \n", "A", BAD "EOF" },
	{ "claims that are no JSON", HS256, "{'iss':1}", "A", BAD "invalid "
	  "character '\\'' looking for beginning of object key string" },
	{ "an issuer that is no UTF-8", HS256, "{\"iss\":\"\xff\"}", "A",
	  BAD "Unknown user" },
	{ "an issuer with a NUL", HS256, "{\"iss\":\"admin\\u0000\"}", "A",
	  BAD "Unknown user" },
	{ "claims with what fits nowhere", HS256,
	  "{" ADMIN EXP QSH ",\"x\":[1e999,\"\\ud800\"]}", "A", "" },
	{ "a header that is an array", "[]", "{" ADMIN "}", "A",
	  BAD "json: cannot unmarshal array into Go value of type "
	  "map[string]interface {}" },
	{ "words after the header", HS256 "x", "{" ADMIN "}", "A",
	  BAD "invalid character 'x' after top-level value" },
	{ "a header that is no UTF-8", "{\"alg\":\"HS256\",\"x\":\"\xff\"}",
	  "{" ADMIN EXP QSH "}", "A", "" },
	{ "claims that are an array", HS256, "[]", "A",
	  BAD "json: cannot unmarshal array into Go value of type "
	  "middleware.HeketiJwtClaims" },
	{ "no algorithm", "{\"alg\":\"none\"}", "{" ADMIN EXP QSH "}", "A",
	  BAD "Unexpected signing method: none" },
	{ "an RSA algorithm", "{\"alg\":\"RS256\"}", "{" ADMIN EXP QSH "}", "A",
	  BAD "Unexpected signing method: RS256" },
	{ "an unknown algorithm", "{\"alg\":\"HS1\"}", "{" ADMIN EXP QSH "}",
	  "A", BAD "signing method (alg) is unavailable." },
	{ "an algorithm that is no string", "{\"alg\":1}", "{" ADMIN "}", "A",
	  BAD "signing method (alg) is unspecified." },
	{ "a method looked at before the issuer", "{\"alg\":\"none\"}", "{}",
	  "A", BAD "Unexpected signing method: none" },
	{ "another secret", HS256, "{" ADMIN EXP QSH "}", "B",
	  BAD "signature is invalid" SECRETS },
	{ "the user's secret for the admin", HS256, "{" ADMIN EXP QSH "}", "U",
	  BAD "signature is invalid" SECRETS },
	{ "expired by a second", HS256, "{" ADMIN QSH ",\"exp\":1599999999}",
	  "A", BAD "Token is expired by 1s" },
	{ "expired by minutes", HS256, "{" ADMIN QSH ",\"exp\":1599999875}",
	  "A", BAD "Token is expired by 2m5s" },
	{ "expired by hours", HS256, "{" ADMIN QSH ",\"exp\":1599989195}", "A",
	  BAD "Token is expired by 3h0m5s" },
	{ "expired for ever", HS256, "{" ADMIN QSH
	  ",\"exp\":-9223372036854775808}", "A",
	  BAD "Token is expired by 2562047h47m16.854775807s" },
	{ "no expiry", HS256, "{" ADMIN QSH "}", "A",
	  BAD "Token is expired by 444444h26m40s" },
	{ "issued within the leeway", HS256,
	  "{" ADMIN EXP QSH ",\"iat\":1600000120}", "A", "" },
	{ "issued beyond it", HS256, "{" ADMIN EXP QSH ",\"iat\":1600000121}",
	  "A", BAD "Token used before issued" CLOCKS },
	{ "issued long ago", HS256, "{" ADMIN EXP QSH
	  ",\"iat\":-9223372036854775808}", "A", "" },
	{ "not valid yet", HS256, "{" ADMIN EXP QSH ",\"nbf\":1600000001}", "A",
	  BAD "token is not valid yet" },
	{ "valid from now", HS256, "{" ADMIN EXP QSH ",\"nbf\":1600000000}",
	  "A", "" },
	{ "all times wrong", HS256, "{" ADMIN QSH ",\"exp\":1,"
	  "\"iat\":1700000000,\"nbf\":1700000000}", "A",
	  BAD "token is not valid yet" },
	{ "expired and issued later", HS256, "{" ADMIN QSH ",\"exp\":1,"
	  "\"iat\":1700000000}", "A", BAD "Token used before issued" CLOCKS },
	{ "expired and forged", HS256, "{" ADMIN QSH ",\"exp\":1}", "B",
	  BAD "signature is invalid" SECRETS },
	{ "no qsh", HS256, "{" ADMIN EXP "}", "A",
	  "Invalid qsh claim in token" },
	{ "a foreign qsh", HS256, "{" ADMIN EXP ",\"qsh\":\"00\"}", "A",
	  "Invalid qsh claim in token" },
	{ "the user", HS256, "{\"iss\":\"user\"" EXP QSH "}", "U",
	  "Administrator access required" },
	{ "the user with a wrong qsh", HS256, "{\"iss\":\"user\"" EXP "}", "U",
	  "Invalid qsh claim in token" },
};

static void
test_tokens(void)
{
	CLEANUP_FREE char *qsh = qsh_of("GET&/clusters");

	for (size_t i = 0; i < ARRAY_SIZE(tokens); i++) {
		CLEANUP(buf_release) struct buf claims = { 0 };
		const char *mark = strstr(tokens[i].claims, "%s");
		struct make m = { .key = tokens[i].key, .md = EVP_sha256() };
		unsigned status = 0;
		const char *text;

		if (mark != NULL) {
			buf_add(&claims, tokens[i].claims,
				(size_t)(mark - tokens[i].claims));
			buf_addf(&claims, "%s%s", qsh, mark + 2);
		} else {
			buf_adds(&claims, tokens[i].claims);
		}
		m.header = tokens[i].header;
		m.claims = buf_str(&claims);
		CLEANUP_FREE char *token = make_token(&m);
		CLEANUP_FREE char *header = xasprintf("bearer %s", token);

		text = try(header, "GET", "/clusters", &status);
		if (strcmp(tokens[i].text, BAD) == 0)
			has_str(text, BAD, "%s", tokens[i].name);
		else
			is_str(text, tokens[i].text, "%s", tokens[i].name);
		is_int(status, tokens[i].text[0] ? 401 : 200,
		       "with its status");
	}
}

static void
expect_in(const char *name, const struct make *m, const char *method,
	  const char *path, const char *want)
{
	CLEANUP_FREE char *token = make_token(m);
	CLEANUP_FREE char *header = xasprintf(" Bearer  %s ", token);
	unsigned status;

	is_str(try(header, method, path, &status), want, "%s", name);
}

static void
test_forms(void)
{
	CLEANUP_FREE char *clusters = qsh_of("GET&/clusters");
	CLEANUP_FREE char *volumes = qsh_of("POST&/volumes");
	CLEANUP_FREE char *odd = qsh_of("GET&/a b/\xc3\xa9");
	CLEANUP_FREE char *c = xasprintf("{" ADMIN EXP QSH "}", clusters);
	CLEANUP_FREE char *u = xasprintf("{\"iss\":\"user\"" EXP QSH "}",
					 volumes);
	CLEANUP_FREE char *o = xasprintf("{" ADMIN EXP QSH "}", odd);
	struct make m = { "{\"alg\":\"HS384\"}", c, "A", EVP_sha384(), false };

	expect_in("HS384", &m, "GET", "/clusters", "");
	m = (struct make){ "{\"alg\":\"HS512\"}", c, "A", EVP_sha512(), true };
	expect_in("HS512, padded", &m, "GET", "/clusters", "");
	expect_in("another method", &m, "DELETE", "/clusters",
		  "Invalid qsh claim in token");
	expect_in("another path", &m, "GET", "/volumes",
		  "Invalid qsh claim in token");
	m = (struct make){ "{\"alg\":\"HS256\"}", c, "A", EVP_sha512(), false };
	expect_in("a longer signature than the algorithm's", &m, "GET",
		  "/clusters", BAD "signature is invalid" SECRETS);
	m = (struct make){ HS256, u, "U", EVP_sha256(), false };
	expect_in("the user may create volumes", &m, "POST", "/volumes", "");
	m = (struct make){ HS256, o, "A", EVP_sha256(), false };
	expect_in("the decoded path counts", &m, "GET", "/a b/\xc3\xa9", "");
}

int
main(void)
{
	struct error err;

	ok(auth_init(&auth, "", "U", 120, &err) != ERR_OK,
	   "no start without the admin's key");
	is_str(err.text, "Missing JWT information in config file", "in words");
	ok(auth_init(&auth, "A", "", 120, &err) != ERR_OK,
	   "nor without the user's");
	ok(auth_init(&auth, "A", "U", 120, &err) == ERR_OK, "with both");
	test_headers();
	test_tokens();
	test_forms();
	auth_release(&auth);
	return tap_done();
}
