/* The ledger of erasures and its receipts: any bytes. */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "trust/ledger.h"
#include "trust/receipt.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned char hash[FL_LEDGER_HASH_BYTES] = {0}, public[FL_RECEIPT_PUBLIC_BYTES];
    struct fl_span bytes = fl_span_of(data, size);
    struct fl_ledger_item item;
    size_t at = size < FL_LEDGER_HEADER_BYTES ? size : FL_LEDGER_HEADER_BYTES, before;
    uint64_t number = 1;
    struct fl_err err;

    do {
        before = at;
        if (fl_ledger_next(bytes, &at, number, hash, &item, &err) != 1)
            break;
        if (at <= before || at > size || item.number != number)
            abort();
        number++;
    } while (at < size);
    if (fl_receipt_verify(bytes, public, &err) >= 0 && size < 200)
        abort();
    return 0;
}
