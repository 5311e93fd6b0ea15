/* doors.c: see doors.h. */
#include <stddef.h>
#include <string.h>
#include "authd/doors.h"

struct row {
    const char *option;
    size_t list;             /* where struct tg_settings has it */
    const struct door *door;
};

#define ROW(option, door) { #option, offsetof(struct tg_settings, option), door }
static const struct row rows[] = {
    ROW(auth_listen, &door_dovecot),
    ROW(policy_listen, &door_policy),
    ROW(saslauthd_listen, &door_saslauthd),
    ROW(dict_listen, &door_dict),
    ROW(socketmap_listen, &door_socketmap),
    ROW(http_listen, &door_http),
};
#undef ROW
enum { ROWS = sizeof rows / sizeof *rows };

static const struct tg_list *list_of(const struct tg_settings *settings, const struct row *row)
{
    return (const struct tg_list *)(const void *)((const char *)settings + row->list);
}

enum tg_code doors_bind(const struct tg_settings *settings, struct listeners *listeners, struct tg_error *err)
{
    for (size_t i = 0; i < ROWS; i++) {
        const struct tg_list *list = list_of(settings, &rows[i]);
        for (size_t k = 0; k < list->count; k++) {
            enum tg_code code = listeners_bind(listeners, rows[i].door, list->item[k], settings, err);
            if (code != TG_OK)
                return code;
        }
    }
    if (listeners_count(listeners) == 0)
        return tg_fail(err, TG_UNUSABLE, "%s: nothing to do: all its listen options are empty", settings->path);
    return TG_OK;
}

static bool same_list(const struct tg_list *a, const struct tg_list *b)
{
    if (a->count != b->count)
        return false;
    for (size_t i = 0; i < a->count; i++)
        if (strcmp(a->item[i], b->item[i]) != 0)
            return false;
    return true;
}

const char *doors_restart_needed(const struct tg_settings *old, const struct tg_settings *wanted)
{
    for (size_t i = 0; i < ROWS; i++)
        if (!same_list(list_of(old, &rows[i]), list_of(wanted, &rows[i])))
            return rows[i].option;
    if (strcmp(old->store, wanted->store) != 0)
        return "store";
    if (strcmp(old->user, wanted->user) != 0)
        return "user";
    if (strcmp(old->socket_group, wanted->socket_group) != 0)
        return "socket_group";
    if (old->socket_mode_bits != wanted->socket_mode_bits)
        return "socket_mode";
    if (old->seccomp != wanted->seccomp)
        return "seccomp";
    return old->sync != wanted->sync ? "sync" : NULL;
}
