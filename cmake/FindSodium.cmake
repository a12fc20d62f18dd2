# SPDX-License-Identifier: Apache-2.0
# libsodium with the arithmetic of Edwards25519 (1.0.18 or later, not its "minimal" build). Gives Sodium::Sodium.
find_path(Sodium_INCLUDE_DIR NAMES sodium.h)
find_library(Sodium_LIBRARY NAMES sodium)
mark_as_advanced(Sodium_INCLUDE_DIR Sodium_LIBRARY)
if(Sodium_LIBRARY)
    include(CheckLibraryExists)
    check_library_exists(${Sodium_LIBRARY} crypto_scalarmult_ed25519_base_noclamp "" Sodium_HAS_ED25519)
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(Sodium REQUIRED_VARS Sodium_LIBRARY Sodium_INCLUDE_DIR Sodium_HAS_ED25519)

if(Sodium_FOUND AND NOT TARGET Sodium::Sodium)
    add_library(Sodium::Sodium UNKNOWN IMPORTED)
    set_target_properties(Sodium::Sodium PROPERTIES IMPORTED_LOCATION "${Sodium_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${Sodium_INCLUDE_DIR}")
endif()
