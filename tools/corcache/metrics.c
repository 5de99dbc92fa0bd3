// SPDX-License-Identifier: GPL-2.0-only
#include "metrics.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "size.h"

enum kind {
	COUNTER,
	GAUGE,
};

enum unit {
	AS_IS,
	REGIONS,		/* as bytes */
	MILLISECONDS,		/* as seconds */
	OR_NO_LIMIT,		/* UINT32_MAX stands for +Inf */
};

/* ---- what the status has before its pairs ---- */

static uint64_t get_size(const struct view *view)
{
	return view->sectors * SECTOR_BYTES;
}

static uint64_t get_block(const struct view *view)
{
	return view->report.block_sectors * SECTOR_BYTES;
}

static uint64_t get_used(const struct view *view)
{
	return view->report.used * view_region_bytes(view);
}

static uint64_t get_quota(const struct view *view)
{
	return view->report.quota * view_region_bytes(view);
}

static uint64_t get_capacity(const struct view *view)
{
	return view->report.total * view_region_bytes(view);
}

static const struct {
	const char *name;
	uint64_t (*get)(const struct view *view);
	const char *help;
} amounts[] = {
	{ "corcache_size_bytes", get_size, "Size of the device." },
	{ "corcache_region_size_bytes", view_region_bytes, "Unit in which the cache device is allocated." },
	{ "corcache_block_size_bytes", get_block, "Unit in which the cache is filled." },
	{ "corcache_used_bytes", get_used, "Slots of the cache device that are not free." },
	{ "corcache_quota_bytes", get_quota, "Most that the used slots may take." },
	{ "corcache_capacity_bytes", get_capacity, "All slots of the cache device." },
	{ "corcache_cached_bytes", view_cached_bytes, "What is a hit when it is read." },
};

/* ---- its pairs: one metric for each whose value is a number ---- */

static const struct {
	const char *pair, *name;
	enum kind kind;
	enum unit unit;
	const char *help;
} metrics[] = {
	{ "reads", "corcache_reads_total", COUNTER, AS_IS, "Reads that reached the target." },
	{ "hits", "corcache_hits_total", COUNTER, AS_IS, "Reads that were answered from the cache device." },
	{ "misses", "corcache_misses_total", COUNTER, AS_IS, "Reads of the origin that were started for a reader." },
	{ "joins", "corcache_joins_total", COUNTER, AS_IS,
	  "Times that a reader took part in a read of the origin that was under way." },
	{ "fills", "corcache_fills_total", COUNTER, AS_IS, "Reads of the origin of which blocks were inserted." },
	{ "fill_bytes", "corcache_fill_bytes_total", COUNTER, AS_IS, "Bytes that were inserted." },
	{ "origin_reads", "corcache_origin_reads_total", COUNTER, AS_IS, "Reads of the origin." },
	{ "origin_bytes", "corcache_origin_bytes_total", COUNTER, AS_IS, "Bytes that were asked of the origin." },
	{ "bypasses", "corcache_bypasses_total", COUNTER, AS_IS,
	  "Times that what was read from the origin was not inserted, or not all of it." },
	{ "evictions", "corcache_evictions_total", COUNTER, AS_IS, "Slots that were emptied." },
	{ "prefetched", "corcache_prefetched_total", COUNTER, AS_IS, "0: there is no prefetching yet." },
	{ "prefetch_left", "corcache_prefetch_left", GAUGE, AS_IS, "0: there is no prefetching yet." },
	{ "cache_errors", "corcache_cache_errors_total", COUNTER, AS_IS, "Errors of the cache device." },
	{ "origin_errors", "corcache_origin_errors_total", COUNTER, AS_IS, "Reads of the origin that failed." },
	{ "checksum_errors", "corcache_checksum_errors_total", COUNTER, AS_IS,
	  "Blocks, and sectors of the region table, whose checksum was wrong." },
	{ "commits", "corcache_commits_total", COUNTER, AS_IS, "Commits of metadata that wrote something." },
	{ "reverified", "corcache_reverified_total", COUNTER, AS_IS,
	  "Times that valid blocks were read once more, to verify them apart." },
	{ "would_block", "corcache_would_block_total", COUNTER, AS_IS,
	  "Reads that asked not to wait and were sent back." },
	{ "read_bytes", "corcache_read_bytes_total", COUNTER, AS_IS, "Bytes of the reads that reached the target." },
	{ "hit_bytes", "corcache_hit_bytes_total", COUNTER, AS_IS, "Bytes that were answered from the cache device." },
	{ "bypass_quota", "corcache_bypass_quota_total", COUNTER, AS_IS,
	  "Of the bypasses: the quota is full, or the policy prefers what is cached." },
	{ "bypass_writes", "corcache_bypass_writes_total", COUNTER, AS_IS,
	  "Of the bypasses: too much is being written to the cache device." },
	{ "bypass_memory", "corcache_bypass_memory_total", COUNTER, AS_IS, "Of the bypasses: no memory." },
	{ "bypass_mode", "corcache_bypass_mode_total", COUNTER, AS_IS,
	  "Of the bypasses: the cache is frozen, bypassed or suspended." },
	{ "bypass_error", "corcache_bypass_error_total", COUNTER, AS_IS, "Of the bypasses: the write failed." },
	{ "bypass_evicted", "corcache_bypass_evicted_total", COUNTER, AS_IS,
	  "Of the bypasses: it was evicted meanwhile." },
	{ "bypass_check", "corcache_bypass_check_total", COUNTER, AS_IS,
	  "Of the bypasses: it was not known yet whether the origin is the image that was cached." },
	{ "full", "corcache_full_total", COUNTER, AS_IS, "Times that a region was worth a slot and none was free." },
	{ "ghost_hits", "corcache_ghost_hits_total", COUNTER, AS_IS,
	  "Misses of a region without a slot that the policy knew from before." },
	{ "origin_check_bytes", "corcache_origin_check_bytes_total", COUNTER, AS_IS,
	  "Bytes that the check of the origin has asked it for." },
	{ "discards", "corcache_discards_total", COUNTER, AS_IS, "Slots that were discarded on the cache device." },
	{ "transfers", "corcache_transfers", GAUGE, AS_IS, "Reads into memory of the target that are under way." },
	{ "deferred", "corcache_deferred_reads", GAUGE, AS_IS, "Reads that wait for their turn in the target." },
	{ "stalled_ms", "corcache_stalled_seconds", GAUGE, MILLISECONDS,
	  "How long the oldest read of the origin has not been answered." },
	{ "errors_left", "corcache_errors_left", GAUGE, OR_NO_LIMIT,
	  "Regions that may still have errors before the cache is bypassed." },
	{ "pinned", "corcache_pinned_bytes", GAUGE, REGIONS, "Slots of regions that are pinned." },
	{ "unchecked", "corcache_origin_unchecked", GAUGE, AS_IS,
	  "1: it is not known yet whether the origin is the image that was cached." },
};

