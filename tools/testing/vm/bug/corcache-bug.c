// SPDX-License-Identifier: GPL-2.0
/*
 * corcache-bug - one deliberate bug of each kind, to prove that the lab notices.
 *
 * Usage: insmod corcache-bug.ko; echo KIND > /sys/module/corcache_bug/parameters/run
 * KIND is one of the names in the table at the end. The module's name contains "corcache", so a leak of it must be
 * treated like a leak of the real module.
 */
#include <linux/bio.h>
#include <linux/bitmap.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/irqflags.h>
#include <linux/kthread.h>
#include <linux/module.h>
#include <linux/mutex.h>
#include <linux/slab.h>
#include <linux/spinlock.h>
#include <linux/timer.h>
#include <linux/vmalloc.h>
#include <linux/workqueue.h>

/* The functions are not inlined so that reports name them. */
static DEFINE_SPINLOCK(outer_lock);
static DEFINE_SPINLOCK(inner_lock);
static DEFINE_MUTEX(sleeping_lock);

static unsigned long sink;

/* Keeps the compiler from seeing that an access is wrong, or that its result is not used. */
static u8 read_hidden(const u8 *p, size_t offset)
{
	const u8 *q = p;

	OPTIMIZER_HIDE_VAR(q);
	return READ_ONCE(q[offset]);
}

static noinline void bug_warn(void)
{
	WARN(1, "corcache-bug: deliberate warning\n");
}

static noinline void bug_oops(void)
{
	u8 *nowhere = NULL;

	OPTIMIZER_HIDE_VAR(nowhere);
	WRITE_ONCE(*nowhere, 1);
}

static noinline void bug_use_after_free(void)
{
	u8 *p = kmalloc(64, GFP_KERNEL);

	if (!p)
		return;
	kfree(p);
	read_hidden(p, 5);
}

static noinline void bug_out_of_bounds(void)
{
	u8 *p = kmalloc(60, GFP_KERNEL);

	if (!p)
		return;
	read_hidden(p, 60);
	kfree(p);
}

static noinline void bug_vmalloc_out_of_bounds(void)
{
	u8 *p = vmalloc(5000);

	if (!p)
		return;
	read_hidden(p, 5001);
	vfree(p);
}

/* What follows is done by functions of the kernel, on memory of the module: they have to be checked too. */

static noinline void bug_kernel_bitmap(void)
{
	unsigned long *map = bitmap_zalloc(256, GFP_KERNEL);

	if (!map)
		return;
	bitmap_free(map);
	OPTIMIZER_HIDE_VAR(map);
	WRITE_ONCE(sink, find_first_bit(map, 256) + bitmap_weight(map, 256));
}

static noinline void bug_kernel_bio(void)
{
	struct bio *bio = kzalloc(sizeof(*bio), GFP_KERNEL);

	if (!bio)
		return;
	kfree(bio);
	OPTIMIZER_HIDE_VAR(bio);
	bio_reset(bio, NULL, REQ_OP_READ);
}

static void no_work(struct work_struct *unused)
{
}

static noinline void bug_kernel_work(void)
{
	struct work_struct *work = kzalloc(sizeof(*work), GFP_KERNEL);

	if (!work)
		return;
	INIT_WORK(work, no_work);
	kfree(work);
	OPTIMIZER_HIDE_VAR(work);
	queue_work(system_wq, work);
	flush_workqueue(system_wq);
}

static noinline void bug_kernel_copy(void)
{
	u8 *from = kzalloc(100, GFP_KERNEL), *to = kzalloc(200, GFP_KERNEL);
	size_t bytes = 101;

	OPTIMIZER_HIDE_VAR(bytes);
	if (from && to)
		memcpy(to, from, bytes);
	kfree(from);
	kfree(to);
}

static noinline void bug_shift(void)
{
	unsigned int by = 32;

	OPTIMIZER_HIDE_VAR(by);
	WRITE_ONCE(sink, 1U << by);
}

struct timed {
	struct timer_list timer;
};

static void no_timer(struct timer_list *unused)
{
}

static noinline void bug_free_active(void)
{
	struct timed *timed = kzalloc(sizeof(*timed), GFP_KERNEL);

	if (!timed)
		return;
	timer_setup(&timed->timer, no_timer, 0);
	mod_timer(&timed->timer, jiffies + 3600 * HZ);
	kfree(timed);
}

static noinline void bug_lock_order(void)
{
	spin_lock(&outer_lock);
	spin_lock(&inner_lock);
	spin_unlock(&inner_lock);
	spin_unlock(&outer_lock);

	spin_lock(&inner_lock);
	spin_lock(&outer_lock);
	spin_unlock(&outer_lock);
	spin_unlock(&inner_lock);
}

