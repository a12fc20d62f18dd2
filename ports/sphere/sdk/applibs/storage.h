/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name: the public prototypes that ports/sphere uses. */
#ifndef APPLIBS_STORAGE_H
#define APPLIBS_STORAGE_H

char *Storage_GetAbsolutePathInImagePackage(const char *relativePath);
int Storage_OpenFileInImagePackage(const char *relativePath);
int Storage_OpenMutableFile(void);
int Storage_DeleteMutableFile(void);

#endif
