/* doctor.h: what the checks of `tollgate doctor` share. A check looks at one thing and says what it found; where it
 * says nothing, its row's sentence holds. The table is in cmd_doctor.c. */
#ifndef ADMIN_DOCTOR_H
#define ADMIN_DOCTOR_H

#include "admin/command.h"
#include "admin/postconf.h"

struct doctor {
    const struct tg_settings *settings;
    const char *postconf;     /* the command */
    struct postfix *postfix;  /* NULL: not asked, or no answer */
    struct tg_store *store;   /* NULL: not open */
    int64_t now;
    const char *check;        /* the one that runs */
    json_t *checks;
    size_t errors;
};

/* What is wrong, one sentence; then, if there is a line that mends it, that. A finding that is there already is not
 * told again. */
void doctor_error(struct doctor *doctor, const char *format, ...) TG_PRINTF(2, 3);
void doctor_warn(struct doctor *doctor, const char *format, ...) TG_PRINTF(2, 3);
/* Said in place of the row's sentence, where nothing is wrong. */
void doctor_ok(struct doctor *doctor, const char *format, ...) TG_PRINTF(2, 3);
void doctor_remedy(struct doctor *doctor, const char *format, ...) TG_PRINTF(2, 3);

/* ---- the checks ---- */
void doctor_configuration(struct doctor *doctor);
void doctor_ask_postfix(struct doctor *doctor);
void doctor_sockets(struct doctor *doctor);
void doctor_auth_door(struct doctor *doctor);
void doctor_policy_door(struct doctor *doctor);
void doctor_socketmap_door(struct doctor *doctor);
void doctor_dict_door(struct doctor *doctor);
void doctor_saslauthd_door(struct doctor *doctor);
void doctor_milter_door(struct doctor *doctor);
void doctor_http_doors(struct doctor *doctor);
void doctor_version(struct doctor *doctor);
void doctor_milters(struct doctor *doctor);
void doctor_milter_action(struct doctor *doctor);
void doctor_sasl(struct doctor *doctor);
void doctor_relay(struct doctor *doctor);
void doctor_order(struct doctor *doctor);
void doctor_chroot(struct doctor *doctor);
void doctor_return_path(struct doctor *doctor);
void doctor_message_settings(struct doctor *doctor);
void doctor_store_files(struct doctor *doctor);
void doctor_store(struct doctor *doctor);
void doctor_clock(struct doctor *doctor);

/* ---- for the checks of Postfix ---- */

/* for: every service that is this program. */
#define DOCTOR_EACH(doctor, program, s) \
    (const struct postfix_service *s = postfix_next((doctor)->postfix, program, NULL); s != NULL; \
     s = postfix_next((doctor)->postfix, program, s))

/* Is it one of these listen addresses? Also where Postfix is in a chroot and means a path below its queue. */
bool doctor_is_ours(const struct doctor *doctor, const struct tg_list *addresses, const char *postfix_address);
/* A session of this service can bring delivery reports and nothing else. */
bool doctor_is_return_path(const struct doctor *doctor, const struct postfix_service *service);
/* ", in the service X of master.cf" where -o sets it, else "". */
const char *doctor_where(const struct doctor *doctor, const struct postfix_service *service, const char *name, char buf[200]);

/* ---- for the checks of doors ---- */

enum doctor_reply { REPLY_MORE, REPLY_RIGHT, REPLY_WRONG };
typedef enum doctor_reply doctor_judge_fn(const struct tg_settings *settings, const char *reply, size_t len);

/* Asks at every address of the list, and says what is wrong with the answer. `program` is who should answer. Returns
 * how many answered rightly. */
size_t doctor_question(struct doctor *doctor, const struct tg_list *addresses, const char *program, const void *request,
                       size_t len, doctor_judge_fn *judge);
/* Connects, sends, and reads until the judge has seen enough or the time is over. TG_NOT_FOUND: nobody answers;
 * TG_REFUSED: we may not. *reply ends with a NUL behind *reply_len octets; to be freed. */
enum tg_code doctor_exchange(const struct tg_settings *settings, const char *address, const void *request, size_t len,
                             doctor_judge_fn *judge, enum doctor_reply *judged, char **reply, size_t *reply_len,
                             struct tg_error *err) TG_MUST_CHECK;

#endif
