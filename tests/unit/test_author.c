/* The published ways of making two programs read two different authors, each a named case with its reason. The
 * customer owns good.test; evil.test is whom he would like to be. */
#include "tests/unit/test.h"
#include <gmime/gmime.h>
#include <stdio.h>
#include "schema/author.h"

struct fixture {
    struct tg_arena *arena;
    struct tg_authors authors;
    struct tg_error err;
};

static int setup(void **state)
{
    struct fixture *f = tg_xcalloc(1, sizeof *f);
    f->arena = tg_arena_new();
    *state = f;
    return 0;
}

static int teardown(void **state)
{
    struct fixture *f = *state;
    tg_arena_free(&f->arena);
    free(f);
    return 0;
}

static enum tg_code read_span(struct fixture *f, struct tg_span body)
{
    memset(&f->err, 0, sizeof f->err);
    tg_arena_reset(f->arena);
    return tg_authors_read(f->arena, body, false, &f->authors, &f->err);
}

struct refused {
    const char *body, *reason; /* a part of the sentence */
};

static void refuse_each(struct fixture *f, const struct refused *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (read_span(f, tg_span_str(cases[i].body)) != TG_REFUSED)
            fail_msg("read as %s: %s", f->authors.mailbox[0].address, cases[i].body);
        if (strstr(f->err.text, cases[i].reason) == NULL)
            fail_msg("\"%s\" instead of \"%s\": %s", f->err.text, cases[i].reason, cases[i].body);
    }
}
#define REFUSE(...)                                                                       \
    do {                                                                                  \
        const struct refused cases_[] = { __VA_ARGS__ };                                  \
        refuse_each(*state, cases_, sizeof cases_ / sizeof *cases_);                      \
    } while (0)

struct accepted {
    const char *body, *address, *domain; /* of the only mailbox */
};

static void accept_each(struct fixture *f, const struct accepted *cases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (read_span(f, tg_span_str(cases[i].body)) != TG_OK)
            fail_msg("%s: %s", f->err.text, cases[i].body);
        assert_int_equal(f->authors.count, 1);
        assert_string_equal(f->authors.mailbox[0].address, cases[i].address);
        assert_string_equal(f->authors.mailbox[0].domain, cases[i].domain);
    }
}
#define ACCEPT(...)                                                                       \
    do {                                                                                  \
        const struct accepted cases_[] = { __VA_ARGS__ };                                 \
        accept_each(*state, cases_, sizeof cases_ / sizeof *cases_);                      \
    } while (0)

#define A "a@good.test"
#define ACCEPTED_A(body) { body, A, "good.test" }

/* ---- what everybody writes ---- */

static void test_what_everybody_writes_is_read(void **state)
{
    ACCEPT(ACCEPTED_A(" a@good.test"), ACCEPTED_A("a@good.test"), ACCEPTED_A(" <a@good.test>"),
           ACCEPTED_A(" Jo User <a@good.test>"), ACCEPTED_A("\tJo\tUser\t<a@good.test> \t"),
           ACCEPTED_A(" Jo<a@good.test>"), ACCEPTED_A(" \"User, Jo\" <a@good.test>"),
           ACCEPTED_A(" \"Jo\" Q. \"User\" <a@good.test>"), ACCEPTED_A(" John Q. Public <a@good.test>"),
           ACCEPTED_A(" J.R. Hartley <a@good.test>"), ACCEPTED_A(" Jo! <a@good.test>"),
           ACCEPTED_A(" a@good.test (Jo User)"), ACCEPTED_A(" (Jo) a@good.test"), ACCEPTED_A(" \"\" <a@good.test>"),
           { " a.b+c=d@Good.Test", "a.b+c=d@Good.Test", "good.test" });
}

static void test_a_long_list_is_read_whole_and_in_order(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(read_span(f, tg_span_str(" a@good.test, B <b@b.test>,\r\n \"C, D\" <c@c.test> ,\td@d.test")), TG_OK);
    assert_int_equal(f->authors.count, 4);
    assert_string_equal(f->authors.mailbox[1].domain, "b.test");
    assert_string_equal(f->authors.mailbox[2].address, "c@c.test");
    assert_string_equal(f->authors.mailbox[3].address, "d@d.test");
}

