/* Run every file of the folders given, and its prefixes cut at a few places, through a fuzz target.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "tap.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static unsigned char *slurp(const char *path, size_t *ret_len)
{
    FILE *f = fopen(path, "rb");
    unsigned char *bytes = malloc((size_t)1 << 22);

    *ret_len = 0;
    if (f != NULL && bytes != NULL)
        *ret_len = fread(bytes, 1, (size_t)1 << 22, f);
    if (f != NULL)
        (void)fclose(f);
    return bytes;
}

static void run_file(const char *path, const char *name)
{
    size_t len;
    unsigned char *bytes = slurp(path, &len);

    for (size_t cut = 0; cut <= 16; cut++) {
        size_t n = len * cut / 16;
        unsigned char *exact = malloc(n + 1); /* so that a read beyond n is seen by ASan */

        if (exact == NULL || bytes == NULL)
            abort();
        exact = realloc(exact, n == 0 ? 1 : n);
        if (exact == NULL)
            abort();
        memcpy(exact, bytes, n);
        (void)LLVMFuzzerTestOneInput(exact, n);
        free(exact);
    }
    free(bytes);
    CHECK(1, name);
}

int main(int argc, char **argv)
{
    (void)LLVMFuzzerTestOneInput((const uint8_t *)"", 0);
    CHECK(1, "the empty input");
    for (int i = 1; i < argc; i++) {
        DIR *dir = opendir(argv[i]);
        struct dirent *entry;

        CHECK(dir != NULL, "the corpus folder is there");
        while (dir != NULL && (entry = readdir(dir)) != NULL) {
            char path[4096];

            if (entry->d_name[0] == '.')
                continue;
            (void)snprintf(path, sizeof path, "%s/%s", argv[i], entry->d_name);
            run_file(path, entry->d_name);
        }
        if (dir != NULL)
            (void)closedir(dir);
    }
    return tap_done();
}
