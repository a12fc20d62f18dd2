/* SPDX-License-Identifier: Apache-2.0 */
/* Stands in for the SDK's header of that name. */
#ifndef APPLIBS_UART_H
#define APPLIBS_UART_H

#include <stdint.h>

typedef int UART_Id;
typedef uint32_t UART_BaudRate_Type;
typedef uint8_t UART_BlockingMode_Type;
typedef uint8_t UART_DataBits_Type;
typedef uint8_t UART_Parity_Type;
typedef uint8_t UART_StopBits_Type;
typedef uint8_t UART_FlowControl_Type;
enum { UART_BlockingMode_NonBlocking = 0 };
enum { UART_DataBits_Eight = 8 };
enum { UART_Parity_None = 0 };
enum { UART_StopBits_One = 1 };
enum { UART_FlowControl_None = 0, UART_FlowControl_RTSCTS = 1 };

typedef struct {
    uint32_t z__magicAndVersion;
    UART_BaudRate_Type baudRate;
    UART_BlockingMode_Type blockingMode;
    UART_DataBits_Type dataBits;
    UART_Parity_Type parity;
    UART_StopBits_Type stopBits;
    UART_FlowControl_Type flowControl;
} UART_Config;

void UART_InitConfig(UART_Config *uartConfig);
int UART_Open(UART_Id uartId, const UART_Config *uartConfig);

#endif
