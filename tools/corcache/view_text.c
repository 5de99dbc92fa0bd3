// SPDX-License-Identifier: GPL-2.0-only
#include "view_text.h"

#include <inttypes.h>
#include <string.h>
#include <time.h>

#include "size.h"

#define BAR_CHARS	20
#define SHORT		24

static uint64_t number(const struct view *view, const char *name)
{
	return report_number(&view->report, name);
}

static const char *bytes(uint64_t amount, char *text)
{
	return size_text(amount, text, SHORT);
}

static uint64_t slots(const struct view *view, uint64_t nr)
{
	return nr * view_region_bytes(view);
}

/* Thousandths, rounded down: "100.0 %" is all of it. */
static unsigned int permille(uint64_t part, uint64_t whole)
{
	return (unsigned __int128)part * 1000 / whole;
}

static const char *percent(uint64_t part, uint64_t whole, char *text)
{
	unsigned int of_1000;

	if (!whole)
		return "-";
	of_1000 = permille(part, whole);
	snprintf(text, SHORT, "%u.%u %%", of_1000 / 10, of_1000 % 10);
	return text;
}

/* Something is at least one character, and only all of it is all. */
static const char *bar(uint64_t part, uint64_t whole, char *text)
{
	unsigned int full = whole ? (unsigned __int128)(part < whole ? part : whole) * BAR_CHARS / whole : 0;

	if (part && !full)
		full = 1;
	memset(text, '#', full);
	memset(text + full, '-', BAR_CHARS - full);
	text[BAR_CHARS] = '\0';
	return text;
}

static const char *duration(uint64_t nanoseconds, char *text)
{
	static const char * const units[] = { "ns", "us", "ms", "s" };
	unsigned int unit = 0;
	uint64_t tenths = nanoseconds;

	if (nanoseconds < 1000) {
		snprintf(text, SHORT, "%u ns", (unsigned int)nanoseconds);
		return text;
	}
	while (tenths >= 1000 * 1000 && unit < 2) {
		tenths /= 1000;
		unit++;
	}
	tenths /= 100;
	if (tenths % 10)
		snprintf(text, SHORT, "%" PRIu64 ".%u %s", tenths / 10, (unsigned int)(tenths % 10), units[unit + 1]);
	else
		snprintf(text, SHORT, "%" PRIu64 " %s", tenths / 10, units[unit + 1]);
	return text;
}

/* ---- mode ---- */

/* What a reason means; behind some there stands the device's name. */
static const char *explain(const struct view *view, const char **name)
{
	static const struct {
		const char *reason, *text;
		bool named;
	} known[] = {
		{ "unloaded", "no table with this cache was resumed yet" },
		{ "commit", "metadata cannot be committed; it is tried again by itself" },
		{ "writes", "writes of the cache device fail; it is tried again by itself" },
		{ "nospc", "the cache device has no space left; it is tried again by itself" },
		{ "errors", "too many errors of the cache device; it is tried again by itself" },
		{ "checksums", "too many wrong checksums; it is tried again by itself" },
		{ "gone", "the cache device is gone; when it is back, type: corcache recover", true },
		{ "readonly", "the cache device is read-only; when it is not, type: corcache recover", true },
		{ "origin", "the origin is not the image that was cached; give it the right one, or an empty cache device" },
	};
	size_t i;

	*name = NULL;
	if (view->degraded)
		return "there is no cache, all is read from the origin";
	if (!view->has_report)
		return "no table is in use";
	for (i = 0; i < sizeof(known) / sizeof(*known); i++) {
		if (strcmp(known[i].reason, view_reason(view)))
			continue;
		*name = known[i].named ? view->name : NULL;
		return known[i].text;
	}
	return "";
}

static void print_mode(const struct view *view, FILE *to)
{
	const char *name, *reason = view_reason(view), *text = explain(view, &name);

	fprintf(to, "%s: %s%s", view->name, view_mode(view), view->suspended ? ", suspended" : "");
	if (strcmp(reason, "none"))
		fprintf(to, " (%s)", reason);
	fprintf(to, "%s%s%s%s\n", *text ? ": " : "", text, name ? " " : "", name ? name : "");
}

/* ---- lines ---- */

static void print_device(const char *label, const char *device, const char *name, const char *more, FILE *to)
{
	if (device)
		fprintf(to, "  %-12s %s%s%s%s%s\n", label, device, name ? " (" : "", name ? name : "", name ? ")" : "",
			more);
}

static void print_hits(const struct view *view, FILE *to)
{
	uint64_t reads = number(view, "reads"), read_bytes = number(view, "read_bytes");
	char a[SHORT], b[SHORT], c[SHORT];

	if (!reads)
		fprintf(to, "  %-12s nothing was read yet\n", "hits");
	else
		fprintf(to, "  %-12s %s of %" PRIu64 " reads, %s of %s\n", "hits",
			percent(number(view, "hits"), reads, a), reads,
			percent(number(view, "hit_bytes"), read_bytes, b), bytes(read_bytes, c));
	fprintf(to, "  %-12s %s, while %s were read from the origin\n", "saved", bytes(number(view, "hit_bytes"), a),
		bytes(number(view, "origin_bytes"), b));
}

