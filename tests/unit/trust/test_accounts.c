#include "unit/trust/people_scene.h"

static struct fl_session now; /* what a session looks like at this moment */

static struct fl_account account_of(struct scene *s, uint32_t user);

static int take_account(void *ctx, const struct fl_account *account)
{
    *(struct fl_account *)ctx = *account;
    return 0;
}

static struct fl_account account_of(struct scene *s, uint32_t user)
{
    struct fl_account a = {.user = 0};

    (void)!fl_accounts_each(s->acc, user, s->now_us, take_account, &a, &s->err);
    return a;
}

static int count_one(void *ctx, const struct fl_session *session)
{
    (void)session;
    ++*(int *)ctx;
    return 0;
}

static int sessions_of(struct scene *s, uint32_t user)
{
    int n = 0;

    (void)!fl_accounts_each_session(s->acc, user, s->now_us, count_one, &n, &s->err);
    return n;
}

static void check_first_sign_in(void)
{
    struct scene s;
    char first[FL_TOKEN_TEXT_MAX];

    scene_new(&s);
    CHECK(set_by(&s, LOCAL, 7, 1, FL_CAP_READ) == 0 && !account_of(&s, 7).has_password,
          "an account begins without a password");
    CHECK(sign_in(&s, 7, "") == FL_E_DENIED && sign_in(&s, 7, "x") == FL_E_DENIED,
          "so nobody signs in");
    CHECK(reset_to(&s, LOCAL, 7, "Temp-1") == 0 && account_of(&s, 7).temporary,
          "a temporary password");
    CHECK(sign_in(&s, 7, "Temp-1") == 0 && s.last.stage == FL_STAGE_PASSWORD && s.last.token[0],
          "signs in, to choose one of one's own");
    memcpy(first, s.last.token, sizeof first);
    CHECK(sign_in(&s, 7, "Temp-1") == FL_E_DENIED && strstr(s.err.text, "used already") != NULL,
          "it serves once");
    memcpy(s.last.token, first, sizeof first);
    CHECK(change(&s, "Temp-1", "short") == FL_E_INVAL && strstr(s.err.text, "at least 12") != NULL,
          "a bad one is refused with its reason");
    CHECK(change(&s, "Temp-1", "Kv7+acmeqpzxwt") == FL_E_INVAL, "as is one with the tenant's name");
    CHECK(change(&s, "wrong", FIRST) == FL_E_DENIED, "the old one must be right");
    CHECK(change(&s, "Temp-1", FIRST) == 0 && s.last.stage == FL_STAGE_OPEN, "then it is open");
    CHECK(strcmp(first, s.last.token) != 0 && !lives(&s, first) && lives(&s, s.last.token),
          "under another token");
    CHECK(account_of(&s, 7).failures == 0 && !account_of(&s, 7).temporary &&
              account_of(&s, 7).sessions == 1 && account_of(&s, 7).last_us == s.now_us,
          "as the account shows");
    CHECK(sign_in(&s, 7, FIRST) == 0 && s.last.stage == FL_STAGE_OPEN &&
              sign_in(&s, 7, "Temp-1") == FL_E_DENIED && sign_in(&s, 8, FIRST) == FL_E_DENIED,
          "the new one serves, the old one and other names do not");
    scene_again(&s);
    CHECK(sign_in(&s, 7, FIRST) == 0, "after a restart too");
    scene_free(&s);
}

static void check_temporary(void)
{
    struct scene s;

    scene_new(&s);
    (void)!set_by(&s, LOCAL, 7, 1, 0);
    (void)!reset_to(&s, LOCAL, 7, "Temp-1");
    s.now_us += FL_TEMPORARY_US + 1;
    CHECK(sign_in(&s, 7, "Temp-1") == FL_E_DENIED && strstr(s.err.text, "24 hours") != NULL,
          "a temporary password ends after 24 hours");
    (void)!reset_to(&s, LOCAL, 7, "Temp-2");
    s.now_us += FL_TEMPORARY_US - FL_MINUTE_US;
    CHECK(sign_in(&s, 7, "Temp-2") == 0, "just before it serves");
    s.now_us += 2 * FL_MINUTE_US;
    CHECK(change(&s, "Temp-2", FIRST) == FL_E_DENIED, "and must be changed within the time");
    scene_free(&s);
}

