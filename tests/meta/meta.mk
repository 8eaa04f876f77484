# SPDX-License-Identifier: GPL-2.0-or-later
# The project about itself.
EXTRA_DIST += %D%/tree.py
dist_check_SCRIPTS += \
	%D%/exports.t \
	%D%/headers.t \
	%D%/includes.t \
	%D%/sizes.t \
	%D%/sources.t \
	$(NULL)
