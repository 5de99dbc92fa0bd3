/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * block: a block device, or a file in its place: what it is, who uses it, what libblkid
 * finds on it.
 */
#ifndef CORCACHE_BLOCK_H
#define CORCACHE_BLOCK_H

#include <stdbool.h>
#include <stdint.h>

#include "fail.h"

enum block_kind {
	BLOCK_FILE,
	BLOCK_DISK,		/* a whole one, or what looks like one: loop, md, nbd */
	BLOCK_PARTITION,
	BLOCK_MAPPED,		/* of device-mapper */
};

/* Strings belong to it; block_forget() frees them and closes what is open. */
struct block {
	const char *path;	/* the caller's */
	int fd;			/* -1: not open */
	enum block_kind kind;
	unsigned int major, minor;	/* 0 for a file */
	uint64_t sectors;	/* of 512 bytes, whole ones */
	uint32_t unit;		/* bytes of a logical block; 512 for a file */
	bool read_only;		/* it cannot be written, whoever tries */
	char *use;		/* "mounted on /srv", "held by md0", ...; NULL: nobody is known to use it */
	char *corcache;		/* the name of the corcache device that lies on it, or NULL */
};

/* Opens nothing. Returns an exit status. */
int block_look(const char *path, struct block *block);
void block_forget(struct block *block);

enum block_access {
	BLOCK_READ,		/* whoever else uses it */
	BLOCK_READ_ALONE,	/* END_BUSY if anybody does; the kernel lets nobody claim it meanwhile */
	BLOCK_WRITE_ALONE,
};

/* block_look(), and opens it; reads go past the page cache where it is a device. Returns an exit status. */
int block_open(const char *path, enum block_access access, struct block *block);

/*
 * What libblkid knows by its signature, wherever on the device that lies: "ext4, dos partition table".
 * NULL: nothing. The caller frees it. Returns an exit status.
 */
int block_signatures(const struct block *block, char **found);

#endif /* CORCACHE_BLOCK_H */
