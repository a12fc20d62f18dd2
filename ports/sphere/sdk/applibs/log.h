/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_LOG_H
#define APPLIBS_LOG_H

int Log_Debug(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif
