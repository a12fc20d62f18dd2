/* SPDX-License-Identifier: Apache-2.0 */
/* Stands for the boot ROM and the loader of a device: at every start it reads the boot record, counts a try of a trial,
 * chooses a slot, loads the image from it and runs it. What an embedded loader does with flash and a jump, it does with
 * files and a process; the rules are ota_boot_record_start()'s, which a real loader can compile, too. */
#include <errno.h>
#include <fcntl.h>
#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "floor.h"
#include "image.h"
#include "measure.h"
#include "ota/posix.h"
#include "secure.h"

#define STATUS_OK 0
#define STATUS_GAVE_UP 1
#define STATUS_USAGE 2
#define STORE_TRIES 3
#define IMAGE_REBOOT 75          /* an image leaves with this status to restart the device */
#define CLOCK_SET 1735689600     /* 2025: before it nobody has set the clock */
#define RESET_PAUSE_MS 200       /* between a crash and the next start */

struct supervisor {
    const char *record;
    const char *slot[2];
    unsigned component;
    const char *link;            /* the switch of an application; NULL = none */
    const char *crash_note;      /* file that tells the agent of crashes; NULL = none */
    const char *factory;         /* slots of a record to be made, a letter per component; NULL = none */
    unsigned long max_boots;     /* 0 = no bound */
    const char *package_key;     /* what runs must be a package that this key signed; NULL = anything runs */
    const char *package_component;
    unsigned long package_security;
    struct measure measure;
    struct secure secure;
    struct floor floor;
    bool on_trial;               /* what runs at this start */
    uint32_t security_min;       /* at this start */
    bool floor_unknown;          /* the counter could not be read */
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
static bool choose(struct supervisor *s, uint8_t *slot)
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
    s->on_trial = how == OTA_BOOT_START_TRIAL;
    *slot = r.running[s->component];
    if (changed && !store(s, &r, &code)) {
        say("cannot store the boot record, the trial is left out: ", strerror(code));
        s->on_trial = false;
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

/* ---- secure boot ---- */

/* What the image finds in OTA_BOOT_REFUSED, to be reported by whoever reports. */
static void tell_refusal(uint8_t slot, const struct ota_fault *fault)
{
    char text[sizeof fault->where + 64];

    (void)snprintf(text, sizeof text, "%c %s %s", 'a' + slot, ota_err_name(fault->err), fault->where);
    (void)setenv("OTA_BOOT_REFUSED", text, 1);
    (void)printf("boot: slot %c refused: %s: %s\n", 'a' + slot, fault->where, ota_err_text(fault->err));
    (void)fflush(stdout);
}

static void tell_fault(const char *what, const struct ota_fault *fault)
{
    (void)printf("boot: %s: %s: %s (%d)\n", what, fault->where, ota_err_text(fault->err), (int)fault->port_code);
    (void)fflush(stdout);
}

/* A device whose counter cannot be read still starts what was confirmed; but nothing new is tried. */
static void read_floor(struct supervisor *s)
{
    struct ota_fault fault = { .err = OTA_OK };

    s->security_min = (uint32_t)s->package_security;
    s->floor_unknown = floor_read(&s->floor, &s->security_min, &fault) != OTA_OK;
    if (s->floor_unknown)
        tell_fault("the security floor is not known", &fault);
}

/* Raised when what was confirmed starts, so that a trial that fails can still go back. */
static void raise_floor(struct supervisor *s, uint32_t security)
{
    struct ota_fault fault = { .err = OTA_OK };

    if (s->on_trial || s->floor_unknown || security <= s->security_min)
        return;
    if (floor_raise(&s->floor, security, &fault) != OTA_OK)
        tell_fault("the security floor is not raised", &fault);
}

/* Before it may run, and while all of it is still there. A device whose register cannot be extended, or whose log cannot be written,
 * starts all the same: what runs was signed, and a device that does not start cannot be repaired from afar. But no log is left then,
 * so that nobody is told what no register vouches for. */
static void tell_measurement(struct supervisor *s, int image, const struct secure_body *body)
{
    struct ota_fault fault = { .err = OTA_OK };
    struct ota_identity *identity = NULL;
    ota_err err = s->measure.file ? floor_identity(&s->floor, &identity, &fault) : OTA_OK;

    if (err == OTA_OK)
        err = measure_image(&s->measure, &s->secure.crypto.port, identity, image, body->whole, s->secure.key.bytes, s->secure.key.len,
                            &fault);
    if (err != OTA_OK)
        tell_fault("started without evidence", &fault);
    else if (s->measure.more)
        (void)printf("boot: register %u holds more than this start's log: something else was started before, since the device started\n",
                     (unsigned)s->measure.reg);
    (void)fflush(stdout);
}

/* May what lies in a slot run? */
static bool may_run(struct supervisor *s, int image, struct secure_body *body, struct ota_fault *fault)
{
    if (s->on_trial && s->floor_unknown) {
        (void)ota_fault_set(fault, OTA_DEVICE_IDENTITY, "identity.counter", 0);
        return false;
    }
    if (secure_check(&s->secure, image, s->security_min, body, fault) != OTA_OK)
        return false;
    tell_measurement(s, image, body);
    return s->link || ftruncate(image, (off_t)body->len) == 0;
}

/* What lies in a slot, ready to run: its descriptor, or -1. Where a key is set, only what it signed: all but the body is
 * cut off in memory. What runs where it lies is judged there. */
static int load_slot(struct supervisor *s, uint8_t slot)
{
    struct ota_fault fault = { .err = OTA_OK };
    struct secure_body body = { 0, 0, 0 };
    int image = s->link ? open(s->slot[slot], O_RDONLY | O_CLOEXEC) : image_load(s->slot[slot]);

    if (image < 0) {
        say("slot cannot be loaded: ", strerror(errno));
        return -1;
    }
    if (!s->package_key)
        return image;
    if (may_run(s, image, &body, &fault)) {
        raise_floor(s, body.security);
        return image;
    }
    tell_refusal(slot, &fault);
    (void)close(image);
    return -1;
}

/* The slot that was chosen holds nothing that may run, the other does: the record must say so before it runs. A trial is
 * given up; without one, the other becomes what is confirmed, so that the next update repairs the bad slot. */
static bool change_record(const struct supervisor *s, uint8_t other)
{
    struct ota_boot_record r;
    int32_t code = 0;
    bool changed;

    if (ota_boot_record_load(s->record, &r, &code) != OTA_OK)
        return false;
    if (ota_boot_record_revert(&r) && r.state == OTA_BOOT_TRIAL_DROPPED)
        (void)ota_boot_record_start(&r, &changed);
    r.confirmed[s->component] = r.running[s->component] = other;
    if (!store(s, &r, &code)) {
        say("cannot store the boot record: ", strerror(code));
        return false;
    }
    (void)printf("boot: back to slot %c\n", 'a' + other);
    return !s->link || ota_posix_link_set(s->link, s->slot[other], &code) == OTA_OK;
}

/* Two slots, and neither the one that is due nor the other is what somebody signed: nothing runs. */
static int load_other(struct supervisor *s, uint8_t *slot)
{
    uint8_t other = *slot == 0 ? 1 : 0;

    s->on_trial = false;
    int image = load_slot(s, other);

    if (image >= 0 && !change_record(s, other)) {
        (void)close(image);
        image = -1;
    }
    *slot = other;
    return image;
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

/* Run the image until it ends. Returns its wait status. */
static int start_image(const struct supervisor *s, int image, uint8_t slot, char **argv)
{
    int status = -1;
    pid_t pid;

    if (image < 0)
        return -1;
    pid = fork();
    if (pid == 0)
        run_image(s, image, (char)('a' + slot), argv);
    image_pid = pid;
    (void)close(image);
    if (stopping && pid > 0)
        (void)kill(pid, SIGTERM);
    while (pid > 0 && waitpid(pid, &status, 0) < 0 && errno == EINTR)
        continue;
    image_pid = 0;
    return pid > 0 ? status : -1;
}

/* How an image ended, for the agent's next report. A note that cannot be written is no reason not to start again. */
static void note_crash(const struct supervisor *s, bool by_signal, int number)
{
    int32_t code = 0;
    time_t now = time(NULL);

    if (s->crash_note && ota_posix_crash_note(s->crash_note, by_signal, number, now > CLOCK_SET ? (int64_t)now : 0, &code) != OTA_OK)
        say("cannot write the crash note: ", strerror(code));
}

/* @return true to start again */
static bool judge_end(const struct supervisor *s, int status)
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
    if (status >= 0)
        note_crash(s, WIFSIGNALED(status), WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
    (void)nanosleep(&pause, NULL);
    return !stopping;
}

static int supervise(struct supervisor *s, char **argv)
{
    uint8_t slot;
    int image;

    for (unsigned long boots = 0; s->max_boots == 0 || boots < s->max_boots; boots++) {
        if (!choose(s, &slot))
            return STATUS_GAVE_UP;
        if (slot > 1)
            return s->link ? STATUS_OK : STATUS_GAVE_UP;
        (void)unsetenv("OTA_BOOT_REFUSED");
        measure_forget(&s->measure);
        read_floor(s);
        image = load_slot(s, slot);
        if (image < 0 && s->package_key)
            image = load_other(s, &slot);
        floor_close(&s->floor);
        if (image < 0 && s->package_key) {
            say("no slot holds a package that may run", "");
            return STATUS_GAVE_UP;
        }
        if (!judge_end(s, start_image(s, image, slot, argv)))
            return STATUS_OK;
    }
    say("no more starts allowed", "");
    return STATUS_GAVE_UP;
}

static int usage(FILE *to)
{
    (void)fputs("usage: ota-boot-supervisor [--init SLOTS] [--component N] [--link LINK] [--crash-note FILE] [--max-boots N]\n"
                "         [--package-key PEM [--package-component ID] [--package-security N] [--identity DIR | --tpm TCTI]\n"
                "         [--measure NAME=FILE [--measure-register N]]] RECORD SLOT-A SLOT-B [-- ARG...]\n"
                "\n"
                "Runs the image in the slot that the boot record RECORD chooses, and again whenever it ends: status 75 is\n"
                "a restart, 0 shuts down, anything else is a crash. SLOT-A and SLOT-B are files or block devices that begin\n"
                "with an executable. The image finds its slot in OTA_SLOT (a or b).\n"
                "\n"
                "  --init SLOTS    make RECORD if it is absent; a letter (a or b) per component says what is installed\n"
                "  --component N   component whose slots these are [0]\n"
                "  --link LINK     a symbolic link that is set to the slot at each start, and run: for applications; it is\n"
                "                  taken away when the application was removed, and the status is 0\n"
                "  --crash-note F  how the image crashed, for the agent's next report: crash.<component> in its state directory\n"
                "  --max-boots N   leave with status 1 after N starts [no bound]\n"
                "\n"
                "Secure boot: with a key, what a slot holds must be an image package that it signed. Another one is refused, the\n"
                "other slot runs, and finds in OTA_BOOT_REFUSED what was refused (slot, error, field).\n"
                "\n"
                "  --package-key PEM       a P-256 or P-384 public key\n"
                "  --package-component ID  the component that packages must be for [any]\n"
                "  --package-security N    least security version [0]\n"
                "  --identity DIR, --tpm TCTI  least security version is also that of the newest package that was confirmed, kept in a\n"
                "                          counter of the device's identity; while it cannot be read nothing runs on trial\n"
                "  --measure NAME=FILE     before a package runs, log in FILE what this program is and what the package is, as image/NAME;\n"
                "                          with an identity, extend its register by both: if that fails, the package runs, but without a log\n"
                "  --measure-register N    the register, 0 to 15 [14]\n", to);
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
    case 'n':
        s->crash_note = optarg;
        return strchr(optarg, '/') != NULL;
    case 'm':
        return number(optarg, 1000000, &s->max_boots) && s->max_boots > 0;
    case 'k':
        s->package_key = optarg;
        return true;
    case 'p':
        s->package_component = optarg;
        return true;
    case 'I':
        s->floor.dir = optarg;
        return !s->floor.tcti;
    case 'T':
        s->floor.tcti = optarg;
        return !s->floor.dir;
    case 'M':
        return measure_option(&s->measure, optarg);
    case 'R':
        if (!number(optarg, MEASURE_REGISTER_MAX, &n))
            return false;
        s->measure.reg = (uint32_t)n;
        return s->measure.has_reg = true;
    case 's':
        return number(optarg, UINT32_MAX, &s->package_security);
    default:
        return false;
    }
}

static bool read_package_options(struct supervisor *s)
{
    struct ota_fault fault = { .err = OTA_OK };

    if (s->measure.has_reg && (!s->measure.file || (!s->floor.dir && !s->floor.tcti))) {
        (void)fputs("ota-boot-supervisor: --measure-register: needs --measure, and --identity or --tpm\n", stderr);
        return false;
    }
    if (!s->package_key) {
        bool wanted = s->package_component || s->package_security || s->floor.dir || s->floor.tcti || s->measure.file;

        if (wanted)
            (void)fputs("ota-boot-supervisor: --package-key: is missing\n", stderr);
        return !wanted;
    }
    if (secure_open(&s->secure, s->package_key, s->package_component, (uint32_t)s->package_security, &fault) == OTA_OK)
        return true;
    (void)fprintf(stderr, "ota-boot-supervisor: %s: %s\n", fault.where, ota_err_text(fault.err));
    return false;
}

int main(int argc, char **argv)
{
    static const struct option options[] = {
        { "init", required_argument, NULL, 'i' }, { "component", required_argument, NULL, 'c' },
        { "link", required_argument, NULL, 'l' }, { "max-boots", required_argument, NULL, 'm' },
        { "package-key", required_argument, NULL, 'k' }, { "package-component", required_argument, NULL, 'p' },
        { "package-security", required_argument, NULL, 's' }, { "identity", required_argument, NULL, 'I' },
        { "tpm", required_argument, NULL, 'T' }, { "measure", required_argument, NULL, 'M' },
        { "measure-register", required_argument, NULL, 'R' }, { "crash-note", required_argument, NULL, 'n' }, { "help", no_argument, NULL, 'h' },
        { NULL, 0, NULL, 0 },
    };
    static char image_name[] = "image";
    struct supervisor s = { .measure = { .reg = MEASURE_REGISTER } };
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
    s.floor.counter = OTA_COUNTER_SECURITY + s.component;
    s.record = argv[0];
    s.slot[0] = argv[1];
    s.slot[1] = argv[2];
    if (!read_package_options(&s))
        return STATUS_USAGE;
    catch_signals();
    if (s.factory && !make_record(&s))
        return STATUS_GAVE_UP;
    /* The image's arguments follow "--", whose place its name takes. */
    argv[argc > 3 ? 3 : 2] = image_name;
    return supervise(&s, argv + (argc > 3 ? 3 : 2));
}
