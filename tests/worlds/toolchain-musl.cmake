# SPDX-License-Identifier: Apache-2.0
# musl-gcc, static, with the libraries that musl_libs.sh built in OTA_WORLD_SYSROOT. Those that libcurl needs follow every other one:
# what is found as a file does not say what it needs.
set(CMAKE_C_COMPILER musl-gcc)
set(CMAKE_EXE_LINKER_FLAGS_INIT "-static")
set(CMAKE_C_FLAGS_INIT "-isystem ${OTA_WORLD_SYSROOT}/include")
set(CMAKE_C_STANDARD_LIBRARIES_INIT "-L${OTA_WORLD_SYSROOT}/lib -lmbedtls -lmbedx509 -lmbedcrypto -lz")
set(CMAKE_PREFIX_PATH ${OTA_WORLD_SYSROOT})
set(CMAKE_FIND_USE_CMAKE_SYSTEM_PATH OFF)
set(CMAKE_FIND_LIBRARY_SUFFIXES .a)
set(CMAKE_TRY_COMPILE_PLATFORM_VARIABLES OTA_WORLD_SYSROOT)
