/* SPDX-License-Identifier: (GPL-2.0-only OR Apache-2.0) */
/*
 * Records as the kernel half writes them and the decoder reads them: the only header that both
 * sides see. Little-endian, natural alignment, explicit padding, no pointers. A record is
 * record_header, then the body of its kind, then the tails (strings and payload) that `struct tail`
 * members of the body point at, padded with zeros to a multiple of 8.
 *
 * Facts are read from kernel objects after the call; what the program passed is kept beside them.
 * pid is always the thread group id and tid the thread id, both in the initial pid namespace.
 * device is the kernel's dev_t (major << 20 | minor). Addresses are 16 bytes, IPv4 in the first 4;
 * ports are in host byte order.
 */
#ifndef SPOOR_WIRE_KERNEL_EVENT_H
#define SPOOR_WIRE_KERNEL_EVENT_H

#include <linux/types.h>

#ifdef __cplusplus
#define SPOOR_STATIC_ASSERT static_assert
#else
#define SPOOR_STATIC_ASSERT _Static_assert
#endif

#define RECORD_SIZE_BYTES_MAX 32768 /* one record, tails included */

/* record_header.kind */
#define RECORD_FORK 1        /* fork_record: a thread group or a thread was created */
#define RECORD_EXEC 2        /* exec_record: a program was started, or failed to (result < 0) */
#define RECORD_EXIT 3        /* exit_record: the last thread of a process ended */
#define RECORD_CREDENTIAL 4  /* credential_record: after set*id, capset, setns, unshare … */
#define RECORD_OPEN 5        /* open_record: open family, memfd_create, also baseline descriptors, ones
			      * received by recvmsg or pidfd_getfd, pidfd_open, io_uring_setup */
#define RECORD_CLOSE 6       /* descriptor_record: close (fd), close_range (fd..other_fd) */
#define RECORD_DUP 7         /* descriptor_record: fd -> other_fd */
#define RECORD_IO 8          /* io_record: read, write, send and recv families */
#define RECORD_PATH 9        /* path_record: unlink, rename, link, chmod, chdir, utimensat, setxattr, mount … */
#define RECORD_PAIR 10       /* pair_record: pipe, socketpair */
#define RECORD_SOCKET 11     /* socket_record: socket, bind, listen, connect, accept, shutdown */
#define RECORD_TERMINAL 12   /* terminal_record: window size or echo was changed by ioctl */
#define RECORD_TRANSFER 13   /* transfer_record: sendfile, splice, copy_file_range, tee, clones */
#define RECORD_SIGNAL 14     /* signal_record: kill family, ptrace, process_vm_*, /proc/PID/mem */
#define RECORD_PROCESS 15    /* process_record: baseline, a process that was there before us */
#define RECORD_LOSS 16       /* loss_record: written by user space when a counter moved */
#define RECORD_SESSION 17    /* id_record: setsid, setpgid */
#define RECORD_NAME 18       /* name_record: prctl PR_SET_NAME */
#define RECORD_KIND_COUNT 19

/* record_header.flags */
#define RECORD_FLAG_BASELINE 1u   /* state found when recording began, not something that happened */
#define RECORD_FLAG_THREAD 2u     /* fork: the child is a thread of the same process */
#define RECORD_FLAG_NESTED 4u     /* taken while another record of the CPU was being built */
#define RECORD_FLAG_NAMED 32u     /* path_record: it is a named_path_record */
#define RECORD_FLAG_REPLACES 64u  /* named_path_record: it is a replacing_path_record */
#define RECORD_FLAG_PAYLOAD_LEFT_OUT 16u /* transfer: bytes that policy captures went by unseen */
#define RECORD_FLAG_INTERFERENCE 8u /* loss: since the reading before, somebody changed the sensor's
				     * state; each time counts as one missed hook */

#define SYSCALL_NR_NONE 0xffff

struct record_header {
	__u64 boot_ns;               /* CLOCK_BOOTTIME at the hook, i.e. after the call */
	__u64 process_start_boot_ns; /* start_boottime of the thread group leader */
	__s64 result;                /* return value of the call, -errno when it failed; else 0 */
	__u32 pid;
	__u32 tid;
	__u32 uid;                   /* real uid, initial user namespace */
	__u32 euid;                  /* effective uid, ditto: a change without a call is a finding */
	__u32 flags;                 /* RECORD_FLAG_… */
	__u16 size_bytes;            /* of the whole record, a multiple of 8 */
	__u16 kind;                  /* RECORD_… */
	__u16 syscall_nr;            /* x86-64 number, or SYSCALL_NR_NONE */
	__u16 scope;                 /* index into the recording's scopes: which host */
	__u32 pad;
};
SPOOR_STATIC_ASSERT(sizeof(struct record_header) == 56, "record_header");

