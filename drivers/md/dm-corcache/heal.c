// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache heal: a cache that was frozen or bypassed becomes active again.
 *
 * Owns struct corcache_heal.  No reader waits for any of it.
 *
 *   frozen	what could not be committed is committed again.  Nothing is lost, as
 *		all that is in memory is true.  Without checksums that is not so
 *		sure: a flush that failed may have lost data for which the next one
 *		succeeds.  Then only what the table on the device says stays, as after
 *		a crash.  If data could not be written, some is written first, to a
 *		slot that is free
 *   bypass	the cache is loaded from its device as if it were resumed.  Readers
 *		are served by the origin meanwhile.  Hits that were under way when
 *		it was bypassed find all slots retired
 *
 * Tries are made after a delay that doubles as long as they fail, or as the success
 * does not last.  What an administrator has to see to is tried by a message or a
 * resume only: a device that has gone or is read-only, another image.
 *
 * control_mutex is held for a try: no message changes anything meanwhile, and a
 * suspend waits for its end, which comes soon as it looks whether one is pending.
 * Process context.
 */
#include <linux/sched/mm.h>

#include "cache.h"
#include "commit.h"
#include "flight.h"
#include "heal.h"
#include "index.h"
#include "metadata.h"
#include "mode.h"
#include "name.h"

#define FROZEN_FIRST_MS		1000U
#define FROZEN_MOST_MS		60000U
#define BYPASS_FIRST_MS		10000U
#define BYPASS_MOST_MS		600000U

/* Does it end by itself? */
static bool may_heal(enum corcache_reason reason)
{
	switch (reason) {
	case CORCACHE_REASON_COMMIT:
	case CORCACHE_REASON_WRITES:
	case CORCACHE_REASON_NOSPC:
	case CORCACHE_REASON_ERRORS:
	case CORCACHE_REASON_CHECKSUMS:
		return true;
	case CORCACHE_REASON_NONE:
	case CORCACHE_REASON_UNLOADED:
	case CORCACHE_REASON_GONE:
	case CORCACHE_REASON_READONLY:
	case CORCACHE_REASON_ORIGIN:
		return false;
	}
	return false;
}

/* -------- Trying -------------------------------------------------------- */

static int thaw(struct corcache_target *target, struct corcache_refusal *why)
{
	struct corcache_cache *cache = target->cache;
	enum corcache_reason reason = READ_ONCE(cache->reason);
	int r;

	/* what is being inserted ends; nothing new is, in this mode */
	r = corcache_flight_settle(target);
	if (r)
		return corcache_refuse(why, r, "interrupted");
	if (reason == CORCACHE_REASON_WRITES || reason == CORCACHE_REASON_NOSPC)
		r = corcache_meta_try_write(cache);
	if (!r && !cache->crc)
		r = corcache_meta_keep_durable(cache);
	if (!r)
		r = corcache_commit_frozen(cache);
	if (r)
		return corcache_refuse(why, r, "cache device %s cannot be written: error %d",
				       target->cache_dev->name, r);
	return 0;
}

static int load_again(struct corcache_target *target, struct corcache_refusal *why)
{
	int r = corcache_flight_settle(target);

	if (r)
		return corcache_refuse(why, r, "interrupted");
	return corcache_cache_reload(target, why);
}

int corcache_heal_now(struct corcache_target *target, struct corcache_refusal *why)
{
	lockdep_assert_held(&target->control_mutex);
	/* the system is being hibernated */
	if (corcache_index_paused())
		return corcache_refuse(why, -EBUSY, "nothing is changed at the moment");
	switch (READ_ONCE(target->cache->mode)) {
	case CORCACHE_ACTIVE:
		return 0;
	case CORCACHE_FROZEN:
		return thaw(target, why);
	case CORCACHE_BYPASS:
		return load_again(target, why);
	}
	return -EINVAL;
}

/* -------- When ---------------------------------------------------------- */

/* With target->lock held: the delay before the next try. */
static unsigned int __next_delay(struct corcache_target *target)
{
	struct corcache_heal *heal = &target->heal;
	bool frozen = READ_ONCE(target->cache->mode) == CORCACHE_FROZEN;
	unsigned int first = frozen ? FROZEN_FIRST_MS : BYPASS_FIRST_MS;
	unsigned int most = frozen ? FROZEN_MOST_MS : BYPASS_MOST_MS;

	lockdep_assert_held(&target->lock);
	/* it has worked for a while: what is wrong now is something new */
	if (heal->delay_ms &&
	    time_after(jiffies, heal->since + 2 * msecs_to_jiffies(heal->delay_ms)))
		heal->delay_ms = 0;
	heal->delay_ms = clamp(2 * heal->delay_ms, first, most);
	return heal->delay_ms;
}

static void try_later(struct corcache_target *target)
{
	unsigned int delay;

	spin_lock_irq(&target->lock);
	/* as long as it is tried without success, it is not tried with less delay */
	target->heal.since = jiffies;
	delay = __next_delay(target);
	spin_unlock_irq(&target->lock);
	queue_delayed_work(corcache_commit_wq, &target->heal.work, msecs_to_jiffies(delay));
}

void corcache_heal_begin(struct corcache_target *target)
{
	unsigned int delay;

	spin_lock_irq(&target->lock);
	if (READ_ONCE(target->cache->mode) == CORCACHE_ACTIVE) {
		target->heal.since = jiffies;
		spin_unlock_irq(&target->lock);
		return;
	}
	if (!may_heal(READ_ONCE(target->cache->reason))) {
		spin_unlock_irq(&target->lock);
		return;
	}
	delay = __next_delay(target);
	spin_unlock_irq(&target->lock);
	/* a frozen cache that is bypassed now waits longer */
	mod_delayed_work(corcache_commit_wq, &target->heal.work, msecs_to_jiffies(delay));
}

void corcache_heal_frozen(struct corcache_target *target)
{
	struct corcache_refusal why = {};
	struct corcache_md_name name;

	lockdep_assert_held(&target->control_mutex);
	if (READ_ONCE(target->cache->mode) == CORCACHE_FROZEN && thaw(target, &why))
		DMWARN("%s: cache is still frozen: %s", corcache_target_name(target, &name),
		       why.text);
}

static void try_it(struct corcache_target *target)
{
	struct corcache_refusal why = {};
	struct corcache_md_name name;

	if (READ_ONCE(target->cache->mode) == CORCACHE_ACTIVE ||
	    !may_heal(READ_ONCE(target->cache->reason)))
		return;
	if (READ_ONCE(target->state) == CORCACHE_RUNNING &&
	    !corcache_heal_now(target, &why))
		return;
	if (why.text[0])
		DMWARN_LIMIT("%s: tried to use the cache again: %s",
			     corcache_target_name(target, &name), why.text);
	try_later(target);
}

static void heal_work(struct work_struct *work)
{
	struct corcache_target *target = container_of(to_delayed_work(work),
						      struct corcache_target, heal.work);

	/* of what is read, or allocated, reclaim may wait for this device */
	unsigned int noio = memalloc_noio_save();

	mutex_lock(&target->control_mutex);
	/* a suspended target is loaded, or committed, when it is resumed */
	if (READ_ONCE(target->state) != CORCACHE_SUSPENDED)
		try_it(target);
	mutex_unlock(&target->control_mutex);
	memalloc_noio_restore(noio);
}

void corcache_heal_stop(struct corcache_target *target)
{
	cancel_delayed_work_sync(&target->heal.work);
}

void corcache_heal_init(struct corcache_target *target)
{
	INIT_DELAYED_WORK(&target->heal.work, heal_work);
}
