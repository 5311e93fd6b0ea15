/* privilege.h: who a program runs as. */
#ifndef TG_PRIVILEGE_H
#define TG_PRIVILEGE_H

#include "schema/error.h"

/* A daemon started as root becomes `user` for good (groups too); "" or not root: nothing. TG_UNUSABLE where
 * there is no such user. */
enum tg_code tg_privilege_drop(const char *user, struct tg_error *err) TG_MUST_CHECK;

/* Root's command becomes the owner of the store's directory before it opens it, so that it leaves no file
 * that the daemons can't write. Not root: nothing. A missing directory: nothing (init makes it). */
enum tg_code tg_privilege_store_owner(const char *store_dir, struct tg_error *err) TG_MUST_CHECK;

#endif