/* Where variable bytes are: offset from the start of the record. A string has no NUL behind it,
 * except that each argument of an argv ends with one. */
struct tail {
	__u16 offset_bytes;
	__u16 length_bytes;
	__u16 status;          /* TAIL_… */
	__u16 pad;
};
#define TAIL_NONE 0        /* not attempted, or there is none */
#define TAIL_WHOLE 1
#define TAIL_TRUNCATED 2   /* the limit was reached: length_bytes is what is here */
#define TAIL_UNREADABLE 3  /* the memory could not be read; length_bytes is 0 */
#define TAIL_SHED 4        /* payload left out because the budget was used up */

/* What a descriptor or path refers to, from the kernel's inode. */
struct object_ref {
	__u64 inode;
	__u32 device;
	__u32 generation;      /* i_generation, 0 where the file system has none */
	__u32 device_of_node;  /* i_rdev of device nodes; for a pty its index */
	__u16 mode;            /* i_mode: type and permissions */
	__u8 type;             /* OBJECT_… */
	__u8 flags;            /* OBJECT_FLAG_… */
};
SPOOR_STATIC_ASSERT(sizeof(struct object_ref) == 24, "object_ref");
#define OBJECT_NONE 0
#define OBJECT_FILE 1      /* regular file, memfd included */
#define OBJECT_DIRECTORY 2
#define OBJECT_SYMLINK 3
#define OBJECT_CHARACTER_DEVICE 4
#define OBJECT_BLOCK_DEVICE 5
#define OBJECT_PIPE 6      /* pipe or fifo */
#define OBJECT_SOCKET 7
#define OBJECT_PTY 8       /* device and inode are those of the slave in devpts, for either end */
#define OBJECT_ANONYMOUS 9 /* epoll, eventfd, io_uring … */
#define OBJECT_TTY 10      /* a terminal that is not a pty */
#define OBJECT_FLAG_PTY_MASTER 1u
#define OBJECT_FLAG_UNLINKED 2u  /* i_nlink is 0 */
#define OBJECT_FLAG_MEMFD 4u

struct socket_ref {
	__u64 peer_inode;      /* AF_UNIX: inode of the connected peer's socket, else 0 */
	__u32 netns;           /* inode number of the network namespace */
	__u16 family;          /* AF_… */
	__u16 type;            /* SOCK_… */
	__u16 protocol;        /* IPPROTO_… */
	__u16 local_port;
	__u16 remote_port;
	__u8 state;            /* TCP_… of the kernel, 0 for other protocols */
	__u8 flags;            /* SOCKET_FLAG_… */
	__u8 local_address[16];
	__u8 remote_address[16];
};
SPOOR_STATIC_ASSERT(sizeof(struct socket_ref) == 56, "socket_ref");
#define SOCKET_FLAG_REMOTE_FROM_USER 1u /* remote end read from the caller's sockaddr (UDP) */
#define SOCKET_FLAG_REMOTE_FROM_PACKET 2u /* remote end read from the datagram itself */

struct credential_set {
	__u32 uid, euid, suid, fsuid;
	__u32 gid, egid, sgid, fsgid;
	__u64 cap_effective, cap_permitted, cap_inheritable;
	__u32 user_namespace;  /* inode number */
	__u32 pad;
};
SPOOR_STATIC_ASSERT(sizeof(struct credential_set) == 64, "credential_set");

struct fork_record {
	struct record_header header;   /* of the process that called fork/clone */
	__u64 child_start_boot_ns;     /* of the child's thread group leader */
	__u64 parent_start_boot_ns;    /* of the child's real_parent, which CLONE_PARENT can move */
	__u32 child_pid;
	__u32 child_tid;
	__u32 parent_pid;
	__u32 session_id;              /* sid of the child, as a pid in the initial namespace */
	__u64 clone_flags;             /* 0 where the hook does not know them */
	__u8 command[16];              /* comm of the child */
};

