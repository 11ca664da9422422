#include "io/outside.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

struct block {
    unsigned char ip[16];
    unsigned bits;
};

/* IPv4 that is no place in the public network (IANA special-purpose registry, 2024). */
static const struct block v4_private[] = {{{0}, 8},
                                          {{10}, 8},
                                          {{100, 64}, 10},
                                          {{127}, 8},
                                          {{169, 254}, 16},
                                          {{172, 16}, 12},
                                          {{192, 0, 0}, 24},
                                          {{192, 0, 2}, 24},
                                          {{192, 31, 196}, 24},
                                          {{192, 52, 193}, 24},
                                          {{192, 88, 99}, 24},
                                          {{192, 168}, 16},
                                          {{192, 175, 48}, 24},
                                          {{198, 18}, 15},
                                          {{198, 51, 100}, 24},
                                          {{203, 0, 113}, 24}};
static const struct block v4_never[] = {{{224}, 4}, {{240}, 4}};

/* Of IPv6 only 2000::/3 is public, and within it not these. */
static const struct block v6_private[] = {{{0x20, 0x01, 0x00}, 23},       /* protocols, Teredo */
                                          {{0x20, 0x01, 0x0d, 0xb8}, 32}, /* documentation */
                                          {{0x20, 0x02}, 16},             /* 6to4 */
                                          {{0x26, 0x20, 0x00, 0x4f, 0x80}, 48},
                                          {{0x3f, 0xff}, 20}};
static const struct block v6_public = {{0x20}, 3};
static const struct block v6_multicast = {{0xff}, 8};
static const struct block v6_mapped = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96};
static const struct block v6_nat64 = {{0x00, 0x64, 0xff, 0x9b}, 96};

static bool within(const unsigned char *ip, const struct block *b)
{
    unsigned whole = b->bits / 8, rest = b->bits % 8;

    if (memcmp(ip, b->ip, whole) != 0)
        return false;
    return rest == 0 || ((ip[whole] ^ b->ip[whole]) >> (8 - rest)) == 0;
}

static enum fl_outside_kind kind_v4(const unsigned char *ip)
{
    static const unsigned char none[4];

    if (memcmp(ip, none, 4) == 0)
        return FL_OUTSIDE_NEVER;
    for (size_t i = 0; i < FL_LEN(v4_never); i++)
        if (within(ip, &v4_never[i]))
            return FL_OUTSIDE_NEVER;
    for (size_t i = 0; i < FL_LEN(v4_private); i++)
        if (within(ip, &v4_private[i]))
            return FL_OUTSIDE_PRIVATE;
    return FL_OUTSIDE_PUBLIC;
}

enum fl_outside_kind fl_outside_kind(const unsigned char *ip, unsigned len)
{
    static const unsigned char none[16];

    if (len == 4)
        return kind_v4(ip);
    if (len != 16 || memcmp(ip, none, 16) == 0 || within(ip, &v6_multicast))
        return FL_OUTSIDE_NEVER;
    if (within(ip, &v6_mapped)) /* no name leads here honestly */
        return kind_v4(ip + 12) == FL_OUTSIDE_NEVER ? FL_OUTSIDE_NEVER : FL_OUTSIDE_PRIVATE;
    if (within(ip, &v6_nat64)) /* the translated network's own way to IPv4 (RFC 6052) */
        return kind_v4(ip + 12);
    if (!within(ip, &v6_public))
        return FL_OUTSIDE_PRIVATE;
    for (size_t i = 0; i < FL_LEN(v6_private); i++)
        if (within(ip, &v6_private[i]))
            return FL_OUTSIDE_PRIVATE;
    return FL_OUTSIDE_PUBLIC;
}

int fl_outside_host(const struct fl_outside *o, const char *host, uint16_t port, uint16_t usual,
                    struct fl_err *err)
{
    if (fl_hosts_match(o->allow, host, port, usual))
        return FL_OK;
    return fl_err_set(err, FL_E_DENIED,
                      "%s:%u is not a destination that may be connected to; add it to "
                      "outbound_allow in fairlead.conf if it is meant",
                      host, (unsigned)port);
}

int fl_outside_address(const struct fl_outside *o, const char *host, uint16_t port, uint16_t usual,
                       const struct sockaddr *address, struct fl_err *err)
{
    char text[INET6_ADDRSTRLEN] = "an address of another family";
    enum fl_outside_kind kind = FL_OUTSIDE_NEVER;

    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)address;

        kind = fl_outside_kind((const unsigned char *)&in->sin_addr, 4);
        (void)inet_ntop(AF_INET, &in->sin_addr, text, sizeof text);
    } else if (address->sa_family == AF_INET6) {
        const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)(const void *)address;

        kind = fl_outside_kind((const unsigned char *)&in6->sin6_addr, 16);
        (void)inet_ntop(AF_INET6, &in6->sin6_addr, text, sizeof text);
    }
    if (kind == FL_OUTSIDE_PUBLIC ||
        (kind == FL_OUTSIDE_PRIVATE && fl_hosts_match(o->private_ok, host, port, usual)))
        return FL_OK;
    return fl_err_set(err, FL_E_DENIED,
                      "%s leads to %s, which is no public address; name %s:%u in outbound_private "
                      "in fairlead.conf if it is meant",
                      host, text, host, (unsigned)port);
}
