/* SPDX-License-Identifier: Apache-2.0 */
/* Storage, network, power, log and the device's certificate. */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include <applibs/application.h>
#include <applibs/log.h>
#include <applibs/networking.h>
#include <applibs/powermanagement.h>
#include <applibs/storage.h>
#include <applibs/uart.h>
#include <curl/curl.h>
#include <tlsutils/deviceauth_curl.h>

#include "sphere_sim.h"

#define MUTABLE_KB_MAX 64u

static struct sphere_sim_manifest manifest;
static bool network, device_auth, rebooted;
static int storage_number;

void sphere_sim_begin(const struct sphere_sim_manifest *m)
{
    manifest = *m;
    network = device_auth = rebooted = false;
    storage_number = 0;
}

const struct sphere_sim_manifest *sphere_sim_manifest(void)
{
    return &manifest;
}

void sphere_sim_set_network(bool ready)
{
    network = ready;
}

void sphere_sim_set_device_auth(bool ready)
{
    device_auth = ready;
}

void sphere_sim_fail_storage(int number)
{
    storage_number = number;
}

static void (*poll_of_owner)(void);

void sphere_sim_set_poll(void (*poll)(void))
{
    poll_of_owner = poll;
}

void (*sphere_sim_poll(void))(void)
{
    return poll_of_owner;
}

bool sphere_sim_rebooted(void)
{
    return rebooted;
}

static int fail(int number)
{
    errno = number;
    return -1;
}

static bool allowed(bool capability)
{
    if (!capability)
        errno = EACCES;
    return capability;
}

/* ---- storage ---- */

char *Storage_GetAbsolutePathInImagePackage(const char *relativePath)
{
    char path[PATH_MAX];

    if (!relativePath) {
        errno = EFAULT;
        return NULL;
    }
    if (relativePath[0] == '/' || relativePath[0] == '.' || strstr(relativePath, "..")) {
        errno = EINVAL;
        return NULL;
    }
    if (snprintf(path, sizeof path, "%s/%s", manifest.package_dir, relativePath) >= (int)sizeof path) {
        errno = EINVAL;
        return NULL;
    }
    return strdup(path);
}

int Storage_OpenFileInImagePackage(const char *relativePath)
{
    char *path = Storage_GetAbsolutePathInImagePackage(relativePath);

    if (!path)
        return -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    int number = errno;
    free(path);
    return fd < 0 ? fail(number) : fd;
}

static bool has_mutable(void)
{
    return allowed(manifest.mutable_kb > 0 && manifest.mutable_kb <= MUTABLE_KB_MAX);
}

int Storage_OpenMutableFile(void)
{
    if (!has_mutable())
        return -1;
    if (storage_number)
        return fail(storage_number);
    return open(manifest.mutable_file, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
}

int Storage_DeleteMutableFile(void)
{
    return has_mutable() ? unlink(manifest.mutable_file) : -1;
}

/* ---- network, power, log ---- */

int Networking_IsNetworkingReady(bool *outIsNetworkingReady)
{
    if (!outIsNetworkingReady)
        return fail(EFAULT);
    *outIsNetworkingReady = network;
    return 0;
}

int Application_Connect(const char *componentId)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };

    if (!componentId)
        return fail(EFAULT);
    if (!allowed(manifest.core && strcmp(manifest.core, componentId) == 0))
        return -1;
    if (strlen(manifest.core_socket) >= sizeof to.sun_path)
        return fail(EINVAL);
    memcpy(to.sun_path, manifest.core_socket, strlen(manifest.core_socket));
    int fd = socket(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0);
    if (fd >= 0 && connect(fd, (const struct sockaddr *)&to, sizeof to) != 0) {
        int number = errno;
        (void)close(fd);
        return fail(number);
    }
    return fd;
}

/* ---- UART ---- */

void UART_InitConfig(UART_Config *uartConfig)
{
    *uartConfig = (UART_Config){ .dataBits = UART_DataBits_Eight, .parity = UART_Parity_None, .stopBits = UART_StopBits_One };
}

int UART_Open(UART_Id uartId, const UART_Config *uartConfig)
{
    struct termios t;

    if (!uartConfig)
        return fail(EFAULT);
    if (uartId != 0 || uartConfig->dataBits != UART_DataBits_Eight || uartConfig->parity != UART_Parity_None)
        return fail(uartId != 0 ? ENOENT : EINVAL);
    if (!allowed(manifest.uart))
        return -1;
    int fd = open(manifest.uart, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC);
    if (fd >= 0 && tcgetattr(fd, &t) == 0) {
        cfmakeraw(&t);
        (void)tcsetattr(fd, TCSANOW, &t);
    }
    return fd;
}

int Application_IsDeviceAuthReady(bool *outIsDeviceAuthReady)
{
    if (!outIsDeviceAuthReady)
        return fail(EFAULT);
    if (!allowed(manifest.device_auth))
        return -1;
    *outIsDeviceAuthReady = device_auth;
    return 0;
}

int PowerManagement_ForceSystemReboot(void)
{
    if (!allowed(manifest.force_reboot))
        return -1;
    rebooted = true;
    return 0;
}

int Log_Debug(const char *fmt, ...)
{
    va_list args;

    if (!fmt)
        return fail(EFAULT);
    va_start(args, fmt);
    int n = vfprintf(stderr, fmt, args);
    va_end(args);
    return n < 0 ? fail(EIO) : 0;
}

/* ---- the device's certificate ---- */

/* The chip signs without showing its key. Here libcurl reads files: OpenSSL's context is not touched, whatever library it is. */
CURLcode DeviceAuth_CurlSslFunc(CURL *curl, void *sslctx, void *userCtx)
{
    (void)sslctx, (void)userCtx;
    if (!manifest.device_auth || !device_auth || !manifest.cert_file)
        return CURLE_SSL_CERTPROBLEM;
    (void)curl;
    return CURLE_OK;
}
