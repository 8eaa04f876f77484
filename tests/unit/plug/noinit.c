/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A sound shared object that is no plug-in. */
int noinit_answer(void);

int
noinit_answer(void)
{
	return 42;
}
