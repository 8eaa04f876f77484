/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The certificate that HTTPS is served with, which may be changed at any time:
 * connections that begin afterwards get the new one, the others go on.  There is
 * one for the process, since GnuTLS tells its callback nothing of whom it asks
 * for.  Any thread.
 */
#ifndef TLS_H
#define TLS_H

#include <microhttpd.h>

#include "util/error.h"

/* Read both files (PEM; the certificate first, then the chain up to the root)
 * and use them from now on.  On failure everything stays as it was.
 */
enum err MUST_CHECK tls_load(const char *cert_file, const char *key_file,
			     struct error *);
void tls_unload(void);

/* What MHD_OPTION_ARRAY is to be given: at least TLS 1.2, and our certificate. */
struct MHD_OptionItem *tls_options(void);

#endif
