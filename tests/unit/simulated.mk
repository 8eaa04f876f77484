# SPDX-License-Identifier: GPL-2.0-or-later
# They load executors/simulated by dlopen(3), with a host of their own.
check_PROGRAMS += %D%/t-simulated %D%/t-simulated-faults %D%/t-simulated-file
%C%_t_simulated_SOURCES = %D%/t-simulated.c %D%/simulated-host.h
%C%_t_simulated_LDADD = -ldl -lpthread
%C%_t_simulated_faults_SOURCES = %D%/t-simulated-faults.c %D%/simulated-host.h
%C%_t_simulated_faults_LDADD = -ldl -lpthread
%C%_t_simulated_file_SOURCES = %D%/t-simulated-file.c %D%/simulated-host.h
%C%_t_simulated_file_CFLAGS = $(AM_CFLAGS) $(SQLITE_CFLAGS)
%C%_t_simulated_file_LDADD = $(SQLITE_LIBS) -ldl -lpthread
check_PROGRAMS += %D%/t-simulated-block
%C%_t_simulated_block_SOURCES = %D%/t-simulated-block.c %D%/simulated-host.h
%C%_t_simulated_block_LDADD = -ldl -lpthread
