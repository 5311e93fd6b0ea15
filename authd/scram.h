/* scram.h: the messages of SCRAM-SHA-256 (RFC 5802, 7677), server's side, without channel binding. Pure: who
 * the user is and whether the proof fits is asked elsewhere (schema/credential.h). */
#ifndef AUTHD_SCRAM_H
#define AUTHD_SCRAM_H

#include "schema/credential.h"

enum {
    SCRAM_MESSAGE_MAX = 1024,  /* either message of the client */
    SCRAM_NAME_MAX = 255,
    SCRAM_NONCE_MAX = 256,     /* the client's half */
    SCRAM_SERVER_NONCE_LEN = 24,
};

struct scram {
    char username[SCRAM_NAME_MAX + 1]; /* decoded */
    char authzid[SCRAM_NAME_MAX + 1];  /* "" where none */
    char gs2_header[SCRAM_NAME_MAX * 3 + 8]; /* as it came; c= must repeat it */
    char nonce[SCRAM_NONCE_MAX + SCRAM_SERVER_NONCE_LEN + 1]; /* both halves */
    char client_first_bare[SCRAM_MESSAGE_MAX + 1];
    char server_first[SCRAM_MESSAGE_MAX];
    char auth_message[3 * SCRAM_MESSAGE_MAX + 3];
};

/* client-first-message. TG_REFUSED: malformed, channel binding asked for, a mandatory extension, a name that
 * is not UTF-8 without controls or too long. */
enum tg_code scram_client_first(struct scram *scram, struct tg_span message, struct tg_error *err) TG_MUST_CHECK;

/* Makes server_first, with the server's half of the nonce (printable, no comma). */
void scram_server_first(struct scram *scram, const char server_nonce[SCRAM_SERVER_NONCE_LEN + 1],
                        const uint8_t salt[TG_SALT_LEN], uint32_t iterations);

/* client-final-message: makes auth_message and gives the proof. TG_REFUSED: malformed, another nonce, another
 * GS2 header. */
enum tg_code scram_client_final(struct scram *scram, struct tg_span message, uint8_t proof[TG_SCRAM_KEY_LEN],
                                struct tg_error *err) TG_MUST_CHECK;

/* "v=" and the server's signature. */
enum { SCRAM_SERVER_FINAL_SIZE = 2 + 44 + 1 };
void scram_server_final(const uint8_t signature[TG_SCRAM_KEY_LEN], char out[SCRAM_SERVER_FINAL_SIZE]);

#endif
