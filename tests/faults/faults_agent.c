/* SPDX-License-Identifier: Apache-2.0 */
/* The example agent in this process, on files below a directory of its own, through a whole update: check-in, download,
 * restart, health check, confirmation. Each of its allocations and file calls fails, once and from then on, also those
 * that libraries make on its behalf. Then: an exit status that says so, no memory and no descriptor kept, the confirmed
 * slot untouched or replaced as a whole, and a run without faults that ends with the new image confirmed.
 *
 *   faults_agent [--all] [file | http]     all ordinals of the frequent calls too; only one transport */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "commands.h"
#include "fault_calls.h"
#include "http_server.h"
#include "memo_crypto.h"
#include "ota/posix.h"
#include "sim_cloud.h"

#define SLOT_LEN 16384u
#define STARTS_MAX 5

#define NEED(what)                                                                            \
    do {                                                                                      \
        if (!(what)) {                                                                        \
            (void)fprintf(stderr, "%s:%d: needs %s: %s\n", __FILE__, __LINE__, #what, strerror(errno)); \
            exit(2);                                                                          \
        }                                                                                     \
    } while (0)

static struct sim_cloud cloud;
static const struct sim_image *old_image, *new_image;
static struct test_http *server;
static struct memo_crypto memo;
static char work[200];
static uint32_t runs, failures, reached[FAULT_CALLS];
static bool every;

/* ---- signatures are checked once in this program, not once in every run ---- */

ota_err __real_ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *f);
ota_err __wrap_ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *f);

static ota_err remembered(struct ota_crypto *c, enum ota_sig_alg alg, enum ota_key_kind kind, const uint8_t *key, size_t key_len,
                          const uint8_t *hash, size_t hash_len, const uint8_t *sig, size_t sig_len)
{
    (void)c;
    return memo.port.ops->verify(&memo.port, alg, kind, key, key_len, hash, hash_len, sig, sig_len);
}

ota_err __wrap_ota_posix_crypto_open(struct ota_posix_crypto *c, const struct ota_posix_crypto_config *cfg, struct ota_fault *f)
{
    static struct ota_crypto_ops ops;
    static struct ota_posix_crypto inner;
    ota_err err = __real_ota_posix_crypto_open(c, cfg, f);

    if (err != OTA_OK)
        return err;
    if (!memo.inner) {
        inner = *c;
        memo_crypto_init(&memo, &inner.port);
    }
    ops = *c->port.ops;
    ops.verify = remembered;
    c->port.ops = &ops;
    return OTA_OK;
}

/* ---- files ---- */

static const char *at(const char *name)
{
    static char path[4][400];
    static unsigned next;
    char *p = path[next++ % 4];

    NEED(snprintf(p, sizeof path[0], "%s/%s", work, name) < (int)sizeof path[0]);
    return p;
}

static void put(const char *path, const void *data, size_t len)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600);

    NEED(fd >= 0);
    NEED(pwrite(fd, data, len, 0) == (ssize_t)len);
    NEED(close(fd) == 0);
}

static void put_tree(const char *path, const void *data, size_t len)
{
    char dir[400];

    (void)snprintf(dir, sizeof dir, "%s", path);
    for (char *p = dir + strlen(work) + 1; (p = strchr(p, '/')) != NULL; *p++ = '/') {
        *p = '\0';
        NEED(mkdir(dir, 0700) == 0 || errno == EEXIST);
    }
    put(path, data, len);
}

/* What the simulated publishers serve, as files. */
static void put_web(void)
{
    for (size_t i = 0; i < cloud.web.count; i++) {
        char name[300];

        (void)snprintf(name, sizeof name, "web/%s", cloud.web.file[i].url + strlen(SIM_BASE));
        put_tree(at(name), cloud.web.file[i].data, cloud.web.file[i].len);
    }
}

static const char *below_base(const char *url)
{
    NEED(strncmp(url, SIM_BASE, strlen(SIM_BASE)) == 0);
    return url + strlen(SIM_BASE);
}

