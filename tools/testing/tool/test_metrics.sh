#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# test_metrics.sh - the metrics of `corcache status --prometheus`, and what is made for them: each pair of the kernel's has
# one, each is documented, promtool takes them, the alert rules and their tests; the dashboard and the units.
# shellcheck disable=SC2317 # the cases are called by name
# shellcheck source=tools/testing/tool/lib.sh
. "$(dirname "$0")/lib.sh"

INPUTS=$TOOL_HERE/status
CONTRIB=$TOP/contrib/prometheus
UNITS=$TOP/tools/corcache/systemd
MODULE=$TOP/drivers/md/dm-corcache

# promtool ARGUMENT...: the case is skipped where it cannot be had
promtool() {
	local rc=0
	"$TOOL_HERE/promtool.sh" "$@" > promtool.out 2>&1 || rc=$?
	[ "$rc" != 4 ] || skip "$(tail -n 1 promtool.out)"
	[ "$rc" = 0 ] || fail "promtool $*: status $rc: $(cat promtool.out)"
}

# of all devices there are, in all states
metrics_of() { "$TOOL" status --from "$INPUTS/$1.in" --prometheus; }

# names of all metrics in a file
families() { sed -n 's/^# TYPE \([^ ]*\) .*/\1/p' "$1" | sort -u; }

# What the kernel's status consists of, by its source.
pairs_of_kernel() {
	sed -n '/^#define CORCACHE_STATS(X)/,/[^\\]$/s/.*X(\([a-z0-9_]*\)).*/\1/p' "$MODULE/stats.h"
	sed -n '/^static void emit_info/,/^}/p' "$MODULE/target.c" |
		grep -oE '[" ][a-z_]+ %(u|llu|s)' | sed 's/^.\([a-z_]*\) .*/\1/'
}

each_pair_has_a_metric() {
	local pair nr=0 head='a: 0 8 corcache active 1 8 8 0/1/1 0'
	echo "$head 0" > none.in
	"$TOOL" status --from none.in --prometheus > none
	for pair in $(pairs_of_kernel); do
		nr=$((nr + 1))
		echo "$head 1 $pair 7" > one.in
		"$TOOL" status --from one.in --prometheus > one
		cmp -s none one && fail "the pair $pair makes no metric"
		[ "$pair" != reason ] || continue
		expect "metrics of $pair" "$(grep -c '' < <(grep -vxFf none one))" 1
	done
	# as many as the kernel says that there are
	expect "pairs" "$nr" "$(sed -n 's/^base: .*\/[0-9]* [0-9]* \([0-9]*\) reason .*/\1/p' "$INPUTS/hosts.in")"
}

promtool_takes_them() {
	local input
	for input in hosts fresh modes; do
		metrics_of "$input" > got
		promtool check metrics < got
		[ ! -s promtool.out ] || fail "$input: promtool says $(cat promtool.out)"
	done
}

# With its control: what promtool is to find, it finds.
promtool_can_fail() {
	local rc=0
	promtool --version
	printf '# HELP a_total A.\n# TYPE a_total gauge\na_total 1\n' > got
	"$TOOL_HERE/promtool.sh" check metrics < got > out 2>&1 || rc=$?
	expect "status" "$rc" 3
}

