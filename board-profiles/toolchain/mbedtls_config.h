/*
 * mbedTLS 3.6 for small devices: TLS 1.2 and 1.3, both sides, and what a
 * certificate of our own needs. `build` puts it where mbedTLS has its own
 * mbedtls_config.h. Bytes as switched, in a send-only binary on mipsel with
 * musl, -Os, static, stripped; what has no figure is needed or costs nothing.
 */

/* machine: no files, no sockets, no entropy: our code brings its own */
#define MBEDTLS_HAVE_ASM
#define MBEDTLS_HAVE_TIME
#define MBEDTLS_HAVE_TIME_DATE		/* certificates expire */
#define MBEDTLS_PLATFORM_C
#define MBEDTLS_DEPRECATED_REMOVED
/* off: ERROR_C (20 KB of texts), DEBUG_C, SELF_TEST, VERSION_C, FS_IO, NET_C,
 * ENTROPY_C, CTR_DRBG_C, THREADING_C: one thread a process */

/* TLS; the server's half is 19,648, 1.3 with all that it needs of PSA 57,044 */
#define MBEDTLS_SSL_TLS_C
#define MBEDTLS_SSL_CLI_C
#define MBEDTLS_SSL_SRV_C
#define MBEDTLS_SSL_PROTO_TLS1_2
#define MBEDTLS_SSL_PROTO_TLS1_3
#define MBEDTLS_SSL_TLS1_3_COMPATIBILITY_MODE	/* 272; middleboxes */
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_EPHEMERAL_ENABLED
#define MBEDTLS_SSL_TLS1_3_KEY_EXCHANGE_MODE_PSK_EPHEMERAL_ENABLED /* tickets */
#define MBEDTLS_SSL_KEEP_PEER_CERTIFICATE	/* 1.3 does not build without */
#define MBEDTLS_KEY_EXCHANGE_ECDHE_ECDSA_ENABLED
#define MBEDTLS_KEY_EXCHANGE_ECDHE_RSA_ENABLED
#define MBEDTLS_SSL_EXTENDED_MASTER_SECRET	/* RFC 7627 */
#define MBEDTLS_SSL_SERVER_NAME_INDICATION	/* a certificate a domain */
#define MBEDTLS_SSL_KEYING_MATERIAL_EXPORT	/* 804; RFC 9266, SASL_SCRAM */
/* 9,088 with the PSK mode: a phone that polls saves the handshake */
#define MBEDTLS_SSL_SESSION_TICKETS
#define MBEDTLS_SSL_TICKET_C
/*
 * Heap a session: 21 to 24 KB instead of 33 to 36. A smaller input buffer,
 * or variable ones, drop peers that send full records.
 */
#define MBEDTLS_SSL_IN_CONTENT_LEN 16384
#define MBEDTLS_SSL_OUT_CONTENT_LEN 4096
/* off: DTLS, ALPN, renegotiation, fragment length, cache, serialization,
 * early data, PSK by itself, static RSA and DH exchanges */

/* ciphers */
#define MBEDTLS_CIPHER_C
#define MBEDTLS_AES_C
#define MBEDTLS_AES_ROM_TABLES		/* tables in flash, not in 8 KB of RAM */
#define MBEDTLS_AES_FEWER_TABLES	/* one, rotated, for four: 5,956 saved */
#define MBEDTLS_GCM_C
/* 5,728 both: peers on Windows 2012 R2 have ECDHE_RSA with CBC alone */
#define MBEDTLS_CIPHER_MODE_CBC
#define MBEDTLS_SSL_ENCRYPT_THEN_MAC
/* 5,792: faster than AES where no instruction helps, and of constant time */
#define MBEDTLS_CHACHA20_C
#define MBEDTLS_POLY1305_C
#define MBEDTLS_CHACHAPOLY_C
#ifdef __x86_64__
#define MBEDTLS_AESNI_C
#endif

/* hashes; TLS needs these and no SHA-1 or MD5 */
#define MBEDTLS_MD_C
#define MBEDTLS_SHA256_C
#define MBEDTLS_SHA384_C
#define MBEDTLS_SHA512_C
#define MBEDTLS_SHA256_SMALLER		/* loops not unrolled: */
#define MBEDTLS_SHA512_SMALLER		/* 4,468 saved by both */
#define MBEDTLS_HKDF_C			/* 1.3 */

/* keys: RSA for the certificates of others, to 4096 bits */
#define MBEDTLS_BIGNUM_C
#define MBEDTLS_MPI_MAX_SIZE 512
#define MBEDTLS_ECP_C
#define MBEDTLS_ECDH_C
#define MBEDTLS_ECDSA_C
#define MBEDTLS_ECP_DP_SECP256R1_ENABLED
#define MBEDTLS_ECP_DP_SECP384R1_ENABLED	/* 2,272; some CAs */
#define MBEDTLS_ECP_DP_CURVE25519_ENABLED	/* 3,808; most offer it first */
#define MBEDTLS_ECP_NIST_OPTIM			/* 2,704; 4 to 8 times as fast */
/* a small window and no tables of the base point: 6,404 saved, and heap */
#define MBEDTLS_ECP_WINDOW_SIZE 2
#define MBEDTLS_ECP_FIXED_POINT_OPTIM 0
#define MBEDTLS_RSA_C
#define MBEDTLS_PKCS1_V15
#define MBEDTLS_PKCS1_V21			/* 1.3 signs so with RSA keys */
#define MBEDTLS_PK_C
#define MBEDTLS_PK_PARSE_C
#define MBEDTLS_PK_WRITE_C			/* our key, at first start */

/* certificates */
#define MBEDTLS_ASN1_PARSE_C
#define MBEDTLS_ASN1_WRITE_C
#define MBEDTLS_BASE64_C
#define MBEDTLS_PEM_PARSE_C
#define MBEDTLS_PEM_WRITE_C
#define MBEDTLS_OID_C
#define MBEDTLS_X509_USE_C
#define MBEDTLS_X509_CRT_PARSE_C
#define MBEDTLS_X509_CREATE_C
#define MBEDTLS_X509_CRT_WRITE_C		/* our certificate, at first start */
#define MBEDTLS_X509_RSASSA_PSS_SUPPORT		/* 1,472; certificates signed so */
#define MBEDTLS_X509_REMOVE_INFO		/* 2,308 saved */

/* PSA, which 1.3 is written with. Not USE_PSA_CRYPTO: 17,812 more. */
#define MBEDTLS_PSA_CRYPTO_C
/* mbedtls_random.c instead of a generator: no state to seed and keep */
#define MBEDTLS_PSA_CRYPTO_EXTERNAL_RNG
/* else 32 keys in all, and the 33rd handshake at a time fails */
#define MBEDTLS_PSA_KEY_STORE_DYNAMIC
