# SPDX-License-Identifier: GPL-2.0-or-later
# Objects that are loaded by tests; -rpath makes libtool build shared ones.
check_LTLIBRARIES += %D%/plug/fake.la %D%/plug/noinit.la
%C%_plug_fake_la_SOURCES = %D%/plug/fake.c
%C%_plug_fake_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_plug_fake_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_plug_fake_la_LIBADD = -ldl
%C%_plug_noinit_la_SOURCES = %D%/plug/noinit.c
%C%_plug_noinit_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere

check_PROGRAMS += %D%/t-plugin
%C%_t_plugin_SOURCES = %D%/t-plugin.c %D%/plug/plug.h
%C%_t_plugin_LDADD = libcore.la libutil.la

check_PROGRAMS += %D%/t-volume-type
%C%_t_volume_type_SOURCES = %D%/t-volume-type.c %D%/plug/plug.h
%C%_t_volume_type_LDADD = libcore.la libutil.la

check_PROGRAMS += %D%/t-errand
%C%_t_errand_SOURCES = %D%/t-errand.c
%C%_t_errand_LDADD = libcore.la libutil.la

check_PROGRAMS += %D%/t-executor
%C%_t_executor_SOURCES = %D%/t-executor.c
%C%_t_executor_LDADD = libcore.la libutil.la

check_PROGRAMS += %D%/t-config
%C%_t_config_SOURCES = %D%/t-config.c
%C%_t_config_LDADD = libcore.la libutil.la

# Plug-ins with a fault, for brickyard-plugin-check to find.
check_LTLIBRARIES += %D%/plug/faulty.la
%C%_plug_faulty_la_SOURCES = %D%/plug/faulty.c
%C%_plug_faulty_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_plug_faulty_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_plug_faulty_la_LIBADD = -ldl -lpthread
dist_check_SCRIPTS += %D%/t-plugin-check.t

# An executor with nothing but .run, for tests of executors/script.
check_LTLIBRARIES += %D%/plug/shell.la
%C%_plug_shell_la_SOURCES = %D%/plug/shell.c
%C%_plug_shell_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_plug_shell_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
dist_check_SCRIPTS += %D%/t-script.t

# Plug-ins that break their word when told to, in a whole daemon.
check_LTLIBRARIES += %D%/plug/trouble.la %D%/plug/moody.la
%C%_plug_trouble_la_SOURCES = %D%/plug/trouble.c
%C%_plug_trouble_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_plug_trouble_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
%C%_plug_trouble_la_LIBADD = -ldl
%C%_plug_moody_la_SOURCES = %D%/plug/moody.c
%C%_plug_moody_la_CPPFLAGS = $(CPPFLAGS_PLUGIN)
%C%_plug_moody_la_LDFLAGS = $(LDFLAGS_PLUGIN) -rpath /nowhere
