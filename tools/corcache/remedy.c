// SPDX-License-Identifier: GPL-2.0-only
#include "remedy.h"

#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include "devname.h"

#define WIPE	"if nothing on it is needed any more, 'corcache wipe {cache}' makes it blank"

/* The first that matches counts: what is special comes before what is general. */
static const struct remedy remedies[] = {
	/* the module */
	{ "*: unknown target type*", END_DEVICE,
	  "load the module: modprobe dm-corcache" },
	{ "*feature * is unknown, known:*", END_DEVICE,
	  "the module is older than this tool: update dm-corcache" },
	{ "*core arg * is unknown, known:*", END_DEVICE,
	  "the module is older than this tool: update dm-corcache" },
	{ "*policy * is unknown, known:*", END_ARGS, "choose one of these with --policy" },
	{ "*message * is unknown, known:*", END_DEVICE,
	  "the module is older than this tool: update dm-corcache" },
	{ "*message * is not yet supported*", END_DEVICE,
	  "the module is older than this tool: update dm-corcache" },

	/* the cache device's content */
	{ "*holds data (sector *) and no corcache superblock*", END_DEVICE,
	  "make sure that {cache} is the right device; " WIPE },
	{ "*holds other data now, but a corcache superblock at its end*", END_DEVICE,
	  "other data was written to {cache} since it was a cache; " WIPE },
	{ "*length of the cache is * sectors, the table says *", END_DEVICE,
	  "{cache} is the cache of an image of another length; use another cache device, or " WIPE },
	{ "*region size of the cache is * sectors, the table says *", END_DEVICE,
	  "give --region the size of the cache, or " WIPE },
	{ "*block_size of the cache is * sectors, the table says *", END_DEVICE,
	  "give --block the size of the cache, or " WIPE },
	{ "*the cache was formatted with no_checksums*", END_DEVICE, "give --no-checksums, or " WIPE },
	{ "*the cache was formatted with checksums*", END_DEVICE, "leave --no-checksums out, or " WIPE },
	{ "*origin_id of the cache is *, the table says *", END_DEVICE,
	  "{cache} holds another image, or another version of it; use a cache device for each, or " WIPE },
	{ "*superblock: format version is *", END_DEVICE,
	  "{cache} was made by a newer module: update dm-corcache, or " WIPE },
	{ "*superblock: incompatible features *", END_DEVICE,
	  "{cache} was made by a newer module: update dm-corcache, or " WIPE },
	{ "*superblock: *", END_DEVICE, "the content of {cache} cannot be trusted; " WIPE },
	{ "*cache device has * sectors, it had * when it was formatted*", END_DEVICE,
	  "grow {cache} to what it was; or " WIPE },
	{ "*cache device * has shrunk: *", END_DEVICE, "grow {cache} to what it was" },
	{ "*has changed since the table was loaded*", END_DEVICE, "somebody else uses {cache}: try again" },

	/* which devices */
	{ "*cache and origin are the same device*", END_ARGS, "name two devices" },
	{ "*are a disk and its own partition*", END_ARGS, "name two devices that share no sector" },
	{ "* is this very device*", END_ARGS, "a device cannot lie on itself: name another one" },
	{ "*is in use by another mapped device*", END_BUSY,
	  "each image needs a cache device of its own; 'lsblk {cache}' shows what uses this one" },
	{ "*is in use by corcache device*", END_BUSY, "each image needs a cache device of its own" },
	{ "*cannot open cache device *: error -16*", END_BUSY,
	  "{cache} is mounted, or a part of something: 'lsblk {cache}' shows it" },
	{ "*cannot open origin device *: error -16*", END_BUSY,
	  "{origin} is mounted, or a part of something: 'lsblk {origin}' shows it" },
	{ "*cannot open cache device *: error -30*", END_DEVICE,
	  "{cache} is read-only: 'blockdev --setrw {cache}', or another device" },
	{ "*cannot open cache device *: error -13*", END_DEVICE,
	  "{cache} is read-only: 'blockdev --setrw {cache}', or another device" },
	{ "*cannot open cache device *: error -123*", END_DEVICE, "{cache} has no medium" },
	{ "*cannot open origin device *: error -123*", END_DEVICE, "{origin} has no medium: connect it first" },
	{ "*cannot open cache device *", END_DEVICE, "is {cache} there, and a block device?" },
	{ "*cannot open origin device *", END_DEVICE, "is {origin} there, connected, and a block device?" },

	/* what the devices are like */
	{ "*cache device * is read-only*", END_DEVICE, "'blockdev --setrw {cache}', or another device" },
	{ "*origin device * has * sectors, the table wants *", END_DEVICE,
	  "the image on {origin} is shorter than the device is to be: is it the right image?" },
	{ "* is zoned*", END_DEVICE, "zoned devices cannot be used: name another one" },
	{ "*cache device * has sectors of * bytes*", END_DEVICE, "another cache device is needed" },
	{ "*origin device * has sectors of * bytes*", END_ARGS, "give --block at least the size of these sectors" },
	{ "*is not a multiple of the * sectors that a sector of origin device*", END_ARGS,
	  "give --size a multiple of the origin's sectors" },
	{ "*cache device of * sectors is too small*", END_DEVICE, "use a larger one, or a smaller --region" },
	{ "*sectors, a cache device needs more than *", END_DEVICE, "use a larger one than {cache}" },
	{ "*cannot read sector*", END_DEVICE, "{cache} fails: see its driver's lines in the kernel log" },
	{ "*cannot write the superblock*", END_DEVICE, "{cache} fails: see its driver's lines in the kernel log" },
	{ "*cannot read the region table*", END_DEVICE, "{cache} fails: see its driver's lines in the kernel log" },
	{ "*cache device * cannot be written*", END_DEVICE, "{cache} fails: see its driver's lines in the kernel log" },

	/* numbers */
	{ "*region size * makes * regions of the origin*", END_ARGS, "give --region the size that is named, in sectors" },
	{ "*region size * is not a power of two*", END_ARGS, "give --region a power of two from 4K to 4M" },
	{ "*block_size * is not a power of two*", END_ARGS,
	  "give --block a power of two from 4K to the region size" },
	{ "*block_size * is less than 1/* of the region size*", END_ARGS, "give a larger --block, or a smaller --region" },
	{ "*quota * is more than the data area*", END_ARGS,
	  "without --quota all of the cache device is used" },
	{ "*quota * is less than one region*", END_ARGS, "give --quota at least the region size" },
	{ "*message quota: * is not between a region*", END_ARGS,
	  "'corcache status {name}' shows the largest quota" },
	{ "*are not within the * of the device*", END_ARGS, "START and LENGTH are bytes, with units, of the device" },
	{ "*regions would be pinned, at most *", END_DEVICE,
	  "pin less, raise the quota, or unpin other parts first" },
	{ "*origin_id * has *", END_ARGS, "give --origin-id 1 to 128 of A-Z a-z 0-9 . _ : + / = @ -" },
	{ "*the table is writable*", END_ARGS, "an image cannot be written: give dmsetup --readonly" },

	/* the state that the cache is in */
	{ "*cache is frozen now: *", END_DEVICE,
	  "it is tried again by itself; 'corcache status {name}' tells more" },
	{ "*cache is bypassed now: *", END_DEVICE, "'corcache status {name}' tells more" },
	{ "*message recover: interrupted*", END_BUSY, "something suspends {name}: give the command again" },
	{ "*nothing is changed at the moment*", END_BUSY, "the system is about to hibernate or to stop" },
	{ "*a suspend has interrupted it*", END_BUSY, "something suspends {name}: give the command again" },

	/* memory */
	{ "*cannot allocate the index*", END_MEMORY, "a larger --region needs less memory" },
	{ "*no memory*", END_MEMORY, "free some memory and try again" },

	/* whatever is wrong with a word: the line has the word and what is allowed */
	{ "* is not a decimal number between *", END_ARGS, "" },
	{ "* is given twice*", END_ARGS, "" },
	{ "* is one too many*", END_ARGS, "" },
	{ "* too few*expected*", END_ARGS, "" },
	{ "*length * is not between 1 and *", END_ARGS, "" },
	{ "*message is empty*", END_ARGS, "" },
	{ "*number of core args * is odd*", END_ARGS, "" },
	{ "*word * of the * is empty*", END_ARGS, "" },
};