struct exec_record {
	struct record_header header;   /* result 0, or -errno of a refused execve */
	struct object_ref object;      /* the program (the interpreter for #! scripts) */
	struct credential_set credentials; /* after the exec */
	__u32 object_uid, object_gid;  /* owner of the program file: with mode, who a setuid bit makes you */
	struct tail path;              /* resolved by the kernel, from the root of the mount namespace */
	struct tail user_path;         /* bprm->filename: what was asked for (the script) */
	struct tail interpreter;       /* bprm->interp when it differs from user_path */
	struct tail arguments;         /* argv, each NUL-terminated */
	struct tail working_directory;
	__u8 command[16];
};

struct exit_record {
	struct record_header header;
	__u32 exit_code;               /* as wait(2) gives it: status << 8 | signal */
	__u32 pad;
};

struct credential_record {
	struct record_header header;
	struct credential_set credentials; /* after the call */
};

/* In open_flags, of an open with O_CREAT that succeeded: whether the file was made or was there. */
#define OPEN_CREATED 0x40000000
#define OPEN_FOUND 0x20000000

struct open_record {
	struct record_header header;   /* result is the descriptor, or -errno */
	struct object_ref object;
	__s32 fd;
	__u32 open_flags;              /* O_… as asked (baseline: f_flags), and OPEN_… */
	__u32 mode;                    /* creation mode as asked */
	__s32 directory_fd;            /* AT_FDCWD where the call has none */
	struct tail path;              /* resolved by the kernel, from the root of the mount namespace */
	struct tail user_path;         /* the string passed */
	struct tail base;              /* resolved folder that a relative user_path starts at (failed calls) */
	struct socket_ref socket;      /* baseline descriptors of sockets */
	struct tail unix_path;         /* ditto */
};

struct descriptor_record {
	struct record_header header;
	struct object_ref object;      /* dup: of the new descriptor; close: none */
	__s32 fd;
	__s32 other_fd;                /* dup: the new descriptor; close_range: the last one */
	__u32 descriptor_flags;        /* O_CLOEXEC: exec closes it. A dup of a descriptor to itself is
					* fcntl F_SETFD, FIOCLEX or FIONCLEX; close_range: its flags */
	__u32 pad;
};

/* io_record.direction */
#define IO_IN 1   /* read, recv */
#define IO_OUT 2  /* write, send */
/* io_record.flags */
#define IO_FLAG_PEEK 1u /* MSG_PEEK: the bytes are still there and nothing was moved */
#define IO_FLAG_CUT 2u  /* MSG_TRUNC: more came, and was thrown away, than the result says */

struct terminal_state {
	__u16 rows, columns;
	__u16 flags;                   /* TERMINAL_… */
	__u16 pad;
};
#define TERMINAL_ECHO 1u
#define TERMINAL_CANONICAL 2u
#define TERMINAL_KNOWN 4u          /* the three above were read */

struct io_record {
	struct record_header header;   /* result: bytes moved (IO_FLAG_PEEK: looked at), or -errno; of
					* sendmmsg and recvmmsg one record for each message */
	struct object_ref object;
	__s64 offset_bytes;            /* where in the file it began; -1 when not known or not seekable */
	__s32 fd;
	__u8 direction;
	__u8 has_socket;               /* `socket` is filled: its ends when the bytes were moved */
	__u8 flags;                    /* IO_FLAG_… */
	__u8 pad;
	struct terminal_state terminal;
	struct tail payload;           /* the first bytes moved, as policy and budget allow */
	struct socket_ref socket;
};

struct path_record {
	struct record_header header;
	struct object_ref object;      /* where the call has a descriptor, or the kernel knows it after */
	__u64 value;                   /* chmod: mode; chown: uid << 32 | gid; truncate: length; mknod: dev;
					* utimensat family: new time of change in s, 0: now; setxattr: bytes;
					* ioctl FS_IOC_SETFLAGS: the flags */
	__s32 fd;                      /* fchmod, fchown, ftruncate, fchdir: the descriptor, else -1 */
	__u32 call_flags;              /* unlinkat AT_REMOVEDIR, renameat2 RENAME_… */
	struct tail base;              /* resolved folder that user_path starts at when relative */
	struct tail user_path;
	struct tail other_base;        /* rename, link: the new name; symlink: user_path is the target */
	struct tail other_user_path;   /* ditto; setxattr, removexattr: the attribute; mount: the source */
	struct tail path;              /* resolved by the kernel, where it can be (chdir, fd forms) */
};

