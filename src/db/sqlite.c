/*
 * sqlite.c - db/sql.h on SQLite3 Multiple Ciphers.
 *
 * Cipher: ChaCha20-Poly1305, the library's default. Every page carries its own nonce and tag, so a
 * changed or swapped page is refused, not read; it needs no AES hardware; and our key is random, so
 * no password hashing is wanted (the other authenticated choice, SQLCipher's AES-CBC with HMAC,
 * brings PBKDF2 and two passes a page).
 */
#include <fcntl.h>
#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/attr.h"
#include "base/fd.h"
#include "db/sql.h"

enum { CACHED = 256, BUSY_MS = 2000 };

struct fl_stmt {
    struct fl_sql *sql;
    sqlite3_stmt *handle;
    char *text; /* owned */
    const char
        *from; /* where the text stood: mostly a literal, which is found without comparing all */
    int busy, cached;
    int failed; /* SQLite's code of a value that could not be bound */
};

struct fl_sql {
    sqlite3 *handle;
    struct fl_stmt *cache[CACHED];
    size_t cached;
};

/* ---- files: relative paths stay relative, so that folders above need not be searchable ---- */

#define VFS_NAME "fairlead-unix"

static int keep_path(sqlite3_vfs *vfs, const char *path, int size, char *out)
{
    (void)vfs;
    return snprintf(out, (size_t)size, "%s", path) < size ? SQLITE_OK : SQLITE_CANTOPEN;
}

static const char *vfs_name(void)
{
    static sqlite3_vfs vfs;
    sqlite3_vfs *unix_vfs = sqlite3_vfs_find("unix");

    if (vfs.zName == NULL && unix_vfs != NULL) {
        vfs = *unix_vfs;
        vfs.pNext = NULL;
        vfs.zName = VFS_NAME;
        vfs.xFullPathname = keep_path;
        if (sqlite3_vfs_register(&vfs, 0) != SQLITE_OK ||
            sqlite3mc_vfs_create(VFS_NAME, 0) != SQLITE_OK)
            vfs.zName = NULL;
    }
    return vfs.zName == NULL ? NULL : "multipleciphers-" VFS_NAME;
}

/* ---- errors ---- */

static int code_of(int rc)
{
    switch (rc) {
    case SQLITE_CONSTRAINT_UNIQUE:
    case SQLITE_CONSTRAINT_PRIMARYKEY:
        return FL_E_EXISTS;
    case SQLITE_CONSTRAINT_FOREIGNKEY:
        return FL_E_NOENT;
    default:
        break;
    }
    switch (rc & 0xff) {
    case SQLITE_NOMEM:
        return FL_E_NOMEM;
    case SQLITE_CONSTRAINT:
    case SQLITE_RANGE:
    case SQLITE_MISMATCH:
        return FL_E_INVAL;
    case SQLITE_TOOBIG:
        return FL_E_LIMIT;
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
        return FL_E_CORRUPT;
    default:
        return FL_E_IO;
    }
}

static int fail(const struct fl_sql *sql, struct fl_err *err)
{
    return fl_err_set(err, code_of(sqlite3_extended_errcode(sql->handle)), "control database: %s",
                      sqlite3_errmsg(sql->handle));
}

/* ---- opening ---- */

static int set_key(struct fl_sql *sql, const unsigned char *key, struct fl_err *err)
{
    unsigned char raw[4 + FL_SQL_KEY_BYTES] = "raw:"; /* taken as it is, not hashed */
    int rc;

    if (sqlite3mc_config(sql->handle, "cipher", sqlite3mc_cipher_index("chacha20")) < 0)
        return fl_err_set(err, FL_E_IO, "this SQLite has no cipher chacha20");
    memcpy(raw + 4, key, FL_SQL_KEY_BYTES);
    rc = sqlite3_key_v2(sql->handle, "main", raw, (int)sizeof raw);
    explicit_bzero(raw, sizeof raw);
    return rc == SQLITE_OK ? FL_OK : fail(sql, err);
}

/* The first read shows whether the key fits; with EXCLUSIVE it takes the lock for good, and the
 * index of the write-ahead log stays in memory instead of a shared file. */
