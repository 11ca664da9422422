/*
 * msg.h - the messages between Fairlead's processes, and between them and the command line.
 *
 * One table (msg.c) gives each type its fields; encoding and decoding follow the table, so a new
 * message is one enum member, one struct and one row. Everything is length-checked: a message
 * that is short, long or over a maximum is refused whole. Who may send what to whom stands in the
 * same table and is checked by the receiver (fl_msg_allowed), because a peer may have been taken
 * over. The transport (framing, descriptors, limits) is io/imsg.h.
 */
#ifndef FL_CODEC_MSG_H
#define FL_CODEC_MSG_H

#include <stdbool.h>
#include <stdint.h>

#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"

enum fl_role {
    FL_ROLE_SUPERVISOR,
    FL_ROLE_INGEST,   /* devices' logs: TLS, framing, parsing */
    FL_ROLE_CORE,     /* requests, control database */
    FL_ROLE_STORE,    /* log segments, queries, retention */
    FL_ROLE_KEYS,     /* root key, wrapping, capabilities, TLS signatures */
    FL_ROLE_WEB,      /* HTTPS: TLS, HTTP, files of the screen, event streams */
    FL_ROLE_OUTBOUND, /* connections that we make: feeds, mail, webhooks */
    FL_ROLE_CLIENT,   /* the command line on the local socket */
    FL_ROLE_COUNT
};
const char *fl_role_name(enum fl_role role);

#define FL_MSG_MAX_BYTES ((size_t)256 * 1024) /* payload of one message */
#define FL_MSG_TEXT_MAX  1024u                /* names, paths, error texts */
#define FL_MSG_CHUNK_MAX ((size_t)128 * 1024) /* body pieces, certificates, settings */
#define FL_SLUG_MAX      63u                  /* tenant, site and device ids */

