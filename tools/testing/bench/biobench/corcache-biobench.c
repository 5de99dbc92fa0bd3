// SPDX-License-Identifier: GPL-2.0-only
/*
 * corcache-biobench: reads of a block device, submitted inside the kernel, so
 * that what is measured is the block layer and not system calls.
 *
 *   cd /sys/module/corcache_biobench/parameters
 *   echo "DEVICE COUNT DEPTH BYTES ORDER SPAN JOBS LATENCY [PIECE]" > run; cat run
 *
 * Each of JOBS (1 to 16) threads sends COUNT bios of BYTES (512 to 1 MiB) and
 * has up to DEPTH (1 to 1024) of them under way, within the first SPAN bytes of
 * DEVICE.  ORDER:
 *
 *   random		anywhere
 *   sequential		one after another, each job in a part of its own
 *   scattered		each piece of SPAN once, in a mixed order, which is the
 *			same every time; SPAN / PIECE is a power of two and at
 *			least JOBS * COUNT
 *   same		as scattered, but all jobs want the same
 *
 * A piece is BYTES long, or PIECE, if that is given: then only the first BYTES
 * of each are read.
 *
 * LATENCY 1 times each bio, which costs something, 0 does not.  The answer is
 * one line: ios, ns (all jobs together, from first to last), errors and, with
 * LATENCY, p50_ns and p99_ns: upper bounds, at most a 64th too high.
 *
 * One run at a time: the parameter's own lock sees to that.  Each slot has one
 * bio and its pages, used again and again; end_io, in any context, hands the
 * slot back on a list that needs no lock.
 */
#include <linux/bio.h>
#include <linux/blkdev.h>
#include <linux/completion.h>
#include <linux/delay.h>
#include <linux/fs.h>
#include <linux/kthread.h>
#include <linux/llist.h>
#include <linux/log2.h>
#include <linux/math64.h>
#include <linux/module.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include <linux/vmalloc.h>
#include <linux/wait.h>

#define MAX_JOBS	16
#define MAX_DEPTH	1024
#define MAX_BYTES	(1U << 20)

/* Latencies: 64 steps for each power of two, up to 2^40 ns. */
#define STEPS_SHIFT	6
#define STEPS		(1U << STEPS_SHIFT)
#define BUCKETS		((40 - STEPS_SHIFT + 1) * STEPS)

enum order { RANDOM, SEQUENTIAL, SCATTERED, SAME };

static const char * const order_names[] = {
	[RANDOM] = "random",
	[SEQUENTIAL] = "sequential",
	[SCATTERED] = "scattered",
	[SAME] = "same",
};

struct plan {
	char device[96];
	char order_name[16];
	enum order order;
	u64 count;
	u64 span;
	u32 depth;
	u32 bytes;
	u32 piece;
	u32 jobs;
	u32 latency;
};

struct job;

struct slot {
	struct llist_node done;
	struct bio *bio;
	struct page *page;
	struct job *job;
	u64 ns;			/* when it was sent; when done, what it took */
};

struct job {
	const struct plan *plan;
	struct block_device *bdev;
	struct slot *slots;
	u32 *latencies;		/* by bucket, or NULL */
	u64 pieces;		/* SPAN / PIECE */
	u64 seed;
	u64 next;
	u64 errors;
	struct llist_head done;
	wait_queue_head_t wait;
	atomic_t woken;		/* times that read_done() was finished with waking us */
	struct completion finished;
	u64 end_ns;
	struct task_struct *task;
};

static char answer[160] = "none\n";

/* -------- Which piece is next? ---------------------------------------- */

/* A mapping of 0..pieces-1 onto itself: each step can be undone. */
static u64 scatter(u64 x, u64 pieces)
{
	u64 mask = pieces - 1;
	u32 half = ilog2(pieces) / 2;

	x = (x * 0x9e3779b97f4a7c15ULL + 12345) & mask;
	x ^= x >> half;
	x = (x * 0xbf58476d1ce4e5b9ULL) & mask;
	x ^= x >> half;
	return (x * 0x94d049bb133111ebULL) & mask;
}

static u64 random_piece(struct job *job)
{
	u64 rest;

	job->seed ^= job->seed << 13;
	job->seed ^= job->seed >> 7;
	job->seed ^= job->seed << 17;
	div64_u64_rem(job->seed, job->pieces, &rest);
	return rest;
}

static sector_t next_sector(struct job *job)
{
	u64 piece;

	switch (job->plan->order) {
	case RANDOM:
		piece = random_piece(job);
		break;
	case SEQUENTIAL:
		piece = job->next++;
		if (job->next == job->pieces)
			job->next = 0;
		break;
	default:
		piece = scatter(job->next++, job->pieces);
	}
	return piece * (job->plan->piece >> SECTOR_SHIFT);
}

/* -------- Latencies --------------------------------------------------- */

