/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Numbers as strconv reads them with base 0, and errno's names as Go has them. */
#include <config.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "cli/go-words.h"
#include "util/xalloc.h"

static const char bad_syntax[] = "invalid syntax";
static const char out_of_range[] = "value out of range";

/* The base that a prefix asks for; *s moves past it. */
static unsigned
take_base(const char **s)
{
	const char *p = *s;
	unsigned base = 0;

	if (p[0] != '0' || p[1] == '\0')
		return 10;
	switch (p[1]) {
	case 'x': case 'X':
		base = 16;
		break;
	case 'b': case 'B':
		base = 2;
		break;
	case 'o': case 'O':
		base = 8;
		break;
	}
	*s += base != 0 ? 2 : 1;
	return base != 0 ? base : 8;
}

static int
digit_value(char c)
{
	if (isdigit((unsigned char)c))
		return c - '0';
	if (isxdigit((unsigned char)c))
		return tolower((unsigned char)c) - 'a' + 10;
	return -1;
}

/* An underscore is only between digits, or between the prefix and a digit. */
static const char *
read_digits(const char *s, unsigned base, bool after_prefix, uint64_t *ret)
{
	const char *why = bad_syntax;
	bool overflow = false;

	for (; *s != '\0'; s++) {
		int digit = digit_value(*s == '_' && after_prefix ? s[1] : *s);

		if (digit < 0 || (unsigned)digit >= base)
			return bad_syntax;
		if (*s == '_')
			s++;
		overflow |= __builtin_mul_overflow(*ret, base, ret) ||
			    __builtin_add_overflow(*ret, (uint64_t)digit, ret);
		after_prefix = true;
		why = overflow ? out_of_range : NULL;
	}
	return why;
}

bool
go_parse_int(const char *s, int64_t *ret, const char **why)
{
	bool negative = *s == '-';
	uint64_t n = 0, max = (uint64_t)INT64_MAX + negative;
	const char *digits;
	unsigned base;

	if (*s == '-' || *s == '+')
		s++;
	digits = s;
	base = take_base(&digits);
	/* "0" in front is a digit itself, and a prefix at the same time */
	*why = read_digits(digits, base, digits != s, &n);
	if (*why == NULL && n > max)
		*why = out_of_range;
	if (*why != NULL)
		return false;
	*ret = negative ? (int64_t)(0 - n) : (int64_t)n;
	return true;
}

bool
go_parse_float(const char *s, double *ret, const char **why)
{
	char *end = NULL;
	double d;

	errno = 0;
	d = strtod(s, &end);
	*why = NULL;
	if (end == s || *end != '\0' || isspace((unsigned char)*s))
		*why = bad_syntax;
	else if (errno == ERANGE && (d > 1 || d < -1))
		*why = out_of_range;
	else
		*ret = d;
	return *why == NULL;
}

bool
go_parse_bool(const char *s, bool *ret)
{
	static const char *const yes[] = { "1", "t", "T", "true", "TRUE",
					   "True" };
	static const char *const no[] = { "0", "f", "F", "false", "FALSE",
					  "False" };

	for (size_t i = 0; i < ARRAY_SIZE(yes); i++)
		if (strcmp(s, yes[i]) == 0) {
			*ret = true;
			return true;
		}
	for (size_t i = 0; i < ARRAY_SIZE(no); i++)
		if (strcmp(s, no[i]) == 0) {
			*ret = false;
			return true;
		}
	return false;
}

char *
go_strerror(int errnum)
{
	char *text = xstrdup(strerror(errnum));

	text[0] = (char)tolower((unsigned char)text[0]);
	return text;
}
