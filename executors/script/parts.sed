# SPDX-License-Identifier: GPL-2.0-or-later
# Shell as strings of C: a function with its name, and what is between functions.
/^[[:space:]]*#/d
/^[[:space:]]*$/d
/^[a-z0-9_]*() {$/{
h
s/^\([^(]*\).*/}, { "\1",/p
g
}
/^}$/{
s/.*/"}\\n" }, { "", ""/
b
}
s/^[[:space:]]*//
s/[\\"?]/\\&/g
s/.*/"&\\n"/
