/*
 * A bad disk: stands between a program and its C library, and makes calls on some files fail on command.
 *
 * AIRSEAL_STORAGE_CONTROL names a file that is looked at before each call, so that a running program can be switched.
 * Its first line names a file of counters, which all processes share; each further line is one fault:
 *
 *   <pattern of path> <operations, comma between> <error> <how> <skip> <times>
 *
 *   operations  create write sync rename link truncate
 *   error       EIO ENOSPC EDQUOT EROFS, or KILL, which ends the process
 *   how         before  nothing is done, the error is reported: not persisted
 *               after   it is done, the error is reported all the same: persisted, but reported lost
 *               half    the first half of what is to be written is written, then the error is reported
 *   skip        so many calls that fit pass first
 *   times       so many fail; 0 for all that follow
 *
 * The paths of `rename` and `link` are the new names. Reading is never disturbed.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <fnmatch.h>
#include <pthread.h>
#include <signal.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

#define MOST_RULES 16
#define LONGEST_PATH 512

enum how { BEFORE, AFTER, HALF };

struct rule {
  char pattern[LONGEST_PATH];
  char operations[64];
  int error;
  enum how how;
  uint64_t skip, times;
};

struct verdict {
  int fails;
  int error;
  enum how how;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct rule rules[MOST_RULES];
static int rule_count;
static uint64_t *counters;
static struct timespec read_at;
static ino_t read_from;

static int error_named(const char *name) {
  if (strcmp(name, "EIO") == 0) return EIO;
  if (strcmp(name, "ENOSPC") == 0) return ENOSPC;
  if (strcmp(name, "EDQUOT") == 0) return EDQUOT;
  if (strcmp(name, "EROFS") == 0) return EROFS;
  return strcmp(name, "KILL") == 0 ? -1 : 0;
}

/* System calls, not the library: these must not come back to us. */
static void read_rules(const char *control) {
  char text[8192];
  int file = (int)syscall(SYS_openat, AT_FDCWD, control, O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return;
  long length = syscall(SYS_read, file, text, sizeof text - 1);
  syscall(SYS_close, file);
  if (length < 0) return;
  text[length] = 0;
  rule_count = 0;
  char *save = NULL;
  char *line = strtok_r(text, "\n", &save);
  if (counters != NULL) munmap(counters, MOST_RULES * sizeof *counters);
  counters = NULL;
  if (line == NULL) return;
  int shared = (int)syscall(SYS_openat, AT_FDCWD, line, O_RDWR | O_CLOEXEC, 0);
  if (shared < 0) return;
  void *map = mmap(NULL, MOST_RULES * sizeof *counters, PROT_READ | PROT_WRITE, MAP_SHARED, shared, 0);
  syscall(SYS_close, shared);
  if (map == MAP_FAILED) return;
  counters = map;
  while ((line = strtok_r(NULL, "\n", &save)) != NULL && rule_count < MOST_RULES) {
    struct rule *rule = &rules[rule_count];
    char error[16], how[16];
    unsigned long long skip, times;
    if (sscanf(line, "%511s %63s %15s %15s %llu %llu", rule->pattern, rule->operations, error, how, &skip, &times) != 6)
      continue;
    rule->error = error_named(error);
    rule->how = strcmp(how, "after") == 0 ? AFTER : strcmp(how, "half") == 0 ? HALF : BEFORE;
    rule->skip = skip;
    rule->times = times;
    rule_count++;
  }
}

static int names(const char *operations, const char *operation) {
  size_t length = strlen(operation);
  for (const char *at = operations; at != NULL; at = strchr(at, ',') ? strchr(at, ',') + 1 : NULL)
    if (strncmp(at, operation, length) == 0 && (at[length] == ',' || at[length] == 0)) return 1;
  return 0;
}

static struct verdict judge(const char *path, const char *operation) {
  struct verdict verdict = {0, 0, BEFORE};
  const char *control = getenv("AIRSEAL_STORAGE_CONTROL");
  struct stat about;
  int kept = errno;
  if (control == NULL || syscall(SYS_newfstatat, AT_FDCWD, control, &about, 0) != 0) {
    errno = kept;
    return verdict;
  }
  pthread_mutex_lock(&lock);
  if (about.st_ino != read_from || about.st_mtim.tv_sec != read_at.tv_sec || about.st_mtim.tv_nsec != read_at.tv_nsec) {
    read_from = about.st_ino;
    read_at = about.st_mtim;
    read_rules(control);
  }
  for (int at = 0; at < rule_count && !verdict.fails; at++) {
    struct rule *rule = &rules[at];
    if (counters == NULL || !names(rule->operations, operation) || fnmatch(rule->pattern, path, 0) != 0) continue;
    uint64_t before = __atomic_fetch_add(&counters[at], 1, __ATOMIC_SEQ_CST);
    if (before < rule->skip || (rule->times != 0 && before >= rule->skip + rule->times)) continue;
    verdict.fails = 1;
    verdict.error = rule->error;
    verdict.how = rule->how;
  }
  pthread_mutex_unlock(&lock);
  errno = kept;
  return verdict;
}

static struct verdict judge_file(int file, const char *operation) {
  char link[64], path[LONGEST_PATH];
  int kept = errno;
  snprintf(link, sizeof link, "/proc/self/fd/%d", file);
  long length = syscall(SYS_readlinkat, AT_FDCWD, link, path, sizeof path - 1);
  errno = kept;
  if (length <= 0 || path[0] != '/') return (struct verdict){0, 0, BEFORE};
  path[length] = 0;
  return judge(path, operation);
}

static int report(struct verdict verdict) {
  if (verdict.error < 0) kill(getpid(), SIGKILL);
  errno = verdict.error;
  return -1;
}

#define BEHIND(name) \
  static __typeof__(&name) behind; \
  if (behind == NULL) behind = (__typeof__(&name))dlsym(RTLD_NEXT, #name)

/* A call that either happens and is answered, happens and is denied, or does not happen. */
#define JUDGED(said, call) \
  do { \
    struct verdict judged = (said); \
    if (judged.fails && judged.how != AFTER) return report(judged); \
    __typeof__(call) result = (call); \
    return judged.fails && result >= 0 ? report(judged) : result; \
  } while (0)

int fsync(int file) {
  BEHIND(fsync);
  JUDGED(judge_file(file, "sync"), behind(file));
}

int fdatasync(int file) {
  BEHIND(fdatasync);
  JUDGED(judge_file(file, "sync"), behind(file));
}

int ftruncate(int file, off_t length) {
  BEHIND(ftruncate);
  JUDGED(judge_file(file, "truncate"), behind(file, length));
}

int ftruncate64(int file, off64_t length) {
  BEHIND(ftruncate64);
  JUDGED(judge_file(file, "truncate"), behind(file, length));
}

int rename(const char *from, const char *to) {
  BEHIND(rename);
  JUDGED(judge(to, "rename"), behind(from, to));
}

int link(const char *from, const char *to) {
  BEHIND(link);
  JUDGED(judge(to, "link"), behind(from, to));
}

ssize_t write(int file, const void *octets, size_t length) {
  BEHIND(write);
  struct verdict verdict = judge_file(file, "write");
  if (verdict.fails && verdict.how == HALF) behind(file, octets, length / 2);
  JUDGED(verdict, behind(file, octets, length));
}

ssize_t pwrite(int file, const void *octets, size_t length, off_t at) {
  BEHIND(pwrite);
  struct verdict verdict = judge_file(file, "write");
  if (verdict.fails && verdict.how == HALF) behind(file, octets, length / 2, at);
  JUDGED(verdict, behind(file, octets, length, at));
}

ssize_t pwrite64(int file, const void *octets, size_t length, off64_t at) {
  BEHIND(pwrite64);
  struct verdict verdict = judge_file(file, "write");
  if (verdict.fails && verdict.how == HALF) behind(file, octets, length / 2, at);
  JUDGED(verdict, behind(file, octets, length, at));
}

ssize_t writev(int file, const struct iovec *parts, int count) {
  BEHIND(writev);
  JUDGED(judge_file(file, "write"), behind(file, parts, count));
}

ssize_t pwritev(int file, const struct iovec *parts, int count, off_t at) {
  BEHIND(pwritev);
  JUDGED(judge_file(file, "write"), behind(file, parts, count, at));
}

ssize_t pwritev64(int file, const struct iovec *parts, int count, off64_t at) {
  BEHIND(pwritev64);
  JUDGED(judge_file(file, "write"), behind(file, parts, count, at));
}

static mode_t mode_of(int flags, va_list rest) {
  return flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0;
}

static struct verdict judge_opening(const char *path, int flags) {
  return flags & O_CREAT ? judge(path, "create") : (struct verdict){0, 0, BEFORE};
}

#define OPENS(name) \
  int name(const char *path, int flags, ...) { \
    BEHIND(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    JUDGED(judge_opening(path, flags), behind(path, flags, mode)); \
  }

#define OPENS_AT(name) \
  int name(int directory, const char *path, int flags, ...) { \
    BEHIND(name); \
    va_list rest; \
    va_start(rest, flags); \
    mode_t mode = mode_of(flags, rest); \
    va_end(rest); \
    JUDGED(judge_opening(path, flags), behind(directory, path, flags, mode)); \
  }

OPENS(open)
OPENS(open64)
OPENS_AT(openat)
OPENS_AT(openat64)