enum fl_msg_type {
    FL_MSG_NONE = 0,
    /* supervisor -> role: start-up and re-linking */
    FL_MSG_CONF,   /* one setting; many, then FL_MSG_START */
    FL_MSG_LINK,   /* fd: a socketpair end to the role `peer` (replaces the old one) */
    FL_MSG_RING,   /* fd: the sealed memfd ring ingest -> store */
    FL_MSG_WAKE,   /* fd: eventfd; which: 0 rows are waiting (store reads), 1 room is back (ingest
                      reads) */
    FL_MSG_LISTEN, /* fd: a bound listening socket, with what is to be spoken on it */
    FL_MSG_DIR,    /* fd: an open folder (O_PATH or O_DIRECTORY) that the role may use, by name */
    FL_MSG_START,  /* everything needed was sent: lock the door, then begin */
    FL_MSG_STOP,   /* finish what is in hand and exit 0 */
    /* role -> supervisor */
    FL_MSG_READY,      /* sandboxed and serving; says what was obtained */
    FL_MSG_ROLES_ASK,  /* core asks */
    FL_MSG_ROLE_STATE, /* one per role, then FL_MSG_DONE */
    /* any */
    FL_MSG_DONE,  /* end of a list or success without a result */
    FL_MSG_FAIL,  /* the answer to a request that failed */
    FL_MSG_AUDIT, /* any role -> core: record a security event */
    /* ingest, store, core <-> keys */
    FL_MSG_CERT_ASK,
    FL_MSG_CERT, /* the server's certificate chain and the CA, PEM */
    FL_MSG_SIGN_ASK,
    FL_MSG_SIGN, /* signature over a digest by the server's TLS key */
    FL_MSG_FILE_KEY_NEW,
    FL_MSG_FILE_KEY_ASK,
    FL_MSG_FILE_KEY,    /* keys of store's files */
    FL_MSG_KEY_DESTROY, /* a file's, a day's or a tenant's key; answer DESTROYED */
    FL_MSG_DESTROYED,
    FL_MSG_KEYS_STAT_ASK,
    FL_MSG_KEYS_STAT,
    FL_MSG_DB_KEY_ASK,
    FL_MSG_DB_KEY, /* core: key of the control database */
    FL_MSG_CSR_SIGN,
    FL_MSG_CSR_SIGNED, /* core: sign a device's certificate request */
    FL_MSG_GRANT,      /* core: local access to a tenant's data until a time */
    FL_MSG_CAP_ASK,
    FL_MSG_CAP,     /* core: mint a capability */
    FL_MSG_CAP_KEY, /* keys -> store: public key that capabilities verify with */
    /* core -> ingest: who may send; a new table replaces the old as a whole at TABLE_END */
    FL_MSG_TABLE_BEGIN,
    FL_MSG_TENANT,
    FL_MSG_DEVICE,
    FL_MSG_TENANT_CA,
    FL_MSG_TABLE_END,
    /* ingest -> core */
    FL_MSG_DEVICE_STAT,
    FL_MSG_ROGUE,
    FL_MSG_CONN_STAT,
    /* store -> ingest */
    FL_MSG_ACCEPTED, /* rows of a connection that are synced */
    /* core <-> store */
    FL_MSG_TENANT_RULE, /* retention and quota; sent for every tenant at link-up and on change */
    FL_MSG_QUERY,       /* with a capability; answers RESULT* then QUERY_END */
    FL_MSG_CREDIT,
    FL_MSG_CANCEL,
    FL_MSG_RESULT,
    FL_MSG_QUERY_END,
    FL_MSG_STORE_STAT_ASK,
    FL_MSG_STORE_STAT,
    FL_MSG_STORE_TENANT, /* STAT, TENANT*, DONE */
    /* client <-> core: the generic request of the API */
    FL_MSG_REQUEST,
    FL_MSG_REQUEST_BODY,
    FL_MSG_RESPONSE,
    FL_MSG_RESPONSE_BODY,
    FL_MSG_RESPONSE_END,
    /* core -> store: destroy days of the capability's tenant; the answer is PURGED or FAIL */
    FL_MSG_PURGE,
    FL_MSG_PURGED,
    FL_MSG_KEY_DESTROY_FILES, /* store -> keys: several files' keys in one epoch; DESTROYED */
    FL_MSG_KEY_FILES_ASK,     /* store -> keys: which files of a tenant have keys, page by page */
    FL_MSG_KEY_FILES,
    /* store -> keys: the ledger of erasures (trust/ledger_link.h); each is answered by ERASURE */
    FL_MSG_ERASURE_BEGIN,
    FL_MSG_ERASURE_DONE,
    FL_MSG_ERASURE_ASK, /* the first that is to be done above a number */
    FL_MSG_ERASURE,
    FL_MSG_RECEIPT_ASK, /* core -> keys: receipts of erasures; RECEIPT*, DONE */
    FL_MSG_RECEIPT,
    FL_MSG_ROOT_CHANGE, /* core -> keys: another root key; ROOT_CHANGED */
    FL_MSG_ROOT_CHANGED,
    FL_MSG_STORE_JOB, /* core -> store: verify, repair, merge ...; answers RESULT*, QUERY_END */
    /* web -> core, beside REQUEST: many at once, told apart by their id */
    FL_MSG_REQUEST_CANCEL, /* who asked has left */
    FL_MSG_RESPONSE_TAKEN, /* the browser's side took bytes of a streamed answer */
    /* core -> keys: people (trust/accounts.h). Answered as said, or by FAIL */
    FL_MSG_SIGN_IN,          /* SESSION */
    FL_MSG_SESSION_ASK,      /* SESSION: whose is this token? */
    FL_MSG_SESSION_CODE,     /* SESSION with another token: the second factor */
    FL_MSG_SESSION_PASSWORD, /* SESSION with another token: a password of one's own */
    FL_MSG_SESSION_ENROL,    /* ENROL: begin with a second factor */
    FL_MSG_ENROL,
    FL_MSG_SESSION_CONFIRM, /* SESSION with another token and the recovery codes */
    FL_MSG_SESSION_END,     /* DONE */
    FL_MSG_SESSIONS_ASK,    /* SESSION*, DONE: the living ones of a user */
    FL_MSG_SESSION,
    FL_MSG_ACCOUNT_SET,    /* ACCOUNT: make one, or change what it may */
    FL_MSG_ACCOUNT_RESET,  /* ACCOUNT, with a temporary password where that was asked */
    FL_MSG_ACCOUNT_REMOVE, /* DONE */
    FL_MSG_ACCOUNT_ASK,    /* ACCOUNT*, DONE */
    FL_MSG_ACCOUNT,
    FL_MSG_TOKEN_NEW,    /* SESSION of the kind token */
    FL_MSG_TENANT_GRANT, /* DONE: the operator's staff may, or may no longer, see a tenant */
    FL_MSG_REVEAL,       /* DONE: a session sees personal data for a while, for a purpose */
    FL_MSG_READS_END,    /* keys -> core: what a session reads of a tenant ends now */
    /* core <-> outbound; the answers carry the id of the request */
    FL_MSG_FETCH,        /* core: read a feed once; FEED_EVENT*, FEED_REFUSED*, FETCHED */
    FL_MSG_FEED_EVENT,   /* an event as the feed's reader gave it */
    FL_MSG_FEED_REFUSED, /* a part of the feed that is no such event, with the reason */
    FL_MSG_FETCHED,      /* the end: how it went */
    FL_MSG_NOTICE,       /* core: send a mail or call a webhook; NOTICE_DONE */
    FL_MSG_NOTICE_DONE,
    FL_MSG_SHARE_SIGN, /* core -> keys: a network of supply is given to somebody (trust/share.h) */
    FL_MSG_SHARE_SIGNED,
    FL_MSG_TYPE_COUNT
};

