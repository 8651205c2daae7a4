// What a program does with the clock that no shell does; the first argument names it. A moment to wait for is 300 ms ahead.
#define _GNU_SOURCE
#include <errno.h>
#include <mqueue.h>
#include <pthread.h>
#include <sched.h>
#include <semaphore.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/time.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>
#include <utime.h>

extern char **environ;

static long long seconds_of(clockid_t clock) {
    struct timespec time;
    if (clock_gettime(clock, &time)) return -1;
    return time.tv_sec;
}

static struct timespec soon(clockid_t clock) {
    struct timespec time;
    clock_gettime(clock, &time);
    time.tv_nsec += 300000000;
    time.tv_sec += time.tv_nsec / 1000000000;
    time.tv_nsec %= 1000000000;
    return time;
}

// Says how long a wait took in tenths of a second, so that one for no time and one for ever can be told.
static struct timespec before;
static void begin(void) { clock_gettime(CLOCK_MONOTONIC, &before); }
static void waited(const char *name, long result) {
    struct timespec after;
    clock_gettime(CLOCK_MONOTONIC, &after);
    long tenths = (after.tv_sec - before.tv_sec) * 10 + (after.tv_nsec - before.tv_nsec) / 100000000;
    printf("%s %ld %s\n", name, result, tenths < 2 ? "too short" : tenths > 50 ? "too long" : "waited");
    begin();
}

static void tell(void) {
    struct timeval day;
    struct timezone zone = {77, 77};
    struct timespec by_call;
    time_t stored;
    gettimeofday(&day, &zone);
    syscall(SYS_clock_gettime, CLOCK_REALTIME, &by_call);
    printf("realtime %lld\ncoarse %lld\ntai %lld\nday %lld\n", seconds_of(CLOCK_REALTIME),
           seconds_of(CLOCK_REALTIME_COARSE), seconds_of(CLOCK_TAI), (long long)day.tv_sec);
    printf("time %lld\ncall %lld\n", (long long)time(&stored), (long long)by_call.tv_sec);
    printf("stored %lld\n", (long long)stored);
    printf("zone %d\n", zone.tz_minuteswest);
    errno = 0;
    printf("nowhere %ld", syscall(SYS_clock_gettime, CLOCK_REALTIME, NULL));
    printf(" %d\n", errno);
    printf("monotonic %lld\n", seconds_of(CLOCK_MONOTONIC));
}

static void on_alarm(int signal) { (void)signal; }

static void wait_for_moments(void) {
    struct timespec moment;
    pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
    pthread_cond_t condition = PTHREAD_COND_INITIALIZER;
    sem_t semaphore;
    sem_init(&semaphore, 0, 0);
    begin();
    moment = soon(CLOCK_REALTIME);
    waited("nanosleep", clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL));
    moment = soon(CLOCK_MONOTONIC);
    waited("monotonic", clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &moment, NULL));
    pthread_mutex_lock(&mutex);
    moment = soon(CLOCK_REALTIME);
    waited("condition", pthread_cond_timedwait(&condition, &mutex, &moment));
    moment = soon(CLOCK_REALTIME);
    waited("semaphore", sem_timedwait(&semaphore, &moment));
    for (int clock = 0; clock < 2; clock++) {
        struct itimerspec timer = {{0, 0}, soon(clock)};
        unsigned long long count;
        int descriptor = timerfd_create(clock, 0);
        timerfd_settime(descriptor, TFD_TIMER_ABSTIME, &timer, NULL);
        waited(clock ? "monotonic timerfd" : "timerfd", read(descriptor, &count, sizeof count));
    }
    timer_t timer;
    struct itimerspec value = {{0, 0}, soon(CLOCK_REALTIME)};
    signal(SIGALRM, on_alarm);
    timer_create(CLOCK_REALTIME, NULL, &timer);
    timer_settime(timer, TIMER_ABSTIME, &value, NULL);
    waited("timer", pause());
    struct mq_attr attributes = {.mq_maxmsg = 1, .mq_msgsize = 1};
    mqd_t queue = mq_open("/queue", O_RDWR | O_CREAT, 0600, &attributes);
    char byte;
    moment = soon(CLOCK_REALTIME);
    waited("queue", queue < 0 ? 0 : mq_timedreceive(queue, &byte, 1, NULL, &moment));
    // A handler runs on the stack below which the moment was put, and the call begins anew.
    struct sigaction action = {.sa_handler = on_alarm, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    ualarm(50000, 50000);
    moment = soon(CLOCK_REALTIME);
    struct timespec kept = moment;
    while (clock_nanosleep(CLOCK_REALTIME, TIMER_ABSTIME, &moment, NULL) == EINTR) {}
    waited("interrupted", memcmp(&kept, &moment, sizeof kept));
}

