/* SPDX-License-Identifier: Apache-2.0 */
/* The files of a simulated device, used by the real code of ports/posix: its system calls end here (sim_fs_calls.h). */
#ifndef SIM_FS_H
#define SIM_FS_H

#include "ota/posix.h"

#define SIM_FS_STATE "/state"
#define SIM_FS_BOOT "/boot.rec"
#define SIM_FDS_MAX 12

struct sim;

struct sim_fd {
    bool used;
    uint8_t object;
};

/* The device whose files the calls mean from now on; returns the one before. */
struct sim *sim_fs_use(struct sim *dev);
/* Every open file is closed, as when the program ends. */
void sim_fs_close_all(struct sim *dev);
/* Is this file open? */
bool sim_files_open(const struct sim *dev, uint8_t file);
/* The bytes of the boot record's file, as a factory writes it. */
void sim_fs_make_boot(struct sim *dev, const struct ota_boot_record *r);

/* ports/posix under other names, on these files. */
ota_err sim_posix_store_open(struct ota_posix_store *s, const struct ota_posix_store_config *cfg, struct ota_fault *fault);
void sim_posix_store_close(struct ota_posix_store *s);
ota_err sim_posix_boot_open(struct ota_posix_boot *b, const struct ota_posix_boot_config *cfg, struct ota_fault *fault);
ota_err sim_posix_slot_file_open(struct ota_posix_slot *s, const struct ota_posix_slot_file_config *cfg, struct ota_fault *fault);
void sim_posix_slot_close(struct ota_posix_slot *s);
ota_err sim_boot_record_load(const char *path, struct ota_boot_record *r, int32_t *port_code);
ota_err sim_boot_record_store(const char *path, struct ota_boot_record *r, int32_t *port_code);

/* What these devices do not have. */
struct ota_posix_loader;
int simp_link_check(const struct ota_posix_boot *b, const struct ota_boot_view *v);
int simp_loader_unfit(struct ota_posix_loader *l, uint8_t slot);

#endif
