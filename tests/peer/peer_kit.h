/* SPDX-License-Identifier: Apache-2.0 */
/* Real processes: a server that is the agent's socket, lock and arbiter around an agent on a simulated device, and
 * applications that use the clients' side of ports/posix, or do it all wrong. Who is in his turn is counted in shared memory.
 * Each program that includes this is a world of its own. */
#ifndef PEER_KIT_H
#define PEER_KIT_H

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "commands.h"
#include "flow.h"
#include "requests.h"

#define PATIENCE_MS 30000   /* for what has to come: a failure, not a measurement */
#define NOBODY_UID 65534

struct shared {
    atomic_int inside, overlaps, count, checks;
    atomic_int released;             /* applications that hold on go on now */
    atomic_int restarts, gone;       /* of the system; its second component was taken out */
    atomic_int victim;               /* process that ends when its component does; 0 = none */
    atomic_int blocked, apps_wait;   /* the system cannot go on; so many applications wait */
    char log[512];      /* who had a turn, in order */
};

static struct shared *shared;
static char dir[] = "/tmp/ota-peer-XXXXXX";
static struct agent_config config;
static int orders[2] = { -1, -1 };   /* the test's end, the server's */
static pid_t server = -1;
struct control;
struct requests;
static void (*serve)(struct control *c, struct requests *r);   /* NULL = serve_until_told() */
static void (*prepare)(void);        /* what the server's device lives through before it serves; NULL = it is started */

static inline uint64_t now_ms(void *unused)
{
    struct timespec t;

    (void)unused;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static inline void nap(int ms)
{
    (void)poll(NULL, 0, ms);
}

/* ---- turns are counted ---- */

static inline void enter(char who)
{
    if (atomic_fetch_add(&shared->inside, 1) != 0)
        atomic_fetch_add(&shared->overlaps, 1);
    shared->log[atomic_fetch_add(&shared->count, 1)] = who;
}

static inline void leave(void)
{
    atomic_fetch_sub(&shared->inside, 1);
}

static inline bool had_turns(int n)
{
    return atomic_load(&shared->count) >= n;
}

static inline void wait_for_turns(int n)
{
    for (uint64_t until = now_ms(NULL) + PATIENCE_MS; !had_turns(n);) {
        if (now_ms(NULL) > until)
            fail_msg("%d of %d turns: %s", atomic_load(&shared->count), n, shared->log);
        nap(2);
    }
}

static inline void wait_until(atomic_int *what, int is)
{
    for (uint64_t until = now_ms(NULL) + PATIENCE_MS; atomic_load(what) != is;) {
        if (now_ms(NULL) > until)
            fail_msg("it is %d, never %d: %s", atomic_load(what), is, shared->log);
        nap(2);
    }
}

/* A connection made by hand; -1: nobody listens. */
static inline int dial(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    const struct timeval patience = { .tv_sec = PATIENCE_MS / 1000 };

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/agent.sock", dir);
    assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience), 0);
    if (connect(fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return fd;
    (void)close(fd);
    return -1;
}

/* ---- the server ---- */

/* 'u': the system wants to update; 'e': it has; 'n': it has, and wants again at once; 'q': leave. */
static inline bool obey(bool *wants, bool *again)
{
    char order;

    while (read(orders[1], &order, 1) == 1) {
        if (order == 'q')
            return false;
        *wants = order != 'e';
        *again = order == 'n';
    }
    return true;
}

static inline int apps_that_wait(const struct arbiter *a)
{
    int n = 0;

    for (int i = 0; i < ARBITER_APPS; i++)
        n += a->ticket[i] != 0;
    return n;
}

static inline void serve_until_told(struct control *c, struct requests *r)
{
    const struct control_calls calls = { requests_answer, requests_left, r };
    bool wants = false, again = false, in = false;

    while (obey(&wants, &again)) {
        struct ota_status s;

        if (in && (!wants || again || arbiter_is_long(&r->arbiter, now_ms(NULL))))
            leave(), in = false;
        if (again)
            (void)requests_may_step(r, OTA_ST_IDLE, true);
        again = false;
        bool may = requests_may_step(r, wants ? OTA_ST_DOWNLOAD : OTA_ST_IDLE, false);
        if (wants && may && !in)
            enter('S'), in = true;
        control_serve(c, 5, NULL, &calls);
        requests_look(r);
        atomic_store(&shared->blocked, wants && !may);
        atomic_store(&shared->apps_wait, apps_that_wait(&r->arbiter));
        ota_status(r->agent, &s);
        atomic_store(&shared->checks, s.next_check_s == 0);
    }
    if (in)
        leave();
}

static inline void be_server(void)
{
    static struct control c;
    static struct requests r;
    struct schema_fault fault;

    (void)flow_open(NULL);
    if (prepare)
        prepare();
    if ((!dev->agent && !sim_start(dev)) || !control_open(&c, &config, &fault) || !requests_open(&r, &c, &config, &fault))
        _exit(9);
    r.agent = dev->agent;
    r.now_ms = now_ms;
    for (int i = 0; i < 8 && sim_status(dev).state == OTA_ST_START; i++) {
        struct ota_wait wait;

        if (ota_step(dev->agent, &wait) != OTA_OK)
            _exit(9);
    }
    if (serve)
        serve(&c, &r);
    else
        serve_until_told(&c, &r);
    control_close(&c);
    requests_close(&r);
    (void)flow_close(NULL);
    _exit(0);
}

static inline void start_server(void)
{
    char path[128];

    (void)snprintf(path, sizeof path, "%s/agent.sock", dir);
    (void)unlink(path);   /* of one that was killed */
    assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, orders), 0);
    server = fork();
    if (server == 0)
        be_server();
    int fd = dial();
    for (int i = 0; i < PATIENCE_MS && fd < 0; i++, fd = dial())
        nap(1);
    assert_true(fd >= 0);
    (void)close(fd);
}

