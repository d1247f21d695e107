/*
 * mbedTLS for send-only: of the common configuration the client's half. Bytes
 * as switched, in this binary on mipsel with musl, -Os, static, stripped (files
 * grow by pages of 4,096).
 */
#include "mbedtls/mbedtls_small.h"

/* 16,384: nobody connects to this device */
#undef MBEDTLS_SSL_SRV_C
#undef MBEDTLS_SSL_TICKET_C
/* 4,096: an alert now and then gains nothing from resuming a session */
#undef MBEDTLS_SSL_SESSION_TICKETS
#undef MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED
