# SPDX-License-Identifier: Apache-2.0
# The crypto library of Mbed TLS, also where no pkg-config file comes with it (Debian 12). Mbed TLS 4 calls it tfpsacrypto.
# Gives MbedCrypto::MbedCrypto.
find_path(MbedCrypto_INCLUDE_DIR NAMES psa/crypto.h)
find_library(MbedCrypto_LIBRARY NAMES tfpsacrypto mbedcrypto)
mark_as_advanced(MbedCrypto_INCLUDE_DIR MbedCrypto_LIBRARY)

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(MbedCrypto REQUIRED_VARS MbedCrypto_LIBRARY MbedCrypto_INCLUDE_DIR)

if(MbedCrypto_FOUND AND NOT TARGET MbedCrypto::MbedCrypto)
    add_library(MbedCrypto::MbedCrypto UNKNOWN IMPORTED)
    set_target_properties(MbedCrypto::MbedCrypto PROPERTIES IMPORTED_LOCATION "${MbedCrypto_LIBRARY}"
        INTERFACE_INCLUDE_DIRECTORIES "${MbedCrypto_INCLUDE_DIR}")
endif()
