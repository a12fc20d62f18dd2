/* SPDX-License-Identifier: Apache-2.0 */
/* An application's side of the local socket. */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "ota/posix_peer.h"

#define ANSWER_MS 2000u   /* for a question */
#define TURN_MS 100u      /* while work goes on: the answer may come later */
#define AGAIN_MS 1000u    /* between two attempts to reach an agent */

static uint64_t now_ms(void)
{
    struct timespec t;

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

static void hang_up(struct ota_posix_peer *p)
{
    if (p->fd >= 0)
        (void)close(p->fd);
    p->fd = -1;
    p->fill = 0;
    p->asked = false;
}

/* Whoever does not read is not waited for. */
static ota_err say(struct ota_posix_peer *p, const char *line)
{
    size_t len = strlen(line);

    return send(p->fd, line, len, MSG_NOSIGNAL | MSG_DONTWAIT) == (ssize_t)len ? OTA_OK : OTA_RETRY_TIMEOUT;
}

static ota_err dial(struct ota_posix_peer *p)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };

    if (p->fd >= 0)
        return OTA_OK;
    if ((size_t)snprintf(a.sun_path, sizeof a.sun_path, "%s/agent.sock", p->runtime_dir) >= sizeof a.sun_path)
        return OTA_RETRY_NOT_FOUND;
    p->fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (p->fd >= 0 && connect(p->fd, (const struct sockaddr *)&a, sizeof a) == 0)
        return OTA_OK;
    int err = errno;
    hang_up(p);
    return err == EACCES || err == EPERM ? OTA_RETRY_REFUSED : OTA_RETRY_NOT_FOUND;
}

/* ---- lines that come ---- */

static void take_number(const struct ota_posix_line *l, const char *name, int64_t *out)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, name, OTA_POSIX_NUMBER);

    if (m)
        *out = m->number;
}

static void take_bool(const struct ota_posix_line *l, const char *name, bool *out)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, name, OTA_POSIX_BOOL);

    if (m)
        *out = m->number;
}

static void take_text(const struct ota_posix_line *l, const char *name, char *out, size_t cap)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, name, OTA_POSIX_TEXT);

    if (m && strlen(m->text) < cap)
        (void)snprintf(out, cap, "%s", m->text);
}

static void take_news(struct ota_posix_peer *p, const struct ota_posix_line *l)
{
    struct ota_posix_news *n = &p->news;

    take_text(l, "state", n->state, sizeof n->state);
    take_text(l, "version", n->version, sizeof n->version);
    take_number(l, "deployment", &n->seq);
    take_bool(l, "pending", &n->pending);
    take_bool(l, "deferred", &n->deferred);
    take_bool(l, "forced", &n->forced);
    take_bool(l, "trial", &n->trial);
    p->fresh = true;
}

static void take_turn(struct ota_posix_peer *p, const struct ota_posix_line *l)
{
    const struct ota_posix_member *m = ota_posix_line_find(l, "turn", OTA_POSIX_BOOL);

    if (m)
        p->granted = m->number;
}

static bool is_answer(struct ota_posix_peer *p, const struct ota_posix_line *l)
{
    take_turn(p, l);
    if (ota_posix_line_find(l, "state", OTA_POSIX_TEXT))
        take_news(p, l);
    return ota_posix_line_find(l, "exit", OTA_POSIX_NUMBER) != NULL;
}

/* One line out of the buffer. OTA_AGAIN: none is whole. */
static ota_err next_line(struct ota_posix_peer *p, struct ota_posix_line *l)
{
    char *newline = memchr(p->in, '\n', p->fill);

    if (!newline)
        return p->fill == sizeof p->in ? OTA_RETRY_PROTOCOL : OTA_AGAIN;
    size_t len = (size_t)(newline - p->in);
    ota_err err = ota_posix_line_parse(l, p->in, len);
    p->fill -= len + 1;
    memmove(p->in, newline + 1, p->fill);
    return err == OTA_OK ? OTA_OK : OTA_RETRY_PROTOCOL;
}

/* What lies there, without waiting. OTA_AGAIN: nothing more. */
static ota_err fill(struct ota_posix_peer *p)
{
    ssize_t n = recv(p->fd, p->in + p->fill, sizeof p->in - p->fill, MSG_DONTWAIT);

    if (n > 0)
        p->fill += (size_t)n;
    if (n > 0)
        return OTA_OK;
    return n < 0 && (errno == EAGAIN || errno == EINTR) ? OTA_AGAIN : OTA_RETRY_NOT_FOUND;
}

/* Take events until there is an answer, or nothing more for now (OTA_AGAIN). */
static ota_err pump(struct ota_posix_peer *p, struct ota_posix_line *answer)
{
    for (;;) {
        ota_err err = next_line(p, answer);

        if (err == OTA_OK && is_answer(p, answer))
            return OTA_OK;
        if (err == OTA_OK)
            continue;
        if (err == OTA_AGAIN)
            err = fill(p);
        if (err == OTA_OK)
            continue;
        if (err != OTA_AGAIN)
            hang_up(p);
        return err;
    }
}

