#include "codec/msg.h"

#include <stddef.h>

#include "base/attr.h"
#include "base/cursor.h"

enum kind { KIND_U8, KIND_U16, KIND_U32, KIND_U64, KIND_SPAN };

struct member {
    enum kind kind;
    size_t offset; /* in the type's struct */
    size_t max;    /* of a span, bytes */
};

#define U8(s, m)                                                                                   \
    {                                                                                              \
        KIND_U8, offsetof(struct fl_msg_##s, m), 0                                                 \
    }
#define U16(s, m)                                                                                  \
    {                                                                                              \
        KIND_U16, offsetof(struct fl_msg_##s, m), 0                                                \
    }
#define U32(s, m)                                                                                  \
    {                                                                                              \
        KIND_U32, offsetof(struct fl_msg_##s, m), 0                                                \
    } /* also int32_t */
#define U64(s, m)                                                                                  \
    {                                                                                              \
        KIND_U64, offsetof(struct fl_msg_##s, m), 0                                                \
    } /* also int64_t */
#define SPAN(s, m, max)                                                                            \
    {                                                                                              \
        KIND_SPAN, offsetof(struct fl_msg_##s, m), max                                             \
    }

static const struct member conf_members[] = {
    SPAN(conf, name, FL_MSG_TEXT_MAX),
    SPAN(conf, value, FL_MSG_CHUNK_MAX),
};

static const struct member link_members[] = {
    U8(link, peer),
};

static const struct member wake_members[] = {
    U8(wake, which),
};

static const struct member listen_members[] = {
    U8(listen, kind),
    SPAN(listen, name, FL_MSG_TEXT_MAX),
    SPAN(listen, tenant, FL_SLUG_MAX),
    SPAN(listen, address, FL_MSG_TEXT_MAX),
};

static const struct member dir_members[] = {
    SPAN(dir, name, FL_MSG_TEXT_MAX),
};

static const struct member ready_members[] = {
    U32(ready, landlock_abi),
    U8(ready, seccomp),
    U32(ready, uid),
    SPAN(ready, note, FL_MSG_TEXT_MAX),
};

static const struct member role_state_members[] = {
    U8(role_state, role),      U32(role_state, pid), U32(role_state, restarts),
    U64(role_state, since_us), U8(role_state, up),   U32(role_state, landlock_abi),
    U8(role_state, seccomp),   U32(role_state, uid), SPAN(role_state, note, FL_MSG_TEXT_MAX),
};

static const struct member fail_members[] = {
    U32(fail, code),
    SPAN(fail, text, FL_MSG_TEXT_MAX),
};

static const struct member audit_members[] = {
    U64(audit, at_us),
    SPAN(audit, event, FL_MSG_TEXT_MAX),
    SPAN(audit, tenant, FL_SLUG_MAX),
    SPAN(audit, actor, FL_MSG_TEXT_MAX),
    SPAN(audit, object, FL_MSG_TEXT_MAX),
    SPAN(audit, detail, 8192),
};

static const struct member cert_members[] = {
    SPAN(cert, chain_pem, FL_MSG_CHUNK_MAX),
    SPAN(cert, ca_pem, FL_MSG_CHUNK_MAX),
    SPAN(cert, key, 32),
};

static const struct member sign_ask_members[] = {
    SPAN(sign_ask, digest, 64),
    SPAN(sign_ask, key, 32),
};

static const struct member sign_members[] = {
    SPAN(sign, signature, 256),
};

static const struct member file_key_new_members[] = {
    U32(file_key_new, tenant),
    U32(file_key_new, day),
    SPAN(file_key_new, file_id, 16),
};

static const struct member file_key_ask_members[] = {
    U32(file_key_ask, tenant),
    U32(file_key_ask, day),
    SPAN(file_key_ask, file_id, 16),
};

static const struct member file_key_members[] = {
    SPAN(file_key, key, 32),
};

static const struct member key_destroy_members[] = {
    U32(key_destroy, tenant),
    U32(key_destroy, day),
    SPAN(key_destroy, file_id, 16),
    SPAN(key_destroy, why, FL_MSG_TEXT_MAX),
};

static const struct member key_destroy_files_members[] = {
    U32(key_destroy_files, tenant),
    SPAN(key_destroy_files, files, FL_MSG_CHUNK_MAX),
    SPAN(key_destroy_files, why, FL_MSG_TEXT_MAX),
};

static const struct member key_files_ask_members[] = {
    U32(key_files_ask, tenant),
    SPAN(key_files_ask, after, 20),
};

static const struct member key_files_members[] = {
    SPAN(key_files, files, FL_MSG_CHUNK_MAX),
};

static const struct member erasure_members[] = {
    U64(erasure, number),
    U8(erasure, again),
    SPAN(erasure, text, 32768),
};

static const struct member root_change_members[] = {
    U32(root_change, uid),
};

static const struct member root_changed_members[] = {
    U32(root_changed, epoch),
    U64(root_changed, files),
    SPAN(root_changed, root_kind, FL_MSG_TEXT_MAX),
};

static const struct member receipt_ask_members[] = {
    U64(receipt_ask, after),
    U32(receipt_ask, limit),
};

static const struct member receipt_members[] = {
    U64(receipt, number),
    SPAN(receipt, text, 32768),
};

static const struct member destroyed_members[] = {
    U64(destroyed, keys),           U32(destroyed, epoch),
    U64(destroyed, at_us),          SPAN(destroyed, root_kind, FL_MSG_TEXT_MAX),
    SPAN(destroyed, signature, 64),
};

static const struct member keys_stat_members[] = {
    U32(keys_stat, epoch),
    U64(keys_stat, tenants),
    U64(keys_stat, days),
    U64(keys_stat, files),
    SPAN(keys_stat, root_kind, FL_MSG_TEXT_MAX),
    U64(keys_stat, signs),
    SPAN(keys_stat, destroy_key, 32),
};

static const struct member db_key_members[] = {
    SPAN(db_key, key, 32),
    SPAN(db_key, actor_key, 32),
};

static const struct member csr_sign_members[] = {
    SPAN(csr_sign, csr_pem, FL_MSG_CHUNK_MAX),
    U32(csr_sign, days),
    SPAN(csr_sign, tenant, FL_SLUG_MAX),
    SPAN(csr_sign, device, FL_SLUG_MAX),
};

static const struct member share_sign_members[] = {
    SPAN(share_sign, tenant, FL_SLUG_MAX),
    SPAN(share_sign, sha256, 32),
};
static const struct member share_signed_members[] = {
    SPAN(share_signed, line, 1024),
};
static const struct member csr_signed_members[] = {
    SPAN(csr_signed, cert_pem, FL_MSG_CHUNK_MAX),
    SPAN(csr_signed, ca_pem, FL_MSG_CHUNK_MAX),
    SPAN(csr_signed, fingerprint, 32),
    U64(csr_signed, not_after_us),
};

static const struct member grant_members[] = {
    U32(grant, tenant),
    U64(grant, until_us),
};

static const struct member cap_ask_members[] = {
    U32(cap_ask, tenant), U32(cap_ask, scope),   SPAN(cap_ask, purpose, FL_MSG_TEXT_MAX),
    U32(cap_ask, uid),    U64(cap_ask, session),
};

static const struct member cap_members[] = {
    SPAN(cap, cap, 512),
};

static const struct member cap_key_members[] = {
    SPAN(cap_key, public_key, 32),
};

static const struct member table_end_members[] = {
    U64(table_end, generation),
};

static const struct member tenant_members[] = {
    U32(tenant, id),
    SPAN(tenant, slug, FL_SLUG_MAX),
    U8(tenant, demo),
    SPAN(tenant, far_zones, FL_MSG_TEXT_MAX),
    SPAN(tenant, far_instances, FL_MSG_TEXT_MAX),
};

static const struct member device_members[] = {
    U32(device, tenant),
    SPAN(device, slug, FL_SLUG_MAX),
    SPAN(device, site, FL_SLUG_MAX),
    SPAN(device, fingerprint, 32),
    SPAN(device, host, FL_MSG_TEXT_MAX),
    U8(device, relay),
    U8(device, revoked),
};

static const struct member tenant_ca_members[] = {
    U32(tenant_ca, tenant),
    SPAN(tenant_ca, ca_pem, FL_MSG_CHUNK_MAX),
};

static const struct member device_stat_members[] = {
    U32(device_stat, tenant),    SPAN(device_stat, device, FL_SLUG_MAX),
    U64(device_stat, boot),      U64(device_stat, lines),
    U64(device_stat, bytes),     U64(device_stat, unparsed),
    U64(device_stat, raw_kept),  U64(device_stat, repaired),
    U64(device_stat, truncated), U64(device_stat, clock_off),
    U64(device_stat, accepted),  U64(device_stat, lost),
    U64(device_stat, dropped),   U64(device_stat, connects),
    U32(device_stat, open),      U64(device_stat, last_us),
    U64(device_stat, skew_us),   U64(device_stat, gap_us),
    U64(device_stat, gaps),
};

static const struct member rogue_members[] = {
    U64(rogue, at_us),
    SPAN(rogue, fingerprint, 32),
    SPAN(rogue, subject, FL_MSG_TEXT_MAX),
    SPAN(rogue, address, FL_MSG_TEXT_MAX),
    SPAN(rogue, reason, FL_MSG_TEXT_MAX),
    SPAN(rogue, listener, FL_MSG_TEXT_MAX),
};

static const struct member conn_stat_members[] = {
    U64(conn_stat, conn),
    U32(conn_stat, tenant),
    SPAN(conn_stat, device, FL_SLUG_MAX),
    SPAN(conn_stat, address, FL_MSG_TEXT_MAX),
    SPAN(conn_stat, listener, FL_MSG_TEXT_MAX),
    U64(conn_stat, since_us),
    U64(conn_stat, received),
    U64(conn_stat, accepted),
    U8(conn_stat, open),
    SPAN(conn_stat, why, FL_MSG_TEXT_MAX),
};

static const struct member accepted_members[] = {
    U64(accepted, conn),
    U64(accepted, upto),
};

static const struct member tenant_rule_members[] = {
    U32(tenant_rule, tenant),
    SPAN(tenant_rule, slug, FL_SLUG_MAX),
    U32(tenant_rule, keep_days),
    U64(tenant_rule, quota_bytes),
};

static const struct member query_members[] = {
    SPAN(query, cap, 512),
    U8(query, kind),
    U64(query, from_us),
    U64(query, to_us),
    SPAN(query, filter, 8192),
    SPAN(query, by, 4096),
    SPAN(query, metric, FL_MSG_TEXT_MAX),
    U32(query, limit),
    U64(query, step_us),
    SPAN(query, cursor, FL_MSG_TEXT_MAX),
    SPAN(query, format, FL_MSG_TEXT_MAX),
    U32(query, budget_ms),
    U64(query, budget_bytes),
    U8(query, original),
};

static const struct member credit_members[] = {
    U64(credit, bytes),
};

static const struct member result_members[] = {
    SPAN(result, bytes, FL_MSG_CHUNK_MAX),
};

static const struct member query_end_members[] = {
    U32(query_end, code),
    U8(query_end, partial),
    U64(query_end, rows_scanned),
    U64(query_end, rows_matched),
    U64(query_end, bytes_read),
    U64(query_end, elapsed_us),
    U8(query_end, from_rollups),
    SPAN(query_end, cursor, FL_MSG_TEXT_MAX),
    SPAN(query_end, text, FL_MSG_TEXT_MAX),
};

static const struct member store_stat_members[] = {
    U64(store_stat, rows),           U64(store_stat, wal_bytes),
    U64(store_stat, wal_files),      U64(store_stat, memtable_rows),
    U64(store_stat, memtable_bytes), U64(store_stat, segments),
    U64(store_stat, segment_bytes),  U64(store_stat, batches_bad),
    U64(store_stat, rows_bad),       U64(store_stat, replayed_rows),
    U64(store_stat, syncs),          U64(store_stat, last_commit_us),
    U8(store_stat, behind),          SPAN(store_stat, note, FL_MSG_TEXT_MAX),
    U64(store_stat, merges),         U64(store_stat, merged),
    U64(store_stat, retiring),       U64(store_stat, free_bytes),
    U64(store_stat, lost_blocks),    U64(store_stat, lost_rows),
    U64(store_stat, segments_v1),    U64(store_stat, segments_v2),
};

static const struct member store_tenant_members[] = {
    U32(store_tenant, tenant),      U64(store_tenant, rows),        U64(store_tenant, bytes),
    U64(store_tenant, segments),    U32(store_tenant, oldest_day),  U32(store_tenant, newest_day),
    U64(store_tenant, no_baseline), U64(store_tenant, quota_bytes), U64(store_tenant, share_bytes),
    U64(store_tenant, taken_days),  U64(store_tenant, taken_bytes), U64(store_tenant, taken_us),
    U32(store_tenant, taken_day),
};

static const struct member request_members[] = {
    SPAN(request, method, FL_MSG_TEXT_MAX),
    SPAN(request, path, 16384),
    SPAN(request, type, FL_MSG_TEXT_MAX),
    U64(request, body_bytes),
    SPAN(request, headers, 8192),
    SPAN(request, cookie, FL_MSG_SECRET_MAX),
    SPAN(request, bearer, FL_MSG_SECRET_MAX),
    SPAN(request, peer, FL_MSG_TEXT_MAX),
};

static const struct member response_members[] = {
    U16(response, status),
    SPAN(response, type, FL_MSG_TEXT_MAX),
    SPAN(response, headers, 8192),
};

static const struct member response_taken_members[] = {
    U64(response_taken, bytes),
};

static const struct member body_members[] = {
    SPAN(body, bytes, FL_MSG_CHUNK_MAX),
};

static const struct member purge_members[] = {
    SPAN(purge, cap, 512),
    U32(purge, from_day),
    U32(purge, to_day),
    U8(purge, dry),
    SPAN(purge, why, FL_MSG_TEXT_MAX),
};

static const struct member purged_members[] = {
    U64(purged, rows),     U64(purged, bytes), U64(purged, files),
    U64(purged, keys),     U32(purged, epoch), SPAN(purged, root_kind, FL_MSG_TEXT_MAX),
    U32(purged, segments), U32(purged, days),
};

static const struct member store_job_members[] = {
    SPAN(store_job, cap, 512),   U8(store_job, kind),      U8(store_job, dry),
    U32(store_job, tenant),      U32(store_job, from_day), U32(store_job, to_day),
    SPAN(store_job, args, 8192),
};

static const struct member sign_in_members[] = {
    U32(sign_in, user),
    SPAN(sign_in, password, FL_MSG_SECRET_MAX),
    SPAN(sign_in, peer, FL_MSG_TEXT_MAX),
    SPAN(sign_in, agent, FL_MSG_TEXT_MAX),
};

static const struct member session_ask_members[] = {
    SPAN(session_ask, token, FL_MSG_SECRET_MAX),
    U8(session_ask, active),
};

static const struct member session_code_members[] = {
    SPAN(session_code, token, FL_MSG_SECRET_MAX),
    SPAN(session_code, code, FL_MSG_SECRET_MAX),
};

static const struct member session_password_members[] = {
    SPAN(session_password, token, FL_MSG_SECRET_MAX),
    SPAN(session_password, old, FL_MSG_SECRET_MAX),
    SPAN(session_password, fresh, FL_MSG_SECRET_MAX),
};

static const struct member session_enrol_members[] = {
    SPAN(session_enrol, token, FL_MSG_SECRET_MAX),
};

static const struct member enrol_members[] = {
    SPAN(enrol, secret, FL_MSG_SECRET_MAX),
};

static const struct member session_end_members[] = {
    U64(session_end, by),
    U32(session_end, by_uid),
    U32(session_end, user),
    U64(session_end, number),
};

static const struct member sessions_ask_members[] = {
    U32(sessions_ask, user),
};

static const struct member session_members[] = {
    U64(session, number),
    U32(session, user),
    U32(session, tenant),
    U32(session, scope),
    U8(session, stage),
    U8(session, is_token),
    U8(session, totp),
    U64(session, created_us),
    U64(session, last_us),
    U64(session, idle_us),
    U64(session, until_us),
    U64(session, password_us),
    U64(session, reveal_us),
    U32(session, reveal_tenant),
    SPAN(session, token, FL_MSG_SECRET_MAX),
    SPAN(session, csrf, FL_MSG_SECRET_MAX),
    SPAN(session, codes, FL_MSG_SECRET_MAX),
    SPAN(session, peer, FL_MSG_TEXT_MAX),
    SPAN(session, agent, FL_MSG_TEXT_MAX),
};

static const struct member account_set_members[] = {
    U64(account_set, by),      U32(account_set, by_uid),       U32(account_set, user),
    U32(account_set, tenant),  U32(account_set, scope),        U8(account_set, totp_required),
    U8(account_set, disabled), SPAN(account_set, words, 4096),
};

static const struct member account_reset_members[] = {
    U64(account_reset, by),
    U32(account_reset, by_uid),
    U32(account_reset, user),
    U8(account_reset, what),
};

static const struct member account_remove_members[] = {
    U64(account_remove, by),
    U32(account_remove, by_uid),
    U32(account_remove, user),
};

static const struct member account_ask_members[] = {
    U32(account_ask, user),
};

static const struct member account_members[] = {
    U32(account, user),      U32(account, tenant),
    U32(account, scope),     U8(account, totp_required),
    U8(account, disabled),   U8(account, totp),
    U8(account, temporary),  U8(account, has_password),
    U32(account, failures),  U32(account, sessions),
    U64(account, locked_us), U64(account, changed_us),
    U64(account, last_us),   SPAN(account, password, FL_MSG_SECRET_MAX),
};

static const struct member token_new_members[] = {
    U64(token_new, by),     U32(token_new, by_uid), U32(token_new, user),
    U32(token_new, tenant), U32(token_new, scope),  U64(token_new, until_us),
};

static const struct member tenant_grant_members[] = {
    U64(tenant_grant, by),  U32(tenant_grant, by_uid), U32(tenant_grant, tenant),
    U8(tenant_grant, kind), U32(tenant_grant, scope),  U64(tenant_grant, until_us),
};

static const struct member reveal_members[] = {
    U64(reveal, session),
    U32(reveal, tenant),
    SPAN(reveal, purpose, FL_MSG_TEXT_MAX),
    SPAN(reveal, ticket, FL_MSG_TEXT_MAX),
    U64(reveal, until_us),
};

static const struct member reads_end_members[] = {
    U64(reads_end, session),
    U32(reads_end, tenant),
};

static const struct member fetch_members[] = {
    U32(fetch, feed),
    SPAN(fetch, name, FL_SLUG_MAX),
    SPAN(fetch, kind, FL_SLUG_MAX),
    SPAN(fetch, url, FL_MSG_URL_MAX),
    U8(fetch, plain),
    SPAN(fetch, etag, FL_MSG_TEXT_MAX),
    SPAN(fetch, modified, FL_MSG_TEXT_MAX),
    SPAN(fetch, columns, FL_MSG_HEAD_MAX),
    U64(fetch, max_bytes),
    U32(fetch, timeout_ms),
};

static const struct member feed_event_members[] = {
    U32(feed_event, feed),
    SPAN(feed_event, json, FL_MSG_EVENT_MAX),
    U8(feed_event, thinned),
};

static const struct member feed_refused_members[] = {
    U32(feed_refused, feed),
    SPAN(feed_refused, why, FL_MSG_TEXT_MAX),
    SPAN(feed_refused, from, FL_MSG_URL_MAX),
    SPAN(feed_refused, head, FL_MSG_HEAD_MAX),
    U64(feed_refused, bytes),
};

static const struct member fetched_members[] = {
    U32(fetched, feed),
    U32(fetched, code),
    U16(fetched, status),
    SPAN(fetched, text, FL_MSG_TEXT_MAX),
    U8(fetched, not_modified),
    SPAN(fetched, etag, FL_MSG_TEXT_MAX),
    SPAN(fetched, modified, FL_MSG_TEXT_MAX),
    U32(fetched, events),
    U32(fetched, refused),
    U64(fetched, bytes),
    U32(fetched, retry_after_s),
    U32(fetched, elapsed_ms),
};

static const struct member notice_members[] = {
    U8(notice, kind),
    SPAN(notice, id, FL_SLUG_MAX),
    SPAN(notice, to, FL_MSG_URL_MAX),
    SPAN(notice, subject, FL_MSG_SUBJECT_MAX),
    SPAN(notice, body, FL_MSG_NOTICE_MAX),
    SPAN(notice, secret, 128),
};

static const struct member notice_done_members[] = {
    U32(notice_done, code),
    U8(notice_done, again),
    SPAN(notice_done, text, FL_MSG_TEXT_MAX),
    SPAN(notice_done, receipt, FL_MSG_TEXT_MAX),
    U32(notice_done, retry_after_s),
};

struct row {
    const char *name;
    const struct member *members;
    size_t count;
    size_t size;       /* of the struct */
    unsigned from, to; /* bits of enum fl_role */
};

#define BIT(role) (1u << FL_ROLE_##role)
#define ROLES     (BIT(INGEST) | BIT(CORE) | BIT(STORE) | BIT(KEYS) | BIT(WEB) | BIT(OUTBOUND))
#define ANY       (ROLES | BIT(SUPERVISOR))
#define ROW(s, name, from, to)                                                                     \
    {                                                                                              \
        name, s##_members, FL_LEN(s##_members), sizeof(struct fl_msg_##s), from, to                \
    }
#define BARE(name, from, to)                                                                       \
    {                                                                                              \
        name, NULL, 0, 0, from, to                                                                 \
    }

static const struct row rows[FL_MSG_TYPE_COUNT] = {
    [FL_MSG_CONF] = ROW(conf, "conf", BIT(SUPERVISOR), ANY),
    [FL_MSG_LINK] = ROW(link, "link", BIT(SUPERVISOR), ANY),
    [FL_MSG_RING] = BARE("ring", BIT(SUPERVISOR), BIT(INGEST) | BIT(STORE)),
    [FL_MSG_WAKE] = ROW(wake, "wake", BIT(SUPERVISOR), BIT(INGEST) | BIT(STORE)),
    [FL_MSG_LISTEN] = ROW(listen, "listen", BIT(SUPERVISOR), BIT(INGEST) | BIT(CORE) | BIT(WEB)),
    [FL_MSG_DIR] = ROW(dir, "dir", BIT(SUPERVISOR), ANY),
    [FL_MSG_START] = BARE("start", BIT(SUPERVISOR), ANY),
    [FL_MSG_STOP] = BARE("stop", BIT(SUPERVISOR), ANY),
    [FL_MSG_READY] = ROW(ready, "ready", ROLES, BIT(SUPERVISOR)),
    [FL_MSG_ROLES_ASK] = BARE("roles_ask", BIT(CORE), BIT(SUPERVISOR)),
    [FL_MSG_ROLE_STATE] = ROW(role_state, "role_state", BIT(SUPERVISOR), BIT(CORE)),
    [FL_MSG_DONE] = BARE("done", ANY, ANY),
    [FL_MSG_FAIL] = ROW(fail, "fail", ANY, ANY),
    [FL_MSG_AUDIT] = ROW(audit, "audit", ANY, BIT(CORE)),
    [FL_MSG_CERT_ASK] = BARE("cert_ask", BIT(INGEST) | BIT(CORE) | BIT(WEB), BIT(KEYS)),
    [FL_MSG_CERT] = ROW(cert, "cert", BIT(KEYS), BIT(INGEST) | BIT(CORE) | BIT(WEB)),
    [FL_MSG_SIGN_ASK] = ROW(sign_ask, "sign_ask", BIT(INGEST) | BIT(WEB), BIT(KEYS)),
    [FL_MSG_SIGN] = ROW(sign, "sign", BIT(KEYS), BIT(INGEST) | BIT(WEB)),
    [FL_MSG_FILE_KEY_NEW] = ROW(file_key_new, "file_key_new", BIT(STORE), BIT(KEYS)),
    [FL_MSG_FILE_KEY_ASK] = ROW(file_key_ask, "file_key_ask", BIT(STORE), BIT(KEYS)),
    [FL_MSG_FILE_KEY] = ROW(file_key, "file_key", BIT(KEYS), BIT(STORE)),
    [FL_MSG_KEY_DESTROY] = ROW(key_destroy, "key_destroy", BIT(STORE), BIT(KEYS)),
    [FL_MSG_KEY_DESTROY_FILES] = ROW(key_destroy_files, "key_destroy_files", BIT(STORE), BIT(KEYS)),
    [FL_MSG_KEY_FILES_ASK] = ROW(key_files_ask, "key_files_ask", BIT(STORE), BIT(KEYS)),
    [FL_MSG_KEY_FILES] = ROW(key_files, "key_files", BIT(KEYS), BIT(STORE)),
    [FL_MSG_ERASURE_BEGIN] = ROW(erasure, "erasure_begin", BIT(STORE), BIT(KEYS)),
    [FL_MSG_ERASURE_DONE] = ROW(erasure, "erasure_done", BIT(STORE), BIT(KEYS)),
    [FL_MSG_ERASURE_ASK] = ROW(erasure, "erasure_ask", BIT(STORE), BIT(KEYS)),
    [FL_MSG_ERASURE] = ROW(erasure, "erasure", BIT(KEYS), BIT(STORE)),
    [FL_MSG_ROOT_CHANGE] = ROW(root_change, "root_change", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ROOT_CHANGED] = ROW(root_changed, "root_changed", BIT(KEYS), BIT(CORE)),
    [FL_MSG_RECEIPT_ASK] = ROW(receipt_ask, "receipt_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_RECEIPT] = ROW(receipt, "receipt", BIT(KEYS), BIT(CORE)),
    [FL_MSG_DESTROYED] = ROW(destroyed, "destroyed", BIT(KEYS), BIT(STORE)),
    [FL_MSG_KEYS_STAT_ASK] = BARE("keys_stat_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_KEYS_STAT] = ROW(keys_stat, "keys_stat", BIT(KEYS), BIT(CORE)),
    [FL_MSG_DB_KEY_ASK] = BARE("db_key_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_DB_KEY] = ROW(db_key, "db_key", BIT(KEYS), BIT(CORE)),
    [FL_MSG_CSR_SIGN] = ROW(csr_sign, "csr_sign", BIT(CORE), BIT(KEYS)),
    [FL_MSG_CSR_SIGNED] = ROW(csr_signed, "csr_signed", BIT(KEYS), BIT(CORE)),
    [FL_MSG_SHARE_SIGN] = ROW(share_sign, "share_sign", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SHARE_SIGNED] = ROW(share_signed, "share_signed", BIT(KEYS), BIT(CORE)),
    [FL_MSG_GRANT] = ROW(grant, "grant", BIT(CORE), BIT(KEYS)),
    [FL_MSG_CAP_ASK] = ROW(cap_ask, "cap_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_CAP] = ROW(cap, "cap", BIT(KEYS), BIT(CORE)),
    [FL_MSG_CAP_KEY] = ROW(cap_key, "cap_key", BIT(KEYS), BIT(STORE)),
    [FL_MSG_TABLE_BEGIN] = BARE("table_begin", BIT(CORE), BIT(INGEST)),
    [FL_MSG_TENANT] = ROW(tenant, "tenant", BIT(CORE), BIT(INGEST)),
    [FL_MSG_DEVICE] = ROW(device, "device", BIT(CORE), BIT(INGEST)),
    [FL_MSG_TENANT_CA] = ROW(tenant_ca, "tenant_ca", BIT(CORE), BIT(INGEST)),
    [FL_MSG_TABLE_END] = ROW(table_end, "table_end", BIT(CORE), BIT(INGEST)),
    [FL_MSG_DEVICE_STAT] = ROW(device_stat, "device_stat", BIT(INGEST), BIT(CORE)),
    [FL_MSG_ROGUE] = ROW(rogue, "rogue", BIT(INGEST), BIT(CORE)),
    [FL_MSG_CONN_STAT] = ROW(conn_stat, "conn_stat", BIT(INGEST), BIT(CORE)),
    [FL_MSG_ACCEPTED] = ROW(accepted, "accepted", BIT(STORE), BIT(INGEST)),
    [FL_MSG_TENANT_RULE] = ROW(tenant_rule, "tenant_rule", BIT(CORE), BIT(STORE)),
    [FL_MSG_QUERY] = ROW(query, "query", BIT(CORE), BIT(STORE)),
    [FL_MSG_CREDIT] = ROW(credit, "credit", BIT(CORE), BIT(STORE)),
    [FL_MSG_CANCEL] = BARE("cancel", BIT(CORE), BIT(STORE)),
    [FL_MSG_RESULT] = ROW(result, "result", BIT(STORE), BIT(CORE)),
    [FL_MSG_QUERY_END] = ROW(query_end, "query_end", BIT(STORE), BIT(CORE)),
    [FL_MSG_STORE_STAT_ASK] = BARE("store_stat_ask", BIT(CORE), BIT(STORE)),
    [FL_MSG_STORE_STAT] = ROW(store_stat, "store_stat", BIT(STORE), BIT(CORE)),
    [FL_MSG_STORE_TENANT] = ROW(store_tenant, "store_tenant", BIT(STORE), BIT(CORE)),
    [FL_MSG_REQUEST] = ROW(request, "request", BIT(CLIENT) | BIT(WEB), BIT(CORE)),
    [FL_MSG_REQUEST_BODY] = ROW(body, "request_body", BIT(CLIENT) | BIT(WEB), BIT(CORE)),
    [FL_MSG_RESPONSE] = ROW(response, "response", BIT(CORE), BIT(CLIENT) | BIT(WEB)),
    [FL_MSG_RESPONSE_BODY] = ROW(body, "response_body", BIT(CORE), BIT(CLIENT) | BIT(WEB)),
    [FL_MSG_RESPONSE_END] = BARE("response_end", BIT(CORE), BIT(CLIENT) | BIT(WEB)),
    [FL_MSG_STORE_JOB] = ROW(store_job, "store_job", BIT(CORE), BIT(STORE)),
    [FL_MSG_PURGE] = ROW(purge, "purge", BIT(CORE), BIT(STORE)),
    [FL_MSG_PURGED] = ROW(purged, "purged", BIT(STORE), BIT(CORE)),
    [FL_MSG_REQUEST_CANCEL] = BARE("request_cancel", BIT(WEB), BIT(CORE)),
    [FL_MSG_RESPONSE_TAKEN] = ROW(response_taken, "response_taken", BIT(WEB), BIT(CORE)),
    [FL_MSG_SIGN_IN] = ROW(sign_in, "sign_in", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION_ASK] = ROW(session_ask, "session_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION_CODE] = ROW(session_code, "session_code", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION_PASSWORD] = ROW(session_password, "session_password", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION_ENROL] = ROW(session_enrol, "session_enrol", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ENROL] = ROW(enrol, "enrol", BIT(KEYS), BIT(CORE)),
    [FL_MSG_SESSION_CONFIRM] = ROW(session_code, "session_confirm", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION_END] = ROW(session_end, "session_end", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSIONS_ASK] = ROW(sessions_ask, "sessions_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_SESSION] = ROW(session, "session", BIT(KEYS), BIT(CORE)),
    [FL_MSG_ACCOUNT_SET] = ROW(account_set, "account_set", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ACCOUNT_RESET] = ROW(account_reset, "account_reset", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ACCOUNT_REMOVE] = ROW(account_remove, "account_remove", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ACCOUNT_ASK] = ROW(account_ask, "account_ask", BIT(CORE), BIT(KEYS)),
    [FL_MSG_ACCOUNT] = ROW(account, "account", BIT(KEYS), BIT(CORE)),
    [FL_MSG_TOKEN_NEW] = ROW(token_new, "token_new", BIT(CORE), BIT(KEYS)),
    [FL_MSG_TENANT_GRANT] = ROW(tenant_grant, "tenant_grant", BIT(CORE), BIT(KEYS)),
    [FL_MSG_REVEAL] = ROW(reveal, "reveal", BIT(CORE), BIT(KEYS)),
    [FL_MSG_READS_END] = ROW(reads_end, "reads_end", BIT(KEYS), BIT(CORE)),
    [FL_MSG_FETCH] = ROW(fetch, "fetch", BIT(CORE), BIT(OUTBOUND)),
    [FL_MSG_FEED_EVENT] = ROW(feed_event, "feed_event", BIT(OUTBOUND), BIT(CORE)),
    [FL_MSG_FEED_REFUSED] = ROW(feed_refused, "feed_refused", BIT(OUTBOUND), BIT(CORE)),
    [FL_MSG_FETCHED] = ROW(fetched, "fetched", BIT(OUTBOUND), BIT(CORE)),
    [FL_MSG_NOTICE] = ROW(notice, "notice", BIT(CORE), BIT(OUTBOUND)),
    [FL_MSG_NOTICE_DONE] = ROW(notice_done, "notice_done", BIT(OUTBOUND), BIT(CORE)),
};

static const struct row *row_of(enum fl_msg_type type)
{
    if ((unsigned)type >= FL_MSG_TYPE_COUNT || rows[type].name == NULL)
        return NULL;
    return &rows[type];
}

const char *fl_role_name(enum fl_role role)
{
    static const char *const names[FL_ROLE_COUNT] = {"supervisor", "ingest", "core",     "store",
                                                     "keys",       "web",    "outbound", "client"};

    return (unsigned)role < FL_ROLE_COUNT ? names[role] : "unknown";
}

const char *fl_msg_name(enum fl_msg_type type)
{
    const struct row *row = row_of(type);

    return row == NULL ? "unknown" : row->name;
}

size_t fl_msg_size(enum fl_msg_type type)
{
    const struct row *row = row_of(type);

    return row == NULL ? 0 : row->size;
}

bool fl_msg_allowed(enum fl_msg_type type, enum fl_role from, enum fl_role to)
{
    const struct row *row = row_of(type);

    if (row == NULL || (unsigned)from >= FL_ROLE_COUNT || (unsigned)to >= FL_ROLE_COUNT)
        return false;
    return (row->from >> from & 1) != 0 && (row->to >> to & 1) != 0;
}

/* Members are read and written through memcpy: the struct is known to the table only. */
static int put_member(const struct row *row, const struct member *m, const char *base,
                      struct fl_buf *out, struct fl_err *err)
{
    struct fl_span span;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (m->kind) {
    case KIND_U8:
        memcpy(&u8, base + m->offset, sizeof u8);
        fl_buf_put_u8(out, u8);
        break;
    case KIND_U16:
        memcpy(&u16, base + m->offset, sizeof u16);
        fl_buf_put_u16(out, u16);
        break;
    case KIND_U32:
        memcpy(&u32, base + m->offset, sizeof u32);
        fl_buf_put_u32(out, u32);
        break;
    case KIND_U64:
        memcpy(&u64, base + m->offset, sizeof u64);
        fl_buf_put_u64(out, u64);
        break;
    case KIND_SPAN:
        memcpy(&span, base + m->offset, sizeof span);
        if (span.len > m->max)
            return fl_err_set(err, FL_E_LIMIT, "message %s: a field of %zu bytes is over its %zu",
                              row->name, span.len, m->max);
        fl_buf_put_lv(out, span);
        break;
    }
    return FL_OK;
}

int fl_msg_encode(enum fl_msg_type type, const void *msg, struct fl_buf *out, struct fl_err *err)
{
    const struct row *row = row_of(type);

    if (row == NULL)
        return fl_err_set(err, FL_E_INVAL, "no message has the type %d", (int)type);
    for (size_t i = 0; i < row->count; i++) {
        int r = put_member(row, &row->members[i], msg, out, err);

        if (r < 0)
            return r;
    }
    if (fl_buf_status(out, err) < 0)
        return fl_err_wrap(err, "message %s", row->name);
    return FL_OK;
}

static void get_member(const struct member *m, struct fl_cursor *cur, char *base)
{
    struct fl_span span;
    uint8_t u8;
    uint16_t u16;
    uint32_t u32;
    uint64_t u64;

    switch (m->kind) {
    case KIND_U8:
        u8 = fl_cursor_u8(cur);
        memcpy(base + m->offset, &u8, sizeof u8);
        break;
    case KIND_U16:
        u16 = fl_cursor_u16(cur);
        memcpy(base + m->offset, &u16, sizeof u16);
        break;
    case KIND_U32:
        u32 = fl_cursor_u32(cur);
        memcpy(base + m->offset, &u32, sizeof u32);
        break;
    case KIND_U64:
        u64 = fl_cursor_u64(cur);
        memcpy(base + m->offset, &u64, sizeof u64);
        break;
    case KIND_SPAN:
        span = fl_cursor_lv(cur, m->max);
        memcpy(base + m->offset, &span, sizeof span);
        break;
    }
}

int fl_msg_decode(enum fl_msg_type type, struct fl_span payload, void *ret, struct fl_err *err)
{
    const struct row *row = row_of(type);
    struct fl_cursor cur = fl_cursor_of(payload);

    if (row == NULL)
        return fl_err_set(err, FL_E_PROTO, "no message has the type %d", (int)type);
    for (size_t i = 0; i < row->count; i++)
        get_member(&row->members[i], &cur, ret);
    if (!fl_cursor_done(&cur))
        return fl_err_set(err, FL_E_PROTO, "message %s of %zu bytes does not fit its table",
                          row->name, payload.len);
    return FL_OK;
}
