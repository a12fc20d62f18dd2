/* SPDX-License-Identifier: Apache-2.0 */
/* What the system's components provide, across the border of processes: an application's agent judges by it. */
#define _GNU_SOURCE /* the operating system beside the C library */
#include "peer_kit.h"

static struct ota_posix_provided set;

static uint32_t level_of(const char *name)
{
    for (size_t i = 0; i < OTA_POSIX_PROVIDED_MAX; i++)
        if (strcmp(set.level[i].name, name) == 0)
            return set.level[i].level;
    return 0;
}

/* ---- the real agent's answers ---- */

static void update_the_system(void)
{
    static const char relations[] = "\"provides\":{\"os-abi\":3,\"the-longest-name-that-there-can\":4294967295},";
    const struct sim_image *os = sim_cloud_image(&cloud, &(struct sim_image_spec){ .component = "os", .version = "2.0.0", .relations = relations });

    flow_deploy(os, NULL);
    if (sim_run(dev) != SIM_IDLE || sim_status(dev).component[0].running[0] != '2')
        _exit(9);
}

static void configure(size_t count)
{
    static char names[AGENT_PROVIDES_MAX][OTA_NAME_MAX];

    config.provides_count = count;
    for (size_t i = 0; i < count; i++) {
        (void)snprintf(names[i], sizeof names[i], "hardware-number-%zu-of-some", i);
        config.provides[i] = (struct ota_provided){ names[i], (uint32_t)(1000000000u + i) };
    }
}

static void levels_of_images_and_of_the_configuration_are_told(void **state)
{
    struct ota_posix_peer p;

    (void)state;
    configure(AGENT_PROVIDES_MAX);   /* with the image's two: two pages */
    prepare = update_the_system;
    ota_posix_provided_init(&set);
    open_peer(&p, 0);
    assert_err(ota_posix_peer_provided(&p, &set), OTA_RETRY_NOT_FOUND);
    assert_int_equal(set.count, 0);
    start_server();
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_OK);
    assert_int_equal(set.count, 2 + AGENT_PROVIDES_MAX);
    assert_int_equal(level_of("os-abi"), 3);
    assert_int_equal(level_of("the-longest-name-that-there-can"), UINT32_MAX);
    assert_int_equal(level_of("hardware-number-7-of-some"), 1000000007);
    stop_server();
    assert_err(ota_posix_peer_provided(&p, &set), OTA_RETRY_NOT_FOUND);
    assert_int_equal(level_of("os-abi"), 3);   /* as it was told last */
    prepare = NULL;
    configure(0);
    start_server();
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_OK);
    assert_int_equal(set.count, 0);
    assert_int_equal(level_of("os-abi"), 0);
    stop_server();
    ota_posix_peer_close(&p);
}

/* The application requires what only the next system provides: it is refused by name, and goes on when the system has it. */
static void an_application_waits_for_its_system(void **state)
{
    struct ota_posix_peer p;

    (void)state;
    ota_posix_provided_init(&set);
    open_peer(&p, 0);
    start_server();
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_OK);
    (void)flow_open(NULL);   /* the application's own world */
    const struct sim_image *app = sim_cloud_image(
        &cloud, &(struct sim_image_spec){ .component = "os", .version = "5.0.0", .relations = "\"requires\":{\"os-abi\":3}," });
    dev->cfg.provided = set.level;
    dev->cfg.provided_count = OTA_POSIX_PROVIDED_MAX;
    flow_deploy(app, NULL);
    assert_int_equal(sim_run(dev), SIM_BACKING_OFF);
    assert_last_report("refused", "REJECT_REQUIRES");
    assert_int_equal(dev->net.image_bytes, 0);
    stop_server();
    prepare = update_the_system;
    start_server();
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_OK);
    assert_int_equal(sim_check_in(dev), SIM_IDLE);
    assert_runs(0, app);
    stop_server();
    (void)flow_close(NULL);
    ota_posix_peer_close(&p);
}

/* ---- agents that answer otherwise ---- */

static int listen_here(void)
{
    struct sockaddr_un a = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

    (void)snprintf(a.sun_path, sizeof a.sun_path, "%s/agent.sock", dir);
    (void)unlink(a.sun_path);
    assert_true(fd >= 0 && bind(fd, (const struct sockaddr *)&a, sizeof a) == 0 && listen(fd, 4) == 0);
    return fd;
}

/* One connection; each line is answered with the next of these, NULL-terminated. */
static pid_t answer_with(int fd, const char *const *answers)
{
    pid_t pid = fork();
    char line[OTA_POSIX_LINE_MAX];

    if (pid != 0)
        return pid;
    int client = accept(fd, NULL, NULL);
    for (; *answers; answers++)
        if (recv(client, line, sizeof line, 0) <= 0 || send(client, *answers, strlen(*answers), MSG_NOSIGNAL) < 0)
            break;
    while (recv(client, line, sizeof line, 0) > 0)
        ;
    _exit(0);
}

