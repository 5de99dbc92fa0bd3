/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache: a model of commits, power cuts and slots that are used again,
 * for spin.
 *
 * It says, whenever the power goes: NO TABLE ENTRY ON THE MEDIUM NAMES A SLOT
 * THAT HOLDS OTHER BYTES than its region's; and when a commit has ended, what
 * was cached before it began and still is, is on the medium.  The steps of a
 * commit are those of commit.c, the other names those of index.c.  Readers are
 * in retire.pml.  `make model` searches all states, with one and with two table
 * sectors in a batch, and must find an error in each broken variant (-D at
 * `spin -a`):
 *
 *   NO_FLUSH		images are written without a flush before (step 3)
 *   FLUSH_FIRST	images are built after the flush: 3 2 4
 *   NO_LAST_FLUSH	what was held is released without a flush before (step 5)
 *   NO_HOLD		a slot that was retired is free at once
 *   DROP_NO_HOLD	a block that was dropped is not held
 *   HOLD_LATE		a commit also releases what was removed while it ran
 *   CLEAN_LATE		a sector is clean after it was written, not when its image
 *			is built
 *   LOAD_NO_FLUSH	loading believes what is in the device's volatile cache
 *   LOAD_TWICE_FREE	a region is in two slots: one of them is free at once
 *
 * How the device is modelled: a write goes into its volatile cache, and from
 * there to the medium at any time, each sector for itself (destage), or by a
 * flush.  A power cut leaves the medium: so all subsets of what was not flushed
 * are tried, at every step.  Without a power cut (the machine was reset), the
 * next activation finds what the volatile cache has.  A block gets to the medium
 * in one piece: of a torn one each piece is old or new, and either alone would
 * break the promise already.
 *
 * A region has one block (and maybe others that are valid and not modelled), a
 * table sector one entry.  Nothing is bounded.
 */
#define REGIONS		2	/* 1 to REGIONS; 0 is none */
#define SLOTS		2	/* 0 to SLOTS - 1 */
#ifndef BATCH
#define BATCH		1	/* images that are built before one flush */
#endif

mtype = { FREE, USED, RETIRED }
mtype = { IDLE, BUILD, FLUSH, WRITE, LAST_FLUSH, LET_GO }

/* The device: what is read back, and what is on the medium. */
byte data[SLOTS], table[SLOTS];
byte m_data[SLOTS], m_table[SLOTS];

/* Memory. */
mtype flags[SLOTS] = FREE;
byte region[SLOTS];
byte writing[SLOTS];		/* 0: no fill; 1: a fill will write; 2: it has */
bool valid[SLOTS], dirty[SLOTS], hold[SLOTS], hold_commit[SLOTS];

/* A commit. */
mtype step = IDLE;
byte next;			/* where the search for dirty sectors goes on */
bool built[SLOTS], wrote;
byte image[SLOTS];

/* -------- The device -------------------------------------------------- */

#define TRUE_ENTRY(s)	(!m_table[s] || m_data[s] == m_table[s])

/* The medium has changed, and now the power may go. */
inline power_check()
{
	assert(TRUE_ENTRY(0) && TRUE_ENTRY(1))
}

inline flush()
{
	m_data[0] = data[0]; m_table[0] = table[0];
	m_data[1] = data[1]; m_table[1] = table[1];
	power_check()
}

inline lose_power()
{
	data[0] = m_data[0]; table[0] = m_table[0];
	data[1] = m_data[1]; table[1] = m_table[1]
}

#define DESTAGE(x)	atomic { m_##x != x -> m_##x = x; power_check() }

/* -------- Slots ------------------------------------------------------- */

#define HELD(s)		(hold[s] || hold_commit[s])
#define CACHED(r)	((flags[0] == USED && region[0] == (r)) || (flags[1] == USED && region[1] == (r)))

inline take(s, r)
{
	flags[s] = USED;
	region[s] = r;
	writing[s] = 1
}

inline hold_slot(s)
{
	dirty[s] = true;
	hold[s] = true
}

/* Retired, or empty; not written to, and nothing of it is on the device. */
inline free_slot(s)
{
	if
	:: flags[s] != FREE && !valid[s] && !writing[s] && !HELD(s) ->
		flags[s] = FREE;
		region[s] = 0
	:: flags[s] == USED	/* or else another block is valid */
	:: else
	fi
}

inline load(s)
{
	region[s] = table[s];
	valid[s] = (table[s] != 0);
	flags[s] = (table[s] -> USED : FREE);
	writing[s] = 0; dirty[s] = false; hold[s] = false; hold_commit[s] = false;
	built[s] = false; image[s] = 0
}

