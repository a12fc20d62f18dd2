/* SPDX-License-Identifier: Apache-2.0 */
/* Put in front of ports/posix/slot.c, slot_block.c and file_io.c by the test of block devices: a file plays the device. It is
 * reached by these calls alone. */
#ifndef TEST_BLOCK_CALLS_H
#define TEST_BLOCK_CALLS_H

#include <fcntl.h>
#include <stdio.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

int block_open(const char *path, int flags, ...);
int block_fstat(int fd, struct stat *st);
int block_ioctl(int fd, unsigned long request, void *arg);
off_t block_lseek(int fd, off_t off, int whence);
int block_fdatasync(int fd);
int block_fadvise(int fd, off_t off, off_t len, int advice);
FILE *block_fopen(const char *path, const char *mode);

#ifndef BLOCK_CALLS_REAL
#define open block_open
#define fstat block_fstat
#define ioctl block_ioctl
#define lseek block_lseek
#define fdatasync block_fdatasync
#define posix_fadvise block_fadvise
#define fopen block_fopen
#endif

#endif
