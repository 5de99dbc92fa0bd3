// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache-noroom: a device that has no room or memory for requests at the moment.
 *
 * A device-mapper target for tests, as dm-linear: "noroom <dev>".  So many reads, and
 * writes with data, as the module's parameters say end with BLK_STS_RESOURCE instead;
 * each one that does counts its parameter down.
 */
#include <linux/atomic.h>
#include <linux/bio.h>
#include <linux/device-mapper.h>
#include <linux/module.h>

static atomic_t reads = ATOMIC_INIT(0);
static atomic_t writes = ATOMIC_INIT(0);

static int set_count(const char *word, const struct kernel_param *kp)
{
	int r, count;

	r = kstrtoint(word, 0, &count);
	if (!r)
		atomic_set(kp->arg, count);
	return r;
}

static int get_count(char *buf, const struct kernel_param *kp)
{
	return sysfs_emit(buf, "%d\n", atomic_read((atomic_t *)kp->arg));
}

static const struct kernel_param_ops count_ops = {
	.set = set_count,
	.get = get_count,
};

module_param_cb(reads, &count_ops, &reads, 0644);
MODULE_PARM_DESC(reads, "reads that there is no room for");
module_param_cb(writes, &count_ops, &writes, 0644);
MODULE_PARM_DESC(writes, "writes that there is no room for");

static int noroom_ctr(struct dm_target *ti, unsigned int argc, char **argv)
{
	struct dm_dev *dev;
	int r;

	if (argc != 1) {
		ti->error = "expected: <dev>";
		return -EINVAL;
	}
	r = dm_get_device(ti, argv[0], dm_table_get_mode(ti->table), &dev);
	if (r) {
		ti->error = "cannot open the device";
		return r;
	}
	ti->private = dev;
	ti->num_flush_bios = 1;
	return 0;
}

static void noroom_dtr(struct dm_target *ti)
{
	dm_put_device(ti, ti->private);
}

static int noroom_map(struct dm_target *ti, struct bio *bio)
{
	atomic_t *left = bio_op(bio) == REQ_OP_READ ? &reads : &writes;
	struct dm_dev *dev = ti->private;

	if (bio_has_data(bio) && atomic_dec_if_positive(left) >= 0) {
		bio->bi_status = BLK_STS_RESOURCE;
		bio_endio(bio);
		return DM_MAPIO_SUBMITTED;
	}
	bio_set_dev(bio, dev->bdev);
	return DM_MAPIO_REMAPPED;
}

static int noroom_iterate_devices(struct dm_target *ti, iterate_devices_callout_fn fn,
				  void *data)
{
	return fn(ti, ti->private, 0, ti->len, data);
}

static struct target_type noroom_target = {
	.name = "noroom",
	.version = {1, 0, 0},
	.module = THIS_MODULE,
	.ctr = noroom_ctr,
	.dtr = noroom_dtr,
	.map = noroom_map,
	.iterate_devices = noroom_iterate_devices,
};

static int __init noroom_init(void)
{
	return dm_register_target(&noroom_target);
}

static void __exit noroom_exit(void)
{
	dm_unregister_target(&noroom_target);
}

module_init(noroom_init);
module_exit(noroom_exit);

MODULE_DESCRIPTION("device-mapper target that has no room, for tests of dm-corcache");
MODULE_AUTHOR("dm-corcache maintainers");
MODULE_LICENSE("GPL");
