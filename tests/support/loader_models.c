/* SPDX-License-Identifier: Apache-2.0 */
#include "loader_models.h"

#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#define ENV_SIZE 4096u /* one copy of U-Boot's environment */
#define GRUB_SIZE 1024u
#define EFI_GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"

static void must(bool ok, const char *what)
{
    if (!ok) {
        perror(what);
        abort();
    }
}

static const char *in(const struct model *m, const char *name)
{
    static char path[4][320];
    static unsigned turn;
    char *p = path[turn++ % 4];

    (void)snprintf(p, sizeof path[0], "%s/%s", m->dir, name);
    return p;
}

static void put(const char *path, const void *data, size_t len)
{
    FILE *f = fopen(path, "wb");

    must(f != NULL && fwrite(data, 1, len, f) == len && fclose(f) == 0, path);
}

static size_t get(const char *path, void *data, size_t cap)
{
    FILE *f = fopen(path, "rb");
    size_t len = f ? fread(data, 1, cap, f) : 0;

    if (f)
        (void)fclose(f);
    return len;
}

static void tell_kernel(struct model *m, char slot)
{
    char line[160];
    int len = snprintf(line, sizeof line, "console=ttyS0 root=/dev/vda%d %s=%c quiet\n", slot - 'A' + 2,
                       m->kind == MODEL_UBOOT ? "rauc.slot" : "ota.slot", slot);

    put(m->cmdline, line, (size_t)len);
}

/* ---- GRUB: RAUC's script. The variables are changed where they stand, as save_env does with equal lengths. */
static char *grub_var(char *text, char slot, const char *suffix)
{
    char want[16];
    char *at;

    (void)snprintf(want, sizeof want, "\n%c%s=", slot, suffix);
    at = strstr(text, want);
    return at ? at + strlen(want) : NULL;
}

static char grub_start(struct model *m)
{
    char text[GRUB_SIZE + 1] = { 0 };
    char slot = 0;
    const char *order;

    if (get(m->path, text, GRUB_SIZE) != GRUB_SIZE || strncmp(text, "# GRUB Environment Block\n", 25) != 0)
        return 'A'; /* the script's defaults */
    order = strstr(text, "\nORDER=");
    for (order = order ? order + 7 : "A B\n"; *order != '\n' && !slot; order++) {
        char *ok = grub_var(text, *order, "_OK"), *tried = grub_var(text, *order, "_TRY");

        if (*order != ' ' && ok && tried && *ok == '1' && (unsigned)(*tried - '0') < m->attempts) {
            slot = *order;
            ++*tried;
        }
    }
    put(m->path, text, GRUB_SIZE);
    return slot ? slot : 'A';
}

static void grub_make(struct model *m)
{
    char text[GRUB_SIZE + 1];
    int len = snprintf(text, sizeof text, "# GRUB Environment Block\nsaved_entry=0\nORDER=A B\nA_OK=1\nA_TRY=0\nB_OK=0\nB_TRY=0\nnext_entry=\n");

    (void)snprintf(m->path, sizeof m->path, "%s/grubenv", m->dir);
    memset(text + len, '#', GRUB_SIZE - (size_t)len);
    put(m->path, text, GRUB_SIZE);
}

/* ---- U-Boot: two copies { CRC-32 little-endian, flag, "name=value" NUL ... NUL }. */
struct env {
    uint8_t copy[2][ENV_SIZE];
    int newest; /* -1 = none */
};

static bool is_valid(const uint8_t *c)
{
    uint32_t sum; /* in the byte order of the machine, as U-Boot has it */

    memcpy(&sum, c, sizeof sum);
    return sum == crc32(0, c + 5, ENV_SIZE - 5);
}

static void env_load(struct model *m, struct env *e)
{
    bool ok[2];

    must(get(in(m, "env"), e->copy, sizeof e->copy) == sizeof e->copy, "env");
    for (int i = 0; i < 2; i++)
        ok[i] = is_valid(e->copy[i]);
    if (ok[0] && ok[1])
        e->newest = (int8_t)(e->copy[1][4] - e->copy[0][4]) > 0;
    else
        e->newest = ok[0] ? 0 : ok[1] ? 1 : -1;
}

static void seal(uint8_t *c)
{
    uint32_t sum = (uint32_t)crc32(0, c + 5, ENV_SIZE - 5);

    memcpy(c, &sum, sizeof sum);
}