/* E3-2.a.v.2.b: the fifth failure locks; 4:59 no, 5:01 yes; the counter outlives a restart. */
static void check_lock(void)
{
    struct scene s;
    int r = 0;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    for (int i = 0; i < 4; i++)
        r |= sign_in(&s, 7, "wrong") != FL_E_DENIED;
    CHECK(r == 0 && account_of(&s, 7).failures == 4 && account_of(&s, 7).locked_us == 0,
          "four failures do not lock");
    CHECK(sign_in(&s, 7, FIRST) == 0 && account_of(&s, 7).failures == 0, "success forgives them");
    for (int i = 0; i < 4; i++)
        r |= sign_in(&s, 7, "wrong") != FL_E_DENIED;
    scene_again(&s);
    CHECK(sign_in(&s, 7, "wrong") == FL_E_LIMIT && account_of(&s, 7).locked_us != 0,
          "five in a row lock, across a restart");
    CHECK(sign_in(&s, 7, FIRST) == FL_E_DENIED, "the right one is refused then");
    s.now_us += FL_LOCK_US - FL_US_PER_S;
    CHECK(sign_in(&s, 7, FIRST) == FL_E_DENIED, "after 4:59 too");
    s.now_us += 2 * FL_US_PER_S;
    CHECK(account_of(&s, 7).locked_us == 0 && sign_in(&s, 7, FIRST) == 0, "after 5:01 it serves");
    for (int i = 0; i < 5; i++)
        (void)sign_in(&s, 7, "wrong");
    s.now_us += FL_LOCK_US + FL_US_PER_S;
    for (int i = 0; i < 4; i++)
        r |= sign_in(&s, 7, "wrong") != FL_E_DENIED;
    CHECK(r == 0 && sign_in(&s, 7, FIRST) == 0, "a lock that is over begins to count anew");
    for (int i = 0; i < 5; i++)
        (void)sign_in(&s, 7, "wrong");
    s.now_us -= 3 * FL_HOUR_US;
    CHECK(sign_in(&s, 7, FIRST) == 0, "a clock that is set back does not lengthen a lock");
    scene_free(&s);
}

static void check_unlock(void)
{
    struct scene s;
    struct fl_account a;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    for (int i = 0; i < 5; i++)
        (void)sign_in(&s, 7, "wrong");
    CHECK(fl_accounts_reset(s.acc, LOCAL, 7, FL_RESET_LOCK, NULL, s.now_us, &a, &s.err) == 0 &&
              a.locked_us == 0 && sign_in(&s, 7, FIRST) == 0,
          "an administrator unlocks");
    CHECK(fl_accounts_reset(s.acc, LOCAL, 9, FL_RESET_LOCK, NULL, s.now_us, &a, &s.err) ==
                  FL_E_NOENT &&
              fl_accounts_reset(s.acc, LOCAL, 7, 0, NULL, s.now_us, &a, &s.err) == FL_E_INVAL &&
              fl_accounts_reset(s.acc, LOCAL, 7, 8, NULL, s.now_us, &a, &s.err) == FL_E_INVAL &&
              fl_accounts_reset(s.acc, LOCAL, 0, 4, NULL, s.now_us, &a, &s.err) == FL_E_NOENT,
          "what is there, and something");
    scene_free(&s);
}

/* Twenty at once: all are counted before one of them is hashed. */
static void check_parallel(void)
{
    struct fl_try tries[20];
    struct scene s;
    int real = 0, begun = 0;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    for (int i = 0; i < 20; i++) {
        if (fl_accounts_try(s.acc, 7, s.now_us, &tries[i], &s.err) < 0)
            abort();
        real += tries[i].real;
    }
    CHECK(real == 5, "of twenty tries at once five reach the stored hash");
    for (int i = 0; i < 20; i++) {
        bool locked = false;

        if (fl_accounts_fail(s.acc, &tries[i], s.now_us, &locked, &s.err) < 0)
            abort();
        begun += locked;
    }
    CHECK(begun == 1 && account_of(&s, 7).locked_us == s.now_us + FL_LOCK_US,
          "and one lock begins");
    s.now_us += FL_LOCK_US + 1;
    for (int i = 0; i < 5; i++)
        if (fl_accounts_try(s.acc, 7, s.now_us, &tries[i], &s.err) < 0)
            abort();
    CHECK(account_of(&s, 7).locked_us != 0 &&
              fl_accounts_untry(s.acc, &tries[4], s.now_us, &s.err) == 0 &&
              account_of(&s, 7).locked_us == 0 && account_of(&s, 7).failures == 4,
          "a try that was never hashed is given back, with its lock");
    scene_free(&s);
}

