/*
 * Rules of erasures as bytes, and words in texts: the first byte says how long the word is. What is
 * found as a whole word stands in the text; a text that is the word itself always has it.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "codec/ip.h"
#include "logs/erase_rule.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void words(const uint8_t *data, size_t size)
{
    size_t len = size == 0 ? 0 : data[0];
    struct fl_span word, text;

    if (size < 2 || len == 0 || len > size - 1)
        return;
    word = fl_span_of(data + 1, len);
    text = fl_span_of(data + 1 + len, size - 1 - len);
    if (!fl_erase_has_word(word, word))
        abort();
    if (fl_erase_has_word(text, word) && text.len < len)
        abort();
}

static void addresses(const uint8_t *data, size_t size)
{
    char text[FL_IP_TEXT_BYTES];
    size_t len;

    if (size < FL_IP_BYTES)
        return;
    len = fl_ip_format(data, text);
    if (!fl_erase_has_ip(fl_span_of(text, len), data))
        abort();
    (void)fl_erase_has_ip(fl_span_of(data + FL_IP_BYTES, size - FL_IP_BYTES), data);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fl_erase_rule rule;
    struct fl_erase_match *match = NULL;
    struct fl_buf again;
    struct fl_err err;

    words(data, size);
    addresses(data, size);
    if (fl_erase_rule_decode(fl_span_of(data, size), &rule, &err) < 0)
        return 0;
    fl_buf_init(&again, 1 << 20);
    fl_erase_rule_encode(&rule, &again);
    if (fl_buf_status(&again, &err) < 0 || again.len > size)
        abort();
    fl_buf_done(&again);
    if (fl_erase_match_new(&rule, &match, &err) >= 0)
        fl_erase_match_free(match);
    return 0;
}
