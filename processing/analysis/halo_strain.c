#include <math.h>

#include "processing/analysis/halo.h"

void halo_peak_k(const struct halo *halo, double k_per_pixel, double k_per_pixel_error, double *k,
                 double *k_error)
{
    *k = halo->radius * k_per_pixel;
    *k_error = hypot(halo->radius_error * k_per_pixel, halo->radius * k_per_pixel_error);
}

void halo_ellipse(const struct halo *halo, double *ratio, double *azimuth)
{
    const double e = hypot(halo->e1, halo->e2);
    *ratio = (1 + e) / (1 - e);
    *azimuth = e > 0 ? atan2(-halo->e2, -halo->e1) * 90 / M_PI : 0;
}

/* 2 x 2, rows and columns in the order x, y. */
struct matrix {
    double xx, xy, yx, yy;
};

static struct matrix product(const struct matrix *a, const struct matrix *b)
{
    return (struct matrix){
        .xx = a->xx * b->xx + a->xy * b->yx,
        .xy = a->xx * b->xy + a->xy * b->yy,
        .yx = a->yx * b->xx + a->yy * b->yx,
        .yy = a->yx * b->xy + a->yy * b->yy,
    };
}

/* What makes the ring a circle of radius 1. */
static struct matrix rounding(const struct halo *halo)
{
    return (struct matrix){(1 + halo->e1) / halo->radius, halo->e2 / halo->radius,
                           halo->e2 / halo->radius, (1 - halo->e1) / halo->radius};
}

static struct matrix inverse(const struct matrix *m)
{
    const double determinant = m->xx * m->yy - m->xy * m->yx;
    return (struct matrix){m->yy / determinant, -m->xy / determinant, -m->yx / determinant,
                           m->xx / determinant};
}

void halo_strain_against(struct halo_strain *strain, const struct halo *halo,
                         const struct halo *reference)
{
    const struct matrix strained = rounding(halo), unstrained = rounding(reference);
    const struct matrix back = inverse(&unstrained), m = product(&strained, &back);
    const struct matrix transposed = {m.xx, m.yx, m.xy, m.yy};
    const struct matrix square = product(&transposed, &m);
    /* sqrt of a symmetric positive 2 x 2 matrix S: (S + sqrt(det) 1) / sqrt(trace + 2 sqrt(det)).
     */
    const double root = sqrt(square.xx * square.yy - square.xy * square.yx);
    const double scale = sqrt(square.xx + square.yy + 2 * root);
    const double mean_error =
        hypot(halo->radius_error / halo->radius, reference->radius_error / reference->radius);
    const double e1_error = hypot(halo->e1_error, reference->e1_error);
    *strain = (struct halo_strain){
        .exx = (square.xx + root) / scale - 1,
        .eyy = (square.yy + root) / scale - 1,
        .exy = square.xy / scale,
        .exx_error = hypot(mean_error, e1_error),
        .eyy_error = hypot(mean_error, e1_error),
        .exy_error = hypot(halo->e2_error, reference->e2_error),
        .mean_error = mean_error,
        .difference_error = e1_error,
    };
}

void halo_strain_turn(struct halo_strain *turned, const struct halo_strain *strain, double azimuth)
{
    const double angle = 2 * azimuth * M_PI / 180, c = cos(angle), s = sin(angle);
    const double mean = (strain->exx + strain->eyy) / 2, half = (strain->exx - strain->eyy) / 2;
    const double half_turned = c * half + s * strain->exy;
    const double half_error = hypot(c * strain->difference_error, s * strain->exy_error);
    *turned = (struct halo_strain){
        .exx = mean + half_turned,
        .eyy = mean - half_turned,
        .exy = c * strain->exy - s * half,
        .exx_error = hypot(strain->mean_error, half_error),
        .eyy_error = hypot(strain->mean_error, half_error),
        .exy_error = hypot(c * strain->exy_error, s * strain->difference_error),
        .mean_error = strain->mean_error,
        .difference_error = half_error,
    };
}
