/* SPDX-License-Identifier: Apache-2.0 */
/* What firmware, kernel and processes say. */
#define _XOPEN_SOURCE 700 /* fdopendir, readlink */
#include "doctor.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "identity.h"

#define EFI_GLOBAL "-8be4df61-93ca-11d2-aa0d-00e098032b8c"
#define TEXT_MAX 8192

/* ---- hardware root of trust ---- */

/* One byte behind four of attributes (UEFI 2.10 section 3.3); -1: there is no such variable. */
static int firmware_flag(const struct doctor *d, const char *name)
{
    char path[160], value[16];

    (void)snprintf(path, sizeof path, "/sys/firmware/efi/efivars/%s" EFI_GLOBAL, name);
    return doctor_read(d, path, value, sizeof value) == 5 ? (unsigned char)value[4] : -1;
}

static bool is_virtual(const struct doctor *d)
{
    static char text[TEXT_MAX];
    char *flags = doctor_read(d, "/proc/cpuinfo", text, sizeof text) > 0 ? strstr(text, "\nflags") : NULL;
    char *end = flags ? strchr(flags + 1, '\n') : NULL;

    if (end)
        *end = '\0';
    return flags && strstr(flags, " hypervisor");
}

static bool look_at_firmware(struct doctor *d)
{
    int secure = firmware_flag(d, "SecureBoot"), setup = firmware_flag(d, "SetupMode");
    bool virtual_machine = is_virtual(d);
    bool enforced = secure == 1 && setup != 1 && !virtual_machine;

    doctor_note(d, DOCTOR_ROOT_OF_TRUST, "firmware checks what it starts", true, enforced, "%s",
                secure < 0 ? "no variable SecureBoot: nothing can be seen of it from here"
                : secure != 1 ? "SecureBoot is off"
                : setup == 1 ? "SecureBoot, but in setup mode: anybody may change its keys"
                : virtual_machine ? "SecureBoot, of a virtual machine: its host decides" : "SecureBoot is on");
    return enforced;
}

struct root_mount {
    unsigned major_number, minor_number;
    bool read_only, known;
};

/* proc(5), mountinfo: id, parent, major:minor, root, mount point, options. The last one at "/" is what is seen. */
static struct root_mount find_root(const struct doctor *d)
{
    static char text[TEXT_MAX * 4];
    struct root_mount r = { 0 };

    if (doctor_read(d, "/proc/self/mountinfo", text, sizeof text) < 0)
        return r;
    for (char *line = text, *next; line && *line; line = next) {
        unsigned major_number, minor_number;
        char point[256], options[256];

        next = strchr(line, '\n');
        if (next)
            *next++ = '\0';
        if (sscanf(line, "%*u %*u %u:%u %*s %255s %255s", &major_number, &minor_number, point, options) != 4 || strcmp(point, "/") != 0)
            continue;
        r = (struct root_mount){ major_number, minor_number, strncmp(options, "ro", 2) == 0 && (options[2] == ',' || options[2] == '\0'), true };
    }
    return r;
}

static bool look_at_root(struct doctor *d)
{
    struct root_mount r = find_root(d);
    char path[96], uuid[160];

    (void)snprintf(path, sizeof path, "/sys/dev/block/%u:%u/dm/uuid", r.major_number, r.minor_number);
    bool verified = r.known && doctor_read(d, path, uuid, sizeof uuid) > 0 && strncmp(uuid, "CRYPT-VERITY-", 13) == 0;
    doctor_note(d, DOCTOR_ROOT_OF_TRUST, "kernel checks what it reads of the root", true, verified, "%s",
                verified ? "dm-verity" : r.known ? "the root file system is not on dm-verity" : "/proc/self/mountinfo cannot be read");
    doctor_note(d, DOCTOR_DEPTH, "root file system", true, r.read_only, "%s",
                r.read_only ? "mounted read-only" : r.known ? "can be written" : "/proc/self/mountinfo cannot be read");
    return verified;
}