static void *read_often(void *ahead) {
    long long first = seconds_of(CLOCK_REALTIME);
    for (int i = 0; i < 3000; i++) {
        long long now = seconds_of(CLOCK_REALTIME);
        struct stat status;
        if (now < first || now > first + 100 || stat("/work", &status)) *(int *)ahead = 1;
    }
    return NULL;
}

static void in_threads(void) {
    pthread_t threads[8];
    int wrong = 0;
    for (int i = 0; i < 8; i++) pthread_create(&threads[i], NULL, read_often, &wrong);
    for (int i = 0; i < 8; i++) pthread_join(threads[i], NULL);
    printf("wrong %d\n", wrong);
}

static void *become(void *program) {
    execl(program, program, "tell", NULL);
    return NULL;
}

// A thread other than the first one executes a program while others run.
static void become_in_thread(char *program) {
    pthread_t thread;
    int wrong;
    pthread_create(&thread, NULL, read_often, &wrong);
    pthread_create(&thread, NULL, become, program);
    pause();
}

static void spawn(char *program) {
    char *arguments[] = {program, "tell", NULL};
    pid_t process = vfork();
    int status;
    if (process == 0) {
        execv(program, arguments);
        _exit(1);
    }
    waitpid(process, &status, 0);
    printf("vfork %d\n", status);
    fflush(stdout);
    posix_spawn(&process, program, NULL, NULL, arguments, environ);
    waitpid(process, &status, 0);
    printf("spawn %d\n", status);
}

static void set_times(void) {
    struct timespec now[2] = {{0, UTIME_NOW}, {0, UTIME_OMIT}};
    struct stat status;
    struct utimbuf old = {1000000000, 1000000000};
    utime("file", &old);
    stat("file", &status);
    printf("utime %lld\n", (long long)status.st_mtime);
    utimensat(AT_FDCWD, "file", now, 0);
    lstat("file", &status);
    printf("utimensat %lld %d\n", (long long)status.st_mtime, status.st_atime > 1500000000);
    struct timeval day[2];
    gettimeofday(&day[0], NULL);
    day[0].tv_sec = day[1].tv_sec = day[0].tv_sec + 3600;
    utimes("file", day);
    stat("file", &status);
    printf("utimes %d\n", status.st_mtime == day[0].tv_sec);
    struct statx extended;
    statx(AT_FDCWD, "file", 0, STATX_MTIME, &extended);
    printf("statx %d\n", extended.stx_mtime.tv_sec == day[0].tv_sec);
}

int main(int count, char **arguments) {
    (void)count;
    setvbuf(stdout, NULL, _IOLBF, 0);
    const char *what = arguments[1];
    if (!strcmp(what, "tell")) tell();
    if (!strcmp(what, "wait")) wait_for_moments();
    if (!strcmp(what, "threads")) in_threads();
    if (!strcmp(what, "become")) become_in_thread(arguments[0]);
    if (!strcmp(what, "spawn")) spawn(arguments[0]);
    if (!strcmp(what, "set")) set_times();
    if (!strcmp(what, "secret")) {
        prctl(PR_SET_DUMPABLE, 0, 0, 0, 0);
        tell();
    }
    return 0;
}
