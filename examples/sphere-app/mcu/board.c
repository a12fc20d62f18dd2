/* SPDX-License-Identifier: Apache-2.0 */
/* A board with the microcontroller on it, simulated: `sphere-mcu DIR KEY.pem COMPONENT [SECURITY-MIN [core]]`. DIR/flash is its
 * NOR flash, DIR/uart a link to its serial line, a pseudo-terminal; with "core" it listens on DIR/core.sock instead, as an application
 * on a real-time core. The board outlives the microcontroller: each start of that is a process of its own, which a power cut ends.
 *
 * DIR/faults, read at each start and whenever it changes, says what goes wrong, a word each:
 *
 *     lose=N      one byte of N is lost        damage=N   one bit in N bytes is turned
 *     cut=N       the power goes in the middle of the N-th change of the flash from now, once: the file is removed
 *     trial=MS    an unconfirmed trial is restarted after so long [20000]
 *     mute        nothing is heard or said     busy       the machine is at work
 *
 * An image's body begins with a line "firmware VERSION healthy|sick|crash|mute": that is what it does when it runs. */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <termios.h>
#include <time.h>
#include <unistd.h>

#include "firmware.h"
#include "ota/posix.h"

#define UNIT 4096u
#define SLOT_LEN (512u * 1024u)
#define BOOT_LEN (4u * UNIT)
#define FLASH_LEN (2u * SLOT_LEN + BOOT_LEN)
#define TRIAL_MS 20000u
#define CRASH_MS 200u
#define PROOF_MS 800u /* who has run for so long is healthy; sooner would vouch for one that crashes at once */
#define UP_AFTER_US 150000u
#define SICK 7
#define POWER_LOST 9

struct faults {
    uint32_t lose, damage, cut, trial_ms;
    bool mute, busy;
};

static struct {
    const char *dir;
    int flash, line, listener;
    struct ota_posix_package_key key;
    struct ota_posix_crypto crypto;
    uint8_t component[OTA_UID_LEN];
    uint32_t security_min;
    struct faults faults;
    struct timespec faults_of; /* the file that they are from */
    bool faults_read;
    uint32_t changes, random;
    char does[16]; /* what the image does */
    struct mcu mcu;
} board;

static volatile sig_atomic_t stopping;

static void on_stop(int sig)
{
    (void)sig;
    stopping = 1;
}

static void die(const char *what)
{
    (void)fprintf(stderr, "mcu: %s: %s\n", what, strerror(errno));
    exit(2);
}

static void say(const char *text, const char *more)
{
    (void)printf("mcu: %s%s\n", text, more);
    (void)fflush(stdout);
}

static const char *in_dir(const char *name)
{
    static char path[512];

    (void)snprintf(path, sizeof path, "%s/%s", board.dir, name);
    return path;
}

static uint64_t now_ms(void)
{
    struct timespec t = { 0 };

    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000u + (uint64_t)t.tv_nsec / 1000000u;
}

/* ---- what goes wrong ---- */

static void read_faults(void)
{
    struct stat st;
    char word[32];

    if (stat(in_dir("faults"), &st) != 0)
        return;
    if (board.faults_read && st.st_mtim.tv_sec == board.faults_of.tv_sec && st.st_mtim.tv_nsec == board.faults_of.tv_nsec)
        return;
    board.faults = (struct faults){ 0 };
    board.faults_of = st.st_mtim;
    FILE *f = fopen(in_dir("faults"), "r");
    while (f && fscanf(f, "%31s", word) == 1) {
        unsigned long n = strchr(word, '=') ? strtoul(strchr(word, '=') + 1, NULL, 10) : 1;
        if (strncmp(word, "lose=", 5) == 0)
            board.faults.lose = (uint32_t)n;
        else if (strncmp(word, "damage=", 7) == 0)
            board.faults.damage = (uint32_t)n;
        else if (strncmp(word, "cut=", 4) == 0)
            board.faults.cut = (uint32_t)n;
        else if (strncmp(word, "trial=", 6) == 0)
            board.faults.trial_ms = (uint32_t)n;
        board.faults.mute |= strcmp(word, "mute") == 0;
        board.faults.busy |= strcmp(word, "busy") == 0;
    }
    if (f)
        (void)fclose(f);
    board.changes = 0;
    board.faults_read = true;
}

static uint32_t any(void)
{
    board.random ^= board.random << 13;
    board.random ^= board.random >> 17;
    board.random ^= board.random << 5;
    return board.random;
}

/* ---- flash ---- */