static ota_err hear(struct ota_posix_peer *p, struct ota_posix_line *answer, uint32_t ms)
{
    uint64_t until = now_ms() + ms;
    ota_err err = pump(p, answer);

    for (uint64_t now = now_ms(); err == OTA_AGAIN && now < until; now = now_ms()) {
        struct pollfd f = { .fd = p->fd, .events = POLLIN };

        (void)poll(&f, 1, (int)(until - now));
        err = pump(p, answer);
    }
    return err;
}

/* The agent's exit status as a result. */
static ota_err result_of(const struct ota_posix_line *answer)
{
    switch (ota_posix_line_find(answer, "exit", OTA_POSIX_NUMBER)->number) {
    case 0: return OTA_OK;
    case 1: return OTA_RETRY_REFUSED;
    case 5: return OTA_USAGE_STATE;
    default: return OTA_RETRY_PROTOCOL;
    }
}

/* An answer that comes too late must not be taken for the next one's: then the connection ends, and with it the turn. One that
 * refuses us says so before it is asked. */
static ota_err exchange(struct ota_posix_peer *p, const char *line, struct ota_posix_line *answer)
{
    ota_err err = dial(p);

    if (err != OTA_OK)
        return err;
    ota_err said = say(p, line);
    err = hear(p, answer, said == OTA_OK ? ANSWER_MS : 0);
    if (err == OTA_AGAIN) {
        hang_up(p);
        return OTA_RETRY_TIMEOUT;
    }
    return err == OTA_OK ? result_of(answer) : err;
}

/* A connection to an agent that has gone since is made anew, once. */
static ota_err ask(struct ota_posix_peer *p, const char *line, struct ota_posix_line *answer)
{
    bool old = p->fd >= 0;
    ota_err err = exchange(p, line, answer);

    return old && err == OTA_RETRY_NOT_FOUND ? exchange(p, line, answer) : err;
}

/* ---- what an application calls ---- */

ota_err ota_posix_peer_open(struct ota_posix_peer *p, const struct ota_posix_peer_config *cfg, struct ota_fault *fault)
{
    if (!p || !cfg || !cfg->runtime_dir)
        return ota_fault_set(fault, OTA_USAGE_ARGUMENT, "peer.runtime_dir", 0);
    *p = (struct ota_posix_peer){ .runtime_dir = cfg->runtime_dir, .fd = -1, .lock = { .fd = -1 },
        .wait_ms = (cfg->wait_s ? cfg->wait_s : OTA_POSIX_WAIT_S) * UINT64_C(1000) };
    return ota_posix_turn_lock_open(&p->lock, cfg->runtime_dir, fault);
}

void ota_posix_peer_close(struct ota_posix_peer *p)
{
    hang_up(p);
    p->granted = false;
    ota_posix_turn_lock_close(&p->lock);
}

/* Ask once per connection, and once a second where there is none. OTA_RETRY_NOT_FOUND: nobody decides. */
static ota_err ask_for_turn(struct ota_posix_peer *p, uint64_t now)
{
    struct ota_posix_line answer;

    if (!p->asked && p->tried_ms != 0 && now - p->tried_ms < AGAIN_MS)
        return OTA_AGAIN;
    if (p->asked)
        return pump(p, &answer);
    p->tried_ms = now;
    p->granted = false;
    ota_err err = dial(p);
    if (err != OTA_OK)
        return OTA_RETRY_NOT_FOUND;
    p->asked = say(p, "{\"do\":\"turn\"}\n") == OTA_OK;
    err = hear(p, &answer, TURN_MS);
    if (err == OTA_OK && result_of(&answer) != OTA_OK) {
        hang_up(p);
        return OTA_RETRY_NOT_FOUND;   /* an agent that does not let us ask decides nothing for us */
    }
    return err;
}

ota_err ota_posix_peer_turn(struct ota_posix_peer *p)
{
    uint64_t now = now_ms();

    if (p->lock.held || p->overdue)
        return OTA_OK;
    if (p->since_ms == 0)
        p->since_ms = now;
    ota_err err = ask_for_turn(p, now);
    if (p->granted || err == OTA_RETRY_NOT_FOUND)
        (void)ota_posix_turn_lock_try(&p->lock);
    p->overdue = !p->lock.held && now - p->since_ms >= p->wait_ms;
    return p->lock.held || p->overdue ? OTA_OK : OTA_AGAIN;
}

void ota_posix_peer_done(struct ota_posix_peer *p)
{
    ota_posix_turn_lock_release(&p->lock);
    if (p->asked && say(p, "{\"do\":\"done\"}\n") == OTA_OK) {
        struct ota_posix_line answer;

        if (hear(p, &answer, TURN_MS) == OTA_AGAIN)
            hang_up(p);
    }
    p->asked = p->granted = p->overdue = false;
    p->since_ms = p->tried_ms = 0;
}

