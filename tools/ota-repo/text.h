/* SPDX-License-Identifier: Apache-2.0 */
/** @file Small text work: hex, base64, time, names. No allocation. */
#ifndef OTA_REPO_TEXT_H
#define OTA_REPO_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define TIME_LEN 21      /**< "YYYY-MM-DDTHH:MM:SSZ" with NUL */
#define DIGEST_LEN 32
#define DIGEST_HEX 65    /**< with NUL */

/** Lower-case hex with NUL: out has 2 * len + 1 bytes. */
void hex_encode(const uint8_t *p, size_t len, char *out);
/** Lower or upper case; text must have exactly 2 * len digits. */
bool hex_decode(const char *text, uint8_t *out, size_t len);
/** Exactly 64 lower-case digits. */
bool digest_ok(const char *text);

/** Base64 without line breaks, with NUL: out has 4 * ((len + 2) / 3) + 1 bytes. */
void base64_encode(const uint8_t *p, size_t len, char *out);
/** Strict: padding needed, no other characters, unused bits zero. @return decoded bytes, or 0 if wrong or more than cap */
size_t base64_decode(const char *text, size_t text_len, uint8_t *out, size_t cap);

/** Exactly "YYYY-MM-DDTHH:MM:SSZ" of a real date, 1970..9999. */
bool time_parse(const char *text, int64_t *unix_s);
/** Later times than the year 9999 print as its last second. */
void time_print(int64_t unix_s, char out[TIME_LEN]);

/** A product, component, publisher or group: 1..31 characters of [a-z0-9-], first one not '-'. */
bool name_ok(const char *text);
/** An image's version: 1..31 characters of [A-Za-z0-9._+~-], first one a letter or digit. */
bool version_ok(const char *text);
/** An image's file name: 1..95 characters that need no escape in a URL, [A-Za-z0-9._-], without "..". */
bool file_name_ok(const char *text);
/** A whole number without sign or leading zero. */
bool number_parse(const char *text, unsigned long min, unsigned long max, unsigned long *out);
bool is_power_of_two(unsigned long n);

#endif
