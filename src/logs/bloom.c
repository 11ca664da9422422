/* Bloom filters of a block: declared in column.h, bytes in FORMAT.md "Bloom filters". */
#include <string.h>

#include "logs/column.h"

enum { HASHES = 7, BITS_PER_WORD = 10, MIN_BYTES = 8, MAX_BYTES = 128 * 1024 };

static uint64_t word_hash(struct fl_span word, bool fold)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < word.len; i++) {
        unsigned char c = word.ptr[i];

        if (fold && c >= 'A' && c <= 'Z')
            c = (unsigned char)(c + 32);
        h = (h ^ c) * UINT64_C(0x100000001b3);
    }
    h ^= h >> 32;
    h *= UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 29;
}

static uint32_t filter_bytes(uint32_t words)
{
    uint64_t bytes = ((uint64_t)words * BITS_PER_WORD + 7) / 8;

    return bytes < MIN_BYTES ? MIN_BYTES : bytes > MAX_BYTES ? MAX_BYTES : (uint32_t)bytes;
}

/* Spread over any number of bits without a division. */
static size_t bit_of(uint64_t h, unsigned i, size_t bytes)
{
    uint32_t x = (uint32_t)h + i * ((uint32_t)(h >> 32) | 1);

    return (size_t)((uint64_t)x * (bytes * 8) >> 32);
}

static void put_filter(const struct fl_col *col, enum fl_field f, struct fl_buf *out)
{
    bool fold = fl_fields[f].type == FL_T_STR;
    uint32_t bytes = filter_bytes(col->word_count);
    unsigned char *at;

    fl_buf_put_u16(out, (uint16_t)f);
    fl_buf_put_u8(out, HASHES);
    fl_buf_put_u32(out, bytes);
    at = fl_buf_reserve(out, bytes);
    if (at == NULL)
        return;
    memset(at, 0, bytes);
    for (uint32_t w = 1; w < col->word_count; w++) {
        uint64_t h = word_hash(col->words[w], fold);

        for (unsigned i = 0; i < HASHES; i++) {
            size_t bit = bit_of(h, i, bytes);

            at[bit / 8] = (unsigned char)(at[bit / 8] | 1u << (bit % 8));
        }
    }
    out->len += bytes;
}

void fl_bloom_encode(const struct fl_block *block, struct fl_buf *out)
{
    uint16_t count = 0;

    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        count = (uint16_t)(count + (fl_fields[f].bloom && block->col[f].present > 0));
    if (count == 0)
        return;
    fl_buf_put_u16(out, count);
    for (size_t f = 0; f < FL_FIELD_COUNT; f++)
        if (fl_fields[f].bloom && block->col[f].present > 0)
            put_filter(&block->col[f], (enum fl_field)f, out);
}

bool fl_bloom_may_hold(struct fl_span filters, enum fl_field f, struct fl_span word)
{
    struct fl_cursor cur = fl_cursor_of(filters);
    uint16_t count = fl_cursor_u16(&cur);
    uint64_t h = word_hash(word, fl_fields[f].type == FL_T_STR);

    for (uint16_t n = 0; n < count && !cur.failed; n++) {
        uint16_t field = fl_cursor_u16(&cur);
        uint8_t hashes = fl_cursor_u8(&cur);
        struct fl_span bits = fl_cursor_bytes(&cur, fl_cursor_u32(&cur));

        if (cur.failed || field != (uint16_t)f)
            continue;
        if (bits.len < MIN_BYTES || bits.len > MAX_BYTES)
            return true;
        for (unsigned i = 0; i < hashes; i++) {
            size_t bit = bit_of(h, i, bits.len);

            if ((bits.ptr[bit / 8] >> (bit % 8) & 1) == 0)
                return false;
        }
        return true;
    }
    return true;
}
