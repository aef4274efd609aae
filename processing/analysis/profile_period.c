#include <errno.h>
#include <math.h>

#include "processing/analysis/least_squares.h"
#include "processing/analysis/map_profile.h"

enum { MIN_VALUES = 12, MAX_VALUES = 4096, OVERSAMPLING = 4 };

/* Frequencies are per sample. `wave` is subtracted first. */
struct wave {
    double frequency, cosine, sine, constant, trend;
};

struct series {
    const double *values;
    size_t n;
    size_t n_measured;
};

static double wave_at(const struct wave *wave, double place)
{
    const double angle = 2 * M_PI * wave->frequency * place;
    return wave->constant + wave->trend * place + wave->cosine * cos(angle) +
           wave->sine * sin(angle);
}

/* Least-squares constant and trend, with a wave when frequency > 0, of the values less `less`.
 * Returns the sum of squares that is left. */
static double fit_wave(const struct series *series, const struct wave *less, double frequency,
                       struct wave *fitted)
{
    struct normal_equations equations;
    double solution[4] = {0}, total = 0;
    normal_equations_init(&equations, frequency > 0 ? 4 : 2);
    for (size_t i = 0; i < series->n; i++) {
        const double place = (double)i, value = series->values[i] - wave_at(less, place);
        if (!isfinite(value))
            continue;
        const double angle = 2 * M_PI * frequency * place;
        const double gradient[4] = {1, place, frequency > 0 ? cos(angle) : 0,
                                    frequency > 0 ? sin(angle) : 0};
        normal_equations_add(&equations, gradient, value, 1);
        total += value * value;
    }
    *fitted = (struct wave){.frequency = frequency};
    if (normal_equations_solve(&equations, 0, solution, NULL) < 0)
        return NAN;
    *fitted = (struct wave){frequency, solution[2], solution[3], solution[0], solution[1]};
    for (unsigned i = 0; i < equations.n; i++)
        total -= solution[i] * equations.right[i];
    return fmax(total, 0);
}

/* Without the mean first, the sums of squares would lose digits to it. */
static struct wave find_trend(const struct series *series)
{
    static const struct wave nothing = {0};
    struct wave trend;
    fit_wave(series, &nothing, 0, &trend);
    return trend;
}

/* Power of a frequency: what a wave takes from the sum of squares that constant and trend leave. */
static double power_at(const struct series *series, const struct wave *less, double frequency,
                       double left_by_trend)
{
    struct wave wave;
    const double left = fit_wave(series, less, frequency, &wave);
    return isfinite(left) ? left_by_trend - left : 0;
}

static double golden_maximum(const struct series *series, const struct wave *less, double low,
                             double high, double left_by_trend)
{
    static const double ratio = 0.61803398874989485;
    double a = high - ratio * (high - low), b = low + ratio * (high - low);
    double power_a = power_at(series, less, a, left_by_trend);
    double power_b = power_at(series, less, b, left_by_trend);
    while (high - low > 1e-7 / (double)series->n) {
        if (power_a > power_b) {
            high = b;
            b = a;
            power_b = power_a;
            a = high - ratio * (high - low);
            power_a = power_at(series, less, a, left_by_trend);
        } else {
            low = a;
            a = b;
            power_a = power_b;
            b = low + ratio * (high - low);
            power_b = power_at(series, less, b, left_by_trend);
        }
    }
    return (low + high) / 2;
}

/*
 * Mean power of a wave in the residuals, from `from` to `to` times the frequency and at least `gap`
 * times the frequency away from it and its harmonics: twice the variance per sample of white noise
 * of this power. n_waves: how many independent ones that is the mean of.
 */
static double power_around(const struct series *series, const struct wave *less, double from,
                           double to, double gap, unsigned *n_waves)
{
    struct wave trend;
    const double left = fit_wave(series, less, 0, &trend), n = (double)series->n;
    const double low = fmax(less->frequency * from, 1 / n);
    const double high = fmin(less->frequency * to, 0.5) - 1 / n;
    double sum = 0;
    *n_waves = 0;
    for (double q = low; q <= high; q += 1 / n) {
        /* The wave itself has been taken out, and with it what noise was there. */
        const double order = fmax(round(q / less->frequency), 1);
        if (fabs(q - order * less->frequency) < fmax(gap * less->frequency, 0.75 / n))
            continue;
        sum += power_at(series, less, q, left);
        ++*n_waves;
    }
    if (*n_waves)
        return sum / *n_waves;
    *n_waves = 1;
    return 2 * left / (double)series->n_measured;
}

/* Phase of the wave in n values from `first` on, against that of the whole; NaN: too few. Radians.
 */
static double phase_at(const struct series *series, const struct wave *wave, size_t first, size_t n)
{
    struct normal_equations equations;
    double solution[3];
    normal_equations_init(&equations, 3);
    for (size_t i = first; i < first + n && i < series->n; i++) {
        const double place = (double)i, angle = 2 * M_PI * wave->frequency * place;
        const double gradient[3] = {1, cos(angle), sin(angle)};
        const double value = series->values[i] - wave->constant - wave->trend * place;
        if (isfinite(value))
            normal_equations_add(&equations, gradient, value, 1);
    }
    if (normal_equations_solve(&equations, 0, solution, NULL) < 0)
        return NAN;
    return atan2(solution[2], solution[1]) - atan2(wave->sine, wave->cosine);
}