static int settle_in(struct fl_sql *sql, const char *path, struct fl_err *err)
{
    static const char settings[] = "PRAGMA locking_mode=EXCLUSIVE;"
                                   "PRAGMA journal_mode=WAL;"
                                   "PRAGMA synchronous=FULL;"
                                   "PRAGMA foreign_keys=ON;"
                                   "PRAGMA trusted_schema=OFF;"
                                   "PRAGMA cell_size_check=ON;"
                                   "PRAGMA cache_size=-16384;" /* KiB: a page is opened once */
                                   "BEGIN IMMEDIATE; COMMIT;";
    int rc = sqlite3_exec(sql->handle, settings, NULL, NULL, NULL);

    if (rc == SQLITE_NOTADB)
        return fl_err_set(err, FL_E_DENIED,
                          "%s does not open with this key, or is not a control database", path);
    if (rc == SQLITE_BUSY)
        return fl_err_set(err, FL_E_EXISTS, "%s is open in another process", path);
    return rc == SQLITE_OK ? FL_OK : fail(sql, err);
}

/* Its owner's only; what stands beside it takes the mode from it. A file that is there is not
 * opened: closing it would drop the locks that this process may have on it (POSIX). */
static void make_file(const char *path)
{
    FL_AUTO(fl_fd_closep) int fd = -1;

    (void)!fl_file_open(AT_FDCWD, path, O_RDWR | O_CREAT | O_EXCL | O_NOFOLLOW, 0600, &fd, NULL);
}

int fl_sql_open(const char *path, const unsigned char key[FL_SQL_KEY_BYTES], struct fl_sql **ret,
                struct fl_err *err)
{
    struct fl_sql *sql = calloc(1, sizeof *sql);
    const char *vfs;
    int rc, r;

    if (sql == NULL || sqlite3_initialize() != SQLITE_OK) {
        free(sql);
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    }
    make_file(path);
    vfs = vfs_name();
    rc = vfs == NULL ? SQLITE_ERROR
                     : sqlite3_open_v2(path, &sql->handle,
                                       SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE |
                                           SQLITE_OPEN_NOMUTEX | SQLITE_OPEN_EXRESCODE,
                                       vfs);
    if (rc != SQLITE_OK) {
        r = fl_err_set(err, FL_E_IO, "open %s: %s", path,
                       sql->handle == NULL ? "no file layer" : sqlite3_errmsg(sql->handle));
    } else {
        (void)sqlite3_busy_timeout(sql->handle, BUSY_MS);
        (void)sqlite3_db_config(sql->handle, SQLITE_DBCONFIG_DEFENSIVE, 1, NULL);
        /* Plans do not look at bound values: else each LIMIT ? is planned anew each time. */
        (void)sqlite3_db_config(sql->handle, SQLITE_DBCONFIG_ENABLE_QPSG, 1, NULL);
        r = set_key(sql, key, err);
        if (r == 0)
            r = settle_in(sql, path, err);
    }
    if (r < 0) {
        fl_sql_close(sql);
        return r;
    }
    *ret = sql;
    return FL_OK;
}

static void stmt_free(struct fl_stmt *stmt)
{
    (void)sqlite3_finalize(stmt->handle);
    free(stmt->text);
    free(stmt);
}

void fl_sql_close(struct fl_sql *sql)
{
    if (sql == NULL)
        return;
    for (size_t i = 0; i < sql->cached; i++)
        stmt_free(sql->cache[i]);
    (void)sqlite3_close(sql->handle);
    free(sql);
}

int fl_sql_run(struct fl_sql *sql, const char *text, struct fl_err *err)
{
    return sqlite3_exec(sql->handle, text, NULL, NULL, NULL) == SQLITE_OK ? FL_OK : fail(sql, err);
}

/* ---- statements ---- */

