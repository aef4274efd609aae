#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "common/client_role.h"
#include "common/error.h"

/*
 * Files of CURVE keys. Keys are Z85 text of 40 characters, as ZeroMQ takes them. A line that begins
 * with # is a remark.
 *
 * A key pair, as `merlinctl keygen` writes it, only its owner may read:
 *     public KEY
 *     secret KEY
 * The clients of a merlind, a line each; roles are viewer, operator and expert:
 *     NAME ROLE PUBLIC-KEY
 */
#define KEY_TEXT_SIZE 41
#define KEY_CLIENT_NAME_SIZE 64

struct key_pair {
    char public_key[KEY_TEXT_SIZE];
    char secret_key[KEY_TEXT_SIZE];
};

bool key_is_text(const char *text);

/* The public key of such a file, which may lack the secret one and be for everybody. */
int key_public_read(char key[KEY_TEXT_SIZE], const char *path, struct error *error);

/* -EPERM: others than its owner may read it. */
int key_pair_read(struct key_pair *pair, const char *path, struct error *error);

struct key_client {
    char name[KEY_CLIENT_NAME_SIZE];
    enum client_role role;
    char public_key[KEY_TEXT_SIZE];
};

struct key_clients {
    size_t n;
    struct key_client *clients; /* owned */
};

/* A negative errno with FILE:LINE and a sentence: nothing is there to finish. */
int key_clients_read(struct key_clients *clients, const char *path, struct error *error);
void key_clients_finish(struct key_clients *clients);

/* NULL: it is none of them. */
const struct key_client *key_clients_find(const struct key_clients *clients,
                                          const char *public_key);
