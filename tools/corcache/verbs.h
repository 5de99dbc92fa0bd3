/* SPDX-License-Identifier: GPL-2.0-only */
/* verbs: the constants that the files of the verbs define, one line each. */
#ifndef CORCACHE_VERBS_H
#define CORCACHE_VERBS_H

#include "verb.h"

extern const struct verb verb_attach;
extern const struct verb verb_detach;
extern const struct verb verb_tab;
extern const struct verb verb_clone;
extern const struct verb verb_unclone;
extern const struct verb verb_create;
extern const struct verb verb_remove;
extern const struct verb verb_list;
extern const struct verb verb_status;
extern const struct verb verb_quota;
extern const struct verb verb_evict;
extern const struct verb verb_pin;
extern const struct verb verb_unpin;
extern const struct verb verb_commit;
extern const struct verb verb_recover;
extern const struct verb verb_reset_stats;
extern const struct verb verb_switch_origin;
extern const struct verb verb_check;
extern const struct verb verb_dump;
extern const struct verb verb_probe;
extern const struct verb verb_verify;
extern const struct verb verb_wipe;
extern const struct verb verb_version;

#endif /* CORCACHE_VERBS_H */
