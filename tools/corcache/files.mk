# SPDX-License-Identifier: GPL-2.0-only
# TOOL_FILES: the tool; FORMAT_FILES: what sees the module's headers, and libraries through plain ones of ours.
TOOL_FILES := main verb verbs fail size completion version dm kmsg remedy holders run table devname lvm lv pool sample
TOOL_FILES += create remove list quota change switch_origin
TOOL_FILES += status view view_text view_json metrics saved latency report
TOOL_FILES += clone unclone clone_store clone_file clone_thin
FORMAT_FILES :=
# Activation: verbs, and the generator, which has no library but libc.
TOOL_FILES += tab unit tab_verb absence lower standin attach detach
GENERATOR_FILES := generator tab unit size fail

# cache devices that are not in use
TOOL_FILES += block cache scrub check dump probe verify wipe
FORMAT_FILES += disk
