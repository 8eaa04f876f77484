# SPDX-License-Identifier: GPL-2.0-or-later
# What authors of plug-ins get, used as they use it: from the installed package.
dist_check_SCRIPTS += %D%/t-sdk.t