const struct remedy *remedy_number(unsigned int i)
{
	return i < sizeof(remedies) / sizeof(*remedies) ? &remedies[i] : NULL;
}

const struct remedy *remedy_find(const char *line)
{
	const struct remedy *remedy;
	unsigned int i;

	for (i = 0; (remedy = remedy_number(i)); i++) {
		if (!fnmatch(remedy->pattern, line, FNM_NOESCAPE))
			return remedy;
	}
	return NULL;
}

/* Word number @i of a table line, as people name devices. */
static char *word_number(const char *params, unsigned int i)
{
	char *word, *name;

	if (!params)
		return get_text("DEVICE");
	for (params += strspn(params, " "); i && *params; i--) {
		params += strcspn(params, " ");
		params += strspn(params, " ");
	}
	word = get_text("%.*s", (int)strcspn(params, " "), params);
	name = device_name(word);
	free(word);
	return name;
}

char *remedy_text(const struct remedy *remedy, const char *name, const char *params)
{
	char *words[] = { word_number(params, 0), word_number(params, 1), get_text("%s", name) };
	static const char *const marks[] = { "{cache}", "{origin}", "{name}" };
	char *text = get_text("%s", ""), *more;
	const char *at = remedy->text;
	unsigned int i;

	while (*at) {
		for (i = 0; i < 3 && strncmp(at, marks[i], strlen(marks[i])); i++)
			;
		more = i < 3 ? get_text("%s%s", text, words[i]) : get_text("%s%c", text, *at);
		at += i < 3 ? strlen(marks[i]) : 1;
		free(text);
		text = more;
	}
	for (i = 0; i < 3; i++)
		free(words[i]);
	return text;
}