/* ---- writing ---- */

static void print_family(FILE *to, const char *name, const char *type, const char *help)
{
	fprintf(to, "# HELP %s %s\n# TYPE %s %s\n", name, help, name, type);
}

/* A value of a label: what would end it is escaped. */
static void print_label(FILE *to, const char *label, const char *value)
{
	fprintf(to, "%s=\"", label);
	for (; value && *value; value++) {
		if (*value == '\n') {
			fputs("\\n", to);
			continue;
		}
		if (*value == '"' || *value == '\\')
			fputc('\\', to);
		fputc(*value, to);
	}
	fputc('"', to);
}

static void begin_sample(FILE *to, const char *name, const struct view *view)
{
	fprintf(to, "%s{", name);
	print_label(to, "device", view->name);
}

static void print_sample(FILE *to, const char *name, const struct view *view, uint64_t value)
{
	begin_sample(to, name, view);
	fprintf(to, "} %" PRIu64 "\n", value);
}

static void print_value(FILE *to, const struct view *view, enum unit unit, uint64_t value)
{
	if (unit == REGIONS)
		fprintf(to, "%" PRIu64 "\n", value * view_region_bytes(view));
	else if (unit == MILLISECONDS)
		fprintf(to, "%" PRIu64 ".%03u\n", value / 1000, (unsigned int)(value % 1000));
	else if (unit == OR_NO_LIMIT && value == UINT32_MAX)
		fputs("+Inf\n", to);
	else
		fprintf(to, "%" PRIu64 "\n", value);
}

/* ---- families ---- */

static void print_info(const struct views *views, FILE *to)
{
	const char *name = "corcache_info";
	char numbers[24], version[24];
	int i;

	print_family(to, name, "gauge", "What the device consists of.");
	for (i = 0; i < views->nr; i++) {
		const struct view *view = &views->view[i];

		snprintf(numbers, sizeof(numbers), "%u:%u", view->major, view->minor);
		snprintf(version, sizeof(version), "%" PRIu64, view->report.version);
		begin_sample(to, name, view);
		fputc(',', to);
		print_label(to, "numbers", view->live ? numbers : NULL);
		fputc(',', to);
		print_label(to, "uuid", view->uuid);
		fputc(',', to);
		print_label(to, "origin", view->origin_name ? view->origin_name : view->origin);
		fputc(',', to);
		print_label(to, "cache", view->cache_name ? view->cache_name : view->cache);
		fputc(',', to);
		print_label(to, "policy", view->policy);
		fputc(',', to);
		print_label(to, "origin_id", view->origin_id);
		fputc(',', to);
		print_label(to, "format_version", view->has_report ? version : NULL);
		fputs("} 1\n", to);
	}
}

