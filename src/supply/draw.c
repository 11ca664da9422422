#include "supply/draw.h"

#include <math.h>

void fl_philox(const uint32_t counter[4], const uint32_t key[2], uint32_t ret[4])
{
    uint32_t c0 = counter[0], c1 = counter[1], c2 = counter[2], c3 = counter[3];
    uint32_t k0 = key[0], k1 = key[1];

    for (unsigned round = 0; round < 10; round++) {
        uint64_t p0 = (uint64_t)0xD2511F53u * c0, p1 = (uint64_t)0xCD9E8D57u * c2;

        c0 = (uint32_t)(p1 >> 32) ^ c1 ^ k0;
        c2 = (uint32_t)(p0 >> 32) ^ c3 ^ k1;
        c1 = (uint32_t)p1;
        c3 = (uint32_t)p0;
        k0 += 0x9E3779B9u;
        k1 += 0xBB67AE85u;
    }
    ret[0] = c0, ret[1] = c1, ret[2] = c2, ret[3] = c3;
}

double fl_draw_uniform(struct fl_draw *draw)
{
    uint32_t counter[4] = {draw->index++, draw->item, draw->trial, draw->stream};
    uint32_t key[2] = {(uint32_t)draw->seed, (uint32_t)(draw->seed >> 32)};
    uint32_t bits[4];

    fl_philox(counter, key, bits);
    /* The middle of one of 2^53 cells less the last bit: neither 0 nor 1 can come out. */
    return ((double)((((uint64_t)bits[1] << 32 | bits[0]) >> 12)) + 0.5) * 0x1p-52;
}

static double ratio(const double *num, const double *den, double x)
{
    double a = num[7], b = den[7];

    for (int i = 6; i >= 0; i--) {
        a = a * x + num[i];
        b = b * x + den[i];
    }
    return a / b;
}

double fl_normal_quantile(double p)
{
    static const double a[] = {3.3871328727963666080e0, 1.3314166789178437745e2,
                               1.9715909503065514427e3, 1.3731693765509461125e4,
                               4.5921953931549871457e4, 6.7265770927008700853e4,
                               3.3430575583588128105e4, 2.5090809287301226727e3};
    static const double b[] = {1.0,
                               4.2313330701600911252e1,
                               6.8718700749205790830e2,
                               5.3941960214247511077e3,
                               2.1213794301586595867e4,
                               3.9307895800092710610e4,
                               2.8729085735721942674e4,
                               5.2264952788528545610e3};
    static const double c[] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                               5.76949722146069140550e0,  3.64784832476320460504e0,
                               1.27045825245236838258e0,  2.41780725177450611770e-1,
                               2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[] = {1.0,
                               2.05319162663775882187e0,
                               1.67638483018380384940e0,
                               6.89767334985100004550e-1,
                               1.48103976427480074590e-1,
                               1.51986665636164571966e-2,
                               5.47593808499534494600e-4,
                               1.05075007164441684324e-9};
    static const double e[] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                               1.78482653991729133580e0,  2.96560571828504891230e-1,
                               2.65321895265761230930e-2, 1.24266094738807843860e-3,
                               2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[] = {1.0,
                               5.99832206555887937690e-1,
                               1.36929880922735805310e-1,
                               1.48753612908506148525e-2,
                               7.86869131145613259100e-4,
                               1.84631831751005468180e-5,
                               1.42151175831644588870e-7,
                               2.04426310338993978564e-15};
    double q = p - 0.5, r, z;

    if (fabs(q) <= 0.425)
        return q * ratio(a, b, 0.180625 - q * q);
    r = sqrt(-log(q < 0 ? p : 1 - p));
    z = r <= 5 ? ratio(c, d, r - 1.6) : ratio(e, f, r - 5);
    return q < 0 ? -z : z;
}

double fl_draw_normal(struct fl_draw *draw)
{
    return fl_normal_quantile(fl_draw_uniform(draw));
}

static uint32_t poisson_piece(double u, double mean)
{
    double term = exp(-mean), sum = term;
    uint32_t n = 0;

    while (u > sum && n < 2000) {
        term *= mean / ++n;
        sum += term;
    }
    return n;
}

uint32_t fl_draw_poisson(struct fl_draw *draw, double mean)
{
    uint32_t total = 0;

    if (!(mean > 0))
        return 0;
    mean = fmin(mean, FL_DRAW_POISSON_MAX);
    while (mean > 0) {
        total += poisson_piece(fl_draw_uniform(draw), fmin(mean, 500)); /* exp() of it holds */
        mean -= 500;
    }
    return total;
}

double fl_draw_gamma(struct fl_draw *draw, double shape, double scale)
{
    double boost = 1, d, c;

    if (shape < 1) {
        boost = pow(fl_draw_uniform(draw), 1 / shape);
        shape += 1;
    }
    d = shape - 1.0 / 3;
    c = 1 / sqrt(9 * d);
    for (;;) {
        double x = fl_draw_normal(draw), u = fl_draw_uniform(draw), v = 1 + c * x;

        if (v <= 0)
            continue;
        v = v * v * v;
        if (u < 1 - 0.0331 * x * x * x * x || log(u) < 0.5 * x * x + d * (1 - v + log(v)))
            return d * v * scale * boost;
    }
}

double fl_draw_beta(struct fl_draw *draw, double a, double b)
{
    double x = fl_draw_gamma(draw, a, 1), y = fl_draw_gamma(draw, b, 1);

    return x / (x + y);
}

double fl_draw_pert(struct fl_draw *draw, double low, double likely, double high)
{
    double width = high - low;

    if (!(width > 0))
        return likely;
    return low + width * fl_draw_beta(draw, 1 + 4 * (likely - low) / width,
                                      1 + 4 * (high - likely) / width);
}

double fl_draw_lognormal(struct fl_draw *draw, double median, double p95)
{
    double z = fl_draw_normal(draw);

    return p95 > median ? median * exp(log(p95 / median) / 1.6448536269514722 * z) : median;
}

double fl_draw_geometric(struct fl_draw *draw, double probability)
{
    double u = fl_draw_uniform(draw);

    return probability >= 1 ? 1 : ceil(log(u) / log1p(-probability));
}
