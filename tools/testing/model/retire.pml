/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * dm-corcache: a model of hit, evict and fill, for spin.
 *
 * It says: NO READER GETS ANOTHER REGION'S BYTES, whatever the order in which
 * readers, fills, evictions and commits take their steps, and however slow the
 * cache device is.  Steps A to F and 1 to 4 are those of index.h, the other
 * names those of index.c.  What survives a power cut is in commit.pml, the
 * barriers are in retire.litmus.  `make model` searches all states, and must
 * find an error in each broken variant (-D at `spin -a`), of which this file
 * has:
 *
 *   STAMP_FIRST	the slot is stamped with the new sequence before the entry
 *			is cleared: 2 3 1.  What a missing release in 3 allows
 *   NO_STAMP		2 left out.  What a missing acquire between E and F allows
 *   NO_SEQ		3 left out
 *   SEQ_LATE		the reader does B C A.  What a missing acquire in A allows
 *   CHECK_EARLY	the reader does E F D.  What a missing smp_rmb() in E allows
 *   NO_CHECK		the reader does not do E and F
 *   STAMP_EQUAL	the stamp is the old sequence, not the next one
 *   PUBLISH_EARLY	the bits are set before the data is written.  What a
 *			missing release in publish allows
 *   PUBLISH_RETIRED	a fill does not ask whether the slot is still its region's
 *   FREE_WRITING	a slot is free though a fill still writes to it
 *   VALID_LEFT		retiring does not clear the bits
 *
 * and two that must hold, because they show why the order is needed:
 *
 *   ORDER_213		1 and 2 change places.  The sequence is still the last:
 *			a reader of the new one finds no entry
 *   ORDER_132		2 and 3 change places.  Both are still before 4, and a
 *			reader that compares before 4 has the region's own bytes
 *
 * So what counts is: 1 before 3; 1, 2 and 3 before 4.
 *
 * What is left out, and why that is enough:
 *   - A region has one block, which the device reads and writes in two halves.
 *     Where it matters, another one may be valid that is not modelled.
 *   - Checksums: they catch a part of what this is about; without them
 *     (no_checksums) nothing else does.
 *   - Weak memory: each step takes effect for all at once.  The variants above
 *     that name a barrier are what could be seen without it.
 *   - The origin: a reader ends at a miss.
 *   - One fill per region at a time: the table of blocks in flight ensures it.
 *   - A commit is one step per slot, at any time.
 *   - There are LEFT evictions, wrong blocks and failed writes together, which
 *     bounds the sequence.  All else goes on without end.
 */
#define REGIONS		2	/* 1 to REGIONS; 0 is none */
#define SLOTS		2	/* 1 to SLOTS; 0 is none */
#ifndef READERS
#define READERS		2
#endif
#ifndef LEFT
#define LEFT		3
#endif

mtype = { FREE, USED, RETIRED }

byte index[REGIONS + 1];	/* slot of a region */
byte retire_seq;
mtype flags[SLOTS + 1] = FREE;
byte region[SLOTS + 1], stamp[SLOTS + 1], writers[SLOTS + 1];
bool valid[SLOTS + 1], hold[SLOTS + 1];
byte first[SLOTS + 1], second[SLOTS + 1];	/* on the cache device: whose bytes */
bool locked;			/* cache->lock */
byte left = LEFT;

#define CLEAR(s)	index[region[s]] = 0		/* 1 */
#ifdef STAMP_EQUAL
#define STAMP(s)	stamp[s] = retire_seq		/* 2 */
#else
#define STAMP(s)	stamp[s] = retire_seq + 1	/* 2 */
#endif
#define COUNT		retire_seq = retire_seq + 1	/* 3 */

/* With the lock held, which readers do not take: they see each step. */
inline retire(s)
{
#if defined(STAMP_FIRST)
	STAMP(s); COUNT; CLEAR(s);
#elif defined(NO_STAMP)
	CLEAR(s); COUNT;
#elif defined(NO_SEQ)
	CLEAR(s); STAMP(s);
#elif defined(ORDER_213)
	STAMP(s); CLEAR(s); COUNT;
#elif defined(ORDER_132)
	CLEAR(s); COUNT; stamp[s] = retire_seq;
#else
	CLEAR(s); STAMP(s); COUNT;
#endif
	atomic {
		hold[s] = hold[s] || valid[s];
#ifndef VALID_LEFT
		valid[s] = false;
#endif
		flags[s] = RETIRED
	}
}