static void check_changed_meanwhile(void)
{
    struct fl_account a;
    struct fl_try try;
    struct scene s;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    if (fl_accounts_try(s.acc, 7, s.now_us, &try, &s.err) < 0 ||
        reset_to(&s, LOCAL, 7, "Temp-9") < 0)
        abort();
    CHECK(fl_accounts_sign_in(s.acc, &try, NULL, FL_SPAN(""), FL_SPAN(""), s.now_us, &s.last,
                              &s.err) == FL_E_AGAIN,
          "a password that was reset while it was hashed opens nothing");
    if (fl_accounts_try(s.acc, 7, s.now_us, &try, &s.err) < 0 ||
        fl_accounts_remove(s.acc, LOCAL, 7, s.now_us, &s.err) < 0)
        abort();
    CHECK(fl_accounts_sign_in(s.acc, &try, NULL, FL_SPAN(""), FL_SPAN(""), s.now_us, &s.last,
                              &s.err) == FL_E_AGAIN,
          "nor of an account that was removed");
    CHECK(fl_accounts_remove(s.acc, LOCAL, 7, s.now_us, &s.err) == 0 &&
              fl_accounts_each(s.acc, 7, s.now_us, take_account, &a, &s.err) == FL_E_NOENT,
          "removing what is not there is no failure");
    scene_free(&s);
}

/* E3-2.a.v.1.c and d. */
static void check_history(void)
{
    static const char *const words[] = {"Turnip orbit 9 gravel",  "Vier Gabeln im Teich 8",
                                        "mo7 Zweig Lerche Kanu",  "Nine-Lamps-Under-Oak-3",
                                        "Correct-Lamp-7-Battery", "xK9#fLq2Vb!tRz"};
    struct scene s;
    const char *have = FIRST;
    int r = 0;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    CHECK(change(&s, FIRST, words[0]) == FL_E_INVAL && strstr(s.err.text, "a day") != NULL,
          "a password stays for a day");
    for (size_t i = 0; i < FL_LEN(words); i++) {
        s.now_us += DAY_US;
        r |= sign_in(&s, 7, have);
        if (i == 5)
            CHECK(change(&s, have, FIRST) == FL_E_EXISTS, "the fifth before is refused");
        r |= change(&s, have, have) != FL_E_EXISTS;
        r |= change(&s, have, words[i]);
        have = words[i];
    }
    CHECK(r == 0, "six changes, a day apart; each refuses the one in use");
    s.now_us += DAY_US;
    CHECK(sign_in(&s, 7, have) == 0 && change(&s, have, words[0]) == FL_E_EXISTS &&
              change(&s, have, words[4]) == FL_E_EXISTS && account_of(&s, 7).failures == 0,
          "the five before are refused, which is no failure of the person's");
    CHECK(change(&s, have, FIRST) == 0, "the sixth before is taken");
    if (reset_to(&s, LOCAL, 7, "Temp-3") < 0 || sign_in(&s, 7, "Temp-3") < 0)
        abort();
    CHECK(change(&s, "Temp-3", FIRST) == FL_E_EXISTS &&
              change(&s, "Temp-3", words[1]) == FL_E_EXISTS && change(&s, "Temp-3", words[0]) == 0,
          "a temporary one between does not shorten the row");
    scene_free(&s);
}

static void check_age(void)
{
    struct scene s;

    scene_new(&s);
    ready(&s, 7, 1, FL_CAP_READ);
    s.now_us += 90 * DAY_US;
    CHECK(sign_in(&s, 7, FIRST) == 0 && s.last.stage == FL_STAGE_OPEN, "90 days are allowed");
    s.now_us += FL_US_PER_S;
    CHECK(ask(&s, s.last.token, true, &now) == 0 && now.stage == FL_STAGE_PASSWORD,
          "a second later the open session can only change the password");
    CHECK(sign_in(&s, 7, FIRST) == 0 && s.last.stage == FL_STAGE_PASSWORD, "a new one as well");
    CHECK(change(&s, FIRST, SECOND) == 0 && s.last.stage == FL_STAGE_OPEN, "then it is open");
    scene_free(&s);
}