static void test_names_of_people_anywhere_are_read(void **state)
{
    ACCEPT(ACCEPTED_A(" J\xc3\xb6rg <a@good.test>"), ACCEPTED_A(" \"\xe5\xb1\xb1\xe7\x94\xb0\" <a@good.test>"),
           ACCEPTED_A(" =?utf-8?Q?J=C3=B6rg?= <a@good.test>"), ACCEPTED_A(" =?UTF-8?B?SsO2cmc=?= User <a@good.test>"),
           ACCEPTED_A(" =?iso-8859-1?q?J=F6rg_Q.?=\n =?iso-8859-1?q?_User?= <a@good.test>"),
           ACCEPTED_A(" =?ISO-2022-JP?B?GyRCOzNFRBsoQg==?= <a@good.test>"),
           ACCEPTED_A(" =?utf-8*de?Q?J=C3=B6rg?= <a@good.test>"),
           /* What many mailers write, though RFC 2047 forbids it in quotes. */
           ACCEPTED_A(" \"=?utf-8?Q?J=C3=B6rg?=\" <a@good.test>"),
           ACCEPTED_A(" =?utf-8?Q?M=C3=BCller=2C_Jo_=28Sales=29?= <a@good.test>"),
           ACCEPTED_A(" \"Jo \\\"Joe\\\" User\" <a@good.test>"), ACCEPTED_A(" \"back\\\\slash\" <a@good.test>"));
}

static void test_a_quoted_display_name_says_what_it_likes(void **state)
{
    ACCEPT(ACCEPTED_A(" \"Jo via shop@evil.test\" <a@good.test>"), ACCEPTED_A(" \"a@evil.test\" <a@good.test>"),
           ACCEPTED_A(" \"x, y; z: (w) [v]\" <a@good.test>"));
}

/* ---- lines ---- */

static void test_folds_are_read_by_all_alike(void **state)
{
    ACCEPT(ACCEPTED_A("\n a@good.test"), ACCEPTED_A(" Jo\r\n User\n\t<a@good.test>"));
    REFUSE({ " a@good.test\n", "white space" },             /* an empty line ends the header for others */
           { " a@good.test\r\n", "white space" },           /* … the same */
           { " a@good.test,\nb@good.test", "white space" }, /* that is a field or a body for others */
           { " Jo\n \n <a@good.test>", "empty" },           /* a line of blanks only ends the header for some */
           { " Jo\r\n\t\r\n <a@good.test>", "empty" },
           { " \n \n a@good.test", "empty" },
           { " a@good.test\n ", "empty" });
}

static void test_a_bare_carriage_return_is_refused(void **state)
{
    /* Some end the line there and see a second field. */
    REFUSE({ " a@good.test\rFrom: a@evil.test", "control" }, { " a@good.test\r", "control" },
           { " a@good.test\r\r\n ,b@good.test", "control" }, { "\r a@good.test", "control" });
}

static void test_nul_and_control_characters_are_refused(void **state)
{
    struct fixture *f = *state;
    static const char nul[] = " a@good.test\0, a@evil.test"; /* C programs end there */
    assert_int_equal(read_span(f, tg_span_of(nul, sizeof nul - 1)), TG_REFUSED);
    assert_non_null(strstr(f->err.text, "NUL"));
    for (int c = 1; c < 256; c++) {
        char body[64];
        if (c == '\t' || c == '\n' || (c >= ' ' && c < 0x7f))
            continue;
        snprintf(body, sizeof body, " \"J%co\" <a@good.test>", c);
        if (read_span(f, tg_span_str(body)) != TG_REFUSED)
            fail_msg("octet %d was accepted", c);
    }
    /* C1 controls and Unicode's own ends of lines: Python's splitlines() and others end a line there. */
    REFUSE({ " \"a\xc2\x85" "From: a@evil.test\" <a@good.test>", "control" },
           { " \"a\xe2\x80\xa8" "From: a@evil.test\" <a@good.test>", "control" },
           { " \"a\xe2\x80\xa9" "From: a@evil.test\" <a@good.test>", "control" },
           { " a\xc2\x9f@good.test", "control" });
}

