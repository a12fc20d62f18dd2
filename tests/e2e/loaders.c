/* SPDX-License-Identifier: Apache-2.0 */
/* usage: e2e_loaders SCRIPTS LOADER DIR      LOADER: grub, uboot
 *
 * The boot contract suite with the real boot loader: every restart of the suite is a start of QEMU, in which GRUB or U-Boot reads
 * and writes the very bytes that the port changed. Then what the suite does not ask for: variables broken on purpose, after
 * which the loader still has to start a slot. DIR is empty, SCRIPTS holds grub.sh and uboot.sh. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ota/posix.h"
#include "ota_contract.h"

struct real {
    struct ota_contract_device contract;
    struct ota_contract_report report;
    char script[400], dir[200], record[220], cmdline[220], path[220];
    bool is_grub;
    union {
        struct ota_posix_loader base;
        struct ota_posix_boot_grub grub;
        struct ota_posix_boot_uboot uboot;
    } boot;
    unsigned starts;
};

static struct real real;

static char start(const char *verb)
{
    char command[700], answer[8] = "";
    FILE *p;

    (void)snprintf(command, sizeof command, "%s %s %s", real.script, verb, real.dir);
    p = popen(command, "r");
    if (!p)
        return 0;
    if (!fgets(answer, sizeof answer, p))
        answer[0] = '\0';
    if (pclose(p) != 0)
        return 0;
    real.starts++;
    return answer[0] ? answer[0] : '-';
}

static bool restart(struct ota_contract_device *d)
{
    (void)d;
    return start("start") != 0 && ota_posix_loader_settle(&real.boot.base, NULL) == OTA_OK;
}

static void tell(struct ota_contract_report *r, const char *name, bool passed)
{
    (void)r;
    if (!passed)
        (void)printf("  failed: %s\n", name);
}

static ota_err open_port(struct ota_fault *why)
{
    const struct ota_posix_loader_config common = { .record = real.record, .cmdline = real.cmdline, .root = real.dir };

    if (real.is_grub)
        return ota_posix_boot_grub_open(&real.boot.grub, &(struct ota_posix_boot_grub_config){ common, real.path, 0 }, why);
    return ota_posix_boot_uboot_open(&real.boot.uboot, &(struct ota_posix_boot_uboot_config){ common, real.path, 0 }, why);
}

/* Overwrite len bytes at off of a file in the directory. */
static bool damage(const char *file, long off, size_t len)
{
    char path[300];
    FILE *f;
    bool ok;

    (void)snprintf(path, sizeof path, "%s/%s", real.dir, file);
    f = fopen(path, "r+b");
    ok = f && fseek(f, off, SEEK_SET) == 0;
    for (size_t i = 0; ok && i < len; i++)
        ok = fputc('?', f) != EOF;
    return f && fclose(f) == 0 && ok;
}

static unsigned expect(const char *what, bool ok)
{
    (void)printf("  %s: %s\n", ok ? "ok" : "FAILED", what);
    return !ok;
}

static unsigned damages(void)
{
    struct ota_fault why = { .err = OTA_OK };
    int32_t code = 0;
    unsigned bad = 0;

    if (real.is_grub) {
        bad += expect("the environment block is overwritten: the port names it", damage("grubenv", 0, 25) && open_port(&why) == OTA_DEVICE_BOOT);
        return bad + expect("and the device starts", start("start") == 'A' && why.port_code == EBADMSG);
    }
    bad += expect("a trial is armed",
                  real.boot.base.port.ops->arm(&real.boot.base.port, (const uint8_t[]){ 1 }, 1, 3, &code) == OTA_OK);
    /* Whichever copy is newer: both are tried. */
    bad += expect("one copy broken: the port reads the other", damage("env", 100, 8) && open_port(&why) == OTA_OK);
    bad += expect("and the device starts", start("start") != 0);
    bad += expect("both copies broken: the port names it",
                  damage("env", 100, 8) && damage("env", 0x4000 + 100, 8) && open_port(&why) == OTA_DEVICE_BOOT && why.port_code == EBADMSG);
    return bad + expect("and the device starts", start("start") == 'A');
}

int main(int argc, char **argv)
{
    struct ota_fault why = { .err = OTA_OK };
    unsigned failures;

    if (argc != 4)
        return 2;
    real.is_grub = strcmp(argv[2], "grub") == 0;
    (void)snprintf(real.script, sizeof real.script, "%s/%s.sh", argv[1], argv[2]);
    (void)snprintf(real.dir, sizeof real.dir, "%s", argv[3]);
    (void)snprintf(real.record, sizeof real.record, "%s/record", real.dir);
    (void)snprintf(real.cmdline, sizeof real.cmdline, "%s/cmdline", real.dir);
    (void)snprintf(real.path, sizeof real.path, "%s/%s", real.dir, real.is_grub ? "grubenv" : "fw_env.config");
    if (!start("make") || open_port(&why) != OTA_OK) {
        (void)printf("%s: cannot be set up: %s: %s (%d)\n", argv[2], why.where, ota_err_text(why.err), (int)why.port_code);
        return why.err == OTA_USAGE_CONFIG ? 77 : 1;
    }
    real.report.check = tell;
    real.contract = (struct ota_contract_device){ &real.boot.base.port, 1, restart, real.is_grub };
    failures = ota_contract_boot(&real.contract, &real.report);
    failures += damages();
    (void)printf("%s: %u checks of the contract, %u starts, %u failed\n", argv[2], real.report.checks, real.starts, failures);
    return failures == 0 && real.report.checks >= 20 && real.starts >= 12 ? 0 : 1;
}
