/* callbacks_mta.c: see callbacks_mta.h. */
#include "tests/fuzz/callbacks_mta.h"

static const char *const macro_names[MACROS] = { "{daemon_name}", "{auth_authen}", "i" };
struct smfiDesc mta_callbacks;

int smfi_register(struct smfiDesc desc)
{
    mta_callbacks = desc;
    return MI_SUCCESS;
}

int smfi_setpriv(SMFICTX *ctx, void *priv)
{
    ctx->priv = priv;
    return MI_SUCCESS;
}

void *smfi_getpriv(SMFICTX *ctx)
{
    return ctx->priv;
}

char *smfi_getsymval(SMFICTX *ctx, char *name)
{
    for (int i = 0; i < MACROS; i++)
        if (strcmp(name, macro_names[i]) == 0)
            return ctx->has_macro[i] ? ctx->macro[i] : NULL;
    MUST(!"a macro that is asked for");
    return NULL;
}

int smfi_setsymlist(SMFICTX *ctx, int where, char *list)
{
    (void)ctx;
    MUST(where >= SMFIM_FIRST && where <= SMFIM_LAST && *list != '\0');
    return MI_SUCCESS;
}

static void one_line(const char *text)
{
    for (; *text != '\0'; text++)
        MUST(*text >= ' ' && *text < 0x7f && *text != '%');
}

int smfi_setreply(SMFICTX *ctx, char *code, char *enhanced, char *text)
{
    MUST(strlen(code) == 3 && (code[0] == '4' || code[0] == '5'));
    MUST(enhanced[0] == code[0] && enhanced[1] == '.' && strlen(enhanced) >= 5 && strlen(enhanced) <= 7);
    MUST(strlen(text) > 10 && strlen(text) < 480);
    one_line(text);
    ctx->replied = true;
    snprintf(ctx->code, sizeof ctx->code, "%s", code);
    return MI_SUCCESS;
}

/* A change of the message: at its end only, and nothing in it that ends a line. */
static int change(SMFICTX *ctx, const char *text)
{
    MUST(ctx->at_end);
    MUST(text == NULL || strpbrk(text, "\r\n") == NULL);
    return ctx->changes_fail ? MI_FAILURE : MI_SUCCESS;
}

int smfi_chgfrom(SMFICTX *ctx, char *mail, char *args)
{
    MUST(args == NULL && mail[0] == '<' && mail[strlen(mail) - 1] == '>');
    return change(ctx, mail);
}

int smfi_addheader(SMFICTX *ctx, char *name, char *value)
{
    MUST(strcmp(name, "X-Tollgate-Trace") == 0);
    ctx->traces++;
    return change(ctx, value);
}

int smfi_chgheader(SMFICTX *ctx, char *name, int index, char *value)
{
    MUST(strcmp(name, "X-Tollgate-Trace") == 0 && index >= 1 && value == NULL);
    return change(ctx, NULL);
}

int smfi_addrcpt(SMFICTX *ctx, char *recipient)
{
    ctx->added++;
    return change(ctx, recipient);
}

int smfi_delrcpt(SMFICTX *ctx, char *recipient)
{
    ctx->deleted++;
    return change(ctx, recipient);
}
