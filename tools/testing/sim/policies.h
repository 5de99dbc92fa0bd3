/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The policies, each in a file of its name.
 */
#ifndef CORCACHE_SIM_POLICIES_H
#define CORCACHE_SIM_POLICIES_H

#include "sim.h"

extern const struct sim_policy policy_adaptive, policy_stop;
extern const struct sim_policy policy_lru, policy_fifo, policy_clock, policy_random;
extern const struct sim_policy policy_2q, policy_arc, policy_lirs, policy_sieve;
extern const struct sim_policy policy_s3fifo, policy_opt;

#endif /* CORCACHE_SIM_POLICIES_H */