struct fl_msg_conf {
    struct fl_span name, value;
};
struct fl_msg_link {
    uint8_t peer; /* enum fl_role */
};
struct fl_msg_wake {
    uint8_t which;
};
struct fl_msg_listen {
    uint8_t kind;           /* enum fl_listen_kind */
    struct fl_span name;    /* of the [listener] section; "tls" for the main one */
    struct fl_span tenant;  /* slug that everything on it belongs to; "" for mutual TLS */
    struct fl_span address; /* as bound, for status */
};
enum fl_listen_kind {
    FL_LISTEN_TLS_MUTUAL,
    FL_LISTEN_TLS_SERVER,
    FL_LISTEN_TCP,
    FL_LISTEN_UDP,
    FL_LISTEN_LOCAL,
    FL_LISTEN_WEB
};
struct fl_msg_dir {
    struct fl_span name; /* "store", "control", ...; "web_cert", "web_key": a file to read once */
};
struct fl_msg_ready {
    uint32_t landlock_abi; /* 0 = the kernel has none */
    uint8_t seccomp;       /* 1 = filter is on */
    uint32_t uid;          /* that the role runs as */
    struct fl_span note;   /* what could not be had, for status; "" when all was */
};
struct fl_msg_role_state {
    uint8_t role;
    uint32_t pid;
    uint32_t restarts;
    int64_t since_us;
    uint8_t up;
    uint32_t landlock_abi;
    uint8_t seccomp;
    uint32_t uid;
    struct fl_span note;
};
struct fl_msg_fail {
    int32_t code;
    struct fl_span text;
};
struct fl_msg_audit {
    int64_t at_us;
    struct fl_span event;  /* "device.rogue", "cert.issued", ... */
    struct fl_span tenant; /* slug or "" */
    struct fl_span
        actor; /* clear id such as "uid:0" or "role:ingest"; made a pseudonym by the writer */
    struct fl_span object; /* what it was done to */
    struct fl_span detail; /* JSON object text or "" */
};
struct fl_msg_cert {
    struct fl_span chain_pem, ca_pem;
    struct fl_span key; /* web: SHA-256 of the public key that the operator brought; else "" */
};
struct fl_msg_sign_ask {
    struct fl_span digest; /* at most 64 bytes */
    struct fl_span key;    /* as CERT had it: which key signs; "" = the server's own */
};
struct fl_msg_sign {
    struct fl_span signature; /* DER */
};
/* Keys of files. tenant is the tenant's number; day counts from 1970-01-01; day INT32_MIN = not
 * bound to a day. */