static void test_an_over_long_line_is_refused(void **state)
{
    struct fixture *f = *state;
    char body[4000];
    /* RFC 5322 2.1.1: 998; who cuts there sees another rest. */
    for (int len = 990; len < 1010; len++) {
        snprintf(body, sizeof body, "%*s", len, " a@good.test");
        assert_int_equal(read_span(f, tg_span_str(body)), len <= 998 ? TG_OK : TG_REFUSED);
        snprintf(body, sizeof body, " Jo\n%*s", len, " <a@good.test>");
        assert_int_equal(read_span(f, tg_span_str(body)), len <= 998 ? TG_OK : TG_REFUSED);
    }
    assert_non_null(strstr(f->err.text, "too long"));
}

static void test_what_is_no_utf8_is_refused(void **state)
{
    REFUSE({ " J\xf6rg <a@good.test>", "UTF-8" },           /* latin-1, or the first octet of something else */
           { " J\xc0\x80 <a@good.test>", "UTF-8" },         /* NUL, overlong */
           { " \xc0\xbc" "a@good.test>", "UTF-8" },         /* "<", overlong */
           { " \xe0\x81\x80 <a@good.test>", "UTF-8" },      /* "@", overlong */
           { " \xed\xa0\x80 <a@good.test>", "UTF-8" },      /* a surrogate */
           { " \xf4\x90\x80\x80 <a@good.test>", "UTF-8" },  /* beyond Unicode */
           { " J\xc3", "UTF-8" });                          /* cut */
}

/* ---- several addresses ---- */

static void test_an_address_in_an_unquoted_phrase_is_refused(void **state)
{
    REFUSE({ " a@evil.test <a@good.test>", "behind an address" },      /* the classic */
           { " a@good.test <a@evil.test>", "behind an address" },
           { " Jo a@evil.test <a@good.test>", "without brackets" },
           { " \"Jo\" a@evil.test <a@good.test>", "without brackets" },
           { " a@evil.test a@good.test", "behind an address" },
           { " \"a\"@evil.test <a@good.test>", "behind an address" });
}

static void test_two_bracketed_addresses_in_one_mailbox_are_refused(void **state)
{
    REFUSE({ " <a@evil.test> <a@good.test>", "behind an address" },    /* the first, or the last? */
           { " <a@good.test><a@evil.test>", "behind an address" },
           { " <a@good.test> a@evil.test", "behind an address" },
           { " <<a@evil.test>a@good.test>", "malformed" },             /* nested */
           { " <a@good.test<a@evil.test>>", "malformed" },
           { " <a@good.test", "malformed" }, { " a@good.test>", "behind an address" },
           { " Jo <a@good.test> User", "behind an address" });
}

static void test_empty_places_in_a_list_are_refused(void **state)
{
    REFUSE({ "", "missing" }, { " ", "missing" }, { " ,a@good.test", "missing" }, { " a@good.test,", "missing" },
           { " a@good.test,,b@good.test", "missing" }, { " a@good.test; b@good.test", "behind" }, /* Outlook's comma */
           { " Jo", "missing" }, { " \"Jo\"", "missing" }, { " a", "missing" });
}

static void test_an_empty_address_is_refused(void **state)
{
    REFUSE({ " <>", "empty address" }, { " Jo <>", "empty address" }, { " <>, a@good.test", "empty address" },
           { " <@good.test>", "route" }, { " @good.test", "missing" }, { " <a@>", "no domain" }, { " a@", "no domain" },
           { " < >", "malformed" }, { " <a>", "malformed" });
}

static void test_too_many_addresses_are_refused(void **state)
{
    struct fixture *f = *state;
    char body[TG_AUTHORS_MAX * 20 + 100] = "";
    for (int i = 0; i < TG_AUTHORS_MAX; i++)
        strcat(body, i == 0 ? " a@good.test" : ",\n a@good.test");
    assert_int_equal(read_span(f, tg_span_str(body)), TG_OK);
    assert_int_equal(f->authors.count, TG_AUTHORS_MAX);
    strcat(body, ", a@good.test");
    assert_int_equal(read_span(f, tg_span_str(body)), TG_REFUSED);
    assert_non_null(strstr(f->err.text, "too many"));
}

/* 64 KiB of them, of several charsets, took half a second. */
static void test_too_many_encoded_words_are_refused(void **state)
{
    struct fixture *f = *state;
    char body[201 * 30 + 100] = "";
    for (int i = 0; i < 200; i++)
        strcat(body, " =?iso-2022-kr?q?Jo?=\n");
    size_t len = strlen(body);
    strcat(body, " <a@good.test>");
    assert_int_equal(read_span(f, tg_span_str(body)), TG_OK);
    strcpy(body + len, " =?iso-2022-jp?q?Jo?=\n <a@good.test>");
    assert_int_equal(read_span(f, tg_span_str(body)), TG_REFUSED);
    assert_non_null(strstr(f->err.text, "too many encoded words"));
}