static void flash_geometry(struct ota_mcu_flash *f, struct ota_mcu_geometry *out)
{
    (void)f;
    *out = (struct ota_mcu_geometry){ FLASH_LEN, 8, UNIT };
}

static int32_t flash_read(struct ota_mcu_flash *f, uint32_t off, void *buf, uint32_t len)
{
    (void)f;
    return pread(board.flash, buf, len, (off_t)off) == (ssize_t)len ? 0 : EIO;
}

static void put(uint32_t off, const uint8_t *bytes, uint32_t len)
{
    if (pwrite(board.flash, bytes, len, (off_t)off) != (ssize_t)len)
        die("flash");
}

/* One change of the flash, or its first half and the end. */
static void change(uint32_t off, const uint8_t *bytes, uint32_t len)
{
    bool cut = board.faults.cut && ++board.changes == board.faults.cut;

    put(off, bytes, cut ? len / 2 : len);
    if (cut) {
        (void)unlink(in_dir("faults"));
        say("the power goes", "");
        _exit(POWER_LOST);
    }
}

/* Programming clears bits and never sets one. */
static int32_t flash_program(struct ota_mcu_flash *f, uint32_t off, const void *buf, uint32_t len)
{
    uint8_t is[256];

    for (uint32_t at = 0; at < len; at += sizeof is) {
        uint32_t n = len - at < sizeof is ? len - at : (uint32_t)sizeof is;

        if (flash_read(f, off + at, is, n) != 0)
            return EIO;
        for (uint32_t i = 0; i < n; i++)
            is[i] &= ((const uint8_t *)buf)[at + i];
        change(off + at, is, n);
    }
    return 0;
}

static int32_t flash_erase(struct ota_mcu_flash *f, uint32_t off, uint32_t len)
{
    uint8_t erased[UNIT];

    (void)f;
    memset(erased, 0xff, sizeof erased);
    for (uint32_t at = 0; at < len; at += UNIT)
        change(off + at, erased, UNIT);
    return 0;
}

static int32_t flash_sync(struct ota_mcu_flash *f)
{
    (void)f;
    return 0;
}

static const struct ota_mcu_flash_ops flash_ops = { flash_geometry, flash_read, flash_program, flash_erase, flash_sync };
static struct ota_mcu_flash flash = { &flash_ops };

/* ---- line ---- */

/* What the line makes of bytes, in place. @return how many are left */
static size_t spoil(uint8_t *bytes, size_t len)
{
    size_t n = 0;

    for (size_t i = 0; i < len; i++) {
        uint8_t byte = bytes[i];

        if (board.faults.lose && any() % board.faults.lose == 0)
            continue;
        if (board.faults.damage && any() % board.faults.damage == 0)
            byte ^= (uint8_t)(1u << any() % 8u);
        bytes[n++] = byte;
    }
    return n;
}

static size_t line_read(struct ota_mcu_pipe *p, void *buf, size_t cap)
{
    static uint8_t in[2048];
    static size_t at, len;

    (void)p;
    if (at == len) {
        ssize_t n = read(board.line, in, sizeof in);
        at = 0;
        len = n > 0 ? spoil(in, (size_t)n) : 0;
        if (n == 0 && board.listener >= 0)
            _exit(0); /* the host hung up: wait for it anew */
    }
    size_t n = len - at < cap ? len - at : cap;
    memcpy(buf, in + at, n);
    at += n;
    return board.faults.mute || strcmp(board.does, "mute") == 0 ? 0 : n;
}

static void line_write(struct ota_mcu_pipe *p, const void *buf, size_t len)
{
    uint8_t out[256];
    size_t n = len < sizeof out ? len : sizeof out, done = 0;

    (void)p;
    memcpy(out, buf, n);
    n = spoil(out, n);
    while (done < n) {
        ssize_t wrote = write(board.line, out + done, n - done);
        struct pollfd room = { .fd = board.line, .events = POLLOUT };
        if (wrote > 0)
            done += (size_t)wrote;
        else if (errno != EAGAIN || poll(&room, 1, 1000) <= 0)
            return;
    }
}

static const struct ota_mcu_pipe_ops pipe_ops = { line_read, line_write };
static struct ota_mcu_pipe pipe_port = { &pipe_ops };

/* ---- the microcontroller ---- */

static ota_err self_test(struct ota_health *h, int32_t *port_code)
{
    bool sick = strcmp(board.does, "sick") == 0;

    (void)h;
    *port_code = sick ? SICK : 0;
    if (sick)
        return OTA_REJECT_HEALTH;
    return now_ms() - board.mcu.begun_ms < PROOF_MS ? OTA_AGAIN : OTA_OK;
}

