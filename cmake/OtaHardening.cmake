# SPDX-License-Identifier: Apache-2.0
# Position independent code everywhere on a host; in optimised builds also the usual seat belts of a network program.
if(CMAKE_CROSSCOMPILING AND CMAKE_SYSTEM_NAME STREQUAL "Generic")
    return() # bare metal: no loader, and the application's own flags decide
endif()

set(CMAKE_POSITION_INDEPENDENT_CODE ON)
include(CheckPIESupported)
check_pie_supported(LANGUAGES C)

# Slots and disks are larger than 2 GiB, also where memory is not.
if(CMAKE_SIZEOF_VOID_P EQUAL 4)
    add_compile_definitions(_FILE_OFFSET_BITS=64)
endif()

if(PROJECT_IS_TOP_LEVEL)
    set(optimised $<CONFIG:Release,RelWithDebInfo,MinSizeRel>)
    add_compile_options($<${optimised}:-fstack-protector-strong> $<${optimised}:-U_FORTIFY_SOURCE> $<${optimised}:-D_FORTIFY_SOURCE=2>)
    add_link_options($<${optimised}:LINKER:-z,relro,-z,now,-z,noexecstack>)
endif()
