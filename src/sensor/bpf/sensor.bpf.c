/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * The kernel half as one translation unit. Each family compiles alone, but libbpf 1.1 cannot link
 * objects that share an extern kernel function (read.h: bpf_rdonly_cast).
 */
#include "sensor/bpf/dispatch.bpf.c"

#include "sensor/bpf/baseline.bpf.c"
#include "sensor/bpf/file.bpf.c"
#include "sensor/bpf/io.bpf.c"
#include "sensor/bpf/process.bpf.c"
#include "sensor/bpf/signal.bpf.c"
#include "sensor/bpf/socket.bpf.c"
