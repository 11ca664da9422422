#include "trust/keymap.h"

#include <sodium.h>
#include <stdlib.h>
#include <string.h>

#include "base/rand.h"

enum { FIRST_SLOTS = 16 };

void fl_keymap_init(struct fl_keymap *map)
{
    *map = (struct fl_keymap){0};
    fl_random(map->seed, sizeof map->seed);
}

static void day_done(struct fl_keymap_day *day)
{
    if (day->slots != NULL)
        explicit_bzero(day->slots, day->cap * sizeof *day->slots);
    free(day->slots);
    explicit_bzero(day, sizeof *day);
}

static void tenant_done(struct fl_keymap_tenant *tenant)
{
    for (size_t i = 0; i < tenant->day_count; i++)
        day_done(&tenant->days[i]);
    free(tenant->days);
    explicit_bzero(tenant, sizeof *tenant);
}

void fl_keymap_done(struct fl_keymap *map)
{
    for (size_t i = 0; i < map->tenant_count; i++)
        tenant_done(&map->tenants[i]);
    free(map->tenants);
    explicit_bzero(map, sizeof *map);
}

/* Where the tenant is, or would be. */
static size_t tenant_at(const struct fl_keymap *map, uint32_t tenant)
{
    size_t low = 0, high = map->tenant_count;

    while (low < high) {
        size_t mid = low + (high - low) / 2;

        if (map->tenants[mid].tenant < tenant)
            low = mid + 1;
        else
            high = mid;
    }
    return low;
}

struct fl_keymap_tenant *fl_keymap_tenant(const struct fl_keymap *map, uint32_t tenant)
{
    size_t at = tenant_at(map, tenant);

    if (at == map->tenant_count || map->tenants[at].tenant != tenant)
        return NULL;
    return &map->tenants[at];
}

struct fl_keymap_day *fl_keymap_day(const struct fl_keymap_tenant *tenant, int32_t day)
{
    for (size_t i = tenant->day_count; i > 0; i--) /* the newest day is asked for most */
        if (tenant->days[i - 1].day == day)
            return &tenant->days[i - 1];
    return NULL;
}

static size_t slot_of(const struct fl_keymap *map, const struct fl_keymap_day *day,
                      const unsigned char *id)
{
    unsigned char hash[crypto_shorthash_BYTES];
    uint64_t n;

    (void)crypto_shorthash(hash, id, FL_FILE_ID_BYTES, map->seed);
    memcpy(&n, hash, sizeof n);
    return (size_t)n & (day->cap - 1);
}

struct fl_keymap_file *fl_keymap_file(const struct fl_keymap *map, const struct fl_keymap_day *day,
                                      const unsigned char id[FL_FILE_ID_BYTES])
{
    if (day->cap == 0)
        return NULL;
    for (size_t i = slot_of(map, day, id); day->slots[i].used; i = (i + 1) & (day->cap - 1))
        if (memcmp(day->slots[i].id, id, FL_FILE_ID_BYTES) == 0)
            return &day->slots[i];
    return NULL;
}

/* Room for one more element; NULL when memory is out (the old array stays). */
static void *room(void *array, size_t *cap, size_t used, size_t size)
{
    size_t more = *cap == 0 ? 4 : *cap * 2;
    void *grown;

    if (used < *cap)
        return array;
    grown = realloc(array, more * size);
    if (grown != NULL)
        *cap = more;
    return grown;
}

int fl_keymap_put_tenant(struct fl_keymap *map, uint32_t tenant, const unsigned char *wrap,
                         struct fl_err *err)
{
    struct fl_keymap_tenant *there = fl_keymap_tenant(map, tenant);
    size_t at = tenant_at(map, tenant);
    void *grown;

    if (there != NULL) {
        memcpy(there->wrap, wrap, sizeof there->wrap);
        return FL_OK;
    }
    if (map->tenant_count >= FL_KEYMAP_TENANTS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "more than %u tenants have keys", FL_KEYMAP_TENANTS_MAX);
    grown = room(map->tenants, &map->cap, map->tenant_count, sizeof *map->tenants);
    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    map->tenants = grown;
    memmove(&map->tenants[at + 1], &map->tenants[at],
            (map->tenant_count - at) * sizeof *map->tenants);
    map->tenant_count++;
    map->tenants[at] = (struct fl_keymap_tenant){.tenant = tenant};
    memcpy(map->tenants[at].wrap, wrap, FL_WRAP_KEY_BYTES);
    return FL_OK;
}