static u32 bucket_of(u64 ns)
{
	u32 shift;

	if (ns < STEPS)
		return ns;
	shift = ilog2(ns) - STEPS_SHIFT;
	return min_t(u32, (shift + 1) * STEPS + ((ns >> shift) & (STEPS - 1)), BUCKETS - 1);
}

static u64 bucket_end(u32 bucket)
{
	u32 shift;

	if (bucket < STEPS)
		return bucket;
	shift = bucket / STEPS - 1;
	return ((u64)(STEPS + bucket % STEPS + 1) << shift) - 1;
}

/* The latency that @percent of all bios of all jobs did not exceed. */
static u64 percentile(const struct job *jobs, const struct plan *plan, u32 percent)
{
	u64 want = div_u64(plan->count * plan->jobs * percent + 99, 100), seen = 0;
	u32 bucket, i;

	for (bucket = 0; bucket < BUCKETS; bucket++) {
		for (i = 0; i < plan->jobs; i++)
			seen += jobs[i].latencies[bucket];
		if (seen >= want)
			break;
	}
	return bucket_end(bucket);
}

/* -------- A job ------------------------------------------------------- */

static void read_done(struct bio *bio)
{
	struct slot *slot = bio->bi_private;
	struct job *job = slot->job;

	if (job->latencies)
		slot->ns = ktime_get_ns() - slot->ns;
	/* who finds the list empty wakes the job, which may be over by then */
	if (llist_add(&slot->done, &job->done)) {
		wake_up(&job->wait);
		/* pairs with the acquire in run_job(): nothing of the job after this */
		smp_mb__before_atomic();
		atomic_inc(&job->woken);
	}
}

static void send(struct job *job, struct slot *slot)
{
	struct bio *bio = slot->bio;

	bio_reset(bio, job->bdev, REQ_OP_READ);
	bio->bi_iter.bi_sector = next_sector(job);
	bio->bi_end_io = read_done;
	bio->bi_private = slot;
	__bio_add_page(bio, slot->page, job->plan->bytes, 0);
	if (job->latencies)
		slot->ns = ktime_get_ns();
	submit_bio(bio);
}

static void account(struct job *job, const struct slot *slot)
{
	if (slot->bio->bi_status)
		job->errors++;
	if (job->latencies)
		job->latencies[bucket_of(slot->ns)]++;
}

static int run_job(void *context)
{
	struct job *job = context;
	u64 sent, done = 0, lists = 0;
	struct llist_node *list, *node;

	for (sent = 0; sent < min_t(u64, job->plan->depth, job->plan->count); sent++)
		send(job, &job->slots[sent]);
	while (done < job->plan->count) {
		wait_event(job->wait, !llist_empty(&job->done));
		list = llist_del_all(&job->done);
		lists++;
		while (list) {
			node = list;
			list = list->next;
			account(job, llist_entry(node, struct slot, done));
			done++;
			if (sent == job->plan->count)
				continue;
			send(job, llist_entry(node, struct slot, done));
			if (!(++sent & 63))
				cond_resched();
		}
	}
	job->end_ns = ktime_get_ns();
	/* each list had one who woke us */
	while (atomic_read_acquire(&job->woken) != (int)lists)
		usleep_range(10, 100);
	complete(&job->finished);
	while (!kthread_should_stop())
		schedule_timeout_interruptible(1);
	return 0;
}

static int make_slot(struct job *job, struct slot *slot)
{
	slot->job = job;
	slot->bio = bio_alloc(job->bdev, 1, REQ_OP_READ, GFP_KERNEL);
	slot->page = alloc_pages(GFP_KERNEL, get_order(job->plan->bytes));
	return slot->bio && slot->page ? 0 : -ENOMEM;
}

static int make_job(struct job *job, const struct plan *plan, u32 nr,
		    struct block_device *bdev)
{
	struct task_struct *task;
	u32 i;

	job->plan = plan;
	job->bdev = bdev;
	job->seed = 88172645463325252ULL + nr * 7919;
	job->pieces = div_u64(plan->span, plan->piece);
	if (plan->order == SEQUENTIAL)
		job->next = div_u64(job->pieces, plan->jobs) * nr;
	else if (plan->order == SCATTERED)
		job->next = plan->count * nr;
	init_llist_head(&job->done);
	init_waitqueue_head(&job->wait);
	init_completion(&job->finished);
	if (plan->latency) {
		job->latencies = vzalloc(BUCKETS * sizeof(*job->latencies));
		if (!job->latencies)
			return -ENOMEM;
	}
	job->slots = kcalloc(plan->depth, sizeof(*job->slots), GFP_KERNEL);
	if (!job->slots)
		return -ENOMEM;
	for (i = 0; i < plan->depth; i++)
		if (make_slot(job, &job->slots[i]))
			return -ENOMEM;
	task = kthread_create(run_job, job, "biobench/%u", nr);
	if (IS_ERR(task))
		return PTR_ERR(task);
	job->task = task;
	return 0;
}