struct fl_msg_file_key_new {
    uint32_t tenant;
    int32_t day;
    struct fl_span file_id; /* 16 bytes */
};
struct fl_msg_file_key_ask {
    uint32_t tenant;
    int32_t day;
    struct fl_span file_id;
};
struct fl_msg_file_key {
    struct fl_span key; /* 32 bytes */
};
struct fl_msg_key_destroy {
    uint32_t tenant;
    int32_t day;
    struct fl_span
        file_id; /* 16 bytes: one file; "": the whole day, or the tenant with day INT32_MIN */
    struct fl_span why; /* "retention", "purge", "erasure" */
};
struct fl_msg_key_destroy_files {
    uint32_t tenant;
    struct fl_span files; /* each i32 day, 16 bytes id; at most FL_KEY_FILES_MAX */
    struct fl_span why;
};
struct fl_msg_key_files_ask {
    uint32_t tenant;
    struct fl_span after; /* "", or an item of the list: those behind it */
};
struct fl_msg_key_files {
    struct fl_span files; /* as above, by day, then id; "": the end */
};
struct fl_msg_erasure { /* ERASURE_BEGIN, ERASURE_DONE, ERASURE_ASK, ERASURE */
    uint64_t number;
    uint8_t again;
    struct fl_span text; /* rule, facts or receipt */
};
struct fl_msg_root_change {
    uint32_t uid; /* who asked, on the local socket */
};
struct fl_msg_root_changed {
    uint32_t epoch; /* that began with it */
    uint64_t files; /* keys that are wrapped anew */
    struct fl_span root_kind;
};
struct fl_msg_receipt_ask {
    uint64_t after; /* receipts with a number above */
    uint32_t limit;
};
struct fl_msg_receipt {
    uint64_t number;
    struct fl_span text;
};
struct fl_msg_destroyed {
    uint64_t keys;
    uint32_t epoch;
    int64_t at_us;
    struct fl_span root_kind;
    struct fl_span signature; /* trust/destroyed.h */
};
struct fl_msg_keys_stat {
    uint32_t epoch;
    uint64_t tenants, days, files;
    struct fl_span root_kind;
    uint64_t signs;
    struct fl_span destroy_key; /* Ed25519, 32 bytes: certificates of destruction verify with it */
};
struct fl_msg_db_key {
    struct fl_span key;       /* 32 bytes */
    struct fl_span actor_key; /* 32 bytes: pseudonyms of actors (trust/audit.h) */
};
struct fl_msg_csr_sign {
    struct fl_span csr_pem;
    uint32_t days;
    struct fl_span tenant, device;
};
struct fl_msg_share_sign {
    struct fl_span tenant; /* slug */
    struct fl_span sha256; /* of what is given, 32 bytes */
};
struct fl_msg_share_signed {
    struct fl_span line;
};
struct fl_msg_csr_signed {
    struct fl_span cert_pem, ca_pem;
    struct fl_span fingerprint; /* SHA-256, 32 bytes */
    int64_t not_after_us;
};
struct fl_msg_grant {
    uint32_t tenant;
    int64_t until_us; /* 0 ends it; INT64_MAX: the demonstration tenant */
};
struct fl_msg_cap_ask {
    uint32_t tenant;
    uint32_t scope;         /* bits of enum fl_cap_scope */
    struct fl_span purpose; /* one word of the purpose list: "query", "export", "operations" */
    uint32_t uid;           /* of the caller on the local socket */
    uint64_t session;       /* number of the session that asks; 0 = the local socket */
};
struct fl_msg_cap {
    struct fl_span cap; /* trust/cap.h */
};
struct fl_msg_cap_key {
    struct fl_span public_key; /* Ed25519, 32 bytes */
};
struct fl_msg_table_end {
    uint64_t generation;
};
struct fl_msg_tenant {
    uint32_t id;
    struct fl_span slug;
    uint8_t demo;
    struct fl_span far_zones, far_instances; /* comma lists, sdwan.md 3.9 */
};
struct fl_msg_device {
    uint32_t tenant;
    struct fl_span slug, site;
    struct fl_span
        fingerprint; /* 32 bytes; "" when it has no certificate (weak listeners, relays) */
    struct fl_span
        host; /* HOSTNAME it is known by behind relays and on weak listeners; "" = slug */
    uint8_t relay, revoked;
};
struct fl_msg_tenant_ca {
    uint32_t tenant;
    struct fl_span ca_pem;
};
/* Counters since the ingest process began (boot); core adds them up. */
struct fl_msg_device_stat {
    uint32_t tenant;
    struct fl_span device;
    uint64_t boot;
    uint64_t lines, bytes, unparsed, raw_kept, repaired, truncated, clock_off;
    uint64_t accepted; /* rows synced by the store */
    uint64_t lost;     /* rows read but not accepted when their connection or the store ended */
    uint64_t dropped;  /* datagrams the kernel dropped (UDP) */
    uint64_t connects;
    uint32_t open;
    int64_t last_us; /* last line received */
    int64_t skew_us; /* device time - time of receipt, latest */
    int64_t gap_us;  /* longest silence between lines of a day's connections */
    uint64_t gaps;   /* reconnects and silences over the limit */
};
struct fl_msg_rogue {
    int64_t at_us;
    struct fl_span fingerprint, subject, address, reason;
    struct fl_span listener;
};
struct fl_msg_conn_stat {
    uint64_t conn;
    uint32_t tenant;
    struct fl_span device, address, listener;
    int64_t since_us;
    uint64_t received, accepted;
    uint8_t open;
    struct fl_span why;
};
struct fl_msg_accepted {
    uint64_t conn;
    uint64_t upto; /* rows of this connection, from 1 */
};
struct fl_msg_tenant_rule {
    uint32_t tenant;
    struct fl_span slug;
    uint32_t keep_days;
    uint64_t quota_bytes; /* 0 = none */
};
struct fl_msg_query {
    struct fl_span cap;     /* trust/cap.h; tenant and scope come from here, nowhere else */
    uint8_t kind;           /* enum fl_query_kind, logs/query.h */
    int64_t from_us, to_us; /* event time, half open */
    struct fl_span filter;  /* text of the filter language */
    struct fl_span by;      /* group field, or comma list of columns for export */
    struct fl_span metric;  /* "bytes", "sessions", "packets", "seconds", "rows" */
    uint32_t limit;
    int64_t step_us; /* series */
    struct fl_span cursor;
    struct fl_span format; /* "json", "ndjson", "csv" */
    uint32_t budget_ms;
    uint64_t budget_bytes;
    uint8_t original; /* with event.original */
};
struct fl_msg_credit {
    uint64_t bytes;
}; /* core can take this many more result bytes */
struct fl_msg_result {
    struct fl_span bytes;
};
struct fl_msg_query_end {
    int32_t code;    /* 0 or enum fl_code */
    uint8_t partial; /* budget ran out: what was sent is not all */
    uint64_t rows_scanned, rows_matched, bytes_read, elapsed_us;
    uint8_t from_rollups;
    struct fl_span cursor; /* where to go on; "" at the end */
    struct fl_span text;   /* why it failed or is partial */
};
struct fl_msg_store_stat {
    uint64_t rows, wal_bytes, wal_files, memtable_rows, memtable_bytes, segments, segment_bytes;
    uint64_t batches_bad, rows_bad, replayed_rows, syncs;
    int64_t last_commit_us;
    uint8_t behind;
    struct fl_span note;
    uint64_t merges, merged,
        retiring;                    /* segments: written by merging, read for it; to be unlinked */
    uint64_t free_bytes;             /* of the disk; UINT64_MAX: unknown */
    uint64_t lost_blocks, lost_rows; /* damaged, as the last whole verify found */
    uint64_t segments_v1, segments_v2; /* by version of their format */
};
struct fl_msg_store_tenant {
    uint32_t tenant;
    uint64_t rows, bytes, segments;
    int32_t oldest_day, newest_day;
    uint64_t no_baseline;
    uint64_t quota_bytes, share_bytes; /* 0: no quota; UINT64_MAX: no limit is reached */
    uint64_t taken_days, taken_bytes;  /* by quota or a full disk, since the role began */
    int64_t taken_us;                  /* the latest; 0: never */
    int32_t taken_day;
};
struct fl_msg_request {
    struct fl_span method, path; /* path with query string, %-encoded */
    struct fl_span type;         /* of the body; "" = none */
    uint64_t body_bytes;         /* that follow in REQUEST_BODY pieces */
    struct fl_span headers;      /* those that core knows: "name: value\n", names in lower case */
    struct fl_span cookie;       /* the session's token as the cookie had it, or "" */
    struct fl_span bearer;       /* the token of an Authorization header, or "" */
    struct fl_span peer;         /* address of the browser; "" on the local socket */
};
struct fl_msg_response {
    uint16_t status;
    struct fl_span type;
    struct fl_span headers; /* to add: "name: value\n" */
};
struct fl_msg_response_taken {
    uint64_t bytes;
};
struct fl_msg_body {
    struct fl_span bytes;
}; /* REQUEST_BODY, RESPONSE_BODY, RESULT */