static noinline void bug_sleep_in_atomic(void)
{
	spin_lock(&outer_lock);
	mutex_lock(&sleeping_lock);
	mutex_unlock(&sleeping_lock);
	spin_unlock(&outer_lock);
}

static noinline void bug_leak(void)
{
	u8 *p = kmalloc(333, GFP_KERNEL);

	OPTIMIZER_HIDE_VAR(p);
}

/* Run @step here and in a thread, at the same time, for a while. */
static void race(int (*thread)(void *unused), void (*step)(void))
{
	struct task_struct *other = kthread_run(thread, NULL, "corcache-bug");
	unsigned long end = jiffies + 3 * HZ;

	if (IS_ERR(other))
		return;
	while (time_before(jiffies, end)) {
		step();
		cond_resched();
	}
	kthread_stop(other);
}

static unsigned long race_count;

static noinline void race_step(void)
{
	race_count++;
}

static int race_thread(void *unused)
{
	while (!kthread_should_stop()) {
		race_step();
		cond_resched();
	}
	return 0;
}

static noinline void bug_data_race(void)
{
	race(race_thread, race_step);
}

/*
 * Taking turns: each touches the data in its own turn only.  But the one hands
 * over its turn without a release, behind which the data must not be written.
 */
static unsigned long turn_data;
static int turn;

static noinline void barrier_step(void)
{
	unsigned int i;

	if (smp_load_acquire(&turn))
		return;
	turn_data++;
	WRITE_ONCE(turn, 1);
	/* KCSAN holds the write back while this function goes on */
	for (i = 0; i < 1000 && READ_ONCE(turn); i++)
		cpu_relax();
}

static noinline void barrier_other_step(void)
{
	if (!smp_load_acquire(&turn))
		return;
	turn_data++;
	smp_store_release(&turn, 0);
}

static int barrier_thread(void *unused)
{
	while (!kthread_should_stop()) {
		barrier_other_step();
		cond_resched();
	}
	return 0;
}

static noinline void bug_missing_barrier(void)
{
	race(barrier_thread, barrier_step);
}

static noinline void bug_hang(void)
{
	for (;;)
		msleep(1000);
}

/* Work that waits for what does not come, as a destructor may. */
static DECLARE_COMPLETION(never);
static struct workqueue_struct *waiters;

static noinline void wait_for_ever(struct work_struct *unused)
{
	wait_for_completion(&never);
}

static DECLARE_WORK(waiter, wait_for_ever);

static noinline void bug_wait(void)
{
	waiters = alloc_workqueue("corcache-bug", WQ_UNBOUND, 0);
	if (!waiters)
		return;
	queue_work(waiters, &waiter);
	flush_work(&waiter);
}

static noinline void bug_spin(void)
{
	local_irq_disable();
	while (!completion_done(&never))
		cpu_relax();
	local_irq_enable();
}

static const struct {
	const char *name;
	void (*commit)(void);
} bugs[] = {
	{ "warn", bug_warn },
	{ "oops", bug_oops },
	{ "use-after-free", bug_use_after_free },
	{ "out-of-bounds", bug_out_of_bounds },
	{ "vmalloc-out-of-bounds", bug_vmalloc_out_of_bounds },
	{ "kernel-bitmap", bug_kernel_bitmap },
	{ "kernel-bio", bug_kernel_bio },
	{ "kernel-work", bug_kernel_work },
	{ "kernel-copy", bug_kernel_copy },
	{ "shift", bug_shift },
	{ "free-active", bug_free_active },
	{ "lock-order", bug_lock_order },
	{ "sleep-in-atomic", bug_sleep_in_atomic },
	{ "leak", bug_leak },
	{ "data-race", bug_data_race },
	{ "missing-barrier", bug_missing_barrier },
	{ "hang", bug_hang },
	{ "wait", bug_wait },
	{ "spin", bug_spin },
};

static int bug_run(const char *value, const struct kernel_param *kp)
{
	size_t i;

	for (i = 0; i < ARRAY_SIZE(bugs); i++) {
		if (sysfs_streq(value, bugs[i].name)) {
			bugs[i].commit();
			return 0;
		}
	}
	return -EINVAL;
}

static const struct kernel_param_ops bug_ops = {
	.set = bug_run,
};
module_param_cb(run, &bug_ops, NULL, 0200);
MODULE_PARM_DESC(run, "Name of the bug to commit");

static int __init bug_init(void)
{
	return 0;
}

static void __exit bug_exit(void)
{
}

module_init(bug_init);
module_exit(bug_exit);
MODULE_LICENSE("GPL");
MODULE_DESCRIPTION("Deliberate bugs that prove the lab's detectors");
