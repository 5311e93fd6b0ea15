/* domain_view.h: how a domain looks: its state, what to publish, what the DNS has. */
#ifndef ADMIN_DOMAIN_VIEW_H
#define ADMIN_DOMAIN_VIEW_H

#include <jansson.h>
#include "admin/terminal.h"

/* With and without "dns". */
void domain_render(const struct terminal *terminal, const json_t *domain);
/* One line: what it is now. */
void domain_render_status(const struct terminal *terminal, const json_t *domain);

#endif
