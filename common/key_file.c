#include "common/key_file.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define LINE_SIZE 256
#define CLIENTS_MAX 1024

/* The letters of Z85 (RFC 32 of ZeroMQ). */
bool key_is_text(const char *text)
{
    static const char letters[] = "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
                                  ".-:+=^!/*?&<>()[]{}@%$#";
    return strlen(text) == KEY_TEXT_SIZE - 1 && strspn(text, letters) == KEY_TEXT_SIZE - 1;
}

static bool is_remark(const char *line)
{
    return line[0] == '#' || line[strspn(line, " \t\r\n")] == '\0';
}

static int open_file(FILE **file, const char *path, struct error *error)
{
    *file = fopen(path, "re");
    return *file ? 0 : error_set(error, -errno, "%s: %s", path, strerror(errno));
}

/* ---- a pair ---- */

static int check_owner(FILE *file, const char *path, struct error *error)
{
    struct stat status;
    if (fstat(fileno(file), &status) != 0)
        return error_set(error, -errno, "%s: %s", path, strerror(errno));
    if (status.st_mode & (S_IRWXG | S_IRWXO))
        return error_set(error, -EPERM,
                         "%s: others than its owner may read this secret key: chmod 600 it", path);
    return 0;
}

static void take_pair_line(struct key_pair *pair, const char *line)
{
    char word[16], key[KEY_TEXT_SIZE + 1];
    if (is_remark(line) || sscanf(line, "%15s %41s", word, key) != 2 || !key_is_text(key))
        return;
    if (strcmp(word, "public") == 0)
        memcpy(pair->public_key, key, sizeof pair->public_key);
    else if (strcmp(word, "secret") == 0)
        memcpy(pair->secret_key, key, sizeof pair->secret_key);
}

int key_public_read(char key[KEY_TEXT_SIZE], const char *path, struct error *error)
{
    FILE *file;
    char line[LINE_SIZE];
    struct key_pair pair = {0};
    const int r = open_file(&file, path, error);
    if (r < 0)
        return r;
    while (fgets(line, sizeof line, file))
        take_pair_line(&pair, line);
    fclose(file);
    if (!*pair.public_key)
        return error_set(error, -EINVAL, "%s: no key, and no line \"public KEY\"", path);
    memcpy(key, pair.public_key, KEY_TEXT_SIZE);
    return 0;
}

int key_pair_read(struct key_pair *pair, const char *path, struct error *error)
{
    FILE *file;
    char line[LINE_SIZE];
    int r = open_file(&file, path, error);
    if (r < 0)
        return r;
    *pair = (struct key_pair){0};
    r = check_owner(file, path, error);
    while (r == 0 && fgets(line, sizeof line, file))
        take_pair_line(pair, line);
    if (r == 0 && (!*pair->public_key || !*pair->secret_key))
        r = error_set(error, -EINVAL,
                      "%s: no lines \"public KEY\" and \"secret KEY\", as merlinctl keygen writes "
                      "them",
                      path);
    fclose(file);
    return r;
}

/* ---- the clients ---- */

/* A slash would end the role in the user id. */
static bool take_client_line(struct key_client *client, const char *line)
{
    char role[16], key[KEY_TEXT_SIZE + 1], more[2];
    if (sscanf(line, "%63s %15s %41s %1s", client->name, role, key, more) != 3 ||
        !key_is_text(key) || !client_role_from_name(role, &client->role) ||
        strchr(client->name, '/'))
        return false;
    memcpy(client->public_key, key, sizeof client->public_key);
    return true;
}

static int read_clients(struct key_clients *clients, FILE *file, const char *path,
                        struct error *error)
{
    char line[LINE_SIZE];
    for (unsigned number = 1; fgets(line, sizeof line, file); number++) {
        if (is_remark(line))
            continue;
        if (clients->n == CLIENTS_MAX)
            return error_set(error, -E2BIG, "%s: more than %d clients", path, CLIENTS_MAX);
        if (!take_client_line(&clients->clients[clients->n], line))
            return error_set(error, -EINVAL,
                             "%s:%u: not NAME ROLE KEY: a name without / or spaces, viewer, "
                             "operator or expert, and a public key",
                             path, number);
        clients->n++;
    }
    return 0;
}

int key_clients_read(struct key_clients *clients, const char *path, struct error *error)
{
    FILE *file;
    int r = open_file(&file, path, error);
    if (r < 0)
        return r;
    *clients = (struct key_clients){.clients = calloc(CLIENTS_MAX, sizeof *clients->clients)};
    r = clients->clients ? read_clients(clients, file, path, error)
                         : error_set(error, -ENOMEM, "no memory for the keys");
    if (r < 0)
        key_clients_finish(clients);
    fclose(file);
    return r;
}

void key_clients_finish(struct key_clients *clients)
{
    free(clients->clients);
    *clients = (struct key_clients){0};
}

const struct key_client *key_clients_find(const struct key_clients *clients, const char *public_key)
{
    for (size_t i = 0; i < clients->n; i++) {
        if (strcmp(clients->clients[i].public_key, public_key) == 0)
            return &clients->clients[i];
    }
    return NULL;
}
