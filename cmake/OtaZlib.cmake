# SPDX-License-Identifier: Apache-2.0
# ota_zlib_headers: what lib/delta needs to compile. On a host it is ZLIB::ZLIB. For a bare-metal target whose toolchain
# has no zlib, only the two headers are needed (the application links its own zlib): they are taken from
# OTA_ZLIB_INCLUDE_DIR and shown through a folder that holds nothing else, so no other header of the host can slip in.
add_library(ota_zlib_headers INTERFACE)
if(NOT CMAKE_CROSSCOMPILING)
    find_package(ZLIB REQUIRED)
else()
    find_package(ZLIB QUIET)
endif()
if(TARGET ZLIB::ZLIB)
    target_link_libraries(ota_zlib_headers INTERFACE ZLIB::ZLIB)
    return()
endif()

set(OTA_ZLIB_INCLUDE_DIR /usr/include CACHE PATH "Folder with zlib.h and zconf.h, where the toolchain has no zlib")
foreach(header IN ITEMS zlib.h zconf.h)
    find_file(found NAMES ${header} PATHS ${OTA_ZLIB_INCLUDE_DIR} NO_DEFAULT_PATH NO_CACHE NO_CMAKE_FIND_ROOT_PATH REQUIRED)
    configure_file(${found} ${CMAKE_CURRENT_BINARY_DIR}/zlib-headers/${header} COPYONLY)
    unset(found)
endforeach()
target_include_directories(ota_zlib_headers SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/zlib-headers)
