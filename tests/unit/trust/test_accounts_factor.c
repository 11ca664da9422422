/* The second factor: enrolling, codes, replay, recovery; and what a kill leaves at each write. */
#include <sys/wait.h>

#include "unit/trust/people_scene.h"

static char codes[FL_RECOVERY_CODES][40];

static unsigned read_codes(const char *text)
{
    unsigned n = 0;

    while (*text != '\0' && n < FL_RECOVERY_CODES) {
        size_t len = strcspn(text, "\n");

        (void)snprintf(codes[n++], sizeof codes[0], "%.*s", (int)len, text);
        text += len + (text[len] == '\n');
    }
    return n;
}

static void check_enrol(void)
{
    struct app app, other;
    struct scene s;
    char before[FL_TOKEN_TEXT_MAX];

    scene_new(&s);
    if (set_by(&s, LOCAL, 3, 0, FL_CAP_READ) < 0 || reset_to(&s, LOCAL, 3, "Temp-1") < 0 ||
        sign_in(&s, 3, "Temp-1") < 0)
        abort();
    CHECK(enrol(&s, &app) == FL_E_INVAL, "a password of one's own comes first");
    CHECK(change(&s, "Temp-1", FIRST) == 0 && s.last.stage == FL_STAGE_ENROL,
          "the operator's staff must set up a second factor, also when nobody asked for it");
    CHECK(confirm(&s, "000000") == FL_E_INVAL, "nothing was begun");
    CHECK(enrol(&s, &other) == 0 && enrol(&s, &app) == 0 &&
              memcmp(app.secret, other.secret, sizeof app.secret) != 0,
          "a secret; asked again, another");
    CHECK(confirm(&s, app_code(&other, s.now_us)) == FL_E_DENIED && s.last.stage == FL_STAGE_ENROL,
          "the first one serves no more");
    memcpy(before, s.last.token, sizeof before);
    CHECK(confirm(&s, app_code(&app, s.now_us)) == 0 && s.last.stage == FL_STAGE_OPEN &&
              s.last.totp && !lives(&s, before) && lives(&s, s.last.token),
          "its code opens the session under another token");
    CHECK(read_codes(s.last.codes) == FL_RECOVERY_CODES && strlen(codes[9]) == 29 &&
              strcmp(codes[0], codes[1]) != 0,
          "with ten recovery codes");
    if (sign_in(&s, 3, FIRST) < 0)
        abort();
    CHECK(s.last.stage == FL_STAGE_CODE, "from now on a code is due");
    CHECK(code(&s, app_code(&app, s.now_us)) == FL_E_DENIED,
          "the code that was confirmed with is used up");
    CHECK(enrol(&s, &other) == FL_E_INVAL && change(&s, FIRST, SECOND) == FL_E_INVAL &&
              strstr(s.err.text, "after the code") != NULL,
          "nothing else goes before it is given");
    s.now_us += FL_TOTP_STEP_US;
    memcpy(before, s.last.token, sizeof before);
    CHECK(code(&s, app_code(&app, s.now_us)) == 0 && s.last.stage == FL_STAGE_OPEN &&
              !lives(&s, before),
          "the next one opens, under another token");
    CHECK(code(&s, app_code(&app, s.now_us)) == FL_E_DENIED, "once");
    scene_free(&s);
}

static void check_replay(void)
{
    struct scene s;
    struct app app;
    char first[FL_TOKEN_TEXT_MAX];

    scene_new(&s);
    ready_operator(&s, 3, FL_CAP_READ, &app);
    s.now_us += 10 * FL_TOTP_STEP_US;
    (void)!sign_in(&s, 3, FIRST);
    memcpy(first, s.last.token, sizeof first);
    CHECK(code(&s, app_code(&app, s.now_us + FL_TOTP_STEP_US)) == 0, "a clock that is ahead");
    (void)!sign_in(&s, 3, FIRST);
    CHECK(code(&s, app_code(&app, s.now_us)) == FL_E_DENIED, "then an earlier one is over");
    CHECK(code(&s, app_code(&app, s.now_us + FL_TOTP_STEP_US)) == FL_E_DENIED,
          "the same serves in no other session");
    scene_again(&s);
    CHECK(code(&s, app_code(&app, s.now_us + FL_TOTP_STEP_US)) == FL_E_DENIED,
          "nor after a restart");
    s.now_us += 2 * FL_TOTP_STEP_US;
    CHECK(code(&s, app_code(&app, s.now_us - 2 * FL_TOTP_STEP_US)) == FL_E_DENIED &&
              code(&s, app_code(&app, s.now_us)) == 0,
          "two steps late is too late");
    scene_free(&s);
}