static void test_sender_has_one_mailbox(void **state)
{
    struct fixture *f = *state;
    assert_int_equal(tg_authors_read(f->arena, tg_span_str(" a@good.test"), true, &f->authors, &f->err), TG_OK);
    assert_int_equal(tg_authors_read(f->arena, tg_span_str(" a@good.test, b@good.test"), true, &f->authors, &f->err),
                     TG_REFUSED);
    assert_non_null(strstr(f->err.text, "more than one"));
}

/* ---- obsolete forms ---- */

static void test_groups_are_refused(void **state)
{
    /* RFC 6854 allows them in From, for a message without an author; who knows no groups reads what is inside. */
    REFUSE({ " friends: a@good.test;", "group" }, { " friends:;", "group" }, { " friends: a@good.test", "group" },
           { " a@good.test, undisclosed:;", "group" }, { " \"x\": a@good.test;", "group" }, { " :a@good.test;", "group" });
}

static void test_source_routes_are_refused(void **state)
{
    REFUSE({ " <@evil.test:a@good.test>", "route" }, { " Jo <@evil.test,@x.test:a@good.test>", "route" },
           { " <a@evil.test:a@good.test>", "malformed" });
}

static void test_nothing_stands_between_the_parts_of_an_address(void **state)
{
    REFUSE({ " a @good.test", "missing" }, { " a@ good.test", "no domain" },
           { " <a@good.test >", "malformed" }, { " < a@good.test>", "malformed" },
           { " <a.\n b@good.test>", "malformed" }, { " a@good .test", "single label" }, { " <a@good. test>", "single label" },
           { " <a@good.test\n .evil.test>", "malformed" },       /* folded inside: joined, or cut? */
           { " \"a\".b@good.test", "" }, { " a.\"b\"@good.test", "" }, { " <\"a\"b@good.test>", "malformed" });
}

static void test_comments_can_not_hide_anything(void **state)
{
    REFUSE({ " a@good.test (<a@evil.test>)", "comment" },
           { " (a@evil.test) a@good.test", "comment" },
           { " (x) (\"y) <a@evil.test> \"", "comment" },
           { " a@a.good(x).test", "behind" },                    /* a.good.test, a.good, or a.goodx.test? */
           { " a(x)@good.test", "missing" },
           { " a@(x)good.test", "no domain" }, { " <a(x)@good.test>", "malformed" },
           { " (nested (deeper)) a@good.test", "comment" },
           { " (un\\)closed) a@good.test", "comment" },          /* a quoted pair in it */
           { " (unclosed a@good.test", "comment" }, { " unopened) a@good.test", "missing" },
           { " (=?utf-8?q?x?=) a@good.test", "encoded word in a comment" });
}

/* ---- addresses ---- */

static void test_malformed_local_parts_are_refused(void **state)
{
    REFUSE({ " .a@good.test", "missing" }, { " a.@good.test", "dot" }, { " a..b@good.test", "" },
           { " <.a@good.test>", "malformed" }, { " <a.@good.test>", "malformed" }, { " a,b@good.test", "missing" },
           { " a\\@evil.test@good.test", "" }, { " a@evil.test@good.test", "behind" },
           { " <a@evil.test@good.test>", "malformed" }, { " a[@good.test", "" }, { " (a@good.test", "comment" },
           { " aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa@good.test", "too long" });
}

static void test_quoted_local_parts_hold_words_only(void **state)
{
    ACCEPT({ " \"a b\"@good.test", "\"a b\"@good.test", "good.test" }, { " <\"a.b\"@good.test>", "\"a.b\"@good.test", "good.test" });
    REFUSE({ " \"a@evil.test\"@good.test", "quoted local part" }, /* who drops quotes sees two @ */
           { " <\"a@evil.test> \"@good.test>", "quoted local part" },
           { " <\"<a@evil.test>\"@good.test>", "quoted local part" },
           { " \"a\\\"b\"@good.test", "quoted local part" }, { " \"a,b\"@good.test", "quoted local part" },
           { " \"\"@good.test", "quoted local part" }, { " <\"a@good.test>", "does not end" },
           { " \"a@good.test", "does not end" }, { " \"a\\", "does not end" });
}