static void print_mode(FILE *to, const char *name, const struct view *view, const char *mode)
{
	begin_sample(to, name, view);
	fputc(',', to);
	print_label(to, "mode", mode);
	fprintf(to, "} %d\n", !strcmp(mode, view_mode(view)));
}

/* One series for each mode that there is, 1 for the one that it is in: all are there from the beginning. */
static void print_modes(const struct views *views, FILE *to)
{
	static const char * const modes[] = { "active", "frozen", "bypass", MODE_DEGRADED, MODE_NONE };
	const char *name = "corcache_mode";
	size_t m;
	int i;

	print_family(to, name, "gauge", "1 for the mode that the cache is in, 0 for the others.");
	for (i = 0; i < views->nr; i++) {
		const struct view *view = &views->view[i];
		bool known = false;

		for (m = 0; m < sizeof(modes) / sizeof(*modes); m++) {
			print_mode(to, name, view, modes[m]);
			known = known || !strcmp(modes[m], view_mode(view));
		}
		/* of a newer kernel */
		if (!known)
			print_mode(to, name, view, view_mode(view));
	}
}

static void print_reasons(const struct views *views, FILE *to)
{
	const char *name = "corcache_mode_reason_info";
	int i;

	print_family(to, name, "gauge", "Why the mode is not active, as a label.");
	for (i = 0; i < views->nr; i++) {
		begin_sample(to, name, &views->view[i]);
		fputc(',', to);
		print_label(to, "reason", view_reason(&views->view[i]));
		fputs("} 1\n", to);
	}
}

static void print_amounts(const struct views *views, FILE *to)
{
	size_t m;
	int i;

	for (m = 0; m < sizeof(amounts) / sizeof(*amounts); m++) {
		print_family(to, amounts[m].name, "gauge", amounts[m].help);
		for (i = 0; i < views->nr; i++) {
			if (views->view[i].has_report)
				print_sample(to, amounts[m].name, &views->view[i], amounts[m].get(&views->view[i]));
		}
	}
}

/* A pair that the kernel does not have makes no sample: 0 would be a claim. */
static void print_pairs(const struct views *views, FILE *to)
{
	size_t m;
	int i;

	for (m = 0; m < sizeof(metrics) / sizeof(*metrics); m++) {
		print_family(to, metrics[m].name, metrics[m].kind == COUNTER ? "counter" : "gauge", metrics[m].help);
		for (i = 0; i < views->nr; i++) {
			const struct view *view = &views->view[i];

			if (!report_word(&view->report, metrics[m].pair))
				continue;
			begin_sample(to, metrics[m].name, view);
			fputs("} ", to);
			print_value(to, view, metrics[m].unit, report_number(&view->report, metrics[m].pair));
		}
	}
}

void metrics_print(const struct views *views, FILE *to)
{
	print_family(to, "corcache_tool_info", "gauge", "The program that has written this.");
	fprintf(to, "corcache_tool_info{version=\"%s\"} 1\n", CORCACHE_VERSION);
	print_family(to, "corcache_devices", "gauge", "Number of corcache devices.");
	fprintf(to, "corcache_devices %d\n", views->nr);
	print_info(views, to);
	print_modes(views, to);
	print_reasons(views, to);
	print_amounts(views, to);
	print_pairs(views, to);
}

/* ---- to a file ---- */

/* Closes @fd. */
static bool write_all(const struct views *views, int fd)
{
	FILE *to = fdopen(fd, "w");
	bool good;

	if (!to) {
		close(fd);
		return false;
	}
	metrics_print(views, to);
	good = !fflush(to) && !ferror(to) && !fchmod(fd, 0644);
	return !fclose(to) && good;
}

int metrics_write(const struct views *views, const char *file)
{
	/* node_exporter takes files that end in .prom: this one does not */
	char *temporary = get_text("%s.XXXXXX", file);
	int fd = mkostemp(temporary, 0), end = END_OK;

	if (fd < 0) {
		end = fail(end_of(errno), "--prometheus: cannot write beside '%s': %s", file, strerror(errno));
	} else if (!write_all(views, fd) || rename(temporary, file)) {
		end = fail(end_of(errno), "--prometheus: cannot write '%s': %s", file, strerror(errno));
		unlink(temporary);
	}
	free(temporary);
	return end;
}