/* Any factor's failure counts, and the password alone forgives none. */
static void check_code_lock(void)
{
    struct scene s;
    struct app app;
    int r = 0;

    scene_new(&s);
    ready_operator(&s, 3, FL_CAP_READ, &app);
    s.now_us += FL_TOTP_STEP_US;
    for (int i = 0; i < 4; i++)
        r |= sign_in(&s, 3, FIRST) != 0 || code(&s, "000000") != FL_E_DENIED;
    CHECK(r == 0, "four wrong codes, with the right password before each");
    CHECK(sign_in(&s, 3, FIRST) == 0 && code(&s, "not-a-code") == FL_E_LIMIT,
          "the fifth wrong one locks");
    CHECK(code(&s, app_code(&app, s.now_us)) == FL_E_DENIED, "then a right code is refused");
    CHECK(sign_in(&s, 3, FIRST) == FL_E_DENIED, "and the right password");
    s.now_us += FL_LOCK_US + FL_US_PER_S;
    CHECK(sign_in(&s, 3, FIRST) == 0 && code(&s, app_code(&app, s.now_us)) == 0 &&
              s.last.stage == FL_STAGE_OPEN,
          "five minutes later both serve");
    scene_free(&s);
}

static void check_recovery(void)
{
    struct fl_account a;
    struct scene s;
    struct app app, next;

    scene_new(&s);
    ready_operator(&s, 3, FL_CAP_READ, &app);
    (void)read_codes(s.last.codes);
    (void)!sign_in(&s, 3, FIRST);
    CHECK(code(&s, codes[4]) == 0 && s.last.stage == FL_STAGE_OPEN, "a recovery code opens");
    CHECK(enrol(&s, &next) == 0, "and allows another telephone");
    (void)!sign_in(&s, 3, FIRST);
    CHECK(code(&s, codes[4]) == FL_E_DENIED, "once");
    for (char *c = codes[5]; *c != '\0'; c++)
        *c = (char)(*c == '-' ? ' ' : *c >= 'A' ? *c + 32 : *c);
    CHECK(code(&s, codes[5]) == 0, "small letters and blanks do");
    s.now_us += FL_STEP_UP_US + FL_US_PER_S;
    CHECK(enrol(&s, &next) == FL_E_DENIED, "five minutes after the code no other factor is taken");
    CHECK(code(&s, app_code(&app, s.now_us)) == 0 && enrol(&s, &next) == 0 &&
              confirm(&s, app_code(&next, s.now_us)) == 0,
          "with a code again it is");
    (void)!sign_in(&s, 3, FIRST);
    CHECK(code(&s, codes[6]) == FL_E_DENIED, "the old recovery codes went with the old factor");
    s.now_us += FL_TOTP_STEP_US;
    CHECK(code(&s, app_code(&app, s.now_us)) == FL_E_DENIED &&
              code(&s, app_code(&next, s.now_us)) == 0,
          "as did its codes");
    CHECK(fl_accounts_reset(s.acc, LOCAL, 3, FL_RESET_TOTP, NULL, s.now_us, &a, &s.err) == 0 &&
              !a.totp && !lives(&s, s.last.token) && sign_in(&s, 3, FIRST) == 0 &&
              s.last.stage == FL_STAGE_ENROL,
          "a reset takes the factor away, and asks for a new one");
    scene_free(&s);
}