static void test_domains_that_are_none_are_refused(void **state)
{
    REFUSE({ " a@[192.0.2.1]", "number" }, { " a@[IPv6:2001:db8::1]", "number" }, { " a@192.0.2.1", "address" },
           { " a@localhost", "single label" }, { " a@a.good..test", "behind" }, { " a@.good.test", "no domain" },
           { " a@good.test.", "behind" },                          /* a full name for some, an error for others */
           { " a@good_x.test", "characters" }, { " a@-good.test", "hyphen" }, { " a@good.test\xc2\xa0", "domain" },
           { " a@\xe2\x91\xa0\xe2\x91\xa1.test.\xe2\x91\xa0", "address" }, /* circled digits are digits */
           { " a@xn--a.test", "domain" }, { " a@good.test/evil.test", "characters" }, { " a@good.test%evil.test", "characters" });
}

/* ---- SMTPUTF8 and IDN ---- */

static void test_a_domain_is_one_domain_as_u_label_and_a_label(void **state)
{
    ACCEPT({ " a@m\xc3\xbcnchen.test", "a@m\xc3\xbcnchen.test", "xn--mnchen-3ya.test" },
           { " a@xn--mnchen-3ya.test", "a@xn--mnchen-3ya.test", "xn--mnchen-3ya.test" },
           { " a@M\xc3\x9cNCHEN.TEST", "a@M\xc3\x9cNCHEN.TEST", "xn--mnchen-3ya.test" },
           { " a@mu\xcc\x88nchen.test", "a@mu\xcc\x88nchen.test", "xn--mnchen-3ya.test" }, /* not composed */
           { " \xc3\xb6@good.test", "\xc3\xb6@good.test", "good.test" });
}

static void test_letters_that_idna2003_reads_otherwise_are_refused(void **state)
{
    /* IDNA 2003 makes "fass" of "faß", and drops the joiners: another domain, perhaps another owner. */
    REFUSE({ " a@fa\xc3\x9f.test", "xn--fa-hia.test" }, { " a@\xcf\x82.test", "xn--3xa.test" },
           { " a@\xe0\xa6\x95\xe0\xa7\x8d\xe2\x80\x8d\xe0\xa6\xb7.test", "write it as" });
    ACCEPT({ " a@xn--fa-hia.test", "a@xn--fa-hia.test", "xn--fa-hia.test" });
}

static void test_characters_that_turn_into_at_or_brackets_are_refused(void **state)
{
    /* Fullwidth and small forms, and those whose decomposition begins with < or >. */
    REFUSE({ " \"x\" <a\xef\xbc\xa0" "evil.test@good.test>", "may be read as" },
           { " a\xef\xb9\xab" "evil.test <a@good.test>", "may be read as" },
           { " \xef\xbc\x9c" "a@good.test", "may be read as" }, { " \xef\xb9\xa4x <a@good.test>", "may be read as" },
           { " \xef\xbc\x9ex <a@good.test>", "may be read as" }, { " \xef\xb9\xa5x <a@good.test>", "may be read as" },
           { " \xe2\x89\xaex <a@good.test>", "may be read as" }, { " \xe2\x89\xafx <a@good.test>", "may be read as" },
           { " \"\xef\xbc\xa0\" <a@good.test>", "may be read as" });
}

static void test_characters_that_turn_into_quotes_can_not_end_a_quoted_string(void **state)
{
    /* Fullwidth quotation mark, backslash and parenthesis, small backslash, parenthesized one. */
    REFUSE({ " \xef\xbc\x82 \"<a@evil.test>\" <a@good.test>", "quotes" }, { " \"x\xef\xbc\xbc\" \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \xef\xbc\x88 \"x) <a@evil.test>,\" <a@good.test>", "quotes" }, { " \"\xef\xb9\xa8\" \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"<a@evil.test> \xe2\x91\xb4\" <a@good.test>", "quotes" },
           { " =?utf-8?q?=EF=BC=82?= \"<a@evil.test>\" <a@good.test>", "quotes" });
    ACCEPT(ACCEPTED_A(" \xef\xbc\x82Jo\xef\xbc\x82 \xef\xbc\x88\xe5\xb1\xb1\xef\xbc\x89 <a@good.test>"));
}