bool model_uboot_get(struct model *m, const char *name, char *out, size_t cap)
{
    struct env e;
    size_t len = strlen(name);

    env_load(m, &e);
    if (e.newest < 0)
        return false;
    for (const char *p = (const char *)e.copy[e.newest] + 5; *p; p += strlen(p) + 1)
        if (strncmp(p, name, len) == 0 && p[len] == '=') {
            (void)snprintf(out, cap, "%s", p + len + 1);
            return true;
        }
    return false;
}

void model_uboot_set(struct model *m, const char *name, const char *value)
{
    struct env e;
    uint8_t fresh[ENV_SIZE] = { 0 };
    size_t len = strlen(name);
    char *to = (char *)fresh + 5;
    int older;

    env_load(m, &e);
    older = e.newest < 0 ? 0 : 1 - e.newest;
    for (const char *p = e.newest < 0 ? "" : (const char *)e.copy[e.newest] + 5; *p; p += strlen(p) + 1)
        if (strncmp(p, name, len) != 0 || p[len] != '=')
            to += sprintf(to, "%s", p) + 1;
    if (value)
        (void)sprintf(to, "%s=%s", name, value);
    fresh[4] = (uint8_t)(e.newest < 0 ? 1 : e.copy[e.newest][4] + 1);
    seal(fresh);
    memcpy(e.copy[older], fresh, ENV_SIZE);
    put(in(m, "env"), e.copy, sizeof e.copy);
}

static void uboot_make(struct model *m)
{
    static const char *const rauc[][2] = { { "BOOT_ORDER", "A B" }, { "BOOT_A_LEFT", "3" }, { "BOOT_B_LEFT", "0" }, { "bootdelay", "2" } };
    static const char *const count[][2] = { { "boot_part", "A" }, { "upgrade_available", "0" }, { "bootcount", "0" }, { "bootlimit", "1" } };
    static const uint8_t blank[2 * ENV_SIZE];
    char config[600];
    int len;

    put(in(m, "env"), blank, sizeof blank);
    for (size_t i = 0; i < 4; i++)
        m->kind == MODEL_UBOOT ? model_uboot_set(m, rauc[i][0], rauc[i][1]) : model_uboot_set(m, count[i][0], count[i][1]);
    (void)snprintf(m->path, sizeof m->path, "%s/fw_env.config", m->dir);
    len = snprintf(config, sizeof config, "# device offset size\n%s 0x0 0x%x\n%s 0x%x 0x%x\n", in(m, "env"), ENV_SIZE, in(m, "env"), ENV_SIZE, ENV_SIZE);
    put(m->path, config, (size_t)len);
}

/* RAUC's script: the first slot that has tries left gives one; where none has, all get three and it begins again. */
static char uboot_start(struct model *m)
{
    char order[64], name[16] = "BOOT_?_LEFT", left[16];

    if (!model_uboot_get(m, "BOOT_ORDER", order, sizeof order))
        return 'A';
    for (const char *p = order; *p; p++) {
        name[5] = *p;
        if (*p == ' ' || !model_uboot_get(m, name, left, sizeof left) || strtoul(left, NULL, 16) == 0)
            continue;
        (void)snprintf(left, sizeof left, "%lx", strtoul(left, NULL, 16) - 1);
        model_uboot_set(m, name, left);
        return *p;
    }
    model_uboot_set(m, "BOOT_ORDER", "A B");
    model_uboot_set(m, "BOOT_A_LEFT", "3");
    model_uboot_set(m, "BOOT_B_LEFT", "3");
    return uboot_start(m);
}

/* bootcount in the environment, counted only while upgrade_available; altbootcmd goes back. */
static char count_start(struct model *m)
{
    char part[16] = "A", text[16] = "0";
    unsigned long count, limit;

    (void)model_uboot_get(m, "boot_part", part, sizeof part);
    if (!model_uboot_get(m, "upgrade_available", text, sizeof text) || strcmp(text, "1") != 0)
        return part[0];
    (void)model_uboot_get(m, "bootcount", text, sizeof text);
    count = strtoul(text, NULL, 10) + 1;
    (void)snprintf(text, sizeof text, "%lu", count);
    model_uboot_set(m, "bootcount", text);
    (void)model_uboot_get(m, "bootlimit", text, sizeof text);
    limit = strtoul(text, NULL, 10);
    if (count <= limit)
        return part[0];
    part[0] = part[0] == 'A' ? 'B' : 'A';
    model_uboot_set(m, "boot_part", part);
    model_uboot_set(m, "upgrade_available", "0");
    return part[0];
}