/* ---- a kill at each write ---- */

struct killer {
    int at, seen;
};

static void on_step(void *ctx, const char *what)
{
    struct killer *k = ctx;

    (void)what;
    if (k->seen++ == k->at)
        (void)raise(SIGKILL);
}

/* The child says which of its steps were answered; everything that was must hold afterwards. */
enum told { TOLD_FAIL, TOLD_SIGNED, TOLD_CODE, TOLD_PASSWORD, TOLD_ALL };

static void child(struct scene *s, const struct app *app, int fd)
{
    static const unsigned char told[] = {TOLD_FAIL, TOLD_SIGNED, TOLD_CODE, TOLD_PASSWORD};
    int r = sign_in(s, 3, "wrong") != FL_E_DENIED;

    (void)!write(fd, &told[0], 1);
    r |= sign_in(s, 3, FIRST);
    (void)!write(fd, &told[1], 1);
    r |= code(s, app_code(app, s->now_us));
    (void)!write(fd, &told[2], 1);
    r |= change(s, FIRST, SECOND);
    (void)!write(fd, &told[3], 1);
    _exit(r != 0);
}

/* One run that is killed at write `at`; true: it came to its end. */
static bool kill_once(int at, int *wrong)
{
    struct killer killer = {.at = at};
    struct scene s;
    struct app app;
    unsigned char last = 255;
    int pipe_fd[2], status = 0;
    bool fail_kept, code_open, was_changed;
    pid_t pid;

    scene_new(&s);
    ready_operator(&s, 3, FL_CAP_READ, &app);
    s.now_us += 2 * DAY_US;
    fl_accounts_free(s.acc);
    s.acc = NULL;
    (void)fflush(stdout); /* or the child's end says again what stands in the buffer */
    if (pipe(pipe_fd) < 0 || (pid = fork()) < 0)
        abort();
    if (pid == 0) {
        s.step = on_step;
        s.step_ctx = &killer;
        scene_open(&s);
        child(&s, &app, pipe_fd[1]);
    }
    (void)close(pipe_fd[1]);
    for (unsigned char c; read(pipe_fd[0], &c, 1) == 1;)
        last = c;
    (void)close(pipe_fd[0]);
    if (waitpid(pid, &status, 0) != pid || (WIFEXITED(status) && WEXITSTATUS(status) != 0))
        abort();
    scene_open(&s);
    /* The failure that was answered is counted: four more tries and no fifth. */
    if (last == TOLD_FAIL) {
        int free_tries = 0;

        while (free_tries < 9 && sign_in(&s, 3, "wrong") == FL_E_DENIED)
            free_tries++;
        fail_kept = free_tries <= 3;
        *wrong += !fail_kept;
        s.now_us += FL_LOCK_US + 1;
    }
    /* Either password, never both, never none. */
    was_changed = sign_in(&s, 3, SECOND) == 0;
    *wrong += was_changed == (sign_in(&s, 3, FIRST) == 0);
    *wrong += last == TOLD_PASSWORD && !was_changed;
    /* The code that opened a session opens no other. */
    if (last != TOLD_FAIL) {
        s.now_us = INT64_C(1800000000) * 1000000 + 2 * DAY_US;
        (void)!sign_in(&s, 3, was_changed ? SECOND : FIRST);
        code_open = code(&s, app_code(&app, s.now_us)) == 0;
        *wrong += (last == TOLD_CODE || last == TOLD_PASSWORD) && code_open;
    }
    scene_free(&s);
    return WIFEXITED(status);
}

static void check_kills(void)
{
    int wrong = 0, at = 0;

    while (at < 100 && !kill_once(at, &wrong))
        at++;
    printf("# %d places\n", at);
    CHECK(at > 8 && at < 100, "a kill at each write");
    CHECK(wrong == 0, "what was answered holds; nothing is half done");
}

int main(void)
{
    check_enrol();
    check_replay();
    check_code_lock();
    check_recovery();
    check_kills();
    return tap_done();
}