static inline void order(char what)
{
    assert_int_equal(write(orders[0], &what, 1), 1);
}

static inline int finish(pid_t pid)
{
    int status = -1;

    assert_int_equal(waitpid(pid, &status, 0), pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

static inline void stop_server(void)
{
    order('q');
    assert_int_equal(finish(server), 0);
    server = -1;
    (void)close(orders[0]);
    (void)close(orders[1]);
}

/* ---- applications ---- */

static inline void open_peer(struct ota_posix_peer *p, uint32_t wait_s)
{
    const struct ota_posix_peer_config cfg = { .runtime_dir = dir, .wait_s = wait_s };

    if (ota_posix_peer_open(p, &cfg, NULL) != OTA_OK)
        _exit(8);
}

static inline void await_turn(struct ota_posix_peer *p)
{
    while (ota_posix_peer_turn(p) == OTA_AGAIN) {
        struct pollfd f = { .fd = p->fd, .events = POLLIN };

        (void)poll(&f, 1, 10);
    }
}

/* An application that behaves: so many turns, each so long. hold_ms < 0: until all are released. */
static inline pid_t start_app(char name, int turns, int hold_ms)
{
    pid_t pid = fork();
    struct ota_posix_peer p;

    if (pid != 0)
        return pid;
    open_peer(&p, 0);
    for (int i = 0; i < turns; i++) {
        await_turn(&p);
        enter(name);
        while (hold_ms < 0 && !atomic_load(&shared->released))
            nap(2);
        nap(hold_ms > 0 ? hold_ms : 0);
        leave();
        ota_posix_peer_done(&p);
    }
    ota_posix_peer_close(&p);
    _exit(p.overdue ? 7 : 0);
}

/* Kill the one in whose turn it is, the last of so many. The kernel frees his lock before his end can be waited for, and whoever
 * waits may come in at once: he is counted out first, and nobody may have come in until then. */
static inline void kill_in_turn(pid_t pid, int turns)
{
    assert_int_equal(atomic_load(&shared->count), turns);
    leave();
    assert_int_equal(kill(pid, SIGKILL), 0);
    assert_int_equal(finish(pid), 128 + SIGKILL);
}

static inline void expect_alone(void)
{
    assert_int_equal(atomic_load(&shared->overlaps), 0);
    assert_int_equal(atomic_load(&shared->inside), 0);
}

/* ---- fixtures ---- */

static inline int set_up(void **state)
{
    (void)state;
    memset(shared, 0, sizeof *shared);
    config = (struct agent_config){ .runtime_dir = dir, .system_turn_s = 3600, .app_turn_s = 3600,
        .component = { { .name = "os" } }, .component_count = 1 };
    prepare = NULL;
    serve = NULL;
    return 0;
}

static inline int tear_down(void **state)
{
    (void)state;
    if (server > 0) {
        (void)kill(server, SIGKILL);
        (void)waitpid(server, NULL, 0);
        server = -1;
    }
    return 0;
}

static inline int make_world(void **state)
{
    (void)state;
    (void)signal(SIGPIPE, SIG_IGN);
    shared = mmap(NULL, sizeof *shared, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    return shared == MAP_FAILED || !mkdtemp(dir) ? -1 : 0;
}

static inline int end_world(void **state)
{
    char path[128];

    (void)state;
    (void)snprintf(path, sizeof path, "%s/update.lock", dir);
    (void)unlink(path);
    (void)snprintf(path, sizeof path, "%s/agent.sock", dir);
    (void)unlink(path);
    return rmdir(dir);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

#endif