/* As the kernel half writes it since it looks paths up itself: object and path are what the path led to
 * (rename, link: the object that has the new name), or none where that is not known. */
struct named_path_record {
	union {
		struct record_header header;
		struct path_record call;
	};
	struct tail other_path;        /* of the new name, resolved */
};

/* rename, where the kernel half looked at what the new name led to as the call began. */
struct replacing_path_record {
	union {
		struct record_header header;
		struct named_path_record named;
	};
	struct object_ref replaced;    /* none: there was nothing of that name */
};

struct pair_record {
	struct record_header header;
	struct object_ref object[2];
	__s32 fd[2];
	__u32 call_flags;
	__u32 pad;
};

struct socket_record {
	struct record_header header;   /* accept: result is the new descriptor */
	struct object_ref object;      /* accept: the new socket */
	struct object_ref listener;    /* accept: the listening socket, else none */
	__s32 fd;                      /* the descriptor passed (accept: the listening one) */
	__s32 argument;                /* listen: backlog; shutdown: how; socket, accept: O_CLOEXEC or 0 */
	struct socket_ref socket;
	struct tail unix_path;         /* AF_UNIX name; abstract names begin with NUL */
};

struct terminal_record {
	struct record_header header;
	struct object_ref object;
	__s32 fd;
	__u32 request;                 /* the ioctl */
	struct terminal_state terminal; /* after the call */
};

struct transfer_record {
	struct record_header header;   /* result: bytes moved; of a clone (ioctl) those that are shared */
	struct object_ref source;
	struct object_ref target;
	__s32 source_fd;
	__s32 target_fd;
};

struct signal_record {
	struct record_header header;
	__u64 target_start_boot_ns;    /* 0 where the target is not one process */
	__s32 target_pid;              /* initial namespace where start is known, else as passed */
	__s32 argument;                /* signal number; ptrace: request */
};

struct id_record {
	struct record_header header;
	__u32 session_id;              /* initial namespace */
	__u32 process_group_id;
};

struct name_record {
	struct record_header header;
	__u8 command[16];              /* comm after the call */
};

struct process_record {
	struct record_header header;   /* of the process itself; boot_ns: when it was looked at */
	__u64 parent_start_boot_ns;
	__u32 parent_pid;
	__u32 session_id;
	struct object_ref object;      /* the program */
	struct credential_set credentials;
	struct terminal_state terminal;
	struct tail path;              /* of the program */
	struct tail arguments;         /* argv, each NUL-terminated; filled in user space from /proc */
	struct tail working_directory;
	__u8 command[16];
};

/* Classes that drops are counted by, weightiest first. */
#define LOSS_PROCESS 0     /* fork, exec, exit, credentials, signals, baseline */
#define LOSS_NAMESPACE 1   /* unlink, rename, chmod … */
#define LOSS_DESCRIPTOR 2  /* open, close, dup, pipe */
#define LOSS_NETWORK 3     /* socket calls */
#define LOSS_IO 4          /* read, write, send, recv, transfer, terminal */
#define LOSS_PAYLOAD 5     /* payload shed by budget: the record itself is there */
#define LOSS_MISSED_HOOK 6 /* the kernel skipped a program (recursion_misses) */
#define LOSS_CLASS_COUNT 7

struct loss_record {
	struct record_header header;   /* boot_ns: when the counters were read; pid 0 */
	__u64 count[LOSS_CLASS_COUNT]; /* since recording began, all CPUs */
	__u64 recorded_count;          /* records delivered since recording began */
};

/* One flush of a CPU's buffer: what an entry of the ring holds. Records taken while another one of
 * the same CPU was being built have a sequence of their own, so that gaps stay exact. */
#define CHUNK_CPU_BITS 16
#define CHUNK_CPU_BASELINE 0xffffffffu /* cpu of the chunks of the baseline */
struct chunk_header {
	__u64 first_sequence;          /* per value of cpu; counts every record made, dropped ones too */
	__u32 cpu;                     /* low CHUNK_CPU_BITS: the CPU, above: how deeply nested */
	__u32 size_bytes;              /* of the records behind this header */
	__u32 count;
	__u32 pad;
};
SPOOR_STATIC_ASSERT(sizeof(struct chunk_header) == 24, "chunk_header");

#endif