static void put_config(const char *base)
{
    char text[4000];
    int n = snprintf(text, sizeof text,
        "{ \"product\": \"thermostat\", \"group\": \"production\", \"device_id\": \"t-1\", \"state_dir\": \"%s/dev/state\",\n"
        "  \"runtime_dir\": \"%s/dev/run\", \"plain_http\": true,\n"
        "  \"components\": [ { \"name\": \"os\", \"slots\": [ { \"file\": \"%s/dev/a\", \"size\": %u }, { \"file\": \"%s/dev/b\", \"size\": %u } ] } ],\n"
        "  \"repositories\": [ { \"name\": \"product\", \"metadata_url\": \"%s%s\", \"targets_url\": \"%s%s\",\n"
        "    \"prefixes\": [\"app/\", \"group/\"], \"root\": \"%s/product.root\" },\n"
        "    { \"name\": \"os\", \"metadata_url\": \"%s%s\", \"targets_url\": \"%s%s\", \"prefixes\": [\"os/\"], \"root\": \"%s/os.root\" } ],\n"
        "  \"limits\": { \"block\": 2048, \"io\": 512, \"window_bits\": 10 }, \"times\": { \"health_deadline_s\": 1 },\n"
        "  \"health\": { \"command\": [\"/bin/true\"] }, \"sandbox\": { \"mode\": \"off\" },"
        "  \"boot\": { \"type\": \"file\", \"path\": \"%s/dev/boot\" } }\n",
        work, work, work, SLOT_LEN, work, SLOT_LEN, base, below_base(cloud.product.metadata_url), base,
        below_base(cloud.product.targets_url), work, base, below_base(cloud.os.metadata_url), base,
        below_base(cloud.os.targets_url), work, work);

    NEED(n > 0 && n < (int)sizeof text);
    put(at("agent.json"), text, (size_t)n);
}

/* A device fresh from the factory. Its second slot does not exist yet: the agent makes it. */
static void put_device(void)
{
    static const uint8_t first[1] = { 0 };
    static uint8_t slot[SLOT_LEN];
    struct ota_boot_record r;
    int32_t code = 0;
    char command[500];

    (void)snprintf(command, sizeof command, "rm -rf %s/dev", work);
    static bool made;
    if (made) {
        static const char *const names[] = { "dev/a", "dev/b", "dev/boot" };

        for (size_t i = 0; i < 3; i++)
            (void)unlink(at(names[i]));
        (void)snprintf(command, sizeof command, "%s/dev/state", work);
        int dir = open(command, O_RDONLY | O_DIRECTORY);
        static const char *const records[] = { "journal.0", "journal.1", "reports", ".tmp", ".lock" };
        for (size_t i = 0; dir >= 0 && i < 5; i++)
            (void)unlinkat(dir, records[i], 0);
        static const char *const repos[] = { "os", "product" };
        static const char *const roles[] = { "root", "timestamp", "snapshot", "targets", "groups", "publisher", "images", "feed",
            "group", "app", "os-images", "os-feed" };
        for (size_t i = 0; dir >= 0 && i < 2 * sizeof roles / sizeof roles[0]; i++) {
            char name[64];

            (void)snprintf(name, sizeof name, "%s.%s.json", repos[i % 2], roles[i / 2]);
            (void)unlinkat(dir, name, 0);
        }
        if (dir >= 0)
            (void)close(dir);
        (void)rmdir(command);
    } else {
        NEED(system(command) == 0);
        NEED(mkdir(at("dev"), 0700) == 0);
        made = true;
    }
    memset(slot, 0xff, sizeof slot);
    memcpy(slot, old_image->data, old_image->len);
    put(at("dev/a"), slot, sizeof slot);
    ota_boot_record_init(&r, first, 1);
    NEED(ota_boot_record_create(at("dev/boot"), &r, &code) == OTA_OK);
}

/* ---- agents that do it wrong: what is looked at must show each of them ---- */

