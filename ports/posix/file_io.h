/* SPDX-License-Identifier: Apache-2.0 */
/* What every file of this port needs: whole reads and writes, durable renames. Each returns 0 or an errno. */
#ifndef OTAP_FILE_IO_H
#define OTAP_FILE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

#include "ota/error.h"

/* All of len or an error; the end of the file before that is ENODATA. */
int otap_pread(int fd, void *buf, size_t len, uint64_t off);
int otap_pwrite(int fd, const void *buf, size_t len, uint64_t off);

/* fsync() and fdatasync() that go on after a signal. */
int otap_fsync(int fd);
int otap_fdatasync(int fd);

/* Open a directory that is no link, or make it for its owner alone: it is then durable, and so is its name in the parent. */
int otap_open_dir(const char *dir, int *fd);

/* Take an exclusive advisory lock or say who is first: EWOULDBLOCK. */
int otap_lock(int fd);

/* Close if open and forget. */
void otap_close(int *fd);

/* A fresh file `tmp` with these bytes, synced, renamed to `name`; the directory is synced too. Both names are in dir_fd. */
int otap_replace(int dir_fd, const char *tmp, const char *name, const void *buf, size_t len);

/* The result of an operation: OTA_OK for 0, else err, with the number in *port_code (may be NULL). */
ota_err otap_result(int number, ota_err err, int32_t *port_code);

/* Milliseconds since boot, time asleep included. */
uint64_t otap_now_ms(void);

#endif