/*
 * Days of receipt [from_day, to_day], both included, of the capability's tenant: their keys are
 * destroyed, then their bytes. A dry run only counts and needs FL_CAP_READ; a real one needs
 * FL_CAP_PURGE. from_day INT32_MIN with to_day INT32_MAX is the whole tenant: its key goes too, and
 * the store forgets its rule.
 */
struct fl_msg_purge {
    struct fl_span cap; /* trust/cap.h; the tenant comes from here, nowhere else */
    int32_t from_day, to_day;
    uint8_t dry;
    struct fl_span why; /* "purge", "retention", "tenant removed": for the keys role's record */
};
struct fl_msg_purged {
    uint64_t rows, bytes, files; /* that were there; files unlinked (dry run: would be) */
    uint64_t keys;               /* file keys that ceased to exist (dry run: would) */
    uint32_t epoch;              /* of the key table, begun with the last destruction */
    struct fl_span root_kind;    /* "file", later "pkcs11", "tpm" */
    uint32_t segments, days;     /* days that had rows */
};

/* Long work on the store (logs/store_job.h). Kinds that need a capability work on its tenant. */
struct fl_msg_store_job {
    struct fl_span cap; /* trust/cap.h; "" where the kind needs none */
    uint8_t kind;       /* enum fl_job_kind */
    uint8_t dry;
    uint32_t tenant;          /* 0: all */
    int32_t from_day, to_day; /* both included; INT32_MIN, INT32_MAX: all */
    struct fl_span args;      /* the kind's own */
};