/* ---- encoded words ---- */

static void test_an_address_in_an_encoded_word_is_refused(void **state)
{
    /* Who decodes first, and then reads addresses, sees it. */
    REFUSE({ " =?utf-8?q?a=40evil.test?= <a@good.test>", "encoded word" },
           { " =?utf-8?b?YUBldmlsLnRlc3Q=?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?=3Ca=40evil.test=3E=2C?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?x=3Cy?= <a@good.test>", "encoded word" },
           { " \"=?utf-8?q?a=40evil.test?=\" <a@good.test>", "encoded word" },
           { " =?utf-7?q?a+AEA-evil.test?= <a@good.test>", "encoded word" },      /* UTF-7 */
           { " =?ibm037?b?gXyFpYmTS6OFoqM=?= <a@good.test>", "encoded word" },    /* EBCDIC */
           { " =?utf-8?q?a=EF=BC=A0evil.test?= <a@good.test>", "encoded word" },  /* fullwidth */
           { " =?utf-16?b?AGEAQABl?= <a@good.test>", "encoded word" },            /* in one order of octets */
           { " =?UTF-32LE?b?YQAAAA==?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?=3D=3Futf-8=3Fq=3Fa=3D40evil.test=3F=3D?= <a@good.test>", "encoded word" }); /* twice */
}

static void test_control_characters_in_an_encoded_word_are_refused(void **state)
{
    REFUSE({ " =?utf-8?q?x=00?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?x=0D=0AFrom:_y?= <a@good.test>", "" },
           { " =?utf-8?b?eA0KRnJvbTogeQ==?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?x=E2=80=A8y?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?x=C3?= <a@good.test>", "encoded word" });                 /* ill-formed */
}

static void test_an_encoded_word_can_not_end_a_quoted_string(void **state)
{
    /* Decoded first, this is: " "<a@evil.test>" <a@good.test> */
    REFUSE({ " =?utf-8?q?=22?= \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"<a@evil.test>\" =?utf-8?q?=22?= <a@good.test>", "quotes" },
           { " =?utf-8?q?=28?= \"x) <a@evil.test>,\" <a@good.test>", "quotes" },   /* a comment's beginning */
           { " =?utf-8?q?=5C?= \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " =?utf-8?q?=22?= <b@good.test>, \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"=?utf-8?q?=22?= <a@evil.test>\" <a@good.test>", "quotes" });
    ACCEPT(ACCEPTED_A(" =?utf-8?q?=22Jo=22?= <a@good.test>"));
}

static void test_malformed_encoded_words_are_refused(void **state)
{
    /* What one program decodes and the other shows as it is. */
    REFUSE({ " =?utf-8?q?x <a@good.test>", "encoded word" }, { " =?utf-8?q?x?y?= <a@good.test>", "encoded word" },
           { " =?utf-8?x?x?= <a@good.test>", "encoded word" }, { " =?utf-8?q?" "?= <a@good.test>", "encoded word" },
           { " =??q?x?= <a@good.test>", "encoded word" }, { " =?utf-8?q?=4?= =?utf-8?q?0?= <a@good.test>", "encoded word" },
           { " =?utf-8?q?a=4g?= <a@good.test>", "encoded word" }, { " =?utf-8?b?YU?= <a@good.test>", "encoded word" },
           { " =?utf-8?b?YUBl=?= <a@good.test>", "encoded word" },
           { " =?utf-8?b?YQ==YQ==?= <a@good.test>", "encoded word" },
           { " x=?utf-8?q?a?= <a@good.test>", "encoded word" }, { " =?utf-8?q?a?=x <a@good.test>", "encoded word" },
           { " =?utf-8?q?a?==?utf-8?q?b?= <a@good.test>", "encoded word" },
           { " =?x-unheard-of?q?a?= <a@good.test>", "encoded word" },
           { " \"=?utf-8?q?a b?=\" <a@good.test>", "encoded word" });
}

static void test_an_encoded_word_in_an_address_is_refused(void **state)
{
    REFUSE({ " =?utf-8?q?a?=@good.test", "encoded word" }, { " <=?utf-8?q?a=40evil.test?=@good.test>", "encoded word" },
           { " a@=?utf-8?q?good?=.test", "" }, { " =?utf-8?q?=3Ca=40evil.test=3E?=", "" },
           { " \"=?utf-8?q?a?=\"@good.test", "encoded word" });
}