int fl_keymap_put_day(struct fl_keymap *map, uint32_t tenant, int32_t day,
                      const unsigned char *wrap, struct fl_err *err)
{
    struct fl_keymap_tenant *of = fl_keymap_tenant(map, tenant);
    struct fl_keymap_day *there;
    void *grown;

    if (of == NULL)
        return fl_err_set(err, FL_E_NOENT, "tenant %u has no key", tenant);
    there = fl_keymap_day(of, day);
    if (there != NULL) {
        memcpy(there->wrap, wrap, sizeof there->wrap);
        return FL_OK;
    }
    if (of->day_count >= FL_KEYMAP_DAYS_MAX)
        return fl_err_set(err, FL_E_LIMIT, "tenant %u has more than %u days", tenant,
                          FL_KEYMAP_DAYS_MAX);
    grown = room(of->days, &of->cap, of->day_count, sizeof *of->days);
    if (grown == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    of->days = grown;
    of->days[of->day_count] = (struct fl_keymap_day){.day = day};
    memcpy(of->days[of->day_count++].wrap, wrap, FL_WRAP_KEY_BYTES);
    map->days++;
    return FL_OK;
}

/* Where the id is to go; there is an unused slot. */
static struct fl_keymap_file *free_slot(const struct fl_keymap *map,
                                        const struct fl_keymap_day *day, const unsigned char *id)
{
    size_t i = slot_of(map, day, id);

    while (day->slots[i].used)
        i = (i + 1) & (day->cap - 1);
    return &day->slots[i];
}

/* At most half full, so that searches end soon. */
static int grow_day(const struct fl_keymap *map, struct fl_keymap_day *day, struct fl_err *err)
{
    struct fl_keymap_file *old = day->slots, *fresh;
    size_t old_cap = day->cap, cap = old_cap == 0 ? FIRST_SLOTS : old_cap * 2;

    if (day->files * 2 < old_cap)
        return FL_OK;
    fresh = calloc(cap, sizeof *fresh);
    if (fresh == NULL)
        return fl_err_set(err, FL_E_NOMEM, "out of memory");
    day->slots = fresh;
    day->cap = cap;
    for (size_t i = 0; i < old_cap; i++)
        if (old[i].used)
            *free_slot(map, day, old[i].id) = old[i];
    free(old);
    return FL_OK;
}

int fl_keymap_put_file(struct fl_keymap *map, uint32_t tenant, int32_t day,
                       const unsigned char id[FL_FILE_ID_BYTES], const unsigned char *wrap,
                       struct fl_err *err)
{
    struct fl_keymap_tenant *of = fl_keymap_tenant(map, tenant);
    struct fl_keymap_day *in = of == NULL ? NULL : fl_keymap_day(of, day);
    struct fl_keymap_file *file;
    int r;

    if (in == NULL)
        return fl_err_set(err, FL_E_NOENT, "day %d of tenant %u has no key", day, tenant);
    file = fl_keymap_file(map, in, id);
    if (file == NULL) {
        if (in->files >= FL_KEYMAP_DAY_FILES_MAX || map->files >= FL_KEYMAP_FILES_MAX)
            return fl_err_set(err, FL_E_LIMIT,
                              "too many files have keys (%zu in the day, %llu in all)", in->files,
                              (unsigned long long)map->files);
        r = grow_day(map, in, err);
        if (r < 0)
            return r;
        file = free_slot(map, in, id);
        memcpy(file->id, id, FL_FILE_ID_BYTES);
        file->used = true;
        in->files++;
        map->files++;
    }
    memcpy(file->wrap, wrap, sizeof file->wrap);
    return FL_OK;
}

uint64_t fl_keymap_drop_tenant(struct fl_keymap *map, uint32_t tenant)
{
    struct fl_keymap_tenant *of = fl_keymap_tenant(map, tenant);
    uint64_t files = 0;
    size_t at;

    if (of == NULL)
        return 0;
    for (size_t i = 0; i < of->day_count; i++)
        files += of->days[i].files;
    map->days -= of->day_count;
    map->files -= files;
    at = (size_t)(of - map->tenants);
    tenant_done(of);
    map->tenant_count--;
    memmove(of, of + 1, (map->tenant_count - at) * sizeof *of);
    return files;
}

uint64_t fl_keymap_drop_day(struct fl_keymap *map, uint32_t tenant, int32_t day)
{
    struct fl_keymap_tenant *of = fl_keymap_tenant(map, tenant);
    struct fl_keymap_day *in = of == NULL ? NULL : fl_keymap_day(of, day);
    uint64_t files;
    size_t at;

    if (in == NULL)
        return 0;
    files = in->files;
    map->days--;
    map->files -= files;
    at = (size_t)(in - of->days);
    day_done(in);
    of->day_count--;
    memmove(in, in + 1, (of->day_count - at) * sizeof *in);
    return files;
}

uint64_t fl_keymap_drop_file(struct fl_keymap *map, uint32_t tenant, int32_t day,
                             const unsigned char id[FL_FILE_ID_BYTES])
{
    struct fl_keymap_tenant *of = fl_keymap_tenant(map, tenant);
    struct fl_keymap_day *in = of == NULL ? NULL : fl_keymap_day(of, day);
    struct fl_keymap_file *file = in == NULL ? NULL : fl_keymap_file(map, in, id);
    size_t hole, i, mask;

    if (file == NULL)
        return 0;
    mask = in->cap - 1;
    hole = (size_t)(file - in->slots);
    /* Move back what was pushed behind the hole, so that searches still find it (Knuth 6.4 R). */
    for (i = (hole + 1) & mask; in->slots[i].used; i = (i + 1) & mask) {
        size_t home = slot_of(map, in, in->slots[i].id);

        if (((i - home) & mask) >= ((i - hole) & mask)) {
            in->slots[hole] = in->slots[i];
            hole = i;
        }
    }
    explicit_bzero(&in->slots[hole], sizeof in->slots[hole]);
    in->files--;
    map->files--;
    return 1;
}