static const struct ota_health_ops health_ops = { self_test };
static struct ota_health health = { &health_ops };

static void restart(struct ota_mcu_boot *b)
{
    (void)b;
    (void)tcdrain(board.line);
    _exit(0);
}

/* Measured boot: what is about to run, before it does. DIR/measured: "KIND NAME VERSION SHA-256" a line, the boot stage (this program)
 * first. */
static void hash_into(FILE *out, int fd, off_t from, uint64_t len)
{
    struct ota_crypto *c = &board.crypto.port;
    uint8_t chunk[4096], digest[OTA_SHA256_LEN];
    struct ota_hash h;

    if (c->ops->hash_start(c, &h, OTA_SHA256) != OTA_OK)
        die("hash");
    while (len > 0) {
        ssize_t n = pread(fd, chunk, len < sizeof chunk ? (size_t)len : sizeof chunk, from);
        if (n <= 0)
            break;
        if (c->ops->hash_add(c, &h, chunk, (size_t)n) != OTA_OK)
            die("hash");
        from += n;
        len -= (uint64_t)n;
    }
    if (c->ops->hash_end(c, &h, digest) != OTA_OK)
        die("hash");
    for (size_t i = 0; i < sizeof digest; i++)
        (void)fprintf(out, "%02x", digest[i]);
    (void)fputc('\n', out);
}

static void measure(void)
{
    char final[512];
    int self = open("/proc/self/exe", O_RDONLY | O_CLOEXEC);

    (void)snprintf(final, sizeof final, "%s", in_dir("measured"));
    FILE *out = fopen(in_dir("measured.new"), "w");
    if (!out || self < 0)
        die("measured");
    (void)fputs("boot mcu-boot - ", out);
    hash_into(out, self, 0, UINT64_MAX);
    if (board.mcu.slot != OTA_SLOT_NONE) {
        (void)fprintf(out, "image %s %s ", board.listener >= 0 ? "calibration" : "scale", board.mcu.version);
        hash_into(out, board.flash, (off_t)board.mcu.slot * SLOT_LEN, board.mcu.package_len);
    }
    (void)close(self);
    if (fclose(out) != 0 || rename(in_dir("measured.new"), final) != 0)
        die("measured");
}

/* Which image this is, and what it is like. */
static void start_image(void)
{
    char body[64] = "";
    char version[16] = "?";

    (void)strcpy(board.does, "healthy");
    if (board.mcu.slot == OTA_SLOT_NONE) {
        say("no slot holds an image that may run: ", ota_err_name(board.mcu.why.err));
        return;
    }
    if (flash_read(&flash, board.mcu.slot * SLOT_LEN, body, sizeof body - 1) == 0)
        (void)sscanf(body, "firmware %15s %15s", version, board.does);
    (void)printf("mcu: %s runs from slot %c%s%s%s\n", version, 'a' + board.mcu.slot, board.mcu.trial ? ", on trial" : "",
                 board.mcu.refused ? "; refused the other: " : "", board.mcu.refused ? ota_err_name(board.mcu.why.err) : "");
    (void)fflush(stdout);
}

static int live(void)
{
    struct ota_fault why = { .err = OTA_OK };

    read_faults();
    struct mcu_config cfg = { .pipe = &pipe_port,
                              .slot = { { &flash, 0, SLOT_LEN }, { &flash, SLOT_LEN, SLOT_LEN } },
                              .boot = { &flash, 2u * SLOT_LEN, BOOT_LEN },
                              .crypto = &board.crypto.port,
                              .want = { .kind = board.key.kind,
                                        .key = board.key.bytes,
                                        .key_len = board.key.len,
                                        .component = board.component,
                                        .security_min = board.security_min },
                              .health = &health,
                              .trial_ms = board.faults.trial_ms ? board.faults.trial_ms : TRIAL_MS,
                              .piece = board.listener >= 0 ? 512 : 0,
                              .restart = restart };
    char stale[512];

    while (read(board.line, stale, sizeof stale) > 0) { /* what came while nobody was there is lost */
    }
    if (getrandom(&cfg.session, sizeof cfg.session, 0) != sizeof cfg.session)
        die("random");
    cfg.session |= 1;
    board.random = cfg.session;
    if (mcu_boot(&board.mcu, &cfg, &why) != OTA_OK || mcu_serve(&board.mcu, now_ms(), &why) != OTA_OK)
        return fprintf(stderr, "mcu: %s: %s %d\n", why.where, ota_err_name(why.err), (int)why.port_code), 1;
    measure();
    start_image();
    for (uint64_t begun = now_ms(); !stopping;) {
        struct pollfd news = { .fd = board.line, .events = POLLIN };

        (void)poll(&news, 1, 20);
        read_faults();
        board.mcu.end.busy = board.faults.busy;
        mcu_poll(&board.mcu, now_ms());
        if (strcmp(board.does, "crash") == 0 && now_ms() - begun > CRASH_MS)
            return POWER_LOST;
    }
    return 0;
}

