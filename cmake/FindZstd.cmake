# SPDX-License-Identifier: Apache-2.0
# libzstd with decoding in the caller's memory. Gives Zstd::Zstd. The archive is preferred: that part of its interface is
# not promised to be the same in the next shared library.
find_path(Zstd_INCLUDE_DIR NAMES zstd.h)
find_library(Zstd_LIBRARY NAMES libzstd.a zstd)
mark_as_advanced(Zstd_INCLUDE_DIR Zstd_LIBRARY)
if(Zstd_LIBRARY)
    include(CheckLibraryExists)
    check_library_exists(${Zstd_LIBRARY} ZSTD_initStaticDStream "" Zstd_HAS_STATIC)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Zstd REQUIRED_VARS Zstd_LIBRARY Zstd_INCLUDE_DIR Zstd_HAS_STATIC)

if(Zstd_FOUND AND NOT TARGET Zstd::Zstd)
    add_library(Zstd::Zstd UNKNOWN IMPORTED)
    set_target_properties(Zstd::Zstd PROPERTIES IMPORTED_LOCATION "${Zstd_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Zstd_INCLUDE_DIR}")
endif()
