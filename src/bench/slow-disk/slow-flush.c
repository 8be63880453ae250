// A disk that takes a millisecond more to flush: loaded before the C library's own by LD_PRELOAD, into PostgreSQL and all that
// starts it. The wait is where a slow disk's would be, inside the call, so whatever is locked meanwhile stays locked.
// Built by scripts/bench slow_disk.
#define _GNU_SOURCE
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static void wait_for_the_disk(void) {
  struct timespec left = {.tv_sec = 0, .tv_nsec = 1000000};
  while (nanosleep(&left, &left) != 0) {
  }
}

int fsync(int file) {
  wait_for_the_disk();
  return (int) syscall(SYS_fsync, file);
}

int fdatasync(int file) {
  wait_for_the_disk();
  return (int) syscall(SYS_fdatasync, file);
}
