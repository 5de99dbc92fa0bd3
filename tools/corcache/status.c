// SPDX-License-Identifier: GPL-2.0-only
/* status: the verb that tells what devices do, once or again and again. */
#include <errno.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "latency.h"
#include "metrics.h"
#include "saved.h"
#include "verbs.h"
#include "view_json.h"
#include "view_text.h"

#define WATCH_SECONDS_MOST	86400

static const struct verb_option options[] = {
	{ "json", 'j', NULL, "JSON", WORD_NONE, NULL, false },
	{ "prometheus", 'p', "[FILE]", "metrics for Prometheus, to a file that is replaced at once", WORD_FILE, NULL,
	  false },
	{ "watch", 'w', "[SECONDS]", "again and again, each second, until it is interrupted", WORD_NONE, NULL, false },
	{ "latency", 'l', "[stop]", "how long reads take, counted from the first call on; stop counting",
	  WORD_CHOICE, "stop", false },
	{ "from", 'f', "FILE", "of a saved output of dmsetup status (and table), -: standard input", WORD_FILE, NULL,
	  false },
	{ 0 }
};

/* ---- what goes together ---- */

static int excludes(const struct invocation *call, const char *option, const char *const *others)
{
	for (; given(call, option) && *others; others++) {
		if (given(call, *others))
			return fail(END_ARGS, "status: --%s and --%s do not go together: leave one of them out", option,
				    *others);
	}
	return END_OK;
}

static int check_options(const struct invocation *call)
{
	static const char *const not_prometheus[] = { "json", "watch", "latency", NULL };
	static const char *const not_from[] = { "watch", "latency", NULL };
	static const char *const not_stop[] = { "json", "watch", NULL };
	int end = excludes(call, "prometheus", not_prometheus);

	if (!end)
		end = excludes(call, "from", not_from);
	if (!end && value_of(call, "latency"))
		end = excludes(call, "latency", not_stop);
	return end;
}

static int watch_seconds(const struct invocation *call, uint64_t *seconds)
{
	int end;

	*seconds = 1;
	end = number_option(call, "watch", WATCH_SECONDS_MOST, seconds);
	return !end && !*seconds ? fail(END_ARGS, "--watch: '0' is no number of seconds from 1 on") : end;
}

/* ---- collecting ---- */

/* Of a saved output leave the one device that was asked for. */
static int only(struct views *views, const char *name, const char *file)
{
	struct view *view = views_find(views, name), rest;

	if (!view)
		return fail(END_DEVICE, "%s: no device '%s' is in it", file, name);
	rest = views->view[0];
	views->view[0] = *view;
	*view = rest;
	while (views->nr > 1)
		views_drop_last(views);
	return END_OK;
}

static int take_latency(struct views *views)
{
	int i, end = END_OK;

	for (i = 0; i < views->nr && !end; i++) {
		struct view *view = &views->view[i];

		end = latency_get(view->name, &view->has_latency, &view->latency);
		if (!end && !view->has_latency)
			say("%s: the latency of reads is counted from now on; the same command shows it, --latency=stop ends it",
			    view->name);
	}
	return end;
}

static int collect(const struct invocation *call, struct views *views)
{
	const char *name = call->words ? call->word[0] : NULL, *file = value_of(call, "from");
	int end;

	if (file) {
		end = saved_read(file, views);
		return end || !name ? end : only(views, name, file);
	}
	end = views_collect(name, views);
	return end || !given(call, "latency") ? end : take_latency(views);
}

/* ---- showing ---- */

static int show(const struct invocation *call, const struct views *views)
{
	const char *file = value_of(call, "prometheus");

	if (file)
		return metrics_write(views, file);
	if (given(call, "prometheus"))
		metrics_print(views, stdout);
	else if (given(call, "json"))
		view_json_print(views, given(call, "watch"), stdout);
	else if (given(call, "watch") && !isatty(STDOUT_FILENO))
		view_text_print_lines(views, stdout);
	else
		view_text_print(views, stdout);
	return END_OK;
}

/* Over what stands on the screen: what is written over does not flicker. */
static int repaint(const struct views *views)
{
	char *text = NULL, *line, *rest;
	size_t length;
	FILE *to = open_memstream(&text, &length);

	if (!to)
		return fail(END_MEMORY, "out of memory");
	view_text_print(views, to);
	fclose(to);
	fputs("\033[H", stdout);
	for (rest = text; (line = strsep(&rest, "\n")) && rest;)
		printf("%s\033[K\n", line);
	fputs("\033[J", stdout);
	free(text);
	return END_OK;
}

static int flush_output(void)
{
	if (fflush(stdout) || ferror(stdout))
		return fail(end_of(errno), "cannot write the output: %s", strerror(errno));
	return END_OK;
}

static int once(const struct invocation *call, bool paint)
{
	struct views views = { 0 };
	int end = collect(call, &views);

	if (!end)
		end = paint ? repaint(&views) : show(call, &views);
	views_forget(&views);
	return end ? end : flush_output();
}

static int watch(const struct invocation *call)
{
	bool paint = !given(call, "json") && isatty(STDOUT_FILENO);
	struct timespec pause = { 0 };
	uint64_t seconds;
	sigset_t ends;
	int end = watch_seconds(call, &seconds);

	if (end)
		return end;
	pause.tv_sec = seconds;
	sigemptyset(&ends);
	sigaddset(&ends, SIGINT);
	sigaddset(&ends, SIGTERM);
	/* whoever asks it to end finds whole lines */
	sigprocmask(SIG_BLOCK, &ends, NULL);
	if (paint)
		fputs("\033[2J", stdout);
	do
		end = once(call, paint);
	while (!end && sigtimedwait(&ends, NULL, &pause) < 0);
	return end;
}

/* ---- the verb ---- */

static int stop_latency(const struct invocation *call)
{
	struct views views = { 0 };
	int end = views_collect(call->words ? call->word[0] : NULL, &views), i;
	bool counted;

	for (i = 0; i < views.nr && !end; i++) {
		end = latency_stop(views.view[i].name, &counted);
		if (!end && !counted)
			say("%s: no latency was counted", views.view[i].name);
	}
	views_forget(&views);
	return end;
}

static int status(const struct invocation *call)
{
	int end = check_options(call);

	if (end)
		return end;
	if (value_of(call, "latency"))
		return stop_latency(call);
	return given(call, "watch") ? watch(call) : once(call, false);
}

const struct verb verb_status = {
	.name = "status",
	.words = "[NAME]",
	.summary = "tell what a device does, or all of them: mode, hits, quota, errors",
	.more = "With --prometheus=FILE the file is written beside and renamed, readable for all.\n"
		"Where it is no terminal, --watch prints a line for each device.\n",
	.most = 1,
	.first = WORD_NAME,
	.options = options,
	.run = status,
};