static void free_job(struct job *job)
{
	u32 i;

	if (job->task)
		kthread_stop(job->task);
	for (i = 0; job->slots && i < job->plan->depth; i++) {
		if (job->slots[i].bio)
			bio_put(job->slots[i].bio);
		if (job->slots[i].page)
			__free_pages(job->slots[i].page, get_order(job->plan->bytes));
	}
	kfree(job->slots);
	vfree(job->latencies);
}

/* -------- A run ------------------------------------------------------- */

static void report(const struct job *jobs, const struct plan *plan, u64 ns)
{
	u64 errors = 0;
	int n;
	u32 i;

	for (i = 0; i < plan->jobs; i++)
		errors += jobs[i].errors;
	n = scnprintf(answer, sizeof(answer), "ios=%llu ns=%llu errors=%llu",
		      plan->count * plan->jobs, ns, errors);
	if (plan->latency)
		n += scnprintf(answer + n, sizeof(answer) - n, " p50_ns=%llu p99_ns=%llu",
			       percentile(jobs, plan, 50), percentile(jobs, plan, 99));
	scnprintf(answer + n, sizeof(answer) - n, "\n");
}

static int run_jobs(const struct plan *plan, struct block_device *bdev)
{
	struct job *jobs = kcalloc(plan->jobs, sizeof(*jobs), GFP_KERNEL);
	u64 start, end = 0;
	int r = 0;
	u32 i;

	if (!jobs)
		return -ENOMEM;
	for (i = 0; i < plan->jobs && !r; i++)
		r = make_job(&jobs[i], plan, i, bdev);
	if (!r) {
		start = ktime_get_ns();
		for (i = 0; i < plan->jobs; i++)
			wake_up_process(jobs[i].task);
		for (i = 0; i < plan->jobs; i++) {
			wait_for_completion(&jobs[i].finished);
			end = max(end, jobs[i].end_ns);
		}
		report(jobs, plan, end - start);
	}
	for (i = 0; i < plan->jobs; i++)
		if (jobs[i].plan)
			free_job(&jobs[i]);
	kfree(jobs);
	return r;
}

static bool plan_is_possible(const struct plan *plan)
{
	u64 pieces;

	if (!plan->depth || plan->depth > MAX_DEPTH || !plan->jobs || plan->jobs > MAX_JOBS ||
	    plan->bytes < SECTOR_SIZE || plan->bytes > MAX_BYTES ||
	    plan->bytes % SECTOR_SIZE || plan->piece < plan->bytes ||
	    plan->piece % SECTOR_SIZE || plan->span < plan->piece || !plan->count ||
	    plan->count > U32_MAX)
		return false;
	pieces = div_u64(plan->span, plan->piece);
	if (plan->order == SCATTERED)
		return is_power_of_2(pieces) && plan->count * plan->jobs <= pieces;
	if (plan->order == SAME)
		return is_power_of_2(pieces) && plan->count <= pieces;
	return true;
}

static int parse(const char *text, struct plan *plan)
{
	int order, words;

	words = sscanf(text, "%95s %llu %u %u %15s %llu %u %u %u", plan->device, &plan->count,
		       &plan->depth, &plan->bytes, plan->order_name, &plan->span, &plan->jobs,
		       &plan->latency, &plan->piece);
	if (words < 8)
		return -EINVAL;
	if (words == 8)
		plan->piece = plan->bytes;
	order = match_string(order_names, ARRAY_SIZE(order_names), plan->order_name);
	if (order < 0)
		return order;
	plan->order = order;
	return plan_is_possible(plan) ? 0 : -EINVAL;
}

static int run_set(const char *text, const struct kernel_param *kp)
{
	struct plan plan = {};
	struct inode *inode;
	struct file *file;
	int r = parse(text, &plan);

	if (r) {
		pr_err("biobench: this is no run that can be made: %s\n", text);
		return r;
	}
	file = filp_open(plan.device, O_RDONLY, 0);
	if (IS_ERR(file))
		return PTR_ERR(file);
	inode = file->f_mapping->host;
	r = S_ISBLK(inode->i_mode) ? run_jobs(&plan, I_BDEV(inode)) : -ENOTBLK;
	filp_close(file, NULL);
	return r;
}

static int run_get(char *buffer, const struct kernel_param *kp)
{
	return sysfs_emit(buffer, "%s", answer);
}

static const struct kernel_param_ops run_ops = {
	.set = run_set,
	.get = run_get,
};
module_param_cb(run, &run_ops, NULL, 0600);
MODULE_PARM_DESC(run, "DEVICE COUNT DEPTH BYTES ORDER SPAN JOBS LATENCY [PIECE]");

static int __init biobench_init(void)
{
	return 0;
}

static void __exit biobench_exit(void)
{
}

module_init(biobench_init);
module_exit(biobench_exit);

MODULE_DESCRIPTION("reads of a block device from inside the kernel, timed");
MODULE_AUTHOR("dm-corcache maintainers");
MODULE_LICENSE("GPL");
