#include "api/sse.h"

#define RETRY_MS 3000

bool fl_sse_wanted(const struct fl_req *req)
{
    return fl_span_find_nocase(fl_req_header_in(req, "accept"), FL_SPAN(FL_SSE_TYPE));
}

void fl_sse_begin(struct fl_req *req)
{
    if (req->begun)
        return;
    fl_req_header(req, "Cache-Control", "no-store");
    fl_req_head(req, 200, FL_SSE_TYPE);
    fl_buf_clear(&req->out);
    fl_buf_printf(&req->out, "retry: %d\n\n", RETRY_MS);
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_buf_clear(&req->out);
}

void fl_sse_event(struct fl_req *req, struct fl_span id, const char *name, struct fl_span data)
{
    fl_buf_clear(&req->out);
    if (id.len > 0) {
        fl_buf_put_str(&req->out, "id: ");
        fl_buf_put_span(&req->out, id);
        fl_buf_put_u8(&req->out, '\n');
    }
    if (name[0] != '\0')
        fl_buf_printf(&req->out, "event: %s\n", name);
    fl_buf_put_str(&req->out, "data: ");
    fl_buf_put_span(&req->out, data);
    fl_buf_put_str(&req->out, "\n\n");
    fl_req_piece(req, fl_buf_span(&req->out));
    fl_buf_clear(&req->out);
}

void fl_sse_beat(struct fl_req *req)
{
    fl_req_piece(req, FL_SPAN(": beat\n\n"));
}

void fl_sse_end(struct fl_req *req, const char *code, const char *reason, bool again)
{
    FL_AUTO(fl_buf_done) struct fl_buf text;
    struct fl_json json;

    fl_sse_begin(req);
    fl_buf_init(&text, 4096);
    fl_json_init(&json, &text);
    fl_json_object(&json, NULL);
    fl_json_text(&json, "code", code);
    fl_json_text(&json, "reason", reason);
    fl_json_bool(&json, "again", again);
    fl_json_end(&json);
    if (text.failed == 0)
        fl_sse_event(req, FL_SPAN(""), "end", fl_buf_span(&text));
    fl_req_end(req);
}
