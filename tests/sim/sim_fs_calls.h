/* SPDX-License-Identifier: Apache-2.0 */
/* Included before everything else where files of ports/posix are compiled for the simulation: their system calls go to
 * sim_fs.c, and what they define gets another name than in the library. */
#ifndef SIM_FS_CALLS_H
#define SIM_FS_CALLS_H

#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

int sim_fs_open(const char *path, int flags, ...);
int sim_fs_openat(int dir, const char *path, int flags, ...);
int sim_fs_close(int fd);
ssize_t sim_fs_pread(int fd, void *buf, size_t len, off_t off);
ssize_t sim_fs_pwrite(int fd, const void *buf, size_t len, off_t off);
int sim_fs_fsync(int fd);
int sim_fs_flock(int fd, int how);
int sim_fs_fstat(int fd, struct stat *st);
int sim_fs_unlink(const char *path);
int sim_fs_unlinkat(int dir, const char *name, int flags);
int sim_fs_renameat(int from_dir, const char *from, int to_dir, const char *to);
int sim_fs_mkdir(const char *path, mode_t mode);
int sim_fs_fadvise(int fd, off_t off, off_t len, int advice);
int sim_fs_fallocate(int fd, off_t off, off_t len);
int simp_block_in_use(uint64_t device);

#define open sim_fs_open
#define openat sim_fs_openat
#define close sim_fs_close
#define pread sim_fs_pread
#define pwrite sim_fs_pwrite
#define fsync sim_fs_fsync
#define fdatasync sim_fs_fsync
#define flock(fd, how) sim_fs_flock(fd, how)
#define fstat(fd, st) sim_fs_fstat(fd, st)
#define unlink sim_fs_unlink
#define unlinkat sim_fs_unlinkat
#define renameat sim_fs_renameat
#define mkdir sim_fs_mkdir
#define posix_fadvise sim_fs_fadvise
#define posix_fallocate sim_fs_fallocate

#define otap_pread simp_pread
#define otap_pwrite simp_pwrite
#define otap_fsync simp_fsync
#define otap_fdatasync simp_fdatasync
#define otap_open_dir simp_open_dir
#define otap_lock simp_lock
#define otap_close simp_close
#define otap_replace simp_replace
#define otap_result simp_result
#define otap_now_ms simp_now_ms
#define otap_slot_ops simp_slot_ops
#define otap_slot_init simp_slot_init
#define otap_slot_bind simp_slot_bind
#define otap_slot_fail simp_slot_fail
#define otap_block_in_use simp_block_in_use
#define otap_link_check simp_link_check
#define otap_loader_unfit simp_loader_unfit
#define ota_posix_store_open sim_posix_store_open
#define ota_posix_store_close sim_posix_store_close
#define ota_posix_boot_open sim_posix_boot_open
#define ota_posix_boot_close sim_posix_boot_close
#define ota_posix_slot_file_open sim_posix_slot_file_open
#define ota_posix_slot_close sim_posix_slot_close
#define ota_boot_record_load sim_boot_record_load
#define ota_boot_record_store sim_boot_record_store
#define ota_boot_record_create sim_boot_record_create

#endif