static void look_at_identity(struct doctor *d)
{
    static struct agent_identity i;
    struct ota_fault fault = { .err = OTA_OK };
    const struct agent_identity_config *c = &d->config->identity;
    struct stat st;
    bool made = c->kind != AGENT_IDENTITY_FILE || (c->dir && stat(c->dir, &st) == 0); /* opening makes one: not by who only looks */
    ota_err err = made ? agent_identity_open(&i, c, &fault) : OTA_DEVICE_ABSENT;
    enum ota_strength key = err == OTA_OK ? i.port->strength : OTA_STRENGTH_NONE;
    enum ota_strength rollback = err == OTA_OK ? i.port->rollback : OTA_STRENGTH_NONE;

    d->finding[DOCTOR_ROOT_OF_TRUST].strength = key;
    d->finding[DOCTOR_RENEWABLE].strength = rollback;
    if (err == OTA_OK)
        doctor_note(d, DOCTOR_ROOT_OF_TRUST, "key of the device", true, key >= OTA_STRENGTH_TPM, "%s%s", doctor_strength_name(key),
                    key < OTA_STRENGTH_TPM ? ": whoever reads the storage has it" : "");
    else
        doctor_note(d, DOCTOR_ROOT_OF_TRUST, "key of the device", true, false, "%s%s%s",
                    c->kind == AGENT_IDENTITY_NONE ? "no identity is configured" : ota_err_text(err), fault.where[0] ? ": " : "", fault.where);
    doctor_note(d, DOCTOR_RENEWABLE, "counters that never go back", true, rollback >= OTA_STRENGTH_TPM, "%s%s", doctor_strength_name(rollback),
                rollback < OTA_STRENGTH_TPM ? ": a backup of the storage brings old versions back" : "");
    agent_identity_close(&i);
}

/* ---- processes ---- */

struct process {
    char name[32];
    long pid, parent;
    int no_new_privs, seccomp;
    unsigned long long caps;
    bool user_space;              /* kernel threads have no memory of their own */
};

/* What stands behind "Name:"; NULL: no such line. */
static const char *field(const char *text, const char *name)
{
    const char *at = strstr(text, name);

    return at && (at == text || at[-1] == '\n') ? at + strlen(name) : NULL;
}

static bool number(const char *text, const char *name, int base, unsigned long long *out)
{
    const char *at = field(text, name);
    char *end = NULL;

    *out = at ? strtoull(at, &end, base) : 0;
    return at && end != at;
}

static bool read_process(const struct doctor *d, const char *pid, struct process *p)
{
    static char text[TEXT_MAX];
    unsigned long long parent, privs, filter, size;
    char path[64];

    (void)snprintf(path, sizeof path, "/proc/%.20s/status", pid);
    *p = (struct process){ .pid = strtol(pid, NULL, 10) };
    if (doctor_read(d, path, text, sizeof text) <= 0)
        return false;
    p->user_space = number(text, "VmSize:", 10, &size);
    const char *name = field(text, "Name:");
    if (!name || sscanf(name, " %31[^\n]", p->name) != 1 || !number(text, "PPid:", 10, &parent) || !number(text, "CapEff:", 16, &p->caps) ||
        !number(text, "NoNewPrivs:", 10, &privs) || !number(text, "Seccomp:", 10, &filter))
        return false;
    p->parent = (long)parent;
    p->no_new_privs = (int)privs;
    p->seccomp = (int)filter;
    return true;
}

struct processes {
    struct process agent, helper, fetcher;   /* pid 0 = not found */
    unsigned count, privileged;
    char names[100];                         /* of some that are privileged */
};

static void count_process(struct processes *all, const struct process *p)
{
    size_t fill = strlen(all->names);

    if (!p->user_space)
        return;
    all->count++;
    if (p->caps == 0)
        return;
    all->privileged++;
    if (fill + strlen(p->name) + 3 < sizeof all->names)
        (void)snprintf(all->names + fill, sizeof all->names - fill, "%s%s", fill ? ", " : "", p->name);
}

/* Twice: a child may have a smaller number than its parent. */
static void walk(const struct doctor *d, struct processes *all, bool first)
{
    char path[4096];
    struct process p;
    DIR *dir = NULL;

    if (snprintf(path, sizeof path, "%s/proc", d->root) < (int)sizeof path)
        dir = opendir(path);
    for (const struct dirent *e = dir ? readdir(dir) : NULL; e; e = readdir(dir)) {
        if (e->d_name[0] < '1' || e->d_name[0] > '9' || !read_process(d, e->d_name, &p))
            continue;
        if (first)
            count_process(all, &p);
        if (first && d->pid != 0 && p.pid == d->pid)
            all->agent = p;
        if (first && d->pid != 0 && p.parent == d->pid && strcmp(p.name, "ota-helper") == 0)
            all->helper = p;
        if (!first && all->helper.pid != 0 && p.parent == all->helper.pid && strcmp(p.name, "ota-fetcher") == 0)
            all->fetcher = p;
    }
    if (dir)
        (void)closedir(dir);
}

