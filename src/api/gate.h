/*
 * gate.h - inside api: the one place that decides who asks and whether they may.
 *
 * In this order, before any handler runs:
 *   1. who: the local socket; or a token of an API; or a cookie, whose session keys knows. Nobody:
 *      401 with the code `sign_in`, but for routes of FL_OBJECT_OPEN.
 *   2. a cookie's request that may change something shows that a page of ours sent it: header
 *      X-CSRF-Token, and Sec-Fetch-Site where the browser sends it. Else 403 `csrf`.
 *   3. a session that is not wholly open (second factor, own password) does only the next step of
 *      signing in (FL_OBJECT_STEP). Else 403 with the code of the step.
 *   4. another tenant's path is 404, whether the tenant exists or not; the operator's is 403.
 *   5. the route's right (object, verb), from the roles of the user. Else 403 `right`.
 *   6. the operator's staff in a tenant: a living grant for the object's reach. Else 403
 *      `no_grant`.
 * The local socket has every right and passes at once; what it may read of a tenant's data, keys
 * decides (fl_part_cap()).
 */
#ifndef FL_API_GATE_H
#define FL_API_GATE_H

#include "api/route.h"

/* Answers, or runs the route's handler, now or later. Negative: err is answered as a problem. */
int fl_gate_enter(struct fl_req *req, struct fl_err *err) FL_MUST_CHECK;

/* Has the caller this right, here, beside the route's own? For fields that need more than the rest
 * of a request. */
bool fl_gate_may(const struct fl_req *req, enum fl_object object, enum fl_verb verb);

/* Short name of a status, for `code`. */
const char *fl_gate_code(int status);

#endif
