/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for the boot ROM and the loader of a device: at every start it reads the boot record, counts a try of a trial,
 * chooses a slot, loads the image from it and runs it. What an embedded loader does with flash and a jump, it does with
 * files and a process; the rules are ota_boot_record_start()'s, which a real loader can compile, too. */
#include <errno.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "image.h"
#include "ota/posix.h"

#define STATUS_OK 0
#define STATUS_GAVE_UP 1
#define STATUS_USAGE 2
#define STORE_TRIES 3
#define IMAGE_REBOOT 75          /* an image leaves with this status to restart the device */
#define RESET_PAUSE_MS 200       /* between a crash and the next start */

struct supervisor {
    const char *record;
    const char *slot[2];
    unsigned component;
    const char *link;            /* the switch of an application; NULL = none */
    const char *factory;         /* slots of a record to be made, a letter per component; NULL = none */
    unsigned long max_boots;     /* 0 = no bound */
};

static volatile sig_atomic_t stopping;
static volatile sig_atomic_t image_pid;

static void say(const char *text, const char *detail)
{
    (void)printf("boot: %s%s\n", text, detail);
    (void)fflush(stdout);
}

static void on_stop(int sig)
{
    stopping = 1;
    if (image_pid > 0)
        (void)kill((pid_t)image_pid, sig);
}

static void catch_signals(void)
{
    struct sigaction sa = { .sa_handler = on_stop };

    (void)sigemptyset(&sa.sa_mask);
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
}

static bool slot_letters(const char *text, uint8_t *slot, size_t *count)
{
    *count = strlen(text);
    if (*count == 0 || *count > OTA_COMPONENTS_MAX)
        return false;
    for (size_t i = 0; i < *count; i++) {
        if (text[i] != 'a' && text[i] != 'b')
            return false;
        slot[i] = (uint8_t)(text[i] - 'a');
    }
    return true;
}

/* What the factory does once: a record that says which slots were filled. */
static bool make_record(const struct supervisor *s)
{
    struct ota_boot_record r;
    uint8_t slot[OTA_COMPONENTS_MAX];
    size_t count;
    int32_t code = 0;

    if (ota_boot_record_load(s->record, &r, &code) != OTA_DEVICE_ABSENT)
        return true;
    if (!slot_letters(s->factory, slot, &count))
        return false;
    ota_boot_record_init(&r, slot, count);
    if (ota_boot_record_create(s->record, &r, &code) == OTA_OK)
        return true;
    say("cannot make the boot record: ", strerror(code));
    return false;
}

static void tell_choice(const struct supervisor *s, enum ota_boot_start how, const struct ota_boot_record *r)
{
    unsigned slot = (unsigned)r->running[s->component] + 'a';

    if (r->running[s->component] == OTA_SLOT_NONE)
        slot = '-';
    switch (how) {
    case OTA_BOOT_START_TRIAL:
        (void)printf("boot: slot %c, on trial (%u more tries)\n", (int)slot, (unsigned)r->tries);
        break;
    case OTA_BOOT_START_FELL_BACK:
        (void)printf("boot: the trial is over, back to slot %c (%s)\n", (int)slot,
                     r->fate == OTA_BOOT_FATE_OUT_OF_TRIES ? "all its tries were used up" : "it was given up");
        break;
    case OTA_BOOT_START_CONFIRMED:
        (void)printf("boot: slot %c\n", (int)slot);
        break;
    }
    (void)fflush(stdout);
}

/* Tried again: where the record goes on saying that the trial runs while the confirmed slots do, an agent on them would
 * judge, and might keep, what nobody has seen running. */
static bool store(const struct supervisor *s, struct ota_boot_record *r, int32_t *code)
{
    const struct timespec pause = { 0, RESET_PAUSE_MS * 1000000L };

    for (int tries = 0; tries < STORE_TRIES; tries++) {
        if (ota_boot_record_store(s->record, r, code) == OTA_OK)
            return true;
        (void)nanosleep(&pause, NULL);
    }
    return false;
}

/* A try that was not stored is a try that is not counted, so the trial must not run then. */
static bool choose(const struct supervisor *s, uint8_t *slot)
{
    struct ota_boot_record r;
    int32_t code = 0;
    bool changed;
    enum ota_boot_start how;

    if (ota_boot_record_load(s->record, &r, &code) != OTA_OK) {
        say("no usable boot record: ", code ? strerror(code) : "neither copy is valid");
        return false;
    }
    how = ota_boot_record_start(&r, &changed);
    *slot = r.running[s->component];
    if (changed && !store(s, &r, &code)) {
        say("cannot store the boot record, the trial is left out: ", strerror(code));
        *slot = r.confirmed[s->component];
    } else {
        tell_choice(s, how, &r);
    }
    if (*slot > 1) {
        say("nothing is installed in these slots", "");
        return !s->link || unlink(s->link) == 0 || errno == ENOENT;
    }
    if (!s->link || ota_posix_link_set(s->link, s->slot[*slot], &code) == OTA_OK)
        return true;
    say("cannot set the link: ", strerror(code));
    return false;
}

/* An application is run where it lies, through its link: what it sees as its own path is the same in both slots. */
static void run_image(const struct supervisor *s, int image, char slot, char **argv)
{
    char letter[2] = { slot, '\0' };

    (void)setenv("OTA_SLOT", letter, 1);
    (void)(s->link ? execv(s->link, argv) : image_exec(image, argv));
    (void)fprintf(stderr, "boot: slot %c holds no image that can run: %s\n", slot, strerror(errno));
    _exit(127);
}