/*
 * What uneven layers add to the variance of the frequency: their phase walks. Steps of the phase
 * from block to block (a period, at least 8 values) have the variance walk + 2 noise, where noise
 * is the variance of a block's phase in white noise; what is above that and its own uncertainty is
 * counted. The noise is read between the harmonics, since the walk widens these. The slope of a
 * straight line through n steps of a random walk has the variance 6/5 walk / n.
 */
static double variance_by_walk(const struct series *series, const struct wave *wave)
{
    unsigned n_waves;
    const double noise_power = power_around(series, wave, 1.2, 5, 0.3, &n_waves);
    const double length = fmax(1, ceil(8 * wave->frequency)) / wave->frequency;
    const size_t n_blocks = (size_t)((double)series->n / length);
    double squares = 0, before = NAN;
    unsigned n = 0;
    for (size_t i = 0; i < n_blocks; i++) {
        const double phase =
            phase_at(series, wave, (size_t)((double)i * length), (size_t)lround(length));
        const double step = remainder(phase - before, 2 * M_PI);
        before = phase;
        if (!isfinite(step))
            continue;
        squares += step * step;
        n++;
    }
    if (n < 5)
        return 0;
    const double amplitude = hypot(wave->cosine, wave->sine);
    const double by_noise = 2 * noise_power / (length * amplitude * amplitude);
    const double walk = squares / n - by_noise;
    if (walk < 2 * by_noise * sqrt(3.0 / n))
        return 0;
    return 1.2 * walk / n / pow(2 * M_PI * length, 2);
}

static double highest_peak(const struct series *series, const struct wave *trend, double left)
{
    const double step = 1 / (double)(OVERSAMPLING * series->n);
    double best = 0, highest = -1;
    for (size_t i = OVERSAMPLING; (double)i * step < 0.5; i++) {
        const double power = power_at(series, trend, (double)i * step, left);
        if (power > highest) {
            highest = power;
            best = (double)i * step;
        }
    }
    return golden_maximum(series, trend, best - step, fmin(best + step, 0.5 - step / 8), left);
}

static void describe(struct profile_period *period, const struct series *series,
                     const struct wave *trend, double left, double frequency, double spacing)
{
    struct wave wave;
    unsigned n_waves;
    const double rest = fit_wave(series, trend, frequency, &wave), power = left - rest;
    const struct wave both = {frequency, wave.cosine, wave.sine, trend->constant + wave.constant,
                              trend->trend + wave.trend};
    const double noise_power = power_around(series, &both, 0.5, 2, 0, &n_waves);
    const double amplitude = hypot(wave.cosine, wave.sine), n = (double)series->n_measured;
    const double by_noise = sqrt(3 * noise_power / n) / (M_PI * (double)series->n * amplitude);
    const double error = sqrt(by_noise * by_noise + variance_by_walk(series, &both));
    /* In noise alone the power has an exponential law, and noise_power is the mean of n_waves such.
     */
    const double one = pow(1 + power / noise_power / n_waves, -(double)n_waves), trials = n / 2;
    *period = (struct profile_period){
        .period = spacing / frequency,
        .error = spacing * error / (frequency * frequency),
        .amplitude = amplitude,
        .phase = atan2(wave.sine, wave.cosine) * 180 / M_PI,
        .explained = left > 0 ? power / left : 0,
        .chance = noise_power > 0 ? -expm1(trials * log1p(-fmin(one, 1))) : 0,
    };
}

int profile_period_find(struct profile_period *period, const double *values, size_t n,
                        double spacing, struct error *error)
{
    struct series series = {.values = values, .n = n};
    for (size_t i = 0; i < n; i++)
        series.n_measured += (size_t)(isfinite(values[i]) != 0);
    if (n > MAX_VALUES)
        return error_set(error, -EINVAL,
                         "a profile of %zu values is too long for its period: at "
                         "most %d",
                         n, MAX_VALUES);
    if (series.n_measured < MIN_VALUES)
        return error_set(error, -ENODATA,
                         "a period needs at least %d measured values, the profile "
                         "has %zu",
                         MIN_VALUES, series.n_measured);
    const struct wave trend = find_trend(&series);
    struct wave unused;
    double squares = 0;
    for (size_t i = 0; i < n; i++)
        squares += isfinite(values[i]) ? values[i] * values[i] : 0;
    const double left = fit_wave(&series, &trend, 0, &unused);
    *period = (struct profile_period){.period = NAN, .error = NAN, .chance = 1};
    if (left > 1e-20 * squares)
        describe(period, &series, &trend, left, highest_peak(&series, &trend, left), spacing);
    if (!(period->chance < 0.01))
        return error_set(error, -ENODATA,
                         "no period stands out of the profile's %zu values: the "
                         "highest peak, a period of %g, comes from noise with probability %.2g",
                         series.n_measured, period->period, period->chance);
    return 0;
}