/* Of a region that is in two slots, the first one is kept. */
inline load_all()
{
	load(0);
	load(1);
	if
	:: table[0] && table[0] == table[1] ->
#ifdef LOAD_TWICE_FREE
		flags[1] = FREE;
#else
		flags[1] = RETIRED; hold_slot(1);
#endif
		region[1] = 0; valid[1] = false
	:: else
	fi;
	step = IDLE; next = 0; wrote = false
}

#define me		_pid

/* What may happen to a slot at any time. */
active [SLOTS] proctype slot()
{
end:	do
	/* admit; again what was dropped, or even is valid */
	:: atomic { flags[me] == FREE && !CACHED(1) -> take(me, 1) }
	:: atomic { flags[me] == FREE && !CACHED(2) -> take(me, 2) }
	:: atomic { flags[me] == USED && !writing[me] && !HELD(me) -> writing[me] = 1 }
	/* write */
	:: atomic { writing[me] == 1 -> data[me] = region[me]; writing[me] = 2 }
	/* publish */
	:: atomic { writing[me] == 2 && flags[me] == USED ->
		valid[me] = true; dirty[me] = true; writing[me] = 0 }
	/* the write failed, or the slot was retired meanwhile */
	:: atomic { writing[me] -> writing[me] = 0; free_slot(me) }
	/* evict: something of it is valid, or it is written to */
	:: atomic { flags[me] == USED ->
#ifndef NO_HOLD
		if :: valid[me] || !writing[me] -> hold_slot(me) :: else fi;
#else
		dirty[me] = true;
#endif
		valid[me] = false; flags[me] = RETIRED }
	/* drop */
	:: atomic { valid[me] ->
		valid[me] = false;
#ifndef DROP_NO_HOLD
		hold_slot(me)
#else
		dirty[me] = true
#endif
		}
	od
}

/* -------- Commits ----------------------------------------------------- */

#define DIRTY		(dirty[0] || dirty[1])
#define BUILT		(built[0] + built[1])

inline hold_begin()
{
	hold_commit[0] = hold_commit[0] || hold[0]; hold[0] = false;
	hold_commit[1] = hold_commit[1] || hold[1]; hold[1] = false
}

inline build(s)
{
	image[s] = (valid[s] -> region[s] : 0);
	built[s] = true;
#ifndef CLEAN_LATE
	dirty[s] = false
#endif
}

inline write(s)
{
	table[s] = image[s];
	image[s] = 0;
	built[s] = false;
	wrote = true;
#ifdef CLEAN_LATE
	dirty[s] = false
#endif
}

/* Cached before the commit, or not; but on the medium, if not in the next one. */
#define KEPT(s)		(!valid[s] || dirty[s] || m_table[s] == region[s])

active proctype commit()
{
end:	do
	:: atomic { step == IDLE && (DIRTY || hold[0] || hold[1]) ->	/* 1 */
#ifndef HOLD_LATE
		hold_begin();
#endif
#ifdef FLUSH_FIRST
		flush();
#endif
		step = BUILD }
	:: atomic { step == BUILD && next < SLOTS && BUILT < BATCH ->	/* 2 */
		if :: dirty[next] -> build(next) :: else fi;
		next++ }
	:: atomic { step == BUILD && (next == SLOTS || BUILT == BATCH) ->
		if
		:: BUILT -> step = FLUSH
		:: else -> step = LAST_FLUSH; next = 0
		fi }
	:: atomic { step == FLUSH ->					/* 3 */
#if !defined(NO_FLUSH) && !defined(FLUSH_FIRST)
		flush();
#endif
		step = WRITE }
	:: atomic { step == WRITE && built[0] -> write(0) }		/* 4 */
	:: atomic { step == WRITE && built[1] -> write(1) }
	:: atomic { step == WRITE && !BUILT ->
#ifdef FLUSH_FIRST
		flush();
#endif
		step = BUILD }
	:: atomic { step == LAST_FLUSH ->				/* 5 */
#ifndef NO_LAST_FLUSH
		if :: wrote -> flush() :: else fi;
#endif
#ifdef HOLD_LATE
		hold_begin();
#endif
		wrote = false;
		assert(KEPT(0) && KEPT(1));
		step = LET_GO }
	:: atomic { step == LET_GO && hold_commit[0] ->			/* 6 */
		hold_commit[0] = false; free_slot(0) }
	:: atomic { step == LET_GO && hold_commit[1] -> hold_commit[1] = false; free_slot(1) }
	:: atomic { step == LET_GO && !hold_commit[0] && !hold_commit[1] -> step = IDLE }
	od
}

/* -------- What happens to the machine --------------------------------- */

active proctype power()
{
end:	do
	:: DESTAGE(data[0])
	:: DESTAGE(table[0])
	:: DESTAGE(data[1])
	:: DESTAGE(table[1])
	:: atomic { lose_power(); load_all() }
	/* a reset, or the device is activated anew */
	:: atomic {
#ifndef LOAD_NO_FLUSH
		flush();
#endif
		load_all() }
	od
}