enum planted { PLANTED_NONE, PLANTED_LEAK, PLANTED_DESCRIPTOR, PLANTED_CRASH, PLANTED_MUTE, PLANTED_TORN, PLANTED_KINDS };

static enum planted planted;

static int misbehave(int status)
{
    static void *volatile kept;

    switch (planted) {
    case PLANTED_LEAK: kept = malloc(10); break;
    case PLANTED_DESCRIPTOR: (void)open("/dev/null", O_RDONLY); break;
    case PLANTED_CRASH: (void)raise(SIGKILL); break;
    case PLANTED_MUTE: (void)close(open(at("err"), O_WRONLY | O_TRUNC)); return AGENT_DEVICE;
    case PLANTED_TORN: put(at("dev/a"), "torn", 4); break;
    default: break;
    }
    (void)kept;
    return status;
}

/* ---- one life of the device, in a child ---- */

static bool boot_rom(void)
{
    struct ota_boot_record r;
    int32_t code = 0;
    bool changed = false;

    if (ota_boot_record_load(at("dev/boot"), &r, &code) != OTA_OK)
        return false;
    (void)ota_boot_record_start(&r, &changed);
    return !changed || ota_boot_record_store(at("dev/boot"), &r, &code) == OTA_OK;
}

static int check_in(void)
{
    static struct agent_config config;
    const struct agent_options options = { .verbose = true };
    struct schema_fault fault;
    const char *path = at("agent.json");
    int status = AGENT_USAGE;

    fault_arm();
    if (agent_config_load(&config, path, &fault))
        status = agent_check(&config, &options);
    else
        (void)fprintf(stderr, "ota-agent: %s: %s\n", fault.where, fault.what);
    agent_config_free(&config);
    if (planted)
        status = misbehave(status);
    fault_disarm();
    return status;
}

static int live(void)
{
    int status = AGENT_RESTART;

    for (int start = 0; start < STARTS_MAX && status == AGENT_RESTART; start++) {
        if (!boot_rom())
            return 99;
        status = check_in();
    }
    return status;
}