ota_err ota_posix_peer_defer(struct ota_posix_peer *p, uint32_t seconds, uint32_t *granted_s)
{
    struct ota_posix_line answer;
    char line[64];

    (void)snprintf(line, sizeof line, "{\"do\":\"defer\",\"seconds\":%lu}\n", (unsigned long)seconds);
    ota_err err = ask(p, line, &answer);
    const struct ota_posix_member *m = err == OTA_OK ? ota_posix_line_find(&answer, "granted", OTA_POSIX_NUMBER) : NULL;
    *granted_s = m && m->number > 0 ? (uint32_t)m->number : 0;
    return err;
}

ota_err ota_posix_peer_check_now(struct ota_posix_peer *p)
{
    struct ota_posix_line answer;

    return ask(p, "{\"do\":\"check\"}\n", &answer);
}

ota_err ota_posix_peer_ask(struct ota_posix_peer *p, struct ota_posix_news *out)
{
    struct ota_posix_line answer;
    ota_err err = ask(p, "{\"do\":\"watch\"}\n", &answer);

    *out = p->news;
    p->fresh = false;
    return err;
}

/* ---- what the system provides ---- */

void ota_posix_provided_init(struct ota_posix_provided *set)
{
    memset(set, 0, sizeof *set);
    for (size_t i = 0; i < OTA_POSIX_PROVIDED_MAX; i++)
        set->level[i].name = set->name[i];
}

struct levels {
    size_t total, got;
    int64_t deployment;
    char name[OTA_POSIX_PROVIDED_MAX][OTA_NAME_MAX];
    uint32_t level[OTA_POSIX_PROVIDED_MAX];
};

/* "name=level" */
static bool take_level(struct levels *l, const char *text)
{
    size_t len = strspn(text, "abcdefghijklmnopqrstuvwxyz0123456789-"), digits = text[len] == '=' ? strspn(text + len + 1, "0123456789") : 0;
    uint64_t level = 0;

    if (len == 0 || len >= OTA_NAME_MAX || digits == 0 || digits > 10 || text[len + 1 + digits] != '\0')
        return false;
    for (const char *p = text + len + 1; *p; p++)
        level = level * 10u + (uint64_t)(*p - '0');
    if (level == 0 || level > UINT32_MAX)
        return false;
    memcpy(l->name[l->got], text, len);
    l->name[l->got][len] = '\0';
    l->level[l->got++] = (uint32_t)level;
    return true;
}

/* The head of the first page is that of all. */
static bool take_head(struct levels *l, const struct ota_posix_line *answer)
{
    int64_t total = -1, deployment = -1;
    bool first = l->got == 0;

    take_number(answer, "total", &total);
    take_number(answer, "deployment", &deployment);
    if (total < 0 || total > (int64_t)OTA_POSIX_PROVIDED_MAX || deployment < 0)
        return false;
    if (!first)
        return l->total == (size_t)total && l->deployment == deployment;
    l->total = (size_t)total;
    l->deployment = deployment;
    return true;
}

static bool take_page(struct levels *l, const struct ota_posix_line *answer)
{
    size_t before = l->got;

    if (!take_head(l, answer))
        return false;
    for (size_t k = 0; k < OTA_POSIX_PAGE && l->got < l->total; k++) {
        const char name[2] = { (char)('a' + (int)k), '\0' };
        const struct ota_posix_member *m = ota_posix_line_find(answer, name, OTA_POSIX_TEXT);

        if (!m || !take_level(l, m->text))
            return false;
    }
    return l->got > before || l->total == 0;
}

static void keep_levels(struct ota_posix_provided *set, const struct levels *l)
{
    ota_posix_provided_init(set);
    memcpy(set->name, l->name, sizeof set->name);
    for (size_t i = 0; i < l->got; i++)
        set->level[i].level = l->level[i];
    set->count = l->got;
}

ota_err ota_posix_peer_provided(struct ota_posix_peer *p, struct ota_posix_provided *set)
{
    struct levels l = { 0 };

    do {
        struct ota_posix_line answer;
        char line[64];

        (void)snprintf(line, sizeof line, "{\"do\":\"provides\",\"from\":%zu}\n", l.got);
        ota_err err = ask(p, line, &answer);
        if (err != OTA_OK)
            return err;
        if (!take_page(&l, &answer)) {
            hang_up(p); /* it may be the answer to something else: the next one must not be this one's */
            return OTA_RETRY_PROTOCOL;
        }
    } while (l.got < l.total);
    keep_levels(set, &l);
    return OTA_OK;
}

bool ota_posix_peer_news(struct ota_posix_peer *p, struct ota_posix_news *out)
{
    struct ota_posix_line answer;
    bool fresh;

    if (p->fd >= 0)
        (void)pump(p, &answer);
    fresh = p->fresh;
    p->fresh = false;
    *out = p->news;
    return fresh;
}