/* E3-2.a.v.3. */
static void check_session_ends(void)
{
    struct scene s;
    bool alive = true;
    int64_t begun;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    begun = s.now_us;
    s.now_us += FL_IDLE_US - FL_US_PER_S;
    CHECK(ask(&s, s.last.token, true, &now) == 0 && now.idle_us == s.now_us + FL_IDLE_US,
          "at 14:59 it lives, and what somebody does begins the time anew");
    scene_again(&s);
    s.now_us += FL_IDLE_US - FL_US_PER_S;
    CHECK(ask(&s, s.last.token, false, &now) == 0, "across a restart");
    s.now_us += 2 * FL_US_PER_S;
    CHECK(ask(&s, s.last.token, true, &now) == FL_E_NOENT && strstr(s.err.text, "15 minutes"),
          "at 15:01 it has ended, and polling in between did not help");
    CHECK(ask(&s, s.last.token, true, &now) == FL_E_NOENT && sessions_of(&s, 7) == 0,
          "nothing wakes it up");
    if (sign_in(&s, 7, FIRST) < 0)
        abort();
    begun = s.now_us;
    while (s.now_us < begun + FL_SESSION_US - FL_MINUTE_US) {
        s.now_us += FL_MINUTE_US;
        alive = alive && ask(&s, s.last.token, true, &now) == 0;
    }
    CHECK(alive && now.idle_us == begun + FL_SESSION_US, "with constant activity it lives");
    s.now_us = begun + FL_SESSION_US;
    CHECK(ask(&s, s.last.token, true, &now) == FL_E_NOENT && strstr(s.err.text, "12 hours"),
          "but not beyond 12 hours");
    if (sign_in(&s, 7, FIRST) < 0)
        abort();
    s.now_us -= FL_CLOCK_BACK_US + 1;
    CHECK(!lives(&s, s.last.token), "a clock that was set back ends it");
    s.now_us += 2 * DAY_US;
    CHECK(fl_accounts_purge(s.acc, s.now_us, &s.err) == 0 &&
              fl_accounts_user_of(s.acc, s.last.number) == 0,
          "what ended is forgotten");
    scene_free(&s);
}

static void check_session_list(void)
{
    char tokens[FL_SESSIONS_PER_USER + 1][FL_TOKEN_TEXT_MAX];
    struct scene s;
    uint32_t user = 0;

    scene_new(&s);
    ready(&s, 7, 1, 0);
    ready(&s, 8, 1, 0);
    for (size_t i = 0; i <= FL_SESSIONS_PER_USER; i++) {
        s.now_us += FL_US_PER_S;
        if (sign_in(&s, 7, FIRST) < 0)
            abort();
        memcpy(tokens[i], s.last.token, sizeof tokens[i]);
    }
    CHECK(sessions_of(&s, 7) == (int)FL_SESSIONS_PER_USER && !lives(&s, tokens[0]) &&
              lives(&s, tokens[1]) && sessions_of(&s, 8) == 1,
          "twenty of a user; the oldest gives way");
    CHECK(ask(&s, tokens[1], false, &now) == 0 && now.csrf[0] != '\0' && now.token[0] == '\0' &&
              strcmp(now.peer, "192.0.2.7") == 0 && strcmp(now.agent, "Browser") == 0,
          "a session tells where it was begun");
    CHECK(ask(&s, tokens[2], false, &s.last) == 0 && strcmp(now.csrf, s.last.csrf) != 0,
          "each has its own word against forged requests");
    CHECK(fl_accounts_end(s.acc, (struct fl_by){.session = now.number}, 0, s.last.number, s.now_us,
                          &user, &s.err) == 0 &&
              user == 7 && !lives(&s, tokens[2]),
          "one's own can be ended");
    (void)!sign_in(&s, 8, FIRST);
    CHECK(fl_accounts_end(s.acc, (struct fl_by){.session = now.number}, 0, s.last.number, s.now_us,
                          &user, &s.err) == FL_E_DENIED &&
              fl_accounts_end(s.acc, (struct fl_by){.session = now.number}, 8, 0, s.now_us, &user,
                              &s.err) == FL_E_DENIED,
          "another's cannot");
    CHECK(fl_accounts_end(s.acc, LOCAL, 0, 99999, s.now_us, &user, &s.err) == FL_E_NOENT,
          "one that is not there is said to be so");
    CHECK(fl_accounts_end(s.acc, LOCAL, 7, 0, s.now_us, &user, &s.err) == 0 &&
              sessions_of(&s, 7) == 0 && sessions_of(&s, 8) == 2,
          "all of a user");
    scene_free(&s);
}