static bool is_held(const struct process *p)
{
    return p->pid != 0 && p->no_new_privs == 1 && p->seccomp == 2 && p->caps == 0;
}

static void note_process(struct doctor *d, const char *what, const struct process *p, bool needed)
{
    if (p->pid == 0)
        doctor_note(d, DOCTOR_DEPTH, what, needed, false, d->pid ? "no such process" : "no agent runs");
    else
        doctor_note(d, DOCTOR_DEPTH, what, needed, is_held(p), "pid %ld: no new privileges %d, seccomp %d, capabilities %llx", p->pid,
                    p->no_new_privs, p->seccomp, p->caps);
}

/* Landlock is nowhere in /proc: what the processes found when they tried is all there is. */
static void look_at_landlock(struct doctor *d)
{
    const cJSON *held = cJSON_GetObjectItemCaseSensitive(d->status, "sandbox");
    const cJSON *writer = cJSON_GetObjectItemCaseSensitive(held, "writer");
    double abi = cJSON_GetNumberValue(cJSON_GetObjectItemCaseSensitive(writer, "landlock_abi"));
    bool loose = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(writer, "loose"));

    if (abi >= 1 && !loose)
        doctor_note(d, DOCTOR_DEPTH, "agent reaches its own files only", true, true, "Landlock %d, tried at its start", (int)abi);
    else
        doctor_note(d, DOCTOR_DEPTH, "agent reaches its own files only", true, false, "%s",
                    !d->status ? "no agent runs" : loose ? "built for tests" : writer ? "the kernel has no Landlock" : "sandbox.mode is off");
}

static void look_at_program(struct doctor *d)
{
    char path[4096];
    struct stat st;

    if (snprintf(path, sizeof path, "%s/proc/%ld/exe", d->root, d->pid) >= (int)sizeof path || d->pid == 0 || stat(path, &st) != 0) {
        doctor_note(d, DOCTOR_TRUSTED_BASE, "agent's program", false, false, "cannot be seen");
        return;
    }
    bool fixed = st.st_uid == 0 && (st.st_mode & (S_IWGRP | S_IWOTH)) == 0;
    doctor_note(d, DOCTOR_TRUSTED_BASE, "agent's program", true, fixed, "%lld KiB, %s", (long long)st.st_size / 1024,
                fixed ? "only root may change it" : "others than root may change it");
}

static void look_at_processes(struct doctor *d)
{
    static struct processes all;

    memset(&all, 0, sizeof all);
    walk(d, &all, true);
    walk(d, &all, false);
    note_process(d, "writer", &all.agent, true);
    note_process(d, "fetcher", &all.fetcher, true);
    look_at_landlock(d);
    bool apart = is_held(&all.agent) && all.fetcher.pid != 0;
    doctor_note(d, DOCTOR_TRUSTED_BASE, "network libraries", true, apart, "%s",
                apart ? "in a process that has nothing else" : d->pid ? "in the process that writes slots" : "no agent runs");
    doctor_note(d, DOCTOR_TRUSTED_BASE, "rights of the agent", true, all.agent.pid != 0 && all.agent.caps == 0, "%s",
                all.agent.pid == 0 ? "no agent runs" : all.agent.caps == 0 ? "no capabilities" : "has capabilities");
    look_at_program(d);
    doctor_note(d, DOCTOR_TRUSTED_BASE, "processes with capabilities", false, all.privileged == 0, "%u of %u%s%s", all.privileged, all.count,
                all.names[0] ? ": " : "", all.names);
}

/* What is upheld by programs is worth what checks the programs. */
void doctor_look_at_device(struct doctor *d)
{
    look_at_identity(d);
    bool firmware = look_at_firmware(d), root = look_at_root(d);
    enum ota_strength anchor = firmware && root ? OTA_STRENGTH_HW : OTA_STRENGTH_SOFT;

    d->finding[DOCTOR_DEPTH].strength = anchor;
    d->finding[DOCTOR_TRUSTED_BASE].strength = anchor;
    d->finding[DOCTOR_COMPARTMENTS].strength = anchor;
    d->finding[DOCTOR_REPORTING].strength = anchor;
    look_at_processes(d);
}
