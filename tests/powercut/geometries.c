/* SPDX-License-Identifier: Apache-2.0 */
/* Ways to keep bytes, scaled so that a whole update takes a fraction of a millisecond: what counts is how the units of
 * writing, erasing, checkpoints and images lie to each other. */
#include "powercut.h"

const struct world_geometry powercut_geometries[] = {
    /* a small flash, records that are old or new as a whole */
    { { .name = "tiny", .write_unit = 16, .erase_unit = 512, .slot_size = { 2048, 2048 }, .erased = 0xff, .block = 512, .window_bits = 9 }, 1300 },
    /* everything in files, through ports/posix */
    { { .name = "posix", .write_unit = 1, .slot_size = { 2048, 2048 }, .block = 512, .window_bits = 9, .files = true, .slot_files = true }, 1300 },
    /* the image fills the slot to the last byte, which is odd */
    { { .name = "exact", .write_unit = 1, .slot_size = { 1301, 1301 }, .block = 512, .window_bits = 9, .files = true, .slot_files = true }, 1301 },
    /* one byte more than the slot's last whole unit */
    { { .name = "plus1", .write_unit = 16, .erase_unit = 256, .slot_size = { 1792, 1792 }, .block = 512, .window_bits = 9 }, 1537 },
    { { .name = "w1", .write_unit = 1, .erase_unit = 1024, .slot_size = { 2048, 2048 }, .block = 1024, .window_bits = 9 }, 1999 },
    /* flash whose erased bytes are zeros; the second slot is larger */
    { { .name = "zero", .write_unit = 256, .erase_unit = 512, .slot_size = { 2048, 3072 }, .erased = 0, .block = 512, .window_bits = 9 }, 1300 },
    { { .name = "w512", .write_unit = 512, .slot_size = { 2048, 2048 }, .block = 512, .window_bits = 9, .files = true }, 1300 },
    { { .name = "w4096", .write_unit = 4096, .erase_unit = 4096, .slot_size = { 12288, 12288 }, .erased = 0xff, .io = 4096, .block = 4096, .window_bits = 9 }, 9000 },
    /* an erase block of many checkpoints */
    { { .name = "e4096", .write_unit = 16, .erase_unit = 4096, .slot_size = { 12288, 8192 }, .erased = 0xff, .block = 512, .window_bits = 9, .files = true }, 6000 },
    { { .name = "wide", .write_unit = 256, .erase_unit = 8192, .slot_size = { 16384, 16384 }, .erased = 0xff, .block = 2048, .window_bits = 10 }, 12000 },
};
const size_t powercut_geometry_count = sizeof powercut_geometries / sizeof powercut_geometries[0];