#define HEAD(total) "{\"exit\":0,\"total\":" #total ",\"deployment\":5"
#define EIGHT ",\"a\":\"n=1\",\"b\":\"n=1\",\"c\":\"n=1\",\"d\":\"n=1\",\"e\":\"n=1\",\"f\":\"n=1\",\"g\":\"n=1\",\"h\":\"n=1\""

static void answers_that_are_none_change_nothing(void **state)
{
    static const char *const bad[][3] = {
        { "{\"exit\":2}\n" },                                        /* an older agent */
        { "{\"exit\":0}\n" }, { "{\"exit\":0,\"turn\":false}\n" },   /* the answer to something else */
        { "{\"exit\":0,\"total\":1,\"a\":\"n=1\"}\n" }, { HEAD(-1) "}\n" }, { HEAD(33) EIGHT "}\n" }, { HEAD(2) "}\n" },
        { HEAD(2) ",\"a\":\"n=1\"}\n" }, { HEAD(1) ",\"b\":\"n=1\"}\n" }, { HEAD(1) ",\"a\":7}\n" }, { HEAD(1) ",\"a\":\"n\"}\n" },
        { HEAD(1) ",\"a\":\"=1\"}\n" }, { HEAD(1) ",\"a\":\"n=\"}\n" }, { HEAD(1) ",\"a\":\"n=0\"}\n" }, { HEAD(1) ",\"a\":\"n=4294967296\"}\n" },
        { HEAD(1) ",\"a\":\"n=99999999999\"}\n" }, { HEAD(1) ",\"a\":\"n=1x\"}\n" }, { HEAD(1) ",\"a\":\"N=1\"}\n" },
        { HEAD(1) ",\"a\":\"abcdefghijklmnopqrstuvwxyz-01234=1\"}\n" },
        { HEAD(9) EIGHT "}\n", HEAD(9) "}\n" }, { HEAD(9) EIGHT "}\n", HEAD(10) ",\"a\":\"m=2\"}\n" },
        { HEAD(9) EIGHT "}\n", "{\"exit\":0,\"total\":9,\"deployment\":6,\"a\":\"m=2\"}\n" },   /* an update in between */
        { "nonsense\n" },
    };
    static const char *const good[] = { HEAD(9) EIGHT "}\n", HEAD(9) ",\"a\":\"m=2\",\"later\":1}\n", NULL };
    struct ota_posix_peer p;
    int fd = listen_here();

    (void)state;
    ota_posix_provided_init(&set);
    for (size_t i = 0; i <= sizeof bad / sizeof bad[0]; i++) {
        bool last = i == sizeof bad / sizeof bad[0];
        const char *const two[] = { last ? NULL : bad[i][0], last ? NULL : bad[i][1], NULL };
        pid_t pid = answer_with(fd, last ? good : two);

        open_peer(&p, 0);
        ota_err err = ota_posix_peer_provided(&p, &set);
        if (err != (last ? OTA_OK : OTA_RETRY_PROTOCOL))
            fail_msg("row %zu: %s", i, ota_err_name(err));
        assert_int_equal(set.count, last ? 9 : 0);
        assert_int_equal(level_of("n"), last ? 1 : 0);
        assert_int_equal(level_of("m"), last ? 2 : 0);
        ota_posix_peer_close(&p);
        assert_int_equal(finish(pid), 0);
    }
    (void)close(fd);
}

/* An answer that was late once must not be this one's, nor this one's the next one's. */
static void a_wrong_answer_ends_the_connection(void **state)
{
    static const char *const late[] = { "{\"exit\":0,\"turn\":true}\n", NULL };
    static const char *const good[] = { HEAD(1) ",\"a\":\"n=7\"}\n", NULL };
    struct ota_posix_peer p;
    int fd = listen_here();
    pid_t first = answer_with(fd, late), second;

    (void)state;
    ota_posix_provided_init(&set);
    open_peer(&p, 0);
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_RETRY_PROTOCOL);
    assert_int_equal(p.fd, -1);
    assert_int_equal(finish(first), 0);
    second = answer_with(fd, good);
    assert_int_equal(ota_posix_peer_provided(&p, &set), OTA_OK);
    assert_int_equal(level_of("n"), 7);
    ota_posix_peer_close(&p);
    assert_int_equal(finish(second), 0);
    (void)close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(levels_of_images_and_of_the_configuration_are_told),
        TEST(an_application_waits_for_its_system),
        TEST(answers_that_are_none_change_nothing),
        TEST(a_wrong_answer_ends_the_connection),
    };

    return cmocka_run_group_tests(tests, make_world, end_world);
}
