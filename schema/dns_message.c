/* dns_message.c: see dns_message.h. RFC 1035 4. Names are expanded by c-ares, which bounds their
 * pointers. */
#include <ares.h>
#include <arpa/inet.h>
#include <string.h>
#include <strings.h>
#include "schema/dns_message.h"

enum { HEADER = 12, CLASS_IN = 1, TYPE_CNAME = 5, RECORDS_READ = 256 };

struct reader {
    const uint8_t *message;
    size_t len, at;
    struct tg_arena *arena;
};

struct record {
    const char *owner;
    unsigned type, class;
    size_t data, len; /* where its data stands in the message */
};

static bool take16(struct reader *r, unsigned *value)
{
    if (r->len - r->at < 2)
        return false;
    *value = (unsigned)(r->message[r->at] << 8 | r->message[r->at + 1]);
    r->at += 2;
    return true;
}

static bool take_name(struct reader *r, const char **name)
{
    char *expanded;
    long used;
    if (r->at >= r->len || ares_expand_name(r->message + r->at, r->message, (int)r->len, &expanded,
                                            &used) != ARES_SUCCESS)
        return false;
    *name = tg_arena_strdup(r->arena, expanded);
    ares_free_string(expanded);
    r->at += (size_t)used;
    return r->at <= r->len;
}

static bool take_record(struct reader *r, struct record *record)
{
    unsigned ttl, len;
    if (!take_name(r, &record->owner) || !take16(r, &record->type) || !take16(r, &record->class) ||
        !take16(r, &ttl) || !take16(r, &ttl) || !take16(r, &len) || r->len - r->at < len)
        return false;
    record->data = r->at;
    record->len = len;
    r->at += len;
    return true;
}

/* ---- a record's data as text ---- */

static char *txt(const struct reader *r, const struct record *record)
{
    const uint8_t *at = r->message + record->data, *stop = at + record->len;
    char *text = tg_arena_alloc(r->arena, record->len + 1);
    size_t len = 0;
    while (at < stop) {
        size_t part = *at++;
        if (part > (size_t)(stop - at))
            return NULL;
        for (; part > 0; part--, at++)
            if (len < TG_DNS_TEXT)
                text[len++] = *at >= ' ' && *at <= '~' ? (char)*at : '?';
    }
    text[len] = '\0';
    return text;
}

static char *mx(const struct reader *r, const struct record *record)
{
    struct reader inside = *r;
    unsigned preference;
    const char *host;
    inside.at = record->data;
    if (record->len < 3 || !take16(&inside, &preference) || !take_name(&inside, &host))
        return NULL;
    return tg_arena_printf(r->arena, "%u %s", preference, *host != '\0' ? host : ".");
}

static char *address(const struct reader *r, const struct record *record, int family, size_t size)
{
    char text[INET6_ADDRSTRLEN];
    if (record->len != size ||
        inet_ntop(family, r->message + record->data, text, sizeof text) == NULL)
        return NULL;
    return tg_arena_strdup(r->arena, text);
}

static char *text_of(const struct reader *r, const struct record *record, enum tg_dns_type type)
{
    switch (type) {
    case TG_DNS_TXT:
        return txt(r, record);
    case TG_DNS_MX:
        return mx(r, record);
    case TG_DNS_A:
        return address(r, record, AF_INET, 4);
    case TG_DNS_AAAA:
        return address(r, record, AF_INET6, 16);
    }
    return NULL;
}

/* ---- the answer section ---- */

/* Where `name`'s aliases lead to, in whatever order they stand; NULL: too far. */
static const char *follow(struct reader *r, const struct record *records, size_t count,
                          const char *name)
{
    for (int hops = 0; hops <= TG_DNS_ALIASES; hops++) {
        const char *target = NULL;
        for (size_t i = 0; i < count && target == NULL; i++)
            if (records[i].type == TYPE_CNAME && strcasecmp(records[i].owner, name) == 0) {
                r->at = records[i].data;
                if (!take_name(r, &target))
                    return NULL;
            }
        if (target == NULL)
            return name;
        name = target;
    }
    return NULL;
}

bool tg_dns_read(const uint8_t *message, size_t len, const char *name, enum tg_dns_type type,
                 struct tg_arena *arena, struct tg_dns_records *out, const char **end)
{
    struct reader r = {message, len, 4, arena};
    struct record records[RECORDS_READ];
    unsigned questions, answers, ignored;
    const char *asked;
    size_t count = 0;
    *end = NULL;
    out->count = 0;
    if (len < HEADER || !take16(&r, &questions) || !take16(&r, &answers))
        return false;
    r.at = HEADER;
    for (; questions > 0; questions--)
        if (!take_name(&r, &asked) || !take16(&r, &ignored) || !take16(&r, &ignored))
            return false;
    for (; answers > 0 && count < RECORDS_READ; answers--) {
        if (!take_record(&r, &records[count]))
            return false;
        count += records[count].class == CLASS_IN;
    }
    *end = follow(&r, records, count, name);
    for (size_t i = 0; *end != NULL && i < count && out->count < TG_DNS_RECORDS; i++) {
        if (records[i].type != (unsigned)type || strcasecmp(records[i].owner, *end) != 0)
            continue;
        if ((out->text[out->count] = text_of(&r, &records[i], type)) == NULL)
            return false;
        out->count++;
    }
    return true;
}
