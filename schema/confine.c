/* confine.c: see confine.h.
 *
 * BUGS: the list was made for Linux on x86-64 and arm64, with glibc; another C library may need more. A call that is
 * missing shows as "Function not implemented" in the log: add it here, or set seccomp = false until it is. */
#include <errno.h>
#include <linux/capability.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>
#include "schema/confine.h"

/* ---- the process ---- */

static bool drop_capabilities(void)
{
    struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[_LINUX_CAPABILITY_U32S_3] = { 0 };
    /* Old kernels have no ambient set. */
    return (prctl(PR_CAP_AMBIENT, PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) == 0 || errno == EINVAL) &&
           syscall(SYS_capset, &header, none) == 0;
}

enum tg_code tg_confine_process(struct tg_error *err)
{
    const struct rlimit none = { 0, 0 };
    setrlimit(RLIMIT_CORE, &none);
#ifndef TG_SANITIZED
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't keep this process' memory from others: %s", strerror(errno));
#endif
    if (!drop_capabilities())
        return tg_fail(err, TG_UNUSABLE, "can't give up capabilities: %s", strerror(errno));
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) != 0)
        return tg_fail(err, TG_UNUSABLE, "can't set no_new_privs: %s", strerror(errno));
    return TG_OK;
}

/* ---- its system calls ---- */

#if defined TG_HAVE_SECCOMP && !defined TG_SANITIZED
#include <fcntl.h>
#include <sched.h>
#include <seccomp.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/socket.h>

/* With any arguments. Those that this machine does not have are passed over. */
static const char *const allowed[] = {
    /* memory */
    "brk", "madvise", "membarrier", "mincore", "mlock", "mlock2", "mremap", "munlock", "munmap", "msync",
    /* threads and time */
    "clock_getres", "clock_gettime", "clock_nanosleep", "exit", "exit_group", "futex", "futex_time64", "futex_waitv",
    "get_robust_list", "getcpu", "gettid", "gettimeofday", "nanosleep", "restart_syscall", "rseq", "sched_getaffinity",
    "sched_getparam", "sched_getscheduler", "sched_yield", "set_robust_list", "set_tid_address", "time", "timerfd_create",
    "timerfd_gettime", "timerfd_settime", "times",
    /* signals, and the end of the courier */
    "pause", "rt_sigaction", "rt_sigpending", "rt_sigprocmask", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
    "sigaltstack", "wait4", "waitid",
    /* who and where am I */
    "getcwd", "getegid", "geteuid", "getgid", "getpgrp", "getpid", "getppid", "getrandom", "getrlimit", "getrusage", "getuid",
    "getgroups", "getresgid", "getresuid", "sysinfo", "uname",
    /* files: the store, the log, templates, what libraries read */
    "access", "close", "close_range", "dup", "dup2", "dup3", "faccessat", "faccessat2", "fadvise64", "fallocate", "fcntl",
    "fdatasync", "flock", "fstat", "fstatfs", "fsync", "ftruncate", "getdents", "getdents64", "lseek", "lstat", "newfstatat",
    "open", "openat", "pread64", "preadv", "pwrite64", "pwritev", "read", "readlink", "readlinkat", "readv", "rename",
    "renameat", "renameat2", "stat", "statfs", "statx", "sync_file_range", "umask", "unlink", "unlinkat", "write", "writev",
    /* waiting */
    "epoll_create", "epoll_create1", "epoll_ctl", "epoll_pwait", "epoll_pwait2", "epoll_wait", "eventfd2", "pipe", "pipe2",
    "poll", "ppoll", "pselect6", "select",
    /* sockets: no bind, no listen, for those that are needed are there */
    "accept", "accept4", "connect", "getpeername", "getsockname", "getsockopt", "recvfrom", "recvmmsg", "recvmsg", "sendmmsg",
    "sendmsg", "sendto", "setsockopt", "shutdown", "socketpair",
};

/* Nothing here calls these, whatever happens to it: who does has taken it over. */
static const char *const never[] = {
    "execve", "execveat", "ptrace", "process_vm_readv", "process_vm_writev", "mount", "umount2", "pivot_root", "chroot",
    "setuid", "setgid", "setresuid", "setresgid", "capset", "bpf", "userfaultfd", "perf_event_open", "init_module",
    "finit_module", "delete_module", "kexec_load", "keyctl", "add_key", "request_key", "unshare", "setns", "personality",
};

