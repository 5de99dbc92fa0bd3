/* SPDX-License-Identifier: GPL-2.0-only */
/* sample: some cached blocks, as the cache device has their checksums, compared with what may be their origin. */
#ifndef CORCACHE_SAMPLE_H
#define CORCACHE_SAMPLE_H

#define SAMPLE_BLOCKS	64

/*
 * The first block that is cached, and others at random. END_DEVICE, and says which differs, if one does. A cache
 * without checksums is left to the target's own check. Returns an exit status.
 */
int sample_origin(const char *cache_path, const char *origin_path);

#endif /* CORCACHE_SAMPLE_H */
