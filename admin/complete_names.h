/* complete_names.h: names in the store that begin so, for complete.c. */
#ifndef ADMIN_COMPLETE_NAMES_H
#define ADMIN_COMPLETE_NAMES_H

enum names { NAMES_ACCOUNTS, NAMES_DOMAINS, NAMES_CUSTOMERS, NAMES_ORDERS };

/* Called for each; description may be "". */
typedef void names_fn(void *arg, const char *name, const char *description);

/* At most some hundreds, straight from the key: as quick in a store of a million accounts. */
void complete_names(const char *config, enum names names, const char *prefix, names_fn *take, void *arg);

#endif