/* With these arguments only: several rows for one call are alternatives. */
static int add_arguments(scmp_filter_ctx filter)
{
    enum { WRITE_EXEC = PROT_WRITE | PROT_EXEC };
    const scmp_datum_t self = (scmp_datum_t)getpid();
    const struct {
        const char *call;
        struct scmp_arg_cmp argument;
    } rows[] = {
        /* Memory is writable or executable, never both, and what was written is never made executable. */
        { "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_EXEC, 0) },
        { "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_EXEC, PROT_WRITE) },
        { "mmap", SCMP_A2(SCMP_CMP_MASKED_EQ, WRITE_EXEC, PROT_EXEC) },
        { "mprotect", SCMP_A2(SCMP_CMP_MASKED_EQ, PROT_EXEC, 0) },
        /* Threads, no processes. clone3 hides its flags from a filter; glibc takes clone where that is not there. */
        { "clone", SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, CLONE_THREAD) },
        /* The DNS, the log and getaddrinfo; no raw packets. */
        { "socket", SCMP_A0(SCMP_CMP_EQ, AF_UNIX) },
        { "socket", SCMP_A0(SCMP_CMP_EQ, AF_INET) },
        { "socket", SCMP_A0(SCMP_CMP_EQ, AF_INET6) },
        { "socket", SCMP_A0(SCMP_CMP_EQ, AF_NETLINK) },
        { "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONREAD) },
        { "ioctl", SCMP_A1(SCMP_CMP_EQ, FIONBIO) },
        { "ioctl", SCMP_A1(SCMP_CMP_EQ, TCGETS) },
        { "prctl", SCMP_A0(SCMP_CMP_EQ, PR_SET_NAME) },
        { "prctl", SCMP_A0(SCMP_CMP_EQ, PR_GET_NAME) },
        /* Signals to nobody else; limits of nobody else. */
        { "kill", SCMP_A0(SCMP_CMP_EQ, self) },
        { "tgkill", SCMP_A0(SCMP_CMP_EQ, self) },
        { "prlimit64", SCMP_A0(SCMP_CMP_EQ, 0) },
    };
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < sizeof rows / sizeof *rows; i++) {
        int call = seccomp_syscall_resolve_name(rows[i].call);
        if (call != __NR_SCMP_ERROR)
            rc = seccomp_rule_add_array(filter, SCMP_ACT_ALLOW, call, 1, &rows[i].argument);
    }
    return rc;
}

static int add_names(scmp_filter_ctx filter, uint32_t action, const char *const names[], size_t count)
{
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < count; i++) {
        int call = seccomp_syscall_resolve_name(names[i]);
        if (call != __NR_SCMP_ERROR)
            rc = seccomp_rule_add(filter, action, call, 0);
    }
    return rc;
}

enum tg_code tg_confine_calls(bool wanted, struct tg_error *err)
{
    if (!wanted)
        return TG_OK;
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ERRNO(ENOSYS));
    if (filter == NULL)
        return tg_fail(err, TG_UNUSABLE, "can't make a filter of system calls: out of memory");
    /* Threads that run already are confined too. */
    int rc = seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1);
    if (rc == 0)
        rc = add_names(filter, SCMP_ACT_ALLOW, allowed, sizeof allowed / sizeof *allowed);
    if (rc == 0)
        rc = add_names(filter, SCMP_ACT_KILL_PROCESS, never, sizeof never / sizeof *never);
    if (rc == 0)
        rc = add_arguments(filter);
    if (rc == 0)
        rc = seccomp_load(filter);
    seccomp_release(filter);
    return rc == 0 ? TG_OK
                   : tg_fail(err, TG_UNUSABLE, "the kernel takes no filter of system calls: %s (set seccomp = false to run without)",
                             strerror(-rc));
}
#else
enum tg_code tg_confine_calls(bool wanted, struct tg_error *err)
{
#ifdef TG_SANITIZED
    (void)wanted;
    (void)err;
    return TG_OK;
#else
    return wanted ? tg_fail(err, TG_UNUSABLE, "seccomp = true, but this program was built without libseccomp: set it to false") : TG_OK;
#endif
}
#endif