/* A slot without a valid block is of no use; but another block may be valid. */
inline retire_empty(s)
{
	if
	:: flags[s] == USED && !valid[s] && !writers[s] && !hold[s] -> retire(s)
	:: skip
	fi
}

#ifdef FREE_WRITING
#define UNUSED(s)	(flags[s] == RETIRED && !hold[s])
#else
#define UNUSED(s)	(flags[s] == RETIRED && !hold[s] && !writers[s])
#endif

inline free_and_unlock(s)
{
	atomic {
		if
		:: UNUSED(s) -> flags[s] = FREE; region[s] = 0
		:: else
		fi;
		s = 0;
		locked = false
	}
}

#define own		(_pid + 1)

/* What is valid already may be filled as well; with two readers too many states. */
#define REFILL(s)	(READERS == 1 || !valid[s])

inline take_slot(s)
{
	flags[s] = USED;
	region[s] = own;
	index[own] = s;
	slot = s
}

#ifdef PUBLISH_RETIRED
#define STILL_OURS	true
#else
#define STILL_OURS	(flags[slot] == USED && region[slot] == own)
#endif

/* The fills of one region, one after the other. */
active [REGIONS] proctype filler()
{
	byte slot;

end:	do
	:: atomic {	/* admit; what was dropped is filled again */
		if
		:: !locked && index[own] && !hold[index[own]] && REFILL(index[own]) ->
			slot = index[own]
		:: !locked && !index[own] && flags[1] == FREE -> take_slot(1)
		:: !locked && !index[own] && flags[2] == FREE -> take_slot(2)
		fi;
		writers[slot]++
	   };
#ifdef PUBLISH_EARLY
	   valid[slot] = true;
#endif
	   first[slot] = own;			/* 4 */
	   second[slot] = own;
	   atomic {	/* publish */
		!locked -> locked = true;
		writers[slot]--;
		if
		:: STILL_OURS -> valid[slot] = true
		:: !STILL_OURS
		:: left -> left--		/* the write failed */
		fi
	   };
	   retire_empty(slot);
	   free_and_unlock(slot)
	od
}

active [READERS] proctype reader()
{
	byte want, seq, slot;
	bool right;		/* it was the region's own bytes */

	do
	:: atomic {
		/* regions are alike: one reader for any, one for the first */
		if :: want = 1 :: _pid > REGIONS -> want = 2 fi;
#ifndef SEQ_LATE
		seq = retire_seq		/* A */
#endif
	   };
	   slot = index[want];			/* B */
	   if
	   :: slot && valid[slot] ->		/* C */
#ifdef SEQ_LATE
		seq = retire_seq;
#endif
#ifdef CHECK_EARLY
		if
		:: retire_seq == seq
		:: else -> if :: stamp[slot] > seq -> goto again :: else fi
		fi;
#endif
		right = (first[slot] == want);	/* D */
		right = right && (second[slot] == want);
#if !defined(CHECK_EARLY) && !defined(NO_CHECK)
		if
		:: retire_seq == seq		/* E */
		:: else -> if :: stamp[slot] > seq -> goto again :: else fi	/* F */
		fi;
#endif
		if
		:: assert(right)
		:: atomic { left && !locked ->	/* wrong on the device: drop_block() */
			left--;
			if
			:: index[want] == slot && stamp[slot] <= seq && valid[slot] ->
				valid[slot] = false;
				hold[slot] = true
			:: else
			fi }
		fi
	   :: else
	   fi;
again:	   atomic { want = 0; seq = 0; slot = 0; right = false }
	od
}

active proctype evictor()
{
	byte s;

end:	do
	:: atomic {
		if
		:: !locked && left && flags[1] == USED -> s = 1
		:: !locked && left && flags[2] == USED -> s = 2
		fi;
		left--;
		locked = true
	   };
	   retire(s);
	   /* something of it is valid, or it is written to: not free */
	   atomic { hold[s] = hold[s] || !writers[s]; s = 0; locked = false }
	od
}

/* A removal is durable: hold_end(). */
active proctype commit()
{
	byte s;

end:	do
	:: atomic {
		if
		:: !locked && hold[1] -> s = 1
		:: !locked && hold[2] -> s = 2
		fi;
		hold[s] = false;
		locked = true
	   };
	   retire_empty(s);
	   free_and_unlock(s)
	od
}
