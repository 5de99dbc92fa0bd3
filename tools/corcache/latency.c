// SPDX-License-Identifier: GPL-2.0-only
#include "latency.h"

#include <inttypes.h>
#include <libdevmapper.h>
#include <stdio.h>
#include <unistd.h>

#include "fail.h"

#define PROGRAM_ID	"corcache"

/* From a hit on a fast device to a remote that is about to be given up. */
#define BOUNDS	"10us,20us,50us,100us,200us,500us,1ms,2ms,5ms,10ms,20ms,50ms,100ms,200ms,500ms,1s,2s,5s,10s"

static int failed(const char *name, const char *what)
{
	if (geteuid())
		return fail(END_DENIED, "cannot %s the latency of reads of '%s': this needs root", what, name);
	return fail(END_DEVICE, "cannot %s the latency of reads of '%s': it needs a kernel whose dm-stats has histograms",
		    what, name);
}

/* A list of ours, of all that count on the device. */
static struct dm_stats *open_stats(const char *name)
{
	struct dm_stats *stats = dm_stats_create(PROGRAM_ID);

	if (stats && dm_stats_bind_name(stats, name) && dm_stats_list(stats, PROGRAM_ID))
		return stats;
	if (stats)
		dm_stats_destroy(stats);
	return NULL;
}

/* The first region of ours; false: there is none. Numbers of those of others lie between. */
static bool find_region(struct dm_stats *stats, uint64_t *id)
{
	/* the library's walk does not stop at an empty list */
	if (!dm_stats_get_nr_regions(stats))
		return false;
	dm_stats_foreach_region(stats) {
		*id = dm_stats_get_current_region(stats);
		if (dm_stats_get_region_nr_histogram_bins(stats, *id) > 0)
			return true;
	}
	return false;
}

static bool begin(struct dm_stats *stats)
{
	struct dm_histogram *bounds = dm_histogram_bounds_from_string(BOUNDS);
	bool done;

	done = bounds && dm_stats_create_region(stats, NULL, 0, 0, -1, 1, bounds, PROGRAM_ID, NULL);
	if (bounds)
		dm_histogram_bounds_destroy(bounds);
	return done;
}

/*
 * What the kernel prints of a region of one area: "START+LENGTH", thirteen numbers, of which the first is how many
 * reads there were and the fourth how long they took, and the bins with colons between. The library's own way to read
 * it sets all of it to zero.
 */
static bool take(struct dm_stats *stats, uint64_t id, struct latency *latency)
{
	struct dm_histogram *bounds = dm_histogram_bounds_from_string(BOUNDS);
	const char *line = dm_stats_print_region(stats, id, 0, 1, 0);
	int n = 0, bins = 0, length;

	/* one more: what is above the last bound */
	latency->nr_bins = bounds ? dm_histogram_get_nr_bins(bounds) + 1 : 0;
	if (line && latency->nr_bins && latency->nr_bins <= LATENCY_BINS_MOST)
		sscanf(line, "%*u+%*u %" SCNu64 " %*u %*u %" SCNu64 " %*u %*u %*u %*u %*u %*u %*u %*u %*u %n",
		       &latency->reads, &latency->nanoseconds, &n);
	for (line += n; n && bins < latency->nr_bins; line += length + 1, bins++) {
		if (sscanf(line, "%" SCNu64 "%n", &latency->bin[bins].reads, &length) != 1)
			break;
		latency->bin[bins].below = bins + 1 < latency->nr_bins ? dm_histogram_get_bin_upper(bounds, bins) :
					   UINT64_MAX;
	}
	if (bounds)
		dm_histogram_bounds_destroy(bounds);
	return bins && bins == latency->nr_bins;
}

int latency_get(const char *name, bool *counted, struct latency *latency)
{
	struct dm_stats *stats = open_stats(name);
	uint64_t id = 0;
	bool done;

	*counted = stats && find_region(stats, &id);
	if (*counted)
		done = take(stats, id, latency);
	else
		done = stats && begin(stats);
	if (stats)
		dm_stats_destroy(stats);
	return done ? END_OK : failed(name, "count");
}

int latency_stop(const char *name, bool *counted)
{
	struct dm_stats *stats = open_stats(name);
	uint64_t id;
	bool done = stats;

	*counted = false;
	while (done && find_region(stats, &id)) {
		*counted = true;
		done = dm_stats_delete_region(stats, id) && dm_stats_list(stats, PROGRAM_ID);
	}
	if (stats)
		dm_stats_destroy(stats);
	return done ? END_OK : failed(name, "stop counting");
}
