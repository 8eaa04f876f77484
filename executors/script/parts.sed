# SPDX-License-Identifier: GPL-2.0-or-later
# A line of shell as a string of C.
s/^[[:space:]]*//
/^#/d
/^$/d
s/[\\"?]/\\&/g
s/.*/"&\\n",/