/* ---- systemd-boot: entries without tries last, then by version, the highest first; a counted one is renamed. */
struct bls_entry {
    char file[256];
    char slot;
    bool counted;
    unsigned left, tried;
    unsigned long version;
};

static void bls_make(struct model *m)
{
    char text[200];
    int len;

    (void)snprintf(m->path, sizeof m->path, "%s/entries", m->dir);
    must(mkdir(m->path, 0755) == 0, m->path);
    for (char s = 'A'; s <= 'B'; s++) {
        char file[220];

        len = snprintf(text, sizeof text, "title Slot %c\nversion %d\nlinux /%c/vmlinuz\noptions quiet ota.slot=%c\n", s, s == 'A' ? 7 : 3, s, s);
        (void)snprintf(file, sizeof file, "%s/%c%s.conf", m->path, s, s == 'A' ? "" : "+0");
        put(file, text, (size_t)len);
    }
}

static bool bls_parse(const struct model *m, const char *file, struct bls_entry *e)
{
    char path[480], text[1024] = { 0 };
    const char *version;
    int n = 0;

    *e = (struct bls_entry){ .slot = file[0] };
    if (file[0] == '.' || !strstr(file, ".conf"))
        return false;
    (void)snprintf(e->file, sizeof e->file, "%s", file);
    e->counted = file[1] == '+';
    if (e->counted && sscanf(file + 2, "%u%n-%u", &e->left, &n, &e->tried) < 1)
        return false;
    (void)snprintf(path, sizeof path, "%s/%s", m->path, file);
    (void)get(path, text, sizeof text - 1);
    version = strstr(text, "\nversion ");
    e->version = version ? strtoul(version + 9, NULL, 10) : 0;
    return true;
}

static bool bls_before(const struct bls_entry *x, const struct bls_entry *y)
{
    bool bad_x = x->counted && x->left == 0, bad_y = y->counted && y->left == 0;

    return bad_x != bad_y ? bad_y : x->version > y->version;
}

static char bls_start(struct model *m)
{
    DIR *dir = opendir(m->path);
    struct bls_entry best = { .slot = 0 }, e;
    const struct dirent *d;
    char from[480], to[480];

    must(dir != NULL, m->path);
    while ((d = readdir(dir)))
        if (bls_parse(m, d->d_name, &e) && (!best.slot || bls_before(&e, &best)))
            best = e;
    (void)closedir(dir);
    if (!best.slot || !best.counted)
        return best.slot;
    (void)snprintf(from, sizeof from, "%s/%s", m->path, best.file);
    (void)snprintf(to, sizeof to, "%s/%c+%u-%u.conf", m->path, best.slot, best.left > 0 ? best.left - 1 : 0, best.tried + 1);
    must(rename(from, to) == 0, from);
    return best.slot;
}

/* ---- UEFI: BootNext is deleted, then started; else the first of BootOrder. Boot000A is slot A, Boot000B slot B. */
static const char *efi_path(const struct model *m, const char *name)
{
    static char path[3][320];
    static unsigned turn;
    char *p = path[turn++ % 3];

    (void)snprintf(p, sizeof path[0], "%s/%s" EFI_GLOBAL, m->path, name);
    return p;
}

static void efi_make(struct model *m)
{
    static const uint8_t order[] = { 7, 0, 0, 0, 0x0a, 0, 3, 0, 0x0b, 0 }, current[] = { 6, 0, 0, 0, 0x0a, 0 }, entry[] = { 7, 0, 0, 0, 1, 0, 0, 0 };

    (void)snprintf(m->path, sizeof m->path, "%s/efivars", m->dir);
    must(mkdir(m->path, 0755) == 0, m->path);
    put(efi_path(m, "BootOrder"), order, sizeof order);
    put(efi_path(m, "BootCurrent"), current, sizeof current);
    put(efi_path(m, "Boot000A"), entry, sizeof entry);
    put(efi_path(m, "Boot000B"), entry, sizeof entry);
}

