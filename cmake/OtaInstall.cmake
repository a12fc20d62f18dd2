# SPDX-License-Identifier: Apache-2.0
# lib/libota.a, lib/libota_posix.a, lib/libota_ram.a, include/ota/, find_package(ota), pkg-config. Programs install themselves where they
# are built. The POSIX port is an export set of its own: a user of the core alone needs neither libcurl nor mbedTLS.
include(CMakePackageConfigHelpers)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/ota)

set(core ota)
if(TARGET ota_ram)
    list(APPEND core ota_ram)
endif()
install(TARGETS ${core} EXPORT otaTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(EXPORT otaTargets NAMESPACE ota:: DESTINATION ${package_dir})
install(DIRECTORY include/ota DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h" PATTERN "*.def")
if(EXISTS ${PROJECT_SOURCE_DIR}/LICENSE)
    install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
endif()

# The .pc files find the prefix from where they lie, so that a tree may be moved, or installed with another --prefix.
file(RELATIVE_PATH pc_to_prefix /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" pc_to_prefix ${pc_to_prefix})
configure_file(cmake/ota.pc.in ota.pc @ONLY)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ota.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
if(TARGET ota_posix)
    install(TARGETS ota_posix EXPORT otaPosixTargets ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
    install(EXPORT otaPosixTargets NAMESPACE ota:: DESTINATION ${package_dir})
    find_package(MbedCrypto REQUIRED)
    cmake_path(GET MbedCrypto_LIBRARY STEM crypto_library)
    string(REGEX REPLACE "^lib" "" crypto_library ${crypto_library})
    configure_file(cmake/ota-posix.pc.in ota-posix.pc @ONLY)
    install(FILES ${CMAKE_CURRENT_BINARY_DIR}/ota-posix.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)
    install(FILES cmake/FindMbedCrypto.cmake DESTINATION ${package_dir})
endif()

configure_package_config_file(cmake/otaConfig.cmake.in otaConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(otaConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${CMAKE_CURRENT_BINARY_DIR}/otaConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/otaConfigVersion.cmake DESTINATION ${package_dir})