static void print_amounts(const struct view *view, FILE *to)
{
	const struct report *report = &view->report;
	char line[BAR_CHARS + 1], a[SHORT], b[SHORT], c[SHORT];

	fprintf(to, "  %-12s [%s] %s of %s, the cache device has %s\n", "quota",
		bar(report->used, report->quota, line), bytes(slots(view, report->used), a),
		bytes(slots(view, report->quota), b), bytes(slots(view, report->total), c));
	fprintf(to, "  %-12s %s valid, %s pinned\n", "cached", bytes(view_cached_bytes(view), a),
		bytes(slots(view, number(view, "pinned")), b));
}

static void print_errors(const struct view *view, FILE *to)
{
	uint64_t left = number(view, "errors_left");

	fprintf(to, "  %-12s cache %" PRIu64 ", origin %" PRIu64 ", checksums %" PRIu64, "errors",
		number(view, "cache_errors"), number(view, "origin_errors"), number(view, "checksum_errors"));
	if (!report_word(&view->report, "errors_left"))
		fputc('\n', to);
	else if (left == UINT32_MAX)
		fputs("; no number of them ends caching\n", to);
	else
		fprintf(to, "; %" PRIu64 " left before the cache is bypassed\n", left);
}

static void print_outstanding(const struct view *view, FILE *to)
{
	uint64_t stalled = number(view, "stalled_ms"), deferred = number(view, "deferred");
	char a[SHORT];

	fprintf(to, "  %-12s ", "waiting");
	if (stalled)
		fprintf(to, "the oldest read of the origin for %s", duration(stalled * 1000000, a));
	else
		fputs("no read of the origin", to);
	fprintf(to, ", %" PRIu64 " deferred\n", deferred);
}

static const char *origin_state(const struct view *view)
{
	if (!report_word(&view->report, "unchecked"))
		return "";
	if (!strcmp(view_reason(view), "origin"))
		return ", another image than was cached";
	return number(view, "unchecked") ? ", not checked yet" : ", checked";
}

static void print_latency(const struct view *view, FILE *to)
{
	const struct latency *latency = &view->latency;
	int first = 0, last = latency->nr_bins - 1, i;
	char line[BAR_CHARS + 1], a[SHORT], b[SHORT];

	if (!latency->reads) {
		fprintf(to, "  %-12s no read was counted yet\n", "latency");
		return;
	}
	fprintf(to, "  %-12s mean %s of %" PRIu64 " reads\n", "latency",
		duration(latency->nanoseconds / latency->reads, a), latency->reads);
	while (first < last && !latency->bin[first].reads)
		first++;
	while (last > first && !latency->bin[last].reads)
		last--;
	for (i = first; i <= last; i++)
		fprintf(to, "  %12s%s %8s [%s] %s\n", "",
			latency->bin[i].below == UINT64_MAX ? " from" : "below",
			duration(latency->bin[latency->bin[i].below == UINT64_MAX ? i - 1 : i].below, a),
			bar(latency->bin[i].reads, latency->reads, line),
			percent(latency->bin[i].reads, latency->reads, b));
}

static void print_view(const struct view *view, FILE *to)
{
	print_mode(view, to);
	print_device("origin", view->origin, view->origin_name, origin_state(view), to);
	print_device("cache", view->cache, view->cache_name, "", to);
	if (view->has_report) {
		print_hits(view, to);
		print_amounts(view, to);
		print_errors(view, to);
		print_outstanding(view, to);
	}
	if (view->has_latency)
		print_latency(view, to);
}

void view_text_print(const struct views *views, FILE *to)
{
	int i;

	for (i = 0; i < views->nr; i++) {
		if (i)
			fputc('\n', to);
		print_view(&views->view[i], to);
	}
	if (!views->nr)
		fputs("There is no corcache device.\n", to);
}

/* ---- lines for logs ---- */

static void print_line(const struct view *view, const char *now, FILE *to)
{
	char a[SHORT], b[SHORT], c[SHORT], d[SHORT], e[SHORT], f[SHORT];

	fprintf(to, "%s %s: %s", now, view->name, view_mode(view));
	if (strcmp(view_reason(view), "none"))
		fprintf(to, " (%s)", view_reason(view));
	if (view->has_report)
		fprintf(to, ", hits %s of reads, %s of bytes, saved %s, origin %s, used %s of %s, waiting %" PRIu64 " ms",
			percent(number(view, "hits"), number(view, "reads"), a),
			percent(number(view, "hit_bytes"), number(view, "read_bytes"), b),
			bytes(number(view, "hit_bytes"), c), bytes(number(view, "origin_bytes"), d),
			bytes(slots(view, view->report.used), e), bytes(slots(view, view->report.quota), f),
			number(view, "stalled_ms"));
	fputc('\n', to);
}

void view_text_print_lines(const struct views *views, FILE *to)
{
	time_t seconds = time(NULL);
	struct tm tm;
	char now[32];
	int i;

	strftime(now, sizeof(now), "%FT%TZ", gmtime_r(&seconds, &tm));
	for (i = 0; i < views->nr; i++)
		print_line(&views->view[i], now, to);
}