/* ---- quoted pairs ---- */

static void test_a_quoted_pair_can_not_end_a_quoted_string(void **state)
{
    /* Who knows no quoted pairs sees the quotes end there, and an address behind. */
    REFUSE({ " \"\\\" <a@evil.test>, \\\"\" <a@good.test>", "quotes" },
           { " \"\\\" <a@evil.test>\" <a@good.test>", "quotes" },
           { " \"\\\"\" \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"x\\\\\" \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"a\\@evil.test\" <a@good.test>", "quotes" },
           { " \"\\\"\" <b@good.test>, \"<a@evil.test>\" <a@good.test>", "quotes" },
           { " \"unended <a@good.test>", "does not end" }, { " Jo\" <a@good.test>", "does not end" },
           { " Jo\\ <a@good.test>", "missing" }, { " \\\"<a@evil.test>\\\" <a@good.test>", "missing" });
}

/* ---- names of fields ---- */

static void test_a_field_that_is_almost_from_is_known(void **state)
{
    static const char nul[] = "Fr\0om";
    (void)state;
    static const char *const lookalikes[] = { "From ", "from\t", " From", "F rom", "Fro\xe2\x80\x8bm", "\xef\xbb\xbf" "From",
                                              "SENDER ", "From\r", "Sen\x01" "der", "From\xc2\xa0" };
    static const char *const others[] = { "From", "from", "Sender", "FROM", "X-From", "From-X", "", "Subject", "Resent-From",
                                          "Fromm", "To " };
    for (size_t i = 0; i < sizeof lookalikes / sizeof *lookalikes; i++)
        if (!tg_author_lookalike(tg_span_str(lookalikes[i])))
            fail_msg("no lookalike: %s", lookalikes[i]);
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (tg_author_lookalike(tg_span_str(others[i])))
            fail_msg("a lookalike: %s", others[i]);
    assert_true(tg_author_lookalike(tg_span_of(nul, sizeof nul - 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
        TEST(test_what_everybody_writes_is_read),
        TEST(test_a_long_list_is_read_whole_and_in_order),
        TEST(test_names_of_people_anywhere_are_read),
        TEST(test_a_quoted_display_name_says_what_it_likes),
        TEST(test_folds_are_read_by_all_alike),
        TEST(test_a_bare_carriage_return_is_refused),
        TEST(test_nul_and_control_characters_are_refused),
        TEST(test_an_over_long_line_is_refused),
        TEST(test_what_is_no_utf8_is_refused),
        TEST(test_an_address_in_an_unquoted_phrase_is_refused),
        TEST(test_two_bracketed_addresses_in_one_mailbox_are_refused),
        TEST(test_empty_places_in_a_list_are_refused),
        TEST(test_an_empty_address_is_refused),
        TEST(test_too_many_addresses_are_refused),
        TEST(test_too_many_encoded_words_are_refused),
        TEST(test_sender_has_one_mailbox),
        TEST(test_groups_are_refused),
        TEST(test_source_routes_are_refused),
        TEST(test_nothing_stands_between_the_parts_of_an_address),
        TEST(test_comments_can_not_hide_anything),
        TEST(test_malformed_local_parts_are_refused),
        TEST(test_quoted_local_parts_hold_words_only),
        TEST(test_domains_that_are_none_are_refused),
        TEST(test_a_domain_is_one_domain_as_u_label_and_a_label),
        TEST(test_letters_that_idna2003_reads_otherwise_are_refused),
        TEST(test_characters_that_turn_into_at_or_brackets_are_refused),
        TEST(test_characters_that_turn_into_quotes_can_not_end_a_quoted_string),
        TEST(test_an_address_in_an_encoded_word_is_refused),
        TEST(test_control_characters_in_an_encoded_word_are_refused),
        TEST(test_an_encoded_word_can_not_end_a_quoted_string),
        TEST(test_malformed_encoded_words_are_refused),
        TEST(test_an_encoded_word_in_an_address_is_refused),
        TEST(test_a_quoted_pair_can_not_end_a_quoted_string),
        TEST(test_a_field_that_is_almost_from_is_known),
    };
    g_mime_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
