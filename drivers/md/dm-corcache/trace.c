// SPDX-License-Identifier: GPL-2.0-only
/*
 * dm-corcache trace: the tracepoints, which trace.h declares.
 */
#define CREATE_TRACE_POINTS
#include "trace.h"
