/* noop_milter.c: a libmilter filter with Tollgate's callbacks that does nothing in them: what libmilter itself costs.
 *   noop_milter SOCKET [all]     all: answers every step; else it negotiates the same steps as tollgate-milter */
#include <libmilter/mfapi.h>
#include <stdio.h>
#include <string.h>

static int answer_all;

static sfsistat on_negotiate(SMFICTX *ctx, unsigned long actions, unsigned long steps, unsigned long f2, unsigned long f3,
                             unsigned long *my_actions, unsigned long *my_steps, unsigned long *my_f2, unsigned long *my_f3)
{
    (void)ctx;
    (void)f2;
    (void)f3;
    *my_actions = actions & (SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS);
    *my_steps = answer_all ? 0 : steps & (SMFIP_NOHELO | SMFIP_NOUNKNOWN | SMFIP_NODATA | SMFIP_NR_CONN | SMFIP_NR_HDR |
                                          SMFIP_HDR_LEADSPC | SMFIP_SKIP);
    *my_f2 = *my_f3 = 0;
    return SMFIS_CONTINUE;
}

static sfsistat on_connect(SMFICTX *ctx, char *host, _SOCK_ADDR *address)
{
    (void)ctx, (void)host, (void)address;
    return answer_all ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat on_words(SMFICTX *ctx, char **argv)
{
    (void)ctx, (void)argv;
    return SMFIS_CONTINUE;
}

static sfsistat on_header(SMFICTX *ctx, char *name, char *value)
{
    (void)ctx, (void)name, (void)value;
    return answer_all ? SMFIS_CONTINUE : SMFIS_NOREPLY;
}

static sfsistat on_body(SMFICTX *ctx, unsigned char *bytes, size_t len)
{
    (void)ctx, (void)bytes, (void)len;
    return answer_all ? SMFIS_CONTINUE : SMFIS_SKIP;
}

static sfsistat on_step(SMFICTX *ctx)
{
    (void)ctx;
    return SMFIS_CONTINUE;
}

/* The only thing that shows outside: the header that Tollgate adds too. */
static sfsistat on_end(SMFICTX *ctx)
{
    smfi_chgfrom(ctx, (char *)"caaq3sr4mkqzausbiojwdrrujkvkyy5lh6z3cds74ezyq@bounces.test", NULL);
    smfi_addheader(ctx, (char *)"X-Tollgate-Trace", (char *)"cea7wzdb5jgxopwjnhqvezymeyrfwt7zbos4mjv765so4");
    return SMFIS_CONTINUE;
}

int main(int argc, char **argv)
{
    struct smfiDesc table = {
        .xxfi_name = (char *)"noop", .xxfi_version = SMFI_VERSION,
        .xxfi_flags = SMFIF_CHGFROM | SMFIF_ADDRCPT | SMFIF_DELRCPT | SMFIF_ADDHDRS | SMFIF_CHGHDRS,
        .xxfi_connect = on_connect, .xxfi_envfrom = on_words, .xxfi_envrcpt = on_words, .xxfi_header = on_header,
        .xxfi_eoh = on_step, .xxfi_body = on_body, .xxfi_eom = on_end, .xxfi_abort = on_step, .xxfi_close = on_step,
        .xxfi_negotiate = on_negotiate,
    };
    if (argc < 2) {
        fprintf(stderr, "usage: noop_milter unix:PATH|inet:PORT@HOST [all]\n");
        return 2;
    }
    answer_all = argc > 2 && strcmp(argv[2], "all") == 0;
    smfi_setbacklog(512);
    if (smfi_register(table) != MI_SUCCESS || smfi_setconn(argv[1]) != MI_SUCCESS || smfi_opensocket(1) != MI_SUCCESS)
        return 1;
    return smfi_main() == MI_SUCCESS ? 0 : 1;
}
