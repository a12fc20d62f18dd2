# SPDX-License-Identifier: Apache-2.0
# The library that reads and writes U-Boot's environment. Gives LibUbootEnv::LibUbootEnv. Optional.
find_path(LibUbootEnv_INCLUDE_DIR NAMES libuboot.h)
find_library(LibUbootEnv_LIBRARY NAMES ubootenv)
mark_as_advanced(LibUbootEnv_INCLUDE_DIR LibUbootEnv_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibUbootEnv REQUIRED_VARS LibUbootEnv_LIBRARY LibUbootEnv_INCLUDE_DIR)

if(LibUbootEnv_FOUND AND NOT TARGET LibUbootEnv::LibUbootEnv)
    add_library(LibUbootEnv::LibUbootEnv UNKNOWN IMPORTED)
    set_target_properties(LibUbootEnv::LibUbootEnv PROPERTIES IMPORTED_LOCATION "${LibUbootEnv_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${LibUbootEnv_INCLUDE_DIR}")
endif()