static struct fl_stmt *from_cache(struct fl_sql *sql, const char *text)
{
    for (size_t i = 0; i < sql->cached; i++)
        if (sql->cache[i]->from == text && !sql->cache[i]->busy &&
            strcmp(sql->cache[i]->text, text) == 0)
            return sql->cache[i];
    for (size_t i = 0; i < sql->cached; i++)
        if (!sql->cache[i]->busy && strcmp(sql->cache[i]->text, text) == 0)
            return sql->cache[i];
    return NULL;
}

int fl_sql_prepare(struct fl_sql *sql, const char *text, struct fl_stmt **ret, struct fl_err *err)
{
    struct fl_stmt *stmt = from_cache(sql, text);

    if (stmt == NULL) {
        stmt = calloc(1, sizeof *stmt);
        if (stmt == NULL)
            return fl_err_set(err, FL_E_NOMEM, "out of memory");
        stmt->sql = sql;
        stmt->text = strdup(text);
        stmt->from = text;
        if (stmt->text == NULL ||
            sqlite3_prepare_v3(sql->handle, text, -1, SQLITE_PREPARE_PERSISTENT, &stmt->handle,
                               NULL) != SQLITE_OK) {
            stmt_free(stmt);
            return fail(sql, err);
        }
        if (sql->cached < CACHED) {
            sql->cache[sql->cached++] = stmt;
            stmt->cached = 1;
        }
    }
    stmt->busy = 1;
    stmt->failed = SQLITE_OK;
    *ret = stmt;
    return FL_OK;
}

void fl_stmt_release(struct fl_stmt *stmt)
{
    if (stmt == NULL)
        return;
    (void)sqlite3_reset(stmt->handle);
    (void)sqlite3_clear_bindings(stmt->handle);
    stmt->busy = 0;
    if (!stmt->cached)
        stmt_free(stmt);
}

static void bound(struct fl_stmt *stmt, int rc)
{
    if (rc != SQLITE_OK && stmt->failed == SQLITE_OK)
        stmt->failed = rc;
}

void fl_stmt_i64(struct fl_stmt *stmt, int at, int64_t value)
{
    bound(stmt, sqlite3_bind_int64(stmt->handle, at, value));
}

/* A NULL pointer would bind NULL. */
static const void *not_null(struct fl_span value)
{
    return value.ptr == NULL ? (const unsigned char *)"" : value.ptr;
}

void fl_stmt_text(struct fl_stmt *stmt, int at, struct fl_span value)
{
    bound(stmt, sqlite3_bind_text64(stmt->handle, at, not_null(value), value.len, SQLITE_TRANSIENT,
                                    SQLITE_UTF8));
}

void fl_stmt_blob(struct fl_stmt *stmt, int at, struct fl_span value)
{
    bound(stmt,
          sqlite3_bind_blob64(stmt->handle, at, not_null(value), value.len, SQLITE_TRANSIENT));
}

int fl_stmt_step(struct fl_stmt *stmt, struct fl_err *err)
{
    int rc;

    if (stmt->failed != SQLITE_OK)
        return fl_err_set(err, code_of(stmt->failed), "control database: %s",
                          sqlite3_errstr(stmt->failed));
    rc = sqlite3_step(stmt->handle);
    if (rc == SQLITE_ROW)
        return 1;
    return rc == SQLITE_DONE ? 0 : fail(stmt->sql, err);
}

int64_t fl_stmt_get_i64(const struct fl_stmt *stmt, int column)
{
    return sqlite3_column_int64(stmt->handle, column);
}

struct fl_span fl_stmt_get_bytes(const struct fl_stmt *stmt, int column)
{
    const void *at = sqlite3_column_blob(stmt->handle, column);

    return fl_span_of(at, at == NULL ? 0 : (size_t)sqlite3_column_bytes(stmt->handle, column));
}

int64_t fl_sql_last_id(const struct fl_sql *sql)
{
    return sqlite3_last_insert_rowid(sql->handle);
}

int64_t fl_sql_changes(const struct fl_sql *sql)
{
    return sqlite3_changes64(sql->handle);
}

int fl_sql_settle(struct fl_sql *sql, struct fl_err *err)
{
    return fl_sql_run(sql, "PRAGMA wal_checkpoint(TRUNCATE)", err);
}