static void check_ends_with(void)
{
    struct fl_msg_account_set set = {.user = 7, .tenant = 1, .scope = FL_CAP_READ};
    char one[FL_TOKEN_TEXT_MAX];
    struct fl_account a;
    struct scene s;

    scene_new(&s);
    ready(&s, 7, 1, FL_CAP_READ);
    memcpy(one, s.last.token, sizeof one);
    s.now_us += DAY_US;
    (void)!sign_in(&s, 7, FIRST);
    memcpy(one, s.last.token, sizeof one);
    (void)!sign_in(&s, 7, FIRST);
    CHECK(change(&s, FIRST, SECOND) == 0 && !lives(&s, one) && lives(&s, s.last.token),
          "another password ends the other sessions");
    set.disabled = 1;
    memcpy(one, s.last.token, sizeof one);
    CHECK(fl_accounts_set(s.acc, LOCAL, &set, s.now_us, &a, &s.err) == 0 && !lives(&s, one) &&
              sign_in(&s, 7, SECOND) == FL_E_DENIED,
          "a disabled account has no sessions and gets none");
    set.disabled = 0;
    CHECK(fl_accounts_set(s.acc, LOCAL, &set, s.now_us, &a, &s.err) == 0 && !lives(&s, one) &&
              sign_in(&s, 7, SECOND) == 0,
          "enabled again it begins anew");
    CHECK(reset_to(&s, LOCAL, 7, "Temp-4") == 0 && !lives(&s, s.last.token),
          "a reset ends its sessions");
    (void)!sign_in(&s, 7, "Temp-4");
    CHECK(fl_accounts_remove(s.acc, LOCAL, 7, s.now_us, &s.err) == 0 && !lives(&s, s.last.token),
          "so does its end");
    scene_free(&s);
}

static int try_damaged(struct scene *s, const char *name, const char *to)
{
    struct fl_accounts *acc = NULL;
    struct fl_accounts_config config = {.path = to, .secrets = s->secrets, .cost = CHEAP};
    int r;

    (void)name;
    r = fl_accounts_open(&config, s->now_us, &acc, &s->err);
    fl_accounts_free(acc);
    return r;
}

/* What an attacker finds in the file, and with the file. */
static void check_file(void)
{
    FL_AUTO(fl_buf_done) struct fl_buf file;
    struct scene s, other;
    char path[64];

    scene_new(&s);
    scene_new(&other);
    ready(&s, 7, 1, 0);
    fl_accounts_free(s.acc);
    s.acc = NULL;
    fl_buf_init(&file, (size_t)8 << 20);
    CHECK(fl_file_read(s.dir.fd, FL_ACCOUNTS_FILE, &file, &s.err) == 0 && file.len > 0 &&
              memmem(file.ptr, file.len, "argon2id", 8) == NULL &&
              memmem(file.ptr, file.len, "192.0.2.7", 9) == NULL &&
              memmem(file.ptr, file.len, "CREATE", 6) == NULL,
          "the file shows nothing");
    (void)snprintf(path, sizeof path, "%s/taken.db", other.dir.path);
    if (fl_file_write(other.dir.fd, "taken.db", fl_buf_span(&file), 0600, &s.err) < 0)
        abort();
    CHECK(try_damaged(&other, "taken.db", path) == FL_E_DENIED,
          "and opens under another root key not at all");
    scene_open(&s);
    CHECK(sign_in(&s, 7, FIRST) == 0, "it opens where it belongs");
    scene_free(&s);
    scene_free(&other);
}

int main(void)
{
    check_first_sign_in();
    check_temporary();
    check_lock();
    check_unlock();
    check_parallel();
    check_changed_meanwhile();
    check_history();
    check_age();
    check_session_ends();
    check_session_list();
    check_ends_with();
    check_file();
    return tap_done();
}
