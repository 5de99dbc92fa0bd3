/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The subcommands of corcache_io, in the order of its usage text.
 *
 * Each gets the words after its own name, at least one, without the options,
 * which are in opt; and returns the exit status of the program.
 */
#ifndef CORCACHE_CMD_H
#define CORCACHE_CMD_H

/* corcache_cmd_read.c; sweep: corcache_cmd_sweep.c */
int cmd_stamp(int argc, char **argv);
int cmd_read(int argc, char **argv);
int cmd_sweep(int argc, char **argv);
int cmd_random(int argc, char **argv);
int cmd_together(int argc, char **argv);
int cmd_scribble(int argc, char **argv);

/* corcache_cmd_trace.c */
int cmd_replay(int argc, char **argv);
int cmd_nbdlog(int argc, char **argv);

/* corcache_cmd_cache.c */
int cmd_hash(int argc, char **argv);
int cmd_flip(int argc, char **argv);
int cmd_dump(int argc, char **argv);
int cmd_super(int argc, char **argv);
int cmd_occupy(int argc, char **argv);
int cmd_forge(int argc, char **argv);
int cmd_restore(int argc, char **argv);
int cmd_offline(int argc, char **argv);
int cmd_change_fd(int argc, char **argv);

/* corcache_cmd_dm.c */
int cmd_suspend(int argc, char **argv);
int cmd_timed(int argc, char **argv);
int cmd_status(int argc, char **argv);
int cmd_settle(int argc, char **argv);

#endif /* CORCACHE_CMD_H */
