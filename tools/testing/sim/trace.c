// SPDX-License-Identifier: GPL-2.0-only
/*
 * Traces: building one access by access, dense numbers, phases.
 */
#include <linux/string.h>

#include <stdlib.h>

#include "sim.h"

/* Open addressing, at most half full; a slot holds a dense number + 1. */
struct map {
	u32	*slot;
	u64	size;
};

static u64 mix(u64 x)
{
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	x = (x ^ x >> 32) * 0xd6e8feb86659fd93ULL;
	return x ^ x >> 32;
}

/* Where @id is, or where it would go. */
static u32 *map_find(const struct trace *trace, u64 id)
{
	const struct map *map = trace->map;
	u64 at = mix(id) & (map->size - 1);

	while (map->slot[at] && trace->id[map->slot[at] - 1] != id)
		at = (at + 1) & (map->size - 1);
	return &map->slot[at];
}

static void map_resize(struct trace *trace, u64 size)
{
	struct map *map = trace->map;
	u32 i;

	free(map->slot);
	map->size = size;
	map->slot = get_memory(size, sizeof(u32));
	for (i = 0; i < trace->nr_blocks; i++)
		*map_find(trace, trace->id[i]) = i + 1;
}

struct trace *trace_new(const char *name)
{
	struct trace *trace = get_memory(1, sizeof(*trace));

	trace->name = format_text("%s", name);
	trace->map = get_memory(1, sizeof(*trace->map));
	map_resize(trace, 1024);
	return trace;
}

static void map_free(struct trace *trace)
{
	if (trace->map)
		free(trace->map->slot);
	free(trace->map);
	trace->map = NULL;
}

void trace_free(struct trace *trace)
{
	u32 i;

	for (i = 0; i < trace->nr_phases; i++)
		free(trace->phase[i].name);
	map_free(trace);
	free(trace->phase);
	free(trace->block);
	free(trace->bits);
	free(trace->id);
	free(trace->prev);
	free(trace->name);
	free(trace);
}

static u32 dense(struct trace *trace, u64 id)
{
	u32 *slot = map_find(trace, id);

	if (*slot)
		return *slot - 1;
	/* the last numbers are NONE and, in queues, heads */
	if (trace->nr_blocks >= NONE - 64)
		die("%s: more than %u distinct blocks", trace->name, NONE - 64);
	if (trace->nr_blocks == trace->id_room) {
		trace->id_room = trace->id_room ? 2 * trace->id_room : 1024;
		trace->id = grow_memory(trace->id, trace->id_room, sizeof(u64));
	}
	trace->id[trace->nr_blocks] = id;
	*slot = ++trace->nr_blocks;
	if (2ULL * trace->nr_blocks > trace->map->size)
		map_resize(trace, 2 * trace->map->size);
	return trace->nr_blocks - 1;
}

static void make_room(struct trace *trace, u64 nr, bool bits)
{
	/* access numbers and NONE share 32 bits */
	if (nr >= NONE)
		die("%s: more than %u accesses: cut the trace, or take larger blocks",
		    trace->name, NONE - 1);
	if (nr <= trace->room && (!bits || trace->bits))
		return;
	if (nr > trace->room) {
		trace->room = 2 * nr < 4096 ? 4096 : 2 * nr;
		trace->block = grow_memory(trace->block, trace->room, sizeof(u32));
	}
	if (bits)
		trace->bits = grow_memory(trace->bits, trace->room, sizeof(u64));
}

void trace_add(struct trace *trace, u64 id, u64 bits)
{
	make_room(trace, trace->nr + 1, bits);
	trace->block[trace->nr] = dense(trace, id);
	if (bits)
		trace->bits[trace->nr] = bits;
	trace->nr++;
}

void trace_phase(struct trace *trace, const char *fmt, ...)
{
	struct phase *phase;
	va_list ap;

	trace->phase = grow_memory(trace->phase, trace->nr_phases + 1, sizeof(*phase));
	phase = &trace->phase[trace->nr_phases++];
	phase->start = trace->nr;
	va_start(ap, fmt);
	if (vasprintf(&phase->name, fmt, ap) < 0)
		die("no memory");
	va_end(ap);
}

void trace_repeat(struct trace *trace, u32 times)
{
	u64 once = trace->nr;
	u32 i;

	if (times < 2)
		return;
	make_room(trace, once * times, trace->bits);
	trace->nr = 0;
	trace_phase(trace, "1");
	for (i = 1; i < times; i++) {
		trace->nr = i * once;
		trace_phase(trace, "%u", i + 1);
		memcpy(trace->block + trace->nr, trace->block, once * sizeof(u32));
		if (trace->bits)
			memcpy(trace->bits + trace->nr, trace->bits, once * sizeof(u64));
	}
	trace->nr = once * times;
}

void trace_finish(struct trace *trace)
{
	u32 i;

	if (!trace->nr)
		die("%s: no accesses", trace->name);
	trace->prev = get_memory(trace->nr_blocks, sizeof(u32));
	for (i = 0; i < trace->nr_blocks; i++) {
		u32 slot = trace->id[i] ? *map_find(trace, trace->id[i] - 1) : 0;

		trace->prev[i] = slot ? slot - 1 : NONE;
		trace->wide |= trace->id[i] >= U32_MAX;
	}
	map_free(trace);
	if (!trace->base)
		trace->base = trace->nr_blocks;
	if (!trace->nr_phases)
		trace_phase(trace, "all");
}

u32 trace_region(const struct trace *trace, u32 block)
{
	return trace->wide ? block : trace->id[block];
}