/* Run the image in a slot until it ends. Returns its wait status, -1 if it could not be loaded. */
static int start_image(const struct supervisor *s, uint8_t slot, char **argv)
{
    int status = -1;
    int image = s->link ? -1 : image_load(s->slot[slot]);
    pid_t pid;

    if (image < 0 && !s->link) {
        say("slot cannot be loaded: ", strerror(errno));
        return -1;
    }
    pid = fork();
    if (pid == 0)
        run_image(s, image, (char)('a' + slot), argv);
    image_pid = pid;
    if (image >= 0)
        (void)close(image);
    if (stopping && pid > 0)
        (void)kill(pid, SIGTERM);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    image_pid = 0;
    return pid > 0 ? status : -1;
}

/* @return true to start again */
static bool judge_end(int status)
{
    const struct timespec pause = { 0, RESET_PAUSE_MS * 1000000L };

    if (stopping) {
        say("stopped", "");
        return false;
    }
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == 0) {
        say("the image has shut the device down", "");
        return false;
    }
    if (status >= 0 && WIFEXITED(status) && WEXITSTATUS(status) == IMAGE_REBOOT) {
        say("restart", "");
        return true;
    }
    if (status < 0)
        (void)printf("boot: the image could not be started: reset\n");
    else if (WIFSIGNALED(status))
        (void)printf("boot: the image crashed (signal %d): reset\n", WTERMSIG(status));
    else
        (void)printf("boot: the image ended with status %d: reset\n", WEXITSTATUS(status));
    (void)fflush(stdout);
    (void)nanosleep(&pause, NULL);
    return !stopping;
}

static int supervise(const struct supervisor *s, char **argv)
{
    uint8_t slot;

    for (unsigned long boots = 0; s->max_boots == 0 || boots < s->max_boots; boots++) {
        if (!choose(s, &slot))
            return STATUS_GAVE_UP;
        if (slot > 1)
            return s->link ? STATUS_OK : STATUS_GAVE_UP;
        if (!judge_end(start_image(s, slot, argv)))
            return STATUS_OK;
    }
    say("no more starts allowed", "");
    return STATUS_GAVE_UP;
}

static int usage(FILE *to)
{
    (void)fputs("usage: ota-boot-supervisor [--init SLOTS] [--component N] [--link LINK] [--max-boots N] RECORD SLOT-A SLOT-B [-- ARG...]\n"
                "\n"
                "Runs the image in the slot that the boot record RECORD chooses, and again whenever it ends: status 75 is\n"
                "a restart, 0 shuts down, anything else is a crash. SLOT-A and SLOT-B are files or block devices that begin\n"
                "with an executable. The image finds its slot in OTA_SLOT (a or b).\n"
                "\n"
                "  --init SLOTS    make RECORD if it is absent; a letter (a or b) per component says what is installed\n"
                "  --component N   component whose slots these are [0]\n"
                "  --link LINK     a symbolic link that is set to the slot at each start, and run: for applications; it is\n"
                "                  taken away when the application was removed, and the status is 0\n"
                "  --max-boots N   leave with status 1 after N starts [no bound]\n", to);
    return to == stdout ? STATUS_OK : STATUS_USAGE;
}

static bool number(const char *text, unsigned long max, unsigned long *out)
{
    char *end;

    errno = 0;
    *out = strtoul(text, &end, 10);
    return text[0] >= '0' && text[0] <= '9' && *end == '\0' && errno == 0 && *out <= max;
}

static bool take_option(struct supervisor *s, int opt)
{
    unsigned long n = 0;
    uint8_t slots[OTA_COMPONENTS_MAX];
    size_t count;

    switch (opt) {
    case 'i':
        s->factory = optarg;
        return slot_letters(optarg, slots, &count);
    case 'c':
        if (!number(optarg, OTA_COMPONENTS_MAX - 1, &n))
            return false;
        s->component = (unsigned)n;
        return true;
    case 'l':
        s->link = optarg;
        return true;
    case 'm':
        return number(optarg, 1000000, &s->max_boots) && s->max_boots > 0;
    default:
        return false;
    }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "init", required_argument, NULL, 'i' }, { "component", required_argument, NULL, 'c' },
        { "link", required_argument, NULL, 'l' }, { "max-boots", required_argument, NULL, 'm' }, { "help", no_argument, NULL, 'h' }, { NULL, 0, NULL, 0 },
    };
    static char image_name[] = "image";
    struct supervisor s = { .component = 0 };
    int opt;

    while ((opt = getopt_long(argc, argv, "+h", options, NULL)) != -1) {
        if (opt == 'h')
            return usage(stdout);
        if (!take_option(&s, opt))
            return usage(stderr);
    }
    argv += optind;
    argc -= optind;
    if (argc < 3 || (argc > 3 && strcmp(argv[3], "--") != 0))
        return usage(stderr);
    s.record = argv[0];
    s.slot[0] = argv[1];
    s.slot[1] = argv[2];
    catch_signals();
    if (s.factory && !make_record(&s))
        return STATUS_GAVE_UP;
    /* The image's arguments follow "--", whose place its name takes. */
    argv[argc > 3 ? 3 : 2] = image_name;
    return supervise(&s, argv + (argc > 3 ? 3 : 2));
}