# Base units, a type and a help for each, counters end in _total, no timestamps, and `device` is the only label of values.
form() {
	local input
	for input in hosts fresh modes; do
		metrics_of "$input" > got
		awk '
			function bad(why) { print why ": " $0; wrong = 1 }
			/^# HELP / { if (seen[$3]++) bad("a family twice"); help = $3; if (NF < 4 || !/[.]$/) bad("no sentence"); next }
			/^# TYPE / {
				type = $4; name = $3
				if (name != help) bad("no help before it")
				if (type != "counter" && type != "gauge") bad("type")
				if ((type == "counter") != (name ~ /_total$/)) bad("counters alone end in _total")
				next
			}
			{
				metric = $0; sub(/[{ ].*/, "", metric)
				if (metric != name) bad("outside of its family")
				rest = $0; sub(/^[^{ ]*({.*})?/, "", rest)
				if (rest !~ /^ ([0-9]+([.][0-9]+)?|[+]Inf)$/) bad("no value, or a timestamp")
				if (metric !~ /_info$|^corcache_(mode|devices)$/ && $0 !~ /^[a-z_]*[{]device="[^"]*"[}] /) bad("labels")
			}
			END { exit wrong }' got || fail "$input"
		! families got | grep -E '_(ms|milliseconds|sectors|kib|percent)(_|$)' || fail "no base unit"
	done
}

values() {
	metrics_of hosts > got
	grep -qx 'corcache_stalled_seconds{device="web"} 12.345' got || fail "seconds"
	grep -qx 'corcache_pinned_bytes{device="base"} 1048576' got || fail "bytes of regions"
	grep -qx 'corcache_quota_bytes{device="base"} 536870912' got || fail "quota"
	grep -qx 'corcache_hits_total{device="base"} 11483' got || fail "a counter"
	expect "the mode of web" "$(sed -n 's/^corcache_mode{device="web",mode="\(.*\)"} 1$/\1/p' got)" frozen
	metrics_of fresh > got
	grep -qx 'corcache_errors_left{device="new"} +Inf' got || fail "no limit"
	# what a kernel does not tell is not 0
	! grep 'corcache_misses_total{device="old"}' got || fail "invented"
	metrics_of modes > got
	expect "an unknown mode" "$(sed -n 's/^corcache_mode{device="reason_of_2030",mode="\(.*\)"} 1$/\1/p' got)" thawing
}

labels_are_escaped() {
	printf '%s\n' 'a"b\c: 0 8 corcache active 1 8 8 0/1/1 0 0' > odd.in
	"$TOOL" status --from odd.in --prometheus > got
	grep -qxF 'corcache_used_bytes{device="a\"b\\c"} 0' got || fail "$(grep used_bytes got)"
	promtool check metrics < got
	"$TOOL" status --from odd.in --json > json
	expect "name" "$(jq -r '.devices[0].name' json)" 'a"b\c'
}

# The table of the document and what the tool prints are the same set.
documented() {
	metrics_of hosts > got
	families got > printed
	# shellcheck disable=SC2016 # quotes of rst
	sed -n 's/^``\(corcache_[a-z0-9_]*\)``.*/\1/p' "$TOP/Documentation/dm-corcache/metrics.rst" | sort > in_table
	expect "names that stand there twice" "$(uniq -d in_table)" ""
	diff printed in_table || fail "the table of metrics.rst (>) and what is printed (<) differ"
}

# ---- alert rules -------------------------------------------------------------

rules_are_right() { promtool check rules "$CONTRIB/corcache-rules.yml"; }

rules_do_what_they_say() {
	local alert
	promtool test rules "$CONTRIB/corcache-rules-test.yml"
	# each is seen firing, and not firing
	for alert in $(alerts); do
		grep -A1 "alertname: $alert\$" "$CONTRIB/corcache-rules-test.yml" > tests
		grep -q 'exp_alerts: \[\]$' tests || fail "$alert is not seen silent"
		grep -q 'exp_alerts:$' tests || fail "$alert is not seen firing"
	done
}

alerts() { sed -n 's/^ *- alert: //p' "$CONTRIB/corcache-rules.yml"; }

# exist FILE: the metrics that it names are printed
exist() {
	local name
	metrics_of hosts > got
	while read -r name; do
		grep -q "^# TYPE $name " got || fail "$1 has $name, which there is not"
	done < <(grep -oE '\bcorcache_[a-z_]+' "$1" | sort -u)
}

rules_name_what_exists() {
	sed '/^ *#/d' "$CONTRIB/corcache-rules.yml" > rules
	exist rules
	[ "$(alerts | wc -l)" -ge 7 ] || fail "too few alerts: $(alerts)"
}

# ---- dashboard -----------------------------------------------------------------

dashboard_names_what_exists() {
	jq -er '[.panels[].targets[].expr, (.templating.list[].query | select(type == "object").query)][]' \
		"$CONTRIB/corcache-dashboard.json" > expressions
	[ "$(wc -l < expressions)" -ge 20 ] || fail "too few expressions"
	exist expressions
	expect "panels of the same number" "$(jq '.panels | (length - (map(.id) | unique | length))' "$CONTRIB/corcache-dashboard.json")" 0
	expect "panels without an expression" "$(jq '[.panels[] | select(.targets | length == 0)] | length' "$CONTRIB/corcache-dashboard.json")" 0
}

# As rules, with Grafana's variables replaced, Prometheus can parse them.
dashboard_expressions_are_right() {
	# shellcheck disable=SC2016 # variables of Grafana
	{
		printf 'groups:\n  - name: dashboard\n    rules:\n'
		jq -r '.panels[].targets[].expr' "$CONTRIB/corcache-dashboard.json" |
			sed 's/\$__rate_interval\|\$__range/5m/g' | jq -R . | awk '{ print "      - record: r" NR "\n        expr: " $0 }'
	} > rules.yml
	promtool check rules rules.yml
}

# ---- units ---------------------------------------------------------------------

units() {
	command -v systemd-analyze > /dev/null || skip "there is no systemd-analyze here"
	mkdir units
	# the program is not installed here
	sed "s|^ExecStart=/usr/sbin/corcache |ExecStart=$TOOL |" "$UNITS/corcache-metrics.service" > units/corcache-metrics.service
	cp "$UNITS/corcache-metrics.timer" units/
	systemd-analyze verify --man=no units/corcache-metrics.service units/corcache-metrics.timer > said 2>&1 || fail "$(cat said)"
	! grep corcache-metrics said || fail "it complains"
	# and what it runs is what the tool has
	sed -n 's|^ExecStart=/usr/sbin/corcache ||p' "$UNITS/corcache-metrics.service" > words
	expect "words of the service" "$(cat words)" "status --prometheus=/var/lib/prometheus/node-exporter/corcache.prom"
	grep -q 'file=~"(.\*/)?corcache\[.\]prom"' "$CONTRIB/corcache-rules.yml" || fail "the rules look at another file"
}

run_cases each_pair_has_a_metric promtool_takes_them promtool_can_fail form values labels_are_escaped documented \
	rules_are_right rules_do_what_they_say rules_name_what_exists dashboard_names_what_exists \
	dashboard_expressions_are_right units