/*
 * People. keys knows an account by its number alone; names, roles and the rest are core's. `by` is
 * the number of the session that asks (0: the local socket, whose user id is by_uid): keys lets it
 * only do what that session's own scope allows.
 */
#define FL_MSG_SECRET_MAX 1024u /* passwords, codes, tokens */
enum fl_session_stage {
    FL_STAGE_OPEN,     /* may do what its rights say */
    FL_STAGE_CODE,     /* the second factor is due */
    FL_STAGE_PASSWORD, /* a password of one's own is due (temporary, or over its days) */
    FL_STAGE_ENROL     /* a second factor must be set up */
};
struct fl_msg_sign_in {
    uint32_t user; /* 0: no such name; the answer takes as long and says the same */
    struct fl_span password;
    struct fl_span peer, agent; /* for the list of sessions */
};
struct fl_msg_session_ask {
    struct fl_span token;
    uint8_t active; /* 1: somebody did something, the idle time begins anew */
};
struct fl_msg_session_code {    /* SESSION_CODE and SESSION_CONFIRM */
    struct fl_span token, code; /* six digits; SESSION_CODE: or a recovery code */
};
struct fl_msg_session_password {
    struct fl_span token, old, fresh;
};
struct fl_msg_session_enrol {
    struct fl_span token;
};
struct fl_msg_enrol {
    struct fl_span secret; /* base32 */
};
struct fl_msg_session_end {
    uint64_t by;
    uint32_t by_uid;
    uint32_t user;   /* all of this user ... */
    uint64_t number; /* ... or this one */
};
struct fl_msg_sessions_ask {
    uint32_t user;
};
struct fl_msg_session {
    uint64_t number;
    uint32_t user, tenant;                          /* tenant 0: the operator's staff */
    uint32_t scope;                                 /* bits: trust/accounts.h */
    uint8_t stage;                                  /* enum fl_session_stage */
    uint8_t is_token;                               /* an API token, not a person's session */
    uint8_t totp;                                   /* a second factor is set up */
    int64_t created_us, last_us, idle_us, until_us; /* idle_us: ends then, when nothing is done */
    int64_t password_us;                            /* the password is over its days then */
    int64_t reveal_us;      /* personal data is shown until then; 0 = it is masked */
    uint32_t reveal_tenant; /* of this tenant */
    struct fl_span token;   /* a new one, to be kept by the browser; "" = as before */
    struct fl_span csrf;
    struct fl_span codes; /* recovery codes, a line each */
    struct fl_span peer, agent;
};
struct fl_msg_account_set {
    uint64_t by;
    uint32_t by_uid;
    uint32_t user, tenant, scope;
    uint8_t totp_required, disabled;
    struct fl_span words; /* that the password must not hold: names, one a line */
};
struct fl_msg_account_reset {
    uint64_t by;
    uint32_t by_uid;
    uint32_t user;
    uint8_t what; /* 1 password, 2 second factor, 4 lock */
};
struct fl_msg_account_remove {
    uint64_t by;
    uint32_t by_uid;
    uint32_t user;
};
struct fl_msg_account_ask {
    uint32_t user; /* 0: all */
};
struct fl_msg_account {
    uint32_t user, tenant, scope;
    uint8_t totp_required, disabled, totp, temporary, has_password;
    uint32_t failures, sessions;
    int64_t locked_us, changed_us, last_us; /* locked until; password changed; last sign-in */
    struct fl_span password;                /* temporary, to be told to the person; else "" */
};
struct fl_msg_token_new {
    uint64_t by;
    uint32_t by_uid;
    uint32_t user, tenant, scope;
    int64_t until_us;
};
struct fl_msg_tenant_grant {
    uint64_t by;
    uint32_t by_uid;
    uint32_t tenant;
    uint8_t kind;     /* enum fl_grant_kind, trust/accounts.h */
    uint32_t scope;   /* what it opens */
    int64_t until_us; /* 0 ends it; INT64_MAX: until it is ended */
};
struct fl_msg_reveal {
    uint64_t session;
    uint32_t tenant;
    struct fl_span purpose, ticket;
    int64_t until_us; /* 0 ends it */
};
struct fl_msg_reads_end {
    uint64_t session;
    uint32_t tenant;
};