/* @return the last exit status; what was written to standard error is in the file "err" */
static int child(void)
{
    int status = 0;
    pid_t pid = fork();

    NEED(pid >= 0);
    if (pid == 0) {
        int fd = open(at("err"), O_WRONLY | O_CREAT | O_TRUNC, 0600);

        (void)dup2(fd, 2);
        (void)alarm(60);
        _exit(live());
    }
    NEED(waitpid(pid, &status, 0) == pid);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

/* ---- what must hold ---- */

static const struct sim_image *confirmed_image(void)
{
    static uint8_t slot[SLOT_LEN];
    struct ota_boot_record r;
    int32_t code = 0;

    if (ota_boot_record_load(at("dev/boot"), &r, &code) != OTA_OK || r.confirmed[0] > 1)
        return NULL;
    int fd = open(at(r.confirmed[0] ? "dev/b" : "dev/a"), O_RDONLY);
    if (fd < 0)
        return NULL;
    bool whole = pread(fd, slot, sizeof slot, 0) == (ssize_t)sizeof slot;
    (void)close(fd);
    return whole ? sim_cloud_recognise(&cloud, slot, sizeof slot) : NULL;
}

static bool said_something(void)
{
    struct stat st;
    int fd = open(at("err"), O_RDONLY);
    bool said = fd >= 0 && fstat(fd, &st) == 0 && st.st_size > 0;

    (void)close(fd);
    return said;
}

static const char *judge_faulty(int status)
{
    if (status < 0)
        return status == -SIGALRM ? "the agent ends" : "the agent does not crash";
    if (status > AGENT_LOCKED)
        return "the boot record can be read";
    /* Fewer than before: a library gave up what it had kept since the rehearsal. */
    if (fault_counts_blocks && fault_state->blocks > 0)
        return "what was allocated is freed";
    if (fault_state->descriptors != 0)
        return "what was opened is closed";
    if (!confirmed_image())
        return "the confirmed slot holds one image";
    return status != AGENT_OK && !said_something() ? "a failure is said" : NULL;
}

/* A health check that cannot be started before the deadline says nothing, and silence is sick. */
static bool silenced(void)
{
    static char text[8192];
    int fd = open(at("err"), O_RDONLY);
    ssize_t n = fd >= 0 ? pread(fd, text, sizeof text - 1, 0) : -1;

    (void)close(fd);
    text[n > 0 ? n : 0] = '\0';
    return fault_state->on && fault_state->number == ENOMEM && strstr(text, "no verdict before the deadline");
}

static const char *judge_healed(int status, const struct sim_image *want)
{
    struct stat st;

    if (status != AGENT_OK)
        return "without faults the agent succeeds";
    if (confirmed_image() != want)
        return "without faults the right image is confirmed";
    return stat(at("dev/state/.tmp"), &st) == 0 ? "no temporary file is left" : NULL;
}

struct plan {
    enum fault_call call;
    int number;
};

static void complain(const struct plan *p, uint32_t n, bool on, const char *rule, int status)
{
    char text[2000] = "";
    int fd = open(at("err"), O_RDONLY);

    if (fd >= 0 && pread(fd, text, sizeof text - 1, 0) < 0)
        text[0] = '\0';
    (void)close(fd);
    (void)printf("%s gives %s at call %u%s: violates \"%s\" (status %d, %ld blocks, %ld descriptors)\n%s", fault_names[p->call],
                 p->number == FAULT_SHORT ? "one byte" : strerror(p->number), n, on ? " and after" : "", rule, status,
                 fault_state->blocks, fault_state->descriptors, text);
    failures++;
}

static void plan(enum fault_call call, int number, uint32_t n, bool on)
{
    *fault_state = (struct fault_state){ .call = call, .number = number, .at = n, .on = on };
}

/* false: the call never came */
static bool strike(const struct plan *p, uint32_t n, bool on)
{
    put_device();
    plan(p->call, p->number, n, on);
    int status = child();
    if (!fault_state->struck)
        return false;
    runs++;
    reached[p->call]++;
    const char *rule = judge_faulty(status);
    bool halting = p->number == EINTR || p->number == FAULT_SHORT;
    if (!rule && halting && (status != AGENT_OK || confirmed_image() != new_image))
        rule = "an interrupted or short call changes nothing";
    if (!rule) {
        const struct sim_image *want = silenced() ? old_image : new_image;

        plan(FAULT_CALLS, 0, 0, false);
        status = child();
        /* A refusal, or a trial that was rolled back, is told by the first check-in; the next one must do. */
        if (status != AGENT_OK)
            status = child();
        rule = judge_healed(status, want);
    }
    if (rule)
        complain(p, n, on, rule, status);
    return failures < 10;
}

/* Those that come by the hundred are tried at every ordinal only when asked for. */
static uint32_t stride(uint32_t count)
{
    return every || count < 24 ? 1 : count / 12;
}

static void strike_everywhere(const struct plan *plans, size_t count, const uint32_t *calls)
{
    for (size_t i = 0; i < count; i++)
        for (int on = 0; on < 2; on++)
            for (uint32_t n = 1; strike(&plans[i], n, on); n += stride(calls[plans[i].call]))
                ;
}

/* An unfaulted life: it must succeed, and says how many calls there are. Twice: libraries set themselves up once. */
static void rehearse(uint32_t *calls)
{
    for (int i = 0; i < 2; i++) {
        put_device();
        plan(FAULT_CALLS, 0, 0, false);
        int status = i == 0 ? live() : child();
        const char *rule = judge_healed(status, new_image);

        if (rule || (i && ((fault_counts_blocks && fault_state->blocks) || fault_state->descriptors))) {
            complain(&(struct plan){ FAULT_MALLOC, 0 }, 0, false, rule ? rule : "an unfaulted run keeps nothing", status);
            exit(1);
        }
    }
    memcpy(calls, fault_state->count, sizeof fault_state->count);
}

static void planted_faults(void)
{
    for (planted = fault_counts_blocks ? PLANTED_LEAK : PLANTED_DESCRIPTOR; planted < PLANTED_KINDS; planted++) {
        put_device();
        plan(FAULT_WRITE, EIO, 1, true); /* so that the first image stays confirmed */
        if (!judge_faulty(child())) {
            (void)printf("planted fault %d is not noticed\n", (int)planted);
            failures++;
        }
    }
    planted = PLANTED_NONE;
}

static void over_files(void)
{
    static const struct plan plans[] = { { FAULT_OPEN, EIO }, { FAULT_OPEN, EMFILE }, { FAULT_READ, EIO }, { FAULT_READ, EINTR },
        { FAULT_READ, FAULT_SHORT }, { FAULT_WRITE, EIO }, { FAULT_WRITE, ENOSPC }, { FAULT_WRITE, EINTR },
        { FAULT_WRITE, FAULT_SHORT }, { FAULT_FSYNC, EIO }, { FAULT_FSYNC, EINTR }, { FAULT_FSYNC, ENOSPC },
        { FAULT_RENAME, EIO }, { FAULT_RENAME, ENOSPC }, { FAULT_UNLINK, EIO }, { FAULT_STAT, EIO }, { FAULT_MKDIR, ENOSPC },
        { FAULT_ALLOCATE, ENOSPC }, { FAULT_LOCK, EIO }, { FAULT_LOCK, EINTR }, { FAULT_MALLOC, ENOMEM } };
    uint32_t calls[FAULT_CALLS];
    char base[300];

    (void)snprintf(base, sizeof base, "file://%s/web/", work);
    put_config(base);
    rehearse(calls);
    planted_faults();
    strike_everywhere(plans, sizeof plans / sizeof plans[0], calls);
}

static void over_http(void)
{
    static const struct plan plans[] = { { FAULT_MALLOC, ENOMEM } };
    uint32_t calls[FAULT_CALLS];

    server = test_http_start(at("web"));
    put_config(test_http_url(server));
    rehearse(calls);
    (void)printf("over http: %u allocations in an update\n", calls[FAULT_MALLOC]);
    strike_everywhere(plans, 1, calls);
    test_http_stop(server);
}

static void publish(void)
{
    sim_cloud_open(&cloud);
    old_image = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "1.0.0", .len = 5000 });
    new_image = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0", .len = 5000, .deflate = true });
    sim_cloud_deploy(&cloud, &(struct sim_deploy){ .image = { new_image } });
    sim_cloud_refresh(&cloud, 4000000000LL);
    put_web();
    put(at("os.root"), cloud.os.root, cloud.os.root_len);
    put(at("product.root"), cloud.product.root, cloud.product.root_len);
}

int main(int argc, char **argv)
{
    const char *only = NULL;
    char command[300];

    for (int i = 1; i < argc; i++) {
        if (strcmp(argv[i], "--all") == 0)
            every = true;
        else
            only = argv[i];
    }
    fault_open();
    (void)snprintf(work, sizeof work, "%s/faults-agent-XXXXXX", getenv("TMPDIR") ? getenv("TMPDIR") : "/tmp");
    NEED(mkdtemp(work));
    publish();
    if (!only || strcmp(only, "file") == 0)
        over_files();
    if (!only || strcmp(only, "http") == 0)
        over_http();
    for (size_t i = 0; i < FAULT_CALLS; i++) {
        (void)printf("%-10s failed in %u runs\n", fault_names[i], reached[i]);
        failures += !only && reached[i] == 0;
    }
    sim_cloud_close(&cloud);
    (void)snprintf(command, sizeof command, "rm -rf %s", work);
    NEED(system(command) == 0);
    (void)printf("agent faults: %u runs\n%u passed, %u failed\n", runs, runs - (failures < runs ? failures : runs), failures);
    return failures != 0 || runs == 0;
}