static char efi_start(struct model *m)
{
    uint8_t raw[64];
    uint8_t current[] = { 6, 0, 0, 0, 0, 0 };

    if (get(efi_path(m, "BootNext"), raw, sizeof raw) == 6)
        must(unlink(efi_path(m, "BootNext")) == 0, "BootNext");
    else
        must(get(efi_path(m, "BootOrder"), raw, sizeof raw) >= 6, "BootOrder");
    current[4] = raw[4];
    put(efi_path(m, "BootCurrent"), current, sizeof current);
    return raw[4] == 0x0a ? 'A' : raw[4] == 0x0b ? 'B' : 0;
}

/* ---- A script with RAUC's verbs over a few files; "start" is ours. One try, then back. */
static const char script[] =
    "#!/bin/sh\n"
    "cd \"$(dirname \"$0\")\" || exit 1\n"
    "case \"$1\" in\n"
    "get-primary) cat primary ;;\n"
    "set-primary) echo \"$2\" > primary; [ -e good.$2 ] && [ \"$(cat current)\" = \"$2\" ] || { rm -f good.$2 bad.$2; echo 1 > tries.$2; } ;;\n"
    "get-state) if [ -e bad.$2 ]; then echo bad; else echo good; fi ;;\n"
    "set-state) rm -f good.$2 bad.$2; : > $3.$2 ;;\n"
    "get-current) cat current ;;\n"
    "start) p=$(cat primary)\n"
    "   if [ ! -e good.$p ]; then\n"
    "      if [ \"$(cat tries.$p)\" = 1 ]; then echo 0 > tries.$p; else p=$([ $p = A ] && echo B || echo A); echo $p > primary; fi\n"
    "   fi\n"
    "   echo $p > current; echo $p ;;\n"
    "*) exit 2 ;;\n"
    "esac\n";

static void custom_make(struct model *m)
{
    (void)snprintf(m->path, sizeof m->path, "%s/backend", m->dir);
    put(m->path, script, sizeof script - 1);
    must(chmod(m->path, 0755) == 0, m->path);
    put(in(m, "primary"), "A\n", 2);
    put(in(m, "current"), "A\n", 2);
    put(in(m, "good.A"), "", 0);
    put(in(m, "tries.B"), "0\n", 2);
}

static char custom_start(struct model *m)
{
    char command[256], answer[8] = { 0 };
    FILE *p;

    (void)snprintf(command, sizeof command, "%s start", m->path);
    p = popen(command, "r");
    must(p != NULL && fgets(answer, sizeof answer, p) != NULL && pclose(p) == 0, command);
    return answer[0];
}

void model_make(struct model *m, enum model_kind kind, unsigned attempts, const char *dir)
{
    static void (*const make[])(struct model *) = { grub_make, uboot_make, uboot_make, bls_make, efi_make, custom_make };

    *m = (struct model){ .kind = kind, .attempts = attempts };
    (void)snprintf(m->dir, sizeof m->dir, "%s", dir);
    (void)snprintf(m->cmdline, sizeof m->cmdline, "%s/cmdline", dir);
    make[kind](m);
    /* These two tell by themselves what runs. */
    if (kind == MODEL_EFI || kind == MODEL_CUSTOM)
        put(m->cmdline, "quiet\n", 6);
    else
        tell_kernel(m, 'A');
}

char model_start(struct model *m)
{
    static char (*const start[])(struct model *) = { grub_start, uboot_start, count_start, bls_start, efi_start, custom_start };
    char slot = start[m->kind](m);

    if (slot && m->kind != MODEL_EFI && m->kind != MODEL_CUSTOM)
        tell_kernel(m, slot);
    return slot;
}

static void remove_in(const char *dir)
{
    DIR *d = opendir(dir);
    const struct dirent *e;
    char path[600];

    while (d && (e = readdir(d))) {
        (void)snprintf(path, sizeof path, "%s/%s", dir, e->d_name);
        if (strcmp(e->d_name, ".") != 0 && strcmp(e->d_name, "..") != 0 && unlink(path) != 0)
            (void)rmdir(path);
    }
    if (d)
        (void)closedir(d);
}

void model_remove(struct model *m)
{
    remove_in(in(m, "entries"));
    remove_in(in(m, "efivars"));
    remove_in(m->dir);
}
