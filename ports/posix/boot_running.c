/* SPDX-License-Identifier: Apache-2.0 */
/* Which slot runs. Asked in this order: the kernel's command line, the device that the root directory is on, the loader. Who
 * has no opinion is passed over; two that contradict each other are an error, because an update would go into the slot
 * that runs. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "file_io.h"
#include "loader.h"

#define CMDLINE_MAX 4096

static int read_cmdline(const char *path, char text[CMDLINE_MAX])
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    size_t fill = 0;
    ssize_t n = 1;

    if (fd < 0)
        return errno;
    while (n > 0 && fill < CMDLINE_MAX - 1) {
        n = read(fd, text + fill, CMDLINE_MAX - 1 - fill);
        if (n < 0 && errno == EINTR)
            n = 1;
        else if (n > 0)
            fill += (size_t)n;
    }
    int number = n < 0 ? errno : 0;
    otap_close(&fd);
    text[fill] = '\0';
    return number;
}

/* The value of "key=value" if this word is one. */
static const char *value_of(const char *word, size_t len, const char *key, size_t *value_len)
{
    size_t key_len = strlen(key);

    if (len <= key_len || memcmp(word, key, key_len) != 0 || word[key_len] != '=')
        return NULL;
    *value_len = len - key_len - 1;
    return word + key_len + 1;
}

static bool is_key(const struct ota_posix_loader *l, const char *p, size_t len, const char **value, size_t *value_len)
{
    static const char *const keys[] = { "ota.slot", "rauc.slot" };

    if (l->cfg.cmdline_key) {
        *value = value_of(p, len, l->cfg.cmdline_key, value_len);
        return *value != NULL;
    }
    for (size_t i = 0; i < 2; i++) {
        *value = value_of(p, len, keys[i], value_len);
        if (*value)
            return true;
    }
    return false;
}

/* As the kernel's own parameters: the last one counts. A slot that is none of ours is a loader that lies. */
static int ask_cmdline(struct ota_posix_loader *l, uint8_t *slot)
{
    static const char blanks[] = " \t\n";
    char text[CMDLINE_MAX];
    int number = read_cmdline(l->cfg.cmdline ? l->cfg.cmdline : "/proc/cmdline", text);

    if (number != 0)
        return otap_blame(l, "kernel command line", number);
    for (const char *p = text + strspn(text, blanks); *p; p += strspn(p, blanks)) {
        size_t len = strcspn(p, blanks), value_len;
        const char *value;

        if (is_key(l, p, len, &value, &value_len)) {
            *slot = otap_slot_named(l, value, value_len);
            number = *slot == OTA_SLOT_NONE ? EBADSLT : 0;
        }
        p += len;
    }
    return number == 0 ? 0 : otap_blame(l, "kernel command line", number);
}

/* A root on device mapper, overlay or in memory is on none of the two: no opinion. */
static void ask_root(const struct ota_posix_loader *l, uint8_t *slot)
{
    struct stat root, device;

    if (stat(l->cfg.root ? l->cfg.root : "/", &root) != 0)
        return;
    for (uint8_t i = 0; i < 2; i++)
        if (l->cfg.device[i] && stat(l->cfg.device[i], &device) == 0 && S_ISBLK(device.st_mode) && device.st_rdev == root.st_dev)
            *slot = i;
}

int otap_running_slot(struct ota_posix_loader *l, uint8_t loader_says, uint8_t *slot)
{
    uint8_t said[3] = { OTA_SLOT_NONE, OTA_SLOT_NONE, loader_says };
    int number = ask_cmdline(l, &said[0]);

    if (number != 0)
        return number;
    ask_root(l, &said[1]);
    *slot = OTA_SLOT_NONE;
    for (size_t i = 0; i < 3; i++) {
        if (said[i] == OTA_SLOT_NONE)
            continue;
        if (*slot != OTA_SLOT_NONE && *slot != said[i])
            return otap_blame(l, i == 1 ? "mounted root contradicts the command line" : "loader contradicts what runs", EBADSLT);
        *slot = said[i];
    }
    return *slot != OTA_SLOT_NONE ? 0 : otap_blame(l, "running slot", ENODEV);
}