/* ---- the board ---- */

static void open_flash(void)
{
    struct stat st;

    board.flash = open(in_dir("flash"), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    if (board.flash < 0 || fstat(board.flash, &st) != 0)
        die("flash");
    if (st.st_size < (off_t)FLASH_LEN) { /* new: what the factory wrote, and erased cells behind it */
        uint8_t erased[UNIT];

        memset(erased, 0xff, sizeof erased);
        for (off_t at = st.st_size; at < (off_t)FLASH_LEN;) {
            size_t n = UNIT - (size_t)(at % UNIT);
            put((uint32_t)at, erased, (uint32_t)n);
            at += (off_t)n;
        }
    }
}

/* Both ends stay open: a terminal that nobody holds would hang up. */
static void open_terminal(void)
{
    struct termios t;
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_NONBLOCK);
    const char *name = fd >= 0 && grantpt(fd) == 0 && unlockpt(fd) == 0 ? ptsname(fd) : NULL;
    int other = name ? open(name, O_RDWR | O_NOCTTY) : -1;

    if (other < 0 || tcgetattr(other, &t) != 0)
        die("pseudo-terminal");
    cfmakeraw(&t);
    (void)tcsetattr(other, TCSANOW, &t);
    (void)unlink(in_dir("uart"));
    if (symlink(name, in_dir("uart")) != 0)
        die("uart");
    board.line = fd;
}

static void open_socket(void)
{
    struct sockaddr_un at = { .sun_family = AF_UNIX };

    (void)unlink(in_dir("core.sock"));
    (void)snprintf(at.sun_path, sizeof at.sun_path, "%.100s", in_dir("core.sock"));
    board.listener = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (board.listener < 0 || bind(board.listener, (struct sockaddr *)&at, sizeof at) != 0 || listen(board.listener, 1) != 0)
        die("core.sock");
}

static bool connected(void)
{
    struct pollfd news = { .fd = board.listener, .events = POLLIN };

    if (board.listener < 0)
        return true;
    if (poll(&news, 1, 200) <= 0)
        return false;
    board.line = accept(board.listener, NULL, NULL);
    return board.line >= 0 && fcntl(board.line, F_SETFL, O_NONBLOCK) == 0;
}

/* One start of the microcontroller. The parent ends it when it is told to end. */
static void run_once(void)
{
    pid_t pid = fork();

    if (pid < 0)
        die("fork");
    if (pid == 0) {
        (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
        _exit(live());
    }
    while (waitpid(pid, NULL, WNOHANG) == 0) {
        if (stopping)
            (void)kill(pid, SIGKILL);
        (void)usleep(20000);
    }
    if (board.listener >= 0)
        (void)close(board.line);
}

int main(int argc, char **argv)
{
    struct sigaction sa = { .sa_handler = on_stop };
    struct ota_fault why = { .err = OTA_OK };

    if (argc < 4 || argc > 6)
        return fputs("usage: sphere-mcu DIR KEY.pem COMPONENT [SECURITY-MIN [core]]\n", stderr), 2;
    board.dir = argv[1];
    board.listener = -1;
    board.security_min = argc > 4 ? (uint32_t)strtoul(argv[4], NULL, 10) : 0;
    if (ota_posix_package_key_load(&board.key, argv[2], &why) != OTA_OK ||
        ota_posix_crypto_open(&board.crypto, NULL, &why) != OTA_OK || !ota_posix_package_id_parse(argv[3], board.component))
        return fprintf(stderr, "mcu: key or component: %s\n", ota_err_text(why.err)), 2;
    (void)sigaction(SIGTERM, &sa, NULL);
    (void)sigaction(SIGINT, &sa, NULL);
    open_flash();
    if (argc == 6)
        open_socket();
    else
        open_terminal();
    while (!stopping) {
        if (!connected())
            continue;
        run_once();
        (void)usleep(UP_AFTER_US);
    }
    return 0;
}
