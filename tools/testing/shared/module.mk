# SPDX-License-Identifier: GPL-2.0-only
#
# How the module's pure files, those that compile in user space as well, are compiled against the stand-ins of
# the kernel's headers. To be included.
#
#   SRC                  where the files are; set it to try others
#   module-pure          their names
#   module-include       flags: the stand-ins, and the module's own headers
#   $(eval $(call module-objects,DIR,COMMAND[,COMMAND-OF-CRC32C]))
#                        rules for DIR/dm-corcache-NAME.o, and for DIR/crc32c.o, which they need. COMMAND is the
#                        compiler and its flags. DIR is made by a rule of the including file
#   kunit-include        flags for the module's KUnit suites and whoever uses what they share
#   $(eval $(call kunit-objects,DIR,COMMAND))
#                        rules for DIR/NAME.o of each file in SRC/tests, and for DIR/kunit.o with main()

shared := $(abspath $(dir $(lastword $(MAKEFILE_LIST))))
SRC ?= $(abspath $(shared)/../../..)/drivers/md/dm-corcache

module-pure := refuse geometry format args figures ghosts policy places budget slotmap
module-include = -I$(shared)/include -I$(SRC)
kunit-include = $(module-include) -I$(SRC)/tests -I$(shared)

define module-objects
$(1)/dm-corcache-%.o: $(SRC)/%.c $(shared)/module.mk | $(1)
	$(2) -MMD -MP $(module-include) -c -o $$@ $$<

$(1)/crc32c.o: $(shared)/crc32c.c $(shared)/module.mk | $(1)
	$(or $(3),$(2)) -MMD -MP $(module-include) -c -o $$@ $$<
endef

define kunit-objects
$(1)/%.o: $(SRC)/tests/%.c $(shared)/module.mk | $(1)
	$(2) -MMD -MP $(kunit-include) -c -o $$@ $$<

$(1)/kunit.o: $(shared)/kunit.c $(shared)/module.mk | $(1)
	$(2) -MMD -MP $(kunit-include) -c -o $$@ $$<
endef