/*
 * What outbound does for core. Destinations are checked there against outbound_allow and
 * outbound_private, whatever core says: core may have been taken over.
 */
#define FL_MSG_URL_MAX     2048u
#define FL_MSG_HEAD_MAX    4096u                /* first bytes of what was refused */
#define FL_MSG_EVENT_MAX   ((size_t)128 * 1024) /* JSON of an event; longer outlines are thinned */
#define FL_MSG_SUBJECT_MAX 255u
#define FL_MSG_NOTICE_MAX  ((size_t)64 * 1024) /* body of a notice */
struct fl_msg_fetch {
    uint32_t feed;           /* its number, for the record only */
    struct fl_span name;     /* slug; the events carry it */
    struct fl_span kind;     /* "usgs", "gdacs", ...: model/feed.h */
    struct fl_span url;      /* https, or http with plain */
    uint8_t plain;           /* http is meant */
    struct fl_span etag;     /* as the answer before had it; "" = none */
    struct fl_span modified; /* likewise Last-Modified */
    struct fl_span columns;  /* of lists: "ours=theirs" lines; "" = by their names */
    uint64_t max_bytes;      /* of the answer, unpacked */
    uint32_t timeout_ms;     /* for the whole answer */
};
struct fl_msg_feed_event {
    uint32_t feed;
    struct fl_span json; /* codec/world_event.h */
    uint8_t thinned;     /* its outline was too long for a message; its text says so */
};
struct fl_msg_feed_refused {
    uint32_t feed;
    struct fl_span why;
    struct fl_span from; /* URL that it came from */
    struct fl_span head; /* its first bytes, as they came */
    uint64_t bytes;      /* of the whole */
};
struct fl_msg_fetched {
    uint32_t feed;
    int32_t code;        /* 0 or enum fl_code; FL_E_DENIED: by our own rules */
    uint16_t status;     /* of HTTP; 0: there was no answer */
    struct fl_span text; /* why it failed */
    uint8_t not_modified;
    struct fl_span etag, modified;
    uint32_t events, refused; /* told before */
    uint64_t bytes;           /* that came, packed */
    uint32_t retry_after_s;   /* that the server asks for; 0: nothing */
    uint32_t elapsed_ms;
};
enum fl_notice_kind { FL_NOTICE_MAIL, FL_NOTICE_WEBHOOK, FL_NOTICE_KINDS };
struct fl_msg_notice {
    uint8_t kind;           /* enum fl_notice_kind */
    struct fl_span id;      /* stays the same when it is sent again: Message-ID, X-Fairlead-Id */
    struct fl_span to;      /* address of mail, or URL */
    struct fl_span subject; /* UTF-8, one line */
    struct fl_span body;    /* UTF-8 text; of webhooks: JSON */
    struct fl_span secret;  /* webhook: key of the signature; "" = none */
};
struct fl_msg_notice_done {
    int32_t code;           /* 0: taken over by the other side */
    uint8_t again;          /* it may go well later */
    struct fl_span text;    /* why not */
    struct fl_span receipt; /* what the other side said, one line */
    uint32_t retry_after_s;
};

/*
 * Append the payload of a message of this type; msg points at its struct (NULL for types without
 * fields). FL_E_LIMIT when a span is over its maximum.
 */
int fl_msg_encode(enum fl_msg_type type, const void *msg, struct fl_buf *out, struct fl_err *err)
    FL_MUST_CHECK;

/* Fill the struct at ret; spans are borrowed from payload. FL_E_PROTO when it does not fit the
 * table. */
int fl_msg_decode(enum fl_msg_type type, struct fl_span payload, void *ret, struct fl_err *err)
    FL_MUST_CHECK;

/* May `from` send this type to `to`? */
bool fl_msg_allowed(enum fl_msg_type type, enum fl_role from, enum fl_role to);

const char *fl_msg_name(enum fl_msg_type type);
/* Bytes of the type's struct; 0 where it has no fields. */
size_t fl_msg_size(enum fl_msg_type type);

#endif
