#include <stdbool.h>
#include <string.h>

#include "common/log.h"
#include "daemon/control/commands.h"

/* lease: one client holds control, the others watch. */

enum lease_action { LEASE_TELL, LEASE_TAKE, LEASE_RENEW, LEASE_RELEASE };

struct lease_request {
    enum lease_action action;
    const char *name; /* NULL: none given */
    bool force;
};

static bool take_action(struct request *request, const json_t *args, struct lease_request *asked)
{
    static const char *const words[] = {"tell", "take", "renew", "release"};
    const json_t *const given = json_object_get(args, "action");
    const char *const word = given ? json_string_value(given) : "tell";
    for (unsigned i = 0; word && i < sizeof words / sizeof *words; i++) {
        if (strcmp(word, words[i]) == 0) {
            asked->action = (enum lease_action)i;
            return true;
        }
    }
    request_fail(request, "bad_value", "args.action",
                 "action must be \"take\", \"renew\", \"release\" or \"tell\"");
    return false;
}

static bool take_rest(struct request *request, const json_t *args, struct lease_request *asked)
{
    const json_t *const name = json_object_get(args, "name");
    const json_t *const force = json_object_get(args, "force");
    asked->name = json_string_value(name);
    asked->force = json_is_true(force);
    if (name && (!asked->name || !*asked->name || strlen(asked->name) >= CALLER_NAME_SIZE))
        request_fail(request, "bad_value", "args.name",
                     "name must be a text of 1 to %d bytes that tells the others who holds control",
                     CALLER_NAME_SIZE - 1);
    else if (force && !json_is_boolean(force))
        request_fail(request, "bad_value", "args.force", "force must be true or false");
    else
        return true;
    return false;
}

static void answer(const struct control_service *service, struct request *request, bool with_token)
{
    const struct lease *const lease = service->lease;
    const struct lease_claim claim = request_lease_claim(request);
    json_t *const result = json_pack("{s:o, s:b}", "lease", lease_json(lease), "mine",
                                     with_token || lease_is_holder(lease, &claim));
    if (result && with_token)
        json_object_set_new(result, "token", json_string(lease->token));
    request_succeed(request, result, NULL, 0);
}

/* Whether the lease may be taken although somebody else holds it. */
static bool may_take(const struct control_service *service, struct request *request,
                     const struct lease_request *asked)
{
    const struct lease *const lease = service->lease;
    const struct caller *const caller = request_caller(request);
    const struct lease_claim claim = request_lease_claim(request);
    if (caller->role < ROLE_OPERATOR)
        request_fail(request, "forbidden", "args.action",
                     "control is for operators, and %s is a viewer", caller->name);
    else if (!lease_is_held(lease) || lease_is_holder(lease, &claim) ||
             (asked->force && caller->local))
        return true;
    else
        request_fail(request, "lease", asked->force ? "args.force" : NULL,
                     "%s holds control, for %.0f s more without a word from there: wait, have it "
                     "released, or take it over with force%s",
                     lease->name, lease_seconds_left(lease),
                     asked->force ? ", which only merlind's own computer can" : "");
    return false;
}

static void take(const struct control_service *service, struct request *request,
                 const struct lease_request *asked)
{
    struct lease *const lease = service->lease;
    const struct lease_claim claim = request_lease_claim(request);
    if (!may_take(service, request, asked))
        return;
    const bool was_held = lease_is_held(lease), mine = lease_is_holder(lease, &claim);
    char before[CALLER_NAME_SIZE];
    memcpy(before, lease->name, sizeof before);
    if (lease_take(lease, &claim, request_caller(request), asked->name) < 0) {
        request_fail(request, "internal", NULL, "the system gives no random numbers for a token");
        return;
    }
    if (!mine)
        log_notice("control", "%s (%s) has taken control%s%s", lease->name,
                   request_caller(request)->name, was_held ? " over from " : "",
                   was_held ? before : "");
    answer(service, request, true);
    service->status_changed(service->data);
}

/* The control socket has renewed it already, as with every request of the holder. */
static void renew_or_release(const struct control_service *service, struct request *request,
                             enum lease_action action)
{
    struct lease *const lease = service->lease;
    const struct lease_claim claim = request_lease_claim(request);
    if (!lease_is_holder(lease, &claim)) {
        if (action == LEASE_RELEASE && !lease_is_held(lease))
            answer(service, request, false);
        else
            request_fail(request, "lease", NULL,
                         "this client does not hold control (any more): take it");
        return;
    }
    if (action == LEASE_RELEASE) {
        log_notice("control", "%s has released control", lease->name);
        lease_release(lease);
    }
    answer(service, request, false);
    if (action == LEASE_RELEASE)
        service->status_changed(service->data);
}

void command_lease(const struct control_service *service, struct request *request, json_t *args)
{
    struct lease_request asked = {.action = LEASE_TELL};
    if (!take_action(request, args, &asked) || !take_rest(request, args, &asked))
        return;
    if (asked.action == LEASE_TAKE)
        take(service, request, &asked);
    else if (asked.action == LEASE_TELL)
        answer(service, request, false);
    else
        renew_or_release(service, request, asked.action);
}
